#ifndef TEAROFF_CPREFETCH_H
#define TEAROFF_CPREFETCH_H

#include <stdint.h>

/// Asks the processor to fetch the cache line at `address`; Swift has no word for it. Reads nothing: any
/// address will do, mapped or not.
static inline void tearoff_prefetch(uintptr_t address) { __builtin_prefetch((const void *)address, 0, 3); }

#endif
