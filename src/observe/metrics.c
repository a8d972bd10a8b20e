#include "observe/metrics.h"

#include <pthread.h>
#include <stdatomic.h>

struct metric_series {
    const struct metric_family *family;
    char labels[METRIC_LABELS_MAX][METRIC_LABEL_BYTES_MAX];
    size_t label_bytes[METRIC_LABELS_MAX];
    _Atomic uint64_t count;                           /* counter */
    _Atomic int64_t ticks;                            /* gauge: value; histogram: sum */
    _Atomic uint64_t buckets[METRIC_BUCKETS_MAX + 1]; /* histogram: not cumulative; the last is above all bounds */
};

/* The series of one family: a pool that is filled from the front, and an open-addressed index into it. */
struct metric_store {
    struct metric_series *pool;              /* series_max, and one more for "_other" */
    _Atomic uint32_t used;
    atomic_bool other_used;
    struct metric_series *_Atomic *index;    /* index_size, a power of two above twice series_max */
    size_t index_size;
};

struct metrics {
    const struct metric_family *families;
    size_t count;
    struct metric_store *stores;
    pthread_mutex_t lock; /* taken to add a series */
};

/* ---- boot ---- */

static size_t label_count(const struct metric_family *family) {
    size_t count = 0;
    while (count < METRIC_LABELS_MAX && family->labels[count]) count++;
    return count;
}

static void family_check(const struct metric_family *family) {
    bool total = str_ends(str_from_c(family->name), STR("_total"));
    int64_t scale = family->ticks_per_unit;
    check(total == (family->type == METRIC_TYPE_COUNTER));
    check(family->help && family->help[0]);
    check(family->series_max >= 1 && family->series_max <= METRIC_SERIES_MAX);
    check(label_count(family) > 0 || family->series_max == 1);
    check((family->bucket_count > 0) == (family->type == METRIC_TYPE_HISTOGRAM) &&
          family->bucket_count <= METRIC_BUCKETS_MAX);
    for (size_t i = 1; i < family->bucket_count; i++) check(family->buckets[i - 1] < family->buckets[i]);
    while (scale > 1 && scale % 10 == 0) scale /= 10;
    check(scale == 1);
}

static int store_init(struct metric_store *store, const struct metric_family *family) {
    store->index_size = 4;
    while (store->index_size < 2 * (size_t)family->series_max) store->index_size *= 2;
    store->pool = calloc((size_t)family->series_max + 1, sizeof *store->pool);
    store->index = calloc(store->index_size, sizeof *store->index);
    return store->pool && store->index ? 0 : err_origin(-ENOMEM);
}

int metrics_new(const struct metric_family *families, size_t count, struct metrics **ret_metrics) {
    struct metrics *metrics = calloc(1, sizeof *metrics);
    if (!metrics) return err_origin(-ENOMEM);
    check(pthread_mutex_init(&metrics->lock, NULL) == 0);
    metrics->families = families;
    metrics->count = count;
    metrics->stores = calloc(count, sizeof *metrics->stores);
    int r = metrics->stores ? 0 : err_origin(-ENOMEM);
    for (size_t i = 0; r == 0 && i < count; i++) {
        family_check(&families[i]);
        r = store_init(&metrics->stores[i], &families[i]);
        if (r == 0 && label_count(&families[i]) == 0)
            (void)metrics_series(metrics, i, METRIC_NO_LABELS); /* begins at 0 */
    }
    if (r) {
        (void)metrics_free(metrics);
        return err_trace(r);
    }
    *ret_metrics = metrics;
    return 0;
}

struct metrics *metrics_free(struct metrics *metrics) {
    if (!metrics) return NULL;
    for (size_t i = 0; metrics->stores && i < metrics->count; i++) {
        free(metrics->stores[i].pool);
        free((void *)metrics->stores[i].index);
    }
    free(metrics->stores);
    check(pthread_mutex_destroy(&metrics->lock) == 0);
    free(metrics);
    return NULL;
}

/* ---- series ---- */

static uint64_t labels_hash(const struct metric_labels *labels, size_t count) {
    uint64_t hash = 0xcbf29ce484222325; /* FNV-1a */
    for (size_t i = 0; i < count; i++) {
        for (size_t at = 0; at < labels->at[i].len; at++)
            hash = (hash ^ (unsigned char)labels->at[i].at[at]) * 0x100000001b3;
        hash = (hash ^ 0xff) * 0x100000001b3;
    }
    return hash ^ hash >> 32;
}

