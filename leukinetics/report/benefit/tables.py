"""Tables of a predicted benefit, and the CSV files beside it."""

from __future__ import annotations

from typing import Any

from leukinetics.cohort.subtype.patients import printed
from leukinetics.report.benefit.figures import EVERYBODY, lines, share_text
from leukinetics.report.benefit.folder import FinishedBenefit, Row
from leukinetics.report.noted import Noted, between, made
from leukinetics.report.trial.names import meaning, plain
from leukinetics.report.trial.narrowing import clear, range_words, share_words
from leukinetics.report.trial.numbers import NONE, count, interval, number, p_value, percent, real, unit_text, with_unit

#: Parameters of the model that are told of each patient.
MOST = 3


def patients_grid(c: FinishedBenefit) -> Noted | None:
    """What each patient may gain."""
    rows = []
    for name, p in [(EVERYBODY, c.everybody), *((plain(p["name"]), p) for p in c.patients)]:
        b = p["benefit"]
        told = real(b["estimate"]) is not None
        outcome = [interval(p[k]) if k in p and told else NONE for k in ("reference", "treated")]
        rows.append(
            [
                name,
                interval(b),
                number(b["median"], 2),
                percent(b["p_better"]),
                *([percent(b["p_worth"])] if c.worth is not None else []),
                *outcome,
                count(p["effective"]) if (real(p["effective"]) or 0) >= 10 else number(p["effective"], 2),
                "" if told else "not told: too few virtual patients are like this one, see below",
            ]
        )
    s = c.summary
    worth = [f"{c.least} or more"] if c.worth is not None else []
    head = ["Patient", f"Benefit{_in(c)} (95 %)", "Median", "Better", *worth, f"Outcome, {plain(s['reference'])}",
            f"Outcome, {plain(s['arm'])}", "Like them", "Remark"]  # fmt: skip
    text = (
        "Predicted benefit: mean, and the interval from 2.5 to 97.5 % of what it may be, which has the patient's "
        "constitution, chance and what is not known about the model in it, and no error of measuring the outcome. "
        "Like them: the effective number of virtual patients; below 50 nothing is told."
    )
    return made(text, head, [("", rows)], {0}, "patients.csv")


def measured_grid(c: FinishedBenefit) -> Noted | None:
    """What was measured of whom."""
    groups = []
    for p in c.patients:
        rows = [
            [_label(c, m["marker"]), with_unit(printed(m["lower"], m["upper"]), m["unit"]), _place(m)]
            for m in p["markers"]
        ]
        for name, value in (p.get("known") or {}).items():
            said = {1: "woman", 0: "man"}.get(value, f"{value:g}") if name == "sex" else f"{value:g}"
            rows.append([_label(c, name), said, NONE])
        groups.append((plain(p["name"]), rows))
    text = (
        "What is known of each patient, and where a measurement lies among those that the trial's virtual patients "
        "would have (fitted values, with the assay's error)."
    )
    return made(text, ["Marker", "Measured or known", "Virtual patients below"], groups, {0, 1})


def markers_grid(c: FinishedBenefit) -> Noted | None:
    """The markers with their noise."""
    rows = [
        [_label(c, m["marker"]), unit_text(m["unit"]) or NONE, noise_words(m["noise"]),
         "would it narrow the answer?" if m["further"] else "may be measured of a patient"]
        for m in c.summary["markers"]
    ]  # fmt: skip
    text = (
        "Markers, and how a single sample scatters around the person's own mean: error of the assay and variation "
        "within a person over months."
    )
    return made(text, ["Marker", "Unit", "Scatter", "Used for"], [("", rows)], {0, 2, 3})


def noise_words(noise: str) -> str:
    """A marker's noise in words."""
    scale, _, size = noise.partition(" ")
    if scale == "ln":
        return f"SD {size} of the logarithm"
    return "Poisson counts" if scale == "poisson" else f"SD {size}"


