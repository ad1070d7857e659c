"""A published dose-finding trial in virtual patients: ``python -m leukinetics.examples.demo``.

Canakinumab, an antibody against IL-1 beta, was given every month at several doses to people with type 2 diabetes;
CRP, IL-6 and fibrinogen were read after four months (Ridker et al., Circulation 2012;126(23):2739-48). Here 150
virtual patients are simulated under each of four arms, once with the typical values of the tables and once for each
of some draws of what is not known about them. The drug binds IL-1 beta and does nothing else: IL-6 and CRP follow.

The published points are among those that the model was calibrated to, so that this shows a fit, not a prediction.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from leukinetics import examples
from leukinetics.evidence import load_targets
from leukinetics.patients import draws
from leukinetics.trial import TrialResult, prepare, run

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

TARGET = "canakinumab_t2d"
SEED = 2012
READ = {"crp": "CRP", "il6": "IL-6"}
COLOURS = {"placebo": "#8a8a8a", "15 mg": "#7fb8de", "50 mg": "#2f7fbf", "150 mg": "#0b3c73"}
PUBLISHED, INK, PALE = "#d55e00", "#333333", "#b5b5b5"


@dataclass(frozen=True)
class Effect:
    """What an arm did at the visit against placebo, in percent: the model's median with its 90 % interval over the
    draws, and the published figure with its 95 % interval (as taken by the target)."""

    readout: str
    arm: str
    model: tuple[float, float, float]
    published: tuple[float, float, float]


def changes(result: TrialResult, readout: str) -> pd.DataFrame:
    """Percent change from time 0 of each patient's readout: rows (arm, patient), columns times in days."""
    found = result.observations
    table = found[found["name"] == readout].pivot_table(index=["arm", "patient"], columns="time", values="value")
    return 100.0 * (table.div(table[0.0], axis=0) - 1.0)


def medians(result: TrialResult) -> dict[tuple[str, str], float]:
    """Median percent change at the visit: (readout, arm) -> percent."""
    table = result.endpoints.pivot_table(index="endpoint", columns="arm", values="value", aggfunc="median")
    values = table.loc[list(READ), list(COLOURS)].to_numpy(dtype=float)
    return {(readout, arm): float(values[i, j]) for i, readout in enumerate(READ) for j, arm in enumerate(COLOURS)}


def effects(result: TrialResult, others: list[TrialResult]) -> list[Effect]:
    """Every dose's effect on CRP and IL-6 beside the published one; ``others`` are the runs of the draws."""
    published = {r.id: r for r in load_targets(ids=[TARGET])[0].readout}
    middle, spread = medians(result), [medians(other) for other in others]
    found = []
    for readout in READ:
        for arm in list(COLOURS)[1:]:
            row = published[f"{readout}_{arm.removesuffix(' mg')}"]
            low, high = np.quantile([s[readout, arm] for s in spread], [0.05, 0.95])
            ratios = (row.value, *row.published_interval)
            value, bottom, top = (100.0 * (ratio - 1.0) for ratio in ratios)
            found.append(Effect(readout, arm, (middle[readout, arm], float(low), float(high)), (value, bottom, top)))
    return found


def draw_course(ax: Axes, result: TrialResult, readout: str) -> None:
    """Median change over time by arm, with the quartiles of the patients of the highest dose."""
    table = changes(result, readout)
    days = table.columns.to_numpy(dtype=float)
    low, high = table.loc["150 mg"].quantile([0.25, 0.75]).to_numpy()
    ax.fill_between(days, low, high, color=COLOURS["150 mg"], alpha=0.12, linewidth=0, label="quartiles, 150 mg")
    for arm, colour in COLOURS.items():
        ax.plot(days, table.loc[arm].median(), color=colour, linewidth=2.0, label=arm)
    ax.set_xlim(0.0, 133.0)
    ax.set_xticks(range(0, 121, 30))
    for day in range(0, 91, 30):
        ax.axvline(day, color="#ececec", linewidth=0.8, zorder=0)


def draw_doses(ax: Axes, result: TrialResult, shown: list[Effect]) -> None:
    """Each patient's change at the visit, the model's median and the published one, by dose."""
    table = changes(result, shown[0].readout)
    for place, effect in enumerate(shown):
        people = table.loc[effect.arm].to_numpy()[:, -1]
        aside = np.linspace(-0.14, 0.14, len(people))  # patients in the order of their number
        ax.scatter(place - 0.22 + aside, people, s=4, color=COLOURS[effect.arm], alpha=0.35, linewidths=0)
        draw_point(ax, place + 0.08, effect.model, COLOURS[effect.arm], "s")
        draw_point(ax, place + 0.28, effect.published, PUBLISHED, "o")
    ax.set_xlim(-0.55, len(shown) - 0.45)
    ax.set_xticks(range(len(shown)), [effect.arm for effect in shown])


