"""The report of a study of a table of biomarkers: what it shows, loads and leaves out, of usual and of odd tables."""

from __future__ import annotations

import json
import re
import shutil
from html import unescape
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from leukinetics.cli import app
from leukinetics.cohort.study import run_study
from leukinetics.errors import DataError
from leukinetics.report.biomarkers import write_biomarker_report
from leukinetics.report.biomarkers.folder import open_folder
from leukinetics.report.biomarkers.strip import MOST_POINTS
from leukinetics.report.trial.numbers import interval

QUIET = {"correlation": False, "diagnosis": False, "prognosis": False, "subtypes": False, "bootstrap": 20}
DICTIONARY: dict[str, Any] = {
    "table": {"id": "id"},
    "group": {"column": "group", "control": "controls", "order": ["controls", "R&R <b>"]},
    "analyte": [
        {"name": "il6", "column": "il6", "unit": "pg/mL", "limit": 3.0},
        {"name": "crp", "column": "crp", "unit": "mg/L", "limit_column": "plate"},
    ],
    "covariate": [{"name": "age", "column": "age", "kind": "continuous", "unit": "year"}],
    "outcome": [
        {"name": "later secret", "column": "days", "kind": "time_to_event", "event": "seen", "positive": "1"},
        {"name": "worse", "column": "worse", "kind": "binary", "positive": "1"},
    ],
    "analysis": {"covariates": ["age"], "bootstrap": 20},
}


