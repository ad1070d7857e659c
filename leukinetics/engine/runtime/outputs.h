/* Writing observables: within accepted steps, and at the present time. */
static void store_outputs(const job_t *j, lanes_t *s, const int64_t *now, vd t, const vd *y) {
  const vd *o = s->out;
  if (j->observe) {
    j->observe(t, y, s->w.c, s->out);
  } else {
    for (int64_t k = 0; k < j->n_out; k++) s->out[k] = y[j->needed[k]];
  }
  for (int l = 0; l < LANES; l++) {
    if (!now[l]) continue;
    double *row = j->out + (s->patient[l] * j->n_times + s->time_index[l]) * j->n_out;
    for (int64_t k = 0; k < j->n_out; k++) row[k] = AT(o, k, l);
    s->time_index[l]++;
  }
}

/* The outputs that fall into the step just accepted, from the method's own interpolant. */
static void dense_outputs(const job_t *j, lanes_t *s, const int64_t *accepted) {
  int64_t now[LANES];
  int prepared = 0;
  for (;;) {
    int any = 0;
    vd tout = s->t;
    for (int l = 0; l < LANES; l++) {
      now[l] = 0;
      if (!accepted[l] || s->phase[l] == 0 || s->time_index[l] >= j->n_times) continue;
      const double next = j->times[s->time_index[l]];
      /* at a break or an event the value after it is reported, by outputs_now */
      if (next < s->t_new[l] || (next == s->t_new[l] && s->t_new[l] < s->brk[l] && accepted[l] < 3)) {
        now[l] = any = 1;
        tout[l] = next;
      }
    }
    if (!any) return;
    work *w = &s->w;
    if (!prepared) {
      for (int64_t k = 0; k < j->n_needed; k++) dense_coefficients(j->method, w, j->needed[k], s->dense, k);
      prepared = 1;
    }
    const vd theta = (tout - s->t) / s->h, rest = V(1.0) - theta;
    for (int64_t k = 0; k < j->n_needed; k++) {
      const int64_t i = j->needed[k];
      const vd inner = s->dense[0][k] + theta * (s->dense[1][k] + theta * s->dense[2][k]);
      w->yt[i] = rest * w->y[i] + theta * (w->yn[i] + rest * inner);
    }
    store_outputs(j, s, now, tout, w->yt);
  }
}

static void finish(const job_t *j, lanes_t *s, int l, int64_t status) {
  const int64_t p = s->patient[l];
  j->status[p] = status;
  j->steps[p] = s->steps[l];
  j->rejected[p] = s->rejected[l];
  if (status != OK) {
    double *row = j->out + p * j->n_times * j->n_out;
    for (int64_t k = 0; k < j->n_times * j->n_out; k++) row[k] = __builtin_nan("");
  }
  if (j->y_end)
    for (int64_t i = 0; i < NS; i++) j->y_end[p * NS + i] = status == OK ? AT(s->w.y, i, l) : __builtin_nan("");
  __atomic_fetch_add(j->done, 1, __ATOMIC_RELAXED);
  s->patient[l] = -1;
  s->t[l] = 0.0; /* an idle lane goes on with harmless numbers */
  s->h[l] = 0.0;
}

/* Report the values at the lanes' present times where an output is due, then retire finished patients. */
static void outputs_now(const job_t *j, lanes_t *s, const int64_t *check) {
  for (;;) {
    int64_t now[LANES];
    int any = 0;
    for (int l = 0; l < LANES; l++) {
      now[l] = check[l] && s->patient[l] >= 0 && s->phase[l] && s->time_index[l] < j->n_times &&
               j->times[s->time_index[l]] <= s->t[l];
      any |= now[l] != 0;
    }
    if (!any) break;
    store_outputs(j, s, now, s->t, s->w.y);
  }
  for (int l = 0; l < LANES; l++)
    if (check[l] && s->patient[l] >= 0 && s->phase[l] && s->time_index[l] >= j->n_times) finish(j, s, l, OK);
}
