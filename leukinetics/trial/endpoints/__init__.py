"""Endpoints: one number per patient out of an observable's samples.

With ``x(t)`` the observable and ``b`` its baseline:

================  ====================================================================  ===================
kind              number                                                                default statistic
================  ====================================================================  ===================
value             x(at)                                                                 mean
change            x(at) - b                                                             mean
percent_change    100 (x(at) - b)/b                                                     median
fold              x(at)/b                                                               geometric_mean
responder         1 if x(at) meets the threshold (one in % is of the change), else 0    proportion
average           mean of x over the window, by trapezoids                              mean
maximum           largest sample of the window                                          mean
maximum_fold      largest sample/b                                                      geometric_mean
minimum           smallest sample of the window                                         mean
slope             least-squares slope of the window's samples, per year                 mean
time_of_maximum   time of the largest sample (days)                                     median
time_to_return    time from there until x <= b (1 + margin), between samples linear     median
time_above        time in the window with x >= threshold, between samples linear        mean
event_rate        events in the window, with the days in which they were looked for     mean
time_to_event     time of the first event in the window (days)                          median
confirmed_...     time of the first worsening that is confirmed (days)                  median
================  ====================================================================  ===================

A patient whose x has not returned when the window ends is censored there: the number is the time up to then, a lower
bound, and is marked, so that statistics are those restricted to the window. A sample below the limit of
quantification counts as half the limit. A patient without a valid simulation has NaN.

A patient who left has no samples from then on: NaN, except that a slope is that of the samples there are (two at
least), and that events are looked for up to the last sample (see :mod:`leukinetics.trial.endpoints.events`).
"""

from leukinetics.trial.endpoints.kinds import DEFAULT_STATISTIC, endpoint_values
from leukinetics.trial.endpoints.samples import BELOW, Samples, Values, visit_times
from leukinetics.trial.endpoints.table import endpoint_table
from leukinetics.trial.endpoints.windows import slope, time_above, time_to_return

__all__ = [
    "BELOW",
    "DEFAULT_STATISTIC",
    "Samples",
    "Values",
    "endpoint_table",
    "endpoint_values",
    "slope",
    "time_above",
    "time_to_return",
    "visit_times",
]
