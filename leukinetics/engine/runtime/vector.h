/* Vector types and elementary functions: LANES patients side by side, one per lane.
 *
 * Every operation is elementwise, so a lane's result cannot depend on its neighbours. No C library is
 * needed: exp and log are written here (argument reduction and polynomial as in Cephes and fdlibm; about
 * 1 ulp), rarer functions go lane by lane through a table of C library functions that the host hands over.
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

/* exp(x) = 2^n exp(r), |r| <= ln2/2; Taylor polynomial of degree 13 in r by Estrin's scheme. */
INLINE vd vexp(vd x) {
  const vd low = V(-745.2), high = V(709.79);
  vd z = SEL((vm)(x < low), low, x);
  z = SEL((vm)(z > high), high, z);
  const vd shift = V(6755399441055744.0); /* 1.5 * 2^52: the sum's low bits are the rounded number */
  const vd biased = z * V(1.4426950408889634) + shift;
  const vd n = biased - shift;
  vd r = z - n * V(6.93147180369123816490e-01);
  r = r - n * V(1.90821492927058770002e-10);
  const vd r2 = r * r, r4 = r2 * r2, r8 = r4 * r4;
  const vd p01 = V(1.0) + r, p23 = V(0.5) + r * V(1.0 / 6);
  const vd p45 = V(1.0 / 24) + r * V(1.0 / 120), p67 = V(1.0 / 720) + r * V(1.0 / 5040);
  const vd p89 = V(1.0 / 40320) + r * V(1.0 / 362880), pab = V(1.0 / 3628800) + r * V(1.0 / 39916800);
  const vd pcd = V(1.0 / 479001600) + r * V(1.0 / 6227020800.0);
  const vd p = (p01 + r2 * p23) + r4 * (p45 + r2 * p67) + r8 * ((p89 + r2 * pab) + r4 * pcd);
  /* 2^n in two factors, so that the range down to the subnormals is reached */
  const vm k = (vm)biased - (vm)shift;
  const vm k1 = k >> 1, k2 = k - k1;
  const vd s1 = (vd)((k1 + VM(1023)) << 52), s2 = (vd)((k2 + VM(1023)) << 52);
  vd e = p * s1 * s2;
  e = SEL((vm)(x > high), V(__builtin_inf()), e);
  e = SEL((vm)(x < low), V(0.0), e);
  return SEL((vm)(x != x), x, e);
}

/* log(x) = k ln2 + log(m), m in [sqrt(1/2), sqrt 2): with s = (m-1)/(m+1), fdlibm's polynomial in s^2. */
INLINE vd vlog_positive(vd x) {
  const vm tiny = (vm)(x < V(2.2250738585072014e-308));
  const vd scaled = SEL(tiny, x * V(18014398509481984.0), x); /* 2^54 */
  const vm bits = (vm)scaled;
  const vm base = VM(0x3FE6A09E667F3BCD); /* sqrt(1/2) */
  const vm k = (bits - base) >> 52;
  const vd m = (vd)(bits - (k << 52));
  /* small integer to double without a conversion instruction */
  const vd magic = V(6755399441055744.0);
  const vd dk = ((vd)(k + (vm)magic) - magic) - SEL(tiny, V(54.0), V(0.0));
  const vd f = m - V(1.0), s = f / (V(2.0) + f), z = s * s, w = z * z;
  const vd t1 = w * (V(3.999999999940941908e-01) + w * (V(2.222219843214978396e-01) + w * V(1.531383769920937332e-01)));
  const vd t2 = z * (V(6.666666666666735130e-01) +
                     w * (V(2.857142874366239149e-01) + w * (V(1.818357216161805012e-01) + w * V(1.479819860511658591e-01))));
  const vd r = t1 + t2, h = V(0.5) * f * f;
  return dk * V(6.93147180369123816490e-01) - ((h - (s * (h + r) + dk * V(1.90821492927058770002e-10))) - f);
}
INLINE vd vlog(vd x) {
  vd r = vlog_positive(x);
  r = SEL((vm)(x == V(0.0)), V(-__builtin_inf()), r);
  r = SEL((vm)(x == V(__builtin_inf())), x, r);
  return SEL((vm)(x >= V(0.0)), r, V(__builtin_nan("")));
}

/* Parts of a power a^b = exp(b plog(a)) with the right values at and below a = 0; see engine/prepare.py. */
#define POWER_FLOOR V(1e-300)
INLINE vd vplog(vd a) {
  const vd m = vabs(a);
  const vd r = vlog_positive(SEL((vm)(m < POWER_FLOOR), POWER_FLOOR, m));
  return SEL((vm)(m < V(__builtin_inf())), r, m); /* inf and NaN pass */
}
INLINE vd vprecip(vd a) {
  const vm small = (vm)(vabs(a) < POWER_FLOOR);
  return V(1.0) / SEL(small, POWER_FLOOR, a);
}
INLINE vd vpowpos(vd a, vd e) { return SEL((vm)(a <= V(0.0)), V(0.0), e); }
INLINE vd vpowfix(vd a, vd e, vd sign, vd at_zero) {
  const vd below = SEL((vm)(sign == V(0.0)), at_zero, e * sign);
  return SEL((vm)(a > V(0.0)), e, SEL((vm)(a < V(0.0)), below, SEL((vm)(a != a), a, at_zero)));
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
