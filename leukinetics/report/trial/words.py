"""The question and the answer in words, and contrasts as a reader says them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leukinetics.report.trial.design_words import the_endpoint
from leukinetics.report.trial.folder import Finished
from leukinetics.report.trial.numbers import (
    NONE,
    RATIOS,
    SHARES,
    count,
    criterion,
    decimals_for,
    duration,
    fixed,
    interval,
    p_phrase,
    real,
    unit_text,
    with_unit,
)
from leukinetics.report.trial.style import plain
from leukinetics.report.trial.text import join
from leukinetics.trial.protocol import Endpoint

Row = Mapping[str, Any]
#: Draws from which on 95 % of them can be told.
FEW_DRAWS = 20
ROLE = (
    "This is what a mechanistic model predicts for virtual patients. It is not clinical evidence: nobody was treated, "
    "and the interval holds only as far as the model does."
)


def question(trial: Finished) -> str:
    """The question of interest: the protocol's, or one made from its primary endpoint."""
    if trial.protocol.report.question:
        return plain(trial.protocol.report.question)
    arms = [a for a in trial.arms if a != reference_of(trial)]
    against = f" against {plain(reference_of(trial))}" if reference_of(trial) else ""
    who = join([plain(a) for a in arms[:4]]) + (f" and {len(arms) - 4} further arms" if len(arms) > 4 else "")
    return f"What {'does' if len(arms) == 1 else 'do'} {who} do to {the_endpoint(trial, trial.primary)}{against}?"


def reference_of(trial: Finished) -> str | None:
    """The arm that the primary endpoint's contrasts compare with; None where there are none."""
    rows = trial.main_contrasts(trial.primary.id) or trial.rows("contrasts")
    return str(rows[0]["reference"]) if rows and rows[0].get("reference") is not None else None


def effect_words(row: Row, unit: Any = "", level: str = "95 %", arm: str = "") -> str:
    """A contrast in words, such as "49 % lower with 50 mg (95 % CI 32 to 61 % lower, p < 0.001)"."""
    measure, who = str(row.get("measure", "difference")), f" with {arm}" if arm else ""
    if real(row.get("estimate")) is None:
        return f"not to be estimated{who}"
    p = p_phrase(row.get("p_adjusted") if real(row.get("p_adjusted")) is not None else row.get("p_value"))
    if measure in MEASURE_WORDS:
        inner = interval(row).partition("(")[2].rstrip(")")
        tail = ", ".join(t for t in (f"{level} CI {inner}" if inner else "", p) if t)
        return f"{MEASURE_WORDS[measure]} of {interval(row).partition(' (')[0]}{who}{f' ({tail})' if tail else ''}"
    scale = factor(measure)
    e, low, high = (None if (v := real(row.get(k))) is None else _signed(v, measure, scale) for k in ENDS)
    assert e is not None
    d = decimals_for(low, high, e)
    name = measure_unit(measure, unit)
    said = f"{fixed(abs(e), d)}{name} {_side(e)}" if fixed(abs(e), d).strip("0.") else f"0{name} different"
    inner = ""
    if low is not None and high is not None:
        if low * high >= 0 and e * (low + high) >= 0:
            small, large = sorted((abs(low), abs(high)))
            inner = f"{level} CI {fixed(small, d)} to {fixed(large, d)}{name}"
        else:
            inner = f"{level} CI {fixed(abs(low), d)}{name} lower to {fixed(abs(high), d)}{name} higher"
    tail = ", ".join(t for t in (inner, p) if t)
    return f"{said}{who} ({tail})" if tail else said + who


ENDS = ("estimate", "ci_low", "ci_high")
MEASURE_WORDS = {"odds_ratio": "an odds ratio", "rate_ratio": "a rate ratio", "hazard_ratio": "a hazard ratio"}


def _signed(value: float, measure: str, scale: float) -> float:
    """A contrast as a signed difference; that of a ratio is in percent."""
    return 100 * (value - 1) if measure == "ratio" else scale * value


def _side(value: float) -> str:
    return "lower" if value < 0 else "higher"


def factor(measure: Any) -> float:
    """What a measure is multiplied by to be printed."""
    return 100.0 if measure in SHARES else 1.0


def measure_unit(measure: str, unit: Any) -> str:
    """The unit of a contrast as it is printed behind a number, with its blank."""
    if measure in ("percent_difference", "ratio"):
        return " %"
    if measure in SHARES or unit == "%":
        return " percentage points"
    return f" {unit_text(unit)}" if unit_text(unit) else ""


def shows(row: Row) -> bool | None:
    """Whether the interval leaves out "no effect"; None without an interval."""
    low, high = real(row.get("ci_low")), real(row.get("ci_high"))
    if low is None or high is None:
        return None
    none = 1.0 if row.get("measure") in RATIOS else 0.0
    return not low <= none <= high