static bool series_has(const struct metric_series *series, const struct metric_labels *labels, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!str_equal(str_from_bytes(series->labels[i], series->label_bytes[i]), labels->at[i])) return false;
    return true;
}

/* The place of the labels in the index: where they are, or the free one where they belong. There always is one. */
static size_t index_find(struct metric_store *store, const struct metric_labels *labels, size_t count) {
    size_t at = (size_t)labels_hash(labels, count) & (store->index_size - 1);
    for (;; at = (at + 1) & (store->index_size - 1)) {
        struct metric_series *series = atomic_load_explicit(&store->index[at], memory_order_acquire);
        if (!series || series_has(series, labels, count)) return at;
    }
}

static void series_set_labels(struct metric_series *series, const struct metric_family *family,
                              const struct metric_labels *labels) {
    series->family = family;
    for (size_t i = 0; i < label_count(family); i++) {
        memcpy(series->labels[i], labels->at[i].at, labels->at[i].len);
        series->label_bytes[i] = labels->at[i].len;
    }
}

/* Called with the lock held. */
static struct metric_series *other_series(struct metric_store *store, const struct metric_family *family) {
    struct metric_series *other = &store->pool[family->series_max];
    if (!store->other_used) {
        series_set_labels(other, family,
                          &(struct metric_labels){ { STR("_other"), STR("_other"), STR("_other"), STR("_other") } });
        store->other_used = true;
    }
    return other;
}

/* Called with the lock held: looks again, then takes the next of the pool, or "_other". */
static struct metric_series *series_make(struct metric_store *store, const struct metric_family *family,
                                         const struct metric_labels *labels) {
    size_t count = label_count(family), at = index_find(store, labels, count);
    struct metric_series *series = store->index[at];
    if (series) return series;
    uint32_t used = store->used;
    if (used == family->series_max) return other_series(store, family);
    series = &store->pool[used];
    series_set_labels(series, family, labels);
    atomic_store_explicit(&store->index[at], series, memory_order_release);
    atomic_store_explicit(&store->used, used + 1, memory_order_release);
    return series;
}

static bool labels_are_usable(const struct metric_labels *labels, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (labels->at[i].len > METRIC_LABEL_BYTES_MAX || !str_is_utf8(labels->at[i])) return false;
    return true;
}

struct metric_series *metrics_series(struct metrics *metrics, size_t family, struct metric_labels labels) {
    check(family < metrics->count);
    const struct metric_family *row = &metrics->families[family];
    struct metric_store *store = &metrics->stores[family];
    size_t count = label_count(row);
    for (size_t i = 0; i < count; i++)
        if (!labels.at[i].at) labels.at[i] = STR("");
    bool usable = labels_are_usable(&labels, count);
    struct metric_series *series = NULL;
    if (usable) series = atomic_load_explicit(&store->index[index_find(store, &labels, count)], memory_order_acquire);
    if (series) return series;
    bool full = !usable || atomic_load_explicit(&store->used, memory_order_acquire) == row->series_max;
    if (full && store->other_used) return &store->pool[row->series_max];
    check(pthread_mutex_lock(&metrics->lock) == 0);
    series = usable ? series_make(store, row, &labels) : other_series(store, row);
    check(pthread_mutex_unlock(&metrics->lock) == 0);
    return series;
}

/* ---- counting ---- */

void metric_series_add(struct metric_series *series, uint64_t n) {
    check(series->family->type == METRIC_TYPE_COUNTER);
    atomic_fetch_add_explicit(&series->count, n, memory_order_relaxed);
}

void metric_series_set(struct metric_series *series, int64_t ticks) {
    check(series->family->type == METRIC_TYPE_GAUGE);
    atomic_store_explicit(&series->ticks, ticks, memory_order_relaxed);
}

void metric_series_observe(struct metric_series *series, int64_t ticks) {
    const struct metric_family *family = series->family;
    size_t at = 0;
    check(family->type == METRIC_TYPE_HISTOGRAM);
    if (ticks < 0) ticks = 0;
    while (at < family->bucket_count && ticks > family->buckets[at]) at++;
    atomic_fetch_add_explicit(&series->buckets[at], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&series->ticks, ticks, memory_order_relaxed);
}

void metrics_add(struct metrics *metrics, size_t family, struct metric_labels labels, uint64_t n) {
    if (metrics) metric_series_add(metrics_series(metrics, family, labels), n);
}

void metrics_set(struct metrics *metrics, size_t family, struct metric_labels labels, int64_t ticks) {
    if (metrics) metric_series_set(metrics_series(metrics, family, labels), ticks);
}

