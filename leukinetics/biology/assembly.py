"""The assembled model: what it is made of, its tables, its SBML, its hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leukinetics.biology.check import Draft
from leukinetics.biology.conditions import ConditionSet
from leukinetics.biology.drug_records import DrugSpec
from leukinetics.biology.entities import Entity
from leukinetics.biology.folder import Biology
from leukinetics.biology.parameters import Parameter
from leukinetics.biology.records import GENOTYPES, Target
from leukinetics.biology.symbols import Composition, Symbol
from leukinetics.biology.write_sbml import write_sbml

if TYPE_CHECKING:
    import pandas as pd

    from leukinetics.engine.model import Model


class Assembly:
    """A model with all that belongs to it. Made by :func:`leukinetics.biology.assemble`."""

    def __init__(self, biology: Biology, made: Draft) -> None:
        self._biology, self._made = biology, made
        composition = made.composition
        wanted = composition.used & made.parameters.keys()
        left_out = [m for m in biology.modules.values() if m.group and m not in made.modules]
        elsewhere = {name for m in left_out for s in m.statements for name in s.reads}
        for p in made.parameters.values():  # covariates of patients, whether the model reads them or not
            if p.owner in ("core", "condition") and "patient" in p.set_by and p.id not in elsewhere:
                wanted.add(p.id)
        for name in [s.name for s in composition.of_kind("parameter") if s.name not in wanted]:
            del composition.symbols[name]
        self._parameters = {s.name: s.parameter for s in composition.of_kind("parameter") if s.parameter is not None}
        #: id -> DrugSpec
        self.drugs: dict[str, DrugSpec] = {}
        targets = {t.port: t.target for t in biology.targets.values()}
        for emitted in made.emitted:
            self.drugs[emitted.drug.id] = emitted.spec(
                emitted.drug.counts or self._amount_unit(emitted.drug.supplies), targets
            )
        #: The condition (None for the bare core).
        self.condition: ConditionSet | None = made.condition

    def __repr__(self) -> str:
        condition = "core" if self.condition is None else self.condition.id
        return (
            f"<Assembly '{condition}' with {', '.join(self.drugs) or 'no drugs'}: {len(self._parameters)} parameters>"
        )

    def _amount_unit(self, supplies: tuple[str, ...]) -> str:
        if not supplies:
            return "mg"
        return str(self._made.inference.amount(self._made.composition.symbols[supplies[0]]))

    # ---- the model -----------------------------------------------------------------------------------

    @cached_property
    def sbml(self) -> str:
        """The model as SBML Level 3 Version 2 with units and MIRIAM identifiers."""
        condition = self.condition
        parts = ["leukinetics" if condition is None else condition.id, *self.drugs]
        title = "Interleukin core" if condition is None else condition.title or condition.id
        return write_sbml(
            self._made.composition,
            self._made.inference,
            self._biology.entities,
            "_".join(parts),
            title + (f" with {', '.join(d.name or d.id for d in self.drugs.values())}" if self.drugs else ""),
            "" if condition is None else condition.entity,
        )

    @cached_property
    def model(self) -> Model:
        """The model, to simulate. Its units are those of :meth:`unit`: SBML has no degC, and one unit of extent."""
        from leukinetics import load_model
        from leukinetics.engine.model import Model

        system = load_model(self.sbml).system
        own = {n: self.unit(n) for n in system.observables if n in self.symbols and self.symbols[n].kind != "species"}
        return Model(replace(system, units=system.units | own))

    def write_sbml(self, path: str | Path) -> None:
        """Write :attr:`sbml` to a file."""
        Path(path).write_text(self.sbml, encoding="utf-8")

    @cached_property
    def hash(self) -> str:
        """SHA-256 over all that decides a number: formulas, values, units, spreads, conditions, drugs.

        Comments, notes and sources do not count, so that a mended citation makes no result stale.
        """
        content = {
            "statements": sorted(_plain(self._made.composition)),
            "parameters": [_numbers(p) for p in sorted(self._parameters.values(), key=lambda p: p.id)],
            "masses": {e.id: e.molar_mass for e in self._biology.entities.values() if e.id in self._entities_used()},
            "genotypes": sorted([row[c] for c in GENOTYPES[:1] + GENOTYPES[4:10]] for row in self._genotypes()),
            "correlations": sorted([str(row[c]) for c in ("a", "b", "rho")] for row in self._correlations()),
            "population": {} if self.condition is None else _distributions(self.condition.population),
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def _entities_used(self) -> set[str]:
        return {s.entity for s in self._made.composition.symbols.values()} | {d.entity for d in self.drugs.values()}

    # ---- tables --------------------------------------------------------------------------------------

    @cached_property
    def symbols(self) -> dict[str, Symbol]:
        """Every name of the model: kind, place, entity, description and defining statements."""
        return self._made.composition.symbols

    def unit(self, name: str) -> str:
        """The unit of a symbol: canonical, or the clinician's for a readout."""
        symbol = self.symbols[name]
        return symbol.readout.unit.text if symbol.readout is not None else str(self._made.inference.dimension(name))

    @property
    def entities(self) -> dict[str, Entity]:
        """All entities of the folder by id."""
        return self._biology.entities

    @property
    def targets(self) -> list[Target]:
        """The molecular targets and sites that drugs may bind."""
        return list(self._biology.targets.values())

    @property
    def modules(self) -> dict[str, str]:
        """Assembled modules and the comment at the head of each."""
        return {m.name: m.header for m in self._made.modules}

    @cached_property
    def parameters(self) -> pd.DataFrame:
        """One row a parameter: id, value and unit (canonical), published_value, published_unit, spread, uncertainty,
        prior, kind, entity, set_by (a tuple), source, note, owner ("core", "condition" or a drug), file, line."""
        import pandas as pd

        rows = [
            {
                "id": p.id, "value": p.value, "unit": str(p.dimension), "published_value": p.published_value,
                "published_unit": p.published_unit, "spread": p.spread, "uncertainty": p.uncertainty,
                "prior": float("nan") if p.prior is None else p.prior, "kind": p.kind, "entity": p.entity,
                "set_by": p.set_by, "source": p.source, "note": p.note, "owner": p.owner, "file": p.place.file,
                "line": p.place.line,
            }
            for p in self._parameters.values()
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=list(rows[0]) if rows else [])

    @cached_property
    def readouts(self) -> pd.DataFrame:
        """One row a readout: id, expression, unit, entity, label, note, source; the drugs' plasma levels come last."""
        import pandas as pd

        names = ["id", "expression", "unit", "entity", "label", "note", "source"]
        found = [s.readout for s in self.symbols.values() if s.readout is not None]
        rows = [[r.id, r.text, r.unit.text, r.entity, r.label, r.note, r.source] for r in found]
        rows += [
            [d.id, d.plasma, "mg/L", d.entity, f"{d.name}, plasma", "", ""] for d in self.drugs.values() if d.plasma
        ]
        return pd.DataFrame(rows, columns=names)

    @cached_property
    def genotypes(self) -> pd.DataFrame:
        """One row an effect of a variant: ``parameter * exp(alleles * effect_per_allele)``; frequencies are numbers."""
        import pandas as pd

        table = pd.DataFrame([[row[c] for c in GENOTYPES] for row in self._genotypes()], columns=list(GENOTYPES))
        for column in ("effect_per_allele", "frequency_EUR", "frequency_EAS", "frequency_AFR"):
            table[column] = pd.to_numeric(table[column])
        return table

    def _genotypes(self) -> list[Any]:
        return [row for row in self._biology.genotypes if row["parameter"] in self._parameters]

    @cached_property
    def correlations(self) -> pd.DataFrame:
        """Correlations between patients (on the transformed scale): a, b, rho, source."""
        import pandas as pd

        return pd.DataFrame(self._correlations(), columns=["a", "b", "rho", "source"])

    def _correlations(self) -> list[dict[str, Any]]:
        rows = [
            {"a": row["a"], "b": row["b"], "rho": float(row["rho"]), "source": row["source"]}
            for row in self._biology.correlations
        ]
        rows += [row for emitted in self._made.emitted for row in emitted.drug.correlations]
        known = {*self._parameters, *(row["variant"] for row in self._genotypes())}
        return [row for row in rows if row["a"] in known and row["b"] in known]


