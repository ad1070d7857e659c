"""Figures of a validation: predicted against published, and the distance of every readout by study.

What was fitted is an open blue circle, what was predicted a filled orange one, a check of an input a grey diamond:
colour and shape both, so that print and colour-blind readers can tell them apart.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

STYLES: dict[str, dict[str, Any]] = {
    "input": {"marker": "D", "facecolors": "none", "edgecolors": "#8a8a8a", "s": 22, "label": "check of an input"},
    "calibrate": {"marker": "o", "facecolors": "none", "edgecolors": "#0072b2", "s": 30, "label": "fitted"},
    "validate": {"marker": "o", "facecolors": "#d55e00", "edgecolors": "#d55e00", "s": 30, "label": "predicted"},
}
Z95 = 1.96
FAR = 6.0  # distances beyond this are drawn at the edge, with an arrow
Row = Mapping[str, Any]


def predicted_against_published(rows: Sequence[Row]) -> str:
    """SVG: readouts on a logarithmic scale, each in its own unit, with both 95 % intervals; the line is equality."""
    from matplotlib.figure import Figure

    shown = [r for r in rows if r["scale"] == "ln" and not r["bound"] and r["predicted"] and r["predicted"] > 0]
    figure = Figure(figsize=(7.2, 6.4), layout="constrained")
    axes = figure.add_subplot()
    axes.set(xscale="log", yscale="log", xlabel="published (unit of the readout)", ylabel="predicted (same unit)")
    if shown:
        numbers = [r["published"] for r in shown] + [r["predicted"] for r in shown]
        low, high = min(numbers) / 2.0, max(numbers) * 2.0
        axes.plot([low, high], [low, high], color="#444444", lw=1, zorder=1)
        axes.fill_between([low, high], [low / 2, high / 2], [low * 2, high * 2], color="#f0f0f0", zorder=0)
        axes.set(xlim=(low, high), ylim=(low, high))
    for role, style in STYLES.items():
        part = [r for r in shown if r["role"] == role]
        for r in part:
            _bars(axes, r, style["edgecolors"])
        axes.scatter([r["published"] for r in part], [r["predicted"] for r in part], zorder=3, linewidths=1.1, **style)
    axes.legend(loc="upper left", frameon=False)
    return _svg(figure)


def _bars(axes: Any, row: Row, colour: str) -> None:
    x, y = row["published"], row["predicted"]
    if row["predicted_low"] and row["predicted_high"]:
        axes.plot([x, x], [row["predicted_low"], row["predicted_high"]], color=colour, lw=0.7, alpha=0.5, zorder=2)
    if row["published_low"] and row["published_high"]:
        axes.plot([row["published_low"], row["published_high"]], [y, y], color=colour, lw=0.7, alpha=0.5, zorder=2)


def distances(rows: Sequence[Row], titles: Mapping[str, str]) -> str:
    """SVG: z of every readout, one line per study; grey is what the stated errors allow."""
    from matplotlib.figure import Figure

    studies = list(dict.fromkeys(r["target"] for r in rows))
    figure = Figure(figsize=(9.2, 0.9 + 0.235 * max(len(studies), 3)), layout="constrained")
    axes = figure.add_subplot()
    axes.axvspan(-Z95, Z95, color="#f0f0f0", zorder=0)
    axes.axvline(0, color="#444444", lw=1, zorder=1)
    for role, style in STYLES.items():
        part = [r for r in rows if r["role"] == role and r["z"] is not None]
        look = {k: v for k, v in style.items() if k != "label"}
        x = [max(-FAR, min(FAR, r["z"])) for r in part]
        y = [studies.index(r["target"]) for r in part]
        axes.scatter(x, y, zorder=3, linewidths=1.0, alpha=0.9, label=style["label"], **look)
    for r in rows:
        if r["z"] is not None and abs(r["z"]) > FAR:
            edge, line = math.copysign(FAR, r["z"]), studies.index(r["target"])
            arrow = {"arrowstyle": "->", "color": STYLES[r["role"]]["edgecolors"]}
            axes.annotate("", (edge + math.copysign(0.45, edge), line), (edge, line), arrowprops=arrow)
    axes.set(
        xlim=(-FAR - 0.6, FAR + 0.6),
        ylim=(len(studies) - 0.5, -0.5),
        xlabel="z (left: predicted below published; right: above)",
    )
    axes.set_yticks(range(len(studies)), [_short(titles.get(s, s)) for s in studies], fontsize=7.5)
    axes.grid(axis="y", color="#e4e4e4", lw=0.5)
    axes.set_axisbelow(True)
    figure.legend(loc="outside upper right", ncols=3, frameon=False, fontsize=8)
    return _svg(figure)


def _short(title: str, most: int = 68) -> str:
    return title if len(title) <= most else title[: most - 1].rsplit(" ", 1)[0] + " …"


def _svg(figure: Any) -> str:
    from matplotlib import rc_context

    text = io.StringIO()
    # A fixed salt and no date: the same validation gives the same file.
    with rc_context({"svg.hashsalt": "leukinetics", "svg.fonttype": "none"}):
        figure.savefig(text, format="svg", metadata={"Date": None})
    found = text.getvalue()
    return found[found.index("<svg") :]
