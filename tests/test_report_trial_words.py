"""The report of a trial: what it says first, in which words and units, and how tables and axes are made."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import leukinetics as lk
from leukinetics.report.trial import numbers as n
from leukinetics.report.trial.answer import answer, headlines, outside
from leukinetics.report.trial.assumptions import assumed
from leukinetics.report.trial.axes import time_axis
from leukinetics.report.trial.baseline import baseline_grid
from leukinetics.report.trial.certainty import sensitivity_figure
from leukinetics.report.trial.design_words import allocated, design_words
from leukinetics.report.trial.endpoint_view import endpoint_grid, p_words
from leukinetics.report.trial.evidence import evidence
from leukinetics.report.trial.flow_figure import flow
from leukinetics.report.trial.folder import Finished, open_folder
from leukinetics.report.trial.hours import in_hours
from leukinetics.report.trial.names import meaning, parameter_words, printed
from leukinetics.report.trial.narrowing import narrowing_figure, narrowing_grid, narrowing_words
from leukinetics.report.trial.study_views import uncertainty_grid
from leukinetics.report.trial.style import drawing, looks, wrapped
from leukinetics.report.trial.text import linked
from leukinetics.report.trial.waterfall import waterfall
from leukinetics.report.trial.words import drawn, effect_words, range_words
from leukinetics.report.trial.write import write_report

HOURS: dict[str, Any] = {
    "trial": {
        "name": "Endotoxin", "condition": "endotoxaemia", "duration": "12 h", "patients_per_arm": 4, "seed": 3,
        "design": "twins",
    },
    "eligibility": {"age": "18 to 60 years", "bmi": "<= 40 kg/m^2"},
    "arm": [
        {"name": "endotoxin", "dose": [{"drug": "lps", "amount": "2 ng/kg", "route": "iv"}]},
        {
            "name": "endotoxin and anakinra",
            "dose": [
                {"drug": "lps", "amount": "2 ng/kg", "route": "iv"},
                {"drug": "anakinra", "amount": "100 mg", "route": "iv"},
            ],
        },
    ],
    "endpoint": [
        {"id": "back", "observable": "temperature", "kind": "time_to_return", "every": "30 min", "margin": 0.01},
        {"id": "peak", "observable": "il6", "kind": "time_of_maximum", "every": "30 min"},
        {"id": "il6", "observable": "il6", "kind": "percent_change", "at": "4 h"},
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def hours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("trials") / "hours"
    lk.run_trial(HOURS, out=out, report=False)
    return out


def changed(folder: Path, tmp_path: Path, **keys: Any) -> Finished:
    """The trial with other keys in its summary."""
    import shutil

    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    path = copy / "summary.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | keys), encoding="utf-8")
    return open_folder(copy)


def contrast(estimate: float, low: float, high: float, **more: Any) -> dict[str, Any]:
    row = {
        "endpoint": "il6", "arm": "endotoxin and anakinra", "reference": "endotoxin", "measure": "percent_difference",
        "estimate": estimate, "ci_low": low, "ci_high": high, "p_value": 0.4, "p_adjusted": None, "analysis": "x",
        "n": 4,
    }  # fmt: skip
    return row | more


def test_times_of_a_trial_of_hours_are_in_hours(hours: Path) -> None:
    whole = open_folder(hours)
    trial = in_hours(whole)
    for arm in whole.arms:
        for name in ("back", "peak"):
            days, told = whole.estimate(arm, name), trial.estimate(arm, name)
            assert (days["unit"], told["unit"]) == ("day", "h")
            assert told["estimate"] == pytest.approx(24 * days["estimate"])
            assert told["n"] == days["n"] and told["statistic"] == days["statistic"]
        assert trial.estimate(arm, "il6") == whole.estimate(arm, "il6")
    for a, b in zip(whole.rows("contrasts"), trial.rows("contrasts"), strict=True):
        factor = 24 if a["endpoint"] in ("back", "peak") else 1
        assert b["estimate"] == pytest.approx(factor * a["estimate"]) and b["p_value"] == a["p_value"]
    page = write_report(hours).read_text(encoding="utf-8")
    assert " hours" in page and "0.0 days" not in page
    table = pd.read_csv(hours / "tables" / "contrasts.csv")  # has the units of the summary
    assert table["estimate"].tolist() == pytest.approx([r["estimate"] for r in whole.rows("contrasts")])


def test_twins_are_said_to_be_twins_and_times_are_shorter_or_longer(hours: Path) -> None:
    first = answer(in_hours(open_folder(hours)))[0]
    assert first.startswith("In 4 virtual patients, each simulated under every arm, with the model's fitted values,")
    assert "higher" not in first and "lower" not in first


def test_reasons_have_the_bounds_of_the_protocol(tmp_path: Path) -> None:
    protocol = HOURS | {"population": {"age": {"mean": 40, "sd": 12, "unit": "year"}}}
    protocol["eligibility"] = {"age": "30 to 45 years"}
    result = lk.run_trial(protocol, out=tmp_path / "x", report=False)
    reasons = {r["reason"] for r in result.summary["flow"]["excluded"]}
    assert reasons and all("day" not in r for r in reasons)
    assert reasons <= {"age >= 30 years not met", "age <= 45 years not met", "age >= 30 year not met",
                       "age <= 45 year not met", "not a possible person"}  # fmt: skip
    opened = open_folder(tmp_path / "x")
    with drawing():
        assert flow(opened, looks(opened.arms, None)) is not None
    assert opened.said("age >= 30 year not met") == "age ≥ 30 years not met"
    assert opened.said("not plausible: crp > 1 mg/L") == "not plausible: CRP > 1 mg/L"


def test_a_null_result_is_no_difference_shown(hours: Path, tmp_path: Path) -> None:
    trial = changed(hours, tmp_path, contrasts=[contrast(-10.0, -30.0, 20.0, endpoint="back", measure="difference")])
    first, second = answer(trial)
    assert "no difference from endotoxin was shown" in first
    assert "30 days shorter to 20 days longer" in first and "compared with" not in first
    assert second.startswith("How uncertain the model itself is was not part of this run")


def test_draws_are_the_range_to_quote(hours: Path, tmp_path: Path) -> None:
    values = [-60.0 + i for i in range(21)]
    row = contrast(0, 0, 0, endpoint="back", measure="difference") | {
        "median": -50.0, "low": -59.5, "high": -40.5, "values": values, "share_parameters": 0.5,
    }  # fmt: skip
    main = contrast(-30.0, -35.0, -25.0, endpoint="back", measure="difference")
    trial = changed(hours, tmp_path, contrasts=[main], uncertainty={"draws": 21, "patients": 4, "contrasts": [row]})
    second = answer(trial)[1]
    assert "as median (range of 95 % of draws), 50.0 days shorter (40.5 to 59.5 days)" in second
    assert "Quote this range" in second
    assert outside(trial) == ["the time until body temperature is back at baseline with endotoxin and anakinra"]
    few = drawn(row | {"values": values[:5]})
    assert (few["ci_low"], few["ci_high"]) == (-60.0, -56.0)
    grid = uncertainty_grid(trial)
    assert grid is not None and grid.groups[0][1][0][1:3] == ["−50.0 (−59.5 to −40.5)", "−30.0 (−35.0 to −25.0)"]


def test_contrasts_that_could_not_be_made_have_no_group_of_their_own(hours: Path, tmp_path: Path) -> None:
    rows = [contrast(0.5, 0.2, 0.9, measure=m) | {"median": 0.5, "values": []} for m in ("hazard_ratio", None)]
    trial = changed(hours, tmp_path, uncertainty={"draws": 2, "patients": 4, "contrasts": rows})
    grid = uncertainty_grid(trial)
    assert grid is not None and len(grid.groups) == 1 and "None" not in grid.groups[0][0]


def test_lines_under_the_answer(hours: Path, tmp_path: Path) -> None:
    plain = open_folder(hours)
    lines = dict(headlines(plain, evidence(plain), assumed(plain)))
    assert "no sensitivity analysis was made" in lines["Leans most on"]
    assert "published readouts with anakinra and endotoxin" in lines["Tested before"]
    names = ("il6_tnf_share", "tnf_gain", "il10_gc", "il10_half", "il1_gain")
    sense = {
        **contrast(0, 0, 0), "method": "morris", "runs": 9, "base": -4.0,
        "parameters": [
            {"name": x, "kind": "assumed", "mu_star": 9.0 - i, "mu_star_ci": 1.0, "mu": 1.0, "sigma": 1.0}
            for i, x in enumerate(names)
        ],
    }  # fmt: skip
    trial = changed(hours, tmp_path, sensitivity=sense)
    lines = dict(headlines(trial, evidence(trial), assumed(trial)))
    assert "IL-6 TNF share (by about 9.0 percentage points)" in lines["Leans most on"]
    assert lines["Leans most on"].count("by about") == 3


def test_a_tornado_shows_both_ends_and_counts_as_influence(hours: Path, tmp_path: Path) -> None:
    rows = [
        {"name": x, "kind": "assumed", "effect_low": -50.0, "effect_high": -50.0 + 2 * i, "swing": 2.0 * i}
        for i, x in ((5, "il6_tnf_share"), (2, "tnf_gain"))
    ]
    gone = {"name": "il10_gc", "kind": "assumed", "effect_low": None, "effect_high": -50.0, "swing": None}
    sense = {**contrast(0, 0, 0), "method": "tornado", "runs": 6, "base": -45.0, "parameters": [*rows, gone]}
    trial = changed(hours, tmp_path, sensitivity=sense)
    with drawing():
        picture = sensitivity_figure(trial)
    assert picture is not None
    texts = re.sub(r"<[^>]+>", "|", picture.svg)
    assert "−50 to −40 assumed" in texts and "−50 to −46 assumed" in texts
    assert "il10" not in picture.message
    assert "(by about 10 percentage points)" in dict(headlines(trial, evidence(trial), assumed(trial)))["Leans most on"]


def test_nothing_stands_out_of_few_draws(hours: Path, tmp_path: Path) -> None:
    share = {"rho": 0.4, "share": 0.1, "share_low": 0.0, "share_high": 0.5, "p_adjusted": 0.7}
    found = {
        "draws": 12, "tested": 90, "noise": None, "visible": 0.6, "together": None,
        "parameters": [{"name": "il1_gain", "kind": "calibrated", **share}], "measurements": [],
    }  # fmt: skip
    row = contrast(-50.0, -59.5, -40.5) | {
        "median": -50.0,
        "values": [-50.0] * 12,
        "narrowing": found,
        "endpoint": "back",
    }
    trial = changed(hours, tmp_path, uncertainty={"draws": 12, "patients": 4, "contrasts": [row]})
    assert "No single parameter stands out from chance" in narrowing_words(trial)
    grid = narrowing_grid(trial)
    assert grid is not None and grid.groups[0][1][0][3] == "10 % (0 % to 50 %)"
    assert narrowing_figure(trial) is not None
    without = changed(
        hours, tmp_path / "other", uncertainty={"draws": 2, "patients": 4, "contrasts": [row | {"narrowing": None}]}
    )
    assert (narrowing_words(without), narrowing_grid(without), narrowing_figure(without)) == ("", None, None)


def test_baseline_has_genotypes_as_counts_and_one_number_of_decimals(hours: Path, tmp_path: Path) -> None:
    grid = baseline_grid(open_folder(hours))
    assert grid is not None
    rows = {r[0]: r[1] for r in grid.groups[0][1]}
    people = pd.read_parquet(hours / "population.parquet")
    counts = "/".join(str(int((people["rs1800795"] == k).sum())) for k in range(3))
    assert rows["rs1800795 (IL6), 0/1/2 effect alleles"] == counts
    assert any(name.startswith("Albumin quotient, × 10⁻³, ") for name in rows)
    arms = [
        {"name": a, "n": 100, "mean": m, "median": m, "sd": s, "q1": 1.0, "q3": 2.0, "share": None}
        for a, m, s in (("A", 61.7, 9.8), ("B", 61.4, 10.02))
    ]
    row = {"name": "age", "label": "Age", "unit": "year", "kind": "continuous", "arms": arms}
    made = baseline_grid(changed(hours, tmp_path, baseline=[row]))
    assert made is not None and made.groups[0][1] == [["Age, years, mean (SD)", "62 (10)", "61 (10)"]]


def test_genotypes_without_people_are_frequencies(hours: Path, tmp_path: Path) -> None:
    trial = changed(hours, tmp_path)
    (trial.folder / "population.parquet").unlink()
    grid = baseline_grid(trial)
    assert grid is not None
    rows = {r[0]: r[1] for r in grid.groups[0][1]}
    mean = next(r for r in trial.rows("baseline") if r["name"] == "rs1800795")["arms"][0]["mean"]
    assert float(rows["rs1800795 (IL6), frequency of the effect allele"]) == pytest.approx(mean / 2, abs=0.0051)


def test_p_values_are_told_for_what_they_are(hours: Path, tmp_path: Path) -> None:
    trial = open_folder(hours)
    assert "not adjusted for several comparisons" in p_words(trial)
    grid = endpoint_grid(trial)
    assert "Estimate: median" in grid.groups[0][0] and len(grid.head) == 6
    alone = changed(hours, tmp_path, contrasts=[])
    assert p_words(alone) == "" and len(endpoint_grid(alone).head) == 4


def test_waterfall_says_how_many_of_many_arms_it_shows(hours: Path) -> None:
    trial = open_folder(hours)
    with drawing():
        found = waterfall(trial, looks(trial.arms, "endotoxin"))
    assert found is not None and len(found.pictures) == 2 and all(p.width == 385 for p in found.pictures)


def test_flow_adds_up(hours: Path) -> None:
    summary = json.loads((hours / "summary.json").read_text())
    told = summary["flow"]
    assert told["screened"] == told["enrolled"] + sum(r["n"] for r in told["excluded"])
    for arm, row in zip(summary["arms"], told["arms"], strict=True):
        found = arm["endpoints"]["back"]
        assert row["analysed"] == found["n"]
        lost = sum(found["missing"][k] for k in ("left", "rule", "failed"))
        assert row["allocated"] - row["analysed"] == lost


def test_arms_have_the_patients_that_were_asked_of_the_run(hours: Path) -> None:
    """Which --patients may have made fewer than the protocol's."""
    done = open_folder(hours)
    summary = json.loads((hours / "summary.json").read_text())
    for row in summary["flow"]["arms"]:
        row["allocated"] = 3
    fewer = replace(done, summary=summary)
    assert set(allocated(fewer).values()) == {3}
    assert "endotoxin (3)" in dict(design_words(fewer))["Arms"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("25 to < 30 kg/m^2", "25 to < 30 kg/m²"), (">= 70 year", "≥ 70 years"), ("1 year", "1 year"),
        ("ug/L", "µg/L"), ("<= 38 degC", "≤ 38 °C"), ("9 hours", "9 hours"),
    ],
)  # fmt: skip
def test_printed(text: str, shown: str) -> None:
    assert printed(text) == shown


