"""The results as tables on the terminal, as JSON, and as a figure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

LABELS = {
    "rodas5p": "Leukinetics Rodas5P", "rodas4": "Leukinetics Rodas4", "cvode": "CVODE in C",
    "sundae": "CVODE, scikit-sundae",
    "roadrunner": "libRoadRunner", "amici": "AMICI",
}  # fmt: skip
COLOURS = {"rodas5p": "C0", "rodas4": "C9", "cvode": "C1", "sundae": "C8", "roadrunner": "C3", "amici": "C2"}


def write(results: dict[str, Any], folder: Path, console: Console) -> None:
    """Write bench.json and bench.png into ``folder`` and print the tables."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bench.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    show(results, console)
    if results.get("work_precision"):
        figure(results, folder / "bench.png")
    console.print(f"Written: {folder / 'bench.json'}, {folder / 'bench.png'}")


def show(results: dict[str, Any], console: Console) -> None:
    """Print the tables."""
    m = results["machine"]
    console.print(
        f"{m['processor']}, {m['cores']} core(s), {m['vectors']}, load {m['load_before']}; {m['system']}; "
        f"Python {m['python']}; {m['compiler']}; {m['time']}"
    )
    for name, problem in results.get("work_precision", {}).items():
        table = Table(title=f"{problem['title']}: patients per second of one core (CPU time)", title_justify="left")
        table.add_column("solver")
        targets = list(next(iter(problem["solvers"].values()))["at_error"])
        for target in targets:
            table.add_column(f"at error {target}", justify="right")
            table.add_column("our speed-up", justify="right")
        best = {t: max((s["at_error"][t] or 0.0) for k, s in problem["solvers"].items() if _ours(k)) for t in targets}
        for key, solver in problem["solvers"].items():
            row = [LABELS.get(key, key)]
            for t in targets:
                speed = solver["at_error"][t]
                row += ["-" if speed is None else f"{speed:,.1f}"]
                row += ["" if _ours(key) or not speed else f"{best[t] / speed:.1f}"]
            table.add_row(*row)
        console.print(table)
        console.print(
            f"  {name}: {problem['varied']} constants vary; rms relative error of {problem['checked']} patients "
            f"against a reference that two solvers agree about to {problem['agreement']:.1e}"
        )
    _small(results, console)


def _ours(key: str) -> bool:
    return key.startswith("rodas")


def _small(results: dict[str, Any], console: Console) -> None:
    if results.get("startup"):
        table = Table(title="Time to the first trajectory, seconds, after the import", title_justify="left")
        for column in ("model", "cold (compiles)", "warm (cached)", "of which reading", "import"):
            table.add_column(column, justify="left" if column == "model" else "right")
        for name, s in results["startup"].items():
            table.add_row(name, *(f"{s[k]:.2f}" for k in ("cold", "warm", "read", "import")))
        console.print(table)
    if results.get("memory"):
        memory = results["memory"]
        peaks = ", ".join(f"{p['patients']:,}: {p['megabytes']:,.0f} MB" for p in memory["points"])
        console.print(
            f"Peak memory, streaming {memory['times']} times of {memory['outputs']} outputs to Parquet: {peaks}"
        )
    for name, s in results.get("threads", {}).items():
        speeds = ", ".join(f"{p['threads']}: {p['speed']:,.0f}/s" for p in s["points"])
        same = "bitwise the same" if s["bitwise_equal"] else "NOT the same"
        console.print(f"Threads, {name}: {speeds}; results are {same}")
    if results.get("trial"):
        _trial(results["trial"], console)


def _trial(trial: dict[str, Any], console: Console) -> None:
    console.print(
        f"Trial: {trial['patients']:,} patients under {trial['arms']} arms over 48 months in {trial['seconds']:.1f} s "
        f"on all cores, from protocol to files ({trial['screened']:,} screened, {trial['failed']} failed)"
    )
    table = Table(title=f"Its trajectories, one thread, {trial['sample']} of them", title_justify="left")
    for column in ("solver", "rtol", "rms relative error", "ms a trajectory", "our speed-up"):
        table.add_column(column, justify="left" if column == "solver" else "right")
    ours = trial["ours"]
    for label, point in [("Leukinetics", ours), *(("libRoadRunner", p) for p in trial["roadrunner"])]:
        ratio = point["seconds_per_trajectory"] / ours["seconds_per_trajectory"]
        row = [f"{point['rtol']:g}", f"{point['error']:.1e}", f"{1e3 * point['seconds_per_trajectory']:.2f}"]
        table.add_row(label, *row, "" if point is ours else f"{ratio:.1f}")
    console.print(table)
    console.print(
        f"  at equal error {trial['ratio']:.1f} times as fast on one thread; libRoadRunner's trajectories of the whole "
        f"trial would take {trial['peer_trial_seconds']:,.0f} s on one thread, {trial['ratio_whole']:.1f} times as long"
    )


def figure(results: dict[str, Any], path: Path) -> None:
    """Work-precision curves, one panel a model."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    problems = results["work_precision"]
    fig, axes = plt.subplots(1, len(problems), figsize=(4.6 * len(problems), 4.2), squeeze=False, sharey=False)
    for ax, problem in zip(axes[0], problems.values(), strict=True):
        for key, solver in problem["solvers"].items():
            points = [p for p in solver["points"] if not p["failed"]]
            ax.loglog(
                [p["error"] for p in points],
                [p["speed"] for p in points],
                "o-",
                ms=4,
                color=COLOURS.get(key),
                label=LABELS.get(key, key),
            )
        ax.set_title(problem["title"], fontsize=8)
        ax.set_xlabel("achieved rms relative error")
        ax.invert_xaxis()
        ax.grid(True, which="major", lw=0.4)
    axes[0][0].set_ylabel("patients per second of one core")
    handles, labels = axes[0][0].get_legend_handles_labels()
    fig.legend(handles, labels, fontsize=8, loc="lower right", ncols=len(labels), frameon=False)
    m = results["machine"]
    fig.text(0.01, 0.005, f"{m['processor']}, {m['compiler']}, {m['time']}", fontsize=6)
    fig.tight_layout(rect=(0, 0.06, 1, 1))
    fig.savefig(path, dpi=150)
    plt.close(fig)
