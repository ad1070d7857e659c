"""A published readout: what was read, its value and uncertainty, and the distance of a prediction from it.

On a readout's scale (``ln`` or ``linear``) its standard error ``se`` comes from what was printed:

====================  =====================================================================
``se``                as given, on the scale
``low``, ``high``     95 % interval: (f(high) - f(low))/3.92
``sd``, ``n``         sd/sqrt(n), over the value on ln; times 1.2533 for a median
``iqr``, ``n``        quartile distance/1.349 as the sd, on the scale, then as above
====================  =====================================================================

The 1.2533 = sqrt(pi/2) is the large-sample efficiency of the median of a normal sample. ``sigma`` adds the model's
own error (``model_error``) in quadrature; it is what a calibration weighs with and never enters a validation.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from leukinetics.trial.protocol import Part
from leukinetics.trial.protocol.fields import Criterion

Z95 = 1.959963984540054
MEDIAN = math.sqrt(math.pi / 2.0)
IQR = 1.3489795003921634  # quartile distance of the standard normal

Role = Literal["calibrate", "validate", "input"]
Measure = Literal["difference", "ratio", "odds_ratio", "smd"]
Statistic = Literal[
    "mean", "median", "geometric_mean", "sd", "sd_ln", "proportion", "p90", "p99", "correlation_ln", "within_sd_ln",
    "event_share", "event_rate",
]  # fmt: skip
OF_TWO = ("correlation_ln", "within_sd_ln")
#: Of endpoints that are events.
OF_EVENTS = ("event_share", "event_rate")
Name = Annotated[str, Field(min_length=1)]
BASE = "base"


class Among(Part):
    """Those patients whose number of ``endpoint`` meets the criterion ``where``, in the endpoint's unit."""

    endpoint: Name
    where: Criterion


