"""Reading a cohort's protocol from a TOML file or a mapping."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from leukinetics.cohort.protocol import CohortProtocol
from leukinetics.errors import ProtocolError
from leukinetics.trial.checks.problems import Problems
from leukinetics.trial.checks.schema import report_entry
from leukinetics.trial.toml_text import toml_text


def read_cohort(protocol: str | Path | Mapping[str, Any] | CohortProtocol) -> CohortProtocol:
    """Read and check a cohort's protocol: the path of a TOML file, or its content as a mapping.

    ProtocolError where there is no such file, or with one line per problem, each naming the key and the line. What the
    model has not is seen by :func:`leukinetics.cohort.virtual.prepare_groups`.
    """
    if isinstance(protocol, CohortProtocol):
        return protocol
    if isinstance(protocol, Mapping):
        return _checked(protocol, "", toml_text(protocol))
    try:
        text = Path(protocol).read_text(encoding="utf-8-sig")
        data = tomllib.loads(text)
    except OSError as error:
        raise ProtocolError(f"The cohort '{protocol}' cannot be read: {error.strerror or error}.") from error
    except ValueError as error:
        raise ProtocolError(f"The cohort '{protocol}' is not valid TOML: {error}.") from error
    return _checked(data, str(protocol), text)


def is_cohort(path: str | Path) -> bool:
    """Whether a file is a cohort's protocol: TOML with a table [cohort]."""
    try:
        return "cohort" in tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return False


def _checked(data: Mapping[str, Any], file: str, text: str) -> CohortProtocol:
    problems = Problems(file, text, data)
    try:
        found = CohortProtocol.model_validate(dict(data))
    except ValidationError as error:
        for entry in error.errors(include_url=False):
            report_entry(entry, problems, CohortProtocol)
    problems.raise_if_any()
    found._text = text
    return found
