"""Table of the report: models with covariates."""

from __future__ import annotations

from leukinetics.report.biomarkers.folder import FinishedStudy, Row
from leukinetics.report.biomarkers.people_tables import unit_after
from leukinetics.report.noted import Groups, Noted, between, made, note_of
from leukinetics.report.trial.names import plain
from leukinetics.report.trial.numbers import NONE, count, number, p_value, real


def adjusted_grid(c: FinishedStudy) -> Noted | None:
    """Models with covariates: detection, levels, repeated samples."""
    groups: Groups = []
    known = (c.summary.get("table") or {}).get("covariates") or []
    ones = {str(r["name"]): str(r["positive"]) for r in known if r.get("positive")}
    for a in c.analytes:
        unit = unit_after(a)
        for key, title, of in (
            ("detection", "detection, logistic regression", (a.get("detection") or {}).get("adjusted")),
            ("comparisons", "levels, censored regression (Tobit)", (a.get("comparisons") or {}).get("adjusted")),
            ("repeated", "levels in all samples, censored mixed model", a.get("repeated")),
        ):
            if not of:
                continue
            rows = [_coefficient(r, ones, unit) for r in of.get("coefficients") or []]
            if not rows and of.get("note"):
                rows = [["not estimated", NONE, NONE, plain(of["note"])]]
            elif rows and of.get("note"):
                rows[0][3] = plain("; ".join(dict.fromkeys(t for t in (rows[0][3], str(of["note"])) if t)))
            if key == "repeated" and real(of.get("icc")) is not None:
                sds = [number(of.get(k), 2) for k in ("sd_person", "sd_within")]
                told = f"{' and '.join(sds)}; intraclass correlation {number(of.get('icc'), 2)}"
                rows.append(
                    [
                        "SD of ln between and within people",
                        told,
                        NONE,
                        f"{count(of.get('n'))} samples of {count(of.get('people'))} people",
                    ]
                )
            groups.append((f"{c.label(a['name'])}: {title}", rows))
    text = (
        "Models with covariates: odds ratios of detection and ratios of levels, each for one unit of a number or "
        "against the reference."
    )
    return made(text, ["Term", f"Estimate ({c.level} CI)", "p", "Remark"], groups, {0, 3}, "adjusted.csv")


def _coefficient(r: Row, ones: dict[str, str], unit: str) -> list[str]:
    """``ones``: by covariate of two words that which counts as 1."""
    name = plain(r.get("name"))
    if (one := ones.get(str(r.get("name")))) is not None:
        name = f"{name}: {plain(one)} against not"
    if r.get("level") not in (None, ""):
        reference = f" against {plain(r['reference'])}" if r.get("reference") not in (None, "") else ""
        name = f"{name}: {plain(r['level'])}{reference}"
    if r.get("measure") == "geometric_mean":
        name = f"geometric mean at the reference{unit}"
    return [name, between(r, ratio=True), p_value(r.get("p_value")), note_of(r)]
