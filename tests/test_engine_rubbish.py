"""Rubbish given to load_model and simulate: only our own errors come out, and nothing is printed."""

from __future__ import annotations

import os
import random
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from engine_tools import values
from hypothesis import given, settings
from hypothesis import strategies as st

import leukinetics as lk
from leukinetics import LeukineticsError
from leukinetics.engine.status import Status

MODELS = Path(__file__).parent / "models"
TEXTS = [path.read_text(encoding="utf-8") for path in sorted(MODELS.iterdir())]
TEXTS.append(
    """model rich()
  compartment V = 2; species A in V, $B in V, C in V; A = 3; B = 1; C := A/2 + time;
  k1 = 0.5; h = 1.5; n := piecewise(1, time < 3, 2); function f(x, y) x^y/(1 + x^y) end
  J1: A -> B; V*k1*f(A, h); J2: => A; n*0.1; D' = -D*k1; D = 1;
  E1: at (A < 1), priority=2: A = 2, k1 = k1/2; at 1 after (time > 4), persistent=false: D = 1;
  unit hour = 3600 second; k1 has hour;
end"""
)
TEXTS[-1] = TEXTS[-1].replace("function f(x, y) x^y/(1 + x^y) end", "").replace("f(A, h)", "A^h/(1 + A^h)")


@contextmanager
def silence() -> Iterator[None]:
    """Fails if anything reaches the file descriptors 1 or 2, from whatever library."""
    saved = os.dup(1), os.dup(2)
    with tempfile.TemporaryFile() as caught:
        os.dup2(caught.fileno(), 1)
        os.dup2(caught.fileno(), 2)
        try:
            yield
        finally:
            for fd, old in enumerate(saved, start=1):
                os.dup2(old, fd)
                os.close(old)
        caught.seek(0)
        told = caught.read()
    assert told == b"", told[:500]


def attempt(text: object) -> lk.Model | None:
    with silence():
        try:
            return lk.load_model(text)  # type: ignore[arg-type]
        except LeukineticsError as error:
            message = str(error)
            assert message and "Traceback" not in message and len(message) < 3000
            return None


@settings(max_examples=60)
@given(st.one_of(st.text(max_size=200), st.binary(max_size=200).map(lambda b: b.decode("latin-1"))))
def test_random_text(text: str) -> None:
    attempt(text)
    attempt(text + "\n;")


@settings(max_examples=40)
@given(data=st.binary(max_size=300), suffix=st.sampled_from([".xml", ".ant", ".txt", ""]))
def test_random_files(data: bytes, suffix: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = Path(tempfile.gettempdir()) / f"leukinetics-rubbish-{os.getpid()}{suffix}"
    try:
        path.write_bytes(data)
        attempt(path)
    finally:
        path.unlink(missing_ok=True)


@pytest.mark.parametrize(
    "text", [None, 5, b"x", [], {}, object(), 1.5, ("a",), "\ud800", "\0", "a\0b", "x" * 5000, "~/x.xml", "//", "con"]
)
def test_things_that_are_no_models(text: object) -> None:
    assert attempt(text) is None


def test_a_denominator_of_zero() -> None:
    """Found by the test below."""
    text = (MODELS / "level1.xml").read_text(encoding="utf-8")
    assert attempt(text) is not None
    assert 'denominator="' in text and attempt(re.sub('denominator="[0-9]+"', 'denominator="0"', text)) is None


def mutated(text: str, seed: int, changes: int) -> str:
    """Tokens deleted, doubled, swapped with another, or replaced by something awkward."""
    rng = random.Random(seed)
    tokens = re.findall(r"\w+|\s+|[^\w\s]", text)
    awkward = [
        "0",
        "-1",
        "1e999",
        "nan",
        "",
        "time",
        "A",
        "k1",
        ";",
        ";",
        "=",
        ":=",
        "'",
        "->",
        "(",
        ")",
        "<",
        ">",
        '"',
        "&amp;",
    ]
    awkward += [
        "piecewise(1, A > 0, 2)",
        "A/0",
        "log(-1)",
        "\n",
        "//",
        "/*",
        "é",
        "99999999999999999999",
        "true",
        "species",
    ]
    for _ in range(changes):
        i, j = rng.randrange(len(tokens)), rng.randrange(len(tokens))
        match rng.randrange(4):
            case 0:
                tokens[i] = ""
            case 1:
                tokens[i] *= 2
            case 2:
                tokens[i], tokens[j] = tokens[j], tokens[i]
            case 3:
                tokens[i] = rng.choice(awkward)
    return "".join(tokens)


@settings(max_examples=150)
@given(which=st.integers(0, len(TEXTS) - 1), seed=st.integers(0, 10**9), changes=st.integers(1, 4))
def test_mutated_models(which: int, seed: int, changes: int) -> None:
    attempt(mutated(TEXTS[which], seed, changes))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(60))
def test_mutated_models_that_load_can_be_simulated_or_say_why_not(seed: int) -> None:
    """Numbers, or a status, or one of our errors: nothing else."""
    rng = random.Random(seed)
    model = None
    while model is None:
        model = attempt(mutated(rng.choice(TEXTS), rng.randrange(10**9), 2))
    with silence():
        try:
            ds = model.simulate(np.linspace(0, 5, 6), outputs=model.species or model.observables[:3], max_steps=3000)
        except LeukineticsError as error:
            assert str(error)
            return
    if not Status(ds["status"].item()).ok:
        assert np.isnan(values(ds)).all()
