// The terminal while single keys are read beside work that goes on: its mode, and the usual one again whatever ends the
// process.
//
// Lines are not gathered and keys not echoed, but Ctrl-C and Ctrl-Z stay signals. Signals that would end the process
// unasked (a termination, a hang-up, a broken pipe, a crash) put the usual mode back first, and do then what they would
// have done; where somebody else handles one, other than a crash, it is left to him. Ctrl-Z is not obeyed at once: it is a byte to be read, so that what is drawn can be taken away
// and the mode put back before the process is stopped. One user at a time.
#ifndef SINGLE_KEYS_H
#define SINGLE_KEYS_H
#include <stdbool.h>

// Sets the mode of standard input and hides the cursor on standard error. False where it is no terminal, or that of
// somebody in the foreground. Where the mode is set already it is set again if somebody else has changed it.
bool ltd_single_keys_enter(void);
// Puts the usual mode and the usual handling of signals back; nothing where they are there.
void ltd_single_keys_leave(void);
// Puts the usual mode back from a signal handler, and nothing else.
void ltd_single_keys_restore(void);
// A descriptor from which a byte is read for each Ctrl-Z; below 0 where there is none.
int ltd_single_keys_stops(void);
// Whether this process has the terminal of standard input.
bool ltd_is_in_foreground(void);
#endif
