/* store_postgres_int.h - private to the postgres adapter: its limits, a connection, and the parts of the adapter.
 *
 * store_postgres.c             open, close, load; the table of operations
 * store_postgres_commit.c      a batch as one transaction; what a failed one means
 * store_postgres_culprit.c     which change of an undone batch was at fault
 * store_postgres_lease.c       the writer's lease and the file of the highest epoch
 * store_postgres_reader.c      readers
 * store_postgres_spare.c       connections made before a reader wants one
 * store_postgres_rows.c        parameters as binary arrays, results as rows, loading by probes
 * store_postgres_sql.c         the text of the statements
 * store_postgres_seal.c        personal columns sealed singly, and keyed hashes of them
 * store_postgres_connection.c  one connection: settings, prepared statements, a pipeline and what became of it
 * store_postgres_setup.c       what a database must be before it is used: safe settings, roles, the right key
 * store_postgres_migration.c   numbered migrations and the store's own tables
 * store_postgres_check.c       the database against the descriptors */
#ifndef GIRO_STORE_STORE_POSTGRES_INT_H
#define GIRO_STORE_STORE_POSTGRES_INT_H

#include <libpq-fe.h>
#include <openssl/types.h>
#include <pthread.h>

#include "platform/buffer.h"
#include "store/store_int.h"

enum {
    POSTGRES_CONNECT_SECONDS = 3,        /* to each host of the connection string */
    POSTGRES_ANSWER_MS = 15 * 1000,      /* a server that says nothing for so long is taken for lost */
    POSTGRES_MIGRATION_MS = 3600 * 1000, /* one statement of a migration */
    POSTGRES_STATEMENT_MS = 10 * 1000,   /* the server gives a statement up; less than the answer's time */
    POSTGRES_LOCK_MS = 4 * 1000,         /* and a wait for a lock; less than the lease's life */
    POSTGRES_VERSION_MIN = 150000,
    POSTGRES_STATEMENT_BYTES_MAX = 32 * 1024,         /* 64 columns with their names, a few times over */
    POSTGRES_PARAMETER_BYTES_MAX = 512 * 1024 * 1024, /* of one statement */
    POSTGRES_COLUMNS_MAX = TABLE_COLUMNS_MAX + TABLE_INDEXES_MAX * TABLE_KEY_COLUMNS_MAX, /* with those of hashes */
    POSTGRES_PARAMETERS_MAX = POSTGRES_COLUMNS_MAX + 1,
    POSTGRES_SHAPES = TABLE_INDEXES_MAX * (TABLE_KEY_COLUMNS_MAX + 1) * 4,
    POSTGRES_INSTANCE_BYTES = 16,
    POSTGRES_TIMELINE_BYTES = 8, /* hex digits, as in the names of its log's files */
};
static_assert(POSTGRES_STATEMENT_MS < POSTGRES_ANSWER_MS, "the server gives up first, and says so");
static_assert((int)POSTGRES_LOCK_MS < (int)STORE_LEASE_LIFE_MS, "a commit that waits does not outlive its lease");

/* Types of the server (pg_type.dat). */
enum {
    POSTGRES_BYTEA = 17,
    POSTGRES_INT8 = 20,
    POSTGRES_TEXT = 25,
    POSTGRES_BYTEA_ARRAY = 1001,
    POSTGRES_TEXT_ARRAY = 1009,
    POSTGRES_INT8_ARRAY = 1016,
};

/* ---- Personal columns ---- */

enum {
    POSTGRES_SEAL_VERSION = 1,
    POSTGRES_SEAL_NONCE_BYTES = 12,
    POSTGRES_SEAL_TAG_BYTES = 16,
    POSTGRES_SEAL_OVERHEAD_BYTES = 1 + POSTGRES_SEAL_NONCE_BYTES + POSTGRES_SEAL_TAG_BYTES,
    POSTGRES_SEAL_SALT_BYTES = 8, /* the first bytes of the nonce choose the data key, the other four count */
    POSTGRES_SEAL_CACHE = 16,     /* data keys at hand for opening */
};

