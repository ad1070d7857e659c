"""One process at a time works in a trial's folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from leukinetics.engine.stream import naming
from leukinetics.errors import DataError

if sys.platform == "win32":
    import msvcrt

    def _take(handle: int) -> bool:
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _take(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file ``path``, which names the process; DataError where another process holds it.

    The system gives the lock back when its owner ends, however it ends, so a file that a dead process left is no lock.
    """
    with naming(path):
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if not _take(handle) or not _is_still(path, handle):
            pid = os.read(handle, 20).decode("ascii", "replace").strip()
            raise DataError(
                f"Another process{f' ({pid})' if pid else ''} is running a trial in '{path.parent.parent}'; "
                "wait until it is done, or name another folder."
            )
        with naming(path):
            os.ftruncate(handle, 0)
            os.write(handle, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(handle)


def _is_still(path: Path, handle: int) -> bool:
    """Whether the open file is the one that has the name: its owner may have ended, and removed it, just now."""
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False
