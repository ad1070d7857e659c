"""What a laboratory reports: noise that belongs to patient, day and sample, and values below a limit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

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


WEEK = Assay("y", "test", "mg/L", 0.0, np.inf, None, Spread("ln", 0.65), Spread("ln", 0.46))


def _logs(assay: Assay, times: list[float], **more: Any) -> np.ndarray:
    return np.log(measure(np.full((20_000, len(times)), 10.0), assay, 1, times, **more).numbers(0.5) / 10.0)


def test_a_person_varies_less_within_a_week_than_over_months() -> None:
    times = [float(t) for t in (*range(5), 400, 430, 520, 800)]
    logs = _logs(WEEK, times)
    assert logs.std(axis=0) == pytest.approx(0.65, abs=0.01)  # whatever the day
    assert logs.mean(axis=0) == pytest.approx(0.0, abs=0.015)
    within = np.sqrt(logs[:, :5].var(axis=1, ddof=1).mean())
    assert within == pytest.approx(0.46, abs=0.01)
    assert np.sqrt(np.expm1(within**2)) == pytest.approx(0.49, abs=0.02)  # as a coefficient of variation
    assert np.sqrt(logs[:, [4, 5, 7, 8]].var(axis=1, ddof=1).mean()) == pytest.approx(0.65, abs=0.01)


@pytest.mark.parametrize("start", [0.0, 11.0, 1000.0])
def test_what_varies_slowly_forgets_within_two_months(start: float) -> None:
    months = np.array([0.25, 0.5, 1.0, 1.5, 2.0, 3.0])
    logs = _logs(WEEK, [start, *(start + 30.0 * months)])
    theory = (1 - months / 2) * np.cos(np.pi * months / 2) + np.sin(np.pi * months / 2) / np.pi
    slow = (0.65**2 - 0.46**2) / 0.65**2
    found = np.corrcoef(logs.T)[0, 1:]
    assert found == pytest.approx(slow * np.where(months < 2, theory, 0.0), abs=0.025)


def test_the_slow_part_forgets_within_the_memory_of_the_assay() -> None:
    long = replace(WEEK, memory=730.0)
    logs = np.log(measure(np.full((40_000, 5), 10.0), long, 1, [0.0, 84.0, 365.0, 730.0, 1500.0]).reported / 10.0)
    apart = np.array([84.0, 365.0]) / 365.0
    theory = (1 - apart / 2) * np.cos(np.pi * apart / 2) + np.sin(np.pi * apart / 2) / np.pi
    slow = (0.65**2 - 0.46**2) / 0.65**2
    assert np.corrcoef(logs.T)[0, 1:] == pytest.approx(slow * np.array([*theory, 0.0, 0.0]), abs=0.02)
    assert logs.std(axis=0) == pytest.approx(0.65, abs=0.01)


def test_edss_of_a_stable_patient_wanders_over_years_and_hardly_within_a_month() -> None:
    """Two ratings a week apart agree within half a point; ratings two years apart often differ by a point."""
    read = measure(np.full((20_000, 3), 3.1), "edss", 1, [0.0, 7.0, 735.0], unit="dimensionless").reported
    week, years = np.abs(np.diff(read[:, :2])), np.abs(read[:, 2] - read[:, 0])
    assert (week <= 0.5).mean() > 0.92
    assert 2 * (week >= 1).mean() < (years >= 1).mean() < 0.4


def test_a_memory_that_is_none_is_refused(tmp_path: Any) -> None:
    rows = TABLE.read_text(encoding="utf-8").splitlines()
    edss = next(row for row in rows if row.startswith("edss\t"))
    path = tmp_path / "assays.tsv"
    path.write_text("\n".join([rows[0], edss.replace("\t730\t", "\t-1\t")]), encoding="utf-8")
    with pytest.raises(DataError, match=r"memory of the assay of 'edss' in assays\.tsv is '-1'"):
        assays(path)


def test_who_qualifies_at_screening_regresses_before_treatment_and_after() -> None:
    at_screening = _logs(WEEK, [0.0], visit="screening")[:, 0]
    later = _logs(WEEK, [0.0, 28.0, 90.0])
    high = at_screening > 0.5
    means = [at_screening[high].mean(), *later[high].mean(axis=0)]
    assert means[0] > 2 * means[1] > 2 * means[2] > 2 * means[3]
    assert means[3] == pytest.approx(0.0, abs=0.03)


def test_slow_noise_is_of_the_person_too() -> None:
    times, values = [0.0, 40.0], np.full((6, 2), 10.0)
    whole = measure(values, WEEK, 1, times).reported
    assert (measure(values[:3], WEEK, 1, times, [5, 0, 3]).reported == whole[[5, 0, 3]]).all()
    assert (measure(values[:, 1:], WEEK, 1, [40.0]).reported == whole[:, 1:]).all()
    twins = measure(np.full((2, 2, 2), 10.0), WEEK, 1, times, [[1, -1], [1, 4]]).reported
    assert (twins[:, 0] == whole[1]).all()
    assert (twins[1, 1] == whole[4]).all()
    assert measure(np.empty((0, 2)), WEEK, 1, times, np.empty(0, dtype=int)).reported.shape == (0, 2)


def test_crp_and_edss_are_the_readouts_with_two_time_scales() -> None:
    assert [name for name, assay in assays().items() if assay.slow] == ["crp", "edss"]
    crp = assay_for("crp")
    assert crp.day is not None
    assert crp.slow is not None
    assert np.hypot(crp.day.size, crp.slow.size) == pytest.approx(0.65)
    assert crp.in_unit("mg/dL").slow == crp.slow
    il6 = assay_for("il6")
    assert il6.day == il6.within_person


def test_reported_digits_are_those_of_the_laboratory() -> None:
    for step, value, expected in ((0.1, 0.3049, 0.3), (0.01, 1.2349, 1.23), (5.0, 12.6, 15.0), (0.5, 3.3, 3.5)):
        assay = Assay("x", "test", "mg/L", 0.0, np.inf, None, None, step=step)
        assert measure([[value]], assay, 1, [0.0]).reported.tolist() == [[expected]]
    coarse = Assay("x", "test", "mg/L", 0.16, 10.0, None, None, step=0.1)
    read = measure([[0.12, 0.17, 9.97, 12.0, np.nan]], coarse, 1, range(5))
    assert read.reported[0, :4].tolist() == [0.16, 0.2, 10.0, 10.0]
    assert read.blq.tolist() == [[True, False, False, False, False]]
    assert coarse.in_unit("g/L").step == pytest.approx(1e-4)


def test_a_clinical_scale_has_whole_points_and_ends() -> None:
    scale = Assay("x", "scale", "points", 0.0, np.inf, Spread("sd", 3.0), None, step=1.0, floor=0.0, ceiling=52.0)
    read = measure(np.repeat([[0.5], [26.0], [51.5]], 4000, axis=1).reshape(-1, 1), scale, 1, [0.0])
    points = read.reported[:, 0]
    assert set(points) <= set(range(53))
    assert {0.0, 52.0} <= set(points)
    assert not read.blq.any()  # the end of a scale is a value
    assert points[4000:8000].std() == pytest.approx(np.hypot(3.0, 1 / np.sqrt(12)), abs=0.12)


def test_a_week_that_varies_more_than_months_is_refused(tmp_path: Any) -> None:
    rows = TABLE.read_text(encoding="utf-8").splitlines()
    for week in ("ln 0.7", "sd 0.1"):
        path = tmp_path / f"{week[:2]}.tsv"
        path.write_text("\n".join([rows[0], rows[1].replace("ln 0.46", week)]), encoding="utf-8")
        with pytest.raises(DataError, match=f"within a week of the assay of 'crp' in {week[:2]}.tsv, '{week}'"):
            assays(path)


def test_counted_readouts_are_poisson_around_what_is_expected() -> None:
    seen = measure(np.full((4000, 2), 0.9), "gd_lesions", 1, [0.0, 30.0], unit="dimensionless").reported
    assert (seen == np.floor(seen)).all()
    assert seen.mean() == pytest.approx(0.9, abs=0.04)
    assert seen.var() == pytest.approx(0.9, abs=0.08)
    assert abs(np.corrcoef(seen.T)[0, 1]) < 0.05
    assert not measure(np.zeros((5, 1)), "gd_lesions", 1, [0.0]).reported.any()
