"""What the numbers were measured on."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from leukinetics.engine.kernel import available_threads
from leukinetics.engine.toolchain import compiler


def machine() -> dict[str, Any]:
    """Processor, cores, load, system, versions, compiler, time."""
    return {
        "processor": _processor(),
        "cores": available_threads(None),
        "load_before": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "vectors": _vectors(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "leukinetics": version("leukinetics"),
        "compiler": compiler().identity,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _cpuinfo(key: str) -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as f:
            return next((line.split(":", 1)[1].strip() for line in f if line.startswith(key)), "")
    except OSError:
        return ""


def _processor() -> str:
    return _cpuinfo("model name") or platform.processor() or platform.machine()


def _vectors() -> str:
    flags = _cpuinfo("flags").split()
    return next((name for name in ("avx512f", "avx2", "avx", "sse2") if name in flags), platform.machine())
