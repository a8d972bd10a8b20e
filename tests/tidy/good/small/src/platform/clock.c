#include "platform/clock.h"

#include <openssl/evp.h>
#include <sys/socket.h>
#include <time.h>

long clock_now(void) {
    return (long)time(NULL);
}
