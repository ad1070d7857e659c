"""What a cohort says, in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leukinetics.report.cohort.folder import FinishedCohort, Row
from leukinetics.report.cohort.tables import parameters
from leukinetics.report.trial.names import plain
from leukinetics.report.trial.narrowing import clear, parameter_meaning
from leukinetics.report.trial.numbers import (
    MEASURES,
    count,
    criterion,
    interval,
    number,
    p_phrase,
    percent,
    real,
    unit_text,
)
from leukinetics.report.trial.text import join
from leukinetics.report.trial.words import drawn

ROLE = (
    "This is what a mechanistic model predicts for virtual people. Nobody was sampled. Intervals over people tell "
    "what another cohort of this size would show of such virtual people; those over draws how far the model is known."
)

CHANCE = "no single parameter stands out from chance"


def answer(c: FinishedCohort) -> list[str]:
    """The answer in a sentence or two for each question that the cohort asked."""
    s = c.summary
    limit = f"{s['limit']:g} {unit_text(c.unit)}"
    total = next((r for r in s["contrasts"] if r["measure"] == "odds_ratio"), None)
    found = []
    if total is not None:
        found.append(
            f"With a limit of {limit}, {c.marker} was detected in {count(total['detected'])} of {count(total['n'])} "
            f"patients ({percent(total['detected'] / total['n'])}) and {count(total['detected_reference'])} of "
            f"{count(total['n_reference'])} {plain(c.control)} "
            f"({percent(total['detected_reference'] / total['n_reference'])}): {_told(c, total)}"
            f"{_over(c, 'control', str(total['group']))}."
        )
    for r in s["activity"]:
        if not r["adjusted"]:
            found.append(
                f"Active disease ({plain(r['group'])}): detected in {percent(r['detected'] / max(r['n'], 1))}, with "
                f"quiet disease in {percent(r['detected_reference'] / max(r['n_reference'], 1))}; {_told(c, r)}"
                f"{_over(c, 'activity', str(r['group']))}."
            )
    for r in s["prognosis"][:1]:
        if real(r["estimate"]) is not None:
            what = f"{plain(r['outcome'])} ({plain(r['group'])})"
            found.append(
                f"Later {what}, with detectable {c.marker} against without: {_told(c, r)}"
                f"{_over(c, 'prognosis', str(r['group']), str(r['outcome']))}."
            )
    return found


def headlines(c: FinishedCohort) -> list[tuple[str, str]]:
    """(heading, text) of the lines under the answer."""
    found = []
    rows = c.summary["published"]
    if rows:
        seen = sum(_agrees(r) for r in rows)
        found.append(("Published pattern", f"{seen} of {len(rows)} findings are shown by this cohort"))
    best = _best(c)
    if best:
        found.append(("Limit of the assay", best))
    narrow = _narrow(c)
    if narrow:
        found.append(("Would narrow it", narrow))
    return found


def design_words(c: FinishedCohort) -> list[tuple[str, str]]:
    """(heading, text) of what was done."""
    p = c.protocol
    weeks = p.cohort.follow_up / 7
    found = [
        (
            "Marker",
            f"{c.marker}, one sample at time 0, measured with the assay's error and the variation within a person",
        ),
        ("Limit", f"{p.limit:g} {unit_text(p.unit)}; a value below it is known to be below it, and no more"),
    ]
    if p.activity is not None:
        parts = [
            f"{_named(c, name)} {' and '.join(criterion(b) for b in bounds)}" for name, bounds in p.activity.any.items()
        ]
        found.append(("Active disease", f"{' or '.join(parts)}, in {join([plain(g) for g in p.activity.groups])}"))
    if p.prognosis is not None:
        names = join([plain(e.id) for e in p.prognosis.outcome])
        found.append(
            ("Follow-up", f"{number(weeks)} weeks: {names}, in {join([plain(g) for g in p.prognosis.groups])}")
        )
    treated = [plain(g.name) for g in p.group if g.background]
    found.append(("Treatment", f"as the protocol gives it in {join(treated)}" if treated else "none, before or after"))
    return found


def among_words(c: FinishedCohort) -> str:
    """Whether the groups of patients differ."""
    found = c.summary["among"]
    if not found or found["p_value"] is None:
        return ""
    return f"Among the groups of patients: {p_phrase(found['p_value'])} ({found['analysis']})."


def _told(c: FinishedCohort, row: Row) -> str:
    name = MEASURES.get(str(row["measure"]), str(row["measure"]))
    return f"{name} {interval(row).replace('(', f'({c.level} CI ', 1)}"


def _over(c: FinishedCohort, what: str, group: str, outcome: str = "") -> str:
    for r in c.rows(what):
        if r["group"] == group and r.get("outcome", "") == outcome and real(r["median"]) is not None:
            return f"; over draws of what is uncertain in the model {interval(drawn(r))}"
    return ""


def _agrees(row: Mapping[str, Any]) -> bool:
    return row["verdict"] in ("shown", "no difference shown")


def _best(c: FinishedCohort) -> str:
    """The limit at which a study would find activity most often."""
    rows = [r for r in c.summary["chances"] if r["of"] == "activity" and real(r["chance"]) is not None]
    if not rows:
        return ""
    top = max(rows, key=lambda r: float(r["chance"]))
    now = next((r for r in rows if r["limit"] == c.summary["limit"]), top)
    unit = unit_text(c.unit)
    if top is now or float(top["chance"]) - float(now["chance"]) < 0.02:
        return (
            f"at {now['limit']:g} {unit} {percent(now['chance'])} of studies of this size would tell active from quiet "
            "disease; no other limit does better"
        )
    return (
        f"at {now['limit']:g} {unit} {percent(now['chance'])} of studies of this size would tell active from quiet "
        f"disease, at {top['limit']:g} {unit} {percent(top['chance'])}"
    )


def _narrow(c: FinishedCohort) -> str:
    """The parameters that would narrow the first comparisons most."""
    if not c.rows("control"):
        return ""
    table = parameters(c)
    parts = []
    for what, words in (("control", "patients against controls"), ("activity", "active against quiet disease")):
        for r in c.rows(what)[:1]:
            sure = [x for x in ((r.get("narrowing") or {}).get("parameters") or []) if clear(x)]
            if sure:
                names = [f"{parameter_meaning(table, x)} ({percent(x['share'])})" for x in sure[:2]]
                parts.append(f"{words}: {join(names)} of the variance over draws")
            elif r.get("narrowing"):
                parts.append(f"{words}: {CHANCE}")
    if parts and all(p.endswith(CHANCE) for p in parts):
        return f"{CHANCE}: the uncertainty is spread over many, or draws are too few"
    return "; ".join(parts)


def _named(c: FinishedCohort, name: str) -> str:
    of, word, span = name.partition(" over ")
    label = c.label(of)
    return f"{label.removesuffix(' since onset')} in the last {span}" if word else label
