"""Kaplan-Meier curves with the numbers at risk below them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.report.trial.axes import end_labels, set_time, time_axis
from leukinetics.report.trial.design_words import endpoint_words
from leukinetics.report.trial.folder import Finished, Row
from leukinetics.report.trial.names import plain
from leukinetics.report.trial.numbers import count, percent, real
from leukinetics.report.trial.style import INK, SOFT, Look, Picture, canvas, picture, short, wrapped
from leukinetics.report.trial.text import sentence
from leukinetics.report.trial.words import effect_words

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

MOST_STEPS = 300
WIDTH, LEFT, RIGHT, PLOT, LINE = 760, 130, 130, 280, 17


def survival_figures(trial: Finished, arms: dict[str, Look]) -> list[tuple[str, Picture]]:
    """(what the event is, picture) of each endpoint that has curves."""
    rows = [r for r in trial.rows("survival") if r.get("time") and r.get("survival")]
    names = list(dict.fromkeys(str(r["endpoint"]) for r in rows))
    return [
        (_title(trial, name), _draw(trial, name, [r for r in rows if r["endpoint"] == name], arms, f"survival-{i + 1}"))
        for i, name in enumerate(names)
    ]


def _title(trial: Finished, endpoint: str) -> str:
    """What the event is, as a sentence."""
    found = trial.endpoint_by_id.get(endpoint)
    return sentence(plain(endpoint) if found is None else endpoint_words(trial, found))


def _draw(trial: Finished, endpoint: str, rows: list[Row], arms: dict[str, Look], name: str) -> Picture:
    rows = sorted(rows, key=lambda r: trial.arms.index(r["arm"]) if r["arm"] in trial.arms else 999)
    end = trial.protocol.trial.duration
    axis = time_axis(end)
    risk = [r for r in rows if r.get("at_risk")]
    height = 30 + PLOT + 44 + (20 + LINE * len(risk) if risk else 0)
    figure = canvas(WIDTH, height)
    axes = figure.add_axes((LEFT / WIDTH, 1 - (30 + PLOT) / height, (WIDTH - LEFT - RIGHT) / WIDTH, PLOT / height))
    least = min(v for r in rows for k in ("survival", "low") for x in r.get(k) or [] if (v := real(x)) is not None)
    floor = min(math.floor(10 * least) / 10, 0.9) if least > 0.6 else 0.0
    set_time(axes, axis, end)
    axes.set_ylim(floor, 1.0)
    axes.yaxis.set_major_formatter(lambda v, _: f"{100 * v:.0f} %")
    last = []
    for r in rows:
        look = arms.get(str(r["arm"]), Look(INK, "-", "o"))
        time, low, middle, high = _steps(r, end)
        if np.isfinite(low).any():
            axes.fill_between(time / axis.days, low, high, step="post", color=look.colour, alpha=0.13, lw=0)
        axes.step(time / axis.days, middle, where="post", color=look.colour, ls=look.dash, lw=1.7)
        last.append(float(middle[-1]))
    colours = [arms[r["arm"]].colour if r["arm"] in arms else INK for r in rows]
    end_labels(axes, float(axes.get_xlim()[1]), last, [wrapped(r["arm"], 16) for r in rows], colours)
    axes.set_title("Without the event", loc="left", x=-0.01, fontweight="bold", pad=9)
    if risk:
        _at_risk(figure, axes, risk, axis.days, end, height)
    said = [f"{plain(r['arm'])} {percent(v)}" for r, v in zip(rows, last, strict=True)]
    contrasts = [f"{plain(c['arm'])}: {effect_words(c, '', trial.level)}" for c in trial.main_contrasts(endpoint)]
    message = f"{_title(trial, endpoint)} Without the event at the end: {'; '.join(said)}. {'; '.join(contrasts)}"
    return picture(figure, name, message)


def _steps(row: Row, end: float) -> tuple[Array, Array, Array, Array]:
    """(time, low, survival, high) thinned to what can be seen, carried on to the end of the trial."""
    time = _numbers(row["time"])
    curves = [_numbers(row.get(key) or []) for key in ("low", "survival", "high")]
    curves = [c if len(c) == len(time) else np.full(len(time), np.nan) for c in curves]
    keep = np.arange(len(time))
    if len(time) > MOST_STEPS:
        keep = np.unique(np.searchsorted(time, np.linspace(0, time[-1], MOST_STEPS), side="right") - 1)
    time = np.append(time[keep], end)
    low, middle, high = (np.append(c[keep], c[keep][-1]) for c in curves)
    return time, low, middle, high


def _numbers(values: Iterable[Any]) -> Array:
    """An array of numbers, NaN where there is none."""
    return np.array([np.nan if (x := real(v)) is None else x for v in values], dtype=float)


def _at_risk(figure: Any, axes: Any, rows: list[Row], unit: float, end: float, height: float) -> None:
    """Numbers at risk as text under the axis, each under its time."""
    top = 30 + PLOT + 50
    figure.text(10 / WIDTH, 1 - top / height, "At risk", fontsize=10, fontweight="bold", va="center")
    scale = (WIDTH - LEFT - RIGHT) / (end / unit)
    for i, row in enumerate(rows):
        y = 1 - (top + LINE * (i + 1)) / height
        figure.text(10 / WIDTH, y, short(row["arm"], 15), fontsize=10, va="center", color=INK)
        for r in row["at_risk"]:
            x = (LEFT + real(r["time"]) / unit * scale) / WIDTH  # type: ignore[operator]
            figure.text(x, y, count(r["n"]), fontsize=10, va="center", ha="center", color=SOFT)
