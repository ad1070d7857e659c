"""The whole analysis of a trial's tables: missing values, multiplicity, subgroups, thresholds, baseline table."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from statistics_tools import ARMS, endpoint, protocol, stacked, table
from statsmodels.stats.multitest import multipletests

from leukinetics.trial.protocol import Analysis
from leukinetics.trial.statistics.missing import completed
from leukinetics.trial.statistics.multiplicity import adjusted
from leukinetics.trial.summary import analyse

ENDPOINTS = [
    endpoint("percent_change", id="pc"),
    endpoint("responder", id="resp"),
    endpoint("event_rate", id="rate"),
    endpoint("time_to_event", id="tte"),
    endpoint("value", id="mm", analysis="mmrm", visits=["7 d", "14 d"]),
    endpoint("value", id="med", statistic="median"),
    endpoint("time_to_return", id="back"),
    endpoint("slope", id="slope"),
]


def tables(design: str, n: int = 40, seed: int = 2) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(endpoints, population) of a trial with three arms and all kinds of analysis; some patients left."""
    rng = np.random.default_rng(seed)
    parts = []
    for i, arm in enumerate(ARMS):
        first = 0 if design == "twins" else i * n
        b = np.random.default_rng(9 if design == "twins" else i).lognormal(1.0, 0.8, n)
        left = np.arange(n) % 8 == 3
        gone = {"missing": np.where(left, "left", "")}

        def add(name: str, value: Any, b: Any = b, first: int = first, arm: str = arm, **more: Any) -> None:
            parts.append(table(arm, value, b, first, endpoint=name, **more))

        add("pc", np.where(left, np.nan, 100 * (rng.lognormal(-0.3 * i, 0.5, n) - 1)), **gone)
        add("resp", np.where(left, np.nan, rng.random(n) < 0.3 + 0.2 * i), **gone)
        add("rate", rng.poisson(rng.gamma(1.0, 1.0, n) * 2), exposure=rng.uniform(100, 365, n))
        t = np.ceil(rng.exponential(200.0, n) / 7) * 7
        add("tte", np.minimum(t, 364.0), censored=t > 364.0)
        person = rng.normal(size=n)
        for k, day in enumerate((7.0, 14.0, 28.0)):
            out = left & (k > 0)
            value = np.where(out, np.nan, 0.5 * b + person + rng.normal(size=n))
            add("mm", value, time=day, missing=np.where(out, "left", ""))
        add("med", rng.lognormal(0.0, 1.0, n))
        add("back", rng.exponential(3.0, n), censored=rng.random(n) < 0.1)
        add("slope", rng.normal(size=n))
    people = n if design == "twins" else 3 * n
    population = pd.DataFrame(
        {
            "age": rng.normal(50.0, 9.0, people),
            "sex": rng.integers(0, 2, people).astype(float),
            "rs1": rng.integers(0, 3, people).astype(float),
            "some_rate": 1.0,
            "screening.crp": rng.lognormal(1.0, 1.0, people),
            "baseline.crp": rng.lognormal(1.0, 1.0, people),
            "baseline.canakinumab": 0.0,
        },
        index=pd.Index(range(people), name="patient"),
    )
    if design == "parallel":
        population.insert(0, "arm", np.repeat(ARMS, n))
    return stacked(*parts), population


UNITS = {"age": "year", "rs1": "effect alleles", "screening.crp": "mg/L", "baseline.crp": "mg/L"}
DESCRIBED = ["age", "sex", "rs1", "bmi"]


def whole(design: str, **more: Any) -> Any:
    return protocol(
        ENDPOINTS,
        design=design,
        analysis={"primary": ["pc", "resp"], "multiplicity": "holm", "covariates": ["age", "crp"]} | more,
        subgroup=[{"id": f"s-{e.id}", "on": "crp", "quantiles": 3, "endpoint": e.id} for e in ENDPOINTS],
        threshold=[{"biomarker": "crp", "endpoint": e.id} for e in ENDPOINTS],
    )


def plain(design: str = "parallel", **more: Any) -> Any:
    return protocol(ENDPOINTS, design=design, analysis=more)


def contrast(found: dict[str, Any], name: str, arm: str = "high") -> dict[str, Any]:
    return next(c for c in found["contrasts"] if (c["endpoint"], c["arm"]) == (name, arm))


def arm(found: dict[str, Any], name: str, which: str = "placebo") -> dict[str, Any]:
    return next(a for a in found["arms"] if a["name"] == which)["endpoints"][name]


