"""Figures of a cohort: who is detected, the levels, and everything against the limit of detection."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from leukinetics.cohort.detection import detected
from leukinetics.report.cohort.folder import FinishedCohort, Row
from leukinetics.report.trial.axes import set_log
from leukinetics.report.trial.numbers import MEASURES, RATIOS, count, interval, number, percent, real, unit_text
from leukinetics.report.trial.style import INK, RULE, SOFT, Look, Picture, canvas, picture, short

#: The band of the draws, and of the people.
DRAWS, PEOPLE = "#d55e00", "#1f5f99"
#: Outcomes, in turn.
LATER = ("#56b4e9", "#8a6d00", "#7a3e9d")
WIDTH = 760
#: Where fewer than this share of people is detected, or not, an axis need not show the whole interval.
FEW = 0.04


def detection_figure(c: FinishedCohort) -> Picture:
    """The share detected in each group, with Wilson's interval."""
    rows, looks = c.summary["groups"], c.looks()
    lane = 30
    height = 24 + lane * len(rows) + 48
    figure = canvas(WIDTH, height)
    axes = figure.add_axes((130 / WIDTH, 44 / height, (WIDTH - 130 - 150) / WIDTH, lane * len(rows) / height))
    for i, r in enumerate(rows):
        look = looks[r["name"]]
        axes.barh([i], [100 * r["share"]], color=look.colour, alpha=0.85, height=0.62, lw=0)
        axes.plot([100 * r["ci_low"], 100 * r["ci_high"]], [i, i], color=INK, lw=1.2)
        said = f"{percent(r['share'])}  ({count(r['detected'])} of {count(r['n'])})"
        axes.annotate(said, (100 * r["ci_high"], i), (7, 0), textcoords="offset points", va="center")
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks(range(len(rows)), [short(r["name"], 18) for r in rows])
    axes.tick_params(axis="y", length=0)
    axes.set_xlim(0, 100 * max(r["ci_high"] for r in rows))
    axes.set_xlabel(f"people with {c.marker} of {c.summary['limit']:g} {unit_text(c.unit)} or more (%)")
    told = [f"{r['name']} {percent(r['share'])}" for r in rows]
    return picture(figure, "detection", f"Share of people with detectable {c.marker}: {', '.join(told)}.")


def strip_figure(c: FinishedCohort) -> Picture:
    """Every person's level by group; open below the limit, where a laboratory would report none."""
    rows, looks = c.summary["groups"], c.looks()
    height = 360
    figure = canvas(WIDTH, height)
    axes = figure.add_axes((66 / WIDTH, 34 / height, (WIDTH - 66 - 110) / WIDTH, (height - 34 - 20) / height))
    limit = float(c.summary["limit"])
    values, found = c.people["marker"].to_numpy(dtype=float), detected(c.people, limit)
    for i, r in enumerate(rows):
        mine = np.flatnonzero((c.people["group"] == r["name"]).to_numpy())
        mine = mine[np.argsort(values[mine], kind="stable")]
        x, seen = values[mine], found[mine]
        # Places beside each other that do not depend on a random number: the golden ratio fills evenly.
        place = i + 0.62 * ((np.arange(len(x)) * 0.6180339887) % 1.0 - 0.5)
        look = looks[r["name"]]
        axes.plot(place[seen], x[seen], "o", color=look.colour, ms=3.6, mew=0)
        axes.plot(place[~seen], x[~seen], "o", mfc="none", mec=look.colour, ms=3.2, mew=0.6, alpha=0.55)
        mean = real((r["level"] or {}).get("geometric_mean"))
        if mean is not None:
            axes.plot([i - 0.36, i + 0.36], [mean, mean], color=INK, lw=2)
    axes.axhline(limit, color=SOFT, lw=1, ls=(0, (4, 2)))
    axes.annotate(
        f"limit\n{limit:g} {unit_text(c.unit)}", (1.0, limit), (8, 0), xycoords=axes.get_yaxis_transform(),
        textcoords="offset points", va="center", color=SOFT,
    )  # fmt: skip
    set_log(axes, "y", float(values.min()) / 1.15, float(values.max()) * 1.15)
    axes.set_xticks(range(len(rows)), [short(r["name"], 18) for r in rows])
    axes.set_xlim(-0.5, len(rows) - 0.5)
    axes.tick_params(axis="x", length=0)
    axes.set_ylabel(f"{c.marker} ({unit_text(c.unit)})")
    return picture(figure, "levels", f"Levels of {c.marker} by group, with the limit at {limit:g} {c.unit}.")


