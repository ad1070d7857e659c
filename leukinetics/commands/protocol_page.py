"""The reference of the protocol in docs/protocol.md, written from the tables themselves so that it never drifts.

``python -m leukinetics.commands.protocol_page docs/protocol.md`` writes it anew, between its two marks.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BeforeValidator
from pydantic.fields import FieldInfo

from leukinetics.commands.new import protocol_text
from leukinetics.errors import LeukineticsError
from leukinetics.trial.checks.schema import part_of
from leukinetics.trial.plan_words import days as in_words
from leukinetics.trial.protocol import Dose, Match, Part, Protocol, Worsening
from leukinetics.trial.protocol.endpoint import FITTING
from leukinetics.trial.protocol.fields import Clock, Criterion, Quantity
from leukinetics.trial.times import days

BEGIN, END = "<!-- protocol: begin -->", "<!-- protocol: end -->"
#: Of keys that the protocol to start from does not show.
EXAMPLES: dict[str, Any] = {
    "also.instead": {"power": {"endpoint": "il6"}},
    "dose.cap": "800 mg",
    "dose.duration": "30 min",
    "endpoint.margin": 0.2,
    "endpoint.statistic": "median",
    "endpoint.associated_with": "relapses",
    "endpoint.confirm": "12 weeks",
    "endpoint.event_free": "30 days",
    "endpoint.independent_of": "relapses",
    "endpoint.rebaseline": "30 days",
    "endpoint.within": "90 days",
    "endpoint.worsening": [{"baseline": "<= 5.5", "change": ">= 1"}],
    "endpoint.worsening.value": ">= 6",
    "population.match.correlation": 0.5,
    "power.others": {"il6": [2, 4]},
    "population.match.median": 3.1,
    "population.match.noise": False,
    "population.match.observables": ["crp", "il6"],
    "population.match.quartiles": [1.4, 5.8],
    "population.match.sd": 12,
    "population.table": "population.parquet",
    "report.context_of_use": "Choice of a dose.",
    "report.decision_consequence": "A dose too low would waste the trial.",
    "report.model_influence": "Medium, beside two trials.",
    "sensitivity.parameters": ["canakinumab_KD_il1b"],
    "sensitivity.samples": 128,
    "subgroup.endpoint": "crp",
    "trial.name": "Canakinumab after myocardial infarction",
    "subgroup.unit": "mg/L",
}
_FREE = {
    "parameter": "Keys are parameters that the model leaves to protocols; a value holds for everybody.",
    "eligibility": "Keys are covariates (as told), observables (as measured at screening), or how far one has "
    'changed by then (`"relapses over 1 year"`, of conditions with a history); values are criteria.',
}
_ELSEWHERE = {"population.match": "see below", "arm.dose": "see below", "arm.background": "see below"}
_TELLING = 10_000
_WORDS = {str: "text", bool: "`true` or `false`", int: "whole number", float: "number"}


def reference() -> str:
    """All tables of a protocol with their keys, as Markdown."""
    text = protocol_text("post_mi", "canakinumab", Path("trial.toml"))
    shown = tomllib.loads(re.sub(r"^#(?! |$)", "", text, flags=re.MULTILINE))
    lines: list[str] = []
    for name, field in Protocol.model_fields.items():
        part, listed = part_of(field.annotation)
        lines += ["", f"### `{f'[[{name}]]' if listed else f'[{name}]'}`", ""]
        if part is None:
            lines.append(f"{_sentence(str(field.description))} {_FREE[name]} Such as `{_pair(shown[name])}`.")
            continue
        lines += _table(part, name, shown[name] if listed else [shown[name]])
        if part is Protocol.model_fields["population"].annotation:
            lines += ["", "#### `[[population.match]]`", "", *_table(Match, "population.match", shown[name]["match"])]
        if name == "endpoint":
            worse = EXAMPLES["endpoint.worsening"]
            lines += ["", "#### `worsening` of `[[endpoint]]`", "", *_table(Worsening, "endpoint.worsening", worse)]
            lines += ["", "| kind | analyses that fit it, its own first |", "| --- | --- |"]
            lines += [f"| `{kind}` | {', '.join(f'`{a}`' for a in fitting)} |" for kind, fitting in FITTING.items()]
        if name == "arm":
            doses = [dose for arm in shown["arm"] for dose in arm.get("dose", [])]
            lines += ["", "#### `[[arm.dose]]`; also entries of `background`, and of `dose` of a rule", ""]
            lines += _table(Dose, "dose", doses)
    return "\n".join(lines).strip() + "\n"


def page(text: str) -> str:
    """The text of docs/protocol.md with the reference as it is now. LeukineticsError where the marks are missing."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise LeukineticsError(f"The page has no marks '{BEGIN}' and '{END}'; put them where the reference belongs.")
    return f"{before}{BEGIN}\n\n{reference()}\n{END}{after}"


