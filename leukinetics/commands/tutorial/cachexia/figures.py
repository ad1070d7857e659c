"""The figures of the tutorial of cancer cachexia, drawn from its results as the reports draw theirs."""

from __future__ import annotations

from leukinetics.commands.tutorial.cachexia.courses import FED, HUNGRY, TREATED, TUMOUR
from leukinetics.commands.tutorial.effect_figures import effects, tornado
from leukinetics.commands.tutorial.tutorial import Results
from leukinetics.report.trial.numbers import number
from leukinetics.report.trial.style import REFERENCE, SOFT, Picture, canvas, drawing, picture

WIDTH = 760
INKS = {TUMOUR: "#b3480a", TREATED: "#1f5f99", FED: "#2a8f6a", HUNGRY: REFERENCE}
PANELS = (
    ("weight", "Weight, kg"), ("lean_mass", "Lean mass, kg"), ("fat_mass", "Fat, kg"),
    ("energy_intake", "Intake, kcal a day"), ("npy", "NPY and AgRP, relative to health"), ("crp", "CRP, mg/L"),
)  # fmt: skip
LEAN, MUSCLE, WEIGHT = ("Lean mass", "kg"), ("Muscle of CT", "%"), ("Weight", "kg")


def figures(found: Results) -> list[Picture]:
    """All of them, in the order of the page."""
    trial, targets, care = (found[f"cachexia_{name}"] for name in ("canakinumab", "targets", "nutrition"))
    with drawing():
        return [
            _courses(found["courses"]),
            tornado(
                "leans-on",
                {("Lean mass, 12 weeks", "kg"): trial["sensitivity"], ("Muscle of CT", "%"): care["sensitivity"]},
            ),
            effects("targets", targets, {"weight": WEIGHT, "lean_mass": LEAN}, targets["draws"]),
            effects("care", care, {"lean_mass": LEAN, "muscle_index": MUSCLE}, care["draws"]),
        ]


def _courses(found: Results) -> Picture:
    """Six readouts over half a year, by arm."""
    height = 470
    figure = canvas(WIDTH, height)
    grid = figure.add_gridspec(2, 3, left=0.07, right=0.985, top=0.84, bottom=0.1, hspace=0.4, wspace=0.27)
    said = []
    for i, (name, label) in enumerate(PANELS):
        axes = figure.add_subplot(grid[i // 3, i % 3])
        for arm, ink in INKS.items():
            axes.plot(found["time"], found["arms"][arm][name], color=ink, ls="--" if arm == HUNGRY else "-", lw=1.7)
            said.append(f"{label}, {arm}: {number(found['arms'][arm][name][-1], 3)}")
        axes.set_xlim(0, found["time"][-1])
        axes.set_title(label, loc="left", fontsize=10, color=SOFT)
        if i >= 3:
            axes.set_xlabel("weeks")
    for x, (arm, ink) in zip((0.07, 0.18, 0.4, 0.62), INKS.items(), strict=True):
        figure.text(x, 1 - 20 / height, arm, color=ink, fontweight="bold", fontsize=10.5, va="center")
    return picture(figure, "courses", f"After 24 weeks. {'; '.join(said)}.")