@pytest.mark.parametrize("design", ["parallel", "twins"])
def test_shape(design: str) -> None:
    found = analyse(whole(design), *tables(design), UNITS, DESCRIBED)
    assert list(found) == ["arms", "contrasts", "subgroups", "thresholds", "survival", "baseline"]
    assert [a["name"] for a in found["arms"]] == list(ARMS)
    for a in found["arms"]:
        assert list(a["endpoints"]) == [e.id for e in ENDPOINTS]
        for e in a["endpoints"].values():
            assert {"estimate", "se", "ci_low", "ci_high", "n", "unit", "statistic", "censored", "missing"} <= e.keys()
            assert e["ci_low"] <= e["estimate"] <= e["ci_high"]
    main = {(c["endpoint"], c["arm"]): c for c in reversed(found["contrasts"])}
    assert len(main) == 2 * len(ENDPOINTS)
    for c in found["contrasts"]:
        assert c["ci_low"] <= c["estimate"] <= c["ci_high"]
        assert 0 <= c["p_value"] <= 1
        assert c["reference"] == "placebo"
    measures = {k[0]: c["measure"] for k, c in main.items()}
    assert measures == {
        "pc": "percent_difference", "resp": "risk_difference", "rate": "rate_ratio", "tte": "hazard_ratio",
        "mm": "difference", "med": "difference", "back": "difference", "slope": "difference",
    }  # fmt: skip
    assert len(found["subgroups"]) == 2 * len(ENDPOINTS)
    for row in found["subgroups"]:
        assert [p["label"][0] for p in row["parts"]] in (["<", row["parts"][1]["label"][0], ">"],)
        assert (row["p_interaction"] is None) == (row["endpoint"] in ("med", "back"))  # medians have no model
        assert row["measure"] == measures[row["endpoint"]]
    for row in found["thresholds"]:
        assert row["arm"] == "high"
        assert len(row["curve"]) == 10
        assert row["curve"][0]["share"] == 1.0
        assert row["curve"][0]["n"] > row["curve"][-1]["n"]
    assert [(r["endpoint"], r["arm"]) for r in found["survival"]] == [("tte", a) for a in ARMS]
    json.dumps(found, allow_nan=False)


def test_order_of_rows_is_of_no_account() -> None:
    """Summaries are equal, byte by byte, whatever the order of the rows."""
    endpoints, population = tables("parallel")
    first = analyse(plain(multiplicity="holm"), endpoints, population, UNITS, DESCRIBED)
    mixed = endpoints.sample(frac=1.0, random_state=1)
    again = analyse(plain(multiplicity="holm"), mixed, population, UNITS, DESCRIBED)
    assert json.dumps(again) == json.dumps(first)


_PRINT = """
import json, sys
sys.path.insert(0, {folder!r})
from test_statistics_analyse import DESCRIBED, UNITS, tables, whole
from leukinetics.trial.summary import analyse
for design in ("parallel", "twins"):
    print(json.dumps(analyse(whole(design), *tables(design, n=3000), UNITS, DESCRIBED)))
"""


@pytest.mark.slow
def test_threads_of_linear_algebra_are_of_no_account() -> None:
    code = _PRINT.format(folder=str(Path(__file__).parent))
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    found = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, **dict.fromkeys(threads, n)},
            check=True,
            capture_output=True,
        ).stdout
        for n in ("1", "2")
    ]
    assert found[0] == found[1]
    assert len(found[0]) > 10_000


@pytest.mark.parametrize(
    ("kind", "plan", "expected"),
    [
        ("value", {"missing": "available"}, np.nan),
        ("value", {"missing": "baseline"}, 7.0),
        ("value", {"missing": "last"}, 7.0),
        ("value", {"missing": "worst"}, 5.0),
        ("value", {"missing": "worst", "higher_is_better": ["e"]}, 1.0),
        ("change", {"missing": "baseline"}, 0.0),
        ("fold", {"missing": "last"}, 1.0),
        ("responder", {"missing": "worst"}, 0.0),
        ("time_to_return", {"missing": "baseline"}, np.nan),
    ],
)
def test_missing_values(kind: str, plan: dict[str, Any], expected: float) -> None:
    why = ["", "left", "rule", "failed", ""]
    data = table("x", [1.0, np.nan, 3.0, np.nan, 5.0], 7.0, missing=why)
    found = completed(endpoint(kind), data, Analysis(**plan))
    assert found["value"].tolist() == pytest.approx([1.0, expected, expected, np.nan, 5.0], nan_ok=True)
    filled = "imputed" if np.isfinite(expected) else None
    assert found["missing"].tolist() == ["", filled or "left", filled or "rule", "failed", ""]


