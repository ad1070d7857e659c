"""A predicted benefit from its protocol to its summary."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leukinetics.assays import assay_for, assays
from leukinetics.cohort.subtype.benefit import edges, predict
from leukinetics.cohort.subtype.benefit_protocol import BenefitProtocol, Person, read_benefit
from leukinetics.cohort.subtype.noise import impossible, noise_of
from leukinetics.cohort.subtype.patients import Patients, printed, read_patients
from leukinetics.cohort.subtype.people import predicted_patients
from leukinetics.cohort.subtype.store import ABOUT, identity, load, save
from leukinetics.cohort.subtype.virtual import ALL, FITTED, VirtualPatients, virtual_patients
from leukinetics.cohort.table.write import SAMPLES
from leukinetics.engine.stream import naming
from leukinetics.errors import DataError, LeukineticsError, ProtocolError
from leukinetics.patients.convert import convert
from leukinetics.patients.criteria import parse_criterion
from leukinetics.trial.statistics.compare import number
from leukinetics.trial.store import PROTOCOL, PROVENANCE, SUMMARY, write_json, write_text
from leukinetics.trial.studies.question import Progress, say_nothing
from leukinetics.units import parse_quantity

if TYPE_CHECKING:
    import pandas as pd


#: Files of a prediction beside those that all results have.
PATIENTS, TRIAL = "patients.csv", "trial.toml"
#: What is told of everybody.
WHOLE = ("benefit", "fitted", "reference", "treated", "split", "assumptions", "narrowing", "shape", "effective")


@dataclass(frozen=True)
class BenefitResult:
    """A finished prediction: its protocol, virtual patients, summary, and the folder where it was written, if any.

    ``patients``: one row per row of the protocol's table of people, None without one: who, ``told`` ("yes", "too few
    like this one", "nothing known"), ``estimate``, ``ci_low``, ``q1``, ``median``, ``q3``, ``ci_high``, ``sd``,
    ``p_better``, ``p_worth``, ``effective``, the shares of the variance, each marker's interval in the model's unit,
    covariates, ``rare`` (what of the person is rare), ``note``.
    """

    protocol: BenefitProtocol
    virtual: VirtualPatients
    summary: dict[str, Any]
    folder: Path | None = None
    patients: pd.DataFrame | None = None

    def table(self) -> pd.DataFrame:
        """One row per patient of the protocol: the main numbers."""
        import pandas as pd

        return pd.DataFrame([_row(p) for p in self.summary["patients"]])


def predicted_benefit(
    protocol: str | Path | Mapping[str, Any] | BenefitProtocol,
    out: str | Path | None = None,
    *,
    overwrite: bool = False,
    threads: int | None = None,
    progress: Progress = say_nothing,
    assembly: Any = None,
) -> BenefitResult:
    """Predict what patients gain from a therapy, see :func:`leukinetics.cohort.subtype.benefit.predict`.

    With ``out``: virtual.parquet (the virtual patients; found there, made with the same model and protocol, they are
    used again), benefit.csv, patients.csv (of a table of people), summary.json, protocol.toml, trial.toml and
    provenance.json are written there. The same protocol gives the same numbers, whatever the threads.

    ProtocolError for what is malformed, or that the model has not; DataError where ``out`` cannot be written to, or the
    table of people cannot be used.
    """
    from leukinetics import biology

    read = read_benefit(protocol)
    trial = read.trial()
    _look_at(read)  # mistakes about people are told before the virtual patients are made
    people = read_patients(read)
    model = biology.assemble(trial.trial.condition, drugs=trial.drugs) if assembly is None else assembly
    who = identity(read, model)
    folder = None if out is None else _folder(Path(out), overwrite)
    virtual = None if folder is None else load(folder, who, read.benefit.worth)
    if virtual is None:
        virtual = virtual_patients(read, threads, progress, model)
    virtual = replace(virtual, worth=read.benefit.worth)
    if folder is not None:
        with naming(folder):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / SUMMARY).unlink(missing_ok=True)
        save(folder, virtual, who)
    everybody = predict(virtual, {})
    summary = _head(read, virtual) | {
        "population": {k: everybody[k] for k in WHOLE},
        "patients": [_predicted(virtual, p) for p in read.patient],
        "table": None,
    }
    frame = None
    if people is not None:
        frame, summary["table"] = predicted_patients(virtual, people, lambda done, n: progress(done, n, "patients"))
    result = BenefitResult(read, virtual, summary, folder, frame)
    if folder is not None:
        write_text(folder / PROTOCOL, read.text)
        write_text(folder / TRIAL, trial.text)
        write_text(folder / "benefit.csv", result.table().to_csv(index=False))
        (folder / PATIENTS).unlink(missing_ok=True)
        if frame is not None:
            write_text(folder / PATIENTS, frame.to_csv(index=False))
        write_json(folder / PROVENANCE, _provenance(read, model, who, people))
        write_json(folder / SUMMARY, summary)
    return result


def is_benefit_folder(folder: str | Path) -> bool:
    """Whether a folder holds virtual patients, with or without a finished prediction."""
    return (Path(folder) / ABOUT).is_file()


def _provenance(read: BenefitProtocol, model: Any, who: str, people: Patients | None) -> dict[str, Any]:
    from leukinetics import __version__

    made: dict[str, Any] = {
        "leukinetics": __version__,
        "protocol_sha256": hashlib.sha256(read.text.encode()).hexdigest(),
        "virtual_patients": who,
        "seed": read.benefit.seed,
        "model": {"condition": read.trial().trial.condition, "assembly_hash": model.hash},
    }
    if people is not None:
        file = people.path / SAMPLES if people.path.is_dir() else people.path
        made["table"] = {"source": people.table.source, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
    return made


def interval_of(text: str, unit: str, what: str) -> tuple[float, float]:
    """What a measurement such as "8 mg/L", "< 1.5 pg/mL", "> 2 ng/mL" or "2 to 4 pg/mL" says, in ``unit``."""
    stripped = text.strip()
    try:
        if stripped[:1] in "<>≤≥" or " to " in stripped:
            low, high = 0.0, math.inf
            for bound in parse_criterion(stripped, what):
                value = bound.value_in(unit)
                low, high = (value, high) if bound.sign in (">", ">=", "≥") else (low, value)
        else:
            value, own = (float(stripped), "") if _bare(stripped) else parse_quantity(stripped)
            low = high = convert(value, own, unit)
    except LeukineticsError as error:
        raise ProtocolError(f"{what}: {error}") from error
    if low > high or (low <= 0 and math.isinf(high)):
        raise ProtocolError(f"{what} is '{stripped:.60}', which is no measurement; write '8 mg/L' or '< 0.5 pg/mL'.")
    return low, high


def _look_at(read: BenefitProtocol) -> None:
    """ProtocolError where a patient's measurement cannot be."""
    for person in read.patient:
        for name, text in person.measured.items():
            if name not in assays():
                continue
            what, assay = f"patient '{person.name}', measured, {name}", assay_for(name)
            lower, upper = interval_of(text, assay.unit, what)
            try:
                why = impossible(noise_of(assay, read.benefit.noise.get(name, "")), lower, upper)
            except DataError as error:
                raise ProtocolError(f"benefit, noise: {error}") from error
            if why:
                raise ProtocolError(f"{what}: '{name}' {why}")


