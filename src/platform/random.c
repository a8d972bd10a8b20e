#include "platform/random.h"

#include <sys/random.h>

void random_bytes(void *bytes, size_t len) {
    unsigned char *at = bytes;
    while (len) {
        ssize_t got = getrandom(at, len, 0);
        if (got < 0 && errno == EINTR) continue;
        check(got > 0);
        at += got;
        len -= (size_t)got;
    }
}
