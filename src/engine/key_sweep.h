/* key_sweep.h - moves the keys of finished days that live on to day 0 and deletes the expired ones with their answers.
 *
 * A plan is made beside the engine, by a reader; the command decides each key again from its rows, so that a plan that
 * is old does no harm. Rules K1 to K3: idempotency.h. */
#ifndef GIRO_ENGINE_KEY_SWEEP_H
#define GIRO_ENGINE_KEY_SWEEP_H

#include "engine/engine.h"
#include "engine/read.h"

enum {
    KEY_SWEEP_KEYS_MAX = 512,                /* in one command */
    KEY_SWEEP_PAGES_MAX = 16,                /* of long-kept keys, looked at for one plan */
    KEY_SWEEP_REST_MS = 24 * 60 * 60 * 1000, /* between two walks through the long-kept keys */
};

/* The input of key_sweep_kind. */
struct key_sweep {
    int64_t day; /* of the keys; 0: the long-kept ones */
    size_t count;
    uint8_t keys[KEY_SWEEP_KEYS_MAX][16];
    int64_t swept_day; /* nothing is left of the days up to this one; 0: not said */
};
enum { KEY_SWEEP_E_EARLY = 1 }; /* a day is not finished yet by the engine's time: it is today, yesterday or later */
extern const struct command_kind key_sweep_kind;

/* Where the walk through the long-kept keys stands; zeroed before the first plan. */
struct key_sweeper {
    uint8_t cursor[16];
    int64_t rest_until_ms;
};
/* Whether there is something to do, and what. arena is reset as needed. 0 or <0 (-EBADMSG: damaged).
 * tidy: parameters because the plan is made beside the engine: reader, memory and time come from the job. */
int key_sweep_plan(struct key_sweeper *sweeper, struct reader *reader, struct arena *arena, int64_t now_ms,
                   struct key_sweep *ret_sweep, bool *ret_more);

#endif
