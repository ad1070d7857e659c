"""Rows of effects with their intervals: shares detected, and forests of ratios."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from leukinetics.report.biomarkers.folder import ALL, FinishedStudy, Row
from leukinetics.report.trial.axes import set_log
from leukinetics.report.trial.numbers import MEASURES, RATIOS, count, interval, p_value, percent, real
from leukinetics.report.trial.style import INK, SOFT, Picture, canvas, picture, short

WIDTH, LINE = 760, 22
#: Lines of a figure; the others are in the table.
MOST_LINES = 40
#: Ends of intervals farther than this factor from "no effect" leave the axis, with an arrow.
FARTHEST = 60.0


@dataclass(frozen=True)
class Line:
    """A line of a forest: a title where ``row`` is None, else an estimate; ``p``: as it is printed beside it."""

    text: str
    row: Row | None = None
    p: Any = None
    colour: str = "#1f5f99"
    marker: str = "s"


def detection_figure(c: FinishedStudy) -> Picture | None:
    """The share detected of each analyte in each group, with Wilson's interval."""
    looks = c.looks()
    lines: list[tuple[str, str, Row]] = []
    for a in c.analytes:
        rows = [r for r in (a.get("detection") or {}).get("groups") or [] if r["name"] != ALL or not c.groups]
        lines += [(str(a["name"]), str(r["name"]), r) for r in rows if real(r.get("share")) is not None]
    if not lines:
        return None
    shown = lines[:MOST_LINES]
    lane, gap = 20, 26
    names = list(dict.fromkeys(name for name, _, _ in shown))
    places, y, titles = [], 0.0, []
    for name in names:
        titles.append((y + gap / 2, c.label(name)))
        y += gap
        for _ in [1 for n, _, _ in shown if n == name]:
            places.append(y + lane / 2)
            y += lane
    height = 12 + y + 48
    figure = canvas(WIDTH, height)
    left, right = 170, 150
    axes = figure.add_axes((left / WIDTH, 44 / height, (WIDTH - left - right) / WIDTH, y / height))
    axes.set_ylim(y, 0)
    for at, (_, group, r) in zip(places, shown, strict=True):
        look = looks.get(group, looks[ALL])
        axes.barh([at], [100 * r["share"]], color=look.colour, alpha=0.8, height=13, lw=0)
        low, high = (real(r.get(k)) for k in ("ci_low", "ci_high"))
        if low is not None and high is not None:
            axes.plot([100 * low, 100 * high], [at, at], color=INK, lw=1.2)
        said = f"{percent(r['share'])}  ({count(r['detected'])} of {count(r['n'])})"
        axes.annotate(
            said, (1.0, at), (10, 0), xycoords=axes.get_yaxis_transform(), textcoords="offset points", va="center"
        )
    for at, text in titles:
        where = axes.get_yaxis_transform()
        axes.annotate(
            short(text, 40), (0, at), (-158, 2), xycoords=where, textcoords="offset points", va="center",
            fontweight="bold",
        )  # fmt: skip
    axes.set_yticks(places, [short(g, 20) if g != ALL else "everybody" for _, g, _ in shown])
    axes.tick_params(axis="y", length=0)
    axes.set_xlim(0, 100)
    axes.grid(axis="x", color="#eef1f4", lw=0.8, zorder=0)
    axes.set_axisbelow(True)
    axes.set_xlabel("people at or above the limit (%)")
    told = [f"{c.label(n)} in {g}: {percent(r['share'])}" for n, g, r in shown]
    more = f" {len(lines) - len(shown)} more are in the table." if len(lines) > len(shown) else ""
    axes.annotate(more.strip(), (8, 10), xycoords="figure pixels", fontsize=9.5, color=SOFT)
    return picture(figure, "detection", f"People detected. {'; '.join(told)}.{more}")


