"""Whether the tables of a protocol fit each other: names, times, designs. Nothing here needs the model."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from leukinetics.trial.checks.problems import Problems
from leukinetics.trial.protocol import MOST_SAMPLES, REPEATED, WINDOWED, Dose, Endpoint, Protocol, Rule
from leukinetics.trial.reference import reference_arm

Path = tuple[str | int, ...]

_END = 1 + 1e-12  # of a trial, up to rounding
#: Doses of one entry to one patient; more are a slip of the unit.
MOST_DOSES = 100_000


def check_consistency(protocol: Protocol, problems: Problems) -> None:
    """Add to ``problems`` where tables contradict each other, or name what no table has."""
    _unique(protocol, problems)
    _references(protocol, problems)
    _rules(protocol, problems)
    _baselines(protocol, problems)
    _design(protocol, problems)
    if protocol.also and protocol.population.table is not None:
        text = "the people of a table have one condition; leave out the table, or [[also]]."
        problems.add(("population", "table"), text)
    if not problems.ignores(("trial", "duration")):
        _Times(protocol, problems).check()


def doses(protocol: Protocol) -> Iterator[tuple[Path, Dose]]:
    """Every dose of a protocol with its place."""
    for i, arm in enumerate(protocol.arm):
        for part, given in (("background", arm.background), ("dose", arm.dose)):
            for j, dose in enumerate(given):
                yield ("arm", i, part, j), dose
    for i, rule in enumerate(protocol.rule):
        for j, dose in enumerate(rule.dose):
            yield ("rule", i, "dose", j), dose


def _unique(protocol: Protocol, problems: Problems) -> None:
    for what, key, names in (
        ("arm", "name", [a.name for a in protocol.arm]),
        ("endpoint", "id", [e.id for e in protocol.endpoint]),
        ("rule", "id", [r.id for r in protocol.rule]),
        ("subgroup", "id", [s.id for s in protocol.subgroup]),
        ("also", "name", [a.name or a.condition for a in protocol.also]),
    ):
        for i, name in enumerate(names):
            if name in names[:i]:
                text = f"two {what}s are named '{name:.60}'; give each {what} a name of its own."
                problems.add((what, i, key), text)
    lists: list[tuple[Path, Sequence[str]]] = [
        (("analysis", key), getattr(protocol.analysis, key)) for key in ("primary", "covariates", "higher_is_better")
    ]
    if protocol.schedule is not None:
        lists.append((("schedule", "measure"), protocol.schedule.measure))
    for path, listed in lists:
        for i, name in enumerate(listed):
            if name in listed[:i]:
                problems.add((*path, i), f"'{name:.60}' is there twice.")


def _references(protocol: Protocol, problems: Problems) -> None:
    """Names of endpoints and arms that other tables use."""
    endpoints, arms = [e.id for e in protocol.endpoint], [a.name for a in protocol.arm]

    def endpoint(path: Path, name: str | None) -> None:
        if name is not None and name not in endpoints and not problems.ignores(("endpoint",)):
            problems.unknown(path, "endpoint", name, endpoints)

    def arm(path: Path, name: str | None) -> None:
        if name is not None and name not in arms and not problems.ignores(("arm",)):
            problems.unknown(path, "arm", name, arms)

    for i, e in enumerate(protocol.endpoint):
        arm(("endpoint", i, "compare_to"), e.compare_to)
    for key in ("primary", "higher_is_better"):
        for i, name in enumerate(getattr(protocol.analysis, key)):
            endpoint(("analysis", key, i), name)
    for i, subgroup in enumerate(protocol.subgroup):
        endpoint(("subgroup", i, "endpoint"), subgroup.endpoint)
    for path, table in _studies(protocol):
        endpoint((*path, "endpoint"), table.endpoint)
        arm((*path, "arm"), table.arm)
        of = next((e for e in protocol.endpoint if e.id == (table.endpoint or _primary(protocol))), None)
        if of is None or len(arms) < 2 or of.compare_to not in (None, *arms):
            continue
        if table.arm == arms[reference_arm(protocol, of)]:
            text = f"'{table.arm}' is the arm that '{of.id}' compares others with; name another arm."
            problems.add((*path, "arm"), text)
    for i, rule in enumerate(protocol.rule):
        for j, name in enumerate(rule.arms):
            arm(("rule", i, "arms", j), name)


def _primary(protocol: Protocol) -> str:
    return protocol.analysis.primary[0] if protocol.analysis.primary else protocol.endpoint[0].id


def _studies(protocol: Protocol) -> Iterator[tuple[Path, Any]]:
    for i, threshold in enumerate(protocol.threshold):
        yield ("threshold", i), threshold
    for name in ("power", "sensitivity"):
        if getattr(protocol, name) is not None:
            yield (name,), getattr(protocol, name)


def _rules(protocol: Protocol, problems: Problems) -> None:
    for i, rule in enumerate(protocol.rule):
        if rule.action == "rescue" or not problems.whole(("arm",)) or not problems.whole(("rule", i)):
            continue
        given = {d.drug for a in protocol.arm if not rule.arms or a.name in rule.arms for d in a.dose}
        added = {d.drug for r in protocol.rule for d in r.dose}
        for j, drug in enumerate(rule.drugs):
            if drug not in given | added:
                arms = "its arms" if rule.arms else "any arm"
                known = ", ".join(sorted(given)) or "nothing"
                text = f"the trial gives {arms} no '{drug:.60}' (but {known}), so there is nothing to {rule.action}."
                problems.add(("rule", i, "drugs", j), text)
        if not rule.drugs and not given:
            problems.add(
                ("rule", i, "action"), f"no arm of this rule is given anything, so there is nothing to {rule.action}."
            )


#: Kinds whose number is relative to the baseline.
_RELATIVE = ("percent_change", "fold", "maximum_fold")


def _baselines(protocol: Protocol, problems: Problems) -> None:
    """A drug's level before the first dose is 0, and nothing can be told relative to it."""
    for i, e in enumerate(protocol.endpoint):
        if e.kind in _RELATIVE and e.observable in protocol.drugs:
            text = (
                f"the level of '{e.observable}' at time 0, before any dose, is 0, so that it has no {e.kind}; use "
                f"'{'maximum' if e.kind == 'maximum_fold' else 'value'}'."
            )
            problems.add(("endpoint", i, "kind"), text)


