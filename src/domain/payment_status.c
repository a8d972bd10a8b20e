#include "domain/payment_status.h"

#define X(code, name) [code] = name,
static const char *const status_names[PAYMENT_STATUS_COUNT] = { PAYMENT_STATUS_MAP(X) };
static const char *const reason_names[PAYMENT_REASON_COUNT] = { PAYMENT_REASON_MAP(X) };
static const char *const type_names[PAYMENT_TYPE_COUNT] = { PAYMENT_TYPE_MAP(X) };
#undef X

const char *payment_status_name(enum payment_status status) {
    check(status < PAYMENT_STATUS_COUNT);
    return status_names[status];
}

const char *payment_reason_name(enum payment_reason reason) {
    check(reason < PAYMENT_REASON_COUNT);
    return reason_names[reason];
}

const char *payment_type_name(enum payment_type type) {
    check(type < PAYMENT_TYPE_COUNT);
    return type_names[type];
}

const char *payment_metric_status(enum payment_status status, enum payment_reason reason) {
    if (status == PAYMENT_REJECTED && (reason == PAYMENT_REASON_CHECK_UNAVAILABLE ||
                                       reason == PAYMENT_REASON_DEADLINE || reason == PAYMENT_REASON_CORE_FAILED))
        return "failed";
    return payment_status_name(status);
}
