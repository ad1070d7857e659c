"""The study of a table of biomarkers: one summary of all analyses, its files, its command, blind and cut off."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fake_assembly import fake_assembly
from typer.testing import CliRunner

import leukinetics as lk
from leukinetics.cli import app
from leukinetics.cohort.censored.lognormal import lognormal
from leukinetics.cohort.study import analyse, is_study_folder, markers, open_study, read_study, run_study, study_virtual
from leukinetics.cohort.study.tables import flat
from leukinetics.cohort.table import CohortTable, Dictionary, dictionary_toml, read_dictionary
from leukinetics.errors import DataError

ANALYTES = [
    {"name": "il6", "column": "il6", "unit": "pg/mL", "matrix": "csf", "limit": 3.0},
    {"name": "crp", "column": "crp", "unit": "mg/L", "limit": 0.5},
]
DICTIONARY: dict[str, Any] = {
    "table": {"id": "id"},
    "group": {"column": "group", "control": "controls", "order": ["controls", "RR", "PP"]},
    "analyte": ANALYTES,
    "covariate": [
        {"name": "age", "column": "age", "kind": "continuous", "unit": "year"},
        {"name": "centre", "column": "centre", "kind": "category"},
    ],
    "outcome": [
        {"name": "secret time", "column": "days", "kind": "time_to_event", "event": "seen", "positive": "1"},
        {"name": "secret active", "column": "active", "kind": "binary", "positive": "1"},
    ],
    "analysis": {"covariates": ["age"], "trend": True, "bootstrap": 20},
}
PARTS = {"levels": False, "correlation": False, "diagnosis": False, "prognosis": False, "subtypes": False}


def frame(n: int = 120, seed: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    group = np.array(["controls", "RR", "PP"])[np.arange(n) % 3]
    ill = group != "controls"
    il6 = np.exp(1.0 + 0.9 * ill + 0.8 * rng.normal(size=n))
    crp = np.exp(0.2 + 0.5 * np.log(il6) + 0.8 * rng.normal(size=n))
    time, end = rng.exponential(600 / il6), rng.uniform(100, 900, n)
    active = rng.random(n) < 1 / (1 + np.exp(2 - np.log(il6)))

    def cells(x: Any, limit: float) -> list[str]:
        return [f"<{limit:g}" if v < limit else f"{v:.4g}" for v in x]

    def later(x: Any) -> list[str]:
        return [str(v) if here else "" for v, here in zip(x, ill, strict=True)]

    return pd.DataFrame(
        {
            "id": [f"p{i}" for i in range(n)],
            "group": group,
            "il6": cells(il6, 3.0),
            "crp": cells(crp, 0.5),
            "age": [f"{v:.1f}" for v in rng.normal(40, 9, n)],
            "centre": rng.choice(["A", "B"], n),
            "days": later(np.minimum(time, end).round(1)),
            "seen": later((time < end).astype(int)),
            "active": later(active.astype(int)),
        }
    )


def dictionary(**analysis: Any) -> dict[str, Any]:
    return {**DICTIONARY, "analysis": {**DICTIONARY["analysis"], **analysis}}


def table(rows: pd.DataFrame | None = None, **analysis: Any) -> CohortTable:
    return CohortTable.from_frame(frame() if rows is None else rows, dictionary(**analysis))


def every(value: Any) -> Any:
    """All strings and keys of what JSON says."""
    if isinstance(value, Mapping):
        for k, v in value.items():
            yield str(k)
            yield from every(v)
    elif isinstance(value, list):
        for v in value:
            yield from every(v)
    elif isinstance(value, str):
        yield value


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("study")
    frame().to_csv(where / "table.csv", index=False)
    (where / "dictionary.toml").write_text(dictionary_toml(read_dictionary(DICTIONARY)), encoding="utf-8")
    run_study(where / "table.csv", where / "dictionary.toml", where / "out")
    return where


def summary(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "out" / "summary.json").read_text(encoding="utf-8")))


def test_all_is_in_one_summary(folder: Path) -> None:
    found = summary(folder)
    assert found["failed"] == [] and found["kind"] == "biomarkers" and is_study_folder(folder / "out")
    assert [g["n"] for g in found["groups"]] == [40, 40, 40]
    assert found["contrasts"] == [["RR", "controls"], ["PP", "controls"]]
    il6 = found["analytes"][0]
    rows = frame()
    low = int(rows["il6"].str.startswith("<").sum())
    assert (il6["n"], il6["below"], il6["limits"]) == (120, low, [3.0])
    all_, *groups = il6["detection"]["groups"]
    assert (all_["name"], all_["detected"]) == ("all", 120 - low) and sum(g["detected"] for g in groups) == 120 - low
    assert il6["detection"]["trend"]["p_value"] is not None and il6["detection"]["at_common"] is None
    assert {c["name"] for c in il6["detection"]["adjusted"]["coefficients"]} == {"group", "age"}
    level = lognormal(table().analytes["il6"]).told()
    assert il6["levels"]["groups"][0]["lognormal"] == level
    first = il6["comparisons"]["pairs"][0]
    assert (first["group"], first["reference"]) == ("RR", "controls") and first["estimate"] > 1
    assert first["p_value"] <= first["p_adjusted"]
    assert [c["name"] for c in il6["comparisons"]["adjusted"]["coefficients"]] == [
        "geometric_mean", "group", "group", "age"
    ]  # fmt: skip
    assert {(c["one"], c["other"], c["group"]) for c in found["correlations"]} == {
        ("il6", "crp", g) for g in (None, "controls", "RR", "PP")
    }
    assert {d["question"] for d in found["diagnosis"]} == {
        "all patients against controls", "RR against controls", "PP against controls", "secret active"
    }  # fmt: skip
    whole = next(d for d in found["diagnosis"] if d["question"] == "all patients against controls")
    assert whole["roc"]["cases"] == 80 and len(whole["cutoffs"]) == 3
    assert "calibration" in whole["model"] and "predicted" not in whole["model"]
    assert {(p["analyte"], p["outcome"]) for p in found["prognosis"]} == {
        (a, o) for a in ("il6", "crp") for o in ("secret time", "secret active")
    }
    assert all(len(p["rows"]) == 4 and p["people"] == "all but controls" for p in found["prognosis"])
    assert len(found["several"]) == 3 and len(found["concordance"]) == 2
    assert found["subtypes"]["n"] == 80 and {r["rule"] for r in found["subtypes"]["rules"]} >= {"CRP above 3 mg/L"}
    families = [r for r in found["multiplicity"] if r["family"] == "detection"]
    assert len(families) == 4 and all(r["p_all"] >= r["p_adjusted"] for r in families)
    assert any("geometric mean" in w["text"] for w in found["warnings"])


def test_decisions_are_told(folder: Path) -> None:
    said = " ".join(summary(folder)["decisions"])
    assert "Outcomes and subtypes are looked at in all but controls." in said and "Holm" in said
    without = analyse(table(covariates=[], **PARTS))["decisions"]
    assert any("No model is adjusted for age, centre" in d for d in without)
    common = analyse(table(limits={"il6": 4.0}, **PARTS))
    assert common["analytes"][0]["limits"] == [4.0] and any("limit of 4 pg/mL" in d for d in common["decisions"])
    with pytest.raises(DataError, match=r"limits of \[analysis\].*give one that is at least as high"):
        analyse(table(limits={"il6": 2.0}, **PARTS))
    with pytest.raises(DataError, match="which nobody is in"):
        analyse(table(contrasts=[["RR", "SP"]], **PARTS))


def test_contrasts_that_are_asked_for() -> None:
    found = analyse(table(contrasts=[["PP", "RR"]], **(PARTS | {"levels": True})))
    for part in ("detection", "comparisons"):
        (row,) = found["analytes"][0][part]["pairs"]
        assert (row["group"], row["reference"]) == ("PP", "RR") and row["p_adjusted"] == row["p_value"]


def test_without_groups_and_outcomes() -> None:
    rows = frame()[["id", "il6", "crp"]]
    found = analyse(CohortTable.from_frame(rows, {"table": {"id": "id"}, "analyte": ANALYTES}))
    assert found["failed"] == [] and found["groups"] == [] and found["diagnosis"] == []
    assert found["analytes"][0]["comparisons"] is None and found["analytes"][0]["detection"]["pairs"] == []


def test_all_below_and_a_group_of_one_take_nothing_down() -> None:
    rows = frame()
    rows["il6"] = "<3"
    rows.loc[rows["group"] == "PP", "group"] = ["PP"] + ["RR"] * 39
    found = analyse(table(rows, bootstrap=3))
    assert found["failed"] == []
    il6, crp = found["analytes"]
    assert il6["detection"]["groups"][0]["detected"] == 0 and il6["levels"]["groups"][0]["lognormal"]["note"]
    assert crp["comparisons"]["pairs"][0]["estimate"] is not None


def test_an_analysis_that_fails_is_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("nothing there")

    monkeypatch.setattr(markers, "roc", broken)
    found = analyse(table(diagnosis=True, **{k: v for k, v in PARTS.items() if k != "diagnosis"}))
    assert {f["analysis"] for f in found["failed"]} == {"diagnosis"} and len(found["failed"]) == 8
    assert found["diagnosis"][0]["note"] == "not estimated: ZeroDivisionError: nothing there"
    assert found["analytes"][0]["detection"]["pairs"][0]["estimate"] is not None


def test_repeated_samples() -> None:
    rows = pd.concat([frame(60).assign(day=0), frame(60, seed=4).assign(day=30)], ignore_index=True)
    keys = {**dictionary(**(PARTS | {"levels": True})), "table": {"id": "id", "time": "day"}}
    found = analyse(CohortTable.from_frame(rows, keys))
    assert found["failed"] == [] and found["table"]["used"] == 60 and found["table"]["rows"] == 120
    assert any("60 people have several samples" in d for d in found["decisions"])
    assert found["analytes"][0]["n"] == 60
    model = found["analytes"][0]["repeated"]
    assert model["n"] == 120 and [c["name"] for c in model["coefficients"]][-1].startswith("time (")


def test_limits_that_differ_are_compared_at_the_highest() -> None:
    rows = frame().assign(limit=np.where(np.arange(120) % 2, "3", "5"))
    rows["il6"] = [
        f"<{b}" if v.startswith("<") or float(v) < float(b) else v
        for v, b in zip(rows["il6"], rows["limit"], strict=True)
    ]
    entry = {k: v for k, v in ANALYTES[0].items() if k != "limit"} | {"limit_column": "limit"}
    keys = {**dictionary(**PARTS), "analyte": [entry]}
    common = analyse(CohortTable.from_frame(rows, keys))["analytes"][0]["detection"]["at_common"]
    assert common["limit"] == 5.0
    high = sum(1 for v in rows["il6"] if not v.startswith("<") and float(v) >= 5)
    assert common["groups"][0]["detected"] == high


def test_files(folder: Path) -> None:
    out = folder / "out"
    names = {p.name for p in out.iterdir()}
    assert names == {"samples.parquet", "notes.csv", "dictionary.toml", "tables", "provenance.json", "summary.json"}
    found = summary(folder)
    shares = pd.read_csv(out / "tables" / "detection.csv")
    assert shares["share"].tolist() == [g["share"] for a in found["analytes"] for g in a["detection"]["groups"]]
    assert {p.stem for p in (out / "tables").glob("*.csv")} >= {
        "levels", "comparisons", "curves", "adjusted", "roc", "cutoffs", "prognosis", "several", "rules", "multiplicity"
    }  # fmt: skip
    study = open_study(out)
    assert study.summary == found and len(study.samples) == 120
    assert len(study.provenance["file_sha256"]) == 64 and study.provenance["seconds"] > 0
    # The dictionary that was written is the one that was used.
    used = read_study(folder / "table.csv", out / "dictionary.toml").dictionary.model_dump()
    assert used == read_study(folder / "table.csv", folder / "dictionary.toml").dictionary.model_dump()


def test_folders_of_others_are_left_alone(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds a study"):
        run_study(folder / "table.csv", folder / "dictionary.toml", folder / "out")
    (tmp_path / "letter.txt").write_text("x")
    with pytest.raises(DataError, match="no study"):
        run_study(folder / "table.csv", folder / "dictionary.toml", tmp_path, overwrite=True)
    with pytest.raises(DataError, match="is a file"):
        run_study(folder / "table.csv", folder / "dictionary.toml", tmp_path / "letter.txt")
    with pytest.raises(DataError, match=r"no finished study: 'summary.json'"):
        open_study(tmp_path)


def test_a_run_that_was_cut_off_goes_on(folder: Path, tmp_path: Path) -> None:
    class Cut(BaseException):
        pass

    done: list[str] = []

    def until(text: str) -> None:
        if text == "comparison: crp":
            raise Cut
        done.append(text)

    keys = dictionary(**(PARTS | {"levels": True}))
    given = folder / "table.csv", keys, tmp_path / "out"
    with pytest.raises(Cut):
        run_study(*given, say=until)
    assert not is_study_folder(tmp_path / "out") and "levels: il6" in done
    with pytest.raises(DataError, match="part of another study"):
        run_study(*given, seed=99)
    later: list[str] = []
    found = run_study(*given, say=later.append).summary
    assert later[0] == "comparison: crp" and found == run_study(*given[:2]).summary
    assert not (tmp_path / "out" / "work").exists()


def test_blind_leaves_outcomes_out_of_all_files(folder: Path, tmp_path: Path) -> None:
    keys = dictionary(**(PARTS | {"prognosis": True, "levels": True}))
    found = run_study(folder / "table.csv", keys, tmp_path / "out", blind=True)
    assert found.summary["blind"] and found.summary["prognosis"] == [] and found.summary["table"]["outcomes"] == []
    assert not any("secret" in text for text in every(found.summary))
    assert not any("secret" in c or c in ("days", "seen", "active") for c in open_study(found.folder).samples.columns)  # type: ignore[arg-type]
    for path in (tmp_path / "out").rglob("*"):
        if path.is_file() and path.suffix != ".parquet":
            assert "secret" not in path.read_text(encoding="utf-8"), path
    # What is not read cannot be wrong.
    rows = frame().assign(seen="perhaps")
    with pytest.raises(DataError, match="perhaps"):
        run_study(rows, dictionary(**PARTS))
    assert run_study(rows, dictionary(**PARTS), blind=True).summary["failed"] == []
    seen = analyse(table(**PARTS), blind=True)
    assert not any("secret" in text for text in every(seen))


def test_for_python(folder: Path) -> None:
    keys = dictionary(**PARTS)
    of_frame = lk.analyse_cohort(frame(), keys)
    of_table = lk.analyse_cohort(table(**PARTS))
    of_path = lk.analyse_cohort(folder / "table.csv", Dictionary.model_validate(keys), blind=True)
    assert of_frame["analytes"] == of_table["analytes"] == of_path["analytes"]
    with pytest.raises(DataError, match="has its dictionary"):
        lk.analyse_cohort(table(**PARTS), keys)


def test_the_command(folder: Path, tmp_path: Path) -> None:
    def run(*more: str) -> Any:
        return CliRunner().invoke(app, ["cohort", str(folder / "table.csv"), *more, "--no-report"])

    keys = tmp_path / "keys.toml"
    few = dictionary(**(PARTS | {"levels": True}))
    keys.write_text(dictionary_toml(read_dictionary(few)), encoding="utf-8")
    given = ("--dictionary", str(keys), "--out", str(tmp_path / "out"))
    done = run(*given, "--blind")
    assert done.exit_code == 0, done.output
    assert "RR against controls: detected, odds ratio" in done.output and "secret" not in done.output
    assert str(tmp_path / "out" / "summary.json") in done.output
    assert run(*given).exit_code == 1
    wrong = run("--as-table")
    assert wrong.exit_code == 1 and "--as-table goes with the protocol" in wrong.output


def test_flat_rows() -> None:
    row = {"a": 1, "b": {"c": 2.0, "d": [{"e": 1}]}, "f": [1, 2], "g": None}
    assert flat(row) == {"a": 1, "b.c": 2.0, "f": "1; 2", "g": None}


@pytest.mark.slow
def test_a_virtual_cohort_beside_what_was_published(tmp_path: Path) -> None:
    groups = [{"name": n, "condition": "inflamed", "n": k} for n, k in (("controls", 40), ("early", 50), ("late", 40))]
    outcome = {"id": "later", "observable": "crp", "kind": "value", "at": "4 weeks", "noise": True}
    protocol = {
        "cohort": {"name": "TNF", "control": "controls", "follow_up": "4 weeks", "seed": 5},
        "group": groups,
        "marker": {"observable": "tnf", "limit": "9 pg/mL"},
        "activity": {"groups": ["early"], "any": {"crp": ">= 6 mg/L"}},
        "prognosis": {"groups": ["early"], "outcome": [outcome]},
        "published": [
            {"of": "control", "group": "early", "expected": "higher", "text": "more", "source": "PMID:1"},
            {"of": "groups", "expected": "alike"},
            {"of": "activity", "group": "early", "expected": "higher"},
            {"of": "prognosis", "group": "early", "expected": "higher", "outcome": "later"},
        ],
    }  # fmt: skip
    models = {"inflamed": fake_assembly()}
    result = study_virtual(protocol, tmp_path / "out", times=2, assemblies=models)
    found = result.summary
    assert found["failed"] == []
    control, alike, activity, later = found["published"]
    assert control["estimate"] == found["analytes"][0]["detection"]["pairs"][0]["estimate"]
    assert 0 <= control["chance"] <= 1 and alike["p_value"] is not None
    rows = {p["outcome"]: p["rows"][0] for p in found["prognosis"]}
    assert activity["estimate"] == rows["active"]["estimate"] and later["estimate"] == rows["later"]["estimate"]
    # The table that was written is the table that was analysed.
    text = (tmp_path / "out" / "table.csv").read_text(encoding="utf-8")
    assert "<9" in text
    again = lk.analyse_cohort(tmp_path / "out" / "table.csv", tmp_path / "out" / "dictionary.toml")
    assert again["analytes"] == found["analytes"]
    blind = study_virtual(protocol, tmp_path / "blind", times=0, blind=True, assemblies=models).summary
    assert [p["of"] for p in blind["published"]] == ["control", "groups"]
    assert "later" not in (tmp_path / "blind" / "table.csv").read_text(encoding="utf-8")
    shutil.rmtree(tmp_path / "blind")