def test_the_last_visit_stands_for_those_after() -> None:
    days, why = (7.0, 14.0, 28.0), (["", "", ""], ["", "left", "left"], ["left", "", ""])
    data = stacked(
        *(
            table("x", np.where(np.array(w) == "", [1.0, 2.0, 3.0], np.nan)[k : k + 1], 9.0, i, time=t, missing=w[k])
            for i, w in enumerate(why)
            for k, t in enumerate(days)
        )
    )
    e = endpoint("value", analysis="mmrm", visits=["7 d", "14 d"])
    assert completed(e, data, Analysis(missing="last"))["value"].tolist() == [1, 2, 3, 1, 1, 1, 9, 2, 3]


def test_events_are_never_made_up() -> None:
    data = table("x", [1.0, np.nan], exposure=100.0, missing=["", "left"])
    assert completed(endpoint("event_rate"), data, Analysis(missing="worst")) is data


def test_missing_values_are_counted() -> None:
    endpoints, population = tables("parallel")
    found = analyse(plain(missing="worst"), endpoints, population)
    assert arm(found, "resp")["missing"] == {"left": 0, "rule": 0, "undefined": 0, "failed": 0, "imputed": 5}
    assert arm(found, "resp")["n"] == 40
    assert arm(found, "mm")["missing"]["imputed"] == 5  # at the visit that is reported
    available = analyse(plain(), endpoints, population)
    assert arm(available, "resp")["missing"]["left"] == 5
    assert arm(available, "resp")["n"] == 35
    assert arm(available, "mm")["n"] == 35
    assert [v["n"] for v in arm(available, "mm")["visits"]] == [40, 35, 35]
    assert contrast(available, "resp")["n"] == 70


def test_adjusted_p_values() -> None:
    p = [0.01, 0.04, 0.03, np.nan, 0.005]
    holm = multipletests([0.01, 0.04, 0.03, 1.0, 0.005], method="holm")[1]
    holm[3] = np.nan
    assert adjusted(p, "holm") == pytest.approx(holm, nan_ok=True)
    assert adjusted(p, "hierarchical") == pytest.approx([0.01, 0.04, 0.04, np.nan, 1.0], nan_ok=True)
    assert np.isnan(adjusted(p, "none")).all()
    assert adjusted([], "holm") == []


def test_only_main_contrasts_of_primary_endpoints_are_adjusted() -> None:
    found = analyse(plain(primary=["pc", "resp"], multiplicity="holm"), *tables("parallel"))
    main = [c for c in found["contrasts"] if c["endpoint"] in ("pc", "resp") and c["measure"] != "odds_ratio"]
    expected = multipletests([c["p_value"] for c in main], method="holm")[1]
    assert [c["p_adjusted"] for c in main] == pytest.approx(expected, rel=1e-6)
    assert all(c["p_adjusted"] is None for c in found["contrasts"] if c not in main)


def test_the_first_endpoint_is_primary_unless_others_are_named() -> None:
    plan = protocol(ENDPOINTS, analysis={"multiplicity": "hierarchical"})
    found = analyse(plan, *tables("parallel"))
    assert {c["endpoint"] for c in found["contrasts"] if c["p_adjusted"] is not None} == {"pc"}


def test_parts_of_a_subgroup_are_those_patients() -> None:
    endpoints, population = tables("parallel")
    plan = protocol(
        ENDPOINTS,
        subgroup=[
            {"id": "sex", "on": "sex", "cuts": [0.5], "labels": ["men", "women"], "endpoint": "resp"},
            {"id": "crp", "on": "crp", "cuts": [200, 400], "unit": "ug/dL", "endpoint": "resp"},
            {"id": "nobody", "on": "age", "cuts": [500.0], "endpoint": "resp"},
        ],
    )
    found = analyse(plan, endpoints, population, UNITS)["subgroups"]
    assert [p["label"] for p in found[0]["parts"]] == ["men", "women"]
    assert [p["label"] for p in found[2]["parts"]] == ["< 200 ug/dL", "200 to < 400 ug/dL", ">= 400 ug/dL"]
    women = population.index[population["sex"] == 1]
    alone = analyse(protocol(ENDPOINTS), endpoints[endpoints["patient"].isin(women)], population)
    assert found[1]["parts"][1]["estimate"] == contrast(alone, "resp")["estimate"]
    low = population.index[population["screening.crp"] < 2.0]  # 200 ug/dL
    alone = analyse(protocol(ENDPOINTS), endpoints[endpoints["patient"].isin(low)], population)
    assert found[3]["parts"][0]["estimate"] == contrast(alone, "resp")["estimate"]
    assert found[4]["parts"][1] == {"label": ">= 500 year", "n": 0, "estimate": None, "ci_low": None, "ci_high": None}
    assert found[4]["p_interaction"] is None


