/* idempotency.h - what was answered under a key. The rules are in design.md section 4.
 *
 * Keys and answers lie apart. A key is a small row under (day, key): today's keys lie together, so that a new one
 * touches a small part of the tree. Its answer is a row under a growing number, appended and hardly ever read.
 *
 *   (today, key) ... (first day that is not swept, key), (0, key)   where a key is looked for
 *
 * (K1) A key is found as long as its answer lives, to the millisecond: an answer whose expires_ms has come counts as
 * absent, also while its rows are still there. (K2) A day is dropped by the sweep (key_sweep.h) only after yesterday:
 * what lives on moves to day 0, and no commit leaves a moment in which neither place has it. (K3) COUNTER_SWEPT_DAY
 * is the last day of which nothing is left; it is 0 until the first key is stored. (K4) Day 0 is not looked into while
 * COUNTER_LONG_KEYS says that no key has ever moved there: it says so from the very first key on, or never. Private to
 * the engine. Tests: idempotency_test.c, k1..k4. */
#ifndef GIRO_ENGINE_IDEMPOTENCY_H
#define GIRO_ENGINE_IDEMPOTENCY_H

#include "engine/engine.h"

enum { KEY_DAY_LONG = 0 }; /* the day of keys that outlived theirs */

enum long_keys { LONG_KEYS_UNKNOWN, LONG_KEYS_NONE, LONG_KEYS_SOME };

struct key_row {
    int64_t day; /* clock_day of the batch that stored it, or KEY_DAY_LONG */
    uint8_t key[16];
    int64_t answer; /* its number */
};
struct answer_row {
    int64_t number; /* COUNTER_ANSWER */
    struct hash fingerprint;
    int64_t refusal, created_ms, expires_ms; /* expires_ms 0: never */
    uint8_t resource_id[16];
    struct str answer;
};

static inline bool answer_has_expired(const struct answer_row *row, int64_t now_ms) {
    return row->expires_ms && row->expires_ms <= now_ms;
}

void idempotency_want(struct work *work, const struct command *command);
/* 0: the key is new. 1: the command is answered (REPLAYED or KEY_REUSED). VIEW_NEED, <0. */
int idempotency_judge(struct work *work, struct command *command);
/* Stores the command's refusal, resource and answer under its key. 0 or <0. */
int idempotency_store(struct work *work, const struct command *command);

#endif
