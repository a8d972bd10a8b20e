/* store_sqlite.c - the store in one SQLite file.
 *
 * (Q1) A commit that returned 0 has its frames and its commit mark flushed in the log (WAL, synchronous=FULL).
 * (Q2) Whatever fails before COMMIT leaves no commit mark in the log: rolled back, nothing of it is there.
 * (Q3) What fails in COMMIT itself is decided by what can have reached the log:
 *        no space                  the mark was not written                                 -> STORE_E_FULL
 *        a failing write           the mark may be there in part; a small commit of our own
 *                                  over its first frame buries it for good                  -> STORE_E_UNDONE
 *        a flush, or anything else the mark may be there, the disk is not to be trusted  -> unknown and a marker
 * (Q4) One process writes: it holds the lock file from open to close. */
#include "store/store_sqlite_int.h"

#include <unistd.h>

struct sqlite_store {
    struct store base;
    char path[STORE_PATH_BYTES_MAX];
    int lock_fd;
    struct seal_ring *ring; /* NULL: stock */
    struct sqlite_connection writer;
    struct sqlite_checkpoint checkpoint;
    uint64_t page_bytes, log_bytes; /* log_bytes: after the last commit */
    /* failed commits buried; kept in the file's user_version only to have something to write */
    int32_t buried;
};

struct sqlite_reader {
    struct store_reader base;
    char path[STORE_PATH_BYTES_MAX]; /* this and ring: of a reader without a store */
    struct seal_ring *ring;
    struct sqlite_connection connection;
};

static struct sqlite_store *of_store(struct store *store) {
    return (struct sqlite_store *)store;
}

static struct sqlite_reader *of_reader(struct store_reader *reader) {
    return (struct sqlite_reader *)reader;
}

/* Behind every commit of the writer; pages is the length of the log. */
static int on_commit(void *ctx, sqlite3 *db, const char *name, int pages) {
    struct sqlite_store *store = ctx;
    (void)db, (void)name;
    /* log header, frame headers (SQLite file format) */
    store->log_bytes = 32 + (uint64_t)pages * (store->page_bytes + 24);
    return SQLITE_OK;
}

static int read_number(sqlite3 *db, const char *sql, int64_t *ret_value) {
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    if (code == SQLITE_OK) code = sqlite3_step(statement);
    if (code == SQLITE_ROW) *ret_value = sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement); /* repeats the step's code */
    return code == SQLITE_ROW ? 0 : err_origin(sqlite_fault(code));
}

static int quick_check(sqlite3 *db) {
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &statement, NULL);
    if (code == SQLITE_OK) code = sqlite3_step(statement);
    const char *verdict = code == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : NULL;
    int r = verdict && strcmp(verdict, "ok") == 0 ? 0 : code == SQLITE_ROW ? -EBADMSG : sqlite_fault(code);
    (void)sqlite3_finalize(statement); /* repeats the step's code */
    return r ? err_origin(r) : 0;
}

/* Global settings come before SQLite's first use; in a program that used it already they are refused, which is
 * harmless. */
static void settle_library(void) {
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* its counters are one lock for all threads */
    sqlite_page_cache_install();
}

static int path_copy(const char *path, char text[STORE_PATH_BYTES_MAX], struct message *message) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, settle_library); /* cannot fail with a valid control */
    check(path);
    if (str_to_c(str_from_c(path), text, STORE_PATH_BYTES_MAX) == 0) return 0;
    message_set(message, "the store's path is longer than %d bytes", STORE_PATH_BYTES_MAX - 1);
    return err_origin(-ENAMETOOLONG);
}

