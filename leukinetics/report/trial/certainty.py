"""What the effect's uncertainty comes from, and which assumptions it leans on."""

from __future__ import annotations

from typing import Any

from leukinetics.report.trial.axes import row_labels
from leukinetics.report.trial.design_words import endpoint_words
from leukinetics.report.trial.effects import effect_axis, measure_title
from leukinetics.report.trial.folder import Finished, Row
from leukinetics.report.trial.names import meaning, plain
from leukinetics.report.trial.numbers import MEASURES, RATIOS, SHARES, number, percent, real
from leukinetics.report.trial.style import INK, KIND_COLOURS, SOFT, Look, Picture, canvas, picture, short, wrapped
from leukinetics.report.trial.text import sentence
from leukinetics.report.trial.words import drawn, factor, measure_unit
from leukinetics.trial.studies.indices import LEADING

WIDTH, MOST_BARS = 760, 15


def uncertainty_figures(trial: Finished, arms: dict[str, Look]) -> list[Picture]:
    """Of the primary endpoint (or the first there is): the effect in each draw of the parameters, against its interval
    from sampling patients."""
    rows = [r for r in (trial.part("uncertainty") or {}).get("contrasts") or [] if _numbers(r)]
    keys = list(dict.fromkeys((str(r.get("endpoint")), str(r.get("measure"))) for r in rows))
    primary = trial.primary.id
    keys.sort(key=lambda k: k[0] != primary)
    return [
        _uncertainty(trial, key, [r for r in rows if (str(r.get("endpoint")), str(r.get("measure"))) == key], arms, i)
        for i, key in enumerate(keys[:1])
    ]


def _numbers(row: Row) -> list[float]:
    return [v for v in map(real, row.get("values") or []) if v is not None]


def _uncertainty(trial: Finished, key: tuple[str, str], rows: list[Row], arms: dict[str, Look], i: int) -> Picture:
    endpoint, measure = key
    scale = factor(measure)
    lane = 64
    height = 34 + lane * len(rows) + 44
    figure = canvas(WIDTH, height)
    axes = figure.add_axes((150 / WIDTH, 40 / height, (WIDTH - 150 - 205) / WIDTH, lane * len(rows) / height))
    main = {str(c.get("arm")): c for c in trial.main_contrasts(endpoint)}
    seen = [scale * v for r in rows for v in _numbers(r)]
    for r in rows:
        seen += [
            scale * v for k in ("ci_low", "ci_high") if (v := real(main.get(str(r["arm"]), {}).get(k))) is not None
        ]
    effect_axis(axes, seen, measure)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks(range(len(rows)), [wrapped(r["arm"], 20, 3) for r in rows], fontweight="bold")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    said = []
    for y, r in enumerate(rows):
        look = arms.get(str(r["arm"]), Look(INK, "-", "o"))
        values = sorted(_numbers(r))
        seen_range = drawn(r)
        low, high = real(seen_range["ci_low"]), real(seen_range["ci_high"])
        if low is not None and high is not None:
            axes.plot([scale * low, scale * high], [y - 0.16] * 2, color=look.colour, lw=1.4)
        # Neighbours are set off in turn, so that draws that agree can be counted.
        offsets = [(-0.16, -0.24, -0.08)[k % 3] for k in range(len(values))]
        axes.plot(
            [scale * v for v in values], [y + o for o in offsets], "o", color=look.colour, ms=4, mew=0, alpha=0.75
        )
        c = main.get(str(r["arm"]))
        if c is not None and real(c.get("ci_low")) is not None and real(c.get("ci_high")) is not None:
            axes.plot([scale * c["ci_low"], scale * c["ci_high"]], [y + 0.2] * 2, color=SOFT, lw=1.4)
            axes.plot([scale * c["estimate"]], [y + 0.2], "D", color=SOFT, ms=5, mew=0)
        share = real(r.get("share_parameters"))
        axes.text(
            1.03,
            y - 0.16,
            f"model: {len(values)} draws",
            transform=axes.get_yaxis_transform(),
            va="center",
            color=INK,
            fontsize=9.5,
        )
        axes.text(
            1.03,
            y + 0.2,
            f"fitted values: {trial.level} CI",
            transform=axes.get_yaxis_transform(),
            va="center",
            color=SOFT,
            fontsize=9.5,
        )
        if share is not None:
            said.append(f"{plain(r['arm'])}: {percent(share)} of the variance from parameters")
    axes.set_xlabel(measure_title(measure, trial.estimate(str(rows[0]["arm"]), endpoint).get("unit")))
    title = _endpoint(trial, endpoint)
    figure.text(10 / WIDTH, 1 - 16 / height, short(title, 90), fontsize=11, fontweight="bold", va="center")
    message = f"Effect over draws of the parameters: {title}. {'; '.join(said)}."
    return picture(figure, f"uncertainty-{i + 1}", message)


def influence(row: Row) -> float:
    """How much a parameter matters: mu* of Morris, Sobol's total index, or its swing in a tornado."""
    found = _leading(row)
    return 0.0 if found is None else found


def _leading(row: Row) -> float | None:
    return next((real(row[name]) for name in LEADING.values() if name in row), None)


