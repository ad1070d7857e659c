"""The baseline table as journals print it: one number of decimals in a row, genotypes as counts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from leukinetics.report.trial.folder import Finished, Row
from leukinetics.report.trial.grid import Grid
from leukinetics.report.trial.names import plain
from leukinetics.report.trial.numbers import NONE, count, fixed, number, percent, power_of_ten, real, unit_text
from leukinetics.report.trial.text import sentence

#: Difference of mean and median, in SD, from which on a covariate is told by its quartiles; it is wider for few people.
SKEWED, FEW = 0.15, 1.5


def baseline_grid(trial: Finished) -> Grid | None:
    """Who takes part, arm by arm."""
    rows = trial.rows("baseline")
    if not rows:
        return None
    names = list(dict.fromkeys(str(a.get("name")) for r in rows for a in r.get("arms") or []))
    sizes = {str(a.get("name")): a.get("n") for r in reversed(rows) for a in r.get("arms") or []}
    head = ["", *(f"{plain(n)} (n\u00a0=\u00a0{count(sizes[n])})" for n in names)]
    drugs = {f"{visit}.{d}" for d in trial.assembly.drugs for visit in ("screening", "baseline")}
    alleles = _alleles(trial, [str(r.get("name")) for r in rows if r.get("kind") == "genotype"], names)
    genes = _genes(trial)
    body = [_row(trial, r, names, alleles, genes) for r in rows if r.get("name") not in drugs]
    return Grid("Patients at baseline.", head, [("", body)], csv="baseline.csv")


def _row(
    trial: Finished,
    row: Row,
    names: Sequence[str],
    alleles: Mapping[tuple[str, str], Sequence[int]],
    genes: Mapping[str, str],
) -> list[str]:
    arms = {str(a.get("name")): a for a in row.get("arms") or []}
    name, kind = str(row.get("name")), str(row.get("kind"))
    visit, dot, observable = name.partition(".")
    label = plain(row.get("label") or trial.label(visit))
    if dot and observable in trial.labels:
        label = f"{trial.label(observable)} at {visit}"
    elif not dot:
        label = " ".join(t for t in (label, _when(trial, name)) if t)
    if kind == "genotype":
        title = f"{label}{f' ({genes[name]})' if name in genes else ''}"
        if all((name, n) in alleles for n in names):
            return [f"{title}, 0/1/2 effect alleles", *("/".join(map(count, alleles[name, n])) for n in names)]
        shares = (real(arms.get(n, {}).get("mean")) for n in names)
        return [f"{title}, frequency of the effect allele", *(NONE if m is None else fixed(m / 2, 2) for m in shares)]
    title = sentence(label)[:-1]
    if kind == "binary":
        return [f"{title}, n (%)", *(_share(arms.get(n, {})) for n in names)]
    skewed = bool(dot) or any(_skewed(a) for a in arms.values())
    power = _power(arms.values())
    unit = " ".join(t for t in (f"× {power_of_ten(power)}" if power else "", unit_text(row.get("unit"))) if t)
    cells = _cells([arms.get(n, {}) for n in names], 10.0**-power, skewed)
    return [f"{title}{f', {unit}' if unit else ''}, {'median (quartiles)' if skewed else 'mean (SD)'}", *cells]


def _when(trial: Finished, covariate: str) -> str:
    """ "before the illness", of a covariate whose condition says that it is told as it was then; else empty."""
    condition = trial.assembly.condition
    note = "" if condition is None else str(condition.population.get(covariate, {}).get("note") or "").split(";")[0]
    return note if note.startswith("before ") else ""


def _share(arm: Row) -> str:
    share, n = real(arm.get("share")), real(arm.get("n"))
    return NONE if share is None or n is None else f"{count(round(share * n))} ({percent(share).removesuffix(' %')})"


def _power(arms: object) -> int:
    """The power of 1000 that a row is told in: 0 unless its numbers are tiny."""
    sizes = [abs(v) for a in arms if (v := real(a.get("median")))]  # type: ignore[attr-defined]
    return 0 if not sizes or max(sizes) >= 0.01 else 3 * math.floor(math.log10(max(sizes)) / 3)


def _cells(arms: Sequence[Row], scale: float, skewed: bool) -> list[str]:
    keys = ("median", "q1", "q3") if skewed else ("mean", "sd")
    found = [[None if (v := real(a.get(k))) is None else scale * v for k in keys] for a in arms]
    widths = [w for f in found if (w := _width(f)) is not None]
    middle = math.exp(sum(map(math.log, widths)) / len(widths)) if widths else None
    cells = []
    for values in found:
        if values[0] is None:
            cells.append(NONE)
            continue
        if middle is None:  # one patient, or all alike
            text = [number(v) for v in values]
        else:
            decimals = min(max(1 - math.floor(math.log10(1.05 * middle)), 0), 6)
            text = [fixed(v, decimals) for v in values]
        inner = "–".join(text[1:]) if "−" not in "".join(text[1:]) else " to ".join(text[1:])
        cells.append(f"{text[0]} ({inner})")
    return cells


def _width(values: Sequence[float | None]) -> float | None:
    """The SD, or half the distance of the quartiles; None where there is none."""
    if any(v is None for v in values):
        return None
    width = values[1] if len(values) == 2 else ((values[2] or 0.0) - (values[1] or 0.0)) / 2
    return width or None


def _skewed(arm: Row) -> bool:
    mean, median, sd, n = (real(arm.get(k)) for k in ("mean", "median", "sd", "n"))
    if mean is None or median is None or not sd or not n:
        return False
    return abs(mean - median) > max(SKEWED, FEW / math.sqrt(n)) * sd


def _alleles(
    trial: Finished, variants: Sequence[str], names: Sequence[str]
) -> dict[tuple[str, str], tuple[int, int, int]]:
    """How many patients have 0, 1 and 2 effect alleles, by (variant, arm); empty where people were not kept."""
    if not variants or not (trial.folder / "population.parquet").exists():
        return {}
    people = trial.table("population.parquet")
    found = {}
    for variant in variants:
        for name in names:
            if variant not in people or (name != "all" and "arm" not in people):
                continue
            mine = people if "arm" not in people else people[people["arm"] == name]
            found[variant, name] = tuple(int((mine[variant] == k).sum()) for k in range(3))
    return {key: (n[0], n[1], n[2]) for key, n in found.items()}


def _genes(trial: Finished) -> dict[str, str]:
    table = trial.assembly.genotypes
    return dict(zip(map(str, table["variant"]), map(str, table["gene"]), strict=True))
