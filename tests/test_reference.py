"""The reference path: exact solutions, doses, start values, events, and libRoadRunner's traps."""

from __future__ import annotations

import numpy as np
import pytest

from leukinetics.engine.doses import read_doses
from leukinetics.engine.reference import simulate_reference
from leukinetics.engine.request import Request
from leukinetics.engine.result import RawResult
from leukinetics.engine.run_in import RunIn
from leukinetics.engine.sbml import read_model
from leukinetics.engine.status import Status
from leukinetics.engine.tables import read_patients, read_times
from leukinetics.errors import UnsupportedModelError

DECAY = """
model decay()
  compartment V = 2; species A in V, B in V;
  A = 3; B = 0; k = 0.5;
  J: A => B; V * k * A;
end
"""


def run(text, times, parameters=None, doses=None, outputs=None, amounts=(), run_in=None, **options) -> RawResult:
    """Simulate with the reference; outputs by name, all species by default."""
    system = read_model(text)
    names = list(outputs or system.species)
    expressions = tuple(system.amounts[n] if n in amounts else system.observables[n] for n in names)
    request = Request(
        read_times(times), expressions, options.get("rtol", 1e-10), 1e-13, "rodas5p",
        options.get("max_steps", 100_000), run_in,
    )  # fmt: skip
    table = read_patients(parameters, system.inputs)
    schedule = read_doses(doses, table.ids, system.dose_targets, system.species)
    return simulate_reference(system, request, table, schedule, names=names)


def test_exact_decay_for_several_patients():
    times = [0.0, 1.0, 1.0, 4.0]
    raw = run(DECAY, times, {"k": [0.5, 0.1], "V": [2.0, 5.0], "A": [3.0, 7.0]}, amounts=("B",))
    for p, (k, volume, start) in enumerate([(0.5, 2.0, 3.0), (0.1, 5.0, 7.0)]):
        a = start * np.exp(-k * np.array(times))
        np.testing.assert_allclose(raw.values[p, :, 0], a, rtol=1e-8)
        np.testing.assert_allclose(raw.values[p, :, 1], (start - a) * volume, rtol=1e-8, atol=1e-9)
    assert (raw.status == Status.OK).all()


def test_only_time_zero():
    raw = run(DECAY, [0.0, 0.0], doses=[{"time": 0, "target": "A", "amount": 4}])
    np.testing.assert_allclose(raw.values[0, :, 0], [5.0, 5.0])


def test_boluses_show_after_the_dose_and_differ_between_patients():
    doses = [
        {"patient": 0, "time": 0.0, "target": "A", "amount": 2.0},
        {"patient": 1, "time": 1.0, "target": "A", "amount": 4.0},
        {"patient": 1, "time": 1.0, "target": "A", "amount": 2.0},
        {"patient": 1, "time": 3.0, "target": "B", "amount": 8.0},
    ]
    raw = run(DECAY, [0.0, 1.0, 3.0], {"k": [0.5, 0.5]}, doses)
    e = np.exp(-0.5 * np.array([0.0, 1.0, 3.0]))
    np.testing.assert_allclose(raw.values[0, :, 0], 4.0 * e, rtol=1e-8)
    second = np.array([3.0, 3.0 * e[1] + 3.0, (3.0 * e[1] + 3.0) * np.exp(-1.0)])
    np.testing.assert_allclose(raw.values[1, :, 0], second, rtol=1e-8)
    np.testing.assert_allclose(raw.values[1, 2, 1], 3.0 + 3.0 - second[2] + 4.0, rtol=1e-8)


def test_overlapping_infusions():
    doses = [
        {"time": 1.0, "target": "A", "amount": 4.0, "duration": 2.0},
        {"time": 2.0, "target": "A", "amount": 6.0, "duration": 3.0},
    ]
    raw = run(DECAY, [0.0, 1.0, 2.0, 3.0, 5.0, 6.0], doses=doses)
    a, expected = 3.0, [3.0]
    for rate, length in ((0.0, 1.0), (1.0, 1.0), (2.0, 1.0), (1.0, 2.0), (0.0, 1.0)):
        a = rate / 0.5 + (a - rate / 0.5) * np.exp(-0.5 * length)
        expected.append(a)
    np.testing.assert_allclose(raw.values[0, :, 0], expected, rtol=1e-8)


