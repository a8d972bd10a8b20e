#include "app/snapshot.h"

#include <unistd.h>

#include "integration/integration.h"
#include "platform/file.h"

int snapshot_open(struct snapshot *snapshot, const struct sandbox *sandbox, struct message *message) {
    char path[SANDBOX_PATH_BYTES_MAX], migrations[SANDBOX_PATH_BYTES_MAX];
    struct store_options options = { .ops = &store_sqlite_ops, .path = path, .migrations = migrations };
    *snapshot = (struct snapshot){ .reader = NULL };
    options.tables = integration_tables(&options.table_count);
    sandbox_path(sandbox, "store/giro.db", path);
    sandbox_project_path(sandbox, "db/sqlite", migrations);
    if (access(path, R_OK) < 0 && errno == EACCES) {
        message_set(message, "%s belongs to another user", path);
        return SANDBOX_E_DENIED;
    }
    if (!file_exists(path)) {
        message_set(message, "there is no sandbox in %s: start one with ./run, or name its folder with --var",
                    sandbox->var);
        return SANDBOX_E_ABSENT;
    }
    int r = arena_init(&snapshot->arena, SNAPSHOT_ARENA_BYTES, SNAPSHOT_ARENA_BYTES_MAX);
    if (!r) r = store_reader_open_only(&options, &snapshot->reader, message);
    if (!r) r = store_reader_begin(snapshot->reader);
    return err_trace(r);
}

void snapshot_release(struct snapshot *snapshot) {
    if (snapshot->reader) {
        store_reader_end(snapshot->reader);
        snapshot->reader = store_reader_close(snapshot->reader);
    }
    arena_release(&snapshot->arena);
}
