#include "peaks.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

typedef struct {
  double (*body)(void *); // the amount of work done
  void *memory;
  double work;
} Part;

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec + 1e-9 * now.tv_nsec;
}

static void *run(void *argument) {
  Part *part = argument;
  part->work = part->body(part->memory);
  return 0;
}

/// The best of five rates of `body` on several threads, in billions a second; each gets a share of the memory.
static double best_rate(double (*body)(void *), int threads, size_t bytes) {
  enum { most = 256 };
  if (threads < 1 || threads > most) return 0;
  Part parts[most];
  pthread_t ids[most];
  char *memory = bytes ? aligned_alloc(64, bytes * threads) : 0;
  if (bytes && !memory) return 0;
  for (size_t i = 0; i < bytes * threads; i++) memory[i] = 0;
  double best = 0;
  for (int repeat = 0; repeat < 5; repeat++) {
    double start = seconds(), work = 0;
    int started = 0;
    for (; started < threads; started++) {
      parts[started] = (Part){body, memory ? memory + started * bytes : 0, 0};
      if (pthread_create(&ids[started], 0, run, &parts[started])) break;
    }
    for (int i = 0; i < started; i++) {
      pthread_join(ids[i], 0);
      work += parts[i].work;
    }
    double rate = 1e-9 * work / (seconds() - start);
    if (rate > best) best = rate;
  }
  free(memory);
  return best;
}

// Twelve independent chains hide the latency of the multiply-add.
#define CHAINS 12
#define ROUNDS 4000000
#define FMA_BODY(name, lanes, attributes)                                                                              \
  typedef float Vector##lanes __attribute__((vector_size(4 * lanes)));                                                 \
  attributes static double name(void *unused) {                                                                        \
    (void)unused;                                                                                                      \
    Vector##lanes x[CHAINS], factor = {0}, step = {0};                                                                 \
    for (int i = 0; i < CHAINS; i++) x[i] = factor + (float)i;                                                         \
    factor += 0.5f;                                                                                                    \
    step += 1.0f;                                                                                                      \
    for (int round = 0; round < ROUNDS; round++) {                                                                     \
      _Pragma("clang fp contract(fast)") _Pragma("clang loop unroll(full)") for (int i = 0; i < CHAINS; i++)           \
          x[i] = x[i] * factor + step;                                                                                 \
    }                                                                                                                  \
    volatile float sink = 0;                                                                                           \
    for (int i = 0; i < CHAINS; i++) sink += x[i][0];                                                                  \
    return 2.0 * lanes * CHAINS * ROUNDS;                                                                              \
  }

FMA_BODY(fma4, 4, )
#if defined(__x86_64__)
FMA_BODY(fma8, 8, __attribute__((target("avx2,fma"))))
FMA_BODY(fma16, 16, __attribute__((target("avx512f"))))
#endif

double peak_gflops(int lanes, int threads) {
#if defined(__x86_64__)
  if (lanes == 8) return __builtin_cpu_supports("avx2") ? best_rate(fma8, threads, 0) : 0;
  if (lanes == 16) return __builtin_cpu_supports("avx512f") ? best_rate(fma16, threads, 0) : 0;
#endif
  return lanes == 4 ? best_rate(fma4, threads, 0) : 0;
}

#define READ_BYTES (256UL << 20)
#define TRIAD_BYTES (384UL << 20)

static double read_memory(void *memory) {
  const unsigned long *p = memory;
  unsigned long a = 0, b = 0, c = 0, d = 0;
  for (size_t i = 0; i < READ_BYTES / 8; i += 8) {
    a += p[i] + p[i + 4];
    b += p[i + 1] + p[i + 5];
    c += p[i + 2] + p[i + 6];
    d += p[i + 3] + p[i + 7];
  }
  volatile unsigned long sink = a + b + c + d;
  (void)sink;
  return READ_BYTES;
}

static double triad(void *memory) {
  size_t count = TRIAD_BYTES / 12;
  float *a = memory;
  const float *b = a + count, *c = b + count;
  for (size_t i = 0; i < count; i++) a[i] = b[i] + 0.5f * c[i];
  return TRIAD_BYTES;
}

double peak_read(int threads) { return best_rate(read_memory, threads, READ_BYTES); }
double peak_triad(int threads) { return best_rate(triad, threads, TRIAD_BYTES); }
