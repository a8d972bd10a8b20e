#include <uthash.h>

int value(void) {
    return 1;
}
