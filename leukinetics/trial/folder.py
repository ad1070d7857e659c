"""The folder of a trial: what may be written to, what may be replaced, and what can be gone on with."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from leukinetics.engine.stream import naming
from leukinetics.errors import DataError, ProtocolError
from leukinetics.trial.identity import check_same
from leukinetics.trial.journal import LOCK, RUN, STATE, Journal
from leukinetics.trial.lock import locked
from leukinetics.trial.store import (
    ALSO,
    OBSERVATIONS,
    PROTOCOL,
    PROVENANCE,
    SUMMARY,
    TABLES,
    read_json,
    write_json,
    write_text,
)

#: What the report adds.
REPORT = "report.html"
REPORT_PARTS = {"tables": "*.csv", "figures": "*.svg"}


def is_finished(folder: Path) -> bool:
    """Whether the folder holds a whole trial."""
    return (folder / SUMMARY).is_file() and (folder / PROVENANCE).is_file()


def is_begun(folder: Path) -> bool:
    """Whether the folder holds a trial that can be gone on with."""
    return (folder / RUN / STATE).is_file() and not is_finished(folder)


def check_folder(out: str | Path, *, resume: bool = False, overwrite: bool = False) -> Path:
    """The folder ``out``, which need not exist, or a DataError where a trial may not be written to it; changes nothing.

    A folder with anything in it is refused unless the trial in it is to be resumed or overwritten; and no option
    replaces what is no trial of Leukinetics.
    """
    folder = Path(out)
    if resume and overwrite:
        raise DataError("--resume goes on with a trial and --overwrite replaces it; choose one of the two.")
    there = next(p for p in (folder, *folder.absolute().parents) if p.exists())
    if not there.is_dir():
        raise DataError(f"The trial cannot be written to '{folder}': '{there}' is a file; name a folder.")
    if not os.access(there, os.W_OK | os.X_OK):
        raise DataError(f"The trial cannot be written to '{folder}': '{there}' does not let you; name another folder.")
    if is_finished(folder):
        if not (resume or overwrite):
            raise DataError(f"'{folder}' holds a finished trial; name another folder, or replace it with --overwrite.")
    elif is_begun(folder):
        if not (resume or overwrite):
            raise DataError(
                f"'{folder}' holds a trial that was not finished; go on with it with --resume, or replace it with "
                "--overwrite."
            )
    elif resume:
        raise DataError(f"There is no trial in '{folder}' to resume; leave out --resume to begin one.")
    elif not (_is_free(folder) or (overwrite and (folder / PROVENANCE).is_file())):
        raise DataError(
            f"'{folder}' has files in it that are no trial of Leukinetics (such as '{_foreign(folder)}'), and nothing "
            "of others is ever replaced; name another folder."
        )
    return folder


@contextmanager
def working(folder: Path, identity: dict[str, Any], protocol: str, *, resume: bool) -> Iterator[Journal]:
    """Hold the folder of a trial and hand out its journal; the trial that was in it goes unless it is resumed.

    Raises DataError where another process holds it, where what is resumed was begun with something else than
    ``identity``, or where nothing can be written. A trial that turns out to be impossible leaves no folder.
    """
    made = _make(folder / RUN)
    try:
        with locked(folder / RUN / LOCK):
            try:
                yield Journal(folder, _begin(folder, identity, protocol, resume))
            except BaseException as error:
                _give_up(folder, error)
                raise
            clean(folder)
    finally:
        for path in made:  # those that are still empty
            with suppress(OSError):
                path.rmdir()


def _begin(folder: Path, identity: dict[str, Any], protocol: str, resume: bool) -> str:
    """Make the folder that of this trial; the name of the folder of its finished parts.

    The state names the folder of the parts, so whatever moment a kill picks, parts are of the trial that is stated; and
    the trial that was here before is whole until the state of the new one is on the disk.
    """
    if resume:
        check_same(stated(folder), identity, folder)
        parts = str(read_json(folder / RUN / STATE)["parts"])
    else:
        parts = f"parts-{secrets.token_hex(4)}"
        fresh = folder / RUN / ".state.part"
        write_json(fresh, {**identity, "parts": parts})
        with naming(folder):
            (folder / SUMMARY).unlink(missing_ok=True)
            _drop(folder / ALSO)
            os.replace(fresh, folder / RUN / STATE)
    _clear(folder, parts)
    _make(folder / RUN / parts)
    _make(folder / OBSERVATIONS)
    write_text(folder / PROTOCOL, protocol)
    return parts


def _give_up(folder: Path, error: BaseException) -> None:
    """Leave what can be gone on with, and say so where the disk was at fault; leave nothing of what cannot."""
    if isinstance(error, ProtocolError):
        (folder / PROTOCOL).unlink(missing_ok=True)
        shutil.rmtree(folder / OBSERVATIONS, ignore_errors=True)
        _drop(folder / ALSO)
        clean(folder)
    elif not is_begun(folder):
        clean(folder)
    elif isinstance(error, DataError) and isinstance(error.__cause__, OSError):
        raise DataError(f"{error} What was computed is kept; when that is mended, go on with --resume.") from error


def _drop(folder: Path) -> None:
    """Remove the trials in a folder, and the folder where nothing else is in it."""
    for path in folder.glob("*"):
        if is_finished(path) or is_begun(path):
            shutil.rmtree(path)
    with suppress(OSError):
        folder.rmdir()


def clean(folder: Path) -> None:
    """Remove the journal of a trial that is finished, or that cannot be."""
    shutil.rmtree(folder / RUN, ignore_errors=True)


def sweep(*places: Path) -> None:
    """Remove what writes that were killed left in these folders."""
    for place in places:
        for path in place.glob(".*.part"):
            path.unlink(missing_ok=True)


def stated(folder: Path) -> dict[str, Any]:
    """What the trial in a folder was begun with, finished or not. DataError where that cannot be read."""
    path = folder / PROVENANCE if is_finished(folder) else folder / RUN / STATE
    try:
        found = read_json(path)
        if not isinstance(found, dict):
            raise ValueError("it is no table")
    except (OSError, ValueError) as error:
        raise DataError(f"'{path}' cannot be read ({error}); begin the trial in another folder.") from error
    return found


def _clear(folder: Path, parts: str) -> None:
    """Remove what a killed write left, what belongs to a trial that was here before, and observations of chunks that
    are not finished; nothing that is not a trial's."""
    finished = {path.stem.rpartition("-")[2] for path in (folder / RUN / parts).glob("chunk-*.tables")}
    with naming(folder):
        for path in (folder / OBSERVATIONS).glob("*.parquet"):
            if path.stem.rpartition("-")[2] not in finished:
                path.unlink()
        for path in (folder / RUN).glob("parts-*"):
            if path.name != parts:
                shutil.rmtree(path)
        for name in (*(f"{table}.parquet" for table in TABLES), PROVENANCE, PROTOCOL, REPORT):
            (folder / name).unlink(missing_ok=True)
        for name, pattern in REPORT_PARTS.items():
            for path in (folder / name).glob(pattern):
                path.unlink()
            with suppress(OSError):  # it is not there, or holds something of others
                (folder / name).rmdir()
        sweep(folder, folder / OBSERVATIONS, folder / RUN, folder / RUN / parts)


def _is_free(folder: Path) -> bool:
    """Whether there is nothing in the way: no folder, an empty one, or what a start leaves that was killed at once."""
    return not folder.exists() or not _foreign(folder)


def _foreign(folder: Path) -> str:
    """Something in the folder that a start that was killed at once did not leave; "" where there is nothing."""
    for path in sorted(folder.iterdir()):
        if path.name != RUN or not path.is_dir():
            return path.name
        for inner in path.iterdir():
            if inner.name != LOCK and inner.suffix != ".part":
                return f"{RUN}/{inner.name}"
    return ""


def _make(path: Path) -> list[Path]:
    """Make a folder, with those above it; those that were made, the innermost first. DataError if impossible."""
    missing = [p for p in (path, *path.parents) if not p.exists()]
    with naming(path):
        path.mkdir(parents=True, exist_ok=True)
    return missing
