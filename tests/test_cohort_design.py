"""Sizes of studies of biomarkers: exact power, formulas against simulation, libraries and published numbers."""

from __future__ import annotations

import json
import math
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

from leukinetics.cohort.design import curves, is_design, later, levels, read_design, run_design, shares
from leukinetics.errors import DataError, ProtocolError

# ---- shares


@pytest.mark.parametrize(("n1", "n2"), [(12, 9), (7, 7), (1, 20)])
def test_regions_are_those_of_single_tables(n1: int, n2: int) -> None:
    fisher = shares.fisher_region(n1, n2, 0.05)
    for a, b in product(range(n1 + 1), range(n2 + 1)):
        table = [[a, n1 - a], [b, n2 - b]]
        assert fisher[a, b] == (stats.fisher_exact(table).pvalue <= 0.05)


def test_the_unconditional_region_is_that_of_barnards_test() -> None:
    region = shares.unconditional_region(12, 9, 0.05)
    for a, b in ((9, 1), (8, 1), (8, 2), (10, 3), (3, 0), (5, 0), (12, 6), (0, 4), (2, 7)):
        p = stats.barnard_exact([[a, b], [12 - a, 9 - b]], pooled=True).pvalue
        assert region[a, b] == (p <= 0.05), (a, b, p)
    # It keeps the level for every share, and finds more than Fisher's.
    for p in np.linspace(0.01, 0.99, 50):
        assert shares.power(p, 12, p, 9, test="unconditional") <= 0.05 + 1e-3
    more = shares.power(0.7, 30, 0.35, 30, test="unconditional")
    assert more > shares.power(0.7, 30, 0.35, 30)


def test_power_of_shares_against_simulation() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.binomial(40, 0.45, 20_000), rng.binomial(60, 0.2, 20_000)
    seen = shares.fisher_region(40, 60, 0.05)[a, b].mean()
    exact = shares.power(0.45, 40, 0.2, 60)
    assert exact == pytest.approx(seen, abs=0.012)
    assert shares.normal(0.45, 40, 0.2, 60, 0.05) == pytest.approx(exact, abs=0.08)


def test_the_normal_approximation_is_that_of_published_software() -> None:
    """power.prop.test(p1 = 0.1, p2 = 0.08, n = 100) of R gives 0.07122973 (https://stats.stackexchange.com/questions/
    55624); it leaves the far side of the test out, which is added here."""
    mean = 0.09
    null, own = math.sqrt(2 * mean * (1 - mean)), math.sqrt(0.1 * 0.9 + 0.08 * 0.92)
    far = stats.norm.cdf((-0.02 * 10 - 1.959964 * null) / own)
    assert shares.normal(0.1, 100, 0.08, 100, 0.05) == pytest.approx(0.07122973 + far, abs=1e-6)


@pytest.mark.parametrize("test", ["fisher", "unconditional"])
def test_sizes_reach_the_target(test: str) -> None:
    n, m = shares.size(0.5, 0.2, 0.8, ratio=2.0, test=test) or (0, 0)
    assert m == 2 * n
    assert shares.power(0.5, n, 0.2, m, test=test) >= 0.8
    before = [shares.power(0.5, k, 0.2, 2 * k, test=test) for k in range(n - 1, n + 5)]
    assert min(before) < 0.8
    assert shares.size(0.5, 0.499, 0.8, most=1000) is None
    with pytest.raises(DataError, match="no difference"):
        shares.size(0.3, 0.3, 0.8)


def test_large_studies_are_approximated() -> None:
    assert shares.power(0.31, 3000, 0.3, 3000) == shares.normal(0.31, 3000, 0.3, 3000, 0.05)
    assert shares.detected(0.0, 1.0, 1.0) == 0.5
    assert shares.detected(0.0, 1.0, 0.0) == 1.0


# ---- levels


