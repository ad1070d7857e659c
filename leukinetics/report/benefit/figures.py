"""Figures of the patients of the protocol: what each may gain, of what the spread is made, what would narrow it."""

from __future__ import annotations

from typing import Any

import numpy as np

from leukinetics.cohort.subtype.assumptions import is_told
from leukinetics.report.benefit.folder import FinishedBenefit, Row
from leukinetics.report.trial.numbers import fixed, interval, percent, real
from leukinetics.report.trial.style import BAND, INK, KIND_COLOURS, SOFT, Picture, canvas, picture, wrapped
from leukinetics.report.trial.text import join

BLUE, GREY = "#1f5f99", "#9aa4ae"
WIDTH = 760
#: Patients of a figure; the others are in the table.
MOST = 20
EVERYBODY = "everybody"
#: Effective people from which on a shape is smoothed but once.
SMOOTHED = 3000.0
#: Parts of the spread: (key, words, colour).
PARTS = (
    ("patient", "the patient: more could be measured", "#2f74a8"),
    ("chance", "chance: another course of the same person", "#c4ccd4"),
    ("parameters", "what is not known about the model", "#b3480a"),
)


def lines(c: FinishedBenefit) -> list[tuple[str, Row]]:
    """(name, prediction) of everybody and of each patient of whom something is told."""
    return [(EVERYBODY, c.everybody), *((str(p["name"]), p) for p in c.told[:MOST])]


def intervals_figure(c: FinishedBenefit) -> Picture:
    """What each patient may gain, beside everybody."""
    rows = lines(c)
    lane, top, bottom = 58, 40, 48
    height = top + lane * len(rows) + bottom
    figure = canvas(WIDTH, height)
    back = figure.add_axes((0, 0, 1, 1))
    back.set(xlim=(0, WIDTH), ylim=(height, 0))
    back.axis("off")
    x0, x1 = 214, 520
    axes = figure.add_axes((x0 / WIDTH, bottom / height, (x1 - x0) / WIDTH, lane * len(rows) / height))
    axes.set(ylim=(len(rows), 0), yticks=[])
    axes.spines["left"].set_visible(False)
    ends = [float(p["benefit"][k]) for _, p in rows for k in ("ci_low", "ci_high")]
    gap = 0.04 * (max(*ends, 0.0) - min(*ends, 0.0) or 1.0)
    low, high = min(*ends, 0.0) - gap, max(*ends, c.worth or 0.0) + gap
    axes.set_xlim(low, high)
    axes.axvline(0, color=SOFT, lw=0.9, zorder=1)
    heads = [(x1 + 12, "benefit (95 %)", "left"), (WIDTH - 62, "better", "right")]
    if c.worth is not None:
        axes.axvline(c.worth, color=SOFT, lw=0.9, ls=(0, (4, 2)), zorder=1)
        axes.annotate(
            f"worth it: {c.worth:g}",
            (c.worth, 0),
            (3, 5),
            textcoords="offset points",
            fontsize=9.5,
            color=SOFT,
        )
        heads.append((WIDTH - 6, f"≥ {c.worth:g}", "right"))
    for x, text, ha in heads:
        back.text(x, 16, text, ha=ha, va="center", fontsize=9.5, color=SOFT)
    edges = np.array([float(v) for v in c.summary["edges"]])
    for i, (name, p) in enumerate(rows):
        b, colour = p["benefit"], GREY if i == 0 else BLUE
        # The fewer people tell it, the smoother: else a shape shows each of them.
        rounds = int(np.clip(SMOOTHED / float(p["effective"]), 1, 12))
        _shape(axes, edges, _smooth(np.array(p["shape"], dtype=float), rounds), i, colour, low, high)
        y = i + 0.82
        axes.plot([b["ci_low"], b["ci_high"]], [y, y], color=colour, lw=1.4)
        axes.plot([b["q1"], b["q3"]], [y, y], color=colour, lw=4.4, solid_capstyle="butt")
        axes.plot([b["estimate"]], [y], "o", color=INK, ms=5, mew=0, zorder=5)
        at = top + lane * (i + 0.6)
        back.text(8, at, wrapped(name, 34), va="center", linespacing=1.15, color=SOFT if i == 0 else INK)
        back.text(x1 + 12, at, interval(b), va="center")
        back.text(WIDTH - 62, at, percent(b["p_better"]), va="center", ha="right")
        if c.worth is not None:
            back.text(WIDTH - 6, at, percent(b["p_worth"]), va="center", ha="right")
    axes.set_xlabel(f"benefit{f' ({c.unit})' if c.unit else ''}")
    axes.xaxis.set_major_formatter(lambda v, _: f"{v:g}".replace("-", "−"))
    said = [f"{name}: {c.gain(p['benefit'])}" for name, p in rows]
    return picture(figure, "benefit", f"Predicted benefit. {'; '.join(said)}.")


