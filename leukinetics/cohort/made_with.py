"""What a virtual cohort was made with, for its provenance."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from leukinetics.cohort.protocol import CohortProtocol
from leukinetics.trial import Prepared


def made_with(protocol: CohortProtocol, prepared: Iterable[Prepared]) -> dict[str, Any]:
    """``protocol_sha256``, ``seed``, and by condition the hashes of ``models``."""
    models = {ready.protocol.trial.condition: ready.assembly for ready in prepared}
    return {
        "protocol_sha256": hashlib.sha256(protocol.text.encode()).hexdigest(),
        "seed": protocol.cohort.seed,
        "models": {name: {"model_hash": a.model.hash, "assembly_hash": a.hash} for name, a in models.items()},
    }
