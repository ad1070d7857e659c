"""The same trial in people of other conditions, to be held beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field

from leukinetics.errors import suggest
from leukinetics.trial.protocol.arms import Dose
from leukinetics.trial.protocol.endpoint import Endpoint
from leukinetics.trial.protocol.fields import Criterion, Name, Part

#: Tables of a protocol that a condition may have for itself; people, arms and the seed are those of the trial.
INSTEAD = (
    "parameter", "eligibility", "rule", "dropout", "schedule", "endpoint", "analysis", "subgroup", "threshold",
    "uncertainty", "power", "sensitivity",
)  # fmt: skip
_LISTED = ("rule", "endpoint", "subgroup", "threshold")


class Also(Part):
    """The same trial once more, in people of another condition: the same arms, visits, endpoints, seed and studies.

    Each is a whole trial with a folder and a report of its own; the trial's own report holds them side by side. Where a
    condition has not what the trial reads, such as a mood score, `instead` puts other tables there.
    """

    condition: Annotated[Name, Field(description="whom it is about: a condition of the model")]
    name: Annotated[Name | None, Field(description="what it is called; by default the condition's title")] = None
    eligibility: Annotated[
        dict[str, Criterion], Field(description="criteria besides the trial's, or in place of those of the same name")
    ] = {}
    background: Annotated[list[Dose], Field(description="therapy of the condition, in every arm besides its own")] = []
    endpoint: Annotated[list[Endpoint], Field(description="endpoints of the condition, besides the trial's")] = []
    instead: Annotated[
        dict[str, Any],
        Field(description="whole tables in place of the trial's, where the condition has other endpoints or studies"),
    ] = {}

    def problems(self) -> Iterator[tuple[str, str]]:
        for name, table in self.instead.items():
            if name not in INSTEAD:
                near = suggest(name, INSTEAD)
                yield "instead", f"'{name:.60}' cannot be another one; {', '.join(INSTEAD)} can.{near}"
            elif not isinstance(table, list if name in _LISTED else dict):
                yield "instead", f"'{name}' has to be {'a list of tables' if name in _LISTED else 'a table'}."
