"""The report of a predicted benefit, and the people of a table: what is used, told, refused and shown."""

from __future__ import annotations

import json
import math
import re
import shutil
from html import unescape
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from fake_assembly import fake_assembly
from typer.testing import CliRunner

from leukinetics.cli import app
from leukinetics.cohort.study import run_study
from leukinetics.cohort.subtype import predicted_benefit
from leukinetics.cohort.subtype.benefit import predict, predict_rows
from leukinetics.cohort.subtype.run import BenefitResult
from leukinetics.cohort.values import Censored
from leukinetics.errors import DataError, ProtocolError
from leukinetics.report.benefit import write_benefit_report

TRIAL: dict[str, Any] = {
    "trial": {"name": "mab", "condition": "inflamed", "duration": "4 weeks", "patients_per_arm": 10},
    "arm": [
        {"name": "placebo"},
        {"name": "mab", "dose": [{"drug": "mab", "amount": "100 mg", "route": "sc", "every": "2 weeks"}]},
    ],
    "endpoint": [{"id": "crp", "observable": "crp", "kind": "change", "at": "4 weeks", "noise": True}],
}
PROTOCOL: dict[str, Any] = {
    "benefit": {
        "name": "Who <gains>", "trial": TRIAL, "arm": "mab", "endpoint": "crp", "better": "lower", "worth": 3.0,
        "markers": ["crp"], "further": ["tnf"], "people": 600, "lives": 2,
    },
    "report": {"question": "Who gains?", "model_influence": "Low: a test.", "decision_consequence": "High: a test."},
    "uncertainty": {"draws": 10, "people": 200},
    "patient": [
        {"name": "high", "measured": {"crp": "12 mg/L"}},
        {"name": "low", "measured": {"crp": "< 2 mg/L"}, "known": {"weight": 70.0}},
        {"name": "nobody is like this", "measured": {"crp": "3000 mg/L"}},
    ],
}  # fmt: skip
TABLE = """id,group,CRP (mg/dL),IL-6 (pg/mL),BDNF,weight (kg),sex,died
a,cases,1.2,3,7,70,M,yes
b,cases,<0.2,<1,8,72,F,no
c,controls,0.4,2,9,5000,M,no
d,controls,300,2,4,70,F,yes
e,controls,,2,5,,F,no
"""


def model() -> Any:
    """The fake one, of women and men."""
    return fake_assembly(sex={"proportion": 0.5})


def asked(folder: Path, table: str = TABLE, **keys: Any) -> dict[str, Any]:
    (folder / "people.csv").write_text(table)
    return {**PROTOCOL, "benefit": {**PROTOCOL["benefit"], "table": str(folder / "people.csv"), **keys}}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> BenefitResult:
    folder = tmp_path_factory.mktemp("benefit")
    found = predicted_benefit(asked(folder), folder / "out", assembly=model(), threads=1)
    write_benefit_report(folder / "out")
    return found


def again(done: BenefitResult, folder: Path) -> Path:
    """A copy of a finished prediction, whose virtual patients need not be made again."""
    assert done.folder is not None
    return Path(shutil.copytree(done.folder, folder / "out"))


def page(done: BenefitResult) -> str:
    assert done.folder is not None
    return (done.folder / "report.html").read_text(encoding="utf-8")


def shown(text: str) -> str:
    """What a reader sees of a page, without its figures and styles."""
    bare = re.sub(r"<(style|svg|pre)\b.*?</\1>", " ", text, flags=re.S)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", bare))).replace("\xa0", " ")


# ---- the people of a table


