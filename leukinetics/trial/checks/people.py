"""Whether people can be screened and matched as a protocol says."""

from __future__ import annotations

import math

from leukinetics.errors import LeukineticsError, ProtocolError
from leukinetics.patients.convert import convert, is_pure
from leukinetics.trial.checks.model import Model, Path
from leukinetics.trial.checks.problems import Problems
from leukinetics.trial.history import history
from leukinetics.trial.protocol import Match, Protocol
from leukinetics.trial.times import past


def check_people(protocol: Protocol, model: Model, problems: Problems) -> None:
    """Names and units of eligibility, plausible ranges and published figures; the table of a saved population."""
    for where, criteria in (
        (("eligibility",), protocol.eligibility),
        (("population", "plausible"), protocol.population.plausible),
    ):
        for name, bounds in criteria.items():
            path = (*where, name)
            if name in model.variants:
                problems.add(path, f"criteria are on covariates and observables; '{name}' is a genotype.")
                continue
            of, over = past(name)
            unit = model.observable(path, of, problems) if over else model.told_or_read(path, name, problems)
            condition = model.assembly.condition
            if over and condition is not None and not condition.history:
                problems.add(path, f"the condition '{condition.id}' has no history, so '{of}' has no past to look at.")
            elif over and over > (longest := _longest(protocol, model)):
                problems.add(
                    path,
                    f"{over:g} days is farther back than anybody is followed before time 0, {longest:g} days; "
                    "look back less far.",
                )
            elif unit is not None:
                model.bounds(path, bounds, unit, problems, of_change=False)
    for i, match in enumerate(protocol.population.match):
        if not problems.ignores(("population", "match", i)):
            _match(("population", "match", i), match, model, problems)
    _table(protocol, problems)


def _longest(protocol: Protocol, model: Model) -> float:
    """Days before time 0 that are simulated; infinite where only the run itself tells."""
    if protocol.population.table is not None:
        return math.inf
    try:
        return history(model.assembly, model.plan, None)[0]
    except ProtocolError:  # told where the people are made
        return math.inf


def _match(path: Path, match: Match, model: Model, problems: Problems) -> None:
    for j, name in enumerate(match.observables or []):
        model.told_or_read((*path, "observables", j), name, problems)
    if match.observable is None:
        return
    unit = model.told_or_read((*path, "observable"), match.observable, problems)
    if unit is None:
        return
    if match.above is not None:
        model.bounds((*path, "above"), match.above, unit, problems, of_change=False)
    if any(v is not None for v in (match.mean, match.sd, match.median, match.quartiles)):
        check_unit((*path, "unit"), match.unit, unit, f"the figures of '{match.observable}'", problems)


def check_unit(path: Path, given: str | None, unit: str, what: str, problems: Problems) -> None:
    """Add a problem where numbers have no unit that can be converted to ``unit``, or none though they need one."""
    if given is None:
        if not is_pure(unit):
            problems.add(path, f'{what} have no unit; add one, such as unit = "{unit}".')
        return
    try:
        convert(1.0, given, unit)
    except LeukineticsError as error:
        problems.add(path, str(error))


def _table(protocol: Protocol, problems: Problems) -> None:
    file = protocol.table
    if file is None:
        return
    path = ("population", "table")
    try:
        with file.open("rb") as content:
            start = content.read(4)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        problems.add(path, f"the population '{file}' cannot be read: {reason}.")
        return
    if start != b"PAR1":
        problems.add(
            path, f"'{file}' is no Parquet file; give a population that a trial has saved (population.parquet)."
        )
