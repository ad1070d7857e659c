"""Tables of patients, endpoints and failures as rows of text."""

from __future__ import annotations

from collections.abc import Sequence

from leukinetics.report.trial.design_words import endpoint_words
from leukinetics.report.trial.effects import measure_title
from leukinetics.report.trial.folder import Finished, Row
from leukinetics.report.trial.grid import Grid
from leukinetics.report.trial.numbers import (
    NONE,
    count,
    fixed,
    interval,
    number,
    p_value,
    percent,
    real,
    unit_text,
    with_unit,
)
from leukinetics.report.trial.style import plain
from leukinetics.report.trial.text import sentence
from leukinetics.report.trial.words import arm_unit, factor, share_factor

MOST_FAILURES = 20


def baseline_grid(trial: Finished) -> Grid | None:
    """Who takes part, arm by arm."""
    rows = trial.rows("baseline")
    if not rows:
        return None
    names = list(dict.fromkeys(str(a.get("name")) for r in rows for a in r.get("arms") or []))
    sizes = {str(a.get("name")): a.get("n") for r in reversed(rows) for a in r.get("arms") or []}
    head = ["", *(f"{plain(n)} (n = {count(sizes[n])})" for n in names)]
    drugs = {f"{visit}.{d}" for d in trial.assembly.drugs for visit in ("screening", "baseline")}
    body = [_baseline_row(trial, r, names) for r in rows if r.get("name") not in drugs]
    return Grid("Patients at baseline.", head, [("", body)], csv="baseline.csv")


def _baseline_row(trial: Finished, row: Row, names: Sequence[str]) -> list[str]:
    arms = {str(a.get("name")): a for a in row.get("arms") or []}
    visit, dot, observable = str(row.get("name")).partition(".")
    label = plain(row.get("label") or trial.label(visit))
    if dot and observable in trial.labels:
        label = f"{trial.label(observable)} at {visit}"
    kind, unit = str(row.get("kind")), unit_text(row.get("unit"))
    unit = "" if unit == "effect alleles" else unit
    if kind in ("binary", "genotype"):
        how = "share" if kind == "binary" else "carriers of an effect allele"
        return [f"{sentence(label)[:-1]}, {how}", *(percent(arms.get(n, {}).get("share")) for n in names)]
    skewed = any(_skewed(a) for a in arms.values())
    how = "median (quartiles)" if skewed else "mean (SD)"
    cells = []
    for n in names:
        a = arms.get(n, {})
        if skewed:
            q1, q3 = number(a.get("q1")), number(a.get("q3"))
            text = f"{number(a.get('median'))} ({q1}{' to ' if '−' in q1 + q3 else '–'}{q3})"
        else:
            text = f"{number(a.get('mean'))} ({number(a.get('sd'), 2)})"
        cells.append(NONE if real(a.get("mean")) is None else text)
    return [f"{sentence(label)[:-1]}{f', {unit}' if unit else ''}, {how}", *cells]


def _skewed(arm: Row) -> bool:
    mean, median, sd = (real(arm.get(k)) for k in ("mean", "median", "sd"))
    return mean is not None and median is not None and bool(sd) and abs(mean - median) > 0.15 * (sd or 1.0)


def matching_grid(trial: Finished) -> Grid | None:
    """The published figures that the population was matched to."""
    found = trial.part("matching")
    rows = list((found or {}).get("targets") or [])
    if not rows:
        return None
    selected = any(real(r.get("selected")) is not None for r in rows)
    keys = ["target", "before", "after", *(["selected"] if selected else [])]
    body = [
        [
            plain(r.get("what")),
            *(with_unit(number(r.get(k)), r.get("unit")) for k in keys),
            plain(r["source"]) if r.get("source") else NONE,
        ]
        for r in rows
    ]
    more = ["Among those enrolled"] if selected else []
    head = ["Figure", "Published", "Before matching", "After matching", *more, "Source"]
    return Grid("Matching to published figures.", head, [("", body)], {0, len(head) - 1}, "matching.csv")