struct postgres_seal {
    uint8_t column_key[STORE_KEY_BYTES];  /* data keys are derived from it */
    uint8_t check_value[STORE_KEY_BYTES]; /* what the database keeps to know the key again */
    EVP_MAC_CTX *hash;                    /* keyed; begun anew for each value */
    EVP_CIPHER_CTX *sealing;
    uint8_t salt[POSTGRES_SEAL_SALT_BYTES]; /* of this process's data key */
    uint64_t sealed;                        /* with it */
    struct {
        EVP_CIPHER_CTX *opening; /* NULL: free */
        uint8_t salt[POSTGRES_SEAL_SALT_BYTES];
    } cache[POSTGRES_SEAL_CACHE];
};
/* key: STORE_KEY_BYTES. 0 or -ENOMEM. */
int postgres_seal_init(struct postgres_seal *seal, const uint8_t *key);
void postgres_seal_release(struct postgres_seal *seal); /* takes a zeroed one; wipes */
/* Appends version, nonce, ciphertext and tag; empty stays empty. 0 or -ENOMEM. */
int postgres_seal_close(struct postgres_seal *seal, struct str associated, struct str plain, struct buffer *out);
/* plain: sealed.len bytes of room; *ret_len of them are the value. 0 or -EBADMSG (not sealed with this key for this
 * place), -ENOMEM. */
int postgres_seal_open(struct postgres_seal *seal, struct str associated, struct str sealed, uint8_t *plain,
                       size_t *ret_len);
/* The keyed hash that stands in the column NAME_hash. */
int postgres_seal_hash(struct postgres_seal *seal, const struct table *table, uint8_t column, struct str value,
                       uint8_t ret_hash[32]);

/* ---- SQL ---- */

/* A column of the SQL table: of the descriptor, or the hash of a personal one that an index names. */
struct postgres_column {
    uint8_t column;
    bool hash;
};
size_t postgres_columns(const struct table *table, struct postgres_column columns[POSTGRES_COLUMNS_MAX]);
struct postgres_column postgres_key_column(const struct table *table, uint8_t index, uint8_t at);
bool postgres_is_hashed(const struct table *table, uint8_t column); /* personal, and in an index */
enum postgres_kind { POSTGRES_KIND_I64, POSTGRES_KIND_TEXT, POSTGRES_KIND_BYTES };
enum postgres_kind postgres_kind_of(const struct table *table, struct postgres_column column);

struct postgres_shape {
    uint8_t index, equal_columns;
    bool bounded, descending;
};
/* The statements of a table; a slot is table position * POSTGRES_SLOTS + one of these. */
enum {
    POSTGRES_SLOT_SELECT = 0, /* + index */
    POSTGRES_SLOT_INSERT = TABLE_INDEXES_MAX,
    POSTGRES_SLOT_UPDATE,
    POSTGRES_SLOT_ERASE,
    POSTGRES_SLOT_RANGE, /* + shape */
    POSTGRES_SLOTS = POSTGRES_SLOT_RANGE + POSTGRES_SHAPES,
};
size_t postgres_shape_number(struct postgres_shape shape);
/* The text of slot's statement and the types of its parameters; returns their number. select: an array a key column;
 * rows come back with their ordinal behind the columns. insert: an array a column. update: the same and the count of
 * rows. erase: an array a key column and the count. range: a value a column, then the limit. */
size_t postgres_slot_lease(const struct store_catalog *catalog); /* the one statement that is of no table */
int postgres_sql(const struct store_catalog *catalog, size_t slot, struct buffer *out,
                 Oid types[POSTGRES_PARAMETERS_MAX]);

/* ---- Connection ---- */

enum postgres_failure_kind {
    POSTGRES_FINE,
    POSTGRES_ERROR, /* the server refused a statement; the connection stands */
    POSTGRES_FATAL, /* the server said that it ends the connection */
    POSTGRES_LOST,  /* no word: lost, or silent for too long */
};
struct postgres_failure {
    enum postgres_failure_kind kind;
    size_t at;                        /* tag of the statement */
    char state[6];                    /* SQLSTATE, "" when lost */
    char text[MESSAGE_BYTES_MAX / 2]; /* for people; only ever shown of statements without rows */
    unsigned long position;           /* 1-based character in the statement, 0 = none */
};
enum { POSTGRES_E_FAILED = 1 }; /* a refusal of the functions below: connection->failure says more */

struct postgres_access {
    const char *connection, *node;
    const char *role; /* NULL: as who connected */
};
struct postgres_connection {
    PGconn *conn; /* NULL: not connected */
    const struct store_catalog *catalog;
    struct postgres_seal *seal; /* borrowed from its owner, who sets it before rows are written */
    bool *prepared;             /* catalog->count * POSTGRES_SLOTS + 1 */
    struct postgres_expected {
        size_t tag, slot;
        bool preparing;
    } * expected;
    size_t expected_count, expected_max;
    int64_t deadline_ms;
    bool warned; /* the server sent a warning since the pipeline began */
    bool ending; /* the server has said that it ends the connection */
    struct postgres_failure failure;
    struct buffer bytes, text; /* parameters being built; a statement's text */
};

/* Parameters in binary; offsets into connection->bytes. */
struct postgres_parameters {
    int count;
    size_t at[POSTGRES_PARAMETERS_MAX + 1]; /* parameter i is bytes at[i]..at[i + 1] */
};

