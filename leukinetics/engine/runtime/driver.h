/* The integration loop: LANES patients at a time, each with its own time and step size.
 *
 * A lane that finishes its patient takes the next one from a counter that all threads share. Bookkeeping is
 * lane by lane; everything that costs is done for all lanes at once and masked. What a lane computes never
 * depends on the other lanes, so results are bitwise the same in any company.
 */
#define AT(array, i, lane) (((double *)(array))[(int64_t)(i) * LANES + (lane)])
#define FINITE(x) ((x) - (x) == 0.0)
#define EPS 2.220446049250313e-16

typedef struct {
  work w;                 /* vectors of the step: states, slots, stages, LU */
  vd u[NU], y_new[NS], c_new[NC];
  vd dense[3][NS];
  vd out[MAX_OUT];
  vd t, h, err, err_old, t_new;
  int64_t patient[LANES]; /* -1: idle */
  int64_t phase[LANES];   /* 0: run-in, 1: trial */
  int64_t restart[LANES]; /* 1: choose a first step size; 2: keep h, forget the error history */
  int64_t dose[LANES], dose_end[LANES], time_index[LANES], steps[LANES], rejected[LANES], bad[LANES];
  double brk[LANES]; /* the time that this segment must hit */
  int64_t clip[LANES];
} lanes_t;

static double next_up(double x) {
  union { double d; int64_t i; } u = {x};
  if (x == 0.0) { u.i = 1; return u.d; }
  u.i += x > 0 ? 1 : -1;
  return u.d;
}
static double next_down(double x) { return -next_up(-x); }

/* rms over states of v_i / (atol_i + rtol |y_i|) */
static NOINLINE vd scaled_norm(const job_t *j, const vd *v, const vd *y) {
  vd sum = V(0.0);
  for (int64_t i = 0; i < NS; i++) {
    const vd r = v[i] / (V(j->atol[i]) + V(j->rtol) * vabs(y[i]));
    sum += r * r;
  }
  return vsqrt(sum * V(1.0 / NS));
}

/* A first step size from the size of f and of its change over a small Euler step (Hairer, Norsett & Wanner,
 * Solving Ordinary Differential Equations I, II.4). */
