"""AMICI, where it is installed (1.0 or newer; building a model needs a C++ compiler)."""

from __future__ import annotations

import tempfile
from importlib import metadata
from pathlib import Path

import numpy as np

from bench.problems import F64, Ensemble, Problem

MAX_STEPS = 500_000


def version() -> str:
    """What would run, or an empty string."""
    try:
        return f"AMICI {metadata.version('amici')}"
    except metadata.PackageNotFoundError:
        return ""


class AmiciRunner:
    """One model object and one solver on one thread; doses are events of the model."""

    def __init__(self, problem: Problem) -> None:
        import amici
        from amici.importers.sbml import SbmlImporter
        from amici.sim import sundials

        self.problem, self.sundials = problem, sundials
        self._kept = tempfile.TemporaryDirectory(prefix="bench-amici-")  # removed at the end
        folder = Path(self._kept.name)
        path = folder / "model.xml"
        path.write_text(_with_doses(problem), encoding="utf-8")
        name = f"bench_{problem.name}"
        importer = SbmlImporter(path)
        importer.sbml2amici(
            name, folder / name, observation_model=[], compute_conservation_laws=False,
            generate_sensitivity_code=False,
        )  # fmt: skip
        self.model = amici.import_model_module(name, folder / name).get_model()
        self.model.set_timepoints(problem.times)
        self.ids = list(self.model.get_free_parameter_ids())
        states = list(self.model.get_state_ids())
        self.columns = [states.index(s) for s in problem.states]

    def solve(self, ensemble: Ensemble, rtol: float, atol: F64) -> tuple[F64, int]:
        """See :class:`bench.solvers.Runner`; AMICI takes one absolute tolerance: the smallest."""
        solver = self.model.create_solver()
        solver.set_relative_tolerance(rtol)
        solver.set_absolute_tolerance(float(atol.min()))
        solver.set_max_steps(MAX_STEPS)
        parameters = np.array(self.model.get_free_parameters())
        where = [self.ids.index(n) for n in ensemble.names]
        out = np.full((len(ensemble.values), len(self.problem.times), len(self.columns)), np.nan)
        failed = 0
        for p, values in enumerate(ensemble.values):
            parameters[where] = values
            self.model.set_free_parameters(parameters)
            result = self.sundials.run_simulation(self.model, solver)
            if result.status < 0:
                failed += 1
            else:
                out[p] = result.x[:, self.columns]
        return out, failed

    def values(self, solved: tuple[F64, int]) -> tuple[F64, int]:
        """See :class:`bench.solvers.Runner`."""
        return solved


def _with_doses(problem: Problem) -> str:
    """The model's SBML with the problem's doses as events (the one at time 0 as a start value)."""
    import libsbml

    sbml = problem.model().system.sbml or ""
    if problem.by_events:
        return sbml
    document = libsbml.readSBMLFromString(sbml)
    model = document.getModel()
    for k, (time, amount) in enumerate(problem.doses):
        if time == 0.0:
            species = model.getSpecies(problem.dosed)
            species.setInitialConcentration(species.getInitialConcentration() + amount)
            continue
        event = model.createEvent()
        event.setId(f"dose_{k}")
        event.setUseValuesFromTriggerTime(True)
        trigger = event.createTrigger()
        trigger.setInitialValue(True)
        trigger.setPersistent(True)
        trigger.setMath(libsbml.parseL3Formula(f"time >= {time!r}"))
        assignment = event.createEventAssignment()
        assignment.setVariable(problem.dosed)
        assignment.setMath(libsbml.parseL3Formula(f"{problem.dosed} + {amount!r}"))
    return str(libsbml.writeSBMLToString(document))
