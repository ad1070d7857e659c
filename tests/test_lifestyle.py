"""Exercise and diet as doses, and enzymes of the liver that interleukin-6 slows."""

from __future__ import annotations

import math
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

import leukinetics as lk
from leukinetics import biology
from leukinetics.biology import assemble
from leukinetics.trial.prepare import RUN_IN

WEEK = 7.0


def run(
    condition: str, days: float, *doses: tuple[str, float, float, float, float], **typical: float
) -> dict[str, np.ndarray]:
    """Courses of the typical person; a dose is (drug, amount in its unit, every, duration, until)."""
    import pandas as pd

    drugs = list(dict.fromkeys(d[0] for d in doses))
    made = assemble(condition, drugs)
    rows = []
    for drug, amount, every, duration, until in doses:
        target = next(
            made.drugs[drug].route_target[r]
            for r in ("iv", "po", "session", "diet")
            if r in made.drugs[drug].route_target
        )
        for k in range(math.ceil(until / every)):
            rows.append({"time": k * every, "target": target, "amount": amount, "duration": duration})
    names = ["il6", "bmi_change", "weight_change", "training", "cyp3a4_activity", "cyp2c19_activity"]
    names += [f"{d}_central" for d in drugs if d in ("escitalopram", "tocilizumab")]
    times = np.linspace(0, days, int(days * 8) + 1)
    table = pd.DataFrame(typical, index=[0]) if typical else pd.DataFrame(index=[0])
    found = made.model.simulate(
        times, table, pd.DataFrame(rows) if rows else None, outputs=names, rtol=1e-8, run_in=RUN_IN
    )
    return {"time": times} | {name: found[name].to_numpy()[0] for name in names}


def test_without_a_programme_nothing_changes() -> None:
    rest = run("mood_healthy", 30.0)
    for name in ("bmi_change", "weight_change", "training"):
        assert np.all(rest[name] == 0)
    assert np.allclose(rest["cyp3a4_activity"], 1) and np.allclose(rest["cyp2c19_activity"], 1)


def test_weight_follows_the_linear_energy_balance() -> None:
    """500 kcal a day less, for a year: half of 500/23.9 kg, by the exact solution of the equation."""
    diet = run("mood_healthy", 365.0, ("energy_restriction", 500.0, 1.0, 1.0, 365.0))
    rate, late = math.log(2) / 365.0, 1.0  # a day's deficit is saved with a mean delay of a day
    exact = -500 / 23.9 * (1 - math.exp(-rate * (365.0 - late)))
    assert diet["weight_change"][-1] == pytest.approx(exact, rel=2e-3)
    assert diet["bmi_change"][-1] == pytest.approx(24 * diet["weight_change"][-1] / 70, rel=1e-9)
    assert diet["il6"][-1] < 0.97 * diet["il6"][0]


def test_a_session_raises_il6_for_hours_and_training_saturates() -> None:
    one = run("mood_healthy", 2.0, ("aerobic_exercise", 0.75, 7.0, 0.75 / 24, 1.0))
    peak = one["time"][np.argmax(one["il6"])]
    assert 0.5 / 24 <= peak <= 4 / 24
    assert 1.3 < one["il6"].max() / one["il6"][0] < 5
    assert one["il6"][-1] == pytest.approx(one["il6"][0], rel=0.05)
    usual = run("mood_healthy", 200.0, ("aerobic_exercise", 2.5 / 3, WEEK / 3, 0.75 / 24, 200.0))
    much = run("mood_healthy", 200.0, ("aerobic_exercise", 5.0, 0.5, 0.25, 200.0))
    assert usual["training"][-1] == pytest.approx(0.5, abs=0.04)  # 150 minutes a week: half, by definition
    assert usual["training"][-1] < much["training"][-1] < 1


