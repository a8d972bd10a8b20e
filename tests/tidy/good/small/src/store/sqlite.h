#ifndef GIRO_STORE_SQLITE_H
#define GIRO_STORE_SQLITE_H

struct sqlite;
int sqlite_open(struct sqlite *sqlite, const char *path, int flags, int mode, long at);

#endif
