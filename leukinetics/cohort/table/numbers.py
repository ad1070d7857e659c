"""Numbers as people write them: decimal points and commas, marks of thousands, powers of ten."""

from __future__ import annotations

import math
import re
from typing import Literal, NamedTuple

Mark = Literal[".", ","]

_SHAPE = re.compile(
    r"(?P<sign>[+-]?)\s?(?P<body>\d[\d.,' ]*|[.,]\d+)"
    r"(?:\s?[eE]\s?(?P<e>[+-]?\d{1,4})|\s?[x×*]\s?10\s?(?:\^|\*\*)\s?\(?(?P<ten>[+-]?\d{1,4})\)?)?"
)
_GROUPED = {mark: re.compile(rf"\d{{1,3}}(?:{re.escape(mark)}\d{{3}})+") for mark in ".,' "}


class Number(NamedTuple):
    """A number that was read.

    ``mark``: the mark of decimals that its text proves ("1.5", "1,234.5"; None: it proves none); ``either``: it would
    be another number with the other mark of decimals ("1,234").
    """

    value: float
    mark: Mark | None = None
    either: bool = False


def read_number(text: str, decimal: Mark = ".") -> Number | None:
    """The number of a text, of which all must be one; None for anything else, and for what is not finite.

    ``decimal`` decides where the text does not: "1,234" is 1234 with ".", 1.234 with ",".
    """
    found = _SHAPE.fullmatch(text)
    if not found:
        return None
    body = found["body"].rstrip(" '")
    read = _body(body, decimal)
    if read is None:
        return None
    digits, mark, either = read
    value = float(f"{found['sign']}{digits}e{found['e'] or found['ten'] or 0}")
    return Number(value, mark, either) if math.isfinite(value) else None


def _body(body: str, decimal: Mark) -> tuple[str, Mark | None, bool] | None:
    """(digits with a point, the mark of decimals that is proved, whether another reading is as good)."""
    for gap in " '":
        if gap in body:
            whole = re.split(r"[.,]", body, maxsplit=1)[0]
            if not _GROUPED[gap].fullmatch(whole):
                return None
            body = whole.replace(gap, "") + body[len(whole) :]
            if gap in body:
                return None
    points, commas = body.count("."), body.count(",")
    if not points and not commas:
        return body, None, False
    mark: Mark = "." if body.rfind(".") > body.rfind(",") else ","
    other: Mark = "," if mark == "." else "."
    if points and commas:
        whole, _, rest = body.rpartition(mark)
        if mark in whole or not _GROUPED[other].fullmatch(whole):
            return None
        return f"{whole.replace(other, '')}.{rest}", mark, False
    if points + commas > 1:
        if not _GROUPED[mark].fullmatch(body):
            return None
        return body.replace(mark, ""), other, False
    whole, _, rest = body.partition(mark)
    if _GROUPED[mark].fullmatch(body) and not whole.startswith("0"):
        return (f"{whole}.{rest}" if mark == decimal else whole + rest), None, True
    return f"{whole or '0'}.{rest}", mark, False
