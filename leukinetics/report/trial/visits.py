"""Repeated measures: the estimates of each arm at each visit."""

from __future__ import annotations

from leukinetics.report.trial.axes import end_labels, set_log, set_time, time_axis
from leukinetics.report.trial.design_words import endpoint_words
from leukinetics.report.trial.folder import Finished, Row
from leukinetics.report.trial.names import plain
from leukinetics.report.trial.numbers import duration, interval, real, unit_text
from leukinetics.report.trial.style import SOFT, Look, Picture, canvas, picture, short, wrapped
from leukinetics.report.trial.text import sentence


def visit_figures(trial: Finished, arms: dict[str, Look]) -> list[tuple[str, Picture]]:
    """(title, picture) of each endpoint that was analysed at several visits."""
    found: list[tuple[str, Picture]] = []
    for e in trial.protocol.endpoint:
        rows = {a: trial.estimate(a, e.id).get("visits") or [] for a in trial.arms}
        rows = {a: [v for v in r if real(v.get("estimate")) is not None] for a, r in rows.items()}
        rows = {a: r for a, r in rows.items() if r}
        if rows:
            title = sentence(endpoint_words(trial, e))
            found.append((title, _draw(trial, e.id, title, rows, arms, f"visits-{len(found) + 1}")))
    return found


def _draw(
    trial: Finished, endpoint: str, title: str, rows: dict[str, list[Row]], arms: dict[str, Look], name: str
) -> Picture:
    end = trial.protocol.trial.duration
    axis = time_axis(end)
    unit = next((u for a in rows if (u := trial.estimate(a, endpoint).get("unit"))), "")
    figure = canvas(560, 320)
    axes = figure.add_axes((0.12, 0.15, 0.68, 0.75))
    ends = [
        v
        for r in rows.values()
        for p in r
        for k in ("ci_low", "ci_high", "estimate")
        if (v := real(p.get(k))) is not None
    ]
    set_time(axes, axis, end)
    if unit == "fold" and min(ends) > 0:
        set_log(axes, "y", min(ends) / 1.05, max(ends) * 1.05)
        axes.axhline(1.0, color=SOFT, lw=0.8)
    else:
        gap = (max(ends) - min(ends)) or 1.0
        axes.set_ylim(min(ends) - 0.06 * gap, max(ends) + 0.06 * gap)
        axes.yaxis.set_major_formatter(lambda v, _: f"{v:,.10g}".replace("-", "−"))
        if min(ends) < 0 < max(ends):
            axes.axhline(0.0, color=SOFT, lw=0.8)
    step = 0.006 * end / axis.days
    for i, (arm, visits) in enumerate(rows.items()):
        look = arms[arm]
        shift = (i - (len(rows) - 1) / 2) * step  # so that intervals do not hide each other
        x = [v["time"] / axis.days + shift for v in visits]
        axes.plot(
            x,
            [v["estimate"] for v in visits],
            look.marker,
            color=look.colour,
            ls=look.dash,
            ms=4.5,
            mew=0,
            clip_on=False,
        )
        for at, visit in zip(x, visits, strict=True):
            if real(visit.get("ci_low")) is not None and real(visit.get("ci_high")) is not None:
                axes.plot([at, at], [visit["ci_low"], visit["ci_high"]], color=look.colour, lw=1.1, clip_on=False)
    last = [float(r[-1]["estimate"]) for r in rows.values()]
    end_labels(
        axes,
        float(axes.get_xlim()[1]),
        last,
        [wrapped(a, 14) if len(rows) <= 6 else short(a, 18) for a in rows],
        [arms[a].colour for a in rows],
    )
    shown = unit_text(unit)
    axes.set_title(f"Estimate{f' ({shown})' if shown else ''}", loc="left", x=-0.1, fontweight="bold", pad=9)
    said = [f"{plain(a)} {interval(r[-1])} at {duration(r[-1]['time'])}" for a, r in rows.items()]
    return picture(figure, name, f"{title} {'; '.join(said)}.")
