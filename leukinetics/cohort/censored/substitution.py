"""What a number put in place of every level below a limit would have given, beside what the likelihood gives.

For the warning only: no analysis here is made with such numbers.
"""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.cohort.censored.compare import level_ratio, peto_peto
from leukinetics.cohort.censored.lognormal import lognormal
from leukinetics.cohort.figures import change, figure, p_words
from leukinetics.cohort.values import Censored
from leukinetics.trial.statistics.compare import number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Mask = NDArray[np.bool_]
    Row = dict[str, Any]

#: What is put in place of a level below its limit, as a share of the limit; None: it is left out.
WAYS: dict[str, float | None] = {
    "half the limit": 0.5,
    "the limit / √2": math.sqrt(0.5),
    "the limit": 1.0,
    "left out": None,
}
#: A geometric mean or a spread further off than this is worth a warning.
FAR = 0.1


def substitution(x: Censored, alpha: float = 0.05) -> Row:
    """``ways``: for each, the ``geometric_mean`` and ``sd_ln`` it gives, and their ratio to those by the likelihood
    (``mean_ratio``, ``sd_ratio``; None without one). ``warning``: a sentence with the numbers, empty where nothing is
    below a limit or all are near."""
    x = x.take(x.measured)
    level = lognormal(x, alpha)
    mean, sd = level.geometric_mean.estimate, level.sd_ln.estimate
    ways = []
    for name, factor in WAYS.items():
        logs = _logs(x, factor)
        theirs = math.exp(float(logs.mean())) if len(logs) else math.nan
        spread = float(logs.std(ddof=1)) if len(logs) > 1 else math.nan
        # By maximum likelihood, as the one it is held against.
        same = spread * math.sqrt((len(logs) - 1) / len(logs)) if len(logs) > 1 else math.nan
        ways.append(
            {
                "how": name,
                "n": len(logs),
                "geometric_mean": number(theirs),
                "sd_ln": number(spread),
                "mean_ratio": number(theirs / mean),
                "sd_ratio": number(same / sd),
            }
        )
    return {"n": level.n, "n_below": level.n_below, "ways": ways, "warning": _warning(x, level.n_below, ways, mean)}


def substituted_ratio(x: Censored, one: Mask, other: Mask, alpha: float = 0.05, likelihood: Row | None = None) -> Row:
    """The ratio of two groups' geometric means by each way, with Welch's p value, beside :func:`level_ratio`
    (``likelihood``, with ``p_peto``; may be given); ``warning`` where a way turns the answer of the test, which is Peto
    and Peto's, or the direction."""
    from scipy.stats import ttest_ind

    if likelihood is None:
        either = one | other
        test = peto_peto(x.take(either), np.where(one, "one", "other")[either])["p_value"]
        likelihood = level_ratio(x, one, other, alpha) | {"p_peto": test}
    test = likelihood["p_peto"]
    ways, turned = [], []
    for name, factor in WAYS.items():
        a, b = (_logs(x.take(mask & x.measured), factor) for mask in (one, other))
        ratio = p = math.nan
        if len(a) > 1 and len(b) > 1:
            ratio = math.exp(float(a.mean() - b.mean()))
            if np.ptp(a) or np.ptp(b):
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", RuntimeWarning)  # of levels that hardly differ
                    p = float(ttest_ind(a, b, equal_var=False).pvalue)
        ways.append({"how": name, "estimate": number(ratio), "p_value": number(p)})
        ours, their = likelihood["estimate"], number(ratio)
        if ours is None or their is None or test is None or math.isnan(p):
            continue
        if (p < alpha) != (test < alpha) or ((ours > 1) != (their > 1) and p < alpha):
            put = name if factor is not None else "those below left out"
            turned.append(f"with {put} the ratio would be {figure(their)} ({p_words(p)})")
    warning = ""
    if turned:
        head = f"by the likelihood the ratio of levels is {figure(likelihood['estimate'])} (Peto-Peto {p_words(test)})"
        warning = f"{head}; {'; '.join(turned)}"
    return {"likelihood": likelihood, "ways": ways, "warning": warning}


def _logs(x: Censored, factor: float | None) -> Array:
    if factor is None:
        x = x.take(~x.below)
    return np.asarray(np.log(x.substituted(1.0 if factor is None else factor)))


def _warning(x: Censored, n_below: int, ways: list[Row], mean: float) -> str:
    if not n_below:
        return ""
    unit = "" if x.unit in ("", "dimensionless") else f" {x.unit}"
    if not math.isfinite(mean):
        low, high = ways[0]["geometric_mean"], ways[2]["geometric_mean"]
        return (
            f"{n_below} of {len(x)} are below the limit, too many to tell a level; half the limit or the limit in "
            f"their place would give {figure(low)} or {figure(high)}{unit}, which only says what was put in"
        )
    far = [w for w in ways if abs(w["mean_ratio"] - 1) > FAR or abs(w["sd_ratio"] - 1) > FAR]
    if not far:
        return ""
    said = [
        f"with {w['how'] if w['how'] != 'left out' else 'those below left out'} {figure(w['geometric_mean'])} "
        f"({change(w['mean_ratio'])}, spread {change(w['sd_ratio'])})"
        for w in far
    ]
    head = f"{n_below} of {len(x)} are below the limit: the geometric mean is {figure(mean)}{unit}"
    return f"{head}; {', '.join(said)}"
