"""Power and assurance against the size of an arm, and what asking for a biomarker at screening would cost."""

from __future__ import annotations

from leukinetics.report.trial.axes import set_log
from leukinetics.report.trial.design_words import endpoint_words
from leukinetics.report.trial.effects import measure_title
from leukinetics.report.trial.folder import Finished, Row
from leukinetics.report.trial.names import plain
from leukinetics.report.trial.numbers import count, number, percent, real, unit_text
from leukinetics.report.trial.style import INK, SOFT, Picture, canvas, picture
from leukinetics.report.trial.words import factor

BLUE, ORANGE = "#1f5f99", "#b3480a"


def power_figure(trial: Finished) -> Picture | None:
    """The power curve; None where power was not studied."""
    found = trial.part("power")
    curve = [p for p in (found or {}).get("curve") or [] if real(p.get("power")) is not None]
    if found is None or not curve:
        return None
    curve = sorted(curve, key=lambda p: p["n_per_arm"])
    x = [p["n_per_arm"] for p in curve]
    figure = canvas(560, 320)
    axes = figure.add_axes((0.11, 0.16, 0.7, 0.74))
    band = [p for p in curve if real(p.get("power_low")) is not None and real(p.get("power_high")) is not None]
    axes.fill_between(
        [p["n_per_arm"] for p in band],
        [100 * p["power_low"] for p in band],
        [100 * p["power_high"] for p in band],
        color=BLUE,
        alpha=0.16,
        lw=0,
    )
    axes.plot(x, [100 * p["power"] for p in curve], "o-", color=BLUE, ms=4.5, mew=0)
    sure = [p for p in curve if real(p.get("assurance")) is not None]
    if sure:
        y = [100 * p["assurance"] for p in sure]
        axes.plot([p["n_per_arm"] for p in sure], y, "s", color=ORANGE, ls=(0, (5, 2)), ms=4.5, mew=0)
    places = [100 * curve[-1]["power"], 100 * sure[-1]["assurance"] if sure else 0.0]
    if sure and abs(places[0] - places[1]) < 6:
        middle = sum(places) / 2
        places = [middle + 3, middle - 3] if places[0] >= places[1] else [middle - 3, middle + 3]
    axes.text(1.025, places[0] / 102, "power", transform=axes.transAxes, color=BLUE, va="center")
    if sure:
        axes.text(1.025, places[1] / 102, "assurance", transform=axes.transAxes, color=ORANGE, va="center")
    target, n = real(found.get("target")), real(found.get("n_for_target"))
    if target is not None:
        axes.axhline(100 * target, color=SOFT, lw=0.8, ls=(0, (3, 2)), zorder=1)
    if n is not None and target is not None and x[0] <= n <= x[-1]:
        axes.plot([n, n], [0, 100 * target], color=SOFT, lw=0.8, ls=(0, (3, 2)), zorder=1)
        axes.annotate(
            f"{'at most ' if n <= x[0] else ''}{count(n)} per arm",
            (n, 0),
            (5, 7),
            textcoords="offset points",
            fontsize=10,
            color=INK,
        )
    axes.set_ylim(0, 102)
    if len(x) > 1 and x[0] > 0 and x[-1] / x[0] > 3:
        set_log(axes, "x", x[0] * 0.93, x[-1] * 1.07)
        axes.set_xticks(x, [count(v) for v in x])
    else:
        axes.set_xticks(x, [count(v) for v in x])
    axes.yaxis.set_major_formatter(lambda v, _: f"{v:.0f} %")
    axes.set_xlabel("patients per arm")
    axes.set_title("Chance of a significant result", loc="left", x=-0.1, fontweight="bold", pad=9)
    said = [f"{count(p['n_per_arm'])} per arm {percent(p['power'])}" for p in curve]
    reach = f" {percent(target)} is reached with {count(n)} per arm." if n is not None and target is not None else ""
    return picture(figure, "power", f"Power: {', '.join(said)}.{reach}")


def marker_of(trial: Finished, row: Row) -> str:
    """The biomarker of a threshold of enrichment."""
    first = trial.protocol.power.biomarker if trial.protocol.power else None
    return str(row.get("biomarker") or first or "biomarker")


def marker_words(trial: Finished, biomarker: str) -> str:
    """What a reader calls a biomarker, and when it is measured where a criterion or its name says so."""
    visit, dot, observable = biomarker.partition(".")
    visit = visit if dot else "screening" if biomarker in trial.protocol.eligibility else ""
    return f"{trial.label(observable or biomarker)}{f' at {visit}' if visit else ''}"


