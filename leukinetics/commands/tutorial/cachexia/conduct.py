"""The trial of canakinumab with one thing changed at a time: how lean mass is read, who leaves, who takes part."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import leukinetics as lk
from leukinetics.commands.tutorial.told import trial

EXAMPLE, PRIMARY = "cachexia_canakinumab", "lean_mass_12_weeks"
SIZES = [25, 50, 100, 200, 400, 800]
POWER = {"endpoint": PRIMARY, "sizes": SIZES}


def conduct(examples: Path) -> list[dict[str, Any]]:
    """Each way to carry it out: ``what``, the patients per arm ``enrolled`` and ``analysed``, the ``effect`` on lean
    mass at 12 weeks (a contrast), and ``n`` per arm for 80 % power (None: more than were tried)."""
    plan = _plain(examples, [PRIMARY])
    (endpoint,) = plan["endpoint"]
    dropout = plan["dropout"]
    ways: dict[str, dict[str, Any]] = {
        "as planned": {},
        "the true lean mass, not what absorptiometry reads": {"endpoint": [{**endpoint, "noise": False}]},
        "dropout at random, however patients feel": {"dropout": {"rate": dropout["rate"]}},
        "the last value stands for those who left": {
            "endpoint": [{**endpoint, "visits": ["3 weeks", "6 weeks"]}],
            "analysis": {**plan["analysis"], "missing": "last"},
        },
        "nobody leaves, and the dead count on": {"rule": [], "dropout": None},
    }
    return [_told(what, {k: v for k, v in (plan | changes).items() if v is not None}) for what, changes in ways.items()]


def earlier(examples: Path) -> dict[str, Any]:
    """What a tutorial tells of the same trial in cancer of small burden, in patients who have lost less than 3 kg.

    Its draws have fewer patients: few of those screened are eligible."""
    plan = _plain(examples, [PRIMARY, "weight_12_weeks", "death"])
    plan["trial"] |= {"condition": "precachexia"}
    plan["eligibility"] |= {"weight over 26 weeks": ">= -3 kg"}
    plan["uncertainty"] = {"draws": 40, "patients": 40}
    return trial(lk.read_protocol(plan))


def _plain(examples: Path, endpoints: list[str]) -> dict[str, Any]:
    """The example with these endpoints alone and of its studies only power."""
    plan = tomllib.loads((examples / f"{EXAMPLE}.toml").read_text(encoding="utf-8"))
    plan = {k: v for k, v in plan.items() if k not in ("subgroup", "threshold", "sensitivity", "uncertainty")}
    better = [e for e in plan["analysis"]["higher_is_better"] if e in endpoints]
    kept = [e for e in plan["endpoint"] if e["id"] in endpoints]
    return plan | {"endpoint": kept, "analysis": plan["analysis"] | {"higher_is_better": better}, "power": POWER}


def _told(what: str, plan: dict[str, Any]) -> dict[str, Any]:
    found = trial(lk.read_protocol(plan))
    (effect,) = found["contrasts"][:1]
    arms = found["arms"].values()
    return {
        "what": what,
        "enrolled": found["flow"]["enrolled"] // 2,
        "analysed": [arm[PRIMARY]["n"] for arm in arms],
        "effect": effect,
        "n": found["power"]["n_for_target"],
    }