/* Everything behind the lock. */
static int open_locked(struct sqlite_store *store, const struct store_options *options, struct message *message) {
    bool marker = sqlite_marker_found(store->path, store->lock_fd);
    int r = sqlite_log_is_of_store(store->path, message);
    if (r == 0 && options->key) r = sqlite_seal_open(store->path, options->key, &store->ring, message);
    if (r == 0 && marker) r = sqlite_log_refresh(store->path, message);
    if (r == 0 && store->ring) r = sqlite_seal_create(store->ring, store->path, message);
    if (r == 0 && store->ring) r = sqlite_seal_renew(&store->ring, message);
    if (r == 0) r = sqlite_file_create(store->path, message);
    if (r == 0) r = sqlite_connection_open(&store->writer, store->path, ACCESS_WRITER, store->ring, message);
    if (r == 0 && marker) r = quick_check(store->writer.db);
    if (r == 0) r = sqlite_migrate(store->writer.db, options->migrations, message);
    if (r == 0) r = sqlite_check_tables(store->writer.db, &store->base.catalog, message);
    if (r == 0) r = sqlite_connection_prepare(&store->writer, &store->base.catalog, ACCESS_WRITER, message);
    if (r) return err_trace(r);
    int64_t page_bytes, buried;
    r = read_number(store->writer.db, "PRAGMA page_size", &page_bytes);
    if (r == 0) r = read_number(store->writer.db, "PRAGMA user_version", &buried);
    if (r) return err_trace(r);
    store->page_bytes = (uint64_t)page_bytes;
    store->buried = (int32_t)buried;
    (void)sqlite3_wal_hook(store->writer.db, on_commit, store); /* gives the hook before it: none */
    store->checkpoint.turns = &store->base.changes->turns;
    r = sqlite_checkpoint_start(&store->checkpoint, store->path, store->ring, message);
    if (r == 0 && marker) r = sqlite_marker_remove(store->path, store->lock_fd, message);
    return err_trace(r);
}

