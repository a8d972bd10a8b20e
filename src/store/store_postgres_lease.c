/* store_postgres_lease.c - the writer's lease: one row, and a file that remembers the highest epoch seen.
 *
 * (E1) The epoch grows by one whenever the lease changes hands, in the same statement. (E2) Whether a holder lives is
 *      decided by the database alone. (E3) The holder is an open store, known by a random instance. A node that starts
 *      again under its old name and address waits like any other, but only until the server has lost the holder's
 *      connection: two processes cannot have one address, and one that lives after all is fenced at its next commit.
 *      (E4) A node never takes or uses a lease whose epoch is below one it has seen: that database is an old copy.
 *      (E5) An epoch is in the file before anything is written under it. (E6) A lease is of the timeline it was taken
 *      on: after a promotion the last commits may be missing, and whoever goes on from what it remembers would build on
 *      them. Who holds is fenced, and begins again from what is there. (E7) The lease names the holder's connection of
 *      now: a holder that connects again says so before it goes on. */
#include "store/store_postgres_int.h"

#include "platform/file.h"

enum { EPOCH_FILE_BYTES_MAX = 32 };

int postgres_epoch_read(const char *path, int64_t *ret_epoch, struct message *message) {
    struct arena arena;
    struct str text;
    uint64_t epoch = 0;
    if (!path || !file_exists(path)) {
        *ret_epoch = 0;
        return 0;
    }
    if (arena_init(&arena, 256, 4096)) return err_origin(-ENOMEM);
    int r = file_read_all(path, EPOCH_FILE_BYTES_MAX, &arena, &text, message);
    if (r == 0 && text.len && text.at[text.len - 1] == '\n') text.len--;
    if (r == 0 && (str_to_u64(text, &epoch) || epoch > INT64_MAX)) {
        message_set(message, "the file of the highest epoch %s holds no number", path);
        r = err_origin(-EBADMSG);
    }
    arena_release(&arena);
    if (r == 0) *ret_epoch = (int64_t)epoch;
    return err_trace(r);
}

int postgres_epoch_note(struct postgres_store *store, int64_t epoch) {
    char text[EPOCH_FILE_BYTES_MAX];
    if (epoch <= store->epoch_seen) return 0;
    int len = snprintf(text, sizeof text, "%lld\n", (long long)epoch);
    int r = store->options.epoch_file
                ? file_write_atomic(store->options.epoch_file, str_from_bytes(text, (size_t)len), 0600, NULL)
                : 0;
    if (r == 0) store->epoch_seen = epoch;
    return err_trace(r);
}

static void hex_of(const uint8_t *bytes, size_t count, char *hex) {
    for (size_t i = 0; i < count; i++) (void)snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
}

/* The parameters of every statement here: $1 instance in hex, $2 our epoch, $3 the highest seen, $4 node, $5 address,
 * $6 the lease's life in ms. */
struct lease_values {
    char instance[2 * POSTGRES_INSTANCE_BYTES + 1], epoch[24], seen[24], life[24];
    const char *texts[7];
};

static void lease_values(const struct postgres_store *store, struct lease_values *values) {
    const struct store_options *options = &store->options;
    hex_of(store->instance, sizeof store->instance, values->instance);
    (void)snprintf(values->epoch, sizeof values->epoch, "%lld", (long long)store->epoch);
    (void)snprintf(values->seen, sizeof values->seen, "%lld", (long long)store->epoch_seen);
    (void)snprintf(values->life, sizeof values->life, "%d", STORE_LEASE_LIFE_MS);
    values->texts[0] = values->instance, values->texts[1] = values->epoch, values->texts[2] = values->seen;
    values->texts[3] = options->node ? options->node : "";
    values->texts[4] = options->node_address ? options->node_address : "";
    values->texts[5] = values->life, values->texts[6] = NULL;
}

#define GIVEN                                                                                                          \
    "WITH given AS (SELECT decode($1, 'hex') AS instance, $2::bigint AS epoch, $3::bigint AS seen, $4::text AS node,"  \
    " $5::text AS address, $6::bigint AS life_ms) "
#define GONE                                                                                                           \
    "(l.node = given.node AND l.address = given.address AND l.instance <> given.instance AND NOT EXISTS"               \
    " (SELECT FROM pg_stat_activity a WHERE a.pid = l.backend))"
