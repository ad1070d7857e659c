"""Claims: the files, the checks on a model that obeys and on one that does not, the command."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from typer.testing import CliRunner

from leukinetics.cli import app
from leukinetics.errors import DataError
from leukinetics.evidence.claim_files import Check, Claims, Threshold, read_claims
from leukinetics.evidence.claim_runs import Laboratory, NotThere, times_of
from leukinetics.evidence.claim_structure import equations
from leukinetics.evidence.claims import FAIL, NOT_BUILT, PASS, Outcome, carry_out, run_claims

NUMBERS = {"A": 8, "B": 5, "C": 13, "D": 6, "E": 9, "X": 2}
#: Claims that the core answers, at least in part.
CORE = ("A1", "A3", "C3", "C6", "C8", "C12", "E1", "E2", "E3", "E4", "E5", "E6", "E7", "E8", "E9", "X1", "X2")
MINIMAL = """
[document]
id = "A"
title = "a"
citation = "b"
source = "doi:1"

[[claim]]
id = "A1"
text = "t"
compared = "c"
follows = "f"
sources = ["doi:1"]
missing = ["all"]
"""
CHECK = """
[[claim.check]]
id = "A1.1"
text = "t"
observable = "x"
threshold = ">= 1"
run = [{name = "a"}, {name = "b"}]
"""


@pytest.fixture(scope="module")
def evidence() -> Claims:
    return read_claims()


# ---- the files ----------------------------------------------------------------------------------------------------


def test_every_claim_of_the_documents_is_there(evidence: Claims) -> None:
    expected = [f"{letter}{n}" for letter, count in NUMBERS.items() for n in range(1, count + 1)]
    assert list(evidence.claims) == expected
    assert set(evidence.documents) == set(NUMBERS)


def test_checks_are_numbered_and_could_fail(evidence: Claims) -> None:
    for claim in evidence.claims.values():
        assert [c.id for c in claim.check] == [f"{claim.id}.{n + 1}" for n in range(len(claim.check))]
        for check in claim.check:
            threshold = Threshold.parse(check.threshold)
            assert not (threshold.low == -math.inf and threshold.high == math.inf)
            if check.compare == "ratio" and check.kind == "simulation" and not check.relative_to:
                held = threshold.met(1.0)  # a model in which nothing acts on anything
                ablation = "Ablation" in check.text or (threshold.low > 0 and threshold.high < math.inf)
                assert not held or ablation, f"{check.id} passes where nothing happens"


def test_the_core_has_checks_and_ablations(evidence: Claims) -> None:
    for name in CORE:
        assert evidence.claims[name].check, name
    ablations = [c.id for claim in evidence.claims.values() for c in claim.check if c.text.startswith("Ablation")]
    assert len(ablations) >= 7


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[document", "is not valid TOML"),
        (MINIMAL.replace('text = "t"', 'text = "t"\nwhy = 1'), "claim.0.why"),
        (MINIMAL.replace('missing = ["all"]', ""), "neither checks nor a word on what is missing"),
        (MINIMAL.replace('sources = ["doi:1"]', "sources = []"), "claim.0.sources"),
        (MINIMAL + CHECK.replace("A1.1", "B1.1"), "must be named 'A1.'"),
        (MINIMAL + CHECK.replace('">= 1"', '"> 1"'), "'> 1' is no threshold"),
        (MINIMAL + CHECK.replace('observable = "x"', ""), "needs an observable and runs"),
        (MINIMAL + CHECK.replace(', {name = "b"}', ""), "needs relative_to"),
        (MINIMAL + CHECK + 'statistic = "maximum"\n', "how long a maximum"),
        (MINIMAL + CHECK + 'kind = "markers"\n', "one or two markers"),
        (MINIMAL + CHECK + 'markers = ["crp"]\n', "are for checks of markers"),
    ],
)
def test_mistakes_in_a_file_are_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(DataError) as caught:
        read_claims(tmp_path)
    assert "a.toml" in str(caught.value)
    assert message in str(caught.value)


def test_a_claim_stands_in_one_file(tmp_path: Path) -> None:
    for name in ("a.toml", "b.toml"):
        (tmp_path / name).write_text(MINIMAL)
    with pytest.raises(DataError, match=r"b\.toml: the claim 'A1' is also in a\.toml"):
        read_claims(tmp_path)


def test_thresholds() -> None:
    assert Threshold.parse(">= 1.2") == Threshold(1.2, math.inf)
    assert Threshold.parse("<=0.8") == Threshold(-math.inf, 0.8)
    between = Threshold.parse("0.9 .. 1.1")
    assert between == Threshold(0.9, 1.1)
    assert [between.met(x) for x in (0.9, 1.1, 1.2, math.nan)] == [True, True, False, False]
    assert between.worst([1.0, 1.09, 0.95]) == 1.09
    assert Threshold.parse("<= 0.97").worst([0.9, 0.96, 0.5]) == 0.96
    assert math.isnan(Threshold.parse(">= 2").worst([3.0, math.nan]))


def test_changes_of_typical_values() -> None:
    assert times_of("x 1e-9") == 1e-9
    for text in ("10", "x ten", "* 10"):
        with pytest.raises(DataError, match="write 'x 10'"):
            times_of(text)


# ---- on the model -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Outcome]:
    return {outcome.id: outcome for outcome in run_claims()}


@pytest.mark.slow
def test_the_model_carries_out_what_it_can(outcomes: dict[str, Outcome], evidence: Claims) -> None:
    known = {c.id for claim in evidence.claims.values() for c in claim.check if c.defect}
    failed = {o.id: (o.observed, o.threshold, o.runs, o.note) for o in outcomes.values() if o.status == FAIL}
    assert not {name: failed[name] for name in failed if name not in known}
    assert known == failed.keys()  # a defect that was mended is no longer one
    for name in CORE:
        assert any(o.id.startswith(f"{name}.") and o.status == PASS for o in outcomes.values()), name
    checks = [o for o in outcomes.values() if "." in o.id]
    assert not [o.id for o in checks if o.status == NOT_BUILT]


#: Settings of a check that say whom it is about and how they live, not what is cut.
KEPT = {"expected_course", "disease_duration", "intake_fixed", "intake_level", "bmi", "trial_participation"}


@pytest.mark.slow
@pytest.mark.parametrize("letter", ["E", "X"])
def test_an_ablation_bites(evidence: Claims, letter: str) -> None:
    """With what it cuts left in place an ablation does not hold: something is there to be cut."""
    holds, seen = [], 0
    for claim in evidence.claims.values():
        for check in claim.check:
            whole = {name: value for name, value in check.set.items() if name in KEPT}
            cuts = check.text.startswith("Ablation") and check.kind in ("simulation", "markers")
            if not claim.id.startswith(letter) or not cuts or (whole == check.set and not check.shuffled):
                continue
            seen += 1
            uncut = check.model_copy(update={"set": whole, "shuffled": False})
            if carry_out(claim, uncut, Laboratory([check])).status == PASS:
                holds.append(check.id)
    assert seen > 5
    assert not holds


@pytest.mark.slow
def test_what_is_not_built_says_what_is_missing(outcomes: dict[str, Outcome]) -> None:
    for outcome in outcomes.values():
        assert (outcome.status == NOT_BUILT) == bool(outcome.missing)
        assert outcome.sources


def check_of(**changes: object) -> Check:
    content: dict[str, object] = {
        "id": "A1.1",
        "text": "t",
        "observable": "il1_signal",
        "threshold": ">= 1.2",
        "run": [{"name": "a"}, {"name": "b", "state": {"il1a_tissue": "x 10"}}],
    }
    return Check.model_validate(content | changes)


def outcome_of(evidence: Claims, **changes: object) -> Outcome:
    check = check_of(**changes)
    return carry_out(evidence.claims["A1"], check, Laboratory([check]))


def test_a_check_that_passes_and_one_that_fails(evidence: Claims) -> None:
    passed = outcome_of(evidence)
    assert passed.status == PASS
    assert set(passed.runs) == {"a", "b"}
    assert passed.observed == pytest.approx(passed.runs["b"] / passed.runs["a"])
    assert outcome_of(evidence, threshold=">= 1000").status == FAIL
    assert outcome_of(evidence, threshold="<= 0.5", compare="difference").status == FAIL


def test_what_the_model_does_not_have_is_not_built(evidence: Claims) -> None:
    for changes, word in (
        ({"observable": "myelin"}, "'myelin'"),
        ({"run": [{"name": "a"}, {"name": "b", "set": {"il6_il1_shares": 0}}]}, "'il6_il1_share'"),
        ({"condition": "ms_rrr"}, "no condition 'ms_rrr'"),
        (
            {"run": [{"name": "a"}, {"name": "b", "doses": [{"drug": "x", "amount": "1 mg", "route": "iv"}]}]},
            "drug 'x'",
        ),
    ):
        outcome = outcome_of(evidence, **changes)
        assert outcome.status == NOT_BUILT
        assert word in outcome.missing[0]


def test_a_patient_that_cannot_be_simulated_fails_the_check(evidence: Claims) -> None:
    outcome = outcome_of(evidence, run=[{"name": "a"}, {"name": "b", "set": {"il6_base": 0}}])
    assert outcome.status == FAIL
    assert outcome.observed is None


def test_wrong_routes_and_changes_are_named() -> None:
    dose = {"drug": "canakinumab", "amount": "150 mg", "route": "po"}
    check = check_of(run=[{"name": "a"}, {"name": "b", "doses": [dose]}])
    with pytest.raises(DataError, match="no route 'po'"):
        Laboratory([check]).see(check)
    check = check_of(run=[{"name": "a"}, {"name": "b", "infuse": {"il1b": "1 pmol/day"}}])
    with pytest.raises(NotThere, match="'il1b' is no species"):
        Laboratory([check]).see(check)


def test_equations_see_a_change() -> None:
    from leukinetics import biology

    sbml = biology.assemble("healthy").sbml
    before = equations(sbml)
    assert before["J_crp_loss"].startswith("1 crp_plasma -> : ")
    assert before == equations(biology.assemble("sle").sbml)
    changed = sbml.replace("<ci> crp_loss </ci>", "<ci> saa_loss </ci>", 1)
    assert changed != sbml
    after = equations(changed)
    assert len([name for name in before if before[name] != after[name]]) == 1


# ---- the command --------------------------------------------------------------------------------------------------


def test_the_command_writes_json(tmp_path: Path) -> None:
    path = tmp_path / "claims.json"
    result = CliRunner().invoke(app, ["claims", "A1.1", "e7.1", "E1.4", "--json", str(path)])
    assert result.exit_code == 0, result.output
    assert "A1.1" in result.stdout
    records = json.loads(path.read_text())["claims"]
    assert [r["id"] for r in records] == ["A1.1", "E1.4", "E7.1"]
    assert {"id", "status", "observed", "threshold", "text", "sources"} <= set(records[0])
    assert records[0]["status"] == PASS


def test_the_command_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A claim that is not built is told and counted; there is none at present."""
    (tmp_path / "a.toml").write_text(MINIMAL)
    monkeypatch.setattr("leukinetics.evidence.claims.read_claims", lambda: read_claims(tmp_path))
    path = tmp_path / "claims.json"
    result = CliRunner().invoke(app, ["claims", "A1", "--json", str(path)])
    assert "missing: all" in result.stdout
    assert "1 not built" in result.stdout + result.stderr
    record = json.loads(path.read_text())["claims"][-1]
    assert record["status"] == NOT_BUILT
    assert record["observed"] is None


