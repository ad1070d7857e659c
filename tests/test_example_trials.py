"""The trials in examples/: each prepares as it is and runs with few patients, to its report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import leukinetics as lk
from leukinetics.cli import app
from leukinetics.evidence import load_targets
from leukinetics.trial import Protocol, prepare
from leukinetics.trial.plan import plan
from leukinetics.trial.variants import variants

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
NAMES = (
    *("cantos", "endotoxin_anakinra", "rescue", "sle_anifrolumab"),
    *("mdd_addon", "mdd_il6_enriched", "mdd_infliximab", "mdd_one_drug_three_diseases"),
    *("cachexia_canakinumab", "cachexia_nutrition", "cachexia_ponsegromab", "cachexia_targets"),
    *("ms_anti_il1", "ms_natalizumab", "ms_neurotrophic", "ms_ocrelizumab"),
)
COHORTS = ("design_il6_csf", "mdd_benefit", "ms_il6_csf")  # no trials: they have tests of their own


def test_these_are_all() -> None:
    assert sorted(p.stem for p in EXAMPLES.glob("*.toml")) == sorted([*NAMES, *COHORTS])


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_prepared(name: str) -> None:
    prepared = prepare(EXAMPLES / f"{name}.toml")
    assert prepared.protocol.report.question
    assert len(variants(prepared)) == len(prepared.protocol.also)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_an_example_runs_to_its_report(name: str, tmp_path: Path) -> None:
    """With few patients, draws and trajectories: the same stages as the whole."""
    text = (EXAMPLES / f"{name}.toml").read_text(encoding="utf-8")
    some = '["mood_power", "bdnf_tnf"]' if name.startswith("mdd") else '["reactivation_il1", "protection_power"]'
    text = text.replace('kinds = ["assumed"]', f"parameters = {some}")
    if name.startswith("cachexia"):  # which would move all that is uncertain
        text = text.replace(
            'method = "tornado"', 'method = "tornado"\nparameters = ["tumour_il1b", "hunger_block_half"]'
        )
    for key, few in (("draws", 2), ("trajectories", 2), ("replicates", 50), ("sizes", [10, 20])):
        text = "\n".join(f"{key} = {few}" if line.startswith(f"{key} = ") else line for line in text.splitlines())
    spec = tmp_path / f"{name}.toml"
    spec.write_text(text, encoding="utf-8")
    out = tmp_path / "out"
    done = CliRunner().invoke(app, ["trial", str(spec), "--out", str(out), "--patients", "12"])
    assert done.exit_code == 0, done.output
    summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    protocol = lk.read_protocol(spec)
    ratios = sum(arm.ratio for arm in protocol.arm) if protocol.trial.design == "parallel" else 1
    assert summary["patients"]["enrolled"] == 12 * ratios
    assert summary["patients"]["failed"] == 0
    assert {c["endpoint"] for c in summary["contrasts"]} == {e.id for e in protocol.endpoint}
    assert (out / "report.html").stat().st_size > 50_000
    others = (summary["also"] or {"conditions": [{}]})["conditions"][1:]
    assert len(others) == len(protocol.also)
    for other in others:
        assert other["patients"]["enrolled"] == 12 * ratios
        assert other["patients"]["failed"] == 0
        assert (out / other["folder"] / "report.html").stat().st_size > 50_000


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("cantos", "canakinumab_cantos"),
        ("rescue", "ziltivekimab_rescue"),
        ("ms_natalizumab", "ms_affirm"),
        ("ms_ocrelizumab", "ms_opera"),
    ],
)
def test_an_example_has_the_doses_of_the_publication(name: str, target: str) -> None:
    example = lk.read_protocol(EXAMPLES / f"{name}.toml")
    published = lk.read_protocol(load_targets(ids=[target])[0].protocol)

    def doses(protocol: Protocol) -> dict[str, list[tuple[str, float, float | None]]]:
        return {a.name: [(d.drug, d.amount.value, d.every) for d in a.dose] for a in protocol.arm}

    assert example.trial.condition == published.trial.condition
    assert doses(example) == doses(published)
    assert {k: v for k, v in example.eligibility.items() if k in published.eligibility} == published.eligibility


def test_the_plan_of_an_example_says_what_would_run() -> None:
    said = plan(EXAMPLES / "rescue.toml").text()
    assert "ziltivekimab" in said
    assert "66" in said
