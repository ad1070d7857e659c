"""Where a trial may be written, and what is left where it could not be."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from fake_assembly import fake_assembly
from test_trial_run import protocol

import leukinetics as lk
from leukinetics import DataError, ProtocolError, trial
from leukinetics.trial import store
from leukinetics.trial.folder import is_begun
from leukinetics.trial.journal import LOCK, RUN
from leukinetics.trial.lock import locked

SMALL: dict[str, Any] = {"trial_patients_per_arm": 6, "schedule": {"visits": ["2 weeks"], "measure": ["crp"]}}


def ready(**more: Any) -> Any:
    return trial.prepare(protocol(**SMALL, **more), assembly=fake_assembly())


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_what_is_no_trial_is_never_replaced(tmp_path: Path) -> None:
    out = tmp_path / "mine"
    out.mkdir()
    (out / "thesis.txt").write_text("all of it")
    for options in ({}, {"overwrite": True}):
        with pytest.raises(DataError, match=r"has files in it that are no trial of Leukinetics \(such as 'thesis"):
            trial.run(ready(), out, **options)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="no trial in"):
        trial.run(ready(), out, resume=True)
    assert contents(out) == {"thesis.txt": b"all of it"}


def test_an_empty_folder_is_used_and_a_finished_trial_only_replaced_when_told(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    trial.run(ready(), out)
    before = contents(out)
    with pytest.raises(DataError, match="holds a finished trial; name another folder, or replace it with --overwrite"):
        trial.run(ready(), out)
    assert contents(out) == before
    (out / "notes.txt").write_text("kept")
    for name in ("tables", "figures"):
        (out / name).mkdir()
    (out / "tables" / "old.csv").write_text("of the old trial")
    (out / "figures" / "mine.png").write_bytes(b"kept, too")
    (out / "report.html").write_text("of the old trial")
    found = trial.run(ready(trial_name="another", arm=[{"name": "only"}]), out, overwrite=True)
    assert found.summary["trial"] == "another"
    after = contents(out)
    assert not {"report.html", "tables/old.csv", "observations/01-iv-00000.parquet"} & set(after)
    assert after["notes.txt"] == b"kept"
    assert after["figures/mine.png"] == b"kept, too"
    assert set(found.observations["arm"]) == {"only"}


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        ({"trial": {"name": "nonsense"}}, ProtocolError),
        ("no such file.toml", ProtocolError),
        (protocol(eligibility={"weight": ">= 200 kg"}, trial_patients_per_arm=2), ProtocolError),
    ],
)
def test_a_trial_that_cannot_be_leaves_no_folder_and_the_old_trial_where_it_was(
    tmp_path: Path, bad: Any, error: type[Exception]
) -> None:
    late = isinstance(bad, dict) and "arm" in bad
    new = trial.prepare(bad, assembly=fake_assembly()) if late else bad
    with pytest.raises(error):
        trial.run(new, tmp_path / "a" / "new")
    assert list(tmp_path.iterdir()) == []
    if not late:
        trial.run(ready(), tmp_path / "out")
        before = contents(tmp_path / "out")
        with pytest.raises(error):
            trial.run(new, tmp_path / "out", overwrite=True)
        assert contents(tmp_path / "out") == before


def test_a_full_disk_is_said_and_what_was_computed_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    whole = trial.run(ready(), tmp_path / "whole", chunk=2)
    fsync = os.fsync
    files = 0

    def full(handle: int) -> None:
        nonlocal files
        files += 1
        if files > 12:
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(handle)

    monkeypatch.setattr(store.os, "fsync", full)
    with pytest.raises(DataError, match=r"cannot be written: No space left on device\. .*--resume"):
        trial.run(ready(), out, chunk=2)
    assert is_begun(out)
    assert not (out / "summary.json").exists()
    assert not list(out.rglob("*.part"))
    monkeypatch.setattr(store.os, "fsync", fsync)
    trial.run(ready(), out, resume=True)
    assert (out / "summary.json").read_bytes() == (tmp_path / "whole" / "summary.json").read_bytes()
    assert len(whole.observations)
    files = 12
    monkeypatch.setattr(store.os, "fsync", full)
    with pytest.raises(DataError, match="No space left on device"):
        trial.run(ready(), tmp_path / "at once")
    assert not (tmp_path / "at once").exists()


def test_a_folder_that_does_not_let_one_write_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path)  # root may write anywhere
    with pytest.raises(DataError, match=r"cannot be written to '.*out': '.*' does not let you; name another folder"):
        trial.run("never read.toml", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_two_processes_do_not_share_a_folder(tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / RUN).mkdir(parents=True)
    with locked(out / RUN / LOCK), pytest.raises(DataError, match=rf"Another process \({os.getpid()}\) is running"):
        trial.run(ready(), out)
    (out / RUN / LOCK).write_text("999999\n")  # of a process that has died
    (out / RUN / ".state.json.0a1b2c3d.part").write_text("{")
    assert trial.run(ready(), out).summary["patients"]["enrolled"] == 6
    assert not (out / RUN).exists()


def test_the_files_have_types_and_units(tmp_path: Path) -> None:
    out = tmp_path / "out"
    ends = [{"id": "crp", "observable": "crp", "kind": "percent_change", "at": "8 weeks", "noise": True}]
    trial.run(ready(endpoint=ends, eligibility={"crp": ">= 3 mg/L"}), out, chunk=4)
    files = sorted(p.name for p in (out / "observations").iterdir())
    assert files == [f"{a}-{c:05d}.parquet" for a in ("00-placebo", "01-iv") for c in (0, 1)]
    read = pq.read_table(out / "observations" / files[0])
    assert {f.name: str(f.type) for f in read.schema} == {
        "patient": "int64", "arm": "string", "time": "double", "name": "string", "value": "double", "unit": "string",
        "blq": "bool",
    }  # fmt: skip
    assert read.schema.field("time").metadata == {b"unit": b"day"}
    assert set(read["arm"].to_pylist()) == {"placebo"}
    assert pq.ParquetFile(out / "observations" / files[0]).metadata.row_group(0).column(0).compression == "ZSTD"
    people = pq.read_table(out / "population.parquet").schema
    screening = pq.read_table(out / "screening.parquet").schema
    assert screening.field("screening.crp").metadata == {b"unit": b"mg/L"}
    assert {"screening.crp", "baseline.crp", "weight", "rs1"} <= set(people.names)
    endpoints = pq.read_table(out / "endpoints.parquet").schema
    assert [str(endpoints.field(n).type) for n in ("patient", "time", "censored", "missing")] == [
        "int64", "double", "bool", "string",
    ]  # fmt: skip
    failures = pq.read_table(out / "failures.parquet")
    assert (failures.num_rows, failures.column_names) == (0, ["patient", "arm", "status", "advice"])
    provenance = trial.open_trial(out).provenance
    assert {"leukinetics", "python", "compiler", "parameters_sha256", "packages", "times"} <= set(provenance)


def test_the_trial_is_a_database(tmp_path: Path) -> None:
    out = tmp_path / "it's [one]"
    result = trial.run(ready(), out, chunk=4)
    with lk.open_trial(out).database() as found:
        rows = found.execute("SELECT arm, count(*), avg(value) FROM observations WHERE name = 'crp' GROUP BY arm")
        means = {arm: (n, mean) for arm, n, mean in rows.fetchall()}
        crp = result.observations.query("name == 'crp'").groupby("arm")["value"].mean()
        assert means["iv"] == (18, pytest.approx(crp["iv"]))
        joined = "SELECT count(*) FROM endpoints JOIN population USING (patient) JOIN conduct USING (patient, arm)"
        assert found.execute(joined).fetchone() == (len(result.endpoints),)
        assert found.execute("SELECT count(*) FROM screening WHERE eligible").fetchone() == (6,)
        assert found.execute("SELECT count(*) FROM failures").fetchone() == (0,)
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(DataError, match="holds no finished trial"):
            lk.open_trial(folder)
        with pytest.raises(DataError, match="holds no finished trial"):
            trial.database(folder)
    with pytest.raises(DataError, match="in memory only"):
        trial.run(ready()).database()