def enrichment_figures(trial: Finished) -> list[Picture]:
    """Effect and cost against the threshold asked for, by biomarker; none of those with a single threshold."""
    found = trial.part("power") or {}
    groups: dict[str, list[Row]] = {}
    for r in found.get("enrichment") or []:
        if real(r.get("threshold")) is not None:
            groups.setdefault(marker_of(trial, r), []).append(r)
    return [
        _enrichment(trial, found, biomarker, rows, f"enrichment-{k + 1}" if k else "enrichment")
        for k, (biomarker, rows) in enumerate(groups.items())
        if len(rows) > 1
    ]


def _enrichment(trial: Finished, found: Row, biomarker: str, rows: list[Row], name: str) -> Picture:
    measure = next((str(c.get("measure")) for c in trial.main_contrasts(str(found.get("endpoint")))), "difference")
    scale = factor(measure)
    figure = canvas(700, 270)
    left = figure.add_axes((0.085, 0.2, 0.38, 0.65))
    right = figure.add_axes((0.6, 0.2, 0.38, 0.65))
    places = range(len(rows))
    for i, r in zip(places, rows, strict=True):
        low, e, high = (real(r.get(k)) for k in ("ci_low", "effect", "ci_high"))
        if low is not None and high is not None:
            left.plot([i, i], [scale * low, scale * high], color=BLUE, lw=1.5)
        if e is not None:
            left.plot([i], [scale * e], "o", color=BLUE, ms=6, mew=0)
        cost = real(r.get("cost"))
        if cost is not None:
            right.plot([i], [cost], "o", color=BLUE, ms=6, mew=0)
            right.annotate(count(cost), (i, cost), (0, 8), textcoords="offset points", ha="center", fontsize=9.5)
    unit = unit_text(rows[0].get("unit"))
    labels = [f"≥ {number(r['threshold'], 3) if r['threshold'] % 1 else count(r['threshold'])}" for r in rows]
    for axes in (left, right):
        axes.set_xticks(list(places), labels)
        axes.set_xlim(-0.5, len(rows) - 0.5)
        axes.set_xlabel(f"{marker_words(trial, biomarker)}{f' ({unit})' if unit else ''}")
        axes.yaxis.set_major_formatter(lambda v, _: f"{v:,.10g}".replace("-", "−"))
        axes.locator_params(axis="y", nbins=5)
    right.set_ylim(0, 1.2 * max((c for r in rows if (c := real(r.get("cost"))) is not None), default=1.0))
    left.set_title(f"Effect: {measure_title(measure)}", loc="left", x=-0.14, fontweight="bold", pad=9)
    right.set_title("Cost of a trial with the target power", loc="left", x=-0.14, fontweight="bold", pad=9)
    said = [
        f"{label} {unit}: effect {number(r.get('effect'))}, cost {count(r.get('cost'))}"
        for label, r in zip(labels, rows, strict=True)
    ]
    return picture(figure, name, f"Enrichment by {plain(biomarker)}: {'; '.join(said)}.")


def power_words(trial: Finished) -> str:
    """What the power curve says, and where its replicates come from; empty where power was not studied."""
    found = trial.part("power")
    if found is None:
        return ""
    curve = [p for p in found.get("curve") or [] if real(p.get("power")) is not None]
    target, n = percent(found.get("target")), real(found.get("n_for_target"))
    endpoint = trial.endpoint_by_id.get(str(found.get("endpoint")))
    what = plain(found.get("endpoint")) if endpoint is None else endpoint_words(trial, endpoint)
    who = f"{plain(found.get('arm'))} against {plain(found.get('reference'))}, {what}"
    if n is not None:
        first = min((p["n_per_arm"] for p in curve), default=0)
        text = f"{who}: {target} power takes {'at most ' if n <= first else ''}{count(n)} patients per arm."
    elif curve:
        last = max(curve, key=lambda p: p["n_per_arm"])
        text = (
            f"{who}: {target} power is not reached with {count(last['n_per_arm'])} per arm ({percent(last['power'])})."
        )
    else:
        text = f"{who}: power could not be computed."
    pool = found.get("pool")
    if isinstance(pool, dict) and pool:
        sizes = " and ".join(count(v) for v in pool.values())
        how = plain(found.get("sampling", ""))
        text += f" Each of {count(found.get('replicates'))} replicate trials draws patients {how} "
        text += f"from the simulated ones ({sizes})."
    return text
