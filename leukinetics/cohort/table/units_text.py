"""Units as laboratories write them in headers and cells: "pg/ml", "µg·L-1", "pg_ml", "MG/L", "years"."""

from __future__ import annotations

import functools
import re
import unicodedata

from leukinetics import units
from leukinetics.errors import LeukineticsError
from leukinetics.patients.convert import convert

_AMOUNT = r"(?P<prefix>mc|[fpnumkµ])?(?P<base>g|mol|iu|u)"
_VOLUME = r"(?P<volume>[dumµ]?l|cc)"
_PER = re.compile(rf"{_AMOUNT}\s*(?:/|per|[\s._*])\s*{_VOLUME}\s*(?:\^?\s*-\s*1)?", re.IGNORECASE)
_JOINED = re.compile(rf"{_AMOUNT}{_VOLUME}", re.IGNORECASE)  # pgml, as names of columns have it
_MOLAR = re.compile(r"(?P<prefix>mc|[fpnumµ])?M")
_BASES = {"g": "g", "mol": "mol", "iu": "IU", "u": "U"}
_WORDS = {
    "year": "year", "years": "year", "yr": "year", "yrs": "year", "y": "year", "jahre": "year", "month": "month",
    "months": "month", "mo": "month", "week": "week", "weeks": "week", "wk": "week", "wks": "week", "day": "day",
    "days": "day", "d": "day", "hour": "hour", "hours": "hour", "h": "hour", "hr": "hour", "min": "min", "kg": "kg",
    "cm": "cm", "m": "m", "kg/m2": "kg/m^2", "kg/m^2": "kg/m^2", "kg/m²": "kg/m^2", "%": "%", "percent": "%",
    "mmhg": "mmHg", "points": "dimensionless", "score": "dimensionless", "ratio": "dimensionless",
    "pg/mg": "pg/mg", "ng/mg": "ng/mg", "mg/g": "mg/g",
}  # fmt: skip


@functools.lru_cache(maxsize=4096)
def spelled(text: str) -> str | None:
    """The unit that a text names, as :mod:`leukinetics.units` spells it; None where it names none.

    The case of letters does not count where a concentration is written out ("PG/ML"): nobody means petagrams.
    """
    text = unicodedata.normalize("NFKC", text).replace("μ", "µ").replace("·", "*").replace("−", "-").strip()
    if not text or len(text) > 40:
        return None
    if found := _PER.fullmatch(text) or _JOINED.fullmatch(text):
        volume = found["volume"].lower().replace("cc", "ml").replace("µ", "u")
        return f"{_prefix(found['prefix'])}{_BASES[found['base'].lower()]}/{volume[:-1]}L"
    if found := _MOLAR.fullmatch(text):
        return f"{_prefix(found['prefix'])}M"
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if not re.search(r"[/^]", text):  # a word that happens to be a unit, such as "point" or "a", is none in a table
        return None
    return text if is_unit(text) else None


def is_unit(text: str) -> bool:
    """Whether a text is a unit that can be converted."""
    if text in _WORDS.values():
        return True
    try:
        units.convert(1.0, text, text)
    except LeukineticsError:
        return False
    return True


def is_concentration(unit: str) -> bool:
    """Whether a unit is an amount (mass, substance, activity) in a volume."""
    return bool(_PER.fullmatch(unit) or _MOLAR.fullmatch(unit))


def is_time(unit: str) -> bool:
    """Whether a unit is one of time."""
    try:
        convert(1.0, unit, "day")
    except LeukineticsError:
        return False
    return True


def _prefix(text: str | None) -> str:
    return (text or "").lower().replace("mc", "u").replace("µ", "u")