def _table(part: type[Part], name: str, shown: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = [_docstring(part), "", "| key | meaning | value | default | example |", "| --- | --- | --- | --- | --- |"]
    for own, field in part.model_fields.items():
        key = field.alias or own
        example = next((t[key] for t in shown if t.get(key) not in (None, "")), EXAMPLES.get(f"{name}.{key}"))
        example = EXAMPLES.get(f"{name}.{key}", example)
        written = _ELSEWHERE.get(f"{name}.{key}") or f"`{_value(example)}`"
        cells = [f"`{key}`", _sentence(str(field.description))[:-1], _kind(field), _default(field), written]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return lines


def _docstring(part: type[Part]) -> str:
    """A table's docstring in Markdown, as one paragraph a paragraph."""
    text = re.sub(r" See :mod:`[^`]*`\.", "", str(part.__doc__))
    text = re.sub(r":(?:class|mod|func):`(?:[\w.]*\.)?(\w+)`", r"`\1`", text).replace("``", "`")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n")).strip()


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


def _kind(field: FieldInfo) -> str:
    """What may stand as a value, in words."""
    metadata = list(field.metadata)
    for inner in get_args(field.annotation):
        if get_origin(field.annotation) in (Union, UnionType) and get_origin(inner) is Annotated:
            metadata += get_args(inner)[1:]
    limits = " ".join(dict.fromkeys(_limits(metadata)))
    return f"{_words(field.annotation, field.metadata)} {limits}".strip()


def _words(annotation: Any, metadata: Sequence[Any] = ()) -> str:
    if get_origin(annotation) is Annotated:
        inner, *more = get_args(annotation)
        return _words(inner, [*more, *metadata])
    for known, words in ((Clock, "clock time"), (Quantity, "amount"), (Criterion, "criterion")):
        if any(m is n for m in _validators(metadata) for n in _validators(get_args(known)[1:])):
            return words
    if any(m.func is days for m in _validators(metadata)):
        return "duration"
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        return _words(next(a for a in arguments if a is not type(None)), metadata)
    if origin is Literal:
        *most, last = [f"`{_value(a)}`" for a in arguments]
        return f"{', '.join(most)} or {last}"
    if origin is list:
        part = part_of(annotation)[0]
        return "tables" if part else f"list of {_plural(_words(arguments[0]))}"
    if origin is tuple:
        return f"list of {len(arguments)} {_plural(_words(arguments[0]))}"
    return "table" if origin is dict else _WORDS[annotation]


def _validators(metadata: Sequence[Any]) -> list[BeforeValidator]:
    return [m for m in metadata if isinstance(m, BeforeValidator)]


def _plural(words: str) -> str:
    return words if words == "text" or "`" in words else "criteria" if words == "criterion" else f"{words}s"


def _limits(metadata: Sequence[Any]) -> list[str]:
    """The bounds of a number; those that only keep slips out are not worth a word."""
    signs = (("gt", "above"), ("ge", "from"), ("lt", "below"), ("le", "to"))
    found = [(word, getattr(m, sign)) for sign, word in signs for m in metadata if hasattr(m, sign)]
    return [f"{word} {bound:,}" for word, bound in found if bound <= _TELLING]


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**needed**"
    value = field.get_default(call_default_factory=True)
    if value is None or value == "" or value == [] or value == {}:
        return ""
    return f"`{_value(in_words(value) if _words(field.annotation, field.metadata) == 'duration' else value)}`"


def _pair(table: Mapping[str, Any]) -> str:
    key, value = next(iter(table.items()))
    return f"{key} = {_value(value)}"


def _value(value: Any) -> str:
    """A value as a file writes it."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{k} = {_value(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def main(arguments: Sequence[str]) -> int:
    """Write the reference into the page named; 0 done, 1 a mistake, 2 usage."""
    if len(arguments) != 1:
        print("usage: python -m leukinetics.commands.protocol_page FILE.md", file=sys.stderr)
        return 2
    path = Path(arguments[0])
    try:
        path.write_text(page(path.read_text("utf-8")), "utf-8")
    except (LeukineticsError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
