"""Runs targets: the readouts of a study as its virtual trial has them, for one or many sets of typical values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.errors import DataError, LeukineticsError, ProtocolError
from leukinetics.evidence.readout import OF_EVENTS, Among, Readout
from leukinetics.evidence.statistics import event_statistic, statistic
from leukinetics.evidence.target import Target
from leukinetics.patients.convert import convert
from leukinetics.patients.criteria import Bound
from leukinetics.trial import Outcome, Prepared, prepare, run_candidates

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

#: Assemblies, shared by all targets of one condition with the same drugs: compiling takes longer than running.
Assemblies = dict[tuple[str, tuple[str, ...]], Any]


@dataclass
class PreparedTarget:
    """A target made ready to run, made by :func:`prepare_target`; ``readouts`` are those it predicts, in order."""

    target: Target
    readouts: list[Readout]
    trials: dict[str, Prepared]  # by protocol variant

    def run(self, candidates: Sequence[Mapping[str, float]], threads: int | None = None) -> Ran:
        """Simulate for ``candidates``, see :func:`leukinetics.trial.run_candidates`; [{}] is the tables as they are."""
        outcomes = {name: run_candidates(trial, candidates, threads) for name, trial in self.trials.items()}
        return Ran(self, outcomes, len(candidates))

    def predict(self, candidates: Sequence[Mapping[str, float]], threads: int | None = None) -> Array:
        """Every readout in its own unit, (candidates, readouts); NaN where no patient has a value."""
        return self.run(candidates, threads).predicted()


@dataclass
class Ran:
    """A target that was run: the outcomes of its protocol variants."""

    prepared: PreparedTarget
    outcomes: dict[str, Outcome]
    candidates: int
    _units: dict[str, float] = field(default_factory=dict)  # by readout, kept

    def predicted(self, patients: NDArray[np.int64] | None = None) -> Array:
        """(candidates, readouts), from all patients or from those at the places ``patients`` (a resample)."""
        columns = [self._readout(r, patients) for r in self.prepared.readouts]
        return np.stack(columns, axis=1)

    @property
    def patients(self) -> int:
        """How many patients an arm has, of the variant that has most."""
        return max(int(o.people.shape[2]) for o in self.outcomes.values())

    @property
    def solved(self) -> Array:
        """Share of the patients that enrolled and were solved, by candidate."""
        return np.asarray(np.mean([o.ok.mean(axis=(1, 2)) for o in self.outcomes.values()], axis=0))

    def _readout(self, readout: Readout, patients: NDArray[np.int64] | None) -> Array:
        if "smd" in (readout.measure, readout.variant_measure):
            return self._standardised(readout, patients)
        here = self._arms(readout, readout.variant, patients)
        if readout.variant_measure is not None:
            here = _against(here, self._arms(readout, readout.reference_variant, patients), readout.variant_measure)
        return here * self._factor(readout)

    def _arms(self, readout: Readout, variant: str, patients: NDArray[np.int64] | None) -> Array:
        here = self._statistic(readout, variant, readout.arm, readout.among, patients)
        if readout.measure is None:
            return here
        among = readout.reference_among or readout.among
        return _against(here, self._statistic(readout, variant, readout.reference, among, patients), readout.measure)

    def _standardised(self, readout: Readout, patients: NDArray[np.int64] | None) -> Array:
        """Difference of two means over the root mean square of the two SDs."""
        among = readout.reference_among or readout.among
        sides = (
            (readout.variant, readout.arm, readout.among),
            (readout.reference_variant or readout.variant, readout.reference or readout.arm, among),
        )
        means, sds = (
            [self._statistic(readout, variant, arm, those, patients, name) for variant, arm, those in sides]
            for name in ("mean", "sd")
        )
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray((means[0] - means[1]) / np.sqrt((sds[0] ** 2 + sds[1] ** 2) / 2.0))

    def _statistic(
        self,
        readout: Readout,
        variant: str,
        arm: str,
        among: Among | None,
        patients: NDArray[np.int64] | None,
        name: str = "",
    ) -> Array:
        outcome = self.outcomes[variant]

        def chosen(found: Array) -> Array:
            if patients is None:
                return found
            n = found.shape[1]  # fewer than there are places, where variants differ in size
            return found[:, patients[:n] * n // len(patients)]

        def values(endpoint: str) -> Array:
            return chosen(outcome.values(endpoint, arm))

        x = values(readout.endpoint)
        if among is not None:
            x = np.where(_met(among.where, values(among.endpoint)), x, np.nan)
        if readout.statistic in OF_EVENTS:
            counts, days = (chosen(v) for v in outcome.events(readout.endpoint, arm))
            return event_statistic(np.where(np.isnan(x), np.nan, counts), days, readout.statistic)
        with np.errstate(invalid="ignore", divide="ignore"):
            if readout.per:
                x = x / values(readout.per)
            elif readout.minus:
                x = x - values(readout.minus)
        if readout.where is not None:
            x = np.where(np.isnan(x), np.nan, _met(readout.where, x))
        return statistic(x, name or readout.statistic, values(readout.endpoint2) if readout.endpoint2 else None)

    def _factor(self, readout: Readout) -> float:
        """From the unit of the simulation to the readout's."""
        if readout.id not in self._units:
            self._units[readout.id] = _factor(readout, self.outcomes[readout.variant], self.prepared.target.id)
        return self._units[readout.id]


