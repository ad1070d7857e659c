"""Example models: a published one (``bachmann2011``) and two synthetic ones for benchmarks.

``python -m leukinetics.examples.signalling`` draws the published one.
"""

from __future__ import annotations

from pathlib import Path

from leukinetics.errors import ModelError, suggest

_MODELS = Path(__file__).parent / "models"


def names() -> list[str]:
    """Names of the models that come with the package."""
    return sorted(p.stem for p in _MODELS.glob("*.ant"))


def path(name: str) -> Path:
    """The Antimony file of an example model; ModelError if there is none of that name."""
    found = _MODELS / f"{name}.ant"
    if not found.is_file():
        raise ModelError(f"There is no example model '{name}'.{suggest(name, names())} Known: {', '.join(names())}.")
    return found
