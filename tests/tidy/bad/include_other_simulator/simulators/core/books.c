#include "sink/message.h"

int value(void) {
    return 1;
}
