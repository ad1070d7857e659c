"""Tables of the report: correlations, diagnosis, prognosis, several markers, subtypes."""

from __future__ import annotations

from leukinetics.cohort.figures import figure
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
    unit_text,
)

MORE = {
    "auc": "area under the ROC curve", "concordance": "Harrell's C", "r_squared": "R², share of the variance",
    "deviance_explained": "share of the deviance",
}  # fmt: skip


def correlation_grid(c: FinishedStudy) -> Noted | None:
    """Two analytes in the same people."""
    groups: dict[str, list[list[str]]] = {}
    pairs = [p["correlation"] for p in c.rows("pairs") if p.get("correlation")]
    for before, rows in (("Cerebrospinal fluid with serum: ", pairs), ("", c.rows("correlations"))):
        for r in rows:
            tau, own, slope = r.get("tau") or {}, r.get("r") or {}, r.get("slope") or {}
            title = f"{before}{c.label(r['one'])} with {c.label(r['other'])}"
            groups.setdefault(title, []).append(
                [
                    plain(r["group"]) if r.get("group") else "everybody",
                    count(r.get("n")),
                    between(tau),
                    p_value(tau.get("p_value")),
                    p_value(r.get("p_adjusted")),
                    between(own),
                    between(slope),
                ]
            )
    head = [
        "People", "n", f"Kendall's τ ({c.level} CI)", "p", "p, adjusted", f"r of ln ({c.level} CI)", "Slope of ln"
    ]  # fmt: skip
    text = (
        "Correlation under limits: Kendall's τ of the pairs of people whose order is certain, r of logarithms by the "
        "likelihood of two lognormals, Akritas–Theil–Sen slope (the first analyte's change for that of the second)."
    )
    return made(text, head, list(groups.items()), {0}, "correlations.csv")


def ratio_grid(c: FinishedStudy) -> Noted | None:
    """Ratios of cerebrospinal fluid to serum."""
    groups: Groups = []
    for p in c.rows("pairs"):
        a = p.get("ratio") or {}
        rows = []
        for r in (a.get("levels") or {}).get("groups") or []:
            log, km = r.get("lognormal") or {}, r.get("km") or {}
            rows.append(
                [
                    "everybody" if r["name"] == "all" else plain(r["name"]),
                    count(log.get("n")),
                    between(log, ratio=True, keys=("geometric_mean", "ci_low", "ci_high")),
                    between(km, ratio=True, keys=("median", "median_low", "median_high")),
                    note_of(a if r["name"] == "all" else None, log, km),
                ]
            )
        rows += [
            [
                f"{plain(r['group'])} against {plain(r['reference'])}",
                f"{count(r.get('n'))}, {count(r.get('n_reference'))}",
                f"ratio {between(r, ratio=True)}",
                f"p, Peto–Peto, {p_value(r.get('p_peto'))}",
                note_of(r),
            ]
            for r in (a.get("comparisons") or {}).get("pairs") or []
        ]
        groups.append((plain(p["name"]), rows))
    head = ["Group or contrast", "n", f"Geometric mean ({c.level} CI)", "Median, or p", "Remark"]
    return made("Ratios of cerebrospinal fluid to serum, of the same sample.", head, groups, {0, 4})


def auc_grid(c: FinishedStudy) -> Noted | None:
    """Areas under the ROC curves."""
    groups: dict[str, list[list[str]]] = {}
    for d in c.rows("diagnosis"):
        found, model = d.get("roc") or {}, d.get("model") or {}
        lowest, highest = real(found.get("lowest")), real(found.get("highest"))
        hidden = NONE
        if real(found.get("undecided")):
            hidden = f"{percent(found['undecided'])} ({number(lowest, 2)} to {number(highest, 2)})"
        cells = [
            c.label(d["analyte"]),
            f"{count(found.get('cases'))}, {count(found.get('controls'))}",
            between(found),
            p_value(found.get("p_value")),
            p_value(d.get("p_adjusted")),
            hidden,
            between(model),
            note_of(found, model),
        ]
        groups.setdefault(plain(d.get("question")), []).append(cells)
    head = [
        "Analyte", "Cases, controls", f"AUC ({c.level} CI)", "p of ½", "p, adjusted", "Pairs undecided",
        "AUC left out", "Remark",
    ]  # fmt: skip
    text = (
        "Area under the ROC curve (DeLong). Undecided pairs, both below a limit, count a half; in brackets the area if "
        "all of them spoke against or for the marker. Left out: of risks predicted for people whom the model has not "
        "seen."
    )
    return made(text, head, list(groups.items()), {0, 7}, "roc.csv")


