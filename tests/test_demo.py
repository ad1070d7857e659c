"""The demonstrations run, are reproducible and write their figures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import leukinetics as lk
from leukinetics import examples
from leukinetics.evidence import load_targets
from leukinetics.examples import demo, signalling


@pytest.mark.slow
def test_demo_treats_everyone_and_writes_a_figure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figure = tmp_path / "deep" / "demo.png"
    demo.main(["--patients", "30", "--draws", "3", "--out", str(figure)])
    said = capsys.readouterr().out
    assert "30 virtual patients under each of 4 arms" in said
    assert "3 draws" in said
    for readout in ("CRP", "IL-6"):
        assert [line.split()[1] for line in said.splitlines() if line.startswith(readout)] == ["15", "50", "150"]
    assert figure.read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_demo_shows_what_the_trial_found_and_what_the_model_says() -> None:
    result = lk.run_trial(examples.trial("canakinumab_monthly"), patients=40)
    found = demo.effects(result, [result])
    # 1 - (1 - 0.587)/(1 - 0.047): the fall of CRP under 150 mg against that of placebo (Circulation 2012;126:2739).
    published = {(e.readout, e.arm): e.published[0] for e in found}
    assert published["crp", "150 mg"] == pytest.approx(100 * (0.413 / 0.953 - 1))
    assert published["il6", "15 mg"] == pytest.approx(100 * (0.675 / 0.971 - 1))
    assert all(e.published[1] < e.published[0] < e.published[2] < 0 for e in found)
    # With one draw, which is the run itself, the interval is the median; the effect grows with the dose.
    assert all(e.model[0] == pytest.approx(e.model[1]) == pytest.approx(e.model[2]) for e in found)
    for readout in demo.READ:
        by_dose = [e.model[0] for e in found if e.readout == readout]
        assert by_dose == sorted(by_dose, reverse=True)
        courses = demo.changes(result, readout)
        assert courses.shape == (4 * 40, 61)
        np.testing.assert_array_equal(courses[0.0], 0.0)
        np.testing.assert_allclose(courses.loc["placebo"], 0.0, atol=1e-3)


def test_the_example_trial_has_the_doses_and_the_visit_of_the_publication() -> None:
    example = lk.read_protocol(examples.trial("canakinumab_monthly"))
    target = lk.read_protocol(load_targets(ids=[demo.TARGET])[0].protocol)
    arms = {a.name: a.dose for a in target.arm}
    assert {a.name: a.dose for a in example.arm} == {name: arms[name] for name in demo.COLOURS}
    assert {e.at for e in example.endpoint if e.at} == {e.at for e in target.endpoint}


def test_an_unknown_example_is_refused_with_the_nearest() -> None:
    with pytest.raises(lk.ProtocolError, match="canakinumab_monthly"):
        examples.trial("canakinumab_montly")


@pytest.mark.slow
def test_signalling_simulates_everyone_and_writes_a_figure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figure = tmp_path / "deep" / "signalling.png"
    signalling.main(["--patients", "50", "--out", str(figure)])
    said = capsys.readouterr().out
    assert "50 virtual patients" in said
    assert "25 states" in said
    assert "; 0 failed" in said
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_patients_scatter_around_the_published_values_and_share_the_experiment() -> None:
    model = lk.load_model(examples.path("bachmann2011"))
    patients = signalling.draw_patients(model, 4000)
    assert patients.equals(signalling.draw_patients(model, 4000))
    assert patients.shape[1] == 23
    assert not {"Epo", "init_EpoRJAK2", "init_SHP1", "init_STAT5", "cyt", "nuc"} & set(patients)
    assert (patients > 0).all(axis=None)
    published = np.array([model.inputs[name].default for name in patients])
    # 4,000 draws: the standard error of a median is 0.6 %, that of the coefficient of variation about 0.4 %.
    np.testing.assert_allclose(patients.median() / published, 1.0, atol=0.03)
    np.testing.assert_allclose(patients.std() / patients.mean(), signalling.SPREAD, atol=0.03)
