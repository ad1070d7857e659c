"""Figures of the people of a table: everybody's benefit by rank, and against each marker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.report.benefit.figures import BLUE, WIDTH
from leukinetics.report.benefit.folder import FinishedBenefit
from leukinetics.report.cohort.folder import LOOKS
from leukinetics.report.trial.axes import set_log
from leukinetics.report.trial.names import plain
from leukinetics.report.trial.numbers import count, number, percent, unit_text
from leukinetics.report.trial.style import INK, SOFT, Look, Picture, canvas, picture, short

if TYPE_CHECKING:
    import pandas as pd

#: People whose intervals are drawn, evenly over the ranks; of more the others are in the CSV file.
MOST = 400
#: Markers of which a figure is drawn, and groups with a colour of their own.
MOST_MARKERS, MOST_GROUPS = 4, 6


def told(c: FinishedBenefit) -> pd.DataFrame:
    """The rows of whom something is told, by their benefit."""
    assert c.people is not None
    rows = c.people[c.people["told"] == "yes"]
    return rows.sort_values("estimate", kind="stable").reset_index(drop=True)


def rank_figure(c: FinishedBenefit) -> Picture | None:
    """Everybody's benefit with its intervals, by rank, and how the estimates are distributed."""
    if c.people is None or not len(rows := told(c)):
        return None
    height, x1 = 360, 566
    figure = canvas(WIDTH, height)
    axes = figure.add_axes((58 / WIDTH, 48 / height, (x1 - 58) / WIDTH, (height - 48 - 34) / height))
    side = figure.add_axes(((x1 + 12) / WIDTH, 48 / height, 90 / WIDTH, (height - 48 - 34) / height), sharey=axes)
    at = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), MOST)).round().astype(int))
    shown, x = rows.iloc[at], at + 1
    looks = _looks(c)
    colours = [looks.get(str(g), Look(BLUE, "-", "o")).colour for g in shown["group"]]
    axes.vlines(x, shown["ci_low"], shown["ci_high"], color=colours, lw=0.8, alpha=0.45)
    axes.vlines(x, shown["q1"], shown["q3"], color=colours, lw=1.8, alpha=0.7)
    axes.scatter(x, shown["estimate"], s=9, color=INK, lw=0, zorder=5)
    axes.axhline(0, color=SOFT, lw=0.9)
    side.hist(rows["estimate"], bins=min(max(len(rows) // 6, 5), 30), orientation="horizontal", color=BLUE, alpha=0.6)
    side.axhline(0, color=SOFT, lw=0.9)
    whole = float(c.everybody["benefit"]["estimate"])
    marks = [(whole, "all virtual ones")]
    if c.worth is not None:
        marks.append((c.worth, f"worth it: {c.worth:g}"))
    for value, text in marks:
        for a in (axes, side):
            a.axhline(value, color=SOFT, lw=0.9, ls=(0, (4, 2)))
        side.annotate(
            text, (1, value), (4, 0), xycoords=("axes fraction", "data"), textcoords="offset points", va="center",
            fontsize=9, color=SOFT, annotation_clip=False,
        )  # fmt: skip
    side.tick_params(labelleft=False, left=False)
    side.spines["left"].set_visible(False)
    side.set_xlabel("patients")
    side.locator_params(axis="x", nbins=3, integer=True)
    axes.set_xlim(0, len(rows) + 1)
    axes.set_xlabel("patients, by predicted benefit")
    axes.set_title(
        f"Predicted benefit{f' ({c.unit})' if c.unit else ''}", loc="left", x=-0.08, fontweight="bold", pad=9
    )
    axes.yaxis.set_major_formatter(lambda v, _: f"{v:g}".replace("-", "−"))
    _legend(figure, looks, height)
    b = (c.table or {}).get("benefit") or {}
    text = (
        f"Predicted benefit of {count(len(rows))} patients by rank: median {c.amount(b.get('median'))}, nine in ten "
        f"from {number(b.get('q05'), 2)} to {number(b.get('q95'), 2)}."
    )
    return picture(figure, "people", text)


def marker_figures(c: FinishedBenefit) -> list[Picture]:
    """The predicted benefit against each marker of the table."""
    if c.people is None or not len(rows := told(c)):
        return []
    found = []
    for m in ((c.table or {}).get("markers") or [])[:MOST_MARKERS]:
        figure = _marker(c, rows, m["marker"], m["unit"])
        if figure is not None:
            found.append(figure)
    return found


def _marker(c: FinishedBenefit, rows: pd.DataFrame, name: str, unit: str) -> Picture | None:
    lower, upper = (rows[f"{name}.{k}"].to_numpy(dtype=float) for k in ("lower", "upper"))
    y = rows["estimate"].to_numpy(dtype=float)
    seen, below, above = lower == upper, (lower == 0) & (upper > 0), np.isinf(upper)
    x = np.where(below, upper, lower)
    x = np.where(~seen & ~below & ~above, np.sqrt(np.maximum(lower, 1e-300) * upper), x)
    there = np.isfinite(x) & (x > 0)
    if not there.any():
        return None
    figure = canvas(370, 300)
    axes = figure.add_axes((0.14, 0.17, 0.82, 0.7))
    looks = _looks(c)
    colours = np.array([looks.get(str(g), Look(BLUE, "-", "o")).colour for g in rows["group"]], dtype=object)
    for which, marker, fill in ((seen, "o", True), (below, "<", False), (above, ">", False)):
        use = which & there
        if use.any():
            face = list(colours[use]) if fill else "none"
            axes.scatter(x[use], y[use], s=16, marker=marker, facecolor=face, edgecolor=list(colours[use]), lw=0.8,
                         alpha=0.75)  # fmt: skip
    low, high = float(x[there].min()), float(x[there].max())
    grow = max((high / low) ** 0.05, 1.08)
    set_log(axes, "x", low / grow, high * grow)
    axes.axhline(0, color=SOFT, lw=0.8)
    if c.worth is not None:
        axes.axhline(c.worth, color=SOFT, lw=0.8, ls=(0, (4, 2)))
    axes.yaxis.set_major_formatter(lambda v, _: f"{v:g}".replace("-", "−"))
    axes.set_xlabel(f"{c.label(name)}{f' ({unit_text(unit)})' if unit_text(unit) else ''}")
    axes.set_title(f"Benefit against {short(c.label(name), 30)}", loc="left", x=-0.14, fontweight="bold", pad=9)
    text = f"Predicted benefit of {count(there.sum())} patients against {c.label(name)}; {percent(below.mean())} below."
    return picture(figure, f"people-{name}", text)


def _looks(c: FinishedBenefit) -> dict[str, Look]:
    """How each group is drawn; none where there are none, or too many."""
    names = [str(g["group"]) for g in (c.table or {}).get("groups") or []]
    return {n: LOOKS[i] for i, n in enumerate(names)} if 1 < len(names) <= MOST_GROUPS else {}


def _legend(figure: Any, looks: dict[str, Look], height: float) -> None:
    x = 300.0
    for name, look in looks.items():
        text = short(plain(name), 18)
        figure.text(x / WIDTH, 1 - 16 / height, "●", color=look.colour, va="center", fontsize=10)
        figure.text((x + 14) / WIDTH, 1 - 16 / height, text, va="center", fontsize=9.5)
        x += 26 + 6.3 * len(text)
