"""A design from its questions to its summary."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leukinetics.cohort.design import curves, later, levels, shares
from leukinetics.cohort.design.protocol import (
    Area,
    Design,
    DesignProtocol,
    Detection,
    LevelQuestion,
    Prognosis,
    Rate,
    read_design,
)
from leukinetics.engine.stream import naming
from leukinetics.errors import DataError, ProtocolError
from leukinetics.trial.statistics.compare import number
from leukinetics.trial.statistics.describe import wilson
from leukinetics.trial.store import PROTOCOL, PROVENANCE, SUMMARY, write_json, write_text
from leukinetics.units import convert

if TYPE_CHECKING:
    import pandas as pd

    Row = dict[str, Any]

#: The file by which a folder of a design is known.
DESIGN = "design.csv"
#: Sizes of a curve by default, as multiples of the size for the target.
STEPS = (0.25, 0.4, 0.6, 0.8, 1.0, 1.25, 1.6, 2.0)
#: People of the largest simulated study; of a larger one the formula is told alone.
MOST_SIMULATED = 3000
#: Where the target is out of reach, the curve is that of a study of this size.
USUAL = 200


@dataclass(frozen=True)
class DesignResult:
    """A finished design: its protocol, summary, and the folder where it was written, if any."""

    protocol: DesignProtocol
    summary: dict[str, Any]
    folder: Path | None = None

    def table(self) -> pd.DataFrame:
        """One row per question: how many people it takes."""
        import pandas as pd

        keys = ("id", "kind", "n", "n_reference", "total", "power", "power_simulated", "analysis", "note")
        return pd.DataFrame([{k: q.get(k) for k in keys} for q in self.summary["questions"]])

    def curve(self) -> pd.DataFrame:
        """Power by size, of all questions."""
        import pandas as pd

        return pd.DataFrame([{"id": q["id"], **row} for q in self.summary["questions"] for row in q["curve"]])

    def limits(self) -> pd.DataFrame:
        """People needed by the assay's limit, of questions about levels."""
        import pandas as pd

        return pd.DataFrame([{"id": q["id"], **r} for q in self.summary["questions"] for r in q.get("limits") or []])


def is_design_folder(folder: str | Path) -> bool:
    """Whether a folder holds a design, finished or not."""
    return (Path(folder) / DESIGN).is_file()


def run_design(
    protocol: str | Path | Mapping[str, Any] | DesignProtocol, out: str | Path | None = None, *, overwrite: bool = False
) -> DesignResult:
    """Answer the questions of a design.

    ``questions`` of the summary: of each ``id``, ``kind``, the people of both groups (``n``, ``n_reference``; of
    prognosis those of one cohort, ``total``) that reach the target, None where a million do not, and the ``power`` that
    they have; ``curve``: power by size; of levels ``limits``: the same against the assay's limit, by the level and by
    whether it is detected, and the ``power_simulated`` of the analyses; ``analysis``; ``note``.

    With ``out``: summary.json, design.csv, curves.csv, limits.csv, protocol.toml and provenance.json are written there.

    ProtocolError for what is malformed; DataError where ``out`` cannot be written to.
    """
    read = read_design(protocol)
    folder = None if out is None else _folder(Path(out), overwrite)
    head = read.design
    found: list[Row] = []
    found += [_detection(head, q) for q in read.detection]
    found += [_level(head, q) for q in read.level]
    found += [_area(head, q) for q in read.area]
    found += [_prognosis(head, q) for q in read.prognosis]
    found += [_rate(head, q) for q in read.rate]
    summary = {
        "design": head.name, "alpha": head.alpha, "target": head.target, "replicates": head.replicates,
        "seed": head.seed, "questions": found,
    }  # fmt: skip
    result = DesignResult(read, summary, folder)
    if folder is not None:
        with naming(folder):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / SUMMARY).unlink(missing_ok=True)
        for name, table in (("design", result.table()), ("curves", result.curve()), ("limits", result.limits())):
            write_text(folder / f"{name}.csv", table.to_csv(index=False))
        write_text(folder / PROTOCOL, read.text)
        write_json(folder / PROVENANCE, _provenance(read))
        write_json(folder / SUMMARY, summary)
    return result


def _provenance(read: DesignProtocol) -> Row:
    from leukinetics import __version__

    return {
        "leukinetics": __version__,
        "protocol_sha256": hashlib.sha256(read.text.encode()).hexdigest(),
        "seed": read.design.seed,
    }