def difference_grid(c: FinishedStudy) -> Noted | None:
    """Areas of two markers in the same people."""
    groups: dict[str, list[list[str]]] = {}
    for r in c.rows("marker_differences"):
        areas = [number(v) for v in r.get("areas") or []]
        cells = [
            f"{c.label(r['one'])} less {c.label(r['other'])}", count(r.get("n")), " and ".join(areas) or NONE,
            between(r), p_value(r.get("p_value")), note_of(r),
        ]  # fmt: skip
        groups.setdefault(plain(r.get("question")), []).append(cells)
    head = ["Markers", "n", "AUC", f"Difference ({c.level} CI)", "p", "Remark"]
    return made("Two markers in the same people (DeLong).", head, list(groups.items()), {0, 5})


def cutoff_grid(c: FinishedStudy) -> Noted | None:
    """Cut-offs and what they are worth."""
    groups: dict[str, list[list[str]]] = {}
    for d in c.rows("diagnosis"):
        for r in d.get("cutoffs") or []:
            cutoff = NONE if real(r.get("cutoff")) is None else figure(r["cutoff"])
            if real(r.get("cutoff_low")) is not None and real(r.get("cutoff_high")) is not None:
                cutoff += f" ({figure(r['cutoff_low'])} to {figure(r['cutoff_high'])})"
            fair = r.get("corrected") or {}
            corrected = NONE
            if fair:
                corrected = " / ".join(
                    _whole((fair.get(k) or {}).get("estimate")) for k in ("sensitivity", "specificity")
                )
            cells = [
                plain(r.get("rule")), cutoff, _share(r.get("sensitivity")),
                _share(r.get("specificity")),
                corrected, _share(r.get("ppv")), _share(r.get("npv")),
                number((r.get("lr_positive") or {}).get("estimate"), 2), note_of(r),
            ]  # fmt: skip
            unit = unit_text(r.get("unit"))
            title = f"{c.label(d['analyte'])}{f' ({unit})' if unit else ''}: {plain(d.get('question'))}"
            groups.setdefault(title, []).append(cells)
    head = [
        "Cut-off by", "Cut-off (resamples)", "Sensitivity %", "Specificity %", "Both, corrected", "PPV %", "NPV %",
        "LR+", "Remark",
    ]  # fmt: skip
    text = (
        f"Cut-offs ({c.level} CI by Wilson). One that was chosen in these people flatters itself; corrected: "
        "sensitivity and specificity (%) less the optimism of the choice, by bootstrap. Predictive values are at this "
        "table's share of cases."
    )
    return made(text, head, list(groups.items()), {0, 8}, "cutoffs.csv")


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


def _adjusted(r: Row) -> str:
    names = [plain(n) for n in r.get("adjusted") or []]
    return f", adjusted for {', '.join(names)}" if names else ""


def _share(row: Row | None) -> str:
    """A share in whole percent, unless its interval is narrower than two of them: a wide table has no room."""
    ends = [real((row or {}).get(k)) for k in ("estimate", "ci_low", "ci_high")]
    e, low, high = ends
    if e is None or low is None or high is None or high - low < 0.02:
        return between(row, 100.0)
    return f"{fixed(100 * e, 0)} ({fixed(100 * low, 0)} to {fixed(100 * high, 0)})"


def _like(row: Row, value: object) -> str:
    """A number with the decimals of the row's own interval."""
    low, high = row.get("ci_low"), row.get("ci_high")
    if real(value) is None or str(row.get("measure")) in RATIOS or real(low) is None or real(high) is None:
        return number(value)
    return fixed(value, decimals_for(low, high, row.get("estimate")))


def _whole(share: object) -> str:
    return NONE if real(share) is None else fixed(100 * (real(share) or 0), 0)