void metrics_observe(struct metrics *metrics, size_t family, struct metric_labels labels, int64_t ticks) {
    if (metrics) metric_series_observe(metrics_series(metrics, family, labels), ticks);
}

/* ---- writing ---- */

/* ticks / ticks_per_unit as an exact decimal; point: "10.0" instead of "10". */
static void write_ticks(struct buffer *out, int64_t ticks, int64_t ticks_per_unit, bool point) {
    uint64_t value = ticks < 0 ? 0 - (uint64_t)ticks : (uint64_t)ticks, scale = (uint64_t)ticks_per_unit;
    uint64_t rest = value % scale;
    if (ticks < 0) buffer_append_char(out, '-');
    buffer_append_u64(out, value / scale);
    if (rest) buffer_append_char(out, '.');
    else if (point) buffer_append_c(out, ".0");
    for (scale /= 10; rest; scale /= 10) {
        buffer_append_char(out, (char)('0' + rest / scale));
        rest %= scale;
    }
}

static void write_escaped(struct buffer *out, struct str text, bool quotes) {
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (c == '\n') buffer_append_c(out, "\\n");
        else if (c == '\\' || (quotes && c == '"')) buffer_printf(out, "\\%c", c);
        else buffer_append_char(out, c);
    }
}

struct page {
    struct buffer *out;
    enum metric_format format;
};

/* name suffix {labels, le}; le may be NULL, and is a bound of the family or past its last (+Inf). */
static void write_name(struct page *page, const struct metric_series *series, const char *suffix, const size_t *le) {
    const struct metric_family *family = series->family;
    size_t count = label_count(family);
    buffer_append_c(page->out, family->name);
    buffer_append_c(page->out, suffix);
    if (count == 0 && !le) return;
    buffer_append_char(page->out, '{');
    for (size_t i = 0; i < count; i++) {
        if (i) buffer_append_char(page->out, ',');
        buffer_append_c(page->out, family->labels[i]);
        buffer_append_c(page->out, "=\"");
        write_escaped(page->out, str_from_bytes(series->labels[i], series->label_bytes[i]), true);
        buffer_append_char(page->out, '"');
    }
    if (le) {
        buffer_append_c(page->out, count ? ",le=\"" : "le=\"");
        if (*le == family->bucket_count) buffer_append_c(page->out, "+Inf");
        else
            write_ticks(page->out, family->buckets[*le], family->ticks_per_unit,
                        page->format == METRIC_FORMAT_OPENMETRICS);
        buffer_append_char(page->out, '"');
    }
    buffer_append_char(page->out, '}');
}

static void write_u64_line(struct page *page, uint64_t value) {
    buffer_append_char(page->out, ' ');
    buffer_append_u64(page->out, value);
    buffer_append_char(page->out, '\n');
}

static void write_ticks_line(struct page *page, int64_t ticks, int64_t ticks_per_unit) {
    buffer_append_char(page->out, ' ');
    write_ticks(page->out, ticks, ticks_per_unit, false);
    buffer_append_char(page->out, '\n');
}

static void write_histogram(struct page *page, struct metric_series *series) {
    uint64_t count = 0; /* counted here once, so that +Inf and the count cannot differ */
    for (size_t le = 0; le <= series->family->bucket_count; le++) {
        count += atomic_load_explicit(&series->buckets[le], memory_order_relaxed);
        write_name(page, series, "_bucket", &le);
        write_u64_line(page, count);
    }
    write_name(page, series, "_sum", NULL);
    write_ticks_line(page, atomic_load_explicit(&series->ticks, memory_order_relaxed), series->family->ticks_per_unit);
    write_name(page, series, "_count", NULL);
    write_u64_line(page, count);
}

static void write_series(struct page *page, struct metric_series *series) {
    switch (series->family->type) {
    case METRIC_TYPE_COUNTER:
        write_name(page, series, "", NULL);
        write_u64_line(page, atomic_load_explicit(&series->count, memory_order_relaxed));
        break;
    case METRIC_TYPE_GAUGE:
        write_name(page, series, "", NULL);
        write_ticks_line(page, atomic_load_explicit(&series->ticks, memory_order_relaxed),
                         series->family->ticks_per_unit);
        break;
    case METRIC_TYPE_HISTOGRAM: write_histogram(page, series); break;
    }
}