def test_without_a_limit_it_is_the_t_test() -> None:
    from statsmodels.stats.power import TTestIndPower

    asked = levels.Levels(0.5, 0.0, 0.9)
    exact = TTestIndPower().power(0.5 / 0.9, 40, 0.05, ratio=1.5)
    assert levels.power(asked, 40, 60) == pytest.approx(exact, abs=0.01)
    assert asked.below() == (0.0, 0.0)
    n = TTestIndPower().solve_power(0.5 / 0.9, None, 0.05, 0.8)
    assert levels.size(asked, 0.8) == pytest.approx(n, abs=2)
    assert levels.noncentrality(asked, 40, 60) == pytest.approx(100 * math.log(1 + 0.24 * (0.5 / 0.9) ** 2))


@pytest.mark.parametrize("limit", [0.5, 1.0, 3.0])
def test_what_is_expected_of_a_group(limit: float) -> None:
    asked = levels.Levels(0.4, 0.0, 0.8, limit)
    found = levels._expected(0.4, asked, 1.0)
    for power, value in ((0, found.seen), (1, found.first), (2, found.second)):
        exact = integrate.quad(lambda z, k=power: z**k * stats.norm.pdf(z, 0.4, 0.8), math.log(limit), 9)[0]
        assert value[0] == pytest.approx(exact, rel=1e-6)


def test_a_limit_costs_people() -> None:
    sizes = [levels.size(levels.Levels(0.5, 0.0, 0.9, v), 0.8) for v in (0.0, 0.3, 1.0, 2.0, 4.0)]
    assert all(a is not None and b is not None and a < b for a, b in pairwise(sizes))
    assert levels.size(levels.Levels(0.01, 0.0, 0.9, 4.0), 0.8, most=1000) is None
    assert levels.power(levels.Levels(0.5, 0.0, 0.1, 1e6), 50, 50) == 0.05
    with pytest.raises(DataError, match="no difference"):
        levels.size(levels.Levels(0.0, 0.0, 0.9), 0.8)


def test_the_likelihood_ratio_is_the_maximum() -> None:
    """Against a general maximiser, with a third below the limit."""
    from scipy.optimize import minimize

    rng = np.random.default_rng(2)
    one, other, cut = rng.normal(0.4, 1, (3, 25)), rng.normal(0, 1, (3, 20)), -0.4
    found = levels.likelihood_ratio(one, other, cut)

    def best(groups: list[Any]) -> float:
        def minus(theta: Any) -> float:
            total = 0.0
            for g, z in enumerate(groups):
                seen = z >= cut
                total += stats.norm.logpdf(z[seen], theta[g], np.exp(theta[-1])).sum()
                total += (~seen).sum() * stats.norm.logcdf(cut, theta[g], np.exp(theta[-1]))
            return -total

        start = [*(z.mean() for z in groups), 0.0]
        return -float(minimize(minus, start, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-11}).fun)

    for k in range(3):
        exact = 2 * (best([one[k], other[k]]) - best([np.concatenate([one[k], other[k]])]))
        assert found[k] == pytest.approx(exact, abs=1e-5)


@pytest.mark.parametrize(("limit", "n"), [(0.0, 50), (0.7, 60), (1.5, 90), (4.0, 180)])
def test_the_formula_against_simulation(limit: float, n: int) -> None:
    asked = levels.Levels(0.6, 0.0, 1.0, limit)
    found = levels.simulated(asked, n, n, 2000)
    assert found.tobit == pytest.approx(levels.power(asked, n, n), abs=0.035)
    assert found.ranks == pytest.approx(found.tobit, abs=0.07)
    null = levels.simulated(levels.Levels(0.0, 0.0, 1.0, limit), n, n, 2000)
    for level in (null.tobit, null.ranks, null.substituted):
        assert level == pytest.approx(0.05, abs=0.02)


def test_groups_that_are_all_below() -> None:
    one, other = np.full((2, 8), -2.0), np.full((2, 8), -2.0)
    other[1] = np.linspace(0, 1, 8)
    found = levels.likelihood_ratio(one, other, -1.0)
    assert found[0] == 0.0
    assert found[1] > 10


# ---- areas


