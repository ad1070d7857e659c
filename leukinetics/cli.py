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
new_app = typer.Typer(help="Begin something: write a file to start from.", no_args_is_help=True)
app.add_typer(new_app, name="new")


@contextmanager
def mistakes() -> Iterator[None]:
    """Turn a user's mistake into one message and exit code 1, Ctrl-C into a message and 130."""
    try:
        yield
    except LeukineticsError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    except KeyboardInterrupt as stop:  # a command that leaves something says what
        print(f"interrupted: {str(stop) or 'no result was written.'}", file=sys.stderr)
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


@app.command()
def trial(
    protocol: Annotated[Path, typer.Argument(metavar="SPEC.toml", help="The trial's protocol.")],
    out: Annotated[Path | None, typer.Option(help="Folder for the trial's files.", show_default=False)] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the trial in --out.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the trial in --out.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would run, and all that is wrong.")] = False,
    patients: Annotated[
        int | None, typer.Option(min=1, help="Patients per arm, instead of the protocol's.", show_default=False)
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads; all by default.", show_default=False)] = None,
    chunk: Annotated[
        int | None, typer.Option(min=1, help="Patients treated at a time; no number depends on it.", show_default=False)
    ] = None,
    no_report: Annotated[bool, typer.Option("--no-report", help="Write no report.html.")] = False,
) -> None:
    """Run a virtual trial from its protocol to its report."""
    with mistakes():
        from leukinetics.commands.trial import Job, run_job

        job = Job(protocol, out, resume, overwrite, dry_run, patients, threads, chunk, not no_report)
        print(run_job(job))


@app.command()
def cohort(
    source: Annotated[
        Path, typer.Argument(metavar="SPEC.toml|TABLE", help="A cohort's protocol, or a table: CSV, Excel, Parquet.")
    ],
    out: Annotated[Path | None, typer.Option(help="Folder for the cohort's files.", show_default=False)] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the cohort in --out.")] = False,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads; all by default.", show_default=False)] = None,
    no_report: Annotated[bool, typer.Option("--no-report", help="Write no report.html.")] = False,
    blind: Annotated[bool, typer.Option("--blind", help="Leave the outcomes of a table out, of all files.")] = False,
    as_table: Annotated[
        bool, typer.Option("--as-table", help="Write a virtual cohort as a table, and analyse that.")
    ] = False,
    dictionary: Annotated[
        Path | None, typer.Option(metavar="D.toml", help="What a table's columns are.", show_default=False)
    ] = None,
    sheet: Annotated[str | None, typer.Option(metavar="NAME", help="Of a workbook.", show_default=False)] = None,
    write_dictionary: Annotated[
        Path | None,
        typer.Option(metavar="D.toml", help="Write what a table seems to be, to be corrected.", show_default=False),
    ] = None,
) -> None:
    """Biomarkers with a limit of detection: in virtual people (SPEC.toml), or in a table of real ones."""
    with mistakes():
        from leukinetics.commands.cohort import Job, run_job

        job = Job(source, out, overwrite, threads, not no_report, dictionary, sheet, write_dictionary, blind, as_table)
        print(run_job(job))


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a finished trial or cohort.")],
) -> None:
    """Write the report of a finished trial or cohort (again): report.html, its tables and figures."""
    with mistakes():
        from leukinetics.commands.report import run

        print(run(folder))


@new_app.command("trial")
def new_trial(
    condition: Annotated[str, typer.Option(metavar="NAME", help="Whom it is about.")] = "metabolic_inflammation",
    drug: Annotated[str, typer.Option(metavar="NAME", help="What is given.")] = "canakinumab",
    out: Annotated[Path, typer.Option(help="File to write; one that is there is left alone.")] = Path("trial.toml"),
) -> None:
    """Write a commented protocol to start from, with the drug's usual dose filled in."""
    with mistakes():
        from leukinetics.commands.new import new_trial as write

        print(write(condition, drug, out), file=sys.stderr)


