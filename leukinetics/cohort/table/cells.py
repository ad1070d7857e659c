"""One cell of a column of measurements: a number, "<0.5", "BLQ", "0.5*", "1,5 ng/mL", nothing, or something odd."""

from __future__ import annotations

import functools
import html
import math
import re
import unicodedata
from enum import IntEnum
from typing import NamedTuple

from leukinetics.cohort.table.numbers import Mark, Number, read_number
from leukinetics.cohort.table.units_text import spelled

#: Nothing there, or a sample of which nothing can be known.
MISSING_WORDS = (
    "na", "n/a", "n.a", "nan", "null", "none", "-", "--", "---", "–", "—", ".", "..", "?", "missing", "not done",
    "not available", "not measured", "not applicable", "not tested", "unknown", "#n/a", "<na>", "pending", "nv",
)  # fmt: skip
#: Why there is no measurement: not measured as well, but told one by one.
LOST_WORDS = (
    "no sample", "no csf", "no serum", "no plasma", "qns", "quantity not sufficient", "insufficient",
    "insufficient sample", "insufficient volume", "hemolysed", "haemolysed", "hemolyzed", "haemolyzed", "hemolysis",
    "haemolysis", "hemolytic", "haemolytic", "lipemic", "lipaemic", "icteric", "clotted", "contaminated", "lost",
    "sample lost", "broken", "failed", "assay failed", "invalid", "error", "refused", "excluded", "no result",
    "#value!", "#div/0!", "#ref!", "#name?", "#num!", "#null!", "inf", "-inf", "infinity",
)  # fmt: skip
BELOW_WORDS = (
    "<", "blq", "bloq", "blloq", "bql", "bdl", "bld", "blod", "bll", "lod", "loq", "lloq", "llod", "dl", "mdl", "ld",
    "nd", "n.d", "not detected", "not detectable", "non detect", "non-detect", "nondetect", "undetectable",
    "undetected", "none detected", "below", "below limit", "below detection", "below detection limit",
    "below the limit",
    "below limit of detection", "below limit of quantification", "below lod", "below loq", "below lloq", "oor<",
    "oor <", "under range", "<oor", "out of range below", "out of range <", "nn", "n.n", "nicht nachweisbar", "u.d",
    "ud", "neg", "negative",
)  # fmt: skip
ABOVE_WORDS = (
    ">", "alq", "aloq", "auloq", "uloq", "above", "above limit", "above uloq", "oor>", "oor >", ">oor", "over range",
    "out of range above", "out of range >", "saturated",
)  # fmt: skip
#: Words that some tables use for "not done" as well.
TWO_MEANINGS = frozenset({"nd", "n.d", "nn", "n.n", "ud", "u.d", "none detected", "neg", "negative", "<"})

_BELOW = r"<=|=<|<|≤|less than|lower than|below|under"
_ABOVE = r">=|=>|>|≥|greater than|more than|higher than|above|over"
_ABOUT = r"~|≈|ca\.?|circa|approx\.?|about"
_SIGN = re.compile(rf"(?:(?P<below>{_BELOW})|(?P<above>{_ABOVE})|(?P<about>{_ABOUT}))\s*(?P<rest>.+)", re.IGNORECASE)
_FLAG = re.compile(
    r"[*†‡#§!]+|\((?:est\.?|estimated|e|j|extrap\.?|extrapolated|low|[<>]?\s?ll?oq|\*+|[a-f])\)|\b(?:est\.?|J)",
    re.IGNORECASE,
)
_NUMBER_UNIT = re.compile(
    r"(?P<number>[+-]?\s?[\d.,](?:[\d.,' ]*[\d.,])?(?:\s?[eE]\s?[+-]?\d+)?(?:\s?[x×*]\s?10\s?\^\s?[+-]?\d+)?)"
    r"\s*(?P<unit>[^\d\s.,].*)"
)
_BRACKETS = re.compile(r"[(\[]\s*(.+?)\s*[)\]]")
_DATE = re.compile(
    r"\d{4}-\d{1,2}-\d{1,2}(?:[T ].*)?|\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}|\d{4}/\d{1,2}/\d{1,2}"
    r"|\d{1,2}[-. ]*(?:jan|feb|mar|m[aä]r|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz])[a-z]*[-. ]*\d{0,4}"
    r"|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[-. ]+\d{1,4}(?:,?\s+\d{4})?",
    re.IGNORECASE,
)
_POWERS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_POWER = re.compile(r"[⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺]+")


