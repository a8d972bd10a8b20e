/* store_postgres_rows.c - rows to binary parameters, results to rows, and loading by probes. */
#include "store/store_postgres_int.h"

void postgres_parameters_begin(struct postgres_connection *connection, struct postgres_parameters *parameters) {
    buffer_reset(&connection->bytes);
    *parameters = (struct postgres_parameters){ 0 };
}

static void parameter_end(struct postgres_connection *connection, struct postgres_parameters *parameters) {
    check(parameters->count < POSTGRES_PARAMETERS_MAX);
    parameters->at[++parameters->count] = connection->bytes.len;
}

void postgres_put_i64(struct postgres_connection *connection, struct postgres_parameters *parameters, int64_t value) {
    buffer_append_be(&connection->bytes, (uint64_t)value, 8);
    parameter_end(connection, parameters);
}

/* Table, column and primary key: where a sealed value belongs. */
struct place {
    uint8_t bytes[TABLE_KEY_BYTES_MAX + 256];
    size_t head, len; /* head: what is the same for all rows */
};

static void place_begin(struct place *place, const struct table *table, const struct column *column) {
    const char *names[] = { table->service, table->name, column->name };
    place->len = 0;
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        size_t len = strlen(names[i]) + 1;
        check(len <= sizeof place->bytes - TABLE_KEY_BYTES_MAX - place->len);
        memcpy(place->bytes + place->len, names[i], len);
        place->len += len;
    }
    place->head = place->len;
}

static struct str place_of(struct place *place, const struct table *table, const void *row) {
    place->len = place->head + table_key(table, 0, row, place->bytes + place->head);
    return str_from_bytes(place->bytes, place->len);
}

struct value_writer {
    struct buffer *out;
    struct postgres_seal *seal;
    const struct table *table;
    struct postgres_column column;
    struct place place; /* only of sealed columns */
};

static void value_writer_init(struct value_writer *writer, struct postgres_connection *connection,
                              const struct table *table, struct postgres_column column) {
    writer->out = &connection->bytes, writer->seal = connection->seal;
    writer->table = table, writer->column = column;
    const struct column *of = &table->columns[column.column];
    if (of->personal && !column.hash) place_begin(&writer->place, table, of);
}

static int put_sealed(struct value_writer *writer, const void *row, struct str text) {
    return postgres_seal_close(writer->seal, place_of(&writer->place, writer->table, row), text, writer->out);
}

/* The value as the server receives it, without its length. */
static int put_bytes(struct value_writer *writer, const void *row) {
    const struct column *column = &writer->table->columns[writer->column.column];
    uint8_t hash[32];
    int r = 0;
    switch (column->type) {
    case COLUMN_I64:
        buffer_append_be(writer->out, (uint64_t)column_i64(column, row), 8);
        break;
    case COLUMN_ID:
        buffer_append(writer->out, column_bytes(column, row), 16);
        break;
    case COLUMN_HASH:
        buffer_append(writer->out, column_bytes(column, row), 32);
        break;
    case COLUMN_TEXT:
    case COLUMN_BLOB:
        if (writer->column.hash) {
            r = postgres_seal_hash(writer->seal, writer->table, writer->column.column, column_str(column, row), hash);
            buffer_append(writer->out, hash, sizeof hash);
        } else if (column->personal) r = put_sealed(writer, row, column_str(column, row));
        else buffer_append_str(writer->out, column_str(column, row));
        break;
    }
    return r;
}

int postgres_put_value(struct postgres_connection *connection, struct postgres_parameters *parameters,
                       const struct table *table, struct postgres_column column, const void *row) {
    struct value_writer writer;
    value_writer_init(&writer, connection, table, column);
    int r = put_bytes(&writer, row);
    parameter_end(connection, parameters);
    return err_trace(r);
}

static Oid element_type(enum postgres_kind kind) {
    return kind == POSTGRES_KIND_I64 ? POSTGRES_INT8 : kind == POSTGRES_KIND_TEXT ? POSTGRES_TEXT : POSTGRES_BYTEA;
}

/* The binary form of an array (PostgreSQL source, array_recv): dimensions, has nulls, type, size, first index; then
 * each element with its length. */
