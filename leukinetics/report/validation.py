"""The validation as a page (one HTML file, nothing loaded from elsewhere) and as Markdown.

Both are written from the content of ``validate --json``, so that the page of an old result can be made again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from leukinetics.report.validation_figure import distances, predicted_against_published

TEMPLATE = Path(__file__).with_name("validation.html.j2")
ROLE_WORDS = {"calibrate": "fitted", "validate": "predicted", "input": "check of an input"}
ORDER = ("validate", "calibrate", "input")
HOW = (
    ("fitted", "a calibration may have used the figure; that it agrees is no test of the model."),
    ("predicted", "the figure was never used to choose a number of the model."),
    ("check of an input", "the tables took something from the same source; a test of the machinery."),
    ("predicted interval", "95 % of the draws of what is uncertain about the typical patient, and the trial's size."),
    ("published interval", "95 % as printed or from the printed spread; a range where the source prints a range."),
    (
        "z",
        "predicted less published, on the readout's scale, over both standard errors; 0 on the right side of a limit.",
    ),
    (
        "inside",
        "|z| at most 1.96: the difference is one that the stated errors allow. A wide prediction is easily inside.",
    ),
)
Row = Mapping[str, Any]


def page(result: Mapping[str, Any]) -> str:
    """The HTML page of a result as ``validate --json`` writes it."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"number": number, "interval": interval, "published": published, "miss": size}
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    rows = result["targets"]
    titles = {s["id"]: s["title"] for s in result["studies"]}
    return template.render(
        result=result,
        how=HOW,
        words=ROLE_WORDS,
        order=ORDER,
        by_role={role: misses(rows, role) for role in ORDER},
        by_study=[(s, [r for r in rows if r["target"] == s["id"]]) for s in result["studies"]],
        titles=titles,
        scatter=predicted_against_published(rows),
        strip=distances(rows, titles),
    )


def markdown(result: Mapping[str, Any]) -> str:
    """The same without figures, for the documentation."""
    made, lines = result["made"], ["# Validation", ""]
    lines += [
        f"Written by `leukinetics validate --markdown`: {len(result['targets'])} readouts of {len(result['studies'])} "
        f"studies, {made['draws']} draws of the uncertain parameters, seed {made['seed']}.",
        "",
        "| | readouts | inside |",
        "| --- | ---: | ---: |",
        *(
            f"| {ROLE_WORDS[r]} | {result['summary'][r]['readouts']} | {result['summary'][r]['inside']} |"
            for r in ORDER
        ),
        "",
        *(f"- **{word}**: {text}" for word, text in HOW),
    ]
    titles = {s["id"]: s["title"] for s in result["studies"]}
    for role in ORDER:
        lines += ["", f"## Misses: {ROLE_WORDS[role]}", ""]
        rows = misses(result["targets"], role)
        if not rows:
            lines.append("None.")
            continue
        lines += ["| study | readout | predicted | published | size | z |", "| --- | --- | --- | --- | --- | ---: |"]
        lines += [_cells(titles[r["target"]], r["readout"], interval(r), published(r), size(r), _z(r)) for r in rows]
    lines += ["", "## Every readout", ""]
    for study in result["studies"]:
        lines += [f"### {study['title']}", "", f"`{study['id']}`. {study['population']} Source: {study['source']}.", ""]
        if study["note"]:
            lines += [" ".join(study["note"].split()), ""]
        lines += ["| | readout | predicted | published | z | inside |", "| --- | --- | --- | --- | ---: | --- |"]
        for r in (r for r in result["targets"] if r["target"] == study["id"]):
            inside = "yes" if r["inside"] else "**no**"
            lines.append(_cells(ROLE_WORDS[r["role"]], r["readout"], interval(r), published(r), _z(r), inside))
        lines.append("")
    lines += ["## What the model assumes", ""]
    names = ", ".join(f"`{p['id']}`" for p in result["assumed"])
    lines += [f"{len(result['assumed'])} parameters of the models simulated here are assumed: {names}.", ""]
    lines += ["## Published and not simulated", ""]
    lines += [f"- {part['why']}: {', '.join(part['rows'])}." for part in result["not_simulated"]]
    return "\n".join(lines) + "\n"


def misses(rows: Sequence[Row], role: str) -> list[Row]:
    """Readouts of a role that are not inside, the farthest first; those without a prediction before all."""
    found = [r for r in rows if r["role"] == role and not r["inside"]]
    return sorted(found, key=lambda r: -math.inf if r["z"] is None else -abs(r["z"]))


def number(value: float | None) -> str:
    """A number as a reader needs it: three digits."""
    if value is None:
        return "–"
    if value and (abs(value) >= 1e5 or abs(value) < 1e-3):
        return f"{value:.2g}"
    return f"{float(f'{value:.3g}'):,g}"


def interval(row: Row) -> str:
    """Predicted with its interval and unit; why there is none."""
    if row["predicted"] is None:
        return str(row["error"] or "none")
    return _with_interval(row["predicted"], row["predicted_low"], row["predicted_high"], row["unit"])


def published(row: Row) -> str:
    """Published with its interval and unit; a limit in words."""
    if row["bound"]:
        return f"{row['bound']} {number(row['published'])}{_unit(row['unit'])}"
    return _with_interval(row["published"], row["published_low"], row["published_high"], row["unit"])


def size(row: Row) -> str:
    """How far a prediction is off: as a factor on the logarithmic scale, as a difference else."""
    if row["predicted"] is None:
        return "–"
    if row["scale"] == "ln" and row["predicted"] > 0:
        factor = row["predicted"] / row["published"]
        return f"{number(factor)} times" if factor >= 1 else f"1/{number(1 / factor)}"
    return f"{row['predicted'] - row['published']:+.3g}{_unit(row['unit'])}"


def _with_interval(value: float, low: float | None, high: float | None, unit: str) -> str:
    text = number(value)
    if low is not None and high is not None:
        text += f" ({number(low)} to {number(high)})"
    return text + _unit(unit)


def _unit(unit: str) -> str:
    return "" if unit in ("dimensionless", "") else f" {unit}"


def _z(row: Row) -> str:
    return "–" if row["z"] is None else f"{row['z']:.1f}"


def _cells(*cells: str) -> str:
    return "| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |"
