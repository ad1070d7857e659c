"""What is made of a trial: comparisons, subgroups, thresholds, power, uncertainty, sensitivity."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from leukinetics.trial.protocol.fields import Between, Count, Moment, Name, NotNegative, Number, Part, Truth, Words

#: Patients per arm of a replicate trial; more are a slip, and would take hours.
MOST_REPLICATED = 100_000


class Schedule(Part):
    """What is measured besides the endpoints: ``measure`` at each of ``visits`` (and at time 0), with assay noise where
    there is an assay and ``noise`` holds. Courses and drug levels of the report come from here."""

    visits: Annotated[list[Moment], Field(min_length=1, description="times of the visits; time 0 is always one")]
    measure: Annotated[list[Name], Field(min_length=1, description="observables")]
    noise: Annotated[Truth, Field(description="as the laboratory reports it, where there is an assay")] = True


class Analysis(Part):
    """How the trial is analysed.

    ``missing`` says what stands for a value that a patient has not who left, or that ``after_rule`` = "missing" takes
    away: "available" (nothing: all that is there is used), "last" (the last one before among the endpoint's ``visits``;
    of a window the baseline), "baseline", or "worst" (a non-responder; the largest of all or, of an endpoint that is
    ``higher_is_better``, the smallest).
    """

    alpha: Annotated[Between, Field(description="two-sided level; intervals are at 1 - alpha")] = 0.05
    primary: Annotated[
        list[Name], Field(description="endpoints, in the order of the hierarchy; the first by default")
    ] = []
    multiplicity: Annotated[
        Literal["none", "holm", "hierarchical"], Field(description="over the contrasts of the primary endpoints")
    ] = "none"
    covariates: Annotated[list[Name], Field(description="of adjusted analyses, besides the baseline")] = []
    missing: Annotated[
        Literal["available", "last", "baseline", "worst"],
        Field(description="what stands for a value that is not there"),
    ] = "available"
    after_rule: Annotated[
        Literal["used", "missing"], Field(description="values of a patient after a rule has fired")
    ] = "used"
    higher_is_better: Annotated[
        list[Name], Field(description="endpoints of which the worst value is the smallest")
    ] = []


class Subgroup(Part):
    """Contrasts within parts of the patients: by a covariate, a genotype, or an observable's screening (or baseline)
    value ``on``, cut at ``cuts``, or into ``quantiles`` parts of equal size."""

    id: Annotated[Name, Field(description="unique")]
    on: Annotated[Name, Field(description="a covariate, a genotype, or an observable (at screening or baseline)")]
    cuts: Annotated[list[Number] | None, Field(description="limits between the parts, ascending")] = None
    unit: Annotated[str | None, Field(description="of `cuts`")] = None
    quantiles: Annotated[
        int | None, Field(ge=2, le=10, strict=True, description="parts of equal size, instead of `cuts`")
    ] = None
    labels: Annotated[list[Name] | None, Field(description="names of the parts, from low to high")] = None
    endpoint: Annotated[Name | None, Field(description="the first primary endpoint by default")] = None

    def problems(self) -> Iterator[tuple[str, str]]:
        if (self.cuts is None) == (self.quantiles is None):
            yield "cuts", "a subgroup needs 'cuts' or 'quantiles'; give one of the two."
            return
        if self.cuts is not None and (not self.cuts or sorted(set(self.cuts)) != self.cuts):
            yield "cuts", "'cuts' must be one number or more, each larger than the one before."
        parts = len(self.cuts) + 1 if self.cuts is not None else self.quantiles or 0
        if self.labels is not None and len(self.labels) != parts:
            yield "labels", f"there are {len(self.labels)} labels for {parts} parts."


class Threshold(Part):
    """The benefit curve: the effect on ``endpoint`` among patients whose ``biomarker`` (measured at screening or
    baseline) is at or above each of ``values`` (by default its deciles), and the share of people who are."""

    biomarker: Annotated[Name, Field(description="a covariate, or an observable (at screening or baseline)")]
    endpoint: Annotated[Name | None, Field(description="the first primary endpoint by default")] = None
    arm: Annotated[Name | None, Field(description="the last arm by default")] = None
    values: Annotated[list[Number] | None, Field(description="thresholds; the deciles by default")] = None
    unit: Annotated[str | None, Field(description="of `values`")] = None


class Uncertainty(Part):
    """The trial again for ``draws`` of all that is uncertain about the typical patient, ``patients`` per arm."""

    draws: Annotated[int, Field(ge=2, le=10_000, strict=True, description="of the typical values")] = 20
    patients: Annotated[int, Field(ge=2, le=1_000_000, strict=True, description="per arm, in each draw")] = 100


class Power(Part):
    """Replicate trials: ``replicates`` of each of ``sizes`` patients per arm out of the simulated ones; power at
    ``alpha``; assurance over the draws of :class:`Uncertainty`. ``enrichment``: thresholds of ``biomarker`` that would
    be asked for at screening, with what they do to power and, by ``cost_screened`` and ``cost_enrolled``, to cost."""

    endpoint: Annotated[Name | None, Field(description="the first primary endpoint by default")] = None
    arm: Annotated[Name | None, Field(description="the last arm by default")] = None
    sizes: Annotated[list[Count], Field(min_length=1, description="patients per arm")] = [25, 50, 100, 200, 400]
    replicates: Annotated[int, Field(ge=10, le=1_000_000, strict=True, description="trials drawn for each size")] = 1000
    target: Annotated[Between, Field(description="the power that the sample size is worked out for")] = 0.8
    biomarker: Annotated[Name | None, Field(description="by which patients would be selected at screening")] = None
    enrichment: Annotated[list[Number], Field(description="thresholds of `biomarker`")] = []
    unit: Annotated[str | None, Field(description="of `enrichment`")] = None
    others: Annotated[
        dict[Name, list[Number]], Field(description="other biomarkers, each with its thresholds in its own unit")
    ] = {}
    cost_screened: Annotated[NotNegative, Field(description="of screening a person, in any currency")] = 1.0
    cost_enrolled: Annotated[NotNegative, Field(description="of a patient who takes part, in the same")] = 10.0

    @property
    def markers(self) -> list[tuple[str, list[float], str | None]]:
        """Each biomarker, its thresholds and their unit; None: the biomarker's own."""
        first = [] if self.biomarker is None else [(self.biomarker, self.enrichment, self.unit)]
        return [*first, *((name, limits, None) for name, limits in self.others.items())]

    def problems(self) -> Iterator[tuple[str, str]]:
        if bool(self.enrichment) != (self.biomarker is not None):
            yield "enrichment", "'biomarker' and 'enrichment', its thresholds, go together; give both or none."
        if self.biomarker in self.others:
            yield "others", f"'{self.biomarker}' is the 'biomarker' already; put all its thresholds into 'enrichment'."
        for name in (name for name, limits in self.others.items() if not limits):
            yield "others", f"'{name}' has no thresholds; give one or more."
        if self.unit is not None and self.biomarker is None:
            yield "unit", "'unit' is that of 'enrichment', which is not there."
        if any(n > MOST_REPLICATED for n in self.sizes):
            yield "sizes", f"a replicate trial has {MOST_REPLICATED:,} patients per arm at most; give smaller sizes."
        if any(n < 2 for n in self.sizes):
            yield "sizes", "an arm of 1 patient cannot be compared; give sizes of 2 or more."


