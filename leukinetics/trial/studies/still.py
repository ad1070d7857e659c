"""The trial of a sensitivity analysis: the same people under two arms, and nothing left to chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.trial.enrol import enrol, require_all
from leukinetics.trial.observe import observe
from leukinetics.trial.prepare import Prepared, prepare
from leukinetics.trial.protocol import EVENTS, REPEATED, TIMES, Analysis, Endpoint, Protocol
from leukinetics.trial.statistics import statistic
from leukinetics.trial.statistics.compare import measure_of, number
from leukinetics.trial.statistics.scale import analysis_of, scale_of, statistic_of
from leukinetics.trial.studies.question import Contrast, Keep, Progress, batches
from leukinetics.trial.studies.tables import NO_STUDIES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

#: Runs in a part.
TOGETHER = 250
#: Share of the people who must have a solution for a run to count.
SOLVED = 0.75
START, END = "start", "end"  # endpoints that take the place of events that come at random


@dataclass
class Still:
    """The contrast of one endpoint as a function of typical values; see :func:`hold_still`."""

    prepared: Prepared
    endpoint: Endpoint  # the trial's own
    treated: int
    control: int
    people: NDArray[np.int64]

    def run(self, typical: Sequence[Mapping[str, float]], threads: int | None) -> Array:
        """The contrast for each set of typical values, (sets,); NaN where too many people have no solution."""
        n, sets, prepared = len(self.people), len(typical), self.prepared
        known = [prepared.typical(t) for t in typical]
        columns = prepared.columns(self.people, known)
        each = {name: np.repeat(values[:, None, :], 2, axis=1).ravel() for name, values in columns.items()}
        arms = np.tile(np.repeat(np.arange(2), n), sets)
        found = observe(prepared, each, np.tile(self.people, 2 * sets), arms, threads)
        ok = found.ok.reshape(sets, 2, n)

        def numbers(endpoint: str) -> tuple[Array, Array]:
            values = np.where(ok, found.endpoints[endpoint].numbers.reshape(sets, 2, n), np.nan)
            return values[:, self.treated], values[:, self.control]

        if END in found.endpoints:
            start, end = (np.stack(numbers(name)) for name in (START, END))
            treated, control = end - start
        elif self.endpoint.kind in TIMES:
            censored = found.endpoints[self.endpoint.id].censored.reshape(sets, 2, n)
            event = np.where(ok, ~censored, np.nan)
            treated, control = event[:, self.treated], event[:, self.control]
        else:
            treated, control = numbers(self.endpoint.id)
        effect = true_effect(self.endpoint, treated, control)
        return np.where(ok.all(axis=1).mean(axis=1) > SOLVED, effect, np.nan)


def hold_still(prepared: Prepared, c: Contrast, patients: int, threads: int | None = None) -> Still:
    """The contrast without noise and chance, in ``patients`` people whom the trial enrols with the model's own values.

    Both arms hold the same people; nobody leaves. ProtocolError where too few people are eligible.
    """
    from leukinetics.trial.selection import selections

    keep = sorted((c.arm, c.reference))
    protocol = _calm(prepared.protocol, c.endpoint, keep)
    small = prepare(protocol, patients=patients, sampling="sobol", rtol=prepared.rtol, assembly=prepared.assembly)
    enrolled = enrol(small, [{}], threads, selections(small, [{}], threads))
    require_all(small, enrolled)
    return Still(small, c.endpoint, keep.index(c.arm), keep.index(c.reference), enrolled.people[0])


def kept_runs(
    model: Still, typical: Sequence[Mapping[str, float]], keep: Keep, threads: int | None, progress: Progress
) -> Array:
    """:meth:`Still.run` in parts that are kept."""
    found: list[float | None] = []
    for part in batches(model.prepared, len(typical), TOGETHER):
        progress(part.start, len(typical), "runs of the sensitivity analysis")

        def compute(part: range = part) -> list[float | None]:
            return [number(y) for y in model.run([typical[i] for i in part], threads)]

        found += keep(f"sensitivity-{part.start:06d}-{part.stop:06d}", compute)
    progress(len(typical), len(typical), "runs of the sensitivity analysis")
    return np.array([np.nan if y is None else y for y in found])


def true_effect(endpoint: Endpoint, treated: Array, control: Array) -> Array:
    """The contrast of the same people's true numbers under two arms, each (sets, people); NaN entries are left out.

    Means of differences, ratios of geometric means, differences of shares, the protocol's statistic where it names
    one. Of events the numbers are those expected (or seen, with a threshold): a rate ratio is that of their sums, a
    hazard ratio that of the logarithms of the shares without an event.
    """
    measure = measure_of(endpoint)
    both = ~np.isnan(treated) & ~np.isnan(control)
    a, b = np.where(both, treated, np.nan), np.where(both, control, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        if measure == "rate_ratio":
            return np.asarray(np.nansum(a, axis=-1) / np.nansum(b, axis=-1))
        if measure == "hazard_ratio":
            free = [np.exp(-x) if endpoint.counts else 1.0 - x for x in (a, b)]
            return np.asarray(np.log(statistic(free[0], "mean")) / np.log(statistic(free[1], "mean")))
        if analysis_of(endpoint) == "unadjusted":
            of = statistic_of(endpoint)
            one, other = statistic(a, of), statistic(b, of)
            return one / other if measure == "ratio" else one - other
        scale = scale_of(endpoint)
        mean = statistic(scale.values(a) - scale.values(b), "mean")
        factor = 100.0 if measure == "percent_difference" else 1.0
        return np.asarray(factor * np.expm1(mean) if factor == 100.0 else np.exp(mean)) if scale.logs else mean


def _calm(protocol: Protocol, endpoint: Endpoint, keep: list[int]) -> Protocol:
    arms = [protocol.arm[i] for i in keep]
    names = {a.name for a in arms}
    rules = [
        r.model_copy(update={"arms": [a for a in r.arms if a in names]})
        for r in protocol.rule
        if not r.arms or names & set(r.arms)
    ]
    return protocol.model_copy(
        update={
            "trial": protocol.trial.model_copy(update={"design": "twins", "sampling": "sobol"}),
            "arm": [a.model_copy(update={"ratio": 1}) for a in arms],
            "rule": rules,
            "dropout": None,
            "schedule": None,
            "endpoint": _still(endpoint, protocol.trial.duration),
            "analysis": Analysis(),
            **NO_STUDIES,
        }
    )


def _still(endpoint: Endpoint, duration: float) -> list[Endpoint]:
    """The endpoint without noise; events that come at random by the number expected at both ends of the window.

    Episodes at a threshold keep their noise, the same in every run: without it many would never begin.
    """
    episodes = endpoint.kind in EVENTS and not endpoint.counts
    calm: dict[str, Any] = {"noise": endpoint.noise and episodes, "compare_to": None}
    if endpoint.counts:
        calm |= {"kind": "value", "from_": None, "to": None, "every": None, "analysis": None, "unit": None}
        ends = ((START, endpoint.from_ or 0.0), (END, duration if endpoint.to is None else endpoint.to))
        return [endpoint.model_copy(update={**calm, "id": name, "at": at}) for name, at in ends]
    calm["visits"] = []
    if endpoint.analysis in REPEATED:
        calm["analysis"] = endpoint.analysis.replace("mmrm", "ancova")
    return [endpoint.model_copy(update=calm)]
