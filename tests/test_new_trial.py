"""``leukinetics new trial`` writes a protocol that is valid, whatever of it is switched on, and runs."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from leukinetics import DataError, ModelError, trial
from leukinetics.biology.folder import load
from leukinetics.cli import app
from leukinetics.commands.new import CHALLENGES, new_trial, protocol_text
from leukinetics.trial.checks.schema import part_of
from leukinetics.trial.protocol import Protocol

HERE = Path("trial.toml")
SWITCHED_OFF = re.compile(r"^#(?! |$)", re.MULTILINE)
DRUGS, CONDITIONS = sorted(load(None).drugs), sorted(load(None).conditions)
#: What needs the modules that it acts in.
AT_HOME = {"aerobic_exercise": "mdd", "energy_restriction": "mdd"} | dict.fromkeys(
    ("chemotherapy", "nutritional_supplement", "resistance_exercise"), "cachexia_nsclc"
)


def parts(text: str) -> list[str]:
    """The text in pieces that each begin with a table, switched on or off, or with a comment above one."""
    return re.split(r"\n(?=#?\[)", text)


def test_it_runs(tmp_path: Path) -> None:
    path = tmp_path / "my trial.toml"
    assert new_trial(out=path).startswith(f"wrote {path}; ")
    result = trial.run(path, patients=3)
    assert result.summary["patients"]["enrolled"] == 6
    assert [arm.name for arm in result.protocol.arm] == ["placebo", "150 mg sc every 4 weeks"]


@pytest.mark.parametrize("drug", DRUGS)
def test_every_drug_has_a_valid_protocol(drug: str) -> None:
    text = protocol_text(AT_HOME.get(drug, "metabolic_inflammation"), drug, HERE)
    read = trial.prepare(tomllib.loads(text)).protocol
    assert read.drugs == [drug]
    everything = tomllib.loads(SWITCHED_OFF.sub("", text))
    trial.prepare(everything)


@pytest.mark.parametrize("condition", CONDITIONS)
def test_every_condition_has_a_valid_protocol(condition: str) -> None:
    text = protocol_text(condition, "canakinumab", HERE)
    assert trial.prepare(tomllib.loads(text)).protocol.trial.condition == condition
    trial.prepare(tomllib.loads(SWITCHED_OFF.sub("", text)))


def test_healthy_people_are_made_ill_in_both_arms() -> None:
    """A condition that a challenge brings is nothing without the challenge."""
    arms = tomllib.loads(protocol_text("endotoxaemia", "anakinra", HERE))["arm"]
    given = [{"drug": "lps", "amount": "2 ng/kg", "route": "iv"}]
    assert [arm["background"] for arm in arms] == [given, given]
    assert [arm.get("dose", [{}])[0].get("drug") for arm in arms] == [None, "anakinra"]
    for condition, drug in CHALLENGES.items():
        alone = tomllib.loads(protocol_text(condition, drug, HERE))["arm"]
        assert all("background" not in arm for arm in alone)


def test_the_usual_regimen_is_that_of_the_condition() -> None:
    def dose(condition: str, drug: str) -> dict[str, str]:
        return dict(tomllib.loads(protocol_text(condition, drug, HERE))["arm"][1]["dose"][0])

    assert dose("post_mi", "canakinumab")["every"] == "13 weeks"
    assert dose("caps", "canakinumab")["every"] == "8 weeks"
    assert dose("rheumatoid_arthritis", "tocilizumab") == {
        "drug": "tocilizumab", "amount": "8 mg/kg", "route": "iv", "every": "4 weeks", "duration": "1 hour",
        "cap": "800 mg",
    }  # fmt: skip
    assert "every" not in dose("endotoxaemia", "lps")
    assert tomllib.loads(protocol_text("endotoxaemia", "lps", HERE))["trial"]["duration"] == "1 day"


def test_each_table_that_is_switched_off_is_valid_when_it_is_switched_on() -> None:
    text = protocol_text("post_mi", "canakinumab", HERE)
    pieces = parts(text)
    tried = 0
    for i, piece in enumerate(pieces):
        if not piece.startswith("#["):
            continue
        one = "\n".join([*pieces[:i], SWITCHED_OFF.sub("", piece), *pieces[i + 1 :]])
        assert tomllib.loads(one) != tomllib.loads(text)
        trial.prepare(tomllib.loads(one))
        tried += 1
    assert tried >= 15


def test_each_line_that_is_switched_off_is_valid_when_it_is_switched_on() -> None:
    """The clock goes with its start, and visits with their analysis."""
    lines = protocol_text("post_mi", "canakinumab", HERE).split("\n")
    table, tried = "", 0
    for i, line in enumerate(lines):
        table = line if re.match(r"#?\[", line) else table
        if table.startswith("#") or not re.match(r"#[a-z]", line) or re.match(r"#(start = \"09|analysis)", line):
            continue
        on = {i, i + 1} if re.match("#(clock|visits)", line) else {i}
        trial.prepare(tomllib.loads("\n".join(x.removeprefix("#") if j in on else x for j, x in enumerate(lines))))
        tried += 1
    assert tried >= 15


def test_every_table_and_nearly_every_key_is_shown() -> None:
    shown = tomllib.loads(SWITCHED_OFF.sub("", protocol_text("post_mi", "canakinumab", HERE)))
    assert shown.keys() == set(Protocol.known_keys())
    missing = set()
    for name, field in Protocol.model_fields.items():
        part, listed = part_of(field.annotation)
        if part is None:
            continue
        tables = shown[name] if listed else [shown[name]]
        missing |= {f"{name}.{key}" for key in part.known_keys() if not any(key in table for table in tables)}
    assert missing == {
        "population.table", "endpoint.margin", "endpoint.statistic", "endpoint.independent_of",
        "endpoint.associated_with", "endpoint.within", "endpoint.rebaseline", "endpoint.event_free", "subgroup.unit",
        "subgroup.endpoint", "sensitivity.samples", "sensitivity.parameters", "also.instead", "power.others",
    }  # fmt: skip
    of_relapses = tomllib.loads(SWITCHED_OFF.sub("", protocol_text("ms_rr", "natalizumab", HERE)))["endpoint"]
    assert any({"independent_of", "within", "rebaseline", "event_free"} <= endpoint.keys() for endpoint in of_relapses)


def test_a_file_that_is_there_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "trial.toml"
    path.write_text("mine")
    with pytest.raises(DataError, match=r"trial\.toml' is there already, and is not replaced"):
        new_trial(out=path)
    assert path.read_text() == "mine"
    with pytest.raises(DataError, match=r"must end in \.toml"):
        new_trial(out=tmp_path / "trial.txt")
    with pytest.raises(DataError, match="nowhere"):
        new_trial(out=tmp_path / "nowhere" / "trial.toml")
    for condition, drug, message in (
        ("post_my", "canakinumab", "There is no condition 'post_my'.* Did you mean 'post_mi'"),
        ("post_mi", "canakinumap", "There is no drug 'canakinumap'.* Did you mean 'canakinumab'"),
    ):
        with pytest.raises(ModelError, match=message):
            new_trial(condition, drug, tmp_path / "new.toml")
    assert [p.name for p in tmp_path.iterdir()] == ["trial.toml"]


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    command = ["new", "trial", "--condition", "sle", "--drug", "anifrolumab"]
    found = CliRunner().invoke(app, command)
    assert found.exit_code == 0
    assert found.stdout == ""
    assert "leukinetics trial trial.toml --dry-run" in found.stderr
    assert tomllib.loads(HERE.read_text())["arm"][1]["dose"][0]["duration"] == "30 minutes"
    again = CliRunner().invoke(app, command)
    assert again.exit_code == 1
    assert "error: 'trial.toml' is there already" in again.stderr
