"""The cache of compiled models on disk: shared, safe against damage, honest when it cannot be written."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

import leukinetics as lk
from leukinetics.engine import toolchain
from leukinetics.engine.cache import compiled

MODEL = "model m()\n x' = -k*x; x = 1; k = 0.5;\nend"
RUN = f"""
import leukinetics as lk
print(repr(lk.load_model({MODEL!r}).simulate([0.0, 1.0], outputs="x", rtol=1e-8)["x"].values.tolist()))
"""
EXACT = [[1.0, pytest.approx(0.6065306597, rel=1e-6)]]


def source(number: int) -> str:
    """C that is quick to compile."""
    return f'__attribute__((visibility("default"))) long answer(void) {{ return {number}; }}\n'


def answer(library: Path) -> int:
    return int(ctypes.CDLL(str(library)).answer())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache; its parent does not exist yet."""
    place = tmp_path / "deep" / "cache with spaces"
    monkeypatch.setenv("LEUKINETICS_CACHE", str(place))
    return place


def builds(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Records what is compiled from now on."""
    made: list[Path] = []
    build = toolchain.Compiler.build

    def recording(self: toolchain.Compiler, text: Path, library: Path) -> None:
        made.append(text)
        build(self, text, library)

    monkeypatch.setattr(toolchain.Compiler, "build", recording)
    return made


def test_compiled_once_and_found_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = builds(monkeypatch)
    first = compiled(source(1))
    assert answer(first) == 1 and first.parent == folder
    assert compiled(source(1)) == first and len(made) == 1
    second = compiled(source(2))
    assert second != first and answer(second) == 2 and len(made) == 2
    assert not [p for p in folder.iterdir() if p.suffix not in (".so", ".sha256")]  # nothing is left lying about


def _truncate(library: Path) -> None:
    library.write_bytes(library.read_bytes()[:-100])


def _empty(library: Path) -> None:
    library.write_bytes(b"")


def _garbage(library: Path) -> None:
    library.write_bytes(os.urandom(library.stat().st_size))


def _flip(library: Path) -> None:
    data = bytearray(library.read_bytes())
    data[len(data) // 2] ^= 1
    library.write_bytes(data)


def _without_sum(library: Path) -> None:
    library.with_suffix(".sha256").unlink()


def _wrong_sum(library: Path) -> None:
    library.with_suffix(".sha256").write_bytes(b"\xff\xfe\x00")


def _only_sum(library: Path) -> None:
    library.unlink()


@pytest.mark.parametrize(
    "damage", [_truncate, _empty, _garbage, _flip, _without_sum, _wrong_sum, _only_sum], ids=lambda f: f.__name__[1:]
)
def test_a_damaged_entry_is_built_again(damage, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    library = compiled(source(3))
    damage(library)
    made = builds(monkeypatch)
    assert answer(compiled(source(3))) == 3
    assert len(made) == 1
    compiled(source(3))
    assert len(made) == 1


def test_a_foreign_entry_is_built_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another model's library under this model's name."""
    mine, other = compiled(source(4)), compiled(source(5))
    mine.write_bytes(other.read_bytes())
    assert answer(compiled(source(4))) == 4


def test_other_flags_or_compilers_have_other_entries(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = compiled(source(6))
    monkeypatch.setattr(toolchain, "_FLAGS", (*toolchain._FLAGS, "-g0"))
    second = compiled(source(6))
    monkeypatch.setattr("leukinetics.engine.cache.flags_identity", lambda: "another processor")
    assert len({first, second, compiled(source(6))}) == 3


def unwritable(tmp_path: Path) -> Path:
    """A path below a file: no user, not even root, can make a folder there."""
    (tmp_path / "file").write_text("not a folder")
    return tmp_path / "file" / "cache"


def test_an_unwritable_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEUKINETICS_CACHE", str(unwritable(tmp_path)))
    with pytest.raises(lk.EngineError, match="LEUKINETICS_CACHE"):
        lk.load_model("model m()\n x' = -2*x; x = 1;\nend").simulate([1.0], outputs="x")


@pytest.mark.skipif(
    os.name == "nt" or not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere"
)
def test_a_folder_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o500)
    monkeypatch.setenv("LEUKINETICS_CACHE", str(tmp_path / "cache"))
    try:
        with pytest.raises(lk.EngineError, match="LEUKINETICS_CACHE"):
            compiled(source(7))
    finally:
        tmp_path.chmod(0o700)


def test_code_that_does_not_compile(folder: Path) -> None:
    with pytest.raises(lk.EngineError, match=r"failed on the generated model code[\s\S]*error"):
        compiled("this is no C")
    assert list(folder.iterdir()) == []


def python(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *arguments],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_processes_that_compile_the_same_model_at_once(folder: Path) -> None:
    children = [python("-c", RUN, LEUKINETICS_CACHE=str(folder)) for _ in range(3)]
    told = [child.communicate(timeout=300) for child in children]
    assert [child.returncode for child in children] == [0, 0, 0], told
    assert all(eval(out) == EXACT for out, _ in told)
    assert len({out for out, _ in told}) == 1
    assert sorted(p.suffix for p in folder.iterdir()) == [".json", ".sha256", ".so"]  # the model read, and compiled


@pytest.mark.slow
def test_another_process_finds_the_entry(folder: Path) -> None:
    """The second process has no compiler."""
    first = python("-c", RUN, LEUKINETICS_CACHE=str(folder))
    assert first.communicate(timeout=300)[0] and first.returncode == 0
    no_compiler = "import leukinetics.engine.toolchain\ndel leukinetics.engine.toolchain.Compiler.build\n"
    second = python("-c", no_compiler + RUN, LEUKINETICS_CACHE=str(folder))
    out, err = second.communicate(timeout=300)
    assert second.returncode == 0 and eval(out) == EXACT, err