class Sensitivity(Part):
    """Which assumptions the answer leans on: Morris's elementary effects, Sobol's indices, or a tornado, of the
    contrast of ``arm`` in ``endpoint`` over the uncertain typical values (all, or ``parameters``, or those of
    ``kinds``)."""

    endpoint: Annotated[Name | None, Field(description="the first primary endpoint by default")] = None
    arm: Annotated[Name | None, Field(description="the last arm by default")] = None
    method: Annotated[
        Literal["morris", "sobol", "tornado"],
        Field(description="elementary effects, variance indices, or one parameter at a time"),
    ] = "morris"
    trajectories: Annotated[int, Field(ge=2, le=10_000, strict=True, description="of morris")] = 10
    samples: Annotated[int, Field(ge=8, le=1_000_000, strict=True, description="of sobol")] = 64
    patients: Annotated[int, Field(ge=1, le=1_000_000, strict=True, description="per arm, in each run")] = 32
    parameters: Annotated[list[Name], Field(description="to vary; all that are uncertain by default")] = []
    kinds: Annotated[
        list[Literal["measured", "derived", "calibrated", "assumed"]],
        Field(description="to vary parameters of these kinds of evidence only"),
    ] = []


class Report(Part):
    """Words of the report that no machine can know."""

    question: Annotated[Words, Field(description="the question of interest")] = ""
    context_of_use: Annotated[Words, Field(description="what the answer is used for")] = ""
    model_influence: Annotated[Words, Field(description="how much it weighs beside other evidence")] = ""
    decision_consequence: Annotated[Words, Field(description="what a wrong answer would lead to")] = ""
