// epoll, which the Glibc module leaves out, and one call that Swift cannot make because it is variadic.
#ifndef TEAROFF_CEPOLL_H
#define TEAROFF_CEPOLL_H

#include <sys/epoll.h>

/// Sets how late the calling thread's timers may be, in nanoseconds.
void tearoff_set_timer_slack(unsigned long nanoseconds);

#endif
