// Starts a program on a pseudo-terminal of its own, for tests of the prompt.
#ifndef PSEUDO_TERMINAL_H
#define PSEUDO_TERMINAL_H
#include <stdint.h>
#include <sys/types.h>

// arguments and variables end with NULL. Returns the terminal's other end, or -1 with errno set.
int pseudo_terminal_start(const char *_Nonnull path, char *_Nullable const *_Nonnull arguments,
                          char *_Nullable const *_Nonnull variables, int rows, int columns, pid_t *_Nonnull process);

// Gives the terminal another size, of which the program is told.
void pseudo_terminal_resize(int terminal, int rows, int columns);
// Columns of a character on a terminal, by the C library; -1 for what cannot be shown.
int column_width(uint32_t character);

// Whether a character belongs to words.
int is_letter_or_digit(uint32_t character);
#endif
