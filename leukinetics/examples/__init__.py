"""Examples: trial files, a published model (``bachmann2011``) and two synthetic ones for benchmarks.

``python -m leukinetics.examples.demo`` runs a trial, ``python -m leukinetics.examples.signalling`` the published model.
"""

from __future__ import annotations

from pathlib import Path

from leukinetics.errors import ModelError, ProtocolError, suggest

_MODELS = Path(__file__).parent / "models"
_TRIALS = Path(__file__).parent / "trials"


def names() -> list[str]:
    """Names of the models that come with the package."""
    return sorted(p.stem for p in _MODELS.glob("*.ant"))


def path(name: str) -> Path:
    """The Antimony file of an example model; ModelError if there is none of that name."""
    found = _MODELS / f"{name}.ant"
    if not found.is_file():
        raise ModelError(f"There is no example model '{name}'.{suggest(name, names())} Known: {', '.join(names())}.")
    return found


def trial(name: str) -> Path:
    """The file of an example trial; ProtocolError if there is none of that name."""
    found = _TRIALS / f"{name}.toml"
    if not found.is_file():
        known = sorted(p.stem for p in _TRIALS.glob("*.toml"))
        raise ProtocolError(f"There is no example trial '{name}'.{suggest(name, known)} Known: {', '.join(known)}.")
    return found
