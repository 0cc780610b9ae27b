#include "CCallgrind.h"

#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>

bool tearoff_knows_callgrind(void) { return true; }
bool tearoff_runs_under_valgrind(void) { return RUNNING_ON_VALGRIND != 0; }
void tearoff_start_counting(void) { CALLGRIND_START_INSTRUMENTATION; }
void tearoff_stop_counting(void) { CALLGRIND_STOP_INSTRUMENTATION; }
#else
// Most machines that build Tearoff have no valgrind, and need none.
bool tearoff_knows_callgrind(void) { return false; }
bool tearoff_runs_under_valgrind(void) { return false; }
void tearoff_start_counting(void) {}
void tearoff_stop_counting(void) {}
#endif
