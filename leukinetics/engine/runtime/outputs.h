/* Writing observables: within accepted steps, and at the present time. */

/* Write s->out for the lanes in `now` and move them on to their next output time. A lane that is not meant
 * writes into a place that nobody reads: cheaper than a branch. */
static void store_outputs(const job_t *j, lanes_t *s, vm now) {
  const vd *o = s->out;
  double *nowhere = (double *)(o + j->n_out), *row[LANES];
  vd following = s->next_out;
  for (int l = 0; l < LANES; l++) {
    const int64_t one = now[l] & 1, i = s->time_index[l];
    row[l] = one ? j->out + (s->patient[l] * j->n_times + i) * j->n_out : nowhere;
    s->time_index[l] = i + one;
    following[l] = one ? j->times[i + 1] : following[l];
  }
  s->next_out = following;
  int64_t k = 0;
  for (; k + LANES <= j->n_out; k += LANES) {
    vd block[LANES];
    transpose(o + k, block);
    for (int l = 0; l < LANES; l++) *(vd_anywhere *)(row[l] + k) = block[l];
  }
  for (; k < j->n_out; k++)
    for (int l = 0; l < LANES; l++) row[l][k] = AT(o, k, l);
}

/* The outputs that fall into the step just accepted, from the method's own interpolant. At a break or an event
 * the value after it is reported, by outputs_now. */
static void dense_outputs(const job_t *j, lanes_t *s, const int64_t *accepted) {
  work *w = &s->w;
  vd until;
  for (int l = 0; l < LANES; l++) {
    const int open = s->t_new[l] < s->brk[l] && accepted[l] < 3;
    until[l] = !accepted[l] ? -1.0 : open ? s->t_new[l] : next_down(s->t_new[l]);
  }
  vm now = (vm)(s->next_out <= until);
  if (!any_lane(now)) return;
  for (int64_t k = 0; k < j->n_needed; k++) dense_coefficients(j->method, w, j->needed[k], s->dense, k);
  do {
    const vd tout = SEL(now, s->next_out, s->t);
    const vd theta = (tout - s->t) / s->h, rest = V(1.0) - theta;
    for (int64_t k = 0; k < j->n_needed; k++) {
      const int64_t i = j->needed[k];
      const vd inner = s->dense[0][k] + theta * (s->dense[1][k] + theta * s->dense[2][k]);
      const vd y = rest * w->y[i] + theta * (w->yn[i] + rest * inner);
      if (j->observe) w->yt[i] = y;
      else s->out[k] = y;
    }
    if (j->observe) j->observe(tout, w->yt, w->c, s->out);
    store_outputs(j, s, now);
    now = (vm)(s->next_out <= until);
  } while (any_lane(now));
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
  s->next_out[l] = __builtin_inf();
  s->t[l] = 0.0; /* an idle lane goes on with harmless numbers */
  s->h[l] = 0.0;
}

/* Whether lane l's states are numbers: a last dose or event is followed by no step that would notice. */
static int finite(const work *w, int l) {
  for (int64_t i = 0; i < NS; i++)
    if (!FINITE(AT(w->y, i, l))) return 0;
  return 1;
}

/* Report the values at the lanes' present times where an output is due, then retire finished patients. */
static void outputs_now(const job_t *j, lanes_t *s, const int64_t *check) {
  work *w = &s->w;
  vm checked;
  for (int l = 0; l < LANES; l++) checked[l] = check[l] && s->patient[l] >= 0 ? -1 : 0;
  for (;;) {
    const vm now = checked & (vm)(s->next_out <= s->t);
    if (!any_lane(now)) break;
    if (j->observe) j->observe(s->t, w->y, w->c, s->out);
    else
      for (int64_t k = 0; k < j->n_out; k++) s->out[k] = w->y[j->needed[k]];
    store_outputs(j, s, now);
  }
  for (int l = 0; l < LANES; l++)
    if (checked[l] && s->phase[l] && s->time_index[l] >= j->n_times) finish(j, s, l, finite(w, l) ? OK : NON_FINITE);
}
