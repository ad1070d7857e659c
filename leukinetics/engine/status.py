"""What became of each patient: a status with advice, never an exception for one patient among many."""

from __future__ import annotations

from enum import IntEnum


class Status(IntEnum):
    """How the integration of one patient ended. The numbers are part of the file format: never renumber."""

    OK = 0
    RETRIED = 1
    STEP_TOO_SMALL = 2
    MAX_STEPS = 3
    NON_FINITE = 4
    NOT_SETTLED = 5
    INTERRUPTED = 6
    BAD_INITIAL = 7
    EVENT_STORM = 8
    REFERENCE_FAILED = 9

    @property
    def ok(self) -> bool:
        """True where the patient's values are valid."""
        return self in (Status.OK, Status.RETRIED)

    @property
    def advice(self) -> str:
        """One sentence: what happened and what to try next."""
        return _ADVICE[self]


_ADVICE = {
    Status.OK: "The patient was solved within the tolerances; nothing needs to be done.",
    Status.RETRIED: (
        "The fast path failed and the reference path solved the patient; the values are valid, but look at "
        "the parameters if there are many of these."
    ),
    Status.STEP_TOO_SMALL: (
        "The step size fell below what the clock resolves, a sign of a singularity or of a jump that is not "
        "an event; check this patient's parameters, or loosen rtol and atol."
    ),
    Status.MAX_STEPS: (
        "The limit on steps was reached before the last time; raise max_steps, loosen rtol and atol, or "
        "check this patient's parameters for an extreme rate constant."
    ),
    Status.NON_FINITE: (
        "A state or a rate became infinite or not a number; look for a division by zero, a logarithm or root "
        "of a negative number, or unlimited growth with this patient's parameters."
    ),
    Status.NOT_SETTLED: (
        "The run-in ended before the states had settled; give it more time, loosen its tolerance, or check "
        "that a steady state exists for this patient's parameters."
    ),
    Status.INTERRUPTED: "The run was interrupted before this patient was finished; run the patient again.",
    Status.BAD_INITIAL: (
        "An initial value is infinite or not a number with this patient's parameters; check the inputs that "
        "the model's initial assignments use."
    ),
    Status.EVENT_STORM: (
        "Events fired again and again without time moving on; check that an event's assignments make its "
        "trigger false, or that its trigger depends on time."
    ),
    Status.REFERENCE_FAILED: (
        "libRoadRunner could not solve the patient; check this patient's parameters for values that "
        "make the model singular, or loosen rtol and atol."
    ),
}
