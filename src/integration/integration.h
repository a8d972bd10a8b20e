/* integration.h - what the commands, the saga driver and the queries need; made once by app/wiring.c, immutable while
 * the program runs but for what locks itself. */
#ifndef GIRO_INTEGRATION_INTEGRATION_H
#define GIRO_INTEGRATION_INTEGRATION_H

#include "engine/engine.h"
#include "engine/read.h"
#include "integration/command.h"
#include "integration/query.h"
#include "integration/saga/saga_def.h"
#include "observe/metrics.h"
#include "services/aml/aml.h"
#include "services/fraud/fraud.h"
#include "services/ledger/ledger_fee.h"

struct core_dispatch;
struct schedule_rules;

/* Where commands go when the engine may be another node's; see integration/forwarder.h. */
struct command_door {
    int (*submit)(void *ctx, struct command *command); /* as engine_submit */
    void (*note)(void *ctx, struct str audit_json);    /* as engine_note */
    void *ctx;
};

struct integration {
    struct store *store;
    struct engine *engine;           /* NULL while it is another node's */
    const struct command_door *door; /* NULL: the engine is here, for good */
    const struct saga_def *payment_saga;
    const struct fraud_policy *fraud;
    const struct aml_list *aml;
    const struct ledger_fees *fees; /* NULL: payments cost nothing */
    struct metrics *metrics;        /* NULL: nothing is counted */
    /* NULL in tests without a core (its payments stay pending) and while the engine is another node's. */
    struct core_dispatch *_Atomic core;
    const struct schedule_rules *schedule; /* NULL: nothing can be scheduled */
    /* How the answer of a forwarded command may be written down, by the route it came by; NULL: it is not. */
    const struct json_mask *(*answer_mask)(void *ctx, struct str method, struct str route);
    void *answer_mask_ctx;
    char country[3];        /* of this bank: "GB" */
    char bank_code[5];      /* in the IBANs of its UK accounts: "GIRO" */
    char sort_code[7];      /* of the accounts that clients open themselves: six digits; empty: none can */
    int64_t sca_renewal_ms; /* of account consents made from now on (account_consent.h A8); 0: never */
    bool sandbox;
};

/* The one way into the queue of the engine, wherever that is. 0: on_reply will be called exactly once, on a thread that
 * only hands on. ENGINE_E_FULL: nothing was taken. */
int integration_submit(struct integration *integration, struct command *command) MUST_USE;

/* Every table of the program, for the store. */
const struct table *const *integration_tables(size_t *ret_count);

#endif
