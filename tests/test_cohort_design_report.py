"""The report of a design: sizes, power curves, the assay's limit, assumptions; of usual designs and of odd ones."""

from __future__ import annotations

import json
import re
import shutil
from html import unescape
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pandas as pd
import pytest
from typer.testing import CliRunner

from leukinetics.cli import app
from leukinetics.cohort.design import run_design
from leukinetics.errors import DataError
from leukinetics.report.design import write_design_report

DESIGN: dict[str, Any] = {
    "design": {"name": "IL-6 <in> CSF", "replicates": 100},
    "detection": [{"id": "seen & counted", "share": 0.4, "reference": 0.15, "ratio": 0.5}],
    "level": [
        {
            "id": "higher", "fold": 2.0, "geometric_mean": "1 pg/mL", "sd_ln": 1.0, "limit": "0.0015 ng/mL",
            "limits": [0.0005, 0.003],
        },
        {"id": "without a limit", "fold": 1.5, "geometric_mean": "1 mg/L", "sd_ln": 0.7},
    ],
    "area": [{"id": "tells", "area": 0.7, "half_width": 0.08}, {"id": "better", "area": 0.8, "other": 0.72}],
    "prognosis": [
        {"id": "later", "hazard_ratio": 2.0, "share": 0.3, "events": 0.4},
        {"id": "doubling", "hazard_ratio": 1.4, "sd_ln": 1.0, "rate": 0.2, "follow_up": 2.0, "accrual": 1.0},
    ],
    "rate": [{"id": "relapses", "rate_ratio": 1.7, "rate": 0.5, "years": 2.0, "dispersion": 0.7, "share": 0.3}],
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("design") / "out"
    run_design(DESIGN, out)
    write_design_report(out)
    return out


def page(folder: Path) -> str:
    return (folder / "report.html").read_text(encoding="utf-8")


def shown(text: str) -> str:
    """What a reader sees of a page, without its figures and styles."""
    bare = re.sub(r"<(style|svg|pre)\b.*?</\1>", " ", text, flags=re.S)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", bare))).replace("\xa0", " ")


def test_the_page_loads_nothing_and_its_figures_are_whole(folder: Path) -> None:
    text = page(folder)
    assert not re.search(r"(?:src|href)=\"https?://(?!doi\.org|pubmed)|<script|@import|url\(http", text)
    figures = re.findall(r"<svg.*?</svg>", text, flags=re.S)
    assert len(figures) == 9  # one for each question, and the limits of the one that has some
    for figure in figures:
        assert ElementTree.fromstring(figure).get("aria-label")
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    for target in re.findall(r'href="#([^"]+)"', text):
        assert target in ids
    for file in re.findall(r'href="([\w/]+\.csv)"', text):
        assert (folder / file).is_file()


def test_sizes_and_assumptions_are_those_of_the_summary(folder: Path) -> None:
    text = shown(page(folder))
    told = {q["id"]: q for q in json.loads((folder / "summary.json").read_text())["questions"]}
    seen, level, later = told["seen & counted"], told["higher"], told["later"]
    for said in (
        "IL-6 <in> CSF",
        f"“seen & counted” takes {seen['total']} people ({seen['n']} and {seen['n_reference']})",
        f"{later['total']}, {later['events']} events",
        f"{level['n']} and {level['n_reference']}",
        "1.5 pg/mL (now)", "no limit", "geometric mean of the second group", "1 pg/mL", "SD of the logarithm",
        "detected in the first group", "40 %", "correlation of the two", "follow-up after the last was enrolled",
        "an interval of ± 0.08 takes", "dispersion k", "What the protocol assumes", "t test, half the limit in place",
        "each asked at the full level", "Suissa and Shuster", "Hanley and McNeil", "Schoenfeld", "(it should be 5 %)",
    ):  # fmt: skip
        assert said in text, said
    assert not re.search(r"\b(nan|None)\b", text)
    curves = pd.read_csv(folder / "tables" / "curves.csv")
    assert curves["power"].tolist() == [r["power"] for q in told.values() for r in q["curve"]]
    svg = (folder / "figures" / "limits-1.svg").read_text(encoding="utf-8")
    assert "now: 1.5" in svg


def test_what_a_better_assay_saves_is_said() -> None:
    from leukinetics.report.design.words import _better

    def row(limit: float, n: int | None) -> dict[str, Any]:
        return {"limit": limit, "n": n, "n_reference": n}

    rows = [row(0.0, 50), row(1.0, 51), row(2.0, 54), row(4.0, 70), row(8.0, 120)]
    told = {"id": "a", "unit": "pg/mL", "limit": 8.0, "limits": rows}
    assert _better(told) == "“a”: at 8 pg/mL 240 people, at 2 pg/mL 108, and hardly fewer with a still lower limit"
    assert "no lower limit that was looked at saves a tenth of the 108 people" in _better(told | {"limit": 2.0})
    assert _better(told | {"limit": 3.0}) == ""
    assert _better(told | {"limits": [row(8.0, None)]}) == ""


def test_what_is_out_of_reach_is_said(tmp_path: Path) -> None:
    design = {"design": DESIGN["design"], "detection": [{"id": "a", "share": 0.1, "reference": 0.101}]}
    run_design(design, tmp_path / "out")
    text = shown(write_design_report(tmp_path / "out").read_text(encoding="utf-8"))
    assert "“a” is out of reach of any study" in text
    assert "out of reach of any study" in text
    assert "What a better assay would save" not in text


def test_the_size_of_the_second_group_keeps_the_power() -> None:
    asked = {"id": "a", "fold": 1.6, "geometric_mean": "2.5 pg/mL", "sd_ln": 0.8, "limit": "6.7 pg/mL", "ratio": 0.5}
    told = run_design({"design": DESIGN["design"], "level": [asked]}).summary["questions"][0]
    assert (told["n"], told["n_reference"]) == (149, 75)
    assert told["power"] >= 0.8


def test_the_command_writes_the_report_and_writes_it_again(tmp_path: Path) -> None:
    spec, out = tmp_path / "d.toml", tmp_path / "out"
    spec.write_text('[design]\nname = "x"\nreplicates = 100\n\n[[area]]\nid = "a"\narea = 0.7\n', encoding="utf-8")
    run = CliRunner().invoke
    bare = run(app, ["cohort", str(spec), "--out", str(out), "--no-report"])
    assert bare.exit_code == 0, bare.output
    assert bare.output.rstrip().endswith("summary.json")
    assert not (out / "report.html").exists()
    made = run(app, ["report", str(out)])
    assert made.exit_code == 0, made.output
    before = page(out)
    again = run(app, ["cohort", str(spec), "--out", str(out), "--overwrite"])
    assert again.output.rstrip().endswith("report.html")
    assert "two-sided level 0.05\n" in again.output
    assert page(out) == before


def test_damaged_folders_are_told(folder: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(folder, tmp_path / "out"))
    told = json.loads((out / "summary.json").read_text())
    for q in told["questions"]:
        q["curve"] = None
    (out / "summary.json").write_text(json.dumps(told))
    with pytest.raises(DataError, match="run the design again"):
        write_design_report(out)
    (out / "summary.json").write_text("{")
    with pytest.raises(DataError, match="cannot be read"):
        write_design_report(out)
    (out / "summary.json").unlink()
    with pytest.raises(DataError, match=r"'summary\.json' is missing"):
        write_design_report(out)
