#ifndef GIRO_STORE_SQLITE_INT_H
#define GIRO_STORE_SQLITE_INT_H

struct sqlite {
    int (*time)(const char *path, int flags);
    struct {
        int (*rand)(int mode, long at);
    } system;
};

#endif
