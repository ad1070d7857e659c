"""The trial again for draws of all that is not known about the typical patient.

Each draw is the whole trial, enrolment included, with other typical values (:func:`leukinetics.patients.draws`) and the
same random numbers of the patients, so that trials differ by what was drawn. Whatever the trial's design, each patient
of a draw is simulated under every arm: that tells the effect that is expected far better than other patients in each
arm would. What the effect owes to the draws, and what to the patients, is split in
:mod:`leukinetics.trial.studies.variance`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.errors import ProtocolError
from leukinetics.patients import draws
from leukinetics.trial.outcome import Outcome, run_candidates
from leukinetics.trial.prepare import Prepared
from leukinetics.trial.protocol import Protocol, Uncertainty
from leukinetics.trial.statistics.compare import number
from leukinetics.trial.studies.analysed import compared, level
from leukinetics.trial.studies.narrowing import narrowing
from leukinetics.trial.studies.question import (
    Contrast,
    Keep,
    Progress,
    batches,
    compute_now,
    on_scale,
    say_nothing,
    standard_error,
    steepness,
)  # fmt: skip
from leukinetics.trial.studies.side import parallel_effect, pool_of
from leukinetics.trial.studies.tables import as_twins, contrasts, sides, tables
from leukinetics.trial.studies.variance import Shares, error_of_trial, mean_correlation, shares, spread_of_effects
from leukinetics.trial.studies.varied import Varied, uncertain

if TYPE_CHECKING:
    import pandas as pd

#: Draws in a part.
TOGETHER = 10
#: Share of the patients of a draw that must have a solution for the draw to count.
SOLVED = 0.75
TOO_FEW = "fewer people were eligible than the trial needs"
NOBODY = "the people who are left cannot be matched to the population"
UNSOLVED = "a quarter of the patients or more could not be simulated"


def uncertainty(
    prepared: Prepared,
    keep: Keep = compute_now,
    threads: int | None = None,
    progress: Progress = say_nothing,
    typical: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """What summary.json holds of the protocol's ``[uncertainty]``.

    ``contrasts``: of each ``median``, ``low`` and ``high`` (2.5 and 97.5 %) over draws of the estimate, its
    ``values`` draw by draw (None where the draw failed), ``sd_parameters``, ``sd_patients`` in the unit of the effect,
    and ``share_parameters``, the parameters' share of the sum of both variances (see
    :mod:`leukinetics.trial.studies.variance`). ``sd_patients_parallel``: the
    standard error of a parallel trial of that size, of twins the one that can be carried out. ``failed_draws`` and, by
    reason, ``failures``: draws of which too few people were eligible, or too many could not be simulated; they are
    left out.

    ``narrowing``: what knowing a parameter, or another of the trial's numbers, would take from the spread, see
    :func:`leukinetics.trial.studies.narrowing.narrowing`; None of fewer than 10 draws.

    ``keep``: see :data:`leukinetics.trial.studies.question.Keep`. ``typical``: typical values that are not drawn.
    """
    study = prepared.protocol.uncertainty or Uncertainty()
    done = run_draws(prepared, keep, threads, progress, typical)
    unknown = uncertain(prepared, typical or {})
    failed = [d["failed"] for d in done if d["failed"]]
    return {
        "draws": study.draws,
        "patients": study.patients,
        "failed_draws": len(failed),
        "failures": [{"reason": r, "n": failed.count(r)} for r in (TOO_FEW, NOBODY, UNSOLVED) if r in failed],
        "contrasts": [
            _of_contrast(prepared, i, c, done) | {"narrowing": _narrowing(prepared, i, c, done, unknown)}
            for i, c in enumerate(contrasts(prepared.protocol))
        ],
    }


def run_draws(
    prepared: Prepared,
    keep: Keep = compute_now,
    threads: int | None = None,
    progress: Progress = say_nothing,
    typical: Mapping[str, float] | None = None,
) -> list[dict[str, Any]]:
    """The draws, each with ``failed`` (a reason, or "") and its ``contrasts`` in the order of the protocol's.

    Of a contrast: ``measure``, ``estimate``, ``se`` on the scale of :func:`on_scale`, the patients' ``people`` and
    ``parts`` in it, ``effect`` and ``error``, what a parallel trial of these patients finds on that scale, and
    ``level``, the endpoint in the reference arm.
    """
    study = prepared.protocol.uncertainty or Uncertainty()
    small = as_twins(prepared, study.patients)
    drawn = _drawn(prepared).to_dict("records")
    rows = [{str(k): float(v) for k, v in row.items()} | dict(typical or {}) for row in drawn]
    done: list[dict[str, Any]] = []
    for part in batches(small, len(rows), TOGETHER):
        progress(part.start, len(rows), "draws of what is uncertain")

        def compute(part: range = part) -> list[dict[str, Any]]:
            return _run(small, [rows[i] for i in part], threads, prepared.protocol)

        done += keep(f"uncertainty-{part.start:05d}-{part.stop:05d}", compute)
    progress(len(rows), len(rows), "draws of what is uncertain")
    return done


def _drawn(prepared: Prepared) -> pd.DataFrame:
    study = prepared.protocol.uncertainty or Uncertainty()
    return draws(prepared.assembly, study.draws, prepared.protocol.trial.seed)


def _run(
    prepared: Prepared, rows: list[dict[str, float]], threads: int | None, protocol: Protocol
) -> list[dict[str, Any]]:
    try:
        outcome = run_candidates(prepared, rows, threads)
    except ProtocolError:  # with the values of one of the draws
        if not prepared.targets:
            raise
        if len(rows) == 1:
            return [{"failed": NOBODY, "contrasts": []}]
        return [found for row in rows for found in _run(prepared, [row], threads, protocol)]
    return [_of_draw(outcome, k, protocol) for k in range(len(rows))]


def _of_draw(outcome: Outcome, k: int, protocol: Protocol) -> dict[str, Any]:
    people = outcome.people[k]
    if (outcome.enrolled.people[k] < 0).any():
        return {"failed": TOO_FEW, "contrasts": []}
    if outcome.ok[k][people >= 0].mean() <= SOLVED:
        return {"failed": UNSOLVED, "contrasts": []}
    endpoints, population = tables(outcome, k, protocol)
    found = []
    for c in contrasts(protocol):
        found.append(_of_tables(protocol, c, *sides(endpoints, population, protocol, c)))
    return {"failed": "", "contrasts": found}


def _of_tables(protocol: Protocol, c: Contrast, treated: pd.DataFrame, control: pd.DataFrame) -> dict[str, Any]:
    row = compared(protocol, c.endpoint, treated, control, "twins")
    part = shares(c.endpoint, treated, control)
    effect, error = parallel_effect(protocol, c.endpoint, pool_of(protocol, c, treated, control))
    own = standard_error(row, protocol.analysis.alpha)
    return {
        "measure": row["measure"],
        "estimate": row["estimate"],
        "se": number(own),
        "effect": number(effect),
        "error": number(error),
        "level": number(level(c.endpoint, control)),
        "people": part.people.tolist(),
        "parts": [float(f"{x:.6g}") for x in part.parts],
    }


def _of_contrast(prepared: Prepared, place: int, c: Contrast, done: list[dict[str, Any]]) -> dict[str, Any]:
    protocol, study = prepared.protocol, prepared.protocol.uncertainty or Uncertainty()
    rows = [None if d["failed"] else d["contrasts"][place] for d in done]
    values = [None if row is None else row["estimate"] for row in rows]
    there = [row for row in rows if row is not None and row["estimate"] is not None]
    found: dict[str, Any] = {
        "endpoint": c.endpoint.id,
        "arm": protocol.arm[c.arm].name,
        "reference": protocol.arm[c.reference].name,
        "measure": there[0]["measure"] if there else None,
        "median": None, "low": None, "high": None,
        "values": values,
        "sd_parameters": None, "sd_patients": None, "sd_patients_parallel": None, "share_parameters": None,
    }  # fmt: skip
    if not there:
        return found
    low, median, high = np.quantile([row["estimate"] for row in there], [0.025, 0.5, 0.975])
    together = mean_correlation([Shares(np.array(r["people"], dtype=np.int64), np.array(r["parts"])) for r in there])
    measure = there[0]["measure"]
    effects = [on_scale(measure, row["estimate"]) for row in there]
    errors, apart = ([math.nan if row[k] is None else row[k] for row in there] for k in ("se", "error"))
    sizes = [prepared.n * protocol.arm[i].ratio for i in (c.arm, c.reference)]
    parameters = spread_of_effects(effects, errors, together)
    twins, parallel = (error_of_trial(e, study.patients, *sizes) for e in (errors, apart))
    patients = twins if protocol.trial.design == "twins" else parallel
    factor = abs(steepness(measure, float(median)))
    total = parameters**2 + patients**2
    return found | {
        "median": number(median), "low": number(low), "high": number(high),
        "sd_parameters": number(factor * parameters),
        "sd_patients": number(factor * patients),
        "sd_patients_parallel": number(factor * parallel),
        "share_parameters": number(parameters**2 / total) if total > 0 else None,
    }  # fmt: skip


def _narrowing(
    prepared: Prepared, place: int, c: Contrast, done: list[dict[str, Any]], unknown: Varied
) -> dict[str, Any] | None:
    """What would narrow the contrast at ``place``: parameters; the same arm's effects on other endpoints; and every
    endpoint's level in the reference arm."""
    protocol = prepared.protocol
    table = _drawn(prepared)
    others: list[dict[str, Any]] = []
    levels: set[tuple[str, int]] = set()
    for i, other in enumerate(contrasts(protocol)):
        if (other.arm, other.reference) == (c.arm, c.reference) and i != place:
            told = {"what": "effect", "endpoint": other.endpoint.id, "arm": protocol.arm[other.arm].name}
            others.append({**told, "effects": _effects(done, i)})
        if other.reference == c.reference and (other.endpoint.id, other.reference) not in levels:
            levels.add((other.endpoint.id, other.reference))
            told = {"what": "level", "endpoint": other.endpoint.id, "arm": protocol.arm[other.reference].name}
            others.append({**told, "effects": [None if d["failed"] else d["contrasts"][i]["level"] for d in done]})
    found = narrowing(
        _effects(done, place),
        {name: table[name].to_numpy(dtype=float) for name in unknown.names},
        others,
        _noise(done, place),
        protocol.trial.seed,
    )
    if found is None:
        return None
    rows = [unknown.about(unknown.names.index(row["name"])) | row for row in found["parameters"]]
    return found | {"parameters": rows}


def _effects(done: list[dict[str, Any]], place: int) -> list[float | None]:
    """The contrast draw by draw, on the scale on which errors are normal; None where there is none."""
    rows = [None if d["failed"] else d["contrasts"][place] for d in done]
    return [None if r is None or r["estimate"] is None else number(on_scale(r["measure"], r["estimate"])) for r in rows]


def _noise(done: list[dict[str, Any]], place: int) -> float | None:
    """The share of the variance over draws that is the patients' error, see the module ``variance``."""
    rows = [d["contrasts"][place] for d in done if not d["failed"]]
    rows = [r for r in rows if r["estimate"] is not None and r["se"] is not None]
    effects = np.array([on_scale(r["measure"], r["estimate"]) for r in rows])
    if len(rows) < 2 or not np.isfinite(effects).all() or not effects.var(ddof=1) > 0:
        return None
    together = mean_correlation([Shares(np.array(r["people"], dtype=np.int64), np.array(r["parts"])) for r in rows])
    return float((1 - together) * np.mean([r["se"] ** 2 for r in rows]) / effects.var(ddof=1))
