"""The page of a tutorial: its template, with every number out of its results."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from leukinetics.commands.tutorial.tutorial import Results, Tutorial
from leukinetics.report.trial.numbers import number, p_phrase


def page(one: Tutorial, found: Results) -> str:
    """The whole text of a tutorial, as Markdown."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters |= {"n": _number, "percent": _percent, "count": lambda x: f"{x:,.0f}", "p": p_phrase}
    environment.globals |= {
        "contrast": contrast, "arm": _arm, "interval": interval, "over_draws": over_draws, "tail": _tail,
        "peak": _peak, "at_time": _at_time, "apart": _apart,
    }  # fmt: skip
    text = environment.from_string(one.template.read_text(encoding="utf-8")).render(r=found)
    return re.sub(r"\n{3,}", "\n\n", re.sub(r" +\n", "\n", text)).rstrip() + "\n"


def contrast(trial: Results, endpoint: str, arm: str) -> Mapping[str, Any]:
    """The main contrast of an arm."""
    return next(c for c in trial["contrasts"] if (c["endpoint"], c["arm"]) == (endpoint, arm))


def over_draws(trial: Results, endpoint: str, arm: str) -> str:
    """The median and interval of an effect over the draws."""
    row = next(c for c in trial["uncertainty"] if (c["endpoint"], c["arm"]) == (endpoint, arm))
    return f"{_number(row['median'])} ({_number(row['low'])} to {_number(row['high'])})"


def interval(row: Mapping[str, Any], digits: int = 2) -> str:
    """An estimate with its confidence interval."""
    return f"{_number(row['estimate'], digits)} ({_number(row['ci_low'], digits)} to {_number(row['ci_high'], digits)})"


def _arm(trial: Results, arm: str, endpoint: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = trial["arms"][arm][endpoint]
    return found


def _peak(part: Results, arm: str, name: str) -> float:
    """The time at which an arm's course is highest."""
    course = part["arms"][arm][name]
    return float(part["time"][course.index(max(course))])


def _apart(one: Results, other: Results) -> float:
    """How far two means are apart, in their standard errors."""
    return float((one["mean"] - other["mean"]) / math.hypot(one["se"], other["se"]))


def _at_time(part: Results, time: float) -> int:
    """The place of a time among those of a course."""
    return list(part["time"]).index(time)


def _number(value: float | None, digits: int = 2) -> str:
    return number(value, digits)


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{number(100 * value, 2)} %"


def _tail(row: Mapping[str, Any]) -> str:
    """What narrows an answer, in words: a parameter, or a result that a study would have."""
    if "what" not in row:
        return str(row["words"])
    who = f" of {row['arm']}" if row.get("arm") else ""
    return f"a study of {'the effect' if row['what'] == 'effect' else 'the level'}{who} on `{row['endpoint']}`"
