"""The flow of patients through a trial (CONSORT, doi:10.1136/bmj.c332): how many came, stayed and count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from leukinetics.trial.chunks import Conducted
from leukinetics.trial.prepare import Prepared
from leukinetics.trial.screen import reasons


def flow(prepared: Prepared, done: Conducted, arms: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What ``flow`` of summary.json holds.

    ``excluded``: people screened who did not take part, by the first reason that applied. By arm: ``allocated``
    patients; who ``left`` on the way, in whom each rule fired, who could not be solved (``failed``), and how many are
    ``analysed``: have a value in the analysis of the first primary endpoint, as ``arms`` of the summary tell.
    """
    protocol = prepared.protocol
    primary = (protocol.analysis.primary or [protocol.endpoint[0].id])[0]
    left_out = done.screening["reason"].value_counts()
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
        "screened": len(done.screening),
        "excluded": [{"reason": text, "n": int(left_out[text])} for text in reasons(prepared) if text in left_out],
        "enrolled": len(done.population),
        "arms": found,
    }
