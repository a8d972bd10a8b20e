/* journal_tail.h - the journal's newest records, as this process committed them, kept in memory: who reads the journal
 * as it grows need not ask the store for what it has just been given.
 *
 * (T1) A record stands here only after its commit. (T2) There are no gaps: one that does not follow the one before
 * empties the tail first. (T3) The oldest go when the room is used up. The engine's thread puts, any thread reads; a
 * reader waits for the copy of one record at most. Tests: journal_tail_test.c, t2, t3. */
#ifndef GIRO_ENGINE_JOURNAL_TAIL_H
#define GIRO_ENGINE_JOURNAL_TAIL_H

#include "engine/journal.h"
#include "engine/read.h"

enum { JOURNAL_TAIL_RECORDS = 2048, JOURNAL_TAIL_BYTES = 8 * 1024 * 1024 };

struct journal_tail;
int journal_tail_new(struct journal_tail **ret_tail);                         /* 0 or -ENOMEM */
struct journal_tail *journal_tail_free(struct journal_tail *tail);            /* takes and returns NULL */
void journal_tail_put(struct journal_tail *tail, const struct journal_row *); /* copies; a body too long empties it */

/* Records in the order of the journal, from behind (epoch, seq) on. */
struct journal_walk {
    int64_t epoch, seq;                      /* 0, 0: from the first */
    uint32_t limit;                          /* of records, 1..STORE_RANGE_ROWS_MAX */
    struct arena *arena;                     /* of the rows and their bodies */
    int (*each)(void *ctx, const void *row); /* a struct journal_row; until it returns other than 0 */
    void *ctx;
};
/* From the tail alone. *ret_given: how many records each had; none: the tail has nothing newer, or no longer what
 * follows. 0, -ENOMEM, or what each returned. */
int journal_tail_walk(struct journal_tail *tail, const struct journal_walk *walk, uint32_t *ret_given);

/* From the tail where it has them, else from the store: then those of the same epoch or, when there are none, of the
 * later ones, as one snapshot shows them. reader: outside begin and end. 0, <0, or what each returned. */
struct engine;
int journal_walk(struct engine *engine, struct reader *reader, const struct journal_walk *walk);

#endif
