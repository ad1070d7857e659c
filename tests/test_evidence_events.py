"""Readouts of events, shares and parts of an arm; the censored mean of a claim."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from leukinetics import DataError
from leukinetics.evidence.claim_cohorts import censored_lognormal
from leukinetics.evidence.claim_files import Check
from leukinetics.evidence.run import prepare_target
from leukinetics.evidence.statistics import event_statistic
from leukinetics.evidence.target import Target


def test_shares_and_rates_of_events() -> None:
    counts = np.array([[0.0, 2.0, 1.0, np.nan]])
    days = np.array([[365.25, 365.25, 182.625, 1000.0]])
    assert event_statistic(counts, days, "event_share")[0] == pytest.approx(2 / 3)
    assert event_statistic(counts, days, "event_rate")[0] == pytest.approx(3 / 2.5)
    assert np.isnan(event_statistic(np.full((1, 2), np.nan), np.ones((1, 2)), "event_rate")[0])


def test_the_censored_mean_is_that_of_the_whole_sample() -> None:
    rng = np.random.default_rng(4)
    x = rng.lognormal(1.2, 0.6, 20_000)
    mean, sd = censored_lognormal(x, np.quantile(x, 0.7))
    assert mean == pytest.approx(1.2, abs=0.03)
    assert sd == pytest.approx(0.6, abs=0.03)
    assert censored_lognormal(x, x.min()) == pytest.approx((np.log(x).mean(), np.log(x).std()), abs=1e-4)


def readout(**more: Any) -> dict[str, Any]:
    return {
        "id": "r",
        "role": "input",
        "endpoint": "relapses",
        "arm": "untreated",
        "statistic": "mean",
        "unit": "dimensionless",
        "scale": "linear",
        "value": 1.0,
        "se": 0.1,
    } | more


def target(*readouts: dict[str, Any]) -> Target:
    named = [r | {"id": f"r{i}"} for i, r in enumerate(readouts)]
    return Target.model_validate(
        {
            "id": "t",
            "title": "t",
            "source": "s",
            "protocol": {
                "trial": {"name": "t", "condition": "ms_rr", "duration": "2 years", "patients_per_arm": 60, "seed": 5},
                "arm": [{"name": "untreated"}],
                "endpoint": [
                    {"id": "relapses", "observable": "relapses", "kind": "change", "at": "104 weeks"},
                    {
                        "id": "rate",
                        "observable": "relapses",
                        "kind": "event_rate",
                        "every": "13 weeks",
                        "to": "104 weeks",
                    },
                    {"id": "first", "observable": "relapses", "kind": "time_to_event", "every": "1 weeks"},
                    {"id": "gd", "observable": "gd_lesions", "kind": "value", "at": "0 d"},
                ],
            },
            "readout": named,
        }
    )


def test_parts_of_an_arm_are_those_that_meet_the_criterion() -> None:
    among = {"endpoint": "gd", "where": ">= 0.3"}
    others = {"endpoint": "gd", "where": "< 0.3"}
    of = {"reference": "untreated", "among": among, "reference_among": others}
    made = prepare_target(
        target(
            readout(statistic="proportion", where=">= 1"),
            readout(**of, measure="difference"),
            readout(**of, measure="odds_ratio", statistic="proportion", where="<= 0"),
            readout(endpoint="rate", statistic="event_rate", unit="1/year"),
            readout(endpoint="first", statistic="event_share"),
            readout(endpoint="first", statistic="event_rate", unit="1/year", among=among),
        )
    )
    ran = made.run([{}])
    found = ran.predicted()[0]
    outcome = ran.outcomes["base"]
    count, gd = (outcome.values(e, "untreated")[0] for e in ("relapses", "gd"))
    high = gd >= 0.3
    assert 0 < high.sum() < len(gd)
    assert found[0] == pytest.approx((count >= 1).mean())
    assert found[1] == pytest.approx(count[high].mean() - count[~high].mean())
    a, b = (count[high] == 0).mean(), (count[~high] == 0).mean()
    assert found[2] == pytest.approx(a / (1 - a) / (b / (1 - b)))
    assert found[3] == pytest.approx(count.mean() / (728 / 365.25), rel=1e-6)
    assert found[4] >= found[0]  # two years are two days longer than 104 weeks
    counts, days = outcome.events("first", "untreated")
    assert found[5] == pytest.approx(365.25 * counts[0][high].sum() / days[0][high].sum())
    with pytest.raises(DataError, match="'gd' is no event but of kind 'value'"):
        outcome.events("gd", "untreated")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"where": ">= 1"}, "it needs statistic"),
        ({"reference_among": {"endpoint": "gd", "where": ">= 1"}}, "needs a 'reference' arm"),
        ({"reference": "untreated", "measure": "odds_ratio"}, "an odds ratio is one of shares"),
    ],
)
def test_what_does_not_go_together_is_said(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        target(readout(**changes))


def test_checks_of_cohorts_say_what_they_need() -> None:
    base = {"id": "A1.1", "text": "t", "threshold": ">= 1"}
    with pytest.raises(ValueError, match="needs 'readout'"):
        Check.model_validate(base | {"kind": "target"})
    with pytest.raises(ValueError, match="two limits"):
        Check.model_validate(base | {"kind": "censored_mean", "observable": "il6_csf", "limits": [1.0]})
