#include <cmocka.h>

int value(void) {
    return 1;
}
