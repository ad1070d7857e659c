"""Results as Datasets, and the files made of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leukinetics.engine import stream
from leukinetics.engine.result import (
    RawResult,
    check_output_names,
    failures,
    output_names,
    to_dataset,
    to_frame,
)
from leukinetics.engine.status import Status
from leukinetics.engine.stream import check_writable, write_csv, write_parquet
from leukinetics.errors import DataError

TIMES = np.array([0.0, 0.5, 2.0])


def dataset(ids: Iterable[Any], seed: int = 0, failed: Iterable[int] = ()) -> xr.Dataset:
    labels = pd.Index(list(ids), name="patient")
    values = np.random.default_rng(seed).normal(size=(len(labels), 3, 2))
    status = np.zeros(len(labels), dtype=np.int8)
    for i in failed:
        values[i], status[i] = np.nan, Status.MAX_STEPS
    steps = np.arange(len(labels), dtype=np.int64)
    attrs = {"leukinetics": "0.1.0", "rtol": np.float64(1e-6), "method": "rodas5p"}
    return to_dataset(
        RawResult(values, status, steps, steps * 0), labels, TIMES, ["A", "B"], {"A": "nmol/L"}, "day", attrs
    )


def test_dataset_is_labelled_and_shares_memory() -> None:
    values = np.ones((2, 3, 2))
    raw = RawResult(values, np.zeros(2, np.int8), np.ones(2, np.int64), np.ones(2, np.int64))
    ds = to_dataset(raw, pd.Index(["a", "b"]), TIMES, ["A", "B"], {"B": "mg"}, "day", {"rtol": 1e-6})
    assert ds["A"].dims == ("patient", "time") and ds["A"].dtype == np.float64
    assert np.shares_memory(ds["A"].to_numpy(), values)
    assert ds["B"].attrs["units"] == "mg" and ds["A"].attrs["units"] == ""
    assert ds["time"].attrs["units"] == "day" and ds.attrs["rtol"] == 1e-6
    assert ds["status"].dtype == np.int8 and ds["status"].attrs["flag_meanings"].split()[1] == "RETRIED"
    assert ds["A"].sel(patient="b", time=0.5).item() == 1.0
    assert output_names(ds) == ["A", "B"]


@pytest.mark.parametrize("names", [["A", "time"], ["status"], ["A", "A"]])
def test_names_that_collide_are_refused(names: list[str]) -> None:
    with pytest.raises(DataError, match=f"'{names[-1]}'"):
        check_output_names(names)


def test_failures_and_frame() -> None:
    ds = dataset([7, 8, 9], failed=[1])
    found = failures(ds)
    assert found["patient"].tolist() == [8] and found["status"].tolist() == ["MAX_STEPS"]
    assert found["advice"][0] == Status.MAX_STEPS.advice
    frame = to_frame(ds)
    assert list(frame.columns) == ["patient", "time", "A", "B", "status"] and len(frame) == 9
    assert frame.query("patient == 8")["A"].isna().all()
    assert frame["status"].tolist() == ["OK"] * 3 + ["MAX_STEPS"] * 3 + ["OK"] * 3
    np.testing.assert_array_equal(frame["B"].to_numpy().reshape(3, 3), ds["B"])
    assert len(failures(dataset([1]))) == 0


@settings(max_examples=30, suppress_health_check=list(HealthCheck))
@given(sizes=st.lists(st.integers(1, 5), min_size=1, max_size=4), text=st.booleans(), at_once=st.integers(1, 40))
@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_files_hold_every_value(suffix: str, sizes: list[int], text: bool, at_once: int, tmp_path: Path) -> None:
    ends = np.cumsum(sizes)
    labels = [(f"P,{i}\"'" if text else i) for i in range(ends[-1])]
    chunks = [
        dataset(labels[end - n : end], seed=int(end), failed=[0] if n > 3 else [])
        for end, n in zip(ends, sizes, strict=True)
    ]
    path = tmp_path / f"r.{suffix}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream, "VALUES_AT_ONCE", at_once)
        (write_parquet if suffix == "parquet" else write_csv)(iter(chunks), path)
    found = pd.read_parquet(path) if suffix == "parquet" else pd.read_csv(path)
    wanted = pd.concat([to_frame(c) for c in chunks], ignore_index=True)
    pd.testing.assert_frame_equal(
        found.astype({"status": str}), wanted.astype({"status": str}), check_exact=True, check_dtype=False
    )
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_parquet_carries_units_and_origin(tmp_path: Path) -> None:
    path = tmp_path / "r.parquet"
    write_parquet([dataset("ab")], path)
    schema = pq.read_schema(path)
    assert schema.field("A").metadata == {b"unit": b"nmol/L"}
    assert schema.field("time").metadata == {b"unit": b"day"}
    made_by = json.loads(schema.metadata[b"leukinetics"])
    assert made_by == {"leukinetics": "0.1.0", "rtol": 1e-6, "method": "rodas5p"}


@pytest.mark.parametrize("write", [write_parquet, write_csv])
@pytest.mark.parametrize("error", [KeyboardInterrupt, DataError("no"), RuntimeError])
def test_a_failure_leaves_what_was_there(write: Callable[..., None], error: Any, tmp_path: Path) -> None:
    path = tmp_path / "r.out"
    path.write_text("earlier")

    def chunks() -> Iterator[xr.Dataset]:
        yield dataset("ab")
        raise error

    with pytest.raises(error if isinstance(error, type) else type(error)):
        write(chunks(), path)
    assert path.read_text() == "earlier"
    assert [p.name for p in tmp_path.iterdir()] == ["r.out"]


def test_only_one_chunk_is_held(tmp_path: Path) -> None:
    import gc
    import weakref

    alive: list[weakref.ref[np.ndarray[Any, Any]]] = []
    most = 0

    def chunks() -> Iterator[xr.Dataset]:
        nonlocal most
        for start in range(6):
            gc.collect()
            most = max(most, sum(r() is not None for r in alive))
            ds = dataset(range(start * 2, start * 2 + 2))
            alive.append(weakref.ref(ds["A"].variable._data))
            yield ds
            del ds

    write_parquet(chunks(), tmp_path / "r.parquet")
    assert most <= 1


def test_paths_that_cannot_be_written(tmp_path: Path) -> None:
    for path, words in [
        (tmp_path, "is a folder"),
        (tmp_path / "no" / "r.csv", "does not exist"),
        (Path("/dev/null"), "cannot be overwritten"),
        (Path("/proc/r.csv"), "cannot be written"),
    ]:
        with pytest.raises(DataError, match=words):
            check_writable(path)
    check_writable(tmp_path / "r.csv")
    assert not list(tmp_path.iterdir())
    with pytest.raises(DataError, match="no result"):
        write_csv([], tmp_path / "r.csv")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("write", [write_parquet, write_csv])
def test_a_full_disk_is_an_error_that_names_the_file(
    write: Callable[..., None], tmp_path: Path, monkeypatch: Any
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(stream.os, "replace", full)
    with pytest.raises(DataError, match=r"r\.out' cannot be written: No space left"):
        write([dataset("ab")], tmp_path / "r.out")
    assert not list(tmp_path.iterdir())


def test_a_link_keeps_its_target(tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_text("old")
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    write_csv([dataset("ab")], tmp_path / "link.csv")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text().startswith('"patient"')