def test_areas_are_those_of_published_software() -> None:
    """The tests of the R package pROC (power.roc.test): 41 and 72 people with an area of 0.73 have a power of
    0.9897453; an area of 0.7313686 needs 29.29764 and 49.806 for 0.95 (two-sided)."""
    assert curves.power(0.73, 41, 72, method="obuchowski") == pytest.approx(0.9897453, abs=1e-6)
    assert curves.power(0.7313686, 29.29764, 49.806, method="obuchowski") == pytest.approx(0.95, abs=1e-5)


@pytest.mark.parametrize("method", ["obuchowski", "hanley_mcneil"])
def test_variance_of_an_area_against_simulation(method: str) -> None:
    rng = np.random.default_rng(3)
    shift = math.sqrt(2) * stats.norm.ppf(0.75)
    x, y = rng.normal(shift, 1, (3000, 30)), rng.normal(0, 1, (3000, 45))
    areas = (x[:, :, None] > y[:, None]).mean(axis=(1, 2))
    ratio = curves.variance(0.75, 30, 45, method) / areas.var()
    assert 0.9 < ratio < (1.12 if method == "hanley_mcneil" else 1.3)
    seen = float((np.abs(areas - 0.5) / math.sqrt(curves.variance(0.5, 30, 45, "hanley_mcneil")) > 1.96).mean())
    assert curves.power(0.75, 30, 45, method=method) == pytest.approx(seen, abs=0.05)


def test_two_areas_and_intervals() -> None:
    apart = curves.power_of_two(0.8, 0.7, 0.0, 100, 100)
    together = curves.power_of_two(0.8, 0.7, 0.6, 100, 100)
    assert apart < together
    z = stats.norm.ppf(0.975)
    assert curves.half_width(0.8, 100, 100) == pytest.approx(z * math.sqrt(curves.variance(0.8, 100, 100)))
    assert curves.smallest(lambda n: n >= 37) == 37
    assert curves.smallest(lambda n: False) is None


@pytest.mark.parametrize("limit", [0.0, 0.5, 1.0, 3.0])
def test_the_area_with_a_limit_against_simulation(limit: float) -> None:
    rng = np.random.default_rng(4)
    x, y = rng.normal(0.8, 1.0, 1500), rng.normal(0.0, 1.0, 1500)
    if limit:
        x, y = np.maximum(x, math.log(limit)), np.maximum(y, math.log(limit))
    seen = float((x[:, None] > y).mean() + 0.5 * (x[:, None] == y).mean())
    assert curves.area_at(0.8, 1.0, 0.0, limit) == pytest.approx(seen, abs=0.02)
    with pytest.raises(DataError, match="above 0"):
        curves.area_at(0.8, 0.0, 0.0, limit)


# ---- prognosis


def test_events_are_those_of_lifelines() -> None:
    """Arms of equal size, a quarter and 35 % with an event."""
    from lifelines.statistics import power_under_cph

    n = 400
    events = n * 0.25 + n * 0.35
    # lifelines weighs the arms by their events.
    own = later.events_power(events, math.log(0.7), 0.25)
    assert own == pytest.approx(power_under_cph(n, n, 0.25, 0.35, 0.7), abs=0.01)


def test_events_needed_against_simulation() -> None:
    needed = later.events_needed(math.log(2.0), 0.3 * 0.7, 0.8)
    assert later.events_power(needed, math.log(2.0), 0.21) == pytest.approx(0.8, abs=1e-4)
    more = later.events_needed(math.log(2.0), 0.21, 0.8, explained=0.2)
    assert more == pytest.approx(needed / 0.8)
    with pytest.raises(DataError, match="needs no study"):
        later.events_needed(0.0, 0.2, 0.8)
    # Cox's score test (log-rank) of exponential times, all observed: power near 0.8.
    rng = np.random.default_rng(5)
    n = round(needed)
    rejected = 0
    for _ in range(400):
        seen = rng.random(n) < 0.3
        order = np.argsort(rng.exponential(size=n) / np.where(seen, 2.0, 1.0))
        at_risk = np.arange(n, 0, -1)
        share = np.cumsum(seen[order][::-1])[::-1] / at_risk
        statistic = (seen[order] - share).sum() / math.sqrt((share * (1 - share)).sum())
        rejected += abs(statistic) > 1.96
    assert rejected / 400 == pytest.approx(0.8, abs=0.07)


