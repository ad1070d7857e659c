"""Targets as data: what they say, how their errors are read, and that they agree with the data book."""

from __future__ import annotations

import csv
import math
import re
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from leukinetics.errors import DataError
from leukinetics.evidence import (
    Readout,
    Target,
    TargetError,
    load_targets,
    prepare_target,
    readouts,
    run_target,
    validate,
)
from leukinetics.evidence.baselines import baseline_targets
from leukinetics.evidence.derive.canakinumab_populations import POPULATIONS, total_il1b
from leukinetics.evidence.validate import not_simulated, targets_hash
from leukinetics.trial import read_protocol

BOOK = Path(__file__).parents[2] / "shared" / "databook"
BIOLOGY = Path(__file__).parents[1] / "leukinetics" / "biology"
needs_book = pytest.mark.skipif(not BOOK.is_dir(), reason="the data book is not beside this checkout")

STUDY: dict[str, Any] = {
    "id": "study",
    "title": "A study",
    "source": "doi:10.1000/none",
    "protocol": {
        "trial": {"name": "t", "condition": "healthy", "duration": "7 d", "patients_per_arm": 4},
        "arm": [{"name": "a"}, {"name": "b"}, {"name": "c"}],
        "endpoint": [
            {"id": "crp", "observable": "crp", "kind": "value", "at": "7 d"},
            {"id": "il6", "observable": "il6", "kind": "value", "at": "7 d"},
        ],
    },
}
READ: dict[str, Any] = {
    "id": "r", "role": "calibrate", "endpoint": "crp", "arm": "a", "statistic": "median", "unit": "mg/L",
    "scale": "ln", "value": 2.0, "se": 0.1,
}  # fmt: skip


def study(*rows: dict[str, Any], **more: Any) -> Target:
    return Target.model_validate({**STUDY, **more, "readout": list(rows) or [READ]})


def read(**changes: Any) -> Readout:
    row = {**READ, **changes}
    return Readout.model_validate({k: v for k, v in row.items() if v is not None})


def test_the_bundled_targets_are_read_and_each_readout_has_its_own_name_and_a_source() -> None:
    targets = load_targets()
    assert len(targets) > 35
    keys = [t.key(r) for t, r in readouts(targets)]
    assert len(keys) == len(set(keys))
    for target, readout in readouts(targets):
        assert target.source_of(readout).strip(), target.key(readout)
        assert readout.kind == "measured" or target.note or readout.note, f"{target.key(readout)}: derived from what?"
        assert readout.bound or readout.error > 0
    roles = {role: len(readouts(targets, role)) for role in ("calibrate", "validate", "input")}
    assert roles["calibrate"] > 90 and roles["validate"] > 80, roles


def test_targets_can_be_asked_for_by_name() -> None:
    assert [t.id for t in load_targets(ids=["rhil6", "lps_06"])] == ["rhil6", "lps_06"]
    with pytest.raises(DataError, match=r"no target 'rhil7'.*'rhil6'"):
        load_targets(ids=["rhil7"])
    assert [t.id for t in load_targets(ids="rhil6")] == ["rhil6"]
    for wrong in (lambda: run_target("rhil6"), lambda: validate(0, ["rhil6"])):  # type: ignore[arg-type, list-item]
        with pytest.raises(DataError, match="'rhil6' is no target; load"):
            wrong()
    with pytest.raises(DataError, match="number of draws is -1"):
        validate(-1, [])


@pytest.mark.parametrize(("name", "value"), [("trial", "x"), ("arm", {"name": "a"}), ("endpoint", []), ("arm", ["a"])])
def test_a_protocol_without_its_tables_is_named(name: str, value: Any) -> None:
    for changes in ({name: value}, {f"{name}s": STUDY["protocol"][name], name: None}):
        with pytest.raises(ValidationError, match=f"it has no tables? '{name}'; write"):
            study(protocol=STUDY["protocol"] | changes)


def test_a_byte_order_mark_is_no_part_of_a_target(tmp_path: Path) -> None:
    source = next(t.file for t in load_targets(ids=["rhil6"]))
    assert source is not None
    (tmp_path / source.name).write_text(source.read_text("utf-8"), "utf-8-sig")
    assert [t.id for t in load_targets(tmp_path)] == ["rhil6"]


