"""Models read before: the same system comes back, and a damaged entry is read anew."""

from __future__ import annotations

from pathlib import Path

import pytest

import leukinetics as lk
from leukinetics.engine.cache import cache_folder
from leukinetics.engine.sbml import read_model
from leukinetics.engine.system_cache import from_json, to_json

MODELS = sorted((Path(__file__).parent / "models").glob("*.*"))


@pytest.mark.parametrize("path", MODELS, ids=lambda p: p.name)
def test_nothing_is_lost(path: Path) -> None:
    system = read_model(path)
    again = from_json(to_json(system))
    assert to_json(again) == to_json(system)
    assert repr(again.inputs) == repr(system.inputs)  # as text: NaN is not equal to itself
    assert again.events == system.events
    assert again.dose_targets == system.dose_targets
    assert [again.graph.add(a, a) for a in range(9)] == [system.graph.add(a, a) for a in range(9)]


@pytest.mark.parametrize("damage", [b"", b"rubbish", b"0\n{}", None])
def test_a_damaged_entry_is_read_anew(damage: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEUKINETICS_CACHE", str(tmp_path))
    text = "model m()\n species S = 3; J: S -> ; k*S; k = 0.5\nend"
    first = read_model(text)
    (entry,) = cache_folder().glob("*.json")
    content = entry.read_bytes()
    entry.write_bytes(content[: len(content) // 2] if damage is None else damage)
    assert to_json(read_model(text)) == to_json(first)
    assert entry.read_bytes() == content


def test_a_folder_that_cannot_be_written_is_no_obstacle_to_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LEUKINETICS_CACHE", str(tmp_path / "file" / "folder"))
    assert lk.load_model("model m()\n species S = 3; J: S -> ; 2*S\nend").species == ["S"]
