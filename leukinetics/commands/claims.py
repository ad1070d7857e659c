"""``leukinetics claims``: what the documents claim, carried out on the model."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from leukinetics.engine.stream import check_writable, naming, replacing
from leukinetics.evidence.claim_draws import Spread
from leukinetics.evidence.claims import FAIL, NOT_BUILT, PASS, Outcome, run_claims
from leukinetics.trial.studies.narrowing import ALPHA

_MARKS = {PASS: "pass", FAIL: "FAIL", NOT_BUILT: "  - "}


def run(names: Sequence[str], json_path: Path | None, draws: int = 0) -> Counter[str]:
    """Print each outcome as it is known, write the JSON file, and count statuses."""
    if json_path is not None:
        check_writable(json_path)
    outcomes = []
    for outcome in run_claims(names, draws=draws):
        print(line(outcome), flush=True)
        outcomes.append(outcome)
    counts = Counter(outcome.status for outcome in outcomes)
    if json_path is not None:
        text = json.dumps({"claims": [outcome.record() for outcome in outcomes]}, indent=1, ensure_ascii=False)
        with replacing(json_path) as temporary, naming(json_path):
            temporary.write_text(text + "\n", "utf-8")
    total = f"{counts[PASS]} passed, {counts[FAIL]} failed, {counts[NOT_BUILT]} not built"
    print(total + (f", wrote {json_path}" if json_path is not None else ""), file=sys.stderr)
    return counts


def line(outcome: Outcome) -> str:
    """One outcome in a line, and the runs below it where it failed."""
    if outcome.status == NOT_BUILT:
        return (
            f"{_MARKS[NOT_BUILT]}  {outcome.id:6} {outcome.text}\n              missing: {'; '.join(outcome.missing)}"
        )
    number = "no number" if outcome.observed is None else f"{outcome.observed:.4g}"
    text = f"{_MARKS[outcome.status]}  {outcome.id:6} {number:>10} {outcome.threshold:14} {outcome.text}"
    if outcome.status == FAIL:
        details = [f"{name}: {value:.6g}" for name, value in outcome.runs.items()]
        text += "".join(f"\n              {d}" for d in [*details, *([outcome.note] if outcome.note else [])])
    return text + ("" if outcome.spread is None else f"\n              {over_draws(outcome.spread)}")


def over_draws(found: Spread) -> str:
    """What draws of all that is uncertain say of a check, and what it leans on beyond chance."""
    text = (
        f"over {found.draws} draws: {found.median:.3g} ({found.low:.3g} to {found.high:.3g}), "
        f"holds in {100 * found.holds:.0f} %"
    )
    leans = [f"{r['name']} ({'+' if r['rho'] > 0 else '-'}, {100 * r['share']:.0f} % of the variance)"
             for r in found.leans if r["p_adjusted"] < ALPHA]  # fmt: skip
    return text + ("; leans on " + ", ".join(leans) if leans else "")
