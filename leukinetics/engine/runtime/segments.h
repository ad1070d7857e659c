/* A segment runs from one dose, event or jump of the equations to the next. */
#if NE > 0
/* The states at theta of the step, as a change from the nearer end: they must not leave an end before they move. */
static void interpolate_all(lanes_t *s, vd theta) {
  work *w = &s->w;
  const vd rest = V(1.0) - theta;
  const vm early = (vm)(theta < V(0.5));
  for (int64_t i = 0; i < NS; i++) {
    const vd inner = s->dense[0][i] + theta * (s->dense[1][i] + theta * s->dense[2][i]), gap = w->yn[i] - w->y[i];
    w->yt[i] = SEL(early, w->y[i] + theta * (gap + rest * inner), w->yn[i] - rest * (gap - theta * inner));
  }
}

static vm triggers_changed(lanes_t *s, vd t, const vd *y) {
  vm changed = VM(0);
  triggers(t, y, s->w.c, s->events.g);
  for (int64_t e = 0; e < NE + NR; e++) changed |= (vm)(s->events.g[e] != s->events.truth[e]);
  return changed;
}

/* Where in the step just accepted a comparison inside a trigger first changes: bisection on the interpolant.
 * Looking at comparisons rather than whole triggers finds a trigger that is true only in mid-step. Accepted
 * lanes in which one changes become 3, and their step ends there: exactly where the change was seen, else nothing
 * would fire. The search starts at the least theta that moves time, so that events that crowd together let it go on. */
static NOINLINE void locate_events(const job_t *j, lanes_t *s, int64_t *accepted) {
  work *w = &s->w;
  const vm at_end = triggers_changed(s, s->t_new, w->yn);
  int any = 0;
  for (int l = 0; l < LANES; l++) {
    s->events.hit[l] = accepted[l] && s->phase[l] && at_end[l];
    any |= s->events.hit[l] != 0;
  }
  if (!any) return;
  for (int64_t i = 0; i < NS; i++) dense_coefficients(j->method, w, i, s->dense, i);
  vm hit;
  for (int l = 0; l < LANES; l++) hit[l] = s->events.hit[l] ? -1 : 0;
  const vd least = vmin(V(4 * EPS) * vabs(s->t) / s->h, V(1.0));
  vd low = least, high = V(1.0);
  for (int k = 0; k < 60; k++) {
    if (k == 1) hit &= (vm)(low == least); /* the others are done: at the very end */
    if (k && !any_lane(hit)) break;
    /* a change at the very end is common */
    const vd middle = k ? V(0.5) * (low + high) : vmax(least, V(1.0 - 1e-13));
    interpolate_all(s, middle);
    const vm changed = triggers_changed(s, s->t + middle * s->h, w->yt);
    low = SEL(hit & ~changed, middle, low);
    high = SEL(hit & changed, middle, high);
  }
  s->events.theta = high;
  const vd t_cut = s->t + high * s->h;
  for (int l = 0; l < LANES; l++) {
    if (!s->events.hit[l]) continue;
    accepted[l] = 3;
    if (high[l] < 1.0) {
      s->t_new[l] = t_cut[l];
      s->clip[l] = 0;
    }
  }
}

/* The states at the located events become the end of the step. */
static void cut_steps(const job_t *j, lanes_t *s, const int64_t *accepted) {
  work *w = &s->w;
  int any = 0;
  vm cut;
  for (int l = 0; l < LANES; l++) {
    cut[l] = accepted[l] == 3 && s->events.theta[l] < 1.0 ? -1 : 0;
    any |= cut[l] != 0;
  }
  if (!any) return;
  for (int64_t i = 0; i < NS; i++) dense_coefficients(j->method, w, i, s->dense, i);
  interpolate_all(s, s->events.theta);
  for (int64_t i = 0; i < NS; i++) w->yn[i] = SEL(cut, w->yt[i], w->yn[i]);
}
#endif

/* At lane l's present time: doses due. Returns whether there were any. */
static int give_doses(const job_t *j, lanes_t *s, int l) {
  work *w = &s->w;
  int given = 0;
  while (s->dose[l] < s->dose_end[l] && j->dose_time[s->dose[l]] <= s->t[l]) {
    const int64_t d = s->dose[l]++, k = j->dose_target[d], f = j->target_factor[k];
    const double value = j->dose_value[d] * (f >= 0 ? AT(w->c, f, l) : 1.0);
    if (j->dose_kind[d]) AT(w->infusion, k, l) = value;
    else AT(w->y, j->target_state[k], l) += value;
    given = 1;
  }
  return given;
}

/* The next time that lane l must hit exactly. Returns whether the equations may jump at the present time. */
static int next_break(const job_t *j, lanes_t *s, int l) {
  const double t = s->t[l];
  double brk = j->times[j->n_times - 1];
  int jump = t == 0.0;
  if (s->dose[l] < s->dose_end[l] && j->dose_time[s->dose[l]] < brk) brk = j->dose_time[s->dose[l]];
  for (int64_t k = 0; k < N_BREAK; k++) {
    const double b = AT(s->w.c, FIRST_BREAK + k, l);
    if (b == t) jump = 1;
    if (b > t && b < brk) brk = b;
  }
  for (int64_t k = 0; k < N_PERIODIC; k++) {
    const double offset = AT(s->w.c, FIRST_PERIODIC + 2 * k, l), period = AT(s->w.c, FIRST_PERIODIC + 2 * k + 1, l);
    const double n = (t - offset) / period;
    /* a period that no step could resolve is left to error control */
    if (!(period > 1e-7 * j->times[j->n_times - 1]) || !FINITE(offset) || !(n < 1e15 && n > -1e15)) continue;
    double b = offset + ((double)(int64_t)n - 1) * period;
    for (int64_t m = -1; m < 3 && b <= t; m++) {
      if (b == t) jump = 1;
      b = offset + ((double)(int64_t)n + m + 1) * period;
    }
    if (b > t && b < brk) brk = b;
  }
#if NE > 0
  brk = events_due(&s->events, l, brk);
#endif
  s->brk[l] = brk;
  /* a few roundings clear of the jump, which the equations compute in their own way */
  AT(&s->w.t_low, 0, l) = next_up(t * (1 + 4 * EPS));
  AT(&s->w.t_high, 0, l) = next_down(brk * (1 - 4 * EPS));
  return jump;
}

/* All that is due at the present time of the marked lanes: doses, then events; then the next segment. */
static void start_segments(const job_t *j, lanes_t *s, const int64_t *now) {
  int64_t jump[LANES];
  for (int l = 0; l < LANES; l++) jump[l] = now[l] && s->patient[l] >= 0 && give_doses(j, s, l);
#if NE > 0
  int64_t failed[LANES], busy[LANES];
  for (int l = 0; l < LANES; l++) busy[l] = now[l] && s->patient[l] >= 0 && s->phase[l];
  events_process(&s->events, &s->w, s->t, busy, failed);
  for (int l = 0; l < LANES; l++) {
    jump[l] |= busy[l];
    if (failed[l]) finish(j, s, l, failed[l]);
  }
#endif
  for (int l = 0; l < LANES; l++)
    if (now[l] && s->patient[l] >= 0) s->restart[l] = next_break(j, s, l) || jump[l];
}