def test_each_row_is_predicted_in_the_model_s_units(done: BenefitResult) -> None:
    rows = done.patients
    assert rows is not None
    assert list(rows["person"]) == list("abcde")
    assert list(rows["told"]) == ["yes", "yes", "yes", "too few like this one", "yes"]
    # 1.2 mg/dL and what was below 0.2 of them are 12 mg/L and below 2; the weight, too, is known.
    a = predict(done.virtual, {"crp": (12.0, 12.0)}, {"weight": 70.0, "sex": 0.0}, detail=False)["benefit"]
    assert rows.loc[0, "estimate"] == a["estimate"]
    b = predict(done.virtual, {"crp": (0.0, 2.0)}, {"weight": 72.0, "sex": 1.0}, detail=False)["benefit"]
    assert (rows.loc[1, "ci_low"], rows.loc[1, "ci_high"]) == (b["ci_low"], b["ci_high"])
    assert (rows.loc[1, "crp.lower"], rows.loc[1, "crp.upper"]) == (0.0, 2.0)
    # Nobody weighs 5 tons: without the weight something can be told, without CRP it is not tried.
    assert rows.loc[2, "left_out"] == "weight"
    c = predict(done.virtual, {"crp": (4.0, 4.0)}, {"sex": 0.0}, detail=False)["benefit"]
    assert rows.loc[2, "estimate"] == c["estimate"]
    assert rows.loc[3, "rare"] == "crp"
    assert math.isnan(rows.loc[3, "estimate"])
    assert rows.loc[0, "estimate"] > rows.loc[1, "estimate"]


def test_the_summary_of_the_people(done: BenefitResult) -> None:
    t = done.summary["table"]
    rows = done.patients
    assert rows is not None
    told = rows[rows["told"] == "yes"]
    assert (t["rows"], t["told"], t["too_few"], t["nothing_known"]) == (5, 4, 1, 0)
    assert t["benefit"]["median"] == pytest.approx(told["estimate"].median())
    assert t["worth"]["expected"] == pytest.approx(told["p_worth"].mean())
    assert t["worth"]["likely"] == (told["p_worth"] >= 0.5).sum()
    assert t["rare"] == [{"name": "crp", "rows": 1}]
    assert t["spared"] == [{"name": "weight", "rows": 1}]
    assert {g["group"]: g["told"] for g in t["groups"]} == {"cases": 2, "controls": 2}
    why = {r["name"]: r["why"] for r in t["left_out"]}
    assert set(why) == {"IL-6", "BDNF"}
    assert "none of the protocol's markers" in why["IL-6"]
    assert [m["how"] for m in t["markers"]] == ["converted from mg/dL to mg/L"]
    assert {k["known"]: k["how"] for k in t["known"]} == {"weight": "", "sex": "'F' is a woman"}
    assert "died" not in {*rows.columns}
    assert done.folder is not None
    again = pd.read_csv(done.folder / "patients.csv")
    assert again["estimate"].tolist() == pytest.approx(rows["estimate"].tolist(), nan_ok=True)


def test_a_man_is_not_taken_for_a_woman(done: BenefitResult, tmp_path: Path) -> None:
    (tmp_path / "d.toml").write_text(
        '[table]\nid = "id"\n[[analyte]]\nname = "x"\ncolumn = "CRP (mg/dL)"\nunit = "mg/dL"\nobservable = "crp"\n'
        '[[covariate]]\nname = "Sex"\ncolumn = "sex"\nkind = "binary"\npositive = "M"\n'
    )
    out = again(done, tmp_path)
    protocol = asked(tmp_path, dictionary=str(tmp_path / "d.toml"))
    found = predicted_benefit(protocol, out, overwrite=True, assembly=model())
    assert found.patients is not None
    assert found.patients["known.sex"].tolist() == [0.0, 1.0, 0.0, 1.0, 1.0]
    assert found.summary["table"]["known"][0]["how"] == "'M' is a man"
    assert found.summary["table"]["left_out"] == []