def shares_figure(c: FinishedCohort) -> Picture:
    """The share detected in each group against the limit, in the cohort itself."""
    points, looks = c.summary["curve"], c.looks()
    x = [float(p["limit"]) for p in points]
    figure, axes = _panel(c, x, "people detected (%)")
    names = [r["name"] for r in points[0]["groups"]]
    for name in names:
        y = [100 * next(r["share"] for r in p["groups"] if r["name"] == name) for p in points]
        look = looks[name]
        axes.plot(x, y, color=look.colour, ls=look.dash, lw=1.8)
    axes.set_ylim(0, 100)
    axes.legend(
        [axes.lines[i + 1] for i in range(len(names))], [short(n, 18) for n in names], frameon=False, fontsize=10
    )
    return picture(figure, "shares-limit", "Share of people detected in each group against the limit of the assay.")


def effect_figure(c: FinishedCohort, what: str, group: str, title: str, outcome: str = "") -> Picture | None:
    """A comparison against the limit: the cohort with its interval over people, and the draws' interval over
    parameters; None where the cohort has no estimate at any limit."""
    own, drawn = _own(c, what, group, outcome), _drawn(c, what, group, outcome)
    known = [r for r in own if real(r.get("estimate")) is not None]
    if not known:
        return None
    measure = str(known[0]["measure"])
    x = [float(r["limit"]) for r in own]
    name = measure if measure in RATIOS else "difference"
    figure, axes = _panel(c, x, MEASURES.get(name, name))
    both = [r for r in known if real(r.get("ci_low")) is not None and real(r.get("ci_high")) is not None]
    inner = {p["limit"] for p in c.summary["curve"] if FEW <= p["detected"] <= 1 - FEW}
    axes.fill_between(
        [r["limit"] for r in both], [r["ci_low"] for r in both], [r["ci_high"] for r in both], color=PEOPLE, alpha=0.13,
        lw=0,
    )  # fmt: skip
    axes.plot([r["limit"] for r in known], [r["estimate"] for r in known], color=PEOPLE, marker="o", ms=4, mew=0)
    seen = [v for r in both if r["limit"] in inner for v in (r["ci_low"], r["ci_high"])]
    seen += [r["estimate"] for r in known if r["limit"] in inner]
    if drawn:
        for r in drawn:
            axes.plot([r["limit"]] * 2, [r["low"], r["high"]], color=DRAWS, lw=2.4, alpha=0.55, solid_capstyle="butt")
        axes.plot([r["limit"] for r in drawn], [r["median"] for r in drawn], "D", color=DRAWS, ms=4.5, mew=0)
        seen += [v for r in drawn if r["limit"] in inner for v in (r["low"], r["high"])]
    _scale(axes, measure, seen)
    axes.set_title(title, loc="left", x=-0.09, fontweight="bold", pad=9)
    at = next((r for r in known if r["limit"] == c.summary["limit"]), known[len(known) // 2])
    said = f"{title}, {MEASURES.get(name, name)} at a limit of {number(at['limit'])} {c.unit}: {interval(at)}."
    slug = "-".join(t.lower().replace(" ", "-") for t in (what, group, outcome) if t)
    return picture(figure, f"limit-{slug}", said)


def chance_figure(c: FinishedCohort) -> Picture | None:
    """How often a study of this size would find what was published, against the limit."""
    rows = [r for r in c.summary["chances"] if real(r.get("chance")) is not None]
    if not rows:
        return None
    keys = list(dict.fromkeys((r["of"], r["group"], r["outcome"]) for r in rows))
    limits = sorted({float(r["limit"]) for r in rows})
    figure, axes = _panel(c, limits, "studies that would find it (%)", width=WIDTH, right=230)
    looks = c.looks()
    said = []
    for place, (of, group, outcome) in enumerate(keys):
        mine = [r for r in rows if (r["of"], r["group"], r["outcome"]) == (of, group, outcome)]
        look = _look(of, looks.get(str(group)), outcome, place)
        text = _finding(c, of, group, outcome)
        x_of, y_of = [r["limit"] for r in mine], [100 * r["chance"] for r in mine]
        axes.plot(x_of, y_of, color=look.colour, ls=look.dash, lw=1.8, label=text)
        now = next((r["chance"] for r in mine if r["limit"] == c.summary["limit"]), mine[0]["chance"])
        said.append(f"{text}: {percent(now)}")
    axes.set_ylim(0, 101)
    axes.legend(frameon=False, fontsize=9.5, loc="center left", bbox_to_anchor=(1.01, 0.5))
    at = f"At a limit of {c.summary['limit']:g} {c.unit}, chance of a study of this size to find"
    return picture(figure, "chances", f"{at} {'; '.join(said)}.")


def level_figure(c: FinishedCohort) -> Picture:
    """The geometric mean by the censored likelihood, and with half the limit put in place of what is below it."""
    points = c.summary["curve"]
    x = [float(p["limit"]) for p in points]
    figure, axes = _panel(c, x, f"geometric mean ({unit_text(c.unit)})")
    seen = []
    for i, colour in enumerate((PEOPLE, SOFT)):
        rows = [{"limit": p["limit"], **p["levels"][i]} for p in points]
        known = [r for r in rows if real(r["geometric_mean"]) is not None]
        low, high = ([r[k] for r in known] for k in ("ci_low", "ci_high"))
        axes.fill_between([r["limit"] for r in known], low, high, color=colour, alpha=0.13, lw=0)
        axes.plot([r["limit"] for r in known], [r["geometric_mean"] for r in known], color=colour, lw=1.8)
        axes.plot(x, [r["half_limit"] for r in rows], color=colour, lw=1.4, ls=(0, (2, 1.6)))
        # An interval from a handful of detected levels would squeeze all others.
        shown = [r for r in known if r["ci_high"] < 12 * r["ci_low"]]
        seen += [v for r in shown for v in (r["ci_low"], r["ci_high"])] + [r["half_limit"] for r in rows]
    set_log(axes, "y", min(seen) / 1.08, max(seen) * 1.08)
    names = [f"{points[0]['levels'][i]['group']}, {how}" for i in (0, 1) for how in ("censored", "half the limit")]
    axes.legend(axes.lines[1:], names, frameon=False, fontsize=9.5)
    return picture(
        figure, "levels-limit", "Geometric mean of the marker against the limit, by two ways to deal with it."
    )


def _panel(c: FinishedCohort, x: Sequence[float], label: str, width: int = 400, right: int = 20) -> tuple[Any, Any]:
    """Axes over the limit, with a line at the cohort's own."""
    height = 290
    figure = canvas(width, height)
    axes = figure.add_axes((58 / width, 48 / height, (width - 58 - right) / width, (height - 48 - 32) / height))
    axes.axvline(float(c.summary["limit"]), color=RULE, lw=6, zorder=0)
    set_log(axes, "x", min(x), max(x))
    axes.set_xlabel(f"limit of detection ({unit_text(c.unit)})")
    axes.set_ylabel(label)
    return figure, axes


def _scale(axes: Any, measure: str, seen: list[float]) -> None:
    """Limits of an axis of effects, with "no difference"."""
    good = [v for v in seen if math.isfinite(v)]
    if measure in RATIOS:
        low, high = min([*good, 1.0]), max([*good, 1.0])
        set_log(axes, "y", max(low, 0.05) / 1.06, min(high, 40.0) * 1.06)
        axes.axhline(1.0, color=SOFT, lw=0.9, zorder=1)
        return
    low, high = min([*good, 0.0]), max([*good, 0.0])
    axes.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))
    axes.axhline(0.0, color=SOFT, lw=0.9, zorder=1)