def _detection(head: Design, q: Detection) -> Row:
    def power(n: int, m: int) -> float:
        return shares.power(q.share, n, q.reference, m, head.alpha, q.test)

    found = shares.size(q.share, q.reference, head.target, head.alpha, q.ratio, q.test)
    said = {
        "fisher": "Fisher's exact test, exact power",
        "unconditional": "unconditional exact test (pooled z), exact power",
        "normal": "pooled z test, normal approximation",
    }[q.test]
    row = _two(head, q.id, "detection", found, q.ratio, q.sizes, power)
    return row | {"share": q.share, "share_reference": q.reference, "analysis": said}


def _level(head: Design, q: LevelQuestion) -> Row:
    mean, unit = q.geometric_mean
    limit = 0.0 if q.limit is None else _converted(q.limit, unit, q.id)
    asked = levels.Levels(math.log(mean * q.fold), math.log(mean), q.sd_ln, limit)

    def power(n: int, m: int) -> float:
        return levels.power(asked, n, m, head.alpha)

    n = levels.size(asked, head.target, head.alpha, q.ratio)
    pair = None if n is None else (n, _second(n, q.ratio))
    row = _two(head, q.id, "level", pair, q.ratio, q.sizes, power)
    below = asked.below()
    row |= {
        "share_below": number(below[0]), "share_below_reference": number(below[1]), "limit": number(limit),
        "unit": unit, "analysis": "lognormal levels, left-censored, one SD; likelihood-ratio test, expected likelihood",
        "area": number(curves.area_at(math.log(q.fold), q.sd_ln, math.log(mean), limit)),
    }  # fmt: skip
    row |= _simulated(head, asked, pair)
    own = 1.0 if q.limit is None else convert(1.0, q.limit[1], unit)
    others = sorted({0.0, limit, *(v * own for v in q.limits)})
    row["limits"] = [_at(head, q, replace(asked, limit=v)) for v in others]
    if max(below) > 0.8:
        row["note"] = "more than four fifths of a group are below the limit, where the formula is rough"
    return row


def _at(head: Design, q: LevelQuestion, asked: levels.Levels) -> Row:
    """The people needed with an assay of another limit; 0: without one."""
    n = levels.size(asked, head.target, head.alpha, q.ratio)
    below = asked.below()
    seen = None
    if asked.limit > 0 and abs(below[0] - below[1]) > 1e-6:
        seen = shares.size(1 - below[0], 1 - below[1], head.target, head.alpha, q.ratio, q.test)
    return {
        "limit": number(asked.limit), "share_below": number(below[0]), "share_below_reference": number(below[1]),
        "n": n, "n_reference": None if n is None else _second(n, q.ratio),
        "n_detection": None if seen is None else seen[0], "n_detection_reference": None if seen is None else seen[1],
        "area": number(curves.area_at(asked.one - asked.other, asked.sd, asked.other, asked.limit)),
    }  # fmt: skip


def _simulated(head: Design, asked: levels.Levels, pair: tuple[int, int] | None) -> Row:
    """Power of the analyses at the size found by formula, and their level without a difference."""
    empty = dict.fromkeys(("power_simulated", "power_low", "power_high", "power_ranks", "power_substituted", "levels"))
    if pair is None or sum(pair) > MOST_SIMULATED or min(pair) < 2:
        return empty
    found = levels.simulated(asked, *pair, head.replicates, head.alpha, head.seed)
    null = levels.simulated(replace(asked, one=asked.other), *pair, head.replicates, head.alpha, head.seed)
    e = wilson(found.tobit, found.replicates, 0.05)
    return {
        "power_simulated": number(found.tobit), "power_low": number(e.low), "power_high": number(e.high),
        "power_ranks": number(found.ranks), "power_substituted": number(found.substituted),
        "levels": {"tobit": number(null.tobit), "ranks": number(null.ranks), "substituted": number(null.substituted)},
    }  # fmt: skip


def _area(head: Design, q: Area) -> Row:
    def power(n: int, m: int) -> float:
        if q.other is None:
            return curves.power(q.area, n, m, q.against, head.alpha, q.method)
        return curves.power_of_two(q.area, q.other, q.correlation, n, m, head.alpha, q.method)

    n = curves.smallest(lambda k: power(k, _second(k, q.ratio)) >= head.target)
    pair = None if n is None else (n, _second(n, q.ratio))
    row = _two(head, q.id, "area", pair, q.ratio, q.sizes, power)
    said = "variance of Obuchowski and McClish" if q.method == curves.OBUCHOWSKI else "variance of Hanley and McNeil"
    row |= {"analysis": f"{'one area' if q.other is None else 'two areas of the same people'}, {said}"}
    if q.half_width is not None:
        wide = q.half_width
        row["n_half_width"] = curves.smallest(
            lambda k: curves.half_width(q.area, k, _second(k, q.ratio), head.alpha, q.method) <= wide
        )
    return row


