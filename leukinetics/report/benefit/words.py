"""What a predicted benefit says, in sentences."""

from __future__ import annotations

from leukinetics.cohort.subtype.assumptions import is_told
from leukinetics.report.benefit.figures import lines
from leukinetics.report.benefit.folder import FinishedBenefit, Row
from leukinetics.report.trial.design_words import arm_words, endpoint_text
from leukinetics.report.trial.names import plain
from leukinetics.report.trial.numbers import count, criterion, duration, fixed, number, percent, real
from leukinetics.report.trial.text import join, sentence

ROLE = (
    "This is what a mechanistic model predicts. It is not a clinical tool: no patient of any trial was predicted and "
    "then followed, and nobody's treatment may rest on it. Side effects are not in it."
)
#: A share of the variance that is worth a sentence, and patients that a sentence names.
TELLING, NAMED = 0.05, 3


def answer(c: FinishedBenefit) -> list[str]:
    """The answer: everybody, the patients, the people of the table."""
    whole = c.everybody["benefit"]
    s = c.summary
    found = [
        f"Of all virtual patients, {plain(s['arm'])} improves {outcome(c)} by {c.gain(whole)} more than "
        f"{plain(s['reference'])}{_worth(c, whole)}."
    ]
    told = sorted(c.told, key=lambda p: -p["benefit"]["estimate"])
    if told:
        first, last = told[0], told[-1]
        text = (
            f"Most is predicted for “{plain(first['name'])}”: {c.gain(first['benefit'])}{_worth(c, first['benefit'])}"
        )
        if len(told) > 1:
            text += f"; least for “{plain(last['name'])}”: {c.gain(last['benefit'])}{_worth(c, last['benefit'])}"
        found.append(f"{text}.")
    t = c.table
    if t is not None:
        found.append(_people(c, t))
    return found


def _people(c: FinishedBenefit, t: Row) -> str:
    of = f"Of {count(t['rows'])} rows of {plain(t['source'])}"
    if t["benefit"] is None:
        return f"{of} nothing is told: {_not_told(t)}."
    b = t["benefit"]
    text = (
        f"{of} {count(t['told'])} are told: their predicted benefit has a median of {c.amount(b['median'])}, nine in "
        f"ten from {number(b['q05'], 2)} to {c.amount(b['q95'])}"
    )
    if t["worth"] is not None:
        text += (
            f"; {percent(t['worth']['expected'])} of them are expected to gain {c.least} or more, which is "
            f"more probable than not in {count(t['worth']['likely'])}"
        )
    return f"{text}."


def _not_told(t: Row) -> str:
    said = []
    if t["too_few"]:
        said.append(f"too few virtual patients are like {count(t['too_few'])}")
    if t["nothing_known"]:
        said.append(f"of {count(t['nothing_known'])} nothing is known that the model has")
    return join(said)


def _worth(c: FinishedBenefit, b: Row) -> str:
    if c.worth is None:
        return f", better in {percent(b['p_better'])}"
    return f", {c.least} or more in {percent(b['p_worth'])}"


def outcome(c: FinishedBenefit) -> str:
    """The outcome inside a sentence."""
    words = endpoint_text(c.endpoint, c.label, c.trial.trial.duration)
    return words if c.endpoint.kind in ("value", "fold", "responder") else f"the {words}"


def headlines(c: FinishedBenefit) -> list[tuple[str, str]]:
    """(heading, text) of the lines under the answer."""
    found = [("How sure", _sure(c)), ("Assumptions", _assumed(c)), ("Would narrow it", _further(c)),
             ("Not told", _refused(c))]  # fmt: skip
    return [(name, text) for name, text in found if text]


def _sure(c: FinishedBenefit) -> str:
    rows = [p["split"] for _, p in lines(c) if p["split"] is not None]
    said = []
    for key, words in (("patient", "what else the patient is"), ("chance", "chance"), ("parameters", "the model")):
        shares = [v for r in rows if (v := real(r[f"share_{key}"])) is not None]
        if shares:
            said.append(f"{_span(shares)} from {words}")
    return f"of the variance of a patient's benefit {join(said)}" if said else ""


def _assumed(c: FinishedBenefit) -> str:
    rows = [p["assumptions"] for _, p in lines(c) if is_told(p["assumptions"])]
    if not rows and c.summary["virtual_patients"]["drawn"]:
        return "too few draws, or too small a part of the model's, to tell what rests on them"
    if not rows:
        return "how much rests on them was not looked at: a table [uncertainty] in the protocol asks for it"
    shares = [float(r["share"]) for r in rows]
    return (
        f"of the model's part {_span(shares)} rests on what is only assumed: {count(rows[0]['assumed'])} of "
        f"{count(rows[0]['uncertain'])} uncertain parameters"
    )


def _span(shares: list[float]) -> str:
    low, high = fixed(100 * min(shares), 0), fixed(100 * max(shares), 0)
    return f"{high} %" if low == high else f"{low} to {high} %"


