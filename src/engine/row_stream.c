#include "engine/row_stream.h"

int row_stream_open(struct row_stream *stream, struct reader *reader, const struct table *table) {
    *stream = (struct row_stream){ .reader = reader, .table = table };
    for (uint8_t i = 0; i < table->indexes[0].column_count; i++) {
        enum column_type type = table->columns[table->indexes[0].columns[i]].type;
        check(type != COLUMN_TEXT && type != COLUMN_BLOB);
    }
    stream->last = calloc(1, table->row_bytes);
    if (!stream->last) return err_origin(-ENOMEM);
    return err_trace(arena_init(&stream->arena, ROW_STREAM_BLOCK_BYTES, ROW_STREAM_BYTES_MAX));
}

void row_stream_release(struct row_stream *stream) {
    arena_release(&stream->arena);
    free(stream->last);
    *stream = (struct row_stream){ 0 };
}

static int keep_row(void *ctx, const void *row) {
    struct row_stream *stream = ctx;
    stream->rows[stream->count++] = row;
    return stream->count == ROW_STREAM_PAGE_ROWS || stream->arena.bytes_used >= ROW_STREAM_PAGE_BYTES;
}

/* The next page: behind the last row within its first key columns, as many of them as still have rows. */
static int page_load(struct row_stream *stream) {
    uint8_t key_columns = stream->table->indexes[0].column_count;
    struct store_range range = { .table = stream->table, .row = stream->last, .limit = ROW_STREAM_PAGE_ROWS };
    stream->count = stream->at = 0;
    arena_reset(&stream->arena);
    int r = 0;
    if (!stream->started) {
        range.row = NULL;
        r = read_range(stream->reader, &range, &stream->arena, keep_row, stream);
    } else {
        range.bounded = true;
        for (uint8_t equal = key_columns; r == 0 && stream->count == 0 && equal > 0; equal--) {
            range.equal_columns = (uint8_t)(equal - 1);
            r = read_range(stream->reader, &range, &stream->arena, keep_row, stream);
        }
    }
    if (r < 0) return err_trace(r);
    stream->started = true;
    if (stream->count) memcpy(stream->last, stream->rows[stream->count - 1], stream->table->row_bytes);
    else stream->ended = true;
    return 0;
}

int row_stream_peek(struct row_stream *stream, const void **ret_row) {
    if (stream->at == stream->count && !stream->ended) {
        int r = page_load(stream);
        if (r) return err_trace(r);
    }
    *ret_row = stream->at < stream->count ? stream->rows[stream->at] : NULL;
    return 0;
}

int row_stream_next(struct row_stream *stream, const void **ret_row) {
    int r = row_stream_peek(stream, ret_row);
    if (!r && *ret_row) stream->at++;
    return err_trace(r);
}