def _met(criterion: list[Bound], x: Array) -> NDArray[np.bool_]:
    met = ~np.isnan(x)
    for bound in criterion:
        met &= bound.holds(x)
    return met


_PURE = ("sd_ln", "correlation_ln", "within_sd_ln", "proportion", "event_share")


def _factor(readout: Readout, outcome: Outcome, target: str) -> float:
    unit = "1/year" if readout.statistic == "event_rate" else outcome.endpoints[readout.endpoint].unit
    pure = (
        readout.statistic in _PURE
        or {"ratio", "odds_ratio", "smd"} & {readout.measure, readout.variant_measure}
        or (readout.per and outcome.endpoints[readout.per].unit == unit)
    )
    if pure:
        unit = "dimensionless"
    try:
        return convert(1.0, unit, readout.unit, _molar_mass(readout, outcome))
    except LeukineticsError as error:
        raise DataError(f"target '{target}', readout '{readout.id}', unit: {error}") from error


def _molar_mass(readout: Readout, outcome: Outcome) -> float | None:
    """That of what the endpoint reads, in g/mol; None where the model does not know it."""
    prepared = outcome.prepared
    name = next(e.observable for e in prepared.protocol.endpoint if e.id == readout.endpoint)
    table = prepared.assembly.readouts
    entities = [str(e) for i, e in zip(table["id"], table["entity"], strict=True) if str(i) == name and e]
    entity = prepared.assembly.entities.get(entities[0]) if entities else None
    return None if entity is None else entity.molar_mass


def _against(here: Array, there: Array, measure: str) -> Array:
    with np.errstate(invalid="ignore", divide="ignore"):
        if measure == "odds_ratio":
            return here / (1.0 - here) / (there / (1.0 - there))
        return here / there if measure == "ratio" else here - there


def prepare_target(
    target: Target,
    *,
    role: str | None = None,
    patients: int | None = None,
    sampling: str | None = None,
    rtol: float = 1e-5,
    assemblies: Assemblies | None = None,
) -> PreparedTarget:
    """Make a target ready to run.

    ``role``: only readouts of this role (a calibration asks for "calibrate": arms, endpoints and protocol variants
    that it does not need are not simulated). ``patients`` per arm and ``sampling`` replace the protocol's.
    ``assemblies``: kept assemblies, filled by this call; targets of one condition with the same drugs share one.

    Raises ProtocolError or DataError that names the target and what the model has not.
    """
    if not isinstance(target, Target):
        raise DataError(f"{target!r:.40} is no target; load one, such as load_targets(ids=['rhil6'])[0].")
    readouts = [r for r in target.readout if role is None or r.role == role]
    if not readouts:
        raise DataError(f"The target '{target.id}' has no readout of role '{role}'.")
    kept: Assemblies = {} if assemblies is None else assemblies
    trials = {}
    for variant in target.variants_of(readouts):
        keep = [r for r in readouts if variant in (r.variant, r.reference_variant)]
        try:
            trials[variant] = _prepare(target.protocol_of(variant, keep), patients, sampling, rtol, kept)
        except LeukineticsError as error:
            raise ProtocolError(f"target '{target.id}': {error}") from error
    return PreparedTarget(target, readouts, trials)


def _prepare(
    protocol: Mapping[str, Any], patients: int | None, sampling: str | None, rtol: float, kept: Assemblies
) -> Prepared:
    from leukinetics import biology
    from leukinetics.trial import read_protocol

    read = read_protocol(protocol)
    key = (read.trial.condition, tuple(sorted(read.drugs)))
    if key not in kept:
        kept[key] = biology.assemble(key[0], drugs=list(key[1]))
    return prepare(read, patients=patients, sampling=sampling, rtol=rtol, assembly=kept[key])


def run_target(
    target: Target, typical: Mapping[str, float] | None = None, n: int | None = None, threads: int | None = None
) -> pd.DataFrame:
    """Run a target once. ``typical``: typical values that replace the tables'; ``n``: patients per arm.

    Returns one row per readout: id, role, predicted, published, unit, scale, se, sigma, distance (predicted less
    published on the scale; 0 on the right side of a bound).
    """
    import pandas as pd

    made = prepare_target(target, patients=n)
    predicted = made.predict([dict(typical or {})], threads)[0]
    rows = [
        {
            "id": target.key(r),
            "role": r.role,
            "predicted": float(p),
            "published": r.value,
            "unit": r.unit,
            "scale": r.scale,
            "se": r.error,
            "sigma": r.sigma,
            "distance": r.distance(float(p)),
        }
        for r, p in zip(made.readouts, predicted, strict=True)
    ]
    return pd.DataFrame(rows)
