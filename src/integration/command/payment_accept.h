/* payment_accept.h - an order becomes a payment inside a decision: the one path for every payment, whether a client
 * asks for it now or a row of an earlier day falls due. Private to integration. */
#ifndef GIRO_INTEGRATION_COMMAND_PAYMENT_ACCEPT_H
#define GIRO_INTEGRATION_COMMAND_PAYMENT_ACCEPT_H

#include "integration/command/command_run.h"
#include "services/accounts/account.h"

struct payment_accept {
    const struct integration *integration;
    struct payment_order order;
    struct str creditor_iban;   /* the IBAN that finds the creditor among our accounts; empty: not ours */
    uint8_t interaction_id[16]; /* of the call that orders it; zero: none does */
    bool core_open;             /* the breaker lets new payments through and its queue has room */
    bool consent_spent;         /* the order's consent was judged and consumed when it was scheduled */
    bool type_given;            /* type is the payment's; else it follows from the creditor */
    enum payment_type type;
};

const char *payment_accept_refusal_name(int refusal); /* of PAYMENT_ACCEPT_E_* */
/* The IBAN under which the creditor could be one of our accounts: empty or in arena, or borrowed from creditor. */
struct str payment_accept_creditor_iban(const struct integration *integration, const struct creditor *creditor,
                                        struct arena *arena);
/* For needs(). */
void payment_accept_want(struct work *work, const struct payment_accept *input);
/* Whether the order could be a payment now. *ret_creditor_number: 0 when the core must carry it. 0, PAYMENT_ACCEPT_E_*,
 * VIEW_NEED, <0. */
int payment_accept_judge(struct work *work, const struct payment_accept *input, const struct account_row **ret_debtor,
                         int64_t *ret_creditor_number);
/* Judges, makes the payment and starts its saga, which may reject it in the same commit. As above. */
int payment_accept_make(struct work *work, const struct payment_accept *input, uint8_t ret_payment_id[16]);

/* How an order travels to the node that decides: fields for a command_form (command_codec.h). */
#define PAYMENT_ORDER_WHO_FIELDS(owner, order)                                                                         \
    FIELD(owner, order.client_id, ID), FIELD(owner, order.customer_id, ID), FIELD(owner, order.consent_id, ID),        \
        FIELD(owner, order.debtor_account_id, ID)
#define PAYMENT_ORDER_FIELDS(owner, order)                                                                             \
    PAYMENT_ORDER_WHO_FIELDS(owner, order), FIELD_SHORT(owner, order.creditor.name),                                   \
        FIELD_MAX(owner, order.creditor.scheme, CHOICE, CREDITOR_SCHEME_UK + 1),                                       \
        FIELD_SHORT(owner, order.creditor.iban), FIELD_SHORT(owner, order.creditor.sort_code),                         \
        FIELD_SHORT(owner, order.creditor.account_number), FIELD(owner, order.amount, MONEY),                          \
        FIELD_SHORT(owner, order.reference), FIELD_SHORT(owner, order.end_to_end_id),                                  \
        FIELD_SHORT(owner, order.instruction_id)
/* Whether parts of it are there that a command function would have demanded. */
bool payment_accept_order_arrived(const struct payment_order *order);

#endif
