"""What a laboratory reports: noise that belongs to patient, day and sample, and values below a limit."""

from __future__ import annotations

import numpy as np
import pytest

from leukinetics import DataError
from leukinetics.assays import Assay, Measured, assay_for, assays, exact, measure
from leukinetics.assays.table import TABLE
from leukinetics.patients.spread import Spread

PLAIN = Assay("x", "test", "mg/L", 0.5, 100.0, Spread("ln", 0.1), Spread("ln", 0.4))


def test_noise_has_the_size_of_the_table() -> None:
    values = np.full((20_000, 2), 10.0)
    read = measure(values, PLAIN, 1, [0.0, 7.0]).numbers(0.5)
    logs = np.log(read / 10.0)
    assert logs.std() == pytest.approx(np.hypot(0.1, 0.4), abs=0.005)
    assert logs.mean() == pytest.approx(0.0, abs=0.01)
    assert np.corrcoef(logs.T)[0, 1] == pytest.approx(0.0, abs=0.03)


def test_samples_of_one_day_share_the_day() -> None:
    read = measure(np.full((20_000, 2), 10.0), PLAIN, 1, [3.1, 3.6]).numbers(0.5)
    assert np.diff(np.log(read)).std() == pytest.approx(0.1 * np.sqrt(2), abs=0.005)


def test_noise_depends_on_seed_patient_time_readout_and_visit_only() -> None:
    values = np.full((5, 2), 10.0)
    both = measure(values, PLAIN, 1, [0.0, 7.0]).numbers(0.5)
    assert measure(values[:, 1:], PLAIN, 1, [7.0]).numbers(0.5)[:, 0].tolist() == both[:, 1].tolist()
    some = measure(values[:2], PLAIN, 1, [0.0, 7.0], [3, 1]).numbers(0.5)
    assert some.tolist() == both[[3, 1]].tolist()
    stacked = measure(np.full((2, 3, 5, 2), 10.0), PLAIN, 1, [0.0, 7.0], np.broadcast_to(np.arange(5), (2, 3, 5)))
    assert (stacked.numbers(0.5) == both).all()
    assert not (measure(values, PLAIN, 2, [0.0, 7.0]).numbers(0.5) == both).any()
    assert not (measure(values, PLAIN, 1, [0.0, 7.0], visit="screening").numbers(0.5) == both).any()


def test_values_below_the_limit_are_marked_and_no_numbers() -> None:
    silent = Assay("x", "test", "mg/L", 0.5, 100.0, None, None)
    read = measure(np.array([[0.1, 0.5, 500.0, np.nan]]), silent, 1, [0, 1, 2, 3])
    assert read.blq.tolist() == [[True, False, False, False]]
    assert read.numbers(0.5)[0, :3].tolist() == [0.25, 0.5, 100.0]
    assert read.numbers(np.nan)[0, 1:3].tolist() == [0.5, 100.0]
    assert np.isnan(read.numbers(0.5)[0, 3])
    with pytest.raises(DataError, match="say what stands for these"):
        np.asarray(read)
    with pytest.raises(DataError, match="say what stands for these"):
        np.mean(read)
    with pytest.raises(TypeError):
        read + 1


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(DataError, match="shape"):
        measure(np.zeros((3, 2)), PLAIN, 1, [0.0])
    with pytest.raises(DataError, match="patient numbers"):
        measure(np.zeros((3, 1)), PLAIN, 1, [0.0], [1, 2])
    with pytest.raises(DataError, match="differ in shape"):
        Measured(np.zeros(3), np.zeros(2, dtype=bool), "mg/L")
    assert exact(np.ones(2), "mg/L").numbers(0.5).tolist() == [1.0, 1.0]


def test_an_assay_in_another_unit() -> None:
    il6 = assay_for("il6")
    assert assay_for("il6", "ng/L").lloq == pytest.approx(il6.lloq)
    molar = il6.in_unit("pmol/L", 21_000.0)
    assert molar.lloq == pytest.approx(il6.lloq / 21.0)
    assert molar.analytical == il6.analytical
    with pytest.raises(DataError, match="There is no assay of 'il66'"):
        assay_for("il66")
    with pytest.raises(DataError, match="cannot be converted"):
        assay_for("il6", "day")


def test_every_row_of_the_table_has_its_source() -> None:
    rows = TABLE.read_text(encoding="utf-8").splitlines()
    names = rows[0].split("\t")
    for row in rows[1:]:
        cells = dict(zip(names, row.split("\t"), strict=True))
        assert cells["kind"] in ("measured", "derived", "assumed"), cells["readout"]
        assert cells["source"], cells["readout"]
        assert cells["kind"] == "assumed" or cells["source"] != "assumed", cells["readout"]
        assert assays()[cells["readout"]].lloq >= 0
    assert len(assays()) == len(rows) - 1