class Kind(IntEnum):
    """What a cell says."""

    MISSING = 0
    NUMBER = 1
    BELOW = 2  # its number, or a limit stated elsewhere
    ABOVE = 3
    LOST = 4  # why there is no measurement
    DATE = 5
    UNKNOWN = 6  # none of these


class Cell(NamedTuple):
    """A cell: ``value`` is NaN where it has no number; ``word``: the mark that stands for a limit or for nothing."""

    kind: Kind
    value: float = math.nan
    unit: str = ""
    flagged: bool = False
    word: str = ""
    number: Number | None = None


@functools.lru_cache(maxsize=1024)
def folded(text: str) -> str:
    """A word as it is compared: without case, white space at the ends, final full stops."""
    text = plain(text).casefold()
    return text.rstrip(".") or text


def plain(text: str) -> str:
    """A text without what spreadsheets, web pages and keyboards do to it: entities, odd spaces and minus signs."""
    if "&" in text:
        text = html.unescape(text)
    text = _POWER.sub(lambda m: f"^{m.group().translate(_POWERS)}", text)
    text = unicodedata.normalize("NFKC", text).replace("−", "-").replace("’", "'").replace("\u200b", "")
    return " ".join(text.split())


def read_cell(
    text: str, decimal: Mark = ".", missing: frozenset[str] = frozenset(), below: frozenset[str] = frozenset()
) -> Cell:
    """What the text of a cell says; never raises. ``missing``, ``below``: more words, as :func:`folded` has them."""
    text = plain(text)
    word = folded(text)
    if not text or word in missing:
        return Cell(Kind.MISSING, word=text)
    if word in below:
        return Cell(Kind.BELOW, word=text)
    if number := read_number(text, decimal):
        return Cell(Kind.NUMBER, number.value, number=number)
    if word in _MISSING:
        return Cell(Kind.MISSING, word=text)
    if word in _LOST:
        return Cell(Kind.LOST, word=text)
    if word in _BELOW_SET:
        return Cell(Kind.BELOW, word=text)
    if word in _ABOVE_SET:
        return Cell(Kind.ABOVE, word=text)
    if _DATE.fullmatch(text):
        return Cell(Kind.DATE)
    bare = _FLAG.sub(" ", text)
    flagged = bare != text
    bare = " ".join(bare.split())
    if inside := _BRACKETS.fullmatch(bare):
        bare, flagged = inside[1], True
    sign, kind = _SIGN.fullmatch(bare), Kind.NUMBER
    if sign:
        kind = Kind.BELOW if sign["below"] else Kind.ABOVE if sign["above"] else Kind.NUMBER
        flagged, bare = flagged or bool(sign["about"]), sign["rest"]
        rest = folded(bare)
        if (kind == Kind.BELOW and rest in _BELOW_SET) or (kind == Kind.ABOVE and rest in _ABOVE_SET):
            return Cell(kind, word=text)
    read = _number_and_unit(bare, decimal)
    if read is not None and (kind == Kind.NUMBER or read[0].value > 0):
        return Cell(kind, read[0].value, read[1], flagged, number=read[0])
    return Cell(Kind.UNKNOWN, word=text)


def _number_and_unit(text: str, decimal: Mark) -> tuple[Number, str] | None:
    if number := read_number(text, decimal):
        return number, ""
    found = _NUMBER_UNIT.fullmatch(text)
    if not found:
        return None
    number, unit = read_number(found["number"], decimal), spelled(found["unit"].strip())
    return None if number is None or unit is None else (number, unit)


_MISSING, _LOST, _BELOW_SET, _ABOVE_SET = (
    frozenset(folded(w) for w in words) for words in (MISSING_WORDS, LOST_WORDS, BELOW_WORDS, ABOVE_WORDS)
)
