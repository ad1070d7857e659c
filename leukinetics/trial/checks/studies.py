"""Whether a trial can be analysed as a protocol says: covariates, subgroups, biomarkers, what is varied."""

from __future__ import annotations

from leukinetics.errors import suggest
from leukinetics.patients import draws
from leukinetics.trial.checks.model import Model, Path
from leukinetics.trial.checks.people import check_unit
from leukinetics.trial.checks.problems import Problems
from leukinetics.trial.protocol import Protocol

#: What may stand before an observable: at which visit its value is meant.
VISITS = ("screening.", "baseline.")


def check_studies(protocol: Protocol, model: Model, problems: Problems) -> None:
    """Names and units of covariates, subgroups, thresholds, power and sensitivity."""
    for i, name in enumerate(protocol.analysis.covariates):
        _biomarker(("analysis", "covariates", i), name, model, problems)
    for i, subgroup in enumerate(protocol.subgroup):
        unit = _biomarker(("subgroup", i, "on"), subgroup.on, model, problems)
        if unit is not None and (subgroup.cuts is not None or subgroup.unit is not None):
            check_unit(("subgroup", i, "unit"), subgroup.unit, unit, f"cuts of '{subgroup.on}'", problems)
    for i, threshold in enumerate(protocol.threshold):
        unit = _biomarker(("threshold", i, "biomarker"), threshold.biomarker, model, problems)
        if unit is not None and (threshold.values is not None or threshold.unit is not None):
            check_unit(("threshold", i, "unit"), threshold.unit, unit, f"values of '{threshold.biomarker}'", problems)
    power = protocol.power
    if power is not None and power.biomarker is not None:
        unit = _biomarker(("power", "biomarker"), power.biomarker, model, problems)
        if unit is not None:
            check_unit(("power", "unit"), power.unit, unit, f"thresholds of '{power.biomarker}'", problems)
    for name in power.others if power is not None else ():
        _biomarker(("power", "others", name), name, model, problems)
    _varied(protocol, model, problems)


def observable_of(name: str) -> str:
    """The name of a biomarker without the visit that may stand before it."""
    return next((name.removeprefix(visit) for visit in VISITS if name.startswith(visit)), name)


def _biomarker(path: Path, name: str, model: Model, problems: Problems) -> str | None:
    """The unit of a covariate, a genotype or an observable (of a visit); else a problem, and None."""
    inner = observable_of(name)
    if inner != name:
        return model.observable(path, inner, problems)
    return model.told_or_read(path, name, problems)


def _varied(protocol: Protocol, model: Model, problems: Problems) -> None:
    study = protocol.sensitivity
    if study is None or not study.parameters:
        return
    keys = model.plan.typical_keys()
    drawn = draws(model.assembly, 2, protocol.trial.seed)
    uncertain = [k for k in map(str, drawn) if model.plan.parameter_of(k) not in model.plan.fixed]
    for i, name in enumerate(study.parameters):
        path = ("sensitivity", "parameters", i)
        if name not in _with_short(keys):
            near = suggest(name, _with_short(uncertain))
            problems.add(path, f"there is no parameter '{name:.60}'.{near}")
        elif name not in _with_short(uncertain):
            problems.add(path, f"'{name}' is certain, so there is nothing to vary.")


def _with_short(keys: list[str]) -> list[str]:
    """Keys of typical values, also without the condition that sets them."""
    return [*keys, *(key.rpartition(".")[2] for key in keys if not key.startswith("effect:"))]
