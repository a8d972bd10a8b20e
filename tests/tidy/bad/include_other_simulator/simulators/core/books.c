#include "simulators/sink/message.h"

int value(void) {
    return 1;
}
