"""C for one Rosenbrock step: the stage loops, unrolled from the tableau."""

from __future__ import annotations

from leukinetics.engine.tableau import Tableau


def _sum(coefficients: tuple[float, ...], factor: str = "") -> str:
    terms = [f"V({c!r}) * u{j + 1}" for j, c in enumerate(coefficients) if c != 0.0]
    total = " + ".join(terms)
    return f"{factor} * ({total})" if factor and terms else total


def _loads(*rows: tuple[float, ...]) -> str:
    used = sorted({j for row in rows for j, c in enumerate(row) if c != 0.0})
    return "".join(f" const vd u{j + 1} = w->U[{j}][i];" for j in used)


#: Largest value of x^(n-1) (1 - x) on [0, 1], the shape of the highest term of an interpolant of degree n.
_PEAK = {3: 4 / 27, 4: 27 / 256}


def step_function(method: Tableau, autonomous: bool) -> str:
    """``static vd step_NAME(job, work, t, h)``: leaves the new states in ``w->yn``, returns the error norm.

    The norm is the larger of two. At the end of the step: that of the embedded solution. Between the ends: a
    stiff state that follows a slow one, or time, is right at the end of almost any step, so the embedded error
    says nothing about the interpolant. With q the size of the interpolant's highest term (degree n) relative to
    the states, the next term, which it lacks, is taken to be q^((n+1)/n).
    """
    lines = [
        f"static NOINLINE vd step_{method.name}(const job_t *j, work *RESTRICT w, vd t, vd h) {{",
        "  const vd ih = V(1.0) / h;",
        f"  factorise(clamp_time(w, t), w->y, w->c, ih * V({1.0 / method.gamma!r}), w->W, w->ft);",
    ]
    for s in range(method.stages):
        a = method.a[s] if s < len(method.a) else None
        c = method.c[s]
        d = method.d[s] if s < len(method.d) else 0.0
        explicit_time = "" if autonomous or d == 0.0 else "hd * w->ft[i]"
        right = " + ".join(x for x in (_sum(c, "ih"), explicit_time) if x) or "V(0.0)"
        if explicit_time:
            lines.append(f"  {{ const vd hd = h * w->moving * V({d!r});")
        else:
            lines.append("  {")
        lines.append("  for (int64_t i = 0; i < NS; i++) {")
        if s == 0:
            lines.append(f"    w->U[0][i] = {right};")
        elif a is not None:
            lines.append(f"   {_loads(a, c)}")
            lines.append(f"    w->yt[i] = w->y[i] + ({_sum(a)});")
            lines.append(f"    w->U[{s}][i] = {right};")
        else:  # the row before plus the stage just found
            lines.append(f"   {_loads(c)}")
            lines.append(f"    w->yt[i] += w->U[{s - 1}][i];")
            lines.append(f"    w->U[{s}][i] = {right};")
        lines.append("  } }")
        where = "w->y" if s == 0 else "w->yt"
        alpha = method.alpha[s]
        time = "t" if alpha == 0.0 else "t + h" if alpha == 1.0 else f"t + h * V({alpha!r})"
        lines.append(f"  rhs(clamp_time(w, {time}), {where}, w->c, w->U[{s}]);")
        lines.append(f"  infuse(w, w->U[{s}]);")
        lines.append(f"  solve(w->W, w->U[{s}]);")
    last = method.stages - 1
    highest = max(k for k, row in enumerate(method.dense) if row)
    degree = highest + 2
    lines += [
        "  vd sum = V(0.0), bend = V(0.0);",
        "  for (int64_t i = 0; i < NS; i++) {",
        f"   {_loads(method.dense[highest], (0.0,) * last + (1.0,))}",
        f"    const vd e = u{last + 1}, y = w->y[i], n = w->yt[i] + e;",
        "    const vd scale = V(1.0) / (V(j->atol[i]) + V(j->rtol) * vmax(vabs(y), vabs(n)));",
        f"    const vd r = e * scale, q = ({_sum(method.dense[highest])}) * scale;",
        "    w->yn[i] = n;",
        "    sum += r * r;",
        "    bend += q * q;",
        "  }",
        "  const vd error = vsqrt(sum * V(1.0 / NS));",
        f"  const vd highest = vsqrt(bend * V(1.0 / NS)) * (V({_PEAK[degree]!r}) * V(j->rtol));",
        f"  const vd between = vexp(V({(degree + 1) / degree!r}) * vlog(vmax(highest, V(1e-30)))) / V(j->rtol);",
        "  return SEL((vm)(between > error), between, error); /* an error that is no number stays one */",
        "}",
    ]
    return "\n".join(lines) + "\n"


def dense_function(method: Tableau) -> str:
    """``static void dense_NAME(work, i, dense, k)``: interpolation coefficients of state ``i`` in column ``k``."""
    lines = [
        f"static INLINE void dense_{method.name}(const work *w, int64_t i, vd (*dense)[NS], int64_t k) {{",
        f" {_loads(*method.dense)}",
    ]
    for r, row in enumerate(method.dense):
        lines.append(f"  dense[{r}][k] = {_sum(row) or 'V(0.0)'};")
    lines.append("}")
    return "\n".join(lines).replace("static INLINE", "INLINE") + "\n"
