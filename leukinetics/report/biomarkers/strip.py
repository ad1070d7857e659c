"""Everybody's level by group, with the limit: what is below it stands in a band under it, since it has no number."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.cohort.figures import figure
from leukinetics.report.biomarkers.folder import ALL, FinishedStudy, Row
from leukinetics.report.trial.axes import set_log
from leukinetics.report.trial.numbers import count, number, percent, real, unit_text
from leukinetics.report.trial.style import BAND, INK, SOFT, Look, Picture, canvas, picture, short, wrapped

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from leukinetics.cohort.values import Censored

    Array = NDArray[np.float64]

#: More points than this are not drawn, of all groups of a figure.
MOST_POINTS = 1500
#: Lines for limits, and groups side by side, in a figure.
MOST_LIMITS, MOST_GROUPS = 4, 12
HEIGHT, BELOW = 330, 62
#: Multiples of these fill a line, and of the second and its square a plane, evenly, without a random number.
GOLDEN, EVEN = 0.6180339887, 0.7548776662


def drawn_of(x: Censored) -> tuple[int, int]:
    """(points drawn, measurements) of an analyte."""
    return min(x.n, MOST_POINTS), x.n


def strip_figure(c: FinishedStudy, analyte: Row, name: str) -> Picture | None:
    """The levels of an analyte; None where nobody has one."""
    x = c.values(analyte)
    if not x.n:
        return None
    groups = c.groups[:MOST_GROUPS] or [ALL]
    labels = c.samples["group"].to_numpy(dtype=object)
    looks = c.looks()
    width = 400 if len(groups) <= 3 else min(760, 160 + 100 * len(groups))
    left, right = 62, 62
    across = (left / width, (width - left - right) / width)
    figure = canvas(width, HEIGHT + BELOW)
    total = HEIGHT + BELOW
    axes = figure.add_axes((across[0], (BELOW + 44) / total, across[1], (HEIGHT - 44 - 30) / total))
    band = figure.add_axes((across[0], 44 / total, across[1], (BELOW - 6) / total))
    limits = np.unique(x.upper[x.below])
    _scale(axes, x, analyte, limits)
    band.set(xlim=(-0.5, len(groups) - 0.5), ylim=(0, 1), xticks=[], yticks=[])
    band.set_facecolor(BAND)
    band.patch.set_visible(True)
    for side in band.spines.values():
        side.set_visible(False)
    share = MOST_POINTS / max(x.n, 1)
    said = []
    for i, group in enumerate(groups):
        mine = np.flatnonzero(x.measured & (labels == group if group != ALL else True))
        _group(axes, band, x, mine, i, looks[group], min(share, 1.0))
        mean = _mean(analyte, group)
        _mark(axes, band, mean, i)
        n_below = int(x.below[mine].sum())
        told = f"{count(n_below)} of {count(len(mine))}"
        band.annotate(
            told, (i, 0), (0, -11), textcoords="offset points", ha="center", va="center", fontsize=9.5, color=SOFT
        )
        title = wrapped(group, 15) if group != ALL else "everybody"
        band.annotate(title, (i, 0), (0, -19), textcoords="offset points", ha="center", va="top")
        level = number(mean.get("geometric_mean")) if real(mean.get("geometric_mean")) is not None else "not estimated"
        said.append(
            f"{short(group)}: {percent(n_below / len(mine)) if len(mine) else '–'} below, geometric mean {level}"
        )
    band.annotate("below\nlimit", (0, 0.5), (-8, 0), xycoords="axes fraction", textcoords="offset points", ha="right",
                  va="center", fontsize=9.5, color=SOFT)  # fmt: skip
    axes.set_xlim(-0.5, len(groups) - 0.5)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    _limits(axes, band, limits, unit_text(analyte.get("unit")))
    inner = unit_text(analyte.get("unit"))
    axes.set_title(f"{short(c.label(analyte['name']), 36)}{f' ({inner})' if inner else ''}", loc="left",
                   x=-left / (width - left - right) + 0.02, fontweight="bold", pad=10)  # fmt: skip
    text = f"{c.label(analyte['name'])} by group, {inner}. {'; '.join(said)}."
    return picture(figure, name, text)


def _scale(axes: Any, x: Censored, analyte: Row, limits: Array) -> None:
    """The axis of what is known: from the lowest limit or level on."""
    known = np.concatenate([x.lower[x.observed | x.between | x.above], x.upper[x.observed | x.between]])
    seen = np.concatenate([known, limits])
    seen = seen[np.isfinite(seen)]
    low, high = float(seen.min()), float(seen.max())
    if analyte.get("transform") == "none" or low <= 0:
        gap = (high - low) or high or 1.0
        axes.set_ylim(low - 0.03 * gap, high + 0.06 * gap)
        return
    grow = max((high / low) ** 0.04, 1.05)
    set_log(axes, "y", low / grow, high * grow**1.5)


def _group(axes: Any, band: Any, x: Censored, mine: NDArray[np.intp], i: int, look: Look, share: float) -> None:
    """One group's points: filled where the level is known, open in the band where it is not."""
    size = 3.6 if len(mine) * share <= 150 else 2.6
    seen = mine[x.observed[mine]]
    seen = _some(seen[np.argsort(x.lower[seen], kind="stable")], share)
    axes.plot(_places(i, len(seen)), x.lower[seen], "o", color=look.colour, ms=size, mew=0, alpha=0.75)
    high = _some(mine[x.above[mine]], share)
    axes.plot(_places(i, len(high)), x.lower[high], "^", mfc="none", mec=look.colour, ms=size + 1.6, mew=0.8)
    for at, row in zip(_places(i, len(between := _some(mine[x.between[mine]], share))), between, strict=True):
        axes.plot([at, at], [x.lower[row], x.upper[row]], color=look.colour, lw=0.9, alpha=0.75)
    low = _some(mine[x.below[mine]], share)
    # Their height in the band says nothing: it only keeps them apart.
    k = np.arange(1, len(low) + 1)
    height = 0.09 + 0.82 * ((k * EVEN**2) % 1.0)
    band.plot(
        i + 0.66 * ((k * EVEN) % 1.0 - 0.5), height, "o", mfc="none", mec=look.colour, ms=size - 0.4, mew=0.7, alpha=0.8
    )


