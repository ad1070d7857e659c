"""What a published study found, beside what the cohort shows, and how often a study of this size would show it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.cohort.detection import active, detected
from leukinetics.cohort.plan import GROUP, Plan
from leukinetics.cohort.prognosis import rows
from leukinetics.cohort.protocol import CohortProtocol, Published
from leukinetics.trial.protocol import TIMES
from leukinetics.trial.statistics.compare import number

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Counts = NDArray[np.int64]

#: Studies that are drawn to tell how often one would find something.
STUDIES = 4000
#: Of outcomes, which are drawn person by person.
DRAWN = 1000
YES, SAME_SIDE, NO, OPPOSITE = "shown", "same direction, not shown", "not seen", "opposite shown"


def held_against(
    protocol: CohortProtocol, summary: dict[str, Any], many: pd.DataFrame | None, plan: Plan
) -> list[dict[str, Any]]:
    """A row for each published finding: the cohort's ``estimate`` with interval (of groups that are alike the p value),
    ``verdict``, and ``chance``: of studies of this size, the share that would find it at two-sided alpha.

    ``many``: a larger cohort with the fitted values, from which such studies are drawn; None: no chance is told.
    """
    found = []
    for p in protocol.published:
        row = _row(summary, p)
        head = {"of": p.of, "group": p.group, "outcome": row.get("outcome"), "expected": p.expected}
        kept = {k: row.get(k) for k in ("measure", "estimate", "ci_low", "ci_high", "p_value")}
        verdict = _verdict(p, row, plan.alpha)
        chance = None if many is None else _chance(p, many, plan, plan.limit)
        found.append({**head, "text": p.text, "source": p.source, **kept, "verdict": verdict, "chance": chance})
    return found


def chances(protocol: CohortProtocol, many: pd.DataFrame, plan: Plan, limits: Sequence[float]) -> list[dict[str, Any]]:
    """The chance of each finding on detection as a function of the limit."""
    return [
        {
            "limit": number(x),
            "of": p.of,
            "group": p.group,
            "outcome": p.outcome,
            "expected": p.expected,
            "chance": _chance(p, many, plan, x),
        }
        for p in protocol.published
        for x in limits
    ]


def _row(summary: dict[str, Any], p: Published) -> dict[str, Any]:
    if p.of == "groups":
        return dict(summary["among"] or {})
    told = {"control": summary["contrasts"], "activity": summary["activity"], "prognosis": summary["prognosis"]}[p.of]
    mine = [r for r in told if r["group"] == p.group and (p.outcome is None or r.get("outcome") == p.outcome)]
    return dict(mine[0]) if mine else {}


def _verdict(p: Published, row: dict[str, Any], alpha: float) -> str:
    value, probability = row.get("estimate"), row.get("p_value")
    if p.expected == "alike":
        return NO if probability is None else "no difference shown" if probability >= alpha else "difference shown"
    if value is None or probability is None:
        return NO
    none = 0.0 if row.get("measure") in ("difference", "percent_difference", "risk_difference") else 1.0
    right = value > none if p.expected == "higher" else value < none
    if probability < alpha:
        return YES if right else OPPOSITE
    return SAME_SIDE if right else NO


def _chance(p: Published, many: pd.DataFrame, plan: Plan, limit: float) -> float | None:
    """Of studies drawn with the detection of ``many``, the share with the finding (score test; of groups chi-square).
    Outcomes are those of people drawn again: Wald's test of the logarithm of the rate ratio with the empirical
    variance, of other numbers Welch's; None of times to an event, and where nobody has an outcome."""
    sizes = {name: round((many[GROUP] == name).sum() / many.attrs["times"]) for name in plan.groups}
    seen = detected(many, limit)
    stream = int.from_bytes(
        hashlib.sha256(f"{plan.seed}:chance:{p.of}:{p.group}:{p.outcome}".encode()).digest()[:8], "big"
    )
    rng = np.random.default_rng(stream)

    def share(where: NDArray[np.bool_]) -> float:
        return float(seen[where].mean()) if where.any() else math.nan

    def group(name: str) -> NDArray[np.bool_]:
        return (many[GROUP] == name).to_numpy()

    if p.of == "groups":
        return number(_alike(rng, [(sizes[g], share(group(g))) for g in plan.patients], plan.alpha))
    if p.of == "control":
        one, other = (
            (sizes[str(p.group)], share(group(str(p.group)))),
            (sizes[plan.control], share(group(plan.control))),
        )
        n1, n0 = (np.full(STUDIES, n) for n, _ in (one, other))
        return number(_differ(rng, n1, one[1], n0, other[1], plan.alpha, p.expected == "higher"))
    if p.of == "prognosis":
        return _later(rng, p, many, plan, seen & group(str(p.group)), group(str(p.group)), sizes[str(p.group)])
    where = active(many, str(p.group))
    n = sizes[str(p.group)]
    n1 = rng.binomial(n, float(np.nanmean(where)), STUDIES)
    found = _differ(rng, n1, share(where == 1), n - n1, share(where == 0), plan.alpha, p.expected == "higher")
    return number(found)


