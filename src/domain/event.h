/* event.h - what happened, typed. A service returns events from its decisions; the engine writes them to the journal in
 * the same commit; integration/bus gives them their CloudEvents envelope. No personal data: ids, amounts and words
 * only. */
#ifndef GIRO_DOMAIN_EVENT_H
#define GIRO_DOMAIN_EVENT_H

#include "domain/id.h"
#include "domain/money.h"
#include "domain/payment_status.h"

/* code, CloudEvents type, owning service (source is "banking.<service>") */
#define EVENT_MAP(X)                                                                                                   \
    X(EVENT_PAYMENT_INITIATED, "PaymentInitiated", "payments")                                                         \
    X(EVENT_PAYMENT_APPROVED, "PaymentApproved", "payments")                                                           \
        X(EVENT_PAYMENT_COMPLETED, "PaymentCompleted", "payments")                                                     \
            X(EVENT_PAYMENT_REJECTED, "PaymentRejected", "payments")                                                   \
                X(EVENT_PAYMENT_UNKNOWN, "PaymentUnknown", "payments") X(EVENT_FRAUD_FLAGGED, "FraudFlagged", "fraud") \
                    X(EVENT_FRAUD_CLEARED, "FraudCleared", "fraud") X(EVENT_AML_FLAGGED, "AmlFlagged", "aml")          \
                        X(EVENT_AML_CLEARED, "AmlCleared", "aml") X(EVENT_ACCOUNT_OPENED, "AccountOpened", "accounts") \
                            X(EVENT_BALANCE_UPDATED, "BalanceUpdated", "ledger")                                       \
                                X(EVENT_ENTRY_RECORDED, "EntryRecorded", "ledger")                                     \
                                    X(EVENT_CONSENT_AUTHORISED, "ConsentAuthorised", "consents")                       \
                                        X(EVENT_CONSENT_REJECTED, "ConsentRejected", "consents")                       \
                                            X(EVENT_CONSENT_REVOKED, "ConsentRevoked", "consents")                     \
                                                X(EVENT_CONSENT_EXPIRED, "ConsentExpired", "consents")                 \
                                                    X(EVENT_NOTIFICATION_SENT, "NotificationSent", "notifications")    \
    X(EVENT_PAYMENT_SCHEDULED, "PaymentScheduled", "payments")                                                         \
    X(EVENT_SCHEDULED_CANCELLED, "ScheduledPaymentCancelled", "payments")                                              \
    X(EVENT_SCHEDULED_REJECTED, "ScheduledPaymentRejected", "payments")                                                \
    X(EVENT_STANDING_ORDER_CREATED, "StandingOrderCreated", "payments")                                                \
    X(EVENT_STANDING_ORDER_CANCELLED, "StandingOrderCancelled", "payments")                                            \
    X(EVENT_STANDING_ORDER_COMPLETED, "StandingOrderCompleted", "payments")                                            \
    X(EVENT_FILE_ACCEPTED, "PaymentFileAccepted", "payments")                                                          \
    X(EVENT_FILE_COMPLETED, "PaymentFileCompleted", "payments")

#define X(code, name, service) code,
enum event_type { EVENT_MAP(X) EVENT_TYPE_COUNT };
#undef X
const char *event_type_name(enum event_type type);
const char *event_type_service(enum event_type type);

/* Which of the fields below an event carries follows from its service: payments, fraud, aml: payment_id, account_id,
 * customer_id, client_id, amount, payment_type, status, reason; accounts, ledger: account_id, amount (= balance after),
 * customer_id; consents: consent_id, client_id, customer_id; notifications: notification_id, payment_id. The others
 * stay zero. */
struct event {
    enum event_type type;
    struct event_id id;  /* given by the engine */
    int64_t time_ms;     /* given by the engine */
    uint8_t subject[16]; /* the id of what it is about */
    struct payment_id payment_id;
    struct account_id account_id;
    struct customer_id customer_id;
    struct client_id client_id;
    struct consent_id consent_id;
    struct notification_id notification_id;
    struct money amount;
    enum payment_type payment_type;
    enum payment_status status;
    enum payment_reason reason;
};

#endif