#define ALIVE "(NOT l.released AND l.renewed_at > clock_timestamp() - given.life_ms * interval '1 ms' AND NOT " GONE ")"
#define OURS "(l.instance = given.instance AND l.epoch = given.epoch AND NOT l.released)"

/* A promotion begins a new timeline: what the old primary had not yet sent is not there. "" on a standby. */
#define TIMELINE "CASE WHEN pg_is_in_recovery() THEN '' ELSE left(pg_walfile_name(pg_current_wal_lsn()), 8) END"

static const char look_sql[] =
    GIVEN "SELECT l.epoch, " OURS ", " ALIVE ", l.node, l.address,"
          " CASE WHEN l.released THEN 0 ELSE l.backend END, " TIMELINE " FROM \"store\".\"lease\" l, given";
static const char take_sql[] =
    GIVEN "UPDATE \"store\".\"lease\" l SET epoch = l.epoch + CASE WHEN " OURS " THEN 0 ELSE 1 END, node = given.node,"
          " address = given.address, instance = given.instance, renewed_at = clock_timestamp(), released = false,"
          " backend = pg_backend_pid() FROM given"
          " WHERE l.one AND l.epoch >= given.seen AND (" OURS " OR NOT " ALIVE ") RETURNING l.epoch";
static const char renew_sql[] = GIVEN "UPDATE \"store\".\"lease\" l SET renewed_at = clock_timestamp(),"
                                      " backend = pg_backend_pid() FROM given"
                                      " WHERE l.one AND " OURS " RETURNING l.epoch";
static const char release_sql[] = GIVEN "UPDATE \"store\".\"lease\" l SET released = true FROM given"
                                        " WHERE l.one AND " OURS " RETURNING l.epoch";
/* A holder that was frozen in the middle of a commit must not keep its rows locked (one that released the lease did so
 * behind its last commit, on that same connection, and has no backend here). Only a user that may signal the
 * other's connection succeeds; otherwise the server's own time limits end it. */
static const char evict_sql[] = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1::integer"
                                " AND application_name LIKE 'giro %' AND pid <> pg_backend_pid()";

/* One statement; the result's rows to ret_result. 0, STORE_E_AWAY, or STORE_E_UNDONE (refused: a lock, a time limit).
 */
static int lease_ask(struct postgres_store *store, const char *sql, PGresult **ret_result) {
    struct lease_values values;
    lease_values(store, &values);
    if (postgres_ask(&store->writer, sql, values.texts, ret_result) == 0) return 0;
    const struct postgres_failure *failure = &store->writer.failure;
    bool read_only = strcmp(failure->state, "25006") == 0; /* a primary no more */
    if (read_only) postgres_disconnect(&store->writer);
    return failure->kind == POSTGRES_ERROR && !read_only ? STORE_E_UNDONE : STORE_E_AWAY;
}

static void copy_text(char *to, size_t bytes, const char *from) {
    size_t len = strnlen(from, bytes - 1);
    memcpy(to, from, len);
    to[len] = 0;
}

static int look(struct postgres_store *store, struct store_lease *ret_lease, int *ret_backend) {
    PGresult *result = NULL;
    int r = lease_ask(store, look_sql, &result);
    if (r) return r;
    if (PQntuples(result) != 1) {
        PQclear(result);
        return err_origin(-EBADMSG);
    }
    struct store_lease lease = { .epoch = strtoll(PQgetvalue(result, 0, 0), NULL, 10),
                                 .ours = store->epoch > 0 && PQgetvalue(result, 0, 1)[0] == 't',
                                 .alive = PQgetvalue(result, 0, 2)[0] == 't' };
    copy_text(lease.node, sizeof lease.node, PQgetvalue(result, 0, 3));
    copy_text(lease.address, sizeof lease.address, PQgetvalue(result, 0, 4));
    *ret_backend = (int)strtol(PQgetvalue(result, 0, 5), NULL, 10);
    copy_text(store->timeline_met, sizeof store->timeline_met, PQgetvalue(result, 0, 6));
    PQclear(result);
    *ret_lease = lease;
    return 0;
}

/* The connection, without asking whether our lease still stands. */
static int ready(struct postgres_store *store) {
    int r = postgres_writer_ready(store);
    return r == STORE_E_FENCED ? 0 : r;
}

