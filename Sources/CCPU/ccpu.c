#define _GNU_SOURCE
#include "include/ccpu.h"
#include <limits.h>
#if defined(__linux__)
#include <sched.h>

// The processors that the thread that wakes others may run on.
static cpu_set_t allowed;

void ltd_thread_wake_elsewhere(pthread_t thread) {
  int here = sched_getcpu();
  if (pthread_getaffinity_np(pthread_self(), sizeof allowed, &allowed) != 0 || here < 0) return;
  cpu_set_t others = allowed;
  CPU_CLR(here, &others);
  if (CPU_COUNT(&others) > 0) pthread_setaffinity_np(thread, sizeof others, &others);
}

void ltd_thread_run_anywhere(void) {
  if (CPU_COUNT(&allowed) > 0) pthread_setaffinity_np(pthread_self(), sizeof allowed, &allowed);
}

int ltd_allowed_processors(void) {
  cpu_set_t own;
  return sched_getaffinity(0, sizeof own, &own) == 0 ? CPU_COUNT(&own) : 0;
}
#else
int ltd_allowed_processors(void) { return 0; }
void ltd_thread_wake_elsewhere(pthread_t thread) {}
void ltd_thread_run_anywhere(void) {}
#endif

static _Thread_local bool in_region;

bool ltd_thread_in_region(void) { return in_region; }
void ltd_thread_set_in_region(bool inside) { in_region = inside; }

static _Thread_local ltd_stop *stop_word;

ltd_stop *ltd_thread_stop(void) { return stop_word; }
void ltd_thread_set_stop(ltd_stop *stop) { stop_word = stop; }

static _Thread_local ltd_run_settings run_settings = {LONG_MAX, false, 0};

ltd_run_settings ltd_thread_run_settings(void) { return run_settings; }
void ltd_thread_set_run_settings(ltd_run_settings settings) { run_settings = settings; }

static _Thread_local int instruction_set = -1;

int ltd_thread_instruction_set(void) { return instruction_set; }
void ltd_thread_set_instruction_set(int set) { instruction_set = set; }
