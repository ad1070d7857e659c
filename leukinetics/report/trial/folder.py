"""A finished trial's folder, opened: its protocol, summary, provenance and where its tables are."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leukinetics.errors import DataError, LeukineticsError
from leukinetics.report.trial.names import plain, printed
from leukinetics.trial.protocol import Endpoint, Protocol
from leukinetics.trial.read import read_protocol

if TYPE_CHECKING:
    import pandas as pd

Row = Mapping[str, Any]
#: Keys without which a summary is not one of a trial.
NEEDED = ("trial", "seed", "patients", "arms", "contrasts")


@dataclass(frozen=True)
class Finished:
    """A finished trial. ``summary`` and ``provenance`` are the JSON files' contents."""

    folder: Path
    protocol: Protocol
    text: str
    summary: Mapping[str, Any]
    provenance: Mapping[str, Any]

    def rows(self, key: str) -> list[Row]:
        """A list of the summary; empty where it is null or absent."""
        return [row for row in self.summary.get(key) or [] if isinstance(row, Mapping)]

    def part(self, key: str) -> Row | None:
        """A table of the summary; None where it is null or absent."""
        found = self.summary.get(key)
        return found if isinstance(found, Mapping) and found else None

    @cached_property
    def assembly(self) -> Any:
        """The model of the protocol's condition and drugs as it is today. DataError where it is not there any more."""
        from leukinetics import biology

        try:
            return biology.assemble(self.protocol.trial.condition, drugs=self.protocol.drugs)
        except LeukineticsError as error:
            raise DataError(f"'{self.folder}': the trial's model cannot be assembled: {error}") from error

    @cached_property
    def labels(self) -> dict[str, str]:
        """What a reader calls each readout."""
        table = self.assembly.readouts
        found = {str(i): str(t or i) for i, t in zip(table["id"], table["label"], strict=True)}
        return {name: _tidy(label) for name, label in found.items()}

    def label(self, name: str) -> str:
        """What a reader calls an observable or covariate."""
        return self.labels.get(name) or _COVARIATES.get(name) or name.replace("_", " ")

    def said(self, text: str) -> str:
        """A text of the trial with names and units as readers know them: "crp >= 2 mg/L" is "CRP ≥ 2 mg/L"."""
        names = {**self.labels, **_COVARIATES}
        names = {name: label for name, label in names.items() if name not in self.assembly.drugs}
        told = re.sub(r"[A-Za-z]\w*", lambda m: names.get(m[0], m[0]), plain(text))
        return printed(told.replace(" since onset over ", " over "))  # what was counted within a time

    @cached_property
    def arms(self) -> list[str]:
        """Names of the arms in the protocol's order."""
        return [arm.name for arm in self.protocol.arm]

    @cached_property
    def endpoint_by_id(self) -> dict[str, Endpoint]:
        """The protocol's endpoints."""
        return {e.id: e for e in self.protocol.endpoint}

    @cached_property
    def primary(self) -> Endpoint:
        """The endpoint that the answer is about."""
        named = [name for name in self.protocol.analysis.primary if name in self.endpoint_by_id]
        return self.endpoint_by_id[named[0]] if named else self.protocol.endpoint[0]

    @property
    def level(self) -> str:
        """The level of the intervals."""
        return f"{100 * (1 - self.protocol.analysis.alpha):.10g} %"

    def main_contrasts(self, endpoint: str) -> list[Row]:
        """The first row of each arm among an endpoint's contrasts, in the arms' order."""
        found: dict[str, Row] = {}
        for row in self.rows("contrasts"):
            if row.get("endpoint") == endpoint:
                found.setdefault(str(row.get("arm")), row)
        return sorted(found.values(), key=lambda r: self.arms.index(r["arm"]) if r["arm"] in self.arms else 999)

    def estimate(self, arm: str, endpoint: str) -> Row:
        """An arm's numbers of an endpoint; empty where there are none."""
        for row in self.rows("arms"):
            if row.get("name") == arm:
                found = (row.get("endpoints") or {}).get(endpoint)
                return found if isinstance(found, Mapping) else {}
        return {}

    def unit(self, endpoint: str) -> Any:
        """The unit of an endpoint's estimates; empty where there is none."""
        return next((u for a in self.arms if (u := self.estimate(a, endpoint).get("unit"))), "")

    @cached_property
    def endpoints(self) -> pd.DataFrame:
        """endpoints.parquet: patient, arm, endpoint, time, value, baseline, unit, censored, exposure, missing."""
        table = self.table("endpoints.parquet")
        lacking = {"arm", "endpoint", "value"} - set(table.columns)
        if lacking:
            raise DataError(f"'{self.folder / 'endpoints.parquet'}' lacks the columns {', '.join(sorted(lacking))}.")
        for name, default in (("time", float("nan")), ("baseline", float("nan")), ("missing", "")):
            if name not in table:
                table[name] = default
        return table

    @cached_property
    def failures(self) -> pd.DataFrame:
        """failures.parquet: patient, arm, status, advice; no rows where the file is absent."""
        import pandas as pd

        if not (self.folder / "failures.parquet").exists():
            return pd.DataFrame(columns=["patient", "arm", "status", "advice"])
        return self.table("failures.parquet")

    def table(self, name: str) -> pd.DataFrame:
        """One of the folder's Parquet tables. DataError where it is absent or cannot be read."""
        import pandas as pd

        path = self.folder / name
        try:
            return pd.read_parquet(path)
        except FileNotFoundError:
            raise DataError(f"'{path}' is missing; the trial is not whole, run it again.") from None
        except Exception as error:  # pyarrow raises errors of many kinds on what is no Parquet file
            raise DataError(f"'{path}' cannot be read as Parquet; the file is damaged, run the trial again.") from error


