"""Tables of the report: outcomes by one marker and by several."""

from __future__ import annotations

from leukinetics.report.biomarkers.folder import FinishedStudy, Row
from leukinetics.report.noted import Groups, Noted, between, made, note_of
from leukinetics.report.trial.names import plain
from leukinetics.report.trial.numbers import (
    MEASURES,
    NONE,
    RATIOS,
    count,
    decimals_for,
    fixed,
    number,
    p_phrase,
    p_value,
    percent,
    real,
)

MORE = {
    "auc": "area under the ROC curve", "concordance": "Harrell's C", "r_squared": "R², share of the variance",
    "deviance_explained": "share of the deviance",
}  # fmt: skip


def prognosis_grid(c: FinishedStudy) -> Noted | None:
    """What comes later, by marker."""
    groups: Groups = []
    for p in c.rows("prognosis"):
        rows = []
        for r in p.get("rows") or []:
            ratio = r.get("measure") in RATIOS
            checks = r.get("checks") or {}
            proportional = real(checks.get("proportional_p"))
            remark = "; ".join(
                t
                for t in (
                    note_of(r),
                    f"hazards not proportional ({p_phrase(proportional)})"
                    if proportional is not None and proportional < 0.05
                    else "",
                )
                if t
            )
            rows.append(
                [
                    ("detected against not" if r.get("marker") == "detected" else "per doubling of the level")
                    + _adjusted(r),
                    MEASURES.get(str(r.get("measure")), str(r.get("measure") or NONE)),
                    count(r.get("n"))
                    if real(r.get("events")) is None
                    else f"{count(r.get('n'))} ({count(r['events'])})",
                    between(r, ratio=ratio),
                    p_value(r.get("p_value")),
                    _like(r, r.get("half_limit")),
                    NONE if real(r.get("missing_information")) is None else percent(r["missing_information"]),
                    remark or (plain(r.get("analysis")) if real(r.get("estimate")) is None else ""),
                ]
            )
        title = f"{plain(p.get('outcome'))} by {c.label(p['analyte'])}"
        said = [
            t
            for t in (
                plain(p["people"]) if p.get("people") else "",
                f"p adjusted over outcomes {p_value(p['p_adjusted'])}" if real(p.get("p_adjusted")) is not None else "",
                f"over all analytes and outcomes {p_value(p['p_all'])}" if real(p.get("p_all")) is not None else "",
            )
            if t
        ]
        groups.append((f"{title} ({'; '.join(said)})" if said else title, rows))
    head = [
        "Marker", "Measure", "n (events)", f"Estimate ({c.level} CI)", "p", "With half the limit",
        "Information lost", "Remark",
    ]  # fmt: skip
    text = (
        "Outcomes by marker. Per doubling: levels below the limit are drawn again and again from what is known of them "
        "(multiple imputation, Rubin's rules); what half the limit would have given stands beside it; information "
        "lost: the share that the limit took."
    )
    return made(text, head, groups, {0, 1, 7}, "prognosis.csv")


def concordance_grid(c: FinishedStudy) -> Noted | None:
    """Harrell's C of each marker."""
    rows = [
        [
            c.label(r["analyte"]),
            plain(r.get("outcome")),
            f"{count(r.get('n'))} ({count(r.get('events'))})",
            between(r),
            p_value(r.get("p_value")),
            note_of(r),
        ]
        for r in c.rows("concordance")
    ]
    head = ["Analyte", "Outcome", "n (events)", f"Harrell's C ({c.level} CI)", "p of ½", "Remark"]
    return made("Whether those with the higher marker have the event first.", head, [("", rows)], {0, 1, 5})


def several_grid(c: FinishedStudy) -> Noted | None:
    """Markers together."""
    rows = [
        [
            plain(r.get("question") or r.get("outcome")),
            MORE.get(str(r.get("measure")), str(r.get("measure") or NONE)),
            between(r),
            number(r.get("apparent")) if not isinstance(r.get("apparent"), dict) else between(r["apparent"]),
            between(r.get("covariates_only")),
            between(r.get("gain")),
            note_of(r),
        ]
        for r in c.rows("several")
    ]
    head = [
        "Question", "Measure", f"In people left out ({c.level} CI)", "In its own people", "Covariates alone",
        "Gain", "Remark",
    ]  # fmt: skip
    text = (
        "All markers together (elastic net on detection and level), judged on people left out by nested "
        "cross-validation; in its own people the same model flatters itself."
    )
    return made(text, head, [("", rows)], {0, 1, 6}, "several.csv")


def selected_grid(c: FinishedStudy) -> Noted | None:
    """What the models of several markers use."""
    groups: Groups = []
    for r in c.rows("several"):
        rows = [
            [
                c.label(v.get("marker")) + (f", {v['part']}" if v.get("part") and v["part"] != "covariate" else ""),
                number(v.get("coefficient"), 2),
                NONE if real(v.get("selected")) is None else percent(v["selected"]),
                NONE if real(v.get("same_sign")) is None else percent(v["same_sign"]),
            ]
            for v in r.get("columns") or []
        ]
        groups.append((plain(r.get("question") or r.get("outcome")), rows))
    head = ["Column", "Coefficient per SD", "Selected in", "With the same sign in"]
    return made("What the models use, in shares of the fits of cross-validation.", head, groups, {0})


def _adjusted(r: Row) -> str:
    names = [plain(n) for n in r.get("adjusted") or []]
    return f", adjusted for {', '.join(names)}" if names else ""


def _like(row: Row, value: object) -> str:
    """A number with the decimals of the row's own interval."""
    low, high = row.get("ci_low"), row.get("ci_high")
    if real(value) is None or str(row.get("measure")) in RATIOS or real(low) is None or real(high) is None:
        return number(value)
    return fixed(value, decimals_for(low, high, row.get("estimate")))
