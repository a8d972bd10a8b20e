#include <sys/socket.h>

int value(void) {
    return 1;
}
