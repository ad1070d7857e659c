/* The integration loop: LANES patients at a time, each with its own time and step size.
 *
 * A lane that finishes its patient takes the next one from a counter that all threads share. Bookkeeping is
 * lane by lane; everything that costs is done for all lanes at once and masked. What a lane computes never
 * depends on the other lanes, so results are bitwise the same in any company.
 */
/* Whether lane l's step changed nothing worth mentioning: the model has settled. */
static int settled(const job_t *j, const lanes_t *s, int l) {
  const double scale = j->run_in_window / s->h[l];
  for (int64_t i = 0; i < NS; i++) {
    const double a = AT(s->w.y, i, l), b = AT(s->w.yn, i, l);
    const double change = (b > a ? b - a : a - b) * scale, size = b > 0 ? b : -b;
    if (!(change <= j->run_in_tolerance * size + j->atol[i])) return 0;
  }
  return 1;
}

__attribute__((visibility("default"))) int64_t lk_run(const job_t *j, void *memory) {
  lanes_t *s = memory;
  work *w = &s->w;
  s->out = (vd *)(s + 1);
  for (int64_t i = 0; i < NU; i++) s->u[i] = V(j->base[i]);
  for (int64_t i = 0; i < NS; i++) w->y[i] = V(0.0);
  for (int64_t i = 0; i < NC; i++) w->c[i] = V(1.0);
  for (int64_t k = 0; k < MAX_TARGETS; k++) w->infusion[k] = V(0.0);
  w->n_targets = j->n_targets;
  w->target_state = j->target_state;
  w->t_low = w->t_high = w->moving = s->t = s->h = V(0.0);
  s->next_out = V(__builtin_inf());
  s->err_old = V(1e-4);
  for (int l = 0; l < LANES; l++) s->patient[l] = -1, s->restart[l] = 0, s->brk[l] = 0, s->phase[l] = 1;

  int64_t all[LANES], accepted[LANES];
  for (int l = 0; l < LANES; l++) all[l] = 1;
  for (;;) {
    int busy = 0, idle = 0;
    for (int l = 0; l < LANES; l++) idle += s->patient[l] < 0;
    if (idle) {
      do {
        busy = refill(j, s);
        outputs_now(j, s, all);
        idle = 0;
        for (int l = 0; l < LANES; l++) idle += s->patient[l] < 0;
      } while (idle && __atomic_load_n(j->next, __ATOMIC_RELAXED) < j->n_patients);
      if (idle == LANES) return 0;
    }
    if (__atomic_load_n(j->stop, __ATOMIC_RELAXED)) {
      for (int l = 0; l < LANES; l++)
        if (s->patient[l] >= 0) finish(j, s, l, INTERRUPTED);
      return 1;
    }

    int restart = 0;
    for (int l = 0; l < LANES; l++) restart |= s->patient[l] >= 0 && s->restart[l];
    if (restart) {
      const vd h = first_step(j, s);
      for (int l = 0; l < LANES; l++)
        if (s->restart[l]) s->h[l] = h[l], s->err_old[l] = 1e-4, s->restart[l] = 0;
    }
    vd h_free = s->h; /* what error control asked for, before the break shortens it */
    for (int l = 0; l < LANES; l++) {
      const double left = s->brk[l] - s->t[l];
      s->clip[l] = 0;
      if (s->patient[l] < 0) {
        s->h[l] = 1.0;
      } else if (s->h[l] >= left * (1 - 1e-10)) {
        s->h[l] = left;
        s->clip[l] = 1;
      } else if (s->h[l] > 0.5 * left) {
        s->h[l] = 0.5 * left;
      }
      s->t_new[l] = s->clip[l] ? s->brk[l] : s->t[l] + s->h[l];
    }

    s->err = step(j, w, s->t, s->h);

    /* h_new = h / clip(err^(1/q) / safety): Gustafsson's predictive controller after an accepted step */
    const vd e = vmax(s->err, V(1e-10));
    const vd log_e = vlog(e);
    const vd plain = vexp(log_e * V(1.0 / CONTROL_ORDER)) * V(1.0 / 0.9);
    const vd damped = plain * vexp((log_e - vlog(s->err_old)) * V(PREDICT));
    const vd factor_ok = vmax(V(1.0 / GROW), vmin(V(5.0), vmax(plain, damped)));
    const vd factor_no = vmin(V(10.0), vmax(V(1.25), plain));
    int crossed = 0, any = 0;
    for (int l = 0; l < LANES; l++) {
      accepted[l] = 0;
      if (s->patient[l] < 0) continue;
      s->steps[l]++;
      if (s->err[l] <= 1.0) {
        accepted[l] = any = 1;
        s->bad[l] = 0;
      } else {
        s->rejected[l]++;
        s->bad[l] = !FINITE(s->err[l]);
        s->h[l] = s->bad[l] ? 0.2 * s->h[l] : s->h[l] / factor_no[l];
      }
    }
    if (any) {
#if NE > 0
      locate_events(j, s, accepted);
#endif
      dense_outputs(j, s, accepted);
#if NE > 0
      cut_steps(j, s, accepted);
#endif
      for (int l = 0; l < LANES; l++) {
        if (!accepted[l]) continue;
        if (s->phase[l] == 0 && settled(j, s, l)) accepted[l] = 2;
      }
      vm take;
      for (int l = 0; l < LANES; l++) take[l] = accepted[l] ? -1 : 0;
      for (int64_t i = 0; i < NS; i++) w->y[i] = SEL(take, w->yn[i], w->y[i]);
    }
    int64_t check[LANES];
    for (int l = 0; l < LANES; l++) {
      check[l] = 0;
      if (s->patient[l] < 0) continue;
      if (accepted[l]) {
        s->t[l] = s->t_new[l];
        const double h = s->h[l] / factor_ok[l];
        s->h[l] = s->clip[l] && h < h_free[l] ? h_free[l] : h;
        s->err_old[l] = e[l] > 1e-4 ? e[l] : 1e-4;
        if (s->phase[l] == 0) {
          if (accepted[l] == 2) {
            s->phase[l] = 1;
            s->t[l] = 0.0;
            s->next_out[l] = j->times[0];
            w->moving[l] = 1.0;
            check[l] = crossed = 1;
          } else if (s->clip[l]) {
            finish(j, s, l, NOT_SETTLED);
            continue;
          }
        } else if (s->clip[l] || accepted[l] == 3) {
          check[l] = crossed = 1;
        }
      }
      if (!accepted[l] && s->h[l] < 4 * EPS * (s->t[l] > 0 ? s->t[l] : 0) + 1e-300)
        finish(j, s, l, s->bad[l] ? NON_FINITE : STEP_TOO_SMALL);
    }
    if (crossed) {
      start_segments(j, s, check);
      outputs_now(j, s, check);
    }
    for (int l = 0; l < LANES; l++)
      if (s->patient[l] >= 0 && s->steps[l] >= j->max_steps) finish(j, s, l, MAX_STEPS);
  }
}
