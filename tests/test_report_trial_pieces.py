"""The pieces of a trial's report: numbers, words, axes, looks, the kept validation."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path
from typing import Any

import pytest

import leukinetics as lk
from leukinetics.evidence.committed import KEPT, committed, committed_text
from leukinetics.report.trial import numbers as n
from leukinetics.report.trial.axes import time_axis
from leukinetics.report.trial.credibility import model_risk
from leukinetics.report.trial.design_figure import dose_times
from leukinetics.report.trial.style import looks, spread
from leukinetics.report.trial.words import effect_words, shows
from leukinetics.trial.protocol import Dose


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.12345, "0.123"), (12.345, "12.3"), (-123456, "−123,000"), (99.96, "100"), (0, "0"), (None, "–"),
        (math.nan, "–"), (1.5e-7, "1.50 × 10⁻⁷"), (1234567, "1.23 × 10⁶"), (True, "–"),
    ],
)  # fmt: skip
def test_number(value: Any, text: str) -> None:
    assert n.number(value) == text


def test_interval_shows_two_digits_of_its_width() -> None:
    assert n.interval({"estimate": -52.34, "ci_low": -60.1, "ci_high": -43.0}) == "−52.3 (−60.1 to −43.0)"
    assert n.interval({"estimate": 0.634, "ci_low": 0.51, "ci_high": 0.79}) == "0.63 (0.51 to 0.79)"
    assert n.interval({"estimate": 12345.6, "ci_low": 11000, "ci_high": 13700}) == "12,346 (11,000 to 13,700)"
    assert n.interval({"estimate": 0.5, "ci_low": None, "ci_high": None}, 100.0) == "50.0"
    assert n.interval({"estimate": -0.001, "ci_low": -0.3, "ci_high": 0.3}) == "0.00 (−0.30 to 0.30)"
    assert n.interval({}) == "–"


@pytest.mark.parametrize(
    ("p", "text"),
    [(1e-9, "< 0.001"), (0.0004, "< 0.001"), (0.0312, "0.031"), (0.2, "0.20"), (None, "–"), (1.0, "1.00")],
)
def test_p_value(p: Any, text: str) -> None:
    assert n.p_value(p) == text


@pytest.mark.parametrize(
    ("days", "text"),
    [
        (0, "time 0"), (364, "52 weeks"), (365, "365 days"), (365.25, "1 year"), (1826.25, "5 years"),
        (1830.4, "1,830 days"), (10.5, "10.5 days"), (1 / 24, "1 hour"), (1.0, "24 hours"),
        (7, "7 days"), (14, "2 weeks"), (1 / 1440, "1 minute"), (3650, "10 years"), (1.5, "36 hours"),
    ],
)  # fmt: skip
def test_duration(days: float, text: str) -> None:
    assert n.duration(days) == text


def test_effects_in_words() -> None:
    row = {"measure": "percent_difference", "estimate": -48.0, "ci_low": -61.0, "ci_high": -32.0, "p_value": 1e-5}
    assert effect_words(row) == "48 % lower (95 % CI 32 to 61 %, p < 0.001)"
    row = {"measure": "ratio", "estimate": 0.9, "ci_low": 0.7, "ci_high": 1.2, "p_value": 0.4, "p_adjusted": 0.8}
    assert effect_words(row, arm="A") == "10 % lower with A (95 % CI 30 % lower to 20 % higher, adjusted p = 0.80)"
    row = {"measure": "risk_difference", "estimate": 0.25, "ci_low": 0.11, "ci_high": 0.39, "p_value": None}
    assert effect_words(row) == "25 percentage points higher (95 % CI 11 to 39 percentage points)"
    row = {"measure": "hazard_ratio", "estimate": 1.9, "ci_low": 1.1, "ci_high": 3.3, "p_value": 0.02}
    assert effect_words(row, level="90 %") == "a hazard ratio of 1.9 (90 % CI 1.1 to 3.3, p = 0.020)"
    assert effect_words({"measure": "difference", "estimate": 1.5}, "mg/L") == "1.50 mg/L higher"
    assert shows({"measure": "ratio", "ci_low": 0.7, "ci_high": 1.2}) is False
    assert shows({"measure": "ratio", "ci_low": 0.7, "ci_high": 0.9}) is True
    assert shows({"measure": "difference", "ci_low": None, "ci_high": 1.0}) is None


@pytest.mark.parametrize(
    ("influence", "consequence", "starts"),
    [("low", "low", "Low"), ("low: x", "High", "Medium"), ("medium", "high", "High"), ("", "low", "Not rated")],
)
def test_model_risk(influence: str, consequence: str, starts: str) -> None:
    assert model_risk(influence, consequence).startswith(starts)


def test_doses_along_time() -> None:
    dose = {"drug": "x", "amount": "1 mg", "route": "sc"}
    assert dose_times(Dose(**dose), 28.0) == [0.0]
    assert dose_times(Dose(**dose, every="1 week"), 28.0) == [0.0, 7.0, 14.0, 21.0]
    assert dose_times(Dose(**dose, every="1 week", count=2, start="1 d"), 28.0) == [1.0, 8.0]
    assert dose_times(Dose(**dose, every="1 week", stop="14 d"), 28.0) == [0.0, 7.0]


def test_time_axes() -> None:
    assert (time_axis(364.0).name, time_axis(364.0).ticks) == ("weeks", [0, 13, 26, 39, 52])
    assert time_axis(1.0).name == "hours" and time_axis(10.0).name == "days" and time_axis(0.1).name == "minutes"
    for days in (0.02, 0.9, 6.0, 33.0, 120.0, 700.0, 4000.0):
        axis = time_axis(days)
        assert 2 <= len(axis.ticks) <= 8 and axis.ticks[-1] * axis.days <= days * 1.0001


def test_labels_are_moved_apart_and_stay_in_order() -> None:
    moved = spread([0.5, 0.5, 0.51, 0.9], 0.1, 0.0, 1.0)
    assert all(b - a >= 0.1 - 1e-6 for a, b in itertools.pairwise(moved))
    assert moved[3] == pytest.approx(0.9, abs=0.05)


def test_every_arm_has_a_look_of_its_own() -> None:
    arms = [f"arm {i}" for i in range(12)]
    found = looks(arms, "arm 3")
    seen = {(x.colour, str(x.dash), x.marker) for x in found.values()}
    assert len(seen) == 12 and found["arm 3"].colour == "#6e7781"


def test_the_validation_kept_for_reports_is_that_of_the_documentation() -> None:
    file = Path(lk.__file__).parents[1] / "docs" / "validation.md"
    if not file.exists():
        pytest.skip("an installed package has no docs")
    text = file.read_text(encoding="utf-8")
    for role, words in (("validate", "predicted"), ("calibrate", "fitted")):
        rows = [r for r in committed()["targets"] if r["role"] == role]
        inside = sum(r["inside"] for r in rows)
        assert f"| {words} | {len(rows)} | {inside} |" in text, "run leukinetics validate --write --markdown ..."


def test_text_of_the_kept_validation_can_be_read_again() -> None:
    row = dict.fromkeys(KEPT, 1.23456789) | {"id": "a.b", "unit": "mg/L", "inside": True, "note": "is not kept"}
    result = {"targets": [row, row], "studies": [{"id": "a", "title": "A “study”"}], "made": {"draws": 3}}
    found = json.loads(committed_text(result))
    assert found["studies"] == {"a": "A “study”"} and found["made"] == {"draws": 3}
    assert found["targets"][1]["predicted"] == 1.23457 and "note" not in found["targets"][0]