def forest(title: str, lines: Sequence[Line], measure: str, name: str, level: str, label: str = "") -> Picture | None:
    """Estimates with intervals beside their words; ends far out are cut with an arrow."""
    if not any(real((line.row or {}).get("estimate")) is not None for line in lines):
        return None
    left_out = sum(line.row is not None for line in lines[MOST_LINES:])
    lines = list(lines[:MOST_LINES])
    ratio = measure in (*RATIOS, "level_ratio")
    top, height = 30, 30 + LINE * len(lines) + 52
    figure = canvas(WIDTH, height)
    back = figure.add_axes((0, 0, 1, 1))
    back.set(xlim=(0, WIDTH), ylim=(height, 0))
    back.axis("off")
    x0, x1 = 270, 520
    axes = figure.add_axes((x0 / WIDTH, 50 / height, (x1 - x0) / WIDTH, LINE * len(lines) / height))
    axes.patch.set_visible(False)
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(label or MEASURES.get(measure, measure.replace("_", " ")))
    low, high = _range(axes, lines, ratio)
    for x, text, ha in ((x1 + 12, f"estimate ({level} CI)", "left"), (WIDTH - 8, "p", "right")):
        back.text(x, 16, text, ha=ha, va="center", fontsize=9.5, color=SOFT)
    back.text(8, 16, short(title, 60), va="center", fontweight="bold")
    said = []
    for i, line in enumerate(lines):
        y = top + LINE * (i + 0.5) + 2
        bold = line.row is None
        back.text(8 if bold else 20, y, short(line.text, 40), va="center", fontweight="bold" if bold else "normal")
        if line.row is None:
            continue
        row = {**line.row, "measure": "ratio" if ratio else measure}
        told = interval(row) if real(row.get("estimate")) is not None else _one_end(row)
        back.text(x1 + 12, y, told, va="center")
        back.text(WIDTH - 8, y, p_value(line.p), va="center", ha="right")
        said.append(f"{line.text}: {told}")
        _draw(axes, i, line, low, high)
    more = f" {left_out} more are in the table." if left_out else ""
    back.text(8, height - 14, more.strip(), va="center", fontsize=9.5, color=SOFT)
    return picture(figure, name, f"{title}. {'; '.join(said)}.{more}")


def _range(axes: Any, lines: Sequence[Line], ratio: bool) -> tuple[float, float]:
    """Limits of the axis, with "no effect"."""
    none = 1.0 if ratio else 0.0
    middles = [v for line in lines if line.row and (v := real(line.row.get("estimate"))) is not None]
    ends = [v for line in lines if line.row for k in ("ci_low", "ci_high") if (v := real(line.row.get(k))) is not None]
    if ratio:
        middles, ends = [v for v in middles if v > 0], [v for v in ends if v > 0]
        far = [min(max(v, 1 / FARTHEST), FARTHEST) for v in ends]
        low, high = min([*middles, *far, 0.8]), max([*middles, *far, 1.25])
        grow = (high / low) ** 0.05
        set_log(axes, "x", low / grow, high * grow)
    else:
        low, high = min([*middles, *ends, 0.0]), max([*middles, *ends, 0.0])
        gap = 0.06 * ((high - low) or 1.0)
        axes.set_xlim(low - gap, high + gap)
        axes.locator_params(axis="x", nbins=5)
    axes.axvline(none, color=SOFT, lw=0.9, zorder=1)
    found = axes.get_xlim()
    return float(found[0]), float(found[1])


def _draw(axes: Any, i: int, line: Line, left: float, right: float) -> None:
    row = line.row or {}
    middle, low, high = (real(row.get(k)) for k in ("estimate", "ci_low", "ci_high"))
    if low is None and high is None:
        if middle is not None:
            axes.plot([middle], [i], line.marker, color=line.colour, ms=6, mew=0, zorder=4)
        return
    a = left if low is None or low < left else low
    b = right if high is None or high > right else high
    if a < b:
        axes.plot([a, b], [i, i], color=line.colour, lw=1.5, zorder=3)
    if low is None or low < left:
        axes.plot([left], [i], "<", color=line.colour, ms=6, mew=0, clip_on=False, zorder=4)
    if high is None or high > right:
        axes.plot([right], [i], ">", color=line.colour, ms=6, mew=0, clip_on=False, zorder=4)
    if middle is not None and math.isfinite(middle):
        axes.plot([middle], [i], line.marker, color=line.colour, ms=6, mew=0, zorder=4)


def _one_end(row: Row) -> str:
    """What is known where there is no estimate but an end."""
    from leukinetics.report.trial.numbers import number

    low, high = real(row.get("ci_low")), real(row.get("ci_high"))
    if high is not None and low is None:
        return f"below {number(high)}"
    if low is not None and high is None:
        return f"above {number(low)}"
    return "not estimated"
