"""Regression of the logarithm of levels of which some are only known to lie below a limit, on covariates.

Tobin's model (Econometrica 1958;26:24-36): coefficients tell ratios of levels. Intervals and p values are those of the
likelihood's profile, of Wald's kind for many rows; of uncensored levels they are Student's, as by least squares. Where
nobody of a group is at or above the limit, its ratio has an upper end but no estimate.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.cohort.censored.design import Column, design_of
from leukinetics.cohort.censored.likelihood import Rows, Top, drop, ends, logs_of, maximum, rows_of, with_columns
from leukinetics.cohort.censored.lognormal import refused
from leukinetics.cohort.values import Censored
from leukinetics.errors import DataError
from leukinetics.trial.statistics.compare import number
from leukinetics.trial.statistics.estimates import Estimate, NotFitted, exp, interval, nothing

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Row = dict[str, Any]

#: More rows than this, and intervals are Wald's: there the profile is the same parabola.
MANY = 20_000
#: A coefficient whose standard error, for a difference of one SD of its column, is this many SDs has no estimate.
UNTOLD = 30.0
FARTHEST = 200.0  # SDs of the logarithm that a difference may be


def tobit(x: Censored, design: pd.DataFrame, alpha: float = 0.05) -> Row:
    """The model of ``x`` on the columns of ``design`` (one row each; numbers, or categories against their first).

    ``coefficients``: ``name``, ``level``, ``reference``, ``measure`` "ratio" (per unit of a number), ``estimate``,
    ``ci_low``, ``ci_high``, ``p_value``, ``note``; the first is the ``geometric_mean`` where all columns are 0.
    ``terms``: for each covariate the p value of all its columns. ``n``, ``n_below``, ``sd_ln``, ``log_likelihood``,
    ``chi_square`` (of the likelihood ratio of the model to none), ``p_value``, ``analysis``, ``note``. Numbers that
    cannot be had are None. DataError where the rows do not match.
    """
    if len(design) != len(x):
        raise DataError(f"The model has {len(x)} levels and {len(design)} rows of covariates; give each as many.")
    columns = design_of(design, x.measured)
    x = x.take(columns.used)
    notes = list(columns.said)
    found: Row = {
        "n": len(x),
        "n_below": int(x.below.sum()),
        "sd_ln": None,
        "log_likelihood": None,
        "chi_square": None,
        "df": len(columns.columns),
        "p_value": None,
        "coefficients": [],
        "terms": [],
        "analysis": "censored lognormal regression",
    }
    if why := refused(x):
        return found | {"note": _joined([why, *notes])}
    rows = rows_of(*logs_of(x), np.column_stack([np.ones(len(x)), columns.matrix]))
    spread = np.append(1.0, columns.matrix.std(axis=0))
    known = len(x) - found["n_below"]
    if known <= rows.xx.shape[0]:
        why = f"not estimated: {known} levels at or above the limit cannot tell {rows.xx.shape[0]} coefficients"
        return found | {"note": _joined([why, *notes])}
    try:
        top = maximum(rows)
        none = maximum(with_columns(rows, np.arange(rows.xx.shape[0]) == 0))
        fit = Fit(rows, top, spread, known, alpha)
        coefficients = [fit.row(j, c) for j, c in enumerate((Column("geometric_mean"), *columns.columns))]
        terms = [
            {"name": name, "df": len(where), "p_value": number(fit.joint(where + 1))}
            for name, where in columns.terms().items()
        ]
    except NotFitted as error:
        return found | {"note": _joined([f"not estimated: {error}", *notes])}
    how = "Wald's intervals" if fit.many else "intervals by the likelihood's profile"
    return found | {
        "sd_ln": number(top.sd),
        "log_likelihood": number(top.value - float(np.log(x.lower[x.observed]).sum())),
        "chi_square": number(2 * (top.value - none.value)),
        "p_value": number(fit.p_of(none.value, len(columns.columns))) if columns.columns else None,
        "coefficients": coefficients,
        "terms": terms,
        "analysis": f"censored lognormal regression by maximum likelihood, {how}",
        "note": _joined(notes),
    }


class Fit:
    """A fitted model and what its likelihood tells of coefficients."""

    def __init__(self, rows: Rows, top: Top, spread: Array, known: int, alpha: float) -> None:
        self.rows, self.top, self.spread, self.known, self.alpha = rows, top, spread, known, alpha
        self.columns = len(top.coefficients)
        self.many = rows.total > MANY

    def estimate(self, j: int) -> Estimate:
        """A coefficient with its interval; -inf or inf where the likelihood rises without end."""
        b, se = float(self.top.coefficients[j]), math.sqrt(float(self.top.cov[j, j]))
        untold = not se * self.spread[j] < UNTOLD * self.top.sd
        n = int(self.rows.total)
        if self.many and not untold:
            return interval(b, se, n, self.alpha)
        fall = drop(self.alpha, self.known, self.columns)
        unit = self.top.sd / max(self.spread[j], 1e-300)

        def below(value: float) -> float:
            return self.at(j, value) - (self.top.value - fall)

        low, high = ends(below, b, unit if untold else 2 * se, FARTHEST * unit)
        if untold:
            side = math.copysign(math.inf, b - self._nearest(j))
            return Estimate(
                side, math.inf, -math.inf if side < 0 else low, math.inf if side > 0 else high, n, self.p(j)
            )
        return Estimate(b, se, low, high, n, self.p(j))

    def at(self, j: int, value: float) -> float:
        """The profile of the log likelihood at a value of a coefficient."""
        keep = np.arange(self.columns) != j
        # Where the others would go if the covariance told all.
        move = self.top.cov[:-1, j][keep] / self.top.cov[j, j] * (value - self.top.coefficients[j])
        start = Top(self.top.coefficients[keep] + move, self.top.sd, self.top.cov, self.top.value)
        try:
            return maximum(self.rows.held(j, value), start).value
        except NotFitted:
            return maximum(self.rows.held(j, value)).value

    def p(self, j: int) -> float:
        """p value of a coefficient of 0."""
        return self.p_of(self.at(j, 0.0), 1)

    def joint(self, which: NDArray[np.intp]) -> float:
        """p value of several coefficients of 0."""
        keep = ~np.isin(np.arange(self.columns), which)
        return self.p_of(maximum(with_columns(self.rows, keep)).value, len(which))

    def p_of(self, value: float, columns: int) -> float:
        """p value of a log likelihood with fewer ``columns``: of F, so that uncensored levels have that of least
        squares; it tends to that of chi-square."""
        from scipy.special import fdtrc

        df = max(self.known - self.columns, 1)
        ratio = max(2 * (self.top.value - value), 0.0)
        return float(fdtrc(columns, df, df / columns * math.expm1(ratio / (df + self.columns))))

    def row(self, j: int, column: Column) -> Row:
        """A coefficient as a summary has it."""
        e = self.estimate(j)
        note = ""
        if math.isinf(e.estimate):
            way = "below" if e.estimate < 0 else "above"
            note = f"no estimate: the levels of {column.words} are all {way} what the limits tell"
        told = e.through(exp, exp) if math.isfinite(e.estimate) else nothing(e.n)
        return {
            "name": column.name,
            "level": column.level,
            "reference": column.reference,
            "measure": "ratio" if j else "geometric_mean",
            "estimate": number(told.estimate),
            "ci_low": number(exp(e.low)) if e.low > -math.inf else None,
            "ci_high": number(exp(e.high)) if e.high < math.inf else None,
            "p_value": number(e.p) if j else None,
            "se_ln": number(e.se),
            "note": note,
        }

    def _nearest(self, j: int) -> float:
        """A value to tell on which side a coefficient without end lies: of no difference, or of the values known."""
        return 0.0 if j else float(self.rows.xy[0] / max(self.rows.n, 1.0))


def _joined(notes: list[str]) -> str:
    return "; ".join(n for n in notes if n)
