"""Checks of the options of a simulation: numbers, choices and lists of names. All raise DataError."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any

from leukinetics.errors import DataError, suggest

#: Whole numbers beyond this do not fit into the kernel's integers, and no machine counts so far.
_MOST = 2**62


def positive(name: str, value: Any, below: float = math.inf) -> float:
    """``value`` as a finite number above 0 (and below ``below``)."""
    if isinstance(value, bool) or not isinstance(value, Real) or not 0.0 < float(value) < below:
        limit = "" if below == math.inf else f" below {below:g}"
        raise DataError(f"{name}={value!r} is not usable; it must be a positive number{limit}.")
    return float(value)


def whole(name: str, value: Any) -> int:
    """``value`` as a whole number from 1."""
    if isinstance(value, bool) or not isinstance(value, Integral) or not 1 <= int(value) <= _MOST:
        raise DataError(f"{name}={value!r} is not usable; it must be a whole number, at least 1.")
    return int(value)


def choice(name: str, value: Any, among: Sequence[str]) -> str:
    """``value``, one of a few words."""
    if not isinstance(value, str) or value not in among:
        raise DataError(f"{name}={value!r} is unknown; choose one of {', '.join(among)}.{suggest(str(value), among)}")
    return value


def callback(name: str, value: Any) -> None:
    """``value`` is a function, or None."""
    if value is not None and not callable(value):
        raise DataError(f"{name}={value!r} is not usable; it must be a function.")


def name_list(option: str, value: Any) -> list[str]:
    """``value``, a name or several, as a list."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, (bytes, Mapping)) or not isinstance(value, Iterable):
        raise DataError(f"{option}={value!r} is not usable; give a name or a list of names.")
    names = list(value)
    for name in names:
        if not isinstance(name, str):
            raise DataError(f"{option} holds {name!r}, which is no name; give names as text.")
    return [str(name) for name in names]


def tolerances(atol: Any, states: Collection[str], model: str) -> float | dict[str, float]:
    """``atol`` checked; a mapping gets the tolerance of the states it leaves out under the name ``""``."""
    if not isinstance(atol, Mapping):
        return positive("atol", atol)
    for state, value in atol.items():
        if state not in states:
            raise DataError(f"atol names '{state}', which is no state of '{model}'.{suggest(str(state), states)}")
        positive(f"atol['{state}']", value)
    return {"": 1e-9, **{state: float(value) for state, value in atol.items()}}
