"""The figures of the tutorial of inflammatory depression, drawn from its results as the reports draw theirs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from leukinetics.commands.tutorial.effect_figures import effects, tornado
from leukinetics.commands.tutorial.mdd.courses import SYMPTOMS
from leukinetics.commands.tutorial.mdd.trial_figures import benefit, published
from leukinetics.commands.tutorial.tutorial import Results
from leukinetics.report.trial.axes import set_log
from leukinetics.report.trial.numbers import number
from leukinetics.report.trial.side_by_side import forest
from leukinetics.report.trial.style import REFERENCE, SOFT, Picture, canvas, drawing, looks, picture, spread

WIDTH = 760
TREATED = "#1f5f99"
#: Title and axis of effects.
POINTS, REMISSION = ("HAMD-17", "points"), ("Remission", "share of patients")


def figures(found: Results) -> list[Picture]:
    """All of them, in the order of the page."""
    il6, infliximab, addon = found["mdd_il6_enriched"], found["mdd_infliximab"], found["mdd_addon"]
    also = found["mdd_one_drug_three_diseases"]["also"]
    with drawing():
        return [
            _clocks(found["clocks"]),
            _symptoms(found["clocks"]["interferon"]),
            _patients(found["patients"]),
            published("infliximab", found["predicted"]),
            benefit("benefit", il6),
            tornado("leans-on", {POINTS: il6["sensitivity"], ("HAMD-17 ", "points"): infliximab["sensitivity"]}),
            effects("add-on", addon, {"hamd17": POINTS, "remission": REMISSION}, addon["draws"]),
            forest(
                [r for r in also["contrasts"] if r["endpoint"] == "hamd17"], "HAMD-17 after 12 weeks, against placebo",
                "points", "three-diseases",
            ),
        ]  # fmt: skip


def _clocks(found: Results) -> Picture:
    """IL-6, sickness and HAMD-17 after endotoxin, in hours, and under interferon alpha, in weeks."""
    panels = (("il6", "Plasma IL-6, times baseline"), ("sickness", "Sickness"), ("hamd17", "HAMD-17, points"))
    sides = (
        ("endotoxin", "Endotoxin 0.8 ng/kg, once", "hours", ("saline", "endotoxin")),
        ("interferon", "Interferon alpha for 24 weeks", "weeks", ("untreated", "interferon alpha")),
    )
    height = 560
    figure = canvas(WIDTH, height)
    grid = figure.add_gridspec(
        len(panels), 2, left=0.075, right=0.985, top=0.9, bottom=0.085, hspace=0.36, wspace=0.17,
    )  # fmt: skip
    said = []
    for k, (key, title, unit, (control, treated)) in enumerate(sides):
        part = found[key]
        figure.text((0.075, 0.58)[k], 1 - 18 / height, title, fontweight="bold", fontsize=11.5, va="center")
        for i, (name, label) in enumerate(panels):
            axes = figure.add_subplot(grid[i, k])
            for arm, colour, dash in ((control, REFERENCE, (0, (3.5, 2))), (treated, TREATED, "-")):
                axes.plot(part["time"], part["arms"][arm][name], color=colour, ls=dash)
            both = [v for s in found.values() for a in s["arms"].values() for v in a[name]]
            if name == "il6":
                set_log(axes, "y", min(both) / 1.3, max(both) * 1.5)
            else:
                axes.set_ylim(0, 1.1 * max(both))
            axes.set_xlim(0, part["time"][-1])
            axes.set_title(label, loc="left", fontsize=10, color=SOFT)
            if i == len(panels) - 1:
                axes.set_xlabel(unit)
            highest = max(part["arms"][treated][name])
            said.append(f"{treated}, {label}: at most {number(highest, 2)}")
    return picture(figure, "clocks", f"Means of virtual people, dashed without the drug. {'; '.join(said)}.")


def _symptoms(part: Results) -> Picture:
    """How the dimensions of symptoms rise under interferon alpha, and the metabolites of tryptophan."""
    figure = canvas(WIDTH, 330)
    left = figure.add_axes((0.06, 0.16, 0.3, 0.7))
    right = figure.add_axes((0.565, 0.16, 0.27, 0.7))
    look = looks([*SYMPTOMS, ""], "")
    ends = {s: part["rises"][s][-1] for s in SYMPTOMS}
    for s in SYMPTOMS:
        shares = [v / ends[s] if ends[s] else 0.0 for v in part["rises"][s]]
        left.plot(part["time"], [100 * v for v in shares], color=look[s].colour, ls=look[s].dash, lw=1.6)
    left.axhline(50, color=SOFT, lw=0.8, ls=(0, (3, 2)))
    left.set(xlim=(0, part["time"][-1]))
    left.set_xlabel("weeks of interferon alpha")
    left.set_title("Rise of symptoms, % of week 24", loc="left", fontweight="bold", fontsize=10.5)
    ordered = sorted(SYMPTOMS, key=lambda s: part["half"][s] or 99)
    left.text(1.06, 1.04, "half is reached by", transform=left.transAxes, color=SOFT, fontsize=9.5, va="center")
    for i, s in enumerate(ordered):
        left.text(
            1.06, 0.92 - 0.12 * i, f"{s}: week {number(part['half'][s], 2)}", transform=left.transAxes,
            color=look[s].colour, fontsize=9.5, va="center",
        )  # fmt: skip
    names = (
        ("quinolinic_acid_csf", "quinolinic acid, CSF"), ("kynurenic_acid_csf", "kynurenic acid, CSF"),
        ("kynurenine", "kynurenine, plasma"), ("tryptophan", "tryptophan, plasma"),
    )  # fmt: skip
    arm = part["arms"]["interferon alpha"]
    inks = looks([n for n, _ in names] + [""], "")
    _lines(right, part["time"], [(label, arm[n], inks[n].colour) for n, label in names])
    right.axhline(1, color=SOFT, lw=0.8)
    right.set_xlabel("weeks of interferon alpha")
    right.set_title("Times baseline", loc="left", fontweight="bold", fontsize=10.5)
    said = [f"{s} half by week {number(part['half'][s], 2)}" for s in ordered]
    told = [f"{label} {number(arm[n][-1], 2)} times baseline" for n, label in names]
    return picture(figure, "symptoms", f"Interferon alpha: {'; '.join(said)}. At week 24: {'; '.join(told)}.")


def _patients(found: Results) -> Picture:
    """HAMD-17 of two patients under four treatments."""
    figure = canvas(WIDTH, 330)
    arms = list(next(iter(found["groups"].values()))["course"])
    look = looks(arms, "placebo")
    most = max(v for g in found["groups"].values() for c in g["course"].values() for v in c)
    said = []
    for k, (crp, group) in enumerate(found["groups"].items()):
        axes = figure.add_axes((0.06 + 0.5 * k, 0.16, 0.31, 0.7))
        axes.set_ylim(0, 1.08 * most)
        _lines(axes, found["time"], [(arm, group["course"][arm], look[arm].colour) for arm in arms])
        axes.set_title(
            f"CRP about {crp} mg/L ({number(group['before']['crp'], 2)})", loc="left", fontweight="bold", fontsize=10.5
        )
        axes.set_xlabel("weeks")
        if k == 0:
            axes.set_ylabel("HAMD-17")
        ends = "; ".join(f"{arm} {number(c[-1], 2)}" for arm, c in group["course"].items())
        said.append(f"CRP about {crp} mg/L, after 12 weeks: {ends}")
    return picture(figure, "patients", f"HAMD-17 of two virtual patients. {'. '.join(said)}.")


def _lines(axes: Any, time: Sequence[float], lines: Sequence[tuple[str, Sequence[float], str]]) -> None:
    """Lines with their names at the end, moved apart."""
    for label, values, colour in lines:
        axes.plot(time, values, color=colour, lw=1.7, ls=(0, (3.5, 2)) if label == "placebo" else "-")
    axes.set_xlim(0, time[-1])
    low, high = axes.get_ylim()
    places = spread([v[-1] for _, v, _ in lines], 0.075 * (high - low), low, high)
    for (label, _, colour), y in zip(lines, places, strict=True):
        axes.text(time[-1] * 1.03, y, label, color=colour, fontsize=9.5, va="center")
