"""The parts of the model that are calibrated one after the other: the core, then what conditions add to it.

A later part leaves the parameters of the parts before it at their values, and their draws to those parts' posteriors.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from leukinetics.calibration.problem import Numerics
from leukinetics.errors import DataError, suggest
from leukinetics.evidence import Target
from leukinetics.evidence.baselines import CONDITIONS

COMMITTED = Path(__file__).parent / "results"
MODULES = CONDITIONS.parent / "modules"
CORE = "core"


@dataclass(frozen=True)
class Part:
    """``title``: in words. ``patients``: in an arm of the fit. ``many``: patients where a readout is neither a mean nor
    a median. ``before``: parts calibrated earlier.
    ``chance``: patients' courses are due to chance, so that predictions have a sampling error. ``slopes``: patients for
    the derivatives of what is uncertain and not fitted, None for as many. ``left_out``: readouts of role calibrate that
    the fit does without, since too few patients carry them; they are validated as fitted ones all the same."""

    id: str
    title: str
    patients: int = 16
    many: int = 64
    numerics: Numerics = field(default_factory=Numerics)
    before: tuple[str, ...] = ()
    chance: bool = False
    slopes: int | None = None
    left_out: tuple[str, ...] = ()

    @property
    def fit_file(self) -> str:
        """What :mod:`leukinetics.calibration.results` writes about the fit."""
        return f"{self.id}_fit.json"

    @property
    def draws_file(self) -> str:
        """The draws of the posterior."""
        return f"{self.id}_draws.tsv"


#: The parts by name, in the order in which they are calibrated. One beside the core is the group of modules of that
#: name. Relapses are counted in multiple sclerosis, episodes and responders in depression, which makes readouts jump:
#: longer steps, more patients.
PARTS = {
    CORE: Part(CORE, "the interleukin core"),
    "ms": Part(
        "ms",
        "multiple sclerosis",
        patients=96,
        many=32,
        slopes=32,
        numerics=Numerics(step=0.3, tolerance=0.01, steps=4, central=False),
        before=(CORE,),
        chance=True,
        # Of patients without a new lesion in two years, a few of a hundred on placebo: often none, and then no number.
        left_out=("ms_freedoms.bv_quiet_12", "ms_freedoms.bv_quiet_24"),
    ),
    "mdd": Part(
        "mdd",
        "inflammatory depression",
        patients=256,
        many=256,
        slopes=64,
        numerics=Numerics(step=0.3, tolerance=0.01, steps=4, central=False),
        before=(CORE,),
        chance=True,
    ),
    # Patients are enrolled by what they have lost, and die: as in multiple sclerosis.
    "cachexia": Part(
        "cachexia",
        "cancer cachexia",
        patients=96,
        many=96,
        slopes=32,
        numerics=Numerics(step=0.3, tolerance=0.01, steps=4, central=False),
        before=(CORE,),
        chance=True,
        # Levels of albumin differ between laboratories, and the core alone computes them.
        left_out=("cachexia_ald518.albumin_0",),
    ),
}


def part_named(name: str) -> Part:
    """The part of that name; DataError for an unknown one."""
    if name not in PARTS:
        near = suggest(name, PARTS) or f" There are {', '.join(PARTS)}."
        raise DataError(f"'{name}' is no part of the model that can be calibrated.{near}")
    return PARTS[name]


def part_of(target: Target) -> str:
    """The part that a target belongs to: the last one with modules which one of its conditions adds, or the core."""
    found = {CORE}
    for variant in target.variants_of(target.readout):
        trial = target.protocol_of(variant).get("trial", {})
        for name in _extra(str(trial.get("condition", ""))):
            found |= {name, *(path.parent.name for path in MODULES.glob(f"*/{name}.ant"))}
    return [name for name in PARTS if name in found][-1]


def drawn_before(part: Part, folder: Path = COMMITTED) -> frozenset[str]:
    """Keys of the parameters that the posteriors of the parts before this one hold."""
    found: set[str] = set()
    for name in part.before:
        path = folder / PARTS[name].draws_file
        if path.is_file():
            with open(path, encoding="utf-8") as file:
                found |= set(file.readline().rstrip("\n").split("\t"))
    return frozenset(found)


def _extra(condition: str) -> list[str]:
    path = CONDITIONS / f"{condition}.toml"
    if not condition or not path.is_file():
        return []  # assembling says what is wrong
    content: Mapping[str, object] = tomllib.loads(path.read_text(encoding="utf-8"))
    found = content.get("extra", [])
    return [str(name) for name in found] if isinstance(found, list) else []
