#include "CAllocator.h"

#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

void ltd_keep_freed_memory(void) {
#ifdef __GLIBC__
  const int piece = 64 << 20; // as much as a thread's heap can grow by
  mallopt(M_TOP_PAD, piece);
  mallopt(M_TRIM_THRESHOLD, 4 * piece);
  mallopt(M_MMAP_THRESHOLD, piece / 2);
#endif
}
