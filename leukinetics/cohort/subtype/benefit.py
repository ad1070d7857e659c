"""What a patient would gain from a therapy, given what was measured of the patient.

The virtual patients (:mod:`leukinetics.cohort.subtype.virtual`) are weighted by the probability of the measurements
given what is truly there (:mod:`leukinetics.cohort.subtype.noise`): b is the benefit, y the measurements, d a draw of
what is not known about the model. Each draw has the posterior weight of its mean likelihood, so that

    Var(b | y) = Var_d(E[b | y, d])            what is not known about the model (sd_parameters)
               + E_d Var(b | y, d)             what the measurements leave open about the patient,

the latter split where a person has several lives: what differs between lives of one person that agree with the
measurements alike is chance, the rest the patient's constitution, of which more could be measured.

Covariates that are known count by a normal kernel, a fifth of the people's SD wide; those with two values exactly.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.cohort.subtype.assumptions import assumptions
from leukinetics.cohort.subtype.further import measurements, parameters
from leukinetics.cohort.subtype.spread import Split, by_draw, split
from leukinetics.cohort.subtype.virtual import (
    ALL,
    BENEFIT,
    DRAW,
    FITTED,
    MIXED,
    PART,
    REFERENCE,
    TREATED,
    VirtualPatients,
)  # fmt: skip
from leukinetics.cohort.subtype.weights import Weights, weights
from leukinetics.errors import DataError, suggest
from leukinetics.trial.statistics.compare import number

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from leukinetics.cohort.values import Censored

    Array = NDArray[np.float64]
    #: What is known of a marker: it lies in [lower, upper].
    Range = tuple[float, float]

#: Fewer effective virtual patients than this tell nothing of a patient, and fewer in a draw nothing of the draw.
LEAST, LEAST_IN_DRAW = 50.0, 5.0
#: Width of the kernel of a known covariate, in SDs of the people.
KERNEL = 0.2
#: Ends of the intervals.
LEVEL = 0.05


def predict(
    virtual: VirtualPatients,
    measured: Mapping[str, Range],
    known: Mapping[str, float] | None = None,
    *,
    detail: bool = True,
) -> dict[str, Any]:
    """The distribution of a patient's benefit.

    ``measured``: by marker the interval in which it lies (both ends equal: observed), in ``virtual.units``; ``known``:
    covariates as reports have them. ``detail``: also what the answer leans on and what would narrow it.

    ``benefit``: ``estimate`` (mean), ``ci_low``, ``ci_high`` (2.5 to 97.5 % of what the benefit may be), ``median``,
    ``sd``, ``error`` (of the estimate, for the finite number of virtual patients), ``p_better``, ``p_worth``;
    ``fitted``: the same with the model's fitted values; ``population``: the same of everybody, nothing measured;
    ``reference``, ``treated``: the outcome under either; ``split``: the parts of the SD; ``markers``: of each
    measurement the share of virtual patients who would have a lower one; ``effective``: the effective number of
    virtual patients. Where that is below 50 all estimates are None, and ``note`` says why.
    """
    _check(virtual, measured, known or {})
    table = virtual.table
    main = ALL if (table[PART] == ALL).any() else FITTED
    own: pd.DataFrame = table[(table[PART] == main).to_numpy()]
    log = log_likelihood(virtual, own, measured, known or {})
    w = _weighted(own, log)
    fitted_rows: pd.DataFrame = table[(table[PART] == FITTED).to_numpy()]
    wf = _weighted(fitted_rows, log_likelihood(virtual, fitted_rows, measured, known or {}))
    told, reference = _told(w, own, virtual.worth), _level(w, own[REFERENCE].to_numpy(dtype=float))
    found: dict[str, Any] = {
        "effective": number(w.effective),
        "virtual_patients": len(own),
        "markers": _places(virtual, fitted_rows, measured),
        "unit": virtual.unit,
        "benefit": told,
        "fitted": _told(wf, fitted_rows, virtual.worth),
        "population": _told(_weighted(own, np.zeros(len(own))), own, virtual.worth),
        "reference": reference,
        "treated": _level(w, own[TREATED].to_numpy(dtype=float)),
        "split": None, "assumptions": None, "narrowing": None,
        "analysis": "virtual patients weighted by the probability of the measurements",
        "note": None,
    }  # fmt: skip
    least, of = min((w.effective, len(own)), (wf.effective, len(fitted_rows)))
    if least < LEAST:
        return _refused(found, least, of)
    means = by_draw(w, own, LEAST_IN_DRAW)
    parts = split(w, own, means, virtual.chance)
    found["split"] = _split(parts, virtual)
    if detail:
        before = _weighted(own, np.zeros(len(own)))
        found["assumptions"] = assumptions(
            virtual, means, _mixed(virtual, measured, known or {}), _other_noise(virtual, own, measured, known or {})
        ) | {"told": number(_share_told(before, w, own))}
        found["narrowing"] = {
            "measurements": measurements(virtual, own, w, measured),
            "parameters": parameters(virtual, means),
        }
    return found


def predict_rows(
    virtual: VirtualPatients,
    markers: Mapping[str, Censored],
    known: Mapping[str, Sequence[float]] | None = None,
    *,
    detail: bool = False,
) -> list[dict[str, Any]]:
    """:func:`predict` for each row of a cohort: ``markers`` by readout, converted to the model's units; missing ones
    are left out; a row of which nothing is known has the whole population's answer and a note that says so."""
    converted = {name: _in_unit(virtual, name, x) for name, x in markers.items()}
    given = {name: np.asarray(values, dtype=float) for name, values in (known or {}).items()}
    sizes = {len(x) for x in converted.values()} | {len(v) for v in given.values()}
    if len(sizes) != 1:
        raise DataError(f"Markers and covariates have {sorted(sizes)} rows; give each one row per patient.")
    found = []
    for i in range(sizes.pop()):
        mine = {n: (float(x.lower[i]), float(x.upper[i])) for n, x in converted.items() if x.measured[i]}
        also = {n: float(v[i]) for n, v in given.items() if math.isfinite(v[i])}
        row = predict(virtual, mine, also, detail=detail)
        if not mine and not also and row["note"] is None:
            row["note"] = "nothing is known of this patient: the answer is that of the whole population"
        found.append(row)
    return found


