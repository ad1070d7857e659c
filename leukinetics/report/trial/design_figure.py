"""The design as a picture: arms, doses as ticks along time, visits, endpoints, screening."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from typing import Any

from leukinetics.report.trial.axes import time_axis
from leukinetics.report.trial.design_words import allocated, arm_words, brief, design_of, eligibility_words
from leukinetics.report.trial.folder import Finished
from leukinetics.report.trial.names import plain
from leukinetics.report.trial.numbers import count, duration
from leukinetics.report.trial.style import INK, RULE, SOFT, Look, Picture, canvas, picture, short, wrapped
from leukinetics.trial.protocol import Dose

WIDTH, LEFT, RIGHT, LANE = 760, 205, 24, 46
MOST_DRAWN = 160  # doses of a lane that are drawn as ticks; more are a bar
MOST_WORDS = 92


def dose_times(dose: Dose, end: float) -> list[float]:
    """When a dose is due (days) in a trial until ``end``."""
    last = end if dose.stop is None else min(dose.stop, end)
    count = 1 if dose.every is None else (dose.count or 10**6)
    found = []
    for i in range(count):
        time = dose.start + i * (dose.every or 0.0)
        if time >= last and i:
            break
        found.append(time)
    return found


def design(trial: Finished, arms: dict[str, Look]) -> Picture:
    """The picture of the protocol."""
    p = trial.protocol
    end = p.trial.duration
    marks = _marks(trial)
    top = 44
    height = top + LANE * len(p.arm) + 22 * len(marks) + 42
    figure = canvas(WIDTH, height)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, WIDTH), ylim=(height, 0))
    axes.axis("off")

    def at(t: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * t / end

    if p.eligibility or p.population.match:
        axes.text(LEFT - 20, 14, "screening", ha="right", fontsize=9.5, color=SOFT)
        axes.plot([LEFT - 40, LEFT - 40], [20, top + LANE * len(p.arm) - 14], color=SOFT, lw=0.8, ls=(0, (2, 2)))
    axes.text(LEFT, 14, "start", ha="left", fontsize=9.5, color=SOFT)
    axes.text(at(end), 14, f"end, {duration(end)}", ha="right", fontsize=9.5, color=SOFT)
    ratio, numbers = any(a.ratio != 1 for a in p.arm), allocated(trial)
    for i, arm in enumerate(p.arm):
        y, look = top + LANE * i + 10, arms[arm.name]
        n = numbers[arm.name]
        name = wrapped(arm.name, 21)
        two = "\n" in name
        axes.text(10, y - (8 if two else 7), name, va="center", fontsize=11, fontweight="bold", linespacing=1.0)
        who = f"{count(n)} patients" + (f" ({arm.ratio} in turn)" if ratio else "")
        axes.text(10, y + (14 if two else 8), who, va="center", fontsize=9.5, color=SOFT)
        axes.plot([LEFT, at(end)], [y, y], color=look.colour, lw=1.4, ls=look.dash)
        for doses, up, size in ((arm.background, False, 5), (arm.dose, True, 11)):
            for dose in doses:
                _ticks(axes, dose, end, at, y, look.colour if up else SOFT, size if up else -size)
        words = short(arm_words(arm), MOST_WORDS)
        axes.text(LEFT, y + 13, words, va="center", fontsize=9.5, color=SOFT)
    y = top + LANE * len(p.arm) + 6
    axes.plot([LEFT, at(end)], [y - 10, y - 10], color=RULE, lw=0.8)
    for name, times, marker in marks:
        axes.text(LEFT - 12, y, name, ha="right", va="center", fontsize=9.5, color=INK)
        axes.plot([at(t) for t in times], [y] * len(times), marker, color=INK, ms=4.5, mew=0.9, clip_on=False)
        y += 22
    axis = time_axis(end)
    axes.plot([LEFT, at(end)], [y, y], color=SOFT, lw=0.8)
    for tick in axis.ticks:
        x = at(tick * axis.days)
        axes.plot([x, x], [y, y + 4], color=SOFT, lw=0.8)
        axes.text(x, y + 14, f"{tick:g}", ha="center", va="center", fontsize=9.5)
    axes.text(at(end), y + 28, f"time ({axis.name})", ha="right", va="center", fontsize=9.5)
    return picture(figure, "design", _message(trial))


def _ticks(axes: Any, dose: Dose, end: float, at: Callable[[float], float], y: float, colour: str, size: float) -> None:
    times = dose_times(dose, end)
    if len(times) > MOST_DRAWN:
        axes.fill_between([at(times[0]), at(times[-1])], y, y - size, color=colour, alpha=0.45, lw=0)
        return
    for k, time in enumerate(times):
        tall = size * 1.45 if k == 0 and dose.loading is not None else size
        if dose.duration and at(time + dose.duration) - at(time) > 2:
            axes.fill_between([at(time), at(time + dose.duration)], y, y - tall, color=colour, lw=0)
        else:
            axes.plot([at(time)] * 2, [y, y - tall], color=colour, lw=2.2, solid_capstyle="butt")


def _marks(trial: Finished) -> list[tuple[str, list[float], str]]:
    """Rows of marks under the arms: visits, rules, endpoints."""
    p = trial.protocol
    found: list[tuple[str, list[float], str]] = []
    if p.schedule is not None:
        found.append(("visits", sorted({0.0, *p.schedule.visits}), "|"))
    for rule in p.rule:
        end = p.trial.duration if rule.to is None else rule.to
        times = list(rule.at or [])
        if rule.every is not None:
            start = rule.from_ or 0.0
            times = [start + i * rule.every for i in range(int((end - start) / rule.every + 1e-9) + 1)]
        found.append((short(f"rule: {plain(rule.id).replace('_', ' ')}", 34), times[:MOST_DRAWN], "d"))
    for e in p.endpoint[:6]:
        primary = e.id == trial.primary.id and len(p.endpoint) > 1
        words, most = brief(trial, e), 27 if primary else 37
        words = words if len(words) <= most else plain(e.id).replace("_", " ")
        mark = short(words, most) + (" (primary)" if primary else "")
        if e.at is not None:
            found.append((mark, sorted({*e.visits, e.at}), "v"))
        else:
            end = p.trial.duration if e.to is None else e.to
            step = e.every or end
            n = int((end - (e.from_ or 0.0)) / step + 1e-9) + 1
            times = [(e.from_ or 0.0) + i * step for i in range(n)]
            found.append((mark, times[:: max(1, n // 60)], "."))
    return found


def _message(trial: Finished) -> str:
    p = trial.protocol
    arms = "; ".join(f"{plain(a.name)}: {arm_words(a)}" for a in p.arm)
    text = f"Design over {duration(p.trial.duration)}: {design_of(trial)}. {arms}. {eligibility_words(trial)}"
    return textwrap.shorten(text, 600, placeholder=" …")
