"""The bundled compiler and others that a user may name: the same numbers, or one clear error."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from engine_tools import METHODS, values

import leukinetics as lk
from leukinetics import examples
from leukinetics.engine.toolchain import compiler

EVENTS = """model m()
  species A; A = 2; B = 0; n = 0; k = 0.7;
  J: A => ; k*A^1.3; B' = A*sin(time) - log(1 + B^2) + tanh(B);
  at (B > 0.6): n = n + 1, B = 0.5*B;
end"""


@pytest.fixture
def choose(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Lets a test name a compiler; the choice of the other tests comes back afterwards."""
    compiler.cache_clear()
    yield monkeypatch
    monkeypatch.undo()
    compiler.cache_clear()


def with_compiler(choose: pytest.MonkeyPatch, name: str | None) -> None:
    if name is None:
        choose.delenv("LEUKINETICS_CC", raising=False)
    else:
        choose.setenv("LEUKINETICS_CC", name)
    compiler.cache_clear()


@pytest.mark.slow
@pytest.mark.parametrize("other", ["gcc", "clang"])
@pytest.mark.parametrize("method", METHODS)
def test_compilers_agree(other: str, method: str, choose: pytest.MonkeyPatch) -> None:
    if shutil.which(other) is None:
        pytest.skip(f"{other} is not installed")
    doses = [{"time": 1.0, "target": "A", "amount": 1.0}]
    found, told = [], []
    for name in ("zig", other):
        with_compiler(choose, name)
        small = lk.load_model(EVENTS).simulate(
            np.linspace(0, 10, 41), {"k": [0.5, 1.0, 2.0]}, doses, ["A", "B", "n"], rtol=1e-8, atol=1e-11, method=method
        )
        large = lk.load_model(examples.path("bachmann2011")).simulate(
            np.linspace(0, 60, 13), rtol=1e-8, atol=1e-11, method=method
        )
        found.append((values(small), values(large)))
        told.append(small.attrs["compiler"])
    assert "zig" in told[0] and "zig" not in told[1]
    for a, b in zip(*found, strict=True):
        scale = np.abs(a).max(axis=1, keepdims=True)
        assert (np.abs(a - b) <= 1e-6 * scale).all()


def test_no_such_compiler(choose: pytest.MonkeyPatch) -> None:
    with_compiler(choose, "no-such-compiler-anywhere")
    with pytest.raises(lk.EngineError, match=r"LEUKINETICS_CC.*no-such-compiler-anywhere"):
        lk.load_model(EVENTS).simulate([1.0])


def script(path: Path, text: str) -> str:
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("#!/bin/sh\nexit 0\n", "no library"),
        ("#!/bin/sh\necho something broke >&2\nexit 1\n", "something broke"),
        ("\x7fELF this is not a program", "cannot be run"),
    ],
)
def test_a_compiler_that_does_not_work(text: str, says: str, tmp_path: Path, choose: pytest.MonkeyPatch) -> None:
    with_compiler(choose, script(tmp_path / "cc", text))
    choose.setenv("LEUKINETICS_CACHE", str(tmp_path / "cache"))
    with pytest.raises(lk.EngineError, match=says) as caught:
        lk.load_model(EVENTS).simulate([1.0])
    assert "LEUKINETICS_CACHE" not in str(caught.value)


def test_the_bundled_compiler_is_the_default(choose: pytest.MonkeyPatch) -> None:
    for name in (None, "", "zig"):
        with_compiler(choose, name)
        assert compiler().identity.startswith("zig cc")