static void sqlite_close(struct store *base) {
    struct sqlite_store *store = of_store(base);
    sqlite_checkpoint_stop(&store->checkpoint);
    if (base->unknown) /* the log stays as it is, for the next start to copy */
        (void)sqlite3_db_config(store->writer.db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite_connection_release(&store->writer);
    (void)sqlite_seal_close(store->ring);
    if (store->lock_fd >= 0) (void)close(store->lock_fd); /* gives up the lock; nothing buffered */
    free(store->base.changes);
    free(store);
}

static int sqlite_open(const struct store_options *options, struct store **ret_store, struct message *message) {
    check(options->migrations);
    struct sqlite_store *store = calloc(1, sizeof *store);
    if (!store) return err_origin(-ENOMEM);
    store->base.ops = &store_sqlite_ops;
    store->base.culprit = -1;
    store->base.changes = store_changes_new();
    if (!store->base.changes) {
        free(store);
        return err_origin(-ENOMEM);
    }
    store->lock_fd = -1;
    store_catalog_init(&store->base.catalog, options);
    int r = path_copy(options->path, store->path, message);
    if (r == 0) r = sqlite_lock_take(store->path, &store->lock_fd, message);
    if (r == 0) r = open_locked(store, options, message);
    if (r == -EBADMSG && store->ring && atomic_load(&store->ring->keyless))
        message_set(message, "the keys file %s-keys is older than the store: put back the one that belongs to it",
                    store->path);
    else if (r == -EBADMSG) message_set(message, "the store %s is damaged: restore it from a backup", store->path);
    if (r) sqlite_close(&store->base);
    else *ret_store = &store->base;
    return err_trace(r);
}

static int sqlite_store_load(struct store *base, struct store_probe *probes, size_t count, struct arena *arena) {
    return err_trace(sqlite_load(&of_store(base)->writer, probes, count, arena, false));
}

/* Runs one change; SQLITE_NOTFOUND stands for an UPDATE or DELETE that found no row. */
static int write_change(struct sqlite_connection *writer, const struct store_change *change) {
    const struct table *table = change->table;
    const struct sqlite_statements *statements = &writer->tables[store_catalog_find(writer->catalog, table)];
    sqlite3_stmt *statement = statements->insert;
    if (change->kind == STORE_DELETE) {
        const struct table_index *key = &table->indexes[0];
        statement = statements->erase;
        for (uint8_t i = 0; i < key->column_count; i++)
            sqlite_bind_column(statement, i + 1, &table->columns[key->columns[i]], change->row);
    } else {
        if (change->kind == STORE_UPDATE) statement = statements->update;
        for (int i = 0; i < table->column_count; i++)
            sqlite_bind_column(statement, i + 1, &table->columns[i], change->row);
    }
    int code = sqlite_run(statement);
    if (code != SQLITE_OK || change->kind == STORE_INSERT) return code;
    return sqlite3_changes(writer->db) == 1 ? SQLITE_OK : SQLITE_NOTFOUND;
}

static bool is_rows_fault(int code) {
    int kind = code & 0xff;
    return kind == SQLITE_CONSTRAINT || kind == SQLITE_NOTFOUND || kind == SQLITE_MISMATCH || kind == SQLITE_TOOBIG;
}

static bool is_full(struct sqlite_store *store, int code) {
    if ((code & 0xff) == SQLITE_FULL) return true;
    int cause = sqlite3_system_errno(store->writer.db);
    return code == SQLITE_IOERR_WRITE && (cause == ENOSPC || cause == EDQUOT);
}

static int outcome_unknown(struct sqlite_store *store, int r) {
    store->base.unknown = true;
    sqlite_marker_leave(store->path, store->lock_fd);
    return err_origin(r);
}

static bool roll_back(struct sqlite_store *store) {
    /* looked at in the next line */
    if (!sqlite3_get_autocommit(store->writer.db)) (void)sqlite_run(store->writer.rollback);
    return sqlite3_get_autocommit(store->writer.db) != 0;
}

/* A fresh read agrees: the first change of the batch, which ran without an error, is not there. */
static bool is_not_there(struct sqlite_store *store, const struct store_change *first) {
    struct arena arena;
    struct store_probe probe = { .table = first->table, .index = 0, .row = first->row };
    if (arena_init(&arena, 4096, 64 * 1024 * 1024)) return false;
    int r = sqlite_load(&store->writer, &probe, 1, &arena, false);
    bool expected = first->kind != STORE_INSERT; /* an UPDATE or DELETE had found its row */
    arena_release(&arena);
    return r == 0 && (probe.ret_row != NULL) == expected;
}

/* Nothing of the batch was marked as committed (Q2). done: changes that had run. */
static int failed_before_commit(struct sqlite_store *store, const struct store_change *changes, size_t done, int code) {
    bool full = is_full(store, code);
    if (sqlite_is_damage(code)) {
        (void)roll_back(store); /* the process ends, and the next start looks at the whole file */
        return outcome_unknown(store, -EBADMSG);
    }
    if (!roll_back(store)) return outcome_unknown(store, -EIO);
    if (is_rows_fault(code)) store->base.culprit = (long)done;
    else if (done > 0 && !is_not_there(store, &changes[0])) return outcome_unknown(store, -EIO);
    return full ? STORE_E_FULL : STORE_E_UNDONE;
}

/* Writes over the first frame of the failed batch, so that no later recovery of the log can find its mark (Q3). */
static bool bury(struct sqlite_store *store) {
    char sql[64];
    store->buried = store->buried < INT32_MAX ? store->buried + 1 : 0;
    (void)snprintf(sql, sizeof sql, "PRAGMA user_version = %d", (int)store->buried); /* fits */
    return sqlite3_exec(store->writer.db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static int failed_in_commit(struct sqlite_store *store, const struct store_change *changes, int code) {
    bool full = is_full(store, code), busy = (code & 0xff) == SQLITE_BUSY;
    bool decided = full || busy || code == SQLITE_IOERR_WRITE;
    if (!roll_back(store) || !decided) return outcome_unknown(store, sqlite_fault(code));
    if (!is_not_there(store, &changes[0])) return outcome_unknown(store, -EIO);
    if (full) return STORE_E_FULL;
    return busy || bury(store) ? STORE_E_UNDONE : outcome_unknown(store, -EIO);
}

static int commit_changes(struct sqlite_store *store, const struct store_change *changes, size_t count) {
    int code = sqlite_run(store->writer.begin_immediate);
    if (code != SQLITE_OK) return failed_before_commit(store, changes, 0, code);
    for (size_t i = 0; i < count; i++) {
        code = write_change(&store->writer, &changes[i]);
        if (code != SQLITE_OK) return failed_before_commit(store, changes, i, code);
    }
    code = sqlite_run(store->writer.commit);
    return code == SQLITE_OK ? 0 : failed_in_commit(store, changes, code);
}

static int sqlite_commit(struct store *base, const struct store_change *changes, size_t count) {
    struct sqlite_store *store = of_store(base);
    sqlite_checkpoint_enter(&store->checkpoint);
    int r = commit_changes(store, changes, count);
    sqlite_checkpoint_leave(&store->checkpoint, store->log_bytes);
    return r;
}

static void sqlite_reader_close(struct store_reader *base) {
    sqlite_connection_release(&of_reader(base)->connection);
    (void)sqlite_seal_close(of_reader(base)->ring);
    free(base);
}

static int sqlite_reader_open(struct store *base, struct store_reader **ret_reader) {
    struct sqlite_reader *reader = calloc(1, sizeof *reader);
    if (!reader) return err_origin(-ENOMEM);
    reader->base = (struct store_reader){ .ops = base->ops, .catalog = base->catalog, .store = base };
    struct sqlite_store *store = of_store(base);
    int r = sqlite_connection_open(&reader->connection, store->path, ACCESS_READER, store->ring, NULL);
    if (r == 0) r = sqlite_connection_prepare(&reader->connection, &reader->base.catalog, ACCESS_READER, NULL);
    if (r) sqlite_reader_close(&reader->base);
    else *ret_reader = &reader->base;
    return err_trace(r);
}

static int reader_open_file(struct sqlite_reader *reader, const struct secret_bytes *key, struct message *message) {
    const char *path = reader->path;
    if (sqlite_marker_found(path, -1)) {
        message_set(message, "the store %s ended in the middle of a commit: start the daemon once, it will find out",
                    path);
        return err_origin(-EBUSY);
    }
    int r = key ? sqlite_seal_open(path, key, &reader->ring, message) : 0;
    if (r == 0) r = sqlite_connection_open(&reader->connection, path, ACCESS_READER, reader->ring, message);
    if (r == 0) r = sqlite_check_tables(reader->connection.db, &reader->base.catalog, message);
    if (r == 0) r = sqlite_connection_prepare(&reader->connection, &reader->base.catalog, ACCESS_READER, message);
    return err_trace(r);
}

static int sqlite_reader_open_only(const struct store_options *options, struct store_reader **ret_reader,
                                   struct message *message) {
    struct sqlite_reader *reader = calloc(1, sizeof *reader);
    if (!reader) return err_origin(-ENOMEM);
    reader->base.ops = &store_sqlite_ops;
    store_catalog_init(&reader->base.catalog, options);
    int r = path_copy(options->path, reader->path, message);
    if (r == 0) r = reader_open_file(reader, options->key, message);
    if (r) sqlite_reader_close(&reader->base);
    else *ret_reader = &reader->base;
    return err_trace(r);
}

static int sqlite_reader_begin(struct store_reader *base) {
    struct sqlite_connection *connection = &of_reader(base)->connection;
    int code = sqlite_run(connection->begin);
    if (code == SQLITE_OK) code = sqlite_run(connection->pin); /* the first read takes the snapshot */
    if (code == SQLITE_OK) return 0;
    if (!sqlite3_get_autocommit(connection->db)) (void)sqlite_run(connection->rollback); /* nothing was written */
    return err_origin(sqlite_fault(code));
}

static void sqlite_reader_end(struct store_reader *base) {
    struct sqlite_connection *connection = &of_reader(base)->connection;
    /* a failed read may have ended it */
    if (!sqlite3_get_autocommit(connection->db)) (void)sqlite_run(connection->rollback);
}

static int sqlite_read(struct store_reader *base, struct store_probe *probes, size_t count, struct arena *arena) {
    return err_trace(sqlite_load(&of_reader(base)->connection, probes, count, arena, base->inside));
}

static int sqlite_range(struct store_reader *base, const struct store_range *range, struct arena *arena,
                        int (*each)(void *ctx, const void *row), void *ctx) {
    return sqlite_walk(&of_reader(base)->connection, range, arena, each, ctx);
}

const struct store_ops store_sqlite_ops = {
    .name = "sqlite",
    .open = sqlite_open,
    .close = sqlite_close,
    .load = sqlite_store_load,
    .commit = sqlite_commit,
    .reader_open = sqlite_reader_open,
    .reader_open_only = sqlite_reader_open_only,
    .reader_close = sqlite_reader_close,
    .reader_begin = sqlite_reader_begin,
    .reader_end = sqlite_reader_end,
    .read = sqlite_read,
    .range = sqlite_range,
};
