"""The same trial in several conditions: each as if it stood alone, killed and gone on with, side by side."""

from __future__ import annotations

import json
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest

import leukinetics as lk
from leukinetics import DataError, ProtocolError
from leukinetics.report.trial import write_report
from leukinetics.trial import prepare, read_protocol, run
from leukinetics.trial.plan import plan
from leukinetics.trial.side_by_side import side_by_side
from leukinetics.trial.toml_text import toml_text
from leukinetics.trial.variants import variants

DOSE = {"drug": "tocilizumab", "amount": "8 mg/kg", "route": "iv"}
PROTOCOL: dict[str, Any] = {
    "trial": {"name": "Two", "condition": "metabolic_inflammation", "duration": "4 weeks", "patients_per_arm": 4},
    "eligibility": {"crp": ">= 1 mg/L", "age": ">= 30 years"},
    "arm": [{"name": "placebo"}, {"name": "tocilizumab", "dose": [DOSE]}],
    "endpoint": [{"id": "crp", "observable": "crp", "kind": "percent_change", "at": "4 weeks"}],
    "uncertainty": {"draws": 3, "patients": 3},
    "power": {"sizes": [5, 10], "replicates": 20},
    "also": [
        {
            "condition": "rheumatoid_arthritis", "name": "Arthritis", "eligibility": {"crp": ">= 10 mg/L"},
            "background": [{"drug": "canakinumab", "amount": "150 mg", "route": "sc"}],
            "endpoint": [{"id": "il6", "observable": "il6", "kind": "value", "at": "4 weeks"}],
        },
        {"condition": "healthy", "eligibility": {"crp": ">= 0 mg/L"}},
    ],
}  # fmt: skip
ARTHRITIS = "also/01-arthritis"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("also") / "out"
    write_report(run(PROTOCOL, out).folder or out)
    return out