def test_il6_slows_enzymes_and_a_receptor_antibody_frees_them() -> None:
    """In rheumatoid arthritis clearance is down; tocilizumab brings it back, so that escitalopram falls."""
    sick = run("mood_rheumatoid_arthritis", 60.0)
    assert sick["cyp3a4_activity"][0] < 0.9 and sick["cyp2c19_activity"][0] < 0.9
    days = 84.0
    alone = ("escitalopram", 10.0, 1.0, 0.0, days)
    freed = run("mood_rheumatoid_arthritis", days, alone, ("tocilizumab", 560.0, 28.0, 1 / 24, days))
    kept = run("mood_rheumatoid_arthritis", days, alone)
    last = freed["time"] > days - 7
    assert freed["cyp3a4_activity"][-1] > 0.95
    ratio = freed["escitalopram_central"][last].mean() / kept["escitalopram_central"][last].mean()
    assert 0.7 < ratio < 0.98
    held = run("mood_rheumatoid_arthritis", days, alone, escitalopram_CL_cyp3a4=0.0, escitalopram_CL_cyp2c19=0.0)
    assert held["escitalopram_central"][last].mean() < kept["escitalopram_central"][last].mean()


def test_a_condition_without_the_module_is_refused() -> None:
    with pytest.raises(
        lk.ModelError,
        match=r"'aerobic_exercise' acts in the module 'exercise', which the condition 'healthy' does not have",
    ):
        assemble("healthy", ["aerobic_exercise"])


def test_a_protocol_gives_exercise_and_diet(tmp_path: Path) -> None:
    spec = tmp_path / "p.toml"
    spec.write_text(
        """
[trial]
name = "lifestyle"
condition = "mdd"
duration = "4 weeks"
patients_per_arm = 6
seed = 1
design = "twins"
[[arm]]
name = "placebo"
[[arm]]
name = "programme"
[[arm.dose]]
drug = "aerobic_exercise"
amount = "45 min"
route = "session"
every = "56 h"
duration = "45 min"
[[arm.dose]]
drug = "energy_restriction"
amount = "2 MJ"
route = "diet"
every = "1 day"
[[endpoint]]
id = "weight"
observable = "weight_change"
kind = "value"
at = "4 weeks"
""",
        encoding="utf-8",
    )
    out = lk.run_trial(spec, tmp_path / "out", report=False)
    rows = {r["arm"]: r for r in out.summary["contrasts"]}
    assert -1.6 < rows["programme"]["estimate"] < -0.7


@pytest.mark.parametrize(
    ("amount", "message"),
    [("45 mg", "give what can be converted to h"), ("400 kcal", "give what can be converted to h")],
)
def test_what_is_no_dose_of_exercise_is_refused(amount: str, message: str, tmp_path: Path) -> None:
    spec = tmp_path / "p.toml"
    spec.write_text(
        f"""
[trial]
name = "lifestyle"
condition = "mdd"
duration = "4 weeks"
patients_per_arm = 6
[[arm]]
name = "programme"
[[arm.dose]]
drug = "aerobic_exercise"
amount = "{amount}"
route = "session"
[[endpoint]]
id = "mood"
observable = "hamd17"
kind = "value"
at = "4 weeks"
""",
        encoding="utf-8",
    )
    from leukinetics.trial import prepare

    with pytest.raises(lk.LeukineticsError, match=message):
        prepare(spec)


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("escitalopram", '"cyp3a4_activity"', '"cyp3a5_activity"', r"no activity of an enzyme .* 'cyp3a4_activity'"),
        ("aerobic_exercise", 'counts = "h"', 'counts = "mg"', "'counts' is 'mg'; it is the time or energy"),
        ("aerobic_exercise", 'counts = "h"', 'counts = "hors"', "'counts' is 'hors'; it is the time or energy"),
    ],
)
def test_mistakes_in_enzymes_and_counts_are_told(file: str, old: str, new: str, message: str, tmp_path: Path) -> None:
    packaged = Path(biology.__file__).parent
    for part in ("modules", "conditions", "drugs"):
        shutil.copytree(packaged / part, tmp_path / part)
    for table in packaged.glob("*.tsv"):
        shutil.copy(table, tmp_path)
    drug = tmp_path / "drugs" / f"{file}.toml"
    text = drug.read_text(encoding="utf-8")
    assert old in text
    drug.write_text(text.replace(old, new), encoding="utf-8")
    assert any(re.search(message, str(problem)) for problem in biology.check(tmp_path))
