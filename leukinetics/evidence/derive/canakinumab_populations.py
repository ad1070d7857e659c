"""Total IL-1beta in plasma after one subcutaneous dose of 150 mg canakinumab, by population.

The typical parameters are those of the pooled analysis in CAPS (doi:10.2165/11599820-000000000-00000): two
compartments for drug, IL-1beta and their complex, IL-1beta made in the tissue compartment, binding at
quasi-equilibrium, the complex distributed and lost like the drug. With total drug D and ligand T, free ligand is
L = 2 KD T/(b + sqrt(b^2 + 4 KD T)), b = D + KD - T, and the complex X = T - L.

    depot'  = -ka depot
    Vc Dc'  = ka F depot - CLD Dc - PSD (Dc - Dt);              Vt Dt' = PSD (Dc - Dt)
    Vt Tt'  = R - PSL (Lt - Lc) - PSD (Xt - Xc)
    Vc Tc'  = PSL (Lt - Lc) + PSD (Xt - Xc) - CLL Lc - CLD Xc

Run as a module it prints, per population, the level in pg/mL at the days that the target files use.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.integrate import solve_ivp

DAYS = (0.0, 7.0, 28.0, 56.0)
DOSE = 150.0  # mg
DRUG_MASS, LIGAND_MASS = 150e3, 17e3  # g/mol, as in the source
VC, VT, PSD, PSL, KA, F = 3.3, 2.71, 0.429, 0.386, 0.269, 0.70  # L, L/day, 1/day; shared, 70 kg


@dataclass(frozen=True)
class Population:
    """Typical values that differ between populations."""

    name: str
    CLD: float  # L/day
    CLL: float  # L/day
    production: float  # ng/day
    KD: float  # nmol/L


POPULATIONS = (
    Population("healthy volunteers", 0.137, 13.5, 4.5, 1.01),
    Population("Japanese healthy volunteers", 0.169, 31.0, 4.72, 0.354),
    Population("rheumatoid arthritis", 0.195, 22.9, 8.06, 0.227),
    Population("mild asthma", 0.168, 24.9, 6.18, 0.543),
    Population("psoriasis", 0.185, 19.0, 7.19, 0.36),
    Population("CAPS", 0.174, 14.2, 9.57, 1.07),
)


def free(total_ligand: float, total_drug: float, KD: float) -> float:
    """Free ligand at binding equilibrium, in the form without cancellation."""
    b = total_drug + KD - total_ligand
    return 2.0 * KD * total_ligand / (b + float(np.sqrt(b * b + 4.0 * KD * total_ligand)))


def total_il1b(p: Population, days: tuple[float, ...] = DAYS) -> list[float]:
    """Total plasma IL-1beta in pg/mL at ``days`` after the dose."""
    made = p.production / LIGAND_MASS  # nmol/day

    def change(_: float, y: list[float]) -> list[float]:
        depot, dc, dt, tc, tt = y
        lc, lt = free(tc, dc, p.KD), free(tt, dt, p.KD)
        xc, xt = tc - lc, tt - lt
        drug, ligand, bound = PSD * (dc - dt), PSL * (lt - lc), PSD * (xt - xc)
        return [
            -KA * depot,
            (KA * F * depot - p.CLD * dc - drug) / VC,
            drug / VT,
            (ligand + bound - p.CLL * lc - p.CLD * xc) / VC,
            (made - ligand - bound) / VT,
        ]

    plasma = made / p.CLL
    start = [DOSE / DRUG_MASS * 1e6, 0.0, 0.0, plasma, plasma * (1.0 + p.CLL / PSL)]
    solved = solve_ivp(change, (0.0, max(days)), start, method="LSODA", t_eval=days, rtol=1e-9, atol=1e-15)
    return [float(v) * LIGAND_MASS for v in solved.y[3]]  # nmol/L times g/mol is ng/L, that is pg/mL


def main() -> None:
    """Print the table."""
    print("population".ljust(30) + "".join(f"day {d:<9g}" for d in DAYS))
    for p in POPULATIONS:
        print(p.name.ljust(30) + "".join(f"{v:<13.4g}" for v in total_il1b(p)))


if __name__ == "__main__":
    main()
