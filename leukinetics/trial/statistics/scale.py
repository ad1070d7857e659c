"""How arms are compared by default, and the scale on which that is done and told.

================================================================  =============  ==================================
kind                                                              analysis       contrast
================================================================  =============  ==================================
value, change, average, minimum, maximum, slope, time_above,      ancova         difference of adjusted means
time_of_maximum
fold, maximum_fold                                                log_ancova     ratio of adjusted geometric means
percent_change                                                    log_ancova     percent_difference: 100 (ratio - 1)
responder                                                         risk_difference  difference of shares; odds_ratio
event_rate                                                        negative_binomial  rate_ratio
time_to_event, confirmed_progression                              cox            hazard_ratio
time_to_return, or any with a ``statistic`` and no ``analysis``   unadjusted     difference (ratio) of the statistic
================================================================  =============  ==================================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.trial.endpoints import DEFAULT_STATISTIC
from leukinetics.trial.protocol import Endpoint
from leukinetics.trial.statistics.estimates import Estimate, NotFitted, exp

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_DEFAULT = {
    "fold": "log_ancova",
    "maximum_fold": "log_ancova",
    "percent_change": "log_ancova",
    "responder": "risk_difference",
    "event_rate": "negative_binomial",
    "time_to_event": "cox",
    "confirmed_progression": "cox",
    "time_to_return": "unadjusted",
}


def analysis_of(endpoint: Endpoint) -> str:
    """How arms are compared by an endpoint: as the protocol says, or as its kind is."""
    if endpoint.analysis is not None:
        return endpoint.analysis
    return "unadjusted" if endpoint.statistic is not None else _DEFAULT.get(endpoint.kind, "ancova")


@dataclass(frozen=True)
class Scale:
    """Between an endpoint's numbers and those analysed: logarithms, of 1 + x/100 for percent changes; or as they are.

    ``measure`` of a contrast; ``statistic`` of an arm.
    """

    logs: bool
    percent: bool
    measure: str
    statistic: str

    def values(self, numbers: Array) -> Array:
        """The numbers analysed: NaN where a logarithm cannot be taken."""
        if not self.logs:
            return numbers
        return _log(1.0 + numbers / 100.0 if self.percent else numbers)

    def checked(self, numbers: Array) -> Array:
        """:meth:`values`, or NotFitted where numbers have no logarithm: without these patients it would be biased."""
        found = self.values(numbers)
        if lost := int((np.isnan(found) & ~np.isnan(numbers)).sum()):
            raise NotFitted(f"{lost} of the values have no logarithm; analyse the numbers as they are")
        return found

    def baseline(self, numbers: Array) -> Array:
        """The baseline as a covariate, on the scale of :meth:`values`; NaN where nobody's has a logarithm, as of a drug
        before it is given. NotFitted where some patients' baselines have one and others' have none."""
        if not self.logs:
            return numbers
        found = _log(numbers)
        lost = int((np.isnan(found) & ~np.isnan(numbers)).sum())
        if lost and not np.isnan(found).all():
            raise NotFitted(f"{lost} of the baselines have no logarithm; analyse the numbers as they are")
        return found

    def told(self, found: Estimate) -> Estimate:
        """An arm or a contrast as it is told: of logarithms the (ratio of) geometric means, or by how many percent."""
        if not self.logs:
            return found
        if self.percent:
            return found.through(lambda x: 100.0 * (exp(x) - 1.0), lambda x: 100.0 * exp(x))
        return found.through(exp, exp)


def scale_of(endpoint: Endpoint) -> Scale:
    """The scale of an endpoint that is analysed by (logarithms of) its numbers."""
    logs = analysis_of(endpoint).startswith("log_")
    if not logs:
        return Scale(False, False, "difference", "adjusted_mean")
    percent = endpoint.kind == "percent_change"
    if percent:
        return Scale(True, True, "percent_difference", "adjusted_geometric_mean_percent_change")
    return Scale(True, False, "ratio", "adjusted_geometric_mean")


def _log(x: Array) -> Array:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(x > 0, np.log(x), np.nan)


def statistic_of(endpoint: Endpoint) -> str:
    """The statistic that sums up an endpoint where it is not adjusted: the protocol's, or that of its kind."""
    return endpoint.statistic or DEFAULT_STATISTIC[endpoint.kind]
