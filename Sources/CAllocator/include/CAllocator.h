#ifndef LTD_CALLOCATOR_H
#define LTD_CALLOCATOR_H

/// Makes malloc take memory from the system in large pieces and keep what is freed: programs fill and empty it quickly, and
/// the standard settings go to the system for every few pages. To be called before other threads start.
void ltd_keep_freed_memory(void);

#endif
