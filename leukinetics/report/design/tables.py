"""Tables of a design, and the CSV files beside it."""

from __future__ import annotations

from typing import Any

from leukinetics.cohort.design.protocol import Area, Detection, LevelQuestion, Prognosis, Rate
from leukinetics.report.design.folder import FinishedDesign, Question, Row
from leukinetics.report.noted import Noted, made
from leukinetics.report.trial.names import plain
from leukinetics.report.trial.numbers import NONE, count, number, percent, real, unit_text, with_unit

ASKED = {
    "detection": "detected in more people?",
    "level": "a higher level?",
    "area": "tells people apart?",
    "prognosis": "an earlier event?",
    "rate": "more events?",
}

#: Simulated analyses: (words, key of the power, key of the level).
SIMULATED = (
    ("likelihood of what is below", "power_simulated", "tobit"),
    ("ranks, all below tied", "power_ranks", "ranks"),
    ("t test, half the limit in place of them", "power_substituted", "substituted"),
)


def questions_grid(c: FinishedDesign) -> Noted | None:
    """How many people each question needs."""
    rows = []
    for q, r in c.questions:
        groups = NONE if r["n"] is None else f"{count(r['n'])} and {count(r['n_reference'])}"
        more = f", {count(r['events'])} events" if "events" in r else ""
        wide = ""
        if isinstance(q, Area) and q.half_width is not None:
            size = count(r["n_half_width"]) if r["n_half_width"] else "more than a million"
            wide = f"an interval of ± {q.half_width:g} takes {size} in the first group"
        total = "out of reach" if r["total"] is None else f"{count(r['total'])}{more}"
        simulated = NONE
        if real(r.get("power_simulated")) is not None:
            ends = [percent(r[k]).removesuffix(" %") for k in ("power_low", "power_high")]
            simulated = f"{percent(r['power_simulated'])} ({' to '.join(ends)})"
        note = "; ".join(t for t in (plain(r["note"]) if r["note"] else "", wide) if t)
        power = NONE if real(r["power"]) is None else percent(r["power"])
        rows.append([plain(r["id"]), ASKED[r["kind"]], groups, total, power, simulated, plain(r["analysis"]), note])
    head = ["Question", "Asks", "In each group", "People", "Power", "Simulated (95 %)", "Analysis", "Remark"]
    text = (
        f"The smallest studies with a power of {percent(c.summary['target'])} at a two-sided level of "
        f"{c.summary['alpha']:g}, if what is assumed below is true."
    )
    return made(text, head, [("", rows)], {0, 1, 6}, "questions.csv")


def assumptions_grid(c: FinishedDesign) -> Noted | None:
    """What each question takes for true."""
    groups = [(plain(q.id), [[what, value] for what, value in assumed(q)]) for q, _ in c.questions]
    text = "What the protocol assumes; nothing of it was estimated here, and the numbers above are as good as these."
    return made(text, ["Assumed", "Value"], groups, {0, 1})


def assumed(q: Question) -> list[tuple[str, str]]:
    """(what, value) of what a question takes for true."""
    if isinstance(q, Detection):
        found = [("detected in the first group", percent(q.share)), ("detected in the second", percent(q.reference))]
    elif isinstance(q, LevelQuestion):
        limit = "none" if q.limit is None else with_unit(f"{q.limit[0]:g}", q.limit[1])
        found = [
            ("geometric mean of the second group", with_unit(f"{q.geometric_mean[0]:g}", q.geometric_mean[1])),
            ("geometric mean of the first, as a multiple of it", f"{q.fold:g}"),
            ("SD of the logarithm, in both", f"{q.sd_ln:g}"),
            ("shape", "lognormal, the same spread in both"),
            ("limit of detection", limit),
        ]
    elif isinstance(q, Area):
        found = [("area under the ROC curve", f"{q.area:g}")]
        if q.other is None:
            found.append(("tested against an area of", f"{q.against:g}"))
        else:
            found += [("area of the other marker", f"{q.other:g}"), ("correlation of the two", f"{q.correlation:g}")]
    elif isinstance(q, Prognosis):
        found = _prognosis(q)
    else:
        found = _rate(q)
    if not isinstance(q, (Prognosis, Rate)):
        found.append(("people in the second group for each one in the first", f"{q.ratio:g}"))
    return found


