"""The published signalling model as an example: it runs, is reproducible and draws its figure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import leukinetics as lk
from leukinetics import examples
from leukinetics.examples import signalling


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
