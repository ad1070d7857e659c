"""Curves: the distribution of levels under limits, ROC, calibration, net benefit, mixtures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from leukinetics.cohort.figures import figure as few_digits
from leukinetics.report.biomarkers.folder import ALL, FinishedStudy, Row
from leukinetics.report.trial.axes import set_log
from leukinetics.report.trial.numbers import interval, number, percent, real, unit_text
from leukinetics.report.trial.style import BAND, INK, RULE, SOFT, Picture, canvas, picture, short

WIDTH, HEIGHT = 400, 310
#: Colours of analytes, in turn (Okabe and Ito's), and of a model's own.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#7a3e9d", "#8a6d00", "#56b4e9")
DASHES: tuple[Any, ...] = ("-", (0, (7, 1.6)), (0, (5, 1.4, 1.2, 1.4)), (0, (2, 1.2)), "-", (0, (7, 1.6)))
OWN = "#1f5f99"


def panel(title: str, x: str, y: str, width: int = WIDTH, height: int = HEIGHT, right: int = 16) -> tuple[Any, Any]:
    """Axes with a title and labels."""
    figure = canvas(width, height)
    axes = figure.add_axes((58 / width, 48 / height, (width - 58 - right) / width, (height - 48 - 34) / height))
    axes.set_title(short(title, 52), loc="left", x=-46 / (width - 58 - right), fontweight="bold", pad=10)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    return figure, axes


def cumulative_figure(c: FinishedStudy, analyte: Row, name: str) -> Picture | None:
    """The share of people at or below each level, by group, with its interval; nothing is drawn below the lowest level
    that was observed, since nothing is known there."""
    looks = c.looks()
    rows = [r for r in (analyte.get("levels") or {}).get("groups") or [] if r.get("name") != ALL or not c.groups]
    rows = [r for r in rows if ((r.get("km") or {}).get("curve") or {}).get("values")]
    if not rows:
        return None
    unit = unit_text(analyte.get("unit"))
    label = c.label(analyte["name"])
    figure, axes = panel(label, f"level{f' ({unit})' if unit else ''}", "people at or below it (%)")
    ends: list[float] = []
    said = []
    for r in rows:
        curve, look = r["km"]["curve"], looks.get(str(r["name"]), looks[ALL])
        x, y, low, high = (_array(curve.get(k)) for k in ("values", "share", "low", "high"))
        axes.fill_between(x, 100 * low, 100 * high, step="post", color=look.colour, alpha=0.12, lw=0)
        axes.step(x, 100 * y, where="post", color=look.colour, ls=look.dash, lw=1.7, label=short(r["name"], 22))
        axes.plot(x[:1], 100 * y[:1], "o", mfc="white", mec=look.colour, ms=5, mew=1.2)
        ends += [float(np.nanmin(x)), float(np.nanmax(x))]
        unknown = real(r["km"].get("unknown"))
        median = real(r["km"].get("median"))
        said.append(
            f"{short(r['name'])}: median {number(median) if median is not None else 'not reached'}, "
            f"{percent(unknown)} below the lowest observed level"
        )
    _levels(axes, analyte, min(ends), max(ends))
    axes.set_ylim(0, 101)
    if len(rows) > 1:
        axes.legend(frameon=False, fontsize=9.5, loc="lower right")
    return picture(figure, name, f"Distribution of {label}. {'; '.join(said)}.")


def roc_figure(c: FinishedStudy, rows: Sequence[Row], name: str) -> Picture | None:
    """ROC curves of one question, a line for each analyte, with the cut-offs that were looked at."""
    rows = [r for r in rows if (r.get("roc") or {}).get("curve")]
    if not rows:
        return None
    shown = rows[: len(COLOURS)]
    height = 400 + 20 * len(shown)
    figure = canvas(WIDTH, height)
    side = WIDTH - 58 - 20
    bottom = 48 + 20 * len(shown) + 6
    axes = figure.add_axes((58 / WIDTH, bottom / height, side / WIDTH, (height - bottom - 34) / height))
    axes.set_title(short(rows[0].get("question"), 50), loc="left", x=-46 / side, fontweight="bold", pad=10)
    axes.set_xlabel("false positives, 1 − specificity (%)")
    axes.set_ylabel("true positives, sensitivity (%)")
    axes.plot([0, 100], [0, 100], color=SOFT, lw=0.8)
    said = []
    for i, r in enumerate(shown):
        points = r["roc"]["curve"]
        x = [100 * (1 - p["specificity"]) for p in points]
        y = [100 * p["sensitivity"] for p in points]
        colour = COLOURS[i]
        axes.plot(x, y, color=colour, ls=DASHES[i], lw=1.8)
        for cut in r.get("cutoffs") or []:
            at = [real((cut.get(k) or {}).get("estimate")) for k in ("specificity", "sensitivity")]
            if at[0] is not None and at[1] is not None:
                mark = "o" if str(cut.get("rule", "")).startswith("limit") else "D"
                axes.plot([100 * (1 - at[0])], [100 * at[1]], mark, mfc="white", mec=colour, ms=5.5, mew=1.3, zorder=5)
        text = f"{short(c.label(r['analyte']), 20)}: AUC {interval(r['roc'])}"
        y_at = (28 + 20 * (len(shown) - 1 - i) - 18) / height
        figure.add_artist(_line(58, 86, y_at, colour, DASHES[i]))
        figure.text(94 / WIDTH, y_at, text, va="center", fontsize=10)
        said.append(text)
    axes.set(xlim=(-1, 101), ylim=(-1, 101))
    more = f" {len(rows) - len(shown)} more analytes are in the table." if len(rows) > len(shown) else ""
    return picture(figure, name, f"ROC curves, {short(rows[0].get('question'), 60)}. {'; '.join(said)}.{more}")


def calibration_figure(title: str, found: Row, name: str) -> Picture | None:
    """Observed against predicted risks of people left out."""
    curve, groups = found.get("curve") or [], found.get("groups") or []
    if not curve and not groups:
        return None
    figure, axes = panel(title, "predicted risk (%)", "observed (%)")
    axes.plot([0, 100], [0, 100], color=SOFT, lw=0.8)
    x, y, low, high = (_array([p.get(k) for p in curve]) for k in ("predicted", "observed", "ci_low", "ci_high"))
    axes.fill_between(100 * x, 100 * low, 100 * high, color=OWN, alpha=0.13, lw=0)
    axes.plot(100 * x, 100 * y, color=OWN)
    at, seen, bottom, top = (100 * _array([g.get(k) for g in groups]) for k in _GROUP)
    axes.plot([at, at], [bottom, top], color=INK, lw=0.9)
    axes.plot(at, seen, "o", color=INK, ms=4, mew=0)
    most = float(np.nanmax([*at, *seen, *top, *(100 * x), 5.0]))
    most = min(100.0, 5 * math.ceil(most / 5))
    axes.set(xlim=(0, most), ylim=(0, most))
    slope = interval(found.get("slope") or {})
    return picture(
        figure, name, f"Calibration, {title}: slope {slope}, Brier score {interval(found.get('brier') or {})}."
    )


def decision_figure(title: str, found: Row, name: str) -> Picture | None:
    """Net benefit of treating by predicted risk, against treating all or nobody."""
    curve = found.get("curve") or []
    if not curve:
        return None
    figure, axes = panel(title, "treat from a risk of (%)", "net benefit (per 100 people)")
    x = 100 * _array([p.get("threshold") for p in curve])
    by, low, high = (100 * _array([(p.get("net_benefit") or {}).get(k) for p in curve]) for k in _ENDS)
    everybody = 100 * _array([(p.get("treat_all") or {}).get("estimate") for p in curve])
    axes.fill_between(x, low, high, color=OWN, alpha=0.13, lw=0)
    axes.plot(x, everybody, color=SOFT, ls=(0, (5, 2)), lw=1.4, label="treat all")
    axes.axhline(0.0, color=SOFT, lw=0.9, label="treat nobody")
    axes.plot(x, by, color=OWN, label="treat by predicted risk")
    top = float(np.nanmax([*by, *high, 1.0]))
    axes.set(xlim=(0, 100), ylim=(-0.18 * top, 1.06 * top))
    axes.legend(frameon=False, fontsize=9.5, loc="upper right")
    runs = " and ".join(f"{percent(a)} to {percent(b)}" for a, b in found.get("useful") or [])
    said = f"better than treating all or nobody at thresholds of {runs}" if runs else "never better than both others"
    return picture(figure, name, f"Net benefit, {title}: {said}.")


def mixture_figure(c: FinishedStudy, row: Row, analyte: Row, name: str) -> Picture | None:
    """The observed levels as a histogram, what is below the limit in one bar, with the classes of the mixture."""
    classes = [k for k in row.get("classes") or [] if k.get("levels")]
    if not classes:
        return None
    x = c.values(analyte)
    if c.control is not None and len(c.groups) > 1:  # subtypes are those of all others
        x = x.take(c.samples["group"].to_numpy(dtype=object) != c.control)
    seen = x.lower[x.observed | x.between | x.above]
    seen = seen[seen > 0]
    if len(seen) < 2 or float(seen.min()) == float(seen.max()):
        return None
    unit = unit_text(row.get("unit"))
    label = c.label(row["marker"])
    figure, axes = panel(label, f"level{f' ({unit})' if unit else ''}", "people per doubling (%)")
    limit = float(np.max(x.upper[x.below], initial=0.0))
    logs = np.log2(seen)
    edges = np.linspace(float(logs.min()), float(logs.max()) + 1e-9, min(30, max(8, round(math.sqrt(len(logs))))) + 1)
    heights = 100 * np.histogram(logs, edges)[0] / max(x.n, 1) / np.diff(edges)
    axes.bar(2 ** edges[:-1], heights, np.diff(2**edges), align="edge", color=RULE, lw=0)
    parts = [(k, k["levels"][0]) for k in classes]
    spots = [(real(p.get("geometric_mean")), real(p.get("sd_ln"))) for _, p in parts]
    low = min([float(seen.min()), *(m * math.exp(-2.2 * s) for m, s in spots if m and s)])
    low = max(low, float(seen.min()) / 30)
    high = float(seen.max()) * 1.15
    grid = np.geomspace(low, high, 240)
    total = np.zeros_like(grid)
    for i, ((k, _), (mean, sd)) in enumerate(zip(parts, spots, strict=True)):
        if mean is None or sd is None or not sd > 0:
            continue
        density = np.exp(-0.5 * ((np.log(grid) - math.log(mean)) / sd) ** 2) / (sd * math.sqrt(2 * math.pi))
        density *= 100 * float(k["share"]) * math.log(2)
        total += density
        if len(parts) > 1:
            text = f"{k['class']}: {percent(k['share'])}"
            axes.plot(grid, density, color=COLOURS[i], ls=DASHES[i], lw=1.6, label=text)
    axes.plot(grid, total, color=INK, lw=1.3, label="all" if len(parts) > 1 else "one class")
    set_log(axes, "x", low, high)
    if limit > low:
        axes.axvspan(low, limit, color=BAND, zorder=0, lw=0)
        axes.axvline(limit, color=SOFT, lw=1, ls=(0, (4, 2)))
        text = f"below {few_digits(limit, 4)}:\n{percent(x.share_below)}"
        axes.annotate(text, (0.02, 0.985), xycoords="axes fraction", va="top", fontsize=9.5, color=SOFT)
    top = float(max(total.max(), heights.max()))
    axes.set_ylim(0, 1.3 * top)
    axes.legend(frameon=False, fontsize=9.5, loc="upper right")
    told = [f"{k['class']} {percent(k['share'])}" for k, _ in parts]
    return picture(figure, name, f"Classes of {label}: {', '.join(told)}.")


_GROUP = ("predicted", "observed", "ci_low", "ci_high")
_ENDS = ("estimate", "ci_low", "ci_high")


def _line(x0: float, x1: float, y: float, colour: str, dash: Any) -> Any:
    from matplotlib.lines import Line2D

    return Line2D([x0 / WIDTH, x1 / WIDTH], [y, y], color=colour, ls=dash, lw=1.8)


def _array(values: Sequence[Any] | None) -> Any:
    return np.array([np.nan if (v := real(x)) is None else v for x in values or []], dtype=float)


def _levels(axes: Any, analyte: Row, low: float, high: float) -> None:
    """An axis (x) of levels."""
    if analyte.get("transform") == "none" or low <= 0:
        gap = (high - low) or 1.0
        axes.set_xlim(low - 0.04 * gap, high + 0.04 * gap)
        return
    grow = max((high / low) ** 0.03, 1.03)
    set_log(axes, "x", low / grow, high * grow)
