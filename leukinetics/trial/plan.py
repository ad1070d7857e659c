"""What a trial would do, without doing it: people, doses, samples, work, time, and what its designer may overlook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from leukinetics.trial.plan_pilot import Pilot, run_pilot
from leukinetics.trial.plan_warnings import warnings_of
from leukinetics.trial.plan_words import days, number, size, time
from leukinetics.trial.prepare import Prepared, prepare
from leukinetics.trial.protocol import Dose, Protocol
from leukinetics.trial.studies.indices import points
from leukinetics.trial.studies.varied import varied
from leukinetics.trial.variants import variants

#: Bytes of a number in a table on the disk, of those that noise makes incompressible.
PER_NUMBER = 8


@dataclass(frozen=True)
class Work:
    """A part of the run: what it is, and how many patients are simulated in it (a patient in two arms counts twice)."""

    what: str
    rows: int
    at_screening: bool = False


@dataclass(frozen=True)
class TrialPlan:
    """What would run; made by :func:`plan`.

    ``screened``: people expected to be looked at, from the pilot; None where nobody of it was eligible.
    ``seconds``, ``size``: estimates of the time that this machine simulates, and of the bytes on its disk.
    """

    prepared: Prepared
    pilot: Pilot
    screened: int | None
    work: list[Work]
    seconds: float
    size: float
    warnings: list[str]
    also: tuple[TrialPlan, ...] = ()  # of the trials of [[also]], each with a pilot of its own

    def text(self) -> str:
        """The plan in words, a line each."""
        own = [*_design(self.prepared), *_reading(self.prepared), *_people(self), *_work(self)]
        return "\n".join([*own, *(f"\nalso {other.text()}" for other in self.also)])

    def __str__(self) -> str:
        return self.text()


def plan(
    protocol: str | Path | Mapping[str, Any] | Protocol | Prepared,
    *,
    patients: int | None = None,
    threads: int | None = None,
) -> TrialPlan:
    """Work out what a trial would do. A few people are screened and a few dozen treated, to see how long that takes.

    ``patients`` (per arm) replaces the protocol's. Raises ProtocolError with all problems of the protocol.
    """
    prepared = protocol if isinstance(protocol, Prepared) else prepare(protocol, patients=patients)
    pilot = run_pilot(prepared, threads)
    screened = prepared.needed if pilot.share == 1 else None
    if 0 < pilot.share < 1:
        screened = round(prepared.needed / pilot.share)
    work = _parts(prepared, screened or prepared.needed)
    seconds = pilot.ready + sum(w.rows * (pilot.per_screened if w.at_screening else pilot.per_row) for w in work)
    found = TrialPlan(prepared, pilot, screened, work, seconds, _bytes(prepared, pilot), warnings_of(prepared, pilot))
    return replace(found, also=tuple(plan(v.prepared, threads=threads) for v in variants(prepared)))


def _parts(prepared: Prepared, screened: int) -> list[Work]:
    protocol = prepared.protocol
    rows = _rows(prepared, prepared.n)
    found = [Work("the trial", rows)]
    if prepared.screening:
        found.insert(0, Work("screening", screened, at_screening=True))
    if protocol.uncertainty is not None:
        study = protocol.uncertainty
        each = _rows(prepared, study.patients)
        found.append(Work(f"uncertainty: {study.draws} draws of {study.patients} patients per arm", study.draws * each))
        if prepared.screening:
            again = round(study.draws * study.patients * screened / prepared.n)
            found.append(Work("uncertainty: screening", again, at_screening=True))
    if protocol.sensitivity is not None:
        inner = protocol.sensitivity
        uncertain = len(varied(prepared, inner, {}).names)
        if inner.method == "tornado":
            count = 2 * uncertain + 1
        else:
            runs = inner.trajectories if inner.method == "morris" else 2 ** (inner.samples - 1).bit_length()
            count = len(points(inner.method, uncertain, runs, protocol.trial.seed)) + 1
        runs_of = f"{count:,} runs over {uncertain} parameters, {inner.patients} patients in two arms"
        found.append(Work(f"sensitivity ({inner.method}): {runs_of}", 2 * count * inner.patients))
    return found


def _rows(prepared: Prepared, patients: int) -> int:
    """Patients simulated for so many per arm: a twin once in each arm, others as often as the ratios say."""
    twins = prepared.protocol.trial.design == "twins"
    return patients * (prepared.arms if twins else sum(arm.ratio for arm in prepared.protocol.arm))


def _bytes(prepared: Prepared, pilot: Pilot) -> float:
    columns = len(pilot.columns)
    tables = prepared.needed * columns + _rows(prepared, prepared.n) * (len(prepared.protocol.endpoint) + 4)
    return _rows(prepared, prepared.n) * pilot.bytes_per_row + tables * PER_NUMBER


def _design(prepared: Prepared) -> list[str]:
    trial = prepared.protocol.trial
    condition = prepared.assembly.condition
    title = getattr(condition, "title", "") or trial.condition
    twins = trial.design == "twins"
    how = "each patient is simulated under every arm" if twins else "every arm has patients of its own"
    lines = [
        trial.name,
        f"  condition    {title} ({trial.condition})",
        f"  design       {trial.design}: {how}; {days(trial.duration)}",
    ]
    for i, arm in enumerate(prepared.protocol.arm):
        n = prepared.n if twins else prepared.n * arm.ratio
        lines.append(f"  arm          {arm.name}: {n:,} patients")
        for part, doses in (("", arm.dose), ("background: ", arm.background)):
            for dose, count in zip(doses, _counts(prepared, i, "background" if part else "dose"), strict=True):
                lines.append(f"                 {part}{dose_words(dose, count)}")
        if not arm.dose:
            lines.append("                 not treated" + (" besides" if arm.background else ""))
    for rule in prepared.protocol.rule:
        also = " and the patient leaves" if rule.leaves else ""
        lines.append(f"  rule         {rule.id}: {rule.action}{also}, by {rule.observable}")
    adherence, dropout = prepared.protocol.adherence, prepared.protocol.dropout
    if adherence.missed:
        lines.append(f"  adherence    {100 * adherence.missed:g} % of doses are missed")
    if dropout is not None:
        lines.append(f"  dropout      {100 * dropout.rate:g} % of patients within a year")
    return lines


def _counts(prepared: Prepared, arm: int, part: str) -> list[int]:
    """How many doses each entry of an arm makes (a loading dose and the rest are two blocks of one entry)."""
    found: list[int] = []
    for block in prepared.blocks:
        if block.arm == arm and block.part == part:
            if block.opens:
                found.append(0)
            found[-1] += block.count
    return found


def dose_words(dose: Dose, count: int) -> str:
    """Such as "canakinumab 150 mg sc every 13 weeks, first 300 mg: 16 doses, 2,550 mg in all"."""

    def amount(value: float) -> str:
        return f"{number(value)} {dose.amount.unit}" + ("/kg" if dose.amount.per_kg else "")

    text = f"{dose.drug} {amount(dose.amount.value)} {dose.route}"
    text += f" over {days(dose.duration)}" if dose.duration else ""
    text += f" every {days(dose.every)}" if dose.every is not None and count > 1 else ""
    text += f" from {days(dose.start)}" if dose.start else ""
    if dose.loading is not None:
        text += f", first {number(dose.loading.value)} {dose.loading.unit}" + ("/kg" if dose.loading.per_kg else "")
    if dose.cap is not None:
        text += f", at most {number(dose.cap.value)} {dose.cap.unit}"
    if count == 1:
        return f"{text}: once"
    same = dose.loading is None or (dose.loading.unit, dose.loading.per_kg) == (dose.amount.unit, dose.amount.per_kg)
    first = dose.amount.value if dose.loading is None else dose.loading.value
    total = f", {amount(first + (count - 1) * dose.amount.value)} in all" if same and dose.cap is None else ""
    return f"{text}: {count:,} doses{total}"


def _reading(prepared: Prepared) -> list[str]:
    observables = prepared.observables.values()
    samples = sum(len(o.times) for o in observables)
    lines = [
        f"  samples      {samples:,} of a patient at {len(prepared.times):,} times: "
        + ", ".join(f"{o.name} ({len(o.times)})" for o in observables)
    ]
    for endpoint in prepared.protocol.endpoint:
        when = f"at {days(endpoint.at)}" if endpoint.at is not None else f"every {days(endpoint.every or 0.0)}"
        how = "as measured" if endpoint.noise else "true value"
        kind = endpoint.kind.replace("_", " ")
        lines.append(f"  endpoint     {endpoint.id}: {kind} of {endpoint.observable} {when}, {how}")
    return lines


def _people(plan: TrialPlan) -> list[str]:
    prepared, pilot = plan.prepared, plan.pilot
    lines = [f"  people       {prepared.needed:,} to enrol"]
    if prepared.screening or prepared.criteria:
        share = f"of {pilot.people:,} in a pilot {round(pilot.people * pilot.share):,} may take part"
        about = "nobody of them is eligible" if plan.screened is None else f"about {plan.screened:,} to screen"
        lines[0] += f", {about} ({share})"
    if prepared.available is not None:
        lines.append(f"                 out of a table of {prepared.available:,}")
    return lines


def _work(plan: TrialPlan) -> list[str]:
    lines = []
    for work in plan.work:
        what = "people seen once" if work.at_screening else "patients simulated"
        lines.append(f"  work         {work.what}: {work.rows:,} {what}")
    if plan.prepared.protocol.power is not None:
        power = plan.prepared.protocol.power
        sizes = ", ".join(f"{n:,}" for n in power.sizes)
        lines.append(f"  work         power: {power.replicates:,} replicate trials of each of {sizes} patients per arm")
    pilot = f"estimated from a pilot of {plan.pilot.rows}; statistics and the report come on top"
    lines.append(f"  time         about {time(plan.seconds)} of simulation on this machine ({pilot})")
    lines.append(f"  files        about {size(plan.size)}")
    lines.append("  problems     none found")
    lines += [f"  note         {text}" for text in plan.warnings]
    return lines
