"""Shared by the tests of the engine: models that are compiled once per session, and a short way to run them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

import leukinetics as lk
from leukinetics.engine.status import Status

METHODS = ("rodas5p", "rodas4")


@cache
def model(text: str | Path) -> lk.Model:
    """The model of an Antimony or SBML text, loaded (and later compiled) once."""
    return lk.load_model(text)


def body(*lines: str) -> str:
    """An Antimony model of these statements."""
    return "model m()\n" + "\n".join(f"  {line.rstrip(';')};" for line in lines) + "\nend"


def values(ds: xr.Dataset, *names: str) -> np.ndarray:
    """Values (patients, times, names)."""
    names = names or tuple(str(n) for n, v in ds.data_vars.items() if v.dims == ("patient", "time"))
    return np.stack([ds[n].to_numpy() for n in names], axis=-1)


def solve(text: str | Path, times: Any, outputs: str | Sequence[str], **options: Any) -> np.ndarray:
    """Values (times, outputs) of a single patient, who must be OK; ``outputs`` may be "x y", or "x" for (times,)."""
    names = outputs.split() if isinstance(outputs, str) else list(outputs)
    ds = model(text).simulate(times, outputs=names, **options)
    assert ds["status"].to_numpy().tolist() == [Status.OK]
    found = values(ds, *names)[0]
    return found[:, 0] if outputs == names[0] else found
