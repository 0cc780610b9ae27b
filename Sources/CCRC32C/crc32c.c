#include "CCRC32C.h"

#include <stdatomic.h>
#include <string.h>

#if defined(__x86_64__)
#include <nmmintrin.h>
#elif defined(__aarch64__)
#include <arm_acle.h>
#if defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif
#endif

// The reflected Castagnoli polynomial 0x1EDC6F41, one nibble at a time: 64 bytes of table stay in
// one cache line, and this form only serves processors older than 2008.
static const uint32_t nibble_table[16] = {
    0x00000000, 0x105EC76F, 0x20BD8EDE, 0x30E349B1, 0x417B1DBC, 0x5125DAD3, 0x61C69362, 0x7198540D,
    0x82F63B78, 0x92A8FC17, 0xA24BB5A6, 0xB21572C9, 0xC38D26C4, 0xD3D3E1AB, 0xE330A81A, 0xF36E6F75,
};

uint32_t tearoff_crc32c_portable(uint32_t crc, const void *bytes, size_t count) {
    const uint8_t *next = bytes;
    crc = ~crc;
    for (; count > 0; count -= 1, next += 1) {
        crc ^= *next;
        crc = (crc >> 4) ^ nibble_table[crc & 15];
        crc = (crc >> 4) ^ nibble_table[crc & 15];
    }
    return ~crc;
}

#if defined(__x86_64__)

__attribute__((target("sse4.2")))
static uint32_t crc32c_instruction(uint32_t crc, const void *bytes, size_t count) {
    const uint8_t *next = bytes;
    uint64_t wide = ~crc;
    for (; count >= 8; count -= 8, next += 8) {
        uint64_t word;
        memcpy(&word, next, 8);
        wide = _mm_crc32_u64(wide, word);
    }
    uint32_t narrow = (uint32_t)wide;
    for (; count > 0; count -= 1, next += 1) {
        narrow = _mm_crc32_u8(narrow, *next);
    }
    return ~narrow;
}

static int has_instruction(void) { return __builtin_cpu_supports("sse4.2") != 0; }

#elif defined(__aarch64__)

__attribute__((target("crc")))
static uint32_t crc32c_instruction(uint32_t crc, const void *bytes, size_t count) {
    const uint8_t *next = bytes;
    crc = ~crc;
    for (; count >= 8; count -= 8, next += 8) {
        uint64_t word;
        memcpy(&word, next, 8);
        crc = __crc32cd(crc, word);
    }
    for (; count > 0; count -= 1, next += 1) {
        crc = __crc32cb(crc, *next);
    }
    return ~crc;
}

#if defined(__linux__)
static int has_instruction(void) { return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0; }
#else
static int has_instruction(void) { return 1; }
#endif

#else

static uint32_t crc32c_instruction(uint32_t crc, const void *bytes, size_t count) {
    return tearoff_crc32c_portable(crc, bytes, count);
}

static int has_instruction(void) { return 0; }

#endif

uint32_t tearoff_crc32c(uint32_t crc, const void *bytes, size_t count) {
    // 0 unknown, 1 instruction, 2 table. Relaxed: every thread that asks gets the same answer.
    static _Atomic int form = 0;
    int known = atomic_load_explicit(&form, memory_order_relaxed);
    if (known == 0) {
        known = has_instruction() ? 1 : 2;
        atomic_store_explicit(&form, known, memory_order_relaxed);
    }
    return known == 1 ? crc32c_instruction(crc, bytes, count) : tearoff_crc32c_portable(crc, bytes, count);
}
