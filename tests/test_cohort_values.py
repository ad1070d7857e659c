"""What is known of a measurement: observed, below, above, between, missing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leukinetics.cohort.values import Censored, quotient
from leukinetics.errors import DataError

NAN, INF = np.nan, np.inf


@pytest.fixture
def mixed() -> Censored:
    """Observed, below, above, between, missing."""
    return Censored([2.0, 0, 50, 0.5, NAN], [2.0, 0.5, INF, 1.0, NAN], [0.5, 0.5, 0.5, 0.5, NAN], "pg/mL", "il6")


def test_what_is_known_of_each_row(mixed: Censored) -> None:
    assert mixed.observed.tolist() == [True, False, False, False, False]
    assert mixed.below.tolist() == [False, True, False, False, False]
    assert mixed.above.tolist() == [False, False, True, False, False]
    assert mixed.between.tolist() == [False, False, False, True, False]
    assert mixed.missing.tolist() == [False, False, False, False, True]
    assert (mixed.measured == ~mixed.missing).all()
    assert (mixed.n, mixed.share_below, mixed.limits.tolist(), len(mixed)) == (4, 0.25, [0.5], 5)


def test_detection_is_undecided_where_a_row_may_lie_on_both_sides(mixed: Censored) -> None:
    np.testing.assert_array_equal(mixed.detected(), [1, 0, 1, 1, NAN])
    np.testing.assert_array_equal(mixed.detected(0.2), [1, NAN, 1, 1, NAN])
    np.testing.assert_array_equal(mixed.detected(0.7), [1, 0, 1, NAN, NAN])
    np.testing.assert_array_equal(mixed.detected(2.0), [1, 0, 1, 0, NAN])
    np.testing.assert_array_equal(mixed.detected(60.0), [0, 0, NAN, 0, NAN])


def test_numbers_and_their_limits() -> None:
    x = Censored.of([0.1, 0.5, 3.0, NAN, 0.7], [0.5, 0.5, NAN, 0.5, 1.0], "pg/mL")
    np.testing.assert_array_equal(x.lower, [0, 0.5, 3, NAN, 0])
    np.testing.assert_array_equal(x.upper, [0.5, 0.5, 3, NAN, 1])
    np.testing.assert_array_equal(x.limits, [0.5, 1.0])


def test_an_assay_with_a_higher_limit() -> None:
    x = Censored.of([0.1, 0.7, 1.0, 3.0, NAN], 0.5).at(1.0)
    np.testing.assert_array_equal(x.lower, [0, 0, 1, 3, NAN])
    np.testing.assert_array_equal(x.upper, [1, 1, 1, 3, NAN])
    np.testing.assert_array_equal(x.limit, [1, 1, 1, 1, 0.5])


def test_a_lower_limit_or_one_inside_an_interval_is_refused(mixed: Censored) -> None:
    with pytest.raises(DataError, match=r"the limit 0\.4 is below 0\.5 pg/mL, the limit of 4 rows"):
        mixed.at(0.4)
    with pytest.raises(DataError, match=r"row 3 is only known to lie in \[0\.5, 1\] pg/mL"):
        mixed.at(0.8)
    with pytest.raises(DataError, match="row 2 is only known"):
        mixed.at(60.0)
    with pytest.raises(DataError, match="not a number above 0"):
        mixed.at(NAN)
    assert mixed.at(1.0).below.tolist() == [False, True, False, True, False]


def test_substitution_is_for_show(mixed: Censored) -> None:
    np.testing.assert_array_equal(mixed.substituted(), [2, 0.25, 50, 0.75, NAN])
    np.testing.assert_allclose(mixed.substituted(0.5**0.5)[1], 0.5 * 0.5**0.5)


@pytest.mark.parametrize("use", [np.asarray, float, np.log, lambda x: np.ones(5) + x])
def test_it_is_no_number(mixed: Censored, use) -> None:
    with pytest.raises(TypeError, match="no numbers"):
        use(mixed)


@pytest.mark.parametrize(
    ("lower", "upper"), [(2.0, 1.0), (-1.0, 1.0), (0.0, 0.0), (0.0, INF), (NAN, 1.0), (1.0, NAN), (INF, INF)]
)
def test_what_is_no_measurement(lower: float, upper: float) -> None:
    with pytest.raises(DataError, match="'il6': row 1 lies in"):
        Censored([1.0, lower], [1.0, upper], [NAN, NAN], name="il6")


def test_bad_columns() -> None:
    with pytest.raises(DataError, match="2, 1 and 1 rows"):
        Censored([1.0, 2.0], [1.0], [1.0])
    with pytest.raises(DataError, match="numbers, one per row"):
        Censored.of(["<0.5"], 0.5)
    with pytest.raises(DataError, match="2 dimensions"):
        Censored.of([[1.0]], 0.5)
    with pytest.raises(DataError, match="row 0 has the limit -1"):
        Censored([1.0], [1.0], [-1.0])
    with pytest.raises(DataError, match="row 0 lies in"):
        Censored.of([0.0], NAN)


def test_it_is_read_only_and_does_not_follow_its_source() -> None:
    source = np.array([1.0, 2.0])
    x = Censored.of(source, 0.5)
    source[0] = 9.0
    assert x.lower[0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        x.lower[0] = 3.0


def test_taking_joining_and_scaling(mixed: Censored) -> None:
    again = Censored.together([mixed.take(mixed.observed), mixed.take([1, 2, 3, 4])])
    np.testing.assert_array_equal(again.upper, mixed.upper)
    other = mixed.scaled(1e-3, "ng/mL")
    assert other.unit == "ng/mL" and other.upper[1] == 0.0005
    with pytest.raises(DataError, match="units"):
        Censored.together([mixed, other])


def test_a_quotient_of_two_analytes() -> None:
    csf = Censored([2.0, 0, 2, 0, NAN, 1], [2.0, 1, 2, 1, NAN, 2], [1.0] * 6)
    serum = Censored([4.0, 4, 0, 0, 4, 4], [4.0, 4, 2, 2, 4, 4], [2.0] * 6)
    x = quotient(csf, serum, "csf/serum")
    np.testing.assert_array_equal(x.lower, [0.5, 0, 1, NAN, NAN, 0.25])
    np.testing.assert_array_equal(x.upper, [0.5, 0.25, INF, NAN, NAN, 0.5])
    np.testing.assert_array_equal(x.limit, [0.25, 0.25, NAN, NAN, NAN, 0.25])
    with pytest.raises(DataError, match="6 and 1"):
        quotient(csf, serum.take([0]))


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=30), st.floats(0.01, 10), st.floats(1, 10))
def test_a_higher_limit_is_as_if_the_assay_had_had_it(values: list[float], limit: float, more: float) -> None:
    x, direct = Censored.of(values, limit).at(limit * more), Censored.of(values, limit * more)
    for part in ("lower", "upper", "limit"):
        np.testing.assert_array_equal(getattr(x, part), getattr(direct, part))
    np.testing.assert_array_equal(x.detected(), Censored.of(values, limit).detected(limit * more))