class Readout(Part):
    """One figure of a study and where the simulation of its protocol has the same.

    ``endpoint`` of ``arm`` in protocol ``variant``, per patient divided by the endpoint ``per`` or less the endpoint
    ``minus``, summed up by ``statistic``; then its ``measure`` against arm ``reference``, and that number's
    ``variant_measure`` against the protocol variant ``reference_variant``. ``printed`` is the figure as its source
    has it, which ``transform`` and ``factor`` turn into ``value``. With ``bound`` the value is a limit. ``where``
    makes 1 of a number that meets it, else 0. ``among`` leaves only some patients, ``reference_among`` in the
    reference arm (which may be the same). The measure "smd" is the difference of means over the root mean square of
    the two groups' SDs.
    """

    id: Name
    role: Role
    endpoint: Name
    arm: Name
    statistic: Statistic
    unit: str
    scale: Literal["ln", "linear"]
    value: float = math.nan
    databook: str = ""
    endpoint2: str = ""
    per: str = ""
    minus: str = ""
    reference: str = ""
    measure: Measure | None = None
    where: Criterion | None = None
    among: Among | None = None
    reference_among: Among | None = None
    variant: str = BASE
    reference_variant: str = ""
    variant_measure: Measure | None = None
    printed: float | list[float] | None = None
    printed_reference: float | None = None
    transform: Literal["", "fall", "rise", "ratio"] = ""
    factor: float = 1.0
    kind: Literal["measured", "derived"] = "measured"
    bound: Literal["above", "below"] | None = None
    se: Annotated[float, Field(gt=0)] | None = None
    low: float | None = None
    high: float | None = None
    interval: Literal["95 %", "range"] = "95 %"
    sd: Annotated[float, Field(gt=0)] | None = None
    iqr: Annotated[list[float], Field(min_length=2, max_length=2)] | None = None
    n: Annotated[int, Field(ge=2)] | None = None
    model_error: Annotated[float, Field(ge=0)] = 0.15
    source: str = ""
    note: str = ""

    @model_validator(mode="before")
    @classmethod
    def _value_of_printed(cls, data: Any) -> Any:
        if isinstance(data, dict) and "value" not in data and isinstance(data.get("printed"), (int, float)):
            return {**data, "value": transformed(data)}
        return data

    @model_validator(mode="after")
    def _whole(self) -> Readout:
        if not math.isfinite(self.value):
            raise ValueError("'value' is missing; add it, or 'printed' as one number.")
        if self.scale == "ln" and self.value <= 0:
            raise ValueError(f'the value {self.value:g} has no logarithm; use scale = "linear".')
        given = [self.se is not None, self.sd is not None, self.iqr is not None, self.low is not None]
        if self.bound is None and sum(given) != 1:
            raise ValueError("give one uncertainty: se, low and high, sd and n, or iqr and n.")
        if (self.low is None) != (self.high is None):
            raise ValueError("'low' and 'high' go together; give both or none.")
        if (self.sd is not None or self.iqr is not None) and self.n is None:
            raise ValueError("'sd' and 'iqr' need 'n', the number of patients.")
        if self.low is not None and self.high is not None and not self.low <= self.value <= self.high:
            raise ValueError(f"the value {self.value:g} is not between low {self.low:g} and high {self.high:g}.")
        if bool(self.reference) != (self.measure is not None):
            raise ValueError("'reference' (an arm) and 'measure' (difference, ratio) go together.")
        if bool(self.reference_variant) != (self.variant_measure is not None):
            raise ValueError("'reference_variant' and 'variant_measure' (difference, ratio) go together.")
        if (self.statistic in OF_TWO) != bool(self.endpoint2):
            raise ValueError(f"the statistics {' and '.join(OF_TWO)}, and only they, need 'endpoint2'.")
        if self.where is not None and self.statistic != "proportion":
            raise ValueError("'where' makes a share of patients; it needs statistic = \"proportion\".")
        if self.reference_among is not None and not self.reference:
            raise ValueError("'reference_among' needs a 'reference' arm.")
        if "odds_ratio" in (self.measure, self.variant_measure) and self.statistic not in ("proportion", "event_share"):
            raise ValueError('an odds ratio is one of shares; use statistic = "proportion" or "event_share".')
        if "smd" in (self.measure, self.variant_measure):
            if self.statistic != "mean":
                raise ValueError('a standardised difference (smd) is one of means; use statistic = "mean".')
            if self.measure is not None and self.variant_measure is not None:
                raise ValueError("a standardised difference (smd) is between two groups; leave the other measure out.")
        if self.per and self.minus:
            raise ValueError("'per' and 'minus' exclude each other.")
        return self

    @property
    def endpoints(self) -> list[str]:
        """Every endpoint that it reads."""
        some = [a.endpoint for a in (self.among, self.reference_among) if a is not None]
        return [name for name in (self.endpoint, self.endpoint2, self.per, self.minus, *some) if name]

    def on_scale(self, value: float) -> float:
        """A value on the readout's scale; NaN where it has no logarithm."""
        if self.scale == "linear":
            return value
        return math.log(value) if value > 0 else math.nan

    def off_scale(self, value: float) -> float:
        """Back from :meth:`on_scale`."""
        return value if self.scale == "linear" else math.exp(value)

    @property
    def error(self) -> float:
        """Standard error of the published figure on its scale; 0 for a bound, which is a limit."""
        if self.se is not None:
            return self.se
        if self.low is not None and self.high is not None:
            low, high = self.on_scale(self.low), self.on_scale(self.high)
            return (high - low) / (2.0 * Z95) if math.isfinite(low) else (high - self.on_scale(self.value)) / Z95
        if self.n is None:
            return 0.0
        if self.iqr is not None:
            spread = (self.on_scale(self.iqr[1]) - self.on_scale(self.iqr[0])) / IQR
        else:
            spread = (self.sd or 0.0) / (abs(self.value) if self.scale == "ln" else 1.0)
        return spread / math.sqrt(self.n) * (MEDIAN if self.statistic == "median" else 1.0)

    @property
    def sigma(self) -> float:
        """Standard error with the model's error, on the scale."""
        return math.hypot(self.error, self.model_error)

    @property
    def published_interval(self) -> tuple[float, float]:
        """95 % interval (or the printed range) in the readout's unit; a bound's reaches to infinity."""
        if self.bound is not None:
            return (self.value, math.inf) if self.bound == "above" else (-math.inf, self.value)
        if self.low is not None and self.high is not None:
            return self.low, self.high
        center, half = self.on_scale(self.value), Z95 * self.error
        return self.possible(self.off_scale(center - half)), self.possible(self.off_scale(center + half))

    def possible(self, value: float) -> float:
        """The end of an interval, moved to 0 or 1 where the readout is a share of patients and it lies beyond."""
        share = self.statistic in ("proportion", "event_share") and not (self.measure or self.variant_measure)
        return min(max(value, 0.0), 1.0) if share and self.unit == "dimensionless" else value

    def distance(self, predicted: float) -> float:
        """Predicted less published on the scale; for a bound 0 on its right side. NaN without a prediction."""
        found = self.on_scale(predicted) - self.on_scale(self.value)
        if self.bound == "above":
            return min(found, 0.0) if math.isfinite(found) else math.nan
        if self.bound == "below":
            return max(found, 0.0) if math.isfinite(found) else math.nan
        return found


def transformed(data: dict[str, Any]) -> float:
    """The value that a printed figure stands for: a fall of p % is 1 - p/100, over that of the reference if given."""

    def one(number: float) -> float:
        if data.get("transform") == "fall":
            return 1.0 - number / 100.0
        return 1.0 + number / 100.0 if data.get("transform") == "rise" else number

    value, reference = one(float(data["printed"])), data.get("printed_reference")
    if reference is not None:
        value /= one(float(reference))
    return value * float(data.get("factor", 1.0))
