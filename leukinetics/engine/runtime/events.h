/* SBML events, lane by lane: triggers, delays, priorities, persistence (SBML Level 3 Version 2, section 4.11).
 *
 * Generated beside this: NE events, NA assignments in all, event_start[NE + 1] into target[NA] (>= 0: state,
 * < 0: slot -1 - target), persistent[NE], initially[NE], early_values[NE]; and the functions
 *   triggers(t, y, c, g[NE + NR])      truth values as 1 and 0: triggers, then the NR comparisons in them
 *   event_values(t, y, c, v[NA + 2 NE]) right-hand sides, then delays, then priorities
 */
#define QUEUE (4 * NE + 8)
#define STORM 10000

typedef struct {
  double due, values[NA];
  int64_t event; /* -1: free */
} pending_t;

typedef struct {
  vd truth[NE + NR], g[NE + NR], v[NA + 2 * NE];
  pending_t queue[LANES][QUEUE];
  vd theta;           /* where in the step the first trigger changed */
  int64_t hit[LANES]; /* whether one did */
  int64_t executed[LANES];
} events_t;

static void events_reset(events_t *ev, int l) {
  for (int64_t e = 0; e < NE + NR; e++) AT(ev->truth, e, l) = e < NE ? initially[e] : 0.0;
  for (int64_t q = 0; q < QUEUE; q++) ev->queue[l][q].event = -1;
  ev->hit[l] = ev->executed[l] = 0;
}

/* The earliest time at which a delayed event of lane l is due. */
static double events_due(const events_t *ev, int l, double none) {
  for (int64_t q = 0; q < QUEUE; q++)
    if (ev->queue[l][q].event >= 0 && ev->queue[l][q].due < none) none = ev->queue[l][q].due;
  return none;
}

/* Note what changed at (t, y) for lane l: fire what became true, drop what may not persist. Returns the lane's status. */
static int64_t events_update(events_t *ev, int l, double t) {
  for (int64_t r = NE; r < NE + NR; r++) AT(ev->truth, r, l) = AT(ev->g, r, l);
  for (int64_t e = 0; e < NE; e++) {
    const int was = AT(ev->truth, e, l) != 0.0, now = AT(ev->g, e, l) != 0.0;
    if (was == now) continue;
    AT(ev->truth, e, l) = now;
    if (now) {
      int64_t q = 0;
      while (q < QUEUE && ev->queue[l][q].event >= 0) q++;
      if (q == QUEUE) return EVENT_STORM;
      pending_t *p = &ev->queue[l][q];
      const double delay = AT(ev->v, NA + e, l);
      if (delay != delay) return NON_FINITE;
      p->event = e;
      p->due = t + (delay > 0.0 ? delay : 0.0);
      for (int64_t a = event_start[e]; a < event_start[e + 1]; a++) p->values[a] = AT(ev->v, a, l);
    } else if (!persistent[e]) {
      for (int64_t q = 0; q < QUEUE; q++)
        if (ev->queue[l][q].event == e) ev->queue[l][q].event = -1;
    }
  }
  return OK;
}

/* A fixed sequence of well mixed numbers (Steele, Lea & Flood 2014, doi 10.1145/2660193.2660195), for the
 * choice among events of equal priority, which SBML wants at random; the same for every patient and run. */
static uint64_t mixed(uint64_t n) {
  n = (n + 1) * 0x9E3779B97F4A7C15u;
  n = (n ^ (n >> 30)) * 0xBF58476D1CE4E5B9u;
  n = (n ^ (n >> 27)) * 0x94D049BB133111EBu;
  return n ^ (n >> 31);
}

/* Execute the due event of highest priority of lane l; 0 if none is due. Events without priority come last,
 * in the order of the file. */
static int events_execute(events_t *ev, work *w, int l, double t) {
  pending_t *best = 0;
  double highest = 0;
  uint64_t ties = 0;
  for (int64_t q = 0; q < QUEUE; q++) {
    pending_t *p = &ev->queue[l][q];
    if (p->event < 0 || p->due > t) continue;
    const double priority = AT(ev->v, NA + NE + p->event, l);
    if (!best || priority > highest) best = p, highest = priority, ties = 1;
    else if (priority == highest && !FINITE(priority)) best = p->event < best->event ? p : best;
    else if (priority == highest && mixed(ev->executed[l] * QUEUE + q) % ++ties == 0) best = p;
  }
  if (!best) return 0;
  ev->executed[l]++;
  const int64_t e = best->event;
  for (int64_t a = event_start[e]; a < event_start[e + 1]; a++) {
    const double value = early_values[e] ? best->values[a] : AT(ev->v, a, l);
    if (target[a] >= 0) AT(w->y, target[a], l) = value;
    else AT(w->c, -1 - target[a], l) = value;
  }
  best->event = -1;
  return 1;
}

/* All that happens at one instant: fire and execute until nothing more is due. `now` marks the lanes; `failed`
 * becomes the status of a lane whose events never come to rest or have no due time, else 0. */
static NOINLINE void events_process(events_t *ev, work *w, vd t, const int64_t *now, int64_t *failed) {
  int64_t busy[LANES];
  for (int l = 0; l < LANES; l++) busy[l] = now[l], failed[l] = OK;
  for (int64_t round = 0;; round++) {
    int any = 0;
    triggers(t, w->y, w->c, ev->g);
    event_values(t, w->y, w->c, ev->v);
    for (int l = 0; l < LANES; l++) {
      if (!busy[l]) continue;
      failed[l] = round == STORM ? EVENT_STORM : events_update(ev, l, t[l]);
      if (failed[l] != OK) {
        busy[l] = 0;
        continue;
      }
      busy[l] = events_execute(ev, w, l, t[l]);
      any |= busy[l] != 0;
    }
    if (!any) return;
    hoist(w->c); /* the same numbers again for lanes that changed nothing */
  }
}