static void evict(struct postgres_store *store, int backend) {
    char digits[24];
    const char *const texts[] = { digits, NULL };
    PGresult *result = NULL;
    (void)snprintf(digits, sizeof digits, "%d", backend);
    /* best effort: without the right the answer is an error, and the old one's locks end with its time limits */
    (void)postgres_role_set(&store->writer, NULL);
    if (postgres_ask(&store->writer, evict_sql, texts, &result) == 0) PQclear(result);
    if (postgres_role_set(&store->writer, "giro_engine")) postgres_disconnect(&store->writer);
}

static int fenced(struct postgres_store *store) {
    store->fenced = true;
    store->epoch = 0;
    return STORE_E_FENCED;
}

int postgres_lease_take(struct store *base, struct store_lease *ret_lease) {
    struct postgres_store *store = (struct postgres_store *)base;
    struct store_lease lease = { 0 };
    PGresult *result = NULL;
    int backend = 0;
    int r = ready(store);
    if (r == 0) r = look(store, &lease, &backend);
    if (r == 0) r = lease.epoch < store->epoch_seen ? fenced(store) : 0;
    if (r == 0 && !lease.ours && lease.alive) r = STORE_E_HELD;
    if (r == 0) r = lease_ask(store, take_sql, &result);
    bool taken = r == 0 && PQntuples(result) == 1;
    int64_t epoch = taken ? strtoll(PQgetvalue(result, 0, 0), NULL, 10) : 0;
    PQclear(result);
    if (r == STORE_E_UNDONE || (r == 0 && !taken)) r = STORE_E_HELD; /* somebody was quicker, or commits just now */
    if (r == STORE_E_HELD || r == STORE_E_FENCED) *ret_lease = lease;
    if (r) return err_trace(r);
    store->epoch = epoch;
    store->fenced = false;
    memcpy(store->timeline, store->timeline_met, sizeof store->timeline);
    r = postgres_epoch_note(store, epoch);
    if (r) {
        postgres_lease_release(base); /* E5 */
        return err_trace(r);
    }
    if (!lease.ours && backend) evict(store, backend);
    *ret_lease = (struct store_lease){ .epoch = epoch, .ours = true, .alive = true };
    copy_text(ret_lease->node, sizeof ret_lease->node, store->options.node ? store->options.node : "");
    copy_text(ret_lease->address, sizeof ret_lease->address,
              store->options.node_address ? store->options.node_address : "");
    return 0;
}

int postgres_lease_look(struct store *base, struct store_lease *ret_lease) {
    struct postgres_store *store = (struct postgres_store *)base;
    struct store_lease lease;
    int backend, r = ready(store);
    if (r == 0) r = look(store, &lease, &backend);
    if (r == STORE_E_UNDONE) r = STORE_E_AWAY;
    if (r) return err_trace(r);
    r = postgres_epoch_note(store, lease.epoch);
    if (r) return err_trace(r);
    *ret_lease = lease;
    return 0;
}

static int renew(struct postgres_store *store) {
    PGresult *result = NULL;
    int r = lease_ask(store, renew_sql, &result);
    bool renewed = r == 0 && PQntuples(result) == 1;
    PQclear(result);
    if (r == STORE_E_UNDONE) return STORE_E_AWAY;
    if (r) return err_trace(r);
    return renewed ? 0 : fenced(store);
}

int postgres_lease_verify(struct postgres_store *store) {
    struct store_lease lease;
    int backend, r = look(store, &lease, &backend);
    if (r == STORE_E_UNDONE) r = STORE_E_AWAY;
    if (r) return err_trace(r);
    if (lease.epoch < store->epoch_seen) return fenced(store); /* E4 */
    if (!store->epoch) return 0;
    if (!lease.ours || strcmp(store->timeline, store->timeline_met) != 0) return fenced(store); /* E6 */
    return backend == PQbackendPID(store->writer.conn) ? 0 : renew(store);                      /* E7 */
}

int postgres_lease_renew(struct store *base) {
    struct postgres_store *store = (struct postgres_store *)base;
    if (store->fenced || !store->epoch) return STORE_E_FENCED;
    int r = postgres_writer_ready(store);
    return r ? err_trace(r) : renew(store);
}

void postgres_lease_release(struct store *base) {
    struct postgres_store *store = (struct postgres_store *)base;
    PGresult *result = NULL;
    if (store->epoch && !base->unknown && postgres_is_alive(&store->writer) &&
        lease_ask(store, release_sql, &result) == 0)
        PQclear(result); /* else it runs out by itself */
    store->epoch = 0;
}

int64_t postgres_lease_epoch(const struct store *base) {
    return ((const struct postgres_store *)base)->epoch;
}
