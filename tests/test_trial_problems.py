"""Every problem of a protocol is told at once, with its line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from fake_assembly import fake_assembly

import leukinetics as lk
from leukinetics import ProtocolError, trial
from leukinetics.trial.toml_text import toml_text

BAD = """\
[trial]
name = "bad"
condition = "inflamed"
duration = "12 weeks"
patients_per_arm = 20
sede = 3                                # 6: unknown
desing = "twins"                        # 7: unknown

[population]
wieght = {mean = 92, sd = 15, unit = "kg"}  # 10
genotype.rs2 = 1                        # 11
ancestry = "EUS"                        # 12
table = "people.parquet"                # 13: not there

[population.plausible]
crpp = "< 200 mg/L"                     # 16

[[population.match]]
observable = "crp"                      # 19
median = 3.1
unit = "kg"                             # 21

[parameter]
kloss = {value = 1, unit = "1/day"}     # 24: belongs to the model

[eligibility]
crp = ">= 2 day"                        # 27
age = "18 to 75"                        # 28: no unit

[[arm]]
name = "placebo"
ratio = 2                               # 32: twins

[[arm]]
name = "placebo"                        # 35: twice
dose = [
  # a list over lines
  {drug = "mab", amount = "8 mg/kg", route = "po"},                    # 38
  {drug = "mab", amount = "1 day", route = "iv"},                      # 39
  {drug = "pulse", amount = "1 ng", route = "iv"},                     # 40
  {drug = "mab", amount = "1 mg", route = "iv", start = "13 weeks"},   # 41
]

[[rule]]
id = "rescue"
observable = "crq"                      # 46
when = "> 10 mg/L"
at = ["4 weeks", "20 weeks"]            # 48: after the end
action = "stop"
drugs = ["anakinra"]                    # 50
arms = ["placbo"]                       # 51

[dropout]
rate = 0.1
observable = "crp"
hazard_ratio = 1.5
per = "5 day"                           # 57

[schedule]
visits = ["4 weeks", "13 weeks"]        # 60
measure = ["crp", "il9"]                # 61

[[endpoint]]
id = "crp"
observable = "crp"
kind = "percent_change"
at = "12 weeks"
visits = ["12 weeks"]                   # 68: not before at
analysis = "log_mmrm"
unit = "mg/L"                           # 70
compare_to = "plazebo"                  # 71

[[endpoint]]
id = "level"
observable = "mab"
kind = "maximum"
every = "1 week"
noise = true                            # 78: no assay
analysis = "cox"                        # 79

[[endpoint]]
id = "responder"
observable = "crp"
kind = "responder"
at = "12 weeks"
threshold = "< 2 kg"                    # 86

[analysis]
primary = ["crb"]                       # 89
covariates = ["agee"]                   # 90
higher_is_better = ["levle"]            # 91

[[subgroup]]
id = "s"
on = "crp"
cuts = [3]                              # no unit

[[threshold]]
biomarker = "crrp"                      # 99
arm = "placebo"                         # the reference? of an endpoint that is not there

[power]
endpoint = "crpp"                       # 103
biomarker = "crp"
enrichment = [2]
unit = "day"                            # 106