def _prognosis(head: Design, q: Prognosis) -> Row:
    if q.share is not None:
        effect, variance, said = math.log(q.hazard_ratio), q.share * (1 - q.share), "detected against not"
    else:
        assert q.sd_ln is not None, "one of the two is given"
        effect, variance, said = math.log(q.hazard_ratio) / math.log(2), q.sd_ln**2, "per doubling of the level"
    events = q.events
    if events is None:
        assert q.rate is not None and q.follow_up is not None, "rate and follow_up go together"
        events = later.share_with_event(q.rate, q.follow_up, q.accrual)
    needed = later.events_needed(effect, variance, head.target, head.alpha, q.explained)
    total = math.ceil(needed / events - 1e-9)
    sizes = q.sizes or _sizes(total)

    def power(n: int) -> float:
        return later.events_power(n * events, effect, variance, head.alpha, q.explained)

    return {
        "id": q.id, "kind": "prognosis", "n": None, "n_reference": None, "total": total,
        "events": math.ceil(needed - 1e-9), "share_with_event": number(events), "power": number(power(total)),
        "curve": [{"n": k, "n_reference": None, "power": number(power(k))} for k in sizes],
        "analysis": f"Cox's model, {said}: Schoenfeld's formula", "note": None,
    }  # fmt: skip


def _rate(head: Design, q: Rate) -> Row:
    def power(total: int) -> float:
        n = max(q.share * total, 1.0)
        return later.rates_power(q.rate_ratio, q.rate, q.years, q.dispersion, n, max(total - n, 1.0), head.alpha)

    total = curves.smallest(lambda k: power(k) >= head.target)
    sizes = q.sizes or _sizes(total or USUAL)
    return {
        "id": q.id, "kind": "rate", "n": None, "n_reference": None, "total": total,
        "power": None if total is None else number(power(total)),
        "curve": [{"n": k, "n_reference": None, "power": number(power(k))} for k in sizes],
        "analysis": "negative binomial rates, detected against not; formula of statsmodels",
        "note": None if total is not None else "not reached with a million people",
    }  # fmt: skip


def _two(
    head: Design, name: str, kind: str, pair: tuple[int, int] | None, ratio: float, sizes: Sequence[int],
    power: Callable[[int, int], float],
) -> Row:  # fmt: skip
    grid = sizes or _sizes(USUAL if pair is None else pair[0])
    return {
        "id": name, "kind": kind,
        "n": None if pair is None else pair[0], "n_reference": None if pair is None else pair[1],
        "total": None if pair is None else sum(pair),
        "power": None if pair is None else number(power(*pair)),
        "curve": [
            {"n": k, "n_reference": _second(k, ratio), "power": number(power(k, _second(k, ratio)))} for k in grid
        ],
        "note": None if pair is not None else f"a power of {head.target:g} is out of reach of any study",
    }  # fmt: skip


def _sizes(n: int) -> list[int]:
    return sorted({max(round(n * f), 2) for f in STEPS})


def _second(n: int, ratio: float) -> int:
    """The second group: rounded up, so that the power holds."""
    return max(math.ceil(ratio * n - 1e-9), 1)


def _converted(quantity: tuple[float, str], unit: str, name: str) -> float:
    try:
        return quantity[0] * convert(1.0, quantity[1], unit)
    except DataError as error:
        raise ProtocolError(f"level '{name}', limit: {error}") from error


def _folder(folder: Path, overwrite: bool) -> Path:
    """The folder, which holds nothing, or a design that may be replaced."""
    if folder.exists() and not folder.is_dir():
        raise DataError(f"'{folder}' is a file; name a folder.")
    if folder.exists() and any(folder.iterdir()):
        if not is_design_folder(folder):
            raise DataError(f"'{folder}' has files in it that are no design, and nothing of others is ever replaced.")
        if not overwrite:
            raise DataError(f"'{folder}' holds a design; name another folder, or replace it with --overwrite.")
    return folder
