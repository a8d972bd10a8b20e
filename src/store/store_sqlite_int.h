/* store_sqlite_int.h - private to the sqlite adapter: its limits, a connection, and the parts of the adapter.
 *
 * store_sqlite.c             open, commit, close; what a failed commit means
 * store_sqlite_connection.c  a connection with its prepared statements; loading rows, walking ranges
 * store_sqlite_sql.c         the text of the statements
 * store_sqlite_checkpoint.c  the thread that moves the log into the database
 * store_sqlite_page_cache.c  SQLite's page cache, without its walk over every page at a commit
 * store_sqlite_files.c       the writer's lock, the marker of an unknown commit, the fresh copy of the log
 * store_sqlite_migration.c   numbered migrations
 * store_sqlite_check.c       the database against the descriptors
 * store_sqlite_seal.h        the VFS that seals database and log (its parts are listed there) */
#ifndef GIRO_STORE_STORE_SQLITE_INT_H
#define GIRO_STORE_STORE_SQLITE_INT_H

#include <pthread.h>
#include <sqlite3.h>

#include "platform/buffer.h"
#include "store/store_int.h"
#include "store/store_sqlite_seal.h"

enum {
    STORE_PATH_BYTES_MAX = 1024,            /* of the database file; its companions add a suffix */
    STORE_COMPANION_BYTES_MAX = STORE_PATH_BYTES_MAX + 32,
    STORE_SQLITE_VERSION_MIN = 3037000,            /* STRICT tables */
    STORE_BUSY_MS = 2000,                   /* waiting for a foreign writer (the sqlite3 shell), then undone */
    STORE_WRITER_CACHE_KIB = 256 * 1024, /* taken as the store grows; the keys of some million payments */
    STORE_READER_CACHE_KIB = 8 * 1024,
    STORE_STATEMENT_BYTES_MAX = 16 * 1024,  /* 40 columns with their names, a few times over */
    STORE_WAL_SOFT_BYTES = 4 * 1024 * 1024, /* a checkpoint begins */
    STORE_WAL_HARD_BYTES = 64 * 1024 * 1024, /* the writer waits while the log is truncated, if readers let it */
    STORE_SHAPES = TABLE_INDEXES_MAX * (TABLE_KEY_COLUMNS_MAX + 1) * 4
};

/* One prepared range: which index, how many equal columns, a bound or none, up or down. */
struct sqlite_shape {
    uint8_t index, equal_columns;
    bool bounded, descending;
};

struct sqlite_statements {
    sqlite3_stmt *select[TABLE_INDEXES_MAX]; /* unique indexes only */
    sqlite3_stmt *insert, *update, *erase;   /* writer only; the last two not for append-only tables */
    sqlite3_stmt *ranges[STORE_SHAPES];     /* readers only, prepared when a shape is first walked */
};

struct sqlite_connection {
    sqlite3 *db;
    const struct store_catalog *catalog;
    struct sqlite_statements *tables; /* catalog->count */
    sqlite3_stmt *begin, *begin_immediate, *commit, *rollback, *pin;
};

enum sqlite_access { ACCESS_WRITER, ACCESS_READER };

/* Opens the file (through the ring's VFS when it is not NULL) and sets the pragmas; no statement is prepared yet. 0 or
 * -errno with a sentence in message. */
int sqlite_connection_open(struct sqlite_connection *connection, const char *path, enum sqlite_access access,
                           const struct seal_ring *ring, struct message *message);
/* Prepares every statement of the catalog (borrowed). 0 or -errno with a sentence. */
int sqlite_connection_prepare(struct sqlite_connection *connection, const struct store_catalog *catalog,
                              enum sqlite_access access, struct message *message);
void sqlite_connection_release(struct sqlite_connection *connection); /* takes a half-built or zeroed one */
/* Runs a prepared statement that gives no rows, and resets it. An SQLite result code, SQLITE_OK when done. */
int sqlite_run(sqlite3_stmt *statement);
/* Reads all probes in one transaction; inside: the caller has one already. 0 or -errno. */
int sqlite_load(struct sqlite_connection *connection, struct store_probe *probes, size_t count, struct arena *arena,
                bool inside);
