"""What a decision maker reads first: the answer, how sure it is, what it leans on, and how the model did before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from leukinetics.report.trial.assumptions import Assumed, influential
from leukinetics.report.trial.design_words import the_endpoint
from leukinetics.report.trial.evidence import Evidence, Study
from leukinetics.report.trial.folder import Finished, Row
from leukinetics.report.trial.names import plain
from leukinetics.report.trial.narrowing import narrowing_line
from leukinetics.report.trial.numbers import (
    NONE,
    RATIOS,
    SHARES,
    count,
    criterion,
    duration,
    interval,
    number,
    real,
    with_unit,
)
from leukinetics.report.trial.text import join
from leukinetics.report.trial.words import (
    MEASURE_WORDS,
    NO_EFFECT,
    arm_unit,
    drawn,
    effect_words,
    factor,
    few_draws,
    measure_unit,
    range_words,
    share_factor,
    shows,
    sides_of,
)
from leukinetics.trial.protocol import Endpoint

#: Percent of no effect within which an effect is next to none.
NEGLIGIBLE = 2.0
#: Beginnings of labels that take an article.
_NOUNS = ("occupied fraction", "share of", "sensitivity of", "number of", "permeability of")


def answer(trial: Finished) -> list[str]:
    """The answer: the primary contrasts with the model's own values, then how far the model is sure of them."""
    e = trial.primary
    rows = trial.main_contrasts(e.id)
    who = f"In {count(trial.summary.get('patients', {}).get('enrolled'))} virtual patients"
    if not rows:
        return [_levels(trial, who)]
    if trial.protocol.trial.design == "twins":
        who += ", each simulated under every arm"
    unit, sides = trial.unit(e.id), sides_of(e)
    reference = plain(rows[0].get("reference"))
    told = _ends(rows)
    shown = [r for r in told if shows(r) is not False]
    outcome = _outcome(trial, e, str(rows[0].get("measure")))
    parts = [effect_words(r, unit, trial.level, plain(r["arm"]), sides) for r in shown]
    head = f"{who}, with the model's fitted values, "
    text = head
    if parts:
        text += f"{outcome} {join(parts)}, compared with {reference}."
        if any(r.get("measure") == "hazard_ratio" for r in shown):
            text += " A ratio above 1 means that the event comes sooner."
    unclear = [r for r in told if shows(r) is False]
    if unclear:
        found = [effect_words(r, unit, trial.level, plain(r["arm"]), sides) for r in unclear]
        words = f"o difference from {reference} was shown: {outcome} {join(found)}."
        text = f"{head}n{words}" if not parts else f"{text} For {join([plain(r['arm']) for r in unclear])} n{words}"
    if all(_negligible(trial, r) for r in told):
        text += f" All of this lies within {NEGLIGIBLE:.0f} % of no effect: negligible, whatever p is."
    if len(rows) > len(told):
        text += f" The other {len(rows) - len(told)} arms lie between."
        rest = [plain(r["arm"]) for r in rows if r not in told and shows(r) is False]
        text += f" No difference was shown for {join(rest)} either." if unclear and rest else ""
        text += f" No difference was shown for {join(rest)}." if rest and not unclear else ""
    return [text, _draws(trial, told)]


def _levels(trial: Finished, who: str) -> str:
    """The answer where nothing is compared: each arm's estimate."""
    e = trial.primary
    parts = [
        f"{with_unit(interval(found, share_factor(trial, a, e.id)), arm_unit(trial, a, e.id))} with {plain(a)}"
        for a in trial.arms
        if interval(found := trial.estimate(a, e.id)) != NONE
    ]
    parts = [p.replace("(", f"({trial.level} CI ", 1) for p in parts]
    what = the_endpoint(trial, e)
    if not parts:
        return f"{who}, no estimate of {what} could be made."
    alone = " There is no other arm to compare with." if len(trial.arms) == 1 else ""
    return f"{who}, with the model's fitted values, {what} was {join(parts)}.{alone}"


def _negligible(trial: Finished, row: Row) -> bool:
    """Whether the whole interval of a relative effect is next to none, and not so beside a change in the reference arm
    that is small, too, such as that of brain volume."""
    scale = {"percent_difference": (1.0, 0.0), "ratio": (100.0, 1.0)}.get(str(row.get("measure")))
    low, high = real(row.get("ci_low")), real(row.get("ci_high"))
    if scale is None or low is None or high is None:
        return False
    most = max(abs(scale[0] * (v - scale[1])) for v in (low, high))
    own = real(trial.estimate(str(row.get("reference")), str(row.get("endpoint"))).get("estimate"))
    if trial.primary.kind == "percent_change" and own is not None and 0.1 * abs(own) < most and abs(own) < NEGLIGIBLE:
        return False
    return most < NEGLIGIBLE


def _ends(rows: Sequence[Row]) -> list[Row]:
    """All contrasts, or of many the smallest and the largest."""
    known = [r for r in rows if real(r.get("estimate")) is not None]
    if len(rows) <= 4 or len(known) < 2:
        return list(rows)
    ordered = sorted(known, key=lambda r: float(r["estimate"]))
    return [r for r in rows if r is ordered[0] or r is ordered[-1]]


def _outcome(trial: Finished, endpoint: Endpoint, measure: str) -> str:
    what = trial.label(endpoint.observable)
    if measure in ("percent_difference", "ratio") and endpoint.kind in ("percent_change", "fold"):
        article = "the " if what.startswith(_NOUNS) else ""
        return f"{article}{what} at {duration(endpoint.at or 0.0)}, relative to baseline, was"
    if measure in SHARES and endpoint.at is not None:
        threshold = " and ".join(criterion(b) for b in endpoint.threshold or [])
        return f"the share of patients with {what} {threshold} at {duration(endpoint.at)} was"
    comma = "," if endpoint.kind == "maximum_fold" else ""
    return f"{the_endpoint(trial, endpoint)}{comma} {'had' if measure in MEASURE_WORDS else 'was'}"


