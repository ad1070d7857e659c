"""A compiled kernel behind ctypes: memory, threads, interruption.

The C side never allocates, never blocks and holds no global state, so any number of threads may run one job;
each calls the kernel once and takes patients from a shared counter until none is left.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import math
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leukinetics.engine.codegen.emit import LIBRARY

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

#: Fields of job_t in runtime/job.h, in order: p pointer, i integer, d number.
_JOB = (
    "i n_patients", "p base", "i n_varied", "p varied_index", "p varied", "p y_start",
    "i n_times", "p times", "i n_out", "p observe", "i n_needed", "p needed", "p out",
    "p dose_offset", "i dose_shared", "p dose_time", "p dose_value", "p dose_kind", "p dose_target",
    "i n_targets", "p target_state", "p target_factor",
    "d rtol", "p atol", "i max_steps", "i method", "d run_in_limit", "d run_in_window", "d run_in_tolerance",
    "p status", "p steps", "p rejected", "p y_end", "p next", "p done", "p stop",
)  # fmt: skip
_TYPES: dict[str, type[ctypes.c_void_p] | type[ctypes.c_int64] | type[ctypes.c_double]] = {
    "p": ctypes.c_void_p,
    "i": ctypes.c_int64,
    "d": ctypes.c_double,
}


class _JobStruct(ctypes.Structure):
    _fields_ = [(entry[2:], _TYPES[entry[0]]) for entry in _JOB]


@dataclass
class DoseArrays:
    """Doses as the kernel wants them: rows ascending in time per patient.

    ``kind`` 0 adds ``value`` to the target, 1 sets its infusion rate to ``value`` from ``time`` on.
    """

    offset: I64
    shared: bool
    time: F64
    value: F64
    kind: I64
    target: I64
    target_state: I64
    target_factor: I64


@dataclass
class Job:
    """One run over many patients. Shapes as in runtime/job.h."""

    base: F64
    varied_index: I64
    varied: F64
    times: F64
    needed: I64
    n_out: int
    observe: int | None
    out: F64
    rtol: float
    atol: F64
    max_steps: int
    method: int
    y_start: F64 | None = None
    doses: DoseArrays | None = None
    run_in: tuple[float, float, float] = (0.0, 0.0, 0.0)  # limit, window, tolerance
    y_end: F64 | None = None
    status: I64 = field(init=False)
    steps: I64 = field(init=False)
    rejected: I64 = field(init=False)
    padded_times: F64 = field(init=False)

    def __post_init__(self) -> None:
        self.padded_times = np.append(self.times, np.inf)
        n = self.varied.shape[0]
        self.status = np.full(n, 6, dtype=np.int64)  # INTERRUPTED until a kernel says otherwise
        self.steps = np.zeros(n, dtype=np.int64)
        self.rejected = np.zeros(n, dtype=np.int64)


class Kernel:
    """A loaded shared library with ``lk_run``."""

    def __init__(self, path: Path) -> None:
        self._library = load(path)
        self._run = self._library.lk_run
        self._run.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
        self._run.restype = ctypes.c_int64
        self.workspace: int = self._library.lk_workspace()
        self.lanes: int = self._library.lk_lanes()
        if self._library.lk_job_size() != ctypes.sizeof(_JobStruct):
            raise AssertionError("job_t and engine/kernel.py disagree")

    def run(self, job: Job, threads: int, progress: Callable[[int, int], None] | None = None) -> None:
        """Run ``job`` on ``threads`` threads.

        ``progress(done, total)`` is called a few times a second. Any exception in the calling thread
        (KeyboardInterrupt above all) stops all threads within one integration step and is raised again.
        """
        n = job.varied.shape[0]
        following, done, stop = (np.zeros(8, dtype=np.int64) for _ in range(3))
        struct = _fill(job, following, done, stop)
        threads = max(1, min(threads, math.ceil(n / self.lanes)))
        size = self.workspace + 8 * (self.lanes + 1) * job.n_out
        memory = [aligned(size) for _ in range(threads)]
        finished = [threading.Event() for _ in range(threads)]

        def work(k: int) -> None:
            try:
                self._run(ctypes.addressof(struct), memory[k].ctypes.data)
            finally:
                finished[k].set()

        workers = [threading.Thread(target=work, args=(k,), daemon=True) for k in range(threads)]
        try:
            for worker in workers:
                worker.start()
            wait = 0.002
            for event in finished:
                while not event.wait(wait):
                    wait = 0.05
                    if progress is not None:
                        progress(int(done[0]), n)
        finally:
            stop[0] = 1
            for worker in workers:
                if worker.ident is not None:
                    worker.join()
        if progress is not None:
            progress(int(done[0]), n)


def _fill(job: Job, following: I64, done: I64, stop: I64) -> _JobStruct:
    doses = job.doses
    values: dict[str, Any] = {
        "n_patients": job.varied.shape[0],
        "n_varied": len(job.varied_index),
        "n_times": len(job.times),
        "n_out": job.n_out,
        "n_needed": len(job.needed),
        "observe": job.observe,
        "dose_shared": int(doses.shared) if doses else 0,
        "n_targets": len(doses.target_state) if doses else 0,
        "rtol": job.rtol,
        "max_steps": job.max_steps,
        "method": job.method,
    }
    values["run_in_limit"], values["run_in_window"], values["run_in_tolerance"] = job.run_in
    arrays: dict[str, NDArray[Any] | None] = {
        name: getattr(job, name)
        for name in ("base", "varied_index", "varied", "needed", "out", "atol", "y_start", "y_end",
                     "status", "steps", "rejected")
    }  # fmt: skip
    arrays["times"] = job.padded_times
    arrays |= {"next": following, "done": done, "stop": stop}
    if doses:
        arrays |= {"dose_offset": doses.offset, "dose_time": doses.time, "dose_value": doses.value,
                   "dose_kind": doses.kind, "dose_target": doses.target, "target_state": doses.target_state,
                   "target_factor": doses.target_factor}  # fmt: skip
    for name, array in arrays.items():
        if array is not None and not array.flags.c_contiguous:
            raise AssertionError(f"job array '{name}' is not contiguous")
        values[name] = None if array is None else array.ctypes.data
    return _JobStruct(**values)


def aligned(size: int) -> NDArray[np.uint8]:
    """``size`` zeroed bytes that start at a multiple of 64, as vector loads require."""
    raw = np.zeros(size + 64, dtype=np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + size]


_math_table: Any = None


def load(path: Path) -> ctypes.CDLL:
    """Load a kernel or observer library and hand it the C library's functions."""
    global _math_table
    library = ctypes.CDLL(str(path))
    if _math_table is None:
        found = ctypes.util.find_library("m") if os.name != "nt" else "ucrtbase"
        libm = ctypes.CDLL(found)
        names = ["tgamma" if f == "gamma" else f for f in LIBRARY]
        table = (ctypes.c_void_p * len(names))(*(_address(libm, f) for f in names))
        _math_table = (libm, table, _address(libm, "fmod"))
    _, table, fmod = _math_table
    library.lk_library.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    library.lk_library.restype = None
    library.lk_library(ctypes.addressof(table), fmod)
    for name in ("lk_workspace", "lk_lanes", "lk_job_size", "lk_states"):
        if hasattr(library, name):
            getattr(library, name).restype = ctypes.c_int64
    return library


def _address(library: ctypes.CDLL, name: str) -> int:
    address = ctypes.cast(getattr(library, name), ctypes.c_void_p).value
    if address is None:
        raise AssertionError(f"the C library has no '{name}'")
    return address


def observer(path: Path) -> tuple[ctypes.CDLL, int]:
    """A loaded observer library (keep it referenced) and the address of its ``lk_observe``."""
    library = load(path)
    return library, _address(library, "lk_observe")


def available_threads(threads: int | None) -> int:
    """``threads``, or as many as this process may use."""
    if threads is not None:
        return threads
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
