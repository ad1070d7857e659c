"""What all tests share: a cache of compiled models for this session, Hypothesis settings, order."""

from __future__ import annotations

import os
import shutil
import tempfile

# Before anything imports pyplot: figures are written to files, never shown.
os.environ["MPLBACKEND"] = "Agg"

import pytest
from hypothesis import settings

# Compiling takes seconds, so examples have no deadline. In CI the examples are the same on every run:
# a change is judged by what it changes; elsewhere every run looks at new ones.
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.register_profile("dev", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "dev")

_CACHE = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    """Compiled models of this session go to a folder of their own, shared with subprocesses (tests run in several).

    So no test sees a model compiled by an older version, and the user's cache stays as it was.
    """
    if hasattr(config, "workerinput"):
        return  # the folder is that of the process which began the tests
    folder = tempfile.mkdtemp(prefix="leukinetics-tests-")
    config.stash[_CACHE] = folder
    os.environ["LEUKINETICS_CACHE"] = folder


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the session's compiled models."""
    if _CACHE in config.stash:
        shutil.rmtree(config.stash[_CACHE], ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests marked ``slow`` run last; ``-m "not slow"`` leaves them out."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is not None)
