"""``python -m bench [--quick] [--only NAME ...] [--models NAME ...] [--out FOLDER]``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.machine import machine
from bench.memory import peak_memory
from bench.precision import work_precision
from bench.problems import PROBLEMS
from bench.report import write
from bench.startup import startup
from bench.threads import scaling
from bench.trial import whole_trial

SECTIONS = ("precision", "startup", "memory", "threads", "trial")


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Benchmark of the engine; see docs/benchmark.md."
    )
    parser.add_argument("--quick", action="store_true", help="fewer patients and tolerances: a look, not a measurement")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=SECTIONS, help="sections to run")
    parser.add_argument("--models", nargs="+", choices=[p.name for p in PROBLEMS], help="models to run")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results", help="folder for the results")
    arguments = parser.parse_args()
    quick: bool = arguments.quick
    console = Console()
    problems = [p for p in PROBLEMS if not arguments.models or p.name in arguments.models]
    results: dict[str, Any] = {"machine": machine(), "quick": quick}

    def say(text: str) -> None:
        console.print(text, style="dim", highlight=False)

    if "precision" in arguments.only:
        results["work_precision"] = {p.name: work_precision(p, quick, say) for p in problems}
    if "startup" in arguments.only:
        results["startup"] = {p.name: startup(p, 2 if quick else 5) for p in problems}
    if "memory" in arguments.only:
        results["memory"] = peak_memory((1_000, 10_000) if quick else (1_000, 10_000, 100_000))
    if "threads" in arguments.only:
        results["threads"] = {p.name: scaling(p, quick) for p in problems}
    if "trial" in arguments.only:
        results["trial"] = whole_trial(quick, say)
    write(results, arguments.out, console)


if __name__ == "__main__":
    main()
