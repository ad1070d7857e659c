"""The pages about trials: their protocol runs, their code works on it, and they name all that it gives."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pages import blocks, commands, run_leukinetics, run_python, text

import leukinetics as lk

PAGES = ("docs/trials.md", "docs/populations.md", "docs/statistics.md", "docs/results.md")
NAME = "dose_finding.toml"
RESULTS = "docs/results.md"


def protocol() -> str:
    """The protocol of the pages: its begin and its continuations, in their order."""
    parts = [block.text for page in PAGES for block in blocks(page) if block.language == "toml"]
    first, *more = [part.split("\n", 1) for part in parts]
    assert first[0] == f"# {NAME}"
    assert {head for head, _ in more} == {f"# {NAME}, continued"}
    return "".join(body for _, body in (first, *more))


def test_the_protocol_of_the_pages_has_every_table_that_patients_need(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(protocol(), encoding="utf-8")
    found = lk.read_protocol(tmp_path / NAME)
    assert (found.uncertainty, found.power, found.sensitivity).count(None) == 0
    assert [len(found.arm), len(found.rule), len(found.endpoint)] == [3, 2, 5]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the pages' commands and code have run."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / NAME).write_text(protocol(), encoding="utf-8")
    names: dict[str, object] = {"__name__": "page"}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for page in PAGES:
            for block in blocks(page):
                if block.language == "python":
                    run_python(page, block, names)
    return folder / "results"


@pytest.mark.slow
def test_the_commands_work(tmp_path: Path) -> None:
    for command in [c for page in PAGES for b in blocks(page) if b.language == "console" for c in commands(b)]:
        assert command[0] == "leukinetics"
        run_leukinetics(command[1:], tmp_path)
    assert (tmp_path / "results" / "report.html").is_file()


@pytest.mark.slow
def test_every_key_of_the_summary_is_named(finished: Path) -> None:
    summary = json.loads((finished / "summary.json").read_text(encoding="utf-8"))
    assert None not in (summary["matching"], summary["uncertainty"], summary["power"], summary["sensitivity"])
    own = {e.id for e in lk.open_trial(finished).protocol.endpoint}
    section = text(RESULTS).partition("## summary.json")[2].partition("\n## ")[0]
    named = set(re.findall(r"`(\w+)`", section))
    assert set(keys(summary)) - own - named == set()
    provenance = json.loads((finished / "provenance.json").read_text(encoding="utf-8"))
    section = text(RESULTS).partition("## provenance.json")[2].partition("\n## ")[0]
    assert set(provenance) | set(provenance["times"]) == set(re.findall(r"`(\w+)`", section))


@pytest.mark.slow
@pytest.mark.parametrize("table", ["population", "screening", "observations", "endpoints", "conduct", "failures"])
def test_every_column_is_named(table: str, finished: Path) -> None:
    path = next(finished.glob(f"{table}/*.parquet")) if table == "observations" else finished / f"{table}.parquet"
    section = text(RESULTS).partition(f"\n`{table}")[2]
    section = re.split(r"\n`\w+(?:\.parquet|/)|\n## ", section)[0]
    first = re.findall(r"^\| (`.+?) \|", section, re.MULTILINE)
    named = {name for cell in first for name in re.findall(r"`(.+?)`", cell)}
    columns = set(pq.read_schema(path).names)
    if table == "conduct":
        columns = {"rule.ID" if name.startswith("rule.") else name for name in columns}
    if table in ("population", "screening"):  # whose further columns depend on the model and the protocol
        assert named <= columns
        return
    assert named == columns


def keys(part: Any) -> Iterator[str]:
    """All keys of tables within tables and lists."""
    if isinstance(part, dict):
        for key, value in part.items():
            yield key
            yield from keys(value)
    elif isinstance(part, list):
        for value in part:
            yield from keys(value)
