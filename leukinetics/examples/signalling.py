"""A published signalling model in 2,000 virtual patients: ``python -m leukinetics.examples.signalling``.

The JAK2/STAT5 model of Bachmann et al. 2011 (doi:10.1038/msb.2011.50; 25 states) describes how erythroid
progenitor cells answer to erythropoietin (Epo) and how two feedback proteins, CIS and SOCS3, rein that
answer in. Every kinetic constant of every patient is drawn around its published estimate, which is the
median. The spread is an illustration: it was not estimated from patients.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

import leukinetics as lk
from leukinetics import examples, failures

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

SPREAD = 0.30  # coefficient of variation between patients
SEED = 2011
TIMES = np.linspace(0.0, 240.0, 241)  # minutes after Epo
#: What is drawn, in the order of the signal, and what the panel is called.
PANELS = {
    "active_receptor": "Active receptor (EpoR:JAK2, phosphorylated)",
    "pSTAT5": "Phosphorylated STAT5 in the cytoplasm",
    "npSTAT5": "Phosphorylated STAT5 in the nucleus",
    "CIS": "CIS, first feedback",
    "SOCS3": "SOCS3, second feedback",
    "SHP1Act": "Active phosphatase SHP1",
}
BLUE, INK, PALE = "#1f5fa8", "#333333", "#8a8a8a"


def is_shared(name: str) -> bool:
    """Whether an input belongs to the experiment or to the start: then it is the same in all patients."""
    return name == "Epo" or name.startswith("init_")


def draw_patients(model: lk.Model, count: int, seed: int = SEED) -> pd.DataFrame:
    """A table (patients, kinetic constants): lognormal around the model's values with the spread above."""
    constants = {
        name: item.default
        for name, item in model.inputs.items()
        if item.kind == "parameter" and not is_shared(name) and item.default > 0.0
    }
    sigma = math.sqrt(math.log1p(SPREAD**2))
    factors = np.random.default_rng(seed).lognormal(0.0, sigma, size=(count, len(constants)))
    return pd.DataFrame(factors * np.array(list(constants.values())), columns=list(constants))


def draw_panel(ax: Axes, values: xr.DataArray, title: str, singles: int = 8) -> None:
    """Median, 5-95 % band and a few single patients of one observable (patients, times)."""
    low, median, high = np.nanquantile(values.to_numpy(), [0.05, 0.5, 0.95], axis=0)
    minutes = values["time"].to_numpy()
    ax.fill_between(minutes, low, high, color=BLUE, alpha=0.18, linewidth=0, label="5–95 % of patients")
    for i in range(singles):
        label = "single patients" if i == 0 else None
        ax.plot(minutes, values[i], color=PALE, linewidth=0.8, label=label)
    ax.plot(minutes, median, color=BLUE, linewidth=2.0, label="median")
    ax.set_title(title, fontsize=9, loc="left", color=INK)
    ax.set_xlim(minutes[0], minutes[-1])
    ax.set_ylim(bottom=0.0)
    ax.set_xticks(np.arange(0.0, 241.0, 60.0))
    ax.tick_params(labelsize=8, color=PALE, labelcolor=INK)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(PALE)


def draw_figure(result: xr.Dataset, path: Path) -> None:
    """Write one panel per observable to ``path``."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.0, 6.2), dpi=150, layout="constrained")
    axes = figure.subplots(2, 3, sharex=True)
    for ax, (name, title) in zip(axes.flat, PANELS.items(), strict=True):
        draw_panel(ax, result[name], title)
    for ax in axes[:, 0]:
        ax.set_ylabel("nmol/L", fontsize=8, color=INK)
    for ax in axes[1]:
        ax.set_xlabel("minutes after Epo", fontsize=8, color=INK)
    axes[0, 0].legend(fontsize=8, frameon=False)
    figure.suptitle(
        f"JAK2/STAT5 signalling after Epo (Bachmann et al. 2011) in {result.sizes['patient']:,} virtual "
        f"patients, kinetic constants spread by {SPREAD:.0%}",
        fontsize=11,
        color=INK,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def main(arguments: list[str] | None = None) -> None:
    """Load the model, simulate the patients, say what was done, write the figure."""
    parser = argparse.ArgumentParser(prog="python -m leukinetics.examples.signalling", description=__doc__)
    parser.add_argument("--patients", type=int, default=2000)
    parser.add_argument("--out", type=Path, default=Path("out", "signalling.png"))
    options = parser.parse_args(arguments)

    model = lk.load_model(examples.path("bachmann2011"))
    patients = draw_patients(model, options.patients)
    print(f"{model.name}: {len(model.system.states)} states, JAK2/STAT5 signalling, doi:10.1038/msb.2011.50")
    print(
        f"{len(patients):,} virtual patients; each of {patients.shape[1]} kinetic constants lognormal around "
        f"its published value (coefficient of variation {SPREAD:.0%}, seed {SEED})"
    )

    started = time.perf_counter()
    model.simulate(TIMES, parameters=patients[:1], outputs=list(PANELS))
    seconds = time.perf_counter() - started
    print(f"first patient, with compiling unless the model was in the cache: {seconds:.2f} s")

    started = time.perf_counter()
    result = model.simulate(TIMES, parameters=patients, outputs=list(PANELS))
    seconds = time.perf_counter() - started
    failed = failures(result)
    print(f"all patients, {len(TIMES)} times, {len(PANELS)} observables: {seconds:.2f} s; {len(failed)} failed")
    for status, group in failed.groupby("status"):
        print(f"  {len(group)} x {status}: {group['advice'].iloc[0]}")

    draw_figure(result, options.out)
    print(f"figure: {options.out}")


if __name__ == "__main__":
    main()
