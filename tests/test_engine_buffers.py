"""Results keep their numbers, whatever is simulated afterwards: memory is used again only when it is free."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import xarray as xr
from engine_tools import body, model

from leukinetics.engine import buffers
from leukinetics.engine.buffers import output_buffer

TEXT = body("x' = v; v' = -w*w*x; x = 1; v = 0; w = 1")


def simulate(first: float) -> xr.Dataset:
    return model(TEXT).simulate(np.linspace(0, 20, 101), {"w": first + np.linspace(0, 1, 300)}, outputs=["x", "v"])


@pytest.mark.parametrize(
    "look",
    [
        lambda ds: ds,
        lambda ds: ds["v"],
        lambda ds: ds["x"].to_numpy(),
        lambda ds: ds["x"].to_numpy()[5:9, ::3],
        lambda ds: ds["x"].isel(patient=3),
        lambda ds: ds["v"].to_numpy().T.ravel(order="F")[7:],
        lambda ds: memoryview(ds["x"].to_numpy()),
        lambda ds: pa.array(ds["v"].to_numpy()[4]),
        lambda ds: ds["x"].to_series(),
        lambda ds: ds.to_dataframe(),
        lambda ds: iter(ds["x"].to_numpy()),
        lambda ds: np.lib.stride_tricks.as_strided(ds["x"].to_numpy(), (5,), (8,)),
        lambda ds: ds["x"].to_numpy().view(np.int64),
        lambda ds: ds["x"].to_numpy().__array_interface__ and ds["x"].to_numpy().base,
    ],
)
def test_what_is_still_looked_at_stays(look: Callable[[xr.Dataset], Any]) -> None:
    view = look(simulate(0.5))
    gc.collect()
    if isinstance(view, xr.Dataset):
        view = view["x"]
    frozen = [np.array(row) for row in view] if hasattr(view, "__next__") else np.array(view)
    if hasattr(view, "__next__"):
        view = look(simulate(0.5))
    for first in (3.0, 4.0, 5.0):
        simulate(first)
    now = [np.array(row) for row in view] if hasattr(view, "__next__") else np.array(view)
    np.testing.assert_array_equal(now, frozen)


def test_memory_is_used_again_when_it_is_free() -> None:
    def address(ds: xr.Dataset) -> int:
        return int(ds["x"].to_numpy().ctypes.data)

    buffers._kept.clear()
    first = simulate(0.5)
    second = simulate(0.5)
    assert address(first) != address(second)
    place = address(first)
    del first
    gc.collect()
    assert address(simulate(2.0)) == place


def test_sizes() -> None:
    buffers._kept.clear()
    big = output_buffer((4, 5, 6))
    assert big.shape == (4, 5, 6) and big.flags.c_contiguous and big.flags.writeable and big.dtype == np.float64
    place = big.ctypes.data
    del big
    assert output_buffer((61,)).ctypes.data == place  # more than half of it
    assert output_buffer((59,)).ctypes.data != place
    assert output_buffer((3, 0, 7)).shape == (3, 0, 7)
    assert len(buffers._kept) <= 2
