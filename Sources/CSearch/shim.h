#include <stddef.h>

// The system's headers keep it to themselves unless asked for all that is not standard.
void *memmem(const void *text, size_t text_count, const void *part, size_t part_count);
