/* ledger_fee.h - what a payment costs: a schedule of rows, the first that fits decides. Pure, in integers.
 *
 * (F1) fee = fixed + amount * per_mille / 1000 (half to even), raised to min, lowered to max. (F2) no row: no fee.
 * Where the rows come from: integration/fee_file.h. Tests: ledger_period_test.c. */
#ifndef GIRO_SERVICES_LEDGER_LEDGER_FEE_H
#define GIRO_SERVICES_LEDGER_LEDGER_FEE_H

#include "domain/money.h"
#include "domain/payment_status.h"

enum { LEDGER_FEES_MAX = 256, LEDGER_FEE_PER_MILLE_MAX = 1000 };

enum ledger_fee_product { LEDGER_FEE_ANY, LEDGER_FEE_PERSONAL, LEDGER_FEE_BUSINESS };
struct ledger_fee_row {
    enum payment_type type;
    enum ledger_fee_product product;
    struct currency currency;
    int64_t fixed_minor, min_minor, max_minor; /* >= 0; max_minor 0: none */
    int64_t per_mille;                         /* 0..LEDGER_FEE_PER_MILLE_MAX */
};
struct ledger_fees {
    struct ledger_fee_row rows[LEDGER_FEES_MAX];
    size_t count;
};
struct ledger_fee_subject {
    enum payment_type type;
    bool business;
    struct money amount; /* > 0 */
};
/* schedule may be NULL. 0 or -ERANGE. */
int ledger_fee(const struct ledger_fees *schedule, const struct ledger_fee_subject *subject, int64_t *ret_fee_minor);

#endif
