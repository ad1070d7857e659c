"""C for the iteration matrix: fill W = I/(h gamma) - J, factorise in place, solve.

States are numbered in elimination order, so W is stored row by row: L (unit diagonal, not stored), the
reciprocal of the pivot, U.
"""

from __future__ import annotations

from leukinetics.engine.codegen.emit import CHUNK
from leukinetics.engine.elimination import Elimination


class Storage:
    """Index of every stored entry of W by (row, column)."""

    def __init__(self, plan: Elimination) -> None:
        self.plan = plan
        self.index: dict[tuple[int, int], int] = {}
        for i in range(len(plan.order)):
            for j in (*plan.lower[i], i, *plan.upper[i]):
                self.index[i, j] = len(self.index)

    def __len__(self) -> int:
        return len(self.index)


def factor_function(storage: Storage) -> str:
    """``static void lu(vd *W)``: row-wise Gaussian elimination without pivoting."""
    plan, index = storage.plan, storage.index
    rows: list[tuple[int, str]] = []
    for i in range(len(plan.order)):
        columns = (*plan.lower[i], i, *plan.upper[i])
        lines = ["  {\n"]
        if plan.lower[i]:
            lines += [f"    vd r{j} = W[{index[i, j]}];\n" for j in columns]
            for k in plan.lower[i]:
                lines.append(f"    r{k} = r{k} * W[{index[k, k]}];\n")
                lines += [f"    r{j} = r{j} - r{k} * W[{index[k, j]}];\n" for j in plan.upper[k]]
            lines += [f"    W[{index[i, j]}] = r{j};\n" for j in columns if j != i]
            lines.append(f"    W[{index[i, i]}] = V(1.0) / r{i};\n")
        else:
            lines.append(f"    W[{index[i, i]}] = V(1.0) / W[{index[i, i]}];\n")
        lines.append("  }\n")
        rows.append((len(lines), "".join(lines)))
    return _split("lu", "vd *RESTRICT W", "W", rows)


def solve_function(storage: Storage) -> str:
    """``static void solve(const vd *W, vd *b)``: forward and backward substitution in place."""
    plan, index = storage.plan, storage.index
    n = len(plan.order)
    rows: list[tuple[int, str]] = []
    for i in range(n):
        if plan.lower[i]:
            rows.append(_row(i, [(index[i, j], j) for j in plan.lower[i]], None))
    for i in reversed(range(n)):
        rows.append(_row(i, [(index[i, j], j) for j in reversed(plan.upper[i])], index[i, i]))
    return _split("solve", "const vd *RESTRICT W, vd *RESTRICT b", "W, b", rows)


def _row(i: int, entries: list[tuple[int, int]], pivot: int | None) -> tuple[int, str]:
    """``b_i = (b_i - sum W b) [* pivot]``, summed in up to four independent chains."""
    ways = min(4, (len(entries) + 2) // 3) or 1
    chains = [f"b[{i}]"] + ["" for _ in range(ways - 1)]
    for m, (k, j) in enumerate(entries):
        w = m % ways
        term = f"W[{k}] * b[{j}]"
        if w == 0:
            chains[0] += f" - {term}"
        else:
            chains[w] = f"{chains[w]} + {term}" if chains[w] else term
    total = chains[0] + "".join(f" - ({c})" for c in chains[1:] if c)
    value = total if pivot is None else f"({total}) * W[{pivot}]"
    return len(entries) + 1, f"  b[{i}] = {value};\n"


def _split(name: str, parameters: str, arguments: str, rows: list[tuple[int, str]]) -> str:
    """One function, or several called in turn where it would be long."""
    chunks: list[list[str]] = [[]]
    size = 0
    for weight, text in rows:
        if size + weight > 2 * CHUNK and chunks[-1]:
            chunks.append([])
            size = 0
        chunks[-1].append(text)
        size += weight
    if len(chunks) == 1:
        return f"static NOINLINE void {name}({parameters}) {{\n{''.join(chunks[0])}}}\n"
    parts = [f"static NOINLINE void {name}_{k}({parameters}) {{\n{''.join(body)}}}\n" for k, body in enumerate(chunks)]
    calls = "".join(f"  {name}_{k}({arguments});\n" for k in range(len(chunks)))
    return "".join(parts) + f"static NOINLINE void {name}({parameters}) {{\n{calls}}}\n"
