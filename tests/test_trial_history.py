"""Trials of patients who have been ill for some time: one time axis, each with an onset of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from biology_folder import write_folder

from leukinetics import biology
from leukinetics.errors import DataError, ProtocolError
from leukinetics.patients.spread import Spread, check_typical, parse_spread
from leukinetics.trial.outcome import run_candidates
from leukinetics.trial.prepare import prepare
from leukinetics.trial.screen import screen

YEAR = 365.25


def protocol(**more: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "trial": {
            "name": "history", "condition": "ms_rr", "duration": "1 year", "patients_per_arm": 12, "design": "twins",
            "seed": 4,
        },
        "population": {"disease_duration": {"median": 3, "ln": 0.5, "low": 1, "high": 6, "unit": "year"}},
        "arm": [
            {"name": "placebo"},
            {"name": "drug", "dose": [{"drug": "natalizumab", "amount": "300 mg", "route": "iv", "every": "4 weeks"}]},
        ],
        "endpoint": [
            {"id": "relapses", "observable": "relapses", "kind": "change", "at": "1 year"},
            {"id": "before", "observable": "relapses", "kind": "value", "at": "0 d"},
            {"id": "luck", "observable": "trigger_luck", "kind": "value", "at": "1 year"},
            {"id": "pulse", "observable": "innate_pulse", "kind": "value", "at": "1 year"},
            {"id": "gd", "observable": "gd_lesions", "kind": "value", "at": "1 year"},
        ],
    }  # fmt: skip
    return found | more


def test_the_simulation_begins_before_anybodys_onset() -> None:
    prepared = prepare(protocol())
    assert prepared.lead == np.ceil(6 * YEAR) and prepared.fixed == {"history_lead": prepared.lead}
    assert prepare(protocol(population={})).lead == np.ceil(30 * YEAR)  # what the condition says
    assert prepare(protocol(population={"disease_duration": {"value": 2.5, "unit": "year"}})).lead == 914.0


def test_a_condition_at_rest_has_no_history() -> None:
    trial = protocol()["trial"] | {"condition": "healthy"}
    endpoint = [{"id": "crp", "observable": "crp", "kind": "value", "at": "1 week"}]
    prepared = prepare({"trial": trial, "arm": [{"name": "placebo"}], "endpoint": endpoint})
    assert prepared.lead == 0.0 and prepared.fixed == {}
    clock = prepare(
        {"trial": trial | {"start": "09:00", "clock": True}, "arm": [{"name": "placebo"}], "endpoint": endpoint}
    )
    assert 3.0 <= clock.lead < 4.0 and set(clock.fixed) == {"clock_on", "clock_start"}


def test_a_clock_goes_on_with_a_history() -> None:
    trial = protocol()["trial"] | {"start": "09:00", "clock": True}
    with_clock, without = prepare(protocol(trial=trial)), prepare(protocol())
    assert with_clock.fixed["history_lead"] == with_clock.lead
    assert 3.0 <= with_clock.lead - without.lead < 4.0  # whole days more than without a history


def test_a_history_without_end_is_refused() -> None:
    endless = {"disease_duration": {"median": 3, "ln": 0.5, "unit": "year"}}
    with pytest.raises(ProtocolError, match=r"'disease_duration' has no longest value.*give it 'high'"):
        prepare(protocol(population=endless))


def test_twins_share_their_history_and_their_luck() -> None:
    prepared = prepare(protocol())
    found = run_candidates(prepared, [{}])
    value = {name: v.numbers[0] for name, v in found.endpoints.items()}
    assert np.array_equal(value["luck"][0], value["luck"][1])  # as many triggers, of the same sizes
    assert np.allclose(value["pulse"][0], value["pulse"][1], rtol=1e-3, atol=1e-5)
    assert np.array_equal(value["before"][0], value["before"][1]) and value["before"].max() > 0
    assert value["gd"][1].mean() < 0.5 * value["gd"][0].mean()
    apart = run_candidates(prepare(protocol()), [{}, {"gd_duration": 20.0}], threads=1)
    for name, v in found.endpoints.items():
        assert np.array_equal(v.numbers[0], apart.endpoints[name].numbers[0]), name
    assert np.array_equal(apart.endpoints["luck"].numbers[0], apart.endpoints["luck"].numbers[1])


def test_people_are_screened_at_the_end_of_their_history() -> None:
    prepared = prepare(protocol(eligibility={"gd_lesions": ">= 0"}))
    people = np.arange(12)
    seen = screen(prepared, [{}], people, np.ones(1, dtype=bool), 1, None).columns["screening.gd_lesions"][0]
    assert np.all(np.isfinite(seen)) and seen.max() > 0


ONSET = 'duration = "ill_for"\nonset_age = {'
VALUE = '}\n[population.ill_for]\nvalue = 3\nunit = "year"'


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ('duration = "weight"', "the duration of the history is 'weight', which is no covariate that is a time."),
        ('duration = "ill_fot"', "which is no covariate that is a time. Did you mean 'ill_for'?"),
        ('length = "ill_for"', "'length' is unknown in [history]."),
        ('duration = "ill_for"', "[population.ill_for] needs 'high' (or one 'value')"),
        ('duration = "ill_for"\n[population.ill_for]\nvalue = 3\nunit = "year"', ""),
        ('duration = "ill_for"\nonset_age = 10\n[population.ill_for]\nvalue = 3\nunit = "year"', "must be a table"),
        (f"{ONSET}low = true, unit = 'year'{VALUE}", "low of the age at onset is 'True', not a number."),
        (f"{ONSET}low = 10, unit = 'mg'{VALUE}", "the age at onset is in mg; give a time, such as year."),
        (f"{ONSET}low = 10, unit = 'yaer'{VALUE}", "the unit of the age at onset: "),
        (f"{ONSET}high = 10, unit = 'year'{VALUE}", "'high' is unknown"),
    ],
)
def test_conditions_say_what_a_history_needs(tmp_path: Path, lines: str, message: str) -> None:
    from textwrap import dedent

    from biology_folder import FILES

    rows = (
        "ill_for\t0\tyear\t\t\tderived\t\t\tpatient\tdefinition\n"
        "history_lead\t0\tday\t\t\tderived\t\t\tprotocol\tdefinition\n"
    )
    table = dedent(FILES["parameters.tsv"]).rstrip("\n") + "\n" + rows
    condition = f'id = "healthy"\n[history]\n{lines}\n'
    module = "// History.\nonset = max(history_lead - ill_for, 0);\n"
    root = write_folder(
        tmp_path,
        {"parameters.tsv": table, "conditions/healthy.toml": condition, "modules/history.ant": module},
    )
    found = [p for p in biology.check(root) if p.file == "conditions/healthy.toml"]
    if not message:
        assert found == [] and biology.assemble("healthy", root=root).condition.history == "ill_for"  # type: ignore[union-attr]
        return
    assert any(message in p.message + p.suggestion and p.line > 1 for p in found), found


def test_uniform_spreads() -> None:
    spread = parse_spread("uniform 0.5", "x")
    assert spread == Spread("uniform", 0.5)
    assert np.allclose(spread.around(0.5, [-40.0, 0.0, 40.0]), [0.0, 0.5, 1.0])  # type: ignore[union-attr]
    assert spread.scaled(-7.0) == Spread("uniform", 3.5)  # type: ignore[union-attr]
    check_typical(spread, -1.0, "x")  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"'uniform 0.5'"):
        parse_spread("uniform", "x")


def test_a_typical_value_is_not_uncertain_by_a_uniform_spread(tmp_path: Path) -> None:
    from textwrap import dedent

    from biology_folder import FILES

    table = dedent(FILES["parameters.tsv"]).rstrip("\n")
    table += "\nluck\t50\t%\tuniform 50\tuniform 10\tassumed\t\t\tpatient\town choice\n"
    found = biology.check(write_folder(tmp_path, {"parameters.tsv": table}))
    assert [p.message for p in found if "luck" in p.message] == [
        "the uncertainty of 'luck' is 'uniform 10'; write 'ln 0.3', 'logit 0.5' or 'sd 5'."
    ]
    root = write_folder(tmp_path / "b", {"parameters.tsv": table.replace("\tuniform 10", "\t")})
    row = biology.assemble(root=root).parameters.set_index("id").loc["luck"]
    assert row["spread"] == "uniform 0.5" and row["value"] == 0.5
