// hiredis.h uses struct timeval without including its header.
#include <sys/time.h>
#include <sys/prctl.h>
#include <hiredis/hiredis.h>
#include <hiredis/read.h>

// prctl is variadic, which Swift does not import: this names the calling thread (15 bytes at most are kept).
static inline void collectord_name_current_thread(const char *name) {
    prctl(PR_SET_NAME, name, 0, 0, 0);
}