static const char *type_name(enum metric_type type) {
    switch (type) {
    case METRIC_TYPE_COUNTER: return "counter";
    case METRIC_TYPE_GAUGE: return "gauge";
    case METRIC_TYPE_HISTOGRAM: return "histogram";
    }
    return "unknown";
}

/* In OpenMetrics a counter's family has no _total, its samples have. */
static void write_header(struct page *page, const struct metric_family *family) {
    bool openmetrics = page->format == METRIC_FORMAT_OPENMETRICS;
    struct str name = str_from_c(family->name);
    if (openmetrics && family->type == METRIC_TYPE_COUNTER) name = str_slice(name, 0, name.len - strlen("_total"));
    buffer_printf(page->out, "# HELP " STR_FMT " ", STR_ARG(name));
    write_escaped(page->out, str_from_c(family->help), openmetrics);
    buffer_printf(page->out, "\n# TYPE " STR_FMT " %s\n", STR_ARG(name), type_name(family->type));
    if (openmetrics && str_ends(name, STR("_seconds")))
        buffer_printf(page->out, "# UNIT " STR_FMT " seconds\n", STR_ARG(name));
}

int metrics_write(struct metrics *metrics, enum metric_format format, struct buffer *out) {
    struct page page = { .out = out, .format = format };
    for (size_t i = 0; i < metrics->count; i++) {
        struct metric_store *store = &metrics->stores[i];
        uint32_t used = atomic_load_explicit(&store->used, memory_order_acquire);
        write_header(&page, &metrics->families[i]);
        for (uint32_t at = 0; at < used; at++) write_series(&page, &store->pool[at]);
        if (store->other_used) write_series(&page, &store->pool[metrics->families[i].series_max]);
    }
    if (format == METRIC_FORMAT_OPENMETRICS) buffer_append_c(out, "# EOF\n");
    return out->overflow ? err_origin(-EMSGSIZE) : 0;
}

/* ---- content negotiation ---- */

/* "0.5" as 500, "1" as 1000; what is not a weight counts as 0 (RFC 9110 section 12.4.2). */
static int weight_of(struct str text) {
    int weight = 0, unit = 1000;
    if (text.len == 0 || text.len > 5 || (text.at[0] != '0' && text.at[0] != '1') ||
        (text.len > 1 && text.at[1] != '.'))
        return 0;
    for (size_t i = 0; i < text.len; i++) {
        if (i == 1) continue;
        if (text.at[i] < '0' || text.at[i] > '9') return 0;
        weight += (text.at[i] - '0') * unit;
        unit /= 10;
    }
    return weight > 1000 ? 0 : weight;
}

static bool version_is_ours(struct str version) {
    return str_equal(version, STR("1.0.0")) || str_equal(version, STR("0.0.1"));
}

/* One media range: its type, its weight (1000 unless told), and whether its version is one that we write. */
static int range_weight(struct str range, struct str *ret_type, bool *ret_version_ours) {
    struct str parameter;
    int weight = 1000;
    *ret_version_ours = true;
    (void)str_cut(&range, ';', ret_type); /* without parameters the rest is empty */
    *ret_type = str_trim(*ret_type);
    while (range.len) {
        struct str value, name;
        (void)str_cut(&range, ';', &parameter);
        value = parameter;
        if (!str_cut(&value, '=', &name)) continue;
        if (str_equal_nocase(str_trim(name), STR("q"))) weight = weight_of(str_trim(value));
        if (str_equal_nocase(str_trim(name), STR("version"))) *ret_version_ours = version_is_ours(str_trim(value));
    }
    return weight;
}

enum metric_format metric_format_choose(struct str accept) {
    int openmetrics = 0, text = 0;
    while (accept.len) {
        struct str range, type;
        bool version_ours;
        (void)str_cut(&accept, ',', &range);
        int weight = range_weight(range, &type, &version_ours);
        if (str_equal_nocase(type, STR("application/openmetrics-text")) && version_ours && weight > openmetrics)
            openmetrics = weight;
        if (str_equal_nocase(type, STR("text/plain")) && weight > text) text = weight;
    }
    return openmetrics > 0 && openmetrics >= text ? METRIC_FORMAT_OPENMETRICS : METRIC_FORMAT_TEXT;
}

const char *metric_format_content_type(enum metric_format format) {
    switch (format) {
    case METRIC_FORMAT_TEXT: return "text/plain; version=0.0.4; charset=utf-8";
    case METRIC_FORMAT_OPENMETRICS: return "application/openmetrics-text; version=1.0.0; charset=utf-8";
    }
    return "text/plain; version=0.0.4; charset=utf-8";
}
