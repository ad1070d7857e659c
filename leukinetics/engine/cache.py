"""Compiled kernels on disk, shared by all processes of a user.

An entry is a shared library and the SHA-256 of its bytes, under a name that is the hash of source, compiler,
flags and processor. Both files are written under a temporary name and renamed, so a reader sees all or
nothing; an entry whose bytes do not match its sum (truncated, tampered, half replaced) is built again. Two
processes that build the same entry at once both succeed.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from pathlib import Path

from leukinetics.engine.toolchain import Compiler, compiler, flags_identity
from leukinetics.errors import EngineError


def cache_folder() -> Path:
    """``LEUKINETICS_CACHE``, or the user's cache folder of this platform."""
    named = os.environ.get("LEUKINETICS_CACHE")
    if named:
        return Path(named)
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "leukinetics"


def compiled(source: str) -> Path:
    """Path of the shared library for C ``source``, compiled now if it is not in the cache.

    Raises
    ------
    EngineError
        If the cache folder cannot be written or the compiler fails.
    """
    tool = compiler()
    key = hashlib.sha256("\0".join((source, tool.identity, flags_identity())).encode()).hexdigest()[:32]
    folder = cache_folder()
    library, checksum = folder / f"{key}.so", folder / f"{key}.sha256"
    if _intact(library, checksum):
        return library
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix="building-") as work:
            text, built, digest = Path(work) / "kernel.c", Path(work) / "kernel.so", Path(work) / "sum"
            text.write_text(source, encoding="utf-8")
            _build(tool, text, built)
            digest.write_text(_sum(built), encoding="ascii")
            os.replace(built, library)
            os.replace(digest, checksum)
    except OSError as problem:
        raise EngineError(
            f"The cache folder for compiled models, {folder}, cannot be written ({problem.strerror or problem}); "
            "set the environment variable LEUKINETICS_CACHE to a folder that you may write to."
        ) from None
    return library


def _build(tool: Compiler, text: Path, built: Path) -> None:
    """Compile; a compiler that cannot be run, or leaves nothing, is not an error of the cache folder."""
    try:
        tool.build(text, built)
    except OSError as problem:
        raise EngineError(f"The compiler {tool.identity} cannot be run: {problem.strerror or problem}.") from None
    if not built.is_file():
        raise EngineError(f"The compiler {tool.identity} wrote no library, though it reported no error.")


def _sum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _intact(library: Path, checksum: Path) -> bool:
    try:
        return checksum.read_text(encoding="ascii").strip() == _sum(library)
    except (OSError, UnicodeDecodeError):
        return False
