"""The one description of a model between the readers (SBML, Antimony) and the compiler.

Vocabulary
----------
state      a quantity with a differential equation. Its name is free: usually the SBML id; an amount whose
           concentration is the SBML id is named ``"amount(ID)"``.
constant   a quantity that keeps the value it has at the start of a simulation.
discrete   a quantity that only events change.
observable any name that may be asked for as an output, as an expression of the three above and of time.
input      a number the user may set per patient: parameters, compartments, initial values.

Expressions are nodes of ``graph``. In ``rate``, ``observables`` and event expressions ``sym`` leaves name
states, constants and discretes ONLY (assignment rules are already expanded). In ``initial`` expressions
``sym`` leaves name states, constants and discretes at the start, and ``input`` leaves the user's numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from leukinetics.engine.expr import Expr, Graph


@dataclass(frozen=True)
class Input:
    """A number the user may set per patient.

    ``default`` is NaN where the model computes the value itself (an initial assignment): setting the
    input then replaces that computation.
    """

    name: str
    default: float
    unit: str = ""
    kind: str = "parameter"  # parameter | local | compartment | species | stoichiometry


@dataclass(frozen=True)
class State:
    """A quantity with ``d(name)/dt = rate`` that starts at ``initial``."""

    name: str
    initial: Expr
    rate: Expr
    unit: str = ""


@dataclass(frozen=True)
class Quantity:
    """A constant or a discrete: a name and its value at the start."""

    name: str
    initial: Expr
    unit: str = ""


@dataclass(frozen=True)
class Event:
    """An SBML event. ``assignments`` maps states, constants... to new values, all expanded.

    A target is the name of a state or a discrete. ``trigger_time_values``: the right-hand sides are
    evaluated when the trigger fires rather than when the (delayed) event executes.
    """

    name: str
    trigger: Expr
    assignments: tuple[tuple[str, Expr], ...]
    delay: Expr | None = None
    priority: Expr | None = None
    persistent: bool = True
    initial_value: bool = True
    trigger_time_values: bool = True


@dataclass(frozen=True)
class DoseTarget:
    """Where a dose into ``species`` goes: ``state += amount * factor``.

    ``factor`` (1 for an amount, 1/volume for a concentration) may depend on constants and discretes only.
    """

    state: str
    factor: Expr


@dataclass
class OdeSystem:
    """A complete model: ordinary differential equations with events. See the module docstring."""

    name: str
    graph: Graph
    inputs: dict[str, Input]
    states: list[State]
    constants: list[Quantity]
    discretes: list[Quantity]
    observables: dict[str, Expr]
    units: dict[str, str] = field(default_factory=dict)  # of observables
    amounts: dict[str, Expr] = field(default_factory=dict)  # species id -> its amount
    amount_units: dict[str, str] = field(default_factory=dict)
    dose_targets: dict[str, DoseTarget] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    species: list[str] = field(default_factory=list)  # the default outputs, in file order
    time_unit: str = ""
    sbml: str | None = None  # the SBML text, for the libRoadRunner reference
    #: Why the compiled engine must not run this model (then libRoadRunner does); empty if it may.
    compiled_refusals: list[str] = field(default_factory=list)
