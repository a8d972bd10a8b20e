/* core_carries.h - what the core's record can say, judged before a payment is accepted. Pure.
 *
 * The core knows an account as sort code and account number (14 digits), or as the IBAN's BBAN where that fits its
 * field. What does not fit is refused here: nothing is ever cut. core_host_new() proves that these limits are those of
 * the layouts. */
#ifndef GIRO_INTEGRATION_ACL_CORE_CARRIES_H
#define GIRO_INTEGRATION_ACL_CORE_CARRIES_H

#include "domain/payment_order.h"

enum { CORE_ACCOUNT_BYTES_MAX = 20, CORE_AMOUNT_DIGITS_MAX = 12 };
static const int64_t CORE_AMOUNT_MINOR_MAX = 999999999999;

#define CORE_CARRIES_E_MAP(X)                                                                                          \
    X(CORE_CARRIES_E_CREDITOR, "creditor_not_reachable") X(CORE_CARRIES_E_AMOUNT, "amount_too_large")
#define X(code, name) code,
enum core_carries_refusal { CORE_CARRIES_E_NONE = 0, CORE_CARRIES_E_MAP(X) CORE_CARRIES_E_COUNT };
#undef X

/* An account as the core knows it: personal data. */
struct core_account {
    struct personal_byte at[CORE_ACCOUNT_BYTES_MAX];
    uint8_t len;
};
/* From sort code and account number where there is a sort code, else from the IBAN; texts as the personal types reveal
 * them, not used ones empty. 0 or CORE_CARRIES_E_CREDITOR. */
int core_account_make(struct str iban, struct str sort_code, struct str account_number,
                      struct core_account *ret_account);
struct str core_account_reveal(const struct core_account *account); /* borrowed */

/* Whether the core can be told of this payment. 0, CORE_CARRIES_E_CREDITOR, CORE_CARRIES_E_AMOUNT (in this order). */
int core_carries(const struct payment_order *order);

#endif
