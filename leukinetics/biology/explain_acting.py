"""Explanations of what acts on the model or stands for a part of it: drugs, targets, entities, conditions, variants."""

from __future__ import annotations

from collections.abc import Mapping

from leukinetics.biology.assemble import assemble
from leukinetics.biology.catalogue import Catalogue, participants, where
from leukinetics.biology.entry import (
    PARAMETER_COLUMNS,
    Entry,
    changed,
    drugs_on,
    entity_line,
    genotype_line,
    identifiers,
    number_row,
    parameter_rows,
    plain,
    port_line,
    quantity,
    symbol_line,
)


def drug(catalogue: Catalogue, name: str) -> Entry | None:
    document = catalogue.drugs.get(name)
    if document is None:
        return None
    content, pk = document.content, document.content.get("pk", {})
    entry = Entry(
        name,
        f"drug: {content.get('name', name)} ({str(content.get('modality', '')).replace('_', ' ')})",
        where(document.place()),
    )
    entry.add("Identity", [entity_line(catalogue, str(content.get("entity", "")))])
    kinetics = [
        f"structure: {plain(pk.get('structure'))}; routes: {plain(pk.get('input'))}",
        f"elimination: {plain(pk.get('elimination'))}",
    ]
    entry.add("Kinetics", [*kinetics, str(pk.get("note", ""))])
    rows = [number_row(f"{name}_{p}", v) for p, v in pk.get("parameters", {}).items()]
    rows += [number_row(f"{name}_{p}", v) for p, v in content.get("distribution", {}).items() if isinstance(v, Mapping)]
    lines, ports = [], []
    for number, binding in enumerate(content.get("binding", ())):
        bound, sites = str(binding.get("target", "")), list(binding.get("sites", ()))
        place = where(document.place("binding", number))
        lines.append(f"{binding.get('mode', 'binds')} {bound} in {', '.join(sites)}    ({place})")
        ports += [port for site, port in catalogue.ports(bound).items() if site in sites]
        rows += [
            number_row(f"{name}_{k}_{bound.lower()}", binding[k])
            for k in ("KD", "IC50", "EC50")
            if isinstance(binding.get(k), Mapping)
        ]
    supplied = [str(s.get("species", "")) for s in content.get("supplies", ())]
    lines += [f"supplies {symbol_line(catalogue, s)}" for s in supplied]
    entry.add("Acts on", [*lines, *(port_line(catalogue, p) for p in ports)])
    entry.add("Parameters", rows=rows, columns=PARAMETER_COLUMNS)
    covariates = [
        f"{c.get('parameter')}: {c.get('form')} of {c.get('covariate')}, reference {quantity(c.get('reference', {}))}, "
        f"coefficient {quantity(c.get('coefficient', {}))}  [{c.get('coefficient', {}).get('source', '')}]"
        for c in pk.get("covariate", ())
    ]
    entry.add("Covariates", covariates)
    regimens = [
        f"{r.get('name')}: {quantity(r.get('amount', {}))} {r.get('route', '')}"
        + (f" every {quantity(r['every'])}" if "every" in r else "") + f"  [{r.get('source', '')}]"
        for r in content.get("regimen", ())
    ]  # fmt: skip
    entry.add("Regimens", regimens)
    entry.centre = tuple(dict.fromkeys([*ports, *supplied]))
    return entry


def drug_parameter(catalogue: Catalogue, name: str) -> Entry | None:
    """A parameter that the model has only with its drug."""
    owner = _owner(catalogue, name)
    if owner is None:
        return None
    table = assemble(drugs=[owner], root=catalogue.root).parameters
    rows = table[table["id"] == name]
    if rows.empty:
        return None
    row = rows.iloc[0]
    entry = Entry(name, f"parameter of {owner}", f"{row['file']}:{row['line']}")
    columns = ("id", "published_value", "published_unit", *PARAMETER_COLUMNS[3:])
    entry.add("Value", rows=[tuple(str(row[c]) for c in columns)], columns=PARAMETER_COLUMNS)
    entry.add("Note", [str(row["note"])])
    bindings = catalogue.drugs[owner].content.get("binding", ())
    entry.centre = tuple(p for b in bindings for p in catalogue.ports(str(b.get("target"))).values())
    return entry


def drug_symbol(catalogue: Catalogue, name: str) -> Entry | None:
    """A species or variable that the model has only with its drug."""
    owner = _owner(catalogue, name)
    made = None if owner is None else assemble(drugs=[owner], root=catalogue.root)
    symbol = None if made is None else made.symbols.get(name)
    if made is None or symbol is None or not symbol.statements:
        return None
    kind = f"species ({'amount' if symbol.substance_only else 'concentration'})" if symbol.compartment else symbol.kind
    about = f": {symbol.description}" if symbol.description else ""
    entry = Entry(name, f"{kind} of {owner}{about}", where(symbol.place))
    entry.add("Unit", [made.unit(name)])
    others = [s for other in made.symbols.values() for s in other.statements if name in participants(s)]
    entry.add("Equations", [s.text for s in (*symbol.statements, *others)])
    ports = [t.port for t in made.targets if t.port in made.symbols]
    reading = [p for p in ports if any(name in s.reads for s in made.symbols[p].statements)]
    entry.add("Acts through", [port_line(catalogue, p) for p in reading])
    entry.centre = tuple(reading)
    return entry