def test_parameters_in_words() -> None:
    assert parameter_words("metabolic_inflammation.drive_il6_other") == "drive IL-6 other"
    assert parameter_words("canakinumab_KD_il1b") == "canakinumab dissociation constant IL-1β"
    assert parameter_words("il6r_base") == "IL-6 receptor base level"
    assert parameter_words("il17a_base") == "IL-17A base level"
    assert meaning("crp_basal_share", "share of healthy CRP made without IL-6; x") == (
        "share of healthy CRP made without IL-6"
    )
    assert meaning("age_slope", "prior assumed, 0.03-1.5") == "age slope"


def test_relative_effects_that_are_large() -> None:
    row = {"measure": "percent_difference", "estimate": -52.8, "ci_low": -99.99, "ci_high": 5_576_283.0}
    assert effect_words(row) == "0.472 times as high (95 % CI 0.00010 to 56,000 times)"
    row = {"measure": "percent_difference", "estimate": -95.0, "ci_low": -99.7, "ci_high": -20.0}
    assert effect_words(row) == "95 % lower (95 % CI 20 to more than 99 %)"
    same = {"measure": "percent_difference", "estimate": 0.0, "ci_low": 0.0, "ci_high": 0.0}
    assert range_words(same, "") == "no effect in any of them"


def test_intervals_of_ratios_that_are_wide() -> None:
    row = {"measure": "odds_ratio", "estimate": 1.0, "ci_low": 0.019, "ci_high": 53.0}
    assert n.interval(row) == "1.00 (0.019 to 53)"
    assert n.interval(row | {"ci_low": 0.8, "ci_high": 1.25}) == "1.00 (0.80 to 1.25)"


