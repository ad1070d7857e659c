"""Numbers in sentences: few digits, no zeros at the end, powers of ten only where nothing else is readable."""

from __future__ import annotations

import math
from decimal import Decimal

_POWERS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def figure(x: float, digits: int = 3) -> str:
    """A number with at most ``digits`` significant digits: 2500, 0.31, 1.2 × 10⁻⁹."""
    text = f"{x:.{digits}g}"
    if "e" in text and 1e-4 <= abs(x) < 1e6:
        text = f"{Decimal(text):f}"
    mantissa, _, power = text.replace("-", "−", text.startswith("-")).partition("e")
    return f"{mantissa} × 10{str(int(power)).translate(_POWERS)}" if power else mantissa


def change(ratio: float) -> str:
    """A ratio as what is more or less in percent: +12%, −5%."""
    return f"{ratio - 1:+.0%}".replace("-", "−") if math.isfinite(ratio) else "?"


def p_words(p: float) -> str:
    """ "p = 0.03", "p < 0.001"."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"
