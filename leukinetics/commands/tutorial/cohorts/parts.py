"""What the tutorial of cohorts computes: what commands say of the table, its study, what is true of its people."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from leukinetics.cohort.design import run_design
from leukinetics.cohort.made_with import made_with
from leukinetics.cohort.read import read_cohort
from leukinetics.cohort.study import run_study, study_virtual
from leukinetics.cohort.subtype import predicted_benefit
from leukinetics.cohort.table import guess_toml, read_table
from leukinetics.cohort.table.cohort_table import GROUP, PERSON, TIME
from leukinetics.cohort.virtual import prepare_groups
from leukinetics.commands.cohort_table import summary as read_words
from leukinetics.commands.tutorial.cohorts.people import MARKERS as OBSERVABLES
from leukinetics.commands.tutorial.cohorts.people import true_levels
from leukinetics.commands.tutorial.cohorts.table import DICTIONARY, PROTOCOL, TABLE
from leukinetics.errors import DataError

#: The analyte of which everybody's level is drawn.
DRAWN = "IL-6 CSF"
#: Parts of the summary that the page has no use for, and lists of numbers that figures alone would need.
_LONG = frozenset({"curve", "ros", "decision", "curve_area", "models", "agreement", "stability"})
_SHOWN = (
    "table", "decisions", "groups", "control", "analytes", "pairs", "correlations", "diagnosis", "marker_differences",
    "prognosis", "several", "subtypes", "warnings", "failed", "multiplicity", "alpha", "correct", "seed",
)  # fmt: skip


def reading(examples: Path) -> dict[str, Any]:
    """What the command says of the table as it is, the dictionary that it writes, and what was changed in it."""
    table, dictionary = examples / TABLE, examples / DICTIONARY
    try:
        read_table(table)
    except DataError as error:
        refused = str(error).replace(str(table), f"examples/{TABLE}")
    guessed, edited = guess_toml(table), dictionary.read_text(encoding="utf-8")
    changes = difflib.unified_diff(_body(guessed), _body(edited), lineterm="", n=1)
    return {
        "lines": table.read_text(encoding="utf-8").splitlines()[:7],
        "refused": refused.splitlines(),
        "guessed": guessed.splitlines(),
        "edits": [line for line in changes if not line.startswith(("---", "+++"))],
        "said": read_words(read_table(table, dictionary)),
    }


def _body(text: str) -> list[str]:
    """A dictionary without the comments above its first table."""
    lines = text.splitlines()
    return lines[lines.index("# The file, and who was sampled when.") :]


def study(examples: Path) -> dict[str, Any]:
    """The study of the table: its summary without what is long, and ``samples`` of the analyte that is drawn."""
    done = run_study(examples / TABLE, examples / DICTIONARY)
    first = done.summary["diagnosis"][0]["question"]
    curves = {d["analyte"]: d["roc"]["curve"] for d in done.summary["diagnosis"] if d["question"] == first}
    found: dict[str, Any] = _without({k: done.summary[k] for k in _SHOWN}, _LONG)
    found["diagnosis"] = [d for d in found["diagnosis"] if d["question"] == first]
    found["marker_differences"] = [d for d in found["marker_differences"] if d["question"] == first]
    for row in found["diagnosis"]:
        row.pop("model")
        row["roc"]["curve"] = curves[row["analyte"]]
    rows = done.table.rows.sort_values(TIME, kind="stable").drop_duplicates(PERSON).sort_index()
    x = done.table.analytes[DRAWN].take(rows.index.to_numpy())
    found["samples"] = {"group": rows[GROUP].astype(str).tolist()} | {
        f"{DRAWN}.{part}": [None if np.isnan(v) else float(v) for v in getattr(x, part)]
        for part in ("lower", "upper", "limit")
    }
    return found


def truth(examples: Path) -> dict[str, Any]:
    """Geometric means of the people's true levels, by analyte of the table and group, and of everybody."""
    levels = true_levels(examples / PROTOCOL)
    groups = levels["group"].str.removesuffix("s")
    named = dict(zip(OBSERVABLES, ("IL-6 CSF", "IL-6 serum", "IL-1b CSF", "CRP"), strict=True))
    logs = np.log(levels[list(named)].rename(columns=named))
    means = {g: np.exp(logs[groups == g].mean()) for g in dict.fromkeys(groups)} | {"all": np.exp(logs.mean())}
    return {name: {g: float(f"{m[name]:.4g}") for g, m in means.items()} for name in named.values()}


def virtual(examples: Path) -> dict[str, Any]:
    """The virtual cohort of the publication as such a table: who is detected, and the published findings beside it."""
    s = study_virtual(examples / PROTOCOL).summary
    found: dict[str, Any] = _without({k: s[k] for k in ("analytes", "published", "groups")}, _LONG)
    return found | {"models": models(examples)}


def models(examples: Path) -> dict[str, str]:
    """The model of each condition of the virtual cohort, as a hash."""
    read = read_cohort(examples / PROTOCOL)
    return {name: hashes["model_hash"] for name, hashes in made_with(read, prepare_groups(read))["models"].items()}


def benefit(examples: Path) -> dict[str, Any]:
    """What patients with some measurements would gain, without the draws."""
    s = predicted_benefit(examples / "mdd_benefit.toml").summary
    keys = ("name", "known", "effective", "markers", "benefit", "split", "assumptions", "note")
    patients = [{k: p[k] for k in keys if k in p} for p in s["patients"]]
    for row, p in zip(patients, s["patients"], strict=True):
        row["first"] = p["narrowing"]["measurements"][0] if p.get("narrowing") else None
    head = ("name", "arm", "reference", "endpoint", "worth", "virtual_patients")
    return {**{k: s[k] for k in head}, "everybody": s["population"]["benefit"], "patients": patients}


def design(examples: Path) -> dict[str, Any]:
    """How many people the next study needs, and what the assay's limit does to that."""
    s = run_design(examples / "design_il6_csf.toml").summary
    return {"alpha": s["alpha"], "target": s["target"], "questions": _without(s["questions"], frozenset({"curve"}))}


def _without(value: Any, keys: frozenset[str]) -> Any:
    """A nest of tables and lists without some keys."""
    if isinstance(value, Mapping):
        return {k: _without(v, keys) for k, v in value.items() if k not in keys}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_without(v, keys) for v in value]
    return value
