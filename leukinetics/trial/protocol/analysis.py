"""What is made of a trial: comparisons, subgroups, thresholds, power, uncertainty, sensitivity."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from leukinetics.trial.protocol.fields import Count, Moment, Name, Number, Part


class Schedule(Part):
    """What is measured besides the endpoints: ``measure`` at each of ``visits`` (and at time 0), with assay noise where
    there is an assay and ``noise`` holds. Courses and drug levels of the report come from here."""

    visits: list[Moment]
    measure: list[Name]
    noise: bool = True


class Analysis(Part):
    """How the trial is analysed.

    primary : endpoints in the order of the hierarchy; the first one by default. multiplicity : over the contrasts
    of the primary endpoints. covariates : of the adjusted analyses, besides the baseline. missing : what stands for a
    value that a patient who left, or of whom ``after_rule`` = "missing" removes it, has not: "available" (nothing: all
    that is there is used), "last" (the last one before), "baseline", "worst" (a non-responder; the largest or, where
    ``higher_is_better``, the smallest of all).
    """

    alpha: Annotated[float, Field(gt=0, lt=1)] = 0.05
    primary: list[Name] = []
    multiplicity: Literal["none", "holm", "hierarchical"] = "none"
    covariates: list[Name] = []
    missing: Literal["available", "last", "baseline", "worst"] = "available"
    after_rule: Literal["used", "missing"] = "used"
    higher_is_better: list[Name] = []


class Subgroup(Part):
    """Contrasts within parts of the patients: by a covariate, a genotype, or an observable's screening (or baseline)
    value ``on``, cut at ``cuts``, or into ``quantiles`` parts of equal size."""

    id: Name
    on: Name
    cuts: list[Number] | None = None
    unit: str | None = None
    quantiles: Annotated[int, Field(ge=2, le=10, strict=True)] | None = None
    labels: list[Name] | None = None
    endpoint: Name | None = None

    @model_validator(mode="after")
    def _whole(self) -> Subgroup:
        if (self.cuts is None) == (self.quantiles is None):
            raise ValueError("a subgroup needs 'cuts' or 'quantiles'; give one of the two.")
        parts = len(self.cuts) + 1 if self.cuts is not None else self.quantiles or 0
        if self.labels is not None and len(self.labels) != parts:
            raise ValueError(f"there are {len(self.labels)} labels for {parts} parts.")
        return self


class Threshold(Part):
    """The benefit curve: the effect on ``endpoint`` among patients whose ``biomarker`` (measured at screening or
    baseline) is at or above each of ``values`` (by default its deciles), and the share of people who are."""

    biomarker: Name
    endpoint: Name | None = None
    arm: Name | None = None
    values: list[Number] | None = None
    unit: str | None = None


class Uncertainty(Part):
    """The trial again for ``draws`` of all that is uncertain about the typical patient, ``patients`` per arm."""

    draws: Annotated[int, Field(ge=2, strict=True)] = 20
    patients: Annotated[int, Field(ge=2, strict=True)] = 100


class Power(Part):
    """Replicate trials: ``replicates`` of each of ``sizes`` patients per arm out of the simulated ones; power at
    ``alpha``; assurance over the draws of :class:`Uncertainty`. ``enrichment``: thresholds of ``biomarker`` that would
    be asked for at screening, with what they do to power and, by ``cost_screened`` and ``cost_enrolled``, to cost."""

    endpoint: Name | None = None
    arm: Name | None = None
    sizes: list[Count] = [25, 50, 100, 200, 400]
    replicates: Annotated[int, Field(ge=10, strict=True)] = 1000
    target: Annotated[float, Field(gt=0, lt=1)] = 0.8
    biomarker: Name | None = None
    enrichment: list[Number] = []
    unit: str | None = None
    cost_screened: Annotated[float, Field(ge=0)] = 1.0
    cost_enrolled: Annotated[float, Field(ge=0)] = 10.0


class Sensitivity(Part):
    """Which assumptions the answer leans on: Morris's elementary effects, or Sobol's indices, of the contrast of
    ``arm`` in ``endpoint`` over the uncertain typical values (all, or ``parameters``, or those of ``kinds``)."""

    endpoint: Name | None = None
    arm: Name | None = None
    method: Literal["morris", "sobol"] = "morris"
    trajectories: Annotated[int, Field(ge=2, strict=True)] = 10
    samples: Annotated[int, Field(ge=8, strict=True)] = 64
    patients: Annotated[int, Field(ge=1, strict=True)] = 32
    parameters: list[Name] = []
    kinds: list[Literal["measured", "derived", "calibrated", "assumed"]] = []


class Report(Part):
    """Words of the report that no machine can know."""

    question: str = ""
    context_of_use: str = ""
    model_influence: str = ""
    decision_consequence: str = ""
