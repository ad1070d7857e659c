"""Runs a trial in a process of its own that may kill itself at a write: what test_trial_resume.py starts.

    python trial_runner.py PROTOCOL.json OUT OPTIONS.json

Options: those of ``leukinetics.trial.run``; ``kill``: [n, when], SIGKILL "before" or "after" the n-th file gets its
name. Prints what was computed, a name a line.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

from fake_assembly import fake_assembly

from leukinetics import trial
from leukinetics.trial import journal


def main(protocol: str, out: str, options: str) -> None:
    given: dict[str, Any] = json.loads(options)
    if (kill := given.pop("kill", None)) is not None:
        _kill_at(*kill)
    run(Path(protocol), Path(out), lambda name: print(name, flush=True), **given)


def run(protocol: Path, out: Path, told: Callable[[str], object], **options: Any) -> None:
    """Run the trial; ``told`` hears the name of each part that was computed, once it is kept."""
    prepared = trial.prepare(json.loads(protocol.read_text()), assembly=fake_assembly(), rtol=1e-6)
    write = journal.write_bytes

    def telling(path: Path, data: bytes) -> None:
        write(path, data)
        told(path.name)

    with patch.object(journal, "write_bytes", telling):
        trial.run(prepared, out, **options)


def _kill_at(n: int, when: str) -> None:
    replace, count = os.replace, 0

    def replacing(source: Any, target: Any) -> None:
        nonlocal count
        count += 1
        if count == n and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        replace(source, target)
        if count == n:
            os.kill(os.getpid(), signal.SIGKILL)

    os.replace = replacing


if __name__ == "__main__":
    main(*sys.argv[1:])
