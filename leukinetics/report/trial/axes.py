"""Axes: time in the unit that suits it, logarithmic scales with plain numbers, direct labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from leukinetics.report.trial.numbers import number
from leukinetics.report.trial.style import INK, spread

#: Ticks within a decade, the fewest first.
LOG_STEPS = (
    (1.0,), (1.0, 3.0), (1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 5.0, 7.0),
    (1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 7.0, 8.0, 9.0),
)  # fmt: skip


@dataclass(frozen=True)
class TimeAxis:
    """``days`` in one unit of the axis, its name, and where its ticks are (in the unit)."""

    days: float
    name: str
    ticks: list[float]


def row_labels(axes: Any, texts: Sequence[str], size: float = 10.0) -> None:
    """What stands left of each row of an axis; lines are texts of their own, so that they end alike in any typeface."""
    axes.set_yticks([])
    for i, text in enumerate(texts):
        lines = text.split("\n")
        for k, line in enumerate(lines):
            axes.annotate(
                line, (0, i), (-8, 5.2 * (len(lines) - 1) - 10.4 * k), xycoords=("axes fraction", "data"),
                textcoords="offset points", ha="right", va="center", fontsize=size, annotation_clip=False,
            )  # fmt: skip


def time_axis(duration: float, most: int = 7) -> TimeAxis:
    """The axis of a trial of ``duration`` days, with at most ``most`` steps, the last at its end where one fits."""
    choices: tuple[tuple[float, float, str, tuple[float, ...]], ...] = (
        (0.25, 1 / 1440, "minutes", (15, 30, 60, 120)),
        (4.0, 1 / 24, "hours", (0.5, 1, 2, 3, 4, 6, 12, 24)),
        (45.0, 1.0, "days", (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 15, 20)),
        (1200.0, 7.0, "weeks", (1, 2, 3, 4, 5, 6, 8, 10, 12, 13, 16, 20, 24, 26, 36, 48, 52)),
        (math.inf, 365.25, "years", (0.5, 1, 2, 5, 10, 20)),
    )
    _, size, name, steps = next(c for c in choices if duration <= c[0])
    span = duration / size
    if name == "years" and _whole(duration / 91.0):  # visits of such a trial are at multiples of 13 weeks
        size, name = 364.0, "years of 52 weeks"
        span = duration / size
    if name == "weeks" and _whole(span / 13) and span >= 26:
        steps = (13, 26, 52, 104)
    fitting = [s for s in steps if span / s <= most] or [span / most]
    step = next((s for s in fitting if _whole(span / s) and span / s >= min(3, most - 1)), fitting[0])
    return TimeAxis(size, name, [step * i for i in range(int(span / step + 1e-6) + 1)])


def _whole(x: float) -> bool:
    return x >= 1 - 1e-6 and abs(x - round(x)) < 1e-6


def set_time(axes: Any, axis: TimeAxis, duration: float, label: bool = True) -> None:
    """Ticks, limits and label of a time axis (the x axis)."""
    axes.set_xticks(axis.ticks, [f"{t:g}" for t in axis.ticks])
    axes.set_xlim(0, duration / axis.days)
    if label:
        axes.set_xlabel(f"time ({axis.name})")


def set_log(axes: Any, which: str, low: float, high: float) -> None:
    """A logarithmic axis from ``low`` to ``high`` with ticks as plain numbers, at least three where possible."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    every = max(1, math.ceil((last - first) / 7))
    ticks: list[float] = []
    for steps in LOG_STEPS:
        found = [s * 10.0**d for d in range(first, last + 1, every) for s in steps]
        ticks = [t for t in found if low * 0.999 <= t <= high * 1.001]
        if len(ticks) >= 3:
            break
    if len(ticks) < 2:  # a narrow range: even steps, with as many digits as tell them apart
        even = [low + share * (high - low) for share in (0.1, 0.5, 0.9)]
        ticks = next(
            found for n in range(2, 12) if len(set(found := [float(f"{t:.{n}g}") for t in even])) == 3 or n == 11
        )
        ticks = [t for t in ticks if low <= t <= high]
    getattr(axes, f"set_{which}scale")("log")
    getattr(axes, f"set_{which}lim")(low, high)
    getattr(axes, f"set_{which}ticks")(ticks, [f"{t:,.10g}" if 1e-4 <= t < 1e6 else number(t, 1) for t in ticks])
    getattr(axes, f"set_{which}ticks")([], minor=True)


def end_labels(axes: Any, x: float, places: Sequence[float], texts: Sequence[str], colours: Sequence[str]) -> None:
    """Labels beside the right ends of lines, moved apart; the axis' limits and scale must be set before."""
    low, high = axes.get_ylim()
    log = axes.get_yscale() == "log"
    to = (lambda v: math.log(max(v, low) / low) / math.log(high / low)) if log else (lambda v: (v - low) / (high - low))
    figure = axes.get_figure()
    height = axes.get_position().height * figure.get_size_inches()[1] * 72
    lines = max((t.count("\n") + 1 for t in texts), default=1)
    gap = min((1.5 + 12 * lines) / height, 0.96 / max(len(texts) - 1, 1))
    moved = spread([to(v) for v in places], gap, 0.02, 0.98)
    right = axes.get_xlim()[1]
    for text, here, there, colour in zip(texts, [to(v) for v in places], moved, colours, strict=True):
        axes.annotate(
            text,
            xy=(x / right, here),
            xytext=(1.035, there),
            xycoords="axes fraction",
            va="center",
            fontsize=10 if gap * height >= 12 * lines else 8.5,
            linespacing=1.0,
            color=INK,
            arrowprops={"arrowstyle": "-", "color": colour, "lw": 1.2, "shrinkA": 1.5, "shrinkB": 0},
            annotation_clip=False,
        )