/* Connects with the session's settings. catalog is borrowed and may be empty. 0, or a fault with a sentence in message
 * (may be NULL): -ENOTCONN cannot be reached, -EACCES refused, -EINVAL a wrong connection string, -EPERM no such role.
 */
int postgres_connect(struct postgres_connection *connection, const struct store_catalog *catalog,
                     const struct postgres_access *access, struct message *message);
/* What postgres_connect made, before anything was prepared on it, goes to another connection, which is not connected.
 * attach: 0, or -ENOMEM, and conn is closed. */
PGconn *postgres_detach(struct postgres_connection *connection);
int postgres_attach(struct postgres_connection *connection, const struct store_catalog *catalog, PGconn *conn);
void postgres_disconnect(struct postgres_connection *connection); /* keeps the buffers; takes one not connected */
void postgres_release(struct postgres_connection *connection);    /* takes a zeroed one */
/* False when the server has closed the connection meanwhile; it is then disconnected. */
bool postgres_is_alive(struct postgres_connection *connection);

/* One statement outside a pipeline, text parameters (NULL-terminated array or NULL). 0 with a result to be cleared, or
 * POSTGRES_E_FAILED. */
int postgres_ask(struct postgres_connection *connection, const char *sql, const char *const *texts,
                 PGresult **ret_result);
/* The same for statements without a result, with time_ms. */
int postgres_tell(struct postgres_connection *connection, const char *sql, int64_t time_ms);

/* A pipeline: begin, then any number of sends, then collect. A send fails only for want of memory or when the
 * connection is gone: POSTGRES_E_FAILED, and the pipeline is over (disconnected). */
int postgres_pipeline_begin(struct postgres_connection *connection);
int postgres_pipeline_text(struct postgres_connection *connection, size_t tag, const char *sql);
int postgres_pipeline_send(struct postgres_connection *connection, size_t tag, size_t slot,
                           const struct postgres_parameters *parameters);
/* The check of the lease, prepared likewise; parameters: epoch, instance. */
int postgres_pipeline_lease(struct postgres_connection *connection, size_t tag,
                            const struct postgres_parameters *parameters);
int postgres_pipeline_flush(struct postgres_connection *connection); /* until all that was sent has left */
/* Sends the end, reads all results, calls each(ctx, tag, result) for those that succeeded until one fails or each
 * returns non-zero. 0, POSTGRES_E_FAILED (connection->failure is the first one; a lost connection is disconnected), or
 * what each returned (below 0). */
int postgres_pipeline_collect(struct postgres_connection *connection,
                              int (*each)(void *ctx, size_t tag, const PGresult *result), void *ctx);
/* Ends a failed transaction; disconnects when that fails. */
void postgres_roll_back(struct postgres_connection *connection);

/* ---- Rows ---- */

/* Parameters: begin, then one put each in the order of the statement's. put_array: one SQL column of count rows. 0,
 * -ENOMEM, or -EMSGSIZE. */
struct postgres_rows {
    const struct table *table;
    const void *(*row)(const void *ctx, size_t at);
    const void *ctx;
    size_t count;
};
void postgres_parameters_begin(struct postgres_connection *connection, struct postgres_parameters *parameters);
int postgres_put_array(struct postgres_connection *connection, struct postgres_parameters *parameters,
                       const struct postgres_rows *rows, struct postgres_column column);
int postgres_put_value(struct postgres_connection *connection, struct postgres_parameters *parameters,
                       const struct table *table, struct postgres_column column, const void *row);
void postgres_put_i64(struct postgres_connection *connection, struct postgres_parameters *parameters, int64_t value);
struct postgres_reading {
    const struct table *table;
    struct postgres_seal *seal;
    struct arena *arena;
};
/* Row number at of result; its text lives in the arena. 0, -ENOMEM, or -EBADMSG (not what the descriptor says, or not
 * sealed with this key). */
int postgres_row(const struct postgres_reading *reading, const PGresult *result, int at, void **ret_row);

/* Probes sorted by statement; grows as needed and is reused. */
struct postgres_loading {
    uint32_t *order; /* probe positions, those of one statement together */
    size_t order_max;
    uint32_t counts[STORE_TABLES_MAX * TABLE_INDEXES_MAX], starts[STORE_TABLES_MAX * TABLE_INDEXES_MAX];
    struct store_probe *probes; /* during a load */
    struct arena *arena;
    struct postgres_seal *seal;
    const struct store_catalog *catalog;
};
void postgres_loading_release(struct postgres_loading *loading);
/* One round trip. snapshot: several statements see one state. 0, POSTGRES_E_FAILED, -ENOMEM, -EBADMSG. */
int postgres_load(struct postgres_connection *connection, struct postgres_loading *loading, struct store_probe *probes,
                  size_t count, bool snapshot);

