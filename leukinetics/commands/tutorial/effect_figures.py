"""Effects of the tutorial's trials: beside published ones, over draws of what is uncertain, and what they lean on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from leukinetics.report.trial.axes import row_labels
from leukinetics.report.trial.effects import effect_axis
from leukinetics.report.trial.numbers import number
from leukinetics.report.trial.style import KIND_COLOURS, REFERENCE, SOFT, Picture, canvas, looks, picture, wrapped

WIDTH = 760
FITTED, PREDICTED = "#2f74a8", "#b3480a"
ROLES = {"fitted": FITTED, "predicted": PREDICTED}
#: Bars of a tornado.
BARS = 9


def published(name: str, rows: Sequence[Mapping[str, Any]]) -> Picture:
    """Published ratios with their intervals (grey), and below each the example's."""
    line, top = 34, 40
    height = top + line * len(rows) + 60
    figure = canvas(WIDTH, height)
    axes = figure.add_axes((0.36, 58 / height, 0.42, line * len(rows) / height))
    seen = [v for r in rows for k in ("published", "model") for v in r[k] if v]
    effect_axis(axes, seen, "rate_ratio")
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("ratio to the other arm")
    said = []
    for i, row in enumerate(rows):
        colour = ROLES[row["role"]]
        if i and rows[i - 1]["study"] != row["study"]:
            axes.axhline(i - 0.5, color="#d0d7de", lw=0.8, xmin=-0.85, clip_on=False)
        for key, y, ink, mark in (("published", i - 0.17, REFERENCE, "s"), ("model", i + 0.17, colour, "o")):
            middle, low, high = row[key]
            if low is not None:
                axes.plot([low, high], [y, y], color=ink, lw=1.5)
            axes.plot([middle], [y], mark, color=ink, ms=6, mew=0)
            text = number(middle, 2) if low is None else f"{number(middle, 2)} ({number(low, 2)} to {number(high, 2)})"
            axes.annotate(
                text, (1.02, y), xycoords=("axes fraction", "data"), va="center", fontsize=9.5, color=ink,
                annotation_clip=False,
            )  # fmt: skip
        if i == 0 or rows[i - 1]["study"] != row["study"]:
            axes.annotate(
                row["study"], (-0.84, i), xycoords=("axes fraction", "data"), va="center", fontweight="bold",
                annotation_clip=False,
            )  # fmt: skip
        axes.annotate(row["label"], (-0.58, i), xycoords=("axes fraction", "data"), va="center", annotation_clip=False)
        said.append(
            f"{row['study']} {row['label']}: published {number(row['published'][0], 2)}, {row['role']} "
            f"{number(row['model'][0], 2)}"
        )
    for x, text, colour in (
        (0.36, "published", REFERENCE),
        (0.49, "model, fitted", FITTED),
        (0.65, "model, predicted", PREDICTED),
    ):
        figure.text(x, 1 - 18 / height, text, color=colour, fontweight="bold", va="center")
    return picture(figure, name, "; ".join(said) + ".")


def effects(name: str, trial: Mapping[str, Any], endpoints: Mapping[str, tuple[str, str]], draws: int) -> Picture:
    """Each arm's effect on one or two endpoints (title and axis by id): the draws' median and interval, and the
    estimate at fitted values. The arms are those that have an effect on the first of them."""
    rows = {e: [r for r in trial["uncertainty"] if r["endpoint"] == e] for e in endpoints}
    arms = [r["arm"] for r in rows[next(iter(endpoints))]]
    line, top = 30, 62
    height = top + line * len(arms) + 66
    figure = canvas(WIDTH, height)
    look = looks([*arms, ""], "")
    left, wide, gap = 0.235, 0.33, 0.08
    said = []
    for k, (endpoint, (title, unit)) in enumerate(endpoints.items()):
        axes = figure.add_axes((left + k * (wide + gap), 58 / height, wide, line * len(arms) / height))
        known = {r["arm"]: r for r in rows[endpoint] if r["arm"] in arms}
        # The first of an arm is the main one.
        fitted = {c["arm"]: c["estimate"] for c in reversed(trial["contrasts"]) if c["endpoint"] == endpoint}
        measure = rows[endpoint][0]["measure"]
        inside = [v for r in known.values() for v in (r["low"], r["high"])] + [fitted[a] for a in known]
        effect_axis(axes, inside, measure)
        axes.set_ylim(len(arms) - 0.5, -0.5)
        row_labels(axes, [wrapped(a, 24) for a in arms] if k == 0 else [], 10)
        axes.spines["left"].set_visible(False)
        reference = rows[endpoint][0]["reference"]
        axes.set_title(f"{title}, against {reference}", loc="left", fontweight="bold", pad=22, fontsize=10.5)
        axes.set_xlabel(unit)
        for i, arm in enumerate(arms):
            row = known.get(arm)
            if row is None:
                continue
            axes.plot([row["low"], row["high"]], [i, i], color=look[arm].colour, lw=2.2, solid_capstyle="round")
            axes.plot([row["median"]], [i], "o", color=look[arm].colour, ms=7, mew=0)
            axes.plot([fitted[arm]], [i], "D", mfc="white", mec="#1f2328", ms=5, mew=1.1)
            said.append(
                f"{title}, {arm}: {number(row['median'], 2)} ({number(row['low'], 2)} to {number(row['high'], 2)})"
            )
    figure.text(
        left, 1 - 12 / height, f"circle and line: median and 95 % of {draws} draws; diamond: fitted values", color=SOFT,
        fontsize=9.5, va="center",
    )  # fmt: skip
    return picture(figure, name, "; ".join(said) + ".")


def tornado(name: str, studies: Mapping[tuple[str, str], Mapping[str, Any]]) -> Picture:
    """Bars from the effect at the low to that at the high end of each parameter's range, the widest on top; the studies
    by title and axis."""
    line, top = 28, 70
    height = top + line * BARS + 58
    figure = canvas(WIDTH, height)
    said = []
    for k, ((title, unit), study) in enumerate(studies.items()):
        rows = study["parameters"][:BARS]
        axes = figure.add_axes((0.235 + 0.5 * k, 52 / height, 0.25, line * BARS / height))
        measure = study["measure"]
        ends = [r[e] for r in rows for e in ("effect_low", "effect_high") if r[e] is not None]
        effect_axis(axes, [*ends, study["base"]], measure, none=False)
        axes.axvline(study["base"], color=SOFT, lw=0.9)
        axes.set_ylim(BARS - 0.5, -0.5)
        row_labels(axes, [wrapped(r["words"], 34, 2) for r in rows], 9)
        axes.spines["left"].set_visible(False)
        axes.set_title(f"{title}\n{study['arm']} against {study['reference']}", loc="left", x=-0.9, fontsize=10.5)
        axes.set_xlabel(unit)
        for i, row in enumerate(rows):
            low, high = row["effect_low"], row["effect_high"]
            if low is None or high is None:
                continue
            axes.plot([low, high], [i, i], color=KIND_COLOURS.get(row["kind"], SOFT), lw=9, solid_capstyle="butt")
            axes.plot([high], [i], "o", color="#1f2328", ms=4.5, mew=0, zorder=4)
        said += [
            f"{title}: {r['words']} {number(r['effect_low'], 2)} to {number(r['effect_high'], 2)}" for r in rows[:3]
        ]
    figure.text(
        0.012, 1 - 12 / height, "line: all at the model's values; dot: the parameter at the high end of its range",
        color=SOFT, fontsize=9.5, va="center",
    )  # fmt: skip
    return picture(figure, name, "; ".join(said) + ".")
