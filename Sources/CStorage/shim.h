// What Swift cannot reach by itself: the processor's instruction for CRC-32C, and syncfs.
#ifndef COLLECTORD_CSTORAGE_SHIM_H
#define COLLECTORD_CSTORAGE_SHIM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

// glibc declares these for _GNU_SOURCE only.
extern int syncfs(int descriptor);
extern int pthread_setname_np(unsigned long thread, const char *name);

#if defined(__x86_64__)
#include <cpuid.h>

static inline int storage_has_crc32c(void) {
    unsigned int a, b, c = 0, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_SSE4_2);
}

__attribute__((target("sse4.2")))
static inline uint32_t storage_crc32c(uint32_t state, const void *bytes, size_t count) {
    const unsigned char *at = (const unsigned char *)bytes;
    uint64_t crc = state, word;
    for (; count >= 8; count -= 8, at += 8) {
        memcpy(&word, at, 8);
        crc = __builtin_ia32_crc32di(crc, word);
    }
    for (; count > 0; count--, at++) crc = __builtin_ia32_crc32qi((uint32_t)crc, *at);
    return (uint32_t)crc;
}
#elif defined(__aarch64__)
#include <arm_acle.h>
#include <sys/auxv.h>

static inline int storage_has_crc32c(void) { return (getauxval(AT_HWCAP) & (1UL << 7)) != 0; }

__attribute__((target("crc")))
static inline uint32_t storage_crc32c(uint32_t state, const void *bytes, size_t count) {
    const unsigned char *at = (const unsigned char *)bytes;
    uint64_t word;
    for (; count >= 8; count -= 8, at += 8) {
        memcpy(&word, at, 8);
        state = __crc32cd(state, word);
    }
    for (; count > 0; count--, at++) state = __crc32cb(state, *at);
    return state;
}
#else
static inline int storage_has_crc32c(void) { return 0; }
static inline uint32_t storage_crc32c(uint32_t state, const void *bytes, size_t count) {
    (void)bytes; (void)count;
    return state;
}
#endif
#endif