/* ---- The store ---- */

/* store_postgres_spare.c: connections that wait for a reader. */
struct postgres_spares {
    pthread_mutex_t lock;
    PGconn *conns[STORE_WARM_MAX];
    size_t count, wanted;
    bool ends; /* no more are made */
    bool runs;
    pthread_t thread;
};
void postgres_warm(struct store *base, size_t readers);
PGconn *postgres_spare_take(struct store *base); /* NULL: there is none */
void postgres_spares_release(struct postgres_spares *spares);

struct postgres_plan; /* store_postgres_commit.c: the changes of a batch sorted by statement */

struct postgres_store {
    struct store base;
    struct store_options options; /* borrowed strings */
    struct postgres_connection writer;
    struct postgres_spares spares;
    struct postgres_seal seal;
    struct postgres_loading loading;
    struct postgres_plan *plan;
    uint8_t instance[POSTGRES_INSTANCE_BYTES]; /* this open store; a restarted node is another one */
    int64_t epoch;                             /* of our lease, 0 = none */
    int64_t epoch_seen;                        /* the highest one, as in the file */
    char timeline[POSTGRES_TIMELINE_BYTES + 1], timeline_met[POSTGRES_TIMELINE_BYTES + 1]; /* of our lease; last seen */
    bool fenced; /* our lease was taken from us, or the database is an old copy */
};
/* The writer's connection, made anew when it is gone, its lease looked after. 0, STORE_E_AWAY, STORE_E_FENCED, <0. */
int postgres_writer_ready(struct postgres_store *store);
int postgres_commit(struct store *base, const struct store_change *changes, size_t count);
int postgres_plan_new(size_t tables, struct postgres_plan **ret_plan);
struct postgres_plan *postgres_plan_free(struct postgres_plan *plan);
/* Plays the batch against what the database holds: position of the first change that cannot be, or -1. */
long postgres_culprit(struct postgres_store *store, const struct store_change *changes, size_t count);

int postgres_epoch_read(const char *path, int64_t *ret_epoch, struct message *message); /* no file: 0 */
/* Remembers epoch when it is higher than any before. 0 or a fault. */
int postgres_epoch_note(struct postgres_store *store, int64_t epoch);
/* After a reconnect: 0, STORE_E_AWAY, STORE_E_FENCED, <0. */
int postgres_lease_verify(struct postgres_store *store);
int postgres_lease_take(struct store *base, struct store_lease *ret_lease);
int postgres_lease_look(struct store *base, struct store_lease *ret_lease);
int postgres_lease_renew(struct store *base);
void postgres_lease_release(struct store *base);
int64_t postgres_lease_epoch(const struct store *base);

int postgres_reader_open(struct store *base, struct store_reader **ret_reader);
int postgres_reader_open_only(const struct store_options *options, struct store_reader **ret_reader,
                              struct message *message);
void postgres_reader_close(struct store_reader *base);
int postgres_reader_begin(struct store_reader *base);
void postgres_reader_end(struct store_reader *base);
int postgres_reader_read(struct store_reader *base, struct store_probe *probes, size_t count, struct arena *arena);
int postgres_reader_range(struct store_reader *base, const struct store_range *range, struct arena *arena,
                          int (*each)(void *ctx, const void *row), void *ctx);

/* ---- Setup ---- */

int postgres_options_check(const struct store_options *options, struct message *message);
/* All below: connected as who connected. 0 or a fault with a sentence. */
int postgres_check_settings(struct postgres_connection *connection, struct message *message);
/* Holds the migrations' lock when it returns 0: until postgres_migrate_end, or the connection's end. *ret_applied:
 * something was new; then the connection is to be closed, as a migration's text may have changed its session. */
int postgres_migrate(struct postgres_connection *connection, const char *folder, bool *ret_applied,
                     struct message *message);
int postgres_migrate_end(struct postgres_connection *connection, struct message *message);
int postgres_check_tables(struct postgres_connection *connection, const struct store_catalog *catalog,
                          struct message *message);
/* The first store that opens a database leaves its key's check value there; others must have the same. */
int postgres_check_key(struct postgres_connection *connection, const struct postgres_seal *seal, bool may_write,
                       struct message *message);
int postgres_role_set(struct postgres_connection *connection, const char *role);
/* The same with a sentence in message; disconnects when it is refused. 0, -EPERM, -ENOTCONN. */
int postgres_act_as(struct postgres_connection *connection, const char *role, struct message *message);

#endif
