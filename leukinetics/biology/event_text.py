"""Events as Antimony writes them::

    E_relapse: at (hazard >= threshold), t0 = false, priority = 1: count = count + 1, threshold = threshold + step;
    E_late: at 2 after (x > limit), persistent = true, fromTrigger = true: x = low;

All assignments of an event use the values of one instant, before any of them acts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from leukinetics.biology.formula import Node, parse_formula
from leukinetics.biology.problems import Place
from leukinetics.biology.statements import Statement
from leukinetics.errors import ModelError, suggest

_EVENT = re.compile(r"^([A-Za-z_]\w*)\s*:\s*at\b(.*)$", re.DOTALL)
_SET = re.compile(r"^([A-Za-z_]\w*)\s*=(?!=)\s*(.*)$", re.DOTALL)
_CONDITIONS = ("lt", "gt", "le", "ge", "eq", "ne", "and", "or", "xor", "not", "implies", "true", "false")
_SWITCHES = {"t0": "initially", "persistent": "persistent", "fromTrigger": "values_at_trigger"}
_OPTIONS = (*_SWITCHES, "priority")


def is_event(text: str) -> bool:
    """Whether a statement means to be an event."""
    return _EVENT.match(text) is not None and "->" not in text.partition(";")[0]


def parse_event(text: str, place: Place) -> Statement:
    """The statement of an event without ``;`` at its end; ModelError for a syntax error."""
    found = _EVENT.match(text)
    assert found is not None
    name = found[1]
    head, colon, rest = _cut(found[2], ":")
    if not colon or not rest.strip():
        raise ModelError(f"event '{name}' changes nothing; write '{name}: at (condition), t0 = false: x = ...;'.")
    condition, *options = _pieces(head)
    delay, _, trigger = re.sub(r"\bafter\b", "\0", condition, count=1).rpartition("\0")
    formula = parse_formula(trigger.strip()) if trigger.strip() else None
    if formula is None or not is_condition(formula):
        what = f"the trigger '{trigger.strip()}' of event '{name}' is no condition"
        raise ModelError(f"{what}; write a comparison such as 'x >= limit'.")
    event = Statement("event", name, place, text, formula)
    parts = [_part("delay", name, delay.strip(), place)] if delay.strip() else []
    for option in options:
        _option(event, option.strip(), parts)
    assigned = [_assignment(event, piece.strip()) for piece in _pieces(rest)]
    event.parts = (*parts, *assigned)
    return event


def is_condition(formula: Node) -> bool:
    """Whether a formula is true or false rather than a number."""
    if formula.op == "piecewise":
        return all(is_condition(arg) for arg in formula.args[::2])
    return formula.op in _CONDITIONS


def written(event: Statement) -> str:
    """An event in words and formulas."""
    delay, priority = event.part("delay"), event.part("priority")
    when = f"when {event.formula}" if delay is None else f"{delay.formula} after {event.formula}"
    first = "" if priority is None else f" (priority {priority.formula})"
    return f"{event.name}: {when}{first}: {', '.join(f'{a.name} becomes {a.formula}' for a in event.assignments)}"


def _option(event: Statement, text: str, parts: list[Statement]) -> None:
    found = _SET.match(text)
    key = found[1] if found else text.split()[0] if text else ""
    if found is None or key not in _OPTIONS:
        near = suggest(key, _OPTIONS)
        raise ModelError(f"'{text}' of event '{event.name}' is none of {', '.join(_OPTIONS)} with '= value'.{near}")
    if key == "priority":
        parts.append(_part("priority", event.name, found[2], event.place))
        return
    if found[2].strip() not in ("true", "false"):
        raise ModelError(f"{key} of event '{event.name}' is '{found[2].strip()}'; it must be true or false.")
    setattr(event, _SWITCHES[key], found[2].strip() == "true")


def _assignment(event: Statement, text: str) -> Statement:
    found = _SET.match(text)
    if found is None:
        raise ModelError(f"'{text}' in event '{event.name}' is no assignment; write 'name = formula'.")
    return Statement("assignment", found[1], event.place, text, _formula(found[2], text))


def _part(kind: str, event: str, text: str, place: Place) -> Statement:
    return Statement(kind, event, place, f"{kind} of {event}: {text.strip()}", _formula(text, kind))


def _formula(text: str, what: str) -> Node:
    if not text.strip():
        raise ModelError(f"the formula of '{what}' is missing.")
    return parse_formula(text.strip())


def _cut(text: str, sign: str) -> tuple[str, str, str]:
    """Like ``str.partition``, but at the first ``sign`` outside brackets."""
    depth = 0
    for i, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if letter == sign and depth == 0:
            return text[:i], sign, text[i + 1 :]
    return text, "", ""


def _pieces(text: str) -> Iterator[str]:
    """The parts of a text between the commas outside brackets."""
    comma = ","
    while comma:
        piece, comma, text = _cut(text, ",")
        yield piece
