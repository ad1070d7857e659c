"""What a study of biomarkers says, in sentences."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from leukinetics.report.biomarkers.folder import FinishedStudy, Row
from leukinetics.report.biomarkers.people_tables import many
from leukinetics.report.biomarkers.subtype_tables import classes_text
from leukinetics.report.trial.names import plain
from leukinetics.report.trial.numbers import MEASURES, count, interval, number, p_phrase, percent, real, unit_text
from leukinetics.report.trial.text import join

#: Findings that a sentence names; of more it tells how many there are.
NAMED = 3
ROLE = (
    "These are associations in the people of this table. A value below a limit is used as what it is, known to be "
    "below it; no number stands in its place anywhere."
)
VIRTUAL = (
    "These people are virtual: what a mechanistic model predicts, passed through the analysis that a real table has."
)


def answer(c: FinishedStudy) -> list[str]:
    """The answer: the table, and a sentence or two for each question that was asked."""
    found = [_table(c), _detection(c), _levels(c), _diagnosis(c), _prognosis(c), _subtypes(c)]
    return [text for text in found if text]


def headlines(c: FinishedStudy) -> list[tuple[str, str]]:
    """(heading, text) of the lines under the answer."""
    notes = c.rows("notes")
    kinds = {k: sum(n["severity"] == k for n in notes) for k in ("odd", "dropped")}
    decisions = len(notes) - sum(kinds.values()) + len(c.rows("decisions"))
    said = [_many(decisions, "decision", "decisions")]
    said += [_many(kinds["odd"], "kind of odd cells", "kinds of odd cells")] if kinds["odd"] else ["no odd cells"]
    said += [_many(kinds["dropped"], "reason", "reasons") + " to leave something out"] if kinds["dropped"] else []
    found = [("The data", f"{join(said)}; all are listed below")]
    far = warnings(c)
    if far:
        more = f" {len(far) - 1} more such below." if len(far) > 1 else ""
        found.append(("Substitution", f"{far[0]}{more}"))
    else:
        found.append(("Substitution", "a number in place of values below the limit would have changed little here"))
    if c.rows("failed"):
        found.append(
            ("Not estimated", f"{count(len(c.rows('failed')))} analyses gave nothing; the reasons are listed below")
        )
    compared = len(c.rows("multiplicity"))
    if compared > 1:
        all_ = sum((real(r.get("p_all")) or 1.0) < c.alpha for r in c.rows("multiplicity"))
        found.append(
            ("Multiplicity", f"of {compared} contrasts of groups {all_} are below p = {c.alpha:g} after {c.correction} "
             "correction over all analytes, of detection and of levels each")
        )  # fmt: skip
    return found


def _table(c: FinishedStudy) -> str:
    table = c.summary.get("table") or {}
    groups = f" in {len(c.groups)} groups" if len(c.groups) > 1 else ""
    below = [
        f"{c.label(a['name'])} {percent(a['share_below'])}"
        for a in c.analytes
        if real(a.get("share_below")) is not None
    ]
    shown = below if len(below) <= 6 else [*below[:5], f"{len(below) - 5} more"]
    who = f"{many(table.get('people'), 'person', 'people')}{groups}, {many(len(c.analytes), 'analyte', 'analytes')}"
    return f"{who}. Below the limit: {join(shown)} of values."


def _detection(c: FinishedStudy) -> str:
    rows = []
    for a in c.analytes:
        found = a.get("detection") or {}
        rows += [(a, p) for p in found.get("pairs") or [] if real(p.get("estimate")) is not None]
    if not rows:
        return ""
    all_ = _over_all(c, "detection")
    clear = _clear(c, [(a, p, all_(a, p)) for a, p in rows])
    if not clear:
        none = f"No contrast of {len(rows)} shows a difference in who is detected"
        return f"{none}, after {c.correction} correction over all of them."
    told = []
    for a, p in clear[:NAMED]:
        share, other = (_share(p, *k) for k in (("detected", "n"), ("detected_reference", "n_reference")))
        told.append(
            f"{c.label(a['name'])} in {percent(share)} of {plain(p['group'])} and {percent(other)} of "
            f"{plain(p['reference'])} (odds ratio {_ci(c, p)}, "
            f"{p_phrase(all_(a, p))})"
        )
    return f"Detected: {'; '.join(told)}{_rest(len(clear), len(rows))}."


def _levels(c: FinishedStudy) -> str:
    rows = []
    for a in c.analytes:
        found = a.get("comparisons") or {}
        rows += [(a, p) for p in found.get("pairs") or [] if real(p.get("p_peto")) is not None]
    if not rows:
        means = [
            f"{c.label(a['name'])} {number(m)} {unit_text(a.get('unit'))}".strip()
            for a in c.analytes[:6]
            if (m := real(_everybody(a).get("geometric_mean"))) is not None
        ]
        return f"Geometric means, values below the limit accounted for: {join(means)}." if means else ""
    all_ = _over_all(c, "levels")
    clear = _clear(c, [(a, p, all_(a, p)) for a, p in rows])
    if not clear:
        none = f"No contrast of {len(rows)} shows a difference in levels"
        return f"{none} (Peto–Peto test, after {c.correction} correction over all of them)."
    told = [_contrast(c, a, p, all_(a, p)) for a, p in clear[:NAMED]]
    return f"Levels: {'; '.join(told)}{_rest(len(clear), len(rows))}."


def _over_all(c: FinishedStudy, family: str) -> Callable[[Row, Row], float | None]:
    """p of a contrast of an analyte, corrected over all contrasts of all analytes."""
    keys = ("analyte", "group", "reference")
    rows = {tuple(r.get(k) for k in keys): r for r in c.rows("multiplicity") if r.get("family") == family}
    return lambda a, p: real(rows.get((a["name"], p["group"], p["reference"]), {}).get("p_all"))


def _contrast(c: FinishedStudy, a: Row, p: Row, p_all: float | None) -> str:
    """A difference in levels: the test's p over all contrasts; the ratio, whose interval may not exclude 1."""
    test = f"Peto–Peto {p_phrase(p_all)}"
    what = f"{plain(p['group'])} and {plain(p['reference'])}"
    e, low, high = (real(p.get(k)) for k in ("estimate", "ci_low", "ci_high"))
    if e is None:
        return f"{c.label(a['name'])} differs between {what} ({test})"
    if not ((low or 0) > 1 or (high is not None and high < 1)):
        return f"{c.label(a['name'])} differs between {what} ({test}), by how much is not told (ratio {_ci(c, p)})"
    return (
        f"{c.label(a['name'])} {number(e, 2)} times in {plain(p['group'])} what it is in {plain(p['reference'])} "
        f"({c.level} CI {_ci(c, p).partition(' CI ')[2]}, {test})"
    )