def _draws(trial: Finished, told: Sequence[Row]) -> str:
    """What the uncertainty of the model makes of the answer."""
    found = trial.part("uncertainty")
    arms = [r.get("arm") for r in told]
    rows = [r for r in (found or {}).get("contrasts") or [] if r.get("endpoint") == trial.primary.id]
    rows = [
        r for r in rows if r.get("arm") in arms and real(r.get("low")) is not None and real(r.get("high")) is not None
    ]
    if not found or not rows:
        return (
            "How uncertain the model itself is was not part of this run: the interval tells only who happens to take "
            "part, and is too narrow to be quoted alone."
        )
    sides, unit = sides_of(trial.primary), trial.unit(trial.primary.id)
    told_of = [(range_words(drawn(r), unit, sides), plain(r.get("arm"))) for r in rows]
    if all(text == NO_EFFECT for text, _ in told_of):
        return f"Over {count(found.get('draws'))} draws of all that is uncertain in the model there is {NO_EFFECT}."
    parts = [f"{text} with {arm}" for text, arm in told_of]
    which = "all draws" if few_draws(trial) else "95 % of draws"
    return (
        f"Over {count(found.get('draws'))} draws of all that is uncertain in the model the effect is, as median "
        f"(range of {which}), {join(parts)}. Quote this range: the confidence interval above tells only who "
        f"happens to take part."
    )


def outside(trial: Finished) -> list[str]:
    """Endpoints, with their arms, whose interval with fitted values lies wholly outside 95 % of the draws."""
    if few_draws(trial):
        return []
    found: dict[str, list[str]] = {}
    for r in (trial.part("uncertainty") or {}).get("contrasts") or []:
        name, arm = str(r.get("endpoint")), r.get("arm")
        c = next((c for c in trial.main_contrasts(name) if c.get("arm") == arm), {})
        own = real(c.get("ci_low")), real(c.get("ci_high"))
        low, high = real(r.get("low")), real(r.get("high"))
        if None in own or low is None or high is None:
            continue
        if (own[1] or 0.0) < low or (own[0] or 0.0) > high:
            found.setdefault(name, []).append(plain(arm))
    return [
        f"{the_endpoint(trial, trial.endpoint_by_id[name]) if name in trial.endpoint_by_id else name} with {join(arms)}"
        for name, arms in found.items()
    ]


def headlines(trial: Finished, known: Evidence, assumptions: Sequence[Assumed]) -> list[tuple[str, str]]:
    """(heading, text) of the lines under the answer."""
    found = [("Leans most on", _leans(trial, assumptions))]
    if narrow := narrowing_line(trial):
        found.append(("Would narrow it", narrow))
    return [*found, ("Tested before", _tested(trial, known))]


def _leans(trial: Finished, assumptions: Sequence[Assumed]) -> str:
    heavy = [a for a in influential(list(assumptions)) if a.influence][:3]
    if not heavy:
        why = "they move the effect little" if trial.part("sensitivity") else "no sensitivity analysis was made"
        return f"{len(assumptions)} parameters of the model are assumed; they are not ranked here, because {why}."
    parts = [f"{a.meaning} (by {influence_words(trial, a.influence)})" for a in heavy]
    return f"what is assumed and moves the effect most over its plausible range: {'; '.join(parts)}."


def influence_words(trial: Finished, value: Any) -> str:
    """The influence of a parameter with its unit."""
    sense = trial.part("sensitivity") or {}
    measure = str(sense.get("measure", "difference"))
    if sense.get("method") == "sobol":
        return f"{number(100 * float(value), 2)} % of the variance"
    if measure == "percent_difference":
        return f"about {number(value, 2)} percentage points"
    name = "" if measure in RATIOS else measure_unit(measure, trial.unit(str(sense.get("endpoint"))))
    return f"about {number(factor(measure) * float(value), 2)}{name}" + (" in the ratio" if measure in RATIOS else "")


def _tested(trial: Finished, known: Evidence) -> str:
    drugs = [s for s in known.studies if s.predicted and s.shares != "condition"]
    both = [s for s in drugs if s.shares == "condition and drug"]
    condition = [s for s in known.studies if s.predicted and s.shares == "condition"]
    names = join(
        [_lower(trial.assembly.drugs[d].name) for d in sorted(set(trial.protocol.drugs)) if d in trial.assembly.drugs]
    )
    if drugs:
        here = f", {_of(both)} in this condition" if both and len(both) < len(drugs) else ""
        here = ", all in this condition" if both and len(both) == len(drugs) else here
        text = (
            f"{_of(drugs)} published readouts with {names} that were never fitted lie within the stated errors{here}."
        )
        return text if both else f"{text} None is of this condition."
    text = f"no published readout with {names} was predicted without fitting; " if names else ""
    if condition:
        return f"{text}{_of(condition)} published readouts of this condition lie within the stated errors."
    return f"{text}no published readout of this condition was predicted: the answer is an extrapolation."


def _lower(name: str) -> str:
    """A drug's name inside a sentence."""
    return name[:1].lower() + name[1:] if name[1:2].islower() else name


def _of(studies: Sequence[Study]) -> str:
    return f"{sum(s.predicted_inside for s in studies)} of {sum(s.predicted for s in studies)}"
