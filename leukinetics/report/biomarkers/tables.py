"""Tables of the report: who was measured, what is detected, how high levels are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from leukinetics.cohort.figures import figure
from leukinetics.report.biomarkers.folder import ALL, FinishedStudy, Row
from leukinetics.report.noted import Groups, Noted, between, made, note_of
from leukinetics.report.trial.names import plain
from leukinetics.report.trial.numbers import NONE, count, number, p_value, percent, real, unit_text


def people_grid(c: FinishedStudy) -> Noted | None:
    """The groups."""
    rows = [
        [
            plain(g["name"]) + (" (reference)" if g.get("control") else ""),
            count(g.get("n")),
            count(g.get("samples")),
        ]
        for g in c.rows("groups")
    ]
    return made("People and their samples by group.", ["Group", "People", "Samples"], [("", rows)], {0})


def known_grid(c: FinishedStudy) -> Noted | None:
    """Covariates and outcomes, with what is missing."""
    table = c.summary.get("table") or {}
    covariates, outcomes = [], []
    for r in table.get("covariates") or []:
        covariates.append(
            [plain(r["name"]), plain(r.get("kind")), count(r.get("n")), count(r.get("missing")), _described(r)]
        )
    for r in table.get("outcomes") or []:
        kind = plain(r.get("kind")).replace("_", " ")
        outcomes.append([plain(r["name"]), kind, count(r.get("n")), count(r.get("missing")), _outcome(r)])
    out = next((n for r in table.get("outcomes") or [] if (n := real(r.get("left_out")))), None)
    who = f", in all but {plain(c.summary.get('control'))} ({count(out)} people)" if out else ""
    groups = [("Covariates", covariates), (f"Outcomes{who}", outcomes)]
    return made("What else is known of the people.", ["Name", "Kind", "n", "Missing", "Described"], groups, {0, 1, 4})


def analytes_grid(c: FinishedStudy) -> Noted | None:
    """What was measured, and the limits."""
    rows = []
    for a in c.analytes:
        rows.append(
            [
                c.label(a["name"]) + _matrix(a),
                unit_text(a.get("unit")) or NONE,
                count(a.get("n")),
                count(a.get("missing")),
                f"{count(a.get('below'))} ({percent(a.get('share_below'))})",
                _extra(a),
                limits_text(a),
            ]
        )
    head = ["Analyte", "Unit", "Measured", "Missing", "Below the limit", "Above, or between limits", "Limits"]
    text = (
        "What was measured, in the people who are analysed. A value below a limit is known to be below it, and no more."
    )
    return made(text, head, [("", rows)], {0, 6})


def _matrix(a: Row) -> str:
    """What an analyte was measured in, unless its name says so."""
    matrix = str(a.get("matrix") or "")
    if not matrix or matrix in str(a["name"]).casefold():
        return ""
    return f", {matrix.upper() if matrix == 'csf' else matrix}"


def many(n: object, one: str, more: str) -> str:
    """ "1 person", "20 people"."""
    return f"{count(n)} {one if n == 1 else more}"


def limits_text(a: Row) -> str:
    """The limits of an analyte in words."""
    limits = [v for v in a.get("limits") or [] if real(v) is not None]
    many = int(real(a.get("limits_count")) or len(limits))
    unit = unit_text(a.get("unit"))
    common = real(a.get("common_limit"))
    if common is not None:
        return f"{figure(common, 4)} {unit}, applied to all".replace(" ,", ",")
    if not limits:
        return "none stated"
    if many == 1:
        return f"{figure(limits[0], 4)} {unit}".strip()
    if many <= 4:
        return f"{', '.join(f'{figure(v, 4)}' for v in limits)} {unit}".strip()
    low, high = a.get("limit_low", limits[0]), a.get("limit_high", limits[-1])
    return f"{many}, from {figure(low, 4)} to {figure(high, 4)} {unit}".strip()


def notes_grid(c: FinishedStudy) -> Noted | None:
    """Decisions on the data, odd cells, what was left out."""
    titles = {"dropped": "Left out", "odd": "Odd cells", "decision": "Decisions in reading the table"}
    groups = []
    for severity, title in titles.items():
        rows = [
            [
                plain(n["text"]),
                plain(n["column"]) if n.get("column") else NONE,
                count(n["row"]) if n.get("row") else NONE,
                count(n.get("count") or 1),
            ]
            for n in c.rows("notes")
            if n["severity"] == severity
        ]
        groups.append((title, rows))
    text = "What was found in the file and what was made of it; rows as a spreadsheet counts them."
    grid = made(text, ["What", "Column", "First row", "Cells or rows"], groups, {0, 1})
    return grid


def detection_grid(c: FinishedStudy) -> Noted | None:
    """Shares, tests and odds ratios."""
    groups: Groups = []
    for a in c.analytes:
        found = a.get("detection") or {}
        made_of = found.get("pairs") or []
        # Beside a group stands its one contrast with the control; others have rows of their own.
        pairs = {str(p["group"]): p for p in made_of if c.control is not None and p.get("reference") == c.control}
        rows = []
        for r in found.get("groups") or []:
            if r["name"] == ALL and c.groups:
                continue
            p = pairs.get(str(r["name"]), {})
            rows.append(
                [
                    "everybody" if r["name"] == ALL else plain(r["name"]),
                    f"{count(r.get('detected'))} of {count(r.get('n'))}",
                    between(r, 100.0, keys=("share", "ci_low", "ci_high")),
                    *_odds(p),
                ]
            )
        rows += [
            [f"{plain(p['group'])} against {plain(p['reference'])}", "", "", *_odds(p)]
            for p in made_of
            if c.control is None or p.get("reference") != c.control
        ]
        groups.append((f"{c.label(a['name'])} (limit: {limits_text(a)})", rows))
    head = [
        "Group", "Detected", f"% ({c.level} CI)", "Difference, points", f"Odds ratio ({c.level} CI)", "p",
        "p, adjusted", "p, Fisher", "Remark",
    ]  # fmt: skip
    against = f", against {plain(c.control)} where there is a contrast" if c.control else ""
    text = (
        f"People detected (Wilson's intervals){against}: difference of shares (Newcombe), odds ratio (Firth's penalty, "
        f"profile interval) with its p and the same after {c.correction} correction over an analyte's contrasts, "
        "Fisher's exact p."
    )
    return made(text, head, groups, {0, 8}, "detection_pairs.csv" if c.groups else "detection.csv")


def _odds(p: Row) -> list[str]:
    return [
        between(p, 100.0, keys=("difference", "difference_low", "difference_high")), between(p, ratio=True),
        p_value(p.get("p_value")), p_value(p.get("p_adjusted")), p_value(p.get("p_exact")), note_of(p),
    ]  # fmt: skip


def tests_grid(c: FinishedStudy) -> Noted | None:
    """Whether all groups differ in detection or levels, and the trend."""
    rows = []
    for a in c.analytes:
        found, levels = a.get("detection") or {}, a.get("comparisons") or {}
        tests = [*(found.get("overall") or []), *([found["trend"]] if found.get("trend") else [])]
        tests += levels.get("overall") or []
        for t in tests:
            rows.append(
                [c.label(a["name"]), plain(t.get("analysis")), count(t.get("n")), p_value(t.get("p_value")), note_of(t)]
            )
    return made("Whether all groups together differ.", ["Analyte", "Test", "n", "p", "Remark"], [("", rows)], {0, 1, 4})


def levels_grid(c: FinishedStudy) -> Noted | None:
    """Levels of each group by the likelihood and without a model."""
    groups: Groups = []
    for a in c.analytes:
        rows = []
        for r in (a.get("levels") or {}).get("groups") or []:
            log, km = r.get("lognormal") or {}, r.get("km") or {}
            unknown = real(km.get("unknown"))
            rows.append(
                [
                    "everybody" if r["name"] == ALL else plain(r["name"]),
                    f"{count(log.get('n'))} ({count(log.get('n_below'))})",
                    between(log, ratio=True, keys=("geometric_mean", "ci_low", "ci_high")),
                    between(log, keys=("sd_ln", "sd_ln_low", "sd_ln_high")),
                    between(log, ratio=True, keys=("mean", "mean_low", "mean_high")),
                    _median(km, unknown),
                    note_of(log, km),
                ]
            )
        groups.append((f"{c.label(a['name'])}{_unit(a)}", rows))
    head = [
        "Group", "n (below)", f"Geometric mean ({c.level} CI)", "SD of ln", f"Mean ({c.level} CI)",
        "Median, Kaplan–Meier", "Remark",
    ]  # fmt: skip
    text = (
        "Levels: left-censored lognormal likelihood (intervals by its profile), and the median of the reversed "
        "Kaplan–Meier curve, which assumes no distribution."
    )
    return made(text, head, groups, {0, 6}, "levels.csv")


def comparisons_grid(c: FinishedStudy) -> Noted | None:
    """Contrasts of levels."""
    groups: Groups = []
    for a in c.analytes:
        rows = [
            [
                f"{plain(p['group'])} against {plain(p['reference'])}",
                p_value(p.get("p_peto")),
                p_value(p.get("p_peto_adjusted")),
                between(p, ratio=True),
                p_value(p.get("p_value")),
                between(p, ratio=True, keys=("common", "common_low", "common_high")),
                p_value(p.get("p_common")),
                p_value(p.get("p_spread")),
                p_value(p.get("p_gehan")),
                note_of(p),
            ]
            for p in (a.get("comparisons") or {}).get("pairs") or []
        ]
        groups.append((c.label(a["name"]), rows))
    head = [
        "Contrast", "p, Peto–Peto", "adjusted", f"Ratio, own spreads ({c.level} CI)", "p",
        f"Ratio, one spread ({c.level} CI)", "p", "p, spreads", "p, Gehan", "Remark",
    ]  # fmt: skip
    text = (
        "The test is Peto–Peto's, which needs no distribution; the estimate is the ratio of lognormal geometric means, "
        "a spread in each group. Beside it the ratio with one spread in both, sharper where most are below the limit, "
        "wrong where spreads differ (p, spreads). Where the test sees a difference and an interval does not exclude 1, "
        f"groups differ, but how much is not known. Adjusted: {c.correction} correction over the contrasts of an "
        "analyte."
    )
    return made(text, head, groups, {0, 9}, "comparisons.csv")


def adjusted_grid(c: FinishedStudy) -> Noted | None:
    """Models with covariates: detection, levels, repeated samples."""
    groups: Groups = []
    known = (c.summary.get("table") or {}).get("covariates") or []
    ones = {str(r["name"]): str(r["positive"]) for r in known if r.get("positive")}
    for a in c.analytes:
        unit = _unit(a)
        for key, title, of in (
            ("detection", "detection, logistic regression", (a.get("detection") or {}).get("adjusted")),
            ("comparisons", "levels, censored regression (Tobit)", (a.get("comparisons") or {}).get("adjusted")),
            ("repeated", "levels in all samples, censored mixed model", a.get("repeated")),
        ):
            if not of:
                continue
            rows = [_coefficient(r, ones, unit) for r in of.get("coefficients") or []]
            if not rows and of.get("note"):
                rows = [["not estimated", NONE, NONE, plain(of["note"])]]
            elif rows and of.get("note"):
                rows[0][3] = plain("; ".join(dict.fromkeys(t for t in (rows[0][3], str(of["note"])) if t)))
            if key == "repeated" and real(of.get("icc")) is not None:
                sds = [number(of.get(k), 2) for k in ("sd_person", "sd_within")]
                told = f"{' and '.join(sds)}; intraclass correlation {number(of.get('icc'), 2)}"
                rows.append(
                    [
                        "SD of ln between and within people",
                        told,
                        NONE,
                        f"{count(of.get('n'))} samples of {count(of.get('people'))} people",
                    ]
                )
            groups.append((f"{c.label(a['name'])}: {title}", rows))
    text = (
        "Models with covariates: odds ratios of detection and ratios of levels, each for one unit of a number or "
        "against the reference."
    )
    return made(text, ["Term", f"Estimate ({c.level} CI)", "p", "Remark"], groups, {0, 3}, "adjusted.csv")


def substitution_grid(c: FinishedStudy) -> Noted | None:
    """What other numbers in place of those below the limit would have given."""
    groups: Groups = []
    for a in c.analytes:
        rows = []
        for r in (a.get("levels") or {}).get("groups") or []:
            found, log = r.get("substitution") or {}, r.get("lognormal") or {}
            if not real(found.get("n_below")):
                continue
            ways = {w["how"]: w for w in found.get("ways") or []}
            rows.append(
                [
                    "everybody" if r["name"] == ALL else plain(r["name"]),
                    percent((real(found.get("n_below")) or 0) / (real(found.get("n")) or 1)),
                    number(log.get("geometric_mean")),
                    *(_way(ways.get(how)) for how in ("half the limit", "the limit / √2", "the limit", "left out")),
                ]
            )
        groups.append((f"{c.label(a['name'])}{_unit(a)}", rows))
    head = ["Group", "Below", "By the likelihood", "Half the limit", "Limit / √2", "The limit", "Left out"]
    text = (
        "Geometric means that a number in place of each value below the limit would have given; in brackets by how "
        "many per cent it, and the SD of ln, would be off the likelihood's. Nothing in this report is computed from "
        "them."
    )
    return made(text, head, groups, {0}, "substitution.csv")


def multiplicity_grid(c: FinishedStudy) -> Noted | None:
    """All contrasts of detection and of levels, with p over all of them."""
    titles = {"detection": "Detection (odds ratio)", "levels": "Levels (Peto–Peto test)"}
    groups: Groups = []
    for family, title in titles.items():
        rows = [
            [
                c.label(r["analyte"]),
                f"{plain(r['group'])} against {plain(r['reference'])}",
                *(p_value(r.get(k)) for k in ("p_value", "p_adjusted", "p_all")),
            ]
            for r in c.rows("multiplicity")
            if r.get("family") == family
        ]
        groups.append((title, rows))
    head = ["Analyte", "Contrast", "p", "p, within the analyte", "p, over all"]
    text = f"Everything that was compared between groups, with p values as they are and by {c.correction} correction."
    return made(text, head, groups, {0, 1}, "multiplicity.csv")


def failed_grid(c: FinishedStudy) -> Noted | None:
    """Analyses that gave nothing."""
    rows = [[plain(r.get("analysis")), _of(c, r.get("of")), plain(r.get("note"))] for r in c.rows("failed")]
    return made(
        "Analyses that gave nothing, and why.", ["Analysis", "Of", "Why"], [("", rows)], {0, 1, 2}, "failed.csv"
    )


def published_grid(c: FinishedStudy) -> Noted | None:
    """A virtual cohort beside what was published."""
    rows = [
        [
            plain(r.get("text") or r.get("of")),
            between(r, ratio=str(r.get("measure", "")).endswith("ratio")),
            p_value(r.get("p_value")),
            plain(r.get("verdict")),
            NONE if real(r.get("chance")) is None else percent(r["chance"]),
            plain(r.get("source") or NONE),
        ]
        for r in c.rows("published")
    ]
    head = ["Published", f"Here ({c.level} CI)", "p", "In this cohort", "Studies that would", "Source"]
    text = (
        "What was published, and what these virtual people show. Studies that would: of studies of this size, the "
        "share that would find it."
    )
    return made(text, head, [("", rows)], {0, 3, 5}, "published.csv")


def _of(c: FinishedStudy, name: Any) -> str:
    return c.label(name) if name else NONE


def _unit(a: Row) -> str:
    unit = unit_text(a.get("unit"))
    return f" ({unit})" if unit else ""


def _extra(a: Row) -> str:
    above, mid = real(a.get("above")) or 0, real(a.get("between")) or 0
    return f"{count(above)}, {count(mid)}" if above or mid else NONE


def _median(km: Row, unknown: float | None) -> str:
    if real(km.get("median")) is not None:
        return between(km, ratio=True, keys=("median", "median_low", "median_high"))
    if unknown is not None and unknown >= 0.5:
        return f"below the lowest level ({percent(unknown)})"
    return NONE


def _way(way: Row | None) -> str:
    if not way or real(way.get("geometric_mean")) is None:
        return NONE
    off = [real(way.get(k)) for k in ("mean_ratio", "sd_ratio")]
    if off[0] is None or off[1] is None:
        return number(way["geometric_mean"])
    return f"{number(way['geometric_mean'])} ({_percent_off(off[0])}; {_percent_off(off[1])})"


def _percent_off(ratio: float) -> str:
    found = round(100 * (ratio - 1))
    return f"{found:+d}".replace("-", "−") if found else "0"


def _coefficient(r: Row, ones: dict[str, str], unit: str) -> list[str]:
    """``ones``: by covariate of two words that which counts as 1."""
    name = plain(r.get("name"))
    if (one := ones.get(str(r.get("name")))) is not None:
        name = f"{name}: {plain(one)} against not"
    if r.get("level") not in (None, ""):
        reference = f" against {plain(r['reference'])}" if r.get("reference") not in (None, "") else ""
        name = f"{name}: {plain(r['level'])}{reference}"
    if r.get("measure") == "geometric_mean":
        name = f"geometric mean at the reference{unit}"
    return [name, between(r, ratio=True), p_value(r.get("p_value")), note_of(r)]


def _described(r: Row) -> str:
    unit = unit_text(r.get("unit"))
    if r.get("kind") == "continuous":
        quartiles = f"{number(r.get('median'))} ({number(r.get('q1'))} to {number(r.get('q3'))}) {unit}".strip()
        return f"mean {number(r.get('mean'))} (SD {number(r.get('sd'))}), median (quartiles) {quartiles}"
    if r.get("kind") == "binary":
        return percent(r.get("share")) + (f" {plain(r['positive'])}" if r.get("positive") else "")
    levels: Iterable[Row] = r.get("levels") or []
    return ", ".join(f"{plain(v['level'])} {count(v.get('n'))}" for v in levels)


def _outcome(r: Row) -> str:
    kind, unit = r.get("kind"), unit_text(r.get("unit"))
    events = f"{count(r.get('events'))} events" if real(r.get("events")) is not None else ""
    if kind == "time_to_event":
        return f"{events}, median time {number(r.get('median'))} {unit}".strip()
    # Where the table has no exposure each person counts as one day.
    if kind == "count" and real(r.get("exposure")) not in (None, 0.0, real(r.get("n"))):
        return f"{events} in {number((real(r['exposure']) or 0) / 365.25)} person-years"
    if kind == "continuous":
        return f"mean {number(r.get('mean'))}, median {number(r.get('median'))} {unit}".strip()
    return events or NONE
