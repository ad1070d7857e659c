"""The page of the tutorial: the template, with every number out of the results."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from leukinetics.report.trial.numbers import number

TEMPLATE = Path(__file__).with_name("page.md.j2")
Results = Mapping[str, Any]


def page(found: Results) -> str:
    """The whole text, as Markdown."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters |= {"n": _number, "percent": _percent, "count": lambda x: f"{x:,.0f}"}
    environment.globals |= {
        "contrast": contrast, "arm": _arm, "interval": interval, "over_draws": over_draws, "tail": _tail
    }  # fmt: skip
    text = environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(r=found)
    return re.sub(r"\n{3,}", "\n\n", text).rstrip() + "\n"


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
