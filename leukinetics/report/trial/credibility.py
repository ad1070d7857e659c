"""The credibility of the answer, in the terms of ICH M15 and ASME V&V 40.

ICH M15, General Principles for Model-Informed Drug Development (Step 4, 29 January 2026); ASME V&V 40-2018, Assessing
Credibility of Computational Modeling through Verification and Validation: Application to Medical Devices.
"""

from __future__ import annotations

import re

from leukinetics.report.trial.assumptions import Assumed, influential
from leukinetics.report.trial.evidence import Evidence
from leukinetics.report.trial.folder import Finished
from leukinetics.report.trial.names import plain
from leukinetics.report.trial.numbers import count, percent, real
from leukinetics.report.trial.text import join
from leukinetics.report.trial.words import question

METHODS = {"morris": "Morris's elementary effects", "sobol": "Sobol's indices", "tornado": "one parameter at a time"}
LEVELS = ("low", "medium", "high")
UNSAID = "Not stated in the protocol ([report], {key})."


def credibility(trial: Finished, known: Evidence, assumptions: list[Assumed]) -> list[tuple[str, str]]:
    """(heading, text) of each row of the table."""
    r = trial.protocol.report
    said = (
        ("Question of interest", question(trial), "question"),
        ("Context of use", plain(r.context_of_use) if r.context_of_use else "", "context_of_use"),
        ("Model influence", plain(r.model_influence) if r.model_influence else "", "model_influence"),
        (
            "Consequence of a wrong decision",
            plain(r.decision_consequence) if r.decision_consequence else "",
            "decision_consequence",
        ),
    )
    rows = [(name, text or UNSAID.format(key=key)) for name, text, key in said]
    return [
        *rows,
        ("Model risk", model_risk(r.model_influence, r.decision_consequence)),
        (
            "Verification",
            "The package's tests compare the engine with libRoadRunner on the same models, and check that a patient's "
            "numbers are bitwise the same alone, in any order, in any chunk and on any number of threads. Units of the "
            "model are checked from end to end when it is assembled.",
        ),
        ("Validation", _validation(known)),
        ("Calibration", _calibration(known)),
        ("Uncertainty quantification", _uncertainty(trial)),
        ("Applicability", _applicability(trial, known)),
        ("Limits", _limits(trial, assumptions)),
    ]


def model_risk(influence: str, consequence: str) -> str:
    """Influence and consequence together: the higher of the two, where both begin with low, medium or high."""
    found = [_level(influence), _level(consequence)]
    if None in found:
        return (
            "Not rated: it follows from model influence and the consequence of a wrong decision, and the protocol does "
            "not begin both with low, medium or high."
        )
    level = LEVELS[max(LEVELS.index(str(f)) for f in found)]
    if sorted(map(str, found)) == ["high", "low"]:
        level = "medium"
    return f"{level.capitalize()}: influence is {found[0]}, the consequence of a wrong decision {found[1]}."


def _level(text: str) -> str | None:
    found = re.match(r"\s*(low|medium|high)\b", text, re.I)
    return found.group(1).lower() if found else None


def _validation(known: Evidence) -> str:
    n, inside = known.all["validate"]
    share = percent(inside / n) if n else "–"
    text = f"Of {n} published readouts that were never fitted, {inside} lie within the stated errors ({share})"
    mine = [s for s in known.studies if s.predicted]
    if mine:
        total, good = sum(s.predicted for s in mine), sum(s.predicted_inside for s in mine)
        text += f"; of those of this trial's condition or drugs, {good} of {total} (table above)"
    same = {
        True: "The validation was made with this very model.",
        False: "The validation was made with another state of this model.",
        None: "This pair of condition and drugs was not part of the validation.",
    }[known.same_model]
    return f"{text}. {same} All comparisons are in docs/validation.md."


def _calibration(known: Evidence) -> str:
    n, inside = known.all["calibrate"]
    text = f"Parameters that no experiment gives were fitted to {n} published readouts; {inside} lie within the errors"
    mine = [s for s in known.studies if s.fitted]
    if mine:
        text += f"; {sum(s.fitted for s in mine)} of them are of this trial's condition or drugs"
    return text + ". How is in docs/calibration.md."


def _uncertainty(trial: Finished) -> str:
    found, parts = trial.part("uncertainty"), []
    if found is not None:
        text = f"{count(found.get('draws'))} draws of all uncertain typical values, each with "
        text += f"{count(found.get('patients'))} patients per arm"
        rows = [r for r in found.get("contrasts") or [] if r.get("endpoint") == trial.primary.id]
        shares = [v for r in rows if (v := real(r.get("share_parameters"))) is not None]
        if shares:
            low, high = percent(min(shares)), percent(max(shares))
            part = low if low == high else f"{low.removesuffix(' %')} to {high}"
            text += f"; {part} of the variance of the primary effect comes from the parameters"
        parts.append(text + ".")
    else:
        parts.append(
            "The uncertainty of the parameters was not propagated; intervals are of the sampling of patients only."
        )
    if (sense := trial.part("sensitivity")) is not None:
        method = METHODS.get(str(sense.get("method")), "")
        parts.append(f"Sensitivity by {method}, {count(sense.get('runs'))} runs of the trial.")
    else:
        parts.append("No sensitivity analysis was made.")
    return " ".join(parts)


def _applicability(trial: Finished, known: Evidence) -> str:
    both = [s for s in known.studies if s.shares == "condition and drug"]
    condition = [s for s in known.studies if s.shares == "condition"]
    drug = [s for s in known.studies if s.shares == "drug"]
    if both:
        text = f"{len(both)} published stud{'ies' if len(both) > 1 else 'y'} of the same condition and drug"
        more = [f"{len(drug)} more of the drug"] * bool(drug) + [f"{len(condition)} more of the condition"] * bool(
            condition
        )
        return f"{join([text, *more])} were held against the model."
    parts = []
    if drug:
        parts.append(f"{len(drug)} published studies share the drug")
    if condition:
        parts.append(
            f"{len(condition)} the condition" if drug else f"{len(condition)} published studies share the condition"
        )
    if not parts:
        text = "No published trial of this condition or of these drugs was held against the model"
        return f"{text}: the answer is an extrapolation."
    return f"{join(parts)}, none both: the combination is an extrapolation."


def _limits(trial: Finished, assumptions: list[Assumed]) -> str:
    p = trial.protocol
    parts = [f"{len(assumptions)} parameters of the assembled model are assumed (listed above)."]
    heavy = influential(assumptions)
    if heavy:
        parts.append(f"The answer leans most on {join([a.meaning for a in heavy[:4]])}.")
    if p.dropout is None:
        parts.append("No dropout is simulated.")
    if not p.adherence.missed:
        parts.append("Every dose is taken.")
    parts.append("Side effects are not modelled unless an endpoint says so.")
    return " ".join(parts)