def test_an_unknown_claim_is_a_mistake(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["claims", "A11", "--json", str(tmp_path / "x.json")])
    assert result.exit_code == 1
    assert "There is no claim 'A11'. Did you mean" in result.stderr
    assert "There is no claim 'ZZZZ'. They are A1, " in CliRunner().invoke(app, ["claims", "zzzz"]).stderr
    assert not list(tmp_path.iterdir())


# ---- markers, and draws of what is uncertain -------------------------------------------------------------------------

MARKERS = {
    "kind": "markers",
    "condition": "rheumatoid_arthritis",
    "observable": "crp",
    "at": "4 weeks",
    "markers": ["crp"],
    "threshold": ">= 0.5",
    "run": [
        {"name": "none"},
        {"name": "tocilizumab", "doses": [{"drug": "tocilizumab", "amount": "8 mg/kg", "route": "iv"}]},
    ],
}


def test_a_marker_tells_who_gains_and_a_shuffled_one_does_not(evidence: Claims) -> None:
    """Who has much CRP can lose much of it; another's CRP tells nothing."""
    found = outcome_of(evidence, **MARKERS)
    assert found.status == PASS
    assert "by chance within 0.09" in found.note
    shuffled = outcome_of(evidence, **MARKERS, shuffled=True)
    assert shuffled.status == FAIL
    assert shuffled.observed is not None
    assert abs(shuffled.observed) < 4 / math.sqrt(500)


