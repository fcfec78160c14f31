#include "include/ccpu.h"

static _Thread_local bool in_region;

bool ltd_thread_in_region(void) { return in_region; }
void ltd_thread_set_in_region(bool inside) { in_region = inside; }
