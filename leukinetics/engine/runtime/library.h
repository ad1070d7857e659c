/* The host hands over its C library's functions before the first call. */
__attribute__((visibility("default"))) void lk_library(double (*const *functions)(double), double (*fmod)(double, double)) {
  library = functions;
  library_fmod = fmod;
}
__attribute__((visibility("default"))) int64_t lk_lanes(void) { return LANES; }