def _places(i: int, n: int) -> Array:
    """Places beside each other that depend on no random number: the golden ratio fills evenly."""
    return np.asarray(i + 0.66 * ((np.arange(n) * GOLDEN + 0.5) % 1.0 - 0.5))


def _some(rows: NDArray[np.intp], share: float) -> NDArray[np.intp]:
    """At most that share of the rows, evenly spaced in their order."""
    if share >= 1 or not len(rows):
        return rows
    return np.asarray(rows[np.unique(np.linspace(0, len(rows) - 1, max(round(share * len(rows)), 1)).astype(int))])


def _mean(analyte: Row, group: str) -> Row:
    rows = (analyte.get("levels") or {}).get("groups") or []
    return next((r.get("lognormal") or {} for r in rows if r.get("name") == group), {})


def _mark(axes: Any, band: Any, mean: Row, i: int) -> None:
    """The geometric mean and its interval; an arrow where it lies below what the axis shows."""
    middle, low, high = (real(mean.get(k)) for k in ("geometric_mean", "ci_low", "ci_high"))
    if middle is None:
        return
    bottom, top = axes.get_ylim()
    if low is not None and high is not None and high > bottom:
        axes.plot([i, i], [max(low, bottom), min(high, top)], color=INK, lw=1.4, zorder=5)
    if middle >= bottom:
        axes.plot([i - 0.34, i + 0.34], [middle, middle], color=INK, lw=2.2, zorder=5)
        return
    box = {"boxstyle": "round,pad=0.2", "fc": "white", "ec": "none", "alpha": 0.85}
    band.annotate(f"▼ {number(middle, 2)}", (i, 0.5), ha="center", va="center", fontsize=10, color=INK, bbox=box)


def _limits(axes: Any, band: Any, limits: Array, unit: str) -> None:
    """Lines at the limits; of many a shade from the lowest to the highest."""
    if not len(limits):
        band.annotate(
            "nobody", (0.5, 0.5), xycoords="axes fraction", ha="center", va="center", fontsize=9.5, color=SOFT
        )
        return
    if len(limits) > MOST_LIMITS:
        axes.axhspan(limits[0], limits[-1], color=BAND, zorder=0)
        shown = [float(limits[0]), float(limits[-1])]
    else:
        shown = [float(v) for v in limits]
    for limit in shown:
        axes.axhline(limit, color=SOFT, lw=1, ls=(0, (4, 2)), zorder=1)
    low, high = axes.get_ylim()
    log = axes.get_yscale() == "log"
    from leukinetics.report.trial.style import spread

    def to(v: float) -> float:
        return math.log(v / low) / math.log(high / low) if log else (v - low) / (high - low)

    texts = [f"{'limit ' if len(limits) == 1 else ''}{figure(v, 4)}" for v in shown]
    for text, at in zip(texts, spread([to(v) for v in shown], 0.055, 0.0, 1.0), strict=True):
        axes.annotate(text, (1.0, at), (6, 0), xycoords="axes fraction", textcoords="offset points", va="center",
                      fontsize=9.5, color=SOFT)  # fmt: skip
