/* work.h - the work set of one batch: rows loaded or made, what each command drafted, and what the batch will write.
 *
 * (W1) a row stands once in the set, whatever key found it. (W2) a draft becomes the row's base when its command is
 * accepted and is dropped when it is refused. (W3) each row is written once, in its final state. (W4) a row that the
 * cache holds is not loaded; rules: row_cache.h. (W5) over a batch in flight (`before`) whatever that one knows is
 * found there first, as it will have left it: changed, made or gone, by every unique key. It is copied, since that set
 * may be forgotten sooner than this one. (W6) what only an insert that came to nothing has said of a key is not known.
 * Private to the engine. Tests: engine_test.c, overlap*_test.c. */
#ifndef GIRO_ENGINE_WORK_H
#define GIRO_ENGINE_WORK_H

#include "engine/engine.h"
#include "engine/journal.h"
#include "engine/row_cache.h"

enum { WORK_ARENA_BLOCK_BYTES = 16 << 20, WORK_ARENA_BYTES_MAX = 512 << 20, WORK_FOLLOWUPS_MAX = 8 };

/* What the sets of successive batches share. */
struct work_common {
    struct row_cache cache;
    struct id_sequence ids;
    uint8_t last_id[16]; /* the newest one handed out */
};

struct work_row {
    const struct table *table;
    void *base;         /* state after the accepted commands; NULL = absent */
    void *draft;        /* of the command being decided */
    const void *stored; /* as it was in the store when the batch loaded it; NULL = absent there */
    bool dirty;         /* base differs from the store */
    bool drafted;       /* draft counts (NULL draft = deleted) */
    struct work_row *next_dirty, *next_fresh;
    uint32_t slot; /* of the primary key */
};

enum { WORK_KEY_BYTES = 36 }; /* of a slot: so that one line of the processor's caches holds all of it */

/* What is known of one key. */
struct work_slot {
    const struct table *table;
    struct work_row *row; /* NULL: known to be absent */
    uint32_t hash;
    uint32_t place;
    uint16_t key_bytes;
    uint8_t index;
    bool guessed;                /* only an insert has said something of the key: W6 */
    uint8_t key[WORK_KEY_BYTES]; /* a longer one: where in the arena it stands */
};

/* Slots stand one behind another; places are looked at at random, and are small for that. */
struct work_place {
    uint32_t hash;
    uint32_t slot; /* from 1; 0: free */
};

struct work {
    struct work_common *common;
    const struct work *before; /* of the batch in flight, all decided; NULL: there is none (W5) */
    struct arena arena;
    struct work_place *places; /* twice as many as slots, a power of two */
    struct work_slot *slots;   /* [0] is never used */
    size_t place_count, slots_used;
    struct work_row *first_fresh; /* rows that the cache does not hold in its young generation */
    struct store_probe *needs;
    size_t need_count, need_capacity;
    struct work_row *drafts[ENGINE_BULK_ROWS_MAX];
    size_t draft_count, draft_max; /* draft_max: of the command's kind */
    struct work_row *first_dirty, *last_dirty;
    size_t dirty_count;
    struct buffer body; /* journal frames of the batch */
    size_t body_mark;   /* where the current command's frames begin */
    struct followup *followups;
    size_t followup_count, followup_mark, followup_capacity;
    int64_t counters[COUNTER_COUNT], counters_stored[COUNTER_COUNT];
    int64_t swept_day; /* what the current command makes of COUNTER_SWEPT_DAY; 0: leaves it */
    int64_t now_ms, seq;
    void (*encode_event)(struct buffer *out, const struct event *event);
    bool failed; /* out of memory or over a limit while drafting: the command becomes a fault */
    bool full;   /* the journal's body cannot take what a decided command must write there: no commit */
};

int work_common_init(struct work_common *common); /* 0 or -ENOMEM */
void work_common_release(struct work_common *common);
/* common is borrowed. */
int work_init(struct work *work, struct work_common *common);
void work_release(struct work *work);
/* What a batch stands on: the state that the batch before it leaves. */
struct work_ground {
    int64_t now_ms, seq;       /* of the batch itself */
    const int64_t *counters;   /* COUNTER_COUNT, of the batch before */
    const struct work *before; /* NULL: all is committed */
};
void work_begin(struct work *work, const struct work_ground *ground); /* forgets what it held */
/* Loads the needs: with the writer's load, or beside it with a reader (of the newest state, not begun). ret_witness
 * NULL, or wanted with a reader: the row of witness in the very state that was read, NULL: absent. 0, STORE_E_AWAY,
 * _FENCED, <0. */
int work_load(struct work *work, struct store *store);
int work_load_beside(struct work *work, struct store_reader *reader, const struct store_probe *witness,
                     const void **ret_witness);
/* The batch is committed: the cache takes its rows. What the batch after it has borrowed from the cache stays. */
void work_keep(struct work *work);
void work_forget(struct work *work); /* its commit failed, in whatever way: the cache is emptied */
void work_command_begin(struct work *work, const struct command_kind *kind);
int work_command_accept(struct work *work);
void work_command_drop(struct work *work);
/* Once the command is accepted nothing is left of the days up to day (idempotency.h, K3). */
void work_swept_day(struct work *work, int64_t day);

#endif
