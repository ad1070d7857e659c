"""A drawing of the part of the model around a name: layers from causes (left) to effects (right)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leukinetics.engine.stream import naming, replacing
from leukinetics.errors import DataError

if TYPE_CHECKING:
    from leukinetics.biology.influence import Influence

SUFFIXES = (".svg", ".png")
_CHARACTER, _PAD, _BOX, _ROW, _GAP = (
    0.078,
    0.22,
    0.27,
    0.46,
    1.05,
)  # inches: width of a letter, heights, space between layers
_SWEEPS = 12
_LEAST = 10.0  # inches that the legend needs
_COLOURS = {1: "#2b6f4f", -1: "#b3402a", 0: "#8a8a8a"}
_FILLS = {"species": "#dce9f5", "state": "#dce9f5", "variable": "#ffffff", "port": "#fde7c7", "drug": "#e6dcf2"}
_BORDERS = {"species": "#3b6ea5", "state": "#3b6ea5", "variable": "#9a9a9a", "port": "#c98a1b", "drug": "#6f4fa0"}


def draw_network(
    path: Path,
    title: str,
    layers: Mapping[str, int],
    edges: Sequence[Influence],
    kinds: Mapping[str, str],
    centre: Sequence[str],
) -> None:
    """Draw nodes (name -> layer) and the edges among them to a .svg or .png file.

    ``kinds``: species, state, variable, port or drug. Raises DataError for another suffix or where there is nothing
    to draw.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise DataError(f"--diagram '{path}' must end in one of {', '.join(SUFFIXES)}.")
    if not layers:
        raise DataError(f"There is no network around '{title}': no equation of the model reads it.")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    edges = [e for e in edges if e.source in layers and e.target in layers]
    places, width, height = arrange(layers, edges)
    figure = Figure(figsize=(max(width, _LEAST), height + 1.0))
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_xlim(-max(width, _LEAST) / 2, max(width, _LEAST) / 2)
    axes.set_ylim(-height / 2 - 0.45, height / 2 + 0.55)
    axes.axis("off")
    for edge in edges:
        _edge(axes, edge, places, layers)
    for name, (x, y) in places.items():
        _node(axes, name, x, y, kinds.get(name, "variable"), name in centre)
    axes.text(0, height / 2 + 0.38, title, ha="center", va="center", fontsize=11, fontweight="bold")
    _legend(axes, -height / 2 - 0.28)
    with replacing(path) as temporary, naming(path):
        figure.savefig(temporary, format=path.suffix.lower()[1:], dpi=130)


def arrange(
    layers: Mapping[str, int], edges: Sequence[Influence]
) -> tuple[dict[str, tuple[float, float]], float, float]:
    """Centres of the nodes' boxes in inches, and the drawing's width and height; boxes never overlap.

    Layers are columns; within a layer nodes stand in the order of the mean height of their neighbours
    (the barycentre heuristic of layered drawings after Sugiyama).
    """
    columns: dict[int, list[str]] = {}
    for name in layers:
        columns.setdefault(layers[name], []).append(name)
    order = {k: sorted(columns[k]) for k in sorted(columns)}
    neighbours: dict[str, set[str]] = {name: set() for name in layers}
    for edge in edges:
        neighbours[edge.source].add(edge.target)
        neighbours[edge.target].add(edge.source)
    height = {n: _heights(names)[n] for names in order.values() for n in names}
    for sweep in range(_SWEEPS):
        for k in sorted(order, reverse=bool(sweep % 2)):
            mean = {n: _mean([height[m] for m in neighbours[n] if layers[m] != k], height[n]) for n in order[k]}
            order[k].sort(key=lambda n: (-mean[n], n))
            height.update(_heights(order[k]))
    widths = {k: max(map(box_width, names)) for k, names in order.items()}
    total = sum(widths.values()) + _GAP * (len(widths) - 1)
    places, x = {}, -total / 2
    for k, names in order.items():
        for n in names:
            places[n] = (x + widths[k] / 2, height[n])
        x += widths[k] + _GAP
    return places, total + 0.6, max(map(len, order.values())) * _ROW


def box_width(name: str) -> float:
    """Width of a node's box in inches."""
    return len(name) * _CHARACTER + _PAD


def _heights(names: Sequence[str]) -> dict[str, float]:
    return {n: ((len(names) - 1) / 2 - i) * _ROW for i, n in enumerate(names)}


def _mean(numbers: Sequence[float], otherwise: float) -> float:
    return sum(numbers) / len(numbers) if numbers else otherwise


def _node(axes: Any, name: str, x: float, y: float, kind: str, central: bool) -> None:
    from matplotlib.patches import FancyBboxPatch

    width = box_width(name)
    rounding = {"drug": 0.13, "species": 0.1, "state": 0.1}.get(kind, 0.02)
    axes.add_patch(
        FancyBboxPatch(
            (x - width / 2, y - _BOX / 2), width, _BOX, boxstyle=f"round,pad=0,rounding_size={rounding}",
            facecolor=_FILLS[kind], edgecolor=_BORDERS[kind], linewidth=2.2 if central else 1.0, zorder=3,
        )
    )  # fmt: skip
    axes.text(x, y, name, ha="center", va="center_baseline", fontsize=8.5, family="DejaVu Sans Mono", zorder=4)


def _edge(axes: Any, edge: Influence, places: Mapping[str, tuple[float, float]], layers: Mapping[str, int]) -> None:
    from matplotlib.patches import FancyArrowPatch

    (xa, ya), (xb, yb) = places[edge.source], places[edge.target]
    step = layers[edge.target] - layers[edge.source]
    half_a, half_b = box_width(edge.source) / 2, box_width(edge.target) / 2
    if step > 0:
        start, end, bend = (xa + half_a, ya), (xb - half_b, yb), 0.0
    elif step < 0:
        start, end, bend = (xa - half_a, ya), (xb + half_b, yb), 0.12
    else:
        start, end, bend = (xa + half_a, ya), (xb + half_b, yb), -0.45 if ya > yb else 0.45
    style = "-[,widthB=0.25,lengthB=0" if edge.sign < 0 else "-|>,head_length=0.35,head_width=0.16"
    axes.add_patch(
        FancyArrowPatch(
            start, end, arrowstyle=style, connectionstyle=f"arc3,rad={bend}", mutation_scale=14, shrinkA=0, shrinkB=2,
            color=_COLOURS[edge.sign], linewidth=2.0 if edge.flow else 1.0, linestyle="-" if step > 0 else (0, (4, 2)),
            alpha=0.85, zorder=1,
        )
    )  # fmt: skip


def _legend(axes: Any, y: float) -> None:
    words = (
        ("raises", _COLOURS[1]),
        ("lowers", _COLOURS[-1]),
        ("either", _COLOURS[0]),
        ("dashed: back or across", "#444444"),
        ("blue: state", _BORDERS["state"]),
        ("white: variable", "#777777"),
        ("orange: port of drugs", _BORDERS["port"]),
        ("violet: drug", _BORDERS["drug"]),
    )
    widths = [len(word) * 0.066 + 0.22 for word, _ in words]
    x = -sum(widths) / 2
    for (word, colour), width in zip(words, widths, strict=True):
        axes.text(x, y, word, color=colour, fontsize=8, ha="left", va="center")
        x += width
