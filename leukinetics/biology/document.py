"""The page about the model, written from the model's own files so that it never drifts: ``docs/model.md``.

``python -m leukinetics.biology.document docs/model.md`` writes it.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby, takewhile
from pathlib import Path

from leukinetics.biology.catalogue import Catalogue, read_catalogue
from leukinetics.biology.entry import plain, quantity
from leukinetics.biology.event_text import written
from leukinetics.biology.statements import Module, Statement
from leukinetics.errors import LeukineticsError

_INTRODUCTION = """# The model

This page is written by `python -m leukinetics.biology.document docs/model.md` from the files under
`leukinetics/biology`, which are the model; edit those. `leukinetics explain NAME` says more about any name on it.

Time is in days, amounts in pmol or mg, concentrations in pmol/L or mg/L. d/dt [x] is the change of an amount; a
reaction `J` adds to what stands right of its arrow and takes from what stands left of it. A port (`..._binding`,
`..._block`) is the sum over drugs of concentration over KD at a site: 0 without drugs.
"""


def document(catalogue: Catalogue) -> str:
    """The whole page as Markdown."""
    parts = [_INTRODUCTION, _overview(catalogue)]
    shown: set[str] = set()
    for module in catalogue.modules:
        parts.append("\n".join(_module(catalogue, module, shown)))
    parts += [_rest(catalogue, shown), _readouts(catalogue), _targets(catalogue), _drugs(catalogue)]
    parts += [_conditions(catalogue), _variants(catalogue)]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts if part)


def _overview(catalogue: Catalogue) -> str:
    kinds = Counter(row["kind"] for row in catalogue.tables["parameters"])
    states = len({s.name for s in catalogue.statements if s.kind in ("species", "rate")})
    counted = ", ".join(f"{kinds[k]} {k}" for k in ("measured", "derived", "calibrated", "assumed"))
    return (
        f"{len(catalogue.modules)} modules, {states} states, {sum(kinds.values())} parameters ({counted}), "
        f"{len(catalogue.tables['readouts'])} readouts, {len(catalogue.drugs)} drugs, "
        f"{len(catalogue.conditions)} conditions.\n"
    )


def _module(catalogue: Catalogue, module: Module, shown: set[str]) -> Iterator[str]:
    title, *rest = _header(catalogue.root / module.file)
    yield f"## {module.name}\n\n**{title.strip()}**\n"
    yield from _prose(rest)
    species = [s for s in module.statements if s.kind == "species"]
    described = [(s.name, s.description or s.entity) for s in module.statements if s.entity or s.kind == "species"]
    if described:
        yield _table(("quantity", "what it is"), [(f"`{n}`", text) for n, text in dict(described).items()])
    yield "```"
    for function, _ in module.functions:
        yield f"{function.name}({', '.join(function.parameters)}) = {function.body}"
    for s in module.statements:
        if s.kind in ("rule", "rate", "reaction", "event"):
            yield _equation(s)
    for s in species:
        yield _balance(catalogue, s.name)
    yield "```\n"
    starts = [s for s in module.statements if s.kind == "initial" and s.formula is not None]
    if starts:
        yield "Start values and constants made of parameters:\n\n```"
        yield from (f"{s.name} = {s.formula}" for s in starts)
        yield "```\n"
    used = dict.fromkeys(n for s in module.statements for n in s.reads)
    new = [n for n in used if n not in shown and catalogue.parameter(n) is not None]
    shown.update(new)
    if new:
        yield _parameters(catalogue, new)


def _header(path: Path) -> list[str]:
    """The comment at the top of a module, with the indentation that marks formulas."""
    lines = takewhile(lambda line: line.startswith("//"), path.read_text("utf-8").splitlines())
    return [line.removeprefix("//").removeprefix(" ") for line in lines]


def _prose(lines: Sequence[str]) -> Iterator[str]:
    """Comment lines as paragraphs; indented lines, which are formulas, as code."""
    for formula, group in groupby(lines, key=lambda line: line.startswith(" ")):
        text = "\n".join(line.strip() for line in group).strip("\n")
        if text:
            yield f"```\n{text}\n```\n" if formula else f"{text}\n"


def _equation(statement: Statement) -> str:
    if statement.kind == "rule":
        return f"{statement.name} = {statement.formula}"
    if statement.kind == "rate":
        return f"d/dt {statement.name} = {statement.formula}"
    if statement.kind == "event":
        return written(statement)
    sides = [
        " + ".join(f"{n:g} {x}" if n != 1 else x for n, x in side) for side in (statement.reactants, statement.products)
    ]
    return f"{statement.name}: {' -> '.join(sides).strip()}   with rate {statement.formula}"


def _balance(catalogue: Catalogue, species: str) -> str:
    terms = []
    for s in catalogue.statements:
        change = sum(n for n, x in s.products if x == species) - sum(n for n, x in s.reactants if x == species)
        if change:
            factor = "" if abs(change) == 1 else f"{abs(change):g} "
            terms.append(f"{'-' if change < 0 else '+'} {factor}{s.name}")
    return f"d/dt [{species}] = {' '.join(terms).removeprefix('+ ') or '0'}"


def _parameters(catalogue: Catalogue, names: Sequence[str]) -> str:
    columns = ("parameter", "value", "unit", "kind", "between patients", "uncertainty", "source", "note")
    keys = ("value", "unit", "kind", "spread", "uncertainty", "source", "note")
    rows = [row for n in names if (row := catalogue.parameter(n)) is not None]
    return _table(columns, [(f"`{row['id']}`", *(row[k] for k in keys)) for row in rows])


def _rest(catalogue: Catalogue, shown: set[str]) -> str:
    names = [row["id"] for row in catalogue.tables["parameters"] if row["id"] not in shown]
    return (
        f"## Parameters that no module reads\n\nDrugs and populations do.\n\n{_parameters(catalogue, names)}"
        if names
        else ""
    )


def _readouts(catalogue: Catalogue) -> str:
    rows = [
        (f"`{r['id']}`", r["label"], f"`{r['expression']}`", r["unit"], r["note"]) for r in catalogue.tables["readouts"]
    ]
    return "## Readouts\n\n" + _table(("readout", "what it is", "expression", "unit", "note"), rows)


def _targets(catalogue: Catalogue) -> str:
    rows = [
        (r["target"], r["site"], f"`{r['port']}`", r["kind"].replace("_", " "), r["note"])
        for r in catalogue.tables["targets"]
    ]
    return "## Targets\n\n" + _table(("target", "site", "port", "kind", "note"), rows)


def _drugs(catalogue: Catalogue) -> str:
    rows = []
    for name, document_ in catalogue.drugs.items():
        content = document_.content
        acts = [f"{b.get('mode')} {b.get('target')}" for b in content.get("binding", ())]
        acts += [f"supplies `{s.get('species')}`" for s in content.get("supplies", ())]
        pk = content.get("pk", {})
        rows.append(
            (
                f"`{name}`",
                plain(content.get("modality", "")),
                plain(pk.get("structure", "")),
                plain(pk.get("input", [])),
                "; ".join(dict.fromkeys(acts)),
            )
        )
    return "## Drugs\n\n" + _table(("drug", "kind", "kinetics", "routes", "acts by"), rows)


def _conditions(catalogue: Catalogue) -> str:
    rows = [
        (
            f"`{name}`",
            str(d.content.get("title", "")),
            "; ".join(f"`{p}` {quantity(v)}" for p, v in d.content.get("set", {}).items()),
        )
        for name, d in catalogue.conditions.items()
    ]
    return "## Conditions\n\n" + _table(("condition", "what it is", "sets"), rows)


def _variants(catalogue: Catalogue) -> str:
    keys = ("variant", "gene", "effect_allele", "parameter", "effect_per_allele", "uncertainty", "kind", "source")
    rows = [tuple(r[k] for k in keys) for r in catalogue.tables["genotypes"]]
    heads = ("variant", "gene", "allele", "parameter", "ln effect per allele", "uncertainty", "kind", "source")
    return "## Variants\n\n" + _table(heads, rows) if rows else ""


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str]) -> int:
    """Write the page to the file named; 0 done, 1 a mistake, 2 usage."""
    if len(arguments) != 1:
        print("usage: python -m leukinetics.biology.document FILE.md", file=sys.stderr)
        return 2
    try:
        Path(arguments[0]).write_text(document(read_catalogue()), "utf-8")
    except (LeukineticsError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
