"""The C compiler: the one inside the ziglang wheel, or one that the user names.

``LEUKINETICS_CC`` may name a compiler (``gcc``, ``clang`` or a path); unset, or ``zig``, means the bundled one.
Kernels are freestanding (no C library, no headers beyond stdint.h), so nothing else need be installed.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from leukinetics.errors import EngineError

_FLAGS = (
    "-std=gnu11", "-O2", "-march=native", "-shared", "-fPIC", "-nostdlib", "-ffp-contract=fast", "-fno-math-errno",
    "-fno-builtin",
    "-fvisibility=hidden", "-w",
)  # fmt: skip


@dataclass(frozen=True)
class Compiler:
    """A command that compiles C, and what identifies it."""

    command: tuple[str, ...]
    identity: str  # name and version, recorded with every result

    def build(self, source: Path, library: Path) -> None:
        """Compile ``source`` to the shared library ``library``.

        Raises
        ------
        EngineError
            If the compiler fails; carries the first lines of what it printed.
        """
        extra = ["-fno-sanitize=all"] if "zig" in self.identity else []
        run = subprocess.run(
            [*self.command, *_FLAGS, *extra, "-o", str(library), str(source)],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if run.returncode != 0:
            told = "\n".join((run.stderr or run.stdout).strip().splitlines()[:8])
            raise EngineError(f"The compiler {self.identity} failed on the generated model code; it said:\n{told}")


@cache
def compiler(choice: str | None = None) -> Compiler:
    """The compiler that ``choice`` (default: ``LEUKINETICS_CC``) names.

    Raises
    ------
    EngineError
        If there is no such compiler.
    """
    wanted = choice or os.environ.get("LEUKINETICS_CC") or "zig"
    if wanted == "zig":
        try:
            import ziglang
        except ImportError:
            raise EngineError(
                "The package 'ziglang', which holds the bundled C compiler, is not installed; "
                "run 'pip install ziglang' or set LEUKINETICS_CC to an installed gcc or clang."
            ) from None
        binary = Path(ziglang.__file__).parent / ("zig.exe" if os.name == "nt" else "zig")
        return Compiler((str(binary), "cc"), f"zig cc {_package_version('ziglang')}")
    path = shutil.which(wanted)
    if path is None:
        raise EngineError(
            f"LEUKINETICS_CC names the compiler '{wanted}', which was not found; "
            "give the name or path of an installed gcc or clang, or unset it to use the bundled compiler."
        )
    try:
        run = subprocess.run([path, "--version"], capture_output=True, text=True, errors="replace", check=False)
    except OSError as problem:
        raise EngineError(
            f"LEUKINETICS_CC names '{wanted}', which cannot be run ({problem.strerror or problem}); "
            "give the name or path of an installed gcc or clang, or unset it to use the bundled compiler."
        ) from None
    return Compiler((path,), (run.stdout.splitlines() or [wanted])[0])


def _package_version(name: str) -> str:
    from importlib.metadata import version

    return version(name)


@cache
def machine() -> str:
    """A short identity of this processor: code compiled for it may not run on another."""
    features = platform.machine() + platform.processor() + platform.system()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as f:
            features += next((line for line in f if line.startswith(("flags", "Features"))), "")
    except OSError:
        pass
    return hashlib.sha256(features.encode()).hexdigest()[:16]


def flags_identity() -> str:
    """What, besides source and compiler, decides the machine code."""
    return " ".join(_FLAGS) + machine()
