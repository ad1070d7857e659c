"""What the designer of a valid trial may have overlooked."""

from __future__ import annotations

from collections.abc import Iterator

from leukinetics.assays import assays
from leukinetics.trial.amounts import parse_amount
from leukinetics.trial.dosing import Block
from leukinetics.trial.plan_pilot import Pilot
from leukinetics.trial.plan_words import days
from leukinetics.trial.prepare import SURVIVAL, Prepared
from leukinetics.trial.protocol import Protocol
from leukinetics.trial.reference import reference_arm
from leukinetics.trial.sampling_times import endpoint_times

#: Fewer patients in an arm are too few for intervals that rest on the normal distribution.
FEW = 20
#: Of eligible people in the pilot: fewer make a trial that screens for long, or for ever.
RARE = 0.02
#: Times the largest usual dose: more is a slip of the unit.
MUCH = 10.0
_SAME = 1e-6  # days
_WEIGHT = 70.0  # kg, to hold a dose per kg against a fixed one


def warnings_of(prepared: Prepared, pilot: Pilot) -> list[str]:
    """A sentence for each thing that is not wrong but may not be meant."""
    protocol = prepared.protocol
    return [
        *_assumed(prepared),
        *_measured(protocol),
        *_amounts(prepared),
        *_times(prepared),
        *_deaths(prepared),
        *_comparison(protocol),
        *_size(prepared, pilot),
    ]


def _assumed(prepared: Prepared) -> Iterator[str]:
    table = prepared.assembly.parameters
    for drug in prepared.protocol.drugs:
        own = table[table["owner"] == drug]
        names = [str(name) for name in own.loc[own["kind"] == "assumed", "id"]]
        if names:
            some = ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")
            yield f"{len(names)} of {len(own)} parameters of {drug} are assumed ({some})."
    rest = table[~table["owner"].isin(prepared.protocol.drugs)]
    assumed = int((rest["kind"] == "assumed").sum())
    if assumed:
        yield f"{assumed} of {len(rest)} parameters of condition and core are assumed; [sensitivity] says which matter."


def _measured(protocol: Protocol) -> Iterator[str]:
    schedule = protocol.schedule
    if schedule is not None and schedule.noise:
        without = [name for name in schedule.measure if name not in assays()]
        if without:
            yield f"there is no assay of {', '.join(without)}: the schedule reads true values."
    true = [e.id for e in protocol.endpoint if not e.noise and e.observable in assays()]
    if true:
        yield f"{', '.join(true)}: true values, without the noise of the assay (noise = true)."
    if protocol.trial.baseline == "screening" and protocol.eligibility:
        yield "the baseline is the qualifying value, which regresses to the mean in every arm: compare arms."


def _amounts(prepared: Prepared) -> Iterator[str]:
    """Doses far above those that the drug's file knows."""
    given: dict[str, float] = {}
    for block in prepared.blocks:
        amount = min(block.amount * (_WEIGHT if block.per_kg else 1.0), block.cap)
        given[block.drug] = max(given.get(block.drug, 0.0), amount)
    for name, most in given.items():
        spec = prepared.assembly.drugs[name]
        usual = {}
        for regimen in spec.regimens:
            amount, per_kg = parse_amount(regimen.amount).inside(spec.amount_unit, spec.molar_mass, name)
            usual[regimen.amount] = amount * (_WEIGHT if per_kg else 1.0)
        if usual and most > MUCH * max(usual.values()):
            times = most / max(usual.values())
            text = max(usual, key=lambda amount: usual[amount])
            yield f"the largest dose of {name} is {times:,.0f} times the largest usual one ({text})."


def _times(prepared: Prepared) -> Iterator[str]:
    """Samples at the time of a dose, which are taken before it."""
    blocks = [b for b in prepared.blocks if b.part == "dose"]
    end = prepared.protocol.trial.duration
    for endpoint in prepared.protocol.endpoint:
        if endpoint.at == 0:
            yield f"{endpoint.id} is read at time 0, before anything is given: the arms cannot differ."
        elif endpoint.at is not None and any(_is_given(block, endpoint.at) for block in blocks):
            yield f"{endpoint.id} is read at {days(endpoint.at)}, when a dose is due: just before it, at the trough."
        if endpoint.every is not None:
            stop = end if endpoint.to is None else endpoint.to
            last = float(endpoint_times(endpoint, end)[-1])
            if stop - last > _SAME:
                yield f"{endpoint.id} is read at {days(last)} for the last time: 'every' does not divide its window."


def _deaths(prepared: Prepared) -> Iterator[str]:
    """Values of the dead, which a model has and a trial has not."""
    protocol = prepared.protocol
    if SURVIVAL not in set(prepared.assembly.readouts["id"]):
        return
    if not any(rule.observable == SURVIVAL and rule.leaves for rule in protocol.rule):
        yield "patients die in this condition, and their values count on: a rule on survival lets the dead leave."


def _is_given(block: Block, time: float) -> bool:
    count = (time - block.time) / block.every
    return 0 <= round(count) < block.count and abs(count - round(count)) * block.every < _SAME


def _comparison(protocol: Protocol) -> Iterator[str]:
    if len(protocol.arm) == 1:
        yield "there is one arm only, so that nothing is compared; add one without doses."
        return
    for endpoint in protocol.endpoint[:1]:
        reference = protocol.arm[reference_arm(protocol, endpoint)]
        if reference.dose and endpoint.compare_to is None:
            yield f"no arm is untreated or named placebo; others are compared with '{reference.name}', the first."
    same = [
        (a.name, b.name)
        for i, a in enumerate(protocol.arm)
        for b in protocol.arm[i + 1 :]
        if (a.dose, a.background) == (b.dose, b.background)
    ]
    for a, b in same:
        yield f"the arms '{a}' and '{b}' are given the same."
    primary = protocol.analysis.primary or [protocol.endpoint[0].id]
    count = len(primary) * (len(protocol.arm) - 1)
    if count > 1 and protocol.analysis.multiplicity == "none":
        what = f"{len(primary)} primary endpoints" if len(primary) > 1 else f"{len(protocol.arm) - 1} arms"
        alpha = f"{protocol.analysis.alpha:g}"
        yield f"{what} are tested {count} times at {alpha} each; analysis.multiplicity adjusts for it."


def _size(prepared: Prepared, pilot: Pilot) -> Iterator[str]:
    if prepared.n < FEW:
        yield f"{prepared.n} patients in an arm are too few for intervals and tests; give {FEW} or more."
    if pilot.share == 0:
        yield f"nobody of {pilot.people} people in the pilot may take part; widen the criteria, or the population."
    elif pilot.share < RARE:
        yield f"only {100 * pilot.share:.2g} % of people may take part; enrolment gives up where it is below 1 %."
    if prepared.available is not None and prepared.available < prepared.needed:
        yield f"the table has {prepared.available:,} people, and {prepared.needed:,} are needed."
    if pilot.solved < 1:
        yield f"{100 * (1 - pilot.solved):.2g} % of the patients of the pilot could not be solved."
    study = prepared.protocol.uncertainty
    if study is not None and study.patients > prepared.n:
        yield f"[uncertainty] has more patients per arm ({study.patients}) than the trial ({prepared.n})."
