#include "store/store.h"

#include "store/store_int.h"

static bool is_word(const char *text) {
    if (text[0] < 'a' || text[0] > 'z') return false;
    return text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_")] == 0;
}

static void index_check(const struct table *table, uint8_t index) {
    const struct table_index *at = &table->indexes[index];
    check(at->column_count > 0 && at->column_count <= TABLE_KEY_COLUMNS_MAX);
    check(index == 0 ? at->unique && at->name[0] == 0 : is_word(at->name));
    for (uint8_t i = 0; i < at->column_count; i++) {
        check(at->columns[i] < table->column_count);
        for (uint8_t j = 0; j < i; j++) check(at->columns[i] != at->columns[j]);
    }
}

static void table_check(const struct table *table) {
    check(is_word(table->service) && is_word(table->name));
    check(table->column_count > 0 && table->column_count <= TABLE_COLUMNS_MAX);
    check(table->index_count > 0 && table->index_count <= TABLE_INDEXES_MAX);
    for (uint8_t i = 0; i < table->column_count; i++) {
        const struct column *column = &table->columns[i];
        check(is_word(column->name) && column->offset < table->row_bytes);
        check((column->type == COLUMN_TEXT || column->type == COLUMN_BLOB) == (column->bytes_max > 0));
    }
    for (uint8_t i = 0; i < table->index_count; i++) index_check(table, i);
}

static size_t catalog_slot(const struct table *table) {
    return (size_t)(((uint64_t)(uintptr_t)table * 0x9e3779b97f4a7c15u) >> 56);
}

void store_catalog_init(struct store_catalog *catalog, const struct store_options *options) {
    check(options->table_count <= STORE_TABLES_MAX);
    *catalog = (struct store_catalog){ .tables = options->tables, .count = options->table_count };
    for (size_t i = 0; i < catalog->count; i++) {
        table_check(catalog->tables[i]);
        size_t slot = catalog_slot(catalog->tables[i]);
        while (catalog->slots[slot]) {
            check(catalog->tables[catalog->slots[slot] - 1] != catalog->tables[i]); /* named twice */
            slot = (slot + 1) % STORE_CATALOG_SLOTS;
        }
        catalog->slots[slot] = (uint8_t)(i + 1);
    }
}

size_t store_catalog_find(const struct store_catalog *catalog, const struct table *table) {
    size_t slot = catalog_slot(table);
    for (;;) {
        check(catalog->slots[slot]); /* else the store was not opened with this table */
        size_t at = catalog->slots[slot] - 1u;
        if (catalog->tables[at] == table) return at;
        slot = (slot + 1) % STORE_CATALOG_SLOTS;
    }
}

uint64_t store_fixed_columns(const struct table *table) {
    uint64_t columns = 0;
    for (uint8_t i = 0; i < table->index_count; i++) {
        if (!table->indexes[i].unique) continue;
        for (uint8_t j = 0; j < table->indexes[i].column_count; j++)
            columns |= (uint64_t)1 << table->indexes[i].columns[j];
    }
    return columns;
}

int store_open(const struct store_options *options, struct store **ret_store, struct message *message) {
    return err_trace(options->ops->open(options, ret_store, message));
}

struct store *store_close(struct store *store) {
    if (!store) return NULL;
    check(atomic_load(&store->readers) == 0);
    store->ops->close(store);
    return NULL;
}

static void probes_check(const struct store_probe *probes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        check(probes[i].index < probes[i].table->index_count);
        check(probes[i].table->indexes[probes[i].index].unique);
    }
}

int store_load(struct store *store, struct store_probe *probes, size_t count, struct arena *arena) {
    probes_check(probes, count);
    if (count == 0) return 0;
    return err_trace(store->ops->load(store, probes, count, arena));
}

/* The rules that need no database: an append-only table takes inserts only, and a row keeps within its descriptor. */
static bool change_is_lawful(const struct store_change *change) {
    if (change->kind != STORE_INSERT && change->table->append_only) return false;
    return change->kind == STORE_DELETE || table_row_check(change->table, change->row) == 0;
}

int store_commit(struct store *store, const struct store_change *changes, size_t count) {
    check(count <= STORE_BATCH_CHANGES_MAX);
    store->culprit = -1;
    if (store->unknown) return err_origin(-EIO);
    for (size_t i = 0; i < count; i++) {
        if (change_is_lawful(&changes[i])) continue;
        store->culprit = (long)i;
        return STORE_E_UNDONE;
    }
    if (count == 0) return 0;
    store->culprit = store_unbalanced(changes, count);
    if (store->culprit >= 0) return STORE_E_UNDONE;
    if (store->changes) store_changes_begin(store->changes, changes, count);
    int r = store->ops->commit(store, changes, count);
    if (store->changes) store_changes_end(store->changes);
    if (r == 0 && store->watch) store->watch(store->watch_ctx, changes, count);
    return err_trace(r);
}

void store_watch(struct store *store, void (*each)(void *ctx, const struct store_change *changes, size_t count),
                 void *ctx) {
    store->watch = each;
    store->watch_ctx = ctx;
}

void store_warm(struct store *store, size_t readers) {
    check(readers <= STORE_WARM_MAX);
    if (store->ops->warm) store->ops->warm(store, readers);
}

