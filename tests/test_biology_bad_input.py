"""Bad input: one message per problem, with file and line, all at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from biology_folder import one_compartment, write_folder

from leukinetics import biology
from leukinetics.biology.problems import BiologyError
from leukinetics.errors import ModelError


def problems(folder: Path) -> list[str]:
    return [str(p) for p in biology.check(folder)]


def test_a_typo_a_unit_a_missing_parameter_a_target_and_a_twin_at_once(tmp_path: Path) -> None:
    write_folder(
        tmp_path,
        {
            "modules/typo.ant": "// Typo.\nx := il6_free*/2;\ny := x + 1;\n",
            "modules/units.ant": "// Units.\nz := il6_free + crp_base;\n",
            "modules/missing.ant": "w := il6_los*2;\nv := il6_los*w;\n",
            "modules/twin.ant": "// Twin.\n\nsignal := 1;\n",
        },
        mab=('target = "IL6"', 'target = "IL-6"'),
    )
    found = problems(tmp_path)
    assert len(found) == 5, found
    text = "\n".join(found)
    assert "modules/typo.ant, line 2: 'il6_free*/2' is no formula" in text
    assert "modules/units.ant, line 2: unit mismatch in 'z := il6_free + crp_base'" in text
    assert "'il6_free' is in pmol/L, but 'crp_base' is in mg/L" in text
    assert "modules/missing.ant, line 1: 'w := il6_los*2' uses 'il6_los' (and in 1 more places)" in text
    assert "Did you mean 'il6_loss'" in text
    assert "modules/twin.ant, line 3: the rule 'signal' has the id of the one in modules/il6.ant, line 13" in text
    assert "drugs/mab.toml, line 52: the target 'IL-6' is unknown" in text
    # Assembly refuses with all of them, whatever is assembled.
    with pytest.raises(BiologyError) as refused:
        biology.assemble(root=tmp_path)
    assert [str(p) for p in refused.value.problems] == found
    assert str(refused.value).startswith(
        "The model's data cannot be assembled: 5 problems.\n  drugs/mab.toml, line 52:"
    )


#: What is wrong: (text to replace and its replacement by file, parts of the messages).
CASES = {
    "unit missing": (
        {"parameters": ("il6_loss	0.5	1/h", "il6_loss	0.5	")},
        ["parameters.tsv, line 7: 'il6_loss' has no unit"],
    ),
    "unit misspelt": (
        {"parameters": ("0.5	1/h", "0.5	1/hourz")},
        ["parameters.tsv, line 7: the unit of 'il6_loss': 'hourz'"],
    ),
    "kind missing": (
        {"parameters": ("ln 0.1	assumed", "ln 0.1	")},
        ["parameters.tsv, line 12: 'crp_power' has no kind"],
    ),
    "kind misspelt": (
        {"parameters": ("ln 0.1	assumed", "ln 0.1	assmued")},
        ["parameters.tsv, line 12: the kind of 'crp_power' is 'assmued'", "Did you mean 'assumed'"],
    ),
    "source missing": (
        {"parameters": ("assumed				own choice\ncsf", "assumed				\ncsf")},
        ["parameters.tsv, line 12: 'crp_power' has no source"],
    ),
    "no number": (
        {"parameters": ("drive_il6	1", "drive_il6	one")},
        ["parameters.tsv, line 9: the value of 'drive_il6' is 'one', not a number"],
    ),
    "calibrated without prior": (
        {"parameters": ("calibrated	0.6", "calibrated	")},
        ["parameters.tsv, line 7: 'il6_loss' is calibrated but has no prior"],
    ),
    "spread": (
        {"parameters": ("ln 0.9", "log 0.9")},
        ["parameters.tsv, line 10: the spread of 'crp_base' is 'log 0.9'"],
    ),
    "setter": (
        {"parameters": ("genotype condition", "genotpe condition")},
        ["parameters.tsv, line 7: set_by of 'il6_loss' has 'genotpe'", "Did you mean 'genotype'"],
    ),
    "parameter twice": (
        {"parameters": ("crp_loss	0.876", "il6_base	1	pg/mL			assumed				x\ncrp_loss	0.876")},
        ["parameters.tsv, line 11: the parameter 'il6_base' is also in parameters.tsv, line 6"],
    ),
    "parameter unused": (
        {"parameters": ("crp_loss	0.876", "idle	1	mg			assumed				x\ncrp_loss	0.876")},
        ["parameters.tsv, line 11: the parameter 'idle' is used by no module, readout, drug or genotype"],
    ),
    "parameter and symbol": (
        {"parameters": ("crp_loss	0.8", "signal	1	fold			assumed				x\ncrp_loss	0.8")},
        ["modules/il6.ant, line 13: the rule 'signal' has the id of the parameter in parameters.tsv, line 11"],
    ),
    "no molar mass": (
        {"entities": ("protein	20000", "protein	")},
        ["'il6_base' in pg/mL needs the molar mass of 'IL6'", "'il6_half' in pg/mL needs the molar mass of 'IL6'"],
    ),
    "unknown entity": (
        {"parameters": ("0.1	measured		IL6", "0.1	measured		IL66")},
        ["parameters.tsv, line 6: 'il6_base' names the unknown entity 'IL66'", "Did you mean 'IL6'"],
    ),
    "entity twice": (
        {"entities": ("mab	an", "CRP	twin	protein\nmab	an")},
        ["entities.tsv, line 6: the entity 'CRP' is also in entities.tsv, line 5"],
    ),
    "entity of a module": (
        {"il6": ("@CRP", "@CPR")},
        ["modules/il6.ant, line 11: '@CPR' of 'crp_plasma' is not in entities.tsv", "Did you mean 'CRP'"],
    ),
    "complex of nothing": (
        {"entities": ("IL6 IL6R", "IL6 IL7R")},
        ["entities.tsv, line 4: 'IL6_IL6R' is made of 'IL7R', which is no entity"],
    ),
    "number in a module": (
        {"csf": ("csf_flow", "k = 3;\ncsf_flow")},
        ["modules/csf.ant, line 2: 'k = 3' is a number in a module; numbers are rows of parameters.tsv"],
    ),
    "reaction unit": (
        {"il6": ("plasma*crp_loss*crp_plasma", "crp_loss*crp_plasma")},
        ["modules/il6.ant, line 18: unit mismatch", "the rate is in mg/L/day, but 'crp_plasma' changes", "in mg/day"],
    ),
    "rate unit": (
        {"csf": ("csf_flow", "q = crp_power;\nq' = -q;\ncsf_flow")},
        ["csf.ant, line 3: unit mismatch in 'q' = -q': 'q' changes in 1/day, but the right side is in dimensionless"],
    ),
    "power of a unit": (
        {"il6": ("signal_ref = hill(il6_base, il6_half, crp_power)", "signal_ref = (il6_base^crp_power)/il6_half")},
        ["modules/il6.ant, line 14", "raises 'il6_base', which is in pmol/L, to the power 'crp_power'"],
    ),
    "exponential of a unit": (
        {"csf": ("csf_production/csf_volume", "csf_production/csf_volume*exp(-csf_volume)")},
        ["modules/csf.ant, line 2", "takes exp of '-csf_volume', which is in L; it must be dimensionless"],
    ),
    "compartment unit": (
        {"il6": ("plasma = plasma_volume*", "plasma = plasma_volume*crp_loss*")},
        ["modules/il6.ant, line 4: unit mismatch", "'plasma' is in L, but the right side is in L/day"],
    ),
    "species unit": (
        {"il6": ("compartment plasma;", "compartment plasma; species odd in plasma; odd = crp_loss;")},
        ["modules/il6.ant, line 3: the species 'odd' is in 1/day; it must be a concentration"],
    ),
    "no start": (
        {"il6": ("memory = 0; // a lagged signal", "")},
        ["modules/il6.ant, line 16: 'memory' has no start value; write 'memory = ...;'"],
    ),
    "start without unit": (
        {"csf": ("csf_flow =", "q = 0;\nq' = -q*crp_loss;\ncsf_flow =")},
        ["modules/csf.ant, line 3: the unit of 'q' cannot be told from its start at 0"],
    ),
    "circle": (
        {"csf": ("csf_flow", "u := v;\nv := 2*u;\ncsf_flow")},
        ["modules/csf.ant, line 2: the rules define each other in a circle: u -> v -> u"],
    ),
    "circle of starts": (
        {"csf": ("csf_flow", "u = v;\nv = 2*u;\ncsf_flow")},
        ["modules/csf.ant, line 2: the start values define each other in a circle: u -> v -> u"],
    ),
    "functions in a circle": (
        {"functions": ("// Functions.", "function f(x)\n g(x)\nend\nfunction g(x)\n f(x)\nend\n")},
        ["modules/functions.ant, line 1: the functions call each other in a circle: f -> g -> f"],
    ),
    "function of what it is not given": (
        {"functions": ("(x, k, n)", "(x, k, m)")},
        ["modules/functions.ant, line 2: function 'hill' uses 'n', which is not one of its arguments"],
    ),
    "function of an unknown function": (
        {"functions": ("1 + (x/k)^n", "plus1((x/k)^n)")},
        ["modules/functions.ant, line 2: function 'hill' calls the unknown function 'plus1'"],
    ),
    "unknown function": (
        {"il6": ("signal := hill(", "signal := hil(")},
        ["il6.ant, line 13: 'signal := hil(il6_free, il6_half, crp_power)/signal_ref' calls the unknown", "'hill'"],
    ),
    "arguments": (
        {"il6": ("hill(il6_free, il6_half, crp_power)", "hill(il6_free, il6_half)")},
        ["modules/il6.ant, line 13", "calls 'hill' with 2 arguments; it has 3"],
    ),
    "no species": (
        {"il6": ("J_crp_loss: crp_plasma ->", "J_crp_loss: crp_plasm ->")},
        ["modules/il6.ant, line 18: reaction 'J_crp_loss' names 'crp_plasm', which is no species", "'crp_plasma'"],
    ),
    "no compartment": (
        {"il6": ("species crp_plasma in plasma", "species crp_plasma in plasm")},
        ["modules/il6.ant, line 11: the species 'crp_plasma' is in 'plasm', which is no compartment", "'plasma'"],
    ),
    "mass": (
        {"il6": ("J_crp_loss: crp_plasma -> ; ", "J_crp_loss: crp_plasma -> 2 crp_plasma; ")},
        ["modules/il6.ant, line 18", "does not conserve mass: CRP becomes 2 CRP"],
    ),
    "mass without entity": (
        {"il6": ("crp_plasma in plasma; // @CRP", "crp_plasma in plasma;"),
         "csf": ("csf_flow", "J: crp_plasma -> crp_plasma; crp_loss*plasma*crp_plasma;\ncsf_flow")},
        ["modules/il6.ant, line 11: 'crp_plasma' takes part in", "names no entity"],
    ),
    "reserved": (
        {"csf": ("csf_flow", "time := crp_loss;\ncsf_flow")},
        ["modules/csf.ant, line 2: 'time' already means something else"],
    ),
    "readout formula": (
        {"readouts": ("crp_plasma	mg/L", "crp_plasma +	mg/L")},
        ["readouts.tsv, line 2: readout 'crp': 'crp_plasma +' is no formula"],
    ),
    "readout unit": (
        {"readouts": ("crp_plasma	mg/L", "crp_plasma	1/day")},
        ["readouts.tsv, line 2: the readout 'crp' is in 1/day, but 'crp_plasma' is in mg/L"],
    ),
    "readout without molar mass": (
        {"readouts": ("il6_free	pg/mL	IL6	", "il6_free	pg/mL		")},
        ["readouts.tsv, line 3: the readout 'il6' turns pmol/L into pg/mL, which needs an entity with a molar mass"],
    ),
    "readout named like a symbol": (
        {"readouts": ("signal	signal	dimensionless", "signal	signal	%")},
        ["readouts.tsv, line 5: the readout 'signal' is the rule of that name", "rename one of them"],
    ),
    "readout of nothing": (
        {"readouts": ("crp_plasma	mg/L", "crp_plasm	mg/L")},
        ["readouts.tsv, line 2: readout 'crp' uses 'crp_plasm'", "Did you mean 'crp_plasma'"],
    ),
    "genotype on what is closed": (
        {"genotypes": ("il6_base", "crp_base")},
        ["genotypes.tsv, line 2: rs1 acts on 'crp_base', which is not open to genotypes", "parameters.tsv, line 10"],
    ),
    "genotype on a readout": (
        {"genotypes": ("il6_base", "il6_bound")},
        ["genotypes.tsv, line 2: rs1 names the readout 'il6_bound'; a genotype acts on a parameter only"],
    ),
    "correlation": (
        {"correlations": ("0.4", "1.4")},
        ["correlations.tsv, line 2: rho of il6_base with crp_base is 1.4; it lies between -1 and 1"],
    ),
    "port": (
        {"targets": ("il6r_plasma_block", "il6_plasma_binding")},
        ["targets.tsv, line 5: IL6R at plasma (port 'il6_plasma_binding') repeats targets.tsv, line 2"],
    ),
    "column": (
        {"targets": ("target	site	port", "target	sites	port")},
        ["targets.tsv, line 1: the table has no column 'site'", "Did you mean 'sites'"],
    ),
    "condition on what is closed": (
        {"castleman": ("set.drive_il6", "set.crp_base")},
        ["conditions/castleman.toml, line 4: the condition sets 'crp_base', which is not open to conditions"],
    ),
    "condition on the unknown": (
        {"castleman": ("set.drive_il6", "set.drive_il7")},
        ["conditions/castleman.toml, line 4: the condition sets the unknown parameter 'drive_il7'", "'drive_il6'"],
    ),
    "condition's unit": (
        {"castleman": ('value = 1\nunit = "1/h"', 'value = 1\nunit = "h"')},
        ["conditions/castleman.toml, line 12: 'il6_loss' is set in h, but parameters.tsv, line 7 has it in 1/h"],
    ),
    "condition's population": (
        {"castleman": ("population.weight", "population.wieght")},
        ["conditions/castleman.toml, line 15: the population has 'wieght', which is no covariate", "'weight'"],
    ),
    "condition's baseline": (
        {"castleman": ('readout = "crp"', 'readout = "crpp"')},
        ["conditions/castleman.toml, line 21: the baseline names the unknown readout 'crpp'", "'crp'"],
    ),
    "no TOML": (
        {"castleman": ("value = 5", "value 5")},
        ["conditions/castleman.toml, line 5: this is not valid TOML"],
    ),
    "drug with an effect": (
        {"mab": ("[pk]\n", "[crp]\nchange = -0.5\n[pk]\n")},
        ["drugs/mab.toml, line 5: a drug file must not name 'crp', an outcome of the model"],
    ),
    "drug with an unknown key": (
        {"mab": ("[pk]\n", "[bindng]\nx = 1\n[pk]\n")},
        ["drugs/mab.toml, line 5: 'bindng' is unknown in a drug file", "Did you mean 'binding'"],
    ),
    "drug that binds a readout": (
        {"mab": ('target = "IL6"', 'target = "CRP"')},
        ["drugs/mab.toml, line 52: 'CRP' is a readout, no molecular target"],
    ),
    "drug that binds a disease": (
        {"mab": ('target = "IL6"', 'target = "castleman"')},
        ["drugs/mab.toml, line 52: 'castleman' is a condition, no molecular target"],
    ),
    "drug at an unknown site": (
        {"mab": ('sites = ["plasma", "csf"]', 'sites = ["plasma", "lung"]')},
        ["drugs/mab.toml, line 54: 'binding.sites' is 'lung'; it is one of plasma, tissue, csf"],
    ),
    "drug without its way to the CSF": (
        {"mab": ("[distribution.csf_ratio]", "[distribution.csf_rati]")},
        ["line 60: 'csf_rati' is unknown in [distribution]", "line 51: mab: it binds in the CSF but has no"],
    ),
    "drug without clearance": (
        {"mab": ("[pk.parameters.CL]", "[pk.parameters.CLL]")},
        ["line 9: 'CLL' is no parameter of the kinetics", "acts on 'CL'", "names 'CL'", "'CL' is missing"],
    ),
    "drug with a unit of its own": (
        {"mab": ('value = 0.2\nunit = "L/day"', 'value = 0.2\nunit = "L/day/kg"')},
        ["drugs/mab.toml, line 11: 'mab_CL' is in L/day/kg (L/kg/day); it must be in a unit like L/day"],
    ),
    "drug without source": (
        {"mab": ('unit = "L/day"\nspread = "ln 0.3"\nkind = "measured"\nsource = "doi:10.1000/mab"',
                 'unit = "L/day"\nspread = "ln 0.3"\nkind = "measured"')},
        ["drugs/mab.toml, line 10: 'mab_CL' has no source"],
    ),
    "drug with a covariate of nobody": (
        {"mab": ('covariate = "weight"', 'covariate = "plasma_volume"')},
        ["drugs/mab.toml, line 42: 'plasma_volume' is no covariate (a parameter that patients set)"],
    ),
    "drug's regimen": (
        {"mab": ('route = "sc"', 'route = "po"')},
        ["line 68: the route 'po' is not among the drug's inputs (sc, iv)"],
    ),
    "drug that supplies nothing": (
        {"rhil6": ('species = "il6_plasma"', 'species = "il6"')},
        ["drugs/rhil6.toml, line 20: the drug supplies 'il6', which is no species of the model"],
    ),
    "drug without entity": (
        {"rhil6": ('entity = "IL6"', 'entity = "IL-6"')},
        ["drugs/rhil6.toml, line 3: the entity 'IL-6' is not in entities.tsv"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_each_problem_has_its_place(tmp_path: Path, case: str) -> None:
    changes, expected = CASES[case]
    found = problems(write_folder(tmp_path, **changes))
    text = "\n".join(found)
    for part in expected:
        assert part in text
    lines = {part.split(":")[0] for part in expected if ", line " in part.split(":")[0]}
    assert len(found) <= max(len(lines), len(expected)), text


def test_a_drug_may_not_use_an_id_twice(tmp_path: Path) -> None:
    twin = one_compartment().replace('id = "pill"', 'id = "mab"')
    found = problems(write_folder(tmp_path, {"drugs/zzz.toml": twin}))
    assert found == ["drugs/zzz.toml, line 1: the id 'mab' is also in drugs/mab.toml, line 1."]


def test_unused_rows_do_not_prevent_assembly(tmp_path: Path) -> None:
    write_folder(
        tmp_path,
        parameters=("crp_loss	0.876", "idle	1	mg			assumed				x\ncrp_loss	0.876"),
    )
    (problem,) = biology.check(tmp_path)
    assert problem.severity == "warning"
    assert "idle" not in set(biology.assemble(root=tmp_path).parameters["id"])


def test_a_broken_drug_prevents_only_what_uses_it(tmp_path: Path) -> None:
    write_folder(tmp_path, mab=('target = "IL6"', 'target = "IL7"'))
    biology.assemble("castleman", root=tmp_path)
    with pytest.raises(BiologyError, match="'IL7' is unknown"):
        biology.assemble(drugs=["mab"], root=tmp_path)
    broken = write_folder(tmp_path / "toml", {"drugs/mab.toml": "id ="})
    with pytest.raises(BiologyError, match="not valid TOML"):
        biology.assemble(drugs=["mab"], root=broken)


def test_unknown_names_get_suggestions(tmp_path: Path) -> None:
    write_folder(tmp_path)
    with pytest.raises(ModelError, match=r"no condition 'castelman'.*Did you mean 'castleman'"):
        biology.assemble("castelman", root=tmp_path)
    with pytest.raises(ModelError, match=r"no drug 'mabb'.*Did you mean 'mab'"):
        biology.assemble(drugs=["mabb"], root=tmp_path)
    with pytest.raises(ModelError, match="no biology folder"):
        biology.assemble(root=tmp_path / "nowhere")


def test_ids_that_are_no_text() -> None:
    for condition, drugs in ((3, []), ("healthy", [["mab"]]), (None, [None])):
        with pytest.raises(ModelError, match="no id of a condition or drug"):
            biology.assemble(condition, drugs=drugs)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="give a list of ids"):
        biology.assemble("healthy", drugs=3)  # type: ignore[arg-type]
