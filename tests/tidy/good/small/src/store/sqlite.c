#include "store/sqlite.h"

#include "platform/clock.h"
#include "store/sqlite_int.h"

#include <sqlite3.h>

int sqlite_open(struct sqlite *sqlite, const char *path, int flags, int mode, long at) {
    return sqlite->time(path, flags) + sqlite->system.rand(mode, at);
}
