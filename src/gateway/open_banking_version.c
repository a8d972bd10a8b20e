#include "gateway/open_banking.h"

const char *open_banking_path(enum open_banking_version version) {
    return version == OPEN_BANKING_V3 ? OPEN_BANKING_V3_PATH : OPEN_BANKING_V4_PATH;
}

int64_t open_banking_major(enum open_banking_version version) {
    return version == OPEN_BANKING_V3 ? 3 : 4;
}

const char *open_banking_consent_status(enum open_banking_version version, const char *status) {
    static const struct {
        const char *v4, *v3;
    } names[] = {
        { "AWAU", "AwaitingAuthorisation" },
        { "AUTH", "Authorised" },
        { "RJCT", "Rejected" },
        { "COND", "Consumed" },
        { "CANC", "Revoked" },
        { "EXPD", "Revoked" },
    };
    for (size_t i = 0; version == OPEN_BANKING_V3 && i < ARRAY_COUNT(names); i++)
        if (strcmp(names[i].v4, status) == 0) return names[i].v3;
    return status;
}

const char *open_banking_payment_status(enum open_banking_version version, enum payment_status status) {
    bool v3 = version == OPEN_BANKING_V3;
    switch (status) {
    case PAYMENT_PENDING:
    case PAYMENT_UNKNOWN:
        return v3 ? "Pending" : "PDNG";
    case PAYMENT_COMPLETED:
        return v3 ? "AcceptedSettlementCompleted" : "ACSC";
    case PAYMENT_REJECTED:
        return v3 ? "Rejected" : "RJCT";
    case PAYMENT_STATUS_COUNT:
        break;
    }
    check(false);
    return "";
}

const char *open_banking_payment_received(enum open_banking_version version) {
    return version == OPEN_BANKING_V3 ? "Pending" : "RCVD";
}
