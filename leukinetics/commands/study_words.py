"""What the command line prints of the study of a table: the answers, a line each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from leukinetics.report.trial.numbers import interval, p_phrase, percent

#: Analytes, contrasts and outcomes of which lines are printed; more are in the files.
MOST = 12


def answers(summary: Mapping[str, Any]) -> list[str]:
    """The study's results in some lines."""
    lines = [f"decision: {text}" for text in summary["decisions"]]
    for a in summary["analytes"][:MOST]:
        lines += [a["name"], *(f"  {line}" for line in _analyte(a, summary))]
    if (more := len(summary["analytes"]) - MOST) > 0:
        lines.append(f"{more} more analytes are in the files")
    lines += [f"warning: {w['analyte']}{', ' + w['group'] if w['group'] else ''}: {w['text']}" for w in _far(summary)]
    lines += [f"published: {_published(p)}" for p in summary["published"]]
    return lines + [f"not made: {f['analysis']}, {f['of']}: {f['note']}".replace(", :", ":") for f in summary["failed"]]


def _analyte(a: Mapping[str, Any], summary: Mapping[str, Any]) -> Iterator[str]:
    shares = {g["name"]: g for g in (a["detection"] or {}).get("groups") or []}
    for g in (a["levels"] or {}).get("groups") or []:
        level, share = g["lognormal"], shares.get(g["name"]) or {}
        seen = f"detected {share['detected']} of {share['n']}" if share else f"{level['n']} measured"
        seen += f" ({percent(share['share'])})" if share.get("share") is not None else ""
        mean = level.get("geometric_mean")
        told = "level not told" if mean is None else f"geometric mean {_between(level, mean)} {a['unit']}"
        yield f"{g['name']}: {seen}; {told}".rstrip()
    for r in ((a["detection"] or {}).get("pairs") or [])[:MOST]:
        if r.get("estimate") is not None:
            yield f"{r['group']} against {r['reference']}: detected, odds ratio {interval(r)}, {p_phrase(r['p_value'])}"
    for r in ((a["comparisons"] or {}).get("pairs") or [])[:MOST]:
        ratio = f"ratio {interval(r)}" if r.get("estimate") is not None else "ratio not told"
        if r.get("estimate") is not None or r.get("p_peto") is not None:
            test = p_phrase(r.get("p_peto"))
            yield f"{r['group']} against {r['reference']}: level, {ratio}{', Peto-Peto ' + test if test else ''}"
    for d in summary["diagnosis"]:
        roc = d.get("roc") or {}
        if d["analyte"] == a["name"] and roc.get("estimate") is not None:
            yield f"{d['question']}: area under the ROC curve {interval(roc)}"
    for p in summary["prognosis"]:
        if p["analyte"] != a["name"]:
            continue
        for r in p["rows"]:
            if r["marker"] == "doubling" and r["estimate"] is not None and not r["adjusted"]:
                measure = str(r["measure"]).replace("_", " ")
                yield f"{p['outcome']}: {measure} per doubling {interval(r)}, {p_phrase(r['p_value'])}"


def _between(level: Mapping[str, Any], mean: float) -> str:
    return interval({"estimate": mean, "ci_low": level["ci_low"], "ci_high": level["ci_high"]})


def _far(summary: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Warnings of everybody and of comparisons."""
    return [w for w in summary["warnings"] if w["group"] is None or " against " in w["group"]][:MOST]


def _published(p: Mapping[str, Any]) -> str:
    what = p["text"] or f"{p['of']}{' ' + p['group'] if p['group'] else ''}: {p['expected']}"
    chance = "" if p["chance"] is None else f" (of such studies {percent(p['chance'])} would show it)"
    return f"{what}: {p['verdict']}{chance}"
