"""Elimination as loops over tables, as very large models get it, against straight-line code."""

from __future__ import annotations

import numpy as np
import pytest

import leukinetics as lk
from leukinetics import examples
from leukinetics.engine.codegen import linear


def test_loops_solve_the_same_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    path, times = examples.path("bachmann2011"), np.linspace(0.0, 240.0, 13)
    straight = lk.load_model(path)
    assert "lu_entries" not in straight.compiled.source.text
    a = straight.simulate(times, rtol=1e-8, atol=1e-10)
    monkeypatch.setattr(linear, "STRAIGHT_LINE", 0)
    loops = lk.load_model(path)
    assert "lu_entries" in loops.compiled.source.text and "row_columns" in loops.compiled.source.text
    b = loops.simulate(times, rtol=1e-8, atol=1e-10)
    assert abs(int(a["steps"].item()) - int(b["steps"].item())) <= 2
    for species in straight.species:
        np.testing.assert_allclose(b[species], a[species], rtol=1e-9, atol=1e-11)


@pytest.mark.slow
def test_a_dense_model_of_a_hundred_states_compiles_in_loops() -> None:
    n = 100
    lines = (
        f"x{i}' = -x{i} + 0.5*sin(x{(7 * i + 3) % n} + x{(13 * i + 5) % n}*x{(29 * i + 11) % n})" for i in range(n)
    )
    text = "model m()\n" + "\n".join((*lines, *(f"x{i} = {0.01 * i!r}" for i in range(n)))) + "\nend"
    model = lk.load_model(text)
    assert "lu_entries" in model.compiled.source.text
    names = [f"x{i}" for i in range(n)]
    fine, coarse = (model.simulate([0.0, 5.0], outputs=names, rtol=r, atol=r / 100) for r in (1e-10, 1e-6))
    for name in names:
        np.testing.assert_allclose(coarse[name], fine[name], rtol=1e-4, atol=1e-6)
