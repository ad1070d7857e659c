"""``leukinetics explain``: what a name stands for, as text, and a drawing of what lies around it."""

from __future__ import annotations

import json
import textwrap
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from leukinetics.errors import DataError, suggest

if TYPE_CHECKING:
    from leukinetics.biology.catalogue import Catalogue
    from leukinetics.biology.entry import Entry, Section

PACKAGE = Path(__file__).parent.parent
FITS = [PACKAGE / "calibration" / "results" / f"{part}_fit.json" for part in ("core", "ms", "mdd", "cachexia")]
TARGETS = PACKAGE / "evidence" / "targets"
TARGET_COLUMNS = ("id", "role", "statistic", "value", "low", "high", "unit", "databook", "source")
NAMED = (
    "Names are those of drugs, conditions, readouts, species, parameters, genes, variants, targets, modules and "
    "claims, such as canakinumab, healthy, crp, IL1B or A1."
)
MOST_NODES = 30  # in a diagram

WIDTH = 124
_LONGEST = 60  # of a cell that is not the last


def show(entries: Iterable[Entry]) -> str:
    """The entries as text."""
    return "\n\n".join("\n".join(_entry(entry)) for entry in entries)


def _entry(entry: Entry) -> Iterator[str]:
    title = f"{entry.name} — {entry.what}"
    yield from textwrap.wrap(title, WIDTH, subsequent_indent="  ")
    if entry.place:
        yield f"  {entry.place}"
    for section in entry.sections:
        yield f"\n{section.heading}"
        for line in section.lines:
            for part in line.splitlines():
                yield from textwrap.wrap(
                    part, WIDTH - 2, initial_indent="  ", subsequent_indent="      ", break_long_words=False
                )
        yield from _table(section)


def _table(section: Section) -> Iterator[str]:
    if not section.rows:
        return
    rows = [section.columns, *section.rows] if section.columns else section.rows
    kept = [k for k in range(len(rows[0])) if any(row[k] for row in section.rows)]
    widths = [min(_LONGEST, max(len(row[k]) for row in rows)) for k in kept]
    for row in rows:
        cells = [row[k].ljust(width) for k, width in zip(kept, widths, strict=True)]
        wrapped = textwrap.wrap(
            "  ".join(cells).rstrip(), max(WIDTH, sum(widths[:-1]) + 40), initial_indent="  ",
            subsequent_indent=" " * (4 + sum(widths[:-1]) + 2 * (len(widths) - 1)),
            break_long_words=False, replace_whitespace=False, drop_whitespace=False,
        )  # fmt: skip
        yield from (line.rstrip() for line in wrapped)


def explain_name(name: str, diagram: Path | None = None, steps: int = 2) -> str:
    """The text about a name; draws its surroundings into ``diagram``. Raises DataError for an unknown name."""
    name = name.strip()
    from leukinetics.biology.catalogue import read_catalogue
    from leukinetics.biology.explain import explain

    catalogue = read_catalogue()
    values = at_rest() if diagram is not None or name in catalogue.symbols else {}
    entries = explain(catalogue, name, values)
    for entry in entries:
        _add_calibration(entry)
    entries += _evidence(name)
    if not entries:
        near = suggest(name, [*catalogue.names(), *_evidence_names()]) or f" {NAMED}"
        raise DataError(f"Nothing in the model is called '{name}'.{near}")
    if diagram is not None:
        _draw(catalogue, entries, diagram, values, steps)
    return show(entries)


def at_rest() -> dict[str, tuple[float, str]]:
    """(value, unit) of every symbol of the healthy model at the start."""
    from leukinetics import biology
    from leukinetics.engine.evaluate import evaluate
    from leukinetics.engine.prepare import resolve_initial

    system = biology.assemble("healthy").model.system
    inputs = {n: i.default for n, i in system.inputs.items()}
    initial = resolve_initial(system)
    numbers = evaluate(system.graph, list(initial.values()), inputs)
    symbols = dict(zip(initial, map(float, numbers), strict=True))
    values = evaluate(system.graph, list(system.observables.values()), inputs, symbols)
    return {n: (float(v), system.units.get(n, "")) for n, v in zip(system.observables, values, strict=True)}


