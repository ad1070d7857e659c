/* Patients for idle lanes. Returns the number of busy lanes. */
static int refill(const job_t *j, lanes_t *s) {
  int64_t fresh[LANES];
  int any = 0, busy = 0;
  for (int l = 0; l < LANES; l++) {
    fresh[l] = 0;
    if (s->patient[l] < 0) {
      const int64_t p = __atomic_fetch_add(j->next, 1, __ATOMIC_RELAXED);
      if (p >= j->n_patients) continue;
      s->patient[l] = p;
      fresh[l] = any = 1;
      for (int64_t k = 0; k < j->n_varied; k++)
        AT(s->u, j->varied_index[k], l) = j->varied[p * j->n_varied + k];
    }
    busy++;
  }
  if (!any) return busy;
  work *w = &s->w;
  initialise(s->u, s->c_new, s->y_new);
  for (int l = 0; l < LANES; l++) {
    if (!fresh[l]) continue;
    const int64_t p = s->patient[l];
    int finite = 1;
    for (int64_t i = 0; i < NC; i++) AT(w->c, i, l) = AT(s->c_new, i, l);
    for (int64_t i = 0; i < NS; i++) {
      const double y = j->y_start ? j->y_start[p * NS + i] : AT(s->y_new, i, l);
      AT(w->y, i, l) = y;
      finite &= FINITE(y);
    }
    for (int64_t k = 0; k < MAX_TARGETS; k++) AT(w->infusion, k, l) = 0.0;
    s->t[l] = 0.0;
    s->h[l] = 0.0;
    s->steps[l] = s->rejected[l] = s->bad[l] = s->time_index[l] = 0;
    const int64_t row = j->dose_shared ? 0 : p;
    s->dose[l] = j->dose_offset ? j->dose_offset[row] : 0;
    s->dose_end[l] = j->dose_offset ? j->dose_offset[row + 1] : 0;
    s->phase[l] = j->run_in_limit <= 0.0;
    s->next_out[l] = s->phase[l] ? j->times[0] : __builtin_inf();
    w->moving[l] = s->phase[l] ? 1.0 : 0.0;
    if (!finite) {
      finish(j, s, l, BAD_INITIAL);
    } else if (s->phase[l] == 0) {
      s->brk[l] = j->run_in_limit;
      AT(&w->t_low, 0, l) = AT(&w->t_high, 0, l) = 0.0; /* time stands still while the model settles */
      s->restart[l] = 1;
    }
#if NE > 0
    events_reset(&s->events, l);
#endif
    fresh[l] = s->patient[l] >= 0 && s->phase[l];
  }
  start_segments(j, s, fresh);
  return busy;
}
