"""Who took part: the flow of patients as CONSORT draws it (doi:10.1136/bmj.c332)."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

from leukinetics.report.trial.folder import Finished, Row
from leukinetics.report.trial.names import plain
from leukinetics.report.trial.numbers import count
from leukinetics.report.trial.style import INK, SOFT, Look, Picture, canvas, picture

WIDTH, LINE, PAD, GAP = 760, 14.5, 9, 26
WIDEST = 242  # box of an arm
MOST_REASONS = 8
MOST_IN_ROW = 4


def flow(trial: Finished, arms: dict[str, Look]) -> Picture | None:
    """The diagram; None where the summary does not tell the flow."""
    found = trial.part("flow")
    if found is None:
        return None
    twins = trial.protocol.trial.design == "twins"
    rows = [r for r in found.get("arms") or [] if isinstance(r, dict)]
    per_row = min(max(len(rows), 1), MOST_IN_ROW)
    box = min((WIDTH - 12 - 10 * (per_row - 1)) / per_row, WIDEST)
    texts = [_arm_lines(trial, r, int(box / 6.2)) for r in rows]
    excluded = _excluded_lines(trial, found)
    deepest = max((len(t) for t in texts), default=0)
    lines = -(-len(rows) // per_row)
    arm_height = deepest * LINE + 2 * PAD
    middle = max(len(excluded) * LINE + 2 * PAD, 40) if excluded else 0.0
    gap = 2 * GAP if excluded else GAP
    height = 40 + middle + gap + 46 + GAP + lines * (arm_height + 12) + 8
    figure = canvas(WIDTH, height)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, WIDTH), ylim=(height, 0))
    axes.axis("off")
    centre, wide = WIDTH * 0.3, 230
    first = max(6.0, centre - (box * per_row + 10 * (per_row - 1)) / 2)  # few arms stand below the enrolled
    _box(axes, centre - wide / 2, 4, wide, 38, [f"Screened (n = {count(found.get('screened'))})"], INK)
    bottom = 42 + gap + middle - (10 if excluded else 0)
    _line(axes, [(centre, 42), (centre, bottom)], arrow=True)
    if excluded:
        y = 42 + GAP - 6
        _line(axes, [(centre, y + middle / 2), (WIDTH * 0.5, y + middle / 2)], arrow=True)
        _box(axes, WIDTH * 0.5, y, WIDTH * 0.5 - 6, middle, excluded, SOFT, left=True)
    head = [f"Enrolled (n = {count(found.get('enrolled'))})"]
    if twins and len(rows) > 1:
        head.append("each simulated under every arm")
    _box(axes, centre - wide / 2, bottom, wide, 42, head, INK)
    base = bottom + 42
    for i, (row, text) in enumerate(zip(rows, texts, strict=True)):
        line, place = divmod(i, per_row)
        left, y0 = first + place * (box + 10), base + GAP + line * (arm_height + 12)
        look = arms.get(str(row.get("name")))
        if line == 0:
            _line(
                axes,
                [(centre, base), (centre, base + GAP / 2), (left + box / 2, base + GAP / 2), (left + box / 2, y0)],
                True,
            )
        _box(axes, left, y0, box, arm_height, text, look.colour if look else INK, left=True, bold=True)
    said = "; ".join(
        f"{plain(r.get('name'))}: {count(r.get('analysed'))} of {count(r.get('allocated'))} analysed" for r in rows
    )
    message = f"{count(found.get('screened'))} screened, {count(found.get('enrolled'))} enrolled. {said}."
    return picture(figure, "flow", textwrap.shorten(message, 600, placeholder=" …"))


def _excluded_lines(trial: Finished, found: Row) -> list[str]:
    rows = sorted(found.get("excluded") or [], key=lambda r: -int(r.get("n") or 0))
    total = sum(int(r.get("n") or 0) for r in rows)
    if not rows or not total:
        return []
    lines = [f"Excluded (n = {count(total)})"]
    for r in rows[:MOST_REASONS]:
        lines += textwrap.wrap(f"{_reason(trial, r)} (n = {count(r.get('n'))})", 54, subsequent_indent="   ")
    if len(rows) > MOST_REASONS:
        lines.append(f"{len(rows) - MOST_REASONS} further reasons (see tables/flow.csv)")
    return lines


def _reason(trial: Finished, row: Row) -> str:
    """A reason with the names that readers know: "crp >= 2 mg/L not met" is "CRP ≥ 2 mg/L not met"."""
    return trial.said(str(row.get("reason")))


def _arm_lines(trial: Finished, row: Row, most: int) -> list[str]:
    name = textwrap.wrap(plain(row.get("name")), max(most - 3, 8))[:3]
    parts = [
        f"allocated: {count(row.get('allocated'))}",
        f"left the trial: {count(row.get('left'))}",
        *(f"rule “{trial.said(str(r.get('id')).replace('_', ' '))}” fired: {count(r.get('n'))}" for r in _rules(row)),
        f"not analysed: {_lost(trial, row)}",
        f"analysed: {count(row.get('analysed'))}",
    ]
    return name + [line for p in parts for line in textwrap.wrap(p, max(most, 10), subsequent_indent="  ")]


def _rules(row: Row) -> list[Row]:
    return list(row.get("rules") or [])


def _lost(trial: Finished, row: Row) -> str:
    """How many have no value of the primary endpoint, and why, where that is known."""
    lost = int(row.get("allocated") or 0) - int(row.get("analysed") or 0)
    why = trial.estimate(str(row.get("name")), trial.primary.id).get("missing") or {}
    named = (("left", "had left"), ("rule", "rule"), ("failed", "failed to solve"))
    parts = [f"{text} {count(why[key])}" for key, text in named if why.get(key)]
    whole = sum(int(why.get(key) or 0) for key, _ in named) == lost
    if len(parts) == 1 and whole:
        return f"{count(lost)}, {parts[0].rpartition(' ')[0]}"
    return f"{count(lost)} ({', '.join(parts)})" if parts and whole else count(lost)


def _box(
    axes: Any,
    x: float,
    y: float,
    w: float,
    h: float,
    lines: Sequence[str],
    colour: str,
    left: bool = False,
    bold: bool = False,
) -> None:
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((x, y), w, h, fill=False, edgecolor=SOFT, lw=0.9))
    if bold:
        axes.plot([x, x], [y, y + h], color=colour, lw=4, solid_capstyle="butt")
    start = y + PAD + LINE / 2 if left else y + h / 2 - LINE * (len(lines) - 1) / 2
    for i, line in enumerate(lines):
        first = i == 0
        axes.text(
            x + PAD + 2 if left else x + w / 2,
            start + i * LINE,
            line,
            ha="left" if left else "center",
            va="center",
            fontsize=10.5 if first else 10,
            fontweight="bold" if first else "normal",
        )


def _line(axes: Any, points: Sequence[tuple[float, float]], arrow: bool = False) -> None:
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    axes.plot(xs, ys, color=SOFT, lw=0.9, solid_joinstyle="miter")
    if arrow:
        dx, dy = xs[-1] - xs[-2], ys[-1] - ys[-2]
        axes.plot(
            [xs[-1] - (2.5 if dx > 0 else 0)],
            [ys[-1] - (2.5 if dy > 0 else 0)],
            ">" if dx > abs(dy) else "v",
            color=SOFT,
            ms=5,
        )