def answer(trial: Finished) -> str:
    """The answer in one paragraph: the primary contrasts, and how far the model itself is sure of them."""
    e = trial.primary
    patients = count(trial.summary.get("patients", {}).get("enrolled"))
    rows = trial.main_contrasts(e.id)
    what = the_endpoint(trial, e)
    head = f"In {patients} virtual patients, "
    if not rows:
        parts = [
            f"{with_unit(interval(trial.estimate(a, e.id), share_factor(trial, a, e.id)), arm_unit(trial, a, e.id))} "
            f"with {plain(a)}".replace("(", f"({trial.level} CI ", 1)
            for a in trial.arms
            if interval(trial.estimate(a, e.id)) != NONE
        ]
        return head + f"{what} was {join(parts)}." if parts else head + f"no estimate of {what} could be made."
    unit = trial.estimate(str(rows[0].get("arm")), e.id).get("unit", "")
    reference = plain(rows[0].get("reference"))
    said = rows if len(rows) <= 4 else [min(rows, key=_order), max(rows, key=_order)]
    parts = [effect_words(r, unit, trial.level, plain(r["arm"])) for r in said]
    outcome = _outcome(trial, e, str(rows[0].get("measure")))
    text = f"In {patients} virtual patients {outcome} {join(parts)}, compared with {reference}."
    if len(rows) > 4:
        text += f" The other {len(rows) - 2} arms lie between."
    unclear = [plain(r["arm"]) for r in rows if shows(r) is False]
    if unclear:
        text += f" For {join(unclear)} the interval includes no effect at all."
    return text + _model_words(trial, unit)


def _order(row: Row) -> float:
    e = real(row.get("estimate"))
    return 0.0 if e is None else e


def _outcome(trial: Finished, endpoint: Endpoint, measure: str) -> str:
    what = trial.label(endpoint.observable)
    if measure in ("percent_difference", "ratio") and endpoint.at is not None:
        return f"{what} at {duration(endpoint.at)}, relative to baseline, was"
    if measure in SHARES and endpoint.at is not None:
        threshold = " and ".join(criterion(b) for b in endpoint.threshold or [])
        return f"the share of patients with {what} {threshold} at {duration(endpoint.at)} was"
    verb = "had" if measure in MEASURE_WORDS else "was"
    return f"{the_endpoint(trial, endpoint)} {verb}"


def _model_words(trial: Finished, unit: Any) -> str:
    """A sentence on the uncertainty of the model; empty where it was not studied."""
    found = trial.part("uncertainty")
    rows = [r for r in (found or {}).get("contrasts") or [] if r.get("endpoint") == trial.primary.id]
    rows = [r for r in rows if real(r.get("low")) is not None and real(r.get("high")) is not None]
    if not found or not rows:
        return " How uncertain the model itself is was not part of this run."
    few = any(len(r.get("values") or []) < FEW_DRAWS for r in rows)
    parts = []
    for r in rows[:4]:
        values = [v for v in map(real, r.get("values") or []) if v is not None]
        low, high = (min(values), max(values)) if few and values else (r["low"], r["high"])
        seen = {"estimate": r.get("median"), "ci_low": low, "ci_high": high}
        parts.append(f"{range_words(seen, str(r.get('measure')), unit)} with {plain(r.get('arm'))}")
    which = "the effects" if few else "95 % of the effects"
    return f" Over {count(found.get('draws'))} draws of what is uncertain in the model, {which} are {join(parts)}."


def range_words(row: Row, measure: str, unit: Any) -> str:
    """An interval alone, such as "38 to 62 % lower"."""
    inside = effect_words({**row, "measure": measure}, unit).partition("CI ")[2].rstrip(")")
    ends = [v for k in ENDS if (v := real(row.get(k))) is not None]
    if measure in MEASURE_WORDS or "lower" in inside or not ends:
        return inside
    return f"{inside} {_side(_signed(ends[0], measure, 1.0))}"


def arm_unit(trial: Finished, arm: str, endpoint: str) -> str:
    """The printed unit of an arm's estimate: percent where it is a share."""
    found = trial.estimate(arm, endpoint)
    return "%" if is_share(found) else unit_text(found.get("unit"))


def is_share(estimate: Row) -> bool:
    """Whether an arm's estimate is a share of patients."""
    return estimate.get("statistic") in ("proportion", "event_share", "share")


def share_factor(trial: Finished, arm: str, endpoint: str) -> float:
    """100 where an arm's estimate is a share and is printed in percent."""
    return 100.0 if is_share(trial.estimate(arm, endpoint)) else 1.0
