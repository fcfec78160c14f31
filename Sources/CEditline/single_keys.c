#define _GNU_SOURCE
#include "include/single_keys.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <termios.h>
#include <unistd.h>

static struct termios usual;
static atomic_bool is_entered;
// Set by what ends the process, after which nobody takes the terminal any more.
static atomic_bool is_over;
static int stops[2] = {-1, -1};

// What ends the process unasked, the crashes last: those are handed on to whoever else handles them.
static const int ends[] = {SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGXCPU, SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};
enum { end_count = sizeof ends / sizeof *ends, first_crash = 5 };
static struct sigaction others[end_count];
static bool is_ours[end_count];

void ltd_single_keys_restore(void) {
  atomic_store(&is_over, true);
  if (!atomic_exchange(&is_entered, false)) return;
  static const char shown[] = "\r\x1b[J\x1b[?25h";
  ssize_t wrote = write(STDERR_FILENO, shown, sizeof shown - 1);
  (void)wrote;
  tcsetattr(STDIN_FILENO, TCSANOW, &usual);
}

// As it would have ended, with the terminal in order.
static void on_end(int number) {
  int before = errno;
  ltd_single_keys_restore();
  for (int i = 0; i < end_count; i++) {
    if (ends[i] != number) continue;
    if (others[i].sa_handler == on_end) others[i].sa_handler = SIG_DFL;
    sigaction(number, &others[i], NULL);
  }
  raise(number);
  errno = before;
}

static void on_stop(int number) {
  (void)number;
  int before = errno;
  ssize_t wrote = write(stops[1], "z", 1);
  (void)wrote;
  errno = before;
}

// Handles a signal, unless somebody else does whose handler must be the first.
static bool take(int number, void (*handler)(int), struct sigaction *found, bool is_crash) {
  if (sigaction(number, NULL, found) != 0 || (!is_crash && found->sa_handler != SIG_DFL)) return false;
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART | (found->sa_flags & SA_ONSTACK)};
  sigemptyset(&action.sa_mask);
  return sigaction(number, &action, NULL) == 0;
}

static struct sigaction usual_stop;
static bool takes_stop;

bool ltd_is_in_foreground(void) { return tcgetpgrp(STDIN_FILENO) == getpgrp(); }

int ltd_single_keys_stops(void) {
  if (stops[0] < 0 && pipe2(stops, O_NONBLOCK | O_CLOEXEC) != 0) return -1;
  return stops[0];
}

static void set_mode(void) {
  struct termios mode = usual;
  mode.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ECHONL | IEXTEN);
  mode.c_lflag |= ISIG;
  mode.c_cc[VMIN] = 0;
  mode.c_cc[VTIME] = 0;
  tcsetattr(STDIN_FILENO, TCSANOW, &mode);
}

bool ltd_single_keys_enter(void) {
  if (atomic_load(&is_over)) return false;
  if (atomic_load(&is_entered)) {
    // A shell that brings a job to the front may set its terminal after the job has.
    struct termios now;
    if (tcgetattr(STDIN_FILENO, &now) == 0 && (now.c_lflag & ICANON) != 0) set_mode();
    return true;
  }
  if (ltd_single_keys_stops() < 0 || !ltd_is_in_foreground() || tcgetattr(STDIN_FILENO, &usual) != 0) return false;
  atomic_store(&is_entered, true);
  for (int i = 0; i < end_count; i++) is_ours[i] = take(ends[i], on_end, &others[i], i >= first_crash);
  takes_stop = take(SIGTSTP, on_stop, &usual_stop, false);
  set_mode();
  static const char hidden[] = "\x1b[?25l";
  ssize_t wrote = write(STDERR_FILENO, hidden, sizeof hidden - 1);
  (void)wrote;
  return true;
}

void ltd_single_keys_leave(void) {
  if (!atomic_exchange(&is_entered, false)) return;
  static const char shown[] = "\x1b[?25h";
  ssize_t wrote = write(STDERR_FILENO, shown, sizeof shown - 1);
  (void)wrote;
  // In the background the terminal is somebody else's, who has set it as he likes.
  if (ltd_is_in_foreground()) tcsetattr(STDIN_FILENO, TCSANOW, &usual);
  for (int i = 0; i < end_count; i++) {
    if (is_ours[i]) sigaction(ends[i], &others[i], NULL);
  }
  if (takes_stop) sigaction(SIGTSTP, &usual_stop, NULL);
}