def summary(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    return found


def test_each_is_the_trial_that_its_protocol_says(folder: Path) -> None:
    text = (folder / ARTHRITIS / "protocol.toml").read_text(encoding="utf-8")
    told = tomllib.loads(text)
    assert told["trial"] == PROTOCOL["trial"] | {"condition": "rheumatoid_arthritis", "name": "Two: Arthritis"}
    assert told["eligibility"] == {"crp": ">= 10 mg/L", "age": ">= 30 years"}
    assert [a["background"][0]["drug"] for a in told["arm"]] == ["canakinumab"] * 2
    assert "also" not in told
    made = prepare(PROTOCOL)
    assert variants(made)[0].prepared.protocol == read_protocol(told)
    assert {c["endpoint"] for c in run(told).summary["contrasts"]} == {"crp", "il6"}
    alone = run(told).summary
    assert alone == summary(folder / ARTHRITIS)


def test_they_stand_side_by_side(folder: Path) -> None:
    also = summary(folder)["also"]
    assert [c["name"] for c in also["conditions"]][1:] == ["Arthritis", "Healthy adult"]
    assert [c["folder"] for c in also["conditions"]][:2] == ["", ARTHRITIS]
    for condition, row in zip(also["conditions"], [summary(folder), summary(folder / ARTHRITIS)], strict=False):
        assert condition["patients"] == row["patients"]
        mine = next(c for c in also["contrasts"] if c["condition"] == condition["name"])
        assert mine["estimate"] == row["contrasts"][0]["estimate"]
        assert mine["median"] == row["uncertainty"]["contrasts"][0]["median"]
        assert (mine["apart"] is None) == (condition["folder"] == "")
    assert [c["endpoint"] for c in also["contrasts"] if c["condition"] == "Arthritis"] == ["crp", "il6"]
    assert summary(folder / ARTHRITIS)["also"] is None


def test_they_are_opened_together_and_in_memory_the_same(folder: Path) -> None:
    opened, memory = lk.open_trial(folder), run(PROTOCOL)
    assert memory.summary == opened.summary
    assert list(memory.also) == list(opened.also)
    assert opened.also["Arthritis"].protocol.trial.condition == "rheumatoid_arthritis"
    assert opened.also["Arthritis"].folder == folder / ARTHRITIS


def test_the_report_links_to_theirs(folder: Path) -> None:
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert f'href="{ARTHRITIS}/report.html"' in page
    assert (folder / ARTHRITIS / "report.html").is_file()
    assert "Side by side" in page and "Conditions side by side" in page
    assert (folder / "figures" / "conditions-1.svg").is_file()
    rows = (folder / "tables" / "conditions.csv").read_text(encoding="utf-8").splitlines()
    assert rows[0].endswith("apart.median,apart.low,apart.high")
    assert len(rows) == 5
    assert "Conditions side by side" not in (folder / ARTHRITIS / "report.html").read_text(encoding="utf-8")


def test_a_trial_that_was_interrupted_in_another_condition_goes_on(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"

    def interrupt(done: int, total: int, what: str) -> None:
        if what.startswith("Arthritis: draws"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(PROTOCOL, out, progress=interrupt)
    assert not (out / "summary.json").exists()
    seen: list[str] = []
    run(PROTOCOL, out, resume=True, progress=lambda done, total, what: seen.append(what))
    assert (out / "summary.json").read_bytes() == (folder / "summary.json").read_bytes()
    assert run(PROTOCOL, out, resume=True).also.keys() == {"Arthritis", "Healthy adult"}


def test_a_trial_that_takes_the_place_of_another_takes_that_of_its_conditions(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(folder, out)
    (out / "also" / "mine.txt").write_text("mine", encoding="utf-8")
    fewer = PROTOCOL | {"also": PROTOCOL["also"][1:], "uncertainty": None, "power": None}
    fewer = {k: v for k, v in fewer.items() if v is not None}
    run(fewer, out, overwrite=True)
    assert {p.name for p in (out / "also").iterdir()} == {"01-healthy-adult", "mine.txt"}
    assert summary(out)["also"]["contrasts"][-1]["apart"] is None


def test_the_plan_says_what_would_run_in_each() -> None:
    text = plan(PROTOCOL).text()
    assert text.count("  condition ") == 3
    assert "also Two: Arthritis" in text


@pytest.mark.parametrize(
    ("also", "message"),
    [
        ([{"condition": "helthy"}], r"In also 1 \('helthy'\): .*helthy"),
        ([{"condition": "healthy", "endpoint": PROTOCOL["endpoint"]}], "two endpoints are named 'crp'"),
        ([{"condition": "healthy"}, {"condition": "healthy"}], "two alsos are named 'healthy'"),
        ([{"condition": "healthy", "nam": "x"}], "unknown key 'nam'"),
        ([{"name": "x"}], "also 1 .*condition: this key is missing"),
        ([{"condition": "healthy", "instead": {"arms": []}}], "'arms' cannot be another one; .*endpoint"),
        ([{"condition": "healthy", "instead": {"endpoint": {}}}], "'endpoint' has to be a list of tables"),
        ([{"condition": "healthy", "instead": {"power": []}}], "'power' has to be a table"),
        ([{"condition": "healthy", "instead": {"endpoint": [{"id": "x"}]}}], r"In also 1 \('healthy'\): .*endpoint"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_run(also: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match=message):
        run(PROTOCOL | {"also": also}, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_table_of_people_has_one_condition(tmp_path: Path) -> None:
    path = tmp_path / "trial.toml"
    path.write_text(toml_text(PROTOCOL | {"population": {"table": "people.parquet"}}), encoding="utf-8")
    with pytest.raises(ProtocolError, match="the people of a table have one condition"):
        read_protocol(path)


def test_a_damaged_folder_of_another_condition_is_told(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "out")
    (tmp_path / "out" / ARTHRITIS / "summary.json").unlink()
    with pytest.raises(DataError, match="01-arthritis' holds no finished trial"):
        lk.open_trial(tmp_path / "out")


def test_a_condition_may_have_tables_of_its_own() -> None:
    """Arms, people and seed stay; what is read and studied is the condition's."""
    albumin = {"id": "albumin", "observable": "albumin", "kind": "change", "at": "4 weeks"}
    instead = {"endpoint": [albumin], "eligibility": {"age": ">= 40 years"}, "power": {"sizes": [7], "replicates": 20}}
    more = {"id": "il6", "observable": "il6", "kind": "value", "at": "4 weeks"}
    other = {"condition": "healthy", "name": "Health", "instead": instead, "endpoint": [more], "eligibility": {}}
    made = prepare({**PROTOCOL, "also": [other]})
    told = variants(made)[0].prepared.protocol
    assert [e.id for e in told.endpoint] == ["albumin", "il6"]
    assert list(told.eligibility) == ["age"]
    assert told.power is not None and told.power.sizes == [7]
    assert [a.name for a in told.arm] == [a.name for a in made.protocol.arm]
    assert told.trial.seed == made.protocol.trial.seed
    assert told == read_protocol(tomllib.loads(told.text))
    found = run({**PROTOCOL, "also": [other], "uncertainty": {"draws": 2, "patients": 2}}).summary["also"]
    assert {(c["condition"] == "Health", c["endpoint"]) for c in found["contrasts"]} == {
        (False, "crp"), (True, "albumin"), (True, "il6"),
    }  # fmt: skip
    assert all(c["apart"] is None for c in found["contrasts"])


def _summary(measure: str, values: list[float | None]) -> dict[str, Any]:
    row = {"endpoint": "x", "arm": "a", "reference": "b", "measure": measure}
    own = row | {"estimate": 1.0, "ci_low": 0.5, "ci_high": 2.0, "p_value": 0.5, "n": 9}
    drawn = row | {"median": 1.0, "low": 0.5, "high": 2.0, "values": values}
    return {"contrasts": [own], "uncertainty": {"contrasts": [drawn]}, "power": None, "patients": {}}


@pytest.mark.parametrize(
    ("measure", "one", "other", "apart"),
    [
        ("difference", [1.0, 2.0, 3.0], [2.0, 4.0, 8.0], 2.0),
        ("ratio", [0.5, 0.5, 0.5], [0.25, 0.3, 0.9], 0.6),
        ("percent_difference", [-50.0, -50.0, -50.0], [-75.0, -70.0, -10.0], -40.0),
        ("difference", [1.0, None, 3.0], [2.0, 4.0, None], None),
    ],
)
def test_how_far_apart_is_told_draw_by_draw(measure: str, one: Any, other: Any, apart: float | None) -> None:
    found = side_by_side([("A", "a", "", _summary(measure, one)), ("B", "b", "also/b", _summary(measure, other))])
    row = found["contrasts"][1]
    if apart is None:  # a single draw has both
        assert row["apart"] is None
    else:
        assert row["apart"]["median"] == pytest.approx(apart)
        assert row["apart"]["low"] < row["apart"]["median"] < row["apart"]["high"]
