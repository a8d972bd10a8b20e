#include "integration/saga/saga.h"

int value(void) {
    return 1;
}
