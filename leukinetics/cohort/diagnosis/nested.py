"""Models whose penalty is chosen by cross-validation, judged on people left out: one cross-validation in another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.cohort.diagnosis.elastic import fit, greatest, path, predictor
from leukinetics.cohort.diagnosis.families import Time, family_of
from leukinetics.cohort.diagnosis.features import Features, learn
from leukinetics.cohort.diagnosis.folds import Performance, averaged, folds_of, performance
from leukinetics.cohort.diagnosis.outcomes import Outcome
from leukinetics.cohort.diagnosis.sample import stream

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from leukinetics.cohort.values import Censored

    Array = NDArray[np.float64]

PENALTIES, LEAST = 20, 0.005  # of a path: how many, and the least as a share of the greatest


@dataclass(frozen=True, eq=False)
class People:
    """Who is predicted: markers, outcome, covariates (rows, columns) with their names."""

    markers: list[Censored]
    outcome: Outcome
    others: Array
    names: tuple[str, ...]
    ratio: float

    def take(self, rows: NDArray[np.intp]) -> People:
        """Some of them."""
        parts = [x.take(rows) for x in self.markers]
        return People(parts, self.outcome.take(rows), self.others[rows], self.names, self.ratio)

    @property
    def free(self) -> NDArray[np.bool_]:
        """Columns without a penalty."""
        return np.arange(2 * len(self.markers) + len(self.names)) >= 2 * len(self.markers)


@dataclass(frozen=True, eq=False)
class Fitted:
    """A model: how people become columns, coefficients (after an intercept), the penalty."""

    features: Features
    b: Array
    penalty: float

    def predict(self, people: People) -> Array:
        """Linear predictors."""
        return predictor(family_of(people.outcome), self.features.of(people.markers, people.others), self.b)


@dataclass(frozen=True, eq=False)
class Judged:
    """Of people left out: what markers and covariates do, what covariates alone do, the risk of each person."""

    markers: Performance
    covariates: Performance | None
    risk: Array


def nested(people: People, folds: int, repeats: int, seed: int, horizon: float | None) -> tuple[list[Fitted], Judged]:
    """(the models of all outer parts, what they do in the people left out). ``horizon``: by when the risk of an event
    is meant."""
    n = len(people.outcome)
    bare = People([], people.outcome, people.others, people.names, people.ratio)
    alone = People([], people.outcome, np.empty((n, 0)), (), people.ratio)
    fitted: list[Fitted] = []
    risk = np.zeros(n)
    found: list[Performance] = []
    plain: list[Performance] = []
    for r in range(repeats):
        rng = stream(seed, f"several:{r}")
        fold = folds_of(people.outcome, folds, rng)
        eta, base, least = np.zeros((3, n))
        for k in range(folds):
            inside, out = np.flatnonzero(fold != k), np.flatnonzero(fold == k)
            model = tuned(people.take(inside), folds, rng)
            fitted.append(model)
            eta[out] = model.predict(people.take(out))
            risk[out] += _risk(people.take(inside), model, eta[out], horizon) / repeats
            base[out] = _unpenalised(bare.take(inside)).predict(bare.take(out))
            least[out] = _unpenalised(alone.take(inside)).predict(alone.take(out))
        found.append(performance(people.outcome, eta, least, fold))
        plain.append(performance(people.outcome, base, least, fold))
    return fitted, Judged(averaged(found), averaged(plain) if people.names else None, risk)


def _risk(inside: People, model: Fitted, eta: Array, horizon: float | None) -> Array:
    """Of yes, or of an event by the horizon, with the baseline hazard of those of the fit."""
    family = family_of(inside.outcome)
    if isinstance(family, Time) and horizon is not None:
        hazard = family.hazard_until(model.predict(inside), horizon)
        return np.asarray(-np.expm1(-hazard * np.exp(np.clip(eta, -30, 30))))
    return np.asarray(1 / (1 + np.exp(-np.clip(eta, -30, 30))))


def tuned(people: People, folds: int, rng: np.random.Generator) -> Fitted:
    """The model whose penalty has the least deviance in parts of these people that are left out in turn."""
    family = family_of(people.outcome)
    features, x = learn(people.markers, people.others, people.names)
    top = greatest(family, x, people.free, people.ratio)
    if not top > 0:
        return Fitted(features, fit(family, x, np.inf, people.ratio, people.free, None), np.inf)
    penalties = np.geomspace(top, top * LEAST, PENALTIES)
    fold = folds_of(people.outcome, folds, rng)
    loss = np.zeros(PENALTIES)
    for k in range(folds):
        inside, out = people.take(np.flatnonzero(fold != k)), people.take(np.flatnonzero(fold == k))
        if not (len(out.outcome) and out.outcome.events):
            continue
        learnt, columns = learn(inside.markers, inside.others, inside.names)
        paths = path(family_of(inside.outcome), columns, penalties, people.ratio, people.free)
        there, judge = learnt.of(out.markers, out.others), family_of(out.outcome)
        loss += [judge.deviance(predictor(judge, there, b)) for b in paths]
    best = int(np.argmin(loss))
    return Fitted(features, path(family, x, penalties[: best + 1], people.ratio, people.free)[-1], penalties[best])


def _unpenalised(people: People) -> Fitted:
    """The model of covariates alone; a trace of ridge keeps coefficients finite."""
    features, x = learn([], people.others, people.names)
    held = np.zeros(x.shape[1], dtype=bool)
    return Fitted(features, fit(family_of(people.outcome), x, 1e-4, 0.0, held, None), 0.0)


def apparent(people: People, model: Fitted) -> float:
    """The measure in the people that the model was fitted to."""
    n = len(people.outcome)
    alone = People([], people.outcome, np.empty((n, 0)), (), people.ratio)
    least = _unpenalised(alone).predict(alone)
    return performance(people.outcome, model.predict(people), least, np.zeros(n, dtype=np.intp)).value
