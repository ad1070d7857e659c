"""From a protocol's ``[[population.match]]`` to targets in terms of what is known of people."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from leukinetics.errors import LeukineticsError, ProtocolError
from leukinetics.patients.convert import convert, is_pure
from leukinetics.patients.criteria import Bound
from leukinetics.patients.moments import Moments
from leukinetics.patients.rank_correlation import Correlation
from leukinetics.patients.targets import Exceedance, Quantile, Target, Variable
from leukinetics.trial.protocol.people import Match

#: (unit, how it is known: "told", or "measured" or "true" at screening) of a name; ProtocolError for an unknown one.
Known = Callable[[str, bool, str], tuple[str, str]]


def targets(matches: list[Match], known: Known) -> list[Target]:
    """The targets of a protocol. ``known`` is asked of (name, noise, where in the protocol).

    Raises ProtocolError for unknown names, and figures in a unit that the observable cannot have.
    """
    found: list[Target] = []
    for i, entry in enumerate(matches, 1):
        where = f"population, match {i}"
        try:
            found += _targets(entry, known, where)
        except ProtocolError:
            raise
        except LeukineticsError as error:
            raise ProtocolError(f"{where}: {error}") from error
    return found


def _targets(entry: Match, known: Known, where: str) -> Iterator[Target]:
    if entry.correlation is not None:
        pair = []
        for name in entry.observables or []:
            unit, how = known(name, entry.noise, where)
            pair.append(Variable(name, how, unit))
        yield Correlation(pair[0], pair[1], entry.correlation, source=entry.source)
        return
    name = str(entry.observable)
    inside, how = known(name, entry.noise, where)
    if entry.mean is not None or entry.sd is not None:
        yield Moments(_variable(name, how, entry.unit, inside), entry.mean, entry.sd, entry.source)
    quartiles = entry.quartiles or (None, None)
    for p, value in ((0.25, quartiles[0]), (0.5, entry.median), (0.75, quartiles[1])):
        if value is not None:
            yield Quantile(_variable(name, how, entry.unit, inside), p, value, entry.source)
    if entry.above is not None and entry.share is not None:
        unit = entry.above[0].unit
        bounds = tuple(Bound(b.sign, b.value_in(unit) if unit else b.value, unit) for b in entry.above)
        yield Exceedance(_variable(name, how, unit or None, inside), bounds, entry.share, entry.source)


def _variable(name: str, how: str, unit: str | None, inside: str) -> Variable:
    """The observable in a figure's unit. DataError where it has none, or one that measures something else."""
    if unit is None:
        if not is_pure(inside):
            raise ProtocolError(f"the figures of '{name}' have no unit; add one, such as unit = \"{inside}\".")
        return Variable(name, how, inside)
    return Variable(name, how, unit, convert(1.0, unit, inside))
