#include "include/pseudo_terminal.h"
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <unistd.h>

int pseudo_terminal_start(const char *path, char *const *arguments, char *const *variables, int rows, int columns,
                          pid_t *process) {
  struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
  int terminal = -1;
  *process = forkpty(&terminal, NULL, NULL, &size);
  if (*process < 0) return -1;
  if (*process == 0) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGINT, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    execve(path, arguments, variables);
    _exit(127);
  }
  fcntl(terminal, F_SETFD, FD_CLOEXEC);
  return terminal;
}
