"""Figures of a design: power by size, and people needed by the limit of the assay."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from leukinetics.report.design.folder import FinishedDesign, Row
from leukinetics.report.trial.axes import set_log
from leukinetics.report.trial.names import plain
from leukinetics.report.trial.numbers import count, percent, real, unit_text
from leukinetics.report.trial.style import SOFT, Picture, canvas, picture, short, spread

BLUE, ORANGE, GREEN = "#0072b2", "#d55e00", "#009e73"
#: Simulated power at the size that was found: (key, words, colour, marker).
SIMULATED = (
    ("power_simulated", "likelihood", BLUE, "D"),
    ("power_ranks", "ranks", GREEN, "^"),
    ("power_substituted", "half the limit", ORANGE, "v"),
)


def power_figures(c: FinishedDesign) -> list[Picture]:
    """The power of each question against the size of the study."""
    return [_power(c, r, i) for i, (_, r) in enumerate(c.questions) if r["curve"]]


def _power(c: FinishedDesign, r: Row, i: int) -> Picture:
    target = float(c.summary["target"])
    rows = [(row["n"] + (row["n_reference"] or 0), row) for row in r["curve"]]
    x, y = [n for n, _ in rows], [100 * float(row["power"]) for _, row in rows]
    figure = canvas(400, 300)
    simulated = any(real(r.get(key)) is not None for key, *_ in SIMULATED)
    axes = figure.add_axes((0.125, 0.165, 0.62 if simulated else 0.82, 0.7))
    axes.plot(x, y, "o-", color=BLUE, ms=4, mew=0)
    axes.axhline(100 * target, color=SOFT, lw=0.8, ls=(0, (3, 2)), zorder=1)
    total = real(r["total"])
    said = "out of reach"
    if total is not None and real(r["power"]) is not None:
        axes.plot([total, total], [0, 100 * float(r["power"])], color=SOFT, lw=0.8, ls=(0, (3, 2)), zorder=1)
        said = f"{count(total)} people"
        right = math.log(total / x[0]) / math.log(x[-1] / x[0]) > 0.6
        axes.annotate(said, (total, 0), (-5 if right else 5, 7), textcoords="offset points", fontsize=10,
                      ha="right" if right else "left")  # fmt: skip
    points = [(words, colour, marker, float(r[key])) for key, words, colour, marker in SIMULATED
              if real(r.get(key)) is not None]  # fmt: skip
    axes.set_ylim(0, 102)
    set_log(axes, "x", x[0] * 0.93, x[-1] * 1.07)
    if points and total is not None:
        low, high = real(r["power_low"]), real(r["power_high"])
        if low is not None and high is not None:
            axes.plot([total, total], [100 * low, 100 * high], color=BLUE, lw=2.2, alpha=0.5)
        for _, colour, marker, power in points:
            axes.plot([total], [100 * power], marker, mfc="white", mec=colour, ms=6.5, mew=1.4, zorder=5)
        axes.text(1.03, 0.62, f"simulated,\n{count(total)} people:", transform=axes.transAxes, fontsize=9, color=SOFT,
                  va="bottom", linespacing=1.1)  # fmt: skip
        for k, (words, colour, marker, power) in enumerate(points):
            at = 0.55 - 0.085 * k
            axes.plot([1.055], [at], marker, transform=axes.transAxes, mfc="white", mec=colour, ms=6, mew=1.4,
                      clip_on=False)  # fmt: skip
            text = f"{words} {percent(power)}"
            axes.text(1.09, at, text, transform=axes.transAxes, fontsize=9, va="center")
    axes.yaxis.set_major_formatter(lambda v, _: f"{v:.0f} %")
    axes.set_xlabel("people, both groups" if rows[0][1]["n_reference"] else "people")
    axes.set_title(short(r["id"], 46), loc="left", x=-0.16 if simulated else -0.12, fontweight="bold", pad=9)
    text = f"Power of “{plain(r['id'])}”: " + ", ".join(
        f"{count(n)} people {v:.0f} %" for n, v in zip(x, y, strict=True)
    )
    return picture(figure, f"power-{i + 1}", f"{text}. {percent(target)}: {said}.")


def limit_figures(c: FinishedDesign) -> list[Picture]:
    """People needed against the limit of the assay, of each question about levels."""
    return [_limits(r, i) for i, (_, r) in enumerate(c.levels) if len([v for v in r["limits"] if v["limit"]]) > 1]


def _limits(r: Row, i: int) -> Picture:
    rows = [v for v in r["limits"] if v["limit"]]
    none = next((v for v in r["limits"] if not v["limit"]), None)
    now, unit = real(r["limit"]) or 0.0, unit_text(r["unit"])
    x = [float(v["limit"]) for v in rows]
    figure = canvas(760, 320)
    left = figure.add_axes((0.085, 0.17, 0.46, 0.69))
    right = figure.add_axes((0.7, 0.17, 0.18, 0.69))
    level = [(v["limit"], v["n"] + v["n_reference"]) for v in rows if v["n"] is not None]
    seen = [(v["limit"], v["n_detection"] + v["n_detection_reference"]) for v in rows if v["n_detection"] is not None]
    ends = [n for _, n in (*level, *seen)]
    grow = (x[-1] / x[0]) ** 0.06
    for axes in (left, right):
        set_log(axes, "x", x[0] / grow, x[-1] * grow)
        axes.set_xlabel(f"limit of the assay{f' ({unit})' if unit else ''}")
        if now:
            axes.axvline(now, color=SOFT, lw=1, ls=(0, (4, 2)), zorder=1)
    if ends:
        set_log(left, "y", min(ends) / 1.25, max(ends) * 1.35)
    marks: list[tuple[float, str, str]] = []
    for points, colour, marker, words in ((level, BLUE, "o", "by its level"), (seen, ORANGE, "s", "detected or not")):
        if points:
            left.plot([p for p, _ in points], [n for _, n in points], f"{marker}-", color=colour, ms=4.5, mew=0)
            marks.append((points[-1][1], words, colour))
    _ends(left, marks)
    if none is not None and none["n"] is not None:
        n = none["n"] + none["n_reference"]
        left.axhline(n, color=BLUE, lw=0.8, ls=":", zorder=1)
        left.annotate(f"no limit: {count(n)}", (1, n), (5, -9), xycoords=("axes fraction", "data"),
                      textcoords="offset points", fontsize=9, color=SOFT, va="center")  # fmt: skip
    if now:
        left.annotate(f"now: {now:g}", (now, 1), (4, -4), xycoords=("data", "axes fraction"), fontsize=9.5, color=SOFT,
                      textcoords="offset points", va="top")  # fmt: skip
    for key, colour, marker in (("share_below", BLUE, "o"), ("share_below_reference", "#6e7781", "s")):
        right.plot(x, [100 * float(v[key]) for v in rows], f"{marker}-", color=colour, ms=4, mew=0)
    right.set_ylim(0, 102)
    last = rows[-1]
    _ends(
        right,
        [
            (100 * last["share_below"], "first group", BLUE),
            (100 * last["share_below_reference"], "second group", "#6e7781"),
        ],
    )
    left.set_title("People needed, both groups", loc="left", x=-0.12, fontweight="bold", pad=9)
    right.set_title("Below the limit (%)", loc="left", x=-0.2, fontweight="bold", pad=9)
    said = [f"limit {a:g}: {count(n)}" for a, n in level]
    text = f"People needed for “{plain(r['id'])}” by its level: {', '.join(said)} (limit in {unit}). Now: {now:g}."
    return picture(figure, f"limits-{i + 1}", text)


def _ends(axes: Any, marks: Sequence[tuple[float, str, str]]) -> None:
    """Words beside the right ends of lines, moved apart."""
    low, high = axes.get_ylim()
    log = axes.get_yscale() == "log"
    places = [math.log(v / low) / math.log(high / low) if log else (v - low) / (high - low) for v, _, _ in marks]
    for (_, words, colour), at in zip(marks, spread(places, 0.07, 0.02, 1.0), strict=True):
        axes.text(1.02, at, words, transform=axes.transAxes, va="center", fontsize=9.5, color=colour)
