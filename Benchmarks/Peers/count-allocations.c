// Loaded before a program (LD_PRELOAD), counts its allocations in the first eight bytes of $ALLOCATION_COUNT_FILE, where
// others may look while it runs.
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

static _Atomic uint64_t unseen;
static _Atomic uint64_t *count = &unseen;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("ALLOCATION_COUNT_FILE");
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *memory = mmap(0, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (memory != MAP_FAILED) count = memory;
    close(file);
}

void *malloc(size_t size) { return atomic_fetch_add(count, 1), __libc_malloc(size); }
void *calloc(size_t number, size_t size) { return atomic_fetch_add(count, 1), __libc_calloc(number, size); }
void *realloc(void *old, size_t size) { return atomic_fetch_add(count, 1), __libc_realloc(old, size); }
void *aligned_alloc(size_t alignment, size_t size) { return atomic_fetch_add(count, 1), __libc_memalign(alignment, size); }
int posix_memalign(void **result, size_t alignment, size_t size) {
    *result = aligned_alloc(alignment, size);
    return *result ? 0 : ENOMEM;
}