int sqlite_walk(struct sqlite_connection *connection, const struct store_range *range, struct arena *arena,
                int (*each)(void *ctx, const void *row), void *ctx);
void sqlite_bind_column(sqlite3_stmt *statement, int parameter, const struct column *column, const void *row);
int sqlite_fault(int code);        /* an SQLite result code as -errno: -ENOMEM, -EBUSY, -EBADMSG (damaged), else -EIO */
bool sqlite_is_damage(int code);   /* the file is not, or no longer, a sound database */

/* The text of the statements. Parameters: select and erase ?1.. = key columns in index order; insert and update ?n =
 * column n (1-based position); range ?1.. = equal columns, then the bound, then the limit. */
void sqlite_sql_select(const struct table *table, uint8_t index, struct buffer *out);
void sqlite_sql_insert(const struct table *table, struct buffer *out);
void sqlite_sql_update(const struct table *table, struct buffer *out);
void sqlite_sql_erase(const struct table *table, struct buffer *out);
void sqlite_sql_range(const struct table *table, struct sqlite_shape shape, struct buffer *out);

/* The writer's lock and the marker. lock_fd: held until closed. */
int sqlite_lock_take(const char *path, int *ret_lock_fd, struct message *message);
/* Leaves the marker `<path>.unknown` (and a mark in the lock file, which needs no new space). */
void sqlite_marker_leave(const char *path, int lock_fd);
bool sqlite_marker_found(const char *path, int lock_fd); /* lock_fd -1: looks at the marker file only */
int sqlite_marker_remove(const char *path, int lock_fd, struct message *message);
/* Copies `<path>-wal` to a fresh flushed file and puts that in its place. Nobody else may have the store open: refused
 * with a sentence otherwise. */
int sqlite_log_refresh(const char *path, struct message *message);
/* Takes the lock that keeps every other process from using the store's shared memory, held until fd is closed. False
 * when one uses it. This process must have no connection. */
bool sqlite_shared_memory_take(const char *path, int *ret_fd);
/* An empty or missing database beside a log that holds something is refused: a new one would drop the log, which may
 * be all that is left of the last commits. 0 or -ENODATA with a sentence. */
int sqlite_log_is_of_store(const char *path, struct message *message);
/* Creates the database file (mode 0600) when it is absent and flushes its folder. */
int sqlite_file_create(const char *path, struct message *message);

/* Applies what is new in the folder; 0 or -errno with a sentence (file and line). */
int sqlite_migrate(sqlite3 *db, const char *folder, struct message *message);
/* Compares the database with the descriptors; 0 or -EPROTO with a sentence that names table and difference. */
int sqlite_check_tables(sqlite3 *db, const struct store_catalog *catalog, struct message *message);

/* Puts the layer before SQLite's page cache, for every connection that the process opens afterwards. Before SQLite's
 * first use, on one thread; a second time, and after that use, nothing happens. */
void sqlite_page_cache_install(void);

/* The checkpoint thread and the gate between it and the writer (store_sqlite_checkpoint.c). */
struct sqlite_checkpoint {
    pthread_t thread;
    bool started;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool stop, wanted;                 /* under mutex: end the thread; a commit has left a long log */
    bool writer_inside, gate_closed;   /* under mutex: a commit runs; the thread waits for the gate or holds it */
    _Atomic uint64_t log_bytes;        /* after the last commit */
    _Atomic uint64_t *turns;           /* of store_changes */
    struct sqlite_connection connection;
};
int sqlite_checkpoint_start(struct sqlite_checkpoint *checkpoint, const char *path, const struct seal_ring *ring,
                            struct message *message);
void sqlite_checkpoint_stop(struct sqlite_checkpoint *checkpoint);                          /* takes a zeroed one */
/* the writer, before a commit */
void sqlite_checkpoint_enter(struct sqlite_checkpoint *checkpoint);
void sqlite_checkpoint_leave(struct sqlite_checkpoint *checkpoint, uint64_t log_bytes);     /* and after it */

#endif
