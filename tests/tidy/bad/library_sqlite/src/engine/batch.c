#include <sqlite3.h>

int value(void) {
    return 1;
}
