"""The page about cohorts: its protocol runs, and it names what the summary has."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from pages import blocks, commands, text

from leukinetics.cohort import read_cohort, run_cohort

PAGE = "docs/cohorts.md"


def test_the_protocol_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from leukinetics.cohort import run

    (block,) = [b for b in blocks(PAGE) if b.language == "toml"]
    data = tomllib.loads(block.text)
    assert read_cohort(data).uncertainty is not None
    monkeypatch.setattr(run, "MANY", 300)
    found = run_cohort(data, tmp_path / "out").summary
    assert [p["limit"] for p in found["curve"]] == data["marker"]["limits"]
    told = text(PAGE)
    for key in (
        "groups",
        "contrasts",
        "among",
        "activity",
        "prognosis",
        "curve",
        "published",
        "chances",
        "uncertainty",
    ):
        assert key in found and f"`{key}`" in told
    assert {p.name for p in (tmp_path / "out").iterdir()} == {
        "people.parquet", "summary.json", "protocol.toml", "provenance.json",
    }  # fmt: skip


def test_its_commands_are_of_files_that_are_there() -> None:
    (command,) = [c for b in blocks(PAGE) if b.language == "console" for c in commands(b)]
    assert command[:2] == ["leukinetics", "cohort"]
    assert (Path(__file__).resolve().parents[1] / command[2]).is_file()
