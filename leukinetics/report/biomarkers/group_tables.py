"""Tables of the report: what is detected, how high levels are, what was published."""

from __future__ import annotations

from leukinetics.report.biomarkers.folder import ALL, FinishedStudy, Row
from leukinetics.report.biomarkers.people_tables import limits_text, unit_after
from leukinetics.report.noted import Groups, Noted, between, made, note_of
from leukinetics.report.trial.names import plain
from leukinetics.report.trial.numbers import NONE, count, number, p_value, percent, real


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
        groups.append((f"{c.label(a['name'])}{unit_after(a)}", rows))
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
        groups.append((f"{c.label(a['name'])}{unit_after(a)}", rows))
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
