/* snapshot.h - the sandbox's store as the command line reads it: one committed state, beside the running daemon or
 * without it. */
#ifndef GIRO_APP_SNAPSHOT_H
#define GIRO_APP_SNAPSHOT_H

#include "app/sandbox.h"
#include "store/store.h"

enum { SNAPSHOT_ARENA_BYTES = 64 * 1024, SNAPSHOT_ARENA_BYTES_MAX = 64 * 1024 * 1024 };

struct snapshot {
    struct store_reader *reader;
    struct arena arena; /* rows live here */
};
/* 0; SANDBOX_E_ABSENT (no store there); -errno with a sentence. Release it in any case. */
int snapshot_open(struct snapshot *snapshot, const struct sandbox *sandbox, struct message *message) MUST_USE;
void snapshot_release(struct snapshot *snapshot);

#endif
