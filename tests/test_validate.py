"""Validation: the comparison of predicted with published, its JSON, page and command."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from leukinetics.cli import app
from leukinetics.commands.validate import _chosen
from leukinetics.evidence import Target, Validation, load_targets, run_target, validate
from leukinetics.evidence.committed import FILE
from leukinetics.evidence.comparison import compare, failed, in_words
from leukinetics.evidence.run import prepare_target
from leukinetics.evidence.statistics import statistic
from leukinetics.evidence.validate import all_targets
from leukinetics.report.validation import markdown, misses, number, page, size

FIELDS = {
    "id", "role", "source", "readout", "predicted", "predicted_low", "predicted_high", "published", "published_low",
    "published_high", "z", "inside",
}  # fmt: skip


def study(**row: Any) -> Target:
    (target,) = load_targets(ids=["rhil6"])
    readout = {
        "id": "r", "role": "validate", "endpoint": "acth_max", "arm": "3 ug/kg", "statistic": "geometric_mean",
        "unit": "pg/mL", "scale": "ln", "value": 100.0, "se": 0.1,
    }  # fmt: skip
    rows = [{k: v for k, v in {**readout, **row}.items() if v is not None}]
    return Target.model_validate({**target.model_dump(exclude_unset=True), "readout": rows})


@pytest.fixture(scope="module")
def small() -> Validation:
    chosen = load_targets(ids=["rhil6", "il6r_variant", "lps_06"])
    return validate(3, chosen, patients=16, draw_patients=4)


def test_z_and_inside_on_numbers_that_can_be_checked_by_hand() -> None:
    target = study()
    (r,) = target.readout
    rng = np.random.default_rng(1)
    drawn = np.concatenate([[200.0], 200.0 * np.exp(0.3 * rng.standard_normal(4000))])
    resampled = 110.0 * np.exp(0.2 * rng.standard_normal(4000))
    c = compare(target, r, 110.0, resampled, drawn)
    assert c.z == pytest.approx(math.log(1.1) / math.sqrt(0.3**2 + 0.2**2 + 0.1**2), rel=0.05)
    assert c.inside
    assert c.predicted_low == pytest.approx(110 * math.exp(-1.96 * math.hypot(0.3, 0.2)), rel=0.05)
    assert (c.published_low, c.published_high) == pytest.approx(
        (100 * math.exp(-0.196), 100 * math.exp(0.196)), rel=1e-3
    )
    far = compare(target, r, 300.0, 300.0 * np.ones(100), np.empty(0))
    assert far.z == pytest.approx(math.log(3.0) / 0.1)
    assert not far.inside


def test_the_models_own_error_excuses_nothing() -> None:
    z = []
    for error in (0.0, 5.0):
        target = study(model_error=error)
        z.append(compare(target, target.readout[0], 200.0, np.full(100, 200.0), np.empty(0)).z)
    assert z[0] == z[1]


def test_a_bound_is_inside_on_its_right_side_and_what_is_missing_is_said() -> None:
    target = study(bound="above", se=None)
    (r,) = target.readout
    same = np.full(100, 150.0)
    assert compare(target, r, 150.0, same, np.empty(0)).z == 0.0
    below = compare(target, r, 50.0, 50.0 * np.exp(0.1 * np.random.default_rng(1).standard_normal(100)), np.empty(0))
    assert not below.inside and below.z is not None and below.z < -5
    nothing = compare(target, r, math.nan, np.full(100, math.nan), np.empty(0))
    assert (nothing.predicted, nothing.inside, nothing.error) == (None, False, "no virtual patient has a value")
    assert "window" in str(compare(target, r, math.inf, np.full(100, math.inf), np.empty(0)).error)
    assert failed(target, r, "why").error == "why"


def test_an_interval_needs_half_of_the_draws() -> None:
    target = study()
    few = np.concatenate([[100.0], np.full(6, math.nan), np.full(4, 100.0)])
    assert compare(target, target.readout[0], 100.0, np.full(100, 100.0), few).predicted_low is None


def test_statistics_of_two_visits() -> None:
    rng = np.random.default_rng(2)
    own = rng.standard_normal((2, 5000))
    x = np.exp(own + 0.5 * rng.standard_normal(own.shape))
    y = np.exp(own + 0.5 * rng.standard_normal(own.shape))
    x[0, 0] = np.nan
    np.testing.assert_allclose(statistic(x, "correlation_ln", y), 0.8, atol=0.02)
    np.testing.assert_allclose(statistic(x, "within_sd_ln", y), 0.5, atol=0.02)
    exact = np.corrcoef(np.log(x[1]), np.log(y[1]))[0, 1]
    assert statistic(x, "correlation_ln", y)[1] == pytest.approx(exact)
    np.testing.assert_allclose(statistic(np.arange(101.0)[None], "p90"), 90.0)


def test_one_run_of_a_target() -> None:
    (target,) = load_targets(ids=["il6r_variant"])
    table = run_target(target, n=8).set_index("id")
    assert table.loc["il6r_variant.sil6r", "predicted"] > 1.1, "an allele raises the soluble receptor"
    row = table.loc["il6r_variant.crp"]
    assert row["distance"] == pytest.approx(math.log(row["predicted"] / row["published"]))


def test_candidates_are_predicted_together_as_apart() -> None:
    (target,) = load_targets(ids=["rhil6"])
    made = prepare_target(target, role="calibrate", patients=4)
    other = {"il6_base": 1.5 * float(made.trials["base"].plan.parameters["il6_base"].value)}
    both = made.predict([{}, other])
    assert both.shape == (2, 2)
    np.testing.assert_allclose(both[0], made.predict([{}])[0], rtol=1e-12)
    np.testing.assert_allclose(both[1], made.predict([other])[0], rtol=1e-12)
    assert not np.allclose(both[0], both[1])


def test_the_json_has_what_other_checks_read(small: Validation) -> None:
    result = json.loads(small.as_json())
    assert len(result["targets"]) == sum(len(t.readout) for t in small.targets)
    for row in result["targets"]:
        assert row.keys() >= FIELDS
        assert row["role"] in ("calibrate", "validate", "input")
        assert isinstance(row["inside"], bool)
        if row["predicted"] is not None and row["predicted_low"] is not None:
            assert row["predicted_low"] <= row["predicted"] <= row["predicted_high"]
    assert sum(part["readouts"] for part in result["summary"].values()) == len(result["targets"])
    assert result["assumed"] and result["not_simulated"] and result["made"]["assemblies"]


def test_the_same_validation_twice_is_the_same(small: Validation) -> None:
    again = validate(3, small.targets, patients=16, draw_patients=4)
    assert again.as_json() == small.as_json()
    assert page(again.as_dict()) == page(small.as_dict())


def test_a_target_that_cannot_be_run_is_reported_and_the_others_are_run() -> None:
    bad = study(unit="kg")
    unknown = Target.model_validate(
        {
            **bad.model_dump(exclude_unset=True),
            "id": "other",
            "protocol": {**bad.protocol, "trial": {**bad.protocol["trial"], "condition": "nowhere"}},
        }
    )
    found = validate(0, [bad, unknown, *load_targets(ids=["il6r_variant"])], patients=4)
    assert "unit" in str(found.comparisons[0].error)
    assert "nowhere" in str(found.comparisons[1].error)
    assert found.comparisons[-1].predicted is not None
    assert "nowhere" in page(found.as_dict())


def test_the_page_stands_alone_and_tells_fitted_from_predicted(small: Validation) -> None:
    text = page(small.as_dict())
    assert text.count("<svg") == 2
    for outside in ("<script", "<link", "src=", "url(http", "@import"):
        assert outside not in text
    assert 'class="badge calibrate">fitted' in text and 'class="badge validate">predicted' in text
    for target in small.targets:
        assert f'id="{target.id}"' in text
    for row in misses(small.as_dict()["targets"], "calibrate"):
        assert row["readout"].split(",")[0] in text


def test_the_markdown_has_every_readout(small: Validation) -> None:
    result = small.as_dict()
    text = markdown(result)
    assert text.count("\n| fitted | ") + text.count("\n| predicted | ") >= len(result["targets"])
    assert "## Misses: predicted" in text and "| study | readout |" in text


def test_words_and_numbers() -> None:
    (target,) = load_targets(ids=["canakinumab_t2d"])
    assert in_words(target, target.readout[0]) == "crp (fold, 120 d), median, 5 mg to placebo"
    assert [number(v) for v in (None, 0.0, 1234.5, 2.345e-5, 0.01234)] == ["–", "0", "1,230", "2.3e-05", "0.0123"]
    row = {"predicted": 2.0, "published": 4.0, "scale": "ln", "unit": "mg/L"}
    assert size(row) == "1/2"
    assert size({**row, "predicted": 12.0}) == "3 times"
    assert size({**row, "scale": "linear"}) == "-2 mg/L"


def test_the_command_writes_its_files(tmp_path: Path) -> None:
    files = {name: tmp_path / f"v.{name}" for name in ("json", "html", "md")}
    arguments = [
        "validate",
        "--target",
        "il6r_variant",
        "--draws",
        "2",
        "--patients",
        "8",
        "--json",
        str(files["json"]),
    ]
    arguments += ["--page", str(files["html"]), "--markdown", str(files["md"])]
    ran = CliRunner().invoke(app, arguments)
    assert ran.exit_code == 0, ran.output
    assert "fitted: " in ran.output and "readouts inside" in ran.output
    assert len(json.loads(files["json"].read_text())["targets"]) == 5
    assert files["html"].read_text().startswith("<!doctype html>") and files["md"].read_text().startswith(
        "# Validation"
    )


def test_the_command_refuses_an_unknown_target_with_one_message() -> None:
    ran = CliRunner().invoke(app, ["validate", "--target", "rhil7"])
    assert ran.exit_code == 1
    assert "There is no target 'rhil7'. Did you mean 'rhil6'" in ran.output


def test_a_target_named_twice_is_run_once() -> None:
    assert [t.id for t in _chosen(["rhil6", "rhil6"])] == ["rhil6"]


def test_what_nobody_published_has_no_place_in_a_validation() -> None:
    """Trials that carry out claims have bounds, no published figures: counting them would flatter the model."""
    ours = {t.id for t in all_targets() if not t.published}
    assert ours == {"mdd_precision", "one_drug", "cachexia_anti_il1", "cachexia_one_drug"}
    committed = json.loads(FILE.read_text("utf-8"))
    assert not [r["id"] for r in committed["targets"] if r["id"].split(".")[0] in ours]


@pytest.mark.slow
def test_every_target_can_be_run() -> None:
    found = validate(0, all_targets(), patients=6)
    # Six may have none of some patients, no event for an odds ratio, and nobody who is still there at the end.
    left = {t.id for t in all_targets() if t.protocol.keys() & {"dropout", "rule"}}
    some = [(t, r) for t in all_targets() for r in t.readout]
    of_some = {f"{t.id}.{r.id}" for t, r in some if r.among or r.measure == "odds_ratio" or t.id in left}
    errors = [c for c in found.comparisons if c.error and "window" not in c.error]
    assert not [f"{c.id}: {c.error}" for c in errors if c.id not in of_some or "no virtual patient" not in c.error]
