"""Drug levels and biomarkers over time: medians of all arms in one picture, bands arm by arm in another."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.report.trial.axes import end_labels, set_log, set_time, time_axis
from leukinetics.report.trial.courses import Course
from leukinetics.report.trial.folder import Finished
from leukinetics.report.trial.names import plain
from leukinetics.report.trial.numbers import duration, number, percent, unit_text, with_unit
from leukinetics.report.trial.style import INK, REFERENCE, SOFT, Look, Picture, canvas, picture, short, wrapped

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

#: A ratio of the 95th to the 5th percentile above which a logarithmic axis is used.
WIDE = 12.0
MOST_DECADES = 4.0
MOST_PANELS = 6  # arms that have a panel of their own
MOST_POINTS = 25  # times up to which each is marked


def course_figures(trial: Finished, course: Course, arms: dict[str, Look], drug: bool) -> list[Picture]:
    """One or two pictures of an observable: medians with bands, or, of three arms or more, medians and bands by arm."""
    parts = {a: course.drawn[course.drawn["arm"] == a] for a in trial.arms}
    parts = {a: t for a, t in parts.items() if len(t) and not (drug and _nothing(t))}
    if not parts:
        return []
    low, high, log = _range(course, parts.values(), drug)
    name = f"{'levels' if drug else 'course'}-{_slug(course.name)}"
    found = [_medians(trial, course, parts, arms, (low, high, log), name)]
    if len(parts) > 2:
        found.append(_bands(trial, course, _some(parts), arms, (low, high, log), name))
    return found


def _some(parts: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """All arms, or of many the first, the last and some between."""
    if len(parts) <= MOST_PANELS:
        return parts
    names = list(parts)
    return {names[i]: parts[names[i]] for i in np.round(np.linspace(0, len(names) - 1, MOST_PANELS)).astype(int)}


def below_words(trial: Finished, course: Course) -> str:
    """How many samples of each arm were below the limit of quantification; empty where none was."""
    if course.limit is None:
        return ""
    drug = course.name in trial.assembly.drugs  # before its first dose, and where it is not given, there is none of it
    t = course.table
    if drug:
        t = t[(t["time"] > 0) & ~t["arm"].isin([a for a in trial.arms if _nothing(t[t["arm"] == a])])]
    share = (t["below"] * t["n"]).groupby(t["arm"]).sum() / t["n"].groupby(t["arm"]).sum()
    parts = [f"{plain(a)} {percent(share[a])}" for a in trial.arms if a in share and share[a] > 0]
    limit = with_unit(number(course.limit, 2), course.unit)
    if not parts:
        return f"The limit of quantification is {limit} (dotted)."
    return (
        f"Samples{' after the start' if drug else ''} below the limit of quantification, {limit} (dotted): "
        f"{', '.join(parts)}; there the limit is drawn."
    )


def _nothing(table: pd.DataFrame) -> bool:
    """Whether an arm has none of a drug: all below the limit, or zero."""
    return bool(((table["below"] == 1) | (table["q95"] <= 0)).all())


def _range(course: Course, parts: Iterable[pd.DataFrame], drug: bool) -> tuple[float, float, bool]:
    tables = list(parts)
    low = min(float(t["q05"].min()) for t in tables)
    high = max(float(t["q95"].max()) for t in tables)
    above = [float(v) for t in tables for v in t["q05"] if v > 0]
    least = min(above, default=0.0)
    # What is 0 in some patients, such as a score, has no place on a logarithmic axis; a drug is before its first dose.
    log = bool(above) and (low > 0 or (low == 0 and drug)) and high / max(least, 1e-300) > WIDE and not course.counts
    if course.limit is not None and high > course.limit * WIDE:
        log = True
    if log:
        low = max(min(least, course.limit or math.inf), high / 10**MOST_DECADES)
        return low / 1.35, high * 1.3, True
    gap = (high - low) or abs(high) or 1.0
    bottom = 0.0 if 0 <= low < 0.5 * high else low - 0.06 * gap
    return bottom, high + 0.06 * gap, False


def _style(axes: Any, course: Course, limits: tuple[float, float, bool]) -> None:
    low, high, log = limits
    if log:
        set_log(axes, "y", low, high)
    else:
        axes.set_ylim(low, high)
        axes.locator_params(axis="y", nbins=5)
    if course.limit is not None and low <= course.limit <= high:
        axes.axhline(course.limit, color=SOFT, lw=1, ls=(0, (1, 2)), zorder=1)


def _line(axes: Any, table: pd.DataFrame, unit: float, look: Look, low: float, marks: bool, width: float = 1.8) -> None:
    x = table["time"].to_numpy() / unit
    y = np.maximum(table["q50"].to_numpy(), low)
    over = 0.5 if look.colour == REFERENCE else 0.0  # dashed, so that a line that it lies on is seen
    axes.plot(x, y, color=look.colour, ls=look.dash, lw=width, zorder=4 + over)
    if marks and len(x) <= MOST_POINTS:
        known = (table["below"] < 0.5).to_numpy()
        axes.plot(x[known], y[known], look.marker, color=look.colour, ms=3.8, mew=0, zorder=5)
        axes.plot(x[~known], y[~known], look.marker, mfc="white", mec=look.colour, ms=3.8, mew=0.9, zorder=5)


def _band(
    axes: Any, x: Array, table: pd.DataFrame, names: tuple[str, str], low: float, look: Look, alpha: float
) -> None:
    lower, upper = (np.maximum(table[n].to_numpy(), low) for n in names)
    axes.fill_between(x, lower, upper, color=look.colour, alpha=alpha, lw=0)


def _medians(
    trial: Finished,
    course: Course,
    parts: dict[str, pd.DataFrame],
    arms: dict[str, Look],
    limits: tuple[float, float, bool],
    name: str,
) -> Picture:
    low = limits[0]
    end = trial.protocol.trial.duration
    axis = time_axis(end, 6)
    few = len(parts) <= 2
    if not few:
        limits = _closer(parts.values(), limits)
        low = limits[0]
    figure = canvas(430, 270)
    axes = figure.add_axes((0.135, 0.17, 0.62, 0.71))
    _style(axes, course, limits)
    set_time(axes, axis, end)
    for arm, table in parts.items():
        x, look = table["time"].to_numpy() / axis.days, arms[arm]
        if few:
            _band(axes, x, table, ("q05", "q95"), low, look, 0.13)
            _band(axes, x, table, ("q25", "q75"), low, look, 0.22)
        _line(axes, table, axis.days, look, low, True)
    last = [float(max(t["q50"].iloc[-1], low)) for t in parts.values()]
    end_labels(
        axes,
        float(axes.get_xlim()[1]),
        last,
        [wrapped(a, 14) if len(parts) <= MOST_PANELS else short(a, 18) for a in parts],
        [arms[a].colour for a in parts],
    )
    axes.set_title(_title(course), loc="left", x=-0.16, fontweight="bold", pad=9)
    return picture(figure, name, _message(course, parts))


def _closer(tables: Iterable[pd.DataFrame], limits: tuple[float, float, bool]) -> tuple[float, float, bool]:
    """Limits for the medians alone; they hold most of what the middle half of patients spans, so noise stays small."""
    parts, (low, high, log) = list(tables), limits
    to, back = (np.log, np.exp) if log else (np.asarray, np.asarray)
    medians, quartiles = (
        [to(np.maximum(t[q], low)) for t in parts for q in names] for names in (("q50",), ("q25", "q75"))
    )
    first, last = min(float(m.min()) for m in medians), max(float(m.max()) for m in medians)
    least = 0.8 * (max(float(m.max()) for m in quartiles) - min(float(m.min()) for m in quartiles))
    pad = max(0.08 * (last - first), (least - (last - first)) / 2, 1e-9)
    return max(float(back(first - pad)), low), min(float(back(last + pad)), high), log


def _bands(
    trial: Finished,
    course: Course,
    parts: dict[str, pd.DataFrame],
    arms: dict[str, Look],
    limits: tuple[float, float, bool],
    name: str,
) -> Picture:
    end = trial.protocol.trial.duration
    axis = time_axis(end, 3)
    columns = 1 if len(parts) == 3 else 2
    rows = -(-len(parts) // columns)
    height = 270 if rows <= 2 or columns == 1 else 60 + 100 * rows
    figure = canvas(430, height)
    grid = figure.add_gridspec(
        rows, columns, left=0.115, right=0.985, top=1 - 34 / height, bottom=44 / height, hspace=0.36, wspace=0.12
    )
    first = next(iter(parts))
    for i, (arm, table) in enumerate(parts.items()):
        axes = figure.add_subplot(grid[i // columns, i % columns])
        _style(axes, course, limits)
        bottom = i // columns == rows - 1 or i + columns >= len(parts)
        set_time(axes, axis, end, label=bottom)
        x, look, low = table["time"].to_numpy() / axis.days, arms[arm], limits[0]
        _band(axes, x, table, ("q05", "q95"), low, look, 0.16)
        _band(axes, x, table, ("q25", "q75"), low, look, 0.32)
        if arm != first:
            t = parts[first]
            axes.plot(t["time"] / axis.days, np.maximum(t["q50"], low), color=SOFT, lw=0.8, ls=(0, (3, 2)), zorder=2)
        _line(axes, table, axis.days, look, low, False, 1.6)
        axes.set_title(short(arm, 30), loc="left", fontsize=10.5, pad=4, color=INK)
        if not bottom:
            axes.tick_params(labelbottom=False)
        if i % columns:
            axes.tick_params(labelleft=False)
        axes.tick_params(labelsize=9.5)
    what = "mean and its interval" if course.counts else "median, middle half and 5th to 95th percentile of patients"
    message = f"{_title(course)} by arm: {what}."
    return picture(figure, f"{name}-arms", message)


def _title(course: Course) -> str:
    unit, label = unit_text(course.drawn_unit), course.label
    return short(label[:1].upper() + label[1:] if label[:2].islower() else label, 54) + (f" ({unit})" if unit else "")


def _message(course: Course, parts: dict[str, pd.DataFrame]) -> str:
    said = []
    for arm, t in parts.items():
        start, stop = t.iloc[0], t.iloc[-1]
        said.append(
            f"{plain(arm)} {number(start['q50'])} at {duration(start['time'])}, "
            f"{number(stop['q50'])} at {duration(stop['time'])}"
        )
    return f"{_title(course)} over time, {'means' if course.counts else 'medians'}: " + "; ".join(said[:8]) + "."


def _slug(name: str) -> str:
    return "".join(c if c.isalnum() and c.isascii() else "-" for c in name) or "x"