def test_infusion_into_a_species_with_a_rate_rule_and_with_a_conversion_factor():
    text = "model m()\n compartment V = 2; species S in V; S = 1; S' = -0.5*S; end"
    doses = [{"time": 0.0, "target": "S", "amount": 4.0, "duration": 2.0}]
    raw = run(text, [2.0], doses=doses)
    np.testing.assert_allclose(raw.values[0, 0, 0], 2.0 + (1.0 - 2.0) * np.exp(-1.0), rtol=1e-8)


INITIAL = """
model initial()
  compartment V; V = 2 * v; v = 1.5;
  species A in V, C in V; substanceOnly species D in V;
  A = 3 * a; a = 2; C = 1; D = a + b; b = a * k;
  J: A => C; k * A * V; k = 0.1;
  x = b; x' = -k * x;
end
"""


@pytest.mark.parametrize(
    "changed",
    [{"a": 4.0}, {"v": 0.5, "k": 0.3}, {"V": 7.0}, {"A": 9.0, "b": 2.0}, {"D": 1.0, "C": 5.0, "x": 3.0}],
)
def test_start_values_follow_initial_assignments_as_in_an_edited_file(changed):
    outputs = ["A", "C", "D", "V", "b", "x"]
    raw = run(INITIAL, [0.0, 2.0], {k: [1.0, v] for k, v in changed.items()}, outputs=outputs)
    edited = INITIAL
    for name, value in changed.items():
        lines = [line for line in edited.split(";") if not line.strip().startswith(f"{name} =")]
        edited = ";".join([*lines[:-1], f"\n  {name} = {value}", lines[-1]])
    alone = run(edited, [0.0, 2.0], outputs=outputs)
    np.testing.assert_allclose(raw.values[1], alone.values[0], rtol=1e-9)


def test_local_parameters():
    text = "model m()\n species A; A = 1; J: A => ; k * A; k = 5; end"
    sbml = read_model(text).sbml.replace('<parameter id="k" value="5" constant="true"/>', "")
    sbml = sbml.replace("<listOfParameters>", "").replace("</listOfParameters>", "")
    local = '<listOfLocalParameters><localParameter id="k" value="5"/></listOfLocalParameters></kineticLaw>'
    raw = run(sbml.replace("</kineticLaw>", local), [1.0], {"J.k": [2.0, 3.0]})
    np.testing.assert_allclose(raw.values[:, 0, 0], np.exp([-2.0, -3.0]), rtol=1e-8)


EVENTS = """
model events()
  species D; D = 0; k = 0.1; J: D => ; k * D;
  n = 0; m = 0; late = 0; now = 0; wait = 3; x0 = 1; x = 1;
  E: at D >= 5: n = n + 1;
  F: at wait after D >= 5: late = late + 1;
  G: at time >= 2: m = m + D;
  H: at x > 4, t0=false: now = now + x;
  $B = 1; I: at time >= 3: B = B + 1;
end
"""


def test_a_dose_fires_events_and_comes_before_those_of_its_time():
    doses = [{"time": 2.0, "target": "D", "amount": 10.0}]
    raw = run(EVENTS, [1.0, 2.0, 4.9, 5.0], doses=doses, outputs=["D", "n", "m", "late"])
    np.testing.assert_allclose(raw.values[0, :, 1], [0, 1, 1, 1])
    np.testing.assert_allclose(raw.values[0, :, 2], [0, 10, 10, 10])
    np.testing.assert_allclose(raw.values[0, :, 3], [0, 0, 0, 1])


