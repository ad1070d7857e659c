"""The trial under draws of what is uncertain, and whose doing the spread of its answer is."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fake_assembly import fake_assembly

from leukinetics import trial
from leukinetics.patients import draws
from leukinetics.trial.protocol import Endpoint
from leukinetics.trial.studies import question, uncertainty
from leukinetics.trial.studies import uncertainty as of_uncertainty
from leukinetics.trial.studies.question import on_scale, remembering, standard_error, steepness
from leukinetics.trial.studies.uncertainty import TOO_FEW, UNSOLVED, run_draws
from leukinetics.trial.studies.variance import Shares, error_of_trial, mean_correlation, shares, spread_of_effects

LEVEL = Endpoint(id="level", observable="mab", kind="value", at="1 d")


def table(values: np.ndarray, people: np.ndarray) -> pd.DataFrame:
    rows = {"time": 1.0, "baseline": math.nan, "exposure": math.nan, "censored": False, "missing": ""}
    return pd.DataFrame({"patient": people, "value": values}).assign(**rows)


# Effect of draw d in person i: E[d] + a[i] + b[d, i]. What people share of it over draws is a.
SD_EFFECT, SD_PERSON, SD_OWN, DRAWS, PEOPLE = 0.3, 1.0, 0.8, 8, 30


def estimated(rng: np.random.Generator, *, same: bool) -> float:
    """The variance of the effect that is found in a made-up trial, with the same people in all draws or others."""
    effects = SD_EFFECT * rng.standard_normal(DRAWS)
    person = SD_PERSON * rng.standard_normal((1 if same else DRAWS, PEOPLE)) * np.ones((DRAWS, 1))
    found, errors, parts = [], [], []
    for d in range(DRAWS):
        people = np.arange(PEOPLE) + (0 if same else d * PEOPLE)
        control, x = rng.standard_normal(PEOPLE), person[d] + SD_OWN * rng.standard_normal(PEOPLE)
        a, b = table(control + effects[d] + x, people), table(control, people)
        errors.append(x.std(ddof=1) / math.sqrt(PEOPLE))
        found.append(a["value"].mean() - b["value"].mean())
        parts.append(shares(LEVEL, a, b))
    together = mean_correlation(parts)
    # What is estimated without bias is the difference of variances, before it is cut at 0.
    raw = float(np.var(found, ddof=1)) - (1 - together) * float(np.mean(np.square(errors)))
    assert spread_of_effects(found, errors, together) == pytest.approx(math.sqrt(max(raw, 0.0)))
    return raw


@pytest.mark.parametrize("same", [True, False])
def test_the_split_finds_the_variance_of_the_effect(same: bool) -> None:
    rng = np.random.default_rng(1)
    found = np.array([estimated(rng, same=same) for _ in range(60)])
    error = found.std(ddof=1) / math.sqrt(len(found))
    # A mean correlation that is itself estimated from 30 people is a little low.
    assert abs(found.mean() - SD_EFFECT**2) < 3 * error + 0.08 * SD_EFFECT**2


def test_the_error_of_a_trial_is_scaled_to_its_size() -> None:
    assert spread_of_effects([1.0, 2.0, 3.0], [0.5, 0.5, 0.5], 1.0) == pytest.approx(1.0)
    assert spread_of_effects([1.0, 1.1], [5.0, 5.0], 0.0) == 0.0
    assert math.isnan(spread_of_effects([1.0], [1.0], 1.0))
    assert error_of_trial([0.5, math.nan, 0.5], 100, 400, 400) == pytest.approx(0.25)
    # Of means with SD 5: 5 sqrt(1/n1 + 1/n0).
    assert error_of_trial([5 * math.sqrt(2 / 100)], 100, 60, 20) == pytest.approx(5 * math.sqrt(1 / 60 + 1 / 20))
    assert math.isnan(error_of_trial([math.nan], 100, 400, 400))


def test_errors_of_the_same_people_go_together_and_those_of_others_do_not() -> None:
    rng = np.random.default_rng(0)
    x, y = (z - z.mean() for z in rng.standard_normal((2, 50)))
    one, other = Shares(np.arange(50), x), Shares(np.arange(50, 100), y)
    assert mean_correlation([one, one, one]) == pytest.approx(1.0)
    assert mean_correlation([one, other]) == 0.0
    assert mean_correlation([one, Shares(np.arange(50), -x)]) == 0.0
    assert mean_correlation([one, Shares(np.arange(50), y)]) == pytest.approx(max(np.corrcoef(x, y)[0, 1], 0.0))
    half = np.concatenate([x[:25], y[25:]])
    expected = (x * half).sum() / math.sqrt((x**2).sum() * (half**2).sum())
    assert mean_correlation([one, Shares(np.arange(50), half)]) == pytest.approx(expected)
    assert mean_correlation([]) == mean_correlation([one]) == 1.0


def test_parts_of_events_and_medians() -> None:
    rate = Endpoint(id="e", observable="crp", kind="event_rate", every="1 d")
    a = table(np.array([2.0, 0.0, 1.0]), np.arange(3)).assign(exposure=[10.0, 10.0, 5.0])
    b = table(np.array([3.0, 3.0, 0.0]), np.arange(3)).assign(exposure=[10.0, 20.0, 6.0])
    found = shares(rate, a, b)
    here = [(2 - 10 * 3 / 25) / 3, -10 * 3 / 25 / 3, (1 - 5 * 3 / 25) / 3]
    there = [(3 - 10 * 6 / 36) / 6, (3 - 20 * 6 / 36) / 6, -6 * 6 / 36 / 6]
    assert found.parts == pytest.approx(np.subtract(here, there))
    assert mean_correlation([found, shares(rate, b, a)]) == 0.0  # -1, which is less than nothing in common
    time = Endpoint(id="e", observable="crp", kind="time_to_event", every="1 d")
    times = table(np.array([2.0, 5.0, 5.0]), np.arange(3)).assign(censored=[False, True, True])
    never = times.assign(censored=True)
    assert shares(time, times, never).parts == pytest.approx([1 - 2 / 12, -5 / 12, -5 / 12])
    median = Endpoint(id="e", observable="crp", kind="value", at="1 d", statistic="median")
    values, none = table(np.array([1.0, 7.0, 3.0]), np.arange(3)), table(np.zeros(4), np.arange(4))
    found = shares(median, values, none)
    assert found.people.tolist() == [0, 1, 2]
    assert found.parts == pytest.approx([-1, 1, 0.0])  # quartiles 2 and 5


def test_scales() -> None:
    assert on_scale("percent_difference", -50.0) == pytest.approx(math.log(0.5))
    assert on_scale("hazard_ratio", 0.8) == pytest.approx(math.log(0.8))
    assert on_scale("difference", -3.0) == -3.0
    assert math.isnan(on_scale("ratio", -1.0))
    for measure, effect in (("percent_difference", -30.0), ("rate_ratio", 0.7), ("difference", 2.0)):
        h = 1e-6
        slope = 2 * h / (on_scale(measure, effect + h) - on_scale(measure, effect - h))
        assert steepness(measure, effect) == pytest.approx(slope, rel=1e-6)
    row = {"measure": "ratio", "ci_low": math.exp(-1.96), "ci_high": math.exp(1.96)}
    assert standard_error(row, 0.05) == pytest.approx(1.0, rel=1e-4)
    assert math.isnan(standard_error(row | {"ci_low": None}, 0.05))


def prepared(**more: Any) -> Any:
    dose = {"drug": "mab", "amount": "5 mg", "route": "iv", "every": "4 weeks"}
    head = {"name": "t", "condition": "inflamed", "duration": "8 weeks", "patients_per_arm": 200, "seed": 3}
    given = {
        "trial": head | more.pop("trial", {}),
        "arm": [{"name": "placebo"}, {"name": "iv", "dose": [dose]}],
        "endpoint": [
            {"id": "crp", "observable": "crp", "kind": "value", "at": "8 weeks", "noise": True},
            {"id": "level", "observable": "mab", "kind": "value", "at": "8 weeks"},
        ],
        "uncertainty": {"draws": 8, "patients": 24},
        **more,
    }
    return trial.prepare(given, assembly=fake_assembly())


@pytest.mark.parametrize("design", ["twins", "parallel"])
def test_each_draw_is_the_trial_with_its_values(design: str) -> None:
    ready = prepared(trial={"design": design}, eligibility={"crp": ">= 2 mg/L"})
    found = uncertainty(ready)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert (found["draws"], found["patients"], found["failed_draws"], found["failures"]) == (8, 24, 0, [])
    crp, level = found["contrasts"]
    assert (crp["endpoint"], crp["arm"], crp["reference"], crp["measure"]) == ("crp", "iv", "placebo", "difference")
    rows = draws(ready.assembly, 8, 3).to_dict("records")
    ready = prepared(eligibility={"crp": ">= 2 mg/L"}, trial={"patients_per_arm": 24})  # twins
    for k in (0, 5):
        alone = trial.run_candidates(ready, [rows[k]]).statistic("level", "mean", "iv", "placebo")[0]
        assert level["values"][k] == pytest.approx(alone, rel=1e-6)
    assert level["median"] == pytest.approx(np.median(level["values"]))
    assert [level["low"], level["high"]] == pytest.approx(np.quantile(level["values"], [0.025, 0.975]))
    total = crp["sd_parameters"] ** 2 + crp["sd_patients"] ** 2
    assert crp["share_parameters"] == pytest.approx(crp["sd_parameters"] ** 2 / total)


def test_the_larger_the_trial_the_more_its_error_is_that_of_the_parameters() -> None:
    small, large = (uncertainty(prepared(trial={"patients_per_arm": n}))["contrasts"][0] for n in (10, 4000))
    assert small["sd_parameters"] == large["sd_parameters"] > 0
    assert small["sd_patients"] == pytest.approx(20 * large["sd_patients"])
    assert small["share_parameters"] < 0.5 < 0.95 < large["share_parameters"]


def test_numbers_do_not_depend_on_batches_threads_or_what_was_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    ready = prepared(eligibility={"crp": ">= 2 mg/L"})
    whole = uncertainty(ready, threads=2)
    kept: dict[str, str] = {}
    told = []

    def keep(name: str, compute: Any) -> Any:
        if name not in kept:
            kept[name] = json.dumps(compute(), allow_nan=False)
        return json.loads(kept[name])

    monkeypatch.setattr(question, "MOST_ROWS", 3 * 48)
    assert uncertainty(ready, keep, threads=1, progress=lambda *now: told.append(now)) == whole
    assert len(kept) == 3
    assert [now[:2] for now in told] == [(0, 8), (3, 8), (6, 8), (8, 8)]
    last = sorted(kept)[-1]
    del kept[last]  # a run that was killed in the last part
    calls: list[int] = []
    module = __import__("sys").modules[run_draws.__module__]
    run = module.run_candidates
    monkeypatch.setattr(module, "run_candidates", lambda p, c, t: (calls.append(len(c)), run(p, c, t))[1])
    assert uncertainty(ready, keep) == whole
    assert calls == [2]
    assert uncertainty(ready, remembering(keep)) == whole


def test_draws_that_fail_are_counted_and_left_out() -> None:
    # Of 100 people for each place few have so much CRP; in some draws none of them are found.
    few = prepared(eligibility={"crp": ">= 15 mg/L"}, uncertainty={"draws": 8, "patients": 12})
    found = uncertainty(few)
    values = found["contrasts"][1]["values"]
    assert found["failures"] == [{"reason": TOO_FEW, "n": found["failed_draws"]}]
    assert 0 < found["failed_draws"] < 8
    assert values.count(None) == found["failed_draws"]
    assert found["contrasts"][1]["median"] == pytest.approx(np.median([v for v in values if v is not None]))
    none = uncertainty(prepared(eligibility={"weight": ">= 500 kg"}, uncertainty={"draws": 2, "patients": 4}))
    assert none["failed_draws"] == 2
    assert all(none["contrasts"][0][key] is None for key in ("measure", "median", "sd_parameters", "share_parameters"))


def test_a_draw_of_which_many_patients_cannot_be_simulated_fails() -> None:
    ready = prepared()
    found = uncertainty(ready, typical={"kloss": -1e6})  # levels grow beyond any number
    assert found["failed_draws"] == 8
    assert found["failures"] == [{"reason": UNSOLVED, "n": 8}]


def test_typical_values_that_are_given_are_certain() -> None:
    ready = prepared()
    everything = {key: 1.0 for key in draws(ready.assembly, 1, 1) if "effect" not in key and key != "share"}
    sure = uncertainty(ready, typical={**everything, "share": 0.5, "effect:rs1:crp_base": 0.0})
    assert all(c["sd_parameters"] == 0 for c in sure["contrasts"])
    assert len(set(sure["contrasts"][0]["values"])) == 1


def test_covariates_measured_at_time_0_are_there_in_the_draws() -> None:
    ready = prepared(analysis={"covariates": ["tnf", "weight"]})
    found = run_draws(ready)
    assert all(math.isfinite(c["error"]) for d in found for c in d["contrasts"])
    assert callable(of_uncertainty)
