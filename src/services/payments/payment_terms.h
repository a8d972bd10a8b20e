/* payment_terms.h - what was ordered, as columns: the part that the rows of scheduled payments, standing orders and
 * files have in common. */
#ifndef GIRO_SERVICES_PAYMENTS_PAYMENT_TERMS_H
#define GIRO_SERVICES_PAYMENTS_PAYMENT_TERMS_H

#include "domain/payment_order.h"
#include "services/payments/payment.h"

struct payment_terms {
    uint8_t client_id[16], customer_id[16], consent_id[16], debtor_account_id[16];
    struct str creditor_name, creditor_iban, creditor_sort_code, creditor_account_number; /* as in struct payment_row */
    struct str reference, end_to_end_id, instruction_id;
    int64_t currency, amount_minor;
};
#define PAYMENT_TERMS_COLUMN_MAX(row_type, field, bytes)                                                               \
    {                                                                                                                  \
        .name = #field, .type = COLUMN_TEXT, .offset = offsetof(row_type, terms.field), .bytes_max = (bytes),          \
        .personal = true                                                                                               \
    }
#define PAYMENT_TERMS_COLUMN(row_type, field, kind)                                                                    \
    { .name = #field, .type = COLUMN_##kind, .offset = offsetof(row_type, terms.field) }
/* The columns of a row with a member `struct payment_terms terms`. */
enum { PAYMENT_TERMS_COLUMNS_COUNT = 13 };
#define PAYMENT_TERMS_COLUMNS(row_type)                                                                                \
    PAYMENT_TERMS_COLUMN(row_type, client_id, ID), PAYMENT_TERMS_COLUMN(row_type, customer_id, ID),                    \
        PAYMENT_TERMS_COLUMN(row_type, consent_id, ID), PAYMENT_TERMS_COLUMN(row_type, debtor_account_id, ID),         \
        PAYMENT_TERMS_COLUMN_MAX(row_type, creditor_name, PAYMENT_CREDITOR_NAME_BYTES_MAX),                            \
        PAYMENT_TERMS_COLUMN_MAX(row_type, creditor_iban, 34),                                                         \
        PAYMENT_TERMS_COLUMN_MAX(row_type, creditor_sort_code, 6),                                                     \
        PAYMENT_TERMS_COLUMN_MAX(row_type, creditor_account_number, 34),                                               \
        PAYMENT_TERMS_COLUMN_MAX(row_type, reference, PAYMENT_REFERENCE_TEXT_BYTES_MAX),                               \
        PAYMENT_TERMS_COLUMN_MAX(row_type, end_to_end_id, PAYMENT_END_TO_END_BYTES_MAX),                               \
        PAYMENT_TERMS_COLUMN_MAX(row_type, instruction_id, PAYMENT_END_TO_END_BYTES_MAX),                              \
        PAYMENT_TERMS_COLUMN(row_type, currency, I64), PAYMENT_TERMS_COLUMN(row_type, amount_minor, I64)

/* The texts are borrowed from order. */
struct payment_terms payment_terms_of(const struct payment_order *order);
/* Back again. 0, or -EBADMSG: the row does not hold what payment_terms_of wrote. */
int payment_terms_order(const struct payment_terms *terms, struct payment_order *ret_order);

#endif
