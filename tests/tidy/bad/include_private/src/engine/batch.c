#include "store/sqlite_int.h"

int value(void) {
    return 1;
}