def _differ(
    rng: np.random.Generator, n1: Counts, p1: float, n0: Counts, p0: float, alpha: float, higher: bool
) -> float:
    """The share of studies in which the score test finds the first share higher (or lower)."""
    from scipy.special import ndtri

    if not (math.isfinite(p1) and math.isfinite(p0)):
        return math.nan
    k1, k0 = rng.binomial(n1, p1), rng.binomial(n0, p0)
    with np.errstate(invalid="ignore", divide="ignore"):
        pooled = (k1 + k0) / (n1 + n0)
        z = (k1 / n1 - k0 / n0) / np.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n0))
    return float((np.nan_to_num(z if higher else -z, nan=-np.inf) > ndtri(1 - alpha / 2)).mean())


def _later(
    rng: np.random.Generator,
    p: Published,
    many: pd.DataFrame,
    plan: Plan,
    seen: NDArray[np.bool_],
    here: NDArray[np.bool_],
    n: int,
) -> float | None:
    from scipy.special import ndtri

    endpoint = next(e for e in plan.outcomes if p.outcome in (None, e.id))
    if endpoint.kind in TIMES:
        return None
    table = rows(many[here], endpoint)
    counts = endpoint.kind == "event_rate"
    y = table["value"].to_numpy(dtype=float)
    time = table["exposure"].to_numpy(dtype=float) if counts else np.ones(len(y))
    known = np.isfinite(y) & np.isfinite(time)
    if not known.any():
        return None
    pick = rng.integers(0, int(known.sum()), (DRAWN, n))
    y, time, mark = y[known][pick], time[known][pick], seen[here][known][pick]
    with np.errstate(invalid="ignore", divide="ignore"):
        parts = []
        for side in (mark, ~mark):
            total, days = (y * side).sum(axis=1), (time * side).sum(axis=1)
            mean = total / days
            square = (((y - mean[:, None] * time) ** 2) * side).sum(axis=1)
            size = side.sum(axis=1)
            parts.append((np.log(mean), square / total**2) if counts else (mean, square / (size * (size - 1))))
        z = (parts[0][0] - parts[1][0]) / np.sqrt(parts[0][1] + parts[1][1])
    z = np.where(np.isfinite(z), z, -np.inf)
    return number(float(((z if p.expected == "higher" else -z) > ndtri(1 - plan.alpha / 2)).mean()))


def _alike(rng: np.random.Generator, groups: Sequence[tuple[int, float]], alpha: float) -> float:
    """The share of studies in which the chi-square test finds no difference among groups."""
    from scipy.special import chdtri

    n = np.array([size for size, _ in groups])
    k = np.stack([rng.binomial(size, p, STUDIES) for size, p in groups], axis=1)
    pooled = (k.sum(axis=1) / n.sum())[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        chi = ((k - n * pooled) ** 2 / (n * pooled * (1 - pooled))).sum(axis=1)
    return float((np.nan_to_num(chi) < chdtri(len(n) - 1, alpha)).mean())