def test_small_shares() -> None:
    assert n.percent(0.00006) == "< 0.1 %" and n.percent(0.0035) == "0.35 %" and n.percent(0.0) == "0 %"


@pytest.mark.parametrize(
    ("days", "most", "ticks"),
    [
        (1456.0, 7, [0, 1, 2, 3, 4]), (1456.0, 3, [0, 2, 4]), (168.0, 3, [0, 8, 16, 24]), (112.0, 7, [0, 4, 8, 12, 16]),
        (210.0, 7, [0, 5, 10, 15, 20, 25, 30]), (1826.25, 7, [0, 1, 2, 3, 4, 5]), (0.5, 6, [0, 2, 4, 6, 8, 10, 12]),
    ],
)  # fmt: skip
def test_the_last_tick_is_the_end(days: float, most: int, ticks: list[float]) -> None:
    axis = time_axis(days, most)
    assert axis.ticks == pytest.approx(ticks)
    assert axis.ticks[-1] * axis.days == pytest.approx(days)


def test_identifiers_are_links_and_the_rest_is_escaped() -> None:
    text = str(linked("a <b> doi:10.1016/S0140-6736(21)00520-1; PMID:123, x"))
    assert '<a href="https://doi.org/10.1016/S0140-6736(21)00520-1">' in text
    assert "pubmed.ncbi.nlm.nih.gov/123/" in text and "&lt;b&gt;" in text and "<b>" not in text


