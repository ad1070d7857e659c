"""C for the iteration matrix: fill W = I/(h gamma) - J, factorise in place, solve.

States are numbered in elimination order, so W is stored row by row: L (unit diagonal, not stored), the
reciprocal of the pivot, U. Both functions are straight-line code up to :data:`STRAIGHT_LINE` operations; beyond, where
compiling would take minutes, they are loops over tables.
"""

from __future__ import annotations

from leukinetics.engine.codegen.emit import CHUNK
from leukinetics.engine.elimination import Elimination

#: Most operations of a factorisation, or stored entries, that are written out.
STRAIGHT_LINE = 10_000


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
    if sum(len(plan.upper[k]) + 1 for row in plan.lower for k in row) > STRAIGHT_LINE:
        return _factor_loops(storage)
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
    if len(storage) > STRAIGHT_LINE:
        return _solve_loops(storage)
    n = len(plan.order)
    rows: list[tuple[int, str]] = []
    for i in range(n):
        if plan.lower[i]:
            rows.append(_row(i, [(index[i, j], j) for j in plan.lower[i]], None))
    for i in reversed(range(n)):
        rows.append(_row(i, [(index[i, j], j) for j in reversed(plan.upper[i])], index[i, i]))
    return _split("solve", "const vd *RESTRICT W, vd *RESTRICT b", "W, b", rows)


def _factor_loops(storage: Storage) -> str:
    """The same elimination as loops: per entry of L its place, its pivot, and the places that it changes."""
    plan, index = storage.plan, storage.index
    rows, entries, targets = [0], [], []
    for i in range(len(plan.order)):
        for k in plan.lower[i]:
            entries += [index[i, k], index[k, k], len(plan.upper[k])]
            targets += [index[i, j] for j in plan.upper[k]]  # U of row k lies behind its pivot
        rows.append(len(entries) // 3)
    pivots = [index[i, i] for i in range(len(plan.order))]
    return (
        _table("lu_rows", rows)
        + _table("lu_entries", entries)
        + _table("lu_targets", targets)
        + _table("lu_pivots", pivots)
        + """static NOINLINE void lu(vd *RESTRICT W) {
  const int32_t *target = lu_targets;
  for (int64_t i = 0; i < NS; i++) {
    for (int64_t e = lu_rows[i]; e < lu_rows[i + 1]; e++) {
      const int32_t *entry = lu_entries + 3 * e;
      const vd *pivot = W + entry[1];
      const vd factor = W[entry[0]] * pivot[0];
      W[entry[0]] = factor;
      for (int64_t k = 0; k < entry[2]; k++) W[target[k]] -= factor * pivot[1 + k];
      target += entry[2];
    }
    W[lu_pivots[i]] = V(1.0) / W[lu_pivots[i]];
  }
}
"""
    )


def _solve_loops(storage: Storage) -> str:
    """The same substitutions as loops over the stored rows."""
    plan = storage.plan
    starts, columns, pivots = [0], [], []
    for i in range(len(plan.order)):
        pivots.append(storage.index[i, i])
        columns += [*plan.lower[i], i, *plan.upper[i]]
        starts.append(len(columns))
    return (
        _table("row_starts", starts)
        + _table("row_columns", columns)
        + _table("row_pivots", pivots)
        + """static NOINLINE void solve(const vd *RESTRICT W, vd *RESTRICT b) {
  for (int64_t i = 0; i < NS; i++) {
    vd sum = b[i];
    for (int64_t k = row_starts[i]; k < row_pivots[i]; k++) sum -= W[k] * b[row_columns[k]];
    b[i] = sum;
  }
  for (int64_t i = NS - 1; i >= 0; i--) {
    vd sum = b[i];
    for (int64_t k = row_starts[i + 1] - 1; k > row_pivots[i]; k--) sum -= W[k] * b[row_columns[k]];
    b[i] = sum * W[row_pivots[i]];
  }
}
"""
    )


def _table(name: str, numbers: list[int]) -> str:
    return f"static const int32_t {name}[] = {{{', '.join(map(str, numbers)) or '0'}}};\n"


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
