"""Which arm the others are compared with."""

from __future__ import annotations

from leukinetics.trial.protocol import Endpoint, Protocol


def reference_arm(protocol: Protocol, endpoint: Endpoint) -> int:
    """The arm that others are compared with: the one named, else "placebo", else one without doses, else the first."""
    names = [a.name for a in protocol.arm]
    if endpoint.compare_to is not None:
        return names.index(endpoint.compare_to)
    placebo = [i for i, name in enumerate(names) if name.strip().lower() == "placebo"]
    untreated = [i for i, arm in enumerate(protocol.arm) if not arm.dose]
    return [*placebo, *untreated, 0][0]
