"""``python -m leukinetics.commands.tutorial FOLDER [--which NAME ...] [--page | --only PART ...]``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from leukinetics.commands.tutorial.page import page
from leukinetics.commands.tutorial.tutorial import NAMES, Tutorial, tutorial


def main(arguments: list[str] | None = None) -> None:
    """Write the pages, their figures and, without ``--page``, the results that they are made from."""
    parser = argparse.ArgumentParser(prog="python -m leukinetics.commands.tutorial", description=__doc__)
    parser.add_argument("folder", type=Path, help="the repository")
    parser.add_argument("--which", nargs="+", choices=NAMES, default=list(NAMES), help="tutorials, all by default")
    parser.add_argument("--page", action="store_true", help="from the results that are there")
    parser.add_argument("--only", nargs="+", default=[], metavar="PART", help="parts to compute anew")
    given = parser.parse_args(arguments)
    for one in map(tutorial, given.which):
        unknown = sorted(set(given.only) - set(one.parts))
        if unknown:
            parser.error(f"'{one.name}' has no part {', '.join(unknown)}; it has {', '.join(one.parts)}.")
        make(one, given.folder, given.only, page_only=given.page)


def make(one: Tutorial, folder: Path, only: Sequence[str] = (), *, page_only: bool = False) -> None:
    """Write the page of a tutorial, its figures and, unless ``page_only``, its results, for the repository in
    ``folder``."""
    results = folder / one.results
    results.parent.mkdir(parents=True, exist_ok=True)
    if not page_only:
        found = json.loads(results.read_text(encoding="utf-8")) if only else {}
        for part in one.compute(folder / "examples", found, only):
            results.write_text(as_text(found), encoding="utf-8")
            print(f"{one.name}: {part}", file=sys.stderr, flush=True)
    told = json.loads(results.read_text(encoding="utf-8"))
    for picture in one.figures(told):
        (folder / one.folder / f"{picture.name}.svg").write_text(picture.svg + "\n", encoding="utf-8")
    (folder / one.page).write_text(page(one, told), encoding="utf-8")


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