int postgres_put_array(struct postgres_connection *connection, struct postgres_parameters *parameters,
                       const struct postgres_rows *rows, struct postgres_column column) {
    struct buffer *out = &connection->bytes;
    struct value_writer writer;
    value_writer_init(&writer, connection, rows->table, column);
    buffer_append_be(out, 1, 4);
    buffer_append_be(out, 0, 4);
    buffer_append_be(out, element_type(postgres_kind_of(rows->table, column)), 4);
    buffer_append_be(out, rows->count, 4);
    buffer_append_be(out, 1, 4);
    for (size_t i = 0; i < rows->count; i++) {
        size_t at = out->len;
        buffer_append_be(out, 0, 4);
        int r = put_bytes(&writer, rows->row(rows->ctx, i));
        if (r) return err_trace(r);
        if (out->overflow) return err_origin(-EMSGSIZE);
        size_t len = out->len - at - 4;
        for (int j = 0; j < 4; j++) out->at[at + (size_t)j] = (char)(uint8_t)(len >> (24 - 8 * j));
    }
    parameter_end(connection, parameters);
    return 0;
}

/* ---- Results ---- */

static int64_t read_i64(const char *bytes) {
    uint64_t value = 0;
    for (int i = 0; i < 8; i++) value = value << 8 | (uint8_t)bytes[i];
    return (int64_t)value;
}

static int read_sealed(struct postgres_seal *seal, struct str associated, struct str sealed, struct arena *arena,
                       struct str *ret_text) {
    size_t len = 0;
    char *plain = arena_alloc(arena, sealed.len + 1);
    if (!plain) return err_origin(-ENOMEM);
    int r = postgres_seal_open(seal, associated, sealed, (uint8_t *)plain, &len);
    if (r) return err_trace(r);
    plain[len] = 0;
    *ret_text = str_from_bytes(plain, len);
    return 0;
}

static int read_fixed(const struct column *column, struct str value, void *row) {
    char *to = (char *)row + column->offset;
    size_t wanted = column->type == COLUMN_I64 ? 8 : column->type == COLUMN_ID ? 16 : 32;
    if (value.len != wanted) return err_origin(-EBADMSG);
    int64_t number = column->type == COLUMN_I64 ? read_i64(value.at) : 0;
    if (column->type == COLUMN_I64) memcpy(to, &number, sizeof number);
    else memcpy(to, value.at, wanted);
    return 0;
}

static struct str value_of(const PGresult *result, int at, int column) {
    return str_from_bytes(PQgetvalue(result, at, column), (size_t)PQgetlength(result, at, column));
}

/* place: of this column and row; used when it is sealed. */
static int read_text(const struct postgres_reading *reading, struct str value, struct str place, struct str *ret_text) {
    if (place.len) return read_sealed(reading->seal, place, value, reading->arena, ret_text);
    struct str text = arena_dup(reading->arena, value);
    if (!text.at) return err_origin(-ENOMEM);
    *ret_text = text;
    return 0;
}

static int read_column(const struct postgres_reading *reading, const struct column *column, struct str value,
                       char *row) {
    if (column->type != COLUMN_TEXT && column->type != COLUMN_BLOB) return read_fixed(column, value, row);
    struct place place;
    struct str text, where = { 0 };
    if (column->personal) {
        place_begin(&place, reading->table, column);
        where = place_of(&place, reading->table, row);
    }
    int r = read_text(reading, value, where, &text);
    if (r == 0) memcpy(row + column->offset, &text, sizeof text);
    return r;
}

/* Sealed columns come last: the primary key must be there before. */
int postgres_row(const struct postgres_reading *reading, const PGresult *result, int at, void **ret_row) {
    const struct table *table = reading->table;
    if (PQnfields(result) < table->column_count) return err_origin(-EBADMSG);
    char *row = arena_alloc(reading->arena, table->row_bytes);
    if (!row) return err_origin(-ENOMEM);
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < table->column_count; i++) {
            if (table->columns[i].personal != (pass == 1)) continue;
            int r = read_column(reading, &table->columns[i], value_of(result, at, i), row);
            if (r) return err_trace(r);
        }
    *ret_row = row;
    return 0;
}

/* ---- Loading ---- */

void postgres_loading_release(struct postgres_loading *loading) {
    free(loading->order);
    loading->order = NULL;
    loading->order_max = 0;
}

static size_t loading_of(const struct postgres_loading *loading, const struct store_probe *probe) {
    return store_catalog_find(loading->catalog, probe->table) * TABLE_INDEXES_MAX + probe->index;
}

