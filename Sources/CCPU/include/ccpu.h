// What Swift cannot ask of the processor: its features, the spin-wait hint, and thread-local settings.
#ifndef CCPU_H
#define CCPU_H
#include <pthread.h>
#include <stdbool.h>
#include "vectors.h"

// Whether this processor and system run AVX2 and FMA code. False on anything but x86-64.
static inline bool ltd_cpu_has_avx2_fma(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
  return false;
#endif
}

// The same for AVX-512 with vectors of all lengths. False on anything but x86-64.
static inline bool ltd_cpu_has_avx512(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
#else
  return false;
#endif
}

// Tells the processor that this is a spin-wait loop.
static inline void ltd_cpu_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// Tells the processor that this memory will be read soon.
static inline void ltd_cpu_prefetch(const void *address) { __builtin_prefetch(address); }

// Why the work of a thread has to end: bits, 0 while there is no reason. Threads and signal handlers may set them.
typedef struct ltd_stop {
  unsigned bits;
  void *owner;
} ltd_stop;

static inline unsigned ltd_stop_bits(const ltd_stop *stop) { return __atomic_load_n(&stop->bits, __ATOMIC_RELAXED); }
static inline void ltd_stop_set(ltd_stop *stop, unsigned bits) { __atomic_fetch_or(&stop->bits, bits, __ATOMIC_SEQ_CST); }
static inline void ltd_stop_clear(ltd_stop *stop, unsigned bits) {
  __atomic_fetch_and(&stop->bits, ~bits, __ATOMIC_SEQ_CST);
}

// How many processors the process may use; 0 where the system does not say.
int ltd_allowed_processors(void);

// What the work of the calling thread answers to; NULL for nothing.
ltd_stop *ltd_thread_stop(void);
void ltd_thread_set_stop(ltd_stop *stop);

// What the run of the calling thread has set: the most bytes that tensors may take, whether operations look for NaN, and
// the processes that run the same script with it (NULL for none).
typedef struct ltd_run_settings {
  long memory_limit;
  bool checks_finite;
  const void *ranks;
} ltd_run_settings;

ltd_run_settings ltd_thread_run_settings(void);
void ltd_thread_set_run_settings(ltd_run_settings settings);

// Whether the calling thread is inside a parallel region (then further regions run serially on it).
bool ltd_thread_in_region(void);
void ltd_thread_set_in_region(bool inside);

// Makes a thread that is about to be woken start on another processor than the caller's: systems may put both on one, and
// take milliseconds to part them. The woken thread calls `ltd_thread_run_anywhere`. One lock must guard both.
void ltd_thread_wake_elsewhere(pthread_t thread);
void ltd_thread_run_anywhere(void);

// The instruction set that the calling thread asks for instead of the chosen one; -1 for none.
int ltd_thread_instruction_set(void);
void ltd_thread_set_instruction_set(int set);
#endif
