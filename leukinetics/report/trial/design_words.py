"""The design in words: population, arms, doses, rules, endpoints, analysis."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from leukinetics.report.trial.folder import Finished
from leukinetics.report.trial.names import parameter_words, plain, printed
from leukinetics.report.trial.numbers import count, criterion, duration, real, unit_text, with_unit
from leukinetics.report.trial.text import join, sentence
from leukinetics.trial.protocol import Arm, Dose, Endpoint, Rule

KINDS = {
    "value": "{x} at {at}",
    "change": "change of {x} at {at}",
    "percent_change": "percent change of {x} at {at}",
    "fold": "{x} at {at} as a fraction of baseline",
    "responder": "{x} {threshold} at {at}",
    "average": "mean {x} {window}",
    "maximum": "highest {x} {window}",
    "minimum": "lowest {x} {window}",
    "maximum_fold": "highest {x} {window}, as a multiple of baseline",
    "time_of_maximum": "time of the highest {x}",
    "time_to_return": "time until {x} is back at baseline",
    "time_above": "time with {x} {threshold}",
    "slope": "slope of {x} {window}",
    "event_rate": "{events} per year",
    "time_to_event": "time to the first event: {event}",
    "confirmed_progression": "time to worsening of {x}, confirmed after {confirm}",
}
BRIEF = {
    "value": "{x}",
    "change": "{x}, change",
    "percent_change": "{x}, percent change",
    "fold": "{x} over baseline",
    "responder": "{x} {threshold}",
    "average": "mean {x}",
    "maximum": "highest {x}",
    "minimum": "lowest {x}",
    "maximum_fold": "highest {x} over baseline",
    "time_of_maximum": "peak time of {x}",
    "time_to_return": "return of {x}",
    "time_above": "time with {x} {threshold}",
    "slope": "slope of {x}",
    "event_rate": "rate of {events}",
    "time_to_event": "time to {event}",
    "confirmed_progression": "confirmed worsening of {x}",
}
ACTIONS = {
    "stop": "treatment stops",
    "change": "the dose is multiplied by {factor:g}",
    "rescue": "rescue therapy is added",
}
DESIGNS = {
    "twins": "every virtual patient is simulated under each arm, so that arms differ by treatment alone",
    "parallel": "parallel groups, each of other virtual patients",
}


def endpoint_words(trial: Finished, endpoint: Endpoint) -> str:
    """What an endpoint is, such as "percent change of CRP at 52 weeks"."""
    return endpoint_text(endpoint, trial.label, trial.protocol.trial.duration)


def endpoint_text(endpoint: Endpoint, label: Callable[[str], str], length: float) -> str:
    """The same of a trial of that ``length`` (days), with what readers call observables."""
    what = label(endpoint.observable)
    threshold = " and ".join(criterion(b) for b in endpoint.threshold or [])
    end = length if endpoint.to is None else endpoint.to
    text = KINDS[endpoint.kind].format(
        x=what,
        at=duration(endpoint.at or 0.0),
        window=f"from {duration(endpoint.from_)} to {duration(end)}" if endpoint.from_ else f"over {duration(end)}",
        threshold=threshold,
        confirm=duration(endpoint.confirm or 0.0),
        **_events(what, threshold),
    )
    text += _beside(endpoint, label)
    return f"{text} ({endpoint.statistic.replace('_', ' ')})" if endpoint.statistic else text


def brief(trial: Finished, endpoint: Endpoint) -> str:
    """The same in a few words, without its time."""
    what = trial.label(endpoint.observable).removeprefix("plasma ")
    threshold = " and ".join(criterion(b) for b in endpoint.threshold or [])
    text = BRIEF[endpoint.kind].format(x=what, threshold=threshold, **_events(what, threshold))
    if endpoint.events_beside is not None:
        text += f" {_with(endpoint)} {_counted(trial.label(endpoint.events_beside))}"
    return text


def _beside(endpoint: Endpoint, label: Callable[[str], str]) -> str:
    """What a progression has to do with events beside it; nothing for other endpoints."""
    if endpoint.events_beside is None:
        return ""
    events = _counted(label(endpoint.events_beside))
    text = f", {_with(endpoint)} {events}: {'none' if endpoint.independent_of else 'one'} within the "
    text += f"{duration(endpoint.within or 0.0)} before it"
    if endpoint.event_free is not None:
        free = duration(endpoint.event_free)
        text += f", the {free} after it and {free} before and after its confirmation"
    if endpoint.rebaseline is not None:
        text += f", compared with the first visit at least {duration(endpoint.rebaseline)} after the last"
    return text


def _with(endpoint: Endpoint) -> str:
    return "independent of" if endpoint.independent_of is not None else "associated with"


def _counted(what: str) -> str:
    """What an observable counts, of its label."""
    return what.removesuffix(" since onset")


def _events(what: str, threshold: str) -> dict[str, str]:
    """What an event is, and many of them: episodes at a threshold, or what the observable counts."""
    if threshold:
        return {"event": f"{what} {threshold}", "events": f"episodes of {what} {threshold}"}
    counted = _counted(what)
    return {"event": counted, "events": counted}


def the_endpoint(trial: Finished, endpoint: Endpoint) -> str:
    """The same inside a sentence, with the article where it takes one."""
    words = endpoint_words(trial, endpoint)
    return words if endpoint.kind in ("value", "fold", "responder") else f"the {words}"


def dose_words(dose: Dose) -> str:
    """A dose and its repeats, such as "150 mg sc every 13 weeks, 4 times"."""
    per = "/kg" if dose.amount.per_kg else ""
    text = f"{number_plain(dose.amount.value)} {unit_text(dose.amount.unit)}{per} {plain(dose.route)}"
    if dose.duration:
        text += f" over {duration(dose.duration)}"
    if dose.every is not None:
        text += f" every {duration(dose.every)}"
    if dose.count:
        text += ", once" if dose.count == 1 else f", {dose.count} times"
    if dose.every is None and not dose.count:
        text += ", once"
    if dose.start:
        text += f", from {duration(dose.start)}"
    if dose.stop is not None:
        text += f" until {duration(dose.stop)}"
    if dose.loading is not None:
        text += f"; loading dose {number_plain(dose.loading.value)} {unit_text(dose.loading.unit)}"
        text += "/kg" if dose.loading.per_kg else ""
    if dose.cap is not None:
        text += f"; at most {number_plain(dose.cap.value)} {unit_text(dose.cap.unit)}"
    return text


def number_plain(value: float) -> str:
    """A number as somebody wrote it."""
    return f"{value:,.10g}"


def arm_words(arm: Arm) -> str:
    """What an arm is given."""
    parts = [f"{plain(d.drug)} {dose_words(d)}" for d in arm.dose]
    background = "; ".join(f"{plain(d.drug)} {dose_words(d)}" for d in arm.background)
    if not parts:
        return f"background alone, {background}" if background else "no treatment of the trial"
    return "; ".join(parts) + (f", on a background of {background}" if background else "")


def rule_words(trial: Finished, rule: Rule) -> str:
    """What a rule does, in one sentence."""
    when = " and ".join(criterion(b) for b in rule.when)
    change = " (of the change from baseline)" if any(b.unit == "%" for b in rule.when) else ""
    often = f" at {rule.consecutive} visits in a row" if rule.consecutive > 1 else " at a visit"
    then = ACTIONS[rule.action].format(factor=rule.factor or 1.0)
    if rule.drugs:
        then += f" ({', '.join(plain(d) for d in rule.drugs)})"
    if rule.dose:
        then += f" ({'; '.join(f'{plain(d.drug)} {dose_words(d)}' for d in rule.dose)})"
    who = f" In {join([plain(a) for a in rule.arms])}." if rule.arms else ""
    leave = ", and the patient leaves the trial" if rule.leaves else ""
    name = sentence(plain(rule.id).replace("_", " "))[:-1]
    return f"{name}: where {trial.label(rule.observable)} is {when}{change}{often}, {then}{leave}.{who}"


def design_of(trial: Finished) -> str:
    """How patients and arms belong together."""
    return "one arm" if len(trial.arms) == 1 else DESIGNS[trial.protocol.trial.design]


def allocated(trial: Finished) -> dict[str, int]:
    """Patients of each arm; fewer than the protocol has where a run was asked for fewer."""
    p = trial.protocol
    asked = {a.name: p.trial.patients_per_arm * a.ratio for a in p.arm}
    return asked | {a["name"]: int(a["allocated"]) for a in (trial.part("flow") or {}).get("arms", ())}


def design_words(trial: Finished) -> list[tuple[str, str]]:
    """The design as pairs of a heading and its text; what the protocol has not is left out."""
    p = trial.protocol
    n = allocated(trial)
    condition = trial.assembly.condition
    rows = [
        ("Population", f"{condition.title or condition.id}." if condition is not None else p.trial.condition),
        ("Eligibility", eligibility_words(trial) or "No criteria beyond those of the population."),
        ("Design", f"{sentence(design_of(trial))[:-1]}; {duration(p.trial.duration)}."),
        ("Arms", "; ".join(f"{plain(a.name)} ({count(n[a.name])}): {arm_words(a)}" for a in p.arm) + "."),
    ]
    if p.parameter:
        rows.append(("Setting", sentence("; ".join(_setting(trial, k, v) for k, v in p.parameter.items()))))
    if p.rule:
        rows.append(("Rules", " ".join(rule_words(trial, r) for r in p.rule)))
    if p.adherence.missed:
        rows.append(
            ("Adherence", f"Each dose but the first is missed with a probability of {100 * p.adherence.missed:.10g} %.")
        )
    if p.dropout is not None:
        text = f"{100 * p.dropout.rate:.10g} % leave within a year at random"
        if p.dropout.observable is not None:
            text += f"; the hazard is multiplied by {p.dropout.hazard_ratio:g} per {plain(p.dropout.per)} of "
            text += trial.label(p.dropout.observable)
        rows.append(("Dropout", text + "."))
    rows.append(("Endpoints", sentence("; ".join(_endpoint_item(trial, e) for e in p.endpoint))))
    rows.append(("Analysis", analysis_words(trial)))
    return rows


def _setting(trial: Finished, name: str, given: object) -> str:
    """What a parameter is set to for everybody, with the first clause of what the model notes of it."""
    value, unit = (given.get("value"), given.get("unit")) if isinstance(given, Mapping) else (given, None)
    known = real(value)
    text = f"{parameter_words(name)} {with_unit(plain(value) if known is None else number_plain(known), unit)}"
    table = trial.assembly.parameters
    notes = [str(n or "").split(";")[0].strip() for n in table.loc[table["id"] == name, "note"]]
    return f"{text} ({printed(notes[0])})" if notes and notes[0] else text


def _endpoint_item(trial: Finished, endpoint: Endpoint) -> str:
    marks = ["primary"] * (endpoint.id == trial.primary.id and len(trial.protocol.endpoint) > 1)
    marks += ["higher is better"] * (endpoint.id in trial.protocol.analysis.higher_is_better)
    return endpoint_words(trial, endpoint) + (f" ({', '.join(marks)})" if marks else "")


def eligibility_words(trial: Finished) -> str:
    """The criteria in one sentence."""
    parts = [
        f"{trial.label(name)} " + " and ".join(criterion(b) for b in bounds)
        for name, bounds in trial.protocol.eligibility.items()
    ]
    return f"{sentence(join(parts))}" if parts else ""


def analysis_words(trial: Finished) -> str:
    """How arms are compared, and what is done about several comparisons and missing values."""
    a = trial.protocol.analysis
    more = {
        "none": "p values are not adjusted for several comparisons",
        "holm": "p values of the primary endpoints are adjusted by Holm's method",
    }
    text = f"Two-sided at {a.alpha:g}"
    if len(trial.arms) > 2 or len(trial.protocol.endpoint) > 1:
        text += f"; {more.get(a.multiplicity, 'the primary endpoints are tested in the order of the hierarchy')}"
    missing = {
        "available": "Values that are missing are left out",
        "last": "The last value stands for missing ones",
        "baseline": "The baseline stands for missing values",
        "worst": "The worst value stands for missing ones",
    }[a.missing]
    text += f". {missing}"
    if trial.protocol.rule:
        text += f"; after a rule has fired values are {'used' if a.after_rule == 'used' else 'missing'}"
    text += "."
    if a.covariates:
        text += f" Covariates: {join([trial.label(c) for c in a.covariates])}."
    again = trial.protocol.trial.baseline == "separate"
    return f"{text} Baseline: {'measured again at time 0' if again else 'the value at screening'}."
