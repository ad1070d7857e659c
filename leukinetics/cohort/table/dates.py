"""Dates as people write them, in days."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date

_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ].*)?")
_THREE = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})")
_NAMED = re.compile(r"(\d{1,2})[-. ]*([A-Za-zäÄ]{3,9})\.?[-., ]*(\d{4}|\d{2})")
_AMERICAN = re.compile(r"([A-Za-z]{3,9})\.?\s+(\d{1,2}),?\s+(\d{4})")
_MONTHS = {
    "jan": 1, "feb": 2, "mar": 3, "mär": 3, "apr": 4, "may": 5, "mai": 5, "jun": 6, "jul": 7, "aug": 8, "sep": 9,
    "oct": 10, "okt": 10, "nov": 11, "dec": 12, "dez": 12,
}  # fmt: skip
#: Two digits of a year above this are of the last century.
_PIVOT = 68


def order_of(texts: Iterable[str]) -> tuple[str | None, str | None]:
    """(order, an example that proves nothing) of dates such as 3/4/2020.

    "dmy" or "mdy" where one of them has a day above 12, "dmy" where full stops divide them; (None, example) where
    nothing proves an order, (None, None) where none needs one. ValueError where both are proved.
    """
    proved: dict[str, str] = {}
    open_example = None
    for text in texts:
        found = _THREE.fullmatch(text.strip())
        if not found:
            continue
        first, mark, second = int(found[1]), found[2], int(found[3])
        if first > 12 or (mark == "." and second <= 12):
            proved.setdefault("dmy", text)
        elif second > 12:
            proved.setdefault("mdy", text)
        elif first != second:
            open_example = open_example or text
    if len(proved) > 1:
        raise ValueError(f"'{proved['dmy']}' begins with the day, '{proved['mdy']}' with the month")
    order = next(iter(proved), None)
    return order, None if order else open_example


def day_of(text: str, order: str | None) -> float | None:
    """The day of a date, counted from some day; None where the text is no date. ``order``: "dmy" or "mdy"."""
    text = text.strip()
    try:
        if found := _ISO.fullmatch(text):
            return float(date(int(found[1]), int(found[2]), int(found[3])).toordinal())
        if found := _THREE.fullmatch(text):
            day, month = (found[1], found[3]) if order != "mdy" else (found[3], found[1])
            return float(date(_year(found[4]), int(month), int(day)).toordinal())
        if found := _NAMED.fullmatch(text):
            return float(date(_year(found[3]), _MONTHS[found[2][:3].lower()], int(found[1])).toordinal())
        if found := _AMERICAN.fullmatch(text):
            return float(date(int(found[3]), _MONTHS[found[1][:3].lower()], int(found[2])).toordinal())
    except (ValueError, KeyError):
        return None
    return None


def _year(text: str) -> int:
    year = int(text)
    return year if len(text) == 4 else year + (1900 if year > _PIVOT else 2000)
