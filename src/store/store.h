/* store.h - the store port: tables and bytes, no banking. Adapters: sqlite (embedded default), postgres (several nodes)
 * and memory (simulation).
 *
 * (S1) store_commit is all or nothing, and on 0 it is flushed: a kill -9 or power cut later does not lose it.
 * (S2) a reader sees one committed state from store_reader_begin to store_reader_end, and never blocks the writer.
 * (S3) append-only tables take inserts only (the adapter enforces it in the database too, by trigger).
 * (S4) there is one writer: whoever holds the lease. A commit under a lease that another node took meanwhile writes
 * nothing. The embedded adapters grant the lease with the file's lock at open; its epoch there is always 1.
 * One thread writes (store_load, store_commit); each reader belongs to one thread at a time. */
#ifndef GIRO_STORE_STORE_H
#define GIRO_STORE_STORE_H

#include "platform/secret.h"
#include "platform/table.h"

#define STORE_E_MAP(X)                                                                                                 \
    X(STORE_E_UNDONE, "undone") /* constraint, busy, failing write: rolled back, nothing of it is there */             \
    X(STORE_E_FULL, "full")     /* no space: rolled back, nothing of it is there; may work again later */              \
    X(STORE_E_AWAY, "away")     /* the database cannot be reached: nothing of it is there; may work again later */     \
    X(STORE_E_FENCED, "fenced") /* another node holds the lease: nothing of it is there, and this one must end */      \
    X(STORE_E_HELD, "held")     /* store_lease_take: another node holds it and lives */
#define X(code, name) code,
enum store_refusal { STORE_E_NONE = 0, STORE_E_MAP(X) STORE_E_COUNT };
#undef X

enum {
    STORE_BATCH_CHANGES_MAX = 64 * 1024,
    STORE_RANGE_ROWS_MAX = 1000,
    STORE_NODE_BYTES_MAX = 63,
    STORE_ADDRESS_BYTES_MAX = 255,
    STORE_KEY_BYTES = 32,
    STORE_WARM_MAX = 8,
    STORE_LEASE_LIFE_MS = 5000,  /* not renewed for so long by the database's clock: another may take it */
    STORE_LEASE_RENEW_MS = 1000, /* how often an idle holder renews; every commit renews it too */
};

struct store;
struct store_ops;
extern const struct store_ops store_sqlite_ops, store_postgres_ops, store_memory_ops;

struct store_options {
    const struct store_ops *ops;
    const char *path;       /* sqlite: the database file; its folder must exist */
    const char *migrations; /* folder of numbered NNNN_name.sql files (db/sqlite, db/postgres) */
    /* 32 bytes, borrowed as long as the store is open. sqlite: seals the file (NULL: stock). postgres: seals personal
     * columns and keys their hashes (required). */
    const struct secret_bytes *key;
    const char *connection;            /* postgres: a libpq connection string; secrets come from its passfile */
    const char *node;                  /* postgres: this node's name in the lease, 1..STORE_NODE_BYTES_MAX bytes */
    const char *node_address;          /* postgres: where the others forward to, "host:port"; may be empty */
    const char *epoch_file;            /* postgres: remembers the highest epoch seen; its folder must exist */
    const struct table *const *tables; /* every table of the program, checked against the database at open */
    size_t table_count;
};

/* Opens (creating and migrating as needed), checks that each table's columns, types, keys and indexes are those of its
 * descriptor, and takes the writer's lock of the file. Refusals as a sentence in message: file in use by another
 * process, not writable, newer schema than this program knows, migration failed (with file and line), damaged. If the
 * last process ended with an unknown commit (a marker file beside the store), the log's tail is first copied to a fresh
 * flushed file. 0 or -errno. */
int store_open(const struct store_options *options, struct store **ret_store, struct message *message);
struct store *store_close(struct store *store); /* returns NULL, takes NULL; readers must be closed before */

/* The writer's lease: one row with the holder's name and the epoch, which grows by one at each change of holder. */
struct store_lease {
    int64_t epoch;                             /* 0: nobody ever held it */
    bool ours;                                 /* this store holds it */
    bool alive;                                /* renewed within STORE_LEASE_LIFE_MS */
    char node[STORE_NODE_BYTES_MAX + 1];       /* the holder */
    char address[STORE_ADDRESS_BYTES_MAX + 1]; /* where it takes forwarded commands */
};
/* All five from the writing thread, or before it starts. take: 0 (ours from now on, also when it was), STORE_E_HELD
 * (ret_lease says by whom), STORE_E_AWAY, STORE_E_FENCED (the database's epoch is older than one this node has seen: it
 * is an old copy, and nobody may write to it until people have looked). Embedded adapters: always 0. */
int store_lease_take(struct store *store, struct store_lease *ret_lease);
int store_lease_look(struct store *store, struct store_lease *ret_lease); /* 0, STORE_E_AWAY */
/* Called by the holder when it has not committed for STORE_LEASE_RENEW_MS. 0, STORE_E_AWAY, STORE_E_FENCED. */
int store_lease_renew(struct store *store);
void store_lease_release(struct store *store);  /* so that the next need not wait; takes a store without the lease */
int64_t store_epoch(const struct store *store); /* of the lease that is ours, 0 = none; for the journal's key */