def _owner(catalogue: Catalogue, name: str) -> str | None:
    return next((drug for drug in catalogue.drugs if name.startswith(f"{drug}_")), None)


def entity(catalogue: Catalogue, name: str) -> Entry | None:
    row = catalogue.entity(name)
    if row is None:
        return None
    entry = Entry(name, f"{row['kind']}: {row['name']}", where(row.place))
    entry.add(
        "Identifiers",
        [
            identifiers(row),
            f"molar mass: {row['molar_mass']} g/mol" if row["molar_mass"] else "",
            row["source"],
            row["note"],
        ],
    )
    made_of = {s.name: s for s in catalogue.statements if s.entity == name}
    entry.centre = tuple(made_of)
    entry.add("In the model", [symbol_line(catalogue, s) for s in made_of])
    entry.add(
        "Readouts",
        [f"{r['id']}: {r['label']} ({r['unit']})" for r in catalogue.tables["readouts"] if r["entity"] == name],
    )
    entry.add(
        "Parameters",
        rows=parameter_rows(catalogue, [p["id"] for p in catalogue.tables["parameters"] if p["entity"] == name]),
        columns=PARAMETER_COLUMNS,
    )
    entry.add("Variants", [genotype_line(g) for g in catalogue.tables["genotypes"] if g["gene"] == name])
    used_as = [f"drug {d}" for d, t in catalogue.drugs.items() if t.content.get("entity") == name]
    used_as += [f"condition {c}" for c, t in catalogue.conditions.items() if t.content.get("entity") == name]
    entry.add("Stands behind", used_as)
    return entry


def target(catalogue: Catalogue, name: str) -> Entry | None:
    rows = catalogue.rows("targets", name)
    if not rows:
        return None
    entry = Entry(name, f"molecular target ({rows[0]['kind'].replace('_', ' ')})", where(rows[0].place))
    entry.add(
        "Sites",
        [f"{r['site']}: {port_line(catalogue, r['port'])}{'; ' + r['note'] if r['note'] else ''}" for r in rows],
    )
    entry.add("Drugs", drugs_on(catalogue, name))
    entry.centre = tuple(r["port"] for r in rows if catalogue.reading(r["port"]))
    return entry


def port(catalogue: Catalogue, name: str) -> Entry | None:
    row = next((r for r in catalogue.tables["targets"] if r["port"] == name), None)
    if row is None:
        return None
    entry = Entry(
        name,
        f"port of target {row['target']} in {row['site']}: sum over drugs of concentration/KD, 0 without drugs",
        where(row.place),
    )
    entry.add("Used by", [f"{s.text}    ({where(s.place)})" for s in catalogue.reading(name)])
    entry.add("Drugs", drugs_on(catalogue, row["target"], row["site"]))
    entry.add("Note", [row["note"]])
    entry.centre = (name,)
    return entry


def condition(catalogue: Catalogue, name: str) -> Entry | None:
    document = catalogue.conditions.get(name)
    if document is None:
        return None
    content = document.content
    entry = Entry(name, f"condition: {content.get('title', name)}", where(document.place()))
    entry.add("Identity", [entity_line(catalogue, str(content.get("entity", "")))])
    base = catalogue.conditions.get(str(content.get("like", "")))
    if base is not None:
        entry.add("Like", [f"takes over the parameters of {content['like']}    ({where(base.place())})"])
    drives = (base.content.get("set", {}) if base is not None else {}) | content.get("set", {})
    entry.add("Sets", rows=[number_row(p, v) for p, v in drives.items()], columns=PARAMETER_COLUMNS)
    entry.add("Population", [f"{c}: {plain(v)}" for c, v in content.get("population", {}).items()])
    baselines = [
        f"{b.get('readout')}: {quantity(b)} ({b.get('role', '')})  [{b.get('source', '')}]"
        for b in content.get("baseline", ())
    ]
    entry.add("Baselines to reach", baselines)
    entry.add("Sources and note", [plain(content.get("sources", "")), str(content.get("note", ""))])
    users = [t for p in drives for s in catalogue.reading(p) for t in changed(s)]
    entry.centre = tuple(dict.fromkeys(users))[:6]
    return entry


def genotype(catalogue: Catalogue, name: str) -> Entry | None:
    rows = catalogue.rows("genotypes", name)
    if not rows:
        return None
    entry = Entry(name, f"variant of {rows[0]['gene']}", where(rows[0].place))
    entry.add("Effect", [genotype_line(r) for r in rows])
    frequencies = [
        f"{c.removeprefix('frequency_')} {rows[0][c]}"
        for c in rows[0].cells
        if c.startswith("frequency_") and rows[0][c]
    ]
    entry.add("Frequency of the effect allele", [", ".join(frequencies)])
    entry.add("Entity", [entity_line(catalogue, name)])
    entry.add("Source and note", [line for r in rows for line in (r["source"], r["note"])])
    entry.add("Parameter", rows=parameter_rows(catalogue, [r["parameter"] for r in rows]), columns=PARAMETER_COLUMNS)
    entry.centre = tuple(dict.fromkeys(t for r in rows for s in catalogue.reading(r["parameter"]) for t in changed(s)))
    return entry
