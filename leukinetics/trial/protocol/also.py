"""The same trial in people of other conditions, to be held beside it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from leukinetics.trial.protocol.arms import Dose
from leukinetics.trial.protocol.endpoint import Endpoint
from leukinetics.trial.protocol.fields import Criterion, Name, Part


class Also(Part):
    """The same trial once more, in people of another condition: the same arms, visits, endpoints, seed and studies.

    Each is a whole trial with a folder and a report of its own; the trial's own report holds them side by side.
    """

    condition: Annotated[Name, Field(description="whom it is about: a condition of the model")]
    name: Annotated[Name | None, Field(description="what it is called; by default the condition's title")] = None
    eligibility: Annotated[
        dict[str, Criterion], Field(description="criteria besides the trial's, or in place of those of the same name")
    ] = {}
    background: Annotated[list[Dose], Field(description="therapy of the condition, in every arm besides its own")] = []
    endpoint: Annotated[list[Endpoint], Field(description="endpoints of the condition, besides the trial's")] = []
