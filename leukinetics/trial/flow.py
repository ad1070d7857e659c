"""The flow of patients through a trial (CONSORT, doi:10.1136/bmj.c332): how many came, stayed and count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from leukinetics.trial.chunks import Conducted
from leukinetics.trial.prepare import Prepared
from leukinetics.trial.screen import nobodies, reasons


def flow(prepared: Prepared, done: Conducted, arms: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What ``flow`` of summary.json holds.

    ``screened``: people who belong to the population; those who were made and do not (implausible, or not selected to
    match it) are ``not_met``, by reason. ``excluded``: who did not take part, by the first reason that applied. By
    arm: ``allocated`` patients; who ``left`` on the way, in whom each rule fired, who could not be solved
    (``failed``), and how many are ``analysed``: have a value in the analysis of the first primary endpoint, as
    ``arms`` of the summary tell.
    """
    protocol = prepared.protocol
    primary = (protocol.analysis.primary or [protocol.endpoint[0].id])[0]
    left_out = done.screening["reason"].value_counts()
    counts = {text: int(left_out[text]) for text in reasons(prepared) if text in left_out}
    others = {text: n for text, n in counts.items() if text in nobodies(prepared)}
    analysed = {arm["name"]: arm["endpoints"][primary]["n"] for arm in arms}
    found = []
    for arm in protocol.arm:
        here = done.conduct[done.conduct["arm"] == arm.name]
        found.append(
            {
                "name": arm.name,
                "allocated": len(here),
                "left": int(np.isfinite(here["left"]).sum()),
                "rules": [{"id": rule.id, "n": int(here[f"rule.{rule.id}"].notna().sum())} for rule in protocol.rule],
                "failed": int((done.failures["arm"] == arm.name).sum()),
                "analysed": int(analysed[arm.name]),
            }
        )
    return {
        "screened": len(done.screening) - sum(others.values()),
        "not_met": [{"reason": text, "n": n} for text, n in others.items()],
        "excluded": [{"reason": text, "n": n} for text, n in counts.items() if text not in others],
        "enrolled": len(done.population),
        "arms": found,
    }
