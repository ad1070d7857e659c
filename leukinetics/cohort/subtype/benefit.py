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
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.cohort.subtype.assumptions import assumptions
from leukinetics.cohort.subtype.further import measurements, parameters
from leukinetics.cohort.subtype.noise import impossible
from leukinetics.cohort.subtype.rare import rare, refusal
from leukinetics.cohort.subtype.rows import REFERENCE, TREATED, Rows
from leukinetics.cohort.subtype.spread import Split, by_draw, split
from leukinetics.cohort.subtype.virtual import FITTED, MIXED, VirtualPatients
from leukinetics.cohort.subtype.weights import Weights, weights
from leukinetics.errors import DataError, suggest
from leukinetics.trial.statistics.compare import number

if TYPE_CHECKING:
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
#: Bins of the histograms of the benefit, and the share of everybody left out of them at either end.
BINS, OUTSIDE = 120, 0.001


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

    ``benefit``: ``estimate`` (mean), ``ci_low``, ``ci_high`` (2.5 to 97.5 % of what the benefit may be), ``q1``,
    ``median``, ``q3``, ``sd``, ``error`` (of the estimate, for the finite number of virtual patients), ``p_better``,
    ``p_worth``; ``fitted``: the same with the model's fitted values; ``population``: the same of everybody, nothing
    measured; ``reference``, ``treated``: the outcome under either; ``split``: the parts of the SD; ``markers``: of each
    measurement the share of virtual patients who would have a lower one; ``effective``: the effective number of
    virtual patients; ``shape``: the probability of each bin of :func:`edges`. Where the effective number is below 50
    all estimates are None, ``note`` says why, and ``rare`` has what of the patient is rare
    (:func:`leukinetics.cohort.subtype.rare.rare`); of ``fitted`` alone where it is among the fitted values.
    """
    _check(virtual, measured, known or {})
    own, fitted_rows = virtual.main, virtual.parts[FITTED]
    parts_of = contributions(virtual, own, measured, known or {})
    w = _weighted(own, _sum(own, parts_of))
    wf = _weighted(fitted_rows, log_likelihood(virtual, fitted_rows, measured, known or {}))
    before = _weighted(own, np.zeros(len(own)))
    found: dict[str, Any] = {
        "effective": number(w.effective),
        "virtual_patients": len(own),
        "markers": _places(virtual, fitted_rows, measured),
        "unit": virtual.unit,
        "benefit": _told(w, own, virtual.worth),
        "fitted": _told(wf, fitted_rows, virtual.worth) if wf.effective >= LEAST else dict.fromkeys(TOLD),
        "population": _told(before, own, virtual.worth),
        "reference": _level(w, own.column(REFERENCE)),
        "treated": _level(w, own.column(TREATED)),
        "split": None, "assumptions": None, "narrowing": None, "shape": None, "rare": None,
        "analysis": "virtual patients weighted by the probability of the measurements",
        "note": None,
    }  # fmt: skip
    if w.effective < LEAST:
        return _refused(found, rare(own, parts_of, measured, known or {}))
    means = by_draw(w, own, LEAST_IN_DRAW)
    found["split"] = _split(split(w, own, means, virtual.chance), virtual)
    if detail:
        found["assumptions"] = assumptions(
            virtual, means, _mixed(virtual, measured, known or {}), _other_noise(virtual, own, measured, known or {})
        ) | {"told": number(_share_told(before, w, own))}
        found["narrowing"] = {
            "measurements": measurements(virtual, own, w, measured),
            "parameters": parameters(virtual, means),
        }
        counts, _ = np.histogram(own.benefit, edges(virtual), weights=w.w)
        found["shape"] = [number(float(v)) for v in counts]
    return found


def edges(virtual: VirtualPatients) -> Array:
    """The ends of the bins (121,) of histograms of the benefit, the same for all patients."""
    rows = virtual.main
    w = _weighted(rows, np.zeros(len(rows)))
    low, high = w.quantiles(rows.benefit, np.array([OUTSIDE, 1 - OUTSIDE]), rows.order)
    gap = max(float(high - low), 1e-9 * max(abs(low), abs(high), 1e-9))
    return np.asarray(np.linspace(low - 0.02 * gap, high + 0.02 * gap, BINS + 1))


def predict_rows(
    virtual: VirtualPatients,
    markers: Mapping[str, Censored],
    known: Mapping[str, Sequence[float]] | None = None,
    *,
    detail: bool = False,
    spare: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[dict[str, Any]]:
    """:func:`predict` for each row of a cohort: ``markers`` by readout, converted to the model's units; missing ones
    are left out; a row of which nothing is known has the whole population's answer and a note that says so.

    ``spare``: where too few virtual patients are like a person, covariates are left out one by one, that first without
    which there are most; ``left_out`` of the row names them. The answer is then that of what is left.
    """
    converted = {name: _in_unit(virtual, name, x) for name, x in markers.items()}
    given = {name: np.asarray(values, dtype=float) for name, values in (known or {}).items()}
    sizes = {len(x) for x in converted.values()} | {len(v) for v in given.values()}
    if len(sizes) != 1:
        raise DataError(f"Markers and covariates have {sorted(sizes)} rows; give each one row per patient.")
    found: list[dict[str, Any]] = []
    total = sizes.pop()
    for i in range(total):
        progress(i, total)
        mine = {n: (float(x.lower[i]), float(x.upper[i])) for n, x in converted.items() if x.measured[i]}
        also = {n: float(v[i]) for n, v in given.items() if math.isfinite(v[i])}
        row = predict(virtual, mine, also, detail=detail)
        left: list[str] = []
        if spare and row["rare"]:
            row, left = _spared(virtual, mine, also, row, detail)
        if not mine and not also and row["note"] is None:
            row["note"] = "nothing is known of this patient: the answer is that of the whole population"
        found.append(row | {"left_out": left} if spare else row)
    return found


def _spared(
    virtual: VirtualPatients,
    measured: Mapping[str, Range],
    known: Mapping[str, float],
    row: dict[str, Any],
    detail: bool,
) -> tuple[dict[str, Any], list[str]]:
    """(the answer without the covariates that leave too few virtual patients, these); the refusal ``row`` and none
    where that does not help."""
    also, left, found = dict(known), [], row
    while (worst := next((r["name"] for r in found["rare"] or [] if r["name"] in also), None)) is not None:
        left.append(str(worst))
        del also[str(worst)]
        found = predict(virtual, measured, also, detail=detail)
    return (row, []) if found["rare"] else (found, left)


def contributions(
    virtual: VirtualPatients, rows: Rows, measured: Mapping[str, Range], known: Mapping[str, float], factor: float = 1.0
) -> dict[str, Array]:
    """By marker and covariate the logarithm of the likelihood of what is known of a patient, for each virtual one;
    ``factor``: on the SD of the noise."""
    found: dict[str, Array] = {}
    for name, (lower, upper) in measured.items():
        noise = virtual.noise[name].widened(factor)
        found[name] = noise.log_probability(rows.column(f"marker.{name}"), lower, upper)
    for name, value in known.items():
        own = rows.column(f"known.{name}")
        if rows.two_valued(f"known.{name}"):
            found[name] = np.where(np.isclose(own, value), 0.0, -math.inf)
        else:
            found[name] = -0.5 * ((own - value) / (KERNEL * own.std())) ** 2
    return found


def log_likelihood(
    virtual: VirtualPatients, rows: Rows, measured: Mapping[str, Range], known: Mapping[str, float], factor: float = 1.0
) -> Array:
    """Their sum."""
    return _sum(rows, contributions(virtual, rows, measured, known, factor))


def _sum(rows: Rows, parts: Mapping[str, Array]) -> Array:
    return np.asarray(sum(parts.values(), start=np.zeros(len(rows))))


def _weighted(rows: Rows, log: Array) -> Weights:
    return weights(log, rows.prior)


def _mixed(
    virtual: VirtualPatients, measured: Mapping[str, Range], known: Mapping[str, float]
) -> dict[int, Any] | None:
    rows = virtual.parts[MIXED]
    if not len(rows):
        return None
    return by_draw(_weighted(rows, log_likelihood(virtual, rows, measured, known)), rows, LEAST_IN_DRAW)


def _other_noise(
    virtual: VirtualPatients, rows: Rows, measured: Mapping[str, Range], known: Mapping[str, float]
) -> list[tuple[float, Weights, Array]]:
    return [
        (f, _weighted(rows, log_likelihood(virtual, rows, measured, known, f)), rows.benefit)
        for f in ((0.67, 1.5) if measured else ())
    ]


def _share_told(before: Weights, after: Weights, rows: Rows) -> float:
    """What share of the variance of the benefit the measurements have taken away; negative where they added some."""
    return 1.0 - after.variance(rows.benefit) / before.variance(rows.benefit)


#: What is told of a benefit.
TOLD = ("estimate", "ci_low", "ci_high", "q1", "median", "q3", "sd", "error", "p_better", "p_worth")


def _told(w: Weights, rows: Rows, worth: float | None) -> dict[str, Any]:
    benefit = rows.benefit
    levels = np.array([LEVEL / 2, 0.25, 0.5, 0.75, 1 - LEVEL / 2])
    low, q1, middle, q3, high = w.quantiles(benefit, levels, rows.order)
    return {
        "estimate": number(w.mean(benefit)), "ci_low": number(low), "ci_high": number(high),
        "q1": number(q1), "median": number(middle), "q3": number(q3),
        "sd": number(math.sqrt(w.variance(benefit))), "error": number(w.error(benefit)),
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


def _places(virtual: VirtualPatients, rows: Rows, measured: Mapping[str, Range]) -> list[dict[str, Any]]:
    """Where each measurement lies among those that the virtual patients would have (fitted values)."""
    found = []
    for name, (lower, upper) in measured.items():
        rng = np.random.default_rng([virtual.seed, len(name), *name.encode()])
        seen = virtual.noise[name].sampled(rows.column(f"marker.{name}"), rng)
        row = {"marker": name, "unit": virtual.units[name], "lower": number(lower), "upper": number(upper)}
        row |= {"share_below": number(float((seen < max(lower, 0.0)).mean()))}
        found.append(row | {"share_above": number(float((seen > upper).mean()))})
    return found


def _refused(found: dict[str, Any], why: list[dict[str, Any]]) -> dict[str, Any]:
    empty, level = dict.fromkeys(TOLD), dict.fromkeys(found["reference"])
    note = refusal(float(found["effective"]), int(found["virtual_patients"]), LEAST, why)
    return found | {
        "benefit": empty, "fitted": empty, "reference": level, "treated": level, "rare": why, "note": note,
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
        if why := impossible(virtual.noise[name], lower, upper):
            raise DataError(f"'{name}' {why}")
    for name, value in known.items():
        if name not in virtual.covariates:
            raise DataError(
                f"'{name}' is no covariate of these virtual patients; there are "
                f"{', '.join(virtual.covariates) or 'none'}.{suggest(name, virtual.covariates)}"
            )
        if not math.isfinite(value):
            raise DataError(f"The covariate '{name}' is {value!r}; give a number, or leave it out.")


def _in_unit(virtual: VirtualPatients, name: str, x: Censored) -> Censored:
    from leukinetics.cohort.table.convert_cells import molar_mass
    from leukinetics.patients.convert import convert

    if name not in virtual.markers:
        _check(virtual, {name: (0.0, 1.0)}, {})
    unit = virtual.units[name]
    return x if x.unit == unit else x.scaled(convert(1.0, x.unit, unit, molar_mass(name)), unit)