def test_standard_errors_follow_from_what_was_printed() -> None:
    assert read().error == 0.1
    assert read(se=None, low=1.0, high=4.0).error == pytest.approx(math.log(4.0) / (2 * 1.959964))
    assert read(se=None, sd=1.0, n=25, statistic="mean").error == pytest.approx(1.0 / 2.0 / 5.0)
    assert read(se=None, sd=1.0, n=25, scale="linear").error == pytest.approx(1.0 / 5.0 * math.sqrt(math.pi / 2))
    quartiles = read(se=None, iqr=[1.0, math.e], n=16)
    assert quartiles.error == pytest.approx(1.0 / 1.34898 / 4.0 * math.sqrt(math.pi / 2), rel=1e-5)
    assert read(se=None, bound="below").error == 0.0
    assert read(se=3.0, model_error=4.0).sigma == 5.0


@pytest.mark.parametrize(
    ("printed", "value"),
    [
        ({"printed": 36.4, "transform": "fall"}, 0.636),
        ({"printed": 36.4, "printed_reference": 4.7, "transform": "fall"}, 0.636 / 0.953),
        ({"printed": -7.5, "transform": "rise"}, 0.925),
        ({"printed": 187, "printed_reference": 18.0, "transform": "ratio"}, 187 / 18),
        ({"printed": 15.5, "factor": 27.59}, 427.645),
    ],
)
def test_a_printed_figure_becomes_the_value(printed: dict[str, Any], value: float) -> None:
    assert read(value=None, **printed).value == pytest.approx(value)


def test_a_bound_costs_nothing_on_its_right_side() -> None:
    above = read(se=None, bound="above")
    assert above.distance(3.0) == 0.0
    assert above.distance(1.0) == pytest.approx(math.log(0.5))
    assert read(se=None, bound="below").distance(3.0) == pytest.approx(math.log(1.5))
    assert math.isnan(above.distance(math.nan))
    assert read(se=None, bound="below").published_interval == (-math.inf, 2.0)


def test_errors_of_all_files_are_reported_at_once_with_file_and_key(tmp_path: Path) -> None:
    head = (
        'id = "{0}"\ntitle = "t"\nsource = "s"\n[protocol.trial]\nname = "t"\ncondition = "healthy"\nduration = "7 d"\n'
    )
    head += 'patients_per_arm = 4\n[[protocol.arm]]\nname = "drug"\n[[protocol.endpoint]]\nid = "crp"\n'
    head += 'observable = "crp"\nkind = "value"\nat = "7 d"\n'
    row = '[[readout]]\nid = "{id}"\nrole = "{role}"\nendpoint = "{endpoint}"\narm = "{arm}"\nstatistic = "median"\n'
    row += 'value = {value}\nunit = "mg/L"\nscale = "ln"\n{more}\n'
    good = {"id": "x", "role": "calibrate", "endpoint": "crp", "arm": "drug", "value": 1, "more": "se = 0.1"}
    (tmp_path / "a.toml").write_text(
        head.format("one")
        + row.format(**good | {"role": "calibrated"})
        + row.format(**good | {"id": "y", "value": -1})
        + row.format(**good | {"id": "z", "more": "low = 2\nhigh = 3"})
        + row.format(**good | {"id": "w", "more": "ses = 0.1"})
    )
    (tmp_path / "b.toml").write_text(
        head.format("one").replace("7 d", "7 days ago")
        + row.format(**good | {"arm": "drugs"})
        + row.format(**good | {"endpoint": "crb", "more": 'se = 0.1\nvariant = "evening"'})
    )
    (tmp_path / "c.toml").write_text("id = ")
    (tmp_path / "d.toml").write_text(head.format("two").replace('condition = "healthy"\n', "") + row.format(**good))
    with pytest.raises(TargetError) as caught:
        load_targets(tmp_path)
    text = str(caught.value)
    for expected in (
        "a.toml: readout 'x', role:",
        "a.toml: readout 'y': the value -1 has no logarithm",
        "a.toml: readout 'z': the value 1 is not between low 2 and high 3",
        "a.toml: readout 'w': unknown key 'ses'",
        "b.toml: readout 'x', arm: there is no arm 'drugs'. Did you mean 'drug'?",
        "b.toml: readout 'x', endpoint: there is no endpoint 'crb'. Did you mean 'crp'?",
        "b.toml: readout 'x', variant: there is no variant 'evening'",
        "b.toml: readout 'x', id: two readouts have this id",
        "c.toml: it is not valid TOML",
        "d.toml: protocol: trial, condition: this key is missing",
    ):
        assert expected in text, f"{expected}\nnot in\n{text}"