def frame(n: int = 90) -> pd.DataFrame:
    rng = np.random.default_rng(8)
    ill = np.arange(n) % 3 > 0
    il6 = np.exp(1.0 + 0.9 * ill + 0.8 * rng.normal(size=n))
    crp = np.exp(0.6 + 0.5 * np.log(il6) + 0.8 * rng.normal(size=n))
    limit = rng.choice([0.5, 1.0], n)
    time, end = rng.exponential(600 / il6), rng.uniform(100, 900, n)
    cells = [f"<{b:g}" if v < b else f"{v:.4g}" for v, b in zip(crp, limit, strict=True)]
    cells[4] = ">9.5"
    return pd.DataFrame(
        {
            "id": [f"P{i}" for i in range(n)],
            "group": np.where(ill, "R&R <b>", "controls"),
            "il6": ["<3" if v < 3 else f"{v:.4g}" for v in il6],
            "crp": cells,
            "plate": limit,
            "age": rng.integers(20, 60, n).astype(str),
            "days": np.minimum(time, end).round(1).astype(str),
            "seen": (time < end).astype(int).astype(str),
            "worse": (rng.random(n) < 1 / (1 + np.exp(1 - np.log(il6)))).astype(int).astype(str),
        }
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("study") / "out"
    run_study(frame(), DICTIONARY, out)
    write_biomarker_report(out)
    return out


def page(folder: Path) -> str:
    return (folder / "report.html").read_text(encoding="utf-8")


def shown(text: str) -> str:
    """What a reader sees of a page, without its figures and styles."""
    text = re.sub(r"<(svg|style|pre)\b.*?</\1>", " ", text, flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


def test_it_loads_nothing_and_links_to_what_is_there(folder: Path) -> None:
    text = page(folder)
    assert not re.search(r"<(script|link|img|iframe)\b|\bsrc=|@import|url\((?!#)", text)
    links = set(re.findall(r'<a href="([^"]+)"', text))
    anchors = {v[1:] for v in links if v.startswith("#")}
    assert anchors <= set(re.findall(r'\bid="([^"]+)"', text))
    files = {v for v in links if not v.startswith(("#", "https://"))}
    assert files and all((folder / v).is_file() for v in files)


def test_its_figures_are_whole_and_have_words(folder: Path) -> None:
    found = sorted((folder / "figures").glob("*.svg"))
    names = " ".join(p.stem for p in found)
    for kind in ("detection", "levels-1", "cumulative-1", "odds", "ratios", "roc-1", "calibration", "decision"):
        assert kind in names
    assert "prognosis-hazard-ratio" in names and "mixture-1" in names
    for path in found:
        root = ElementTree.fromstring(path.read_text(encoding="utf-8"))
        assert len(root.attrib["aria-label"]) > 20
    text = page(folder)
    used = re.findall(r' id="([^"]+)"', text)
    assert len(used) == len(set(used))


def test_no_number_is_printed_that_is_none(folder: Path) -> None:
    assert not re.search(r"\b(nan|None|inf|null)\b", shown(page(folder)))


def test_decisions_and_odd_cells_come_before_results(folder: Path) -> None:
    summary, text = json.loads((folder / "summary.json").read_text()), page(folder)
    first = text.index('<h2 id="detection">')
    told = unescape(shown(text[:first]))
    for note in summary["notes"]:
        assert re.sub(r"\s+", " ", note["text"]) in told
    for decision in summary["decisions"]:
        assert decision.replace("\xa0", " ") in told.replace("\xa0", " ")


def test_numbers_are_those_of_the_summary(folder: Path) -> None:
    summary, text = json.loads((folder / "summary.json").read_text()), shown(page(folder)).replace("\xa0", " ")
    for a in summary["analytes"]:
        for g in a["levels"]["groups"]:
            level = g["lognormal"]
            mean = {"estimate": level["geometric_mean"], "ci_low": level["ci_low"], "ci_high": level["ci_high"]}
            assert interval(mean | {"measure": "ratio"}) in text
        for p in a["detection"]["pairs"]:
            assert f"{p['detected']} of {p['n']}" in text and interval(p) in text
    for d in summary["diagnosis"]:
        assert interval(d["roc"]) in text


def test_names_of_the_table_are_text(folder: Path) -> None:
    text = page(folder)
    assert "R&amp;R &lt;b&gt;" in text and "R&R <b>" not in text


def test_every_measurement_is_a_point_and_those_below_are_open(folder: Path) -> None:
    c = open_folder(folder)
    svg = (folder / "figures" / "levels-1-il6.svg").read_text(encoding="utf-8")
    x = c.values(c.analytes[0])
    drawn = [
        len(re.findall("<use ", g)) for g in re.findall(r"<g clip-path.*?</g>\n?(?=<path|<g|</g>)", svg, flags=re.S)
    ]
    assert sum(drawn) == x.n
    assert f">{int(x.below[(c.samples['group'] == 'controls').to_numpy()].sum())} of 30<" in svg


def test_the_same_folder_gives_the_same_bytes(folder: Path) -> None:
    before = page(folder)
    write_biomarker_report(folder)
    assert page(folder) == before


def test_many_rows_are_sampled_and_it_is_said(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "many"
    shutil.copytree(folder, out)
    rows = pd.read_parquet(out / "samples.parquet")
    many = pd.concat([rows.assign(person=rows["person"] + f"-{i}") for i in range(1200)], ignore_index=True)
    many.to_parquet(out / "samples.parquet")
    write_biomarker_report(out)
    text = page(out)
    assert len(text) < 1.5 * len(page(folder)) + 500_000
    assert f"il6 {MOST_POINTS:,} of {len(many):,}" in text
    assert "of many points" not in page(folder).lower()


def test_the_command_knows_such_a_folder(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "again"
    shutil.copytree(folder, out)
    (out / "report.html").unlink()
    result = CliRunner().invoke(app, ["report", str(out)])
    assert result.exit_code == 0, result.output
    assert page(out) == page(folder)


def test_blind_tells_nothing_of_outcomes(tmp_path: Path) -> None:
    dictionary = DICTIONARY | {"analysis": {"bootstrap": 20, "subtypes": False, "correlation": False}}
    run_study(frame(60), dictionary, tmp_path / "out", blind=True)
    write_biomarker_report(tmp_path / "out")
    text = page(tmp_path / "out")
    assert "secret" not in text and 'id="prognosis"' not in text
    assert "(blind)" in text


def test_without_groups_and_with_all_below_the_limit(tmp_path: Path) -> None:
    table = pd.DataFrame({"id": ["a", "b", "c", "d"], "il6": ["<3", "<3", "<2", "<3"], "crp": ["1", "2", "", "4"]})
    analytes = [{"name": n, "column": n, "unit": u} for n, u in (("il6", "pg/mL"), ("crp", "mg/L"))]
    run_study(table, {"table": {"id": "id"}, "analyte": analytes, "analysis": QUIET}, tmp_path / "out")
    text = shown(page_of(tmp_path / "out"))
    assert "not estimated: all 4 are below the limit" in text
    assert "nothing is compared between groups" in text
    assert not re.search(r"\b(nan|None|inf)\b", text)


def page_of(out: Path) -> str:
    return write_biomarker_report(out).read_text(encoding="utf-8")


def test_a_group_of_one_and_separate_groups(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {
            "id": [str(i) for i in range(13)],
            "group": ["controls"] * 6 + ["MS"] * 6 + ["one"],
            "il6": ["<3"] * 6 + ["4", "5", "6.5", "7", "9", "12"] + ["8"],
        }
    )
    dictionary = {
        "table": {"id": "id"},
        "group": {"column": "group", "control": "controls"},
        "analyte": [{"name": "il6", "column": "il6", "unit": "pg/mL"}],
        "analysis": QUIET | {"diagnosis": True},
    }
    run_study(table, dictionary, tmp_path / "out")
    text = shown(page_of(tmp_path / "out"))
    assert "above" in text and not re.search(r"\b(nan|None|inf)\b", text)


@pytest.mark.parametrize("name", ["samples.parquet", "provenance.json", "dictionary.toml"])
def test_what_is_missing_is_named(folder: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / "broken"
    shutil.copytree(folder, out)
    (out / name).unlink()
    with pytest.raises(DataError, match=f"'{name}' is missing"):
        write_biomarker_report(out)


def test_a_summary_that_no_study_wrote(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "broken"
    shutil.copytree(folder, out)
    summary = json.loads((out / "summary.json").read_text())
    del summary["analytes"][0]["name"]
    (out / "summary.json").write_text(json.dumps(summary))
    with pytest.raises(DataError, match="run the study again"):
        write_biomarker_report(out)