def _design(protocol: Protocol, problems: Problems) -> None:
    if protocol.trial.design == "twins" and not problems.ignores(("trial", "design")):
        for i, arm in enumerate(protocol.arm):
            if arm.ratio != 1:
                text = (
                    "in a twins design every patient is in every arm; leave 'ratio' out, or use design = \"parallel\"."
                )
                problems.add(("arm", i, "ratio"), text)
    if len(protocol.arm) == 1 and problems.whole(("arm",)):
        needing: list[Path] = [("subgroup", i) for i in range(len(protocol.subgroup))]
        for path in [*needing, *(path for path, _ in _studies(protocol))]:
            problems.add(
                path, "this needs a second arm to compare with, such as an untreated one; there is one arm only."
            )


class _Times:
    """What lies after the end of the trial, or takes too many samples."""

    def __init__(self, protocol: Protocol, problems: Problems) -> None:
        self.protocol, self.problems = protocol, problems
        self.end = protocol.trial.duration

    def check(self) -> None:
        for path, dose in doses(self.protocol):
            self._dose(path, dose)
        for i, rule in enumerate(self.protocol.rule):
            self._rule(("rule", i), rule)
        for i, endpoint in enumerate(self.protocol.endpoint):
            self._endpoint(("endpoint", i), endpoint)
        if self.protocol.schedule is not None:
            self._moments(("schedule", "visits"), self.protocol.schedule.visits)
        dropout = self.protocol.dropout
        if dropout is not None and dropout.observable is not None:
            self._window(("dropout",), 0.0, self.end, dropout.every)

    def _late(self, path: Path, time: float, what: str) -> None:
        if time > self.end * _END:
            self.problems.add(path, f"{what} is on day {time:g}, after the trial's end on day {self.end:g}.")

    def _moments(self, path: Path, times: Sequence[float]) -> None:
        for i, time in enumerate(times):
            self._late((*path, i), time, "this visit")

    def _window(self, path: Path, start: float, stop: float, every: float) -> None:
        if not 0 < (stop - start) / every * _END <= MOST_SAMPLES:
            text = f"{stop - start:g} days every {every:g} make no visit, or more than {MOST_SAMPLES:,}."
            self.problems.add(path, text, key="every")

    def _dose(self, path: Path, dose: Dose) -> None:
        if dose.start >= self.end:
            text = f"the first dose on day {dose.start:g} is not before the trial's end on day {self.end:g}."
            self.problems.add((*path, "start"), text)
        elif dose.every is not None:
            until = min(dose.stop if dose.stop is not None else math.inf, self.end)
            if min((until - dose.start) / dose.every, dose.count or math.inf) > MOST_DOSES:
                text = f"a dose every {dose.every:g} days makes more than {MOST_DOSES:,} doses; check the unit."
                self.problems.add((*path, "every"), text)

    def _rule(self, path: Path, rule: Rule) -> None:
        self._moments((*path, "at"), rule.at or [])
        visits = len(set(rule.at or []))
        if rule.every is not None:
            start, stop = rule.every if rule.from_ is None else rule.from_, self.end if rule.to is None else rule.to
            self._late((*path, "from"), start, "the first visit")
            self._late((*path, "to"), stop, "the last visit")
            if start > self.end * _END:
                return
            if (stop - start) / rule.every > MOST_SAMPLES:
                self._window(path, start, stop, rule.every)
            visits = math.floor((stop - start) / rule.every + 1e-9) + 1
        if visits < rule.consecutive:
            text = f"the rule has {visits} visits, so that it cannot hold at {rule.consecutive} in a row."
            self.problems.add((*path, "consecutive"), text)

    def _endpoint(self, path: Path, e: Endpoint) -> None:
        last = max(e.at or 0.0, e.to or 0.0)
        if last > self.end * _END:
            text = f"endpoint '{e.id:.60}' is read at day {last:g}, after the trial's end on day {self.end:g}."
            self.problems.add((*path, "at" if e.at is not None else "to"), text)
        if e.every is not None and e.kind in WINDOWED and last <= self.end * _END:
            stop = self.end if e.to is None else e.to
            span = stop - (e.from_ or 0.0)
            if not 1 <= span / e.every * _END <= MOST_SAMPLES:
                text = (
                    f"endpoint '{e.id:.60}' samples {span:g} days every {e.every:g}; its window must hold 1 to "
                    f"{MOST_SAMPLES:,} intervals."
                )
                self.problems.add(path, text, key="every")
        last = self.protocol.analysis.missing == "last"
        if last and e.kind not in WINDOWED and not e.visits:
            text = "missing = \"last\" carries the visit before forward, and there is none; add 'visits' before 'at'."
            self.problems.add((*path, "visits"), text)
        elif e.visits and e.analysis not in REPEATED and not last:
            text = (
                "'visits' are those of mmrm and log_mmrm, or what missing = \"last\" carries forward; leave them out."
            )
            self.problems.add((*path, "visits"), text)
        for i, visit in enumerate(e.visits):
            if e.at is not None and visit >= e.at:
                text = f"this visit on day {visit:g} is not before 'at', day {e.at:g}, which is reported."
                self.problems.add((*path, "visits", i), text)
            elif visit <= 0:
                self.problems.add((*path, "visits", i), "time 0 is the baseline; give visits after it.")
            elif visit in e.visits[:i]:
                self.problems.add((*path, "visits", i), f"the visit on day {visit:g} is there twice.")
