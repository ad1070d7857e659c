"""Protocols: what may stand in one, and the message for what may not."""

from __future__ import annotations

import copy
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import leukinetics as lk
from leukinetics import ProtocolError
from leukinetics.trial.toml_text import toml_text

TOML = """
[trial]
name = "test"
condition = "inflamed"
duration = "12 weeks"
patients_per_arm = 20
seed = 3

[population]
weight = {mean = 92, sd = 15, unit = "kg"}
genotype.rs1 = 1

[eligibility]
crp = ">= 2 mg/L"

[[arm]]
name = "placebo"

[[arm]]
name = "150 mg"
background = [{drug = "mab", amount = "1 mg", route = "iv"}]
[[arm.dose]]
drug = "mab"
amount = "8 mg/kg"
cap = "800 mg"
route = "sc"
every = "4 weeks"

[[endpoint]]
id = "crp"
observable = "crp"
kind = "percent_change"
at = "12 weeks"
noise = true
"""


def protocol(**changes: Any) -> dict[str, Any]:
    """The protocol above with entries replaced by dotted name ("arm.1.dose.0.amount"); None removes."""
    data = copy.deepcopy(tomllib.loads(TOML))
    for path, value in changes.items():
        *steps, last = [int(s) if s.isdigit() else s for s in path.split("__")]
        place: Any = data
        for step in steps:
            place = place[step]
        if value is None:
            del place[last]
        else:
            place[last] = value
    return data


def test_a_protocol_is_read(tmp_path: Path) -> None:
    path = tmp_path / "trial.toml"
    path.write_text(TOML)
    for read in (lk.read_protocol(path), lk.read_protocol(tomllib.loads(TOML))):
        assert read.trial.duration == 84.0
        assert read.drugs == ["mab"]
        dose = read.arm[1].dose[0]
        assert (dose.amount.value, dose.amount.unit, dose.amount.per_kg, dose.every) == (8.0, "mg", True, 28.0)
        assert read.eligibility["crp"][0].value == 2.0
    assert lk.read_protocol(path).text == TOML


