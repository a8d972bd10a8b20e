/* store_postgres_commit.c - a batch as one transaction in one round trip.
 *
 * (T1) BEGIN, one statement for each table and kind of change, the lease, COMMIT travel in one pipeline. What fails in
 *      it makes the server skip the rest, COMMIT included: a row that an UPDATE or DELETE should have met and did not,
 *      a lease that is not ours, a constraint.
 * (T2) COMMIT is given to the socket only after all before it has left. A connection that breaks earlier has not
 *      committed (STORE_E_AWAY); one that breaks later without a word of the server may have (unknown).
 * (T3) The server's own word decides: an error on a statement before COMMIT, or an error (not a farewell) on COMMIT
 *      itself, means that nothing is there. A warning with COMMIT means that a standby may lack it: unknown.
 * (T4) Changes keep their order where it matters: those of one row, and inserts after deletes where a unique column
 *      could have become free, go to waves that are sent one after the other. */
#include "store/store_postgres_int.h"

enum { WAVE_ERASE, WAVE_INSERT, WAVE_UPDATE, WAVE_KINDS }; /* in the order of a wave */
enum { SEEN_SLOTS = 4 * STORE_BATCH_CHANGES_MAX, NO_CHANGE = -1 };
/* Tags of the pipeline beside those of the statements. */
#define TAG_BEGIN ((size_t)-1)
#define TAG_LEASE ((size_t)-2)
#define TAG_COMMIT ((size_t)-3)

struct bucket { /* the changes of one statement */
    int32_t head, tail;
    uint32_t count, table;
};
struct postgres_plan {
    int32_t next[STORE_BATCH_CHANGES_MAX];
    struct bucket buckets[STORE_BATCH_CHANGES_MAX][WAVE_KINDS];
    uint32_t waves;
    /* rows met in a table's present wave; entries of earlier batches have a number below first_number */
    struct {
        uint64_t hash, number;
        bool inserted; /* and nothing else */
    } seen[SEEN_SLOTS];
    uint64_t number, first_number;
    size_t tables;
    struct {
        uint64_t number; /* of the present wave, below first_number: none yet */
        uint32_t wave;
        bool secondary; /* has a unique index beside its key */
    } of_table[STORE_TABLES_MAX];
    const struct store_change **rows; /* of the statement being built */
};

int postgres_plan_new(size_t tables, struct postgres_plan **ret_plan) {
    struct postgres_plan *plan = calloc(1, sizeof *plan); /* pages that are never touched cost nothing */
    if (!plan) return err_origin(-ENOMEM);
    plan->rows = calloc(STORE_BATCH_CHANGES_MAX, sizeof(const struct store_change *));
    if (!plan->rows) {
        free(plan);
        return err_origin(-ENOMEM);
    }
    plan->tables = tables;
    *ret_plan = plan;
    return 0;
}

struct postgres_plan *postgres_plan_free(struct postgres_plan *plan) {
    if (plan) free(plan->rows);
    free(plan);
    return NULL;
}

static bool has_secondary(const struct table *table) {
    for (uint8_t i = 1; i < table->index_count; i++)
        if (table->indexes[i].unique) return true;
    return false;
}

static void wave_begin(struct postgres_plan *plan, size_t table) {
    uint32_t wave = plan->waves++;
    for (int i = 0; i < WAVE_KINDS; i++)
        plan->buckets[wave][i] = (struct bucket){ NO_CHANGE, NO_CHANGE, 0, (uint32_t)table };
    plan->of_table[table].wave = wave;
    plan->of_table[table].number = ++plan->number;
}

static uint64_t key_hash(const struct store_change *change, size_t table) {
    uint8_t key[TABLE_KEY_BYTES_MAX];
    size_t len = table_key(change->table, 0, change->row, key);
    uint64_t hash = 0xcbf29ce484222325u ^ table;
    for (size_t i = 0; i < len; i++) hash = (hash ^ key[i]) * 0x100000001b3u;
    return hash ^ hash >> 29;
}

/* Notes that the row is met in the table's present wave; true when it was already and the order matters. Two rows with
 * one hash only cost a statement more. Two inserts of one row fail in one statement as in two: inserts alone are never
 * divided, as a balanced table needs it. */
