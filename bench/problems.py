"""What is simulated: models, horizons, doses, and how patients vary."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

import leukinetics as lk
from leukinetics.examples import path

F64 = NDArray[np.float64]
#: Standard deviation of the logarithm: about 30 %.
SPREAD = float(np.sqrt(np.log(1.0 + 0.3**2)))
SEED = 20_260_101


@dataclass(frozen=True)
class Ensemble:
    """Values (patients, names) of the inputs that differ between patients."""

    names: tuple[str, ...]
    values: F64

    def first(self, n: int) -> Ensemble:
        """The first ``n`` patients."""
        return Ensemble(self.names, np.ascontiguousarray(self.values[:n]))

    def table(self) -> dict[str, F64]:
        """As the argument ``parameters`` of :meth:`leukinetics.Model.simulate`."""
        return {name: self.values[:, k] for k, name in enumerate(self.names)}


@dataclass
class Problem:
    """A model with a task. ``doses`` are (time, amount) into ``dosed``; ``by_events``: the model gives them itself."""

    name: str
    title: str
    end: float
    fixed: Callable[[str], bool]  # inputs that do not vary: stimuli, start values, exponents
    dosed: str = ""
    doses: list[tuple[float, float]] = field(default_factory=list)
    by_events: bool = False
    patients: int = 2000  # of our engine's timed runs; slower solvers get fewer
    points: int = 201

    def model(self) -> lk.Model:
        """Read anew, so that nothing is cached in it."""
        return lk.load_model(path(self.name))

    @cached_property
    def times(self) -> F64:
        """The output times."""
        return np.linspace(0.0, self.end, self.points)

    @cached_property
    def states(self) -> list[str]:
        """All species: the outputs."""
        return self.model().species

    def dose_table(self) -> list[dict[str, object]] | None:
        """The argument ``doses`` of :meth:`leukinetics.Model.simulate`."""
        if self.by_events or not self.doses:
            return None
        return [{"time": t, "target": self.dosed, "amount": a} for t, a in self.doses]

    def jumps(self) -> tuple[F64, F64]:
        """Times and amounts of all doses, for solvers that are told of them."""
        return np.array([t for t, _ in self.doses]), np.array([a for _, a in self.doses])

    def ensemble(self, n: int) -> Ensemble:
        """``n`` patients with a lognormal spread of 30 % on every rate constant; the first ones never change."""
        inputs = self.model().inputs
        names = tuple(
            i.name for i in inputs.values() if i.kind == "parameter" and i.default > 0.0 and not self.fixed(i.name)
        )
        spread = np.random.default_rng(SEED).standard_normal((n, len(names)))
        centre = np.array([inputs[name].default for name in names])
        return Ensemble(names, centre * np.exp(SPREAD * spread))


PROBLEMS = (
    Problem(
        "bachmann2011",
        "Bachmann 2011, JAK2/STAT5, 25 states",
        end=240.0,
        fixed=lambda name: name == "Epo" or name.startswith("init_"),
        patients=4000,
    ),
    Problem(
        "qsp73",
        "synthetic QSP network, 73 states, 13 doses over 364 days",
        end=364.0,
        fixed=lambda name: name.startswith(("nA", "nM", "qM", "nfb", "nQ")),
        dosed="D_depot",
        doses=[(28.0 * k, 50.0) for k in range(13)],
        patients=1000,
    ),
    Problem(
        "cascade96",
        "synthetic phosphorylation cascades, 96 states, 12 timed events",
        end=780.0,
        fixed=lambda name: name == "dose" or name.startswith("nTf"),
        dosed="L",
        doses=[(60.0 * k, 0.15) for k in range(1, 13)],
        by_events=True,
        patients=1000,
    ),
)
