"""``leukinetics new trial``: a commented protocol to start from, for a condition and a drug."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from string import Template
from typing import Any

from leukinetics.biology import ConditionSet, DrugSpec, Regimen, assemble
from leukinetics.engine.stream import check_writable
from leukinetics.errors import DataError, ModelError
from leukinetics.trial.amounts import parse_amount
from leukinetics.trial.plan_words import days
from leukinetics.trial.times import days as in_days

TEMPLATE = Path(__file__).with_name("new_trial.toml")
#: Conditions of healthy people in whom a dose of a drug brings the disease.
CHALLENGES = {"endotoxaemia": "lps", "il6_infusion": "rhil6", "ifn_alpha_therapy": "interferon_alpha"}
CONDITION, DRUG = "metabolic_inflammation", "canakinumab"
#: Doses of a trial at least, and days that it lasts at least where doses are repeated.
DOSES, LEAST = 4, 84.0
#: Days after a single dose: of antibodies, and of what is gone within hours.
SLOW, FAST = 84.0, 1.0
#: A key with a comment behind it, and the column that comments begin in.
_COMMENTED, _COLUMN = re.compile(r"^(#?[a-z][\w.]* = \S.*?) {2,}# (.*)$", re.MULTILINE), 36


def new_trial(condition: str = CONDITION, drug: str = DRUG, out: Path | None = None) -> str:
    """Write a protocol of ``drug`` against placebo in ``condition`` to ``out`` (``trial.toml``); a line about it.

    ModelError where there is no such condition or drug, DataError where the file is there already or cannot be written.
    """
    path = Path("trial.toml") if out is None else out
    if path.suffix != ".toml":
        raise DataError(f"--out '{path}' must end in .toml, as protocols do.")
    if path.exists():
        raise DataError(f"'{path}' is there already, and is not replaced; name another file with --out.")
    check_writable(path)
    text = protocol_text(condition, drug, path)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise DataError(f"'{path}' cannot be written: {error.strerror or error}.") from error
    return f"wrote {path}; see what it would do with: leukinetics trial {path} --dry-run"


def protocol_text(condition: str, drug: str, path: Path) -> str:
    """The text of the protocol. ModelError where there is no such condition or drug."""
    challenge = CHALLENGES.get(condition, drug)
    assembly = assemble(condition, drugs=list(dict.fromkeys([drug, challenge])))
    spec, group = assembly.drugs[drug], assembly.condition
    if group is None:
        raise ModelError("A protocol needs a condition.")
    regimen = _regimen(spec, group)
    length = _length(regimen, spec)
    visits = [days(length * k / 4) for k in range(1, 5)]
    dose = f"{regimen.amount} {regimen.route}" + (f" every {_every(regimen)}" if regimen.every else "")
    values = {
        "file": path.name,
        "title": f"{spec.name}: {group.title or condition}",
        "condition": condition,
        "drug": drug,
        "duration": days(length),
        "arm": dose,
        "amount": regimen.amount,
        "route": regimen.route,
        "visit": visits[0],
    }
    quoted = {key: json.dumps(value, ensure_ascii=False)[1:-1] for key, value in values.items()}
    background = (
        f"[{{drug = {json.dumps(drug)}, amount = {json.dumps(regimen.amount)}, route = {json.dumps(regimen.route)}}}]"
    )
    challenged = ""
    if challenge != drug:
        background = _challenge(assembly.drugs[challenge], group)
        challenged = f"background = {background}\n"
    more = {
        "background": f"{'' if challenged else '#'}background = {background}",
        "challenged": challenged,
        "rest": _rest(regimen, spec),
        "regimens": _regimens(spec),
        "visits": ", ".join(f'"{v}"' for v in visits),
        "measure": ", ".join(f'"{name}"' for name in ["crp", "il6", *([drug] if spec.plasma else [])]),
        "eligible": ("" if _is_inflamed(group) else "#") + 'crp = ">= 2 mg/L"',
        **_of_model(assembly),
    }
    text = Template(TEMPLATE.read_text(encoding="utf-8")).substitute(quoted | more)
    return _COMMENTED.sub(lambda line: f"{line[1]:<{_COLUMN}}# {line[2]}", text)


def _challenge(spec: DrugSpec, condition: ConditionSet) -> str:
    """The dose that everybody gets in a condition that a drug brings."""
    r = _regimen(spec, condition)
    keys = {"drug": spec.id, "amount": r.amount, "route": r.route, "every": _every(r)}
    if r.duration:
        keys["duration"] = days(in_days(r.duration))
    return "[{" + ", ".join(f"{key} = {json.dumps(value)}" for key, value in keys.items() if value) + "}]"


def _regimen(spec: DrugSpec, condition: ConditionSet) -> Regimen:
    """The usual regimen: in words nearest to the condition, repeated rather than once; the largest such dose."""
    if not spec.regimens:
        route = next(iter(spec.route_target))
        return Regimen("", f"100 {spec.amount_unit}", route, "", "", "", None, "", "")
    about = _words(f"{condition.id} {condition.title}")
    nearest = max(spec.regimens, key=lambda r: (len(_words(r.name) & about), bool(r.every)))
    near = len(_words(nearest.name) & about)
    same = [
        r
        for r in spec.regimens
        if (r.route, r.every, _unit(r)) == (nearest.route, nearest.every, _unit(nearest))
        and len(_words(r.name) & about) == near
    ]
    return max(same, key=lambda r: parse_amount(r.amount).value)


def _unit(regimen: Regimen) -> tuple[str, bool]:
    amount = parse_amount(regimen.amount)
    return amount.unit, amount.per_kg


def _words(text: str) -> set[str]:
    return {word for word in re.findall(r"[a-z0-9]+", text.lower()) if len(word) > 3}


def _every(regimen: Regimen) -> str:
    return days(in_days(regimen.every)) if regimen.every else ""


def _length(regimen: Regimen, spec: DrugSpec) -> float:
    """Days of the trial: some doses, and a dose interval after the last."""
    if not regimen.every:
        return SLOW if spec.modality in ("antibody", "fusion_protein") else FAST
    every = in_days(regimen.every)
    if every < 7.0:
        return LEAST
    return max(DOSES, math.ceil(LEAST / every)) * every


def _rest(regimen: Regimen, spec: DrugSpec) -> str:
    """The further keys of the dose, those that a regimen has not as lines that are switched off."""
    lines = [f'every = "{_every(regimen)}"' if regimen.every else '#every = "1 day"']
    if regimen.every:
        lines.append(f"{'' if regimen.count else '#'}count = {regimen.count or 3}")
        lines.append('#stop = "11 weeks"  # no dose at or after it')
    lines.append(f'duration = "{days(in_days(regimen.duration))}"' if regimen.duration else '#duration = "30 minutes"')
    if regimen.amount.endswith("/kg") and not spec.amount_unit.endswith("/kg"):
        lines.append(f'{"" if regimen.cap else "#"}cap = "{regimen.cap or "1000 mg"}"  # the most at once')
    return "\n".join(lines)


def _regimens(spec: DrugSpec) -> str:
    """What the drug's file knows of its use, as comments."""
    lines = [f"# {spec.name} as it is used:"]
    for r in spec.regimens:
        every = f" every {_every(r)}" if r.every else " once"
        infused = f" over {days(in_days(r.duration))}" if r.duration else ""
        lines.append(f"#   {r.name}: {r.amount} {r.route}{infused}{every} ({r.source or 'no source'})")
    return "\n".join(
        lines if spec.regimens else [f"# The file of {spec.name} has no usual regimen; the dose is made up."]
    )