def test_the_folder_of_a_study_is_such_a_table(done: BenefitResult, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text(TABLE)
    study = tmp_path / "study"
    quiet = {"detection": False, "levels": False, "correlation": False, "diagnosis": False, "prognosis": False,
             "subtypes": False, "bootstrap": 20}  # fmt: skip
    dictionary = {
        "table": {"id": "id"},
        "group": {"column": "group"},
        "analyte": [{"name": "CRP", "column": "CRP (mg/dL)", "unit": "mg/dL", "observable": "crp"}],
        "covariate": [
            {"name": "weight", "column": "weight (kg)", "kind": "continuous", "unit": "kg"},
            {"name": "sex", "column": "sex", "kind": "binary", "positive": "F"},
        ],
        "outcome": [{"name": "death", "column": "died", "kind": "binary", "positive": "yes"}],
        "analysis": quiet,
    }
    run_study(file, dictionary, study)
    out = again(done, tmp_path)
    protocol = {**PROTOCOL, "benefit": {**PROTOCOL["benefit"], "table": str(study)}}
    found = predicted_benefit(protocol, out, overwrite=True, assembly=model())
    assert found.patients is not None
    assert done.patients is not None
    for name in ("person", "estimate", "told", "left_out"):
        pd.testing.assert_series_equal(found.patients[name], done.patients[name])
    write_benefit_report(out)
    with pytest.raises(DataError, match="has its dictionary"):
        both = {**protocol["benefit"], "dictionary": str(study / "dictionary.toml")}
        predicted_benefit({**protocol, "benefit": both}, assembly=model())
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="without the samples of a study"):
        predicted_benefit(
            {**protocol, "benefit": {**PROTOCOL["benefit"], "table": str(tmp_path / "empty")}}, assembly=model()
        )


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("id,CRP (kg)\na,3\n", "CRP: the dictionary names no observable"),
        ("id,IL-6 (pg/mL)\na,3\n", "no analyte is one of the markers 'crp'.*IL-6: 'il6' is none of the protocol's"),
        ("id,CRP (mg/L),hsCRP (mg/L)\na,3,4\n", "both the model's 'crp'"),
        ("id,CRP CSF (mg/L)\na,3\n", "no analyte is one of the markers"),
    ],
)
def test_tables_that_cannot_be_used(tmp_path: Path, table: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        predicted_benefit(asked(tmp_path, table), assembly=model())


def test_units_that_cannot_be_converted(tmp_path: Path) -> None:
    (tmp_path / "d.toml").write_text(
        '[table]\nid = "id"\n[[analyte]]\nname = "x"\ncolumn = "CRP"\nunit = "kg"\nobservable = "crp"\n'
    )
    protocol = asked(tmp_path, "id,CRP\na,3\n", dictionary=str(tmp_path / "d.toml"))
    with pytest.raises(DataError, match=r"analyte 'x': .*kg"):
        predicted_benefit(protocol, assembly=model())
    (tmp_path / "d.toml").write_text(
        '[table]\nid = "id"\n[[analyte]]\nname = "x"\ncolumn = "CRP"\nunit = "mg/L"\nmatrix = "csf"\n'
        'observable = "crp"\n'
    )
    with pytest.raises(DataError, match="measured in csf, and the model's 'crp' is not of that"):
        predicted_benefit(protocol, assembly=model())


def test_paths_are_relative_to_the_protocol(tmp_path: Path) -> None:
    from leukinetics.cohort.subtype import read_benefit

    file = tmp_path / "b.toml"
    head = 'name = "x"\ntrial = "t.toml"\narm = "a"\nendpoint = "e"\nbetter = "lower"\nmarkers = ["crp"]\n'
    file.write_text(f'[benefit]\n{head}table = "p.csv"\ndictionary = "d.toml"\n')
    read = read_benefit(file)
    assert (read.table, read.dictionary) == (tmp_path / "p.csv", tmp_path / "d.toml")
    file.write_text(f'[benefit]\n{head}dictionary = "d.toml"\n')
    with pytest.raises(ProtocolError, match=r"line 8.*needs the 'table'"):
        read_benefit(file)


def test_what_cannot_be_is_told_before_anything_is_simulated(tmp_path: Path) -> None:
    for text, said in (("0 mg/L", "is 0, and no level is"), ("-3 mg/L", "nothing is below 0")):
        patient = [{"name": "a", "measured": {"crp": text}}]
        with pytest.raises(ProtocolError, match=said):
            predicted_benefit({**PROTOCOL, "patient": patient}, assembly=model())
    (tmp_path / "d.toml").write_text(
        '[table]\nid = "id"\n[[analyte]]\nname = "score"\ncolumn = "score"\nobservable = "hamd17"\n'
    )
    protocol = asked(tmp_path, "id,score\na,24\nb,70\n", markers=["hamd17"], dictionary=str(tmp_path / "d.toml"))
    with pytest.raises(DataError, match=r"analyte 'score', row 3: 70 is outside .*0 to 52"):
        predicted_benefit({**protocol, "patient": []}, assembly=model())


def test_measurements_are_printed_as_they_are() -> None:
    from leukinetics.cohort.subtype.patients import printed

    told = [printed(0.0, 0.0), printed(0.0, 1.5), printed(2.0, 2.0), printed(2.0, 4.0), printed(10.0, None)]
    assert told == ["0", "< 1.5", "2", "2 to 4", "> 10"]
    assert printed(10.0, math.inf) == "> 10"


def test_a_share_that_could_be_any_is_not_told() -> None:
    from leukinetics.cohort.subtype.assumptions import is_told

    assert is_told({"share": 0.9, "ci_low": 0.6, "ci_high": 1.0})
    assert not is_told({"share": 1.0, "ci_low": 0.0, "ci_high": 1.0})
    assert not is_told({"share": None, "ci_low": None, "ci_high": None})
    assert not is_told(None)


def test_covariates_are_spared_only_where_asked(done: BenefitResult) -> None:
    crp = Censored.of(np.array([4.0]), 0.1, "mg/L", "crp")
    strict = predict_rows(done.virtual, {"crp": crp}, {"weight": [5000.0]})[0]
    assert strict["benefit"]["estimate"] is None
    assert strict["rare"][0]["name"] == "weight"
    assert strict["rare"][0]["without"] > 50
    assert "by weight alone" in strict["note"]
    spared = predict_rows(done.virtual, {"crp": crp}, {"weight": [5000.0]}, spare=True)[0]
    assert spared["left_out"] == ["weight"]
    assert spared["benefit"] == predict(done.virtual, {"crp": (4.0, 4.0)}, detail=False)["benefit"]


# ---- the report


def test_the_page_loads_nothing_and_its_figures_are_whole(done: BenefitResult) -> None:
    text = page(done)
    assert not re.search(r"(?:src|href)=\"https?://(?!doi\.org|pubmed)|<script|@import|url\(http", text)
    figures = re.findall(r"<svg.*?</svg>", text, flags=re.S)
    assert len(figures) >= 6
    for figure in figures:
        assert ElementTree.fromstring(figure).get("aria-label")
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    for target in re.findall(r'href="#([^"]+)"', text):
        assert target in ids
    assert done.folder is not None
    for file in re.findall(r'href="([\w/]+\.csv)"', text):
        assert (done.folder / file).is_file()


def test_the_page_says_what_it_is_and_what_was_measured(done: BenefitResult) -> None:
    text = shown(page(done))
    for said in (
        "no clinical tool", "It is not a clinical tool", "Who <gains>", "Who gains?",
        "No predicted benefit was compared",
        "12 mg/L", "< 2 mg/L", "% are below the limit", "nobody is like this", "too few virtual patients are like",
        "Medium: influence is low", "Kong, Liu and Wong", "Jansen", "mab 100 mg sc every 2 weeks",
        "The people of people.csv", "converted from mg/dL to mg/L", "none of the protocol's markers", "change of CRP",
        "Outcomes in the table were not read", "seed 1",
    ):  # fmt: skip
        assert said in text, said
    for never in ("nan", "None", "died"):
        assert not re.search(rf"\b{never}\b", text.replace("column not used: 'died'", "")), never


def test_the_numbers_are_those_of_the_summary(done: BenefitResult) -> None:
    from leukinetics.report.trial.numbers import interval, percent

    text = shown(page(done))
    for p in done.summary["patients"][:2]:
        assert interval(p["benefit"]) in text
        assert percent(p["benefit"]["p_worth"]) in text
    assert done.folder is not None
    table = pd.read_csv(done.folder / "tables" / "patients.csv")
    assert table["estimate"].tolist()[1] == done.summary["patients"][0]["benefit"]["estimate"]
    shape = np.array(done.summary["patients"][0]["shape"])
    assert len(done.summary["edges"]) == len(shape) + 1
    assert 0.9 < shape.sum() <= 1.0 + 1e-6
    split = done.summary["patients"][0]["split"]
    assert sum(split[f"share_{k}"] for k in ("patient", "chance", "parameters")) == pytest.approx(1.0)


def test_the_same_folder_gives_the_same_page(done: BenefitResult) -> None:
    before = page(done)
    assert done.folder is not None
    shutil.rmtree(done.folder / "figures")
    told = CliRunner().invoke(app, ["report", str(done.folder)])
    assert told.exit_code == 0, told.output
    assert page(done) == before


def test_without_patients_draws_or_worth(tmp_path: Path) -> None:
    head = {k: v for k, v in PROTOCOL["benefit"].items() if k not in ("worth", "further")} | {"people": 200}
    bare = {"benefit": head, "uncertainty": None}
    predicted_benefit(bare, tmp_path / "out", assembly=model(), threads=1)
    text = shown(write_benefit_report(tmp_path / "out").read_text(encoding="utf-8"))
    assert "the protocol has no [uncertainty]" in text
    assert "the protocol has no table [uncertainty]" in text
    assert "worth it" not in text
    # A table of which nothing can be told.
    (tmp_path / "p.csv").write_text("id,CRP (mg/L),BDNF (ng/mL)\na,9000,1\nb,,2\nc,8000,3\n")
    head = head | {"table": str(tmp_path / "p.csv")}
    found = predicted_benefit({**bare, "benefit": head}, tmp_path / "out", overwrite=True, assembly=model())
    t = found.summary["table"]
    assert (t["told"], t["too_few"], t["nothing_known"], t["benefit"]) == (0, 2, 1, None)
    text = shown(write_benefit_report(tmp_path / "out").read_text(encoding="utf-8"))
    assert "nothing is told: too few virtual patients are like 2 and of 1 nothing is known" in text


def test_damaged_folders_are_told(done: BenefitResult, tmp_path: Path) -> None:
    out = again(done, tmp_path)
    summary = json.loads((out / "summary.json").read_text())
    (out / "summary.json").write_text(json.dumps({**summary, "edges": None}))
    with pytest.raises(DataError, match="run the prediction again"):
        write_benefit_report(out)
    (out / "patients.csv").unlink()
    with pytest.raises(DataError, match=r"'patients\.csv' is missing"):
        write_benefit_report(out)
    (out / "summary.json").unlink()
    with pytest.raises(DataError, match=r"'summary\.json' is missing"):
        write_benefit_report(out)


def test_the_command_says_what_the_people_gain(done: BenefitResult) -> None:
    from leukinetics.commands.cohort_questions import _table

    lines = "\n".join(_table(done.summary, " mg/L"))
    for said in ("people.csv: 5 rows, CRP as crp", "not used: BDNF", "4 told", "3 or more expected",
                 "too few virtual patients like them: crp 1", "weight 1"):  # fmt: skip
        assert said in lines
    assert _table({"table": None}, "") == []
