"""``python -m leukinetics.commands.tutorial FOLDER [--page | --only PART ...]``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from leukinetics.commands.tutorial.compute import PARTS, compute
from leukinetics.commands.tutorial.figures import figures
from leukinetics.commands.tutorial.page import page

PAGE, FIGURES, RESULTS = "docs/tutorial-ms.md", "docs/figures/ms", "docs/figures/ms/results.json"


def main(arguments: list[str] | None = None) -> None:
    """Write the page, its figures and, without ``--page``, the results that they are made from."""
    parser = argparse.ArgumentParser(prog="python -m leukinetics.commands.tutorial", description=__doc__)
    parser.add_argument("folder", type=Path, help="the repository")
    parser.add_argument("--page", action="store_true", help="from the results that are there")
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=[], help="parts to compute anew")
    given = parser.parse_args(arguments)
    (given.folder / FIGURES).mkdir(parents=True, exist_ok=True)
    results = given.folder / RESULTS
    if not given.page:
        found = json.loads(results.read_text(encoding="utf-8")) if given.only else {}
        for part in compute(given.folder / "examples", found, given.only):
            results.write_text(as_text(found), encoding="utf-8")
            print(part, file=sys.stderr, flush=True)
    told = json.loads(results.read_text(encoding="utf-8"))
    for picture in figures(told):
        (given.folder / FIGURES / f"{picture.name}.svg").write_text(picture.svg + "\n", encoding="utf-8")
    (given.folder / PAGE).write_text(page(told), encoding="utf-8")


def as_text(found: Mapping[str, Any]) -> str:
    """The results as JSON, a line for each part of a part."""

    def one(value: Any) -> str:
        return json.dumps(value, ensure_ascii=False)

    parts = []
    for name, part in found.items():
        if isinstance(part, Mapping):
            inner = ",\n".join(f"  {one(key)}: {one(value)}" for key, value in part.items())
            parts.append(f" {one(name)}: {{\n{inner}\n }}")
        else:
            parts.append(f" {one(name)}: [\n" + ",\n".join(f"  {one(row)}" for row in part) + "\n ]")
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    main()
