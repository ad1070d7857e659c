"""The command line: parses, calls one function, prints.

Exit codes: 0 done, 1 a user's mistake (one message, no traceback, nothing half-written), 2 usage,
130 interrupted. Messages and progress go to standard error. Each command lives in ``leukinetics.commands``
and is imported when it runs, so that ``--help`` is quick.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from leukinetics.errors import LeukineticsError

app = typer.Typer(
    name="leukinetics",
    help="Mechanistic models of the interleukin system for thousands of virtual patients.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@contextmanager
def mistakes() -> Iterator[None]:
    """Turn a user's mistake into one message and exit code 1, Ctrl-C into a message and 130."""
    try:
        yield
    except LeukineticsError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        print("interrupted: no result was written.", file=sys.stderr)
        raise typer.Exit(130) from None


def _version(asked: bool) -> None:
    if asked:
        from leukinetics import __version__

        print(f"leukinetics {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Options that stand before a command."""


@app.command()
def simulate(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="An SBML (.xml) or Antimony (.ant) file.")],
    time: Annotated[
        str,
        typer.Option(help="Output times: start:stop:step, or a list such as 0,1,2.5.", show_default=False),
    ],
    out: Annotated[
        Path,
        typer.Option(help="File to write: .parquet, .csv (tables) or .png (a figure).", show_default=False),
    ],
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Set an input for all patients.")
    ] = None,
    patients: Annotated[
        Path | None, typer.Option(help="Table of inputs, one row per patient (.csv or .parquet).")
    ] = None,
    doses: Annotated[Path | None, typer.Option(help="Dose table, own or NONMEM columns (.csv or .parquet).")] = None,
    outputs: Annotated[str | None, typer.Option(metavar="A,B", help="What to write; all species by default.")] = None,
    amounts: Annotated[
        str | None, typer.Option(metavar="A,B", help="Species to write as amounts, not concentrations.")
    ] = None,
    rtol: Annotated[float, typer.Option(help="Relative tolerance.")] = 1e-6,
    atol: Annotated[float, typer.Option(help="Absolute tolerance.")] = 1e-9,
    method: Annotated[str, typer.Option(help="rodas5p or rodas4.")] = "rodas5p",
    backend: Annotated[str, typer.Option(help="auto, compiled or roadrunner.")] = "auto",
    threads: Annotated[int | None, typer.Option(min=1, help="Threads; all by default.", show_default=False)] = None,
    run_in: Annotated[
        float | None, typer.Option(help="Settle before time 0, for at most this long.", show_default=False)
    ] = None,
) -> None:
    """Simulate a model for one patient or many, and write a table or a figure."""
    with mistakes():
        from leukinetics.commands.simulate import Job, simulate_to_file

        job = Job(
            model=model,
            time=time,
            out=out,
            settings=tuple(set_ or ()),
            patients=patients,
            doses=doses,
            outputs=outputs,
            amounts=amounts,
            options={
                "rtol": rtol,
                "atol": atol,
                "method": method,
                "backend": backend,
                "threads": threads,
                "run_in": run_in,
            },
        )
        print(simulate_to_file(job), file=sys.stderr)


def main() -> None:
    """Run the command line and exit."""
    app()