def open_folder(folder: str | Path) -> Finished:
    """The trial in ``folder``. DataError where there is none, where it is still running, or where a file is damaged."""
    path = Path(folder)
    if not path.is_dir():
        raise DataError(f"'{path}' is no folder; name the folder of a finished trial.")
    summary = path / "summary.json"
    if not summary.exists():
        if (path / ".run").exists():
            raise DataError(
                f"The trial in '{path}' is not finished: there is no summary.json yet; wait for it, or run "
                f"'leukinetics trial' with --resume."
            )
        raise DataError(f"'{path}' holds no finished trial: there is no summary.json.")
    text = _text(path / "protocol.toml")
    content = _json(summary)
    lacking = [key for key in NEEDED if key not in content]
    if lacking:
        raise DataError(f"'{summary}' lacks {', '.join(lacking)}; it is no summary of a trial.")
    made = path / "provenance.json"
    return Finished(path, _protocol(path / "protocol.toml", text), text, content, _json(made))


def _protocol(path: Path, text: str) -> Protocol:
    try:
        return read_protocol(tomllib.loads(text))
    except (LeukineticsError, tomllib.TOMLDecodeError) as error:
        why = str(error).replace("\n", "; ")
        raise DataError(f"'{path}' cannot be read as a protocol: {why}") from error


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise DataError(f"'{path}' is missing; the trial is not whole, run it again.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"'{path}' cannot be read: {error}.") from error


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(_text(path))
    except json.JSONDecodeError as error:
        raise DataError(f"'{path}' is damaged: line {error.lineno} is no JSON; run the trial again.") from error
    if not isinstance(found, dict):
        raise DataError(f"'{path}' is damaged: it holds no table of keys; run the trial again.")
    return found


#: Covariates whose name in print is not their name in the model; inside a sentence.
_COVARIATES = {
    "bmi": "body mass index",
    "clcr": "creatinine clearance",
    "albumin_covariate": "serum albumin",
    "crp_covariate": "CRP",
}


def _tidy(label: str) -> str:
    label = {"C-reactive protein": "CRP"}.get(label, label).removesuffix(" as an immunoassay reads it")
    return label.replace("alpha", "α").replace("beta", "β")
