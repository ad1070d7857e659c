"""Carries out the claims that the model can answer, and says what is missing for the others."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from leukinetics.errors import DataError, LeukineticsError, suggest
from leukinetics.evidence.claim_cohorts import censored_mean, of_target
from leukinetics.evidence.claim_draws import Spread, spread
from leukinetics.evidence.claim_files import Check, Claim, Claims, Threshold, read_claims
from leukinetics.evidence.claim_markers import of_markers
from leukinetics.evidence.claim_runs import Laboratory, NotThere
from leukinetics.evidence.claim_structure import STRUCTURAL

PASS, FAIL, NOT_BUILT = "pass", "fail", "not_built"
_OTHERS = {**STRUCTURAL, "target": of_target, "markers": of_markers, "censored_mean": censored_mean}


@dataclass(frozen=True)
class Outcome:
    """The result of one check, or of a claim (part) that is not built.

    ``observed`` is the number held against ``threshold`` (None if there is none), ``runs`` what each run gave, ``note``
    what went wrong, ``missing`` what the model does not have, ``spread`` the same for draws of what is uncertain.
    """

    id: str
    status: str
    text: str
    sources: tuple[str, ...]
    observed: float | None = None
    threshold: str | None = None
    runs: dict[str, float] = field(default_factory=dict)
    note: str = ""
    missing: tuple[str, ...] = ()
    spread: Spread | None = None

    def record(self) -> dict[str, object]:
        """As JSON has it."""
        observed = self.observed if self.observed is not None and math.isfinite(self.observed) else None
        return {
            "id": self.id,
            "status": self.status,
            "observed": observed,
            "threshold": self.threshold,
            "text": self.text,
            "sources": list(self.sources),
            "runs": self.runs,
            "note": self.note,
            "missing": list(self.missing),
            "spread": None if self.spread is None else self.spread.record(),
        }


def run_claims(names: Iterable[str] = (), evidence: Claims | None = None, draws: int = 0) -> Iterator[Outcome]:
    """Outcomes in order, each as soon as it is known; ``names``: claims ("A1") or checks ("A1.2"), all by default.

    ``draws``: how many draws of what is uncertain each check is repeated for.
    Raises DataError for a name that there is not.
    """
    evidence = read_claims() if evidence is None else evidence
    wanted = [name.upper() for name in names]
    known = [*evidence.claims, *(c.id for claim in evidence.claims.values() for c in claim.check)]
    for name in wanted:
        if name not in known:
            near = suggest(name, known) or f" They are {', '.join(evidence.claims)}."
            raise DataError(f"There is no claim '{name}'.{near}")
    chosen = [
        (claim, check)
        for claim in evidence.claims.values()
        for check in (*claim.check, None)
        if not wanted or claim.id in wanted or (check is not None and check.id in wanted)
    ]
    laboratory = Laboratory(check for _, check in chosen if check is not None)
    for claim, check in chosen:
        if check is not None:
            yield carry_out(claim, check, laboratory, draws)
        elif claim.missing:
            yield Outcome(claim.id, NOT_BUILT, claim.text, claim.sources, missing=claim.missing)


def carry_out(claim: Claim, check: Check, laboratory: Laboratory, draws: int = 0) -> Outcome:
    """The outcome of one check."""
    runs: dict[str, float] = {}
    over: Spread | None = None
    note = ""
    threshold = Threshold.parse(check.threshold)
    try:
        if check.kind == "simulation":
            seen = laboratory.see(check)
            runs, observed = seen.runs, threshold.worst(seen.compared)
        else:
            observed, note = _OTHERS[check.kind](check)
        if draws:
            over = spread(check, draws, laboratory)
    except NotThere as error:
        return Outcome(check.id, NOT_BUILT, check.text, claim.sources, None, check.threshold, missing=(str(error),))
    except LeukineticsError as error:
        return Outcome(check.id, FAIL, check.text, claim.sources, None, check.threshold, note=str(error))
    status = PASS if threshold.met(observed) else FAIL
    if status == FAIL and check.defect:
        note = f"{note}; {check.defect}" if note else check.defect
    return Outcome(check.id, status, check.text, claim.sources, observed, check.threshold, runs, note, (), over)
