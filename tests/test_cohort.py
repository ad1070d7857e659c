"""Virtual cohorts: the protocol, the people, the files, the report, the command."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fake_assembly import fake_assembly
from typer.testing import CliRunner

import leukinetics as lk
from leukinetics.cli import app
from leukinetics.cohort import CohortProtocol, read_cohort, run_cohort
from leukinetics.cohort.read import is_cohort
from leukinetics.cohort.virtual import persons, prepare_groups, seed_of
from leukinetics.errors import DataError, ProtocolError
from leukinetics.report.cohort import write_cohort_report
from leukinetics.report.cohort.figures import strip_figure
from leukinetics.report.cohort.folder import open_cohort
from leukinetics.report.trial.style import drawing

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "ms_il6_csf.toml"
OUTCOMES: list[dict[str, Any]] = [
    {
        "id": "high days", "observable": "crp", "kind": "event_rate", "threshold": ">= 12 mg/L", "every": "1 d",
        "noise": True,
    },
    {"id": "later", "observable": "crp", "kind": "value", "at": "4 weeks", "noise": True},
]  # fmt: skip
PROTOCOL: dict[str, Any] = {
    "cohort": {"name": "CRP in <b>arthritis</b>", "control": "controls", "follow_up": "4 weeks", "seed": 5},
    "group": [
        {"name": "controls", "condition": "healthy", "n": 60},
        {
            "name": "early",
            "condition": "rheumatoid_arthritis",
            "n": 40,
            "population": {"age": {"value": 40, "unit": "year"}},
        },
        {"name": "late", "condition": "rheumatoid_arthritis", "n": 30, "eligibility": {"crp": ">= 1 mg/L"}},
    ],
    "marker": {"observable": "crp", "limit": "10 mg/L"},
    "activity": {"groups": ["early"], "any": {"il6": ">= 10 pg/mL"}},
    "prognosis": {"groups": ["early"], "outcome": OUTCOMES},
    "analysis": {"covariates": ["age", "sex"]},
    "uncertainty": {"draws": 3, "times": 1},
    "published": [
        {"of": "control", "group": "early", "expected": "higher", "text": "more", "source": "PMID:1"},
        {"of": "groups", "expected": "alike"},
        {"of": "activity", "group": "early", "expected": "higher"},
        {"of": "prognosis", "group": "early", "expected": "higher", "outcome": "high days"},
    ],
}


def changed(**keys: Any) -> dict[str, Any]:
    return {**PROTOCOL, **keys}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from leukinetics.cohort import published, run

    out = tmp_path_factory.mktemp("cohorts") / "arthritis"
    many, run.MANY = run.MANY, 500
    drawn, published.DRAWN = published.DRAWN, 100
    try:
        run_cohort(PROTOCOL, out)
    finally:
        run.MANY, published.DRAWN = many, drawn
    return out


def test_a_protocol_is_read_and_its_text_kept(tmp_path: Path) -> None:
    read = read_cohort(EXAMPLE)
    assert (read.limit, read.unit, sum(g.n for g in read.group)) == (6.7, "pg/mL", 637)
    assert [g.n for g in read.group if g.name != read.cohort.control] == [54, 386, 34, 60]
    assert read.text == EXAMPLE.read_text(encoding="utf-8")
    again = read_cohort(tomllib.loads(read_cohort(PROTOCOL).text))
    assert again.model_dump(exclude={"published"}) == read_cohort(PROTOCOL).model_dump(exclude={"published"})
    assert is_cohort(EXAMPLE) and not is_cohort(EXAMPLE.with_name("cantos.toml")) and not is_cohort(tmp_path / "none")


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"marker": {"observable": "crp", "limit": "<= 5 mg/L"}}, "the limit is one quantity above 0"),
        ({"marker": {"observable": "crp", "limit": "5 mg/L", "limits": [3.0, 2.0]}}, "each limit must be larger"),
        ({"marker": {"observable": "crp", "limit": "5 mg/L", "colour": "red"}}, "unknown key 'colour'"),
        ({"cohort": {**PROTOCOL["cohort"], "control": "nobody"}}, "there is no group 'nobody'"),
        ({"activity": {"groups": ["x"], "any": {"il6": "> 1 pg/mL"}}}, "there is no group 'x'"),
        ({"group": [PROTOCOL["group"][0]] * 2}, "two groups have the same name"),
        ({"published": [{"of": "groups", "expected": "higher"}]}, 'expected to be "alike"'),
        ({"published": [{"of": "control", "expected": "higher"}]}, "'group' belongs to"),
        (
            {"group": PROTOCOL["group"][:2], "published": [{"of": "groups", "expected": "alike"}]},
            "there is only one group beside the control",
        ),
        ({"published": [{"of": "prognosis", "group": "late", "expected": "higher"}]}, "is not looked at"),
        ({"prognosis": {"groups": ["early"], "outcome": [OUTCOMES[0], OUTCOMES[0]]}}, "two outcomes have the same id"),
        ({"prognosis": {"groups": ["early"], "outcome": [{**OUTCOMES[1], "visits": ["2 weeks"]}]}}, "has 'visits'"),
        ({"group": [PROTOCOL["group"][0], {"name": "x", "condition": "healthy"}], "published": []}, "n: this key is"),
    ],
)
def test_what_is_wrong_is_said(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ProtocolError, match=re.escape(message)):
        read_cohort(changed(**keys))


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match="cannot be read"):
        read_cohort(tmp_path / "none.toml")
    bad = tmp_path / "bad.toml"
    bad.write_text("[cohort\n")
    with pytest.raises(ProtocolError, match="not valid TOML"):
        read_cohort(bad)


def fake(**keys: Any) -> tuple[CohortProtocol, dict[str, Any]]:
    groups = [{"name": n, "condition": "inflamed", "n": k} for n, k in (("controls", 30), ("early", 50), ("late", 20))]
    activity = {"groups": ["early"], "any": {"crp": ">= 6 mg/L", "tnf": ">= 1e6 pg/mL"}}
    marker = {"observable": "tnf", "limit": "9 pg/mL"}
    made = {"group": groups, "activity": activity, "marker": marker, "analysis": {}, **keys}
    return read_cohort(changed(**made)), {"inflamed": fake_assembly()}


def test_people_are_made_measured_and_followed() -> None:
    read, models = fake()
    prepared = prepare_groups(read, assemblies=models)
    (people,) = persons(read, prepared, [[{}]] * 3)
    assert people["group"].value_counts().to_dict() == {"early": 50, "controls": 30, "late": 20}
    assert people["person"].tolist() == list(range(100))
    assert people.attrs["failed"] == 0
    early = people[people["group"] == "early"]
    # Active: CRP as it was measured at time 0.
    assert (early["active"] == (early["crp"] >= 6)).all()
    assert 0 < early["active"].mean() < 1
    others = people[people["group"] != "early"]
    assert others["active"].isna().all() and others["later.value"].isna().all()
    assert early["high days.exposure"].between(27, 28.01).all()
    # Noise around 10 pg/mL, which is the same in everybody.
    assert people["marker"].nunique() == 100
    assert 5 < people["marker"].median() < 20


def test_groups_have_other_people_and_their_number_is_no_matter() -> None:
    read, models = fake()
    assert len({seed_of(read, g.name) for g in read.group}) == 3
    one, three = (persons(read, prepare_groups(read, k, models), [[{}]] * 3)[0] for k in (1, 3))
    for name, n in (("early", 50), ("controls", 30)):
        first = three[three["group"] == name]["marker"].to_numpy()[:n]
        np.testing.assert_allclose(one[one["group"] == name]["marker"].to_numpy(), first)
    assert len(three) == 300


def test_candidates_are_the_same_people_with_other_values() -> None:
    read, models = fake()
    prepared = prepare_groups(read, assemblies=models)
    plain, twice, again = persons(read, prepared, [[{}, {"inflamed.drive": 4.0}, {}]] * 3)
    pd.testing.assert_frame_equal(plain, again)
    ratio = (twice["crp"] / plain["crp"]).dropna()
    assert ratio.to_numpy() == pytest.approx(2.0, rel=0.06)


def test_what_the_model_has_not_names_the_group() -> None:
    late = {**PROTOCOL["group"][2], "eligibility": {"crpp": "> 1 mg/L"}}
    with pytest.raises(ProtocolError, match=r"group 'late': .*'crpp'"):
        prepare_groups(read_cohort(changed(group=[*PROTOCOL["group"][:2], late])))
    read, models = fake(marker={"observable": "share", "limit": "0.1"})
    with pytest.raises(ProtocolError, match="'share' has no assay"):
        prepare_groups(read, assemblies=models)
    read, models = fake(marker={"observable": "tnf", "limit": "0.0001 pg/mL"})
    with pytest.raises(ProtocolError, match="below the assay's own"):
        prepare_groups(read, assemblies=models)
    read, models = fake(marker={"observable": "tnf", "limit": "1 kg"})
    with pytest.raises(ProtocolError):
        prepare_groups(read, assemblies=models)


def test_numbers_do_not_depend_on_threads() -> None:
    read, models = fake(uncertainty=None, published=[])
    one, two = (run_cohort(read, threads=k, assemblies=models).summary for k in (1, 2))
    assert one == two
    assert one["uncertainty"] is None and one["chances"] == []


def test_draws_have_intervals_over_parameters(finished: Path) -> None:
    found = json.loads((finished / "summary.json").read_text())
    doubt = found["uncertainty"]
    assert (doubt["draws"], doubt["times"], doubt["failed_draws"]) == (3, 1, 0)
    rows = {(r["what"], r["group"], r.get("outcome")): r for r in doubt["contrasts"]}
    assert set(rows) == {
        *(("control", g, None) for g in ("all patients", "early", "late")), ("activity", "early", None),
        *(("prognosis", "early", o) for o in ("high days", "later")),
    }  # fmt: skip
    total = rows["control", "all patients", None]
    assert len(total["values"]) == 3 and total["low"] <= total["median"] <= total["high"]
    assert total["sd_patients"] > 0 and total["narrowing"] is None  # three draws tell nothing of parameters
    shares = [r for r in doubt["shares"] if r["group"] == "controls"]
    assert [r["fitted"] for r in shares] == sorted((r["fitted"] for r in shares), reverse=True)


def test_findings_are_held_against_the_cohort(finished: Path) -> None:
    found = json.loads((finished / "summary.json").read_text())
    control, groups, activity, later = found["published"]
    assert control["verdict"] == "shown" and control["chance"] > 0.9
    assert (groups["measure"], groups["estimate"]) == (None, None) and 0 <= groups["chance"] <= 1
    assert activity["estimate"] == found["activity"][0]["estimate"]
    assert later["outcome"] == "high days" and later["verdict"] == "shown"
    assert {(r["of"], r["outcome"]) for r in found["chances"]} == {
        ("control", None), ("groups", None), ("activity", None), ("prognosis", "high days"),
    }  # fmt: skip


def test_files_and_folders(finished: Path, tmp_path: Path) -> None:
    assert {p.name for p in finished.iterdir()} >= {
        "people.parquet",
        "summary.json",
        "provenance.json",
        "protocol.toml",
    }
    people = pd.read_parquet(finished / "people.parquet")
    assert len(people) == 130 and people.loc[people["group"] == "early", "age"].to_numpy() == pytest.approx(40.0)
    made = json.loads((finished / "provenance.json").read_text())
    assert set(made["models"]) == {"healthy", "rheumatoid_arthritis"}
    with pytest.raises(DataError, match="holds a cohort"):
        run_cohort(PROTOCOL, finished)
    (tmp_path / "letter.txt").write_text("x")
    with pytest.raises(DataError, match="no cohort"):
        run_cohort(PROTOCOL, tmp_path, overwrite=True)
    with pytest.raises(DataError, match="is a file"):
        run_cohort(PROTOCOL, tmp_path / "letter.txt")
    with pytest.raises(DataError, match="cannot be written"):
        run_cohort(PROTOCOL, tmp_path / "letter.txt" / "out")


def test_a_protocol_that_cannot_be_run_leaves_the_cohort_in_its_folder(finished: Path) -> None:
    before = (finished / "summary.json").read_bytes()
    with pytest.raises(ProtocolError, match="has no assay"):
        run_cohort(changed(marker={"observable": "share", "limit": "1"}), finished, overwrite=True)
    assert (finished / "summary.json").read_bytes() == before


def test_the_report_is_whole(finished: Path) -> None:
    page = write_cohort_report(finished).read_text(encoding="utf-8")
    assert "&lt;b&gt;arthritis&lt;/b&gt;" in page and "<b>arthritis" not in page
    assert ">None<" not in page and not re.search(
        r"\b(nan|None,)\b", re.sub(r"<(svg|details).*?</\1>", "", page, flags=re.S)
    )
    for name in ("detection", "levels", "shares-limit", "levels-limit", "chances", "limit-activity-early"):
        text = (finished / "figures" / f"{name}.svg").read_text(encoding="utf-8")
        assert text in page and "<text" in text
    assert not re.findall(r'(?:src|href)="http(?!s://(?:doi\.org|pubmed))', page)
    first = page
    assert write_cohort_report(finished).read_text(encoding="utf-8") == first
    groups = pd.read_csv(finished / "tables" / "groups.csv")
    summary = json.loads((finished / "summary.json").read_text())
    assert groups["share"].tolist() == [r["share"] for r in summary["groups"]]
    assert {p.stem for p in (finished / "tables").glob("*.csv")} >= {"curve", "published", "uncertainty", "pairs"}


def test_who_is_known_to_be_below_the_limit_itself_is_drawn_as_below_it(finished: Path) -> None:
    c = open_cohort(finished)
    at = c.people.assign(marker=c.people["marker"].where(c.people["person"] != 3, 10.0))
    with drawing():
        plain, again, low = (
            strip_figure(replace(c, people=at.assign(below=at["person"].isin(who)))).svg for who in ([], [], [3])
        )
    assert plain == again != low


def test_a_folder_without_a_cohort_has_no_report(finished: Path, tmp_path: Path) -> None:
    import shutil

    with pytest.raises(DataError, match="no finished cohort"):
        write_cohort_report(tmp_path)
    copy = Path(shutil.copytree(finished, tmp_path / "copy"))
    (copy / "summary.json").write_text('{"groups": []}')
    with pytest.raises(DataError, match="run the cohort again"):
        write_cohort_report(copy)


def test_the_command(tmp_path: Path) -> None:
    spec = tmp_path / "cohort.toml"
    text = read_cohort({k: v for k, v in PROTOCOL.items() if k not in ("uncertainty", "published")}).text
    spec.write_text(text, encoding="utf-8")
    out = tmp_path / "out"
    done = CliRunner().invoke(app, ["cohort", str(spec), "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert "early against controls: odds ratio" in done.output and str(out / "report.html") in done.output
    assert "was not studied" in (out / "report.html").read_text(encoding="utf-8")
    page = (out / "report.html").read_text(encoding="utf-8")
    (out / "report.html").unlink()
    written = CliRunner().invoke(app, ["report", str(out)])
    assert written.exit_code == 0 and (out / "report.html").read_text(encoding="utf-8") == page
    again = CliRunner().invoke(app, ["cohort", str(spec), "--out", str(out)])
    assert again.exit_code == 1 and "--overwrite" in again.output
    trial = CliRunner().invoke(app, ["cohort", str(EXAMPLE.with_name("cantos.toml")), "--out", str(tmp_path / "x")])
    assert trial.exit_code == 1 and "Traceback" not in trial.output
    table = CliRunner().invoke(app, ["cohort", str(tmp_path / "a.csv"), "--out", str(tmp_path / "x")])
    assert table.exit_code == 1 and "no protocol of a cohort" in table.output


def test_it_is_there_for_python() -> None:
    assert lk.run_cohort is run_cohort
    assert callable(lk.analyse_cohort)


@pytest.mark.slow
def test_the_example_shows_what_it_is_about(tmp_path: Path) -> None:
    """With few draws: the same stages as the whole. No number is asked for but what a cohort must have."""
    data = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))
    data["uncertainty"] = {"draws": 2, "times": 1}
    data["marker"]["limits"] = [2, 6.7, 10]
    found = run_cohort(data, tmp_path / "out").summary
    assert found["people"] == {"asked": 637, "measured": 637, "failed": 0}
    assert len(found["published"]) == 9
    assert write_cohort_report(tmp_path / "out").stat().st_size > 50_000
    low, high = (next(p for p in found["curve"] if p["limit"] == x) for x in (2.0, 10.0))
    assert low["detected"] - high["detected"] > 0.2  # B5: the limit decides who is detected
    means = [p["levels"][0]["geometric_mean"] for p in (low, found["curve"][1])]
    assert means[1] == pytest.approx(means[0], rel=0.3)  # and not how high levels are