def matching_words(trial: Finished) -> str:
    """What the matching cost."""
    found = trial.part("matching") or {}
    parts = []
    if real(found.get("acceptance")) is not None:
        parts.append(f"{percent(found['acceptance'])} of people were accepted")
    if real(found.get("effective_size")) is not None:
        parts.append(
            f"the effective size of the pilot was {count(found['effective_size'])} of {count(found.get('pilot'))}"
        )
    warnings = [sentence(plain(w)) for w in found.get("warnings") or []]
    return " ".join([sentence("; ".join(parts)) if parts else "", *warnings]).strip()


def endpoint_grid(trial: Finished) -> Grid:
    """Every endpoint: each arm's estimate, its contrast, p, and how many values are missing."""
    groups = []
    missing = _missing(trial)
    adjusted = any(real(r.get("p_adjusted")) is not None for r in trial.rows("contrasts"))
    for e in trial.protocol.endpoint:
        rows = [r for r in trial.rows("contrasts") if r.get("endpoint") == e.id]
        first = rows[0] if rows else {}
        title = f"{sentence(endpoint_words(trial, e))[:-1]}{' (primary)' if e.id == trial.primary.id else ''}"
        if first.get("analysis"):
            title += f". {sentence(plain(first['analysis']))}"
            title += f" Contrast: {measure_title(str(first.get('measure')), trial.unit(e.id))}."
        body: list[list[str]] = []
        for arm in trial.arms:
            mine = [r for r in rows if r.get("arm") == arm]
            main = mine[0] if mine else {}
            n = trial.estimate(arm, e.id).get("n")
            lost = count(missing.get((e.id, arm), 0))
            cells = [plain(arm), count(n), lost, _estimate(trial, arm, e.id), _contrast(main) if main else "reference"]
            if not rows:
                cells[4] = NONE
            cells.append(p_value(main.get("p_value")))
            if adjusted:
                cells.append(p_value(main.get("p_adjusted")))
            body.append(cells)
            for more in mine[1:]:
                name = measure_title(str(more.get("measure")), "")
                extra = ["", "", "", name, _contrast(more), p_value(more.get("p_value"))]
                body.append(extra + ([p_value(more.get("p_adjusted"))] if adjusted else []))
        groups.append((title, body))
    head = ["Arm", "n", "Missing", f"Estimate ({trial.level} CI)", f"Against reference ({trial.level} CI)", "p"]
    caption = "Endpoints: estimates by arm and contrasts."
    return Grid(caption, head + (["p, adjusted"] if adjusted else []), groups, csv="contrasts.csv")


def _estimate(trial: Finished, arm: str, endpoint: str) -> str:
    found = trial.estimate(arm, endpoint)
    text = interval(found, share_factor(trial, arm, endpoint))
    return with_unit(text, arm_unit(trial, arm, endpoint))


def _contrast(row: Row) -> str:
    return interval(row, factor(row.get("measure")))


def _missing(trial: Finished) -> dict[tuple[str, str], int]:
    """Patients without a value by (endpoint, arm): as the analysis counted them, or as the table has them."""
    found: dict[tuple[str, str], int] = {}
    for arm in trial.rows("arms"):
        for name, estimate in (arm.get("endpoints") or {}).items():
            counted = estimate.get("missing")
            if isinstance(counted, dict):
                found[name, str(arm.get("name"))] = sum(int(counted.get(k) or 0) for k in ("left", "rule", "failed"))
    if found:
        return found
    table = trial.endpoints
    last = table.sort_values("time", na_position="first", kind="stable").drop_duplicates(
        ["endpoint", "arm", "patient"], keep="last"
    )
    lost = last[last["value"].isna()].groupby(["endpoint", "arm"]).size()
    return {(str(key[0]), str(key[1])): int(n) for key, n in lost.items() if isinstance(key, tuple)}


def failures_grid(trial: Finished) -> Grid | None:
    """Patients that could not be simulated."""
    rows = trial.failures.to_dict("records")
    if not rows:
        return None
    body = [
        [fixed(r.get("patient"), 0) if real(r.get("patient")) is not None else plain(r.get("patient"))] for r in rows
    ]
    body = [
        [*b, plain(r.get("arm")), plain(r.get("status")), plain(r.get("advice"))]
        for b, r in zip(body, rows, strict=True)
    ][:MOST_FAILURES]
    return Grid(
        "Patients that could not be simulated.",
        ["Patient", "Arm", "Status", "Advice"],
        [("", body)],
        {1, 2, 3},
        "failures.csv",
    )
