"""The page about cohorts: its protocol and commands run, and it names what the summaries and dictionaries have."""

from __future__ import annotations

import re
import tomllib
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest
from pages import ROOT, blocks, commands, run_leukinetics, text

from leukinetics.cohort import read_cohort, run_cohort
from leukinetics.cohort.table.dictionary import (
    Analyte,
    Covariate,
    Format,
    Groups,
    Outcome,
    Pair,
    TableAnalysis,
)
from leukinetics.errors import DataError

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


def test_its_commands_name_files_that_are_there_or_the_table() -> None:
    found = [c for b in blocks(PAGE) if b.language == "console" for c in commands(b)]
    assert len(found) > 4
    for command in found:
        assert command[:2] == ["leukinetics", "cohort"]
        assert command[2] == "table.csv" or (ROOT / command[2]).is_file()


def table(people: int = 40) -> str:
    """A small table of two groups, with an outcome."""
    rows = ["id,group,age,IL-6 (pg/mL),relapse"]
    for i in range(people):
        level = 0.3 * 1.13 ** (i * 7 % people) * (1 + i % 2)
        cell = "<0.5" if level < 0.5 else f"{level:.2f}"
        rows.append(f"{i},{('control', 'case')[i % 2]},{30 + i % 25},{cell},{'yes' if i % 3 else 'no'}")
    return "\n".join(rows) + "\n"


@pytest.mark.slow
def test_its_commands_on_a_table_run(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text(table(), encoding="utf-8")
    for command in [c for b in blocks(PAGE) if b.language == "console" for c in commands(b)]:
        if command[2] == "table.csv":
            run_leukinetics(command[1:], tmp_path)
    section = text(PAGE).partition("### Files of a study")[2].partition("\n### ")[0]
    named = set(re.findall(r"`([\w.]+\.(?:html|json|parquet|csv|toml))`", section))
    made = {p.name for p in (tmp_path / "results").iterdir() if p.is_file()}
    assert made == named - {"table.csv"}
    unseen = tmp_path / "unseen"
    assert "relapse" in pd.read_parquet(tmp_path / "results" / "samples.parquet").columns
    assert "relapse" not in pd.read_parquet(unseen / "samples.parquet").columns
    assert "outcome" not in (unseen / "dictionary.toml").read_text(encoding="utf-8")
    assert not (unseen / "tables" / "prognosis.csv").exists()


def test_every_key_of_a_study_is_named() -> None:
    from leukinetics.cohort.study import analyse
    from leukinetics.cohort.table import CohortTable

    off = dict.fromkeys(("levels", "correlation", "diagnosis", "prognosis", "subtypes"), False)
    frame = pd.read_csv(StringIO(table()), dtype=str)
    given = {
        "table": {"id": "id"}, "group": {"column": "group", "control": "control"}, "analysis": off,
        "analyte": [{"name": "il6", "column": "IL-6 (pg/mL)"}],
    }  # fmt: skip
    found = analyse(CohortTable.from_frame(frame, given))
    section = text(PAGE).partition("### Keys of its summary")[2].partition("\n## ")[0]
    named = set(re.findall(r"`(\w+)`", section))
    assert set(found) | set(found["table"]) <= named
    assert set(found["analytes"][0]["detection"]) - {"limit", "control", "correct"} <= named


def test_every_key_of_a_dictionary_is_named() -> None:
    section = text(PAGE).partition("| `[table]`")[2].partition("\n\n")[0]
    named = set(re.findall(r"`(\w+)", section))
    for part in (Format, Groups, Analyte, Pair, Covariate, Outcome, TableAnalysis):
        assert set(part.model_fields) <= named | {"column"}, part.__name__


def test_what_the_page_says_is_refused() -> None:
    from leukinetics.cohort.table import CohortTable

    head = {"analyte": [{"name": "il6", "column": "IL-6 (pg/mL)"}], "table": {"id": "id", "time": "day"}}
    good = {"id": ["1", "1", "2"], "day": ["0", "9", "0"], "IL-6 (pg/mL)": ["<0.5", "2.5", "3"]}
    CohortTable.from_frame(pd.DataFrame(good), head)
    for change, word in (
        ({"IL-6 (pg/mL)": ["1,234", "2,345", "3"]}, "decimal comma"),
        ({"day": ["3/4/2020", "5/6/2020", "1/2/2020"]}, "day or the month"),
        ({"IL-6 (pg/mL)": ["1.2 zorg/mL", "2.5", "3"]}, "zorg"),
        ({"day": ["0", "0", "0"]}, "duplicates"),
    ):
        with pytest.raises(DataError, match=word):
            CohortTable.from_frame(pd.DataFrame(good | change), head)
    outcome = head | {"outcome": [{"name": "later", "column": "later", "kind": "binary"}]}
    with pytest.raises(DataError, match="counts as 1"):
        CohortTable.from_frame(pd.DataFrame(good | {"later": ["this", "that", "other"]}), outcome)
