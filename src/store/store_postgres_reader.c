/* store_postgres_reader.c - readers: each has a connection of its own, as giro_read.
 *
 * Between begin and end one REPEATABLE READ, READ ONLY transaction; outside, each read is one of its own. A reader's
 * connection is made by its first begin or read (a node has 40 readers and opens in the time of a few), unless one was
 * made beforehand (store_postgres_spare.c), and one that broke while the reader was idle is made anew by the next.
 * Connections: a store has one for the writer and one a reader, so a node with 30 readers needs 31 of the server's
 * max_connections. */
#include "store/store_postgres_int.h"

struct postgres_reader {
    struct store_reader base;
    struct postgres_connection connection;
    struct postgres_seal seal;
    struct postgres_loading loading;
    char *text, *node; /* copies: the command line's options may go before the reader */
};

static struct postgres_reader *of(struct store_reader *base) {
    return (struct postgres_reader *)base;
}

void postgres_reader_close(struct store_reader *base) {
    struct postgres_reader *reader = of(base);
    postgres_release(&reader->connection);
    postgres_seal_release(&reader->seal);
    postgres_loading_release(&reader->loading);
    free(reader->text);
    free(reader->node);
    free(reader);
}

static int connect_reader(struct postgres_reader *reader, struct message *message) {
    const struct postgres_access access = { .connection = reader->text, .node = reader->node, .role = "giro_read" };
    return err_trace(postgres_connect(&reader->connection, &reader->base.catalog, &access, message));
}

static int reader_new(const struct store_options *options, struct postgres_reader **ret_reader) {
    struct postgres_reader *reader = calloc(1, sizeof *reader);
    if (!reader) return err_origin(-ENOMEM);
    reader->base.ops = &store_postgres_ops;
    store_catalog_init(&reader->base.catalog, options);
    reader->loading.catalog = &reader->base.catalog;
    reader->loading.seal = &reader->seal;
    reader->connection.seal = &reader->seal;
    reader->text = strdup(options->connection);
    reader->node = strdup(options->node ? options->node : "");
    int r = reader->text && reader->node ? postgres_seal_init(&reader->seal, options->key->at) : -ENOMEM;
    if (r) postgres_reader_close(&reader->base);
    else *ret_reader = reader;
    return r;
}

int postgres_reader_open(struct store *base, struct store_reader **ret_reader) {
    struct postgres_reader *reader;
    int r = reader_new(&((struct postgres_store *)base)->options, &reader);
    if (r) return err_trace(r);
    reader->base.store = base;
    *ret_reader = &reader->base;
    return 0;
}

int postgres_reader_open_only(const struct store_options *options, struct store_reader **ret_reader,
                              struct message *message) {
    struct postgres_reader *reader = NULL;
    int r = postgres_options_check(options, message);
    if (r == 0) r = reader_new(options, &reader);
    if (r) return err_trace(r);
    r = connect_reader(reader, message);
    if (r == 0) r = postgres_check_key(&reader->connection, &reader->seal, false, message);
    if (r == 0) r = postgres_check_tables(&reader->connection, &reader->base.catalog, message);
    if (r) postgres_reader_close(&reader->base);
    else *ret_reader = &reader->base;
    return err_trace(r);
}

/* A connection that can be used; a broken one is replaced. */
static int ready(struct postgres_reader *reader) {
    struct postgres_connection *connection = &reader->connection;
    if (postgres_is_alive(connection)) return 0;
    PGconn *spare = reader->base.store ? postgres_spare_take(reader->base.store) : NULL;
    int r = spare ? postgres_attach(connection, &reader->base.catalog, spare) : 0;
    if (r) return err_trace(r);
    return spare && postgres_is_alive(connection) ? 0 : err_trace(connect_reader(reader, NULL));
}

static int failed(const struct postgres_reader *reader) {
    return err_origin(reader->connection.failure.kind == POSTGRES_ERROR ? -EIO : -ENOTCONN);
}

