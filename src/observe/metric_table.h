/* metric_table.h - every metric of the program. Names and buckets of banking_* are the contract's; the rest is giro_*.
 * To add one: an enumerator here, a row in metric_table.c. Durations and ages are set and observed in microseconds. */
#ifndef GIRO_OBSERVE_METRIC_TABLE_H
#define GIRO_OBSERVE_METRIC_TABLE_H

#include "observe/metrics.h"

enum metric_id {
    METRIC_PAYMENTS,          /* payment_type, status, currency: once, when a payment reaches its end */
    METRIC_PAYMENT_DURATION,  /* payment_type: from acceptance to the end */
    METRIC_FRAUD_DURATION,    /* one fraud check */
    METRIC_API_DURATION,      /* api, route: first byte read to last byte handed over */
    METRIC_PAYMENTS_UNKNOWN,  /* payments whose outcome is not known now */
    METRIC_UNKNOWN_OLDEST,    /* age of the oldest of them; 0 when there is none */
    METRIC_HTTP_REQUESTS,     /* route, status */
    METRIC_COMMIT_DURATION,   /* one commit with its flush */
    METRIC_BATCH_COMMANDS,    /* commands in one batch */
    METRIC_QUEUE_DEPTH,       /* queue */
    METRIC_BREAKER_STATE,     /* connector: 0 closed, 1 half-open, 2 open */
    METRIC_EVENTS_RELAYED,    /* consumer */
    METRIC_OUTBOX_AGE,        /* age of the oldest event not yet relayed; 0 when there is none */
    METRIC_JOB_FAULTS,        /* job: portions of background work that failed */
    METRIC_LEDGER_DIFFERENCE, /* currency: the sum of all balances; not 0: the books are wrong */
    METRIC_NODE_ROLE,         /* role: 1 for what this node is */
    METRIC_FORWARDED,         /* outcome: commands given to the node that leads, as counted since the start */
    METRIC_HAND_OVER_GAP,     /* how long nobody answered when this process took over from another */
    METRIC_CERTIFICATE_EXPIRES, /* kind, name: whole seconds; below 0: ended */
    METRIC_CACHE_UP,          /* cache: 1 while the shared cache answers */
    METRIC_CLIENT_REQUESTS,   /* client, route, status_class: what each client asks and how it ends */
    METRIC_RESPONSE_MISMATCH, /* route: answers that their OpenAPI document does not know */
    METRIC_SHED,              /* requests answered 503 since others waited too long for a worker */
    METRIC_FAMILY_COUNT
};

extern const struct metric_family metric_families[METRIC_FAMILY_COUNT];

#endif
