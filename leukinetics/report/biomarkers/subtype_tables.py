"""Tables of the report: rules, classes, their agreement."""

from __future__ import annotations

from leukinetics.report.biomarkers.folder import FinishedStudy, Row
from leukinetics.report.noted import Groups, Noted, between, made, note_of
from leukinetics.report.trial.names import plain
from leukinetics.report.trial.numbers import (
    NONE,
    count,
    number,
    p_phrase,
    p_value,
    percent,
    real,
    unit_text,
)


def rules_grid(c: FinishedStudy) -> Noted | None:
    """Inflammatory by a rule."""
    found = c.summary.get("subtypes") or {}
    rows = []
    for r in found.get("rules") or []:
        hidden = NONE
        if real(r.get("undecided")):
            hidden = f"{count(r['undecided'])} (share {percent(r.get('least'))} to {percent(r.get('most'))})"
        share = between(r, 100.0, keys=("share", "ci_low", "ci_high"))
        rows.append([plain(r.get("rule")), plain(r["group"]) if r.get("group") else "everybody",
                     f"{count(r.get('met'))} of {count(r.get('n'))}", share, hidden, note_of(r)])  # fmt: skip
    head = ["Rule", "People", "Met", f"% ({c.level} CI)", "Undecided by the limit", "Remark"]
    return made("Who is inflammatory by a rule.", head, [("", rows)], {0, 1, 5}, "rules.csv")


def classes_grid(c: FinishedStudy) -> Noted | None:
    """Classes of the mixtures."""
    groups: Groups = []
    for r in (c.summary.get("subtypes") or {}).get("classes") or []:
        rows = []
        kept = {k["class"]: k for k in (r.get("stability") or {}).get("classes") or []}
        for k in r.get("classes") or []:
            level, stable = (k.get("levels") or [{}])[0], kept.get(k["class"], {})
            share = {**k, **{e: stable.get(e) for e in ("ci_low", "ci_high")}}
            where = (stable.get("levels") or [{}])[0]
            mean = {
                "estimate": level.get("geometric_mean"),
                "ci_low": where.get("ci_low"),
                "ci_high": where.get("ci_high"),
            }
            rows.append(
                [
                    plain(k["class"]),
                    between(share, 100.0, keys=("share", "ci_low", "ci_high")),
                    count(k.get("people")),
                    between(mean, ratio=True),
                    number(level.get("sd_ln"), 2),
                    percent(level.get("below")),
                    number(stable.get("jaccard"), 2),
                ]
            )
        unit = unit_text(r.get("unit"))
        groups.append((f"{c.label(r['marker'])}{f' ({unit})' if unit else ''}: {classes_text(r)}", rows))
    head = [
        "Class",
        f"Share, % ({c.level} CI)",
        "People",
        "Geometric mean",
        "SD of ln",
        "Below the limit",
        "Jaccard, resampled",
    ]
    text = (
        "Classes of a mixture of lognormal distributions on the censored values, their number by BIC; intervals and "
        "Jaccard index (1: the same people, below 0.5: dissolved) from resamples."
    )
    return made(text, head, groups, {0}, "classes.csv")


def classes_text(r: Row) -> str:
    """Why so many classes, in words."""
    if not r.get("models"):
        return plain(r.get("note") or "not estimated")
    best = r["models"][int(r.get("chosen") or 0)]
    k = int(best["classes"])
    parts = ["one class" if k == 1 else f"{k} classes"]
    for t in r.get("tests") or []:
        said = f"{t['classes'] - 1} against {t['classes']}: {p_phrase(t.get('p_value')) or 'not tested'}"
        parts.append(said)
    if k > 1 and real(r.get("misassigned")) is not None:
        parts.append(f"{percent(r['misassigned'])} of people expected in another class than their likeliest")
    cutoffs = [number(v) for v in r.get("cutoffs") or [] if real(v) is not None]
    if k > 1:
        unit = unit_text(r.get("unit"))
        parts.append(f"apart at {' and '.join(cutoffs)} {unit}".strip() if cutoffs else "no cut-off above the limit")
    return "; ".join(parts)


def agreement_grid(c: FinishedStudy) -> Noted | None:
    """Whether definitions mean the same people."""
    found = (c.summary.get("subtypes") or {}).get("agreement") or {}
    rows = [
        [
            f"{plain(r['one'])} / {plain(r['other'])}",
            count(r.get("n")),
            NONE if real(r.get("share")) is None else percent(r["share"]),
            between(r, keys=("kappa", "ci_low", "ci_high")),
            between(r, keys=("jaccard", "jaccard_low", "jaccard_high")),
            p_value(r.get("p_value")),
            note_of(r),
        ]
        for r in found.get("pairs") or []
    ]
    fleiss = (
        f" Fleiss' kappa of all: {number(found['fleiss_kappa'], 2)}."
        if real(found.get("fleiss_kappa")) is not None
        else ""
    )
    head = ["Definitions", "n", "Agree", f"Cohen's κ ({c.level} CI)", f"Jaccard ({c.level} CI)", "p, McNemar", "Remark"]
    return made(f"Whether two definitions mean the same people.{fleiss}", head, [("", rows)], {0, 6})