def test_an_effect_that_depends_on_a_biomarker_is_found() -> None:
    endpoints, population = tables("parallel", n=100)
    logs = np.log(population["screening.crp"]).to_numpy()
    high = (endpoints["endpoint"] == "slope") & (endpoints["arm"] == "high")
    endpoints.loc[high, "value"] += 2.0 * logs[endpoints.loc[high, "patient"]]
    plan = protocol(
        ENDPOINTS, threshold=[{"biomarker": "crp", "endpoint": "slope", "values": [1.0, 5.0], "unit": "mg/L"}]
    )
    row = analyse(plan, endpoints, population, UNITS)["thresholds"][0]
    assert row["p_interaction"] < 1e-6
    assert [c["threshold"] for c in row["curve"]] == [1.0, 5.0]
    assert row["curve"][1]["estimate"] > row["curve"][0]["estimate"] + 1.0
    assert row["curve"][1]["share"] == pytest.approx((population["screening.crp"] >= 5.0).mean(), rel=1e-7)


def test_baseline_table() -> None:
    endpoints, population = tables("parallel")
    rows = analyse(plain(), endpoints, population, UNITS, DESCRIBED)["baseline"]
    assert [(r["name"], r["kind"]) for r in rows] == [
        ("age", "continuous"), ("sex", "binary"), ("rs1", "genotype"), ("screening.crp", "continuous"),
        ("baseline.crp", "continuous"),
    ]  # fmt: skip
    assert rows[3]["label"] == "crp at screening"
    here = population.loc[population["arm"] == "low"]
    age, sex, alleles = (next(a for a in r["arms"] if a["name"] == "low") for r in rows[:3])
    assert age["mean"] == pytest.approx(here["age"].mean())
    assert age["sd"] == pytest.approx(here["age"].std())
    assert age["share"] is None
    assert sex["share"] == pytest.approx(here["sex"].mean())
    assert alleles["share"] == pytest.approx((here["rs1"] > 0).mean())
    twins = analyse(plain("twins"), *tables("twins"), UNITS, DESCRIBED)["baseline"]
    assert [a["name"] for a in twins[0]["arms"]] == ["all"]
    # An assay reports a drug that nobody was given yet as half its limit.
    more = population.assign(**{"baseline.canakinumab": 0.05})
    assert analyse(plain(), endpoints, more, UNITS, DESCRIBED)["baseline"] == rows


def test_failed_patients_are_nowhere() -> None:
    endpoints, population = tables("parallel")
    broken = endpoints["patient"] == 7
    endpoints.loc[broken, ["value", "missing"]] = [np.nan, "failed"]
    found = analyse(plain(missing="worst"), endpoints, population)
    assert found["arms"][0]["n"] == 39
    assert arm(found, "resp")["missing"]["failed"] == 1
    assert arm(found, "resp")["n"] == 39


@pytest.mark.parametrize("design", ["parallel", "twins"])
def test_a_trial_of_one_arm_and_one_of_nobody(design: str) -> None:
    endpoints, population = tables(design)
    plan = protocol(ENDPOINTS, arms=("placebo",), design=design, threshold=[{"biomarker": "crp"}])
    one = endpoints["arm"] == "placebo"
    found = analyse(plan, endpoints[one], population[: one.sum()])
    assert found["contrasts"] == found["thresholds"] == []
    assert arm(found, "slope")["n"] == 40
    empty = analyse(whole(design), endpoints[:0], population[:0], UNITS, DESCRIBED)
    assert arm(empty, "slope")["estimate"] is None
    assert contrast(empty, "slope")["estimate"] is None
    json.dumps(empty, allow_nan=False)