def _diagnosis(c: FinishedStudy) -> str:
    rows = [d for d in c.rows("diagnosis") if real((d.get("roc") or {}).get("estimate")) is not None]
    questions = list(dict.fromkeys(plain(d.get("question")) for d in rows))
    told = []
    for q in questions[:NAMED]:
        mine = [d for d in rows if plain(d.get("question")) == q]
        best = max(mine, key=lambda d: abs(d["roc"]["estimate"] - 0.5))
        of = f" (the farthest from ½ of {len(mine)})" if len(mine) > 1 else ""
        told.append(f"{q}, {c.label(best['analyte'])} {interval(best['roc'])}{of}")
    more = (
        f"; {_many(len(questions) - NAMED, 'more question', 'more questions')} below" if len(questions) > NAMED else ""
    )
    return f"Telling people apart, area under the ROC curve: {'; '.join(told)}{more}." if told else ""


def _prognosis(c: FinishedStudy) -> str:
    if c.summary.get("blind"):
        return "Outcomes were left out of this report (blind)."
    rows = []
    for p in c.rows("prognosis"):
        row = next((r for r in p.get("rows") or [] if r.get("marker") == "doubling" and not r.get("adjusted")), None)
        if row is not None and real(row.get("estimate")) is not None:
            rows.append((p, row))
    if not rows:
        return ""
    clear = _clear(c, [(p, r, real(p.get("p_all"))) for p, r in rows])
    if not clear:
        none = f"of {len(rows)} pairs of analyte and outcome none is shown to go together"
        return f"Later: {none}, after {c.correction} correction over all of them."
    told = []
    for p, r in clear[:NAMED]:
        name = MEASURES.get(str(r.get("measure")), str(r.get("measure")))
        told.append(
            f"{plain(p['outcome'])}, {name} per doubling of {c.label(p['analyte'])} {interval(r)}"
            + (f", {p_phrase(p['p_all'])}" if real(p.get("p_all")) is not None else "")
        )
    return f"Later: {'; '.join(told)}{_rest(len(clear), len(rows), 'pairs of analyte and outcome')}."