@app.command()
def calibrate(
    what: Annotated[
        str,
        typer.Argument(metavar="PART", help="What to calibrate: core, the interleukin core; ms, mdd or cachexia."),
    ],
    out: Annotated[Path, typer.Option(help="Folder for the results and for what --resume needs.")] = Path(
        "out/calibration"
    ),
    resume: Annotated[bool, typer.Option("--resume", help="Continue the calibration in --out.")] = False,
    targets: Annotated[
        str | None, typer.Option(metavar="A,B", help="Targets to fit to; all by default.", show_default=False)
    ] = None,
    parameters: Annotated[
        str | None, typer.Option(metavar="A,B", help="Parameters to fit; all by default.", show_default=False)
    ] = None,
    starts: Annotated[int, typer.Option(min=1, help="Starting points of the fit.")] = 3,
    draws: Annotated[int, typer.Option(min=2, help="Draws of the posterior.")] = 200,
    sampler: Annotated[str, typer.Option(help="joint, laplace or emcee.")] = "joint",
    steps: Annotated[int, typer.Option(min=1, help="The most steps that emcee takes.")] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the starts and the draws.")] = 1,
    patients: Annotated[
        int | None, typer.Option(min=2, help="Virtual patients in an arm: as many as the part has.", show_default=False)
    ] = None,
    profile: Annotated[
        str | None, typer.Option(metavar="A,B", help="Parameters to profile.", show_default=False)
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads; all by default.", show_default=False)] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Also commit: results into the package, values into its tables.")
    ] = False,
) -> None:
    """Fit the calibrated parameters to published readouts, and say how sure the result is."""
    with mistakes():
        from leukinetics.commands.calibrate import Job, run_job

        job = Job(
            what=what,
            out=out,
            targets=targets,
            parameters=parameters,
            profile=profile,
            sampler=sampler,
            numbers={"starts": starts, "draws": draws, "steps": steps, "seed": seed},
            patients=patients,
            threads=threads,
            resume=resume,
            write=write,
        )
        print(run_job(job), file=sys.stderr)


@app.command()
def explain(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="A drug, readout, gene, species, parameter, condition, variant or claim."),
    ],
    diagram: Annotated[
        Path | None, typer.Option(help="Draw the network around it: a .svg or .png file.", show_default=False)
    ] = None,
    steps: Annotated[int, typer.Option(min=1, max=6, help="How far the diagram reaches.")] = 2,
) -> None:
    """Say what a name of the model stands for: equations, numbers, sources, places."""
    with mistakes():
        from leukinetics.commands.explain import explain_name

        print(explain_name(name, diagram, steps))


@app.command()
def claims(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[A1 C3.2 ...]", help="Claims or checks; all by default.")
    ] = None,
    json: Annotated[Path | None, typer.Option(help="Write the outcomes to this file.", show_default=False)] = None,
    draws: Annotated[
        int, typer.Option(min=0, help="Repeat each check for draws of what is uncertain: interval, what it leans on.")
    ] = 0,
) -> None:
    """Carry out what the source documents claim on the model: pass, fail, or not built yet."""
    with mistakes():
        from leukinetics.commands.claims import run

        run(names or (), json, draws)


@app.command()
def export(
    condition: Annotated[str, typer.Argument(metavar="CONDITION", help="Such as healthy or rheumatoid_arthritis.")],
    out: Annotated[Path, typer.Option(help="SBML file to write (.xml).", show_default=False)],
    drug: Annotated[list[str] | None, typer.Option(help="A drug to include; may be repeated.")] = None,
) -> None:
    """Write the model of a condition, with drugs, as SBML."""
    with mistakes():
        from leukinetics.commands.export import export as write

        print(write(condition, drug or (), out), file=sys.stderr)


@app.command()
def validate(
    json: Annotated[Path | None, typer.Option(help="Write the comparisons to this file.", show_default=False)] = None,
    page: Annotated[Path | None, typer.Option(help="Write a page with figures (.html).", show_default=False)] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write the page as Markdown.", show_default=False)] = None,
    target: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="A target; may be repeated; all by default.")
    ] = None,
    draws: Annotated[int, typer.Option(min=0, help="Draws of what is uncertain, for the predicted intervals.")] = 30,
    patients: Annotated[
        int | None, typer.Option(min=2, help="Virtual patients in an arm, instead of the target's.", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draws.")] = 1,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads; all by default.", show_default=False)] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Also keep the outcome in the package, where reports of trials read it.")
    ] = False,
) -> None:
    """Simulate published studies and hold the predictions against what they found."""
    with mistakes():
        from leukinetics.commands.validate import run

        run(
            target or (),
            draws,
            json=json,
            page_file=page,
            markdown_file=markdown,
            patients=patients,
            seed=seed,
            threads=threads,
            write=write,
        )


def main() -> None:
    """Run the command line and exit."""
    app()
