"""The figures of the tutorial of cohorts: those of the report of the table, and how far off numbers in place of what is
below a limit are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from leukinetics.commands.tutorial.cohorts.parts import DRAWN
from leukinetics.report.biomarkers.curves import roc_figure
from leukinetics.report.biomarkers.folder import FinishedStudy
from leukinetics.report.biomarkers.forest import detection_figure
from leukinetics.report.biomarkers.strip import strip_figure
from leukinetics.report.trial.axes import row_labels, set_log
from leukinetics.report.trial.numbers import number
from leukinetics.report.trial.style import REFERENCE, SOFT, Picture, canvas, drawing, picture

Results = Mapping[str, Any]
WIDTH = 760
LIKELIHOOD, LEVEL, SEEN = "#1f5f99", "#1f5f99", "#b3480a"
#: What stands in place of values below a limit, and its mark.
WAYS = {"half the limit": ("D", "#b3480a"), "the limit": ("s", "#7d5ba6"), "left out": ("v", "#8a6d1d")}
GROUPS = ("control", "RR")


def figures(found: Results) -> list[Picture]:
    """All of them, in the order of the page."""
    c = _study(found["study"])
    drawn = next(a for a in c.analytes if a["name"] == DRAWN)
    first = found["study"]["diagnosis"][0]["question"]
    rows = [d for d in c.rows("diagnosis") if d["question"] == first]
    with drawing():
        made = [
            detection_figure(c),
            strip_figure(c, drawn, "levels"),
            _half_limit(found),
            roc_figure(c, rows, "roc"),
            _limits(found["design"]),
        ]
    return [p for p in made if p is not None]


def _study(told: Results) -> FinishedStudy:
    """The study as the report reads it, from what the results have of it."""
    import pandas as pd

    return FinishedStudy(Path(), dict(told), {}, "", pd.DataFrame(told["samples"]))


def _half_limit(found: Results) -> Picture:
    """Geometric means by the likelihood, and with numbers in place of what is below a limit, over the true ones."""
    rows = [
        (a["name"], g, next(r for r in a["levels"]["groups"] if r["name"] == g), found["truth"][a["name"]][g])
        for a in found["study"]["analytes"]
        for g in GROUPS
    ]
    line = 30
    height = 44 + line * len(rows) + 52
    figure = canvas(WIDTH, height)
    axes = figure.add_axes((0.3, 52 / height, 0.66, line * len(rows) / height))
    set_log(axes, "x", 0.08, 6.0)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    row_labels(axes, [f"{name}, {g}: {r['lognormal']['share_below']:.0%} below" for name, g, r, _ in rows], 10)
    axes.spines["left"].set_visible(False)
    axes.axvline(1.0, color=REFERENCE, lw=1.0)
    axes.set_xlabel("geometric mean over the true one")
    said = []
    for i, (name, g, r, true) in enumerate(rows):
        own = r["lognormal"]
        axes.plot([own["ci_low"] / true, own["ci_high"] / true], [i, i], color=LIKELIHOOD, lw=1.8)
        axes.plot([own["geometric_mean"] / true], [i], "o", color=LIKELIHOOD, ms=7, mew=0, zorder=4)
        other = {w["how"]: w["geometric_mean"] / true for w in r["substitution"]["ways"]}
        for how, (mark, colour) in WAYS.items():
            axes.plot([other[how]], [i + 0.2], mark, mfc="white", mec=colour, ms=5.5, mew=1.3)
        said.append(
            f"{name}, {g}: likelihood {number(own['geometric_mean'] / true)}, half the limit "
            f"{number(other['half the limit'])}"
        )
    words = (("likelihood, 95 %", LIKELIHOOD), *((how, colour) for how, (_, colour) in WAYS.items()))
    for k, (text, colour) in enumerate(words):
        figure.text(0.3 + 0.17 * k, 1 - 20 / height, text, color=colour, fontweight="bold", va="center", fontsize=10)
    return picture(figure, "half-limit", f"Geometric means over the true ones. {'; '.join(said)}.")


def _limits(design: Results) -> Picture:
    """People that the next study needs, by the assay's limit."""
    q = next(q for q in design["questions"] if q.get("limits"))
    rows = [r for r in q["limits"] if r["limit"]]
    figure = canvas(WIDTH, 300)
    axes = figure.add_axes((0.09, 0.19, 0.62, 0.66))
    ends: dict[str, tuple[tuple[float, float], str]] = {}
    for key, other, words, colour in (
        ("n", "n_reference", "by the level", LEVEL),
        ("n_detection", "n_detection_reference", "detected or not", SEEN),
    ):
        mine = [(r["limit"], r[key] + r[other]) for r in rows if r[key]]
        axes.plot(*zip(*mine, strict=True), "o-", color=colour, ms=5, lw=1.8)
        ends[words] = (mine[-1], colour)
    set_log(axes, "x", min(r["limit"] for r in rows), max(r["limit"] for r in rows))
    axes.set_ylim(0, 800)
    top, low = (max if k else min for k in (1, 0))
    for words, ((x, y), colour) in ends.items():
        pick = top if y == top(v[0][1] for v in ends.values()) else low
        shift = 22 if pick is top else -22
        axes.text(x * 1.1, y + shift, words, color=colour, fontweight="bold", va="center")
    axes.set_xlabel(f"the assay's limit ({q['unit']})")
    axes.set_title(f"People for {design['target']:.0%} power", loc="left", fontweight="bold")
    axes.text(
        0.99,
        0.97,
        "the highest is off the axis",
        transform=axes.transAxes,
        ha="right",
        va="top",
        color=SOFT,
        fontsize=9,
    )
    said = [f"{number(r['limit'])} {q['unit']}: {r['n'] + r['n_reference']} people" for r in rows]
    return picture(figure, "limits", f"People that a study needs, by the assay's limit. {'; '.join(said)}.")
