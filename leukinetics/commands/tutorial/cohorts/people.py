"""The people of the tutorial's table: groups of a cohort's protocol, simulated as trials in which nothing is given."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import leukinetics as lk

if TYPE_CHECKING:
    import pandas as pd

    from leukinetics.trial.result import TrialResult

#: People of each group, those with a second sample, and the week of that.
SIZES = {"controls": 110, "CIS": 70, "RR": 290, "SP": 50, "PP": 80}
SECOND, AGAIN = 60, 52
#: Weeks of follow-up, and between looks at relapses.
WEEKS, EVERY = 156, 4
MARKERS = ("il6_csf", "il6", "il1b_csf", "crp")
SEED = 534


def people(protocol: Path) -> pd.DataFrame:
    """A row for each person: group, covariates (age in years), ``<marker>.0`` and ``<marker>.1`` (at the first sample
    and a year later, as the assay would tell without its limit), ``active`` (1, 0; NaN in controls), ``relapses``
    (days of them from the first sample on), ``edss`` (its change).

    ``protocol``: of a cohort; its groups are taken with the numbers of :data:`SIZES`. ``active`` is by its [activity].
    """
    import pandas as pd

    given = tomllib.loads(protocol.read_text(encoding="utf-8"))
    return pd.concat([_group(g, given["activity"]["any"], i) for i, g in enumerate(given["group"])], ignore_index=True)


def true_levels(protocol: Path) -> pd.DataFrame:
    """group and ``<marker>`` of the same people, in the same order, at the first sample: the levels themselves, without
    the assay's error and its limit, and without how a person varies from day to day."""
    import pandas as pd

    given = tomllib.loads(protocol.read_text(encoding="utf-8"))
    found = []
    for i, group in enumerate(given["group"]):
        done = _simulated(group, i, weeks=EVERY, noise=False)
        seen = done.observations[done.observations["time"] == 0]
        found.append(
            seen.pivot(index="patient", columns="name", values="value")[list(MARKERS)].assign(group=group["name"])
        )
    return pd.concat(found, ignore_index=True)


def _simulated(group: dict[str, Any], number: int, weeks: int = WEEKS, noise: bool = True) -> TrialResult:
    """A trial in which nothing is given to the people of a group."""
    ill = group["condition"] != "healthy"
    measured = [*MARKERS, *(("gd_lesions", "edss", "relapses") if ill else ())]
    recent = {"relapses over 30 days": ">= 0"} if ill else {}  # which everybody meets, so that it is told
    protocol = {
        "trial": {
            "name": group["name"], "condition": group["condition"], "duration": f"{weeks} weeks",
            "patients_per_arm": SIZES[group["name"]], "seed": SEED + number,
        },
        "population": group.get("population", {}),
        "eligibility": recent | group.get("eligibility", {}),
        "arm": [{"name": "untreated"}],
        "schedule": {
            "visits": [f"{w} weeks" for w in range(EVERY, weeks + 1, EVERY)], "measure": measured, "noise": noise,
        },
        "endpoint": [{"id": "sample", "observable": MARKERS[0], "kind": "value", "at": "0 d", "noise": noise}],
    }  # fmt: skip
    return lk.run_trial(lk.read_protocol(protocol))


def _group(group: dict[str, Any], activity: dict[str, str], number: int) -> pd.DataFrame:
    import pandas as pd

    ill = group["condition"] != "healthy"
    done = _simulated(group, number)
    seen = done.observations.pivot(index="patient", columns=["name", "time"], values="value")
    who = done.population.loc[seen.index]
    found = pd.DataFrame({"group": group["name"], "age": who["age"] / 365.25, "sex": who["sex"], "bmi": who["bmi"]})
    for name in MARKERS:
        found[f"{name}.0"], found[f"{name}.1"] = seen[name, 0.0], seen[name, 7.0 * AGAIN]
    found["active"], found["relapses"], found["edss"] = float("nan"), None, float("nan")
    if ill:
        assert activity == {"gd_lesions": ">= 1", "relapses over 30 days": ">= 1"}
        now = (seen["gd_lesions", 0.0] >= 1) | (who["screening.relapses over 30 days"] >= 1)
        found["active"] = now.astype(float)
        found["relapses"] = [_days(row) for _, row in seen["relapses"].sort_index(axis=1).iterrows()]
        found["edss"] = seen["edss", 7.0 * WEEKS] - seen["edss", 0.0]
    return found.reset_index(drop=True)


def _days(counted: pd.Series[float]) -> list[float]:
    """The days on which relapses were first seen, one for each."""
    times, counts = counted.index.to_numpy(dtype=float), counted.to_numpy(dtype=float).round()
    return [float(t) for t, more in zip(times[1:], counts[1:] - counts[:-1], strict=True) for _ in range(int(more))]
