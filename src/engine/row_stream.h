/* row_stream.h - all rows of a table in the order of its primary key, a page at a time: for whoever walks whole books.
 *
 * (T1) memory is bounded: a page ends at ROW_STREAM_PAGE_ROWS rows or with the row that passes ROW_STREAM_PAGE_BYTES.
 * (T2) between read_begin and read_end of the reader the rows are those of one committed state; several streams may
 * share it. The primary key must be of numbers, ids and hashes. A stream belongs to one thread. */
#ifndef GIRO_ENGINE_ROW_STREAM_H
#define GIRO_ENGINE_ROW_STREAM_H

#include "engine/read.h"

enum {
    ROW_STREAM_PAGE_ROWS = 512,
    ROW_STREAM_PAGE_BYTES = 4 * 1024 * 1024,
    ROW_STREAM_BLOCK_BYTES = 64 * 1024,
    ROW_STREAM_BYTES_MAX = 160 * 1024 * 1024, /* a page and one row of the greatest size */
};

struct row_stream {
    struct reader *reader; /* borrowed */
    const struct table *table;
    struct arena arena;
    const void *rows[ROW_STREAM_PAGE_ROWS];
    size_t count, at;
    void *last; /* the key columns of the last row of the page */
    bool started, ended;
};

/* 0 or -ENOMEM; release it in both cases. */
int row_stream_open(struct row_stream *stream, struct reader *reader, const struct table *table);
void row_stream_release(struct row_stream *stream); /* takes a zeroed one */
/* The row that next would give, without taking it; NULL at the end. Valid until the page ends: until the next call of
 * either. 0 or <0
 * (-EBADMSG: the store's bytes are damaged). */
int row_stream_peek(struct row_stream *stream, const void **ret_row) MUST_USE;
int row_stream_next(struct row_stream *stream, const void **ret_row) MUST_USE;

#endif
