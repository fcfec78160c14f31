#include "copenblas.h"
#include <cblas.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

static struct {
  __typeof__(&cblas_sgemm) sgemm;
  __typeof__(&cblas_dgemm) dgemm;
} blas;

static pthread_once_t once = PTHREAD_ONCE_INIT;

// Without the library products are formed by loops: slowly, but nothing that is in memory is lost.
static void complain(void) {
  fputs("warning: the library libopenblas.so.0 cannot be opened, so that matrix products are slow: sudo apt-get install "
        "libopenblas-dev\n",
        stderr);
}

static void open_library(void) {
  void *library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    complain();
    return;
  }
  void (*set_threads)(int);
  *(void **)&set_threads = dlsym(library, "openblas_set_num_threads");
  if (set_threads) set_threads(1);
  // The threads that it has started are used by nobody; but each looks for work again and again for tens of milliseconds
  // before it sleeps. They are not there when the library was built without threads.
  int (*end_threads)(void);
  *(void **)&end_threads = dlsym(library, "blas_thread_shutdown_");
  if (end_threads) end_threads();
  *(void **)&blas.dgemm = dlsym(library, "cblas_dgemm");
  *(void **)&blas.sgemm = dlsym(library, "cblas_sgemm");
  if (!blas.dgemm || !blas.sgemm) complain();
}

#define PRODUCT(NAME, VALUE, FUNCTION)                                                                              \
  void NAME(bool transpose_a, bool transpose_b, int rows, int columns, int inner, const VALUE *a, int pitch_a,      \
            const VALUE *b, int pitch_b, bool adds, VALUE *c, int pitch_c) {                                        \
    pthread_once(&once, open_library);                                                                              \
    if (blas.FUNCTION) {                                                                                            \
      blas.FUNCTION(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans, transpose_b ? CblasTrans : CblasNoTrans, \
                    rows, columns, inner, 1, a, pitch_a, b, pitch_b, adds ? 1 : 0, c, pitch_c);                     \
      return;                                                                                                       \
    }                                                                                                               \
    for (long i = 0; i < rows; i++) {                                                                               \
      for (long j = 0; j < columns; j++) {                                                                          \
        VALUE sum = adds ? c[i * pitch_c + j] : 0;                                                                  \
        for (long k = 0; k < inner; k++)                                                                            \
          sum += (transpose_a ? a[k * pitch_a + i] : a[i * pitch_a + k]) *                                          \
                 (transpose_b ? b[j * pitch_b + k] : b[k * pitch_b + j]);                                           \
        c[i * pitch_c + j] = sum;                                                                                   \
      }                                                                                                             \
    }                                                                                                               \
  }

PRODUCT(ltd_sgemm, float, sgemm)
PRODUCT(ltd_dgemm, double, dgemm)
