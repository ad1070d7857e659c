"""The question in words, and contrasts as a reader says them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leukinetics.report.trial.design_words import the_endpoint
from leukinetics.report.trial.folder import Finished
from leukinetics.report.trial.names import plain
from leukinetics.report.trial.numbers import (
    RATIOS,
    SHARES,
    decimals_for,
    fixed,
    interval,
    number,
    p_phrase,
    real,
    unit_text,
)
from leukinetics.report.trial.text import join
from leukinetics.trial.protocol import Endpoint

Row = Mapping[str, Any]
NO_EFFECT = "no effect in any of them"
#: Draws from which on 95 % of them can be told.
FEW_DRAWS = 20
ROLE = (
    "This is what a mechanistic model predicts for virtual patients. It is not clinical evidence: nobody was treated, "
    "and the ranges hold only as far as the model does. Side effects are not simulated, unless an endpoint is one."
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


def effect_words(
    row: Row, unit: Any = "", level: str = "95 %", arm: str = "", sides: tuple[str, str] = ("lower", "higher")
) -> str:
    """A contrast in words, such as "49 % lower with 50 mg (95 % CI 32 to 61 % lower, p < 0.001)"."""
    who = f" with {arm}" if arm else ""
    if real(row.get("estimate")) is None:
        return f"not to be estimated{who}"
    adjusted = real(row.get("p_adjusted")) is not None
    p = p_phrase(row.get("p_adjusted") if adjusted else row.get("p_value"))
    said, inner = _told(row, unit, sides)
    tail = ", ".join(
        t for t in (f"{level} CI {inner}" if inner else "", f"{'adjusted ' * adjusted}{p}" if p else "") if t
    )
    return f"{said}{who} ({tail})" if tail else said + who


def range_words(row: Row, unit: Any, sides: tuple[str, str] = ("lower", "higher")) -> str:
    """An estimate that is a median of draws, with its range, such as "44 % lower (38 to 62 %)"."""
    low, high, e = (real(row.get(k)) for k in ("ci_low", "ci_high", "estimate"))
    none = 1.0 if row.get("measure") in RATIOS else 0.0
    if low == high == e == none:
        return NO_EFFECT
    said, inner = _told(row, unit, sides)
    return f"{said} ({inner})" if inner else said


def _told(row: Row, unit: Any, sides: tuple[str, str]) -> tuple[str, str]:
    """(the estimate, its interval) in words; the interval is empty where there is none."""
    measure = str(row.get("measure", "difference"))
    if measure in MEASURE_WORDS:
        shown = interval(row)
        return f"{MEASURE_WORDS[measure]} of {shown.partition(' (')[0]}", shown.partition("(")[2].rstrip(")")
    scale = factor(measure)
    e, low, high = (None if (v := real(row.get(k))) is None else _signed(v, measure, scale) for k in ENDS)
    assert e is not None
    relative = measure in ("percent_difference", "ratio")
    if relative and max(v for v in (e, low, high) if v is not None) >= MANIFOLD:
        ends = [number(1 + v / 100, 2) for v in (low, high) if v is not None]
        return f"{number(1 + e / 100)} times as high", f"{ends[0]} to {ends[1]} times" if len(ends) == 2 else ""
    d, name = decimals_for(low, high, e), measure_unit(measure, unit)

    def size(v: float) -> str:
        text = fixed(abs(v), d)
        # A level cannot fall by all of itself.
        return (
            f"more than {fixed(100 - 10.0**-d, d)}"
            if relative and v > -100 and text == fixed(100, d) and v < 0
            else text
        )

    said = f"{size(e)}{name} {_side(e, sides)}" if fixed(abs(e), d).strip("0.") else f"0{name} different"
    if low is None or high is None:
        return said, ""
    if low * high >= 0 and e * (low + high) >= 0:
        small, large = sorted((low, high), key=abs)
        return said, f"{size(small)} to {size(large)}{name}"
    return said, f"{size(low)}{name} {_side(low, sides)} to {size(high)}{name} {_side(high, sides)}"


ENDS = ("estimate", "ci_low", "ci_high")
#: A percentage from which on a reader is told how many times as high.
MANIFOLD = 900.0
MEASURE_WORDS = {"odds_ratio": "an odds ratio", "rate_ratio": "a rate ratio", "hazard_ratio": "a hazard ratio"}
_SIDES = {
    "time_to_return": ("shorter", "longer"),
    "time_above": ("shorter", "longer"),
    "time_of_maximum": ("earlier", "later"),
}


def sides_of(endpoint: Endpoint) -> tuple[str, str]:
    """What less and more of an endpoint is called."""
    return _SIDES.get(endpoint.kind, ("lower", "higher"))


def _signed(value: float, measure: str, scale: float) -> float:
    """A contrast as a signed difference; that of a ratio is in percent."""
    return 100 * (value - 1) if measure == "ratio" else scale * value


def _side(value: float, sides: tuple[str, str]) -> str:
    return sides[value >= 0]


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


def drawn(row: Row) -> Row:
    """A row of ``uncertainty`` as a contrast: the median of its draws, and 95 % of them, or of a few the extremes."""
    values = [v for v in map(real, row.get("values") or []) if v is not None]
    low, high = (
        (row.get("low"), row.get("high")) if len(values) >= FEW_DRAWS or not values else (min(values), max(values))
    )
    return {"measure": row.get("measure"), "estimate": row.get("median"), "ci_low": low, "ci_high": high}


def few_draws(trial: Finished) -> bool:
    """Whether there are too few draws to tell 95 % of them."""
    rows = list((trial.part("uncertainty") or {}).get("contrasts") or [])
    return any(len(r.get("values") or []) < FEW_DRAWS for r in rows)


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
