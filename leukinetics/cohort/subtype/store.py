"""Virtual patients on the disk, so that they are made once."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.cohort.subtype.benefit_protocol import BenefitProtocol
from leukinetics.cohort.subtype.noise import Noise
from leukinetics.cohort.subtype.virtual import VirtualPatients
from leukinetics.errors import DataError
from leukinetics.trial.store import read_json, write_json, write_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

TABLE, ABOUT, DRAWN = "virtual.parquet", "virtual.json", "draws.parquet"
#: Of what the files hold: those of another version are made again.
VERSION = 3


def identity(protocol: BenefitProtocol, assembly: Any) -> str:
    """A hash of all that decides the virtual patients: not of the patients whose benefit is asked for."""
    from leukinetics import __version__

    head = protocol.benefit.model_dump(mode="json", exclude={"name", "worth", "trial", "table", "dictionary"})
    study = None if protocol.uncertainty is None else protocol.uncertainty.model_dump(mode="json")
    trial = protocol.trial()
    # The text alone, of a mapping without one what was read.
    text = trial.text or repr(trial)
    whole = json.dumps([__version__, VERSION, assembly.hash, head, study, text], sort_keys=True)
    return hashlib.sha256(whole.encode()).hexdigest()


def save(folder: Path, virtual: VirtualPatients, who: str) -> None:
    """Write them; the file that says what they are comes last."""
    import pandas as pd

    write_table(folder / TABLE, virtual.table)
    write_table(folder / DRAWN, pd.DataFrame(virtual.drawn))
    about = {
        "identity": who,
        "markers": list(virtual.markers),
        "further": list(virtual.further),
        "units": virtual.units,
        "noise": {name: _finite(asdict(noise)) for name, noise in virtual.noise.items()},
        "unit": virtual.unit,
        "measured_sd": [None if np.isnan(v) else v for v in virtual.measured_sd],
        "chance": virtual.chance,
        "origins": virtual.origins,
        "lost": virtual.lost,
        "seed": virtual.seed,
        "words": virtual.words,
        "known_units": virtual.known_units,
    }
    write_json(folder / ABOUT, about)


def load(folder: Path, who: str, worth: float | None) -> VirtualPatients | None:
    """Those of a folder that were made as ``who`` says; None where there are none. DataError of a file that cannot be
    read."""
    import pandas as pd

    if not (folder / ABOUT).is_file():
        return None
    try:
        about = read_json(folder / ABOUT)
        if about.get("identity") != who:
            return None
        table, drawn = (pd.read_parquet(folder / name) for name in (TABLE, DRAWN))
    except (OSError, ValueError) as error:
        raise DataError(f"The virtual patients in '{folder}' cannot be read: {error}.") from error
    arrays: dict[str, NDArray[np.float64]] = {str(n): drawn[n].to_numpy(dtype=float) for n in drawn.columns}
    low, high = (float("nan") if v is None else float(v) for v in about["measured_sd"])
    return VirtualPatients(
        table=table,
        markers=tuple(about["markers"]),
        further=tuple(about["further"]),
        units=about["units"],
        noise={name: Noise(**_infinite(row)) for name, row in about["noise"].items()},
        unit=about["unit"],
        worth=worth,
        measured_sd=(low, high),
        chance=about["chance"],
        drawn=arrays,
        origins=about["origins"],
        lost=about["lost"],
        seed=about["seed"],
        words=about["words"],
        known_units=about["known_units"],
    )


def _finite(row: dict[str, Any]) -> dict[str, Any]:
    return {k: None if isinstance(v, float) and np.isinf(v) else v for k, v in row.items()}


def _infinite(row: dict[str, Any]) -> dict[str, Any]:
    ends = {"floor": float("-inf"), "ceiling": float("inf")}
    return {k: ends[k] if v is None else v for k, v in row.items()}
