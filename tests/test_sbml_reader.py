"""What the reader makes of species, compartments, parameters, functions, units: exact answers."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from oracle import compile_graph, initial_values, simulate
from oracle_events import simulate_events

from leukinetics.engine.sbml import read_model
from leukinetics.engine.system import OdeSystem
from leukinetics.errors import ModelError

MODELS = Path(__file__).parent / "models"
T = np.linspace(0.0, 4.0, 5)


def with_rules(rules: dict[str, str]) -> str:
    """SBML with these assignment rules, in libSBML's infix notation."""
    import libsbml

    document = libsbml.SBMLDocument(3, 2)
    model = document.createModel()
    model.setId("m")
    for name, formula in rules.items():
        parameter = model.createParameter()
        parameter.setId(name)
        parameter.setConstant(False)
        rule = model.createAssignmentRule()
        rule.setVariable(name)
        node = libsbml.parseL3Formula(formula)
        assert node is not None, libsbml.getLastParseL3Error()
        rule.setMath(node)
    return str(libsbml.writeSBMLToString(document))


def at_start(system: OdeSystem, **inputs: float) -> dict[str, float]:
    return initial_values(system, inputs)


def test_compartments_that_change() -> None:
    system = read_model(MODELS / "compartments.ant")
    got = simulate(system, list(T), ["A", "B", "C", "D"])
    expected = np.stack([3 * 2 / (2 + 0.5 * T), np.exp(-0.3 * T), 5 / (1 + T), 2 * np.exp(-0.3 * T)], axis=1)
    np.testing.assert_allclose(got, expected, rtol=1e-7)
    amounts = simulate(system, [4.0], ["A", "B", "C", "D"], amounts=["A", "B", "C", "D"])[0]
    np.testing.assert_allclose(amounts, [6, 4 * math.exp(-1.2), 5, 8 * math.exp(-1.2)], rtol=1e-7)
    assert [s.name for s in system.states] == ["grows", "B", "D"]
    assert {q.name for q in system.constants} >= {"amount(A)", "amount(C)", "fixed", "k"}


def test_dose_targets() -> None:
    system = read_model(MODELS / "compartments.ant")
    start = at_start(system)
    factors = {
        name: (target.state, compile_graph(system.graph, [target.factor])(0.0, start, {})[0])
        for name, target in system.dose_targets.items()
    }
    assert factors == {"B": ("B", 0.25), "D": ("D", 1.0)}  # A and C are constants


def test_event_changes_compartment_and_concentration_at_once() -> None:
    system = read_model(MODELS / "events.ant")
    got = simulate_events(system, list(T), ["X", "Y", "V", "n"])
    np.testing.assert_allclose(got[:, 0], [4, 4, 4, 4, 5])
    np.testing.assert_allclose(got[[3, 4], 1], [10 * math.exp(-0.1), 5 * math.exp(-0.2)], rtol=1e-7)
    np.testing.assert_allclose(got[:, 2:], [[1, 0]] * 4 + [[2, 1]])
    first, second = system.events
    assert (first.persistent, first.initial_value, first.trigger_time_values) == (False, False, True)
    assert second.priority is not None and system.graph.value(second.priority) == 3.0
    assert not system.compiled_refusals


def test_level_3_features() -> None:
    system = read_model(MODELS / "functions.xml")
    assert system.name == "functions" and system.time_unit == "min"
    assert system.species == ["S", "P", "Q", "total"]
    assert (system.units["S"], system.amount_units["S"], system.units["turn"]) == (
        "nmol/L",
        "nmol",
        "nmol/min",
    )
    assert system.units["Q"] == "nmol"
    names = ["S", "P", "total", "slope", "turn", "gate", "yield", "Q"]
    s, p, total, slope, turn, gate, stoichiometry, _ = simulate(system, [0.0, 3.0], names).T
    np.testing.assert_allclose(total, s + p)
    np.testing.assert_allclose(turn, 0.7 * s**2 / (0.2**2 + s**2))
    np.testing.assert_allclose(slope, -2 * turn / 2)  # the model's conversion factor, then the volume
    np.testing.assert_allclose(stoichiometry, 1.0)
    assert gate.tolist() == [1.0, 0.0]
    np.testing.assert_allclose(p[1] / 3, (3.0 - s[1]) / 2, rtol=1e-7)  # the product's own conversion factor


def test_inputs() -> None:
    system = read_model(MODELS / "functions.xml")
    kinds = {name: i.kind for name, i in system.inputs.items()}
    assert kinds == {
        "V": "compartment", "point": "compartment", "S": "species", "P": "species", "Q": "species",
        "k": "parameter", "two": "parameter", "three": "parameter", "yield": "stoichiometry",
        "turn.vmax": "local",
    }  # fmt: skip
    assert math.isnan(system.inputs["k"].default) and math.isnan(system.inputs["S"].default)
    assert system.inputs["turn.vmax"].default == 0.7
    assert at_start(system)["S"] == 3.0
    assert at_start(system, V=3.0)["S"] == 2.0  # the amount stays
    assert at_start(system, V=3.0)["k"] == pytest.approx(0.3)
    start = at_start(system, k=1.0, S=0.5)
    assert (start["k"], start["S"], start["yield"]) == (1.0, 0.5, 5.0)


def test_level_1() -> None:
    system = read_model(MODELS / "level1.xml")
    a, b, p = simulate(system, list(T), ["A", "B", "p"]).T
    np.testing.assert_allclose(a, 2 * np.exp(-1.5 * 0.2 * 0.5 * T), rtol=1e-7)
    np.testing.assert_allclose(b, (2 - a) / 1.5, atol=1e-8)
    np.testing.assert_allclose(p, 1 / (1 + 0.5 * T), rtol=1e-7)
    assert system.inputs["R.k"].default == 0.2 and system.inputs["k"].default == 0.5
    assert system.units["A"] == "mol/L" and system.time_unit == "s"


