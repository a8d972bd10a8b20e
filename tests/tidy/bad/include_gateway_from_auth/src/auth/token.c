#include "gateway/route.h"

int value(void) {
    return 1;
}
