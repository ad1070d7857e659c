/* The state of LANES patients on their way, and small helpers. */
typedef struct {
  work w;                 /* vectors of the step: states, slots, stages, LU */
  vd u[NU], y_new[NS], c_new[NC];
  vd dense[3][NS];
  vd *out; /* (n_out,) and room for one row, behind this struct in the workspace */
  vd t, h, err, err_old, t_new;
  vd next_out; /* the next output time; infinite while there is none */
  int64_t patient[LANES]; /* -1: idle */
  int64_t phase[LANES];   /* 0: run-in, 1: trial */
  int64_t restart[LANES]; /* 1: choose a first step size; 2: keep h, forget the error history */
  int64_t dose[LANES], dose_end[LANES], time_index[LANES], steps[LANES], rejected[LANES], bad[LANES];
  double brk[LANES]; /* the time that this segment must hit */
  int64_t clip[LANES];
#if NE > 0
  events_t events;
#endif
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
  /* nothing moves: to the end of the segment at once, unless time may yet set something in motion */
  const vm still = (vm)(d <= V(1e-15));
  const vd rest = AUTONOMOUS ? span : vmax(V(1e-6) * span, h0 * V(1e-3));
  const vd h1 = vexp(V(0.2) * vlog(V(0.01) / d));
  const vd h = SEL(still, rest, vmin(vmax(vmin(V(100.0) * h0, h1), V(8 * EPS) * s->t), span));
  return SEL((vm)(h > V(0.0)), h, V(1e-6) * span); /* NaN from a wild Euler step counts as small */
}
