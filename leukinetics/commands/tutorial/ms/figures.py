"""The figures of the tutorial of multiple sclerosis, drawn from its results as the reports draw theirs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from leukinetics.commands.tutorial.effect_figures import effects, published, tornado
from leukinetics.report.trial.style import INK, REFERENCE, RULE, SOFT, Picture, canvas, drawing, picture

Results = Mapping[str, Any]
TREATED, LESION = "#1f5f99", "#b3480a"
WIDTH = 760
#: Title and axis of effects.
RELAPSES, SPARED = ("Expected relapses", "ratio"), ("Axons spared", "% of all axons")


def figures(found: Results) -> list[Picture]:
    """All of them, in the order of the page."""
    il1, trophic = found["ms_anti_il1"], found["ms_neurotrophic"]
    with drawing():
        return [
            _patient(found["course"]),
            _luck(found["course"]),
            published("published", found["published"]),
            effects("anti-il1", il1, {"expected_relapses": RELAPSES, "axons": SPARED}, il1["draws"]),
            tornado("leans-on", {RELAPSES: il1["sensitivity"], SPARED: found["axons_lean_on"]}),
            effects("neurotrophic", trophic, {"axons": SPARED, "axons_on_top": SPARED}, trophic["draws"]),
        ]


def _patient(course: Results) -> Picture:
    """Lesions, relapses, disability, axons and brain volume of one patient, untreated and treated."""
    panels = (
        ("gd_lesions", "Enhancing lesions, expected number", 1.0),
        ("edss", "EDSS, latent; ticks: relapses", 1.25),
        ("axons", "Axons, change (%)", 0.8),
        ("brain_volume", "Brain volume, change (%)", 0.8),
    )
    height = 610
    figure = canvas(WIDTH, height)
    grid = figure.add_gridspec(
        len(panels),
        1,
        left=0.08,
        right=0.86,
        top=0.955,
        bottom=0.075,
        hspace=0.42,
        height_ratios=[p[2] for p in panels],
    )
    time, start, end = course["time"], course["start"], course["years"]
    first = next(i for i, t in enumerate(time) if t >= start)
    for i, (name, title, _) in enumerate(panels):
        axes = figure.add_subplot(grid[i])
        untreated, treated = (course["patient"][arm] for arm in ("untreated", "natalizumab"))
        axes.axvspan(start, end, color="#eef1f4", lw=0, zorder=0)
        axes.plot(time, untreated[name], color=REFERENCE, lw=1.4, ls=(0, (3.5, 2)), zorder=2)
        axes.plot(time[first:], treated[name][first:], color=TREATED, lw=1.7, zorder=3)
        axes.set_xlim(0, end)
        axes.locator_params(axis="y", nbins=4)
        high = axes.get_ylim()[1]
        if name == "edss":
            high = max(high, 3.0) * 1.25
            axes.set_ylim(0, high)
            for arm, colour, y in ((untreated, REFERENCE, 0.94), (treated, TREATED, 0.84)):
                own = [t for t in arm["relapses"] if arm is untreated or t > start]
                axes.plot(own, [y * high] * len(own), "|", color=colour, ms=9, mew=1.6, zorder=4)
        elif name == "gd_lesions":
            axes.set_ylim(0, high)
        axes.set_title(title, loc="left", fontweight="bold", pad=5, fontsize=10.5)
        _ends(axes, end, (untreated[name][-1], treated[name][-1]))
        if i < len(panels) - 1:
            axes.tick_params(labelbottom=False)
    axes.set_xlabel("years since the first attack")
    figure.axes[0].text(
        start + 0.1, figure.axes[0].get_ylim()[1], "natalizumab from here on", fontsize=9.5, color=SOFT, va="top"
    )
    counts = {arm: len(course["patient"][arm]["relapses"]) for arm in ("untreated", "natalizumab")}
    message = (
        f"One virtual patient over {end} years: enhancing lesions, EDSS with relapses, axons and brain volume, "
        f"untreated ({counts['untreated']} relapses) and with natalizumab from year {start} on "
        f"({counts['natalizumab']})."
    )
    return picture(figure, "patient", message)


def _ends(axes: Any, x: float, places: Sequence[float]) -> None:
    low, high = axes.get_ylim()
    untreated, treated = places
    gap = 0.13 * (high - low)
    if abs(untreated - treated) < gap:
        middle, up = (untreated + treated) / 2, untreated >= treated
        untreated, treated = middle + (gap / 2 if up else -gap / 2), middle - (gap / 2 if up else -gap / 2)
    for y, text, colour in ((untreated, "untreated", SOFT), (treated, "natalizumab", TREATED)):
        axes.text(x * 1.012, min(max(y, low), high), text, fontsize=9.5, color=colour, va="center")


def _luck(course: Results) -> Picture:
    """How often the same patient relapses with other luck, and the disability."""
    relapses, expected = course["lucks"]["relapses"], course["expected"]
    figure = canvas(WIDTH, 270)
    left = figure.add_axes((0.075, 0.2, 0.33, 0.66))
    numbers = range(1, max(relapses) + 1)
    left.bar(numbers, [relapses.count(n) for n in numbers], color=RULE, width=0.8)
    left.axvline(expected["relapses"], color=LESION, lw=1.6)
    left.text(
        expected["relapses"] + 0.15, left.get_ylim()[1], f"expected: {expected['relapses']:.1f}",
        color=LESION, fontsize=9.5, va="top",
    )  # fmt: skip
    left.set_xlabel(f"relapses in {course['years']} years")
    left.set_title(f"Of {len(relapses)} courses", loc="left", fontweight="bold")
    left.locator_params(axis="y", integer=True, nbins=5)
    left.locator_params(axis="x", integer=True)
    right = figure.add_axes((0.5, 0.2, 0.46, 0.66))
    time = course["time"][::4]
    for row in course["lucks"]["edss"]:
        right.plot(time, row, color=REFERENCE, lw=0.6, alpha=0.55)
    right.plot(time, expected["edss"], color=LESION, lw=2.0)
    right.set(xlim=(0, course["years"]), ylim=(0, None))
    right.set_xlabel("years since the first attack")
    right.set_title("EDSS of the same patient, untreated", loc="left", fontweight="bold")
    for axes in (left, right):
        axes.title.set_color(INK)
    message = (
        f"The same patient {len(relapses)} times with other luck: {min(relapses)} to {max(relapses)} relapses in "
        f"{course['years']} years, expected {expected['relapses']:.1f}; and the EDSS of each course."
    )
    return picture(figure, "luck", message)
