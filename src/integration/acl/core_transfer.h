/* core_transfer.h - a payment as the core is told of it. Pure. */
#ifndef GIRO_INTEGRATION_ACL_CORE_TRANSFER_H
#define GIRO_INTEGRATION_ACL_CORE_TRANSFER_H

#include "integration/acl/core_carries.h"
#include "services/accounts/account.h"
#include "services/payments/payment.h"

/* A movement at the core. The same transfer always gives the same bytes. */
struct core_transfer {
    struct payment_id payment_id; /* the reference: 32 hexadecimal digits */
    struct core_account debtor, creditor;
    struct money amount; /* 1..CORE_AMOUNT_MINOR_MAX */
    int64_t recorded_ms; /* wall clock, taken once at the decision */
};

/* recorded_ms: of the saga's row. 0, or the refusal of core_account_make, which an accepted payment never gets. */
int core_transfer_make(const struct payment_row *payment, const struct account_row *debtor, int64_t recorded_ms,
                       struct core_transfer *ret_transfer);

/* What FOLLOWUP_CORE_EXECUTE carries out of the commit that accepted the payment. */
struct core_order {
    struct core_transfer transfer;
    uint8_t interaction_id[16]; /* of the call that ordered the payment; zero: none did */
};

#endif
