"""The benchmark: ``python -m bench`` (``make bench``). What it measures and how is in docs/benchmark.md."""

import os

# Before anything loads a library: every solver on one thread, and none of SUNDIALS' reports of failed patients.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"
for _level in ("ERROR", "WARNING"):
    os.environ.setdefault(f"SUNLOGGER_{_level}_FILENAME", os.devnull)
