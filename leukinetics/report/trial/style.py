"""How figures look: one palette, one typeface, and SVG that stays text, small, and the same for the same trial.

Units of a figure are CSS pixels at its natural size. Arms go from light to dark in the protocol's order (viridis, which
colour-blind readers and grey print keep apart); the reference is grey and dashed. Markers differ, too.
"""

from __future__ import annotations

import io
import re
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from markupsafe import escape

from leukinetics.report.trial.names import plain

STACK = "'Helvetica Neue',Helvetica,Arial,'Liberation Sans',sans-serif"
INK, SOFT, RULE, PAPER, BAND = "#1f2328", "#57606a", "#d0d7de", "#ffffff", "#eef1f4"
REFERENCE = "#6e7781"
KIND_COLOURS = {"assumed": "#b3480a", "calibrated": "#2f74a8", "derived": "#8db8a4", "measured": "#c4ccd4"}
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "h")
DASHES: tuple[Any, ...] = ("-", (0, (7, 1.6)), (0, (5, 1.4, 1.2, 1.4)))
LOOK: dict[str, Any] = {
    "svg.fonttype": "none", "svg.hashsalt": "leukinetics", "svg.id": None, "text.parse_math": False,
    "font.family": ["DejaVu Sans"], "font.size": 10.5, "axes.titlesize": 11, "axes.labelsize": 10.5,
    "xtick.labelsize": 10, "ytick.labelsize": 10, "axes.spines.top": False, "axes.spines.right": False,
    "axes.edgecolor": SOFT, "axes.labelcolor": INK, "xtick.color": SOFT, "ytick.color": SOFT,
    "xtick.labelcolor": INK, "ytick.labelcolor": INK, "text.color": INK, "axes.linewidth": 0.8,
    "xtick.major.width": 0.8, "ytick.major.width": 0.8, "xtick.major.size": 3.5, "ytick.major.size": 3.5,
    "xtick.minor.size": 2, "ytick.minor.size": 2, "lines.linewidth": 1.8, "lines.solid_capstyle": "round",
    "axes.unicode_minus": True, "axes.formatter.use_mathtext": False,
    "path.simplify": False, "figure.facecolor": PAPER, "axes.facecolor": "none", "figure.dpi": 72, "savefig.dpi": 72,
}  # fmt: skip


@dataclass(frozen=True)
class Look:
    """How an arm is drawn."""

    colour: str
    dash: Any
    marker: str


@dataclass(frozen=True)
class Picture:
    """A figure of the report: ``svg`` (with ``name``, its file's stem) and ``message``, what it says in words.

    ``width`` (pixels): its natural size; ``least``: the width from which on it scrolls rather than shrinks.
    """

    name: str
    svg: str
    message: str
    width: int
    least: int


@contextmanager
def drawing() -> Iterator[None]:
    """Figures made within look as the report's, whatever the reader's matplotlib is set to."""
    import matplotlib.style

    # A label with a glyph that the metrics' font lacks is still text in the file, drawn by the reader's fonts.
    with matplotlib.style.context(["default", LOOK]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        warnings.filterwarnings("ignore", message="constrained_layout not applied")
        yield


def looks(arms: Sequence[str], reference: str | None) -> dict[str, Look]:
    """How each arm is drawn, the same in every figure."""
    others = [a for a in arms if a != reference]
    found = {
        a: Look(_ramp(i, len(others)), DASHES[i // 9 % 3], MARKERS[i % len(MARKERS)]) for i, a in enumerate(others)
    }
    if reference is not None:
        found[reference] = Look(REFERENCE, (0, (3.5, 2)), "o")
    return found


def _ramp(i: int, n: int) -> str:
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    if n == 1:
        return "#1f5f99"
    # Dark enough to be seen on white, light enough to differ from black.
    return to_hex(colormaps["viridis"](0.62 - 0.56 * i / (n - 1)))


def canvas(width: int, height: float, **options: Any) -> Any:
    """An empty figure of a size in pixels."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width / 72, height / 72), **options)


def short(text: object, most: int = 24) -> str:
    """The same, cut to ``most`` characters."""
    one = plain(text)
    return one if len(one) <= most else one[: most - 1].rstrip() + "…"


def wrapped(text: object, width: int, lines: int = 2) -> str:
    """The same on up to ``lines`` lines of ``width`` characters; what is more than that is cut."""
    found = textwrap.wrap(plain(text), width) or [""]
    return "\n".join([*found[: lines - 1], short(" ".join(found[lines - 1 :]), width)] if len(found) > lines else found)


def picture(figure: Any, name: str, message: str, least: int | None = None) -> Picture:
    """The SVG of a figure, with ``message`` as its text for those who cannot see it."""
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.S)
    svg = re.sub(r"<!--.*?-->", "", svg, flags=re.S)
    svg = svg.replace("'DejaVu Sans'", STACK)
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', svg))
    svg = re.sub(r' id="([^"]+)"', lambda m: f' id="{name}-{m[1]}"' if m[1] in used else "", svg)
    svg = re.sub(r'(href="#|url\(#)', rf"\1{name}-", svg)
    svg = re.sub(r' (?:d|x|y|points|transform)="[^"]*"', lambda m: re.sub(r"(\d\.\d\d)\d+", r"\1", m[0]), svg)
    svg = re.sub(r"\n\s*", "\n", svg)
    width, height = (round(v * 72) for v in figure.get_size_inches())
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" role="img" '
        f'aria-label="{escape(plain(message))}" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
    )
    return Picture(
        name,
        re.sub(r"<svg[^>]*>", lambda _: head, svg, count=1).strip(),
        message,
        width,
        least or (600 if width > 570 else 320),
    )


def spread(places: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places of labels moved apart to at least ``gap``, as little as possible, within ``low`` and ``high``."""
    order = sorted(range(len(places)), key=lambda i: places[i])
    moved = [min(max(places[i], low), high) for i in order]
    for _ in range(200):
        for k in range(len(moved) - 1):
            lack = gap - (moved[k + 1] - moved[k])
            if lack > 1e-9:
                moved[k] -= lack / 2
                moved[k + 1] += lack / 2
        if moved and moved[0] < low:
            moved = [m + low - moved[0] for m in moved]
        if moved and moved[-1] > high:
            moved = [m - (moved[-1] - high) for m in moved]
    found = [0.0] * len(places)
    for i, value in zip(order, moved, strict=True):
        found[i] = value
    return found
