/* read.h - the only door for reads outside decisions. A reader belongs to one thread at a time.
 *
 * (R1) between read_begin and read_end all reads see one committed state. (R2) reads never block the engine. */
#ifndef GIRO_ENGINE_READ_H
#define GIRO_ENGINE_READ_H

#include "store/store.h"

struct reader {
    struct store_reader *store;
};
int reader_open(struct store *store, struct reader *ret_reader);
/* Reads a store of another process (the command line beside the daemon), read-only. 0 or <0 with a sentence in message.
 */
int reader_open_only(const struct store_options *options, struct reader *ret_reader, struct message *message);
void reader_close(struct reader *reader);
/* See store_reader_keep. */
int reader_keep(struct reader *reader);
void reader_rest(struct reader *reader);
int read_begin(struct reader *reader) MUST_USE;
void read_end(struct reader *reader);
/* One row by primary (index 0) or unique index; *ret_row in the arena, NULL when absent. 0 or <0.
 * tidy: parameters because a read names its table, its index and its key. */
int read_row(struct reader *reader, const struct table *table, uint8_t index, const void *probe, struct arena *arena,
             const void **ret_row) MUST_USE;
/* See struct store_range. */
int read_range(struct reader *reader, const struct store_range *range, struct arena *arena,
               int (*each)(void *ctx, const void *row), void *ctx) MUST_USE;

#endif
