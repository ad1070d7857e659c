"""Tables of the report: correlations, ratios, ROC curves, cut-offs."""

from __future__ import annotations

from leukinetics.cohort.figures import figure
from leukinetics.report.biomarkers.folder import FinishedStudy, Row
from leukinetics.report.noted import Groups, Noted, between, made, note_of
from leukinetics.report.trial.names import plain
from leukinetics.report.trial.numbers import (
    NONE,
    count,
    fixed,
    number,
    p_value,
    percent,
    real,
    unit_text,
)


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


def _share(row: Row | None) -> str:
    """A share in whole percent, unless its interval is narrower than two of them: a wide table has no room."""
    ends = [real((row or {}).get(k)) for k in ("estimate", "ci_low", "ci_high")]
    e, low, high = ends
    if e is None or low is None or high is None or high - low < 0.02:
        return between(row, 100.0)
    return f"{fixed(100 * e, 0)} ({fixed(100 * low, 0)} to {fixed(100 * high, 0)})"


def _whole(share: object) -> str:
    return NONE if real(share) is None else fixed(100 * (real(share) or 0), 0)
