"""One small panel per output over time: lines for a few patients, median and 5-95 % band for many."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.engine.result import output_names
from leukinetics.engine.status import Status

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

LINES = 12  # patients drawn as lines; more become a band
PANELS = 36  # outputs that fit on a page

COLOUR = "#1f5a94"


def draw_trajectories(ds: xr.Dataset, path: str | Path, title: str = "", outputs: int = 0) -> None:
    """Draw the first ``PANELS`` outputs of a result (see ``to_dataset``) into a PNG file.

    ``outputs``: how many there are, where the result holds only some. Failed patients are left out; the
    figure says how many patients and outputs it does not show. Raises OSError where the file cannot be made.
    """
    # The object interface leaves pyplot's global state, and the user's backend, alone.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = output_names(ds)
    shown = names[:PANELS]
    times = ds["time"].to_numpy()
    good = np.isin(ds["status"].to_numpy(), [s for s in Status if s.ok])
    columns = min(len(shown), max(1, math.ceil(math.sqrt(len(shown) * 1.4))))
    rows = math.ceil(len(shown) / max(columns, 1))
    figure = Figure(figsize=(max(3.4 * columns, 5.0), 2.5 * rows + 1.0), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = np.atleast_1d(figure.subplots(rows, columns, squeeze=False)).ravel()
    for axis, name in zip(axes, shown, strict=False):
        _panel(axis, times, ds[name].to_numpy()[good])
        unit = _label(ds[name].attrs.get("units", ""))
        axis.set_title(name, fontsize=9, loc="left")
        axis.set_ylabel(unit or "model's unit", fontsize=8)
        axis.tick_params(labelsize=8)
        axis.spines[["top", "right"]].set_visible(False)
        axis.margins(x=0.0)
    for axis in axes[len(shown) :]:
        axis.set_visible(False)
    unit = _label(ds["time"].attrs.get("units", ""))
    figure.supxlabel(f"Time ({unit})" if unit else "Time (model's unit)", fontsize=9)
    figure.suptitle(
        _caption(title, int(good.sum()), int((~good).sum()), max(outputs, len(names))),
        fontsize=9,
        x=0.01,
        ha="left",
    )
    figure.savefig(path, format="png")


def _panel(axis: Any, times: NDArray[np.float64], values: NDArray[np.float64]) -> None:
    """``values`` (patients, times) of patients without failures."""
    marker = "o" if len(times) == 1 else None
    if len(values) == 0:
        axis.text(0.5, 0.5, "no patient was solved", ha="center", transform=axis.transAxes, fontsize=8)
    elif len(values) <= LINES:
        alpha = 1.0 if len(values) == 1 else 0.7
        axis.plot(times, values.T, color=COLOUR, linewidth=1.2, alpha=alpha, marker=marker)
    else:
        low, middle, high = np.quantile(values, [0.05, 0.5, 0.95], axis=0)
        axis.fill_between(times, low, high, color=COLOUR, alpha=0.22, linewidth=0)
        axis.plot(times, middle, color=COLOUR, linewidth=1.5, marker=marker)


def _caption(title: str, solved: int, failed: int, outputs: int) -> str:
    what = "median and 5-95 % of" if solved > LINES else ""
    parts = [f"{what} {solved:,} patient{'' if solved == 1 else 's'}".strip()]
    if failed:
        parts.append(f"{failed:,} failed and left out")
    if outputs > PANELS:
        parts.append(f"the first {PANELS} of {outputs} outputs")
    return (f"{title}: " if title else "") + "; ".join(parts)


def _label(unit: str) -> str:
    """A unit as a label; matplotlib would read a dollar sign as mathematics."""
    return unit.replace("$", r"\$")