def test_patients_do_not_see_their_predecessors():
    """Boundary species, parameters set by events, and delayed events that were still waiting."""
    parameters = {"x": [1.0, 5.0, 1.0, 6.0], "D": [6.0, 0.0, 0.0, 7.0], "wait": [9.0, 3.0, 2.0, 1.0]}
    doses = [{"time": 4.0, "target": "D", "amount": 8.0}]
    outputs = ["D", "n", "m", "late", "now", "B"]
    raw = run(EVENTS, [0.0, 3.0, 8.0], parameters, doses, outputs)
    for p in range(4):
        one = {name: [column[p]] for name, column in parameters.items()}
        alone = run(EVENTS, [0.0, 3.0, 8.0], one, doses, outputs)
        np.testing.assert_array_equal(raw.values[p], alone.values[0])
    np.testing.assert_array_equal(raw.values[:, 0, 4], [0.0, 5.0, 0.0, 6.0])
    np.testing.assert_array_equal(raw.values[:, 2, 5], 2.0)


def test_a_narrow_window_is_not_jumped_over():
    text = "model m()\n S = 0; S' = 0.4; n = 0; E: at 0.1 after S > 0.18 && S < 0.19: n = S; end"
    raw = run(text, [0.5, 0.6, 10.0], outputs=["n"])
    np.testing.assert_allclose(raw.values[0, :, 0], [0.0, 0.18, 0.18], rtol=1e-6)


def test_a_parameter_called_time():
    raw = run(TIME, [0.0, 1.0, 2.0], outputs=["time", "y"])
    np.testing.assert_allclose(raw.values[0, :, 0], 3.0 * np.exp([0.0, -1.0, -2.0]), rtol=1e-8)
    np.testing.assert_allclose(raw.values[0, :, 1], [0.0, 1.0, 2.0], atol=1e-9)


_MATH = 'xmlns="http://www.w3.org/1998/Math/MathML"'
TIME = f"""<?xml version="1.0"?>
<sbml xmlns="http://www.sbml.org/sbml/level3/version2/core" level="3" version="2"><model id="m">
<listOfParameters><parameter id="time" value="3" constant="false"/>
<parameter id="y" value="0" constant="false"/></listOfParameters>
<listOfRules>
<rateRule variable="time"><math {_MATH}><apply><minus/><ci>time</ci></apply></math></rateRule>
<assignmentRule variable="y"><math {_MATH}><csymbol encoding="text"
 definitionURL="http://www.sbml.org/sbml/symbols/time">t</csymbol></math></assignmentRule>
</listOfRules></model></sbml>"""


def test_failures_are_statuses_and_silent(capfd):
    text = "model m()\n y = 1; y' = a*y*y + log(b); a = 0; b = 1; end"
    parameters = {"a": [0.0, 1.0, 0.0, 0.0], "b": [1.0, 1.0, -1.0, 2.0]}
    raw = run(text, [0.0, 2.0], parameters, outputs=["y"], max_steps=2000)
    assert raw.status[0] == raw.status[3] == Status.OK
    assert raw.status[1] in (Status.MAX_STEPS, Status.STEP_TOO_SMALL)
    assert raw.status[2] in (Status.STEP_TOO_SMALL, Status.NON_FINITE)
    assert np.isnan(raw.values[1:3]).all()
    np.testing.assert_allclose(raw.values[[0, 3], 1, 0], [1.0, 1.0 + 2.0 * np.log(2.0)], rtol=1e-8)
    assert capfd.readouterr() == ("", "")


def test_a_bad_start_value_is_a_status():
    text = "model m()\n x = log(a); a = 2; x' = -x; end"
    raw = run(text, [1.0], {"a": [2.0, -1.0]}, outputs=["x"])
    assert list(raw.status) == [Status.OK, Status.BAD_INITIAL]


