"""A published trial beside its prediction, and what asking for a CRP does to a trial that nobody has done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from leukinetics.report.trial.axes import set_log
from leukinetics.report.trial.numbers import count, number
from leukinetics.report.trial.style import REFERENCE, SOFT, Picture, canvas, picture

WIDTH = 760
PREDICTED, WRONG = "#1f5f99", "#b3480a"
GREY = "#d0d7de"


def published(name: str, rows: Sequence[Mapping[str, Any]]) -> Picture:
    """Shares (left) and effects (right) as published (grey; a shaded side where a sign was) and predicted."""
    parts = [[r for r in rows if r["share"]], [r for r in rows if not r["share"]]]
    line, height = 42, 42 * max(map(len, parts)) + 130
    figure = canvas(WIDTH, height)
    said = []
    for k, (mine, title, unit) in enumerate(
        zip(parts, ("Responders", "Infliximab less placebo"), ("%", "points of HAMD-17"), strict=True)
    ):
        scale = 100.0 if k == 0 else 1.0
        axes = figure.add_axes((0.17 + 0.5 * k, 58 / height, 0.3, line * len(mine) / height))
        axes.set_ylim(len(mine) - 0.5, -0.5)
        seen = [scale * v for r in mine for key in ("published", "model") for v in r[key] if v is not None]
        wide = max(map(abs, seen)) * 1.1 if k else 100.0
        axes.set_xlim(-wide if k else 0, wide)
        axes.set_yticks(range(len(mine)), [_label(r) for r in mine])
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(unit)
        axes.set_title(title, loc="left", fontweight="bold", fontsize=10.5)
        if k:
            axes.axvline(0, color=SOFT, lw=0.9)
        for i, r in enumerate(mine):
            middle, low, high = (None if v is None else scale * v for v in r["published"])
            if r["bound"]:
                left = -wide if r["bound"] == "below" else 0.0
                axes.fill_between([left, left + wide], i - 0.38, i + 0.02, color=GREY, lw=0)
            else:
                axes.plot([low, high], [i - 0.17] * 2, color=REFERENCE, lw=1.5)
                axes.plot([middle], [i - 0.17], "s", color=REFERENCE, ms=6, mew=0)
            middle, low, high = (None if v is None else scale * v for v in r["model"])
            ink = PREDICTED if r["inside"] else WRONG
            if low is not None and high is not None:
                axes.plot([low, high], [i + 0.17] * 2, color=ink, lw=1.5)
            axes.plot([middle], [i + 0.17], "o", color=ink, ms=6.5, mew=0)
            told = f"{_label(r)}: published {_sign(r) if r['bound'] else number(scale * r['published'][0], 2)}, "
            said.append(told.replace("\n", " ") + f"predicted {number(middle, 2)}")
    for x, text, ink in (
        (0.012, "published (a sign: shaded)", REFERENCE), (0.3, "predicted, within the errors", PREDICTED),
        (0.6, "predicted, wrong", WRONG),
    ):  # fmt: skip
        figure.text(x, 1 - 16 / height, text, color=ink, fontweight="bold", fontsize=10, va="center")
    return picture(figure, name, "; ".join(said) + ".")


def _label(row: Mapping[str, Any]) -> str:
    who = row["arm"] if row["share"] else ""
    among = f"CRP {row['among'].replace('<=', '≤')} mg/L" if row["among"] else "all"
    return f"{who}\n{among}" if who else among


def _sign(row: Mapping[str, Any]) -> str:
    return "better than placebo" if row["bound"] == "below" else "worse than placebo"


def benefit(name: str, trial: Mapping[str, Any]) -> Picture:
    """By the CRP that is asked for: the effect among those who have it, patients per arm, and the cost of the trial."""
    curve = next(t for t in trial["thresholds"] if t["biomarker"] == "crp")["curve"]
    rows = [r for r in trial["power"]["enrichment"] if r["n_for_target"] is not None]
    figure = canvas(WIDTH, 300)
    panels = [figure.add_axes((0.07 + 0.335 * k, 0.19, 0.235, 0.64)) for k in range(3)]
    first = panels[0]
    x = [p["threshold"] for p in curve]
    first.fill_between(
        x, [p["ci_low"] for p in curve], [p["ci_high"] for p in curve], color=PREDICTED, alpha=0.16, lw=0
    )
    first.plot(x, [p["estimate"] for p in curve], "o-", color=PREDICTED, ms=5, mew=0)
    first.axhline(0, color=SOFT, lw=0.9)
    set_log(first, "x", x[0] / 1.15, x[-1] * 1.15)
    first.set_title("Effect, points of HAMD-17", loc="left", fontweight="bold", fontsize=10.5)
    all_n = trial["power"]["n_for_target"]
    for axes, title, key in (
        (panels[1], "Patients per arm", "n_for_target"), (panels[2], "Cost (screened: 1)", "cost"),
    ):  # fmt: skip
        axes.plot([r["threshold"] for r in rows], [r[key] for r in rows], "o-", color=PREDICTED, ms=5, mew=0)
        if key == "n_for_target" and all_n is not None:
            axes.axhline(all_n, color=REFERENCE, lw=1.2, ls=(0, (3.5, 2)))
            axes.annotate(
                "patients of any CRP", (rows[-1]["threshold"], all_n), (0, 4), textcoords="offset points",
                color=REFERENCE, fontsize=9.5, ha="right",
            )  # fmt: skip
        most = max([r[key] for r in rows] + ([all_n] if key == "n_for_target" and all_n else []))
        axes.set_ylim(0, 1.15 * most)
        set_log(axes, "x", rows[0]["threshold"] / 1.15, rows[-1]["threshold"] * 1.15)
        axes.set_title(title, loc="left", fontweight="bold", fontsize=10.5)
    for axes in panels:
        axes.set_xlabel("CRP at least (mg/L)")
    said = [
        f"CRP of {r['threshold']:g} mg/L and more: effect {number(r['effect'], 2)}, "
        f"{count(r['n_for_target'])} patients per arm, cost {count(r['cost'])}"
        for r in rows
    ]
    return picture(figure, name, "; ".join(said) + ".")
