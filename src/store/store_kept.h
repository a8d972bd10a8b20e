/* store_kept.h - private to src/store: a reader that keeps its snapshot, and the rows it has read by key, from one
 * begin to the next, so that what nothing has changed is asked of the database once.
 *
 * (K1) begin shows every commit that had ended when it was called: each commit has a number, and a snapshot taken
 *      before another one ended is not kept. (K2) All reads of one begin see one state (S2), kept rows too: a commit
 *      marks the slot of each row that it changes or deletes before any of it can be seen, and a kept row is used only
 *      while its slot says that no commit since its snapshot touched it. Two rows may share a slot; then one is read in
 *      vain. (K3) Only rows that are there are kept, in memory of a fixed size; when that is full all are forgotten.
 *      (K4) This process is the store's only writer as long as the reader is open, so only adapters whose lease is the
 *      file's lock keep anything. */
#ifndef GIRO_STORE_STORE_KEPT_H
#define GIRO_STORE_STORE_KEPT_H

#include <stdatomic.h>

#include "store/store.h"

enum { STORE_CHANGE_SLOTS = 32 * 1024, KEPT_SLOTS = 8 * 1024, KEPT_ROWS_MAX = KEPT_SLOTS / 2, KEPT_BYTES = 4 << 20 };

/* Of a store: written by its one writer, looked at by readers. */
struct store_changes {
    uint64_t begun;                               /* the writer's: number of the last commit, whatever became of it */
    _Atomic uint64_t ended;                       /* the last one that has ended, well or not */
    _Atomic uint64_t turns;                       /* grows when the log could start over but for kept snapshots */
    _Atomic uint64_t touched[STORE_CHANGE_SLOTS]; /* by hash of table and primary key: last commit that changed one */
};
struct store_changes *store_changes_new(void); /* NULL: no memory */
/* Around an adapter's commit. */
void store_changes_begin(struct store_changes *changes, const struct store_change *rows, size_t count);
void store_changes_end(struct store_changes *changes);

struct kept_row;
/* Of one reader, of its thread. */
struct store_kept {
    const struct store_changes *changes;
    bool holds;             /* a snapshot is open in the adapter */
    bool spoiled;           /* a read in it failed, which may have ended it */
    uint64_t number, turns; /* of changes, when it was taken */
    struct arena arena;
    struct kept_row *rows; /* [KEPT_SLOTS] */
    size_t count;
};
int store_kept_new(const struct store_changes *changes, struct store_kept **ret_kept); /* 0 or -ENOMEM */
struct store_kept *store_kept_free(struct store_kept *kept);                           /* takes and returns NULL */
bool store_kept_is_current(const struct store_kept *kept); /* the snapshot held shows all that has ended */
void store_kept_take(struct store_kept *kept);             /* before the adapter's begin: notes the number */
/* A copy in the arena of the row that the probe wants, if it is kept and untouched; NULL: ask the database. */
void *store_kept_find(const struct store_kept *kept, const struct store_probe *probe, struct arena *arena);
void store_kept_put(struct store_kept *kept, const struct store_probe *probe); /* what the database gave */

#endif
