"""Durations as protocols write them, in days."""

from __future__ import annotations

import re
from typing import Any

from leukinetics.errors import LeukineticsError
from leukinetics.units import convert, parse_quantity

DAY = "day"
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


def days(text: Any) -> float:
    """Days of a duration such as "16 weeks". ValueError with a sentence otherwise."""
    if text == 0 and not isinstance(text, bool):
        return 0.0
    try:
        value, unit = parse_quantity(text)
        return convert(value, unit, DAY)
    except LeukineticsError as error:
        reason = str(error).partition("; ")[0].rstrip(".")  # its advice is about quantities of any kind
        advice = " Write" if reason.endswith("?") else "; write"
        raise ValueError(f"{reason}{advice} a duration such as '16 weeks', '2.5 h' or '0 d'.") from error


def clock_time(text: Any) -> float:
    """Fraction of the day of a clock time such as "09:30". ValueError otherwise."""
    found = _CLOCK.fullmatch(str(text).strip())
    if not found:
        raise ValueError(f"'{text}' is not a clock time; write one such as '09:00'.")
    return (int(found.group(1)) + int(found.group(2)) / 60.0) / 24.0


def past(name: str) -> tuple[str, float]:
    """(observable, days) of a criterion's name: "relapses over 1 year" is the change of relapses over the year before
    screening; 0 days for an observable alone. The name is left whole where what follows is no duration."""
    of, word, span = name.partition(" over ")
    if not word:
        return name, 0.0
    try:
        return of, days(span)
    except ValueError:
        return name, 0.0
