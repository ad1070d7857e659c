"""Write the two synthetic benchmark models; running it again gives the same text.

    python bench/make_models.py [DIRECTORY]     (default: leukinetics/examples/models)

``qsp73``: the numerical features of a cytokine QSP model (73 states): transcripts and cytokines that turn
over in minutes to hours, cells over weeks, non-integer Hill terms, a drug that binds its target fast
(target-mediated disposition). Production constants are chosen so that the drug-free model starts at rest.
``cascade96``: two crosstalking mass-action phosphorylation cascades (96 states) with enzyme complexes, a
transcriptional feedback and twelve timed additions of ligand as events.

Neither describes a real system: they exist to time solvers.
"""

from __future__ import annotations

import math
import random
import sys
from pathlib import Path

HEADER = """\
// SYNTHETIC model for timing solvers; it describes no real system and no parameter was measured.
// Written by bench/make_models.py: change that script, not this file.
"""


class Writer:
    """Collects species, parameters and reactions of one Antimony model."""

    def __init__(self, name: str, title: str) -> None:
        self.name, self.title = name, title
        self.species: dict[str, float] = {}
        self.parameters: dict[str, float] = {}
        self.reactions: list[str] = []
        self.events: list[str] = []

    def state(self, name: str, initial: float) -> str:
        self.species[name] = initial
        return name

    def parameter(self, name: str, value: float) -> str:
        self.parameters[name] = float(f"{value:.6g}")
        return name

    def reaction(self, equation: str, rate: str) -> None:
        self.reactions.append(f"R{len(self.reactions) + 1}: {equation}; {rate};")

    def text(self) -> str:
        lines = [HEADER + self.title, f"model {self.name}()", "  compartment body = 1;", "  species"]
        lines[-1] += ", ".join(f" {s} in body" for s in self.species) + ";"
        lines += [f"  {s} = {v:.10g};" for s, v in self.species.items()]
        lines += [f"  {p} = {v:.10g};" for p, v in self.parameters.items()]
        lines += [f"  {r}" for r in self.reactions + self.events]
        return "\n".join([*lines, "end", ""])


def hill(x: float, k: float, n: float) -> float:
    return float(x**n / (k**n + x**n))


def hill_text(x: str, k: str, n: str) -> str:
    return f"{x}^{n}/({k}^{n} + {x}^{n})"


