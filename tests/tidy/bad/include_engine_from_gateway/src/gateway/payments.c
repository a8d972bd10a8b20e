#include "engine/engine.h"

int value(void) {
    return 1;
}