static int begin_once(struct postgres_reader *reader) {
    int r = ready(reader);
    if (r == 0) r = postgres_pipeline_begin(&reader->connection);
    if (r == 0) r = postgres_pipeline_text(&reader->connection, 0, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    if (r == 0) r = postgres_pipeline_text(&reader->connection, 0, "SELECT 1"); /* takes the snapshot */
    if (r == 0) r = postgres_pipeline_collect(&reader->connection, NULL, NULL);
    if (r > 0) postgres_roll_back(&reader->connection);
    return r;
}

/* Lost while nothing was held: once more on a new connection. */
static bool worth_again(const struct postgres_reader *reader, int r) {
    return r == POSTGRES_E_FAILED && !reader->base.inside && !reader->connection.conn;
}

int postgres_reader_begin(struct store_reader *base) {
    struct postgres_reader *reader = of(base);
    int r = begin_once(reader);
    if (worth_again(reader, r)) r = begin_once(reader);
    return r > 0 ? failed(reader) : err_trace(r);
}

void postgres_reader_end(struct store_reader *base) {
    postgres_roll_back(&of(base)->connection); /* nothing was written */
}

static int read_once(struct postgres_reader *reader, struct store_probe *probes, size_t count) {
    int r = reader->base.inside ? 0 : ready(reader);
    if (r) return err_trace(r);
    if (!reader->connection.conn) return err_origin(-ENOTCONN); /* lost since begin: the snapshot is gone */
    return postgres_load(&reader->connection, &reader->loading, probes, count, !reader->base.inside && count > 1);
}

int postgres_reader_read(struct store_reader *base, struct store_probe *probes, size_t count, struct arena *arena) {
    struct postgres_reader *reader = of(base);
    reader->loading.arena = arena;
    int r = read_once(reader, probes, count);
    if (worth_again(reader, r)) r = read_once(reader, probes, count);
    return r > 0 ? failed(reader) : err_trace(r);
}

struct walk {
    struct postgres_reading reading;
    int (*each)(void *ctx, const void *row);
    void *ctx;
    int told; /* what each returned */
};

static int on_walk(void *ctx, size_t tag, const PGresult *result) {
    struct walk *walk = ctx;
    (void)tag;
    for (int i = 0; i < PQntuples(result) && walk->told == 0; i++) {
        void *row = NULL;
        int r = postgres_row(&walk->reading, result, i, &row);
        if (r) return err_trace(r);
        walk->told = walk->each(walk->ctx, row);
    }
    return 0;
}

static int walk_once(struct postgres_reader *reader, const struct store_range *range, struct walk *walk) {
    struct postgres_connection *connection = &reader->connection;
    const struct table *table = range->table;
    const struct postgres_shape shape = { range->index, range->equal_columns, range->bounded, range->descending };
    struct postgres_parameters parameters;
    int r = reader->base.inside ? 0 : ready(reader);
    if (r) return err_trace(r);
    if (!connection->conn) return err_origin(-ENOTCONN);
    postgres_parameters_begin(connection, &parameters);
    for (uint8_t i = 0; i < range->equal_columns + (range->bounded ? 1 : 0) && r == 0; i++)
        r = postgres_put_value(connection, &parameters, table, postgres_key_column(table, range->index, i), range->row);
    if (r) return err_trace(r);
    postgres_put_i64(connection, &parameters, range->limit);
    size_t slot = store_catalog_find(&reader->base.catalog, table) * POSTGRES_SLOTS + POSTGRES_SLOT_RANGE;
    r = postgres_pipeline_begin(connection);
    if (r == 0) r = postgres_pipeline_send(connection, 0, slot + postgres_shape_number(shape), &parameters);
    if (r == 0) r = postgres_pipeline_collect(connection, on_walk, walk);
    return r;
}

int postgres_reader_range(struct store_reader *base, const struct store_range *range, struct arena *arena,
                          int (*each)(void *ctx, const void *row), void *ctx) {
    struct postgres_reader *reader = of(base);
    struct walk walk = { .reading = { range->table, &reader->seal, arena }, .each = each, .ctx = ctx };
    int r = walk_once(reader, range, &walk);
    if (worth_again(reader, r)) r = walk_once(reader, range, &walk); /* each was not called: the answer was lost */
    if (r > 0) return failed(reader);
    return r ? err_trace(r) : walk.told;
}