def _predicted(virtual: VirtualPatients, person: Person) -> dict[str, Any]:
    measured = {
        name: interval_of(text, virtual.units[name], f"patient '{person.name}', measured, {name}")
        for name, text in person.measured.items()
    }
    try:
        return {"name": person.name, "known": dict(person.known)} | predict(virtual, measured, person.known)
    except DataError as error:
        raise ProtocolError(f"patient '{person.name}': {error}") from error


def _head(protocol: BenefitProtocol, virtual: VirtualPatients) -> dict[str, Any]:
    study = protocol.uncertainty
    return {
        **virtual.words,
        "name": protocol.benefit.name,
        "unit": virtual.unit,
        "worth": protocol.benefit.worth,
        "seed": virtual.seed,
        "markers": [
            {
                "marker": name,
                "unit": virtual.units[name],
                "noise": f"{virtual.noise[name].scale} {virtual.noise[name].size:.3g}".removesuffix(" 0"),
                "further": name in virtual.further,
            }
            for name in (*virtual.markers, *virtual.further)
        ],
        "covariates": list(virtual.covariates),
        "virtual_patients": {
            "fitted": len(virtual.parts[FITTED]),
            "draws": len(virtual.parts[ALL]),
            "drawn": 0 if study is None else study.draws,
            "lost_draws": virtual.lost,
        },
        "sd_measured": [number(v) for v in virtual.measured_sd],
        "edges": [number(float(v)) for v in edges(virtual)],
    }


def _row(p: dict[str, Any]) -> dict[str, Any]:
    split, rests = p["split"] or {}, p["assumptions"] or {}
    best = ((p["narrowing"] or {}).get("measurements") or [{}])[0]
    return {
        "patient": p["name"],
        "measured": "; ".join(
            f"{m['marker']} {printed(m['lower'], m['upper'])} {m['unit']}".strip() for m in p["markers"]
        ),
        **{k: p["benefit"][k] for k in ("estimate", "ci_low", "ci_high", "sd", "p_better", "p_worth")},
        "unit": p["unit"],
        "effective": p["effective"],
        **{k: split.get(k) for k in ("share_parameters", "share_patient", "share_chance")},
        "share_assumed": rests.get("share"),
        "measure_next": best.get("marker"),
        "would_take_away": best.get("share"),
        "note": p["note"],
    }


def _bare(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _folder(folder: Path, overwrite: bool) -> Path:
    """The folder, which holds nothing, or a prediction that may be replaced."""
    if folder.exists() and not folder.is_dir():
        raise DataError(f"'{folder}' is a file; name a folder.")
    if folder.exists() and any(folder.iterdir()):
        if not (folder / ABOUT).is_file():
            raise DataError(
                f"'{folder}' has files in it that are no prediction, and nothing of others is ever replaced."
            )
        if not overwrite and (folder / SUMMARY).is_file():
            raise DataError(f"'{folder}' holds a prediction; name another folder, or replace it with --overwrite.")
    return folder