def _smooth(share: Any, rounds: int) -> Any:
    for _ in range(rounds):
        share = np.convolve(np.pad(share, 1, mode="edge"), (0.25, 0.5, 0.25), mode="valid")
    return share


def _shape(axes: Any, edges: Any, share: Any, i: int, colour: str, low: float, high: float) -> None:
    """A histogram that stands on the line of a patient."""
    middle = (edges[1:] + edges[:-1]) / 2
    seen = (middle >= low) & (middle <= high)
    y = i + 0.74 - 0.6 * share / max(float(share.max()), 1e-12)
    axes.fill_between(middle[seen], i + 0.74, y[seen], color=colour, alpha=0.28, lw=0)
    axes.plot(middle[seen], y[seen], color=colour, lw=0.9)


def split_figure(c: FinishedBenefit) -> Picture:
    """The parts of the variance of each patient's benefit."""
    rows = [(name, p) for name, p in lines(c) if p["split"] is not None]
    figure, axes = _bars(len(rows), 66)
    said = []
    for i, (name, p) in enumerate(rows):
        left = 0.0
        for key, _, colour in PARTS:
            share = real(p["split"][f"share_{key}"])
            if share is None:
                continue
            axes.barh([i], [100 * share], left=left, color=colour, height=0.62, lw=0)
            if share >= 0.06:
                light = key == "chance"
                axes.text(left + 50 * share, i, fixed(100 * share, 0), ha="center", va="center", fontsize=9.5,
                          color=INK if light else "white")  # fmt: skip
            left += 100 * share
        sd = with_sd(c, p)
        axes.annotate(sd, (100, i), (8, 0), textcoords="offset points", va="center", annotation_clip=False)
        told = [f"{words.split(':')[0]} {percent(p['split'][f'share_{key}'])}" for key, words, _ in PARTS]
        said.append(f"{name}: {sd}, {join(told)}")
    axes.set_xlim(0, 100)
    axes.set_xlabel("share of the variance of the benefit (%)")
    _names(axes, [name for name, _ in rows])
    height = figure.get_size_inches()[1] * 72
    for k, (_, words, colour) in enumerate(PARTS):
        x = (12, 262, 528)[k]
        figure.patches.append(_swatch(figure, x, height, colour))
        figure.text((x + 16) / WIDTH, 1 - 20 / height, words, va="center", fontsize=9.5)
    return picture(figure, "split", f"Parts of the variance. {'; '.join(said)}.")


def with_sd(c: FinishedBenefit, p: Row) -> str:
    """The SD of a benefit in print."""
    return f"SD {c.amount(p['split']['sd'])}"


def assumed_figure(c: FinishedBenefit) -> Picture | None:
    """What share of the parameters' part rests on assumptions; None where that was not looked at."""
    rows = [(n, p) for n, p in lines(c) if real((p["assumptions"] or {}).get("share")) is not None]
    if not rows:
        return None
    figure, axes = _bars(len(rows), 30)
    said = []
    for i, (name, p) in enumerate(rows):
        a = p["assumptions"]
        share, low, high = (real(a[k]) for k in ("share", "ci_low", "ci_high"))
        depth = 1.0 if is_told(a) else 0.3
        axes.barh([i], [100 * (share or 0)], color=KIND_COLOURS["assumed"], height=0.6, lw=0, alpha=depth)
        if low is not None and high is not None:
            axes.plot([100 * low, 100 * high], [i, i], color=INK, lw=1.2)
        text = share_text(a)
        axes.annotate(text, (100, i), (8, 0), textcoords="offset points", va="center", annotation_clip=False)
        said.append(f"{name} {text}")
    axes.set_xlim(0, 100)
    axes.set_xlabel("of the model's part of the variance, what rests on assumptions (%)")
    _names(axes, [name for name, _ in rows])
    return picture(figure, "assumed", f"Share of what is not known about the model that is assumed: {'; '.join(said)}.")