def draw_point(ax: Axes, x: float, values: tuple[float, float, float], colour: str, marker: str) -> None:
    """A value with its interval."""
    middle, low, high = values
    ax.plot([x, x], [low, high], color=colour, linewidth=1.4)
    ax.plot([x], [middle], marker=marker, markersize=6, color=colour, markeredgecolor="white", markeredgewidth=0.8)


def draw_figure(result: TrialResult, found: list[Effect], path: Path) -> None:
    """Write the courses (left) and the doses at the visit (right) of CRP and IL-6 to ``path``."""
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    figure = Figure(figsize=(10.5, 7.0), dpi=150, layout="constrained")
    axes = figure.subplots(2, 2, width_ratios=[1.45, 1.0], sharey="row", sharex="col")
    for row, (readout, name) in zip(axes, READ.items(), strict=True):
        shown = [effect for effect in found if effect.readout == readout]
        draw_course(row[0], result, readout)
        draw_doses(row[1], result, shown)
        for place, effect in enumerate(shown):
            draw_point(row[0], 123.0 + 3.5 * place, effect.published, COLOURS[effect.arm], "o")
        row[0].set_ylim(-100.0, 10.0)
        row[0].set_ylabel(f"{name}, change from baseline (%)", fontsize=9, color=INK)
        for ax in row:
            ax.axhline(0.0, color=PALE, linewidth=0.8, zorder=0)
            ax.tick_params(labelsize=8, color=PALE, labelcolor=INK, labelbottom=True)
            ax.spines[["top", "right"]].set_visible(False)
            ax.spines[["left", "bottom"]].set_color(PALE)
    axes[0, 0].set_title("Median over time; points: published at 4 months, 95 % interval", **_TITLE)
    axes[0, 1].set_title("At 4 months, by dose", **_TITLE)
    axes[1, 0].set_xlabel("days; a dose on days 0, 30, 60 and 90", fontsize=9, color=INK)
    axes[1, 1].set_xlabel("monthly dose", fontsize=9, color=INK)
    axes[0, 0].legend(fontsize=8, frameon=False, loc="upper right", bbox_to_anchor=(0.92, 0.86), ncols=2)
    marks = [
        Line2D([], [], marker="o", markersize=3, color=COLOURS["50 mg"], alpha=0.5, linestyle="", label="each patient"),
        Line2D([], [], marker="s", color=COLOURS["50 mg"], label="model: median, 90 % of draws"),
        Line2D([], [], marker="o", color=PUBLISHED, label="published (used in the fit)"),
    ]
    axes[1, 1].legend(handles=marks, fontsize=8, frameon=False, loc="lower left")
    people = result.summary["patients"]["enrolled"]
    title = f"Canakinumab every month in type 2 diabetes: {people} virtual patients, each under every arm"
    figure.suptitle(title, fontsize=12, color=INK)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


_TITLE = {"fontsize": 9, "loc": "left", "color": INK}


def table(found: list[Effect]) -> str:
    """The effects as lines of text."""

    def cell(values: tuple[float, float, float]) -> str:
        return f"{values[0]:6.1f}  ({values[1]:5.1f} to {values[2]:5.1f})"

    lines = [f"{'':5} {'arm':7} {'model, 90 % of draws':>25} {'published, 95 % interval':>27}"]
    for effect in found:
        line = f"{READ[effect.readout]:5} {effect.arm:7} {cell(effect.model):>25} {cell(effect.published):>27}"
        lines.append(line)
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    """Run the trial, print the effects, write the figure."""
    parser = argparse.ArgumentParser(prog="python -m leukinetics.examples.demo", description=__doc__)
    parser.add_argument("--patients", type=int, default=150)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--out", type=Path, default=Path("out", "demo.png"))
    options = parser.parse_args(arguments)

    started = time.perf_counter()
    prepared = prepare(examples.trial("canakinumab_monthly"), patients=options.patients)
    result = run(prepared)
    count = result.summary["patients"]
    arms = len(prepared.protocol.arm)
    print(f"{prepared.protocol.trial.name}: {count['enrolled']} virtual patients under each of {arms} arms")
    unknown = draws(prepared.assembly, options.draws, SEED)
    rows = [dict(zip(unknown.columns, values, strict=True)) for values in unknown.to_numpy().tolist()]
    others = [run(prepared, typical=row) for row in rows]
    failed = len(result.failures) + sum(len(other.failures) for other in others)
    print(f"and again for {len(rows)} draws of the {unknown.shape[1]} typical values that are uncertain;", end=" ")
    print(f"{failed} of {(1 + len(rows)) * arms * count['enrolled']:,} runs failed")
    found = effects(result, others)
    print("\nMedian change at 4 months against placebo, %\n")
    print(table(found))
    draw_figure(result, found, options.out)
    print(f"\nfigure: {options.out}   ({time.perf_counter() - started:.0f} s)")


if __name__ == "__main__":
    main()
