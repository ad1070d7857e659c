"""Durations, sizes and numbers as people say them."""

from __future__ import annotations

_DURATIONS = ((7.0, "week"), (1.0, "day"), (1 / 24, "hour"), (1 / 1440, "minute"))


def days(value: float) -> str:
    """Days in the largest unit that makes a whole number of them: "16 weeks", "30 minutes", "2.5 days"."""
    for length, name in _DURATIONS:
        count = value / length
        if count >= 1 - 1e-9 and abs(count - round(count)) < 1e-6 * max(count, 1):
            return f"{round(count):,} {name}{'' if round(count) == 1 else 's'}"
    return f"{number(value)} days"


def number(value: float) -> str:
    """A number with as many digits as it needs, up to six."""
    return f"{value:,.6g}"


def time(seconds: float) -> str:
    """Such as "40 s", "12 min" or "3.5 h"."""
    if seconds < 90:
        return f"{max(seconds, 1):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def size(count: float) -> str:
    """Bytes in kB, MB or GB."""
    for limit, unit in ((1e9, "GB"), (1e6, "MB")):
        if count >= limit:
            return f"{count / limit:.2g} {unit}" if count < 10 * limit else f"{count / limit:,.0f} {unit}"
    return f"{max(count / 1e3, 1):.0f} kB"
