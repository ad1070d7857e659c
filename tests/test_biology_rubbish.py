"""Files that are no text, are missing, or hold rubbish: a message, never a crash."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from biology_folder import FILES, write_folder
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leukinetics import biology
from leukinetics.biology.conditions import read_condition
from leukinetics.biology.drugs import emit
from leukinetics.biology.folder import load
from leukinetics.biology.problems import BiologyError, Problems
from leukinetics.biology.tables import Toml
from leukinetics.errors import LeukineticsError, ModelError


def test_files_that_are_no_text(tmp_path: Path) -> None:
    write_folder(tmp_path)
    (tmp_path / "modules" / "binary.ant").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ModelError, match=r"binary\.ant' cannot be read as UTF-8 text: line 1 has the byte 0xff"):
        load(tmp_path)
    (tmp_path / "modules" / "binary.ant").write_bytes(b"// one\n// M\xfcller\n")
    with pytest.raises(ModelError, match="line 2 has the byte 0xfc; save it so"):
        load(tmp_path)


def test_a_byte_order_mark_is_no_part_of_a_file(tmp_path: Path) -> None:
    write_folder(tmp_path)
    plain = biology.assemble("castleman", drugs=["mab"], root=tmp_path).hash
    for name in FILES:
        path = tmp_path / name
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert biology.assemble("castleman", drugs=["mab"], root=tmp_path).hash == plain


@pytest.mark.parametrize(("text", "message"), [(None, "there is no such file"), ("\n", "the table is empty")])
def test_a_missing_table_is_one_problem(tmp_path: Path, text: str | None, message: str) -> None:
    write_folder(tmp_path)
    path = tmp_path / "parameters.tsv"
    path.unlink()
    if text is not None:
        path.write_text(text)
    (problem,) = biology.check(tmp_path)
    assert (problem.file, problem.line) == ("parameters.tsv", 1) and problem.message.startswith(message)
    with pytest.raises(BiologyError, match=message):
        biology.assemble("castleman", root=tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(BiologyError, match="a biology folder needs it"):
        biology.assemble("healthy", root=tmp_path / "empty")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(name=st.sampled_from(sorted(FILES)), data=st.data())
def test_files_with_a_hole_or_rubbish_are_reported_not_crashed_on(
    tmp_path: Path, name: str, data: st.DataObject
) -> None:
    write_folder(tmp_path)
    path = tmp_path / name
    text = path.read_text()
    start = data.draw(st.integers(0, len(text)))
    stop = data.draw(st.integers(start, min(len(text), start + 40)))
    path.write_text(text[:start] + data.draw(st.text(alphabet='ab1.=[]"{}\t\n;:>-+(', max_size=6)) + text[stop:])
    for problem in biology.check(tmp_path):
        assert problem.message and problem.line >= 1
    try:
        biology.assemble("castleman", drugs=["mab", "rhil6"], root=tmp_path)
    except LeukineticsError as error:
        assert str(error)


JUNK = (None, 3, math.nan, 10**400, "", "IL6", [], ["plasma"], [{}], {}, {"value": 1}, True)


def test_any_value_of_another_type_is_reported(tmp_path: Path) -> None:
    """Every key of the drug and condition files in turn gets values of all types."""
    folder = load(write_folder(tmp_path))
    read: list[tuple[Toml, Callable[..., object]]] = [(d, emit) for d in folder.drugs.values()]
    read += [(c, read_condition) for c in folder.conditions.values()]
    for document, reader in read:
        for path in _paths(document.content):
            for junk in JUNK:
                changed = copy.deepcopy(document)
                inner = changed.content
                for key in path[:-1]:
                    inner = inner[key]
                inner[path[-1]] = copy.deepcopy(junk)
                reader(changed, folder, Problems())


def _paths(value: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if here:
        yield here
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from _paths(inner, (*here, key))
