"""The other tables: readouts, targets, genotypes, correlations."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from leukinetics.biology.dimensions import Unit, parse_unit
from leukinetics.biology.entities import Entity
from leukinetics.biology.formula import Node, parse_formula
from leukinetics.biology.parameters import KINDS, Parameter
from leukinetics.biology.problems import Place, Problems
from leukinetics.biology.tables import Row, read_tsv
from leukinetics.errors import DataError, ModelError, suggest

READOUTS = ("id", "expression", "unit", "entity", "label", "note", "source")
TARGETS = ("target", "site", "port", "kind", "module", "note")
TARGET_KINDS = ("soluble_ligand", "receptor", "enzyme", "transporter", "cell_surface")
SITES = ("plasma", "tissue", "csf")
GENOTYPES = (
    "variant", "gene", "entity", "effect_allele", "frequency_EUR", "frequency_EAS", "frequency_AFR", "parameter",
    "effect_per_allele", "uncertainty", "kind", "source", "note",
)  # fmt: skip
CORRELATIONS = ("a", "b", "rho", "source")


@dataclass(frozen=True)
class Readout:
    """What a laboratory would report: a formula over the model's symbols, in a clinician's unit."""

    id: str
    text: str
    formula: Node
    unit: Unit
    entity: str
    label: str
    note: str
    source: str
    place: Place


@dataclass(frozen=True)
class Target:
    """A molecular target at one site; ``port`` is the symbol that modules use."""

    target: str
    site: str
    port: str
    kind: str
    module: str
    note: str
    place: Place


class Tables(Protocol):
    """The tables that genotypes and correlations refer to."""

    parameters: dict[str, Parameter]
    entities: dict[str, Entity]
    readouts: dict[str, Readout]
    genotypes: list[Row]
    unreadable: set[str]


def read_readouts(
    text: str, file: str, entities: Mapping[str, Entity], problems: Problems, unreadable: set[str]
) -> dict[str, Readout]:
    """Readouts by id; ids of rows whose formula or unit cannot be read are added to ``unreadable``."""
    found: dict[str, Readout] = {}
    for row in read_tsv(text, file, READOUTS, problems):
        name = row["id"]
        if name in found:
            problems.add(row.place, f"the readout '{name}' is also in {found[name].place}.")
            continue
        _check_entity(row, name, entities, problems)
        try:
            formula, unit = parse_formula(row["expression"]), parse_unit(row["unit"])
        except (ModelError, DataError) as error:
            message, _, hint = str(error).partition(" Did you mean ")
            problems.add(row.place, f"readout '{name}': {message}", f" Did you mean {hint}" if hint else "")
            unreadable.add(name)
            continue
        found[name] = Readout(
            name, row["expression"], formula, unit, row["entity"], row["label"], row["note"], row["source"], row.place
        )
    return found


def read_targets(text: str, file: str, problems: Problems) -> dict[tuple[str, str], Target]:
    """Targets by (target, site)."""
    found: dict[tuple[str, str], Target] = {}
    ports: dict[str, Target] = {}
    for row in read_tsv(text, file, TARGETS, problems):
        target = Target(row["target"], row["site"], row["port"], row["kind"], row["module"], row["note"], row.place)
        key = (target.target, target.site)
        if target.site not in SITES:
            problems.add(row.place, f"the site of {target.target} is '{target.site}', not one of {', '.join(SITES)}.")
        if target.kind not in TARGET_KINDS:
            problems.add(
                row.place,
                f"the kind of {target.target} is '{target.kind}', not one of {', '.join(TARGET_KINDS)}.",
                suggest(target.kind, TARGET_KINDS),
            )
        if not re.fullmatch(r"[A-Za-z]\w*", target.port):
            problems.add(row.place, f"the port of {target.target} is '{target.port}', which is no id.")
            continue
        twin = found.get(key) or ports.get(target.port)
        if twin:
            problems.add(row.place, f"{target.target} at {target.site} (port '{target.port}') repeats {twin.place}.")
            continue
        found[key] = ports[target.port] = target
    return found


def read_genotypes(text: str, file: str, tables: Tables, problems: Problems) -> list[Row]:
    """Rows of the genotype table; a variant may have several, one for each parameter it acts on."""
    seen: dict[tuple[str, str], Place] = {}
    rows = read_tsv(text, file, GENOTYPES, problems)
    parameters, entities, readouts = tables.parameters, tables.entities, tables.readouts
    for row in rows:
        variant, parameter = row["variant"], row["parameter"]
        if (variant, parameter) in seen:
            problems.add(row.place, f"the effect of {variant} on '{parameter}' is also in {seen[variant, parameter]}.")
        seen.setdefault((variant, parameter), row.place)
        _check_entity(row, variant, entities, problems)
        if parameter in readouts and parameter not in parameters:
            problems.add(row.place, f"{variant} names the readout '{parameter}'; a genotype acts on a parameter only.")
        elif parameter not in parameters and parameter not in tables.unreadable:
            problems.add(
                row.place, f"{variant} names the unknown parameter '{parameter}'.", suggest(parameter, parameters)
            )
        elif parameter in parameters and "genotype" not in parameters[parameter].set_by:
            problems.add(
                row.place,
                f"{variant} acts on '{parameter}', which is not open to genotypes; set_by in "
                f"{parameters[parameter].place} lacks 'genotype'.",
            )
        _check_number(row, "effect_per_allele", variant, None, problems)
        for column in ("frequency_EUR", "frequency_EAS", "frequency_AFR"):
            if row[column]:
                _check_number(row, column, variant, (0.0, 1.0), problems)
        if row["kind"] not in KINDS:
            problems.add(row.place, f"the kind of {variant} is '{row['kind']}', not one of {', '.join(KINDS)}.")
        if not row["source"]:
            problems.add(row.place, f"{variant} has no source.")
    return rows


def read_correlations(text: str, file: str, tables: Tables, problems: Problems) -> list[Row]:
    """Rows of the table of correlations between patients: of parameters, or of variants (linkage)."""
    rows = read_tsv(text, file, CORRELATIONS, problems)
    seen: dict[frozenset[str], Place] = {}
    known = {*tables.parameters, *(row["variant"] for row in tables.genotypes)}
    for row in rows:
        pair = frozenset((row["a"], row["b"]))
        if pair in seen:
            problems.add(row.place, f"the correlation of '{row['a']}' and '{row['b']}' is also in {seen[pair]}.")
        seen.setdefault(pair, row.place)
        for name in (row["a"], row["b"]):
            if name not in known and name not in tables.unreadable:
                what = f"the correlation names '{name}', which is no parameter and no variant."
                problems.add(row.place, what, suggest(name, known))
        _check_number(row, "rho", f"{row['a']} with {row['b']}", (-1.0, 1.0), problems)
        if not row["source"]:
            problems.add(row.place, f"the correlation of '{row['a']}' and '{row['b']}' has no source.")
    return rows


def _check_entity(row: Row, name: str, entities: Mapping[str, Entity], problems: Problems) -> None:
    if row["entity"] and row["entity"] not in entities:
        problems.add(
            row.place, f"'{name}' names the unknown entity '{row['entity']}'.", suggest(row["entity"], entities)
        )


def _check_number(row: Row, column: str, what: str, within: tuple[float, float] | None, problems: Problems) -> None:
    try:
        value = float(row[column])
    except ValueError:
        problems.add(row.place, f"{column} of {what} is '{row[column]}', not a number.")
        return
    if within is not None and not within[0] <= value <= within[1]:
        problems.add(row.place, f"{column} of {what} is {value:g}; it lies between {within[0]:g} and {within[1]:g}.")
