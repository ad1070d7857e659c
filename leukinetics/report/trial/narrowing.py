"""What would narrow the answer: the share of its variance over the draws that goes with one thing that is not known."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from leukinetics.report.trial.axes import row_labels
from leukinetics.report.trial.design_words import endpoint_words, the_endpoint
from leukinetics.report.trial.folder import Finished, Row
from leukinetics.report.trial.grid import Grid
from leukinetics.report.trial.names import meaning, plain
from leukinetics.report.trial.numbers import NONE, count, number, p_value, percent, real, with_unit
from leukinetics.report.trial.style import INK, KIND_COLOURS, SOFT, Picture, canvas, picture, wrapped
from leukinetics.report.trial.text import join, sentence

if TYPE_CHECKING:
    import pandas as pd

WIDTH, MOST_BARS, MOST_ROWS = 760, 8, 6
STUDY = "#6b4c9a"  # a result of a study, beside the colours of kinds of evidence
CHANCE = 0.05


def told(trial: Finished) -> Row | None:
    """The contrast of the primary endpoint whose narrowing is told: the arm of the sensitivity analysis, else the last
    one; None where there are no draws, or too few."""
    rows = [r for r in _contrasts(trial) if r.get("endpoint") == trial.primary.id]
    asked = (trial.part("sensitivity") or {}).get("arm")
    return next((r for r in rows if r.get("arm") == asked), rows[-1] if rows else None)


def narrowing_words(trial: Finished) -> str:
    """What would narrow the answer, in sentences; empty where it was not studied."""
    row = told(trial)
    if row is None:
        return ""
    found = row["narrowing"]
    of = f"the effect of {plain(row['arm'])} on {the_endpoint(trial, trial.primary)}"
    n, noise, seen = count(found["draws"]), real(found.get("noise")), real(found.get("visible"))
    text = f"Over {n} draws the spread of {of} was held against {count(found['tested'])} uncertain parameters."
    if noise is not None and noise >= 0.01:
        text += f" {percent(noise)} of it is the chance of the people in a draw, which no parameter explains."
    sure = [r for r in found["parameters"] if clear(r)]
    if sure:
        parts = [f"{_parameter(trial, r)} ({percent(r['share'])})" for r in sure[:3]]
        text += f" What would narrow it most, if it were measured: {join(parts)}."
        together = real(found.get("together"))
        if len(sure) > 1 and together is not None:
            text += f" The {count(len(sure))} that stand out explain {percent(together)} together."
    else:
        text += " No single parameter stands out from chance: the uncertainty is spread over many."
    if seen is not None:
        text += f" So many draws cannot tell a share below {percent(seen)} from chance."
    known = [r for r in found["measurements"] if clear(r)]
    if known:
        parts = [f"{_study(trial, r)} ({percent(r['share'])})" for r in known[:2]]
        text += f" Of results that a smaller or earlier study could have: {join(parts)}."
    return text


def narrowing_line(trial: Finished) -> str:
    """The same in one line; empty where it was not studied."""
    row = told(trial)
    if row is None:
        return ""
    found = row["narrowing"]
    sure = [(_parameter(trial, r), r) for r in found["parameters"] if clear(r)][:2]
    known = [(_study(trial, r), r) for r in found["measurements"] if clear(r)][:1]
    parts = [f"{name} ({percent(r['share'])} of the variance over draws)" for name, r in [*sure, *known]]
    if not parts:
        return f"no single parameter stands out from chance in {count(found['draws'])} draws"
    return f"to know {join(parts)}"


def narrowing_figure(trial: Finished) -> Picture | None:
    """The shares of :func:`told`; None where there are none."""
    row = told(trial)
    if row is None:
        return None
    found = row["narrowing"]
    lines = [(_parameter(trial, r), str(r.get("kind")), r) for r in found["parameters"][:MOST_BARS]]
    lines += [(_study(trial, r), "study", r) for r in found["measurements"][: MOST_BARS // 2]]
    if not lines:
        return None
    title = f"{plain(row['arm'])}: {_title(trial)}"
    return narrowing_bars(lines, real(found.get("visible")), title, "narrowing")


def narrowing_bars(lines: Sequence[tuple[str, str, Row]], visible: float | None, title: str, name: str) -> Picture:
    """Bars of shares: each line's label, the kind of its evidence, and its row. ``visible``: the smallest share that
    can be told from chance."""
    labels = [wrapped(label, 42) for label, _, _ in lines]
    lane = 29 if any("\n" in label for label in labels) else 22
    height = 30 + lane * len(lines) + 50
    figure = canvas(WIDTH, height)
    axes = figure.add_axes((280 / WIDTH, 44 / height, (WIDTH - 280 - 110) / WIDTH, lane * len(lines) / height))
    for i, (_, kind, r) in enumerate(lines):
        colour = STUDY if kind == "study" else KIND_COLOURS.get(kind, SOFT)
        share, low, high = (100 * float(r[k]) for k in ("share", "share_low", "share_high"))
        axes.barh([i], [share], color=colour, height=0.66, lw=0, alpha=1.0 if clear(r) else 0.45)
        axes.plot([low, high], [i, i], color=INK, lw=1)
        text = axes.annotate(
            f"{percent(r['share'])} {kind}", (max(high, share), i), (6, 0), textcoords="offset points", va="center"
        )
        text.set(fontsize=9.5, fontweight="bold" if clear(r) else "normal")
    if visible is not None:
        axes.axvline(100 * visible, color=SOFT, lw=0.9, ls=(0, (3, 2)), zorder=1)
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.set_xlim(0, max(15.0, 1.04 * max(100 * float(r["share_high"]) for _, _, r in lines)))
    row_labels(axes, labels)
    axes.set_xlabel("share of the variance over draws that would vanish if it were known (%)")
    figure.text(10 / WIDTH, 1 - 15 / height, wrapped(title, 100, 1), fontsize=11, va="center", fontweight="bold")
    said = [f"{label} {percent(r['share'])}" for label, _, r in lines[:6]]
    return picture(figure, name, f"Share of the variance that knowing it would take away: {', '.join(said)}.")


def narrowing_grid(trial: Finished) -> Grid | None:
    """By arm of the primary endpoint, what would narrow the effect: those that stand out, or the first three."""
    groups = []
    for row in _contrasts(trial):
        if row.get("endpoint") != trial.primary.id:
            continue
        found = row["narrowing"]
        parts = [(_parameter(trial, r), str(r.get("kind")), range_words(r), r) for r in _first(found["parameters"])]
        parts += [(_study(trial, r), "study", NONE, r) for r in _first(found["measurements"], 1)]
        body = [
            [
                name,
                kind,
                known,
                share_words(r),
                percent(math.sqrt(max(1 - float(r["share"]), 0.0))),
                p_value(r["p_adjusted"]),
            ]
            for name, kind, known, r in parts
        ]
        groups.append((plain(row["arm"]), body))
    if not groups:
        return None
    head = ["If it were known", "Known as", "Plausible range (95\u00a0%)", "Variance gone (95 % CI)", "Width left", "p"]
    caption = (
        f"What knowing one thing would take from the variance of the effect over the draws: {_title(trial)}. Width "
        "left: of the interval, as a share of now; p: adjusted for all that was looked at."
    )
    return Grid(caption, head, groups, {0, 1, 2}, "narrowing.csv")


def _contrasts(trial: Finished) -> list[Row]:
    rows = (trial.part("uncertainty") or {}).get("contrasts") or []
    return [r for r in rows if r.get("narrowing") is not None]


def _first(rows: list[Mapping[str, Any]], least: int = 3) -> list[Mapping[str, Any]]:
    sure = [r for r in rows if clear(r)]
    return sure[:MOST_ROWS] if len(sure) > least else rows[:least]


def clear(row: Row) -> bool:
    """Whether it stands out from chance."""
    p = real(row.get("p_adjusted"))
    return p is not None and p < CHANCE


def share_words(row: Row) -> str:
    """A share with its interval."""
    return f"{percent(row['share'])} ({percent(row['share_low'])} to {percent(row['share_high'])})"


def range_words(row: Row) -> str:
    """The range of a parameter over the draws."""
    low, high = real(row.get("low")), real(row.get("high"))
    return NONE if low is None or high is None else with_unit(f"{number(low, 2)} to {number(high, 2)}", row.get("unit"))


def _parameter(trial: Finished, row: Row) -> str:
    return parameter_meaning(trial.assembly.parameters, row)


def parameter_meaning(table: pd.DataFrame, row: Row) -> str:
    """What a parameter is, from the table of parameters of a model."""
    name = plain(row["name"])
    note = table.loc[table["id"] == name.rpartition(".")[2], "note"]
    return meaning(name, " ".join(str(note.iloc[0] or "").split()) if len(note) else "")


def _study(trial: Finished, row: Row) -> str:
    """A result of a study: an effect on another endpoint, or an endpoint's level in the reference arm."""
    found = trial.endpoint_by_id.get(str(row["endpoint"]))
    what = plain(row["endpoint"]) if found is None else the_endpoint(trial, found)
    return f"effect on {what}" if row["what"] == "effect" else f"{what} with {plain(row['arm'])}"


def _title(trial: Finished) -> str:
    return sentence(endpoint_words(trial, trial.primary))[:-1]
