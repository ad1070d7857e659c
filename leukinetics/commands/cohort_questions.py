"""``leukinetics cohort SPEC.toml`` where the file asks for a design, or for the benefit of a therapy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leukinetics.commands.progress import status_line
from leukinetics.report.trial.numbers import interval, number, percent

if TYPE_CHECKING:
    from leukinetics.commands.cohort import Job


def runner(protocol: Path) -> Callable[[Job], str] | None:
    """What answers a file with a table [design] or [benefit]; None of any other."""
    from leukinetics.cohort.design import is_design
    from leukinetics.cohort.subtype import is_benefit

    if protocol.suffix != ".toml":
        return None
    return _design if is_design(protocol) else _benefit if is_benefit(protocol) else None


def _design(job: Job) -> str:
    from leukinetics.cohort.design import run_design
    from leukinetics.report.design import write_design_report

    with status_line("the design") as say:
        result = run_design(job.source, job.out, overwrite=job.overwrite)
        written = _written(job, write_design_report, say)
    s = result.summary
    lines = [f"{s['design']}: power {percent(s['target'])}, two-sided level {s['alpha']:g}"]
    for q in s["questions"]:
        lines.append(f"  {q['id']}: {_people(q)} ({q['analysis']})")
        lines += [f"    {_at(row, q['unit'])}" for row in q.get("limits") or []]
        if q["note"]:
            lines.append(f"    {q['note']}")
    return "\n".join([*lines, *written])


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
    limit = f"limit {row['limit']:g} {unit}" if row["limit"] else "no limit"
    level = "out of reach" if row["n"] is None else f"{row['n']} and {row['n_reference']} people"
    seen = f"; detected or not: {row['n_detection']} and {row['n_detection_reference']}" if row["n_detection"] else ""
    return f"{limit} ({percent(row['share_below_reference'])} of the reference below): {level}{seen}"


def _benefit(job: Job) -> str:
    from leukinetics.cohort.subtype import predicted_benefit
    from leukinetics.report.benefit import write_benefit_report

    with status_line("virtual patients") as say:
        result = predicted_benefit(
            job.source,
            job.out,
            overwrite=job.overwrite,
            threads=job.threads,
            progress=lambda done, total, what: say(f"{what}: {done} of {total}"),
        )
        written = _written(job, write_benefit_report, say)
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
    return "\n".join([*lines, *_table(s, unit), *written])


def _table(s: dict[str, Any], unit: str) -> list[str]:
    """What the people of a table are predicted to gain; nothing without one."""
    t = s["table"]
    if t is None:
        return []
    used = ", ".join(f"{m['analyte']} as {m['marker']}" for m in t["markers"])
    known = ", ".join(k["known"] for k in t["known"])
    lines = [f"{t['source']}: {t['rows']} rows, {used}{f'; known: {known}' if known else ''}"]
    lines += [f"  not used: {r['name']}, {r['why']}" for r in t["left_out"]]
    if (b := t["benefit"]) is not None:
        lines.append(
            f"  {t['told']} told: benefit, median {number(b['median'])} (5 to 95 % of them {number(b['q05'])} to "
            f"{number(b['q95'])}){unit}"
        )
        if t["worth"] is not None:
            w = t["worth"]
            lines.append(
                f"  {s['worth']:g} or more expected in {percent(w['expected'])}; more probable than not in "
                f"{w['likely']}"
            )
    for text, n, rows in (
        ("too few virtual patients like them", t["too_few"], t["rare"]),
        ("told without a covariate, for lack of virtual patients", sum(r["rows"] for r in t["spared"]), t["spared"]),
    ):
        if n:
            said = ", ".join(f"{r['name']} {r['rows']}" for r in rows)
            lines.append(f"  {text}: {said}")
    if t["nothing_known"]:
        lines.append(f"  nothing known of {t['nothing_known']}")
    return lines


def _gain(b: dict[str, Any], unit: str, worth: float | None) -> str:
    said = f"benefit {interval(b)}{unit}"
    if worth is None or b["p_worth"] is None:
        return f"{said}, better in {percent(b['p_better'])}"
    return f"{said}, {worth:g} or more in {percent(b['p_worth'])}"


def _rests(p: dict[str, Any]) -> str:
    from leukinetics.cohort.subtype.assumptions import is_told

    split, rests = p["split"], p["assumptions"]
    parts = [
        f"{percent(split[f'share_{k}'])} {words}"
        for k, words in (("patient", "the patient"), ("chance", "chance"), ("parameters", "the model"))
        if split[f"share_{k}"] is not None
    ]
    said = f"of the spread {', '.join(parts)}"
    if is_told(rests):
        ends = f"({percent(rests['ci_low'])} to {percent(rests['ci_high'])})"
        said += f"; of the model's part {percent(rests['share'])} {ends} rests on assumptions"
    best = p["narrowing"]["measurements"][0]
    if best["share"]:
        again = " again" if best["again"] else ""
        said += f"; measuring {best['marker']}{again} would take away {percent(best['share'])}"
    return said


def _written(job: Job, report: Callable[[Path], Path], say: Callable[[str], None]) -> list[str]:
    if job.out is None:
        return []
    if not job.report:
        return [str(job.out / "summary.json")]
    say("writing the report")
    return [str(report(job.out))]