def test_wrapped() -> None:
    assert wrapped("endotoxin and anakinra", 14) == "endotoxin and\nanakinra"
    assert wrapped("placebo", 14) == "placebo"
    assert wrapped("one two three four five six", 9) == "one two\nthree fo…"


def test_effects_next_to_none_are_called_so(hours: Path, tmp_path: Path) -> None:
    row = contrast(-0.08, -0.12, -0.05, endpoint="back", p_value=1e-5)
    assert "negligible, whatever p is" in answer(changed(hours, tmp_path, contrasts=[row]))[0]


def test_a_fitted_value_outside_a_few_draws_is_not_remarked(hours: Path, tmp_path: Path) -> None:
    row = contrast(0, 0, 0) | {"median": -5.0, "low": -6.0, "high": -4.0, "values": [-6.0, -5.0, -4.0]}
    uncertain = {"draws": 3, "patients": 4, "contrasts": [row]}
    assert outside(changed(hours, tmp_path, contrasts=[contrast(-30.0, -35.0, -25.0)], uncertainty=uncertain)) == []


def test_waterfall_is_of_the_values_that_are_analysed(hours: Path, tmp_path: Path) -> None:
    trial = changed(hours, tmp_path)
    path = trial.folder / "endpoints.parquet"
    table = pd.read_parquet(path)
    table.loc[(table["endpoint"] == "il6") & (table["patient"] == table["patient"].min()), "missing"] = "rule"
    table.to_parquet(path, index=False)
    with drawing():
        found = waterfall(trial, looks(trial.arms, "endotoxin"))
    assert found is not None and all("of 3 patients" in p.message for p in found.pictures)
