"""Power of studies of prognosis: times to an event, and rates of events, by a marker.

Of Cox's model the power depends on the events alone (Schoenfeld, Biometrics 1983;39:499-503): with a share p of people
in whom the marker is detected, d events and the hazard ratio h the test's statistic has the mean
ln h sqrt(d p (1 - p)); of a level with the SD s, ln(h per unit) sqrt(d) s (Hsieh and Lavori, Control Clin Trials
2000;21:552-60); of a marker of which other covariates explain R², sqrt(1 - R²) times as much. lifelines has the same
formula for the numbers of two arms. Rates: the negative binomial formula of statsmodels.
"""

from __future__ import annotations

import math

from leukinetics.errors import DataError


def events_power(
    events: float, log_hazard: float, variance: float, alpha: float = 0.05, explained: float = 0.0
) -> float:
    """Power with so many ``events``; ``variance`` of the marker, p (1 - p) where it is detected or not, with
    ``log_hazard`` per unit of it; ``explained``: R² of the marker by other covariates."""
    from scipy.special import ndtr, ndtri

    critical = float(ndtri(1 - alpha / 2))
    shift = abs(log_hazard) * math.sqrt(events * variance * (1 - explained))
    return float(ndtr(shift - critical) + ndtr(-shift - critical))


def events_needed(
    log_hazard: float, variance: float, target: float, alpha: float = 0.05, explained: float = 0.0
) -> float:
    """Events at which the power is ``target`` (not rounded). DataError where there is no effect."""
    from scipy.special import ndtri

    if log_hazard == 0 or variance <= 0:
        raise DataError("A hazard ratio of 1, or a marker that is the same in everybody, needs no study.")
    both = float(ndtri(1 - alpha / 2)) + float(ndtri(target))
    return both**2 / (log_hazard**2 * variance * (1 - explained))


def share_with_event(rate: float, follow_up: float, accrual: float = 0.0) -> float:
    """The share of people with an event at a constant ``rate`` (per year), who are followed for ``follow_up`` years
    after the last was enrolled, evenly over ``accrual`` years."""
    if accrual <= 0:
        return -math.expm1(-rate * follow_up)
    left = math.exp(-rate * follow_up) * -math.expm1(-rate * accrual) / (rate * accrual)
    return 1 - left


def rates_power(
    rate_ratio: float, rate: float, years: float, dispersion: float, n1: float, n0: float, alpha: float = 0.05
) -> float:
    """Power of the comparison of event rates (negative binomial with variance m + dispersion m²) of ``n1`` people with
    ``rate_ratio`` times the ``rate`` per year of ``n0`` others, all followed for ``years``."""
    from statsmodels.stats.rates import power_negbin_ratio_2indep

    found = power_negbin_ratio_2indep(
        rate_ratio * rate, rate, n1, nobs_ratio=n0 / n1, exposure=years, value=1, alpha=alpha, dispersion=dispersion,
        alternative="two-sided", method_var="alt", return_results=False,
    )  # fmt: skip
    return float(found)
