"""Virtual patients with what could be measured of them, and what each gains from a therapy.

A trial of twins of two arms, in which everybody stays to the end. Where chance has a part in the course of the disease
each person has several lives: the same constitution with another past and another future. Lives are enrolled one by
one, as if they were people, and each is a draw from what is thought of patients before anything is measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.assays import assay_for, assays
from leukinetics.cohort.subtype.benefit_protocol import BenefitProtocol
from leukinetics.cohort.subtype.noise import Noise, noise_of
from leukinetics.cohort.subtype.rows import BENEFIT, DRAW, PART, PERSON, REFERENCE, TREATED, Rows
from leukinetics.errors import DataError, ProtocolError, suggest
from leukinetics.patients import draws
from leukinetics.patients.labels import LUCK, clinical_units, covariate_table, in_clinical_units
from leukinetics.trial.outcome import Outcome, run_candidates
from leukinetics.trial.prepare import Prepared, prepare
from leukinetics.trial.protocol import EVENTS, TIMES, Analysis, Endpoint, Protocol
from leukinetics.trial.protocol.arms import Adherence
from leukinetics.trial.reference import reference_arm
from leukinetics.trial.studies.question import MOST_ROWS, Progress, say_nothing
from leukinetics.trial.studies.varied import uncertain

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

YEAR = 365.25
#: Ids of the endpoints that are made for the benefit.
_TRUE, _READ, _MARKER = "outcome", "outcome as measured", "marker: "
#: Parts of the table: the fitted values; draws of all that is uncertain; these with what is assumed of the next draw.
FITTED, ALL, MIXED = "fitted", "all", "mixed"
ASSUMED = "assumed"
#: Share of the people asked for that must be there for a draw to count.
ENOUGH = 0.5


@dataclass(frozen=True)
class VirtualPatients:
    """Virtual patients, one row of ``table`` per life.

    Columns: ``part`` ("fitted", "all", "mixed"), ``draw`` (-1 of the fitted values), ``person``, ``reference`` and
    ``treated`` (the outcome, without the error of measuring it), ``benefit`` (by how much the latter is better),
    ``marker.<readout>`` (its true value at time 0, in ``units``) and ``known.<covariate>`` (as reports have it).

    ``noise``: of the markers; ``measured_sd``: SD of the error of one measurement of the outcome, in either arm, NaN
    where there is none; ``drawn``: the typical values (draws,) by name, and ``origins`` what is known of each;
    ``lost``: draws in which too few people were eligible; ``chance``: whether the course of the disease has chance in
    it; ``unit`` of the outcome; ``known_units``: of the covariates, "" of pure numbers.
    """

    table: pd.DataFrame
    markers: tuple[str, ...]
    further: tuple[str, ...]
    units: dict[str, str]
    noise: dict[str, Noise]
    unit: str
    worth: float | None
    measured_sd: tuple[float, float] = (float("nan"), float("nan"))
    chance: bool = False
    drawn: dict[str, Array] = field(default_factory=dict)
    origins: dict[str, dict[str, Any]] = field(default_factory=dict)
    lost: int = 0
    seed: int = 1
    words: dict[str, str] = field(default_factory=dict)
    known_units: dict[str, str] = field(default_factory=dict)

    @cached_property
    def parts(self) -> dict[str, Rows]:
        """The rows of each part, those of a part without any too."""
        own = self.table[PART].to_numpy(dtype=object)
        return {part: Rows(self.table[own == part]) for part in (FITTED, ALL, MIXED)}

    @property
    def main(self) -> Rows:
        """Those that answers are told of: all draws, without any the fitted values."""
        return self.parts[ALL] if len(self.parts[ALL]) else self.parts[FITTED]

    @property
    def covariates(self) -> tuple[str, ...]:
        """Covariates that may be known of a patient."""
        return tuple(str(c).removeprefix("known.") for c in self.table.columns if str(c).startswith("known."))


class Lives(Prepared):
    """A prepared trial in which ``each`` numbers in turn are lives of one person: all random numbers that make the
    person are the same, those that start the streams of chance are not."""

    each: int = 1

    def normals(self, stop: int, first: int = 0) -> Array:
        if (first, stop) not in self._normals:
            numbers = np.arange(first, stop)
            person = numbers // self.each
            low, high = int(person[0]), int(person[-1]) + 1
            seed = self.protocol.trial.seed
            z = self.plan.normals(seed, high - low, first=low)[person - low]
            luck = [j for j, name in enumerate(self.plan.names) if name.startswith(LUCK)]
            if luck:
                z[:, luck] = self.plan.normals(seed, stop - first, first=first)[:, luck]
            self._normals = {(first, stop): z}
        return self._normals[first, stop]


def with_lives(prepared: Prepared, each: int) -> Prepared:
    """The trial with ``each`` lives of every person."""
    if each == 1:
        return prepared
    if prepared.table is not None:
        raise ProtocolError("benefit, lives: the people of a table have one life each; leave 'lives' out.")
    found = Lives(**{f.name: getattr(prepared, f.name) for f in fields(Prepared) if f.init} | {"_normals": {}})
    found.each = each
    return found


def virtual_patients(
    protocol: BenefitProtocol,
    threads: int | None = None,
    progress: Progress = say_nothing,
    assembly: Any = None,
) -> VirtualPatients:
    """Make the virtual patients of a protocol; ``assembly`` in place of the model of the trial's condition and drugs.

    ProtocolError for what is malformed, that the model has not, or where too few people are eligible.
    """
    import pandas as pd

    head = protocol.benefit
    trial = protocol.trial()
    endpoint, pair = _asked(protocol, trial)
    prepared = prepare(_twins(protocol, trial, endpoint, pair), assembly=assembly)
    names = (*head.markers, *head.further)
    units = {name: prepared.observables[name].unit for name in names}
    noise = {name: _noise(name, units[name], head.noise.get(name, "")) for name in names}
    chance = _has_chance(prepared, endpoint)
    each = head.lives or (2 if chance and prepared.table is None else 1)
    progress(0, 1, "virtual patients")
    parts, measured = [], (float("nan"), float("nan"))
    outcome = run_candidates(with_lives(prepared, each), [{}], threads)
    parts.append(_rows(outcome, 0, protocol, each, FITTED, -1))
    _require(parts[0], prepared)
    measured = _measured(outcome)
    study, drawn, origins, lost = protocol.uncertainty, {}, {}, 0
    if study is not None:
        unknown = uncertain(prepared, {})
        kinds = dict(zip(unknown.names, (o["kind"] for o in unknown.origins), strict=True))
        notes = _notes(prepared.assembly.parameters)
        origins = {
            name: unknown.about(j) | {"note": notes.get(name.rpartition(".")[2], "")}
            for j, name in enumerate(unknown.names)
        }
        table = draws(prepared.assembly, study.draws, head.seed)
        drawn = {name: table[name].to_numpy(dtype=float) for name in unknown.names}
        rows = [{str(k): float(v) for k, v in row.items()} for row in table.to_dict("records")]
        others = [*rows[1:], rows[0]]
        mixed = [
            {k: (other if kinds.get(k) == ASSUMED else row)[k] for k in row}
            for row, other in zip(rows, others, strict=True)
        ]
        small = prepare(prepared.protocol, patients=study.people, assembly=prepared.assembly)
        for part, sets in ((ALL, rows), (MIXED, mixed)):
            found, missing = _draws(small, sets, each, protocol, threads, progress, part)
            parts += found
            lost += missing
    whole = pd.concat(parts, ignore_index=True)
    return VirtualPatients(
        table=whole,
        markers=tuple(head.markers),
        further=tuple(head.further),
        units=units,
        noise=noise,
        unit=_unit(outcome, endpoint),
        worth=head.worth,
        measured_sd=measured,
        chance=chance,
        drawn=drawn,
        origins=origins,
        lost=lost,
        seed=head.seed,
        known_units=known_units(prepared),
        words={
            "name": head.name, "trial": trial.trial.name, "condition": trial.trial.condition, "arm": pair[1],
            "reference": pair[0], "endpoint": endpoint.id, "observable": endpoint.observable, "kind": endpoint.kind,
            "better": head.better,
        },
    )  # fmt: skip


def _notes(parameters: pd.DataFrame) -> dict[str, str]:
    """What is said of each parameter of a model."""
    if "note" not in parameters:
        return {}
    return {str(i): " ".join(str(n or "").split()) for i, n in zip(parameters["id"], parameters["note"], strict=True)}


def _asked(protocol: BenefitProtocol, trial: Protocol) -> tuple[Endpoint, tuple[str, str]]:
    """(the endpoint, (reference arm, arm)); ProtocolError where the trial has them not."""
    head = protocol.benefit
    known = [e.id for e in trial.endpoint]
    if head.endpoint not in known:
        raise ProtocolError(f"benefit: the trial has no endpoint '{head.endpoint}'.{suggest(head.endpoint, known)}")
    endpoint = next(e for e in trial.endpoint if e.id == head.endpoint)
    if endpoint.kind in TIMES:
        raise ProtocolError(
            f"benefit, endpoint: '{endpoint.id}' is the time of an event, which ends with the trial for most, so that "
            "it has no difference within a patient; take an endpoint of kind event_rate, value or change."
        )
    names = [a.name for a in trial.arm]
    reference = head.reference or names[reference_arm(trial, endpoint)]
    for key, name in (("arm", head.arm), ("reference", reference)):
        if name not in names:
            raise ProtocolError(f"benefit, {key}: the trial has no arm '{name}'.{suggest(name, names)}")
    if head.arm == reference:
        raise ProtocolError(f"benefit, arm: '{head.arm}' is the reference; name the arm of the therapy.")
    return endpoint, (reference, head.arm)


def _twins(protocol: BenefitProtocol, trial: Protocol, endpoint: Endpoint, pair: tuple[str, str]) -> Protocol:
    """The trial as it is run here."""
    head = protocol.benefit
    bare = endpoint.model_copy(update={"compare_to": None, "visits": [], "analysis": None, "statistic": None})
    mine = [bare.model_copy(update={"id": _TRUE, "noise": False})]
    if endpoint.kind not in EVENTS and endpoint.observable in assays():
        mine.append(bare.model_copy(update={"id": _READ, "noise": True}))
    at_zero: dict[str, Any] = {"kind": "value", "at": 0.0}
    mine += [Endpoint(id=f"{_MARKER}{m}", observable=m, **at_zero) for m in (*head.markers, *head.further)]
    arms = {a.name: a for a in trial.arm}
    update = {"design": "twins", "seed": head.seed, "patients_per_arm": head.people, "sampling": "random"}
    found = trial.model_copy(
        update={
            "trial": trial.trial.model_copy(update=update),
            "arm": [arms[name].model_copy(update={"ratio": 1}) for name in pair],
            "endpoint": mine,
            "rule": [
                r.model_copy(update={"arms": [n for n in r.arms if n in pair]}) if r.arms else r
                for r in trial.rule
                if not r.arms or any(n in pair for n in r.arms)
            ],
            "dropout": None, "schedule": None, "analysis": Analysis(), "subgroup": [], "threshold": [],
            "uncertainty": None, "power": None, "sensitivity": None, "also": [],
        }
    )  # fmt: skip
    found._text, found._file = trial._text, trial._file
    return found


def _noise(name: str, unit: str, spread: str) -> Noise:
    if name not in assays():
        raise ProtocolError(f"benefit, markers: '{name}' has no assay, so that it cannot be measured.")
    try:
        return noise_of(assay_for(name, unit), spread)
    except DataError as error:
        raise ProtocolError(f"benefit, noise: {error}") from None


def _has_chance(prepared: Prepared, endpoint: Endpoint) -> bool:
    """Whether two lives of one person can differ."""
    luck = any(name.startswith(LUCK) for name in prepared.plan.names)
    return luck or prepared.protocol.adherence != Adherence() or endpoint.kind in EVENTS


def _draws(
    prepared: Prepared, sets: Sequence[Mapping[str, float]], each: int, protocol: BenefitProtocol,
    threads: int | None, progress: Progress, part: str,
) -> tuple[list[pd.DataFrame], int]:  # fmt: skip
    found, lost = [], 0
    size = max(MOST_ROWS // (2 * prepared.n), 1)
    lives = with_lives(prepared, each)
    for first in range(0, len(sets), size):
        said = "draws" if part == ALL else "draws with other assumptions"
        progress(first, len(sets), said)
        outcome = run_candidates(lives, sets[first : first + size], threads)
        for k in range(len(outcome.people)):
            rows = _rows(outcome, k, protocol, each, part, first + k)
            if len(rows) < ENOUGH * prepared.n:
                lost += 1
                continue
            found.append(rows)
    progress(len(sets), len(sets), "draws")
    return found, lost


def _rows(outcome: Outcome, k: int, protocol: BenefitProtocol, each: int, part: str, draw: int) -> pd.DataFrame:
    """The lives of a candidate that were solved in both arms."""
    import pandas as pd

    head, plan = protocol.benefit, outcome.prepared.plan
    people = outcome.people[k, 0]
    true = outcome.endpoints[_TRUE].take(k)
    values = true.numbers
    if true.exposure is not None:
        with np.errstate(invalid="ignore", divide="ignore"):
            values = values / true.exposure * YEAR
    reference, treated = values
    sign = -1.0 if head.better == "lower" else 1.0
    told = {n: v[k] for n, v in outcome.enrolled.columns.items() if n in covariate_table(plan)}
    printed = in_clinical_units(plan, told)
    found: dict[str, Any] = {
        PART: part,
        DRAW: draw,
        PERSON: people // each, BENEFIT: sign * (treated - reference), REFERENCE: reference, TREATED: treated,
    }  # fmt: skip
    for name in (*head.markers, *head.further):
        found[f"marker.{name}"] = outcome.endpoints[f"{_MARKER}{name}"].numbers[k, 0]
    found |= {f"known.{name}": values for name, values in printed.items() if np.ptp(values[np.isfinite(values)]) > 0}
    table = pd.DataFrame(found)
    there = (people >= 0) & np.isfinite(table[[BENEFIT, *(c for c in found if c.startswith("marker."))]]).all(axis=1)
    kept: pd.DataFrame = table[there.to_numpy()].reset_index(drop=True)
    return kept


def _require(rows: pd.DataFrame, prepared: Prepared) -> None:
    if len(rows) < ENOUGH * prepared.n:
        raise ProtocolError(
            f"eligibility: only {len(rows)} of {prepared.n} virtual patients could be enrolled and simulated; widen "
            "the trial's criteria."
        )


def _measured(outcome: Outcome) -> tuple[float, float]:
    """SD of the error of a measured outcome, by arm; NaN where it has none, or is yes or no."""
    if _READ not in outcome.endpoints or outcome.prepared.protocol.endpoint[0].kind == "responder":
        return float("nan"), float("nan")
    error = outcome.endpoints[_READ].numbers[0] - outcome.endpoints[_TRUE].numbers[0]
    low, high = (float(np.nanstd(arm)) for arm in error)
    return low, high


def _unit(outcome: Outcome, endpoint: Endpoint) -> str:
    if endpoint.kind == "event_rate":
        return "1/year"
    return outcome.endpoints[_TRUE].unit


def known_units(prepared: Prepared) -> dict[str, str]:
    """Units of the covariates that may be known."""
    return {
        name: unit for name, unit in clinical_units(prepared.plan).items() if name in covariate_table(prepared.plan)
    }
