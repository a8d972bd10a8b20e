#include "store/store.h"

int value(void) {
    return 1;
}
