"""The expected course of one body: on little food, with a tumour, on canakinumab, and fed in spite of a tumour."""

from __future__ import annotations

from typing import Any

from leukinetics import biology
from leukinetics.engine.run_in import RunIn

READ = ("weight", "lean_mass", "fat_mass", "energy_intake", "npy", "crp")
WEEKS = tuple(range(25))
TUMOUR, TREATED, FED, HUNGRY = "tumour", "tumour, canakinumab", "tumour, fed to need", "as little food, no tumour"
#: The tumour acts from time 0 on, nobody dies, and spells of anorexia are their mean.
EXPECTED = {"expected_course": 1.0, "disease_duration": 0.0, "age": 65 * 365.25}


def courses() -> dict[str, Any]:
    """``arms``: by name the courses (at the weeks of ``time``) of each readout, in clinical units.

    The person without a tumour eats what the one with it eats on average (``eaten``, relative to need): pair-feeding.
    One with it eats all of the need.
    """
    ill = biology.assemble("cachexia_pancreatic", ["canakinumab"])
    target = ill.drugs["canakinumab"].route_target["sc"]
    dose = {"time": 0.0, "target": target, "amount": 200.0, "every": 21.0, "count": 8}
    arms = {
        TUMOUR: _run(ill, {}),
        TREATED: _run(ill, {}, dose),
        FED: _run(ill, {"intake_fixed": 1.0, "intake_level": 1.0}),
    }
    whole = biology.assemble("healthy_body")
    need = _run(whole, {})["energy_intake"][0]
    level = sum(arms[TUMOUR]["energy_intake"][1:]) / need / (len(WEEKS) - 1)
    arms[HUNGRY] = _run(whole, {"intake_fixed": 1.0, "intake_level": level})
    return {"time": list(WEEKS), "eaten": float(f"{level:.3g}"), "arms": arms}


def _run(
    assembly: biology.Assembly, changes: dict[str, float], dose: dict[str, Any] | None = None
) -> dict[str, list[float]]:
    import pandas as pd

    outputs = ["body_weight" if name == "weight" else name for name in READ]
    found = assembly.model.simulate(
        [7.0 * week for week in WEEKS], pd.DataFrame([EXPECTED | changes]), [dose] if dose else None, outputs=outputs,
        run_in=RunIn(limit=20_000.0, tolerance=1e-5, window=30.0),
    )  # fmt: skip
    return {
        name: [float(f"{v:.4g}") for v in found[output].to_numpy()[0]]
        for name, output in zip(READ, outputs, strict=True)
    }
