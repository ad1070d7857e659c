"""Predicted benefit: weights against exact answers, parts of the spread, refusals."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

from leukinetics.assays import assay_for, measure
from leukinetics.cohort.subtype.assumptions import Terms, assumptions
from leukinetics.cohort.subtype.benefit import predict, predict_rows
from leukinetics.cohort.subtype.further import explained
from leukinetics.cohort.subtype.noise import Noise, log_interval, noise_of
from leukinetics.cohort.subtype.rows import Rows
from leukinetics.cohort.subtype.spread import by_draw, split
from leukinetics.cohort.subtype.virtual import VirtualPatients
from leukinetics.cohort.subtype.weights import weights
from leukinetics.cohort.values import Censored
from leukinetics.errors import DataError

# A population with exact answers: ln x ~ N(MEAN, SPREAD²), a second marker that goes with it, b = 1 + SLOPE ln x + e.
MEAN, SPREAD, SLOPE, OWN, LUCK = 0.5, 0.8, 2.0, 0.6, 0.4


NOISE = 0.5


def normal_people(
    n: int = 40_000, draws: int = 0, between: float = 0.0, shift: float = 0.0, lives: int = 1, seed: int = 1
) -> VirtualPatients:
    """``draws``: as many sets; their intercepts have SD ``between``, their means of ln x SD ``shift``."""
    rng = np.random.default_rng(seed)
    parts = []
    for part, k in [("fitted", 1), ("all", draws)]:
        for d in range(k):
            a, m = (rng.normal(0, between), rng.normal(0, shift)) if part == "all" else (0.0, 0.0)
            person = np.repeat(np.arange(n // lives), lives)
            count = len(person)
            x = np.repeat(rng.normal(MEAN + m, SPREAD, n // lives), lives)
            own = np.repeat(rng.normal(0, OWN, n // lives), lives)
            benefit = 1 + a + SLOPE * x + own + (rng.normal(0, LUCK, count) if lives > 1 else 0.0)
            table = {
                "part": part, "draw": d if part == "all" else -1, "person": person, "reference": 0.0,
                "treated": benefit, "benefit": benefit, "marker.crp": np.exp(x),
                "marker.il6": np.exp(0.7 * x + rng.normal(0, 0.3, count)), "known.age": 40 + 10 * own,
                "known.sex": (person % 2).astype(float),
            }  # fmt: skip
            parts.append(pd.DataFrame(table).assign(mean=MEAN + m, intercept=1 + a))
    noise = {"crp": Noise("ln", NOISE), "il6": Noise("ln", NOISE)}
    return VirtualPatients(
        table=pd.concat(parts, ignore_index=True), markers=("crp",), further=("il6",), noise=noise,
        units={"crp": "mg/L", "il6": "pg/mL"}, unit="points", worth=2.0, chance=lives > 1,
    )  # fmt: skip


def test_a_measurement_gives_the_posterior_of_the_normal_model() -> None:
    virtual = normal_people()
    y = math.log(4.0)
    v = 1 / (1 / SPREAD**2 + 1 / NOISE**2)
    m = v * (MEAN / SPREAD**2 + y / NOISE**2)
    sd = math.sqrt(SLOPE**2 * v + OWN**2)
    found = predict(virtual, {"crp": (4.0, 4.0)})
    told = found["benefit"]
    assert told["estimate"] == pytest.approx(1 + SLOPE * m, abs=4 * told["error"])
    assert told["error"] < 0.02
    assert told["sd"] == pytest.approx(sd, rel=0.03)
    assert told["ci_low"] == pytest.approx(1 + SLOPE * m - 1.96 * sd, abs=0.1)
    assert told["ci_high"] == pytest.approx(1 + SLOPE * m + 1.96 * sd, abs=0.1)
    assert told["p_worth"] == pytest.approx(stats.norm.sf((2 - 1 - SLOPE * m) / sd), abs=0.02)
    # Nothing is known of the model beyond the fitted values: all is the patient's.
    assert found["split"]["sd_parameters"] == 0.0
    assert found["split"]["sd_patient"] == pytest.approx(sd, rel=0.03)
    before = SLOPE**2 * SPREAD**2 + OWN**2
    assert found["assumptions"]["told"] == pytest.approx(1 - sd**2 / before, abs=0.03)
    assert found["markers"][0]["share_below"] == pytest.approx(
        stats.norm.cdf((y - MEAN) / math.hypot(SPREAD, NOISE)), abs=0.02
    )


@pytest.mark.parametrize(("low", "high"), [(0.0, 0.8), (3.0, math.inf), (1.0, 2.0)])
def test_a_censored_measurement_gives_the_integral(low: float, high: float) -> None:
    virtual = normal_people()
    a, b = (math.log(v) if v > 0 else -math.inf for v in (low, high))

    def moment(power: int) -> float:
        def f(x: float) -> float:
            likelihood = stats.norm.cdf((b - x) / NOISE) - stats.norm.cdf((a - x) / NOISE)
            return float((1 + SLOPE * x) ** power * likelihood * stats.norm.pdf(x, MEAN, SPREAD))

        return float(integrate.quad(f, MEAN - 8 * SPREAD, MEAN + 8 * SPREAD)[0])

    exact = moment(1) / moment(0)
    told = predict(virtual, {"crp": (low, high)}, detail=False)["benefit"]
    assert told["estimate"] == pytest.approx(exact, abs=4 * told["error"])
    assert told["error"] < 0.05
    sd = math.sqrt(moment(2) / moment(0) - exact**2 + OWN**2)
    assert told["sd"] == pytest.approx(sd, rel=0.03)


def test_missing_markers_are_left_out_and_units_converted() -> None:
    virtual = normal_people(4000)
    crp = Censored(np.array([0.4, np.nan, 0.0]), np.array([0.4, np.nan, 0.08]), np.full(3, 0.01), "mg/dL", "crp")
    rows = predict_rows(virtual, {"crp": crp}, {"age": [np.nan, np.nan, 45.0]})
    assert rows[0] == predict(virtual, {"crp": (4.0, 4.0)}, detail=False)
    assert rows[1]["benefit"] == predict(virtual, {}, detail=False)["benefit"]
    assert "nothing is known" in rows[1]["note"]
    assert rows[2]["benefit"] == predict(virtual, {"crp": (0.0, 0.8)}, {"age": 45.0}, detail=False)["benefit"]
    with pytest.raises(DataError, match="one row per patient"):
        predict_rows(virtual, {"crp": crp}, {"age": [1.0]})


def test_covariates_count_by_a_kernel() -> None:
    virtual = normal_people()
    # age = 40 + 10 own: known up to a fifth of its SD, so own is shrunk by 1/(1 + 0.04).
    told = predict(virtual, {}, {"age": 52.0}, detail=False)["benefit"]
    assert told["estimate"] == pytest.approx(1 + SLOPE * MEAN + 1.2 / 1.04, abs=4 * told["error"])
    one = predict(virtual, {}, {"sex": 1.0}, detail=False)
    assert one["effective"] == pytest.approx(len(virtual.table) / 2)
    with pytest.raises(DataError, match="no covariate"):
        predict(virtual, {}, {"agee": 52.0})
    with pytest.raises(DataError, match="no marker"):
        predict(virtual, {"il6": (1.0, 1.0)})


def test_draws_have_the_posterior_weight_of_what_was_measured() -> None:
    virtual = normal_people(4000, draws=40, between=0.7, shift=0.6)
    y = math.log(6.0)
    own = virtual.table[virtual.table["part"] == "all"].drop_duplicates("draw")
    means, intercepts = own["mean"].to_numpy(), own["intercept"].to_numpy()
    p = stats.norm.pdf(y, means, math.hypot(SPREAD, NOISE))
    p /= p.sum()
    v = 1 / (1 / SPREAD**2 + 1 / NOISE**2)
    answers = intercepts + SLOPE * v * (means / SPREAD**2 + y / NOISE**2)
    found = predict(virtual, {"crp": (6.0, 6.0)}, detail=False)
    exact = float(p @ answers)
    assert found["benefit"]["estimate"] == pytest.approx(exact, abs=4 * found["benefit"]["error"])
    spread = math.sqrt(float(p @ (answers - exact) ** 2) / (1 - float((p**2).sum())))
    assert found["split"]["sd_parameters"] == pytest.approx(spread, rel=0.08)
    assert found["split"]["sd_patient"] == pytest.approx(math.sqrt(SLOPE**2 * v + OWN**2), rel=0.04)
    shares = [found["split"][f"share_{k}"] for k in ("parameters", "patient", "chance")]
    assert sum(shares) == pytest.approx(1.0)


def test_few_people_in_a_draw_do_not_pass_for_uncertain_parameters() -> None:
    virtual = normal_people(300, draws=60)
    found = predict(virtual, {"crp": (4.0, 4.0)}, detail=False)
    # The draws' means scatter by 1.2/sqrt(effective), some 0.09, though nothing is uncertain.
    assert found["split"]["share_parameters"] < 0.005


def test_lives_tell_chance_from_the_patient() -> None:
    found = predict(normal_people(40_000, lives=2), {"crp": (4.0, 4.0)}, detail=False)["split"]
    v = 1 / (1 / SPREAD**2 + 1 / NOISE**2)
    assert found["sd_chance"] == pytest.approx(LUCK, rel=0.04)
    assert found["sd_patient"] == pytest.approx(math.sqrt(SLOPE**2 * v + OWN**2), rel=0.04)


def test_without_pairs_of_lives_chance_is_not_told() -> None:
    virtual = normal_people(2000, lives=2)
    virtual = replace(virtual, table=virtual.table.drop_duplicates("person"))
    found = predict(virtual, {"crp": (4.0, 4.0)}, detail=False)["split"]
    assert found["sd_chance"] is None
    assert "too few people have two lives" in found["note"]


def test_too_few_people_like_the_patient_is_refused() -> None:
    found = predict(normal_people(4000), {"crp": (400.0, 400.0)})
    assert all(v is None for v in found["benefit"].values())
    assert found["split"] is None
    assert found["effective"] < 50
    assert re_all(found["note"], "not estimated", "effective", "crp", "units")
    nobody = predict(normal_people(200), {}, {"sex": 3.0})
    assert nobody["effective"] == 0.0
    assert "not estimated" in nobody["note"]


def re_all(text: str, *words: str) -> bool:
    return all(word in text for word in words)


def test_what_rests_on_assumptions() -> None:
    # f = A + B, of which A is assumed: half of the variance, or a fifth.
    for weight, share in ((1.0, 0.5), (0.5, 0.2)):
        rng = np.random.default_rng(3)
        n, people = 300, 20
        a, b = weight * rng.normal(size=n), rng.normal(size=n)
        noise = rng.normal(size=people)

        def means(shift: np.ndarray, noise: np.ndarray = noise, people: int = people) -> list[Any]:
            rows = pd.concat(
                pd.DataFrame({"draw": d, "person": np.arange(people), "benefit": m + noise})
                for d, m in enumerate(shift)
            )
            return list(by_draw(weights(np.zeros(len(rows))), Rows(rows), 5.0).values())

        drawn, mixed = means(a + b), means(np.roll(a, -1) + b)
        both = [np.var(v, ddof=1) for v in (a + b, np.roll(a, -1) + b)]
        there = 0.5 * ((a - np.roll(a, -1)) ** 2).mean() / np.mean(both)
        assert Terms.of(drawn, mixed).index(np.arange(n)) == pytest.approx(there, rel=1e-6)
        assert there == pytest.approx(share, abs=0.1)
        virtual = replace(normal_people(100), origins={"p": {"kind": "assumed"}, "q": {"kind": "measured"}})
        told = assumptions(virtual, dict(enumerate(drawn)), dict(enumerate(mixed)), [])
        assert told["ci_low"] < share < told["ci_high"]
        assert (told["assumed"], told["uncertain"]) == (1, 2)
    assert assumptions(virtual, dict(enumerate(drawn)), None, [])["share"] is None


def test_a_few_draws_far_out_do_not_make_all_of_it_assumptions() -> None:
    # Answers are skewed: f = exp(A + B). The variance of both sets of draws keeps the share near the truth.
    rng = np.random.default_rng(4)
    shares, alone = [], []
    for _ in range(400):
        a, b = rng.normal(0, 0.5, 60), rng.normal(0, 0.5, 60)
        f, g = np.exp(a + b), np.exp(np.roll(a, -1) + b)
        one, square = np.ones(60), (f - g) ** 2
        shares.append(Terms(one, f, g, 0 * one, square).index(np.arange(60)))
        alone.append(min(0.5 * float(square.mean()) / float(f.var(ddof=1)), 1.0))
    v = 0.25
    truth = 1 - (math.exp(v) - 1) / (math.exp(2 * v) - 1)  # 1 - Var(E[f | B]) / Var(f)
    assert np.mean(shares) == pytest.approx(truth, abs=0.03)
    assert np.mean((np.array(shares) - truth) ** 2) < 0.6 * np.mean((np.array(alone) - truth) ** 2)


def test_a_further_measurement_takes_away_what_it_explains() -> None:
    rng = np.random.default_rng(5)
    z = rng.normal(size=40_000)
    b = 0.6 * z + 0.8 * rng.normal(size=len(z))
    even = weights(np.zeros(len(z)))
    # Eight bins of a normal hold 1 - within = 0.96 of its variance.
    assert explained(z, b, even) == pytest.approx(0.36 * 0.96, abs=0.02)
    assert explained(rng.normal(size=len(z)), b, even) < 0.001
    few = weights(np.where(np.arange(len(z)) < 60, 0.0, -math.inf))
    assert np.mean([explained(rng.normal(size=len(z)), b, few) for _ in range(50)]) < 0.06
    assert math.isnan(explained(z, np.ones(len(z)), even))
    found = predict(normal_people(), {"crp": (4.0, 4.0)})["narrowing"]["measurements"]
    assert [(r["marker"], r["again"]) for r in found] == [("crp", True), ("il6", False)]
    # A second sample of crp: the variance of ln x falls from v to 1/(1/v + 1/NOISE²).
    v = 1 / (1 / SPREAD**2 + 1 / NOISE**2)
    left = 1 / (1 / v + 1 / NOISE**2)
    share = SLOPE**2 * (v - left) / (SLOPE**2 * v + OWN**2)
    assert found[0]["share"] == pytest.approx(0.96 * share, abs=0.03)


def test_the_noise_is_that_of_the_assays() -> None:
    for name, true, low, high in (("crp", 0.2, 0.0, 0.16), ("hamd17", 20.0, 17.0, 17.0), ("gd_lesions", 1.3, 2.0, 2.0)):
        assay = assay_for(name)
        found = measure(np.full((40_000, 1), true), assay, 1, [0.0])
        seen = found.numbers(0.5)[:, 0]
        share = float(((seen >= low) & (seen <= high)).mean()) if low else float(found.blq.mean())
        exact = math.exp(float(noise_of(assay).log_probability(np.array([true]), low, high)[0]))
        assert exact == pytest.approx(share, abs=0.01)
        rng = np.random.default_rng(1)
        again = noise_of(assay).sampled(np.full(40_000, true), rng)
        seen_again = (again < high) if low == 0 else (again == low)
        assert float(seen_again.mean()) == pytest.approx(share, abs=0.012)


def test_probabilities_of_measurements() -> None:
    noise = Noise("ln", 0.5)
    true = np.array([0.5, 2.0, 30.0])
    z = (math.log(3.0) - np.log(true)) / 0.5
    assert noise.log_probability(true, 3.0, 3.0) == pytest.approx(stats.norm.logpdf(z) - math.log(0.5))
    assert noise.log_probability(true, 0.0, 3.0) == pytest.approx(stats.norm.logcdf(z))
    assert noise.log_probability(true, 3.0, math.inf) == pytest.approx(stats.norm.logsf(z))
    assert noise.log_probability(np.array([0.0]), 3.0, 3.0)[0] < -1e5
    edss = Noise("sd", 0.5, step=0.5, floor=0.0, ceiling=10.0)
    scale = sum(np.exp(edss.log_probability(np.array([3.1]), v, v)[0]) for v in np.arange(0, 10.5, 0.5))
    assert scale == pytest.approx(1.0)
    count = Noise("poisson", 0.0)
    assert count.log_probability(np.array([2.0]), 3.0, 3.0)[0] == pytest.approx(stats.poisson.logpmf(3, 2.0))
    assert count.log_probability(np.array([2.0]), 0.0, 2.0)[0] == pytest.approx(stats.poisson.logcdf(1, 2.0))
    assert count.log_probability(np.array([2.0]), 2.0, math.inf)[0] == pytest.approx(stats.poisson.logsf(1, 2.0))
    assert np.isneginf(count.log_probability(np.array([2.0]), 2.5, 2.5)[0])
    # Far out the digits are there, in either tail.
    assert log_interval(np.array([30.0]), np.array([31.0]))[0] == pytest.approx(stats.norm.logsf(30.0), rel=1e-12)
    assert log_interval(np.array([-31.0]), np.array([-30.0]))[0] == pytest.approx(stats.norm.logsf(30.0), rel=1e-12)
    with pytest.raises(DataError, match="without any error"):
        Noise("sd", 0.0).log_probability(true, 1.0, 1.0)
    assert noise_of(assay_for("crp"), "ln 0.6").size == 0.6
    with pytest.raises(DataError, match="scales"):
        noise_of(assay_for("crp"), "logit 0.3")


def test_weights_and_their_quantiles() -> None:
    w = weights(np.log([1.0, 1.0, 2.0]))
    assert w.w == pytest.approx([0.25, 0.25, 0.5])
    assert w.effective == pytest.approx(1 / 0.375)
    assert w.mean(np.array([1.0, 2.0, 4.0])) == 2.75
    assert w.quantiles(np.array([1.0, 2.0, 4.0]), np.array([0.125, 0.75])) == pytest.approx([1.0, 4.0])
    assert weights(np.array([-math.inf, -math.inf])).effective == 0.0
    # The log-likelihood's level does not matter.
    assert weights(np.array([-5000.0, -5001.0])).w[0] == pytest.approx(1 / (1 + math.exp(-1)))
    even = weights(np.zeros(10))
    assert even.variance(np.arange(10.0)) == pytest.approx(np.var(np.arange(10.0), ddof=1))


def test_split_of_nobody() -> None:
    rows = pd.DataFrame({"draw": [0, 1], "person": [0, 1], "benefit": [1.0, 2.0]})
    w = weights(np.zeros(2))
    assert split(w, Rows(rows), {}, True).draws == 0


def test_intervals_hold_the_truth_of_other_people() -> None:
    """300 people who are none of the virtual patients, measured once with an assay whose limit a third are below."""
    virtual = normal_people(6000)
    rng = np.random.default_rng(99)
    x = rng.normal(MEAN, SPREAD, 300)
    truth = 1 + SLOPE * x + rng.normal(0, OWN, 300)
    crp = Censored.of(np.exp(x + rng.normal(0, NOISE, 300)), 1.1, "mg/L", "crp")
    rows = predict_rows(virtual, {"crp": crp})
    inside = sum(r["benefit"]["ci_low"] <= t <= r["benefit"]["ci_high"] for r, t in zip(rows, truth, strict=True))
    assert stats.binomtest(inside, 300, 0.95).pvalue > 0.005
    worth = np.array([r["benefit"]["p_worth"] for r in rows])
    assert float((truth >= 2).mean()) == pytest.approx(worth.mean(), abs=0.06)
    estimates = np.array([r["benefit"]["estimate"] for r in rows])
    # Unbiased at both ends: the predicted benefit is what people like these gain.
    slope = np.polyfit(estimates, truth, 1)[0]
    assert slope == pytest.approx(1.0, abs=0.12)