def _prognosis(q: Prognosis) -> list[tuple[str, str]]:
    of = "detected against not" if q.share is not None else "per doubling of the level"
    found = [(f"hazard ratio, {of}", f"{q.hazard_ratio:g}")]
    if q.share is not None:
        found.append(("detected in", percent(q.share)))
    if q.sd_ln is not None:
        found.append(("SD of the logarithm", f"{q.sd_ln:g}"))
    if q.events is not None:
        found.append(("people with an event by the end", percent(q.events)))
    if q.rate is not None:
        found += [
            ("events per year", f"{q.rate:g}, at a rate that stays the same"),
            ("follow-up after the last was enrolled, years", f"{q.follow_up:g}"),
            ("enrolment, years", f"{q.accrual:g}"),
        ]
    if q.explained:
        found.append(("share of the marker that other covariates explain", percent(q.explained)))
    return [*found, ("hazards", "proportional; nobody is lost")]


def _rate(q: Rate) -> list[tuple[str, str]]:
    return [
        ("rate ratio, detected against not", f"{q.rate_ratio:g}"),
        ("events per year where it is not detected", f"{q.rate:g}"),
        ("years of follow-up, of each person", f"{q.years:g}"),
        ("dispersion k of the variance m + k m²", f"{q.dispersion:g}"),
        ("detected in", percent(q.share)),
    ]


def limits_grid(c: FinishedDesign) -> Noted | None:
    """People by the assay's limit."""
    groups = []
    for _, r in c.levels:
        unit, rows = unit_text(r["unit"]), []
        for v in r["limits"]:
            name = "no limit" if not v["limit"] else with_unit(f"{v['limit']:g}", unit)
            now = " (now)" if v["limit"] and v["limit"] == r["limit"] else ""
            cells = [_pair(v, "n", "n_reference"), _pair(v, "n_detection", "n_detection_reference")]
            below = [percent(v[k]) for k in ("share_below", "share_below_reference")]
            rows.append([f"{name}{now}", *below, *cells, number(v["area"], 2)])
        groups.append((plain(r["id"]), rows))
    head = ["Limit", "Below, first group", "Below, second", "People by the level", "People by detected or not",
            "ROC area"]  # fmt: skip
    text = (
        f"People in either group for a power of {percent(c.summary['target'])} with assays of other limits, all else "
        "the same; a dash: nobody, or everybody, would be detected, so that it cannot be asked. ROC area: of the "
        "level, all below the limit tied."
    )
    return made(text, head, groups, {0}, "limits.csv")


def _pair(v: Row, one: str, other: str) -> str:
    return NONE if v[one] is None else f"{count(v[one])} and {count(v[other])}"


def substitution_grid(c: FinishedDesign) -> Noted | None:
    """The simulated analyses beside each other."""
    rows = []
    for _, r in c.levels:
        if real(r.get("power_simulated")) is None:
            continue
        null = r["levels"]
        rows += [[f"{plain(r['id'])}: {name}", percent(r[key]), percent(null[k])] for name, key, k in SIMULATED]
    text = (
        f"Share of {count(c.summary['replicates'])} simulated studies of the size found that were significant, and "
        f"of as many without any difference (it should be {100 * c.summary['alpha']:g}\u00a0%). A test may keep its "
        "power with half the limit in place of values; the estimated ratio of levels does not stay right."
    )
    return made(text, ["Analysis", "Power", "Without a difference"], [("", rows)], {0}, "simulated.csv")


def csv_rows(c: FinishedDesign) -> dict[str, list[dict[str, Any]]]:
    """The rows of each CSV file."""
    found: dict[str, list[dict[str, Any]]] = {k: [] for k in ("questions", "curves", "limits", "simulated")}
    for _, r in c.questions:
        found["questions"].append({k: v for k, v in r.items() if not isinstance(v, (list, dict))})
        found["curves"] += [{"id": r["id"], **row} for row in r["curve"]]
        found["limits"] += [{"id": r["id"], "unit": r["unit"], **row} for row in r.get("limits") or []]
        if real(r.get("power_simulated")) is not None:
            for _, key, name in SIMULATED:
                null = r["levels"][name]
                found["simulated"].append({"id": r["id"], "analysis": name, "power": r[key], "without": null})
    return found