def _further(c: FinishedBenefit) -> str:
    if not c.told:
        return ""
    best: dict[str, list[float]] = {}
    for p in c.told:
        top = p["narrowing"]["measurements"][0]
        if (real(top["share"]) or 0.0) >= TELLING:
            best.setdefault(c.label(top["marker"]) + (" again" if top["again"] else ""), []).append(top["share"])
    if not best:
        return "no further marker would take away a twentieth of the variance of any of them"
    parts = [f"{name} ({_span(s)} of the variance of {_patients(len(s))})" for name, s in best.items()]
    return f"to measure {join(parts[:NAMED])}; most of the spread would stay"


def _patients(n: int) -> str:
    return "one patient" if n == 1 else f"{n} patients"


def _refused(c: FinishedBenefit) -> str:
    said = []
    if c.refused:
        names = join([f"“{plain(p['name'])}”" for p in c.refused[:NAMED]])
        more = f" and {len(c.refused) - NAMED} more" if len(c.refused) > NAMED else ""
        said.append(f"{names}{more}, since too few virtual patients are like them")
    t = c.table
    if t is not None and (t["too_few"] or t["nothing_known"]):
        rare = [f"{c.label(r['name'])} ({count(r['rows'])})" for r in t["rare"][:NAMED]]
        text = f"of the rows of the table {_not_told(t)}"
        said.append(f"{text}; rare in them: {join(rare)}" if rare else text)
    return "; ".join(said)


def design_words(c: FinishedBenefit) -> list[tuple[str, str]]:
    """(heading, text) of what was asked and done."""
    s, trial = c.summary, c.trial
    n = s["virtual_patients"]
    arms = {a.name: a for a in trial.arm}
    worth = "" if c.worth is None else f"; {c.least} or more count as worth it"
    drawn = "the model's fitted values alone: nothing is said about what is not known of it"
    if n["drawn"]:
        drawn = (
            f"{count(n['drawn'])} draws of all that is not known about the model, each with "
            f"{count(c.protocol.uncertainty.people if c.protocol.uncertainty else 0)}"
        )
        if n["lost_draws"]:
            drawn += f"; {count(n['lost_draws'])} draws had too few who could be enrolled and are left out"
    who = [f"condition {plain(s['condition'])}"]
    who += [f"{c.label(k)} {' and '.join(criterion(b) for b in v)}" for k, v in trial.eligibility.items()]
    return [
        ("Therapy", f"{plain(s['arm'])}: {arm_words(arms[s['arm']])}"),
        ("Compared with", f"{plain(s['reference'])}: {arm_words(arms[s['reference']])}"),
        (
            "Outcome",
            f"{endpoint_text(c.endpoint, c.label, trial.trial.duration)}, {s['better']} is better; the benefit is the "
            f"difference within the same virtual patient, without the error of measuring the outcome{worth}",
        ),
        ("Whom", f"the trial “{plain(s['trial'])}”: {join(who)}; {duration(trial.trial.duration)}, everybody stays"),
        ("Virtual patients", f"{count(n['fitted'])} with the model's fitted values, and {drawn}"
         if n["drawn"] else f"{count(n['fitted'])}; {drawn}"),
    ]  # fmt: skip


def question(c: FinishedBenefit) -> str:
    """The question of interest."""
    if c.protocol.report.question:
        return plain(c.protocol.report.question)
    s = c.summary
    return f"What would a patient with these markers gain from {plain(s['arm'])} instead of {plain(s['reference'])}?"


def missing(c: FinishedBenefit) -> list[str]:
    """What the answer does not have in it."""
    s = c.summary
    found = [
        "No predicted benefit was compared with what a treated patient gained: there is no trial of twins. How far the "
        "model reproduces published trials is in docs/validation.md.",
        f"A patient is taken for one who could be enrolled in the trial “{plain(s['trial'])}”; of others, as healthy "
        "people, nothing is said.",
        "Errors of two markers are taken as independent, and a sample as one of a person who was well on that day: an "
        "infection that raises both is not in the noise.",
        "Side effects, costs and what the patient wants are not weighed.",
        "Markers that the model has not can only be left out, whatever they tell.",
    ]
    sd = real((c.everybody["split"] or {}).get("sd_measured"))
    if sd is not None:
        found.append(
            f"The outcome's own error is left out: measuring it once in either arm would add an SD of {c.amount(sd)} "
            "to what would be seen."
        )
    if not s["virtual_patients"]["drawn"]:
        found.append("What is not known about the model is not in the intervals: the protocol has no [uncertainty].")
    elif s["virtual_patients"]["drawn"] < 100:
        found.append(
            f"{count(s['virtual_patients']['drawn'])} draws tell shares of the variance roughly; their intervals "
            "show how roughly."
        )
    t = c.table
    if t is not None:
        found.append("Outcomes in the table were not read: whether the predictions fit them was not looked at.")
        if t["people"] < t["rows"]:
            found.append(
                f"{count(t['rows'])} rows are samples of {count(t['people'])} people; each sample is predicted by "
                "itself."
            )
        if any(r for r in t["left_out"]):
            found.append(f"Columns that were not used: {join([plain(r['name']) for r in t['left_out']])}.")
    return [sentence(text) for text in found]
