"""The report of a trial: sections, what is absent, HTML, tables, the same bytes, hostile names."""

from __future__ import annotations

import csv
import itertools
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from report_page import Page
from typer.testing import CliRunner

import leukinetics as lk
from leukinetics.cli import app
from leukinetics.errors import DataError
from leukinetics.report.trial import write_report
from leukinetics.report.trial.assumptions import assumed
from leukinetics.report.trial.courses import courses
from leukinetics.report.trial.folder import open_folder

PLACEBO, LOW, HIGH = "placebo", "50 mg", "150 mg"


PROTOCOL: dict[str, Any] = {
    "trial": {
        "name": "Canakinumab <b>after</b> infarction",
        "condition": "post_mi",
        "duration": "16 weeks",
        "patients_per_arm": 8,
        "seed": 5,
        "design": "parallel",
    },
    "report": {"model_influence": "medium: beside phase II", "decision_consequence": "High: a trial"},
    "eligibility": {"crp": ">= 2 mg/L"},
    "arm": [
        {"name": PLACEBO},
        *(
            {
                "name": name,
                "dose": [{"drug": "canakinumab", "amount": name, "route": "sc", "every": "4 weeks", "count": 4}],
            }
            for name in (LOW, HIGH)
        ),
    ],
    "schedule": {"visits": ["2 weeks", "8 weeks", "16 weeks"], "measure": ["canakinumab", "crp"]},
    "endpoint": [
        {"id": "crp", "observable": "crp", "kind": "percent_change", "at": "16 weeks", "noise": True},
        {"id": "low", "observable": "crp", "kind": "responder", "at": "16 weeks", "threshold": "< 2 mg/L"},
    ],
    "subgroup": [{"id": "sex", "on": "sex", "cuts": [0.5], "labels": ["men", "women"]}],
    "threshold": [{"biomarker": "crp"}],
}


CONTRAST = {"endpoint": "crp", "arm": HIGH, "reference": PLACEBO, "measure": "percent_difference"}


INTERVAL = {"estimate": -40.0, "ci_low": -60.0, "ci_high": -10.0}


SHARE = {"rho": -0.7, "share": 0.48, "share_low": 0.2, "share_high": 0.7, "p_adjusted": 0.002}


NARROWING: dict[str, Any] = {
    "draws": 30, "tested": 200, "noise": 0.04, "visible": 0.31, "together": 0.55,
    "parameters": [
        {"name": "tolerance_onset", "kind": "assumed", "unit": "1/d", "source": "", "value": 2.0, "low": 1.0, **SHARE},
        {"name": "il1_gain", "kind": "calibrated", "unit": "", "source": "", "value": 1.0, **SHARE, "p_adjusted": 0.4},
    ],
    "measurements": [
        {"what": "effect", "endpoint": "low", "arm": HIGH, **SHARE},
        {"what": "level", "endpoint": "crp", "arm": PLACEBO, **SHARE, "p_adjusted": 1.0},
    ],
}  # fmt: skip


#: Keys of summaries that this small trial is too small for, as the trial writes them.
STUDIES: dict[str, Any] = {
    "matching": {
        "targets": [{"what": "crp, median", "unit": "mg/L", "target": 4.2, "before": 3.0, "after": 4.1, "source": "x"}],
        "acceptance": 0.5, "effective_size": 120.0, "pilot": 300, "rejected": [], "warnings": ["few are accepted"],
    },
    "subgroups": [
        {
            "id": "sex", "on": "sex", **CONTRAST, "p_interaction": 0.4,
            "parts": [{"label": "men", "n": 10, **INTERVAL}, {"label": "women", "n": 4, **INTERVAL, "ci_low": None}],
        }
    ],
    "thresholds": [
        {
            "biomarker": "crp", "unit": "mg/L", **CONTRAST, "p_interaction": None,
            "curve": [{"threshold": t, "share": 1 / t, "n": 9, **INTERVAL} for t in (1.0, 2.0, 9.0)],
        }
    ],
    "survival": [
        {
            "endpoint": "low", "arm": arm, "time": [0.0, 30.0, 112.0], "survival": [1.0, 0.9, s],
            "low": [1.0, 0.7, 0.5], "high": [1.0, 1.0, None], "at_risk": [{"time": t, "n": 8} for t in (0.0, 112.0)],
        }
        for arm, s in ((PLACEBO, 0.85), (HIGH, 0.6))
    ],
    "uncertainty": {
        "draws": 3, "patients": 10,
        "contrasts": [
            {
                **CONTRAST, "median": -45.0, "low": -55.0, "high": -30.0, "values": [-55.0, -45.0, -30.0],
                "sd_parameters": 4.0, "sd_patients": 3.0, "share_parameters": 0.64, "narrowing": NARROWING,
            }
        ],
    },
    "power": {
        "endpoint": "crp", "arm": HIGH, "reference": PLACEBO, "analysis": "log_ancova", "alpha": 0.05, "target": 0.8,
        "replicates": 100, "n_for_target": 40,
        "curve": [
            {"n_per_arm": k, "power": p, "power_low": p - 0.05, "power_high": p + 0.05, "assurance": p - 0.1}
            for k, p in ((25, 0.6), (50, 0.9))
        ],
        "enrichment": [
            {
                "biomarker": name, "threshold": t, "unit": unit, "share": 0.5, "effect": -40.0, "ci_low": -50.0,
                "ci_high": None, "n_for_target": 40, "screened_for_target": 160, "cost": 960.0,
            }
            for name, unit in (("crp", "mg/L"), ("il6", "pg/mL"))
            for t in (2.0, 3.0)
        ],
    },
    "sensitivity": {
        **CONTRAST, "method": "morris", "runs": 20, "base": -40.0,
        "parameters": [
            {"name": name, "kind": kind, "unit": "", "source": "", "mu_star": m, "mu_star_ci": 1.0, "sigma": 1.0}
            for name, kind, m in (("tolerance_onset", "assumed", 9.0), ("il1_gain", "calibrated", 4.0))
        ],
    },
}  # fmt: skip