def test_run_in():
    text = "model m()\n species A; A = 0; J: => A; 2; K: A => ; 0.5 * A; end"
    doses = [{"time": 1.0, "target": "A", "amount": 1.0}]
    raw = run(text, [0.0, 1.0], doses=doses, run_in=RunIn(1000.0))
    np.testing.assert_allclose(raw.values[0, :, 0], [4.0, 5.0], rtol=1e-5)
    assert run(text, [0.0], run_in=RunIn(0.5)).status[0] == Status.NOT_SETTLED
    with pytest.raises(UnsupportedModelError, match="events"):
        run(EVENTS, [0.0], run_in=RunIn(10.0))


@pytest.mark.parametrize("rate", [0.0, 5.0])
def test_steady_state_before_the_first_dose(rate):
    import pandas as pd

    columns = {"TIME": [0.0], "AMT": 10.0, "RATE": rate, "CMT": "A", "EVID": 1, "SS": 1, "II": 4.0}
    doses = pd.DataFrame(columns)
    text = "model m()\n species A; A = 0; K: A => ; 0.5 * A; end"
    raw = run(text, [0.0, 4.0], doses=doses)
    if rate == 0.0:
        peak = 10.0 / (1.0 - np.exp(-2.0))
        expected = [peak, peak * np.exp(-2.0)]
    else:
        trough = 10.0 * (1.0 - np.exp(-1.0)) * np.exp(-1.0) / (1.0 - np.exp(-2.0))
        expected = [trough, trough]
    np.testing.assert_allclose(raw.values[0, :, 0], expected, rtol=1e-7)


def test_identifiers_that_are_names_of_methods_leave_later_models_alone():
    for _ in range(2):
        raw = run("model m()\n reset = 2; simulate = 3; simulate' = -reset; end", [1.0], outputs=["simulate"])
        np.testing.assert_allclose(raw.values[0, 0, 0], 1.0)


PERIODIC = "model m()\n  n = 0; x = 0; x' = 0.1; c := {};\n  at ({}): n = n + 1;\nend"


@pytest.mark.parametrize(
    ("rule", "trigger", "function"),
    [
        ("1", "rem(time, 24) >= 8 && rem(time, 24) < 9", "rem"),
        ("rem(time, 24)", "c > 23.5", "rem"),
        ("1", "time - 24*floor(time/24) > 23.5", "floor"),
        ("1", "ceil(time/24) - time/24 > 0.95", "ceil"),
    ],
)
def test_triggers_periodic_in_time_are_refused(rule, trigger, function):
    with pytest.raises(UnsupportedModelError, match=rf"{function}\(\) of time"):
        run(PERIODIC.format(rule, trigger), [0.0, 100.0], outputs=["n"])


RESIZED = "model m()\n  compartment V = 2; {} A in V; A = 1;\n  at (time >= 1): {};\nend"


def test_an_event_that_sets_a_compartment_and_a_concentration_in_it_is_refused():
    for assignments in ("V = 4, A = 5", "A = 5, V = 4"):
        with pytest.raises(UnsupportedModelError, match="'A' and the size of its compartment 'V'"):
            run(RESIZED.format("species", assignments), [0.0, 2.0])
    concentration = run(RESIZED.format("species", "V = 4"), [0.0, 2.0])
    amount = run(RESIZED.format("substanceOnly species", "V = 4, A = 5"), [0.0, 2.0], amounts=("A",))
    np.testing.assert_allclose([concentration.values[0, 1, 0], amount.values[0, 1, 0]], [0.5, 5.0])


def test_a_delay_that_is_no_number_fails_the_patient():
    text = "model m()\n  x' = 1; x = 0; n = 0; d = 1; z = 0; at d/z after (x > 2): n = n + 1;\nend"
    raw = run(text, [0.0, 5.0], {"d": [1.0, 0.0, -1.0], "z": [0.5, 0.0, 2.0]}, outputs=["n"])
    assert raw.status.tolist() == [Status.OK, Status.NON_FINITE, Status.OK]
    np.testing.assert_array_equal(raw.values[[0, 2], 1, 0], [1, 1])
