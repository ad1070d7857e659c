"""Forest plots of subgroups."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from leukinetics.report.trial.axes import set_log
from leukinetics.report.trial.folder import Finished, Row
from leukinetics.report.trial.names import plain, printed
from leukinetics.report.trial.numbers import (
    MEASURES,
    RATIOS,
    SHARES,
    count,
    interval,
    p_phrase,
    real,
    unit_text,
)
from leukinetics.report.trial.style import INK, SOFT, Look, Picture, canvas, picture, short
from leukinetics.report.trial.words import factor, sides_of

WIDTH, LINE, MOST_FORESTS = 760, 21, 5
MOST_UNDER = 54  # letters that have room under the axis


def measure_title(measure: str, unit: Any = "") -> str:
    """The axis' text for a measure."""
    if measure == "percent_difference":
        return "relative difference (%)"
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
    keys = [k for name in dict.fromkeys(k[0] for k in keys) for k in _some([k for k in keys if k[0] == name])]
    found = []
    for i, (endpoint, arm) in enumerate(keys):
        mine = [r for r in rows if (str(r.get("endpoint")), str(r.get("arm"))) == (endpoint, arm)]
        found.append(_forest(trial, endpoint, arm, mine, arms.get(arm, Look(INK, "-", "o")), f"subgroups-{i + 1}"))
    return found


def _some(keys: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """All, or of many arms the first, one between and the last."""
    return keys if len(keys) <= MOST_FORESTS else [keys[0], keys[len(keys) // 2], keys[-1]]


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
        lines += [(short(printed(str(p["label"])), 30), p, False) for p in r["parts"]]
    top = 46
    height = top + LINE * len(lines) + 58
    figure = canvas(WIDTH, height)
    back = figure.add_axes((0, 0, 1, 1))
    back.set(xlim=(0, WIDTH), ylim=(height, 0))
    back.axis("off")
    x0, x1 = 285, 575
    axes = figure.add_axes((x0 / WIDTH, 54 / height, (x1 - x0) / WIDTH, LINE * len(lines) / height))
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
    _sides(trial, endpoint, arm, axes, measure, scale)
    middle = real(main.get("estimate")) if main is not None and lines[0][1] is main else None
    if middle is not None:
        axes.axvline(scale * middle, color=look.colour, lw=0.9, ls=(0, (2, 2)), zorder=1)
    reference = plain(rows[0].get("reference"))
    back.text(10, 16, f"{short(arm, 48)} against {short(reference, 48)}", fontsize=11, fontweight="bold", va="center")
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


def _sides(trial: Finished, endpoint: str, arm: str, axes: Any, measure: str, scale: float) -> None:
    """What the two sides of "no effect" mean, under the axis."""
    less, more = sides_of(trial.endpoint_by_id[endpoint]) if endpoint in trial.endpoint_by_id else ("lower", "higher")
    none = 1.0 if measure in RATIOS else 0.0
    low, high = axes.get_xlim()
    texts = [(True, f"← {less} with {short(arm, 18)}"), (False, f"{more} with {short(arm, 18)} →")]
    if sum(len(text) for _, text in texts) > MOST_UNDER:
        texts = [(True, f"← {less}"), (False, f"{more} →")]
    for left, text in texts:
        room = (none - low if left else high - none) / (high - low) if measure not in RATIOS else 0.5
        if room > 0.35:
            axes.annotate(
                text,
                (0.0 if left else 1.0, 0.0),
                (0, -45),
                xycoords="axes fraction",
                textcoords="offset points",
                ha="left" if left else "right",
                va="center",
                fontsize=9.5,
                color=SOFT,
            )


def _share(part: Row, rows: list[Row]) -> float:
    most = max((real(p.get("n")) or 0.0 for r in rows for p in r["parts"]), default=0.0)
    return (real(part.get("n")) or 0.0) / most if most else 0.0


def _subgroup(trial: Finished, row: Row) -> str:
    """A subgroup's title: its id, with what it is cut by where that is another name."""
    own = str(row.get("id"))
    return short(trial.label(own) if own == row.get("on") else trial.said(own.replace("_", " ")), 44)
