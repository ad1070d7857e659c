"""A small biology folder for tests: IL-6 and CRP in plasma, CSF, two drugs, two conditions."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

_GENOTYPES = "variant gene entity effect_allele frequency_EUR frequency_EAS frequency_AFR parameter effect_per_allele"

FILES = {
    "modules/functions.ant": """\
        // Functions.
        function hill(x, k, n)
          (x/k)^n/(1 + (x/k)^n)
        end
        """,
    "modules/il6.ant": """\
        // IL-6 and CRP in plasma.
        // Second line of the header.
        compartment plasma;
        plasma = plasma_volume*weight/weight_ref;
        species il6_plasma in plasma; // @IL6 plasma interleukin-6
        il6_plasma = il6_base;
        il6_free := il6_plasma/(1 + il6_plasma_binding);
        J_il6_made: -> il6_plasma; plasma*il6_loss*il6_base*drive_il6;
        J_il6_loss: il6_plasma -> ; plasma*il6_loss*il6_free;

        species crp_plasma in plasma; // @CRP
        crp_plasma = crp_base;
        signal := hill(il6_free, il6_half, crp_power)/signal_ref;
        signal_ref = hill(il6_base, il6_half, crp_power);
        memory = 0; // a lagged signal
        memory' = crp_loss*(signal - 1 - memory);
        J_crp_made: -> crp_plasma; plasma*crp_loss*crp_base*(1 + memory);
        J_crp_loss: crp_plasma -> ; plasma*crp_loss*crp_plasma;
        """,
    "modules/csf.ant": """\
        // Turnover of CSF.
        csf_flow = csf_production/csf_volume;
        """,
    "parameters.tsv": """\
        id	value	unit	spread	uncertainty	kind	prior	entity	set_by	source	note
        weight	70	kg	sd 12		assumed			patient	reference adult
        sex	0	dimensionless			assumed			patient	coding
        weight_ref	70	kg			derived				definition
        plasma_volume	3.3	L	ln 0.1	ln 0.02	measured				doi:10.1000/xyz123
        il6_base	2	pg/mL	ln 0.5	ln 0.1	measured		IL6	genotype	doi:10.1000/xyz123; PMID:1234567
        il6_loss	0.5	1/h		ln 0.3	calibrated	0.6		genotype condition	doi:10.1000/xyz123
        il6_half	30	pg/mL		ln 0.3	assumed		IL6		own choice	wide
        drive_il6	1	dimensionless			derived			condition	definition
        crp_base	1	mg/L	ln 0.9		measured		CRP		doi:10.1000/xyz123
        crp_loss	0.876	1/day			derived				doi:10.1000/xyz123
        crp_power	1.5	dimensionless		ln 0.1	assumed				own choice
        csf_production	500	mL/day			measured				doi:10.1000/xyz123
        csf_volume	150	mL			measured				doi:10.1000/xyz123
        """,
    "readouts.tsv": """\
        id	expression	unit	entity	label	note	source
        crp	crp_plasma	mg/L	CRP	C-reactive protein
        il6	il6_free	pg/mL	IL6	free interleukin-6
        il6_bound	100*(1 - il6_free/il6_plasma)/100	%		share bound by drug
        signal	signal	dimensionless		signal relative to health
        """,
    "targets.tsv": """\
        target	site	port	kind	module	note
        IL6	plasma	il6_plasma_binding	soluble_ligand	il6
        IL6	csf	il6_csf_binding	soluble_ligand	csf
        IL6	tissue	il6_tissue_binding	soluble_ligand	il6
        IL6R	plasma	il6r_plasma_block	receptor	il6
        """,
    "entities.tsv": """\
        id	name	kind	molar_mass	ncbi_gene	uniprot	mesh	mondo	chebi	other	made_of	source	note
        IL6	interleukin-6	protein	20000	3569	P05231	D015850
        IL6R	interleukin-6 receptor	protein	50000	3570	P08887
        IL6_IL6R	IL-6 with its receptor	complex	70000							IL6 IL6R
        CRP	C-reactive protein	protein	115000	1401	P02741
        mab	an antibody	drug	145000
        pill	a small molecule	drug	300					35341
        castleman	Castleman disease	disease				D005871	0015564
        """,
    "genotypes.tsv": "\t".join(f"{_GENOTYPES} uncertainty kind source note".split())
    + "\nrs1\tIL6\tIL6\tC\t0.4\t0.1\t0.1\til6_base\t0.1\tsd 0.05\tmeasured\tdoi:10.1000/xyz123\t\n",
    "correlations.tsv": "a\tb\trho\tsource\nil6_base\tcrp_base\t0.4\tdoi:10.1000/xyz123\n",
    "conditions/healthy.toml": 'id = "healthy"\ntitle = "Health"\n',
    "conditions/castleman.toml": """\
        id = "castleman"
        title = "Castleman disease"
        entity = "castleman"
        [set.drive_il6]
        value = 5
        unit = "dimensionless"
        spread = "ln 0.8"
        kind = "measured"
        source = "doi:10.1000/castleman"
        [set.il6_loss]
        value = 1
        unit = "1/h"
        kind = "assumed"
        source = "own choice"
        [population.weight]
        mean = 72.0
        sd = 11.0
        unit = "kg"
        kind = "measured"
        source = "doi:10.1000/castleman"
        [[baseline]]
        readout = "crp"
        value = 20
        unit = "mg/L"
        source = "doi:10.1000/castleman"
        role = "calibrate"
        """,
    "drugs/mab.toml": """\
        id = "mab"
        name = "Antibody"
        entity = "mab"
        modality = "antibody"
        [pk]
        structure = "two_compartment"
        input = ["sc", "iv"]
        elimination = ["linear"]
        [pk.parameters.CL]
        value = 0.2
        unit = "L/day"
        spread = "ln 0.3"
        kind = "measured"
        source = "doi:10.1000/mab"
        [pk.parameters.V1]
        value = 3
        unit = "L"
        kind = "measured"
        source = "doi:10.1000/mab"
        [pk.parameters.Q]
        value = 0.4
        unit = "L/day"
        kind = "measured"
        source = "doi:10.1000/mab"
        [pk.parameters.V2]
        value = 2500
        unit = "mL"
        kind = "measured"
        source = "doi:10.1000/mab"
        [pk.parameters.ka]
        value = 0.25
        unit = "1/day"
        kind = "measured"
        source = "doi:10.1000/mab"
        [pk.parameters.F]
        value = 0.7
        unit = "dimensionless"
        kind = "measured"
        source = "doi:10.1000/mab"
        [[pk.covariate]]
        parameter = "CL"
        covariate = "weight"
        form = "power"
        reference = {value = 70, unit = "kg"}
        coefficient = {value = 0.75, unit = "dimensionless", kind = "assumed", source = "allometry"}
        [[pk.correlation]]
        a = "CL"
        b = "V1"
        rho = 0.5
        source = "doi:10.1000/mab"
        [[binding]]
        target = "IL6"
        mode = "neutralises"
        sites = ["plasma", "csf"]
        [binding.KD]
        value = 1
        unit = "nmol/L"
        kind = "assumed"
        source = "own choice"
        [distribution.csf_ratio]
        value = 0.002
        unit = "dimensionless"
        kind = "measured"
        source = "doi:10.1000/mab"
        [[regimen]]
        name = "label"
        amount = {value = 150, unit = "mg"}
        route = "sc"
        every = {value = 8, unit = "week"}
        source = "doi:10.1000/mab"
        """,
    "drugs/rhil6.toml": """\
        id = "rhil6"
        name = "Recombinant IL-6"
        entity = "IL6"
        modality = "protein"
        [pk]
        structure = "none"
        input = ["sc", "iv"]
        elimination = []
        [pk.parameters.ka]
        value = 0.1
        unit = "1/h"
        kind = "assumed"
        source = "own choice"
        [pk.parameters.F]
        value = 0.6
        unit = "dimensionless"
        kind = "assumed"
        source = "own choice"
        [[supplies]]
        species = "il6_plasma"
        """,
}


def write_folder(folder: Path, changes: dict[str, str | None] | None = None, **replaced: tuple[str, str]) -> Path:
    """Write the folder; ``changes`` give files new contents (None: no such file).

    ``replaced``: ``il6=("old", "new")`` replaces text in the one file of that stem, and must find it.
    """
    files: dict[str, str | None] = {name: dedent(text) for name, text in FILES.items()}
    files |= {name: None if text is None else dedent(text) for name, text in (changes or {}).items()}
    for stem, (old, new) in replaced.items():
        (name,) = [n for n in files if n.rpartition("/")[2].split(".")[0] == stem]
        text = files[name]
        assert text is not None and old in text, f"{old!r} is not in {name}"
        files[name] = text.replace(old, new)
    for name, text in files.items():
        if text is not None:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return folder


def one_compartment(**tables: str) -> str:
    """A drug file of one compartment named ``pill``: V 20 L, CL 10 L/day, ka 24/day, with changes.

    ``pk`` replaces the lines of [pk]; ``parameters`` and ``more`` add lines.
    """
    pk = tables.get("pk", 'structure = "one_compartment"\ninput = ["po", "iv"]\nelimination = ["linear"]')
    numbers = tables.get("numbers", "V = 20 L\nCL = 10 L/day\nka = 24 1/day")
    lines = ['id = "pill"', 'name = "Pill"', 'entity = "pill"', 'modality = "small_molecule"', "[pk]", pk]
    for line in numbers.splitlines():
        name, _, quantity = line.partition(" = ")
        value, _, unit = quantity.partition(" ")
        lines += [f"[pk.parameters.{name}]", f"value = {value}", f'unit = "{unit}"']
        lines += ['kind = "assumed"', 'source = "own choice"']
    return "\n".join([*lines, dedent(tables.get("more", ""))])
