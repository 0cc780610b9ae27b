// A library that has something to do when a process exits in the usual way, and does it badly. To be loaded before the
// C library (LD_PRELOAD); test_shutdown.py builds it and says what it is for.

#include <stdlib.h>

__attribute__((destructor)) static void end(void) { abort(); }
