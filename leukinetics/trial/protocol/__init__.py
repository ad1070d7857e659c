"""The protocol of a trial, table by table."""

from leukinetics.trial.protocol.also import Also
from leukinetics.trial.protocol.analysis import (
    Analysis,
    Power,
    Report,
    Schedule,
    Sensitivity,
    Subgroup,
    Threshold,
    Uncertainty,
)
from leukinetics.trial.protocol.arms import Adherence, Arm, Dose, Dropout, Rule
from leukinetics.trial.protocol.endpoint import (
    ANALYSES,
    EVENTS,
    KINDS,
    REPEATED,
    STATISTICS,
    TIMES,
    WINDOWED,
    Endpoint,
    Worsening,
)
from leukinetics.trial.protocol.fields import Part
from leukinetics.trial.protocol.people import Match, Population
from leukinetics.trial.protocol.whole import MOST_SAMPLES, Protocol, Trial

__all__ = [
    "ANALYSES",
    "EVENTS",
    "KINDS",
    "MOST_SAMPLES",
    "REPEATED",
    "STATISTICS",
    "TIMES",
    "WINDOWED",
    "Adherence",
    "Also",
    "Analysis",
    "Arm",
    "Dose",
    "Dropout",
    "Endpoint",
    "Match",
    "Part",
    "Population",
    "Power",
    "Protocol",
    "Report",
    "Rule",
    "Schedule",
    "Sensitivity",
    "Subgroup",
    "Threshold",
    "Trial",
    "Uncertainty",
    "Worsening",
]
