"""Trials on a tiny model whose answers are known."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fake_assembly import fake_assembly

from leukinetics import DataError, ProtocolError, trial
from leukinetics.trial.dosing import AFTER_SAMPLE

LOSS = 0.6931471805599453  # CRP, per day
SAME = {"genotype": {"rs1": 0}}


def protocol(**more: Any) -> dict[str, Any]:
    """A placebo and an intravenous arm; ``more`` replaces whole tables, "trial_x" entries of the head."""
    head = {k.removeprefix("trial_"): more.pop(k) for k in list(more) if k.startswith("trial_")}
    return {
        "trial": {
            "name": "test", "condition": "inflamed", "duration": "8 weeks", "patients_per_arm": 40, "seed": 3, **head,
        },
        "population": SAME,
        "arm": [
            {"name": "placebo"},
            {"name": "iv", "dose": [{"drug": "mab", "amount": "100 mg", "route": "iv", "every": "4 weeks"}]},
        ],
        "endpoint": [
            {"id": "crp", "observable": "crp", "kind": "percent_change", "at": "8 weeks"},
            {"id": "level", "observable": "mab", "kind": "value", "at": "8 weeks"},
        ],
        **more,
    }  # fmt: skip


def prepared(
    patients: int | None = None, rtol: float = 1e-8, population: dict[str, Any] | None = None, **more: Any
) -> Any:
    return trial.prepare(protocol(**more), assembly=fake_assembly(**(population or {})), patients=patients, rtol=rtol)


def test_levels_are_those_of_the_formula() -> None:
    outcome = trial.run_candidates(prepared(), [{}])
    columns = {name: values[0, :40] for name, values in outcome.enrolled.columns.items()}
    k = columns["mab_CL"] / columns["mab_V"]
    since = np.array([56.0, 28.0]) - AFTER_SAMPLE  # a sample at the time of a dose is taken before it
    expected = (100 / columns["mab_V"])[:, None] * np.exp(-k[:, None] * since)
    assert outcome.values("level", "iv")[0] == pytest.approx(expected.sum(axis=1), rel=1e-5)
    assert outcome.values("level", "placebo")[0].tolist() == [0.0] * 40
    assert np.abs(outcome.values("crp", "placebo")).max() < 1e-3  # the run-in's steady state stays
    assert (outcome.values("crp", "iv") < -80).all()


@pytest.mark.parametrize(
    ("dose", "amounts", "times"),
    [
        ({"amount": "100 mg"}, [100.0], [0.0]),
        ({"amount": "0.1 g", "every": "2 weeks"}, [100.0] * 4, [0, 14, 28, 42]),
        ({"amount": "100 mg", "every": "2 weeks", "stop": "28 d"}, [100.0] * 2, [0, 14]),
        ({"amount": "100 mg", "every": "2 weeks", "count": 3, "start": "1 week"}, [100.0] * 3, [7, 21, 35]),
        ({"amount": "50 mg", "loading": "200 mg", "every": "3 weeks"}, [200.0, 50.0, 50.0], [0, 21, 42]),
        ({"amount": "2 mg/kg"}, [160.0], [0.0]),
        ({"amount": "2 mg/kg", "cap": "120 mg"}, [120.0], [0.0]),
        ({"amount": "1 nmol"}, [0.145], [0.0]),
    ],
)
def test_doses(dose: dict[str, Any], amounts: list[float], times: list[float]) -> None:
    arms = [{"name": "a", "dose": [{"drug": "mab", "route": "iv", **dose}]}]
    weight = {"weight": {"value": 80, "unit": "kg"}}
    at_end = [{"id": "level", "observable": "mab", "kind": "value", "at": "8 weeks"}]
    outcome = trial.run_candidates(prepared(arm=arms, endpoint=at_end, population=weight), [{}])
    columns = {name: values[0, :40] for name, values in outcome.enrolled.columns.items()}
    k = (columns["mab_CL"] / columns["mab_V"])[:, None]
    parts = (np.array(amounts) / columns["mab_V"][:, None]) * np.exp(-k * (56 - np.array(times) - AFTER_SAMPLE))
    assert outcome.values("level", "a")[0] == pytest.approx(parts.sum(axis=1), rel=1e-5)


def test_an_infusion_and_background_therapy_and_a_dose_per_kg_inside() -> None:
    infusion = {"drug": "mab", "amount": "100 mg", "route": "iv", "duration": "2 d"}
    arms = [
        {"name": "a", "background": [infusion]},
        {"name": "p", "dose": [{"drug": "pulse", "amount": "5 ng/kg", "route": "iv"}]},
    ]
    ends = [
        {"id": "level", "observable": "mab", "kind": "value", "at": "2 d"},
        {"id": "marker", "observable": "tnf", "kind": "value", "at": "1 d"},
    ]
    outcome = trial.run_candidates(prepared(arm=arms, endpoint=ends), [{}])
    columns = {name: values[0, :40] for name, values in outcome.enrolled.columns.items()}
    k = columns["mab_CL"] / columns["mab_V"]
    expected = 50 / columns["mab_CL"] * (1 - np.exp(-k * (2 - AFTER_SAMPLE)))
    assert outcome.values("level", "a")[0] == pytest.approx(expected, rel=1e-4)
    assert outcome.values("marker", "p")[0] == pytest.approx(10 + 5 * np.exp(-2 * LOSS * (1 - AFTER_SAMPLE)), rel=1e-5)


def test_many_candidates_in_one_call_are_those_of_single_calls() -> None:
    ready = prepared(eligibility={"crp": ">= 2 mg/L"})
    candidates = [{"KD": 0.5}, {"KD": 2.0, "crp_base": 1.0}, {"inflamed.drive": 4.0, "another_drug_CL": 1.0}, {}]
    together = trial.run_candidates(ready, candidates)
    for k, candidate in enumerate(candidates):
        alone = trial.run_candidates(ready, [candidate])
        for name in together.endpoints:
            assert np.array_equal(together.endpoints[name].numbers[k], alone.endpoints[name].numbers[0])
        assert together.enrolled.screened[k] == alone.enrolled.screened[0]
    falls = together.statistic("crp", "median", "iv", "placebo")
    assert falls.shape == (4,)
    assert falls[0] < falls[3] < falls[1] + 100
    assert together.statistic("level", "mean", "iv", "placebo", "ratio")[0] == np.inf
    with pytest.raises(DataError, match="no arm 'vi'"):
        together.statistic("crp", "median", "vi")
    with pytest.raises(DataError, match="no endpoint"):
        together.values("x", "iv")


def test_results_do_not_depend_on_threads_or_on_how_many_are_asked_for() -> None:
    few, many = (trial.run(prepared(patients=n), threads=t) for n, t in ((10, 1), (40, 2)))
    pd.testing.assert_frame_equal(trial.run(prepared(), patients=10).endpoints, few.endpoints)
    kept = many.endpoints[many.endpoints["patient"] < 10].reset_index(drop=True)
    pd.testing.assert_frame_equal(few.endpoints, kept)


WHOLE: dict[str, Any] = {
    "eligibility": {"crp": ">= 3 mg/L", "weight": "< 95 kg"},
    "schedule": {"visits": ["2 weeks", "4 weeks"], "measure": ["crp", "tnf"]},
    "dropout": {"rate": 0.6},
    "adherence": {"missed": 0.3},
    "rule": [
        {"id": "low", "observable": "crp", "when": "< 0.5 mg/L", "every": "2 weeks", "to": "6 weeks", "action": "stop"}
    ],
    "arm": [
        {"name": "placebo"},
        {"name": "iv/1 Größe", "ratio": 2, "dose": [
            {"drug": "mab", "amount": "100 mg", "route": "iv", "every": "2 weeks"}
        ]},
    ],
    "endpoint": [
        {"id": "crp", "observable": "crp", "kind": "percent_change", "at": "8 weeks", "noise": True},
        {"id": "visits", "observable": "crp", "kind": "change", "at": "8 weeks", "visits": ["2 weeks", "4 weeks"],
         "analysis": "mmrm"},
        {"id": "return", "observable": "tnf", "kind": "time_to_return", "every": "1 week"},
    ],
}  # fmt: skip


@pytest.mark.parametrize("design", ["twins", "parallel"])
def test_no_number_depends_on_chunks_threads_or_on_whether_files_are_written(tmp_path: Path, design: str) -> None:
    twins = [{k: v for k, v in arm.items() if k != "ratio"} for arm in WHOLE["arm"]]
    arms = WHOLE["arm"] if design == "parallel" else twins
    ready = prepared(trial_design=design, patients=20, **{**WHOLE, "arm": arms})
    first = trial.run(ready, threads=1)
    kept: dict[str, bytes] = {}
    for chunk, threads in ((1, 1), (7, 2), (64, 1), (1000, 2)):
        out = tmp_path / f"{chunk}"
        found = trial.run(ready, out, threads=threads, chunk=chunk)
        assert json.loads((out / "summary.json").read_text()) == first.summary
        for name in ("population", "screening", "endpoints", "conduct", "failures", "observations"):
            pd.testing.assert_frame_equal(getattr(found, name), getattr(first, name), check_exact=True)
        files = {p.name: p.read_bytes() for p in out.iterdir() if p.is_file() and p.name != "provenance.json"}
        assert files == (kept or files)
        kept = files
        again = trial.run(ready, threads=threads, chunk=chunk)
        pd.testing.assert_frame_equal(again.observations, first.observations, check_exact=True)
        assert again.summary == first.summary
    assert set(first.conduct) == {"patient", "arm", "left", "given", "missed", "rule.low"}
    assert first.conduct["missed"].sum() > 0
    assert first.conduct["left"].notna().any()
    flow = first.summary["flow"]
    assert flow["screened"] == sum(e["n"] for e in flow["excluded"]) + flow["enrolled"]
    assert [a["allocated"] for a in flow["arms"]] == ([20, 40] if design == "parallel" else [20, 20])
    assert sum(a["left"] for a in flow["arms"]) == first.conduct["left"].notna().sum()
    assert flow["arms"][1]["rules"][0]["n"] > 10


def test_nothing_is_observed_of_who_has_left() -> None:
    result = trial.run(prepared(dropout={"rate": 0.9}, schedule=WHOLE["schedule"]))
    left = result.conduct.set_index(["patient", "arm"])["left"]
    seen = result.observations.join(left, on=["patient", "arm"])
    assert seen["left"].notna().any()
    assert not (seen["time"] >= seen["left"]).any()
    whole = trial.run(prepared(schedule=WHOLE["schedule"])).observations
    expected = whole.join(left, on=["patient", "arm"])
    expected = expected[~(expected["time"] >= expected["left"])].drop(columns="left").reset_index(drop=True)
    pd.testing.assert_frame_equal(result.observations, expected)


def test_the_population_has_what_was_measured_before_treatment() -> None:
    ends = [{"id": "crp", "observable": "crp", "kind": "value", "at": "8 weeks", "noise": True}]
    result = trial.run(prepared(endpoint=ends, eligibility={"crp": ">= 2 mg/L"}))
    people = result.population
    assert (people["screening.crp"] >= 2).all()
    at_zero = result.observations.query("time == 0 and arm == 'iv'").set_index("patient")["value"]
    assert people["baseline.crp"].tolist() == at_zero.tolist()
    assert (people["baseline.crp"] != people["screening.crp"]).all()
    read = result.screening
    assert len(read) == result.summary["patients"]["screened"]
    assert read["eligible"].sum() == 40
    assert set(read.loc[~read["eligible"], "reason"]) == {"crp >= 2 mg/L not met"}
    assert (read.loc[read["reason"] == "crp >= 2 mg/L not met", "screening.crp"] < 2).all()


def test_arms_are_allocated_in_permuted_blocks_by_ratio() -> None:
    arms = [{"name": "placebo"}, {"name": "iv", "ratio": 3}]
    result = trial.run(prepared(trial_design="parallel", arm=arms))
    order = result.population["arm"].to_numpy().reshape(40, 4)
    assert ((order == "placebo").sum(axis=1) == 1).all()
    places = np.argmax(order == "placebo", axis=1)
    assert np.bincount(places, minlength=4).min() >= 3  # not in turn
    few = trial.run(prepared(trial_design="parallel", arm=arms, patients=10))
    assert few.population["arm"].tolist() == result.population["arm"].tolist()[:40]


def test_screening_enrols_in_order_and_counts() -> None:
    result = trial.run(prepared(eligibility={"crp": ">= 3 mg/L", "weight": "< 90 kg"}))
    counts = result.summary["patients"]
    assert counts["enrolled"] == 40
    assert counts["screened"] > 60
    assert result.population.index[-1] == counts["screened"] - 1
    assert (result.population["weight"] < 90).all()


def test_a_baseline_that_is_the_qualifying_value_regresses() -> None:
    ends = [{"id": "crp", "observable": "crp", "kind": "percent_change", "at": "8 weeks", "noise": True}]
    more = {"endpoint": ends, "patients": 400}

    def change(**changes: Any) -> float:
        ready = prepared(**more, **changes)
        return float(trial.run_candidates(ready, [{}]).statistic("crp", "median", "placebo")[0])

    assert abs(change()) < 5  # nobody was picked by a measurement
    separate = change(eligibility={"crp": ">= 4 mg/L"})
    assert separate < -10  # of what varies over months a part is still there at time 0
    assert change(eligibility={"crp": ">= 4 mg/L"}, trial_baseline="screening") < separate - 8


def test_arms_of_twins_hold_the_same_people_and_parallel_arms_others() -> None:
    twins = trial.run(prepared())
    assert len(twins.population) == 40
    assert set(twins.observations[twins.observations["arm"] == "iv"]["patient"]) == set(range(40))
    parallel = trial.run(prepared(trial_design="parallel"))
    assert parallel.population["arm"].value_counts().to_dict() == {"placebo": 40, "iv": 40}
    groups = parallel.observations.groupby("arm")["patient"].unique()
    assert not set(groups["iv"]) & set(groups["placebo"])
    assert parallel.summary["patients"]["enrolled"] == 80


def test_too_few_eligible_people_is_an_error_that_counts_them() -> None:
    with pytest.raises(ProtocolError, match=r"of 4000 people screened only \d+ of the 40 needed were eligible"):
        trial.run(prepared(eligibility={"weight": ">= 200 kg"}))
    short = trial.run_candidates(prepared(eligibility={"weight": ">= 130 kg"}), [{}])
    assert 0 < np.isfinite(short.values("crp", "iv")).sum() < 40


def test_a_patient_that_cannot_be_solved_is_counted_and_takes_nobody_down() -> None:
    ready = prepared()
    columns = ready.plan.columns

    def broken(z: Any, typical: Any = ()) -> Any:
        found = columns(z, typical)
        if len(z) > 3:
            found["mab_CL"] = found["mab_CL"].copy()
            found["mab_CL"][:, 3] = -1e6  # grows beyond any number
        return found

    ready.plan.columns = broken
    result = trial.run(ready)
    assert result.summary["patients"]["failed"] == 1
    arms = {arm["name"]: arm for arm in result.summary["arms"]}
    assert arms["iv"]["n"] == 39
    assert set(result.failures["patient"]) == {3}
    assert result.failures["advice"].str.contains("check|look").all()
    assert arms["iv"]["endpoints"]["crp"]["n"] == 39
    assert arms["placebo"]["n"] >= 39
    whole = trial.run(prepared()).endpoints.set_index(["arm", "patient", "endpoint"])["value"]
    rest = result.endpoints.set_index(["arm", "patient", "endpoint"])["value"].dropna()
    pd.testing.assert_series_equal(rest, whole.loc[rest.index])


@pytest.mark.parametrize("design", ["twins", "parallel"])
def test_an_arm_of_which_nobody_can_be_solved_has_no_numbers(design: str) -> None:
    ready = prepared(trial_design=design, patients=6)
    columns = ready.plan.columns
    ready.plan.columns = lambda z, typical=(): columns(z, typical) | {"mab_CL": np.full((1, len(z)), -1e6)}
    result = trial.run(ready)
    placebo, treated = result.summary["arms"]
    assert (placebo["n"], treated["n"]) == (6, 0)
    assert placebo["endpoints"]["level"]["estimate"] == 0
    assert treated["endpoints"]["level"]["estimate"] is None
    assert {c["estimate"] for c in result.summary["contrasts"]} == {None}
    flow = result.summary["flow"]["arms"][1]
    assert (flow["allocated"], flow["failed"], flow["analysed"]) == (6, 6, 0)
    assert set(result.observations["arm"]) == {"placebo"}


def test_a_clock_starts_at_the_time_of_day_after_a_lead() -> None:
    ends = [
        {"id": "peak", "observable": "crp", "kind": "time_of_maximum", "every": "15 min", "to": "24 h", "unit": "h"}
    ]
    found = []
    for start in ("08:00", "14:00"):
        ready = prepared(trial_clock=True, trial_start=start, trial_duration="1 d", endpoint=ends, arm=[{"name": "a"}])
        assert 3 <= ready.lead < 4
        found.append(float(trial.run_candidates(ready, [{}]).statistic("peak", "median", "a")[0]))
    # The drive peaks at 7.2 h; a pool that loses LOSS per day follows by atan(2 pi/LOSS)/(2 pi) of a day.
    peak = 7.2 + 24 * np.arctan(2 * np.pi / LOSS) / (2 * np.pi)
    assert found == pytest.approx([peak - 8, (peak - 14) % 24], abs=0.2)


def test_what_the_model_has_not_is_refused() -> None:
    for changes, message in (
        ({"endpoint": [{"id": "e", "observable": "crpp", "kind": "value", "at": "1 d"}]}, "Did you mean 'crp'"),
        ({"endpoint": [{"id": "e", "observable": "mab", "kind": "value", "at": "1 d", "noise": True}]}, "no assay of"),
        ({"eligibility": {"crpp": "> 1 mg/L"}}, "eligibility, crpp"),
        ({"eligibility": {"crp": "> 1 day"}}, "eligibility, crp"),
        ({"eligibility": {"crp": "> 1"}}, r"eligibility, crp: 1 has no unit; write one .* to 'mg/L'"),
        ({"eligibility": {"age": "18 to 75"}}, "eligibility, age: 18 has no unit"),
        ({"arm": [{"name": "a", "dose": [{"drug": "mab", "amount": "1 mg", "route": "po"}]}]}, r"route: .*sc or iv"),
        ({"arm": [{"name": "a", "dose": [{"drug": "mab", "amount": "1 day", "route": "iv"}]}]}, "dose 1, amount"),
        ({"arm": [{"name": "a", "dose": [{"drug": "pulse", "amount": "1 ng", "route": "iv"}]}]}, "give it per kg"),
        ({"arm": [{"name": "a", "dose": [{"drug": "mab", "amount": "1 mg", "route": "iv", "start": "63 d"}]}]}, "end"),
    ):  # fmt: skip
        with pytest.raises(ProtocolError, match=message):
            prepared(**changes)
    with pytest.raises(ProtocolError, match="belongs to the model"):
        prepared(parameter={"kloss": {"value": 1, "unit": "1/day"}})
    with pytest.raises(ProtocolError, match="There is no condition 'inflamd'"):
        trial.prepare(protocol(trial_condition="inflamd"))
    with pytest.raises(ProtocolError, match="There is no drug 'mab'"):
        trial.prepare(protocol(trial_condition="healthy"))
    for patients in (0, 2.5, True):
        with pytest.raises(ProtocolError, match="at least 1 patient"):
            prepared(patients=patients)  # type: ignore[arg-type]
        with pytest.raises(ProtocolError, match="at least 1 patient"):
            trial.run(prepared(), patients=patients)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="no parameter 'KDD'"):
        trial.run(prepared(), typical={"KDD": 1.0})


def test_the_summary_and_the_files(tmp_path: Path) -> None:
    ends = [
        {"id": "crp", "observable": "crp", "kind": "percent_change", "at": "8 weeks", "noise": True},
        {"id": "responder", "observable": "crp", "kind": "responder", "at": "8 weeks", "threshold": "< 0.3 mg/L"},
        {"id": "fold", "observable": "crp", "kind": "fold", "at": "8 weeks"},
    ]
    out = tmp_path / "a folder" / "out"
    ready = prepared(endpoint=ends)
    result = trial.run(ready, out=out)
    summary = json.loads((out / "summary.json").read_text())
    assert summary == result.summary
    assert {"trial", "seed", "model_hash", "patients", "flow", "arms", "contrasts"} <= set(summary)
    of_arm = summary["arms"][1]["endpoints"]["crp"]
    assert {"estimate", "se", "ci_low", "ci_high", "n", "unit"} <= set(of_arm)
    assert of_arm["ci_low"] < of_arm["estimate"] < of_arm["ci_high"]
    measures = {(c["endpoint"], c["measure"]) for c in summary["contrasts"]}
    assert {("crp", "percent_difference"), ("responder", "risk_difference"), ("fold", "ratio")} <= measures
    assert all(c["reference"] == "placebo" and c["arm"] == "iv" for c in summary["contrasts"])
    observed = pd.read_parquet(out / "observations")
    assert list(observed) == ["patient", "arm", "time", "name", "value", "unit", "blq"]
    assert len(observed) == 2 * 40 * 2
    assert observed["blq"].any()
    assert (observed.loc[observed["blq"], "value"] == 0.16).all()
    assert len(pd.read_parquet(out / "population.parquet")) == 40
    assert tomllib.loads((out / "protocol.toml").read_text()) == protocol(endpoint=ends)
    provenance = json.loads((out / "provenance.json").read_text())
    assert provenance["seed"] == 3
    assert provenance["model_hash"] == summary["model_hash"]
    assert not list(out.rglob(".*"))
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    trial.run(ready, out=out, overwrite=True)
    after = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    assert {p for p in before if before[p] != after[p]} <= {out / "provenance.json"}  # which knows the time of day
    assert repr(result) == "<TrialResult 'test': 40 patients, 0 failed, arms 'placebo', 'iv'>"


def test_a_folder_that_cannot_be_written_to_is_refused_before_the_trial_runs(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(DataError, match=r"cannot be written to '.*': '.*file' is a file; name a folder"):
            trial.run("there is no such protocol.toml", out=out)
    with pytest.raises(ProtocolError):
        trial.run("there is no such protocol.toml", out=tmp_path / "new")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_threshold_needs_its_unit() -> None:
    end = {"id": "r", "observable": "crp", "kind": "responder", "at": "8 weeks", "threshold": "< 0.3"}
    with pytest.raises(ProtocolError, match=r"endpoint 1 \('r'\), threshold: 0\.3 has no unit"):
        trial.run(prepared(endpoint=[end], patients=4))


def test_a_trial_of_the_real_model() -> None:
    dose = {"drug": "canakinumab", "amount": "150 mg", "route": "sc", "every": "4 weeks"}
    result = trial.run(
        {
            "trial": {
                "name": "canakinumab", "condition": "metabolic_inflammation", "duration": "16 weeks",
                "patients_per_arm": 16, "sampling": "sobol",
            },
            "arm": [
                {"name": "placebo"},
                {"name": "150 mg", "dose": [dose]},
            ],
            "endpoint": [
                {"id": "crp", "observable": "crp", "kind": "percent_change", "at": "16 weeks"},
                {"id": "il1b", "observable": "il1b_total", "kind": "fold", "at": "16 weeks"},
            ],
        }
    )  # fmt: skip
    placebo, treated = (arm["endpoints"] for arm in result.summary["arms"])
    assert result.summary["patients"]["failed"] == 0
    assert abs(placebo["crp"]["estimate"]) < 1
    assert treated["crp"]["ci_high"] < -5
    assert treated["il1b"]["ci_low"] > 2  # bound and free together rise