int store_lease_take(struct store *store, struct store_lease *ret_lease) {
    if (store->ops->lease_take) return err_trace(store->ops->lease_take(store, ret_lease));
    *ret_lease = (struct store_lease){ .epoch = STORE_EPOCH_EMBEDDED, .ours = true, .alive = true };
    return 0;
}

int store_lease_look(struct store *store, struct store_lease *ret_lease) {
    if (store->ops->lease_look) return err_trace(store->ops->lease_look(store, ret_lease));
    *ret_lease = (struct store_lease){ .epoch = STORE_EPOCH_EMBEDDED, .ours = true, .alive = true };
    return 0;
}

int store_lease_renew(struct store *store) {
    return store->ops->lease_renew ? err_trace(store->ops->lease_renew(store)) : 0;
}

void store_lease_release(struct store *store) {
    if (store->ops->lease_release) store->ops->lease_release(store);
}

int64_t store_epoch(const struct store *store) {
    return store->ops->epoch ? store->ops->epoch(store) : STORE_EPOCH_EMBEDDED;
}

long store_culprit(const struct store *store) {
    return store->culprit;
}

int store_reader_open(struct store *store, struct store_reader **ret_reader) {
    int r = store->ops->reader_open(store, ret_reader);
    if (r) return err_trace(r);
    atomic_fetch_add(&store->readers, 1);
    return 0;
}

int store_reader_open_only(const struct store_options *options, struct store_reader **ret_reader,
                           struct message *message) {
    return err_trace(options->ops->reader_open_only(options, ret_reader, message));
}

struct store_reader *store_reader_close(struct store_reader *reader) {
    if (!reader) return NULL;
    struct store *store = reader->store;
    check(!reader->walking);
    if (reader->inside) store_reader_end(reader);
    store_reader_rest(reader);
    (void)store_kept_free(reader->kept);
    reader->ops->reader_close(reader);
    if (store) atomic_fetch_sub(&store->readers, 1);
    return NULL;
}

int store_reader_keep(struct store_reader *reader) {
    check(!reader->inside && !reader->kept);
    if (!reader->store || !reader->store->changes) return 0;
    return err_trace(store_kept_new(reader->store->changes, &reader->kept));
}

void store_reader_rest(struct store_reader *reader) {
    check(!reader->inside);
    if (!reader->kept || !reader->kept->holds) return;
    reader->ops->reader_end(reader);
    reader->kept->holds = false;
}

int store_reader_begin(struct store_reader *reader) {
    check(!reader->inside);
    if (reader->kept && store_kept_is_current(reader->kept)) {
        reader->inside = true;
        return 0;
    }
    store_reader_rest(reader);
    if (reader->kept) store_kept_take(reader->kept);
    int r = reader->ops->reader_begin(reader);
    if (r) return err_trace(r);
    if (reader->kept) reader->kept->holds = true;
    reader->inside = true;
    return 0;
}

void store_reader_end(struct store_reader *reader) {
    check(reader->inside && !reader->walking);
    reader->inside = false;
    if (!reader->kept) reader->ops->reader_end(reader);
    else if (reader->kept->spoiled) store_reader_rest(reader);
}

static int read_kept(struct store_reader *reader, struct store_probe *probes, size_t count, struct arena *arena) {
    int r = 0;
    for (size_t i = 0; i < count && !r; i++) {
        void *row = store_kept_find(reader->kept, &probes[i], arena);
        if (row) {
            probes[i].ret_row = row;
            continue;
        }
        r = reader->ops->read(reader, &probes[i], 1, arena);
        if (r) reader->kept->spoiled = true;
        else store_kept_put(reader->kept, &probes[i]);
    }
    return err_trace(r);
}

int store_read(struct store_reader *reader, struct store_probe *probes, size_t count, struct arena *arena) {
    check(!reader->walking);
    probes_check(probes, count);
    if (count == 0) return 0;
    if (reader->kept && reader->inside) return err_trace(read_kept(reader, probes, count, arena));
    if (!reader->inside) store_reader_rest(reader); /* outside, each read sees the newest state */
    return err_trace(reader->ops->read(reader, probes, count, arena));
}

static void range_check(const struct store_range *range) {
    check(range->index < range->table->index_count);
    const struct table_index *index = &range->table->indexes[range->index];
    check(range->limit > 0 && range->limit <= STORE_RANGE_ROWS_MAX);
    check(range->equal_columns <= index->column_count);
    check(range->row || (range->equal_columns == 0 && !range->bounded));
    if (!range->bounded) return;
    check(range->equal_columns < index->column_count);
    enum column_type type = range->table->columns[index->columns[range->equal_columns]].type;
    check(type != COLUMN_TEXT && type != COLUMN_BLOB);
}

int store_range(struct store_reader *reader, const struct store_range *range, struct arena *arena,
                int (*each)(void *ctx, const void *row), void *ctx) {
    check(!reader->walking); /* each() may not read with the same reader */
    range_check(range);
    if (!reader->inside) store_reader_rest(reader);
    reader->walking = true;
    int r = reader->ops->range(reader, range, arena, each, ctx);
    reader->walking = false;
    if (r && reader->kept) reader->kept->spoiled = true; /* each's own refusal too: another snapshot costs little */
    return err_trace(r);
}