def sensitivity_figure(trial: Finished) -> Picture | None:
    """The parameters that the effect depends on most, coloured by how they are known; None where not studied."""
    found = trial.part("sensitivity")
    rows = [r for r in (found or {}).get("parameters") or [] if _leading(r) is not None]
    if found is None or not rows:
        return None
    rows = sorted(rows, key=lambda r: -influence(r))[:MOST_BARS]
    sobol, tornado = "ST" in rows[0], "swing" in rows[0]
    measure = str(found.get("measure", "difference"))
    scale = 1.0 if sobol else factor(measure)
    labels = [wrapped(meaning(plain(r["name"]), _note(trial, str(r["name"]))), 40) for r in rows]
    lane = 29 if any("\n" in label for label in labels) else 22
    height = 30 + lane * len(rows) + 50
    figure = canvas(WIDTH, height)
    axes = figure.add_axes((270 / WIDTH, 44 / height, (WIDTH - 270 - 140) / WIDTH, lane * len(rows) / height))
    if tornado:
        _tornado(axes, rows, real(found.get("base")), measure, scale)
    for i, r in enumerate(rows if not tornado else ()):
        _bar(axes, i, r, sobol, scale)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    row_labels(axes, labels)
    if tornado:
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(measure_title(measure, trial.unit(str(found.get("endpoint")))))
    else:
        axes.set_xlim(left=0)
        axes.locator_params(axis="x", nbins=6)
        axes.set_xlabel(
            "Sobol's index (dark: first order; light: total)"
            if sobol
            else f"μ*: how far the effect moves, {_moves(trial, found, measure)}"
        )
    figure.text(
        10 / WIDTH, 1 - 15 / height, "Parameters, by how they are known", fontsize=11, va="center", fontweight="bold"
    )
    said = [
        f"{label} ({plain(r.get('kind'))}) {number(influence(r) * scale)}"
        for label, r in zip(labels[:6], rows, strict=False)
    ]
    return picture(figure, "sensitivity", f"The effect depends most on {', '.join(said)}.")


def _note(trial: Finished, name: str) -> str:
    """What the model's table notes of a parameter."""
    table = trial.assembly.parameters
    found = table.loc[table["id"] == name.rpartition(".")[2], "note"]
    return " ".join(str(found.iloc[0] or "").split()) if len(found) else ""


def _moves(trial: Finished, found: Row, measure: str) -> str:
    """The unit of the influence of parameters."""
    if measure in ("percent_difference", *SHARES):
        return "percentage points"
    if measure in RATIOS:
        return f"in the {MEASURES[measure]}"
    return measure_unit(measure, trial.unit(str(found.get("endpoint")))).strip() or "in units of the endpoint"


def _sign(row: Row) -> str:
    """Which way a larger parameter moves the effect: + up, − down, ± both; empty where that is not known."""
    mu = real(row.get("mu"))
    if mu is None or influence(row) == 0:
        return ""
    return "±" if abs(mu) < 0.5 * influence(row) else "+" if mu > 0 else "−"


def _bar(axes: Any, i: int, row: Row, sobol: bool, scale: float) -> None:
    kind = str(row.get("kind"))
    colour = KIND_COLOURS.get(kind, SOFT)
    value = influence(row) * scale
    axes.barh([i], [value], alpha=0.45 if sobol else 1.0, color=colour, height=0.66, lw=0)
    first = real(row.get("S1"))
    if sobol and first is not None:
        axes.barh([i], [max(first, 0.0)], color=colour, height=0.66, lw=0)
    spread = real(row.get("ST_ci" if sobol else "mu_star_ci"))
    if spread is not None:
        axes.plot([max(value - spread * scale, 0.0), value + spread * scale], [i, i], color=INK, lw=1)
    end = (value + (spread or 0.0) * scale, i)
    said = f"{_sign(row)}{number(value, 2)} {plain(row.get('kind'))}"
    weight = "bold" if kind == "assumed" else "normal"
    axes.annotate(said, end, (6, 0), textcoords="offset points", va="center", fontsize=9.5, fontweight=weight)


def _tornado(axes: Any, rows: list[Row], base: float | None, measure: str, scale: float) -> None:
    """Bars from the effect at the low end of each parameter's range to that at the high end, which has a dot."""
    ends = [(scale * float(r["effect_low"]), scale * float(r["effect_high"])) for r in rows]
    effect_axis(axes, [*(v for both in ends for v in both), *([] if base is None else [scale * base])], measure, False)
    if base is not None:
        axes.axvline(scale * base, color=SOFT, lw=0.9, zorder=1)
    for i, (r, (low, high)) in enumerate(zip(rows, ends, strict=True)):
        kind = str(r.get("kind"))
        colour = KIND_COLOURS.get(kind, SOFT)
        axes.plot([low, high], [i, i], color=colour, lw=9, solid_capstyle="butt", zorder=2)
        axes.plot([high], [i], "o", color=INK, ms=4.5, mew=0, zorder=3)
        weight = "bold" if kind == "assumed" else "normal"
        axes.annotate(
            f"{number(low, 2)} to {number(high, 2)} {plain(kind)}",
            (1.0, i),
            (8, 0),
            xycoords=axes.get_yaxis_transform(),
            textcoords="offset points",
            va="center",
            fontsize=9.5,
            fontweight=weight,
        )


def _endpoint(trial: Finished, name: str) -> str:
    found = trial.endpoint_by_id.get(name)
    return sentence(plain(name) if found is None else endpoint_words(trial, found))[:-1]