def qsp73() -> str:
    """Time in days, concentrations in nmol/L, cells relative to their resting number."""
    rng = random.Random(73)
    m = Writer(
        "qsp73",
        "// 73 states: 12 cytokines (transcript, tissue, blood), 7 cell lineages (precursor, activated),\n"
        "// a drug that binds cytokine 1, a soluble receptor, 3 signalling receptors with feedback,\n"
        "// 6 downstream proteins. Time in days, concentrations in nmol/L.\n"
        "// The benchmark doses D_depot 13 times, once every 28 days.\n",
    )
    cytokines = range(1, 13)
    cells = range(1, 8)
    tissue = {i: 10 ** rng.uniform(-3, -0.5) for i in cytokines}
    half_life_hours = {i: 10 ** rng.uniform(math.log10(0.15), math.log10(8)) for i in cytokines}

    for c in cells:  # precursors divide and become activated under two cytokines
        on, off = rng.sample(list(cytokines), 2)
        p, act = m.state(f"P{c}", 1.0), m.state(f"A{c}", 0.2)
        kout = m.parameter(f"kP{c}", rng.uniform(0.03, 0.1))
        kact = m.parameter(f"kact{c}", rng.uniform(0.02, 0.2))
        kdie = m.parameter(f"kdie{c}", rng.uniform(0.05, 0.3))
        emax = m.parameter(f"emaxA{c}", rng.uniform(1, 6))
        ks = [m.parameter(f"KA{c}_{i}", tissue[i] * rng.uniform(0.7, 3)) for i in (on, off)]
        ns = [m.parameter(f"nA{c}_{i}", round(rng.uniform(1.1, 3.4), 2)) for i in (on, off)]
        h = [hill(tissue[i], m.parameters[ks[j]], m.parameters[ns[j]]) for j, i in enumerate((on, off))]
        up_text, down_text = hill_text(f"T{on}", ks[0], ns[0]), hill_text(f"T{off}", ks[1], ns[1])
        drive = f"(1 + {emax}*{up_text})*(1 - 0.5*{down_text})"
        level = (1 + m.parameters[emax] * h[0]) * (1 - 0.5 * h[1])
        # the activated pool rests at 0.2: its loss is scaled to balance activation at rest
        m.parameters[kact] = float(f"{m.parameters[kdie] * 0.2 / level:.6g}")
        m.reaction(f" => {p}", m.parameter(f"kin{c}", m.parameters[kout] + m.parameters[kact] * level))
        m.reaction(f"{p} => ", f"{kout}*{p}")
        m.reaction(f"{p} => {act}", f"{kact}*{p}*{drive}")
        m.reaction(f"{act} => ", f"{kdie}*{act}")

    for i in cytokines:  # transcript -> tissue -> blood
        c1, c2 = rng.sample(list(cells), 2)
        up, down = rng.sample([j for j in cytokines if j != i], 2)
        mrna, t, b = m.state(f"M{i}", 1.0), m.state(f"T{i}", tissue[i]), m.state(f"B{i}", 0.0)
        kdeg = math.log(2) / (half_life_hours[i] / 24)
        kt = m.parameter(f"kT{i}", kdeg)
        kb = m.parameter(f"kB{i}", kdeg * rng.uniform(0.5, 2))
        kout = m.parameter(f"ktb{i}", rng.uniform(2, 12))
        m.species[b] = m.parameters[kout] * tissue[i] / (m.parameters[kb])
        km = m.parameter(f"kM{i}", rng.uniform(15, 60))
        emax = m.parameter(f"emaxM{i}", rng.uniform(2, 10))
        k1 = m.parameter(f"KM{i}_{up}", tissue[up] * rng.uniform(1, 4))
        n1 = m.parameter(f"nM{i}_{up}", round(rng.uniform(1.2, 3.6), 2))
        k2 = m.parameter(f"IM{i}_{down}", tissue[down] * rng.uniform(0.7, 3))
        n2 = m.parameter(f"qM{i}_{down}", round(rng.uniform(1.1, 2.7), 2))
        up_rest = 1 + m.parameters[emax] * hill(tissue[up], m.parameters[k1], m.parameters[n1])
        down_rest = 1 - hill(tissue[down], m.parameters[k2], m.parameters[n2])
        made = m.parameter(f"ksM{i}", m.parameters[km] / (up_rest * down_rest))
        drive = f"(1 + {emax}*{hill_text(f'T{up}', k1, n1)})*(1 - {hill_text(f'T{down}', k2, n2)})"
        m.reaction(f" => {mrna}", f"{made}*{drive}")
        m.reaction(f"{mrna} => ", f"{km}*{mrna}")
        supply = (m.parameters[kt] + m.parameters[kout]) * tissue[i]
        m.reaction(f" => {t}", f"{m.parameter(f'ksT{i}', supply / 0.4)}*{mrna}*(A{c1} + A{c2})")
        m.reaction(f"{t} => ", f"{kt}*{t}")
        m.reaction(f"{t} => {b}", f"{kout}*{t}")
        m.reaction(f"{b} => ", f"{kb}*{b}")

    # The drug: depot, blood, periphery, tissue; binds cytokine 1 within seconds to minutes.
    for s in ("D_depot", "D_blood", "D_per", "D_tissue", "DB1", "DT1"):
        m.state(s, 0.0)
    rates = {"ka": 0.35, "CL": 0.05, "k12": 0.3, "k21": 0.25, "kbt": 0.12, "ktbD": 0.4}
    for name, value in (rates | {"kon": 2500.0, "koff": 8.0, "kdc": 0.06}).items():
        m.parameter(name, value)
    m.reaction("D_depot => D_blood", "ka*D_depot")
    m.reaction("D_blood => ", "CL*D_blood")
    m.reaction("D_blood => D_per", "k12*D_blood")
    m.reaction("D_per => D_blood", "k21*D_per")
    m.reaction("D_blood => D_tissue", "kbt*D_blood")
    m.reaction("D_tissue => D_blood", "ktbD*D_tissue")
    m.reaction("D_blood + B1 => DB1", "kon*D_blood*B1 - koff*DB1")
    m.reaction("D_tissue + T1 => DT1", "kon*D_tissue*T1 - koff*DT1")
    m.reaction("DB1 => ", "kdc*DB1")
    m.reaction("DT1 => ", "kdc*DT1")

    # A soluble receptor that buffers cytokine 2 in blood: at rest bound and free are in equilibrium.
    free = 0.5
    m.parameter("kon2", 400)
    m.parameter("koff2", 40)
    m.parameter("ksR", 0.8 * free)
    m.parameter("kdR", 0.8)
    m.state("S2", free)
    m.state("S2B2", m.parameters["kon2"] * free * m.species["B2"] / m.parameters["koff2"])
    m.reaction(" => S2", "ksR")
    m.reaction("S2 => ", "kdR*S2")
    m.reaction("S2 + B2 => S2B2", "kon2*S2*B2 - koff2*S2B2")

    for r, i in enumerate((3, 5, 8), start=1):  # occupancy, signal, feedback
        occ, sig, fb = m.state(f"RC{r}", 0.0), m.state(f"Sig{r}", 0.0), m.state(f"Fb{r}", 0.0)
        kon = m.parameter(f"konR{r}", 300 / tissue[i])
        koff = m.parameter(f"koffR{r}", 600)
        total = m.parameter(f"Rtot{r}", 1.0)
        ksig = m.parameter(f"ksig{r}", rng.uniform(500, 2000))
        koffs = m.parameter(f"kdes{r}", rng.uniform(200, 900))
        kfb = m.parameter(f"kfb{r}", rng.uniform(5, 20))
        nfb = m.parameter(f"nfb{r}", round(rng.uniform(1.3, 2.9), 2))
        m.reaction(f" => {occ}", f"{kon}*T{i}*({total} - {occ}) - {koff}*{occ}")
        m.reaction(f" => {sig}", f"{ksig}*{occ}*(1 - {sig})/(1 + ({fb}/0.3)^{nfb}) - {koffs}*{sig}")
        m.reaction(f" => {fb}", f"{kfb}*({hill_text(sig, '0.3', nfb)} - {fb})")

    for q in range(1, 7):  # downstream proteins with turnover of hours to weeks
        s = m.state(f"Q{q}", 1.0)
        k = m.parameter(f"kQ{q}", [8.0, 0.9, 0.25, 0.05, 2.5, 0.1][q - 1])
        r = 1 + (q - 1) % 3
        n = m.parameter(f"nQ{q}", round(rng.uniform(1.2, 3.2), 2))
        e = m.parameter(f"emaxQ{q}", rng.uniform(2, 12))
        m.reaction(f" => {s}", f"{k}*(0.3 + {e}*{hill_text(f'Sig{r}', '0.25', n)})")
        m.reaction(f"{s} => ", f"{k}*{s}")
    assert len(m.species) == 73, len(m.species)
    return m.text()


