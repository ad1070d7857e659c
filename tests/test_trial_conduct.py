"""Rules, on a drug whose levels are known: doses that end, change or are added, and when."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from conducted import LEVEL, conducted, mab, ready, rule
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leukinetics import ProtocolError, trial
from leukinetics.assays import measure
from leukinetics.trial.conduct import treat
from leukinetics.trial.dosing import AFTER_SAMPLE

WEEK = 7.0
TWO = [{"name": "placebo"}, {"name": "active", "dose": [mab()]}]


def levels(columns: dict[str, Any], doses: dict[float, float], at: float) -> np.ndarray:
    """The level of an intravenous drug ``at`` a time, after ``doses`` (time to mg)."""
    k, v = columns["mab_CL"] / columns["mab_V"], columns["mab_V"]
    return sum(
        amount / v * np.exp(-k * (at - time - AFTER_SAMPLE)) for time, amount in doses.items() if time < at
    )  # fmt: skip


def test_stopped_at_week_8_the_drug_washes_out() -> None:
    found = conducted(rule=[rule(at=["8 weeks"], action="stop")])
    assert (found.fired["r"] == 56.0).all()
    for week in (4, 8, 12, 16):
        expected = levels(found.columns, {0.0: 100.0, 28.0: 100.0}, week * WEEK)  # none at day 56: after the sample
        assert found.at("mab", week * WEEK) == pytest.approx(expected, rel=1e-6)
    assert (found.given == 2).all()
    assert (found.missed == 0).all()


def test_half_the_dose_is_two_dose_entries() -> None:
    half = conducted(rule=[rule(at=["8 weeks"], action="change", factor=0.5)], arms=[[mab("2 mg/kg", cap="150 mg")]])
    written = conducted(
        arms=[[mab("2 mg/kg", cap="150 mg", stop="8 weeks"), mab("1 mg/kg", cap="150 mg", start="8 weeks")]]
    )
    assert np.allclose(half.values["mab"], written.values["mab"], rtol=1e-7)
    assert (half.given == written.given).all()
    heavy = half.columns["weight"] > 75
    assert heavy.any()
    assert (half.columns["weight"] < 75).any()


def test_rescue_is_the_same_doses_written_out() -> None:
    extra = [mab("300 mg", start="2 d", every="1 week", count=3), mab("50 mg", route="sc", every=None)]
    rescued = conducted(rule=[rule(at=["6 weeks"], action="rescue", dose=extra)])
    late = [mab("300 mg", start="44 d", every="1 week", count=3), mab("50 mg", route="sc", every=None, start="6 weeks")]
    written = conducted(arms=[[mab(), *late]])
    for day in (28.0, 56.0, 84.0, 112.0):
        assert rescued.at("mab", day) == pytest.approx(written.at("mab", day), rel=1e-7)
        assert rescued.at("crp", day) == pytest.approx(written.at("crp", day), rel=1e-6)
    assert (rescued.given == 4 + 3 + 1).all()


def test_rescue_ends_with_the_trial() -> None:
    found = conducted(rule=[rule(at=["15 weeks"], action="rescue", dose=[mab("10 mg", every="3 d")])])
    assert (found.given == 4 + 3).all()  # days 105, 108, 111 of 112


def test_an_infusion_under_way_is_finished() -> None:
    slow = [[mab(duration="2 d", every=None)]]
    stopped = conducted(rule=[rule(at=["1 d"], action="stop")], arms=slow)
    assert (stopped.fired["r"] == 1.0).all()
    assert np.array_equal(
        stopped.values["mab"], conducted(rule=[rule(at=["1 d"], when=NEVER)], arms=slow).values["mab"]
    )


def test_background_stays_and_named_drugs_alone_are_stopped() -> None:
    both = [{"name": "a", "background": [mab()], "dose": [mab("10 mg", every="1 d")]}]
    found = conducted(rule=[rule(at=["0 d"], action="stop")], arm=both)
    assert found.at("mab", 112.0) == pytest.approx(
        levels(found.columns, {28.0 * i: 100.0 for i in range(4)}, 112.0), rel=1e-6
    )
    assert (found.given == 0).all()  # background is not counted
    pulses = [mab(), {"drug": "pulse", "amount": "5 ng/kg", "route": "iv", "every": "1 d"}]
    found = conducted(rule=[rule(at=["8 weeks"], action="stop", drugs=["pulse"])], arms=[pulses])
    assert (found.given == 4 + 56).all()
    rescue = [rule("add", at=["4 weeks"], action="rescue", dose=[mab("1 mg", every="1 d")])]
    ends_all = conducted(rule=[*rescue, rule(at=["8 weeks"], action="stop")])
    assert (ends_all.given == 2 + 84).all()  # of the arm's own doses
    named = conducted(rule=[*rescue, rule(at=["8 weeks"], action="stop", drugs=["mab"])])
    assert (named.given == 2 + 28).all()


NEVER = ">= 1000000 mg/L"


def test_a_rule_that_never_fires_changes_no_bit() -> None:
    visits = {"visits": [f"{w} weeks" for w in range(17)], "measure": ["mab", "crp"]}
    plain = conducted(schedule=visits)
    for action in ({"action": "stop"}, {"action": "rescue", "dose": [mab()]}, {"action": "change", "factor": 2.0}):
        found = conducted(schedule=visits, rule=[rule(every="1 week", when=NEVER, **action)])
        for name in ("mab", "crp"):
            assert np.array_equal(found.values[name], plain.values[name])
        assert np.isinf(found.fired["r"]).all()
        assert np.isinf(found.left).all()


def test_what_was_read_until_a_rule_fired_stays_to_the_bit() -> None:
    visits = {"visits": [f"{d} d" for d in range(113)], "measure": ["mab", "crp"]}
    plain = conducted(schedule=visits)
    stopped = conducted(schedule=visits, rule=[rule(at=["6 weeks"], action="stop")])
    until = stopped.times <= 42.0
    for name in ("mab", "crp"):
        assert np.array_equal(stopped.values[name][:, until], plain.values[name][:, until])
    assert (stopped.at("mab", 112.0) < plain.at("mab", 112.0)).all()


def test_an_arm_without_doses_does_not_feel_a_stop() -> None:
    plain = conducted(arm=TWO, treated_arm=0)
    stopped = conducted(arm=TWO, treated_arm=0, rule=[rule(at=["8 weeks"], when=">= 0 mg/L", action="stop")])
    assert (stopped.fired["r"] == 56.0).all()
    assert np.array_equal(plain.at("crp", 112.0), stopped.at("crp", 112.0))
    only = conducted(arm=TWO, treated_arm=0, rule=[rule(at=["8 weeks"], action="stop", arms=["active"])])
    assert np.isinf(only.fired["r"]).all()


def test_rules_follow_from_what_earlier_rules_did() -> None:
    """The second fires only because the first stopped the drug."""
    rules = [
        rule(
            "low", every="1 week", from_="6 weeks", when="< 30 mg/L", action="rescue", dose=[mab("500 mg", every=None)]
        ),
        rule("stop", at=["6 weeks"], action="stop", when=">= 0 mg/L"),
    ]
    found = conducted(rule=rules, arms=[[mab(every="1 week")]])
    never = conducted(rule=rules[:1], arms=[[mab(every="1 week")]])
    assert np.isinf(never.fired["low"]).all()
    k, level = found.columns["mab_CL"] / found.columns["mab_V"], found.at("mab", 42.0)
    crossing = 42.0 + np.log(level / 30.0) / k
    visit = np.ceil(crossing / 7.0 - 1e-9) * 7.0
    expected = np.where(visit <= 112.0, visit, np.inf)
    assert np.isfinite(expected).any()
    assert np.array_equal(found.fired["low"], expected)
    rescued = np.isfinite(found.fired["low"]) & (found.fired["low"] < 105.0)
    assert (found.at("mab", 112.0)[rescued] > 30.0).all()


def test_two_rules_at_one_visit_act_in_the_order_of_the_protocol() -> None:
    halves = [rule(i, at=["4 weeks"], action="change", factor=0.5) for i in ("a", "b")]
    quarter = conducted(rule=halves)
    written = conducted(arms=[[mab(stop="4 weeks"), mab("25 mg", start="4 weeks")]])
    assert np.allclose(quarter.values["mab"], written.values["mab"], rtol=1e-7)
    add = rule("add", at=["4 weeks"], action="rescue", dose=[mab("7 mg", every="1 d")])
    stop = rule("stop", at=["4 weeks"], action="stop", drugs=["mab"])
    assert (conducted(rule=[stop, add]).given == 1 + 84).all()
    assert (conducted(rule=[add, stop]).given == 1).all()


def test_consecutive_visits_and_change_from_baseline() -> None:
    """As a loop over the samples that the laboratory reports would find it."""
    bound = {"observable": "crp", "every": "1 week", "when": "> 3 %", "action": "stop"}
    for n in (1, 2, 3):
        found = conducted(rule=[rule(**bound, consecutive=n)], arm=TWO, n=60)
        x = found.measured("crp")
        expected = np.full(60, np.inf)
        for i in range(60):
            run = 0
            for j in range(1, len(found.times)):
                run = run + 1 if 100 * (x[i, j] / x[i, 0] - 1) > 3 else 0
                if run == n:
                    expected[i] = found.times[j]
                    break
        assert np.isfinite(expected).any()
        assert np.array_equal(found.fired["r"], expected)


def test_a_rule_reads_what_an_endpoint_reads() -> None:
    ends = [{"id": "crp", "observable": "crp", "kind": "value", "at": "8 weeks", "noise": True}]
    more = {"observable": "crp", "at": ["8 weeks"], "when": "> 5 mg/L", "action": "stop"}
    made = ready(arm=TWO, endpoint=ends, rule=[rule(**more)], n=80)
    found = conducted(made=made)
    read = trial.run_candidates(made, [{}]).values("crp", "placebo")[0]
    assert 0 < (read > 5).sum() < 80
    assert np.array_equal(np.isfinite(found.fired["r"]), read > 5)


def test_a_baseline_at_screening_is_the_one_that_percents_count_from() -> None:
    more = {"observable": "crp", "at": ["8 weeks"], "when": "> 20 %", "action": "stop"}
    found = conducted(rule=[rule(**more)], arm=TWO, trial_baseline="screening", n=80)
    assay = found.made.observables["crp"].assay
    base = measure(found.values["crp"][:, :1], assay, 3, [0.0], found.people, visit="screening").numbers(0.5)[:, 0]
    now = found.measured("crp")[:, found.times == 56.0][:, 0]
    assert np.array_equal(np.isfinite(found.fired["r"]), 100 * (now / base - 1) > 20)


def test_leaving_by_a_rule_is_after_its_sample() -> None:
    more = [
        rule(at=["8 weeks"], leaves=True, action="stop"),
        rule("later", every="1 week", from_="8 weeks", when=">= 0 mg/L", action="stop"),
    ]
    found = conducted(rule=more)
    assert (found.left == 56.0 + AFTER_SAMPLE).all()
    assert (found.fired["later"] == 56.0).all()  # the same visit still counts
    gone = conducted(rule=[more[0], rule("later", at=["9 weeks"], action="stop")])
    assert np.isinf(gone.fired["later"]).all()
    at_end = conducted(rule=[rule(at=["16 weeks"], leaves=True, action="stop")])
    assert np.isinf(at_end.left).all()  # who leaves at the end has completed the trial
    assert (at_end.fired["r"] == 112.0).all()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"when": "> 3 kg"}, r"^rule 1 \('r'\), when: .*'kg'.*'mg/L'"),
        ({"when": "> 3"}, r"^rule 1 \('r'\), when: .*has no unit"),
        ({"arms": ["activ"]}, r"^rule 1 \('r'\), arms.*'activ'"),
        ({"dose": [mab(route="po")], "action": "rescue"}, r"^rule 1 \('r'\), dose 1, route: 'mab' has no route 'po'"),
        ({"dose": [mab("3 kU")], "action": "rescue"}, r"^rule 1 \('r'\), dose 1, amount: "),
    ],
)
def test_what_cannot_be_is_refused(more: dict[str, Any], message: str) -> None:
    with pytest.raises(ProtocolError, match=message):
        conducted(rule=[rule(at=["1 week"], **{"action": "stop", **more})])


def busy() -> Any:
    """A trial in which everything happens."""
    rules = [
        rule(
            "flare", observable="crp", every="2 weeks", when="> 5 %", action="rescue", dose=[mab("300 mg", every=None)]
        ),
        rule("low", every="3 weeks", when="< 8 mg/L", action="change", factor=2.0),
        rule("high", observable="tnf", every="1 week", when="> 12 pg/mL", action="stop", leaves=True, consecutive=2),
    ]
    return ready(
        arm=[{"name": "placebo"}, {"name": "a", "dose": [mab(every="1 week")]}],
        rule=rules,
        adherence={"missed": 0.2, "spread": 1.0},
        dropout={"rate": 0.8, "observable": "crp", "hazard_ratio": 2.0, "every": "2 weeks"},
    )


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.permutations(range(12)), st.integers(1, 11), st.integers(1, 3))
def test_a_row_does_not_depend_on_the_others(order: list[int], cut: int, threads: int) -> None:
    made = busy()
    people, arms = np.arange(12) // 2 + 5, np.arange(12) % 2
    whole = conducted(made=made, people=people, arms_of=arms)
    for part in (np.array(order[:cut]), np.array(order[cut:])):
        some = conducted(made=made, people=people[part], arms_of=arms[part], threads=threads)
        for name in ("mab", "crp", "tnf"):
            assert np.array_equal(some.values[name], whole.values[name][part])
        for name in whole.fired:
            assert np.array_equal(some.fired[name], whole.fired[name][part])
        for name in ("left", "missed", "given"):
            assert np.array_equal(getattr(some, name), getattr(whole, name)[part])


def test_the_busy_trial_is_busy() -> None:
    found = conducted(made=busy(), people=np.arange(100) // 2, arms_of=np.arange(100) % 2)
    assert np.isfinite(found.left).sum() > 10
    assert found.missed[1::2].sum() > 50
    assert (found.missed[::2] == 0).all()
    assert all(np.isfinite(x).sum() > 5 for x in found.fired.values())
    for x in found.fired.values():
        assert (x < found.left)[np.isfinite(x)].all()
    assert LEVEL in found.values


def test_a_trial_without_doses_and_one_without_patients() -> None:
    untreated = conducted(arm=[{"name": "placebo"}], dropout={"rate": 0.9}, n=50)
    assert not untreated.given.any()
    assert np.isfinite(untreated.left).any()
    rescue = [rule(at=["8 weeks"], action="rescue", dose=[mab(every=None)])]
    found = conducted(arm=[{"name": "placebo"}], rule=rescue)
    assert found.at("mab", 112.0) == pytest.approx(levels(found.columns, {56.0: 100.0}, 112.0), rel=1e-6)
    nobody = treat(found.made, {k: v[:0] for k, v in found.columns.items()}, found.people[:0], found.people[:0], 1)
    assert nobody.left.shape == nobody.given.shape == nobody.fired["r"].shape == (0,)


def test_a_patient_that_cannot_be_solved_fires_nothing() -> None:
    made = ready(
        rule=[rule(at=["8 weeks"], when="< 1000000 mg/L")],
        dropout={"rate": 0.5, "observable": "crp", "hazard_ratio": 2.0},
    )
    good = conducted(made=made)
    broken = {**good.columns, "mab_V": np.where(good.people == 3, 0.0, good.columns["mab_V"])}
    found = treat(made, broken, good.people, np.zeros(8, dtype=np.int64), 1)
    assert found.simulated.ok.tolist() == [i != 3 for i in range(8)]
    assert np.isinf(found.fired["r"][3])
    others = found.simulated.ok
    assert np.array_equal(found.simulated.values["mab"][others], good.values["mab"][others])
    assert np.array_equal(found.left[others], good.left[others])
