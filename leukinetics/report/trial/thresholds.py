"""The effect against a biomarker's threshold."""

from __future__ import annotations

import math
from typing import Any

from leukinetics.report.trial.axes import set_log
from leukinetics.report.trial.effects import measure_title
from leukinetics.report.trial.folder import Finished, Row
from leukinetics.report.trial.names import plain
from leukinetics.report.trial.numbers import RATIOS, interval, number, percent, real, unit_text
from leukinetics.report.trial.style import INK, SOFT, Look, Picture, canvas, picture, spread, wrapped
from leukinetics.report.trial.words import factor


def threshold_figures(trial: Finished, arms: dict[str, Look]) -> list[Picture]:
    """For each biomarker and endpoint the effect among patients at or above a threshold, with the share who are."""
    rows = [r for r in trial.rows("thresholds") if r.get("curve")]
    keys = list(dict.fromkeys((str(r.get("biomarker")), str(r.get("endpoint")), str(r.get("measure"))) for r in rows))
    found = []
    for i, key in enumerate(keys):
        mine = [r for r in rows if (str(r.get("biomarker")), str(r.get("endpoint")), str(r.get("measure"))) == key]
        found.append(_threshold(trial, key, mine, arms, f"threshold-{i + 1}"))
    return found


def _threshold(
    trial: Finished, key: tuple[str, str, str], rows: list[Row], arms: dict[str, Look], name: str
) -> Picture:
    biomarker, endpoint, measure = key
    scale = factor(measure)
    figure = canvas(560, 370)
    upper = figure.add_axes((0.13, 0.37, 0.69, 0.53))
    lower = figure.add_axes((0.13, 0.135, 0.69, 0.16), sharex=upper)
    starts = [t for r in rows for p in r["curve"] if (t := real(p.get("threshold"))) is not None]
    last, ends = [], [1.0 if measure in RATIOS else 0.0]
    for r in rows:
        look = arms.get(str(r.get("arm")), Look(INK, "-", "o"))
        points = sorted((p for p in r["curve"] if real(p.get("estimate")) is not None), key=lambda p: p["threshold"])
        x = [p["threshold"] for p in points]
        y = [scale * p["estimate"] for p in points]
        known = [p for p in points if real(p.get("ci_low")) is not None and real(p.get("ci_high")) is not None]
        low, high = [scale * p["ci_low"] for p in known], [scale * p["ci_high"] for p in known]
        upper.fill_between([p["threshold"] for p in known], low, high, color=look.colour, alpha=0.14, lw=0)
        upper.plot(x, y, color=look.colour, ls=look.dash, marker=look.marker, ms=4.5, mew=0)
        ends += low + high + y
        last.append(y[-1] if y else ends[0])
    wide = min(starts) > 0 and max(starts) / min(starts) > 5
    start = ends[0]
    gap = (max(ends) - min(ends)) or 1.0
    if measure in RATIOS and min(ends) > 0:
        set_log(upper, "y", min(ends) / 1.05, max(ends) * 1.05)
    else:
        upper.set_ylim(min(ends) - 0.05 * gap, max(ends) + 0.05 * gap)
        upper.locator_params(axis="y", nbins=6)
        upper.yaxis.set_major_formatter(lambda v, _: f"{v:,.10g}".replace("-", "−"))
    upper.axhline(start, color=SOFT, lw=0.9)
    shares = sorted((p["threshold"], p["share"]) for p in rows[0]["curve"] if real(p.get("share")) is not None)
    lower.fill_between([s[0] for s in shares], [100 * s[1] for s in shares], color="#c3ccd5", lw=0)
    lower.plot([s[0] for s in shares], [100 * s[1] for s in shares], color=SOFT, lw=1)
    lower.set_ylim(0, 100)
    lower.set_yticks([0, 50, 100], ["0", "50", "100 %"])
    if wide:
        set_log(lower, "x", min(starts), max(starts))
    else:
        lower.set_xlim(min(starts), max(starts) if max(starts) > min(starts) else min(starts) + 1)
    upper.tick_params(labelbottom=False)
    unit = unit_text(rows[0].get("unit"))
    lower.set_xlabel(f"{trial.label(biomarker)} at least{f' ({unit})' if unit else ''}")
    lower.set_title("patients at or above", loc="left", fontsize=9.5, color=SOFT, pad=3)
    upper.set_title(
        f"Effect: {measure_title(measure, trial.estimate(str(rows[0].get('arm')), endpoint).get('unit'))}",
        loc="left",
        x=-0.1,
        fontweight="bold",
        pad=9,
    )
    _labels(upper, last, rows, arms)
    said = []
    for r in rows:
        a, b = r["curve"][0], r["curve"][-1]
        said.append(
            f"{plain(r.get('arm'))} {interval(a, scale)} from {number(a['threshold'])} on, {interval(b, scale)} from "
            f"{number(b['threshold'])} on ({percent(b.get('share'))} of patients)"
        )
    text = f"Effect among patients with {trial.label(biomarker)} at or above a threshold: {'; '.join(said)}."
    return picture(figure, name, text)


def _labels(axes: Any, last: list[float], rows: list[Row], arms: dict[str, Look]) -> None:
    """Names of the arms beside the last points, on whatever scale the x axis has."""
    low, high = axes.get_ylim()
    to = (
        (lambda v: math.log(v / low) / math.log(high / low))
        if axes.get_yscale() == "log"
        else (lambda v: (v - low) / (high - low))
    )
    for y, r in zip(spread([to(v) for v in last], 0.07, 0.02, 0.98), rows, strict=True):
        axes.text(1.03, y, wrapped(r.get("arm"), 16), transform=axes.transAxes, va="center", fontsize=10, color=INK)
