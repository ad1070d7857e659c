"""Antimony text to SBML text, through the ``antimony`` package."""

from __future__ import annotations

import threading
from pathlib import Path

from leukinetics.errors import ModelError

# The library keeps everything that it has loaded in one global registry.
_LOCK = threading.Lock()


def antimony_to_sbml(text: str, folder: Path | None = None) -> str:
    """SBML of the main model in ``text``; ``folder`` is where its imports are looked for.

    Raises ModelError with Antimony's own message (which names the line).
    """
    import antimony

    if "\0" in text:
        raise ModelError("The model is neither SBML nor Antimony: it contains binary data.")
    with _LOCK:
        antimony.clearPreviousLoads()
        antimony.clearDirectories()
        if folder is not None:
            antimony.addDirectory(str(folder))
        try:
            if antimony.loadAntimonyString(text) < 0:
                raise ModelError(f"The Antimony text is not valid: {_message(antimony.getLastError())}")
            sbml = antimony.getSBMLString(antimony.getMainModuleName())
            if not sbml:
                reason = _message(antimony.getLastError())
                raise ModelError(f"The Antimony model cannot be written as SBML: {reason}")
            return str(sbml)
        except UnicodeError as error:
            raise ModelError("The Antimony text contains characters that cannot be read.") from error
        finally:
            antimony.clearPreviousLoads()
            antimony.clearDirectories()


def _message(raw: str | None) -> str:
    return " ".join((raw or "no reason is given").split())