def test_two_files_with_one_id_are_refused(tmp_path: Path) -> None:
    source = next(t.file for t in load_targets(ids=["rhil6"]))
    assert source is not None
    for name in ("one.toml", "two.toml"):
        (tmp_path / name).write_text(source.read_text())
    with pytest.raises(TargetError, match=r"two\.toml: id: 'rhil6' is also that of one\.toml"):
        load_targets(tmp_path)


def test_an_uncertainty_is_asked_for_once() -> None:
    for wrong in (
        {"se": None},
        {"low": 1.0, "high": 3.0},
        {"se": None, "sd": 1.0},
        {"reference": "b"},
        {"per": "il6", "minus": "il6"},
    ):
        with pytest.raises(ValueError):
            read(**wrong)


def test_a_protocol_keeps_what_its_readouts_need_and_reads_without_noise() -> None:
    rows = [READ, {**READ, "id": "s", "endpoint": "il6", "arm": "b", "reference": "a", "measure": "ratio"}]
    target = study(*rows)
    small = target.protocol_of("base", [target.readout[0]])
    assert [a["name"] for a in small["arm"]] == ["a"]
    assert [e["id"] for e in small["endpoint"]] == ["crp"]
    assert [a["name"] for a in target.protocol_of("base")["arm"]] == ["a", "b"]
    assert not any(e.noise for e in read_protocol(small).endpoint)
    parallel = {**STUDY["protocol"], "trial": {**STUDY["protocol"]["trial"], "design": "parallel"}}
    kept = study(READ, protocol=parallel).protocol_of("base")
    assert len(kept["arm"]) == 3, "in a parallel design every arm decides who is in the others"


def test_a_variant_changes_only_what_it_names() -> None:
    target = study(
        {**READ, "variant": "heavy", "reference_variant": "base", "variant_measure": "ratio"},
        variant=[{"name": "heavy", "population": {"weight": {"value": 100, "unit": "kg"}}, "trial": {"seed": 9}}],
    )
    base, heavy = target.protocol_of("base"), target.protocol_of("heavy")
    assert "population" not in base
    assert heavy["population"]["weight"]["value"] == 100
    assert heavy["trial"] == {**base["trial"], "seed": 9}
    assert target.variants_of(target.readout) == ["heavy", "base"]


def test_a_variant_with_fewer_patients_is_resampled_among_its_own() -> None:
    """Places name patients of the largest variant; all of them once are the patients themselves."""
    target = study(
        {**READ, "variant": "few", "reference_variant": "base", "variant_measure": "ratio", "unit": "dimensionless"},
        {**READ, "id": "alone"},
        variant=[{"name": "few", "trial": {"patients_per_arm": 2}}],
    )
    ran = prepare_target(target).run([{}])
    assert ran.patients == 4
    here = {name: outcome.values("crp", "a")[0] for name, outcome in ran.outcomes.items()}
    assert ran.predicted(np.arange(4))[0, 1] == np.median(here["base"])
    expected = np.median(here["few"][[1, 0]]) / np.median(here["base"][[3, 1, 1, 0]])
    assert ran.predicted(np.array([3, 1, 1, 0]))[0, 0] == pytest.approx(expected)


def test_derived_values_are_those_of_the_committed_script() -> None:
    by_name = {p.name: total_il1b(p) for p in POPULATIONS}
    found = {t.id: t for t in load_targets() if t.id.startswith("canakinumab_il1b_")}
    assert len(found) == 5
    for condition, name in (("caps", "CAPS"), ("psoriasis", "psoriasis"), ("asthma", "mild asthma")):
        values = [r.value for r in found[f"canakinumab_il1b_{condition}"].readout]
        np.testing.assert_allclose(values, by_name[name], rtol=1e-3)
    for name, values in by_name.items():
        population = next(p for p in POPULATIONS if p.name == name)
        assert values[0] == pytest.approx(population.production / population.CLL), "at rest production equals loss"
        assert all(v > 5 * values[0] for v in values[1:]), "bound IL-1beta stays"


