"""The analyses of a study one after another: none takes others down, and those that are done are not done again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from leukinetics.errors import LeukineticsError
from leukinetics.trial.store import read_json, write_json

Row = dict[str, Any]


class Steps:
    """Runs analyses, each once. ``failed``: a row for each that could not be made, with the reason. With a ``folder``
    what each gave is kept there, and taken from there when it is asked for again."""

    def __init__(self, folder: Path | None, say: Callable[[str], None]) -> None:
        self.folder, self.say = folder, say
        self.failed: list[Row] = []
        self._done: dict[tuple[str, str], Any] = {}

    def run(self, analysis: str, of: str, f: Callable[..., Any], *args: Any) -> Any:
        """What ``f(*args)`` gives; a row with nothing but a ``note`` where it fails."""
        if (analysis, of) in self._done:
            return self._done[analysis, of]
        found = self._done[analysis, of] = self._made(analysis, of, f, args)
        return found

    def _made(self, analysis: str, of: str, f: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        kept = self._kept(analysis, of)
        if kept is not None and kept.is_file():
            try:
                held = read_json(kept)
                found, failed = held["found"], held["failed"]
            except (ValueError, KeyError, TypeError):  # damaged: made again
                kept.unlink()
            else:
                self.failed += failed
                return found
        self.say(f"{analysis}: {of}" if of else analysis)
        failed = []
        try:
            found = f(*args)
        except Exception as error:  # whatever goes wrong in one analysis, the others are told
            why = str(error) if isinstance(error, LeukineticsError) else f"{type(error).__name__}: {error}"
            found = {"note": f"not estimated: {why}"}
            failed = [{"analysis": analysis, "of": of, "note": why}]
        self.failed += failed
        if kept is not None:
            write_json(kept, {"found": found, "failed": failed})
        return found

    def _kept(self, analysis: str, of: str) -> Path | None:
        if self.folder is None:
            return None
        return self.folder / (hashlib.sha256(f"{analysis}\n{of}".encode()).hexdigest()[:24] + ".json")