static bool meet(struct postgres_plan *plan, uint64_t hash, size_t table, bool insert) {
    size_t at = hash % SEEN_SLOTS;
    while (plan->seen[at].number >= plan->first_number && plan->seen[at].hash != hash) at = (at + 1) % SEEN_SLOTS;
    bool met = plan->seen[at].hash == hash && plan->seen[at].number == plan->of_table[table].number;
    bool both_inserts = met && insert && plan->seen[at].inserted;
    plan->seen[at].inserted = insert;
    plan->seen[at].hash = hash;
    plan->seen[at].number = plan->of_table[table].number;
    return met && !both_inserts;
}

static void plan_change(struct postgres_plan *plan, const struct store_change *change, size_t table, int32_t at) {
    int kind = change->kind == STORE_DELETE ? WAVE_ERASE : change->kind == STORE_INSERT ? WAVE_INSERT : WAVE_UPDATE;
    if (plan->of_table[table].number < plan->first_number) {
        wave_begin(plan, table);
        plan->of_table[table].secondary = has_secondary(change->table);
    }
    uint64_t hash = key_hash(change, table);
    bool behind_insert = kind == WAVE_ERASE && plan->of_table[table].secondary &&
                         plan->buckets[plan->of_table[table].wave][WAVE_INSERT].count > 0;
    if (meet(plan, hash, table, kind == WAVE_INSERT) || behind_insert) {
        wave_begin(plan, table);
        (void)meet(plan, hash, table, kind == WAVE_INSERT); /* the first of its wave */
    }
    struct bucket *bucket = &plan->buckets[plan->of_table[table].wave][kind];
    plan->next[at] = NO_CHANGE;
    if (bucket->count++) plan->next[bucket->tail] = at;
    else bucket->head = at;
    bucket->tail = at;
}

static void plan_make(struct postgres_store *store, const struct store_change *changes, size_t count) {
    struct postgres_plan *plan = store->plan;
    plan->waves = 0;
    plan->first_number = plan->number + 1;
    for (size_t i = 0; i < count; i++)
        plan_change(plan, &changes[i], store_catalog_find(&store->base.catalog, changes[i].table), (int32_t)i);
}

/* ---- Sending ---- */

static const void *bucket_row(const void *ctx, size_t at) {
    const struct postgres_plan *plan = ctx;
    return plan->rows[at]->row;
}

static int send_bucket(struct postgres_store *store, const struct store_change *changes, const struct bucket *bucket,
                       int kind) {
    struct postgres_plan *plan = store->plan;
    struct postgres_connection *writer = &store->writer;
    const struct table *table = store->base.catalog.tables[bucket->table];
    struct postgres_rows rows = { .table = table, .row = bucket_row, .ctx = plan, .count = bucket->count };
    struct postgres_column columns[POSTGRES_COLUMNS_MAX];
    struct postgres_parameters parameters;
    size_t count = 0, filled = 0;
    for (int32_t at = bucket->head; at != NO_CHANGE; at = plan->next[at]) plan->rows[filled++] = &changes[at];
    if (kind != WAVE_ERASE) count = postgres_columns(table, columns);
    else
        for (uint8_t i = 0; i < table->indexes[0].column_count; i++)
            columns[count++] = postgres_key_column(table, 0, i);
    postgres_parameters_begin(writer, &parameters);
    for (size_t i = 0; i < count; i++) {
        int r = postgres_put_array(writer, &parameters, &rows, columns[i]);
        if (r) return err_trace(r);
    }
    if (kind != WAVE_INSERT) postgres_put_i64(writer, &parameters, bucket->count);
    if (writer->bytes.overflow) return err_origin(-EMSGSIZE);
    static const size_t slots[WAVE_KINDS] = { POSTGRES_SLOT_ERASE, POSTGRES_SLOT_INSERT, POSTGRES_SLOT_UPDATE };
    return postgres_pipeline_send(writer, bucket->table, bucket->table * POSTGRES_SLOTS + slots[kind], &parameters);
}

static int send_lease(struct postgres_store *store) {
    struct postgres_connection *writer = &store->writer;
    struct postgres_parameters parameters;
    postgres_parameters_begin(writer, &parameters);
    postgres_put_i64(writer, &parameters, store->epoch);
    buffer_append(&writer->bytes, store->instance, sizeof store->instance);
    parameters.at[++parameters.count] = writer->bytes.len;
    return postgres_pipeline_lease(writer, TAG_LEASE, &parameters);
}

