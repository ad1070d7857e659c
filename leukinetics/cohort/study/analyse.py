"""All analyses of a table of biomarkers, as one summary."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leukinetics.cohort.detect import corrected
from leukinetics.cohort.study import describe, groups, markers, together
from leukinetics.cohort.study.setup import EVERYBODY, Setup, setup, told
from leukinetics.cohort.study.steps import Steps
from leukinetics.cohort.study.types import subtype_rows
from leukinetics.trial.store import as_json

if TYPE_CHECKING:
    from leukinetics.cohort.table import CohortTable
    from leukinetics.cohort.values import Censored

    Row = dict[str, Any]

KIND, VERSION = "biomarkers", 1
#: Families of contrasts: their name, where they are, their test's p value, adjusted within the analyte, the test.
FAMILIES = (
    ("detection", "detection", "p_value", "p_adjusted", "Firth's logistic regression"),
    ("levels", "comparisons", "p_peto", "p_peto_adjusted", "Peto-Peto"),
)


def analyse(
    table: CohortTable,
    *,
    blind: bool = False,
    seed: int | None = None,
    work: Path | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """What a table of biomarkers says: the summary that docs/cohorts.md describes, of what JSON can say.

    ``blind``: without outcomes; ``seed``: of resampling, by default the dictionary's; ``work``: a folder in which each
    analysis that is done is kept, so that a run that was cut off goes on; ``say`` is told what is being done. An
    analysis that fails has a ``note`` in its place and a row in ``failed``; no other is touched by it. DataError where
    the dictionary asks for what the table has not.
    """
    s = setup(table, blind, seed)
    asked = table.dictionary.analysis
    steps = Steps(work, say)
    analytes = [_analyte(name, x, s, steps) for name, x in s.analytes.items()]
    pairs = together.ratios(s, steps) if asked.levels else []
    summary: Row = {
        "kind": KIND,
        "version": VERSION,
        "source": table.source,
        "blind": blind,
        "alpha": s.alpha,
        "seed": s.seed,
        "resamples": s.resamples,
        "correct": s.correct,
        "table": describe.table_facts(s),
        "notes": [told(n) for n in s.table.notes],
        "decisions": s.decisions,
        "groups": describe.groups(s),
        "control": s.control,
        "contrasts": [list(c) for c in s.contrasts],
        "analytes": analytes,
        "pairs": pairs,
        "correlations": together.correlations(s, steps) if asked.correlation else [],
        "diagnosis": markers.diagnosis(s, steps) if asked.diagnosis else [],
        "marker_differences": markers.differences(s, steps) if asked.diagnosis else [],
    }
    summary["prognosis"], summary["concordance"] = markers.prognosis(s, steps) if asked.prognosis else ([], [])
    summary["several"] = markers.together(s, steps) if asked.diagnosis and asked.prognosis else []
    summary["subtypes"] = steps.run("subtypes", "", subtype_rows, s) if asked.subtypes else None
    summary |= {
        "multiplicity": _multiplicity(analytes, pairs, s),
        "warnings": _warnings(analytes, pairs),
        "published": [],
    }
    # As it is read from a file again, whether or not it was.
    return dict(json.loads(as_json({**summary, "failed": steps.failed})))


def _analyte(name: str, x: Censored, s: Setup, steps: Steps) -> Row:
    asked = s.table.dictionary.analysis
    row = describe.analyte(name, x, s)
    logs = row["transform"] == "log"
    row["detection"] = steps.run("detection", name, groups.detection, x, s) if asked.detection else None
    row["levels"] = steps.run("levels", name, groups.levels, x, s, logs) if asked.levels else None
    row["comparisons"] = steps.run("comparison", name, groups.comparisons, x, s, logs) if asked.levels else None
    row["repeated"] = None
    if asked.levels and logs:
        every = s.table.analytes[name]
        row["repeated"] = steps.run("repeated samples", name, groups.repeated, every, s)
    return row


def _multiplicity(analytes: list[Row], pairs: list[Row], s: Setup) -> list[Row]:
    """Contrasts of all analytes, with p values corrected over all of them: of the odds ratio, and of Peto and Peto's
    test of levels, those of ratios to serum among them."""
    ratios = [{"detection": None, **p["ratio"]} for p in pairs if p["ratio"] and "comparisons" in p["ratio"]]
    rows = []
    for family, key, own, adjusted, test in FAMILIES:
        mine = [
            {
                "family": family,
                "analyte": a["name"],
                "group": r["group"],
                "reference": r["reference"],
                "test": test,
                "p_value": r[own],
                "p_adjusted": r[adjusted],
            }
            for a in [*analytes, *ratios]
            for r in (a[key] or {}).get("pairs") or []
        ]
        for row, p in zip(mine, corrected([r["p_value"] for r in mine], s.correct), strict=True):
            rows.append(row | {"p_all": p})
    return rows


def _warnings(analytes: list[Row], pairs: list[Row]) -> list[Row]:
    """What numbers in place of levels below a limit would have given, where that is far off."""
    rows = []
    for a in [*analytes, *(p["ratio"] for p in pairs if p["ratio"])]:
        for g in (a.get("levels") or {}).get("groups") or []:
            if text := g["substitution"]["warning"]:
                rows.append(
                    {"analyte": a["name"], "group": None if g["name"] == EVERYBODY else g["name"], "text": text}
                )
        for r in (a.get("comparisons") or {}).get("pairs") or []:
            if text := r["substitution"]["warning"]:
                rows.append({"analyte": a["name"], "group": f"{r['group']} against {r['reference']}", "text": text})
    return rows
