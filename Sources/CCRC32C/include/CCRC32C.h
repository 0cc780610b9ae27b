#ifndef TEAROFF_CCRC32C_H
#define TEAROFF_CCRC32C_H

#include <stddef.h>
#include <stdint.h>

/// CRC32C (Castagnoli, RFC 3720 appendix B.4) of `count` bytes, going on from `crc` (0 to begin).
/// tearoff_crc32c(tearoff_crc32c(0, a), b) is the checksum of a followed by b.
/// Uses the processor's instruction where it has one, a table else.
uint32_t tearoff_crc32c(uint32_t crc, const void *bytes, size_t count);

/// The table form, always; tests hold the two against each other.
uint32_t tearoff_crc32c_portable(uint32_t crc, const void *bytes, size_t count);

#endif
