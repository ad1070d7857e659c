"""A target: the protocol of a published study and its readouts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, PrivateAttr, field_validator

from leukinetics.errors import suggest
from leukinetics.evidence.readout import BASE, Readout
from leukinetics.trial.protocol import Part

Name = Annotated[str, Field(min_length=1)]


class Variant(Part):
    """The protocol with some keys changed: ``trial``, ``population``, ``parameter`` and ``eligibility`` are merged."""

    name: Name
    trial: dict[str, Any] = Field(default_factory=dict)
    population: dict[str, Any] = Field(default_factory=dict)
    parameter: dict[str, Any] = Field(default_factory=dict)
    eligibility: dict[str, Any] = Field(default_factory=dict)


class Target(Part):
    """A study: where it is published, who took part, its protocol as of a trial file, and its readouts.

    ``published``: whether it was done. One that was not carries out a claim, its values are the claim's bounds, and a
    validation of the model has no place for it.
    """

    id: Name
    title: Name
    source: Name
    population: str = ""
    note: str = ""
    published: bool = True
    protocol: dict[str, Any]
    variant: list[Variant] = Field(default_factory=list)
    readout: Annotated[list[Readout], Field(min_length=1)]

    _file: Path | None = PrivateAttr(None)

    @field_validator("protocol")
    @classmethod
    def _has_its_tables(cls, protocol: dict[str, Any]) -> dict[str, Any]:
        """The tables that :meth:`protocol_of` works with; all else is for the protocol's own check."""
        if not isinstance(protocol.get("trial"), Mapping):
            near = suggest("trial", protocol)
            raise ValueError(f"it has no table 'trial'; write [protocol.trial].{near}")
        for name in ("arm", "endpoint"):
            tables = protocol.get(name)
            if not (isinstance(tables, list) and tables and all(isinstance(table, Mapping) for table in tables)):
                raise ValueError(f"it has no tables '{name}'; write [[protocol.{name}]].{suggest(name, protocol)}")
        return protocol

    @property
    def file(self) -> Path | None:
        """Where it was read from."""
        return self._file

    def key(self, readout: Readout) -> str:
        """The name of a readout among all targets."""
        return f"{self.id}.{readout.id}"

    def source_of(self, readout: Readout) -> str:
        """The readout's own source, or the study's."""
        return readout.source or self.source

    def protocol_of(self, variant: str, keep: list[Readout] | None = None) -> dict[str, Any]:
        """The protocol of a variant, with only the endpoints (and in twin designs the arms) that ``keep`` needs.

        Endpoints are read without the assay's noise unless they ask for it: a largest sample of noisy ones is biased.
        """
        given = next((v for v in self.variant if v.name == variant), None)
        merged = dict(self.protocol)
        if given is not None:
            for part in ("trial", "population", "parameter", "eligibility"):
                merged[part] = merge(merged.get(part, {}), getattr(given, part))
        readouts = self.readout if keep is None else keep
        wanted = {name for r in readouts for name in r.endpoints}
        arms = {name for r in readouts for name in (r.arm, r.reference) if name}
        merged["endpoint"] = [{"noise": False, **e} for e in merged["endpoint"] if e.get("id") in wanted]
        if merged["trial"].get("design", "twins") == "twins":
            merged["arm"] = [a for a in merged["arm"] if a.get("name") in arms]
        return {name: part for name, part in merged.items() if part}

    def variants_of(self, readouts: list[Readout]) -> list[str]:
        """The protocol variants that these readouts need."""
        names = [name for r in readouts for name in (r.variant, r.reference_variant) if name]
        return list(dict.fromkeys(names)) or [BASE]


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with the keys of ``over``; tables are merged, all else is replaced."""
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        whole = isinstance(value, Mapping) and {"value", "mean", "median", "proportion"} & value.keys()
        deep = isinstance(below, Mapping) and isinstance(value, Mapping) and not whole
        merged[key] = merge(below, value) if deep and isinstance(below, Mapping) else value
    return merged