def split_grid(c: FinishedBenefit) -> Noted | None:
    """The parts of the spread."""
    rows = []
    for name, p in lines(c):
        s = p["split"]
        if s is None:
            continue
        cells = [number(s[k], 2) for k in ("sd", "sd_patient", "sd_chance", "sd_parameters")]
        shares = [percent(s[f"share_{k}"]) for k in ("patient", "chance", "parameters")]
        a = p["assumptions"] or {}
        share = share_text(a) if real(a.get("share")) is not None else NONE
        rows.append([name, *cells, *shares, share, count(s["draws"]), plain(s["note"]) if s["note"] else ""])
    parts = ["patient", "chance", "model"]
    head = ["Patient", "SD", *parts, "Share: patient", *parts[1:], "Assumed, of the model's", "Draws", "Remark"]
    text = (
        f"Parts of the spread of the benefit (SDs{_in(c)}, and shares of the variance), and how much of the model's "
        "part rests on assumptions (95 % interval by resampling the draws)."
    )
    return made(text, head, [("", rows)], {0}, "split.csv")


def noise_grid(c: FinishedBenefit) -> Noted | None:
    """The answer with other noise of the markers."""
    rows = []
    for p in c.told:
        other = {n["factor"]: n for n in (p["assumptions"] or {}).get("noise") or []}
        if other:
            told = [other.get(0.67, {}), p["benefit"], other.get(1.5, {}), p["fitted"]]
            means = [number(t.get("estimate"), 2) for t in told]
            rows.append([plain(p["name"]), *means, percent(p["assumptions"]["draws_that_agree"])])
    head = ["Patient", "Markers' scatter × 0.67", "as it is", "× 1.5", "Fitted values alone", "Draws that agree"]
    text = (
        f"The mean benefit{_in(c)} with the markers scattering less and more than assumed, and with the model's fitted "
        "values alone; draws that agree: the share of draws whose answer has the same sign."
    )
    return made(text, head, [("", rows)], {0}, "noise.csv")


def parameters_grid(c: FinishedBenefit) -> Noted | None:
    """Which parameters of the model the answers go with."""
    groups = []
    for name, p in lines(c):
        found = (p["narrowing"] or {}).get("parameters")
        if not found:
            continue
        some = [r for r in found["parameters"] if clear(r)][:MOST] or found["parameters"][:1]
        rows = [
            [meaning(plain(r["name"]), str(r["note"])), plain(r.get("kind")), range_words(r), share_words(r),
             p_value(r["p_adjusted"])]
            for r in some
        ]  # fmt: skip
        groups.append((name, rows))
    head = ["If it were known", "Known as", "Plausible range (95\u00a0%)", "Model's part gone (95 %)", "p"]
    text = (
        "What knowing one parameter of the model would take from the variance over draws: those that stand out from "
        "chance, or the first; p: adjusted for all that were looked at."
    )
    return made(text, head, groups, {0, 1, 2}, "parameters.csv")


def people_grid(c: FinishedBenefit) -> Noted | None:
    """The people of the table, together and by group."""
    t = c.table
    if t is None or t["benefit"] is None:
        return None
    rows = [_people("all", t, t["rows"])]
    rows += [_people(plain(g["group"]), g, g["rows"]) for g in t["groups"] if g.get("benefit")]
    worth = []
    if c.worth is not None:
        worth = [f"{c.least} or more: expected", "likely"]
    head = ["Patients", "Told", f"Median benefit{_in(c)} (5 to 95 %)", "Mean", "Better: expected", *worth]
    text = (
        "What the people of the table are predicted to gain: the distribution of their mean predictions. Expected: the "
        "mean over patients of each one's probability; likely: patients of whom it is more probable than not."
    )
    return made(text, head, [("", rows)], {0}, "people.csv")


def _people(name: str, t: Row, n: Any) -> list[str]:
    b = t["benefit"]
    found = [name, f"{count(t['told'])} of {count(n)}",
             between({"estimate": b["median"], "ci_low": b["q05"], "ci_high": b["q95"]}), number(b["mean"], 2),
             percent(t["p_better"])]  # fmt: skip
    if t["worth"] is not None:
        found += [percent(t["worth"]["expected"]), f"{count(t['worth']['likely'])} of {count(t['told'])}"]
    return found


