"""The reference of the protocol in docs/protocol.md: written from the tables, whole and current."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from leukinetics import LeukineticsError
from leukinetics.commands.protocol_page import BEGIN, END, main, page, reference
from leukinetics.trial.checks.schema import part_of
from leukinetics.trial.protocol import Dose, Match, Part, Protocol
from leukinetics.trial.statistics.scale import analysis_of

PAGE = Path(__file__).parents[1] / "docs" / "protocol.md"


def test_the_committed_page_is_current() -> None:
    text = PAGE.read_text("utf-8")
    assert text == page(text), "run python -m leukinetics.commands.protocol_page docs/protocol.md"


def tables() -> list[tuple[str, type[Part]]]:
    found = [(name, part_of(field.annotation)[0]) for name, field in Protocol.model_fields.items()]
    return [*((name, part) for name, part in found if part), ("arm.dose", Dose), ("population.match", Match)]


def test_every_key_has_a_meaning_and_an_example_that_is_toml() -> None:
    text = reference()
    for name, part in tables():
        start = re.search(rf"^###+ `\[\[?{re.escape(name)}\]\]?`", text, re.MULTILINE)
        assert start, name
        section = text[start.end() :].partition("\n### ")[0]
        for key in part.known_keys():
            row = re.search(rf"^\| `{key}` \| (.+?) \| (.+?) \| (.*?) \| (.+) \|$", section, re.MULTILINE)
            assert row, f"{name}.{key}"
            assert len(row[1]) > 5, f"{name}.{key}"
            example = row[4]
            if example != "see below":
                value = tomllib.loads(f"x = {example.strip('`')}")["x"]
                assert value is not None
                assert value != ""


def test_examples_are_those_of_a_valid_protocol() -> None:
    """Each row's example is of the kind that the row says."""
    text = reference()
    for kind, pattern in {
        "duration": r'"[\d.]+ \w+"', "clock time": r'"\d\d:\d\d"', "`true` or `false`": "true|false",
        "amount": r'"\d+ mg"', "number": r"[\d.]+",
    }.items():  # fmt: skip
        rows = re.findall(rf"^\| `\w+` \| .+? \| {kind}(?: [a-z]+ \S+)* \| .*? \| `(.+)` \|$", text, re.MULTILINE)
        assert rows, kind
        for example in rows:
            assert re.fullmatch(pattern, example), f"{kind}: {example}"


def test_the_analysis_of_a_kind_is_the_one_that_is_used() -> None:
    from leukinetics.trial.protocol import Endpoint
    from leukinetics.trial.protocol.endpoint import FITTING, KINDS

    assert set(FITTING) == set(KINDS)
    for kind, fitting in FITTING.items():
        endpoint = Endpoint.model_construct(id="e", observable="crp", kind=kind, analysis=None, statistic=None)
        assert analysis_of(endpoint) == fitting[0]


def test_the_page_is_written_between_its_marks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "page.md"
    path.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    assert main([str(path)]) == 0
    text = path.read_text()
    assert text.startswith(f"before\n{BEGIN}\n\n### `[trial]`\n")
    assert text.endswith(f"\n{END}\nafter\n")
    assert main([str(path)]) == 0
    assert path.read_text() == text
    path.write_text("no marks")
    assert main([str(path)]) == 1
    assert "has no marks" in capsys.readouterr().err
    assert path.read_text() == "no marks"
    assert main([]) == 2
    with pytest.raises(LeukineticsError, match="has no marks"):
        page(END + BEGIN)