/* A row wanted by index (0 = primary key, else a unique one). row: a row struct with that index's columns filled in. */
struct store_probe {
    const struct table *table;
    uint8_t index;
    const void *row;
    void *ret_row; /* set by the load: a row in the arena, or NULL when there is none */
};
/* The writer's own load: sees all that was committed. 0, STORE_E_AWAY, STORE_E_FENCED, or <0. */
int store_load(struct store *store, struct store_probe *probes, size_t count, struct arena *arena);

enum store_change_kind { STORE_INSERT, STORE_UPDATE, STORE_DELETE };
struct store_change {
    const struct table *table;
    enum store_change_kind kind;
    const void *row; /* UPDATE replaces all columns of the row with this primary key; DELETE uses the key only */
};
/* 0 = durable. STORE_E_UNDONE, _FULL, _AWAY, _FENCED: nothing of it is there. < 0: UNKNOWN - the flush or the commit
 * itself failed, it may or may not be there; a marker is left beside the store and the process must end. UPDATE or
 * DELETE of an absent row is STORE_E_UNDONE. */
int store_commit(struct store *store, const struct store_change *changes, size_t count);
/* Index into changes of the row that made the last STORE_E_UNDONE, or -1 when it was not one row's fault. */
long store_culprit(const struct store *store);

/* For measuring: each(ctx) sees the rows of every commit that has become durable, before store_commit returns. NULL
 * ends it. From the writing thread. */
void store_watch(struct store *store, void (*each)(void *ctx, const struct store_change *changes, size_t count),
                 void *ctx);

struct store_reader;
/* Makes ready what so many readers will need (at most STORE_WARM_MAX), on a thread of its own, so that their first
 * reads do not wait for it. Best effort; once. */
void store_warm(struct store *store, size_t readers);
int store_reader_open(struct store *store, struct store_reader **ret_reader);
/* Reads a store of another process (the command line beside the daemon): same options, opened read-only. */
int store_reader_open_only(const struct store_options *options, struct store_reader **ret_reader,
                           struct message *message);
struct store_reader *store_reader_close(struct store_reader *reader);
int store_reader_begin(struct store_reader *reader); /* a snapshot; reads outside begin/end each see the newest state */
void store_reader_end(struct store_reader *reader);
/* From now on the reader keeps its snapshot from end to begin, and rows that store_read gave, for as long as nothing
 * was committed since (store_kept.h): begin shows what it would show without, and mostly asks the database nothing. An
 * open snapshot holds back the log: call store_reader_rest, outside begin and end, some milliseconds after the last
 * begin at the latest. An adapter with several writers keeps nothing. Once. 0 or -ENOMEM. */
int store_reader_keep(struct store_reader *reader);
void store_reader_rest(struct store_reader *reader); /* takes a reader that keeps nothing */
int store_read(struct store_reader *reader, struct store_probe *probes, size_t count, struct arena *arena);

/* Rows in the order of an index (any index, unique or not; ties in primary key order). */
struct store_range {
    const struct table *table;
    uint8_t index;
    const void *row;       /* holds the columns that must be equal, and the bound; NULL when neither is used */
    uint8_t equal_columns; /* the first n columns of the index equal those of row */
    /* the next column (I64, ID or HASH) of the index lies strictly behind row's, in walking order */
    bool bounded;
    bool descending;
    uint32_t limit; /* 1..STORE_RANGE_ROWS_MAX */
};
/* Calls each(ctx, row) for every row until it returns non-zero; row and its text live in the arena. 0, <0, or what each
 * returned. */
int store_range(struct store_reader *reader, const struct store_range *range, struct arena *arena,
                int (*each)(void *ctx, const void *row), void *ctx);

/* sqlite, sealed: wraps the data keys in `<path>-keys` with new_key instead of old_key (32 bytes each); no page is
 * written. The store must not be open. 0 or -errno with a sentence: -EACCES old_key is not the store's, -EBUSY in use.
 */
int store_seal_rewrap(const char *path, const struct secret_bytes *old_key, const struct secret_bytes *new_key,
                      struct message *message);

/* memory adapter only, for tests and simulation: the next commits fail as told (0 = none). */
enum store_fault {
    STORE_FAULT_NONE,
    STORE_FAULT_UNDONE,
    STORE_FAULT_FULL,
    STORE_FAULT_AWAY,   /* store_load answers so too */
    STORE_FAULT_FENCED, /* the same */
    STORE_FAULT_UNKNOWN_LOST,
    STORE_FAULT_UNKNOWN_KEPT
};
void store_memory_fault(struct store *store, enum store_fault fault, uint32_t after_commits, uint32_t count);
/* memory adapter: called inside each commit, before its rows are durable and shown: time passes, others read. NULL:
 * none. It must not use this store's writer. */
void store_memory_on_flush(struct store *store, void (*on_flush)(void *ctx), void *ctx);
/* memory adapter: options.path is a name (or NULL). With a name, what is durable outlives store_close within this
 * process, as on a disk, until it is forgotten; UNKNOWN_KEPT is there after the next open, UNKNOWN_LOST is not. The
 * store must be closed. */
void store_memory_forget(const char *path);
/* memory adapter: stores opened under one name with options.node (borrowed) are nodes of one database, with a lease.
 * Makes the lease old: its holder has not been heard of for STORE_LEASE_LIFE_MS. check: the store is open. */
void store_memory_lease_expire(const char *path);

#endif