def share_text(a: Row) -> str:
    """A share with its interval."""
    if real(a.get("ci_low")) is None:
        return percent(a.get("share"))
    return f"{percent(a['share'])} ({fixed(100 * a['ci_low'], 0)} to {fixed(100 * a['ci_high'], 0)})"


def further_figure(c: FinishedBenefit) -> Picture | None:
    """How much of the variance each further measurement would take away, patient by patient."""
    rows = [(n, p) for n, p in lines(c) if p["narrowing"] is not None]
    markers = [m["marker"] for m in c.summary["markers"]]
    if not rows or not markers:
        return None
    cell, lane, left, top = min(96.0, (WIDTH - 230) / len(markers)), 36, 222, 58
    height = top + lane * len(rows) + 14
    figure = canvas(WIDTH, height)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, WIDTH), ylim=(height, 0))
    axes.axis("off")
    for j, name in enumerate(markers):
        label = wrapped(c.label(name), max(int(cell / 6.2), 8), 3)
        axes.text(left + cell * (j + 0.5), top - 8, label, ha="center", va="bottom", fontsize=9.5, linespacing=1.05)
    shares = {(i, m["marker"]): m for i, (_, p) in enumerate(rows) for m in p["narrowing"]["measurements"]}
    largest = max([real(m["share"]) or 0.0 for m in shares.values()] + [0.1])
    said = []
    for i, (name, _) in enumerate(rows):
        y = top + lane * i
        axes.text(8, y + lane / 2, wrapped(name, 36), va="center", linespacing=1.1, color=SOFT if i == 0 else INK)
        best = max((real(shares[i, n]["share"]) or 0.0, -j, n) for j, n in enumerate(markers))[2]
        for j, marker in enumerate(markers):
            m = shares[i, marker]
            share = real(m["share"]) or 0.0
            depth = share / largest
            x = left + cell * j
            box = {"facecolor": _blend(depth), "edgecolor": "white", "lw": 2}
            axes.add_patch(_rectangle(x, y, cell, lane, **box))
            text = ("again " if m["again"] else "") + ("–" if m["share"] is None else percent(share))
            axes.text(x + cell / 2, y + lane / 2, text, ha="center", va="center", fontsize=9.5,
                      color="white" if depth > 0.55 else INK,
                      fontweight="bold" if marker == best and share > 0 else "normal")  # fmt: skip
        said.append(f"{name}: {c.label(best)} {percent(shares[i, best]['share'])}")
    return picture(figure, "further", f"Most telling further measurement. {'; '.join(said)}.")


def _blend(depth: float) -> Any:
    from matplotlib.colors import to_rgb

    one, other = np.array(to_rgb(BAND)), np.array(to_rgb(BLUE))
    return tuple(one + min(max(depth, 0.0), 1.0) * (other - one))


def _rectangle(x: float, y: float, width: float, height: float, **look: Any) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((x, y), width, height, **look)


def _swatch(figure: Any, x: float, height: float, colour: str) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((x / WIDTH, 1 - 25 / height), 11 / WIDTH, 11 / height, color=colour, lw=0,
                     transform=figure.transFigure, figure=figure)  # fmt: skip


def _bars(n: int, top: float) -> tuple[Any, Any]:
    """(figure, axes) of ``n`` horizontal bars with names at their left."""
    lane = 34.0
    height = top - 24 + lane * n + 50
    figure = canvas(WIDTH, height)
    axes = figure.add_axes((222 / WIDTH, 46 / height, (WIDTH - 222 - 140) / WIDTH, lane * n / height))
    axes.set_ylim(n - 0.5, -0.5)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    return figure, axes


def _names(axes: Any, names: list[str]) -> None:
    from leukinetics.report.trial.axes import row_labels

    row_labels(axes, [wrapped(n, 36) for n in names])
