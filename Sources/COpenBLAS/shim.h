#include <cblas.h>
// Not declared by every cblas.h.
extern void openblas_set_num_threads(int num_threads);

// Not there when the library was built without threads.
extern int blas_thread_shutdown_(void) __attribute__((weak));

/// Ends the threads that OpenBLAS starts when it is loaded. Nobody uses them, as it is called single-threaded; but each
/// looks for work again and again for tens of milliseconds before it sleeps, and takes the processor from short programs.
/// To be called before other threads use OpenBLAS; it does the same itself before a fork.
static inline void ltd_end_blas_threads(void) {
  if (blas_thread_shutdown_) blas_thread_shutdown_();
}