def _own(c: FinishedCohort, what: str, group: str, outcome: str) -> list[Row]:
    key = {"control": "contrasts"}.get(what, what)
    return [
        {"limit": p["limit"], **r}
        for p in c.summary["curve"]
        for r in p[key]
        if r["group"] == group and r.get("outcome", "") == outcome
    ]


def _drawn(c: FinishedCohort, what: str, group: str, outcome: str) -> list[Row]:
    rows = (c.summary.get("uncertainty") or {}).get("curve") or []
    return [
        r
        for r in rows
        if (r["what"], r["group"], r.get("outcome", "")) == (what, group, outcome) and real(r["low"]) is not None
    ]


def _look(of: str, group: Look | None, outcome: str | None, place: int) -> Look:
    if of == "groups":
        return Look(SOFT, (0, (2, 1.2)), "o")
    if of == "activity" or group is None:
        return Look(INK, "-", "o")
    return group if outcome is None else Look(LATER[place % len(LATER)], (0, (1, 1.2)), "o")


def _finding(c: FinishedCohort, of: str, group: Any, outcome: str | None) -> str:
    if of == "groups":
        return "no difference among patients"
    if of == "prognosis":
        return f"{group}: later {outcome or 'outcome'}"
    return f"{group}: active against quiet" if of == "activity" else f"{group} against {c.control}"
