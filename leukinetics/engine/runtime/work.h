#define AT(array, i, lane) (((double *)(array))[(int64_t)(i) * LANES + (lane)])
#define FINITE(x) ((x) - (x) == 0.0)
#define EPS 2.220446049250313e-16

/* The vectors of one step. NS states, NC slots, NW stored entries of the LU factors. */
typedef struct {
  vd y[NS], yn[NS], yt[NS], ft[NS];
  vd U[8][NS];
  vd W[NW];
  vd c[NC];
  vd infusion[MAX_TARGETS];
  vd moving; /* 0 while time stands still, else 1 */
  vd t_low, t_high; /* times are kept inside the segment, off its ends, where the equations may jump */
  int64_t n_targets;
  const int64_t *target_state;
} work;

INLINE vd clamp_time(const work *w, vd t) { return vmin(vmax(t, w->t_low), w->t_high); }

INLINE void infuse(const work *w, vd *f) {
  for (int64_t k = 0; k < w->n_targets; k++) {
    const vd rate = w->infusion[k], sum = f[w->target_state[k]] + rate;
    f[w->target_state[k]] = SEL((vm)(rate != V(0.0)), sum, f[w->target_state[k]]);
  }
}
