"""What would narrow an answer: shares of variances that are known, and their errors."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from fake_assembly import fake_assembly
from scipy.stats import spearmanr

from leukinetics import trial
from leukinetics.patients import draws
from leukinetics.trial.studies import uncertainty
from leukinetics.trial.studies.narrowing import narrowing


def made_up(n: int, seed: int, slopes: list[float], idle: int = 0) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((len(slopes) + idle, n))
    names = [f"p{i}" for i in range(len(x))]
    return np.array(slopes) @ x[: len(slopes)], dict(zip(names, x, strict=True))


def of(y: Any, x: Any, others: Any = (), noise: float | None = None, seed: int = 1) -> dict[str, Any]:
    found = narrowing(list(y), x, others, noise, seed)
    assert found is not None
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    return found


def test_the_shares_of_a_sum_are_those_of_its_variances() -> None:
    y, x = made_up(4000, 1, [3.0, -2.0, 1.0], idle=5)
    found = of(y, x)
    rows = {r["name"]: r for r in found["parameters"]}
    for name, share in (("p0", 9 / 14), ("p1", 4 / 14), ("p2", 1 / 14)):
        # Of normal variables the correlation of ranks is (6/pi) asin(r/2).
        r = 6 / math.pi * math.asin(math.sqrt(share) / 2)
        assert rows[name]["share"] == pytest.approx(r**2, abs=0.03)
        assert rows[name]["p_adjusted"] < 0.01
    assert [r["name"] for r in found["parameters"][:3]] == ["p0", "p1", "p2"]
    assert rows["p1"]["rho"] < 0 < rows["p0"]["rho"]
    assert all(rows[f"p{i}"]["share"] < 0.005 and rows[f"p{i}"]["p_adjusted"] > 0.05 for i in range(3, 8))
    assert found["together"] == pytest.approx(1.0, abs=0.05)
    assert rows["p0"]["rho"] == pytest.approx(spearmanr(x["p0"], y).statistic)


def test_a_monotonic_curve_does_not_matter() -> None:
    y, x = made_up(200, 2, [1.0, 1.0])
    straight, bent = of(y, x), of(np.exp(3 * y), {k: np.exp(v) for k, v in x.items()})
    assert straight == bent


def test_nothing_seems_to_matter_more_often_than_5_percent_where_nothing_does() -> None:
    rng = np.random.default_rng(3)
    hits, shares = 0, []
    for i in range(100):
        x = {f"p{j}": rng.standard_normal(25) for j in range(60)}
        found = of(rng.standard_normal(25), x, seed=i)
        hits += found["parameters"][0]["p_adjusted"] < 0.05
        shares += [r["share"] for r in found["parameters"]]
        assert found["parameters"][0]["share"] >= found["visible"] or found["parameters"][0]["p_adjusted"] >= 0.05
        assert (found["together"] is None) == all(r["p_adjusted"] >= 0.05 for r in found["parameters"])
    assert hits <= 12  # P(more of 100 at 5 %) is 0.002
    assert max(shares) > 0.2  # which is why the test is there


def test_the_interval_holds_the_share() -> None:
    held = 0
    truth = (6 / math.pi * math.asin(math.sqrt(0.5) / 2)) ** 2
    for i in range(200):
        y, x = made_up(40, 100 + i, [1.0, 1.0])
        row = next(r for r in of(y, x)["parameters"] if r["name"] == "p0")
        held += row["share_low"] <= truth <= row["share_high"]
    assert 180 <= held <= 198


def test_other_results_are_told_with_their_own_draws() -> None:
    y, x = made_up(60, 5, [1.0, 1.0])
    early = [None if i % 7 == 0 else float(v) for i, v in enumerate(y)]
    others = [
        {"what": "effect", "endpoint": "early", "arm": "a", "effects": early},
        {"what": "level", "endpoint": "flat", "arm": "b", "effects": [1.0] * 60},
        {"what": "level", "endpoint": "rare", "arm": "b", "effects": [*range(9), *[None] * 51]},
    ]
    found = of(y, x, others, noise=1.7)
    (row,) = found["measurements"]
    assert (row["what"], row["endpoint"], row["arm"], row["share"]) == ("effect", "early", "a", pytest.approx(1.0))
    assert found["noise"] == 1.0


def test_few_draws_and_effects_that_are_the_same_tell_nothing() -> None:
    y, x = made_up(9, 6, [1.0])
    assert narrowing(list(y), x, [], None, 1) is None
    assert narrowing([1.0] * 30, made_up(30, 6, [1.0])[1], [], None, 1) is None
    assert narrowing([None] * 30, made_up(30, 6, [1.0])[1], [], None, 1) is None
    y, _ = made_up(30, 6, [1.0])
    nothing = of(y, {"constant": np.ones(30)})
    assert (nothing["tested"], nothing["parameters"], nothing["visible"], nothing["together"]) == (0, [], None, None)


def prepared(**more: Any) -> Any:
    dose = {"drug": "mab", "amount": "5 mg", "route": "iv", "every": "4 weeks"}
    given = {
        "trial": {"name": "t", "condition": "inflamed", "duration": "8 weeks", "patients_per_arm": 20, "seed": 3},
        "arm": [{"name": "placebo"}, {"name": "iv", "dose": [dose]}],
        "endpoint": [
            {"id": "crp", "observable": "crp", "kind": "percent_change", "at": "8 weeks"},
            {"id": "level", "observable": "mab", "kind": "value", "at": "8 weeks"},
            {"id": "end", "observable": "crp", "kind": "value", "at": "8 weeks"},
        ],
        "uncertainty": {"draws": 40, "patients": 12},
        **more,
    }
    return trial.prepare(given, assembly=fake_assembly())


def test_a_trial_says_what_would_narrow_its_effects() -> None:
    ready = prepared()
    found = uncertainty(ready)
    crp, level, end = (c["narrowing"] for c in found["contrasts"])
    assert crp["draws"] == 40
    assert crp["tested"] == draws(ready.assembly, 2, 1).shape[1]
    top = crp["parameters"][0]
    assert (top["name"], top["kind"], top["unit"]) == ("KD", "calibrated", "ug/L")
    assert top["p_adjusted"] < 0.01
    assert top["low"] < top["value"] < top["high"]
    # A level is what clearance makes of the dose, and the effect on CRP does not show it.
    assert level["parameters"][0]["name"] == "mab_CL"
    assert level["parameters"][0]["rho"] < -0.9
    told = {(r["what"], r["endpoint"], r["arm"]) for r in crp["measurements"]}
    # Untreated CRP does not change, so there is nothing to know of it.
    assert told == {("effect", "level", "iv"), ("effect", "end", "iv"), ("level", "end", "placebo")}
    before = next(r for r in end["measurements"] if (r["what"], r["endpoint"]) == ("level", "end"))
    assert before["rho"] < -0.3  # the more CRP there is without the drug, the more of it can be taken away


def test_what_is_certain_narrows_nothing() -> None:
    ready = prepared()
    sure = uncertainty(ready, typical={"KD": 1.0})["contrasts"][0]["narrowing"]
    assert "KD" not in [r["name"] for r in sure["parameters"]]
    few = prepared(uncertainty={"draws": 6, "patients": 4})
    assert uncertainty(few)["contrasts"][0]["narrowing"] is None
