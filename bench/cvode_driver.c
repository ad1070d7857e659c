/* CVODE driven from C with a model's own generated right-hand side, Jacobian and sparse LU: what a careful
 * engineer would write by hand for one patient after another. It is appended to the text of a kernel that is
 * compiled with LANES 1, so that vectors are scalars, and calls SUNDIALS through a table of addresses.
 *
 * The linear solver keeps the Jacobian in the pattern of the factors, inside the storage of a SUNDIALS dense
 * matrix, and replaces five operations of SUNDIALS' dense matrix and solver.
 */
#undef AT

typedef struct {
  int (*context_create)(int, void **);
  int (*clear_handlers)(void *);
  void *(*vector_new)(int, void *);
  double *(*vector_data)(void *);
  void *(*matrix_new)(int, int, void *);
  double *(*matrix_data)(void *);
  void *(*solver_new)(void *, void *, void *);
  void *(*create)(int, void *);
  int (*init)(void *, int (*)(double, void *, void *, void *), double, void *);
  int (*reinit)(void *, double, void *);
  int (*tolerances)(void *, double, void *);
  int (*max_steps)(void *, long);
  int (*stop_time)(void *, double);
  int (*set_solver)(void *, void *, void *);
  int (*set_jacobian)(void *, int (*)(double, void *, void *, void *, void *, void *, void *, void *));
  int (*set_data)(void *, void *);
  int (*solve)(void *, double, void *, double *, int);
  int (*steps)(void *, long *);
  void *old_zero, *old_copy, *old_scale_add, *old_setup, *old_solve;
} sundials_t;

typedef struct {
  int64_t n_patients, n_times, n_doses, n_varied, max_steps;
  const double *base, *varied;
  const int64_t *varied_index;
  const double *times, *atol;
  double rtol;
  const double *dose_time, *dose_amount; /* ascending, the same for all; into one state */
  int64_t dose_state;
  double *out; /* (n_patients, n_times, NS), states in elimination order */
  int64_t *status, *n_steps;
} cvode_job_t;

typedef struct {
  const sundials_t *s;
  vd c[NC], W[NW], ft[NS];
} model_t;

static const sundials_t *lib;
static int64_t diagonal_of[NS];

static int cv_rhs(double t, void *y, void *f, void *data) {
  model_t *m = data;
  double *out = lib->vector_data(f);
  for (int64_t i = 0; i < NS; i++) out[i] = 0.0;
  rhs(V(t), (const vd *)lib->vector_data(y), m->c, (vd *)out);
  return 0;
}

static int cv_jacobian(double t, void *y, void *f, void *a, void *data, void *t1, void *t2, void *t3) {
  model_t *m = data;
  double *j = lib->matrix_data(a);
  (void)f, (void)t1, (void)t2, (void)t3;
  fill(V(t), (const vd *)lib->vector_data(y), m->c, V(0.0), m->W, m->ft); /* W = -J */
  for (int64_t k = 0; k < NW; k++) j[k] = -m->W[k][0];
  return 0;
}

static int mat_zero(void *a) {
  double *x = lib->matrix_data(a);
  for (int64_t k = 0; k < NW; k++) x[k] = 0.0;
  return 0;
}
static int mat_copy(void *a, void *b) {
  const double *x = lib->matrix_data(a);
  double *y = lib->matrix_data(b);
  for (int64_t k = 0; k < NW; k++) y[k] = x[k];
  return 0;
}
static int mat_scale_add(double c, void *a) {
  double *x = lib->matrix_data(a);
  for (int64_t k = 0; k < NW; k++) x[k] *= c;
  for (int64_t i = 0; i < NS; i++) x[diagonal_of[i]] += 1.0;
  return 0;
}
static int ls_setup(void *s, void *a) {
  (void)s;
  lu((vd *)lib->matrix_data(a));
  return 0;
}
static int ls_solve(void *s, void *a, void *x, void *b, double tol) {
  double *to = lib->vector_data(x);
  const double *from = lib->vector_data(b);
  (void)s, (void)tol;
  for (int64_t i = 0; i < NS; i++) to[i] = from[i];
  solve((const vd *)lib->matrix_data(a), (vd *)to);
  return 0;
}

/* An object is {content, operations, ...}, in newer solvers {content, null, operations, ...}; an operation is
 * found by its address, which no version moves. */
static int replace(void *object, void *old, void *new) {
  void **operations = ((void ***)object)[1] ? ((void ***)object)[1] : ((void ***)object)[2];
  for (int k = 0; k < 16; k++)
    if (operations[k] == old) {
      operations[k] = new;
      return 1;
    }
  return 0;
}

