// Matrix products by OpenBLAS, each on the calling thread alone.
//
// libopenblas is opened when the first product is wanted and not when the program starts: the addresses of its kernels for
// every kind of processor, and the threads that it starts, took 4 ms of 20. Matrices are row-major; a pitch is the number of
// values from one stored row to the next.
#ifndef COPENBLAS_H
#define COPENBLAS_H
#include <stdbool.h>

/// c[rows, columns] = a · b, or added to it; a is [rows, inner] or stored as its transpose, and so is b of [inner, columns].
void ltd_sgemm(bool transpose_a, bool transpose_b, int rows, int columns, int inner, const float *a, int pitch_a,
               const float *b, int pitch_b, bool adds, float *c, int pitch_c);

/// The same in double precision.
void ltd_dgemm(bool transpose_a, bool transpose_b, int rows, int columns, int inner, const double *a, int pitch_a,
               const double *b, int pitch_b, bool adds, double *c, int pitch_c);

#endif
