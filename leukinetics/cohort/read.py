"""Reading a cohort's protocol from a TOML file or a mapping."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from leukinetics.cohort.from_toml import has_table, read_toml
from leukinetics.cohort.protocol import CohortProtocol


def read_cohort(protocol: str | Path | Mapping[str, Any] | CohortProtocol) -> CohortProtocol:
    """Read and check a cohort's protocol: the path of a TOML file, or its content as a mapping.

    ProtocolError where there is no such file, or with one line per problem, each naming the key and the line. What the
    model has not is seen by :func:`leukinetics.cohort.virtual.prepare_groups`.
    """
    return read_toml(CohortProtocol, protocol, "cohort")


def is_cohort(path: str | Path) -> bool:
    """Whether a file is a cohort's protocol: TOML with a table [cohort]."""
    return has_table(path, "cohort")