def cascade96() -> str:
    """Time in minutes, concentrations in umol/L."""
    rng = random.Random(96)
    m = Writer(
        "cascade96",
        "// 96 states: ligand, receptor with internalisation, two four-tier mass-action phosphorylation\n"
        "// cascades with explicit enzyme complexes, crosstalk and transcriptional feedback.\n"
        "// Time in minutes, concentrations in umol/L. Twelve events add ligand, one every 60 minutes.\n",
    )
    for s, v in (("L", 0.1), ("Rec", 0.2), ("LR", 0.0), ("pLR", 0.0), ("LRi", 0.0), ("Ptp", 0.05)):
        m.state(s, v)
    binding = {"konL": 6.0, "koffL": 0.3, "kpL": 2.0}
    for name, value in (binding | {"kint": 0.08, "krec": 0.05, "kdegL": 0.02, "kcl": 0.03}).items():
        m.parameter(name, value)
    m.reaction("L + Rec => LR", "konL*L*Rec - koffL*LR")
    m.reaction("L => ", "kcl*L")
    m.reaction("LR => pLR", "kpL*LR")
    m.reaction("pLR => LRi", "kint*pLR")
    m.reaction("LRi => Rec", "krec*LRi")
    m.reaction("LRi => Rec", "kdegL*LRi")

    def step(tag: str, substrate: str, enzyme: str, product: str, kcat: float) -> None:
        """substrate + enzyme <-> complex -> product + enzyme, in mass action."""
        c = m.state(f"C_{tag}", 0.0)
        a = m.parameter(f"a_{tag}", rng.uniform(200, 1500))
        d = m.parameter(f"d_{tag}", rng.uniform(20, 150))
        k = m.parameter(f"k_{tag}", kcat * rng.uniform(0.6, 1.6))
        m.reaction(f"{substrate} + {enzyme} => {c}", f"{a}*{substrate}*{enzyme} - {d}*{c}")
        m.reaction(f"{c} => {product} + {enzyme}", f"{k}*{c}")

    for path in ("x", "y"):
        enzyme = "pLR"
        for tier in range(1, 5):
            k, kp, kpp = (m.state(f"{p}K{tier}{path}", v) for p, v in (("", 1.0), ("p", 0.0), ("pp", 0.0)))
            phosphatase = m.state(f"P{tier}{path}", rng.uniform(0.1, 0.3))
            tag = f"{tier}{path}"
            step(f"{tag}1", k, enzyme, kp, 40.0)
            step(f"{tag}2", kp, enzyme, kpp, 60.0)
            step(f"{tag}3", kpp, phosphatase, kp, 25.0)
            step(f"{tag}4", kp, phosphatase, k, 25.0)
            enzyme = kpp
        # cross-talk: the last kinase of each pathway also removes the receptor's phosphate
        step(f"r{path}", "pLR", enzyme, "LR", 0.5)
        gene, rna, protein = (m.state(f"{s}{path}", 0.0) for s in ("Tf", "Rna", "Dusp"))
        kon = m.parameter(f"kTf{path}", 0.3)
        n = m.parameter(f"nTf{path}", 2.3)
        m.reaction(f" => {gene}", f"{kon}*({hill_text(enzyme, '0.2', n)} - {gene})")
        m.reaction(f" => {rna}", f"{m.parameter(f'kRna{path}', 0.06)}*({gene} - {rna})")
        m.reaction(f" => {protein}", f"{m.parameter(f'kDusp{path}', 0.02)}*(2*{rna} - {protein})")
        step(f"f{path}", enzyme, protein, f"pK4{path}", 20.0)
    for i in range(1, 16):  # slow reporters that integrate the signals
        source = f"ppK{1 + (i - 1) % 4}{'xy'[(i - 1) // 8]}"
        s = m.state(f"Rep{i}", 0.0)
        k = m.parameter(f"kRep{i}", 10 ** rng.uniform(-3, 0))
        m.reaction(f" => {s}", f"{k}*({source} - {s})")
    step("ptp", "pLR", "Ptp", "LR", 2.0)
    m.parameter("dose", 0.15)
    m.events = [f"E{j}: at (time >= {60 * j}): L = L + dose;" for j in range(1, 13)]
    assert len(m.species) == 96, len(m.species)
    return m.text()


def main() -> None:
    default = Path(__file__).parents[1] / "leukinetics" / "examples" / "models"
    directory = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    for build in (qsp73, cascade96):
        (directory / f"{build.__name__}.ant").write_text(build(), encoding="utf-8")


if __name__ == "__main__":
    main()