def log_likelihood(
    virtual: VirtualPatients, rows: pd.DataFrame, measured: Mapping[str, Range], known: Mapping[str, float],
    factor: float = 1.0,
) -> Array:  # fmt: skip
    """Logarithm of the probability of all measurements for each virtual patient of ``rows``; ``factor``: on the SDs of
    the noise."""
    total = np.zeros(len(rows))
    for name, (lower, upper) in measured.items():
        noise = virtual.noise[name].widened(factor)
        total += noise.log_probability(rows[f"marker.{name}"].to_numpy(dtype=float), lower, upper)
    for name, value in known.items():
        own = rows[f"known.{name}"].to_numpy(dtype=float)
        if len(np.unique(own)) <= 2:
            total += np.where(np.isclose(own, value), 0.0, -math.inf)
        else:
            total += -0.5 * ((own - value) / (KERNEL * own.std())) ** 2
    return total


def _weighted(rows: pd.DataFrame, log: Array) -> Weights:
    """Every draw counts alike before anything is measured, however many of its people were eligible."""
    counts = rows.groupby(DRAW)[DRAW].transform("size").to_numpy(dtype=float)
    return weights(log, 1.0 / counts)


def _mixed(
    virtual: VirtualPatients, measured: Mapping[str, Range], known: Mapping[str, float]
) -> dict[int, Any] | None:
    rows = virtual.table[(virtual.table[PART] == MIXED).to_numpy()]
    if not len(rows):
        return None
    return by_draw(_weighted(rows, log_likelihood(virtual, rows, measured, known)), rows, LEAST_IN_DRAW)


def _other_noise(
    virtual: VirtualPatients, rows: pd.DataFrame, measured: Mapping[str, Range], known: Mapping[str, float]
) -> list[tuple[float, Weights, Array]]:
    benefit = rows[BENEFIT].to_numpy(dtype=float)
    return [
        (f, _weighted(rows, log_likelihood(virtual, rows, measured, known, f)), benefit)
        for f in ((0.67, 1.5) if measured else ())
    ]


def _share_told(before: Weights, after: Weights, rows: pd.DataFrame) -> float:
    """What share of the variance of the benefit the measurements have taken away; negative where they added some."""
    benefit = rows[BENEFIT].to_numpy(dtype=float)
    return 1.0 - after.variance(benefit) / before.variance(benefit)