def test_share_with_an_event() -> None:
    assert later.share_with_event(0.2, 3.0) == pytest.approx(1 - math.exp(-0.6))
    mean = integrate.quad(lambda t: 1 - math.exp(-0.2 * (3.0 + t)), 0, 2)[0] / 2
    assert later.share_with_event(0.2, 3.0, 2.0) == pytest.approx(mean)


def test_rates_against_simulation() -> None:
    rng = np.random.default_rng(6)
    n, k, ratio, rate = 120, 0.8, 1.8, 0.9

    def counts(mean: float) -> Any:
        return rng.negative_binomial(1 / k, 1 / (1 + k * mean), (4000, n))

    a, b = counts(ratio * rate * 2), counts(rate * 2)
    log = np.log(a.mean(axis=1) / b.mean(axis=1))
    se = np.sqrt(sum((1 / v.mean(axis=1) + k) / n for v in (a, b)))
    assert later.rates_power(ratio, rate, 2.0, k, n, n) == pytest.approx(
        float((np.abs(log / se) > 1.96).mean()), abs=0.03
    )


# ---- the whole

DESIGN: dict[str, Any] = {
    "design": {"name": "IL-6 in CSF", "replicates": 300},
    "detection": [{"id": "seen", "share": 0.4, "reference": 0.15, "ratio": 0.5}],
    "level": [
        {
            "id": "higher", "fold": 2.0, "geometric_mean": "1 pg/mL", "sd_ln": 1.0, "limit": "0.0015 ng/mL",
            "limits": [0.0005, 0.003],
        }
    ],
    "area": [
        {"id": "tells", "area": 0.7, "half_width": 0.08},
        {"id": "better", "area": 0.8, "other": 0.72, "correlation": 0.4},
    ],
    "prognosis": [
        {"id": "later", "hazard_ratio": 2.0, "share": 0.3, "events": 0.4},
        {"id": "doubling", "hazard_ratio": 1.4, "sd_ln": 1.0, "rate": 0.2, "follow_up": 2.0, "accrual": 1.0},
    ],
    "rate": [{"id": "relapses", "rate_ratio": 1.7, "rate": 0.5, "years": 2.0, "dispersion": 0.7, "share": 0.3}],
}  # fmt: skip


def test_a_design_is_answered_and_written(tmp_path: Path) -> None:
    out = tmp_path / "design"
    result = run_design(DESIGN, out)
    told = json.loads((out / "summary.json").read_text())
    assert told == result.summary == run_design(DESIGN).summary
    by = {q["id"]: q for q in told["questions"]}
    assert len(by) == 7
    assert by["seen"]["n_reference"] == round(0.5 * by["seen"]["n"])
    for q in by.values():
        assert q["power"] >= 0.8 - 1e-6
        assert q["total"] > 0
        powers = [row["power"] for row in q["curve"]]
        assert powers[0] < 0.8 <= powers[-1]
    level = by["higher"]
    assert level["limit"] == pytest.approx(1.5)
    assert level["share_below_reference"] == pytest.approx(stats.norm.cdf(math.log(1.5)))
    assert level["power_low"] < 0.85
    assert level["power_high"] > 0.75
    assert [row["limit"] for row in level["limits"]] == pytest.approx([0.0, 0.5, 1.5, 3.0])
    sizes = [row["n"] for row in level["limits"]]
    assert sizes == sorted(sizes)
    assert all(row["n_detection"] > row["n"] for row in level["limits"][1:])
    assert level["limits"][0]["n_detection"] is None
    areas = [row["area"] for row in level["limits"]]
    assert areas == sorted(areas, reverse=True)
    assert by["tells"]["n_half_width"] > 0
    assert by["later"]["total"] == math.ceil(later.events_needed(math.log(2), 0.21, 0.8) / 0.4)
    for name, rows in (("design", 7), ("limits", 4)):
        assert len(pd.read_csv(out / f"{name}.csv")) == rows
    with pytest.raises(DataError, match="overwrite"):
        run_design(DESIGN, out)
    assert run_design(DESIGN, out, overwrite=True).summary == told
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "x").touch()
    with pytest.raises(DataError, match="no design"):
        run_design(DESIGN, tmp_path / "other")


