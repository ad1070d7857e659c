/* Vector types and elementary functions: LANES patients side by side, one per lane.
 *
 * Every operation is elementwise, so a lane's result cannot depend on its neighbours. No C library is
 * needed: exp and log are written here (about 1 ulp), rarer functions go lane by lane through a table of C
 * library functions that the host hands over.
 */
#include <stdint.h>

#ifndef LANES
#if defined(__AVX512F__)
#define LANES 8
#elif defined(__AVX__)
#define LANES 4
#else
#define LANES 2
#endif
#endif
#define NOINLINE __attribute__((noinline))
#define INLINE static inline __attribute__((always_inline, unused))
#define RESTRICT __restrict__

typedef double vd __attribute__((vector_size(8 * LANES)));
typedef int64_t vm __attribute__((vector_size(8 * LANES)));

#define V(x) ((vd){0} + (x))
#define VM(x) ((vm){0} + (int64_t)(x))
#define SEL(m, a, b) ((vd)(((m) & (vm)(a)) | (~(m) & (vm)(b))))
#define NUM(m) ((vd)((m) & (vm)V(1.0)))

typedef double vd_anywhere __attribute__((vector_size(8 * LANES), aligned(8), may_alias));

/* LANES outputs of LANES patients: from a vector per output to a vector per patient. */
INLINE void transpose(const vd *in, vd *out) {
#if LANES == 8
  vd a[8], b[8];
  for (int i = 0; i < 8; i += 2) {
    a[i] = __builtin_shufflevector(in[i], in[i + 1], 0, 8, 2, 10, 4, 12, 6, 14);
    a[i + 1] = __builtin_shufflevector(in[i], in[i + 1], 1, 9, 3, 11, 5, 13, 7, 15);
  }
  for (int i = 0; i < 8; i += 4)
    for (int k = 0; k < 2; k++) {
      b[i + k] = __builtin_shufflevector(a[i + k], a[i + k + 2], 0, 1, 8, 9, 4, 5, 12, 13);
      b[i + k + 2] = __builtin_shufflevector(a[i + k], a[i + k + 2], 2, 3, 10, 11, 6, 7, 14, 15);
    }
  for (int k = 0; k < 4; k++) {
    out[k] = __builtin_shufflevector(b[k], b[k + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    out[k + 4] = __builtin_shufflevector(b[k], b[k + 4], 4, 5, 6, 7, 12, 13, 14, 15);
  }
#elif LANES == 4
  const vd a0 = __builtin_shufflevector(in[0], in[1], 0, 4, 2, 6), a1 = __builtin_shufflevector(in[0], in[1], 1, 5, 3, 7);
  const vd a2 = __builtin_shufflevector(in[2], in[3], 0, 4, 2, 6), a3 = __builtin_shufflevector(in[2], in[3], 1, 5, 3, 7);
  out[0] = __builtin_shufflevector(a0, a2, 0, 1, 4, 5);
  out[1] = __builtin_shufflevector(a1, a3, 0, 1, 4, 5);
  out[2] = __builtin_shufflevector(a0, a2, 2, 3, 6, 7);
  out[3] = __builtin_shufflevector(a1, a3, 2, 3, 6, 7);
#else
  for (int i = 0; i < LANES; i++)
    for (int k = 0; k < LANES; k++) out[k][i] = in[i][k];
#endif
}

INLINE int any_lane(vm m) {
  int64_t any = 0;
  for (int l = 0; l < LANES; l++) any |= m[l];
  return any != 0;
}

INLINE vd vabs(vd x) { return (vd)((vm)x & VM(INT64_MAX)); }
INLINE vd vmax(vd a, vd b) { return SEL((vm)(a > b), a, b); }
INLINE vd vmin(vd a, vd b) { return SEL((vm)(a < b), a, b); }

#if __has_builtin(__builtin_elementwise_sqrt)
#define vsqrt(x) __builtin_elementwise_sqrt(x)
#define vfloor(x) __builtin_elementwise_floor(x)
#define vceil(x) __builtin_elementwise_ceil(x)
#else
INLINE vd vsqrt(vd x) {
  for (int l = 0; l < LANES; l++) x[l] = __builtin_sqrt(x[l]);
  return x;
}
/* Adding and taking away 2^52 rounds to a whole number; the comparison mends the direction. */
INLINE vd vround(vd x) {
  const vd big = V(4503599627370496.0);
  const vd sign = (vd)((vm)x & VM(INT64_MIN));
  const vd a = vabs(x), r = (a + big) - big;
  return SEL((vm)(a < big), (vd)((vm)r | (vm)sign), x);
}
INLINE vd vfloor(vd x) {
  const vd r = vround(x);
  return SEL((vm)(r > x), r - V(1.0), r);
}
INLINE vd vceil(vd x) {
  const vd r = vround(x);
  return SEL((vm)(r < x), r + V(1.0), r);
}
#endif

/* Polynomials below: interpolation at Chebyshev nodes in 60 digits, then rounded; the error named is relative. */
#define LN2_HIGH V(0.6931471804855391) /* 33 bits, so that a whole multiple is exact */
#define LN2_LOW V(7.440617110012397e-11)

/* exp(x) = 2^n exp(r), |r| <= ln2/2, exp(r) = 1 + r + r^2 q(r) to 1.6e-17. Results below the smallest normal
 * number are 0. */
INLINE vd vexp(vd x) {
  const vd low = V(-708.3), high = V(709.79); /* beyond these what follows is rubbish, and thrown away */
  const vd shift = V(6755399441055744.0);     /* 1.5 * 2^52: the sum's low bits are the rounded number */
  const vd biased = x * V(1.4426950408889634) + shift;
  const vd n = biased - shift;
  vd r = x - n * LN2_HIGH;
  r = r - n * LN2_LOW;
  const vd r2 = r * r, r4 = r2 * r2, r8 = r4 * r4;
  const vd q01 = V(0.5) + r * V(0.16666666666666669), q23 = V(0.04166666666662413) + r * V(0.008333333333330062);
  const vd q45 = V(0.0013888888917213717) + r * V(0.00019841269863053618);
  const vd q67 = V(2.4801521295954376e-05) + r * V(2.7557268459997064e-06);
  const vd q89 = V(2.7620088445409746e-07) + r * V(2.510038549551032e-08);
  const vd q = (q01 + r2 * q23) + r4 * (q45 + r2 * q67) + r8 * q89;
  const vd p = V(1.0) + (r + r2 * q);
  /* 2 * 2^(n-1): n itself may be one more than an exponent can hold */
  const vm k = (vm)biased - (vm)shift;
  const vd e = (p + p) * (vd)((k + VM(1022)) << 52);
  return SEL((vm)(x < low), V(0.0), SEL((vm)(x > high), V(__builtin_inf()), e));
}

/* log(x) = k ln2 + log(1 + f), 1 + f in [sqrt(1/2), sqrt 2), for normal x > 0. With s = f/(2+f), log(1 + f) =
 * 2 artanh(s) = f - f^2/2 + s (f^2/2 + R), R = 2 s^2/3 + 2 s^4/5 + ... to 1e-17. */
INLINE vd vlog_normal(vd x) {
  const vm bits = (vm)x;
  const vm k = (bits - VM(0x3FE6A09E667F3BCD)) >> 52; /* less sqrt(1/2) */
  const vd m = (vd)(bits - (k << 52));
  const vd magic = V(6755399441055744.0); /* a small whole number to double without a conversion */
  const vd dk = (vd)(k + (vm)magic) - magic;
  const vd f = m - V(1.0), s = f / (V(2.0) + f), z = s * s, w = z * z;
  const vd odd = w * (V(0.399999999998992) + w * (V(0.22222211112104948) + w * V(0.15331666676597175)));
  const vd even = z * (V(0.666666666666667) +
                       w * (V(0.2857142862611452) + w * (V(0.1818289077802613) + w * V(0.146171283998073))));
  const vd R = odd + even, h = V(0.5) * f * f;
  return dk * LN2_HIGH + (f - (h - (s * (h + R) + dk * LN2_LOW)));
}
INLINE vd vlog(vd x) {
  const vm tiny = (vm)(x < V(2.2250738585072014e-308));
  vd r = vlog_normal(SEL(tiny, x * V(18014398509481984.0), x)); /* 2^54 */
  r = SEL(tiny, r - V(37.42994775023705), r);
  r = SEL((vm)(x == V(0.0)), V(-__builtin_inf()), r);
  r = SEL((vm)(x == V(__builtin_inf())), x, r);
  return SEL((vm)(x >= V(0.0)), r, V(__builtin_nan("")));
}

/* Parts of a power a^b = exp(b plog(a)) with the right values at and below a = 0; see engine/prepare.py.
 * The logarithm of 0 is so far down that exp(b plog) is 0^b: 0, 1 or infinite by the sign of b. */
INLINE vd vplog(vd a) {
  const vd m = vabs(a);
  const vd r = SEL((vm)(m < V(2.2250738585072014e-308)), V(-1.7e308), vlog_normal(m));
  return SEL((vm)(m < V(__builtin_inf())), r, m); /* inf and NaN pass */
}

/* Generated code applies these to arrays. */
#define LOOP(name) \
  static NOINLINE __attribute__((unused)) void name##_all(vd *x, int64_t n) { \
    for (int64_t i = 0; i < n; i++) x[i] = v##name(x[i]); \
  }
LOOP(exp)
LOOP(log)
LOOP(plog)

#define POWER_FLOOR V(1e-300)
INLINE vd vprecip(vd a) {
  const vm small = (vm)(vabs(a) < POWER_FLOOR);
  return V(1.0) / SEL(small, POWER_FLOOR, a);
}
INLINE vd vpowpos(vd a, vd e) { return SEL((vm)(a <= V(0.0)), V(0.0), e); }
INLINE vd vpowfix(vd a, vd e, vd sign, vd at_zero) {
  const vd below = SEL((vm)(sign == V(0.0)), at_zero, e * sign);
  return SEL((vm)(a < V(0.0)), below, e);
}
INLINE vd vdpowfix(vd a, vd slope, vd at_zero) { return SEL((vm)(a == V(0.0)), at_zero, slope); }

static double (*const *library)(double); /* one-argument functions, then fmod behind a cast */
static double (*library_fmod)(double, double);
static NOINLINE vd vlibrary(int function, vd x) {
  for (int l = 0; l < LANES; l++) x[l] = library[function](x[l]);
  return x;
}
static NOINLINE __attribute__((unused)) vd vrem(vd a, vd b) {
  for (int l = 0; l < LANES; l++) a[l] = library_fmod(a[l], b[l]);
  return a;
}

/* The compiler may ask for these although no C library is linked. */
__attribute__((weak, used)) void *memset(void *d, int c, unsigned long n) {
  unsigned char *p = d;
  while (n--) { *p++ = (unsigned char)c; __asm__ volatile("" : : : "memory"); }
  return d;
}
__attribute__((weak, used)) void *memcpy(void *RESTRICT d, const void *RESTRICT s, unsigned long n) {
  unsigned char *p = d;
  const unsigned char *q = s;
  while (n--) { *p++ = *q++; __asm__ volatile("" : : : "memory"); }
  return d;
}
