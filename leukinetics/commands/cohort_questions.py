"""``leukinetics cohort SPEC.toml`` where the file asks for a design, or for the benefit of a therapy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from leukinetics.commands.progress import status_line
from leukinetics.report.trial.numbers import number, percent

Runner = Callable[[Path, Path | None, bool, int | None], str]


def runner(protocol: Path) -> Runner | None:
    """What answers a file with a table [design] or [benefit]; None of any other."""
    from leukinetics.cohort.design import is_design
    from leukinetics.cohort.subtype import is_benefit

    if protocol.suffix != ".toml":
        return None
    return _design if is_design(protocol) else _benefit if is_benefit(protocol) else None


def _design(protocol: Path, out: Path | None, overwrite: bool, threads: int | None) -> str:
    from leukinetics.cohort.design import run_design

    result = run_design(protocol, out, overwrite=overwrite)
    s = result.summary
    lines = [f"{s['design']}: power {percent(s['target'])}, two-sided level {number(s['alpha'])}"]
    for q in s["questions"]:
        lines.append(f"  {q['id']}: {_people(q)} ({q['analysis']})")
        lines += [f"    {_at(row, q['unit'])}" for row in q.get("limits") or []]
        if q["note"]:
            lines.append(f"    {q['note']}")
    return "\n".join([*lines, *_written(out)])


def _people(q: dict[str, Any]) -> str:
    if q["total"] is None:
        return "no number of people is enough"
    if q["n"] is None:
        events = f", {q['events']} events" if "events" in q else ""
        return f"{q['total']} people{events}"
    said = f"{q['n']} and {q['n_reference']} people"
    simulated = q.get("power_simulated")
    return said if simulated is None else f"{said}, simulated power {percent(simulated)}"


def _at(row: dict[str, Any], unit: str) -> str:
    limit = f"limit {number(row['limit'])} {unit}" if row["limit"] else "no limit"
    level = "out of reach" if row["n"] is None else f"{row['n']} and {row['n_reference']} people"
    seen = f"; detected or not: {row['n_detection']} and {row['n_detection_reference']}" if row["n_detection"] else ""
    return f"{limit} ({percent(row['share_below_reference'])} of the reference below): {level}{seen}"


def _benefit(protocol: Path, out: Path | None, overwrite: bool, threads: int | None) -> str:
    from leukinetics.cohort.subtype import predicted_benefit

    with status_line("virtual patients") as say:
        result = predicted_benefit(
            protocol,
            out,
            overwrite=overwrite,
            threads=threads,
            progress=lambda done, total, what: say(f"{what}: {done} of {total}"),
        )
    s = result.summary
    unit = "" if s["unit"] in ("", "dimensionless") else f" {s['unit']}"
    lines = [f"{s['name']}: {s['endpoint']}, {s['arm']} against {s['reference']}"]
    lines.append(f"  everybody: {_gain(s['population']['benefit'], unit, s['worth'])}")
    for p in s["patients"]:
        if p["note"] is not None:
            lines.append(f"  {p['name']}: {p['note']}")
            continue
        lines.append(f"  {p['name']}: {_gain(p['benefit'], unit, s['worth'])}")
        lines.append(f"    {_rests(p)}")
    return "\n".join([*lines, *_written(out)])


def _gain(b: dict[str, Any], unit: str, worth: float | None) -> str:
    said = f"benefit {number(b['estimate'])} ({number(b['ci_low'])} to {number(b['ci_high'])}){unit}"
    if worth is None or b["p_worth"] is None:
        return f"{said}, better in {percent(b['p_better'])}"
    return f"{said}, {number(worth)} or more in {percent(b['p_worth'])}"


def _rests(p: dict[str, Any]) -> str:
    split, rests = p["split"], p["assumptions"]
    parts = [
        f"{percent(split[f'share_{k}'])} {words}"
        for k, words in (("patient", "the patient"), ("chance", "chance"), ("parameters", "the model"))
        if split[f"share_{k}"] is not None
    ]
    said = f"of the spread {', '.join(parts)}"
    if rests["share"] is not None:
        ends = "" if rests["ci_low"] is None else f" ({percent(rests['ci_low'])} to {percent(rests['ci_high'])})"
        said += f"; of the model's part {percent(rests['share'])}{ends} rests on assumptions"
    best = p["narrowing"]["measurements"][0]
    if best["share"]:
        again = " again" if best["again"] else ""
        said += f"; measuring {best['marker']}{again} would take away {percent(best['share'])}"
    return said


def _written(out: Path | None) -> list[str]:
    return [] if out is None else [str(out / "summary.json")]
