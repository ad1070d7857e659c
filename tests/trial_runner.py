"""Runs a trial in a process of its own that may kill itself at a write: what test_trial_resume.py starts.

    python trial_runner.py PROTOCOL.json OUT OPTIONS.json

Options: those of ``leukinetics.trial.run``; ``real``: the model of the protocol, not the tiny one; ``kill``: [n, when],
SIGKILL "before" or "after" the n-th file gets its name. Prints what was computed, a name a line.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from fake_assembly import fake_assembly

from leukinetics import trial
from leukinetics.trial import journal


def main(protocol: str, out: str, options: str) -> None:
    given: dict[str, Any] = json.loads(options)
    if (kill := given.pop("kill", None)) is not None:
        _kill_at(*kill)
    assembly = None if given.pop("real", False) else fake_assembly()
    prepared = trial.prepare(json.loads(Path(protocol).read_text()), assembly=assembly, rtol=1e-6)
    write = journal.write_bytes

    def told(path: Path, data: bytes) -> None:
        write(path, data)
        print(path.name, flush=True)

    journal.write_bytes = told
    trial.run(prepared, out, **given)


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