/* Returns 0, or the number of the step of the set-up that failed. */
__attribute__((visibility("default"))) int64_t cv_run(const sundials_t *s, const cvode_job_t *j, const int64_t *diagonal) {
  static model_t model;
  static vd u[NU], y0[NS];
  void *context = 0;
  lib = s;
  model.s = s;
  for (int64_t i = 0; i < NS; i++) diagonal_of[i] = diagonal[i];
  if (s->context_create(0, &context)) return 1;
  s->clear_handlers(context);
  void *y = s->vector_new(NS, context), *tolerance = s->vector_new(NS, context);
  double *state = s->vector_data(y), *atol = s->vector_data(tolerance);
  for (int64_t i = 0; i < NS; i++) atol[i] = j->atol[i], state[i] = 0.0;
  void *matrix = s->matrix_new(NS, NS, context), *linear = s->solver_new(y, matrix, context);
  void *cv = s->create(2, context); /* BDF */
  if (!cv || s->init(cv, cv_rhs, 0.0, y) || s->tolerances(cv, j->rtol, tolerance)) return 2;
  if (!replace(matrix, s->old_zero, (void *)mat_zero) || !replace(matrix, s->old_copy, (void *)mat_copy) ||
      !replace(matrix, s->old_scale_add, (void *)mat_scale_add) ||
      !replace(linear, s->old_setup, (void *)ls_setup) || !replace(linear, s->old_solve, (void *)ls_solve))
    return 3;
  if (s->set_solver(cv, linear, matrix) || s->set_jacobian(cv, cv_jacobian) || s->set_data(cv, &model)) return 4;
  s->max_steps(cv, j->max_steps);

  for (int64_t p = 0; p < j->n_patients; p++) {
    for (int64_t i = 0; i < NU; i++) u[i] = V(j->base[i]);
    for (int64_t k = 0; k < j->n_varied; k++) u[j->varied_index[k]] = V(j->varied[p * j->n_varied + k]);
    initialise(u, model.c, y0);
    for (int64_t i = 0; i < NS; i++) state[i] = y0[i][0];
    double *out = j->out + p * j->n_times * NS, t = 0.0;
    int64_t dose = 0, row = 0, failed = 0;
    long total = 0, steps = 0;
    const double last = j->times[j->n_times - 1];
    while (row < j->n_times && !failed) {
      while (dose < j->n_doses && j->dose_time[dose] <= t) state[j->dose_state] += j->dose_amount[dose++];
      const double stop = dose < j->n_doses && j->dose_time[dose] < last ? j->dose_time[dose] : last;
      while (row < j->n_times && j->times[row] <= t) {
        for (int64_t i = 0; i < NS; i++) out[row * NS + i] = state[i];
        row++;
      }
      if (t >= last) break;
      s->reinit(cv, t, y);
      s->stop_time(cv, stop);
      while (t < stop && !failed) {
        const double next = row < j->n_times && j->times[row] < stop ? j->times[row] : stop;
        failed = s->solve(cv, next, y, &t, 1) < 0; /* normal: interpolated at next, never past stop */
        t = next;
        if (t < stop && !failed) {
          for (int64_t i = 0; i < NS; i++) out[row * NS + i] = state[i];
          row++;
        }
      }
      s->steps(cv, &steps);
      total += steps;
    }
    j->status[p] = failed;
    j->n_steps[p] = total;
  }
  return 0; /* one context per call is left to the process's end: a benchmark makes few */
}

/* The same equations one at a time, for callers that bring their own integrator. */
static model_t single;
__attribute__((visibility("default"))) void one_start(const double *inputs, double *y0) {
  static vd u[NU], y[NS];
  for (int64_t i = 0; i < NU; i++) u[i] = V(inputs[i]);
  initialise(u, single.c, y);
  for (int64_t i = 0; i < NS; i++) y0[i] = y[i][0];
}
__attribute__((visibility("default"))) void one_rhs(double t, const double *y, double *f) {
  for (int64_t i = 0; i < NS; i++) f[i] = 0.0;
  rhs(V(t), (const vd *)y, single.c, (vd *)f);
}
/* values[k] = entry k of the Jacobian in the order of `places` in the stored pattern. */
__attribute__((visibility("default"))) void one_jacobian(double t, const double *y, const int64_t *places, int64_t n, double *values) {
  fill(V(t), (const vd *)y, single.c, V(0.0), single.W, single.ft);
  for (int64_t k = 0; k < n; k++) values[k] = -single.W[places[k]][0];
}
