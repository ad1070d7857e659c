"""Dictionaries as TOML files: reading one, and writing one with a comment why each guess was made."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from leukinetics.cohort.table.dictionary import Dictionary
from leukinetics.errors import DataError, ProtocolError
from leukinetics.trial.checks.problems import Problems
from leukinetics.trial.checks.schema import report_entry
from leukinetics.trial.protocol import Part
from leukinetics.trial.toml_text import toml_text

_LISTS = ("analyte", "pair", "covariate", "outcome")
_TITLES = {
    "table": "The file, and who was sampled when.",
    "group": "Who is compared.",
    "analyte": "What is measured, with its limit of detection. All numbers of an entry are in its unit.",
    "pair": "The same analyte in cerebrospinal fluid and in blood.",
    "covariate": "What else is known of patients.",
    "outcome": "What is found, or happens later.",
    "analysis": "What is asked.",
}


def read_dictionary(dictionary: Dictionary | str | Path | Mapping[str, Any] | None) -> Dictionary:
    """A dictionary from a TOML file or a mapping; an empty one for None.

    DataError where there is no such file, or with one line per problem, each naming the key and, in a file, the line.
    """
    if dictionary is None:
        return Dictionary()
    if isinstance(dictionary, Dictionary):
        return dictionary
    if isinstance(dictionary, Mapping):
        return _checked(dict(dictionary), "", "")
    try:
        text = Path(dictionary).read_text(encoding="utf-8-sig")
        data = tomllib.loads(text)
    except OSError as error:
        raise DataError(f"The dictionary '{dictionary}' cannot be read: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"The dictionary '{dictionary}' is not valid TOML: {error}.") from error
    return _checked(data, str(dictionary), text)


def dictionary_toml(
    dictionary: Dictionary, reasons: Mapping[tuple[str | int, ...], str] | None = None, head: Iterable[str] = ()
) -> str:
    """The TOML of a dictionary: what is set, with its ``reasons`` as comments, below the lines of ``head``."""
    why = reasons or {}
    lines = [f"# {line}".rstrip() for line in head]
    for key in Dictionary.model_fields:
        part = getattr(dictionary, key)
        if key in _LISTS:
            for n, entry in enumerate(part):
                title = [] if n else [f"# {_TITLES[key]}"]
                said = (
                    why.get((key, n)) or why.get((key, entry.kind if key == "outcome" else "", entry.column))
                    if key != "pair"
                    else None
                )
                lines += ["", *title, f"[[{key}]]" + (f"  # {said}" if said else "")]
                lines += _lines(entry, (key, n), why)
        elif part is not None and (key == "table" or part != type(part).model_construct()):
            lines += ["", f"# {_TITLES[key]}", f"[{key}]", *_lines(part, (key,), why)]
    return "\n".join(lines).strip() + "\n"


def _lines(part: Part, path: tuple[str | int, ...], why: Mapping[tuple[str | int, ...], str]) -> list[str]:
    found = []
    for name, field in type(part).model_fields.items():
        value = getattr(part, name)
        if value is None or (not field.is_required() and value == field.get_default(call_default_factory=True)):
            continue
        plain = value.model_dump(exclude_none=True) if isinstance(value, Part) else value
        # One level down, where a mapping is written in one line.
        text = toml_text({"t": {name: plain}}).partition("\n")[2].strip()
        reason = why.get((*path, name))
        found.append(f"{text}  # {reason}" if reason else text)
    return found


def _checked(data: dict[str, Any], file: str, text: str) -> Dictionary:
    problems = Problems(file, text, data)
    try:
        found = Dictionary.model_validate(data)
    except ValidationError as error:
        for entry in error.errors(include_url=False):
            report_entry(entry, problems, Dictionary)
    try:
        problems.raise_if_any()
    except ProtocolError as error:
        raise DataError(str(error)) from None
    found._text, found._file = text, file
    return found
