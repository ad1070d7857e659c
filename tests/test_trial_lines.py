"""The line of each key of a TOML text."""

from __future__ import annotations

import tomllib
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from leukinetics.trial.checks.lines import key_lines, line_of
from leukinetics.trial.toml_text import toml_text

LAYOUT = '''# a comment with [brackets] and = signs
title = "x" # [not.a.table]
"quoted key" = 1
a.b.c = 2
a."d.e" = 3
text = """
[fake]
arm = "no"
"""
literal = \'\'\'
[[fake]] \'\'
\'\'\'
[ table . inner ]
list = [
  1, # one
  {x = 1, y = {z = "}"}},
  [ "a,]",
    'b' ],
]
[[arm]]
name = 'one'
[[arm.dose]]
amount = "1 mg"
[[arm.dose]]
amount = "2 mg"
[[arm]]
[[arm.dose]]
amount = "3 mg"
[arm.extra]
when = 2020-01-01T00:00:00Z
'''


def test_the_lines_of_keys() -> None:
    tomllib.loads(LAYOUT)
    lines = key_lines(LAYOUT)
    expected = {
        ("title",): 2, ("quoted key",): 3, ("a", "b", "c"): 4, ("a", "b"): 4, ("a", "d.e"): 5, ("text",): 6,
        ("literal",): 10, ("table", "inner"): 13, ("table", "inner", "list"): 14, ("table", "inner", "list", 0): 15,
        ("table", "inner", "list", 1): 16, ("table", "inner", "list", 1, "y", "z"): 16,
        ("table", "inner", "list", 2): 17, ("table", "inner", "list", 2, 1): 18,
        ("arm",): 20, ("arm", 0): 20, ("arm", 0, "name"): 21, ("arm", 0, "dose", 0): 22,
        ("arm", 0, "dose", 0, "amount"): 23, ("arm", 0, "dose", 1): 24, ("arm", 0, "dose", 1, "amount"): 25,
        ("arm", 1): 26, ("arm", 1, "dose", 0): 27, ("arm", 1, "dose", 0, "amount"): 28, ("arm", 1, "extra", "when"): 30,
    }  # fmt: skip
    assert {path: lines.get(path) for path in expected} == expected
    assert ("fake",) not in lines
    assert line_of(("arm", 1, "dose", 0, "route"), lines) == 27
    assert line_of(("arm", 1, "dosis", 3), lines) == 26
    assert line_of(("nowhere",), lines) is None


KEYS = st.text(max_size=6)
SCALARS = st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=12)
TREES = st.dictionaries(
    KEYS,
    st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, min_size=1, max_size=3),
        max_leaves=8,
    ),
    max_size=5,
)


@given(TREES)
@settings(deadline=None)
def test_every_key_of_a_toml_text_has_its_line(data: dict[str, Any]) -> None:
    text = toml_text(data)
    lines = key_lines(text)
    written = text.split("\n")

    def walk(value: Any, path: tuple[Any, ...]) -> None:
        if path:
            assert path in lines
            assert 1 <= lines[path] <= len(written)
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            walk(inner, (*path, key)) if isinstance(inner, (dict, list)) else None

    walk(tomllib.loads(text), ())