static int send_all(struct postgres_store *store, const struct store_change *changes) {
    struct postgres_plan *plan = store->plan;
    int r = postgres_pipeline_begin(&store->writer);
    if (r == 0) r = postgres_pipeline_text(&store->writer, TAG_BEGIN, "BEGIN");
    for (uint32_t wave = 0; wave < plan->waves; wave++)
        for (int kind = 0; kind < WAVE_KINDS && r == 0; kind++)
            if (plan->buckets[wave][kind].count) r = send_bucket(store, changes, &plan->buckets[wave][kind], kind);
    if (r == 0) r = send_lease(store);
    if (r == 0) r = postgres_pipeline_flush(&store->writer);
    /* libpq tells of a failed write only when it reads */
    if (r == 0 && !postgres_is_alive(&store->writer)) r = POSTGRES_E_FAILED;
    if (r < 0) postgres_disconnect(&store->writer); /* half a transaction, and no COMMIT has left */
    return r;
}

/* ---- Outcome ---- */

static int on_result(void *ctx, size_t tag, const PGresult *result) {
    bool *committed = ctx;
    if (tag == TAG_COMMIT) *committed = strcmp(PQcmdStatus((PGresult *)(uintptr_t)result), "COMMIT") == 0;
    return 0;
}

static int outcome_unknown(struct postgres_store *store) {
    store->base.unknown = true;
    postgres_disconnect(&store->writer);
    return err_origin(-EIO);
}

static bool state_is(const struct postgres_failure *failure, const char *state) {
    return strncmp(failure->state, state, strlen(state)) == 0;
}

/* The server has said that the batch is not there. */
static int undone(struct postgres_store *store, const struct store_change *changes, size_t count) {
    struct postgres_failure failure = store->writer.failure;
    postgres_roll_back(&store->writer);
    if (failure.kind == POSTGRES_FATAL) /* a new holder ends the connection of the old one */
        return postgres_writer_ready(store) == STORE_E_FENCED ? STORE_E_FENCED : STORE_E_AWAY;
    if (state_is(&failure, "GL001")) {
        store->fenced = true;
        store->epoch = 0;
        return STORE_E_FENCED;
    }
    if (state_is(&failure, "25006")) { /* the server has become a standby */
        postgres_disconnect(&store->writer);
        return STORE_E_AWAY;
    }
    if (state_is(&failure, "53100")) return STORE_E_FULL;
    /* a statement that the server no longer knows, or that a migration has changed: made anew on a new connection */
    if (state_is(&failure, "26") || state_is(&failure, "0A000")) postgres_disconnect(&store->writer);
    int r = postgres_writer_ready(store);
    if (r == 0 && postgres_lease_verify(store) == STORE_E_FENCED) r = STORE_E_FENCED;
    if (r) return r;
    if (state_is(&failure, "23") || state_is(&failure, "GR001"))
        store->base.culprit = postgres_culprit(store, changes, count);
    return STORE_E_UNDONE;
}

static int outcome(struct postgres_store *store, const struct store_change *changes, size_t count) {
    const struct postgres_failure *failure = &store->writer.failure;
    switch (failure->kind) {
    case POSTGRES_FINE:
        break;
    case POSTGRES_ERROR:
        return undone(store, changes, count);
    case POSTGRES_FATAL:
        return failure->at == TAG_COMMIT ? outcome_unknown(store) : undone(store, changes, count);
    case POSTGRES_LOST:
        return outcome_unknown(store);
    }
    return outcome_unknown(store); /* no failure, and no COMMIT either */
}

int postgres_commit(struct store *base, const struct store_change *changes, size_t count) {
    struct postgres_store *store = (struct postgres_store *)base;
    if (store->fenced || !store->epoch) return STORE_E_FENCED;
    int r = postgres_writer_ready(store);
    if (r) return err_trace(r);
    plan_make(store, changes, count);
    r = send_all(store, changes);
    if (r < 0) return STORE_E_UNDONE; /* no memory, or too large a batch */
    if (r) return STORE_E_AWAY;       /* T2 */
    bool committed = false;
    if (postgres_pipeline_text(&store->writer, TAG_COMMIT, "COMMIT")) return STORE_E_AWAY; /* it stayed in memory */
    r = postgres_pipeline_collect(&store->writer, on_result, &committed);
    if (r || !committed) return outcome(store, changes, count);
    return store->writer.warned ? outcome_unknown(store) : 0;
}
