"""The same trial in several conditions: effects side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from leukinetics.report.trial.design_words import endpoint_words
from leukinetics.report.trial.effects import effect_axis, measure_title
from leukinetics.report.trial.folder import Finished, Row
from leukinetics.report.trial.grid import Grid
from leukinetics.report.trial.names import plain
from leukinetics.report.trial.numbers import NONE, count, interval, real
from leukinetics.report.trial.style import SOFT, Picture, canvas, looks, picture, short, wrapped
from leukinetics.report.trial.text import sentence
from leukinetics.report.trial.words import factor

WIDTH, LINE, LEFT = 760, 24, 330
CSV = "conditions.csv"


@dataclass(frozen=True)
class Beside:
    """What the report shows: forests, tables, and each other condition's name and report."""

    pictures: list[Picture]
    who: Grid
    effects: Grid
    reports: list[tuple[str, str]]


def beside(trial: Finished) -> Beside | None:
    """The trial's conditions side by side; None where there is one only."""
    found = trial.part("also")
    if found is None:
        return None
    conditions, rows = list(found["conditions"]), list(found["contrasts"])
    shared = [e for e in dict.fromkeys(r["endpoint"] for r in rows) if _shared(rows, e)]
    return Beside(
        [
            forest([r for r in rows if r["endpoint"] == e], _title(trial, e), trial.unit(e), f"conditions-{i + 1}")
            for i, e in enumerate(shared)
        ],
        _who(conditions),
        _effects(trial, conditions, rows),
        [(plain(c["name"]), f"{c['folder']}/report.html") for c in conditions if c["folder"]],
    )


def elsewhere(trial: Finished) -> str:
    """The primary effect in the other conditions in words, of the arm that power is asked of, else the last one; empty
    where there are none."""
    found = trial.part("also")
    if found is None:
        return ""
    name = trial.primary.id
    rows = [r for r in found["contrasts"] if r["endpoint"] == name and real(r["estimate"]) is not None]
    arms = list(dict.fromkeys(str(r["arm"]) for r in rows))
    if not arms:
        return ""
    asked = (trial.part("power") or {}).get("arm")
    arm = asked if asked in arms else arms[-1]
    parts = []
    for r in (r for r in rows if r["arm"] == arm):
        known = _drawn(r) if real(r["median"]) is not None else r
        parts.append(f"{plain(r['condition'])} {interval(known, factor(r['measure']))}")
    how = "median and 95 % of draws" if any(real(r["median"]) is not None for r in rows) else f"{trial.level} CI"
    measure = measure_title(str(rows[0]["measure"]), trial.unit(name))
    return f"{_title(trial, name)}, {measure} with {plain(arm)} ({how}): {'; '.join(parts)}."


def _shared(rows: list[Row], endpoint: str) -> bool:
    return len({r["condition"] for r in rows if r["endpoint"] == endpoint and real(r["estimate"]) is not None}) > 1


def _who(conditions: list[Row]) -> Grid:
    body = [
        [
            plain(c["name"]),
            *(count(c["patients"].get(k)) for k in ("screened", "enrolled", "failed")),
            count(c.get("n_for_target")),
        ]
        for c in conditions
    ]
    head = ["Condition", "Screened", "Enrolled", "Failed", "Patients per arm for the target power"]
    return Grid("The same trial in several conditions.", head, [("", body)])


def _effects(trial: Finished, conditions: list[Row], rows: list[Row]) -> Grid:
    first = plain(conditions[0]["name"])
    groups: dict[str, list[list[str]]] = {}
    for r in rows:
        e = trial.endpoint_by_id.get(str(r["endpoint"]))
        own = plain(str(r["endpoint"]).replace("_", " "))
        title = own if e is None else sentence(endpoint_words(trial, e))[:-1]
        title += f": {measure_title(str(r['measure']), trial.unit(str(r['endpoint'])))}"
        scale = factor(r["measure"])
        groups.setdefault(title, []).append(
            [
                plain(r["arm"]), plain(r["condition"]), interval(r, scale), interval(_drawn(r), scale),
                interval(_drawn(r["apart"] | {"measure": r["measure"]}), scale) if r.get("apart") else NONE,
            ]
        )  # fmt: skip
    ordered = {t: sorted(cells, key=lambda c: trial.arms.index(c[0]) if c[0] in trial.arms else 99) for t, cells in
               groups.items()}  # fmt: skip
    head = [
        "Arm", "Condition", f"Fitted values ({trial.level} CI)", "Median of draws (95\u00a0% of them)",
        f"From {short(first, 40)}, draw by draw",
    ]  # fmt: skip
    caption = (
        "Effects in each condition. The last column is how far they are apart over the draws of what is uncertain, the "
        "same in both; quotients of ratios."
    )
    return Grid(caption, head, list(ordered.items()), {0, 1}, CSV)