def tied_grid(c: FinishedBenefit) -> Noted | None:
    """What of the table was used, and how; what was not, and why."""
    t = c.table
    if t is None:
        return None
    used = []
    for m in t["markers"]:
        counts = [count(m[k]) for k in ("n", "below", "missing")]
        used.append([plain(m["analyte"]), _label(c, m["marker"]), *counts, plain(m["how"] or NONE)])
    for k in t["known"]:
        name = _label(c, k["known"])
        gone = count(t["rows"] - k["n"])
        used.append([plain(k["covariate"]), name, count(k["n"]), NONE, gone, plain(k["how"] or NONE)])
    left = [[plain(r["name"]), "not used", NONE, NONE, NONE, plain(r["why"])] for r in t["left_out"]]
    head = ["In the table", "In the model", "n", "Below the limit", "Missing", "How"]
    return made("What the prediction uses of the table.", head, [("", used), ("Not used", left)], {0, 1, 5})


def rare_grid(c: FinishedBenefit) -> Noted | None:
    """Of whom nothing is told, by what is rare."""
    rows = [[_label(c, r["name"]), count(r["rows"])] for r in (c.table or {}).get("rare") or []]
    spared = [[_label(c, r["name"]), count(r["rows"])] for r in (c.table or {}).get("spared") or []]
    text = (
        "Where too few virtual patients are like a person. Covariates are then left out one by one, that first without "
        "which there are most; where even the measurements have too few, nothing is told."
    )
    groups = [("Left out, so that something could be told", spared), ("Nothing told, since it is rare", rows)]
    return made(text, ["", "Patients"], groups, {0})


def notes_grid(c: FinishedBenefit) -> Noted | None:
    """What was found in the table."""
    rows = [
        [count(n["row"]) if n.get("row") else NONE, plain(n["text"]), count(n.get("count") or 1)]
        for n in (c.table or {}).get("notes") or []
    ]
    return made(
        "What was found in the table and what was made of it.", ["First row", "What", "Cells"], [("", rows)], {0, 1}
    )


def csv_rows(c: FinishedBenefit) -> dict[str, list[dict[str, Any]]]:
    """The rows of each CSV file."""
    named = [(n, p) for n, p in [(EVERYBODY, c.everybody), *((str(p["name"]), p) for p in c.patients)]]
    rows: dict[str, list[dict[str, Any]]] = {k: [] for k in ("patients", "split", "noise", "further", "parameters")}
    for name, p in named:
        rows["patients"].append({"patient": name, **p["benefit"], "unit": c.unit, "effective": p["effective"],
                                 "note": p.get("note")})  # fmt: skip
        a = {k: v for k, v in (p["assumptions"] or {}).items() if k != "noise"}
        if p["split"]:
            rows["split"].append({"patient": name, **p["split"], **{f"assumed.{k}": v for k, v in a.items()}})
        rows["noise"] += [{"patient": name, **n} for n in (p["assumptions"] or {}).get("noise") or []]
        narrow = p["narrowing"] or {}
        rows["further"] += [{"patient": name, **m} for m in narrow.get("measurements") or []]
        rows["parameters"] += [{"patient": name, **r} for r in (narrow.get("parameters") or {}).get("parameters") or []]
    t = c.table
    if t is not None and t["benefit"] is not None:
        parts = [("all", t), *((str(g["group"]), g) for g in t["groups"] if g.get("benefit"))]
        rows["people"] = [
            {"group": name, "rows": g["rows"], "told": g["told"], **g["benefit"], "p_better": g["p_better"],
             **{f"worth.{k}": v for k, v in (g["worth"] or {}).items()}}
            for name, g in parts
        ]  # fmt: skip
    return rows


def _label(c: FinishedBenefit, name: Any) -> str:
    return plain(c.label(name))


def _in(c: FinishedBenefit) -> str:
    return f", {c.unit}" if c.unit else ""


def _place(m: Row) -> str:
    if m["upper"] is None:
        return f"{percent(m['share_below'])} are in the range"
    if not m["lower"] and m["upper"]:
        return f"{percent(1 - (real(m['share_above']) or 0.0))} are below the limit"
    return percent(m["share_below"])