/* Sorts the probes by statement, keeping their order. */
static int loading_sort(struct postgres_loading *loading, size_t count) {
    size_t kinds = loading->catalog->count * TABLE_INDEXES_MAX;
    if (count > loading->order_max) {
        uint32_t *grown = realloc(loading->order, count * sizeof *grown);
        if (!grown) return err_origin(-ENOMEM);
        loading->order = grown;
        loading->order_max = count;
    }
    memset(loading->counts, 0, kinds * sizeof loading->counts[0]);
    for (size_t i = 0; i < count; i++) loading->counts[loading_of(loading, &loading->probes[i])]++;
    uint32_t start = 0;
    for (size_t i = 0; i < kinds; i++) {
        loading->starts[i] = start;
        start += loading->counts[i];
        loading->counts[i] = 0;
    }
    for (size_t i = 0; i < count; i++) {
        size_t kind = loading_of(loading, &loading->probes[i]);
        loading->order[loading->starts[kind] + loading->counts[kind]++] = (uint32_t)i;
    }
    return 0;
}

struct probe_rows {
    const struct postgres_loading *loading;
    size_t start;
};

static const void *probe_row(const void *ctx, size_t at) {
    const struct probe_rows *rows = ctx;
    return rows->loading->probes[rows->loading->order[rows->start + at]].row;
}

static int loading_send(struct postgres_connection *connection, struct postgres_loading *loading, size_t kind) {
    const struct table *table = loading->catalog->tables[kind / TABLE_INDEXES_MAX];
    uint8_t index = (uint8_t)(kind % TABLE_INDEXES_MAX);
    struct probe_rows rows = { .loading = loading, .start = loading->starts[kind] };
    struct postgres_rows given = { .table = table, .row = probe_row, .ctx = &rows, .count = loading->counts[kind] };
    struct postgres_parameters parameters;
    postgres_parameters_begin(connection, &parameters);
    for (uint8_t i = 0; i < table->indexes[index].column_count; i++) {
        int r = postgres_put_array(connection, &parameters, &given, postgres_key_column(table, index, i));
        if (r) return err_trace(r);
    }
    size_t slot = kind / TABLE_INDEXES_MAX * POSTGRES_SLOTS + POSTGRES_SLOT_SELECT + index;
    return postgres_pipeline_send(connection, kind, slot, &parameters);
}

static const size_t NO_ROWS = SIZE_MAX; /* the tag of BEGIN and COMMIT */

static int on_rows(void *ctx, size_t tag, const PGresult *result) {
    struct postgres_loading *loading = ctx;
    if (tag == NO_ROWS) return 0;
    const struct table *table = loading->catalog->tables[tag / TABLE_INDEXES_MAX];
    const struct postgres_reading reading = { .table = table, .seal = loading->seal, .arena = loading->arena };
    for (int i = 0; i < PQntuples(result); i++) {
        void *row = NULL;
        int r = postgres_row(&reading, result, i, &row);
        struct str ordinal = value_of(result, i, table->column_count);
        if (r) return err_trace(r);
        int64_t n = ordinal.len == 8 ? read_i64(ordinal.at) : 0;
        if (n < 1 || n > loading->counts[tag]) return err_origin(-EBADMSG);
        loading->probes[loading->order[loading->starts[tag] + (size_t)n - 1]].ret_row = row;
    }
    return 0;
}

int postgres_load(struct postgres_connection *connection, struct postgres_loading *loading, struct store_probe *probes,
                  size_t count, bool snapshot) {
    loading->probes = probes;
    for (size_t i = 0; i < count; i++) probes[i].ret_row = NULL;
    int r = loading_sort(loading, count);
    if (r == 0) r = postgres_pipeline_begin(connection);
    if (r == 0 && snapshot)
        r = postgres_pipeline_text(connection, NO_ROWS, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    for (size_t kind = 0; kind < loading->catalog->count * TABLE_INDEXES_MAX && r == 0; kind++)
        if (loading->counts[kind]) r = loading_send(connection, loading, kind);
    if (r == 0 && snapshot) r = postgres_pipeline_text(connection, NO_ROWS, "COMMIT");
    if (r < 0) postgres_disconnect(connection); /* half a pipeline: nobody will read its answers */
    if (r == 0) r = postgres_pipeline_collect(connection, on_rows, loading);
    if (r && snapshot) postgres_roll_back(connection);
    return r;
}
