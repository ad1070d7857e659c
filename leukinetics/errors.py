"""The exceptions that users meet.

Every message is one clear sentence (or one per problem) that says what was found, where, what was
expected and what to do. The command line prints it without a traceback and exits with code 1.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class LeukineticsError(Exception):
    """Base class of all errors that a user can cause and mend."""


class ModelError(LeukineticsError):
    """A model file is malformed, inconsistent, or does not contain what was asked of it."""


class UnsupportedModelError(ModelError):
    """A model is valid but uses a construct that no engine here can simulate; names the construct."""


class ProtocolError(LeukineticsError):
    """A trial protocol is malformed or asks for something impossible."""


class DataError(LeukineticsError):
    """A table or array that the user supplied (patients, doses, times, ...) is not usable."""


def suggest(name: str, known: Iterable[str], limit: int = 3) -> str:
    """Return ``" Did you mean 'a' or 'b'?"`` for the nearest known names, or an empty string."""
    known = list(dict.fromkeys(known))
    folded = {k.lower(): k for k in known}
    near = difflib.get_close_matches(name.lower(), list(folded), n=limit, cutoff=0.6)
    if not near:
        return ""
    return " Did you mean " + " or ".join(f"'{folded[n]}'" for n in near) + "?"


class EngineError(LeukineticsError):
    """The machinery around a simulation failed: compiler, cache folder, output path."""
