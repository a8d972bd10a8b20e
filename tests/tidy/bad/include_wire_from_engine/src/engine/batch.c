#include "wire/json.h"

int value(void) {
    return 1;
}