def test_draws_give_an_interval_and_what_the_answer_leans_on(evidence: Claims) -> None:
    """The effect of a receptor blocker on its own signal leans on what binds there; a ratio of 1 leans on nothing."""
    check = check_of(threshold=">= 1.05")
    found = carry_out(evidence.claims["A1"], check, Laboratory([check]), draws=40).spread
    assert found is not None
    assert found.draws == 40
    assert 1 <= found.low < found.median < found.high
    assert 0 < found.holds < 1
    assert {"il1a_base", "il1a_K"} & {row["name"] for row in found.leans}
    again = carry_out(evidence.claims["A1"], check, Laboratory([check]), draws=40).spread
    assert again == found
    still = check_of(run=[{"name": "a"}, {"name": "b"}], threshold="1 .. 1")
    nothing = carry_out(evidence.claims["A1"], still, Laboratory([still]), draws=12).spread
    assert nothing is not None
    assert (nothing.low, nothing.high, nothing.holds, nothing.leans) == (1.0, 1.0, 1.0, ())
    assert carry_out(evidence.claims["A1"], check, Laboratory([check])).spread is None


def test_draws_of_a_state_that_is_changed_and_of_an_infusion(evidence: Claims) -> None:
    """Doses of each draw are its own: ten times the state is ten times each draw's state."""
    runs = [{"name": "a"}, {"name": "b", "state": {"il1a_tissue": "x 10"}}]
    check = check_of(observable="il1a_tissue", run=runs, threshold="9.999 .. 10.001")
    found = carry_out(evidence.claims["A1"], check, Laboratory([check]), draws=12).spread
    assert found is not None
    assert found.holds == 1.0


def test_the_command_says_what_draws_give(tmp_path: Path) -> None:
    out = tmp_path / "claims.json"
    result = CliRunner().invoke(app, ["claims", "A1.1", "--draws", "12", "--json", str(out)])
    assert result.exit_code == 0
    assert "over 12 draws: " in result.stdout
    assert "holds in " in result.stdout
    spread = json.loads(out.read_text())["claims"][0]["spread"]
    assert spread["draws"] == 12
    assert spread["low"] <= spread["median"] <= spread["high"]