def _told(w: Weights, rows: pd.DataFrame, worth: float | None) -> dict[str, Any]:
    benefit = rows[BENEFIT].to_numpy(dtype=float)
    low, middle, high = w.quantiles(benefit, np.array([LEVEL / 2, 0.5, 1 - LEVEL / 2]))
    return {
        "estimate": number(w.mean(benefit)), "ci_low": number(low), "ci_high": number(high),
        "median": number(middle), "sd": number(math.sqrt(w.variance(benefit))), "error": number(w.error(benefit)),
        "p_better": number(w.mean((benefit > 0).astype(float))),
        "p_worth": None if worth is None else number(w.mean((benefit >= worth).astype(float))),
    }  # fmt: skip


def _level(w: Weights, values: Array) -> dict[str, Any]:
    low, high = w.quantiles(values, np.array([LEVEL / 2, 1 - LEVEL / 2]))
    return {"estimate": number(w.mean(values)), "ci_low": number(low), "ci_high": number(high)}


def _split(parts: Split, virtual: VirtualPatients) -> dict[str, Any]:
    squares = [v for v in virtual.measured_sd if math.isfinite(v)]
    return {
        "sd": number(parts.sd),
        "sd_parameters": number(parts.parameters),
        "sd_patient": number(parts.patient),
        "sd_chance": number(parts.chance),
        "share_parameters": number(parts.share(parts.parameters)),
        "share_patient": number(parts.share(parts.patient)),
        "share_chance": number(parts.share(parts.chance)),
        "sd_measured": number(math.hypot(*squares)) if squares else None,
        "draws": parts.draws,
        "note": parts.note or None,
    }


def _places(virtual: VirtualPatients, rows: pd.DataFrame, measured: Mapping[str, Range]) -> list[dict[str, Any]]:
    """Where each measurement lies among those that the virtual patients would have (fitted values)."""
    found = []
    for name, (lower, upper) in measured.items():
        rng = np.random.default_rng([virtual.seed, len(name), *name.encode()])
        seen = virtual.noise[name].sampled(rows[f"marker.{name}"].to_numpy(dtype=float), rng)
        row = {"marker": name, "unit": virtual.units[name], "lower": number(lower), "upper": number(upper)}
        row |= {"share_below": number(float((seen < max(lower, 0.0)).mean()))}
        found.append(row | {"share_above": number(float((seen > upper).mean()))})
    return found


def _refused(found: dict[str, Any], effective: float, n: int) -> dict[str, Any]:
    rare = [
        f"{m['marker']} ({100 * min(1 - m['share_below'], 1 - m['share_above']):.2g} % of virtual patients have such a "
        "value or one further out)"
        for m in found["markers"]
        if min(1 - m["share_below"], 1 - m["share_above"]) < 0.01
    ]
    enough = f"some {math.ceil(n * LEAST / effective / 1000) * 1000:,}" if effective >= 1 else "far more"
    why = f"; rare here: {', '.join(rare)}" if rare else ""
    empty = dict.fromkeys(found["benefit"])
    level = dict.fromkeys(found["reference"])
    return found | {
        "benefit": empty, "fitted": empty, "reference": level, "treated": level,
        "note": f"not estimated: of {n:,} virtual patients only {effective:.2g} effective ones are like this patient, "
        f"and {LEAST:g} are needed{why}. Check the units, or ask for {enough} people.",
    }  # fmt: skip


def _check(virtual: VirtualPatients, measured: Mapping[str, Range], known: Mapping[str, float]) -> None:
    for name, (lower, upper) in measured.items():
        if name not in virtual.noise or name not in virtual.markers:
            raise DataError(
                f"'{name}' is no marker of these virtual patients; there are {', '.join(virtual.markers)}."
                f"{suggest(name, virtual.markers)}"
            )
        if not lower <= upper or math.isinf(lower):
            raise DataError(f"'{name}' lies in [{lower:g}, {upper:g}], which is no measurement.")
    for name, value in known.items():
        if name not in virtual.covariates:
            raise DataError(
                f"'{name}' is no covariate of these virtual patients; there are "
                f"{', '.join(virtual.covariates) or 'none'}.{suggest(name, virtual.covariates)}"
            )
        if not math.isfinite(value):
            raise DataError(f"The covariate '{name}' is {value!r}; give a number, or leave it out.")


def _in_unit(virtual: VirtualPatients, name: str, x: Censored) -> Censored:
    from leukinetics.patients.convert import convert

    if name not in virtual.markers:
        _check(virtual, {name: (0.0, 1.0)}, {})
    unit = virtual.units[name]
    return x if x.unit == unit else x.scaled(convert(1.0, x.unit, unit), unit)
