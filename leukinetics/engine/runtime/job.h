/* What the host asks of a kernel. Every member is 8 bytes wide; engine/kernel.py mirrors it field by field. */
typedef void (*observe_fn)(vd t, const vd *y, const vd *c, vd *o);

typedef struct {
  int64_t n_patients;
  const double *base;          /* (NU,) inputs where a patient sets none; NaN: the model computes it */
  int64_t n_varied;            /* inputs that patients set ... */
  const int64_t *varied_index; /* (n_varied,) ... which ... */
  const double *varied;        /* (n_patients, n_varied) ... and their values */
  const double *y_start;       /* (n_patients, NS) states at the start, or 0: the model's own */

  int64_t n_times;
  const double *times; /* (n_times + 1,) ascending, >= 0; the last is infinite and no output */
  int64_t n_out;
  observe_fn observe;       /* 0: output o is state needed[o] */
  int64_t n_needed;         /* states to interpolate */
  const int64_t *needed;    /* (n_needed,) */
  double *out;              /* (n_patients, n_times, n_out) */

  const int64_t *dose_offset; /* (n_patients + 1,), or (2,) when dose_shared; 0: no doses */
  int64_t dose_shared;
  const double *dose_time; /* ascending per patient */
  const double *dose_value;
  const int64_t *dose_kind;   /* 0: add value to the state; 1: infuse at rate value from now on */
  const int64_t *dose_target; /* index into target_* */
  int64_t n_targets;
  const int64_t *target_state;
  const int64_t *target_factor; /* slot that holds state units per amount, or -1 for 1 */

  double rtol;
  const double *atol; /* (NS,) */
  int64_t max_steps;
  int64_t method;
  double run_in_limit; /* longest time to settle before t = 0; 0: start at once */
  double run_in_window;
  double run_in_tolerance;

  int64_t *status; /* (n_patients,) */
  int64_t *steps;
  int64_t *rejected;
  double *y_end; /* (n_patients, NS) states at the last time, or 0 */

  int64_t *next; /* the next patient to take, shared by all threads */
  int64_t *done; /* patients finished, shared by all threads */
  const int64_t *stop; /* not 0: return now */
} job_t;

enum { OK = 0, STEP_TOO_SMALL = 2, MAX_STEPS = 3, NON_FINITE = 4, NOT_SETTLED = 5, INTERRUPTED = 6, BAD_INITIAL = 7, EVENT_STORM = 8 };
