/* payment_status.h - the words for what became of a payment, spelled as in the API, the journal and the events. */
#ifndef GIRO_DOMAIN_PAYMENT_STATUS_H
#define GIRO_DOMAIN_PAYMENT_STATUS_H

#include "platform/str.h"

#define PAYMENT_STATUS_MAP(X)                                                                                          \
    X(PAYMENT_PENDING, "pending")                                                                                      \
    X(PAYMENT_UNKNOWN, "unknown") X(PAYMENT_COMPLETED, "completed") X(PAYMENT_REJECTED, "rejected")

#define PAYMENT_REASON_MAP(X)                                                                                          \
    X(PAYMENT_REASON_NONE, "")                                                                                         \
    X(PAYMENT_REASON_INSUFFICIENT_FUNDS, "insufficient_funds") X(PAYMENT_REASON_FRAUD, "fraud")                        \
        X(PAYMENT_REASON_SANCTIONS, "sanctions") X(PAYMENT_REASON_ACCOUNT_BLOCKED, "account_blocked")                  \
            X(PAYMENT_REASON_CORE_REFUSED, "core_refused") X(PAYMENT_REASON_CHECK_UNAVAILABLE, "check_unavailable")    \
                X(PAYMENT_REASON_DEADLINE, "deadline") X(PAYMENT_REASON_CORE_FAILED, "core_failed")     \
    X(PAYMENT_REASON_NOT_ACCEPTED, "not_accepted") /* of an order that fell due and became no payment */

#define PAYMENT_TYPE_MAP(X)                                                                                            \
    X(PAYMENT_ON_US, "on_us")                                                                                          \
    X(PAYMENT_DOMESTIC, "domestic") X(PAYMENT_INTERNATIONAL, "international") X(PAYMENT_SCHEDULED, "scheduled")        \
        X(PAYMENT_STANDING_ORDER, "standing_order") X(PAYMENT_VRP, "vrp") X(PAYMENT_FILE, "file")                      \
            X(PAYMENT_CARD, "card")

#define X(code, name) code,
enum payment_status { PAYMENT_STATUS_MAP(X) PAYMENT_STATUS_COUNT };
enum payment_reason { PAYMENT_REASON_MAP(X) PAYMENT_REASON_COUNT };
enum payment_type { PAYMENT_TYPE_MAP(X) PAYMENT_TYPE_COUNT };
#undef X

/* The words; check: in range. */
const char *payment_status_name(enum payment_status status);
const char *payment_reason_name(enum payment_reason reason);
const char *payment_type_name(enum payment_type type);
/* For the metric: rejected counts as "failed" when Giro or a downstream could not (contract.md, Metrics). */
const char *payment_metric_status(enum payment_status status, enum payment_reason reason);

#endif
