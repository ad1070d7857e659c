"""Numbers as a reader needs them: the digits that mean something, true minus signs, units."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

NONE = "–"
#: Measures that compare by a factor: on a logarithmic axis, without effect at 1.
RATIOS = ("ratio", "odds_ratio", "rate_ratio", "hazard_ratio")
MEASURES = {
    "difference": "difference",
    "mean_difference": "difference of means",
    "ratio": "ratio of geometric means",
    "percent_difference": "relative difference",
    "risk_difference": "difference of shares",
    "odds_ratio": "odds ratio",
    "rate_ratio": "rate ratio",
    "hazard_ratio": "hazard ratio",
}
#: Measures that are shares and read in percentage points.
SHARES = ("risk_difference",)


def real(value: Any) -> float | None:
    """A finite number, or None."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return float(value)


def number(value: Any, digits: int = 3) -> str:
    """A number with ``digits`` significant digits."""
    x = real(value)
    if x is None:
        return NONE
    if x == 0:
        return "0"
    size = math.floor(math.log10(abs(float(f"{x:.{digits}g}"))))
    if size >= 6 or size < -4:
        mantissa, exponent = f"{x:.{digits - 1}e}".split("e")
        return _minus(f"{mantissa} × {power_of_ten(int(exponent))}")
    return _minus(f"{float(f'{x:.{digits}g}'):,.{max(digits - 1 - size, 0)}f}")


def fixed(value: Any, decimals: int) -> str:
    """A number with ``decimals``."""
    x = real(value)
    if x is None:
        return NONE
    text = f"{x:,.{decimals}f}"
    return _minus(text.lstrip("-") if float(text.replace(",", "")) == 0 else text)


def decimals_for(low: Any, high: Any, estimate: Any = None) -> int:
    """Decimals with which an interval shows two digits of its half-width, and at most four of its ends."""
    ends = [v for v in (real(low), real(high), real(estimate)) if v is not None]
    a, b = real(low), real(high)
    largest = max((abs(v) for v in ends), default=0.0)
    most = 3 - math.floor(math.log10(largest)) if largest > 0 else 3
    if a is None or b is None or b <= a:
        return min(max(most - 1, 0), 6)
    return max(min(1 - math.floor(math.log10((b - a) / 2)), most, 6), 0)


def interval(row: Mapping[str, Any], factor: float = 1.0, sep: str = " to ") -> str:
    """``estimate (ci_low to ci_high)``; without the bracket where there is no interval."""
    found = [real(row.get(k)) for k in ("estimate", "ci_low", "ci_high")]
    e, low, high = (None if v is None else v * factor for v in found)
    if e is None:
        return NONE
    d = decimals_for(low, high, e)
    if low is None and high is None:
        return number(e)
    if _by_factor(row, low, high):  # decimals that suit one end would be too few or too many for the other
        return f"{number(e)} ({number(low, 2)}{sep}{number(high, 2)})"
    if 0 < max(abs(v) for v in (e, low, high) if v is not None) < 1e-4:  # all of its decimals would be zeros
        return f"{number(e)} ({number(low)}{sep}{number(high)})"
    ends = [NONE if v is None else fixed(v, d) for v in (low, high)]
    return f"{fixed(e, d)} ({ends[0]}{sep}{ends[1]})"


def _by_factor(row: Mapping[str, Any], low: float | None, high: float | None) -> bool:
    """Whether the ends of a ratio lie so far apart that each needs digits of its own."""
    return row.get("measure") in RATIOS and bool(low) and high is not None and high > 5 * (low or 0.0) > 0


def p_value(p: Any) -> str:
    """A p value as journals print it."""
    x = real(p)
    if x is None:
        return NONE
    if x < 0.001:
        return "< 0.001"
    return f"{x:.3f}" if x < 0.0995 else f"{x:.2f}"


def p_phrase(p: Any) -> str:
    """``p < 0.001`` or ``p = 0.03``; empty without one."""
    text = p_value(p)
    return "" if text == NONE else f"p {text}" if text.startswith("<") else f"p = {text}"


def percent(share: Any, digits: int = 2) -> str:
    """A share in percent."""
    x = real(share)
    if x is not None and 0 < x < 0.001:
        return "< 0.1 %"
    return NONE if x is None else f"{number(100 * x, digits) if 0 < x < 0.9995 else fixed(100 * x, 0)} %"


def count(n: Any) -> str:
    """A whole number."""
    x = real(n)
    return NONE if x is None else f"{x:,.0f}"


def unit_text(unit: Any) -> str:
    """A unit as it is printed; empty for a pure number."""
    text = str(unit or "")
    if text in ("dimensionless", "fold", "1"):
        return ""
    for power, sign in (("^2", "²"), ("^3", "³"), ("ug/", "µg/"), ("umol/", "µmol/")):
        text = text.replace(power, sign)
    return {
        "year": "years",
        "day": "days",
        "h": "hours",
        "degC": "°C",
        "1/year": "per year",
        "1/day": "per day",
        "1/h": "per hour",
    }.get(text, text)


def with_unit(text: str, unit: Any) -> str:
    """A printed number with its unit."""
    name = unit_text(unit)
    return text if not name or text == NONE else f"{text} {name}"


def criterion(bound: Any) -> str:
    """A bound such as ``≥ 2 mg/L``."""
    sign = {">=": "≥", "<=": "≤"}.get(bound.sign, bound.sign)
    return with_unit(_minus(f"{sign} {bound.value:,.10g}"), bound.unit)


def duration(days: float) -> str:
    """A duration in the largest unit that says it exactly: weeks from two weeks on."""
    if days == 0:
        return "time 0"
    if days in (1.0, 2.0, 3.0):
        return f"{days * 24:.0f} hours"
    for size, name, least, most in (
        (365.25, "year", 1, 1e9),
        (365.0, "year", 3, 1e9),
        (7.0, "week", 2, 1e9),
        (1.0, "day", 1, 1e9),
        (1 / 24, "hour", 1, 72),
    ):
        value = days / size
        if least <= value <= most and abs(value - round(value)) < 1e-6:
            return f"{round(value):,} {name}{'' if round(value) == 1 else 's'}"
    if days >= 1:
        return f"{days:,.0f} days" if days >= 100 else f"{number(days)} days"
    size, name = (24, "hours") if days * 24 >= 2 else (1440, "minutes")
    text = f"{float(f'{days * size:.3g}'):.10g}"
    return f"{text} {name.removesuffix('s') if text == '1' else name}"


def power_of_ten(n: int) -> str:
    """``10⁻³``."""
    return f"10{_super(n)}"


def _minus(text: str) -> str:
    return text.replace("-", "−")


def _super(n: int) -> str:
    return "".join("⁰¹²³⁴⁵⁶⁷⁸⁹"[int(c)] if c.isdigit() else "⁻" for c in str(n))