def _drawn(row: Row) -> Row:
    keys = {"estimate": "median", "ci_low": "low", "ci_high": "high"}
    return {"measure": row["measure"], **{k: row.get(v) for k, v in keys.items()}}


def _title(trial: Finished, endpoint: str) -> str:
    e = trial.endpoint_by_id.get(endpoint)
    return sentence(endpoint_words(trial, e))[:-1] if e is not None else plain(endpoint)


def forest(rows: Sequence[Row], title: str, unit: Any, name: str) -> Picture:
    """An endpoint's rows of ``also`` by arm, within it by condition: the draws' median and interval as circle and line,
    fitted values as a diamond (with their confidence interval where there are no draws)."""
    measure = str(rows[0]["measure"])
    scale = factor(measure)
    arms = list(dict.fromkeys(r["arm"] for r in rows))
    conditions = list(dict.fromkeys(str(r["condition"]) for r in rows))
    look = looks([*conditions, ""], "")
    lines = [r for arm in arms for r in rows if r["arm"] == arm]
    top, height = 66, 66 + LINE * len(lines) + 58
    figure = canvas(WIDTH, height)
    axes = figure.add_axes((LEFT / WIDTH, 54 / height, 0.33, LINE * len(lines) / height))
    seen = [v * scale for r in lines for k in ("estimate", "ci_low", "ci_high", "low", "high") if
            (v := real(r.get(k))) is not None]  # fmt: skip
    effect_axis(axes, seen, measure)
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(measure_title(measure, unit))
    figure.text(10 / WIDTH, 1 - 16 / height, short(title, 95), fontsize=11, fontweight="bold", va="center")
    drawn = any(real(r.get("median")) is not None for r in rows)
    key = "circle and line: median and 95 % of the draws; diamond: fitted values"
    key = key if drawn else "diamond and line: fitted values with their confidence interval"
    figure.text(10 / WIDTH, 1 - (top - 28) / height, key, fontsize=9.5, color=SOFT, va="center")
    said = []
    for i, r in enumerate(lines):
        colour = look[str(r["condition"])].colour
        if i == 0 or lines[i - 1]["arm"] != r["arm"]:
            _left(axes, i, wrapped(r["arm"], 22, 2), 10, bold=True)
            if i:
                axes.axhline(i - 0.5, color="#d0d7de", lw=0.8, xmin=-(LEFT - 10) / (0.33 * WIDTH), clip_on=False)
        _left(axes, i, short(r["condition"], 32), 150, bold=False)
        low, median, high = (real(r.get(k)) for k in ("low", "median", "high"))
        if median is None and (ci := [v for k in ("ci_low", "ci_high") if (v := real(r.get(k))) is not None]):
            axes.plot([v * scale for v in ci], [i] * len(ci), color=colour, lw=1.5)
        if low is not None and high is not None and median is not None:
            axes.plot([low * scale, high * scale], [i, i], color=colour, lw=2.2, solid_capstyle="round")
            axes.plot([median * scale], [i], "o", color=colour, ms=6.5, mew=0)
        if (fitted := real(r["estimate"])) is not None:
            axes.plot([fitted * scale], [i], "D", mfc="white", mec="#1f2328", ms=4.5, mew=1)
        told = interval(_drawn(r) if median is not None else r, scale)
        axes.annotate(told, (1.03, i), xycoords=("axes fraction", "data"), va="center", fontsize=9.5)
        said.append(f"{plain(r['arm'])}, {plain(r['condition'])}: {told}")
    return picture(figure, name, f"{title}. {'; '.join(said)}.")


def _left(axes: Any, i: int, text: str, x: float, *, bold: bool) -> None:
    axes.annotate(
        text, (x / WIDTH, i), xycoords=("figure fraction", "data"), va="center", fontsize=10 if bold else 9.5,
        fontweight="bold" if bold else "normal", annotation_clip=False,
    )  # fmt: skip