def test_level_2_variable_stoichiometry() -> None:
    system = read_model(MODELS / "level2.xml")
    a, b = simulate_events(system, [0.0, 1.0, 3.0], ["A", "B"]).T
    np.testing.assert_allclose(a, 3 * np.exp(-0.1 * np.array([0, 1, 3])), rtol=1e-7)
    made = 4 * (a[0] - a[1]) * 2 / 2
    np.testing.assert_allclose(b, [1, 1 + made, 1 + made], rtol=1e-7)


def test_hierarchical_model_is_flattened() -> None:
    system = read_model(MODELS / "hierarchy.xml")
    got = simulate(system, [2.0], ["one__x", "two__x"])[0]
    np.testing.assert_allclose(got, np.exp([-1.0, -0.2]), rtol=1e-7)
    assert system.sbml is not None and "submodel" not in system.sbml


def test_initial_assignments_use_assigned_variables_and_time_zero() -> None:
    text = "a := b + time; b = c * 2; c = 3; d = a + 1; x = d; x' = -x"
    assert at_start(read_model(text))["x"] == 7.0


def test_rate_rule_on_concentration_in_varying_compartment() -> None:
    text = "compartment V; species S in V; V = 1; V' = 1; S = 2; S' = 3; at time > 10: V = 5"
    for model in (text, text.partition("; at")[0]):
        system = read_model(model)
        got = (
            simulate_events(system, [0.0, 2.0], ["S", "V"], [])
            if system.events
            else simulate(system, [0.0, 2.0], ["S", "V"])
        )
        np.testing.assert_allclose(got, [[2, 1], [8, 3]], rtol=1e-7)


def test_antimony_species_without_start_value() -> None:
    system = read_model("A -> B; k*A; k = 1; A = 1")
    assert at_start(system)["B"] == 0.0


def test_long_chain_of_rules() -> None:
    """libSBML and Antimony take minutes to search such a chain for circles, and Python's stack is shallow."""
    system = read_model(
        with_rules({f"p{i}": f"p{i + 1} + p{i + 2}" for i in range(1000)} | {"p1000": "time", "p1001": "0"})
    )
    assert system.graph.symbols([system.observables["p0"]]) == set()
    with pytest.raises(ModelError, match="circle: p0 -> p1 -> p2"):
        read_model(with_rules({f"p{i}": f"p{(i + 1) % 200}" for i in range(200)}))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("sec(0.5)", 1 / math.cos(0.5)), ("arccot(2)", math.atan(0.5)), ("arcsech(0.5)", math.acosh(2.0)),
        ("log(2, 8)", 3.0), ("log10(1000)", 3.0), ("root(3, 8)", 2.0), ("sqrt(9)", 3.0),
        ("factorial(4)", 24.0), ("rem(7, 3)", 1.0), ("quotient(-7, 2)", -3.0), ("max(1, 5, 3)", 5.0),
        ("min(4, 2)", 2.0), ("piecewise(1, false, 2)", 2.0), ("piecewise(1, 2 < 1 && true, 2 > 1, 3)", None),
        ("true + 1", 2.0), ("plus()", 0.0), ("times()", 1.0), ("implies(true, false)", 0.0),
        ("gt(3, 2, 1)", 1.0), ("ceil(1.2) + floor(-1.2) + abs(-3)", 3.0), ("exponentiale", math.e),
        ("ln(exp(2))", 2.0), ("csch(1)", 1 / math.sinh(1)), ("not(0)", 1.0), ("pi", math.pi),
        ("arccoth(3)", math.atanh(1 / 3)), ("arccsc(2)", math.asin(0.5)), ("tanh(1)", math.tanh(1)),
    ],
)  # fmt: skip
def test_mathematics(expression: str, expected: float | None) -> None:
    if expected is None:  # a truth value as a piece
        expression, expected = "piecewise(true, 2 > 1, 3)", 1.0
    system = read_model(with_rules({"p": expression}))
    assert simulate(system, [0.0], ["p"])[0, 0] == pytest.approx(expected, rel=1e-12)


def test_rate_of_a_concentration_in_a_growing_compartment() -> None:
    """An amount n in a volume V: d(n/V)/dt = (dn/dt - n/V dV/dt)/V."""
    system = read_model(
        "compartment V = 2; V' = 1; species S in V; S = 3; r: S -> ; V*0.4*S; p := rateOf(S); q := rateOf(V)"
    )
    t = np.array([0.0, 1.5])
    concentration = 6 * np.exp(-0.4 * t) / (2 + t)
    s, p, q = simulate(system, list(t), ["S", "p", "q"]).T
    np.testing.assert_allclose(s, concentration, rtol=1e-7)
    np.testing.assert_allclose(p, -0.4 * concentration - concentration / (2 + t), rtol=1e-7)
    np.testing.assert_allclose(q, 1.0)


def test_delayed_event_on_a_concentration_in_a_growing_compartment() -> None:
    """The new value is from the trigger, the volume from the execution; said where that cannot be written."""
    text = "compartment V = 1; V' = 1; species S in V; S = 1; r: S -> ; 0; at 1 after time > 1: S = {}"
    constant = read_model(text.format("3"))
    assert not constant.compiled_refusals and not constant.events[0].trigger_time_values
    s = simulate_events(constant, [0.0, 1.5, 3.0], ["S"])[:, 0]
    np.testing.assert_allclose(s, [1, 1 / 2.5, 3 * 3 / 4], rtol=1e-7)
    (reason,) = read_model(text.format("S + 1")).compiled_refusals
    assert "'S'" in reason and "'V'" in reason
