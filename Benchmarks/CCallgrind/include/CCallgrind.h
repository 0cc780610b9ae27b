// Where callgrind begins and stops to count instructions.
#ifndef TEAROFF_CCALLGRIND_H
#define TEAROFF_CCALLGRIND_H

#include <stdbool.h>

/// Whether valgrind's headers were there when this was built; without them the others do nothing.
bool tearoff_knows_callgrind(void);

/// Whether valgrind runs this process.
bool tearoff_runs_under_valgrind(void);

void tearoff_start_counting(void);
void tearoff_stop_counting(void);

#endif
