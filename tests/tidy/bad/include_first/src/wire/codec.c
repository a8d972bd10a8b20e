#include <stdint.h>
#include "wire/codec.h"

int value(void) {
    return 1;
}
