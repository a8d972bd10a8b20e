#include "observe/metric_table.h"

/* Bounds in microseconds. */
static const int64_t payment_us[] = { 100000, 250000, 500000, 1000000, 2000000, 3000000, 5000000, 10000000, 30000000 };
static const int64_t fraud_us[] = { 50000, 100000, 250000, 500000, 1000000, 2000000 };
static const int64_t api_us[] = { 10000, 50000, 100000, 250000, 500000, 1000000, 2000000, 5000000 };
static const int64_t commit_us[] = { 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000 };
static const int64_t batch_commands[] = { 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000 };

enum { SECOND_US = 1000000 };
#define BUCKETS(bounds) .buckets = (bounds), .bucket_count = ARRAY_COUNT(bounds)

const struct metric_family metric_families[METRIC_FAMILY_COUNT] = {
    [METRIC_PAYMENTS] = { .name = "banking_payments_total",
        .help = "Payments that reached their end.",
        .type = METRIC_TYPE_COUNTER, .labels = { "payment_type", "status", "currency" }, .ticks_per_unit = 1,
        .series_max = 1024 },
    [METRIC_PAYMENT_DURATION] = { .name = "banking_payment_duration_seconds",
        .help = "Time from acceptance of a payment to its end.",
        .type = METRIC_TYPE_HISTOGRAM, .labels = { "payment_type" }, BUCKETS(payment_us), .ticks_per_unit = SECOND_US,
        .series_max = 16 },
    [METRIC_FRAUD_DURATION] = { .name = "banking_fraud_duration_seconds",
        .help = "Time of one fraud check.",
        .type = METRIC_TYPE_HISTOGRAM, BUCKETS(fraud_us), .ticks_per_unit = SECOND_US, .series_max = 1 },
    [METRIC_API_DURATION] = { .name = "banking_api_duration_seconds",
        .help = "Time to answer a request.",
        .type = METRIC_TYPE_HISTOGRAM, .labels = { "api", "route" }, BUCKETS(api_us), .ticks_per_unit = SECOND_US,
        .series_max = 512 },
    [METRIC_PAYMENTS_UNKNOWN] = { .name = "banking_payments_unknown",
        .help = "Payments whose outcome is not known now.",
        .type = METRIC_TYPE_GAUGE, .ticks_per_unit = 1, .series_max = 1 },
    [METRIC_UNKNOWN_OLDEST] = { .name = "banking_unknown_oldest_seconds",
        .help = "Age of the oldest payment whose outcome is not known.",
        .type = METRIC_TYPE_GAUGE, .ticks_per_unit = SECOND_US, .series_max = 1 },
    [METRIC_HTTP_REQUESTS] = { .name = "giro_http_requests_total",
        .help = "Requests answered.",
        .type = METRIC_TYPE_COUNTER, .labels = { "route", "status" }, .ticks_per_unit = 1, .series_max = 2048 },
    [METRIC_COMMIT_DURATION] = { .name = "giro_commit_duration_seconds",
        .help = "Time of one commit with its flush.",
        .type = METRIC_TYPE_HISTOGRAM, BUCKETS(commit_us), .ticks_per_unit = SECOND_US, .series_max = 1 },
    [METRIC_BATCH_COMMANDS] = { .name = "giro_batch_commands",
        .help = "Commands in one batch of the commit engine.",
        .type = METRIC_TYPE_HISTOGRAM, BUCKETS(batch_commands), .ticks_per_unit = 1, .series_max = 1 },
    [METRIC_QUEUE_DEPTH] = { .name = "giro_queue_depth",
        .help = "Items that wait in a queue.",
        .type = METRIC_TYPE_GAUGE, .labels = { "queue" }, .ticks_per_unit = 1, .series_max = 64 },
    [METRIC_BREAKER_STATE] = { .name = "giro_breaker_state",
        .help = "Circuit breaker of a connector: 0 closed, 1 half-open, 2 open.",
        .type = METRIC_TYPE_GAUGE, .labels = { "connector" }, .ticks_per_unit = 1, .series_max = 64 },
    [METRIC_EVENTS_RELAYED] = { .name = "giro_events_relayed_total",
        .help = "Events handed to a consumer.",
        .type = METRIC_TYPE_COUNTER, .labels = { "consumer" }, .ticks_per_unit = 1, .series_max = 64 },
    [METRIC_OUTBOX_AGE] = { .name = "giro_outbox_age_seconds",
        .help = "Age of the oldest event that is not relayed yet.",
        .type = METRIC_TYPE_GAUGE, .ticks_per_unit = SECOND_US, .series_max = 1 },
    [METRIC_NODE_ROLE] = { .name = "giro_node_role",
        .help = "1 for the role of this node: holder of the writer's lease, or follower.",
        .type = METRIC_TYPE_GAUGE, .labels = { "role" }, .ticks_per_unit = 1, .series_max = 2 },
    [METRIC_FORWARDED] = { .name = "giro_forwarded_commands",
        .help = "Commands given to the node that leads, since the start.",
        .type = METRIC_TYPE_GAUGE, .labels = { "outcome" }, .ticks_per_unit = 1, .series_max = 4 },
    [METRIC_HAND_OVER_GAP] = { .name = "giro_hand_over_gap_seconds",
        .help = "How long callers waited when this process took over from another.",
        .type = METRIC_TYPE_GAUGE, .ticks_per_unit = SECOND_US, .series_max = 1 },
    [METRIC_JOB_FAULTS] = { .name = "giro_job_faults_total",
        .help = "Portions of background work that failed.",
        .type = METRIC_TYPE_COUNTER, .labels = { "job" }, .ticks_per_unit = 1, .series_max = 32 },
    [METRIC_LEDGER_DIFFERENCE] = { .name = "giro_ledger_difference_minor",
        .help = "Sum of all balances of a currency in minor units; anything but 0 means that the books are wrong.",
        .type = METRIC_TYPE_GAUGE, .labels = { "currency" }, .ticks_per_unit = 1, .series_max = 256 },
    [METRIC_CERTIFICATE_EXPIRES] = { .name = "giro_certificate_expires_seconds",
        .help = "Time until a certificate ends: of a trust list the one that ends first, of the edge each file.",
        .type = METRIC_TYPE_GAUGE, .labels = { "kind", "name" }, .ticks_per_unit = 1, .series_max = 64 },
};