def _subtypes(c: FinishedStudy) -> str:
    rows = [r for r in (c.summary.get("subtypes") or {}).get("classes") or [] if r.get("models")]
    if not rows:
        return ""
    told = [f"{c.label(r['marker'])} {classes_text(r).split(';')[0]}" for r in rows[:6]]
    return f"Subtypes, by mixtures of lognormal levels: {join(told)}."


def warnings(c: FinishedStudy) -> list[str]:
    """What substitution would have given, a sentence each: answers that it turns first; of levels those of everybody
    (the table has the groups')."""
    rows = [w for w in c.rows("warnings") if w.get("group") not in c.groups]
    rows.sort(key=lambda w: w.get("group") is None)
    return [_printed(f"{_where(c, w)}{plain(w['text']).rstrip('.')}.") for w in rows]


def _printed(text: str) -> str:
    """With signs as they are printed."""
    text = re.sub(r"= \d(?:\.\d+)?e-\d+", "< 0.001", text.replace(" dimensionless", ""))
    text = re.sub(r"(?<=[\s(])-(?=\d)", "−", re.sub(r"[+-]0%", "0%", text))
    return re.sub(r"(?<=\d)%", "\u00a0%", text)


def _many(n: int, one: str, many: str) -> str:
    return f"{n} {one if n == 1 else many}"


def sampled(rows: Sequence[tuple[str, int, int]]) -> str:
    """(analyte, drawn, measured) of strip plots that show only some of the points."""
    some = [f"{name} {drawn:,} of {n:,}" for name, drawn, n in rows if drawn < n]
    return f" Of many points some are drawn, evenly spaced in the order of the levels: {join(some)}." if some else ""


def missing(c: FinishedStudy) -> list[str]:
    """What the reader should know is not here."""
    table = c.summary.get("table") or {}
    found = []
    for a in c.analytes:
        if real(a.get("missing")):
            found.append(
                f"{c.label(a['name'])} was not measured in {count(a['missing'])} people, who are in none of its "
                "numbers; whether they differ from the others is not looked at."
            )
    for r in table.get("covariates") or []:
        if real(r.get("missing")):
            used = ", who are in no adjusted model" if r["name"] in (table.get("adjusted") or []) else ""
            found.append(f"{plain(r['name'])} is missing in {count(r['missing'])} people{used}.")
    if not table.get("adjusted"):
        found.append("No model is adjusted for covariates: [analysis] names none.")
    if table.get("repeated"):
        found.append("Repeated samples are used in the mixed model only; all else has one sample of each person.")
    if c.summary.get("blind"):
        found.append("Outcomes were left out (blind): neither prognosis nor diagnosis of outcomes is here.")
    if not c.groups:
        found.append("People are not in groups: nothing is compared between groups.")
    found.append(
        "Predictive values and net benefit are at the share of cases in this table, which another clinic need not have."
    )
    return found


def _everybody(a: Row) -> Row:
    rows = (a.get("levels") or {}).get("groups") or []
    return (rows[0].get("lognormal") or {}) if rows else {}


def _clear(c: FinishedStudy, rows: Sequence[tuple[Row, Row, float | None]]) -> list[tuple[Row, Row]]:
    """Those with an adjusted p below alpha, the smallest first."""
    found = [(p, i) for i, (_, _, p) in enumerate(rows) if p is not None and p < c.alpha]
    return [rows[i][:2] for _, i in sorted(found)]


def _ci(c: FinishedStudy, row: Row) -> str:
    """A ratio and its interval without brackets."""
    middle, _, ends = interval({**row, "measure": "ratio"}).partition(" (")
    return f"{middle}, {c.level} CI {ends.removesuffix(')')}" if ends else middle


def _rest(clear: int, all_: int, of: str = "contrasts") -> str:
    more = clear - NAMED
    named = f"; {more} more" if more > 0 else ""
    return f"{named} ({clear} of {all_} {of} after correction)" if all_ > 1 else named


def _share(p: Row, k: str, n: str) -> float:
    return (real(p.get(k)) or 0.0) / max(real(p.get(n)) or 0.0, 1.0)


def _where(c: FinishedStudy, w: Row) -> str:
    group = f", {plain(w['group'])}" if w.get("group") else ""
    return f"{c.label(w['analyte'])}{group}: "
