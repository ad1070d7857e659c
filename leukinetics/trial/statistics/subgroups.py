"""Contrasts within parts of the patients, and over thresholds of a biomarker, with tests of interaction.

Parts are fitted apart; the p value is that of arm x part in one model of both arms. A benefit curve has the contrast
among the patients at or above each threshold; its p value is that of arm x logarithm of the biomarker.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.patients.convert import convert
from leukinetics.trial.protocol import EVENTS, TIMES, Endpoint, Subgroup, Threshold
from leukinetics.trial.statistics.compare import fit, interaction, number, told
from leukinetics.trial.statistics.rows import Rows

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


@dataclass(frozen=True)
class Setting:
    """What contrasts are made of: an endpoint's rows, its arms, and how it is analysed."""

    endpoint: Endpoint
    rows: Rows
    arms: list[str]
    reference: int
    covariates: list[str]
    twins: bool
    alpha: float
    seed: int

    def contrasts(self, which: NDArray[np.bool_]) -> dict[int, dict[str, Any]]:
        """The main contrast of each arm among some of the rows."""
        found = fit(
            self.endpoint,
            self.rows.take(which),
            self.reference,
            self.covariates,
            twins=self.twins,
            alpha=self.alpha,
            seed=self.seed,
            contrasts_only=True,
        )
        return {arm: told(c[0]) for arm, c in found.contrasts.items()}

    def of_patients(self, values: pd.Series[float]) -> Array:
        """A number of each row's patient."""
        return np.asarray(values.reindex(self.rows.patient), dtype=float)

    def pair(self, arm: int) -> tuple[Rows, NDArray[np.intp]]:
        """(an arm and the reference, their places among the rows)."""
        where = np.concatenate([np.flatnonzero(self.rows.arm == k) for k in (self.reference, arm)])
        return self.rows.two(arm, self.reference), where


def column_of(population: pd.DataFrame, name: str) -> str | None:
    """The column of the population that a name means: a covariate or genotype, else an observable as measured at
    screening, else at baseline."""
    return next((c for c in (name, f"screening.{name}", f"baseline.{name}") if c in population.columns), None)


def subgroup(
    spec: Subgroup, setting: Setting, population: pd.DataFrame, units: Mapping[str, str]
) -> list[dict[str, Any]]:
    """The rows of ``summary.json`` for one subgroup: one for each arm."""
    column = column_of(population, spec.on)
    if column is None:
        return []
    values = population[column].astype(float)
    unit = units.get(column, "")
    if spec.cuts is None:
        known = values.dropna().to_numpy()
        shares = np.arange(1, spec.quantiles or 2) / (spec.quantiles or 2)
        cuts = np.quantile(known, shares) if len(known) else np.zeros(len(shares))
        shown, shown_unit = cuts, unit
    else:
        shown, shown_unit = np.array(spec.cuts, dtype=float), spec.unit or unit
        cuts = np.array([_in_unit(c, spec.unit, unit) for c in spec.cuts])
    labels = spec.labels or _labels(shown.tolist(), shown_unit, 10 if spec.cuts is not None else 3)
    x = setting.of_patients(values)
    part = np.where(np.isnan(x), -1, np.searchsorted(cuts, x, side="right"))
    fits = [setting.contrasts(part == k) for k in range(len(labels))]
    keys = ("estimate", "ci_low", "ci_high")
    return [
        {
            "id": spec.id,
            "on": spec.on,
            "endpoint": setting.endpoint.id,
            "arm": setting.arms[arm],
            "reference": setting.arms[setting.reference],
            "measure": fits[0][arm]["measure"],
            "p_interaction": _by_parts(setting, arm, part),
            "parts": [
                {"label": label, "n": found[arm]["n"], **{k: found[arm][k] for k in keys}}
                for label, found in zip(labels, fits, strict=True)
            ],
        }
        for arm in fits[0]
    ]


def threshold(
    spec: Threshold, setting: Setting, population: pd.DataFrame, units: Mapping[str, str]
) -> dict[str, Any] | None:
    """The row of ``summary.json`` for one benefit curve; None without such a biomarker, or without another arm."""
    column = column_of(population, spec.biomarker)
    others = [a for a in range(len(setting.arms)) if a != setting.reference]
    if column is None or not others:
        return None
    arm = setting.arms.index(spec.arm) if spec.arm is not None else others[-1]
    if arm == setting.reference:
        return None
    values = population[column].astype(float)
    unit = units.get(column, "")
    known = values.dropna().to_numpy()
    if spec.values is not None:
        shown = [float(v) for v in spec.values]
        limits = [_in_unit(v, spec.unit, unit) for v in shown]
    else:
        limits = sorted(set(np.quantile(known, np.arange(10) / 10).tolist())) if len(known) else []
        shown = limits
    rows, where = setting.pair(arm)
    x = setting.of_patients(values)
    pair = np.zeros(len(x), dtype=bool)
    pair[where] = True
    curve = []
    for limit, text in zip(limits, shown, strict=True):
        found = setting.contrasts(pair & (x >= limit))[arm]
        share = float((known >= limit).mean()) if len(known) else float("nan")
        keys = ("n", "estimate", "ci_low", "ci_high")
        curve.append({"threshold": number(text), "share": number(share), **{k: found[k] for k in keys}})
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(x > 0, np.log(x), np.nan)[where][:, None]
    return {
        "biomarker": spec.biomarker,
        "unit": spec.unit if spec.values is not None and spec.unit else unit,
        "endpoint": setting.endpoint.id,
        "arm": setting.arms[arm],
        "reference": setting.arms[setting.reference],
        "measure": setting.contrasts(pair)[arm]["measure"],
        "p_interaction": interaction(setting.endpoint, rows, logs, twins=setting.twins),
        "curve": curve,
    }


def _by_parts(setting: Setting, arm: int, part: NDArray[np.intp]) -> float | None:
    """p value of arm x part. None where a part lacks patients, or of events an arm has none in it: the likelihood has
    no maximum then."""
    rows, where = setting.pair(arm)
    part = part[where]
    there = [k for k in np.unique(part) if k >= 0]
    if len(there) < 2:
        return None
    if setting.endpoint.kind in EVENTS:
        seen = ~rows.censored if setting.endpoint.kind in TIMES else rows.value > 0
        if not all((seen & (part == k) & (rows.arm == a)).any() for k in there for a in (0, 1)):
            return None
    dummies = np.where(part[:, None] < 0, np.nan, (part[:, None] == np.array(there[1:])).astype(float))
    return interaction(setting.endpoint, rows, dummies, twins=setting.twins)


def _labels(cuts: list[float], unit: str, digits: int) -> list[str]:
    """Names of the parts: below the first cut, from one to the next, from the last on."""
    text = [f"{float(f'{c:.{digits}g}'):.10g}" for c in cuts]
    tail = f" {unit}" if unit else ""
    middle = [f"{a} to < {b}{tail}" for a, b in pairwise(text)]
    return [f"< {text[0]}{tail}", *middle, f">= {text[-1]}{tail}"]


def _in_unit(value: float, unit: str | None, own: str) -> float:
    return convert(value, unit, own) if unit and own else value
