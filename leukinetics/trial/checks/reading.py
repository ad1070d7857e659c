"""Whether the model has what is to be measured, in the units that a protocol compares it in."""

from __future__ import annotations

from leukinetics.assays import assays
from leukinetics.errors import LeukineticsError
from leukinetics.patients.convert import convert
from leukinetics.trial.checks.model import Model, Path
from leukinetics.trial.checks.problems import Problems
from leukinetics.trial.protocol import EVENTS, TIMES, Endpoint, Protocol
from leukinetics.units import parse_quantity

_OWN = ("value", "change", "average", "maximum", "minimum")
_DAYS = ("time_of_maximum", "time_to_return", "time_above", *TIMES)


def check_reading(protocol: Protocol, model: Model, problems: Problems) -> None:
    """Observables, assays, thresholds and units of endpoints, the schedule, rules and dropout."""
    for i, endpoint in enumerate(protocol.endpoint):
        if not problems.ignores(("endpoint", i)):
            _endpoint(("endpoint", i), endpoint, model, problems)
    for j, name in enumerate(protocol.schedule.measure if protocol.schedule is not None else []):
        model.observable(("schedule", "measure", j), name, problems)
    for i, rule in enumerate(protocol.rule):
        path = ("rule", i)
        if problems.ignores(path):
            continue
        unit = model.observable((*path, "observable"), rule.observable, problems)
        if unit is not None:
            model.bounds((*path, "when"), rule.when, unit, problems, of_change=True)
    dropout = protocol.dropout
    if dropout is not None and dropout.observable is not None:
        unit = model.observable(("dropout", "observable"), dropout.observable, problems)
        if unit is not None and dropout.per != "doubling":
            _step(dropout.per, unit, problems)


def _endpoint(path: Path, endpoint: Endpoint, model: Model, problems: Problems) -> None:
    unit = model.observable((*path, "observable"), endpoint.observable, problems)
    if endpoint.noise and endpoint.observable not in assays() and (unit is not None):
        text = f"there is no assay of '{endpoint.observable:.60}'; leave noise out, or use an observable that has one"
        problems.add((*path, "noise"), f"{text} ({', '.join(assays())}).")
    if endpoint.events_beside is not None:
        _events_beside(path, endpoint, model, problems)
    if unit is None:
        return
    of_change = endpoint.kind == "responder" or endpoint.kind in EVENTS
    model.bounds((*path, "threshold"), endpoint.threshold or [], unit, problems, of_change=of_change)
    for j, worsening in enumerate(endpoint.worsening):
        where = (*path, "worsening", j)
        model.bounds((*where, "baseline"), worsening.baseline or [], unit, problems, of_change=False)
        model.bounds((*where, "change"), worsening.change or [], unit, problems, of_change=True)
        model.bounds((*where, "value"), worsening.value or [], unit, problems, of_change=False)
    if endpoint.unit is not None:
        _unit((*path, "unit"), endpoint, unit, problems)


def _events_beside(path: Path, endpoint: Endpoint, model: Model, problems: Problems) -> None:
    """What counts the events that a progression is independent of or associated with."""
    where = (*path, "associated_with" if endpoint.independent_of is None else "independent_of")
    unit = model.observable(where, str(endpoint.events_beside), problems)
    if unit and unit != "dimensionless":
        text = f"'{endpoint.events_beside:.60}' is in {unit}, which is no number of events; name what counts some."
        problems.add(where, text)


def _unit(path: Path, endpoint: Endpoint, unit: str, problems: Problems) -> None:
    """The unit that an endpoint's number is asked for in."""
    own = unit if endpoint.kind in _OWN else "day" if endpoint.kind in _DAYS else ""
    own = "%" if endpoint.kind == "percent_change" else f"{unit or '1'}/year" if endpoint.kind == "slope" else own
    if endpoint.unit == own:
        return
    if own in ("", "%"):
        of = f" but {own}" if own else ""
        problems.add(path, f"kind '{endpoint.kind}' has no unit to change{of}; leave 'unit' out.")
        return
    try:
        convert(1.0, own, endpoint.unit or "")
    except LeukineticsError as error:
        problems.add(path, str(error))


def _step(per: str, unit: str, problems: Problems) -> None:
    path = ("dropout", "per")
    try:
        value, own = parse_quantity(per)
        if convert(value, own, unit) <= 0:
            problems.add(path, f"'{per:.60}' is no step; it must be above 0.")
    except LeukineticsError as error:
        problems.add(path, f"{error} It is 'doubling' or a quantity in {unit}.")