def test_baselines_of_conditions_become_targets_and_none_is_read_twice() -> None:
    bundled = load_targets()
    used = {r.databook for _, r in readouts(bundled) if r.databook}
    found = baseline_targets(bundled)
    assert {t.id for t in found} >= {"baseline_healthy", "baseline_rheumatoid_arthritis"}
    for target, readout in readouts(found):
        assert readout.databook not in used, target.key(readout)


def test_a_calibration_gets_only_rows_that_may_be_fitted() -> None:
    (target,) = load_targets(ids=["siltuximab_crp"])
    made = prepare_target(target, role="calibrate", patients=2)
    assert {r.role for r in made.readouts} == {"calibrate"}
    (observables,) = [set(p.observables) for p in made.trials.values()]
    assert observables == {"crp"}, "hepcidin and IL-6 are read by predictions only"
    with pytest.raises(DataError, match="no readout of role 'input'"):
        prepare_target(load_targets(ids=["monarch"])[0], role="input")


def test_the_hash_follows_the_content() -> None:
    assert targets_hash([study()]) == targets_hash([study()])
    assert targets_hash([study()]) != targets_hash([study({**READ, "value": 2.1})])


def _book() -> dict[str, dict[str, str]]:
    rows = {}
    for path in sorted(BOOK.glob("*.tsv")):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
                rows[row["id"]] = {**row, "book": path.stem}
    return rows


_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:e-?\d+)?")


def _numbers(row: dict[str, str]) -> list[float]:
    cells = row["value"].replace("-", " ") + " " + row["value"] + " " + row["spread"].replace("-", " ")
    return [float(n) for n in _NUMBER.findall(cells)]


@needs_book
def test_every_row_of_the_data_book_is_read_as_it_stands_there() -> None:
    book, wrong = _book(), []
    tables = [p for p in BIOLOGY.rglob("*") if p.suffix in (".tsv", ".toml")]
    sources = {s for p in tables for s in re.findall(r"databook:\w+", p.read_text(encoding="utf-8"))}
    for target, readout in readouts(load_targets()):
        if not readout.databook:
            continue
        row = book.get(readout.databook)
        if row is None:
            wrong.append(f"{target.key(readout)}: there is no row {readout.databook}")
            continue
        # What informs the tables may be fitted; held out it may be where no table has it as a source.
        free = row["role"] == "input" and (readout.role == "calibrate" or f"databook:{row['id']}" not in sources)
        if row["role"] != readout.role and not free:
            wrong.append(f"{target.key(readout)}: role {readout.role}, but {readout.databook} is {row['role']}")
        if isinstance(readout.printed, list):
            figures = readout.printed
        else:
            figures = [readout.value if readout.printed is None else readout.printed]
        numbers = _numbers(row)
        stated_only = not numbers or readout.bound is not None or "no difference" in row["value"]
        for figure in figures:
            if not stated_only and not any(math.isclose(abs(figure), abs(n), rel_tol=1e-9) for n in numbers):
                wrong.append(f"{target.key(readout)}: {figure:g} is not in {readout.databook} ({row['value']!r})")
    assert not wrong, "\n".join(wrong)


@needs_book
def test_every_core_row_is_simulated_or_says_why_not() -> None:
    book = _book()
    read_rows = {r.databook for _, r in readouts(load_targets())}
    excused = {row for part in not_simulated() for row in part["rows"]}
    assert not excused - book.keys()
    assert not read_rows & excused
    core = {
        i
        for i, row in book.items()
        if row["book"] in ("physiology", "drugs", "ms", "mdd", "cachexia") and row["role"] in ("calibrate", "validate")
    }
    assert not core - read_rows - excused, sorted(core - read_rows - excused)


def test_a_target_is_named_as_its_file_and_needs_nothing_outside_the_package() -> None:
    for target in load_targets():
        assert target.file is not None
        text = target.file.read_text(encoding="utf-8")
        assert tomllib.loads(text)["id"] == target.file.stem
        assert "../" not in text and not re.search(r"[\s\"'](/\w+){2,}", text), target.id


def test_the_example_of_the_documentation_can_be_read(tmp_path: Path) -> None:
    text = (Path(__file__).parents[1] / "docs" / "targets.md").read_text(encoding="utf-8")
    (tmp_path / "study.toml").write_text(text.split("```toml\n")[1].split("```")[0], encoding="utf-8")
    (target,) = load_targets(tmp_path)
    assert target.readout[0].value == pytest.approx(0.63)
