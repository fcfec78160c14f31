/// What the machine can do at most, measured on `threads` threads at once.
#pragma once

/// Multiply-add GFLOP/s of float vectors of 4, 8 (AVX2) or 16 (AVX-512) lanes; 0 where the processor lacks them.
double peak_gflops(int lanes, int threads);
/// GB/s of reading 256 MB.
double peak_read(int threads);
/// GB/s of a[i] = b[i] + s * c[i] over 3 x 128 MB, the three streams counted.
double peak_triad(int threads);
