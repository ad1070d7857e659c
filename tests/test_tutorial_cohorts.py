"""The tutorial of cohorts: its table is what its script makes, and its commands run."""

from __future__ import annotations

import csv
import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pages import ROOT, blocks, run_leukinetics, text

from leukinetics.cohort.table import guess_toml, read_table
from leukinetics.commands.tutorial.cohorts.parts import reading
from leukinetics.commands.tutorial.cohorts.people import MARKERS, SIZES
from leukinetics.commands.tutorial.cohorts.table import DICTIONARY, OLD, TABLE, TITLE, make
from leukinetics.commands.tutorial.cohorts.table import MARKERS as MEASURED
from leukinetics.commands.tutorial.cohorts.table import text as table_text

EXAMPLES = ROOT / "examples"
PAGE = "docs/tutorial-cohorts.md"
MOST = 200_000  # bytes of the table


def some_people(n: int = 150, seed: int = 3) -> pd.DataFrame:
    """People without the model, of the columns that the table is written from."""
    rng = np.random.default_rng(seed)
    group = np.array(["controls", "RR", "CIS", "PP"])[rng.integers(0, 4, n)]
    group[: n // 2] = "RR"
    found: dict[str, Any] = {"group": group, "age": rng.uniform(20, 60, n), "sex": rng.integers(0, 2, n), "bmi": 25.0}
    for name in MARKERS:
        for k in ("0", "1"):
            found[f"{name}.{k}"] = rng.lognormal(0.3, 1.0, n)
    ill = group != "controls"
    found["active"] = np.where(ill, rng.integers(0, 2, n), np.nan)
    found["relapses"] = [list(rng.choice([56.0, 140.0, 700.0], rng.integers(0, 3))) if i else None for i in ill]
    return pd.DataFrame(found)


@pytest.mark.slow
def test_the_script_makes_the_table_that_is_shipped() -> None:
    shipped = (EXAMPLES / TABLE).read_bytes()
    assert len(shipped) < MOST
    assert make(EXAMPLES).encode() == shipped, "run: python -m leukinetics.commands.tutorial.cohorts ."


def test_the_table_depends_on_its_people_alone() -> None:
    who = some_people()
    assert table_text(who) == table_text(who.copy())
    other = who.assign(**{"crp.0": who["crp.0"] * 2})
    assert table_text(other) != table_text(who)


def test_marks_are_those_of_the_plates() -> None:
    lines = table_text(some_people()).splitlines()
    assert lines[0] == TITLE
    rows = list(csv.DictReader(lines[1:], delimiter=";"))
    for marker in MEASURED.values():
        for row in rows:
            cell, limit = row[marker.column], marker.old if int(row["Plate"][1:]) <= OLD else marker.new
            if cell.startswith("<"):
                assert float(cell[1:].replace(",", ".")) == limit
            elif cell[:1].isdigit():
                assert float(cell.split()[0].rstrip("*").replace(",", ".")) >= limit
    relapsed = [r for r in rows if r["Relapsed"] == "yes"]
    assert relapsed and all(float(r["First relapse (days)"]) <= float(r["Follow-up (days)"]) for r in relapsed)
    assert all((r["Relapses"] == "") == (r["Group"] == "control") for r in rows)


def test_the_dictionary_reads_the_table() -> None:
    table = read_table(EXAMPLES / TABLE, EXAMPLES / DICTIONARY)
    assert table.rows["person"].nunique() == sum(SIZES.values())
    first = table.rows.drop_duplicates("person")["group"].value_counts()
    assert {g: int(n) for g, n in first.items()} == {g.removesuffix("s"): n for g, n in SIZES.items()}
    assert list(table.analytes["IL-6 CSF"].limits) == [1.5, 4.0]
    assert not any("not used: " in n.text for n in table.notes)


def test_the_dictionary_is_the_guess_with_the_edits_of_the_page() -> None:
    top = "# The file, and who was sampled when."
    guessed = guess_toml(EXAMPLES / TABLE).partition(top)[2].splitlines()
    edited = (EXAMPLES / DICTIONARY).read_text(encoding="utf-8").partition(top)[2].splitlines()
    edits = reading(EXAMPLES)["edits"]
    assert edits and not [line for line in edits if line.startswith("-")], "edits only add"
    added = [line[1:] for line in edits if line.startswith("+")]
    assert all(line in edited for line in added)
    for line in filter(None, added):
        edited.reverse()  # what is added last stands last
        edited.remove(line)
        edited.reverse()
    assert [line for line in edited if line] == [line for line in guessed if line]


def page_commands() -> list[tuple[list[str], str]]:
    """(words, comment) of each command of the page."""
    lines = [line for b in blocks(PAGE) if b.language == "console" for line in b.text.splitlines()]
    return [(shlex.split(line[1:], comments=True), line.partition(" # ")[2]) for line in lines if line.startswith("$")]


@pytest.mark.slow
def test_the_commands_of_the_page_run(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES, tmp_path / "examples")
    quick = {"people = 8000": "people = 600", "draws = 60": "draws = 10", "people = 400": "people = 200"}
    benefit = tmp_path / "examples" / "mdd_benefit.toml"
    for old, new in quick.items():
        words = benefit.read_text(encoding="utf-8")
        assert old in words
        benefit.write_text(words.replace(old, new), encoding="utf-8")
    for command, comment in page_commands():
        if comment == "refused":
            script = Path(sys.executable).with_name("leukinetics")
            done = subprocess.run([script, *command[1:]], cwd=tmp_path, capture_output=True, text=True, check=False)
            assert done.returncode == 1
            said = done.stderr.removeprefix("error: ").strip()
            assert said in text(PAGE).replace("\n```", "")
        elif comment != "yours":
            run_leukinetics(command[1:], tmp_path)
    for folder in ("cohort", "blind", "virtual"):
        assert (tmp_path / "out" / folder / "report.html").is_file()
    summary = json.loads((tmp_path / "out" / "blind" / "summary.json").read_text(encoding="utf-8"))
    assert summary["blind"] and not summary["prognosis"]