static NOINLINE vd first_step(const job_t *j, lanes_t *s) {
  work *w = &s->w;
  vd *f0 = w->U[0], *f1 = w->U[1], *y1 = w->yt;
  for (int64_t i = 0; i < NS; i++) f0[i] = V(0.0);
  rhs(clamp_time(w, s->t), w->y, w->c, f0);
  infuse(w, f0);
  const vd d0 = scaled_norm(j, w->y, w->y), d1 = scaled_norm(j, f0, w->y);
  const vm flat = (vm)(d0 < V(1e-5)) | (vm)(d1 < V(1e-5));
  vd span;
  for (int l = 0; l < LANES; l++) span[l] = s->brk[l] - s->t[l];
  vd h0 = vmin(SEL(flat, V(1e-6) * span, V(0.01) * d0 / d1), span);
  for (int64_t i = 0; i < NS; i++) {
    y1[i] = w->y[i] + h0 * f0[i];
    f1[i] = V(0.0);
  }
  rhs(clamp_time(w, s->t + h0), y1, w->c, f1);
  infuse(w, f1);
  for (int64_t i = 0; i < NS; i++) f1[i] -= f0[i];
  const vd d2 = scaled_norm(j, f1, w->y) / h0;
  const vd d = vmax(d1, d2);
  const vd h1 = SEL((vm)(d <= V(1e-15)), vmax(V(1e-6) * span, h0 * V(1e-3)), vexp(V(0.2) * vlog(V(0.01) / d)));
  const vd h = vmin(vmin(V(100.0) * h0, h1), span);
  return SEL((vm)(h > V(0.0)), h, V(1e-6) * span); /* NaN from a wild Euler step counts as small */
}

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
      /* at a break the value after the dose is reported, by start_segment */
      if (next < s->t_new[l] || (next == s->t_new[l] && s->t_new[l] < s->brk[l])) {
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

/* At lane l's present time: doses due, outputs due (after the doses), and the next time to hit. */
static void start_segment(const job_t *j, lanes_t *s, int l) {
  work *w = &s->w;
  const double t = s->t[l];
  int changed = 0;
  while (s->dose[l] < s->dose_end[l] && j->dose_time[s->dose[l]] <= t) {
    const int64_t d = s->dose[l]++, k = j->dose_target[d], f = j->target_factor[k];
    const double value = j->dose_value[d] * (f >= 0 ? AT(w->c, f, l) : 1.0);
    if (j->dose_kind[d]) AT(w->infusion, k, l) = value;
    else AT(w->y, j->target_state[k], l) += value;
    changed = 1;
  }
  double brk = j->times[j->n_times - 1];
  int at_break = t == 0.0 || changed;
  if (s->dose[l] < s->dose_end[l] && j->dose_time[s->dose[l]] < brk) brk = j->dose_time[s->dose[l]];
  for (int64_t k = 0; k < N_BREAK; k++) {
    const double b = AT(w->c, FIRST_BREAK + k, l);
    if (b == t) at_break = 1;
    if (b > t && b < brk) brk = b;
  }
  s->brk[l] = brk;
  AT(&w->t_low, 0, l) = next_up(t);
  AT(&w->t_high, 0, l) = next_down(brk);
  s->restart[l] = at_break;
}

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
    if (!finite) {
      finish(j, s, l, BAD_INITIAL);
    } else if (s->phase[l] == 0) {
      s->brk[l] = j->run_in_limit;
      AT(&w->t_low, 0, l) = AT(&w->t_high, 0, l) = 0.0; /* time stands still while the model settles */
      s->restart[l] = 1;
    } else {
      start_segment(j, s, l);
    }
  }
  return busy;
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

/* Whether lane l's step changed nothing worth mentioning: the model has settled. */
static int settled(const job_t *j, const lanes_t *s, int l) {
  const double scale = j->run_in_window / s->h[l];
  for (int64_t i = 0; i < NS; i++) {
    const double a = AT(s->w.y, i, l), b = AT(s->w.yn, i, l);
    const double change = (b > a ? b - a : a - b) * scale, size = b > 0 ? b : -b;
    if (!(change <= j->run_in_tolerance * (size + j->atol[i]))) return 0;
  }
  return 1;
}

__attribute__((visibility("default"))) int64_t lk_run(const job_t *j, void *memory) {
  lanes_t *s = memory;
  work *w = &s->w;
  for (int64_t i = 0; i < NU; i++) s->u[i] = V(j->base[i]);
  for (int64_t i = 0; i < NS; i++) w->y[i] = V(0.0);
  for (int64_t i = 0; i < NC; i++) w->c[i] = V(1.0);
  for (int64_t k = 0; k < MAX_TARGETS; k++) w->infusion[k] = V(0.0);
  w->n_targets = j->n_targets;
  w->target_state = j->target_state;
  w->t_low = w->t_high = s->t = s->h = V(0.0);
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
      dense_outputs(j, s, accepted);
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
            start_segment(j, s, l);
            check[l] = crossed = 1;
          } else if (s->clip[l]) {
            finish(j, s, l, NOT_SETTLED);
            continue;
          }
        } else if (s->clip[l]) {
          start_segment(j, s, l);
          check[l] = crossed = 1;
        }
      }
      if (s->patient[l] >= 0 && s->steps[l] >= j->max_steps) finish(j, s, l, MAX_STEPS);
      else if (!accepted[l] && s->h[l] < 4 * EPS * (s->t[l] > 0 ? s->t[l] : 0) + 1e-300)
        finish(j, s, l, s->bad[l] ? NON_FINITE : STEP_TOO_SMALL);
    }
    if (crossed) outputs_now(j, s, check);
  }
}
