"""The folder of a study: written as it goes, whole once its summary is there."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from leukinetics.cohort.study.analyse import KIND, VERSION, analyse
from leukinetics.cohort.study.read import read_study
from leukinetics.cohort.study.tables import tables
from leukinetics.cohort.table.dictionary_file import dictionary_toml
from leukinetics.cohort.table.write import DICTIONARY, SAMPLES, samples, write_reading
from leukinetics.engine.stream import naming
from leukinetics.errors import DataError
from leukinetics.trial.store import PROVENANCE, SUMMARY, read_json, write_bytes, write_json

if TYPE_CHECKING:
    import pandas as pd

    from leukinetics.cohort.study.read import Given, Source
    from leukinetics.cohort.table import CohortTable

TABLES, WORK, REPORT = "tables", "work", "report.html"


@dataclass(frozen=True)
class StudyResult:
    """A study: its table, its summary, and the folder where it was written, if any."""

    table: CohortTable
    summary: dict[str, Any]
    folder: Path | None = None


def run_study(
    source: Source,
    dictionary: Given = None,
    out: str | Path | None = None,
    *,
    sheet: str | None = None,
    blind: bool = False,
    seed: int | None = None,
    overwrite: bool = False,
    say: Callable[[str], None] = lambda _: None,
    more: Callable[[dict[str, Any]], Mapping[str, Any]] = lambda _: {},
    provenance: Mapping[str, Any] = MappingProxyType({}),
) -> StudyResult:
    """Read a table of biomarkers (a file, a DataFrame, or one that was read) and analyse it.

    With ``out``: samples.parquet, notes.csv, dictionary.toml (as it was used), tables/*.csv, provenance.json and, last,
    summary.json. A run that was cut off goes on when it is asked for again. ``blind``: outcomes are left out, of the
    files too. ``more``: what a summary is to have beside it, such as what was published; ``provenance``: what
    provenance.json is to have beside the rest.

    DataError for what is wrong with the table or its dictionary, and where ``out`` cannot be written to.
    """
    started = time.monotonic()
    table = read_study(source, dictionary, sheet=sheet, blind=blind)
    if out is None:
        summary = analyse(table, blind=blind, seed=seed, say=say)
        return StudyResult(table, summary | dict(more(summary)))
    folder = Path(out)
    made = _provenance(table, source, blind, table.dictionary.analysis.seed if seed is None else seed)
    made |= dict(provenance)
    _open(folder, made, overwrite)
    write_reading(table, folder, overwrite=True)
    summary = analyse(table, blind=blind, seed=seed, work=folder / WORK, say=say)
    summary |= dict(more(summary))
    say("writing")
    with naming(folder / TABLES):
        (folder / TABLES).mkdir(exist_ok=True)
    for name, rows in tables(summary).items():
        write_bytes(folder / TABLES / f"{name}.csv", rows.to_csv(index=False).encode())
    write_json(folder / PROVENANCE, made | {"seconds": round(time.monotonic() - started, 1)})
    write_json(folder / SUMMARY, summary)
    shutil.rmtree(folder / WORK, ignore_errors=True)
    return StudyResult(table, summary, folder)


def is_study_folder(folder: str | Path) -> bool:
    """Whether a folder holds a finished study of a table."""
    try:
        return bool(read_json(Path(folder) / SUMMARY)["kind"] == KIND)
    except (OSError, ValueError, KeyError, TypeError):
        return False


@dataclass(frozen=True)
class Study:
    """What the folder of a finished study holds."""

    folder: Path
    summary: dict[str, Any]
    provenance: dict[str, Any]
    samples: pd.DataFrame
    dictionary: str


def open_study(folder: str | Path) -> Study:
    """Open a finished study. DataError where there is none, or a file is damaged."""
    import pandas as pd

    path = Path(folder)
    try:
        summary, made = read_json(path / SUMMARY), read_json(path / PROVENANCE)
        rows, text = pd.read_parquet(path / SAMPLES), (path / DICTIONARY).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        name = Path(error.filename or SAMPLES).name  # pyarrow's error has none
        raise DataError(f"'{path}' holds no finished study: '{name}' is missing.") from None
    except (OSError, ValueError) as error:
        raise DataError(f"The study in '{path}' cannot be read: {error}.") from error
    if not isinstance(summary, dict) or summary.get("kind") != KIND:
        raise DataError(f"'{path}' holds no study of a table of biomarkers.")
    return Study(path, summary, made, rows, text)


def _provenance(table: CohortTable, source: Source, blind: bool, seed: int) -> dict[str, Any]:
    import pandas as pd

    from leukinetics import __version__

    held = hashlib.sha256(pd.util.hash_pandas_object(samples(table), index=False).to_numpy().tobytes())
    of_file = None
    if isinstance(source, (str, Path)):
        with open(source, "rb") as file:
            of_file = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "leukinetics": __version__,
        "kind": KIND,
        "version": VERSION,
        "source": table.source,
        "file_sha256": of_file,
        "rows_sha256": held.hexdigest(),
        "dictionary_sha256": hashlib.sha256(dictionary_toml(table.dictionary).encode()).hexdigest(),
        "seed": seed,
        "blind": blind,
    }


def _open(folder: Path, made: dict[str, Any], overwrite: bool) -> None:
    """The folder, ready for the files of this study: nothing in it, or what may be replaced or gone on with."""
    if folder.exists() and not folder.is_dir():
        raise DataError(f"'{folder}' is a file; name a folder.")
    begun = None
    if folder.exists() and any(folder.iterdir()):
        try:
            begun = read_json(folder / PROVENANCE)
            known = begun["kind"] == KIND
        except (OSError, ValueError, KeyError, TypeError):
            known = (folder / SAMPLES).is_file() and (folder / DICTIONARY).is_file()
        if not known:
            raise DataError(f"'{folder}' has files in it that are no study, and nothing of others is ever replaced.")
        finished = (folder / SUMMARY).exists()
        same = begun is not None and {k: v for k, v in begun.items() if k != "seconds"} == made
        if not overwrite and (finished or not same):
            what = "holds a study" if finished else "holds part of another study"
            lacks = finished and same and not (folder / REPORT).exists()
            report = f" Its report is made by: leukinetics report {folder}" if lacks else ""
            raise DataError(f"'{folder}' {what}; name another folder, or replace it with --overwrite.{report}")
        if finished or not same:
            # The summary first: without it the folder is no finished study.
            for name in (SUMMARY, REPORT):
                (folder / name).unlink(missing_ok=True)
            for name in (TABLES, WORK):
                shutil.rmtree(folder / name, ignore_errors=True)
    with naming(folder):
        (folder / WORK).mkdir(parents=True, exist_ok=True)
    write_json(folder / PROVENANCE, made)
