"""Predicted benefit from its protocol: measurements as people write them, mistakes, the examples."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fake_assembly import fake_assembly
from scipy import stats

from leukinetics.cohort.subtype.benefit import predict_rows
from leukinetics.cohort.subtype.benefit_protocol import is_benefit, read_benefit
from leukinetics.cohort.subtype.run import interval_of, predicted_benefit
from leukinetics.cohort.subtype.virtual import with_lives
from leukinetics.cohort.values import Censored
from leukinetics.errors import DataError, ProtocolError
from leukinetics.trial.prepare import prepare


def test_measurements_as_people_write_them() -> None:
    assert interval_of("8 mg/L", "mg/L", "it") == (8.0, 8.0)
    assert interval_of("0.8 mg/dL", "mg/L", "it") == pytest.approx((8.0, 8.0))
    assert interval_of("< 1.5 pg/mL", "pg/mL", "it") == (0.0, 1.5)
    assert interval_of("> 2 ng/mL", "pg/mL", "it") == pytest.approx((2000.0, math.inf))
    assert interval_of("2 to 4 pg/mL", "pg/mL", "it") == (2.0, 4.0)
    assert interval_of("24", "dimensionless", "it") == (24.0, 24.0)
    for text in ("about 8", "> 0 mg/L", "8 pg", "8", ""):
        with pytest.raises(ProtocolError, match="it"):
            interval_of(text, "mg/L", "it")


TRIAL: dict[str, Any] = {
    "trial": {"name": "mab", "condition": "inflamed", "duration": "4 weeks", "patients_per_arm": 10},
    "arm": [
        {"name": "placebo"},
        {"name": "mab", "dose": [{"drug": "mab", "amount": "100 mg", "route": "sc", "every": "2 weeks"}]},
    ],
    "endpoint": [
        {"id": "crp", "observable": "crp", "kind": "percent_change", "at": "4 weeks", "noise": True},
        {"id": "below", "observable": "crp", "kind": "time_to_event", "threshold": "< 2 mg/L", "every": "1 week"},
    ],
    "dropout": {"rate": 0.5},
}  # fmt: skip


PROTOCOL: dict[str, Any] = {
    "benefit": {
        "name": "who", "trial": TRIAL, "arm": "mab", "endpoint": "crp", "better": "lower", "worth": 30.0,
        "markers": ["crp"], "further": ["tnf"], "people": 400, "lives": 2,
    },
    "uncertainty": {"draws": 10, "people": 100},
    "patient": [
        {"name": "high", "measured": {"crp": "20 mg/L"}},
        {"name": "low", "measured": {"crp": "< 2 mg/L"}},
    ],
}  # fmt: skip


def changed(**keys: Any) -> dict[str, Any]:
    return {**PROTOCOL, "benefit": {**PROTOCOL["benefit"], **keys}}


def test_a_prediction_from_its_protocol(tmp_path: Path) -> None:
    out = tmp_path / "benefit"
    first = predicted_benefit(PROTOCOL, out, assembly=fake_assembly(), threads=1)
    told = json.loads((out / "summary.json").read_text())
    assert told == first.summary
    assert [p["name"] for p in told["patients"]] == ["high", "low"]
    # Percent: twins whose CRP falls by a share that does not depend on it.
    for p in told["patients"]:
        assert 0 < p["benefit"]["estimate"] < 100
        assert p["benefit"]["p_better"] == 1.0
        assert p["split"]["sd_parameters"] > 0
    assert told["patients"][0]["effective"] < told["patients"][1]["effective"]
    table = first.virtual.table
    assert (table["part"] == "all").sum() == 1000
    assert len(pd.read_csv(out / "benefit.csv")) == 2
    # Found again, and the same; another patient needs no new people.
    made = (out / "virtual.parquet").stat().st_mtime_ns
    later = predicted_benefit(
        {**PROTOCOL, "patient": PROTOCOL["patient"][:1]}, out, overwrite=True, assembly=fake_assembly()
    )
    assert later.summary["patients"] == told["patients"][:1]
    assert (out / "virtual.parquet").stat().st_mtime_ns >= made
    pd.testing.assert_frame_equal(later.virtual.table, table)
    alone = predicted_benefit(PROTOCOL, assembly=fake_assembly(), threads=2)
    assert alone.summary == told
    with pytest.raises(DataError, match="overwrite"):
        predicted_benefit(PROTOCOL, out, assembly=fake_assembly())
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "x").touch()
    with pytest.raises(DataError, match="no prediction"):
        predicted_benefit(PROTOCOL, tmp_path / "other", assembly=fake_assembly())


def test_lives_share_the_person_and_not_the_chance() -> None:
    prepared = prepare(TRIAL, patients=20, assembly=fake_assembly())
    lives = with_lives(prepared, 2)
    z = lives.normals(10)
    assert np.array_equal(z[0::2], z[1::2])
    assert np.array_equal(z[::2], prepared.normals(5))
    assert np.array_equal(lives.normals(9, 3), z[3:9])
    assert with_lives(prepared, 1) is prepared


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"arm": "mba"}, "no arm 'mba'. Did you mean 'mab'"),
        ({"arm": "placebo"}, "is the reference"),
        ({"endpoint": "crpp"}, "no endpoint 'crpp'"),
        ({"endpoint": "below"}, "time of an event"),
        ({"markers": ["mab"]}, "no assay"),
        ({"noise": {"il6": "ln 0.3"}}, "none of the markers"),
        ({"further": ["crp"]}, "among the markers already"),
        ({"people": 3}, "people"),
    ],
)
def test_mistakes_in_a_protocol(keys: dict[str, Any], said: str) -> None:
    with pytest.raises(ProtocolError, match=said):
        predicted_benefit({**changed(**keys), "patient": []}, assembly=fake_assembly())


def test_mistakes_about_patients(tmp_path: Path) -> None:
    wrong = [
        ({"name": "a", "measured": {"il6": "3 pg/mL"}}, "no marker"),
        ({"name": "a"}, "nothing is known"),
        ({"name": "a", "measured": {"crp": "3 pg"}}, "patient 'a', measured, crp"),
        ({"name": "a", "known": {"height": 1.7}}, "patient 'a': 'height' is no covariate"),
    ]
    quick = {k: v for k, v in PROTOCOL.items() if k != "uncertainty"} | {
        "benefit": PROTOCOL["benefit"] | {"people": 100}
    }
    for patient, said in wrong:
        with pytest.raises(ProtocolError, match=said):
            predicted_benefit({**quick, "uncertainty": {"draws": 10, "people": 50}, "patient": [patient]},
                              assembly=fake_assembly())  # fmt: skip
    file = tmp_path / "b.toml"
    file.write_text('[benefit]\nname = "x"\ntrail = "y"\n')
    assert is_benefit(file)
    with pytest.raises(ProtocolError, match=r"line 3.*unknown key 'trail'"):
        read_benefit(file)
    assert not is_benefit(tmp_path / "none.toml")


EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


@pytest.mark.slow
def test_the_example_runs_with_few_people(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from leukinetics.cli import app

    text = (EXAMPLES / "mdd_benefit.toml").read_text(encoding="utf-8")
    few = {"people = 8000 ": "people = 600 ", "draws = 60 ": "draws = 10 ", "people = 400\n": "people = 50\n"}
    for old, new in few.items():
        assert old in text
        text = text.replace(old, new)
    spec = tmp_path / "b.toml"
    (tmp_path / "patients.csv").write_text("id,CRP (mg/L),IL-6 (pg/mL),sex\na,4,3.5,F\nb,<0.5,<1.5,M\nc,2,,F\n")
    text = text.replace('# table = "patients.csv"', 'table = "patients.csv"')
    spec.write_text(text.replace("mdd_il6_enriched", f"{EXAMPLES}/mdd_il6_enriched"), encoding="utf-8")
    done = CliRunner().invoke(app, ["cohort", str(spec), "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    assert "low CRP: benefit" in done.output
    told = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))
    gains = {p["name"]: p["fitted"]["estimate"] for p in told["patients"]}
    # Who has more IL-6 gains more from blocking its receptor.
    assert gains["high CRP, high IL-6"] > gains["low CRP"] > 0
    assert "patients.csv: 3 rows, CRP as crp, IL-6 as il6; known: sex" in done.output
    rows = pd.read_csv(tmp_path / "out" / "patients.csv")
    assert list(rows["told"]) == ["yes"] * 3
    assert rows["estimate"][0] > rows["estimate"][2] > rows["estimate"][1]
    assert "IL-6" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_the_examples_are_read() -> None:
    from leukinetics.commands.cohort_questions import runner

    read = read_benefit(EXAMPLES / "mdd_benefit.toml")
    assert read.trial().trial.condition == "mdd"
    assert [p.name for p in read.patient][-1].startswith("severe")
    assert runner(EXAMPLES / "mdd_benefit.toml") is not None
    assert runner(EXAMPLES / "ms_il6_csf.toml") is None
    assert runner(Path("table.csv")) is None


@pytest.mark.slow
def test_predictions_hold_for_other_virtual_patients() -> None:
    """The depression model itself: what 300 other people gain, measured by CRP and IL-6 with the assays' noise."""
    trial = str(EXAMPLES / "mdd_il6_enriched.toml")
    head = {"name": "x", "trial": trial, "arm": "tocilizumab", "endpoint": "hamd17", "better": "lower",
            "markers": ["crp", "il6"], "people": 3000}  # fmt: skip
    virtual = predicted_benefit({"benefit": head, "uncertainty": None}).virtual
    others = predicted_benefit({"benefit": head | {"people": 300, "seed": 7}, "uncertainty": None}).virtual.table
    rng = np.random.default_rng(1)
    seen = {n: virtual.noise[n].sampled(others[f"marker.{n}"].to_numpy(), rng) for n in ("crp", "il6")}
    crp = Censored.of(seen["crp"], 1.0, "mg/L", "crp")
    il6 = Censored.of(seen["il6"], 1.5, "pg/mL", "il6")
    assert crp.share_below > 0.1
    assert il6.share_below > 0.2
    rows = predict_rows(virtual, {"crp": crp, "il6": il6})
    told = [(r["benefit"], t) for r, t in zip(rows, others["benefit"], strict=True) if r["note"] is None]
    assert len(told) > 270
    inside = sum(b["ci_low"] <= t <= b["ci_high"] for b, t in told)
    assert stats.binomtest(inside, len(told), 0.95).pvalue > 0.005
    estimates, truth = (np.array(v) for v in zip(*((b["estimate"], t) for b, t in told), strict=True))
    assert truth.mean() == pytest.approx(estimates.mean(), abs=4 * truth.std() / math.sqrt(len(told)))
    assert np.polyfit(estimates, truth, 1)[0] == pytest.approx(1.0, abs=0.4)
    # The markers tell something: predictions are nearer than the mean of all.
    assert np.mean((truth - estimates) ** 2) < 0.95 * truth.var()
