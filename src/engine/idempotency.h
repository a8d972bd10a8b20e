/* idempotency.h - what was answered under a key. Private to the engine; the rules are in design.md section 4. */
#ifndef GIRO_ENGINE_IDEMPOTENCY_H
#define GIRO_ENGINE_IDEMPOTENCY_H

#include "engine/engine.h"

struct idempotency_row {
    uint8_t key[16];
    struct hash fingerprint;
    int64_t refusal, created_ms;
    uint8_t resource_id[16];
    struct str answer;
};

void idempotency_want(struct work *work, const struct command *command);
/* 0: the key is new. 1: the command is answered (REPLAYED or KEY_REUSED). VIEW_NEED. */
int idempotency_judge(struct work *work, struct command *command);
/* Stores the command's refusal, resource and answer under its key. 0 or <0. */
int idempotency_store(struct work *work, const struct command *command);

#endif
