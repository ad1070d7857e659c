"""Groups compared: how many are detected, and how high levels are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.cohort.censored.compare import compare
from leukinetics.cohort.censored.km import reverse_km
from leukinetics.cohort.censored.lognormal import lognormal
from leukinetics.cohort.censored.mixed import mixed
from leukinetics.cohort.censored.ros import ros
from leukinetics.cohort.censored.substitution import substituted_ratio, substitution
from leukinetics.cohort.censored.tobit import tobit
from leukinetics.cohort.detect import share
from leukinetics.cohort.odds import adjusted_odds, compare_detection
from leukinetics.cohort.study.setup import EVERYBODY, Setup
from leukinetics.cohort.table.cohort_table import PERSON, TIME, VISIT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from leukinetics.cohort.values import Censored

    Array = NDArray[np.float64]
    Row = dict[str, Any]

#: Points of a cumulative curve that are kept.
POINTS = 160
#: Most samples of a mixed model; of more people as many are drawn as have them.
MOST_SAMPLES = 4_000
#: More rows than this whose limits are all different, as those of a ratio, tell nothing else and take long.
MOST_LIMITS = 20_000
#: What a mixed model's time counts in: the largest of which the samples span three.
TIMES = ((365.25, "years"), (30.4375, "months"), (1.0, "days"))
#: Of a pair, what rests on lognormal levels.
RATIO_KEYS = (
    "estimate", "ci_low", "ci_high", "p_value", "p_adjusted", "se_ln", "common", "common_low", "common_high",
    "p_common", "p_spread",
)  # fmt: skip
NO_LEVELS = 'not estimated: transform = "none" says that levels are not lognormal'


def detection(x: Censored, s: Setup) -> Row:
    """Shares detected, compared; at each row's own limit, and where limits differ also all at the highest."""
    seen = x.detected()
    found = _compared(seen, s)
    found["limit"] = "own"
    design = s.design() if s.adjusted else None
    found["adjusted"] = None if design is None else adjusted_odds(seen, design, s.alpha)
    below = np.unique(x.upper[x.below])
    highest = max([*x.limits[-1:], *below[-1:]], default=0.0)
    found["at_common"] = None
    if len(x.limits) > 1 or len(below) > 1:
        at = x.detected(float(highest))
        undecided = int((np.isnan(at) & x.measured).sum())
        found["at_common"] = {"limit": float(highest), "undecided": undecided, **_compared(at, s)}
    return found


def _compared(seen: Array, s: Setup) -> Row:
    everybody = {"name": EVERYBODY, **share(seen, s.alpha)}
    if not s.groups:
        return {
            "groups": [everybody], "overall": [], "trend": None, "control": None, "correct": s.correct, "pairs": []
        }  # fmt: skip
    asked = s.table.dictionary.analysis
    found = compare_detection(
        seen, s.labels, s.groups, s.control, pairs=s.contrasts, ordered=asked.trend and len(s.groups) > 2,
        alpha=s.alpha, correct=s.correct, seed=s.seed,
    )  # fmt: skip
    found["groups"] = [everybody, *found["groups"]]
    if len(s.groups) < 2:
        found["overall"] = []
    return found


