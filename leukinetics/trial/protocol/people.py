"""Who is treated: covariates, what a population is to be matched to, and a table of people made before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from leukinetics.trial.protocol.fields import Criterion, Name, Number, Part, Share, Truth, Words


class Match(Part):
    """A published figure that the population is selected to meet.

    Of one ``observable`` (a readout, measured with its assay unless ``noise`` is false, or a covariate): ``mean`` and
    ``sd``; ``median`` and ``quartiles``; or the ``share`` above ``above``. Or ``correlation`` (of ranks) of two
    ``observables``.
    """

    observable: Annotated[Name | None, Field(description="a readout or a covariate")] = None
    observables: Annotated[list[Name] | None, Field(description="two, of a correlation")] = None
    mean: Annotated[Number | None, Field(description="with or without `sd`")] = None
    sd: Annotated[Number | None, Field(gt=0, description="standard deviation between people")] = None
    median: Annotated[Number | None, Field(description="with or without `quartiles`")] = None
    quartiles: Annotated[tuple[Number, Number] | None, Field(description="the lower and the upper one")] = None
    above: Annotated[Criterion | None, Field(description='what `share` of people meet, such as ">= 3 mg/L"')] = None
    share: Annotated[Share | None, Field(description="of people who meet `above`")] = None
    correlation: Annotated[Number | None, Field(gt=-1, lt=1, description="of ranks, of two `observables`")] = None
    unit: Annotated[str | None, Field(description="of the figures")] = None
    noise: Annotated[Truth, Field(description="as measured at screening, where there is an assay")] = True
    source: Annotated[Words, Field(description="where the figure was published")] = ""

    def problems(self) -> Iterator[tuple[str, str]]:
        pair = self.correlation is not None
        if pair != (self.observables is not None) or pair == (self.observable is not None):
            yield "observable", "give 'observable' with its figures, or two 'observables' with their 'correlation'."
        elif pair and len(set(self.observables or [])) != 2:
            yield "observables", "'correlation' is of two different 'observables'."
        if (self.above is None) != (self.share is None):
            yield "share", "'above' and 'share' go together, such as above = \"3 mg/L\", share = 0.27."
        figures = (self.mean, self.sd, self.median, self.quartiles, self.share)
        if not pair and self.above is None and all(v is None for v in figures):
            yield "mean", "there is no figure to meet; give mean, sd, median, quartiles, or above and share."
        if self.quartiles is not None and not self.quartiles[0] < self.quartiles[1]:
            yield "quartiles", "the first quartile must be below the second."
        elif self.quartiles is not None and not self._between(self.median, *self.quartiles):
            yield "median", "the median must lie between the quartiles."

    @staticmethod
    def _between(middle: float | None, low: float, high: float) -> bool:
        return middle is None or low <= middle <= high


class Population(Part):
    """Who there is: keys that are not below are covariates, in place of those of the condition.

    A person who does not meet ``plausible`` does not exist. ``match`` selects people so that those ``among``
    "screened", or those found eligible ("enrolled"), have published figures. The people of a ``table`` are taken in
    their order, instead of new ones.
    """

    model_config = ConfigDict(frozen=True, extra="allow", arbitrary_types_allowed=True)

    genotype: Annotated[dict[str, Any], Field(description="effect alleles (0, 1, 2) of everybody, by variant")] = {}
    ancestry: Annotated[str, Field(description="EUR, EAS or AFR: frequencies of the variants")] = "EUR"
    plausible: Annotated[
        dict[str, Criterion], Field(description="criteria on covariates and true readouts of a possible person")
    ] = {}
    match: Annotated[list[Match], Field(description="published figures to meet, see `[[population.match]]`")] = []
    among: Annotated[
        Literal["screened", "enrolled"], Field(description="whom the figures are of: everybody, or the eligible")
    ] = "screened"
    table: Annotated[
        str | None,
        Field(min_length=1, description="a saved population (.parquet), relative to the protocol's folder"),
    ] = None

    @property
    def covariates(self) -> dict[str, Any]:
        """What :func:`leukinetics.patients.make_plan` takes: covariates, genotype and ancestry."""
        return {**(self.model_extra or {}), "genotype": self.genotype, "ancestry": self.ancestry}
