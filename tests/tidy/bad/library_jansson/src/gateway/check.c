#include <jansson.h>

int value(void) {
    return 1;
}
