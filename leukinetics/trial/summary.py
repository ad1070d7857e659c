"""What ``summary.json`` says of a trial's tables: arms, contrasts, subgroups, thresholds, curves, who took part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from leukinetics.trial.protocol import TIMES, Endpoint, Protocol
from leukinetics.trial.reference import reference_arm
from leukinetics.trial.statistics.baseline import baseline_table
from leukinetics.trial.statistics.compare import fit, number, told
from leukinetics.trial.statistics.estimates import Estimate, Fit
from leukinetics.trial.statistics.missing import completed, counts
from leukinetics.trial.statistics.multiplicity import adjusted
from leukinetics.trial.statistics.rows import rows_of
from leukinetics.trial.statistics.subgroups import Setting, column_of, subgroup, threshold
from leukinetics.trial.statistics.survival import curve

if TYPE_CHECKING:
    import pandas as pd


def analyse(
    protocol: Protocol,
    endpoints: pd.DataFrame,
    population: pd.DataFrame,
    units: Mapping[str, str] | None = None,
    described: Sequence[str] = (),
) -> dict[str, Any]:
    """arms, contrasts, subgroups, thresholds, survival and baseline of ``summary.json``. What cannot be had is None.

    ``endpoints``: the table of all endpoints, see :func:`leukinetics.trial.endpoints.endpoint_table`. ``population``:
    one row per patient enrolled (index patient), ``units`` of its columns, ``described``: the columns that the baseline
    table has besides the measurements at screening and baseline.
    """
    units = units or {}
    settings = {e.id: _setting(protocol, e, endpoints, population) for e in protocol.endpoint}
    fits = {name: _fitted(s) for name, s in settings.items()}
    primary = protocol.analysis.primary or [protocol.endpoint[0].id]
    arms = [a.name for a in protocol.arm]
    parallel = protocol.trial.design == "parallel"
    return {
        "arms": [
            {
                "name": arm,
                "n": _solved(endpoints, arm),
                "endpoints": {
                    e.id: _of_arm(e, protocol, endpoints, fits[e.id], settings[e.id], i) for e in protocol.endpoint
                },
            }
            for i, arm in enumerate(arms)
        ],
        "contrasts": _contrasts(protocol, settings, fits, primary),
        "subgroups": [
            row for s in protocol.subgroup for row in subgroup(s, settings[s.endpoint or primary[0]], population, units)
        ],
        "thresholds": [
            row
            for t in protocol.threshold
            if (row := threshold(t, settings[t.endpoint or primary[0]], population, units)) is not None
        ],
        "survival": [
            {"endpoint": e.id, "arm": arm, **_rounded(curve(settings[e.id].rows, i, protocol.analysis.alpha))}
            for e in protocol.endpoint
            if e.kind in TIMES
            for i, arm in enumerate(arms)
        ],
        "baseline": baseline_table(population, described, units, arms if parallel else []),
    }


def _setting(protocol: Protocol, endpoint: Endpoint, endpoints: pd.DataFrame, population: pd.DataFrame) -> Setting:
    plan = protocol.analysis
    table = completed(endpoint, _part(endpoints, endpoint), plan)
    columns = {name: column_of(population, name) for name in plan.covariates}
    covariates = [name for name, column in columns.items() if column is not None]
    for name in covariates:
        table = table.assign(**{name: table["patient"].map(population[columns[name]]).to_numpy(dtype=float)})
    arms = [a.name for a in protocol.arm]
    return Setting(
        endpoint,
        rows_of(endpoint, table, arms, covariates),
        arms,
        reference_arm(protocol, endpoint),
        covariates,
        protocol.trial.design == "twins",
        plan.alpha,
        protocol.trial.seed,
    )


def _fitted(s: Setting) -> Fit:
    return fit(s.endpoint, s.rows, s.reference, s.covariates, twins=s.twins, alpha=s.alpha, seed=s.seed)


def _part(endpoints: pd.DataFrame, endpoint: Endpoint) -> pd.DataFrame:
    return endpoints[(endpoints["endpoint"] == endpoint.id).to_numpy()]


def _solved(endpoints: pd.DataFrame, arm: str) -> int:
    here = endpoints[(endpoints["arm"] == arm).to_numpy() & (endpoints["missing"] != "failed").to_numpy()]
    return int(here["patient"].nunique())


def _of_arm(
    endpoint: Endpoint, protocol: Protocol, endpoints: pd.DataFrame, found: Fit, setting: Setting, arm: int
) -> dict[str, Any]:
    name = setting.arms[arm]
    table = completed(endpoint, _part(endpoints, endpoint), protocol.analysis)
    table = table[(table["arm"] == name).to_numpy()]
    if endpoint.visits:
        table = table[(table["time"] == setting.rows.times[setting.rows.visit]).to_numpy()]
    return {
        **_numbers(found.arms[arm]),
        "n": found.arms[arm].n,
        "unit": found.unit,
        "statistic": found.statistic,
        "censored": int((setting.rows.censored & (setting.rows.arm == arm)).sum()),
        "missing": counts(table),
        "visits": [{"time": t, **_numbers(e), "n": e.n} for t, e in (found.visits[arm] if found.visits else [])],
    }


def _numbers(found: Estimate) -> dict[str, float | None]:
    return {
        "estimate": number(found.estimate),
        "se": number(found.se),
        "ci_low": number(found.low),
        "ci_high": number(found.high),
    }


def _contrasts(
    protocol: Protocol, settings: dict[str, Setting], fits: dict[str, Fit], primary: list[str]
) -> list[dict[str, Any]]:
    main = [(name, arm) for name in primary for arm in fits[name].contrasts]
    p_values = [fits[name].contrasts[arm][0].found.p for name, arm in main]
    known = dict(zip(main, adjusted(p_values, protocol.analysis.multiplicity), strict=True))
    rows = []
    for e in protocol.endpoint:
        s = settings[e.id]
        for arm, contrasts in fits[e.id].contrasts.items():
            for i, c in enumerate(contrasts):
                row = {"endpoint": e.id, "arm": s.arms[arm], "reference": s.arms[s.reference], **told(c)}
                row["p_adjusted"] = number(known[e.id, arm]) if i == 0 and (e.id, arm) in known else None
                rows.append(row)
    return rows


def _rounded(found: dict[str, Any]) -> dict[str, Any]:
    told = {k: [number(x) for x in found[k]] for k in ("time", "survival", "low", "high")}
    return {**told, "at_risk": [{"time": number(r["time"]), "n": r["n"]} for r in found["at_risk"]]}