def _add_calibration(entry: Entry) -> None:
    """Append what the committed calibration says of a parameter."""
    rows = [r for path in FITS if path.is_file() for r in json.loads(path.read_text("utf-8"))["parameters"]]
    for row in rows:
        if row["key"] == entry.name or row["key"].rpartition(".")[2] == entry.name:
            informed = "" if row["informed"] else "; the data say little about it"
            entry.add(
                "Calibration",
                [
                    f"{row['key']} = {row['value']:g} {row['unit']}, 95 % {row['low']:g} to {row['high']:g}{informed}",
                    f"prior {row['prior']:g} {row['unit']}, {row['scale']} SD {row['prior_sd_on_scale']:g}; "
                    f"moved by {row['shift_in_prior_sd']:+.2f} of these, contraction {row['contraction']:.2f}",
                ],
            )


def _evidence(name: str) -> list[Entry]:
    from leukinetics.biology.entry import Entry
    from leukinetics.evidence.claim_files import read_claims

    found = []
    evidence = read_claims()
    checks = {check.id: claim for claim in evidence.claims.values() for check in claim.check}
    claim = evidence.claims.get(name.upper()) or checks.get(name.upper())
    if claim is not None:
        document = evidence.documents[claim.id[0]]
        entry = Entry(claim.id, f"claim: {claim.text}", f"evidence/claims/{evidence.files[claim.id]}")
        entry.add("Document", [f"{document.title}: {document.citation}  [{document.source}]"])
        entry.add("Compared", [claim.compared])
        entry.add("Must follow", [claim.follows])
        entry.add("Checks", rows=[(c.id, c.threshold, c.text) for c in claim.check], columns=("check", "threshold", ""))
        entry.add("Not built yet", claim.missing)
        entry.add("Sources", [", ".join(claim.sources)])
        found.append(entry)
    for path in sorted(TARGETS.glob("*.toml")):
        target = tomllib.loads(path.read_text("utf-8"))
        rows = [r for r in target.get("readout", ()) if name in (target.get("id"), r.get("id"), r.get("databook"))]
        if rows:
            entry = Entry(name, f"published target: {target.get('title', name)}", f"evidence/targets/{path.name}")
            entry.add("Population", [str(target.get("population", ""))])
            entry.add(
                "Published",
                rows=[tuple(str(r.get(c, "")) for c in TARGET_COLUMNS) for r in rows],
                columns=TARGET_COLUMNS,
            )
            entry.add("Note and source", [str(target.get("note", "")), str(target.get("source", ""))])
            found.append(entry)
    return found


def _evidence_names() -> Iterator[str]:
    from leukinetics.evidence.claim_files import read_claims

    for claim in read_claims().claims.values():
        yield from (claim.id, *(check.id for check in claim.check))
    for path in sorted(TARGETS.glob("*.toml")):
        target = tomllib.loads(path.read_text("utf-8"))
        yield from (str(target.get("id", path.stem)), *(str(r["id"]) for r in target.get("readout", ()) if "id" in r))


def _draw(
    catalogue: Catalogue, entries: list[Entry], path: Path, values: dict[str, tuple[float, str]], steps: int
) -> None:
    from leukinetics.biology.influence import around, influences
    from leukinetics.report.network import draw_network

    edges = influences(catalogue, {name: value for name, (value, _) in values.items()})
    drawn = {name for edge in edges for name in (edge.source, edge.target)}
    centre = tuple(dict.fromkeys(n for entry in entries for n in entry.centre if n in drawn))
    ports = {row["port"] for row in catalogue.tables["targets"]}
    kinds = dict.fromkeys(catalogue.drugs, "drug") | dict.fromkeys(ports, "port")
    kinds |= {
        s.name: s.kind if s.kind == "species" else "state"
        for s in catalogue.statements
        if s.kind in ("species", "rate")
    }
    draw_network(path, entries[0].name, around(edges, centre, steps, MOST_NODES), edges, kinds, centre)
