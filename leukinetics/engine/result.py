"""What a simulation hands back: raw arrays, a labelled xarray.Dataset, and tables made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.engine.status import Status
from leukinetics.errors import DataError

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from numpy.typing import NDArray

RESERVED = ("patient", "time", "status", "steps", "rejected")  # names the result itself needs


@dataclass
class RawResult:
    """Arrays as the solvers fill them. All values of a patient whose status is not ok are NaN."""

    values: NDArray[np.float64]  # (patients, times, outputs)
    status: NDArray[np.int8]  # (patients,), numbers of Status
    steps: NDArray[np.int64]  # (patients,), accepted steps
    rejected: NDArray[np.int64]  # (patients,), rejected steps


def check_output_names(names: Sequence[str]) -> None:
    """Raise DataError for an output that is asked for twice or named like a column of the result."""
    seen: set[str] = set()
    for name in names:
        if name in RESERVED:
            raise DataError(
                f"The output '{name}' has the name of a column of the result ({', '.join(RESERVED)}); "
                "leave it out with outputs=[...], or rename it in the model."
            )
        if name in seen:
            raise DataError(f"The output '{name}' is asked for twice; name it once.")
        seen.add(name)


def to_dataset(
    raw: RawResult,
    ids: pd.Index,
    times: NDArray[np.float64],
    output_names: Sequence[str],
    units: Mapping[str, str],
    time_unit: str,
    attrs: Mapping[str, Any],
) -> xr.Dataset:
    """Label a raw result: dims (patient, time), one float64 variable per output, and each patient's status.

    The variables are views of ``raw.values``, not copies. ``attrs`` carries what made the numbers: engine
    version, method, rtol, atol, compiler. Raises DataError for names that collide.
    """
    import pandas as pd
    import xarray as xr

    check_output_names(output_names)
    members = list(Status)
    variables: dict[str, Any] = {
        name: (("patient", "time"), raw.values[:, :, j], {"units": units.get(name, "")})
        for j, name in enumerate(output_names)
    }
    variables["status"] = (
        "patient",
        raw.status.astype(np.int8, copy=False),
        {
            "long_name": "how the integration of the patient ended",
            "flag_values": np.array([m.value for m in members], dtype=np.int8),
            "flag_meanings": " ".join(m.name for m in members),
            "comment": "OK and RETRIED are valid; the values of every other patient are NaN. See failures().",
        },
    )
    variables["steps"] = ("patient", raw.steps, {"long_name": "accepted steps"})
    variables["rejected"] = ("patient", raw.rejected, {"long_name": "rejected steps"})
    coords = {  # as pandas indexes: from plain arrays xarray would first load every array library it knows
        "patient": ("patient", ids, {"long_name": "patient label"}),
        "time": ("time", pd.Index(times), {"units": time_unit, "long_name": "time"}),
    }
    return xr.Dataset(variables, coords=coords, attrs=dict(attrs))


def output_names(ds: xr.Dataset) -> list[str]:
    """The outputs of a result, in order."""
    return [str(name) for name, var in ds.data_vars.items() if var.dims == ("patient", "time")]


def to_frame(ds: xr.Dataset) -> pd.DataFrame:
    """One row per patient and time: columns patient, time, one per output, and status (a category)."""
    import pandas as pd

    n, m = ds.sizes["patient"], ds.sizes["time"]
    columns: dict[str, Any] = {
        "patient": pd.Index(ds["patient"].to_numpy()).repeat(m),
        "time": np.tile(ds["time"].to_numpy(), n),
    }
    for name in output_names(ds):
        columns[name] = ds[name].to_numpy().reshape(n * m)
    columns["status"] = pd.Categorical.from_codes(
        np.repeat(ds["status"].to_numpy(), m).astype(np.int8),
        dtype=pd.CategoricalDtype([s.name for s in Status]),
    )
    return pd.DataFrame(columns)


def failures(ds: xr.Dataset) -> pd.DataFrame:
    """The patients without valid values: columns patient, status (a name), advice (what to try next)."""
    import pandas as pd

    codes = ds["status"].to_numpy()
    failed = np.flatnonzero(~np.isin(codes, [s for s in Status if s.ok]))
    found = [Status(int(codes[i])) for i in failed]
    return pd.DataFrame(
        {
            "patient": ds["patient"].to_numpy()[failed],
            "status": [s.name for s in found],
            "advice": [s.advice for s in found],
        }
    )
