"""A tiny assembled model with answers that can be worked out by hand, for the tests of patients and trials.

CRP is made at the rate ``crp_base * drive * drive_bmi`` and lost with a half-life of 1 day, divided by 1 + C/KD of a
one-compartment antibody "mab"; without it CRP is at ``crp_base * drive`` from the start. "pulse" adds to a marker
that falls by half a day's half-life.
"""

from __future__ import annotations

import math
from functools import cache
from types import SimpleNamespace

import pandas as pd

import leukinetics as lk

TEXT = """
model fake()
  compartment plasma = 1;
  species mab_depot in plasma, mab_central in plasma, marker in plasma, crp_pool in plasma;
  weight = 70; bmi = 25; sex = 0; age = 40 ; drive = 1; crp_base = 2; kloss = 0.6931471805599453; KD = 1; mab_CL = 0.1;
  mab_V = 5; mab_ka = 1; marker_base = 10; marker_loss = 1.3862943611198906; clock_on = 0; clock_start = 0; share = 0.5;
  clock := 1 + clock_on*0.5*cos(2*3.141592653589793*(time + clock_start - 0.3));
  mab_depot = 0; mab_central = 0; marker = marker_base; crp_pool = crp_base*drive;
  J1: mab_depot -> mab_central; mab_ka*mab_depot;
  J2: mab_central -> ; mab_CL/mab_V*mab_central;
  mab := mab_central/mab_V;
  J3: -> crp_pool; kloss*crp_base*drive*clock/(1 + mab/KD);
  J4: crp_pool -> ; kloss*crp_pool;
  crp := crp_pool;
  J5: -> marker; marker_loss*marker_base;
  J6: marker -> ; marker_loss*marker;
  tnf := marker;
end
"""

COLUMNS = (
    "id", "value", "unit", "published_value", "published_unit", "spread", "uncertainty", "kind", "set_by", "owner",
)  # fmt: skip
ROWS = [
    ("weight", 70.0, "kg", 70.0, "kg", "ln 0.2", "", "measured", "patient", "core"),
    ("bmi", 25.0, "kg/m^2", 25.0, "kg/m^2", "", "", "measured", "patient condition", "core"),
    ("sex", 0.0, "dimensionless", 0.0, "dimensionless", "", "", "derived", "patient", "core"),
    ("age", 14610.0, "day", 40.0, "year", "", "", "derived", "patient", "core"),
    ("drive", 2.0, "dimensionless", 2.0, "dimensionless", "ln 0.4", "ln 0.2", "calibrated", "condition",
     "condition"),
    ("crp_base", 2.0, "mg/L", 2.0, "mg/L", "ln 0.5", "ln 0.1", "measured", "", "core"),
    ("kloss", 0.6931471805599453, "1/day", 0.028881132523331052, "1/h", "", "", "measured", "", "core"),
    ("KD", 1.0, "mg/L", 1000.0, "ug/L", "", "ln 0.5", "calibrated", "", "mab"),
    ("mab_CL", 0.1, "L/day", 0.1, "L/day", "ln 0.3", "ln 0.05", "measured", "", "mab"),
    ("mab_V", 5.0, "L", 5.0, "L", "ln 0.2", "", "measured", "", "mab"),
    ("share", 0.5, "dimensionless", 0.5, "dimensionless", "logit 0.5", "logit 0.3", "assumed", "", "core"),
    ("marker_base", 10.0, "pg/mL", 10.0, "pg/mL", "", "", "measured", "protocol", "core"),
    ("clock_on", 0.0, "dimensionless", 0.0, "dimensionless", "", "", "derived", "protocol", "core"),
    ("clock_start", 0.0, "dimensionless", 0.0, "dimensionless", "", "", "derived", "protocol", "core"),
    ("clock_phase", 0.3, "dimensionless", 0.3, "dimensionless", "", "", "derived", "protocol", "core"),
]  # fmt: skip


@cache
def _model() -> lk.Model:
    return lk.load_model(TEXT)


def fake_assembly(**population: object) -> SimpleNamespace:
    """An object with the attributes of an assembly; ``population``: the condition's covariates."""
    model = _model()
    return SimpleNamespace(
        model=model,
        hash="0" * 64,
        parameters=pd.DataFrame(ROWS, columns=list(COLUMNS)).assign(
            set_by=lambda t: t["set_by"].map(str.split), prior=float("nan"), file="conditions/inflamed.toml"
        ),
        readouts=pd.DataFrame({"id": ["crp", "mab", "tnf"], "unit": ["mg/L", "mg/L", "pg/mL"]}),
        drugs={
            "mab": SimpleNamespace(
                route_target={"sc": "mab_depot", "iv": "mab_central"},
                amount_unit="mg",
                molar_mass=145000.0,
                regimens=(),
            ),
            "pulse": SimpleNamespace(route_target={"iv": "marker"}, amount_unit="ng/kg", molar_mass=None, regimens=()),
        },
        genotypes=pd.DataFrame(
            {
                "variant": ["rs1"],
                "frequency_EUR": [0.4],
                "frequency_EAS": [0.1],
                "frequency_AFR": [float("nan")],
                "parameter": ["crp_base"],
                "effect_per_allele": [0.2],
                "uncertainty": ["sd 0.1"],
            }
        ),
        correlations=pd.DataFrame({"a": ["mab_CL", "mab_CL"], "b": ["mab_V", "other"], "rho": [0.6, 0.5]}),
        condition=SimpleNamespace(id="inflamed", population=population, history="", onset_age=-math.inf),
    )
