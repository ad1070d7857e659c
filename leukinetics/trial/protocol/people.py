"""Who is treated: covariates, what a population is to be matched to, and a table of people made before."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, model_validator

from leukinetics.trial.protocol.fields import Criterion, Name, Number, Part, Share


class Match(Part):
    """A published figure that the population is selected to meet.

    Of one ``observable`` (a readout, measured with its assay unless ``noise`` is false, or a covariate): ``mean`` and
    ``sd``; ``median`` and ``quartiles``; or the ``share`` above ``above``. Or ``correlation`` (of ranks) of two
    ``observables``.
    """

    observable: Name | None = None
    observables: list[Name] | None = None
    mean: Number | None = None
    sd: Number | None = None
    median: Number | None = None
    quartiles: tuple[Number, Number] | None = None
    above: Criterion | None = None
    share: Share | None = None
    correlation: Number | None = None
    unit: str | None = None
    noise: bool = True
    source: str = ""

    @model_validator(mode="after")
    def _whole(self) -> Match:
        pair = self.correlation is not None
        if pair != (self.observables is not None) or pair == (self.observable is not None):
            raise ValueError("give 'observable' with its figures, or two 'observables' with their 'correlation'.")
        if pair and (len(self.observables or []) != 2 or not -1 < (self.correlation or 0.0) < 1):
            raise ValueError("'correlation' lies between -1 and 1 and is of two 'observables'.")
        if (self.above is None) != (self.share is None):
            raise ValueError("'above' and 'share' go together, such as above = \"3 mg/L\", share = 0.27.")
        if not pair and all(v is None for v in (self.mean, self.sd, self.median, self.quartiles, self.share)):
            raise ValueError("there is no figure to meet; give mean, sd, median, quartiles, or above and share.")
        return self


class Population(Part):
    """Covariates (any key that is not below), with:

    genotype : variant to allele count, for everybody. ancestry : "EUR", "EAS" or "AFR".
    plausible : criteria on covariates and on true, untreated readouts that a person must meet to exist.
    match : published figures, of those ``among`` "screened" people, or among those found eligible ("enrolled").
    table : a population saved before (a Parquet file), whose people are taken in their order.
    """

    model_config = ConfigDict(frozen=True, extra="allow", arbitrary_types_allowed=True)

    genotype: dict[str, Any] = {}
    ancestry: str = "EUR"
    plausible: dict[str, Criterion] = {}
    match: list[Match] = []
    among: Literal["screened", "enrolled"] = "screened"
    table: str | None = None

    @property
    def covariates(self) -> dict[str, Any]:
        """What :func:`leukinetics.patients.make_plan` takes: covariates, genotype and ancestry."""
        return {**(self.model_extra or {}), "genotype": self.genotype, "ancestry": self.ancestry}