def _plain(composition: Composition) -> Iterable[list[str]]:
    """Each definition as its kind, name and formula, the same however it is laid out in a file."""
    for symbol in composition.symbols.values():
        yield [symbol.kind, symbol.name, symbol.compartment, str(symbol.substance_only)]
        for s in symbol.statements:
            sides = [f"{n:g} {name}" for side in (s.reactants, s.products) for n, name in side] + [
                str(len(s.reactants))
            ]
            yield [s.kind, s.name, str(composition.formula(s)), *(sides if s.kind == "reaction" else [])]
            if s.kind == "event":
                yield [s.kind, s.name, str(s.initially), str(s.persistent), str(s.values_at_trigger)]
            for part in s.parts:
                yield [s.name, part.kind, part.name, str(composition.formula(part))]
        if symbol.readout is not None:
            yield ["readout", symbol.name, str(composition.formula(symbol.readout)), symbol.readout.unit.text]


def _distributions(population: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The population without what is said about its numbers."""
    said = {"kind", "source", "note"}
    return {name: {key: v for key, v in row.items() if key not in said} for name, row in population.items()}


def _numbers(p: Parameter) -> list[Any]:
    prior = "" if p.prior is None else f"{p.prior:.12g}"
    return [
        p.id,
        repr(p.published_value),
        p.published_unit,
        p.spread,
        p.uncertainty,
        prior,
        p.kind,
        p.entity,
        *p.set_by,
    ]
