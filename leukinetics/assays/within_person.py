"""How people differ from their own mean: from day to day, and over months."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri

from leukinetics.patients.counters import uniforms

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]

#: Days between the knots of the slow component, where an assay has no memory of its own: CRP differs more between
#: months than between weeks, and more between weeks than within one (SD 0.63, 0.36, 0.19 mg/L;
#: doi:10.1371/journal.pone.0060759).
MONTH = 30.0


class People:
    """The random numbers of some people. ``numbers`` (..., patients): theirs (-1: nobody).

    Only those of the people that are there are drawn, whichever they are.
    """

    def __init__(self, seed: int, numbers: ArrayLike) -> None:
        self.seed = seed
        asked = np.asarray(numbers, dtype=np.int64)
        known = asked[asked >= 0]
        somebody = known.min() if known.size else 0  # nobody has no values, so may have anybody's numbers
        self.unique, place = np.unique(np.where(asked >= 0, asked, somebody), return_inverse=True)
        self.place = place.reshape(asked.shape)

    def uniforms(self, name: str) -> Array:
        """Of each of the ``unique`` people one number of stream ``name``."""
        if not self.unique.size:
            return np.empty(0)
        low, high = int(self.unique[0]), int(self.unique[-1])
        return np.asarray(uniforms(self.seed, name, high - low + 1, low)[self.unique - low])

    def normals(self, name: str) -> Array:
        """Of each of the ``unique`` people one standard normal number of stream ``name``."""
        return np.asarray(ndtri(self.uniforms(name)))

    def at_times(self, times: Sequence[float], draw: Callable[[float], Array]) -> Array:
        """(..., patients, times) out of ``draw(time)`` (unique people,)."""
        drawn = np.stack([draw(t) for t in times], axis=-1)
        return np.asarray(drawn[self.place])


def daily(people: People, stem: str, times: Sequence[float]) -> Array:
    """Standard normals (..., patients, times) that the samples of one whole day share."""
    days = {day: people.normals(f"day:{stem}:{day:.0f}") for day in np.unique(np.floor(times))}
    return people.at_times(times, lambda t: days[np.floor(t)])


def slow(people: People, readout: str, times: Sequence[float], memory: float = 2.0 * MONTH) -> Array:
    """A stationary Gaussian process (..., patients, times) of variance 1 that forgets within ``memory`` days.

    ``z(t) = cos(a) n_k + sin(a) n_(k+1)`` with ``k + 2 a/pi = 2 t/memory + phase``: standard normals ``n`` at knots
    half the memory apart, and a phase of each person, uniform between knots, so that no day of the trial is a special
    one. Its autocorrelation after ``d`` knots is ``(1 - d/2) cos(pi d/2) + sin(pi d/2)/pi``, and 0 from two knots on.
    """
    between = memory / 2.0
    phase = people.uniforms(f"slow:{readout}:phase")
    knots: dict[int, Array] = {}

    def at(time: float) -> Array:
        place = time / between + phase
        first = int(np.floor(time / between))  # everybody is between this knot and the next but one
        for k in range(first, first + 3):
            if k not in knots:
                knots[k] = people.normals(f"slow:{readout}:{k}")
        later = place >= first + 1
        angle = 0.5 * np.pi * (place - first - later)
        before = np.where(later, knots[first + 1], knots[first])
        after = np.where(later, knots[first + 2], knots[first + 1])
        return np.asarray(np.cos(angle) * before + np.sin(angle) * after)

    return people.at_times(times, at)
