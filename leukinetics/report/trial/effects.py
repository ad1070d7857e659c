"""Forest plots of subgroups, and the effect against a biomarker's threshold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from leukinetics.report.trial.axes import set_log
from leukinetics.report.trial.folder import Finished, Row
from leukinetics.report.trial.numbers import (
    MEASURES,
    RATIOS,
    SHARES,
    count,
    interval,
    number,
    p_phrase,
    percent,
    real,
    unit_text,
)
from leukinetics.report.trial.style import INK, SOFT, Look, Picture, canvas, picture, plain, short
from leukinetics.report.trial.words import factor

WIDTH, LINE = 760, 21


def measure_title(measure: str, unit: Any = "") -> str:
    """The axis' text for a measure."""
    if measure == "percent_difference":
        return "difference (%)"
    if measure in SHARES:
        return "difference (percentage points)"
    text = MEASURES.get(measure, measure.replace("_", " "))
    inner = "percentage points" if unit == "%" else unit_text(unit)
    return text if measure in RATIOS or not inner else f"{text} ({inner})"


def effect_axis(axes: Any, values: Sequence[float], measure: str, none: bool = True) -> None:
    """Limits and ticks of an axis (x) of effects that holds ``values``, and "no effect" where ``none``."""
    start = 1.0 if measure in RATIOS else 0.0
    seen = [v for v in values if math.isfinite(v)] + ([start] if none else [])
    low, high = min(seen), max(seen)
    if measure in RATIOS and low > 0:
        grow = max((high / low) ** 0.06, 1.02)
        set_log(axes, "x", low / grow, high * grow)
    else:
        gap = (high - low) or abs(high) or 1.0
        axes.set_xlim(low - 0.06 * gap, high + 0.06 * gap)
        axes.locator_params(axis="x", nbins=6)
        axes.xaxis.set_major_formatter(lambda v, _: f"{v:,.10g}".replace("-", "−"))
    if none:
        axes.axvline(start, color=SOFT, lw=0.9, zorder=1)


def forests(trial: Finished, arms: dict[str, Look]) -> list[Picture]:
    """A forest plot for each arm and endpoint that subgroups were looked at in."""
    rows = [r for r in trial.rows("subgroups") if r.get("parts")]
    keys = list(dict.fromkeys((str(r.get("endpoint")), str(r.get("arm"))) for r in rows))
    found = []
    for i, (endpoint, arm) in enumerate(keys):
        mine = [r for r in rows if (str(r.get("endpoint")), str(r.get("arm"))) == (endpoint, arm)]
        found.append(_forest(trial, endpoint, arm, mine, arms.get(arm, Look(INK, "-", "o")), f"subgroups-{i + 1}"))
    return found


def _forest(trial: Finished, endpoint: str, arm: str, rows: list[Row], look: Look, name: str) -> Picture:
    measure = str(rows[0].get("measure", "difference"))
    scale = factor(measure)
    main = next((c for c in trial.main_contrasts(endpoint) if c.get("arm") == arm), None)
    lines: list[tuple[str, Row | None, bool]] = []
    if main is not None and main.get("measure") == measure:
        lines.append(("All patients", main, True))
    for r in rows:
        p = p_phrase(r.get("p_interaction"))
        lines.append((f"{_subgroup(trial, r)}{f' ({p} for interaction)' if p else ''}", None, True))
        lines += [(short(str(p["label"]).replace(">=", "≥").replace("<=", "≤"), 30), p, False) for p in r["parts"]]
    top = 46
    height = top + LINE * len(lines) + 44
    figure = canvas(WIDTH, height)
    back = figure.add_axes((0, 0, 1, 1))
    back.set(xlim=(0, WIDTH), ylim=(height, 0))
    back.axis("off")
    x0, x1 = 285, 575
    axes = figure.add_axes((x0 / WIDTH, 40 / height, (x1 - x0) / WIDTH, LINE * len(lines) / height))
    axes.patch.set_visible(False)
    ends = [
        v * scale
        for _, r, _ in lines
        if r
        for k in ("ci_low", "ci_high", "estimate")
        if (v := real(r.get(k))) is not None
    ]
    effect_axis(axes, ends, measure)
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(measure_title(measure, trial.estimate(arm, endpoint).get("unit")))
    if lines and lines[0][1] is main and main is not None:
        axes.axvline(scale * float(main["estimate"]), color=look.colour, lw=0.9, ls=(0, (2, 2)), zorder=1)
    reference = plain(rows[0].get("reference"))
    back.text(10, 16, f"{short(arm, 30)} against {short(reference, 30)}", fontsize=11, fontweight="bold", va="center")
    for x, text, ha in ((x0 - 22, "n", "right"), (x1 + 14, f"effect ({trial.level} CI)", "left")):
        back.text(x, 34, text, ha=ha, va="center", fontsize=9.5, color=SOFT)
    for i, (label, line, bold) in enumerate(lines):
        y = top + 4 + LINE * (i + 0.5)
        back.text(
            10 if bold else 24, y, label, va="center", fontweight="bold" if bold and line else "normal", color=INK
        )
        if line is None:
            continue
        back.text(x0 - 22, y, count(line.get("n")), ha="right", va="center")
        back.text(x1 + 14, y, interval(line, scale), va="center")
        e, low, high = (real(line.get(k)) for k in ("estimate", "ci_low", "ci_high"))
        if low is not None and high is not None:
            axes.plot([low * scale, high * scale], [i, i], color=look.colour, lw=1.5, zorder=3)
        if e is not None:
            size = 7 if bold else 3.5 + 3.5 * math.sqrt(_share(line, rows))
            axes.plot([e * scale], [i], "D" if bold else "s", color=look.colour, ms=size, mew=0, zorder=4)
    said = [f"{label}: {interval(r, scale)}" for label, r, _ in lines if r]
    return picture(
        figure, name, f"{plain(arm)} against {reference} by subgroup, {measure_title(measure)}. {'; '.join(said)}."
    )


def _share(part: Row, rows: list[Row]) -> float:
    most = max((real(p.get("n")) or 0.0 for r in rows for p in r["parts"]), default=0.0)
    return (real(part.get("n")) or 0.0) / most if most else 0.0


def _subgroup(trial: Finished, row: Row) -> str:
    """A subgroup's title: its id, with what it is cut by where that is another name."""
    return short(trial.label(plain(row.get("id"))), 34)


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
    from leukinetics.report.trial.style import spread

    low, high = axes.get_ylim()
    to = (
        (lambda v: math.log(v / low) / math.log(high / low))
        if axes.get_yscale() == "log"
        else (lambda v: (v - low) / (high - low))
    )
    for y, r in zip(spread([to(v) for v in last], 0.07, 0.02, 0.98), rows, strict=True):
        axes.text(1.03, y, short(r.get("arm"), 14), transform=axes.transAxes, va="center", fontsize=10, color=INK)
