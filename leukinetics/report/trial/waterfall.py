"""Waterfall plots: each patient's percent change from baseline, sorted, arm by arm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.report.trial.folder import Finished
from leukinetics.report.trial.names import plain
from leukinetics.report.trial.numbers import count, duration, number
from leukinetics.report.trial.style import SOFT, Look, Picture, canvas, picture, short
from leukinetics.trial.protocol import Endpoint

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

MOST_BARS = 250
MOST_PANELS = 6
CUT = 200.0  # changes beyond this percentage are cut off, and said to be, unless they are many
KINDS = ("percent_change", "fold", "change", "value")


@dataclass(frozen=True)
class Waterfall:
    """The pictures of an endpoint, and what has to be said with them."""

    endpoint: Endpoint
    pictures: list[Picture]
    note: str


def waterfall(trial: Finished, arms: dict[str, Look]) -> Waterfall | None:
    """Of the primary endpoint, or the first one that is a change of a level; None where none is."""
    order = [trial.primary, *(e for e in trial.protocol.endpoint if e.id != trial.primary.id)]
    order.sort(key=lambda e: e.kind in ("change", "value"))  # those that are relative by themselves come first
    for endpoint in order:
        changes = _changes(trial, endpoint)
        if changes:
            return _draw(trial, endpoint, changes, arms)
    return None


def _changes(trial: Finished, endpoint: Endpoint) -> dict[str, Array]:
    """Percent change of each patient by arm; empty where the endpoint is none."""
    if endpoint.kind not in KINDS:
        return {}
    rows = trial.endpoints
    rows = rows[(rows["endpoint"] == endpoint.id) & (rows["missing"] == "")]  # as they are analysed
    if endpoint.at is not None and rows["time"].notna().any():
        rows = rows[np.isclose(rows["time"], endpoint.at)]
    value, base = rows["value"].to_numpy(dtype=float), rows["baseline"].to_numpy(dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        percent = {
            "percent_change": value,
            "fold": 100 * (value - 1),
            "change": 100 * value / base,
            "value": 100 * (value - base) / base,
        }[endpoint.kind]
    good = np.isfinite(percent)
    arm = rows["arm"].to_numpy()
    found = {a: np.sort(percent[good & (arm == a)])[::-1] for a in trial.arms}
    return {a: v for a, v in found.items() if len(v) > 1}


def _draw(trial: Finished, endpoint: Endpoint, changes: dict[str, Array], arms: dict[str, Look]) -> Waterfall:
    everybody = np.concatenate(list(changes.values()))
    cut = CUT if (everybody > CUT).mean() <= 0.1 else float(np.quantile(everybody, 0.95))
    high = min(max(float(v[0]) for v in changes.values()), cut)
    low = min(float(v[-1]) for v in changes.values())
    room = min(10.0, max(high, -low, 0.1))  # so that small changes are seen, and no side is empty
    low, high = min(low, -0.2 * room), max(high, 0.2 * room)
    halved = float((everybody <= -50).mean()) > 0
    shown = list(changes)
    if len(shown) > MOST_PANELS:
        shown = [shown[i] for i in np.round(np.linspace(0, len(shown) - 1, MOST_PANELS)).astype(int)]
    pictures = [_panel(i, a, changes[a], (low, high), arms[a], halved) for i, a in enumerate(shown)]
    thinned = max(len(v) for v in changes.values()) > MOST_BARS
    beyond = sum(int((changes[a] > cut).sum()) for a in shown)
    what = f"Percent change of {trial.label(endpoint.observable)}"
    what += f" at {duration(endpoint.at)}" if endpoint.at is not None else ""
    note = f"{what} of each patient, sorted{'; the dashed line is half of baseline' if low < -50 else ''}."
    if len(shown) < len(changes):
        note += f" Of {len(changes)} arms {len(shown)} are shown."
    if thinned:
        note += f" Each arm is shown by {MOST_BARS} bars, evenly spaced among its sorted patients."
    if beyond:
        who = "1 patient rose" if beyond == 1 else f"{count(beyond)} patients rose"
        note += f" {who} by more than {number(cut, 2)} %; bars are cut there."
    return Waterfall(endpoint, pictures, note)


def _panel(i: int, arm: str, values: Array, limits: tuple[float, float], look: Look, halved: bool) -> Picture:
    n = len(values)
    shown = values[np.round(np.linspace(0, n - 1, MOST_BARS)).astype(int)] if n > MOST_BARS else values
    figure = canvas(385, 215)
    axes = figure.add_axes((0.135, 0.05, 0.85, 0.76))
    # One path for all bars keeps the file small; gaps between few bars show the patients.
    k, width = len(shown), 0.8 if len(shown) <= 80 else 1.0
    left = np.arange(k) + (1 - width) / 2
    clipped = np.clip(shown, *limits)
    if width < 1:
        x = np.stack([left, left, left + width, left + width], axis=1).ravel()
        y = np.stack([np.zeros(k), clipped, clipped, np.zeros(k)], axis=1).ravel()
    else:
        x, y = np.stack([left, left + 1], axis=1).ravel(), np.repeat(clipped, 2)
    axes.fill(np.concatenate([[0], x, [k]]), np.concatenate([[0], y, [0]]), color=look.colour, lw=0)
    axes.axhline(0, color=SOFT, lw=0.8)
    if limits[0] < -50:
        axes.axhline(-50, color=SOFT, lw=0.8, ls=(0, (3, 2)))
    pad = 0.03 * (limits[1] - limits[0])
    axes.set(xlim=(0, k), ylim=(limits[0] - pad, limits[1] + pad))
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    axes.locator_params(axis="y", nbins=6)
    axes.yaxis.set_major_formatter(lambda v, _: f"{v:+.10g} %".replace("-", "−") if abs(v) > 1e-9 else "0")
    fell = float((values < 0).mean())
    half = float((values <= -50).mean())
    axes.set_title(short(arm, 46), loc="left", x=-0.14, y=1.1, fontweight="bold", fontsize=11)
    under = (
        f"n = {count(n)}; {100 * half:.0f} % at least halved" if halved else f"n = {count(n)}; {100 * fell:.0f} % fell"
    )
    axes.text(-0.14, 1.05, under, transform=axes.transAxes, fontsize=10.5, color=SOFT)
    message = (
        f"{plain(arm)}: of {count(n)} patients {100 * fell:.0f} % fell and {100 * half:.0f} % at least halved; "
        f"from {number(values[-1])} to {number(values[0])} %."
    )
    return picture(figure, f"waterfall-{i + 1}", message, 320)
