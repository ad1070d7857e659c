"""Trials of the tiny model that are treated and handed back row by row, for the tests of how trials are conducted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from fake_assembly import fake_assembly

from leukinetics import trial
from leukinetics.assays import measure
from leukinetics.trial.conduct import treat
from leukinetics.trial.sampling_times import places

LEVEL = "mab"


def mab(amount: str = "100 mg", **more: Any) -> dict[str, Any]:
    """A dose every 4 weeks into the vein, but for what ``more`` says."""
    dose = {"drug": "mab", "amount": amount, "route": "iv", "every": "4 weeks", **more}
    return {key: value for key, value in dose.items() if value is not None}


def rule(name: str = "r", **more: Any) -> dict[str, Any]:
    """A rule on the level of the drug that always fires and stops it, but for what ``more`` says."""
    whole = {"id": name, "observable": LEVEL, "when": ">= 0 mg/L", "action": "stop", **more}
    if "from_" in whole:
        whole["from"] = whole.pop("from_")
    return whole


def ready(n: int = 8, arms: list[list[dict[str, Any]]] | None = None, rtol: float = 1e-9, **more: Any) -> Any:
    """A prepared trial of 16 weeks; ``arms``: their doses; ``more`` replaces whole tables, "trial_x" of the head."""
    head = {k.removeprefix("trial_"): more.pop(k) for k in list(more) if k.startswith("trial_")}
    named = [{"name": f"arm {i}", "dose": doses} for i, doses in enumerate(arms or [[mab()]])]
    ends = [
        {"id": f"{name} {week}", "observable": name, "kind": "value", "at": f"{week} weeks"}
        for name in ("mab", "crp", "tnf")
        for week in (4, 8, 12, 16)
    ]
    head = {"name": "t", "condition": "inflamed", "duration": "16 weeks", "patients_per_arm": n, "seed": 3, **head}
    protocol = {
        "trial": head,
        "population": {"genotype": {"rs1": 0}},
        "arm": named,
        "endpoint": ends,
        **more,
    }  # fmt: skip
    return trial.prepare(protocol, assembly=fake_assembly(), rtol=rtol)


@dataclass
class Conducted:
    """Rows of patients treated, with what made them."""

    made: Any
    people: np.ndarray
    columns: dict[str, np.ndarray]
    values: dict[str, np.ndarray]
    left: np.ndarray
    fired: dict[str, np.ndarray]
    missed: np.ndarray
    given: np.ndarray

    @property
    def times(self) -> np.ndarray:
        return np.asarray(self.made.times)

    def at(self, name: str, time: float) -> np.ndarray:
        """True values at a time."""
        return np.asarray(self.values[name][:, places(np.array([time]), self.times)[0]])

    def measured(self, name: str) -> np.ndarray:
        """What the laboratory reads at all times."""
        assay = self.made.observables[name].assay
        return measure(self.values[name], assay, 3, list(self.times), self.people).numbers(0.5)


def conducted(
    made: Any = None,
    people: np.ndarray | None = None,
    arms_of: np.ndarray | None = None,
    treated_arm: int = 0,
    threads: int = 1,
    typical: dict[str, float] | None = None,
    **more: Any,
) -> Conducted:
    """Treat ``people`` (default: as many as the protocol has) in ``arms_of`` (default: all in ``treated_arm``)."""
    made = ready(**more) if made is None else made
    people = np.arange(made.n) if people is None else people
    arms_of = np.full(len(people), treated_arm) if arms_of is None else arms_of
    drawn = made.plan.columns(made.normals(int(people.max()) + 1), [made.typical(typical or {})])
    columns = {name: values[0, people] for name, values in drawn.items()}
    found = treat(made, columns, people, arms_of, threads)
    assert found.simulated.ok.all()
    simulated = found.simulated.values
    return Conducted(made, people, columns, simulated, found.left, found.fired, found.missed, found.given)