def fewer(x: Censored, seed: int) -> tuple[NDArray[np.intp], str]:
    """The rows of levels: all, but of many with limits of their own some; and what was done, in words."""
    hidden = np.flatnonzero(x.measured & ~x.observed)
    if len(hidden) <= MOST_LIMITS:
        return np.arange(len(x)), ""
    some = hidden[:: len(hidden) // 2000]
    ends = np.unique(np.stack([x.lower[some], x.upper[some]], axis=1), axis=0)
    if len(ends) < len(some) // 4:
        return np.arange(len(x)), ""
    pick = np.sort(np.random.default_rng([seed, 45]).choice(len(x), MOST_LIMITS, replace=False))
    return (
        pick,
        f"levels are those of {MOST_LIMITS:,} of {len(x):,} rows, picked at random: limits differ from row to row",
    )


def levels(x: Censored, s: Setup, logs: bool = True) -> Row:
    """Of everybody and of each group: lognormal levels, their distribution, order statistics, and what numbers in place
    of those below a limit would have given."""
    rows = []
    pick, said = fewer(x, s.seed)
    x = x.take(pick)
    for name, where in s.masks().items():
        mine = x.take(where[pick])
        row: Row = {"name": name, "km": reverse_km(mine, s.alpha).told(POINTS)}
        if logs:
            row["lognormal"] = lognormal(mine, s.alpha).told()
            row["ros"] = ros(mine)
            row["substitution"] = substitution(mine, s.alpha)
        else:
            row["lognormal"] = {"n": mine.n, "n_below": int(mine.below.sum()), "unit": x.unit, "note": NO_LEVELS}
            row["ros"], row["substitution"] = {"note": NO_LEVELS}, {"ways": [], "warning": "", "note": NO_LEVELS}
        rows.append(row)
    return {"groups": rows, "note": said}


def comparisons(x: Censored, s: Setup, logs: bool = True) -> Row | None:
    """Levels of groups against each other, as they are and adjusted for covariates; None of one group."""
    if len(s.groups) < 2:
        return None
    pick, said = fewer(x, s.seed)
    x, labels = x.take(pick), s.labels[pick]
    found = compare(x, labels, s.control, names=s.groups, pairs=s.contrasts, alpha=s.alpha, correct=s.correct)
    for row in found["pairs"]:
        if logs:
            would = substituted_ratio(x, labels == row["group"], labels == row["reference"], s.alpha, row)
            row["substitution"] = {"ways": would["ways"], "warning": would["warning"]}
        else:
            row |= dict.fromkeys(RATIO_KEYS) | {"note": NO_LEVELS}
            row["substitution"] = {"ways": [], "warning": ""}
    design = s.design() if s.adjusted and logs else None
    found["adjusted"] = None if design is None else tobit(x, design.iloc[pick], s.alpha)
    return found | {"note": said}


def repeated(x: Censored, s: Setup) -> Row | None:
    """The mixed model of all samples of ``x`` (rows of the table) on group, time (in the unit of its name) or visit,
    and covariates; None where nobody has two."""
    if not s.table.repeated:
        return None
    rows = s.table.rows
    design = s.design(rows)
    design = rows[[]].copy() if design is None else design.copy()
    if rows[TIME].notna().all():
        # Per day the ratio of months or years would be 1.000 (1.000 to 1.001).
        span = float(rows[TIME].max() - rows[TIME].min())
        size, unit = next(t for t in TIMES if span >= 3 * t[0] or t[0] == 1.0)
        design[f"time ({unit})"] = rows[TIME] / size
    elif rows[VISIT].nunique() > 1:
        names = [v for v in dict.fromkeys(rows[VISIT]) if v is not None]
        design["visit"] = rows[VISIT].astype("category").cat.set_categories(names)
    person = rows[PERSON].to_numpy(dtype=object)
    use, said = _drawn(person, x.measured, s.seed)
    found = mixed(x.take(use), person[use], design[use], s.alpha)
    return found | {"note": "; ".join(v for v in (found.get("note"), said) if v)}


def _drawn(person: NDArray[np.object_], measured: NDArray[np.bool_], seed: int) -> tuple[NDArray[np.bool_], str]:
    """The samples of the model: all, or those of as many people as have so many."""
    if int(measured.sum()) <= MOST_SAMPLES:
        return np.ones(len(person), dtype=bool), ""
    import pandas as pd

    codes, names = pd.factorize(person)
    order = np.random.default_rng([seed, 41]).permutation(len(names))
    taken = np.cumsum(np.bincount(codes[measured], minlength=len(names))[order]) <= MOST_SAMPLES
    chosen = np.zeros(len(names), dtype=bool)
    chosen[order[taken]] = True
    return chosen[codes], f"{int(taken.sum()):,} of {len(names):,} people are drawn, who are enough"