HEADINGS = [
    "Question and design", "Patients", "Drug levels", "Biomarkers over time", "Endpoints", "Subgroups",
    "Who benefits: the effect against a threshold", "Power", "Uncertainty: parameters and patients",
    "What the answer leans on", "How well this model predicts published trials", "Credibility", "Failures",
    "Provenance",
]  # fmt: skip


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small finished trial, with what it is too small for added to its summary; no report yet."""
    out = tmp_path_factory.mktemp("trials") / "finished"
    lk.run_trial(PROTOCOL, out=out, report=False)
    change(out, **STUDIES)
    return out


@pytest.fixture
def folder(trial: Path, tmp_path: Path) -> Path:
    ours = shutil.ignore_patterns("report.html", "figures", "tables")
    return Path(shutil.copytree(trial, tmp_path / "trial", ignore=ours))


@pytest.fixture(scope="module")
def page(trial: Path) -> Page:
    return read(trial)


def read(folder: Path) -> Page:
    return Page(write_report(folder).read_text(encoding="utf-8"))


def change(folder: Path, **keys: Any) -> None:
    path = folder / "summary.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | keys), encoding="utf-8")


def table(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / "tables" / f"{name}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_all_sections_are_there_in_order(page: Page) -> None:
    assert [text for level, text in page.headings if level == 2] == HEADINGS
    assert page.headings[0] == (1, "Canakinumab <b>after</b> infarction")
    levels = [level for level, _ in page.headings]
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))


def test_html_is_whole_and_loads_nothing(page: Page) -> None:
    assert page.loaded == []
    assert len(page.ids) == len(set(page.ids))
    assert set(page.references) <= set(page.ids)


def test_says_that_it_is_a_prediction(page: Page) -> None:
    assert "It is not clinical evidence" in page.words
    assert "p 0.000" not in page.words and "0.000)" not in page.words


def test_answer_is_of_the_primary_contrasts(trial: Path, page: Page) -> None:
    row = next(r for r in json.loads((trial / "summary.json").read_text())["contrasts"] if r["arm"] == HIGH)
    assert f"{abs(round(row['estimate']))} % {'lower' if row['estimate'] < 0 else 'higher'} with 150 mg" in page.words
    assert "Over 3 draws of all that is uncertain in the model" in page.words
    assert "45 % lower (30 to 55 %) with 150 mg" in page.words and "range of all draws" in page.words


def test_credibility_risk_and_assumptions(page: Page) -> None:
    assert "High: influence is medium, the consequence of a wrong decision high." in page.words
    assert "The answer leans most on tolerance onset." in page.words
    assert "Not stated in the protocol ([report], context_of_use)." in page.words


def test_says_what_would_narrow_the_answer(page: Page) -> None:
    assert "What would narrow the answer" in page.words
    assert "To know tolerance onset (48 % of the variance over draws) and effect on" in page.words
    assert "What would narrow it most, if it were measured: tolerance onset (48 %)." in page.words
    assert "cannot tell a share below 31 % from chance" in page.words
    assert "Of results that a smaller or earlier study could have: effect on" in page.words
    assert "48 % (20 % to 70 %)" in page.words and "72 %" in page.words  # sqrt(1 - 0.48)


def test_figures_are_files_and_text_stays_text(trial: Path, page: Page) -> None:
    names = {p.stem for p in (trial / "figures").glob("*.svg")}
    families = ("design", "flow", "levels-canakinumab", "course-crp", "waterfall-1", "survival-1", "subgroups-1")
    studies = ("threshold-1", "power", "enrichment", "enrichment-2", "uncertainty-1", "sensitivity", "narrowing")
    assert names >= {*families, *studies}
    for name in names:
        text = (trial / "figures" / f"{name}.svg").read_text(encoding="utf-8")
        assert "<text" in text and "<image" not in text and len(text) < 60_000
        Page(text)


def test_tables_equal_the_summary(trial: Path, page: Page) -> None:
    summary = json.loads((trial / "summary.json").read_text())

    def same(cell: str, value: Any) -> bool:
        if value is None:
            return cell == ""
        return float(cell) == value if isinstance(value, (int, float)) else cell == value

    def check(name: str, rows: list[dict[str, Any]]) -> None:
        found = table(trial, name)
        assert len(found) == len(rows)
        for got, wanted in zip(found, rows, strict=True):
            assert all(same(got[k], v) for k, v in wanted.items()), (name, got, wanted)

    check("contrasts", summary["contrasts"])
    check("power", summary["power"]["curve"])
    check("enrichment", summary["power"]["enrichment"])
    check("sensitivity", summary["sensitivity"]["parameters"])
    check("narrowing", [*NARROWING["parameters"], *({"rho": r["rho"]} for r in NARROWING["measurements"])])
    check("matching", summary["matching"]["targets"])
    check("subgroups", [p for r in summary["subgroups"] for p in r["parts"]])
    check("thresholds", [p for r in summary["thresholds"] for p in r["curve"]])
    check("at_risk", [p for r in summary["survival"] for p in r["at_risk"]])
    check("uncertainty_draws", [{"value": v} for c in summary["uncertainty"]["contrasts"] for v in c["values"]])
    curves = [r[k] for r in summary["survival"] for k in ("time", "survival", "low", "high")]
    rows = table(trial, "survival")
    assert [float(r["survival"]) for r in rows] == [*curves[1], *curves[5]]
    assert [r["high"] for r in rows][2] == ""
    arms = [(a["name"], e, v) for a in summary["arms"] for e, v in a["endpoints"].items()]
    for got, (arm, endpoint, wanted) in zip(table(trial, "arms"), arms, strict=True):
        assert (got["arm"], got["endpoint"]) == (arm, endpoint)
        assert same(got["estimate"], wanted["estimate"]) and same(got["ci_low"], wanted["ci_low"])
    baseline = [a for r in summary["baseline"] for a in r["arms"]]
    assert [same(got["mean"], a["mean"]) for got, a in zip(table(trial, "baseline"), baseline, strict=True)]
    flow = {(r["arm"], r["what"]): r["n"] for r in table(trial, "flow")}
    assert flow["", "screened"] == str(summary["flow"]["screened"])
    assert flow[HIGH, "analysed"] == str(summary["flow"]["arms"][2]["analysed"])


def test_courses_are_the_quantiles_of_the_observations(trial: Path, page: Page) -> None:
    table = pd.concat(pd.read_parquet(p) for p in sorted((trial / "observations").glob("*.parquet")))
    for course in courses(open_folder(trial)):
        for row in course.table.to_dict("records"):
            mine = table[(table["name"] == course.name) & (table["arm"] == row["arm"]) & (table["time"] == row["time"])]
            assert row["n"] == len(mine)
            assert row["below"] == pytest.approx(mine["blq"].mean())
            assert row["q95"] == pytest.approx(np.quantile(mine["value"], 0.95))
            assert row["q50"] == pytest.approx(mine["value"].median())


def test_same_folder_same_bytes(folder: Path) -> None:
    first = write_report(folder).read_bytes()
    figures = {p.name: p.read_bytes() for p in (folder / "figures").iterdir()}
    assert write_report(folder).read_bytes() == first
    assert {p.name: p.read_bytes() for p in (folder / "figures").iterdir()} == figures


@pytest.mark.parametrize("how", ["null", "absent"])
def test_what_is_null_or_absent_is_left_out_or_explained(folder: Path, how: str) -> None:
    write_report(folder)  # whose figures must not stay
    path = folder / "summary.json"
    content = json.loads(path.read_text())
    for key in (*STUDIES, "baseline", "flow"):
        if how == "null":
            content[key] = None
        else:
            del content[key]
    for row in content["contrasts"]:
        row |= dict.fromkeys(("estimate", "ci_low", "ci_high", "p_value", "p_adjusted"))
    path.write_text(json.dumps(content))
    found = read(folder)
    for text in (
        "the flow in detail was not kept",
        "The summary has no baseline table.",
        "Power was not studied in this trial",
        "The uncertainty of the parameters was not studied",
        "No sensitivity analysis was made",
        "The summary has no result of the protocol's subgroups.",
        "The summary has no result of the protocol's thresholds.",
        "not to be estimated with 150 mg",
    ):
        assert text in found.words, text
    assert {"power.svg", "flow.svg", "survival-1.svg"}.isdisjoint(p.name for p in (folder / "figures").iterdir())
    assert not (folder / "tables" / "power.csv").exists()


def test_a_trial_of_one_arm_without_schedule(tmp_path: Path) -> None:
    protocol = {k: PROTOCOL[k] for k in ("trial", "endpoint")} | {"arm": [PROTOCOL["arm"][2]]}
    lk.run_trial(protocol, out=tmp_path / "one", report=False)
    found = read(tmp_path / "one")
    assert "virtual patients" in found.words and "reference" not in table_text(found)


def table_text(found: Page) -> str:
    words = found.words
    return words[words.index("Endpoints: estimates") : words.index("Power")]


def test_hostile_names_are_escaped(folder: Path) -> None:
    hostile = "<script>alert('x')</script>"
    other = "Ä$x^2$ “&amp;” ✓ \t" + "very long " * 8 + "w" * 90
    names = {LOW: hostile, HIGH: other}
    for path in (folder / "summary.json", folder / "protocol.toml"):
        text = path.read_text(encoding="utf-8")
        for old, new in names.items():
            text = text.replace(f'name = "{old}"', f"name = {json.dumps(new, ensure_ascii=False)}")
            text = text.replace(f': "{old}"', f": {json.dumps(new)}")
        path.write_text(text, encoding="utf-8")
    for path in [*(folder / "observations").glob("*.parquet"), folder / "endpoints.parquet"]:
        content = pd.read_parquet(path)
        content["arm"] = content["arm"].replace(names)
        content.to_parquet(path, index=False)
    text = write_report(folder).read_text(encoding="utf-8")
    assert "<script>alert" not in text
    found = Page(text)
    assert hostile in found.words and "“&amp;”" in found.words
    assert {r["arm"] for r in table(folder, "contrasts")} == set(names.values())


@pytest.mark.parametrize("name", ["summary.json", "protocol.toml", "provenance.json", "endpoints.parquet"])
@pytest.mark.parametrize("how", ["gone", "rubbish", "empty"])
def test_a_damaged_folder_is_one_clear_error(folder: Path, name: str, how: str) -> None:
    path = folder / name
    path.unlink() if how == "gone" else path.write_bytes(b"" if how == "empty" else b"\x00\xff{[")
    with pytest.raises(DataError) as caught:
        write_report(folder)
    assert name in str(caught.value) and "\n" not in str(caught.value)
    assert not (folder / "report.html").exists()


def test_damaged_observations(folder: Path) -> None:
    next((folder / "observations").glob("*.parquet")).write_bytes(b"PAR1 rubbish")
    with pytest.raises(DataError, match="observations"):
        write_report(folder)


def test_a_summary_of_another_shape(folder: Path) -> None:
    change(folder, power={"curve": [{"power": 0.5}]})
    with pytest.raises(DataError, match="not as a trial writes it"):
        write_report(folder)
    change(folder, arms=3, trial="x")
    with pytest.raises(DataError):
        write_report(folder)


def test_folders_that_hold_no_finished_trial(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is no folder"):
        write_report(tmp_path / "nowhere")
    with pytest.raises(DataError, match="holds no finished trial"):
        write_report(tmp_path)
    (tmp_path / ".run").mkdir()
    with pytest.raises(DataError, match="is not finished"):
        write_report(tmp_path)


def test_command(folder: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["report", str(folder)])
    assert done.exit_code == 0 and str(folder / "report.html") in done.output
    failed = CliRunner().invoke(app, ["report", str(tmp_path / "nowhere")])
    assert failed.exit_code == 1 and "Traceback" not in failed.output


def test_assumed_parameters_are_all_of_the_model(trial: Path) -> None:
    opened = open_folder(trial)
    rows = assumed(opened)
    table = opened.assembly.parameters
    assert {a.id for a in rows} == set(table.loc[table["kind"] == "assumed", "id"])
    assert rows[0].id == "tolerance_onset" and rows[0].influence == 9.0
    # ln 0.5 of 0.5 1/h: 0.5 times and over exp(1.96 * 0.5)
    assert rows[0].range == "0.19 to 1.3 per hour"
