/* metrics.h - counters, gauges and histograms for Prometheus.
 *
 * (M1) Families and their label names are a static table, known at boot; label values make series, and a family has at
 *      most series_max of them: what comes beyond is counted in one more series whose labels all say "_other", so the
 *      sum stays right and memory is bounded. (M2) Counting is an atomic addition without a lock; only the first use of
 *      a label set takes one. (M3) Values are whole ticks (ticks_per_unit of a table row: durations are microseconds);
 *      bounds are compared and printed exactly. (M4) In what is written a bucket never counts more than the next, and
 *      +Inf equals the count.
 *
 * Label values are words of the program (routes, states, currencies), never personal data or a caller's free text. */
#ifndef GIRO_OBSERVE_METRICS_H
#define GIRO_OBSERVE_METRICS_H

#include "platform/buffer.h"

enum {
    METRIC_LABELS_MAX = 4,
    METRIC_BUCKETS_MAX = 16,
    METRIC_LABEL_BYTES_MAX = 128,  /* a longer value, or one that is not UTF-8, goes to "_other" */
    METRIC_SERIES_MAX = 4096,      /* of one family */
    METRIC_PAGE_BYTES_MAX = 8 * 1024 * 1024,
};

enum metric_type { METRIC_TYPE_COUNTER, METRIC_TYPE_GAUGE, METRIC_TYPE_HISTOGRAM };

struct metric_family {
    const char *name; /* counters end in _total */
    const char *help;
    enum metric_type type;
    const char *labels[METRIC_LABELS_MAX]; /* names, NULL behind the last */
    const int64_t *buckets;                /* histogram: upper bounds in ticks, rising, without +Inf */
    size_t bucket_count;
    int64_t ticks_per_unit;                /* a power of ten: 1000000 for seconds in microseconds, 1 for numbers */
    uint32_t series_max;                   /* 1..METRIC_SERIES_MAX; without labels 1 */
};

/* The values in the order of the family's label names; missing ones are empty. Borrowed for the call. */
struct metric_labels {
    struct str at[METRIC_LABELS_MAX];
};
#define METRIC_NO_LABELS ((struct metric_labels){ 0 })

struct metrics;
struct metric_series;

/* Allocates everything. families must outlive it; check: the table is well formed. A family without labels exists at
 * once with 0. 0 or -ENOMEM. */
int metrics_new(const struct metric_family *families, size_t count, struct metrics **ret_metrics);
struct metrics *metrics_free(struct metrics *metrics);

/* family is the index in the table; check: in range and of the right type. A NULL metrics counts nothing. */
void metrics_add(struct metrics *metrics, size_t family, struct metric_labels labels, uint64_t n);
void metrics_set(struct metrics *metrics, size_t family, struct metric_labels labels, int64_t ticks);
/* ticks below 0 count as 0. */
void metrics_observe(struct metrics *metrics, size_t family, struct metric_labels labels, int64_t ticks);

/* For hot paths: the series, looked up (or made) once; lives as long as metrics. Never NULL. */
struct metric_series *metrics_series(struct metrics *metrics, size_t family, struct metric_labels labels);
void metric_series_add(struct metric_series *series, uint64_t n);
void metric_series_set(struct metric_series *series, int64_t ticks);
void metric_series_observe(struct metric_series *series, int64_t ticks);

/* text: Prometheus exposition 0.0.4; openmetrics: OpenMetrics 1.0.0. */
enum metric_format { METRIC_FORMAT_TEXT, METRIC_FORMAT_OPENMETRICS };
/* By an Accept header (RFC 9110 section 12.5.1; empty: none was sent): OpenMetrics if it is named with a weight that is
 * not below text/plain's, else text. */
enum metric_format metric_format_choose(struct str accept);
const char *metric_format_content_type(enum metric_format format);
/* Appends the whole page. 0 or -EMSGSIZE (out->overflow). */
int metrics_write(struct metrics *metrics, enum metric_format format, struct buffer *out);

#endif
