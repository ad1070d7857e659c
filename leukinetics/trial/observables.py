"""What a prepared trial reads: its observables with their times, units and assays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.assays import Assay, assay_for, assays
from leukinetics.patients import Plan
from leukinetics.trial.checks.studies import observable_of
from leukinetics.trial.protocol import Protocol
from leukinetics.trial.sampling_times import event_times, observable_times
from leukinetics.trial.times import past

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


@dataclass(frozen=True)
class Observable:
    """What is read: its unit, its sampling times (days, with the baseline 0), its assay if there is one.

    ``noisy``: what is kept of it is what the laboratory reports, not the true value. ``over``: what is read is the
    change of ``of`` over so many days before (only at screening, see :func:`past`). ``dated``: days on which it is also
    looked at, to date the events that it counts; nothing of them is kept but these dates.
    """

    name: str
    unit: str
    times: Array
    assay: Assay | None
    noisy: bool = False
    over: float = 0.0
    of: str = ""
    dated: tuple[float, ...] = ()

    @property
    def source(self) -> str:
        """The name in the model of what is read."""
        return self.of or self.name


def observables(protocol: Protocol, plan: Plan, units: Mapping[str, str]) -> dict[str, Observable]:
    """All that is read after screening; biomarkers by which patients are told apart are measured at time 0 at least."""
    found = {}
    dated = event_times(protocol)
    for name, times in observable_times(protocol).items():
        assay = _assay(name, units[name])
        noisy = assay is not None and _noisy(protocol, name)
        found[name] = Observable(name, units[name], times, assay, noisy, dated=tuple(dated.get(name, ())))
    for name in map(observable_of, biomarkers(protocol)):
        if name in units and name not in found and plan.unit_of(name) is None:
            assay = _assay(name, units[name])
            found[name] = Observable(name, units[name], np.array([0.0]), assay, assay is not None)
    return found


def at_screening(names: Iterable[str], plan: Plan, units: Mapping[str, str]) -> dict[str, Observable]:
    """Of these names the observables: covariates are told, not measured."""
    found = [name for name in dict.fromkeys(names) if plan.unit_of(name) is None]
    seen = {}
    for name in found:
        of, over = past(name)
        assay = None if over else _assay(of, units[of])
        seen[name] = Observable(name, units[of], np.array([0.0]), assay, over=over, of=of)
    return seen


def biomarkers(protocol: Protocol) -> Iterator[str]:
    """What the analyses tell patients apart by."""
    yield from protocol.analysis.covariates
    yield from (subgroup.on for subgroup in protocol.subgroup)
    yield from (threshold.biomarker for threshold in protocol.threshold)
    if protocol.power is not None:
        yield from (name for name, _, _ in protocol.power.markers)


def _noisy(protocol: Protocol, name: str) -> bool:
    scheduled = protocol.schedule is not None and protocol.schedule.noise and name in protocol.schedule.measure
    return scheduled or any(e.noise for e in protocol.endpoint if e.observable == name)


def _assay(name: str, unit: str) -> Assay | None:
    return assay_for(name, unit) if name in assays() else None
