#include "engine/read.h"

int reader_open(struct store *store, struct reader *ret_reader) {
    return err_trace(store_reader_open(store, &ret_reader->store));
}

int reader_open_only(const struct store_options *options, struct reader *ret_reader, struct message *message) {
    return err_trace(store_reader_open_only(options, &ret_reader->store, message));
}

void reader_close(struct reader *reader) {
    reader->store = store_reader_close(reader->store);
}

int reader_keep(struct reader *reader) {
    return err_trace(store_reader_keep(reader->store));
}

void reader_rest(struct reader *reader) {
    store_reader_rest(reader->store);
}

int read_begin(struct reader *reader) {
    return err_trace(store_reader_begin(reader->store));
}

void read_end(struct reader *reader) {
    store_reader_end(reader->store);
}

/* tidy: parameters because a read names its table, its index and its key. */
int read_row(struct reader *reader, const struct table *table, uint8_t index, const void *probe, struct arena *arena,
             const void **ret_row) {
    struct store_probe want = { .table = table, .index = index, .row = probe };
    int r = store_read(reader->store, &want, 1, arena);
    if (r) return err_fold(r);
    *ret_row = want.ret_row;
    return 0;
}

int read_range(struct reader *reader, const struct store_range *range, struct arena *arena,
               int (*each)(void *ctx, const void *row), void *ctx) {
    return store_range(reader->store, range, arena, each, ctx);
}
