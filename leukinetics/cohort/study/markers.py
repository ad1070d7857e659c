"""What the analytes are worth as markers: for telling groups, and for outcomes."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.cohort.detect import corrected
from leukinetics.cohort.diagnosis.concordance import concordance
from leukinetics.cohort.diagnosis.cutoffs import cutoffs
from leukinetics.cohort.diagnosis.outcomes import Outcome
from leukinetics.cohort.diagnosis.prognosis import prognosis as of_outcome
from leukinetics.cohort.diagnosis.roc import compare_rocs, roc
from leukinetics.cohort.diagnosis.several import several
from leukinetics.cohort.study.drawn import drawn
from leukinetics.cohort.study.setup import Setup
from leukinetics.cohort.study.steps import Steps

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from leukinetics.cohort.values import Censored

    Array = NDArray[np.float64]
    Row = dict[str, Any]

#: More people than this have no cut-off chosen again in resamples, whose optimism is nothing by then.
MOST_RESAMPLED = 100_000
#: People of a model of risks, of more as many are drawn; and of several markers.
MOST_PEOPLE = 5_000
#: Partitions of the cross-validation: from two on it is seen how far the answer hangs on them.
REPEATS = 2
#: More people than this tell nothing else of an outcome.
MOST_FITTED = 50_000


def questions(s: Setup) -> list[Row]:
    """Contrasts of groups, and outcomes of yes or no, with ``y`` (rows,)."""
    found: list[Row] = [
        {"question": words, "cases": one, "controls": other, "outcome": None, "y": y}
        for words, one, other, y in s.questions()
    ]
    for o in s.outcomes():
        if o.kind == "binary":
            found.append(
                {"question": o.name, "cases": o.name, "controls": f"no {o.name}", "outcome": o.name, "y": o.value}
            )
    return found


def diagnosis(s: Setup, steps: Steps) -> list[Row]:
    """``diagnosis`` of the summary: each analyte for each question."""
    rows = []
    asked = questions(s)
    for name, x in s.analytes.items():
        mine = []
        for i, q in enumerate(asked):
            head = {"analyte": name, **{k: v for k, v in q.items() if k != "y"}}
            # Risks for the first question and for outcomes; those of single groups only differ by how many there are.
            whole = i == 0 or q["outcome"] is not None
            found = steps.run("diagnosis", f"{name}, {q['question']}", _one, x, q["y"], s, whole)
            mine.append(head | found)
        p = corrected([(r.get("roc") or {}).get("p_value") for r in mine], s.correct)
        rows += [row | {"p_adjusted": q} for row, q in zip(mine, p, strict=True)]
    return _over_all(rows, [(r.get("roc") or {}).get("p_value") for r in rows], s)


def _one(x: Censored, y: Array, s: Setup, whole: bool) -> Row:
    resamples = s.resamples if x.n <= MOST_RESAMPLED else 0
    found: Row = {
        "roc": roc(x, y, alpha=s.alpha),
        "cutoffs": cutoffs(x, y, alpha=s.alpha, resamples=resamples, seed=s.seed),
        "model": None,
    }
    if not resamples:
        for row in found["cutoffs"]:
            row["note"] = "; ".join(
                v for v in (row["note"], f"no resamples: of more than {MOST_RESAMPLED:,} people") if v
            )
    if whole:
        found["model"] = _several([x], Outcome.of("binary", y, name="case"), s, None)
    return found


def differences(s: Setup, steps: Steps) -> list[Row]:
    """``marker_differences``: of every two analytes the difference of their areas, for each question."""
    rows = []
    pairs = list(combinations(s.analytes, 2))
    for q in questions(s) if len(pairs) <= 15 else []:
        for one, other in pairs:
            a, b = s.analytes[one], s.analytes[other]
            of = f"{one}, {other}, {q['question']}"
            found = steps.run("difference of areas", of, _difference, a, b, q["y"], s.alpha)
            rows.append({"question": q["question"], "one": one, "other": other, **found})
    return rows


def prognosis(s: Setup, steps: Steps) -> tuple[list[Row], list[Row]]:
    """(``prognosis``, ``concordance``) of the summary: each analyte for each outcome, in all but the control."""
    rows, ranks = [], []
    covariates = s.covariates()
    for name, x in s.analytes.items():
        mine = []
        for o in s.outcomes():
            of = f"{name}, {o.name}"
            head: Row = {"analyte": name, "outcome": o.name, "kind": o.kind, "people": s.who, "rows": [], "note": None}
            found = steps.run("prognosis", of, _prognosis, x, o, covariates, s)
            mine.append(head | found)
            if o.kind == "time_to_event":
                c = steps.run("concordance", of, _concordance, x, o, s)
                ranks.append({"analyte": name, "outcome": o.name, **c})
        for row, p in zip(mine, corrected([_first(m) for m in mine], s.correct), strict=True):
            rows.append(row | {"p_adjusted": p})
    return _over_all(rows, [_first(r) for r in rows], s), ranks


def _first(row: Row) -> float | None:
    """p of a doubling, not adjusted for covariates."""
    return next((r["p_value"] for r in row["rows"] if r["marker"] == "doubling" and not r["adjusted"]), None)


def _over_all(rows: list[Row], p_values: list[float | None], s: Setup) -> list[Row]:
    """With ``p_all``, corrected over all analytes and questions."""
    return [row | {"p_all": p} for row, p in zip(rows, corrected(p_values, s.correct), strict=True)]


def together(s: Setup, steps: Steps) -> list[Row]:
    """``several`` of the summary: all analytes with the covariates, for the first question and each outcome."""
    if len(s.analytes) < 2:
        return []
    markers = list(s.analytes.values())
    asked: list[tuple[str, Outcome, str | None]] = [
        (words, Outcome.of("binary", y, name="case"), None) for words, _, _, y in s.questions()[:1]
    ]
    asked += [(o.name, o, o.name) for o in s.outcomes()]
    rows = []
    for words, o, outcome in asked:
        head = {"question": words, "kind": o.kind, "outcome": outcome, "markers": list(s.analytes)}
        head["covariates"] = list(s.adjusted)
        found = steps.run("several markers", words, _several, markers, o, s, s.covariates())
        rows.append(head | found)
    return rows


def _difference(one: Censored, other: Censored, y: Array, alpha: float) -> Row:
    return compare_rocs(one, other, y, alpha=alpha)


def _prognosis(x: Censored, o: Outcome, covariates: pd.DataFrame | None, s: Setup) -> Row:
    pick, said = drawn(np.flatnonzero(o.known & x.measured), MOST_FITTED, (s.seed, 49))
    if not said:
        return {"rows": of_outcome(x, o, covariates, alpha=s.alpha, seed=s.seed)}
    some = None if covariates is None else covariates.iloc[pick].reset_index(drop=True)
    rows = of_outcome(x.take(pick), o.take(pick), some, alpha=s.alpha, seed=s.seed)
    return {"rows": rows, "note": said}


def _concordance(x: Censored, o: Outcome, s: Setup) -> Row:
    return concordance(x, o, alpha=s.alpha, seed=s.seed)


def _several(markers: list[Censored], o: Outcome, s: Setup, covariates: Any) -> Row:
    """The nested cross-validation, of at most so many people; without everybody's risks."""
    use = np.flatnonzero(o.known & np.all([x.measured for x in markers], axis=0))
    pick, said = drawn(use, MOST_PEOPLE, (s.seed, 47))
    if said:
        markers, o = [x.take(pick) for x in markers], o.take(pick)
        covariates = None if covariates is None else covariates.iloc[pick].reset_index(drop=True)
    found = several(markers, o, covariates, alpha=s.alpha, repeats=REPEATS, seed=s.seed)
    found.pop("predicted", None)
    found["note"] = "; ".join(v for v in (found["note"], said) if v)
    return found
