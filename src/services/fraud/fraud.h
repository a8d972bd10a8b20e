/* fraud.h - rules that refuse a payment before money is reserved. Few, but they decide: the amount of one payment, the
 * number of payments of a personal account in a minute, and creditors known for fraud.
 *
 * (F1) the counters change in the payment's own commit, so that no two payments slip through together. (F2) a verdict
 * names its rule. */
#ifndef GIRO_SERVICES_FRAUD_FRAUD_H
#define GIRO_SERVICES_FRAUD_FRAUD_H

#include "domain/money.h"
#include "engine/decision.h"

enum { FRAUD_CREDITORS_MAX = 1024, FRAUD_CREDITOR_BYTES_MAX = 40 };

#define FRAUD_RULE_MAP(X)                                                                                              \
    X(FRAUD_CLEAR, "clear") X(FRAUD_AMOUNT, "single_amount") X(FRAUD_VELOCITY, "velocity") X(FRAUD_CREDITOR, "credito" \
                                                                                                             "r")
#define X(code, name) code,
enum fraud_rule { FRAUD_RULE_MAP(X) FRAUD_RULE_COUNT };
#undef X
const char *fraud_rule_name(enum fraud_rule rule);

/* Limits in whole units of the account's currency, taken as they stand in every currency but those with their own
 * factor: amounts in CZK, HUF, JPY ... are compared after multiplication (fraud_currency_factor). */
struct fraud_policy {
    int64_t personal_amount_units; /* one payment of a personal account; boot value 25,000 */
    int64_t business_amount_units; /* boot value 1,000,000 */
    int64_t personal_per_minute;   /* payments of one personal account in one clock minute; boot value 30 */
    size_t creditor_count;
    char creditors[FRAUD_CREDITORS_MAX][FRAUD_CREDITOR_BYTES_MAX]; /* IBAN, or sort code + account number, sorted */
};
void fraud_policy_init(struct fraud_policy *policy);
/* One creditor account a line; blank lines and lines beginning with # are skipped. message names the line. 0 or
 * -EINVAL. */
int fraud_policy_read_creditors(struct fraud_policy *policy, struct str text, struct message *message);

struct fraud_subject {
    struct payment_id payment_id;
    struct account_id account_id;
    int64_t account_number; /* ledger number */
    bool business;
    struct money amount;
    struct str creditor; /* IBAN, or sort code + account number */
};
struct fraud_counter_row {
    int64_t account, minute, count;
};
extern const struct table fraud_counter_table;
void fraud_want(struct work *work, int64_t account_number);
/* Counts the payment and judges it; emits FraudFlagged or FraudCleared. 0, VIEW_NEED, <0. */
int fraud_check(struct work *work, const struct fraud_policy *policy, const struct fraud_subject *subject,
                enum fraud_rule *ret_rule);

#endif
