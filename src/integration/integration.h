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

struct integration {
    struct store *store;
    struct engine *engine;
    const struct saga_def *payment_saga;
    const struct fraud_policy *fraud;
    const struct aml_list *aml;
    const struct ledger_fees *fees; /* NULL: payments cost nothing */
    struct metrics *metrics; /* NULL: nothing is counted */
    struct core_dispatch *core;   /* NULL in tests without a core: its payments stay pending */
    const struct schedule_rules *schedule; /* NULL: nothing can be scheduled */
    char country[3];              /* of this bank: "GB" */
    char bank_code[5];            /* in the IBANs of its UK accounts: "GIRO" */
    char sort_code[7];            /* of the accounts that clients open themselves: six digits; empty: none can */
    bool sandbox;
};

/* Every table of the program, for the store. */
const struct table *const *integration_tables(size_t *ret_count);

#endif
