"""What a tutorial tells of a trial: the part of its summary that a page and its figures need."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import leukinetics as lk
from leukinetics import biology
from leukinetics.report.trial.names import meaning, parameter_words
from leukinetics.trial import Protocol, prepare
from leukinetics.trial.studies.sensitivity import sensitivity

#: Parameters of a tornado, and results of studies that would narrow an answer, that are kept.
LEADING, STUDIES = 12, 32
_NUMBERS = ("estimate", "se", "ci_low", "ci_high", "n", "unit")
_CONTRAST = ("endpoint", "arm", "reference", "measure", "estimate", "ci_low", "ci_high", "p_value")
_RANGE = ("median", "low", "high", "share_parameters")


def example(name: str, *without: str) -> Callable[[Path], dict[str, Any]]:
    """A part of a tutorial: an example, carried out without the tables ``without`` of its protocol."""
    return lambda examples: trial(lk.read_protocol(examples / f"{name}.toml"), without)


def leans_on(name: str, endpoint: str) -> Callable[[Path], dict[str, Any]]:
    """A part of a tutorial: what another ``endpoint`` of an example leans on."""

    def part(examples: Path) -> dict[str, Any]:
        protocol = lk.read_protocol(examples / f"{name}.toml")
        assert protocol.sensitivity is not None
        asked = protocol.sensitivity.model_copy(update={"endpoint": endpoint})
        study = sensitivity(prepare(protocol.model_copy(update={"sensitivity": asked})))
        return _sensitivity(study, _words(protocol))

    return part


def trial(protocol: Protocol, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """What the tutorial says of a trial, carried out without the tables ``without`` of its protocol."""
    empty: dict[str, Any] = {name: [] if name == "subgroup" else None for name in without}
    with tempfile.TemporaryDirectory() as folder:
        done = lk.run_trial(protocol.model_copy(update=empty), out=Path(folder) / "trial")
        return told(dict(done.summary), _words(protocol))


def told(summary: Mapping[str, Any], words: Mapping[str, str]) -> dict[str, Any]:
    """The part of a trial's summary that the tutorial needs; ``words``: what its parameters are."""
    flow = summary["flow"]
    found: dict[str, Any] = {
        "model": summary["model_hash"],
        "flow": {"screened": flow["screened"], "enrolled": flow["enrolled"], "excluded": flow["excluded"]},
        "baseline": {
            row["name"]: {arm["name"]: _of(arm, ("mean", "median", "q1", "q3")) for arm in row["arms"]}
            for row in summary["baseline"]
            if row["kind"] == "continuous" and row["name"].startswith("screening.")
        },
        "arms": {
            arm["name"]: {name: _of(numbers, _NUMBERS) for name, numbers in arm["endpoints"].items()}
            for arm in summary["arms"]
        },
        "contrasts": [_of(row, _CONTRAST) for row in summary["contrasts"]],
        "subgroups": summary["subgroups"],
        "thresholds": summary["thresholds"],
        "power": summary["power"],
    }
    if summary.get("also"):
        found["also"] = summary["also"]
    if summary["uncertainty"]:
        found["draws"] = summary["uncertainty"]["draws"]
        asked = (summary["sensitivity"] or {}).get("arm")  # what would narrow the effect is told of this arm
        found["uncertainty"] = [
            {
                **_of(row, (*_CONTRAST[:4], *_RANGE)),
                "narrowing": _narrowing(row["narrowing"], words) if row["arm"] == asked else None,
            }
            for row in summary["uncertainty"]["contrasts"]
        ]
    if summary["sensitivity"]:
        found["sensitivity"] = _sensitivity(summary["sensitivity"], words)
    return found


def _words(protocol: Protocol) -> dict[str, str]:
    """What a reader calls the parameters of a trial's model."""
    table = biology.assemble(protocol.trial.condition, drugs=protocol.drugs).parameters
    notes = (str(note or "") for note in table["note"])
    return {str(name): meaning(str(name), note) for name, note in zip(table["id"], notes, strict=True)}


def _named(rows: Sequence[Mapping[str, Any]], words: Mapping[str, str]) -> list[dict[str, Any]]:
    names = [str(r["name"]).rpartition(".")[2] for r in rows]
    return [{**r, "words": words.get(name, parameter_words(name))} for r, name in zip(rows, names, strict=True)]


def _sensitivity(study: Mapping[str, Any], words: Mapping[str, str]) -> dict[str, Any]:
    keys = ("endpoint", "arm", "reference", "measure", "base", "patients", "runs")
    leading = _named(study["parameters"][:LEADING], words)
    return {**_of(study, keys), "varied": len(study["parameters"]), "parameters": leading}


def _narrowing(study: Mapping[str, Any] | None, words: Mapping[str, str]) -> dict[str, Any] | None:
    if study is None:
        return None
    own = _of(study, ("draws", "tested", "noise", "visible", "together"))
    return {
        **own,
        "parameters": _named(study["parameters"][:4], words),
        "measurements": study["measurements"][:STUDIES],
    }


def _of(row: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {k: row[k] for k in keys if k in row}
