"""``python -m leukinetics.commands.tutorial.cohorts FOLDER``: the tutorial's table, made again."""

from __future__ import annotations

import argparse
from pathlib import Path

from leukinetics.commands.tutorial.cohorts.table import TABLE, make


def main(arguments: list[str] | None = None) -> None:
    """Write the table of the repository in a folder."""
    parser = argparse.ArgumentParser(prog="python -m leukinetics.commands.tutorial.cohorts", description=__doc__)
    parser.add_argument("folder", type=Path, help="the repository")
    examples = parser.parse_args(arguments).folder / "examples"
    (examples / TABLE).write_text(make(examples), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
