"""A whole trial, and its trajectories on libRoadRunner: CANTOS, every patient under four arms over 48 months.

The trial is timed end to end, from the protocol to summary.json: drawing the patients, settling each in the condition,
screening, treating, measuring, statistics, files. The peer is timed on the trajectories alone, of the first patients
enrolled: the same parameters, doses and visits, settled for as long as our run-in may take. Both are held against the
same reference at tight tolerance, and the peer gets the tolerance at which its error is the nearest above ours or,
where all are below, its loosest.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bench.problems import F64
from leukinetics.trial import Prepared, prepare, run
from leukinetics.trial.allocation import arms_of
from leukinetics.trial.conduct import treat
from leukinetics.trial.dosing import AFTER_SAMPLE
from leukinetics.trial.enrol import enrol
from leukinetics.trial.prepare import RUN_IN

OUTPUTS = ["crp", "il6"]
DOSES = {"placebo": 0.0, "50 mg": 50.0, "150 mg": 150.0, "300 mg": 300.0}
EVERY, COUNT = 91.0, 16  # days, over 48 months
PEER_RTOL = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7)
REFERENCE_RTOL = 1e-9


def protocol(patients: int) -> dict[str, Any]:
    """The trial, as a protocol."""
    return {
        "trial": {
            "name": "CANTOS",
            "condition": "post_mi",
            "duration": "208 weeks",
            "patients_per_arm": patients,
            "seed": 2017,
            "design": "twins",
        },
        "eligibility": {"crp": ">= 2 mg/L"},
        "arm": [
            {"name": name}
            | ({"dose": [{"drug": "canakinumab", "amount": name, "route": "sc", "every": "13 weeks"}]} if mg else {})
            for name, mg in DOSES.items()
        ],
        "schedule": {"visits": [f"{13 * k} weeks" for k in range(1, 17)], "measure": OUTPUTS},
        "endpoint": [
            {"id": name, "observable": name, "kind": "percent_change", "at": "208 weeks", "noise": True}
            for name in OUTPUTS
        ],
    }


def whole_trial(quick: bool, say: Callable[[str], None]) -> dict[str, Any]:
    """Time the trial, then both simulators on its first patients."""
    patients, sample = (1_000, 4) if quick else (10_000, 25)
    run(protocol(8))  # compiles
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        result = run(protocol(patients), Path(folder) / "trial")
        whole = time.perf_counter() - started
    counts = result.summary["patients"]
    say(f"trial: {patients:,} patients x {len(DOSES)} arms in {whole:.1f} s ({counts['screened']:,} screened)")
    prepared = prepare(protocol(sample))
    columns, people, arms = _rows(prepared)
    found: dict[str, Any] = {"patients": patients, "arms": len(DOSES), "seconds": whole, **counts, "sample": len(arms)}
    truth, _ = _ours(prepared, columns, people, arms, REFERENCE_RTOL)
    values, seconds = _ours(prepared, columns, people, arms, prepared.rtol)
    found["ours"] = {"rtol": prepared.rtol, "error": _error(values, truth), "seconds_per_trajectory": seconds}
    peers = []
    for rtol in PEER_RTOL:
        values, seconds = _peer(prepared, columns, arms, rtol)
        peers.append({"rtol": rtol, "error": _error(values, truth), "seconds_per_trajectory": seconds})
        say(f"libRoadRunner, rtol {rtol:g}: {1e3 * seconds:.1f} ms a trajectory, error {peers[-1]['error']:.1e}")
    found["roadrunner"] = peers
    worse = [p for p in peers if p["error"] >= found["ours"]["error"]]
    equal = min(worse, key=lambda p: p["error"]) if worse else peers[0]
    found["equal"] = equal
    found["ratio"] = equal["seconds_per_trajectory"] / found["ours"]["seconds_per_trajectory"]
    trajectories = patients * len(DOSES) + counts["screened"]
    found["peer_trial_seconds"] = equal["seconds_per_trajectory"] * trajectories
    found["ratio_whole"] = found["peer_trial_seconds"] / whole
    return found


def _rows(prepared: Prepared) -> tuple[dict[str, F64], Any, Any]:
    """Inputs of every patient under every arm; the person and the arm of each row."""
    enrolled = enrol(prepared, [{}])
    places, arms = arms_of(prepared, 0, prepared.needed)
    return {name: values[0, places] for name, values in enrolled.columns.items()}, enrolled.people[0, places], arms


def _ours(prepared: Prepared, columns: dict[str, F64], people: Any, arms: Any, rtol: float) -> tuple[F64, float]:
    """Values (rows, times, outputs) and seconds per row, on one thread."""
    from dataclasses import replace

    again = replace(prepared, rtol=rtol)
    started = time.perf_counter()
    found = treat(again, columns, people, arms, 1).simulated
    seconds = (time.perf_counter() - started) / len(arms)
    return np.stack([found.values[name] for name in OUTPUTS], axis=2), seconds


def _peer(prepared: Prepared, columns: dict[str, F64], arms: Any, rtol: float) -> tuple[F64, float]:
    """The same by libRoadRunner, as its users drive it: one loaded model, reset, parameters, settle, dose, simulate."""
    import roadrunner

    roadrunner.Logger.setLevel(roadrunner.Logger.LOG_CRITICAL)
    model = prepared.assembly.model
    rr = roadrunner.RoadRunner(model.system.sbml)
    rr.timeCourseSelections = OUTPUTS
    rr.integrator.relative_tolerance = rtol
    rr.integrator.absolute_tolerance = 1e-9
    rr.integrator.maximum_num_steps = 500_000
    given = {name: values for name, values in columns.items() if name in model.inputs}
    derived = _derived(prepared, given)
    spaces = {name: derived.pop(name) for name in rr.model.getCompartmentIds() if name in derived}
    given |= derived
    place = {p: k for k, p in enumerate(rr.model.getGlobalParameterIds())}
    index = np.array([place[name] for name in given], dtype=np.int32)
    parameters = np.stack(list(given.values()), axis=1)
    amounts = list(DOSES.values())
    stops = [EVERY * (k + 1) for k in range(COUNT)]
    out = np.full((len(arms), len(prepared.times), len(OUTPUTS)), np.nan)
    started = time.perf_counter()
    for row, arm in enumerate(arms):
        rr.reset()
        rr.model.setGlobalParameterValues(index, parameters[row])
        for name, sizes in spaces.items():
            rr[name] = sizes[row]
        rr.simulate(0.0, RUN_IN.limit, 2)
        rr.setValue("time", 0.0)
        out[row, 0] = np.asarray(rr.simulate(times=[0.0, AFTER_SAMPLE]))[0]
        now = AFTER_SAMPLE
        for k, stop in enumerate(stops):
            if amounts[arm]:
                rr["canakinumab_depot"] = rr["canakinumab_depot"] + amounts[arm]
            end = stop + AFTER_SAMPLE
            out[row, k + 1] = np.asarray(rr.simulate(times=[now, stop, end]))[1]
            now = end
    return out, (time.perf_counter() - started) / len(arms)


def _derived(prepared: Prepared, given: dict[str, F64]) -> dict[str, F64]:
    """Parameters and volumes that follow from others when a simulation starts; libRoadRunner does not work them out
    again when it is handed other values, so that it gets them, too (their cost is not counted)."""
    import libsbml

    model = prepared.assembly.model
    sbml = libsbml.readSBMLFromString(model.system.sbml).getModel()
    symbols = [a.getSymbol() for a in sbml.getListOfInitialAssignments()]
    names = [s for s in symbols if sbml.getSpecies(s) is None and s not in given]
    found = model.simulate([0.0], given, outputs=names)
    return {name: found[name].to_numpy()[:, 0] for name in names}


def _error(values: F64, truth: F64) -> float:
    """Root mean square of the relative errors."""
    return float(np.sqrt(np.mean(((values - truth) / truth) ** 2)))
