"""Error rates of the analyses when there is nothing to find, and coverage when there is: many simulated trials."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from statistics_tools import endpoint, table

from leukinetics.trial.statistics.compare import compare, interaction
from leukinetics.trial.statistics.rows import rows_of

TRIALS = 600
WITHIN = 3.3  # standard errors of a simulated rate: exceeded once in 1,000

pytestmark = pytest.mark.slow


def near(count: int, trials: int, rate: float, slack: float) -> bool:
    return abs(count / trials - rate) < WITHIN * np.sqrt(rate * (1 - rate) / trials) + slack


def percent(rng: np.random.Generator, n: int, effect: float) -> pd.DataFrame:
    b = rng.lognormal(1.0, 0.8, n)
    return table("x", 100 * (b**-0.3 * rng.lognormal(effect, 0.6, n) - 1), b)


def value(rng: np.random.Generator, n: int, effect: float) -> pd.DataFrame:
    b = rng.normal(5.0, 1.0, n)
    return table("x", 0.6 * b + rng.normal(effect, 1.0, n), b)


def responds(rng: np.random.Generator, n: int, effect: float) -> pd.DataFrame:
    return table("x", rng.random(n) < 0.3 + effect)


def events(rng: np.random.Generator, n: int, effect: float) -> pd.DataFrame:
    days = rng.uniform(200.0, 365.0, n)
    return table("x", rng.poisson(rng.gamma(2.0, 0.5, n) * np.exp(effect) * 2 * days / 365.25), exposure=days)


def times(rng: np.random.Generator, n: int, effect: float) -> pd.DataFrame:
    t = np.ceil(rng.exponential(100.0 * np.exp(-effect), n) / 7) * 7
    return table("x", np.minimum(t, 182.0), censored=t > 182.0)


Draw = Callable[[np.random.Generator, int, float], pd.DataFrame]
# kind, how patients are drawn, patients per arm, effect, what the interval is to cover, slack of methods that are
# approximate at this size (likelihood theory with estimated dispersion; a discrete outcome)
CASES: list[tuple[str, Draw, int, float, float, float]] = [
    ("percent_change", percent, 15, -0.4, 100 * (np.exp(-0.4) - 1), 0.0),
    ("value", value, 10, 0.7, 0.7, 0.0),
    ("responder", responds, 60, 0.2, 0.2, 0.01),
    ("event_rate", events, 80, -0.4, np.exp(-0.4), 0.015),
    ("time_to_event", times, 60, 0.4, np.exp(0.4), 0.01),
]
NAMES = [c[0] for c in CASES]


@pytest.mark.parametrize(("kind", "draw", "n", "effect", "truth", "slack"), CASES, ids=NAMES)
def test_false_positives_and_coverage(kind: str, draw: Draw, n: int, effect: float, truth: float, slack: float) -> None:
    rng, e = np.random.default_rng(1), endpoint(kind)
    trials = TRIALS // 2 if kind == "time_to_event" else TRIALS  # which takes ten times as long
    rejected = inside = 0
    for _ in range(trials):
        none = compare(e, draw(rng, n, 0.0), draw(rng, n, 0.0), design="parallel")[0]
        rejected += none["p_value"] < 0.05
        some = compare(e, draw(rng, n, effect), draw(rng, n, 0.0), design="parallel")[0]
        inside += some["ci_low"] <= truth <= some["ci_high"]
    assert near(rejected, trials, 0.05, slack), rejected / trials
    assert near(inside, trials, 0.95, slack), inside / trials


@pytest.mark.parametrize("kind", ["value", "responder", "event_rate", "time_to_event"])
def test_false_positives_of_twins(kind: str) -> None:
    """Both arms of a patient share much; a test that took them for other people would find too little."""
    rng, e, n = np.random.default_rng(2), endpoint(kind), 80
    rejected, trials = 0, TRIALS // 2
    for _ in range(trials):
        person = rng.normal(size=n)
        parts = []
        for _arm in range(2):
            if kind == "value":
                parts.append(table("x", person + rng.normal(0.0, 0.4, n)))
            elif kind == "responder":
                parts.append(table("x", rng.random(n) < 1 / (1 + np.exp(-2 * person))))
            elif kind == "event_rate":
                parts.append(table("x", rng.poisson(2.0 * np.exp(person)), exposure=365.0))
            else:
                t = np.ceil(rng.exponential(100.0 * np.exp(person)) / 7) * 7
                parts.append(table("x", np.minimum(t, 182.0), censored=t > 182.0))
        rejected += compare(e, *parts, design="twins")[0]["p_value"] < 0.05
    if kind == "responder":  # McNemar's exact test keeps below its level
        assert 0.01 < rejected / trials < 0.05
    else:
        assert near(rejected, trials, 0.05, 0.01), rejected / trials


@pytest.mark.parametrize(("kind", "draw"), [(c[0], c[1]) for c in CASES], ids=NAMES)
def test_false_positives_of_interactions(kind: str, draw: Draw) -> None:
    """An effect that is the same for all, and a biomarker that has nothing to do with it."""
    rng, e, n = np.random.default_rng(3), endpoint(kind), 100
    rejected, trials = 0, TRIALS // 2
    for _ in range(trials):
        both = pd.concat([draw(rng, n, x).assign(arm=a) for a, x in (("control", 0.0), ("treated", 0.2))])
        rows = rows_of(e, both, ["control", "treated"])
        p = interaction(e, rows, rng.normal(size=(2 * n, 1)), twins=False)
        assert p is not None
        rejected += p < 0.05
    assert near(rejected, trials, 0.05, 0.015), rejected / trials
