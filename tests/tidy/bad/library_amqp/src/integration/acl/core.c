#include <amqp.h>

int value(void) {
    return 1;
}