def test_what_is_out_of_reach_is_said() -> None:
    told = run_design(
        {"design": DESIGN["design"], "detection": [{"id": "a", "share": 0.1, "reference": 0.101}]}
    ).summary
    assert told["questions"][0]["n"] is None
    assert "out of reach" in told["questions"][0]["note"]
    rough = DESIGN["level"][0] | {"limit": "10 pg/mL", "limits": []}
    level = run_design({"design": DESIGN["design"], "level": [rough]}).summary["questions"][0]
    assert "rough" in level["note"]


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ({"detection": [{"id": "a", "share": 0.2, "reference": 0.2}]}, "no difference"),
        ({"detection": [{"id": "a", "share": 1.2, "reference": 0.2}]}, "share"),
        ({"level": [DESIGN["level"][0] | {"limits": [2, 1]}]}, "larger than the one before"),
        ({"level": [DESIGN["level"][0] | {"limit": "3 mmHg"}]}, "limit"),
        ({"level": [DESIGN["level"][0] | {"geometric_mean": "1"}]}, "unit"),
        ({"level": [DESIGN["level"][0] | {"fold": 1.0}]}, "no difference"),
        ({"area": [{"id": "a", "area": 0.5}]}, "no difference"),
        ({"prognosis": [{"id": "a", "hazard_ratio": 2.0, "events": 0.3}]}, "give 'share'"),
        ({"prognosis": [{"id": "a", "hazard_ratio": 2.0, "share": 0.3}]}, "give 'events'"),
        ({"prognosis": [{"id": "a", "hazard_ratio": 2.0, "share": 0.3, "rate": 0.3}]}, "go together"),
        ({"rate": [DESIGN["rate"][0] | {"rate_ratio": 1.0}]}, "no difference"),
        ({}, "nothing is asked"),
        ({"area": [DESIGN["area"][0], DESIGN["area"][0]]}, "same id"),
        ({"levels": []}, "unknown key 'levels'"),
    ],
)
def test_mistakes_in_a_design(part: dict[str, Any], said: str) -> None:
    with pytest.raises(ProtocolError, match=said):
        run_design({"design": DESIGN["design"], **part})


def test_designs_are_told_by_their_table(tmp_path: Path) -> None:
    file = tmp_path / "d.toml"
    file.write_text('[design]\nname = "x"\n\n[[area]]\nid = "a"\narea = 0.7\nratio = -1\n')
    assert is_design(file)
    assert not is_design(tmp_path / "none.toml")
    with pytest.raises(ProtocolError, match="line 7"):
        read_design(file)
    with pytest.raises(ProtocolError, match="cannot be read"):
        read_design(tmp_path / "none.toml")
    file.write_text("[design\n")
    with pytest.raises(ProtocolError, match="TOML"):
        read_design(file)


def test_the_command_answers_a_design(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from leukinetics.cli import app

    file = Path(__file__).resolve().parents[1] / "examples" / "design_il6_csf.toml"
    text = file.read_text(encoding="utf-8").replace("replicates = 1000", "replicates = 100")
    spec = tmp_path / "d.toml"
    spec.write_text(text, encoding="utf-8")
    done = CliRunner().invoke(app, ["cohort", str(spec), "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    assert "170 and 85 people" in done.output
    assert "no limit (0 % of the reference below)" in done.output
    assert (tmp_path / "out" / "limits.csv").is_file()
    again = CliRunner().invoke(app, ["cohort", str(spec), "--out", str(tmp_path / "out")])
    assert again.exit_code == 1
    assert "--overwrite" in again.output
    bare = CliRunner().invoke(app, ["cohort", str(spec)])
    assert bare.exit_code == 0