[sensitivity]
arm = "active"                          # 109
parameters = ["KDD"]                    # 110
"""


def problems(protocol: Any, **more: Any) -> list[str]:
    with pytest.raises(ProtocolError) as error:
        trial.prepare(protocol, assembly=fake_assembly(), **more)
    return str(error.value).splitlines()


def test_all_problems_of_a_file_come_in_one_message_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "trial.toml"
    path.write_text(BAD)
    head, *lines = problems(path)
    assert head == f"{path} has {len(lines)} problems:"
    expected = {
        6: r"trial: unknown key 'sede'; known are name, .* Did you mean 'seed'\?",
        7: r"trial: unknown key 'desing'; .* Did you mean 'design'\?",
        10: r"population, wieght: .* unknown\. Did you mean .*'weight'",
        11: r"population, genotype, rs2: .*'rs2', which is unknown",
        12: r"population, ancestry: The ancestry 'EUS' is unknown; it must be one of EUR, EAS, AFR",
        13: r"population, table: the population '.*people\.parquet' cannot be read: No such file",
        16: r"population, plausible, crpp: no covariate and no observable .* 'crpp'\. Did you mean 'crp'",
        21: r"population, match 1, unit: 'kg' .* cannot be converted to 'mg/L'",
        24: r"parameter, kloss: .*belongs to the model",
        27: r"eligibility, crp: 'day' .* cannot be converted to 'mg/L'",
        28: r"eligibility, age: 18 has no unit",
        32: r"arm 1 \('placebo'\), ratio: in a twins design",
        35: r"arm 2 \('placebo'\), name: two arms are named 'placebo'",
        38: r"arm 2 \('placebo'\), dose 1, route: 'mab' has no route 'po'; it is given sc or iv",
        39: r"arm 2 \('placebo'\), dose 2, amount: 'day' .*give what can be converted to mg",
        40: r"arm 2 \('placebo'\), dose 3, amount: it is in 'ng', but this drug is dosed in ng/kg; give it per kg",
        41: r"arm 2 \('placebo'\), dose 4, start: the first dose on day 91 is not before the trial's end on day 84",
        46: r"rule 1 \('rescue'\), observable: the model has no 'crq'\. Did you mean 'crp'",
        48: r"rule 1 \('rescue'\), at 2: this visit is on day 140, after the trial's end",
        50: r"rule 1 \('rescue'\), drugs 1: the trial gives its arms no 'anakinra'",
        51: r"rule 1 \('rescue'\), arms 1: there is no arm 'placbo'\. Did you mean 'placebo'",
        57: r"dropout, per: 'day' .* cannot be converted to 'mg/L'.* It is 'doubling' or a quantity in mg/L",
        60: r"schedule, visits 2: this visit is on day 91, after the trial's end",
        61: r"schedule, measure 2: the model has no 'il9'",
        68: r"endpoint 1 \('crp'\), visits 1: this visit on day 84 is not before 'at', day 84",
        70: r"endpoint 1 \('crp'\), unit: kind 'percent_change' has no unit to change but %",
        71: r"endpoint 1 \('crp'\), compare_to: there is no arm 'plazebo'\. Did you mean 'placebo'",
        78: r"endpoint 2 \('level'\), noise: there is no assay of 'mab'; leave noise out",
        79: r"endpoint 2 \('level'\): analysis 'cox' does not fit kind 'maximum'; use ancova, unadjusted or log_ancova",
        86: r"endpoint 3 \('responder'\), threshold: 'kg' .* cannot be converted to 'mg/L'",
        89: r"analysis, primary 1: there is no endpoint 'crb'\. Did you mean 'crp'",
        90: r"analysis, covariates 1: no covariate and no observable has the name 'agee'\. Did you mean 'age'",
        91: r"analysis, higher_is_better 1: there is no endpoint 'levle'\. Did you mean 'level'",
        93: r"subgroup 1 \('s'\), unit: cuts of 'crp' have no unit; add one, such as unit = \"mg/L\"",
        99: r"threshold 1, biomarker: no covariate .* 'crrp'\. Did you mean 'crp'",
        103: r"power, endpoint: there is no endpoint 'crpp'\. Did you mean 'crp'",
        106: r"power, unit: 'day' .* cannot be converted to 'mg/L'",
        109: r"sensitivity, arm: there is no arm 'active'",
        110: r"sensitivity, parameters 1: there is no parameter 'KDD'\. Did you mean 'KD'",
    }
    found = {}
    for line in lines:
        number = re.match(rf"{re.escape(str(path))}, line (\d+), ", line)
        assert number, line
        assert int(number[1]) not in found, line
        found[int(number[1])] = line[number.end() :]
    assert {n: text for n, text in found.items() if not re.match(expected.get(n, "$^"), text)} == {}
    assert found.keys() == expected.keys()
    assert list(found) == sorted(found)


def test_an_endpoint_that_is_malformed_hides_nothing_else() -> None:
    """A part that cannot be read is not judged further, but all others are, and names in it count."""
    data = base()
    data["endpoint"][0]["at"] = "12 weaks"
    data["endpoint"].append({"id": "level", "observable": "mab", "kind": "valu", "at": "1 d"})
    data["arm"].append({"name": "high", "dose": [{"drug": "mab", "amount": "1 m g", "route": "iv"}]})
    data["analysis"] = {"primary": ["level", "crp"]}
    data["power"] = {"arm": "high", "endpoint": "levl"}
    data["eligibility"] = {"crpp": "> 1 mg/L", "crp": "about 1"}
    found = problems(data)
    assert [line.partition(": ")[0] for line in found] == [
        "eligibility, crp",
        "arm 3 ('high'), dose 1, amount",
        "endpoint 1 ('crp'), at",
        "endpoint 2 ('level'), kind",
        "power, endpoint",
        "eligibility, crpp",
    ]


def test_an_unknown_condition_and_drug_do_not_hide_the_rest() -> None:
    data = base()
    data["trial"]["condition"] = "post_my"
    data["arm"][1]["dose"][0]["drug"] = "canakinumap"
    data["arm"].append({"name": "b", "dose": [{"drug": "anakinra", "amount": "100 mg", "route": "oral"}]})
    data["endpoint"] += [
        {"id": "il", "observable": "il66", "kind": "value", "at": "1 d"},
        {"id": "level", "observable": "canakinumap", "kind": "value", "at": "1 d"},
        {"id": "not given", "observable": "tocilizumab", "kind": "value", "at": "1 d"},
    ]
    with pytest.raises(ProtocolError) as error:
        trial.prepare(data)
    lines = str(error.value).splitlines()
    assert len(lines) == 5
    for line, expected in zip(
        lines,
        (
            r"trial, condition: There is no condition 'post_my'; there are asthma, .* Did you mean 'post_mi'",
            r"arm 2 \('active'\), dose 1, drug: There is no drug 'canakinumap'; .* Did you mean 'canakinumab'",
            r"arm 3 \('b'\), dose 1, route: 'anakinra' has no route 'oral'; it is given iv or sc|.* sc or iv",
            r"endpoint 2 \('il'\), observable: the model has no 'il66'\. Did you mean 'il6'",
            r"endpoint 4 \('not given'\), observable: .* It is a drug; .* where an arm is given tocilizumab",
        ),
        strict=True,
    ):
        assert re.match(expected, line), line


def base() -> dict[str, Any]:
    return {
        "trial": {"name": "t", "condition": "inflamed", "duration": "12 weeks", "patients_per_arm": 4},
        "arm": [
            {"name": "placebo"},
            {"name": "active", "dose": [{"drug": "mab", "amount": "10 mg", "route": "iv", "every": "4 weeks"}]},
        ],
        "endpoint": [{"id": "crp", "observable": "crp", "kind": "value", "at": "12 weeks"}],
    }


def changed(**tables: Any) -> dict[str, Any]:
    """The protocol above with tables replaced; ``endpoint``, ``arm``, ``dose`` merge into the first or last of them."""
    data = base()
    data["endpoint"][0].update(tables.pop("endpoint", {}))
    data["arm"][1].update(tables.pop("arm", {}))
    data["arm"][1]["dose"][0].update(tables.pop("dose", {}))
    data["trial"].update(tables.pop("trial", {}))
    return {**data, **tables}


WINDOW = {"at": None, "every": "1 week"}
RULE = {"id": "r", "observable": "crp", "when": "> 10 mg/L", "every": "2 weeks", "action": "stop"}


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        ({"trial": {"duration": "1000 years"}}, r"^trial: 1000 years are longer than a life"),
        ({"trial": {"duration": "1e308 years"}}, r"^trial, duration: it is too long"),
        ({"trial": {"seed": 2**63}}, r"^trial, seed: .*less than or equal to 9223372036854775807"),
        ({"trial": {"patients_per_arm": 10**9}}, r"^trial, patients_per_arm: .*less than or equal to"),
        ({"trial": {"clock": "yes"}}, r"^trial, clock: .*valid boolean \(it is 'yes'\)"),
        ({"dose": {"every": "1 ms"}}, r"dose 1, every: .* more than 100,000 doses; check the unit"),
        ({"dose": {"drug": "mabb"}}, r"dose 1, drug: there is no drug 'mabb'\. Did you mean 'mab'"),
        ({"dose": {"cap": "1 mg/kg"}}, r"dose 1, cap: a cap is what is given at most"),
        ({"dose": {"loading": "1 day"}}, r"dose 1, loading: 'day'"),
        ({"arm": {"background": [{"drug": "mab", "amount": "1 mg", "route": "x"}]}}, r"background 1, route: "),
        ({"arm": {"ratio": 0}}, r"^arm 2 \('active'\), ratio: .*greater than or equal to 1"),
        ({"rule": [{**RULE, "id": "a"}, {**RULE, "id": "a"}]}, r"^rule 2 \('a'\), id: two rules are named 'a'"),
        ({"rule": [{**RULE, "at": ["1 d"]}]}, r"^rule 1 \('r'\): a rule needs 'at', its visits, or 'every'"),
        ({"rule": [{**RULE, "every": None, "at": ["1 d"], "to": "2 d"}]}, r"'from' and 'to' go with 'every'"),
        ({"rule": [{**RULE, "from": "3 weeks", "to": "2 weeks"}]}, r"'to' is before 'from'"),
        ({"rule": [{**RULE, "from": "13 weeks"}]}, r"^rule 1 \('r'\), from: the first visit is on day 91"),
        ({"rule": [{**RULE, "to": "13 weeks"}]}, r"^rule 1 \('r'\), to: the last visit is on day 91"),
        ({"rule": [{**RULE, "every": "1 s"}]}, r"^rule 1 \('r'\): .* more than 100,000"),
        ({"rule": [{**RULE, "consecutive": 7}]}, r"consecutive: the rule has 6 visits, so that it cannot hold at 7"),
        ({"rule": [{**RULE, "factor": 2.0}]}, r"'factor' goes with action 'change', and only with it"),
        ({"rule": [{**RULE, "action": "rescue"}]}, r"'dose' goes with action 'rescue', and only with it"),
        ({"rule": [{**RULE, "when": "> 10 kg"}]}, r"^rule 1 \('r'\), when: 'kg'"),
        ({"rule": [{**RULE, "arms": ["placebo"]}]}, r"action: no arm of this rule is given anything"),
        (
            {"rule": [{**RULE, "action": "rescue", "dose": [{"drug": "mab", "amount": "1 mg", "route": "ix"}]}]},
            r"^rule 1 \('r'\), dose 1, route: 'mab' has no route 'ix'",
        ),
        ({"adherence": {"missed": 1.5}}, r"^adherence, missed: .*less than or equal to 1"),
        ({"adherence": {"spread": 1.0}}, r"^adherence: 'spread' is around 'missed', which is 0"),
        ({"dropout": {"rate": 1.0}}, r"^dropout, rate: .*less than 1"),
        ({"dropout": {"rate": 0.1, "observable": "crp"}}, r"'observable' and 'hazard_ratio' \(not 1\) go together"),
        (
            {"dropout": {"rate": 0.1, "observable": "crp", "hazard_ratio": 2.0, "per": "-1 mg/L"}},
            r"^dropout, per: '-1 mg/L' is no step; it must be above 0",
        ),
        ({"schedule": {"visits": [], "measure": ["crp"]}}, r"^schedule, visits: there must be at least one"),
        ({"schedule": {"visits": ["1 d"], "measure": ["crp", "crp"]}}, r"^schedule, measure 2: 'crp' is there twice"),
        ({"endpoint": {"analysis": "negative_binomial"}}, r"'negative_binomial' does not fit kind 'value'"),
        ({"endpoint": {"kind": "change", "analysis": "log_ancova"}}, r"'log_ancova' does not fit kind 'change'"),
        (
            {"endpoint": {**WINDOW, "kind": "maximum", "analysis": "mmrm", "visits": ["1 d"]}},
            r"'mmrm' does not fit kind 'maximum'",
        ),
        ({"endpoint": {"analysis": "mmrm"}}, r"'visits' and a repeated-measures analysis .* go together"),
        ({"endpoint": {**WINDOW, "kind": "maximum", "visits": ["1 d"]}}, r"'visits' do not go with kind 'maximum'"),
        ({"endpoint": {"visits": ["1 d"]}}, r"visits: 'visits' are those of mmrm and log_mmrm, or what missing"),
        (
            {"analysis": {"missing": "last"}},
            r"visits: missing = \"last\" carries the visit before forward, and there is",
        ),
        (
            {"endpoint": {"analysis": "mmrm", "visits": ["0 d", "1 week", "7 d"]}},
            r"visits 1: time 0 is the baseline.*\n.*visits 3: the visit on day 7 is there twice",
        ),
        ({"endpoint": {"statistic": "proportion"}}, r"a proportion is of kind 'responder', not of 'value'"),
        ({"endpoint": {"kind": "change", "statistic": "geometric_mean"}}, r"needs numbers above 0"),
        ({"endpoint": {"unit": "day"}}, r"^endpoint 1 \('crp'\), unit: "),
        ({"endpoint": {**WINDOW, "kind": "slope", "unit": "mg/L"}}, r"^endpoint 1 \('crp'\), unit: "),
        ({"endpoint": {**WINDOW, "kind": "time_to_event", "threshold": []}}, r"'threshold' has no criterion"),
        ({"endpoint": {"margin": -1.0}}, r"margin: .*greater than or equal to 0"),
        ({"analysis": {"alpha": 1.0}}, r"^analysis, alpha: .*less than 1"),
        ({"analysis": {"primary": ["crp", "crp"]}}, r"^analysis, primary 2: 'crp' is there twice"),
        ({"subgroup": [{"id": "s", "on": "crp"}]}, r"a subgroup needs 'cuts' or 'quantiles'"),
        ({"subgroup": [{"id": "s", "on": "sex", "cuts": [1, 0]}]}, r"each larger than the one before"),
        ({"subgroup": [{"id": "s", "on": "sex", "cuts": [0.5], "labels": ["a"]}]}, r"1 labels for 2 parts"),
        ({"subgroup": [{"id": "s", "on": "crp", "quantiles": 2, "endpoint": "e"}]}, r"no endpoint 'e'\. There is crp"),
        ({"threshold": [{"biomarker": "crp", "arm": "placebo"}]}, r"'placebo' is the arm that 'crp' compares others"),
        ({"threshold": [{"biomarker": "crp", "values": [2]}]}, r"^threshold 1, unit: values of 'crp' have no unit"),
        ({"uncertainty": {"draws": 1}}, r"^uncertainty, draws: "),
        ({"power": {"biomarker": "crp"}}, r"^power: 'biomarker' and 'enrichment', its thresholds, go together"),
        ({"power": {"unit": "mg/L"}}, r"^power: 'unit' is that of 'enrichment', which is not there"),
        (
            {"power": {"biomarker": "crp", "enrichment": [2], "unit": "mg/L", "others": {"crp": [3]}}},
            r"^power: 'crp' is the 'biomarker' already",
        ),
        ({"power": {"others": {"crp": []}}}, r"^power: 'crp' has no thresholds; give one or more"),
        ({"power": {"others": {"il66": [2]}}}, r"^power, others, il66: .*'il66'"),
        ({"power": {"sizes": [1]}}, r"^power: an arm of 1 patient cannot be compared"),
        ({"sensitivity": {"parameters": ["weight"]}}, r"^sensitivity, parameters 1: 'weight' is certain, so there is"),
        ({"sensitivity": {"method": "fast"}}, r"^sensitivity, method: .*'sobol' or 'tornado' \(it is 'fast'\)"),
        ({"sensitivity": {"kinds": ["guessed"]}}, r"^sensitivity, kinds 1: .*'assumed' \(it is 'guessed'\)"),
        ({"population": {"match": [{"observable": "crp"}]}}, r"match 1: there is no figure to meet"),
        ({"population": {"match": [{"observable": "crp", "mean": 3}]}}, r"match 1, unit: .* no unit; add one"),
        (
            {"population": {"match": [{"observable": "crp", "above": "3 kg", "share": 0.2}]}},
            r"match 1, above: 'kg'",
        ),
        (
            {"population": {"match": [{"observables": ["crp", "tnff"], "correlation": 0.5}]}},
            r"match 1, observables 2: .* Did you mean 'tnf'",
        ),
        (
            {"population": {"match": [{"observable": "crp", "quartiles": [4, 2], "unit": "mg/L"}]}},
            r"the first quartile must be below the second",
        ),
        ({"population": {"match": [{"observable": "crp", "mean": 1, "noise": 2}]}}, r"match 1, noise: .*boolean"),
        ({"population": {"weight": {"mean": 92, "sd": 15}}}, r"^population, weight: .*has no unit"),
        ({"population": {"genotype": {"rs1": 3}}}, r"^population, genotype, rs1: .*0, 1 or 2 effect alleles"),
        ({"population": {"among": "all"}}, r"^population, among: "),
        ({"report": {"question": 3}}, r"^report, question: .*Input should be text \(it is 3\)"),
        ({"report": {"questions": ""}}, r"^report: unknown key 'questions'; .* Did you mean 'question'"),
        ({"eligibility": {"rs1": "> 1"}}, r"^eligibility, rs1: criteria are on covariates and observables"),
        ({"eligibility": []}, r"^eligibility: .*table \(it is \[\]\)"),
    ],
)
def test_each_kind_of_problem(tables: dict[str, Any], expected: str) -> None:
    data = changed(**tables)
    data["endpoint"][0] = {k: v for k, v in data["endpoint"][0].items() if v is not None}
    for rule in data.get("rule", []):
        if rule.get("every", "") is None:
            del rule["every"]
    with pytest.raises(ProtocolError) as error:
        trial.prepare(data, assembly=fake_assembly())
    assert re.search(expected, str(error.value)), str(error.value)


def test_a_comparison_needs_two_arms() -> None:
    data = base()
    del data["arm"][0]
    data |= {
        "subgroup": [{"id": "s", "on": "sex", "cuts": [0.5]}],
        "threshold": [{"biomarker": "crp"}],
        "power": {},
        "sensitivity": {},
    }
    found = problems(data)
    assert [line.partition(": ")[0] for line in found] == ["subgroup 1 ('s')", "threshold 1", "power", "sensitivity"]
    assert all("this needs a second arm to compare with" in line for line in found)


def test_several_slips_in_one_table_are_all_told() -> None:
    data = changed(endpoint={"kind": "maximum", "threshold": "> 1 mg/L", "analysis": "cox", "statistic": "proportion"})
    found = problems(data)
    assert len(found) == 5  # at, every, threshold, analysis, statistic
    assert all(line.startswith("endpoint 1 ('crp'): ") for line in found)


def test_a_valid_protocol_has_no_problems(tmp_path: Path) -> None:
    data = changed(
        analysis={"covariates": ["age", "rs1", "baseline.tnf"], "primary": ["crp"]},
        subgroup=[{"id": "s", "on": "tnf", "cuts": [10], "unit": "ng/L"}],
        threshold=[{"biomarker": "age", "values": [40, 60], "unit": "year"}],
        power={"biomarker": "crp", "enrichment": [2], "unit": "mg/L"},
        sensitivity={"parameters": ["KD", "inflamed.drive", "drive"]},
        rule=[{**RULE, "when": ">= 50 %"}],
        dropout={"rate": 0.1, "observable": "crp", "hazard_ratio": 2.0, "per": "5 mg/L"},
    )
    ready = trial.prepare(data, assembly=fake_assembly())
    # Biomarkers are measured at time 0 even where nothing else reads them.
    assert list(ready.observables["tnf"].times) == [0.0]
    assert ready.observables["tnf"].noisy
    path = tmp_path / "trial.toml"
    path.write_text(toml_text(data))
    assert lk.read_protocol(path).model_dump() == lk.read_protocol(data).model_dump()


def test_the_table_of_a_population_lies_beside_the_protocol(tmp_path: Path) -> None:
    data = changed(population={"table": "people.parquet"})
    path = tmp_path / "trial.toml"
    path.write_text(toml_text(data))
    assert lk.read_protocol(path).table == tmp_path / "people.parquet"
    (tmp_path / "people.parquet").write_text("age,sex\n")
    assert re.search(r"line \d+, population, table: '.*people\.parquet' is no Parquet file", problems(path)[0])
    assert lk.read_protocol(data).table == Path("people.parquet")
    assert lk.read_protocol(base()).table is None
