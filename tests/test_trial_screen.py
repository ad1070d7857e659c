"""Screening: reasons in their order, plausible people, selection that does not depend on blocks."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from fake_assembly import fake_assembly
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri
from scipy.stats import ks_2samp, norm

from leukinetics import ProtocolError, trial
from leukinetics.trial.matching_summary import matching_summary
from leukinetics.trial.screen import UNSEEN, reasons, screen
from leukinetics.trial.selection import pilot_seed, selections

SHARE = [{"observable": "crp", "above": "> 3 mg/L", "share": 0.27, "source": "a study"}]


def prepared(population: dict[str, Any] | None = None, condition: dict[str, Any] | None = None, **more: Any) -> Any:
    protocol = {
        "trial": {"name": "x", "condition": "inflamed", "duration": "2 d", "patients_per_arm": 40, "seed": 5},
        "population": population or {},
        "arm": [{"name": "placebo"}],
        "endpoint": [{"id": "end", "observable": "tnf", "kind": "value", "at": "2 d"}],
        **more,
    }
    return trial.prepare(protocol, assembly=fake_assembly(**(condition or {})), rtol=1e-8)


def screened(ready: Any, n: int, chosen: Any = None, first: int = 0) -> Any:
    return screen(ready, [{}], np.arange(first, first + n), np.ones(1, dtype=bool), None, chosen)


def test_each_person_has_the_first_reason_that_applies() -> None:
    ready = prepared(
        {"plausible": {"crp": "0 to 8 mg/L", "weight": "> 50 kg"}, "weight": {"mean": 70, "sd": 15, "unit": "kg"}},
        eligibility={"weight": "< 90 kg", "crp": ">= 3 mg/L"},
    )
    texts = reasons(ready)
    assert texts == [
        "not a possible person", "not plausible: weight <= 50 kg", "not plausible: crp < 0 mg/L",
        "not plausible: crp > 8 mg/L", "weight < 90 kg not met", "crp >= 3 mg/L not met", "simulation failed",
        "not selected to match the population",
    ]  # fmt: skip
    found = screened(ready, 300)
    weight, read = found.columns["weight"][0], found.columns["screening.crp"][0]
    true = (found.columns["crp_base"] * found.columns["drive"])[0]  # the steady state
    expected = np.select(
        [weight <= 50, true > 8, weight >= 90, read < 3],
        [1 + texts.index(t) for t in (texts[1], texts[3], texts[4], texts[5])],
    )
    assert found.reason[0].tolist() == expected.tolist()
    assert set(expected) == {0, 2, 4, 5, 6}
    assert (found.eligible[0] == (expected == 0)).all()
    assert np.isnan(read[weight <= 50]).all()  # nobody measures who does not exist


def test_a_person_who_cannot_be_is_left_out_and_a_candidate_that_wants_nobody_passed_over() -> None:
    ready = prepared(
        {"weight": {"median": 70, "ln": 0.2, "unit": "kg"}, "height": {"mean": 175, "sd": 9, "unit": "cm"}}
    )
    people = np.arange(50)
    found = screen(ready, [{}, {"inflamed.drive": 3.0}], people, np.array([True, False]))
    assert found.eligible[1].sum() == 0
    assert set(found.reason[1]) == {UNSEEN}
    possible = (found.columns["bmi"][0] >= 11) & (found.columns["bmi"][0] <= 90)
    assert (found.reason[0][~possible] == 1).all()
    assert found.eligible[0][possible].all()


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_nothing_depends_on_blocks_or_on_their_order(sizes: list[int], random: Any) -> None:
    ready, chosen, whole = _matched()
    edges = np.concatenate([[0], np.cumsum(sizes)])
    blocks = [np.arange(a, min(b, 200)) for a, b in pairwise(edges) if a < 200]
    random.shuffle(blocks)
    for block in blocks:
        part = screen(ready, [{}], block, np.ones(1, dtype=bool), None, chosen)
        assert np.array_equal(part.reason[0], whole.reason[0][block])
        for name, values in part.columns.items():
            assert np.array_equal(values[0], whole.columns[name][0][block], equal_nan=True)


_KEPT: list[Any] = []


def _matched() -> Any:
    if not _KEPT:
        ready = prepared({"match": SHARE}, eligibility={"crp": ">= 1 mg/L"})
        chosen = selections(ready, [{}])
        _KEPT.append((ready, chosen, screened(ready, 200, chosen)))
    return _KEPT[0]


def test_those_selected_have_the_share_and_the_others_are_told_why() -> None:
    ready = prepared({"match": SHARE})
    chosen = selections(ready, [{}])
    found = screened(ready, 4000, chosen)
    crp = found.columns["screening.crp"][0]
    selected = found.eligible[0]
    n = selected.sum()
    assert (crp > 3).mean() > 0.5  # before
    assert abs((crp[selected] > 3).mean() - 0.27) < 4 * np.sqrt(
        0.27 * 0.73 * (1 / n + 1 / chosen[0].matching.effective_size)
    )
    assert set(found.reason[0][~selected]) == {1 + reasons(ready).index("not selected to match the population")}
    assert selected.mean() == pytest.approx(chosen[0].matching.accepted, abs=0.03)


def test_selection_is_that_of_plain_acceptance_sampling_on_the_ratio_of_densities() -> None:
    """Measured CRP is lognormal here, so that the density ratio that a share asks for is known."""
    ready = prepared({"match": SHARE, "genotype": {"rs1": 0}})
    chosen = selections(ready, [{}])
    found = screened(ready, 12_000, chosen)
    y = np.log(found.columns["screening.crp"][0])
    pilot = np.log(chosen[0].pilot["screening.crp"])
    center = np.log(3.0) + ndtri(0.27) * pilot.std()  # 27 % of a normal around it are above ln 3
    ratio = norm.pdf(y, center, pilot.std()) / norm.pdf(y, pilot.mean(), pilot.std())
    most = np.quantile(norm.pdf(pilot, center, pilot.std()) / norm.pdf(pilot, pilot.mean(), pilot.std()), 0.999)
    plain = np.random.default_rng(1).random(12_000) < ratio / most
    assert ks_2samp(y[plain], y[found.eligible[0]]).pvalue > 1e-3
    assert found.eligible[0].mean() == pytest.approx(plain.mean(), rel=0.25)
    assert ks_2samp(y, y[plain]).pvalue < 1e-12  # the two could be told apart


def test_matching_among_the_enrolled_is_after_eligibility() -> None:
    match = [{"observable": "crp", "median": 3.5, "unit": "mg/L"}]
    ready = prepared({"match": match, "among": "enrolled"}, eligibility={"crp": ">= 2.5 mg/L"})
    chosen = selections(ready, [{}])
    found = screened(ready, 3000, chosen)
    crp = found.columns["screening.crp"][0]
    texts = reasons(ready)
    assert (found.reason[0][crp < 2.5] == 1 + texts.index("crp >= 2.5 mg/L not met")).all()
    assert np.median(crp[found.eligible[0]]) == pytest.approx(3.5, rel=0.08)
    assert chosen[0].pilot["screening.crp"].min() >= 2.5


def test_covariates_genotypes_and_true_values_are_matched_too() -> None:
    condition = {"age": {"mean": 50, "sd": 12, "unit": "year"}, "sex": {"proportion": 0.5}}
    match = [
        {"observable": "age", "mean": 61, "sd": 9, "unit": "year"},
        {"observable": "sex", "mean": 0.26},
        {"observable": "rs1", "mean": 1.0},
        {"observable": "crp", "above": "> 5 mg/L", "share": 0.2, "noise": False},
        {"observables": ["age", "crp"], "correlation": 0.3},
    ]
    ready = prepared({"match": match}, condition)
    chosen = selections(ready, [{}])
    summary = matching_summary(ready, chosen[0], *_tables(ready, chosen, 6000))
    assert all(row["reached"] for row in summary["targets"])
    assert [row["what"] for row in summary["targets"]][:2] == ["mean of age", "SD of age"]
    assert summary["targets"][0]["after"] == pytest.approx(61, abs=0.1)
    assert summary["targets"][0]["selected"] is None  # the true CRP of those selected is nowhere kept


def test_the_summary_tells_figures_rejections_shifts_and_warnings() -> None:
    condition = {"age": {"mean": 50, "sd": 12, "unit": "year"}}
    match = [*SHARE, {"observable": "tnf", "above": "> 500 pg/mL", "share": 0.5}]
    ready = prepared({"match": match}, condition)
    chosen = selections(ready, [{}])
    population, screening = _tables(ready, chosen, 2000)
    summary = matching_summary(ready, chosen[0], population, screening)
    share, impossible = summary["targets"]
    assert share == {
        **share, "what": "share of crp > 3 mg/L", "unit": "", "target": 0.27, "reached": True, "source": "a study",
    }  # fmt: skip
    assert share["after"] == pytest.approx(0.27, abs=1e-3)
    assert share["selected"] == pytest.approx((population["screening.crp"] > 3).mean())
    assert (impossible["after"], impossible["reached"]) == (0.0, False)
    assert "not reached" in summary["warnings"][0]
    assert summary["rejected"] == [
        {"reason": "not selected to match the population", "n": int((screening["reason"] != "").sum())}
    ]
    assert 0 < summary["acceptance"] < 1
    assert 100 < summary["effective_size"] < summary["pilot"] == 4096
    names = [row["name"] for row in summary["shifts"]]
    assert {"crp_base", "drive"} <= set(names)  # of which CRP is made
    assert "age" not in names
    assert matching_summary(ready, None, population, screening) is None


def test_candidates_have_selections_of_their_own_and_the_pilot_is_of_other_people() -> None:
    ready = prepared({"match": SHARE})
    candidates = [{}, {"inflamed.drive": 1.0}]
    chosen = selections(ready, candidates)
    assert chosen[0].matching.accepted < chosen[1].matching.accepted
    found = screen(ready, candidates, np.arange(8000), np.ones(2, dtype=bool), None, chosen)
    for k in range(2):
        assert (found.columns["screening.crp"][k][found.eligible[k]] > 3).mean() == pytest.approx(0.27, abs=0.08)
    alone = selections(ready, candidates[1:])
    assert np.array_equal(alone[0].matching.weights, chosen[1].matching.weights)
    assert pilot_seed(5) != pilot_seed(6)
    assert not set(chosen[0].pilot["crp_base"]) & set(found.columns["crp_base"][0])
    assert selections(prepared(), [{}]) is None


def test_a_matched_trial_runs_and_says_how_it_was_matched() -> None:
    result = trial.run(prepared({"match": SHARE}))
    assert result.summary["matching"]["targets"][0]["target"] == 0.27
    flow = result.summary["flow"]
    assert flow["not_met"] == result.summary["matching"]["rejected"]  # who is not selected is nobody a trial meets
    assert flow["excluded"] == []
    assert flow["screened"] == flow["enrolled"] == result.summary["patients"]["screened"]
    assert len(result.screening) == flow["screened"] + flow["not_met"][0]["n"]
    assert trial.run(prepared()).summary["matching"] is None


@pytest.mark.parametrize(
    ("population", "message"),
    [
        ({"plausible": {"crq": "< 5 mg/L"}}, "crq"),
        ({"plausible": {"crp": "< 5 kg"}}, "crp"),
        ({"match": [{"observable": "crp", "median": 3.0}]}, "unit"),
        ({"match": [{"observable": "crp", "median": 3.0, "unit": "year"}]}, "year"),
        ({"match": [{"observables": ["crp", "nothing"], "correlation": 0.2}]}, "nothing"),
    ],
)
def test_what_cannot_be_matched_is_one_clear_error(population: dict[str, Any], message: str) -> None:
    with pytest.raises(ProtocolError, match=message):
        prepared(population)


def test_with_nobody_left_to_match_the_trial_is_refused() -> None:
    ready = prepared({"match": SHARE, "plausible": {"crp": "> 200 mg/L"}})
    with pytest.raises(
        ProtocolError, match=r"of 4096 people of the pilot only \d+ are left to be matched \(plausible\)"
    ):
        selections(ready, [{}])


def _tables(ready: Any, chosen: Any, n: int) -> Any:
    """Of people screened, as a trial keeps them."""
    import pandas as pd

    found = screened(ready, n, chosen)
    reason = np.array(["", *reasons(ready)])[found.reason[0]]
    whole = pd.DataFrame({name: values[0] for name, values in found.columns.items()})
    return whole[found.eligible[0]], whole.filter(like="screening.").assign(reason=reason)
