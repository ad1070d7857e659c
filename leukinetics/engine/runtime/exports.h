/* What the host asks a kernel about itself, and scalar views of the equations for tests and benchmarks. */
__attribute__((visibility("default"))) int64_t lk_workspace(void) { return sizeof(lanes_t); }
__attribute__((visibility("default"))) int64_t lk_states(void) { return NS; }
__attribute__((visibility("default"))) int64_t lk_job_size(void) { return sizeof(job_t); }
