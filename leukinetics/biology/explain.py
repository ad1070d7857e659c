"""What a name in the model stands for: where it occurs, its equations, its numbers and their sources.

:func:`explain` gives one :class:`Entry` for each thing of that name (``crp`` is a species and a readout). An entry is a
title and sections of plain lines; a section may hold a table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from leukinetics.biology import explain_acting as acting
from leukinetics.biology.catalogue import Catalogue, where
from leukinetics.biology.entry import (
    PARAMETER_COLUMNS,
    Entry,
    Section,
    all_ports,
    baselines,
    changed,
    entity_line,
    genotype_line,
    listed,
    parameter_rows,
    port_line,
    quantity,
    symbol_line,
    words,
)
from leukinetics.biology.formula import Node
from leukinetics.biology.statements import Statement
from leukinetics.biology.tables import Row


def explain(catalogue: Catalogue, name: str, values: Mapping[str, tuple[float, str]] | None = None) -> list[Entry]:
    """All entries of ``name``: of exactly this spelling, else whatever the case of its letters; none if unknown.

    ``values``: (number, unit) of symbols of the healthy model at its start, for those who want to see them.
    """
    found = _exactly(catalogue, name)
    if not found:
        same = {n for n in catalogue.names() if n.lower() == name.lower()}
        found = [entry for n in sorted(same) for entry in _exactly(catalogue, n)]
    for entry in found:
        if values and entry.name in values and entry.name in catalogue.symbols:
            number, unit = values[entry.name]
            start = f"{number:.6g} {'' if unit == 'dimensionless' else unit}".strip()
            entry.sections.insert(0, Section("At rest in health (the model's unit)", [start]))
    return found


def _exactly(catalogue: Catalogue, name: str) -> list[Entry]:
    finders: tuple[Callable[[Catalogue, str], Entry | None], ...] = (
        _symbol, _readout, _parameter, _module, _function,
        acting.drug, acting.drug_symbol, acting.condition, acting.genotype, acting.target, acting.port, acting.entity,
    )  # fmt: skip
    return [entry for find in finders if (entry := find(catalogue, name)) is not None]


def _symbol(catalogue: Catalogue, name: str) -> Entry | None:
    defining = catalogue.defining(name)
    if not any(s.name == name for s in defining):
        return None
    first = next((s for s in defining if s.name == name and (s.entity or s.description)), None)
    first = first or next(s for s in defining if s.name == name)
    kinds = {s.kind for s in defining if s.name == name}
    description = next((s.description for s in defining if s.name == name and s.description), "")
    entry = Entry(name, _kind(kinds, defining, name) + (f": {description}" if description else ""), where(first.place))
    entry.centre = (name,)
    if first.entity:
        entry.add("Entity", [entity_line(catalogue, first.entity)])
    entry.add("Equations", [s.text for s in defining if s.formula is not None and s.kind != "species"])
    entry.add("Places", [listed([where(s.place) for s in defining])])
    readers = [s for s in catalogue.reading(name) if s not in defining]
    entry.add("Used by", [listed([s.name for s in readers])])
    entry.add("Readouts", [r["id"] for r in catalogue.tables["readouts"] if name in words(r["expression"])])
    used = dict.fromkeys(n for s in defining for n in s.reads)
    entry.add("Parameters", rows=parameter_rows(catalogue, used), columns=PARAMETER_COLUMNS)
    ports = [port_line(catalogue, n) for n in used if n in all_ports(catalogue)]
    entry.add("Drugs act here", ports)
    return entry


def _kind(kinds: set[str], defining: list[Statement], name: str) -> str:
    species = next((s for s in defining if s.kind == "species" and s.name == name), None)
    if species is not None:
        return f"species ({'amount' if species.substance_only else 'concentration'}) in {species.compartment}"
    for kind, word in (
        ("compartment", "compartment"),
        ("reaction", "reaction"),
        ("event", "event"),
        ("rate", "state"),
        ("rule", "variable"),
    ):
        if kind in kinds:
            return word
    if any(s.kind == "event" for s in defining):
        return "variable that events change"
    return "constant made of parameters"


def _module(catalogue: Catalogue, name: str) -> Entry | None:
    module = next((m for m in catalogue.modules if m.name == name), None)
    if module is None:
        return None
    title, _, rest = module.header.partition("\n")
    entry = Entry(name, f"module: {title}", f"{module.file}:1")
    entry.add("Header", [rest])
    states = dict.fromkeys(s.name for s in module.statements if s.kind in ("species", "rate"))
    entry.add("States", [symbol_line(catalogue, s) for s in states])
    entry.add("Variables", [listed(s.name for s in module.statements if s.kind == "rule")])
    entry.add("Events", [s.text for s in module.statements if s.kind == "event"])
    entry.add("Functions", [f"{f.name}({', '.join(f.parameters)}) = {f.body}" for f, _ in module.functions])
    entry.centre = tuple(states)
    return entry


def _function(catalogue: Catalogue, name: str) -> Entry | None:
    found = [(f, place) for module in catalogue.modules for f, place in module.functions if f.name == name]
    if not found:
        return None
    function, place = found[0]
    entry = Entry(name, "function", where(place))
    entry.add("Definition", [f"{name}({', '.join(function.parameters)}) = {function.body}"])
    users = [s for s in catalogue.statements if any(_calls(formula, name) for formula in s.formulas)]
    entry.add("Used by", [f"{s.text}    ({where(s.place)})" for s in users])
    return entry


def _calls(formula: Node, name: str) -> bool:
    return any(node.op == "call" and node.value == name for node in formula.walk())


def _readout(catalogue: Catalogue, name: str) -> Entry | None:
    row = next(iter(catalogue.rows("readouts", name)), None)
    if row is None:
        return None
    entry = Entry(name, f"readout: {row['label'] or name}", where(row.place))
    symbols = [w for w in words(row["expression"]) if w in catalogue.symbols]
    entry.centre = tuple(symbols)
    entry.add("Expression", [f"{name} = {row['expression']}", f"unit: {row['unit']}"])
    if row["entity"]:
        entry.add("Entity", [entity_line(catalogue, row["entity"])])
    entry.add("Symbols", [symbol_line(catalogue, s) for s in symbols])
    used = [w for w in words(row["expression"]) if w not in symbols]
    entry.add("Parameters", rows=parameter_rows(catalogue, used), columns=PARAMETER_COLUMNS)
    entry.add("Baselines of conditions", baselines(catalogue, name))
    entry.add("Note and source", [row["note"], row["source"]])
    return entry


def _parameter(catalogue: Catalogue, name: str) -> Entry | None:
    row = catalogue.parameter(name)
    if row is None:
        return acting.drug_parameter(catalogue, name)
    entry = Entry(name, "parameter", where(row.place))
    users = catalogue.reading(name)
    entry.centre = tuple(dict.fromkeys(t for s in users for t in changed(s)))[:6]
    entry.add("Value", _value_lines(row))
    if row["entity"]:
        entry.add("Entity", [entity_line(catalogue, row["entity"])])
    entry.add("Source and note", [row["source"], row["note"]])
    entry.add("Used by", [f"{s.text}    ({where(s.place)})" for s in users])
    entry.add("Readouts", [r["id"] for r in catalogue.tables["readouts"] if name in words(r["expression"])])
    set_by = [
        (
            c,
            f"{quantity(value)}",
            str(value.get("kind", "")),
            str(value.get("source", "")),
            where(document.place("set", name)),
        )
        for c, document in catalogue.conditions.items()
        if isinstance(value := document.content.get("set", {}).get(name), Mapping)
    ]
    entry.add("Values in conditions", rows=set_by, columns=("condition", "value", "kind", "source", "place"))
    variants = [g for g in catalogue.tables["genotypes"] if g["parameter"] == name]
    entry.add("Variants", [genotype_line(g) for g in variants])
    return entry


def _value_lines(row: Row) -> list[str]:
    lines = [f"{row['value']} {row['unit']}  ({row['kind']})"]
    lines.append(f"between patients: {row['spread'] or 'no spread'}")
    lines.append(f"uncertainty of the typical value: {row['uncertainty'] or 'none'}")
    if row["prior"]:
        lines.append(f"prior centre: {row['prior']} {row['unit']}")
    if row["set_by"]:
        lines.append(f"may also be set by: {row['set_by'].replace(' ', ', ')}")
    return lines
