"""Numbers of expressions, without compiling them: for start values of many patients and for cross-checks.

Every value is a float64 array with one entry per patient (or a scalar); truth values are boolean arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import gamma

from leukinetics.engine.expr import Expr, Graph

_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "exp": np.exp, "log": np.log, "sqrt": np.sqrt, "sin": np.sin, "cos": np.cos, "tan": np.tan,
    "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "sinh": np.sinh, "cosh": np.cosh,
    "tanh": np.tanh, "asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh, "abs": np.abs,
    "floor": np.floor, "ceil": np.ceil, "gamma": gamma,
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "pow": np.power,
    "min": np.minimum, "max": np.maximum, "rem": np.fmod, "neg": np.negative,
    "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal, "eq": np.equal,
    "ne": np.not_equal, "and": np.logical_and, "or": np.logical_or, "xor": np.logical_xor,
    "not": np.logical_not, "isnan": np.isnan, "select": np.where,
    "dpow": lambda a, b, power: np.where(a == 0, np.where(b == 1, 1.0, 0.0), b * power / a),
}  # fmt: skip


def evaluate(
    graph: Graph,
    roots: Sequence[Expr],
    inputs: Mapping[str, Any],
    symbols: Mapping[str, Any] | None = None,
    time: float = 0.0,
) -> list[Any]:
    """Values of ``roots``, given numbers or arrays for the ``input`` and ``sym`` leaves and for time.

    What is undefined (0/0, log(-1)) is NaN, as in the compiled code. Raises KeyError for a leaf that is
    not given.
    """
    leaves: dict[str, Mapping[str, Any]] = {"input": inputs, "sym": symbols or {}}
    values: dict[Expr, Any] = {}
    with np.errstate(all="ignore"):
        for e in graph.reachable(roots):
            op, value = graph.ops[e], graph.values[e]
            if op in leaves:
                values[e] = np.asarray(leaves[op][str(value)], dtype=np.float64)
            elif op == "const":
                values[e] = np.float64(value)
            elif op == "time":
                values[e] = np.float64(time)
            elif op in ("true", "false"):
                values[e] = np.bool_(op == "true")
            else:
                values[e] = _FUNCTIONS[op](*(values[a] for a in graph.args[e]))
    return [values[r] for r in roots]