def _is_inflamed(condition: ConditionSet) -> bool:
    """Whether CRP is at 2 mg/L or more in most people of the condition, as far as its file says."""
    levels = [b for b in condition.baselines if b.get("readout") == "crp" and b.get("unit") == "mg/L"]
    return bool(levels) and all(float(b["value"]) >= 2.0 for b in levels)


def _of_model(assembly: Any) -> dict[str, str]:
    """Lines, switched off, about what only some models have: a clock, variants, parameters of protocols."""
    table = assembly.parameters
    clock = '#clock = true  # the daily rhythm, from this clock time on:\n#start = "09:00"'
    progression = (
        '#independent_of = "relapses"         # or associated_with: with a relapse within so long before it\n'
        '#within = "90 days"\n'
        '#rebaseline = "30 days"              # after a relapse: compared with the first visit so long after it\n'
        '#event_free = "30 days"              # no relapse so long after the onset, nor about the confirmation'
    )
    variants = [str(v) for v in assembly.genotypes["variant"]]
    own = [
        f'#{row["id"]} = {{value = {row["published_value"]:g}, unit = "{row["published_unit"]}"}}'
        for row in table.to_dict("records")
        if "protocol" in row["set_by"] and not str(row["id"]).startswith("clock_")
    ]
    head = ["# Parameters that belong to protocols.", "#[parameter]"]
    return {
        "progression": progression if "relapses" in assembly.model.observables else "",
        "clock": clock if {"clock_on", "clock_start"} <= set(table["id"]) else "",
        "genotype": f"#genotype.{variants[0]} = 1  # effect alleles of everybody" if variants else "",
        "parameter": "\n".join([*head, *own, "", ""]) if own else "",
    }
