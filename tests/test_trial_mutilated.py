"""Whatever is done to a protocol: it is one, or a ProtocolError says why not."""

from __future__ import annotations

import copy
import tomllib
from pathlib import Path
from typing import Any

from fake_assembly import fake_assembly
from hypothesis import given, settings
from hypothesis import strategies as st
from test_trial_problems import RULE

from leukinetics import ProtocolError, trial

CANTOS = (Path(__file__).parents[1] / "examples" / "cantos.toml").read_text()
RICH = tomllib.loads(CANTOS.replace("canakinumab", "mab").replace("il6", "tnf").replace("post_mi", "inflamed"))
RICH["rule"] = [{**RULE, "drugs": ["mab"]}]
RICH["population"] = {
    "weight": {"mean": 92, "sd": 15, "unit": "kg"},
    "match": [{"observable": "crp", "median": 4, "unit": "mg/L"}],
}
ODD = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["12 weeks", "-1 d", "1e308 years", "nan mg", "x" * 5000, "ß µg", "\x00", "> 1 mg/L", ">", "0"])
    | st.lists(st.integers() | st.text(max_size=3), max_size=3)
    | st.dictionaries(st.text(max_size=4), st.integers() | st.text(max_size=3), max_size=2)
)  # fmt: skip


def places(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [found for key, value in inner for found in [(*path, key), *places(value, (*path, key))]]


PLACES = places(RICH)


def test_the_protocol_that_is_mutilated_is_whole() -> None:
    assert trial.prepare(RICH, assembly=fake_assembly(), patients=2).n == 2


@given(
    st.lists(
        st.tuples(st.sampled_from(PLACES), st.sampled_from("drxt"), ODD, st.text(max_size=5)), min_size=1, max_size=4
    )
)
@settings(deadline=None, max_examples=300)
def test_a_mutilated_protocol_is_a_protocol_or_a_protocol_error(changes: list[tuple[Any, ...]]) -> None:
    """Keys deleted (d), renamed (x), values replaced by odd ones (r), tables by lists and the other way round (t)."""
    data = copy.deepcopy(RICH)
    for path, how, odd, name in changes:
        holder = data
        for step in path[:-1]:
            try:
                holder = holder[step]
            except (KeyError, IndexError, TypeError):
                break
        last = path[-1]
        inside = range(len(holder)) if isinstance(holder, list) else holder
        if not isinstance(holder, (dict, list)) or last not in inside:
            continue
        if how == "d":
            del holder[last]
        elif how == "x" and isinstance(holder, dict):
            holder[f"{last}{name}"] = holder.pop(last)
        elif how == "t":
            holder[last] = [holder[last]] if isinstance(holder[last], dict) else {"x": holder[last]}
        else:
            holder[last] = odd
    try:
        ready = trial.prepare(data, assembly=fake_assembly(), patients=2)
    except ProtocolError as error:
        assert str(error).strip()
        assert "Traceback" not in str(error)
    else:
        assert ready.n == 2