def test_a_mapping_is_kept_as_toml() -> None:
    data = protocol(trial__name='a "quoted" name, é')
    assert tomllib.loads(lk.read_protocol(data).text) == data
    with pytest.raises(ProtocolError, match=r"'a\.b' is"):
        toml_text({"a": {"b": object()}})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"trial__duraton": "1 d"}, r"^trial: unknown key 'duraton'; .* Did you mean 'duration'\?$"),
        (
            {"arm__1__dose__0__amout": "1 mg"},
            r"^arm 2 \('150 mg'\), dose 1: unknown key 'amout'.* Did you mean 'amount'",
        ),
        ({"arms": []}, r"^unknown key 'arms'.* 'arm'\?$"),
        ({"trial__duration": None}, r"^trial, duration: this key is missing; add it\.$"),
        ({"trial__duration": "12 weaks"}, r"^trial, duration: 'weaks'"),
        ({"trial__duration": "0 d"}, r"^trial, duration: it must be longer than nothing\.$"),
        ({"trial__duration": 12}, r"^trial, duration: 12 is not a quantity"),
        ({"trial__patients_per_arm": 0}, r"^trial, patients_per_arm: .*greater than or equal to 1 \(it is 0\)\.$"),
        ({"trial__patients_per_arm": 2.5}, r"^trial, patients_per_arm: .*whole number.* \(it is 2\.5\)"),
        ({"trial__design": "crossover"}, r"^trial, design: .*'twins' or 'parallel' \(it is 'crossover'\)\.$"),
        ({"trial__clock": True}, r"^trial: 'clock = true' and 'start'"),
        ({"trial__start": "09:00"}, r"^trial: 'clock = true' and 'start'"),
        ({"trial__start": "25:00"}, r"^trial, start: '25:00' is not a clock time"),
        ({"eligibility__crp": "at least 2"}, r"^eligibility, crp: .*'>= 2 mg/L'"),
        (
            {"trial__duration": "12"},
            r"duration: '12' has no unit; write a duration such as '16 weeks'",
        ),
        ({"arm": []}, r"^arm: there must be at least one\."),
        ({"arm__1__name": "placebo"}, r"two arms are named 'placebo'"),
        ({"arm__1__dose__0__amount": "150"}, r"dose 1, amount: '150' has no unit"),
        ({"arm__1__dose__0__amount": "0 mg"}, r"dose 1, amount: '0 mg' is no amount"),
        ({"arm__1__dose__0__every": None, "arm__1__dose__0__count": 3}, r"'count' is 3, but 'every' is missing"),
        ({"arm__1__dose__0__start": "2 d", "arm__1__dose__0__stop": "1 d"}, r"'stop' is not after 'start'"),
        ({"arm__1__dose__0__start": "-2 d"}, r"dose 1, start: it must not be negative"),
        ({"endpoint__0__kind": "percent"}, r"^endpoint 1 \('crp'\), kind: .*'percent_change'"),
        ({"endpoint__0__at": None}, r"^endpoint 1 \('crp'\): kind 'percent_change' needs 'at'"),
        ({"endpoint__0__at": "13 weeks"}, r"endpoint 'crp' is read at day 91, after the trial's end on day 84"),
        ({"endpoint__0__from": "1 d"}, r"'from', 'to' and 'every' do not go with kind 'percent_change'"),
        ({"endpoint__0__kind": "maximum"}, r"'at' does not go with kind 'maximum'"),
        ({"endpoint__0__kind": "maximum", "endpoint__0__at": None}, r"kind 'maximum' needs 'every'"),
        (
            {"endpoint__0__kind": "maximum", "endpoint__0__at": None, "endpoint__0__every": "1 s"},
            r"endpoint 'crp' samples 84 days every 1\.1574\d?e-05; its window must hold 1 to 100,000 intervals",
        ),
        (
            {"endpoint__0__kind": "maximum", "endpoint__0__at": None, "endpoint__0__every": "13 weeks"},
            r"endpoint 'crp' samples 84 days every 91; its window must hold 1 to",
        ),
        (
            {"endpoint__0__observable": "mab"},
            r"^endpoint 1 \('crp'\), kind: the level of 'mab' at time 0, .* has no percent_change; use 'value'\.$",
        ),
        ({"arm__1__name": "x" * 201}, r"^arm 2 .*, name: it has more than 200 characters; write it shorter\.$"),
        ({"arm__1__name": ""}, r"^arm 2, name: it must not be empty\.$"),
        ({"power": {"sizes": [20, 100_001]}}, r"^power: .* 100,000 patients per arm at most"),
        ({"endpoint__0__kind": "responder"}, r"kind 'responder' needs a 'threshold'"),
        ({"endpoint__0__threshold": "< 2 mg/L"}, r"kind 'percent_change' has no use for a 'threshold'"),
        (
            {"endpoint__0__compare_to": "placbo"},
            r"^endpoint 1 \('crp'\), compare_to: there is no arm 'placbo'\. Did you mean 'placebo'",
        ),
    ],
)
def test_a_mistake_is_named_with_its_place(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ProtocolError, match=message):
        lk.read_protocol(protocol(**changes))


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "trial.toml"
    path.write_text(TOML.replace("12 weeks", "12 weaks").replace('"sc"', "5"))
    with pytest.raises(ProtocolError) as error:
        lk.read_protocol(path)
    lines = str(error.value).splitlines()
    assert lines[0] == f"{path} has 3 problems:"
    assert [line.partition(": ")[0] for line in lines[1:]] == [
        f"{path}, line 5, trial, duration",
        f"{path}, line 26, arm 2 ('150 mg'), dose 1, route",
        f"{path}, line 33, endpoint 1 ('crp'), at",
    ]


def test_a_file_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match="cannot be read: No such file"):
        lk.read_protocol(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("[trial\n")
    with pytest.raises(ProtocolError, match="is not valid TOML"):
        lk.read_protocol(tmp_path / "bad.toml")
    (tmp_path / "latin.toml").write_bytes(b'name = "\xe9"')
    with pytest.raises(ProtocolError, match="is not valid TOML"):
        lk.read_protocol(tmp_path / "latin.toml")
    for what in (None, [1], 3):
        with pytest.raises(ProtocolError, match="is no protocol; give the path"):
            lk.read_protocol(what)  # type: ignore[arg-type]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=5,
)


@given(
    st.sampled_from(["trial", "arm", "endpoint", "population", "eligibility", "parameter"]),
    st.sampled_from(["name", "duration", "dose", "at", "kind", "seed", "weight", "crp"]),
    VALUES,
)
def test_rubbish_is_refused_in_words(table: str, key: str, value: object) -> None:
    for data in (
        {**protocol(), table: value},
        {**protocol(), table: {key: value}},
        {**protocol(), table: [{key: value}]},
    ):
        try:
            lk.read_protocol(data)
        except ProtocolError as error:
            assert str(error)
