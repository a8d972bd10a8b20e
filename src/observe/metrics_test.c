#include "observe/metrics.h"
#include "observe/metric_table.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* ---- a lint of the exposition formats, after promtool check metrics and the OpenMetrics text ---- */

enum { LINT_FAMILIES_MAX = 64, LINT_LINES_MAX = 4096, LINT_NAME_MAX = 128 };

struct lint {
    bool openmetrics, ended;
    char family[LINT_NAME_MAX], type[16];
    bool has_help, has_type, has_samples;
    struct str seen_families[LINT_FAMILIES_MAX], seen_samples[LINT_LINES_MAX];
    size_t family_count, sample_count;
    /* the histogram series being read */
    struct str labels;
    double last_bound, last_count;
    bool open_series, infinite;
    char problem[256];
};

static bool problem(struct lint *lint, const char *what, struct str line) {
    (void)snprintf(lint->problem, sizeof lint->problem, "%s: " STR_FMT, what, STR_ARG(line));
    return false;
}

static bool is_name(struct str name, bool colon) {
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (colon && c == ':');
        if (!letter && (i == 0 || c < '0' || c > '9')) return false;
    }
    return name.len > 0 && name.len < LINT_NAME_MAX;
}

static bool lint_family(struct lint *lint, struct str name, struct str line) {
    if (str_equal_c(name, lint->family)) return !lint->has_samples || problem(lint, "comment behind samples", line);
    if (lint->open_series) return problem(lint, "histogram not finished", line);
    for (size_t i = 0; i < lint->family_count; i++)
        if (str_equal(lint->seen_families[i], name)) return problem(lint, "family in two blocks", line);
    if (!is_name(name, true) || lint->family_count == LINT_FAMILIES_MAX) return problem(lint, "family name", line);
    lint->seen_families[lint->family_count++] = name;
    check(str_to_c(name, lint->family, sizeof lint->family) == 0);
    lint->has_help = lint->has_type = lint->has_samples = false;
    return true;
}

static bool lint_type(struct lint *lint, struct str name, struct str type, struct str line) {
    bool counter = str_equal(type, STR("counter")), total = str_ends(name, STR("_total"));
    if (lint->has_type) return problem(lint, "second TYPE", line);
    if (!counter && !str_equal(type, STR("gauge")) && !str_equal(type, STR("histogram")))
        return problem(lint, "type", line);
    if (total != (counter && !lint->openmetrics)) return problem(lint, "_total belongs to counters", line);
    lint->has_type = true;
    return str_to_c(type, lint->type, sizeof lint->type) == 0;
}

static bool lint_comment(struct lint *lint, struct str line) {
    struct str rest = str_slice(line, 2, line.len), keyword, name;
    if (str_equal(line, STR("# EOF"))) return lint->openmetrics && !lint->open_series && (lint->ended = true);
    (void)str_cut(&rest, ' ', &keyword);
    (void)str_cut(&rest, ' ', &name);
    if (rest.len == 0) return problem(lint, "empty comment", line);
    if (!lint_family(lint, name, line)) return false;
    if (str_equal(keyword, STR("TYPE"))) return lint_type(lint, name, rest, line);
    if (str_equal(keyword, STR("UNIT")))
        return (lint->openmetrics && str_ends(name, rest)) || problem(lint, "unit", line);
    if (!str_equal(keyword, STR("HELP")) || lint->has_help) return problem(lint, "comment", line);
    return lint->has_help = true;
}

/* name="value",... up to the closing brace; *ret_le is the value of le, *ret_others what stands before it. */
static bool lint_labels(struct str text, struct str *ret_others, struct str *ret_le) {
    size_t at = 0, comma = 0;
    *ret_le = STR("");
    *ret_others = text;
    while (at < text.len) {
        size_t name_at = at;
        while (at < text.len && text.at[at] != '=') at++;
        struct str name = str_slice(text, name_at, at);
        if (!is_name(name, false) || at + 1 >= text.len || text.at[at + 1] != '"') return false;
        size_t value_at = at += 2;
        for (; at < text.len && text.at[at] != '"'; at++)
            if (text.at[at] == '\\' && (at + 1 >= text.len || !strchr("\\n\"", text.at[++at]))) return false;
        if (at == text.len) return false;
        if (str_equal(name, STR("le"))) {
            *ret_le = str_slice(text, value_at, at);
            *ret_others = str_slice(text, 0, comma);
        }
        comma = ++at;
        if (at < text.len && text.at[at++] != ',') return false;
    }
    return true;
}

static bool lint_bucket(struct lint *lint, struct str labels, struct str le, double value, struct str line) {
    bool infinite = str_equal(le, STR("+Inf"));
    double bound = infinite ? 1e300 : strtod(le.at, NULL);
    if (le.len == 0 || (lint->openmetrics && !infinite && !memchr(le.at, '.', le.len)))
        return problem(lint, "le", line);
    if (lint->open_series && !lint->infinite) {
        if (!str_equal(labels, lint->labels)) return problem(lint, "series mixed", line);
        if (bound <= lint->last_bound || value < lint->last_count) return problem(lint, "buckets fall", line);
    }
    lint->labels = labels;
    lint->last_bound = bound;
    lint->last_count = value;
    lint->open_series = true;
    lint->infinite = infinite;
    return true;
}

static bool lint_sample(struct lint *lint, struct str line) {
    struct str name = line, labels = STR(""), others, le;
    size_t brace, blank, family_bytes = strlen(lint->family);
    if (str_find(line, STR("{"), &brace)) {
        size_t end = line.len;
        while (end && line.at[end - 1] != '}') end--;
        if (end == 0) return problem(lint, "no closing brace", line);
        name = str_slice(line, 0, brace);
        labels = str_slice(line, brace + 1, end - 1);
        blank = end;
    } else if (str_find(line, STR(" "), &blank)) {
        name = str_slice(line, 0, blank);
    } else {
        return problem(lint, "no value", line);
    }
    struct str value_text = str_slice(line, blank + 1, line.len), key = str_slice(line, 0, blank);
    char value_c[64], *end_c;
    if (str_to_c(value_text, value_c, sizeof value_c)) return problem(lint, "value", line);
    double value = strtod(value_c, &end_c);
    if (value_text.len == 0 || *end_c || line.at[blank] != ' ') return problem(lint, "value", line);
    if (!lint->has_help || !lint->has_type || !str_starts(name, str_from_c(lint->family)))
        return problem(lint, "before its TYPE and HELP", line);
    if (!lint_labels(labels, &others, &le)) return problem(lint, "labels", line);
    for (size_t i = 0; i < lint->sample_count; i++)
        if (str_equal(lint->seen_samples[i], key)) return problem(lint, "series twice", line);
    if (lint->sample_count == LINT_LINES_MAX) return problem(lint, "too many samples", line);
    lint->seen_samples[lint->sample_count++] = key;
    lint->has_samples = true;
    struct str suffix = str_slice(name, family_bytes, name.len);
    if (strcmp(lint->type, "histogram") != 0) {
        bool total = lint->openmetrics && strcmp(lint->type, "counter") == 0;
        if (value < 0 && strcmp(lint->type, "counter") == 0) return problem(lint, "counter below 0", line);
        return str_equal_c(suffix, total ? "_total" : "") || problem(lint, "suffix", line);
    }
    if (str_equal(suffix, STR("_bucket"))) return lint_bucket(lint, others, le, value, line);
    if (!lint->open_series || !lint->infinite || !str_equal(labels, lint->labels))
        return problem(lint, "no +Inf before", line);
    if (str_equal(suffix, STR("_sum"))) return true;
    lint->open_series = false;
    return (str_equal(suffix, STR("_count")) && value >= lint->last_count && value <= lint->last_count) ||
           problem(lint, "count is not +Inf", line);
}

static struct lint lint_state;
static const char *lint_page(struct str page, bool openmetrics) {
    struct lint *lint = &lint_state;
    *lint = (struct lint){ .openmetrics = openmetrics };
    if (page.len && page.at[page.len - 1] != '\n') return "no line end";
    while (page.len) {
        struct str line;
        (void)str_cut(&page, '\n', &line);
        if (lint->ended) return "text behind # EOF";
        if (!(str_starts(line, STR("# ")) ? lint_comment(lint, line) : lint_sample(lint, line)))
            return lint->problem[0] ? lint->problem : "EOF";
    }
    if (lint->open_series) return "histogram not finished";
    return openmetrics && !lint->ended ? "no # EOF" : NULL;
}

#define HEAD "# HELP a_total x\n# TYPE a_total counter\n"
#define HISTOGRAM "# HELP h x\n# TYPE h histogram\n"
static const struct {
    const char *page;
    bool openmetrics, good;
} lint_cases[] = {
    { HEAD "a_total 1\n", false, true },
    { HEAD "a_total{b=\"c\\\\\\\"\\n\"} 1\n", false, true },
    { "# HELP a x\n# TYPE a counter\na_total 1\n# EOF\n", true, true },
    { HISTOGRAM "h_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3.5\nh_count 2\n", false, true },
    { HISTOGRAM "h_bucket{le=\"1.0\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3.5\nh_count 2\n# EOF\n", true, true },
    { "a_total 1\n" HEAD, false, false },
    { "# TYPE a_total counter\na_total 1\n", false, false },
    { HEAD "a_total 1", false, false },
    { HEAD "a_total 1\na_total 1\n", false, false },
    { HEAD "a_total -1\n", false, false },
    { HEAD "a_total{b=\"c} 1\n", false, false },
    { HEAD "a_total{b=\"\\x\"} 1\n", false, false },
    { HEAD "a_total{1b=\"\"} 1\n", false, false },
    { HEAD "a_total one\n", false, false },
    { "# HELP a x\n# TYPE a counter\na 1\n", false, false },
    { "# HELP a x\n# TYPE a counter\na_total 1\n", true, false },
    { "# HELP a x\n# TYPE a counter\na_total 1\n# EOF\n# EOF\n", true, false },
    { "# HELP a_total x\n# TYPE a_total gauge\na_total 1\n", false, false },
    { HEAD "a_total 1\n# HELP b x\n# TYPE b gauge\nb 1\n# HELP a_total x\n", false, false },
    { HISTOGRAM "h_bucket{le=\"1\"} 3\nh_bucket{le=\"+Inf\"} 2\nh_sum 3.5\nh_count 2\n", false, false },
    { HISTOGRAM "h_bucket{le=\"2\"} 1\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3.5\nh_count 2\n", false,
      false },
    { HISTOGRAM "h_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3.5\nh_count 3\n", false, false },
    { HISTOGRAM "h_bucket{le=\"1\"} 1\nh_sum 3.5\nh_count 1\n", false, false },
    { HISTOGRAM "h_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\n", false, false },
};

static void lint_finds_what_it_should(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(lint_cases); i++) {
        const char *found = lint_page(str_from_c(lint_cases[i].page), lint_cases[i].openmetrics);
        if (!found != lint_cases[i].good) fail_msg("%s: %s", lint_cases[i].page, found ? found : "nothing found");
    }
}

/* ---- the registry ---- */

enum { COUNTER, LABELLED, GAUGE, HISTOGRAM_PLAIN, HISTOGRAM_LABELLED, FEW, FAMILY_COUNT };
static const int64_t bounds_us[] = { 100000, 250000, 10000000 }, bounds[] = { 1, 10 };
static const struct metric_family families[FAMILY_COUNT] = {
    [COUNTER] = { .name = "c_total",
                  .help = "Counter \"c\"\\.\nTwo lines.",
                  .type = METRIC_TYPE_COUNTER,
                  .ticks_per_unit = 1,
                  .series_max = 1 },
    [LABELLED] = { .name = "l_total",
                   .help = "Labels.",
                   .type = METRIC_TYPE_COUNTER,
                   .labels = { "a", "b" },
                   .ticks_per_unit = 1,
                   .series_max = 8 },
    [GAUGE] = { .name = "g_seconds",
                .help = "Gauge.",
                .type = METRIC_TYPE_GAUGE,
                .ticks_per_unit = 1000000,
                .series_max = 1 },
    [HISTOGRAM_PLAIN] = { .name = "h_seconds",
                          .help = "Histogram.",
                          .type = METRIC_TYPE_HISTOGRAM,
                          .buckets = bounds_us,
                          .bucket_count = 3,
                          .ticks_per_unit = 1000000,
                          .series_max = 1 },
    [HISTOGRAM_LABELLED] = { .name = "hl",
                             .help = "Histogram.",
                             .type = METRIC_TYPE_HISTOGRAM,
                             .labels = { "a" },
                             .buckets = bounds,
                             .bucket_count = 2,
                             .ticks_per_unit = 1,
                             .series_max = 2 },
    [FEW] = { .name = "f_total",
              .help = "Few.",
              .type = METRIC_TYPE_COUNTER,
              .labels = { "a" },
              .ticks_per_unit = 1,
              .series_max = 3 },
};

static struct metrics *metrics;
static struct buffer page;

static int setup(void **state) {
    (void)state;
    buffer_init_heap(&page, METRIC_PAGE_BYTES_MAX);
    return metrics_new(families, FAMILY_COUNT, &metrics);
}

static int teardown(void **state) {
    (void)state;
    buffer_release(&page);
    metrics = metrics_free(metrics);
    return 0;
}

/* The page, linted and NUL-terminated. */
static const char *write_page(enum metric_format format) {
    buffer_reset(&page);
    assert_int_equal(metrics_write(metrics, format, &page), 0);
    const char *found = lint_page(buffer_str(&page), format == METRIC_FORMAT_OPENMETRICS);
    if (found) fail_msg("%s", found);
    buffer_append_char(&page, 0);
    return page.at;
}

static struct metric_labels labels(const char *a, const char *b) {
    return (struct metric_labels){ { str_from_c(a), str_from_c(b) } };
}

static void use_all(void) {
    metrics_add(metrics, COUNTER, METRIC_NO_LABELS, 2);
    metrics_add(metrics, COUNTER, METRIC_NO_LABELS, 3);
    metrics_add(metrics, LABELLED, labels("x\"\\\n", "z\xc3\xa9"), 1);
    metrics_add(metrics, LABELLED, (struct metric_labels){ { STR("only a") } }, 4);
    metrics_set(metrics, GAUGE, METRIC_NO_LABELS, -1500000);
    static const int64_t observed[] = { -5, 0, 100000, 100001, 250000, 10000000, 10000001 };
    for (size_t i = 0; i < ARRAY_COUNT(observed); i++)
        metrics_observe(metrics, HISTOGRAM_PLAIN, METRIC_NO_LABELS, observed[i]);
    metrics_observe(metrics, HISTOGRAM_LABELLED, labels("y", ""), 10);
}

static void page_is_as_prometheus_reads_it(void **state) {
    (void)state;
    use_all();
    assert_string_equal(
        write_page(METRIC_FORMAT_TEXT),
        "# HELP c_total Counter \"c\"\\\\.\\nTwo lines.\n# TYPE c_total counter\nc_total 5\n"
        "# HELP l_total Labels.\n# TYPE l_total counter\n"
        "l_total{a=\"x\\\"\\\\\\n\",b=\"z\xc3\xa9\"} 1\nl_total{a=\"only a\",b=\"\"} 4\n"
        "# HELP g_seconds Gauge.\n# TYPE g_seconds gauge\ng_seconds -1.5\n"
        "# HELP h_seconds Histogram.\n# TYPE h_seconds histogram\n"
        "h_seconds_bucket{le=\"0.1\"} 3\nh_seconds_bucket{le=\"0.25\"} 5\nh_seconds_bucket{le=\"10\"} 6\n"
        "h_seconds_bucket{le=\"+Inf\"} 7\nh_seconds_sum 20.450002\nh_seconds_count 7\n"
        "# HELP hl Histogram.\n# TYPE hl histogram\n"
        "hl_bucket{a=\"y\",le=\"1\"} 0\nhl_bucket{a=\"y\",le=\"10\"} 1\nhl_bucket{a=\"y\",le=\"+Inf\"} "
        "1\nhl_sum{a=\"y\"} 10\nhl_count{a=\"y\"} 1\n"
        "# HELP f_total Few.\n# TYPE f_total counter\n");
}

static void page_is_as_openmetrics_wants_it(void **state) {
    (void)state;
    use_all();
    assert_string_equal(
        write_page(METRIC_FORMAT_OPENMETRICS),
        "# HELP c Counter \\\"c\\\"\\\\.\\nTwo lines.\n# TYPE c counter\nc_total 5\n"
        "# HELP l Labels.\n# TYPE l counter\n"
        "l_total{a=\"x\\\"\\\\\\n\",b=\"z\xc3\xa9\"} 1\nl_total{a=\"only a\",b=\"\"} 4\n"
        "# HELP g_seconds Gauge.\n# TYPE g_seconds gauge\n# UNIT g_seconds seconds\ng_seconds -1.5\n"
        "# HELP h_seconds Histogram.\n# TYPE h_seconds histogram\n# UNIT h_seconds seconds\n"
        "h_seconds_bucket{le=\"0.1\"} 3\nh_seconds_bucket{le=\"0.25\"} 5\nh_seconds_bucket{le=\"10.0\"} 6\n"
        "h_seconds_bucket{le=\"+Inf\"} 7\nh_seconds_sum 20.450002\nh_seconds_count 7\n"
        "# HELP hl Histogram.\n# TYPE hl histogram\n"
        "hl_bucket{a=\"y\",le=\"1.0\"} 0\nhl_bucket{a=\"y\",le=\"10.0\"} 1\nhl_bucket{a=\"y\",le=\"+Inf\"} "
        "1\nhl_sum{a=\"y\"} 10\nhl_count{a=\"y\"} 1\n"
        "# HELP f Few.\n# TYPE f counter\n# EOF\n");
}

/* M1 */
static void too_many_label_sets_become_other(void **state) {
    (void)state;
    static char too_long[METRIC_LABEL_BYTES_MAX + 2];
    memset(too_long, 'x', METRIC_LABEL_BYTES_MAX + 1);
    for (int i = 0; i < 10; i++) {
        char value[8];
        (void)snprintf(value, sizeof value, "%d", i);
        metrics_add(metrics, FEW, labels(value, ""), 1);
    }
    metrics_add(metrics, FEW, labels("1", ""), 5);
    metrics_add(metrics, FEW, labels(too_long, ""), 1);
    metrics_add(metrics, FEW, labels("\xff", ""), 1);
    write_page(METRIC_FORMAT_TEXT);
    assert_non_null(
        strstr(page.at, "f_total{a=\"0\"} 1\nf_total{a=\"1\"} 6\nf_total{a=\"2\"} 1\nf_total{a=\"_other\"} 9\n"));
    too_long[METRIC_LABEL_BYTES_MAX] = 0;
    metrics_add(metrics, LABELLED, labels(too_long, ""), 1); /* as long as allowed */
    assert_non_null(strstr(write_page(METRIC_FORMAT_TEXT), "xxx\",b=\"\"} 1\n"));
}

static void label_values_are_not_run_together(void **state) {
    (void)state;
    metrics_add(metrics, LABELLED, labels("ab", "c"), 1);
    metrics_add(metrics, LABELLED, labels("a", "bc"), 1);
    write_page(METRIC_FORMAT_TEXT);
    assert_non_null(strstr(page.at, "l_total{a=\"ab\",b=\"c\"} 1\nl_total{a=\"a\",b=\"bc\"} 1\n"));
}

enum { THREADS = 4, ROUNDS = 5000 };
static void *count_much(void *ctx) {
    (void)ctx;
    for (int i = 0; i < ROUNDS; i++) {
        char value[8];
        (void)snprintf(value, sizeof value, "%d", i % 5);
        metrics_add(metrics, LABELLED, labels(value, "t"), 1);
        metrics_observe(metrics, HISTOGRAM_PLAIN, METRIC_NO_LABELS, i);
        metrics_add(metrics, FEW, labels(value, ""), 1);
    }
    return NULL;
}

/* M2, M4: nothing is lost, and every page written meanwhile is sound. */
static void threads_count_together(void **state) {
    (void)state;
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&threads[i], NULL, count_much, NULL), 0);
    for (int i = 0; i < 20; i++) write_page(i % 2 ? METRIC_FORMAT_TEXT : METRIC_FORMAT_OPENMETRICS);
    for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
    write_page(METRIC_FORMAT_TEXT);
    assert_non_null(strstr(page.at, "l_total{a=\"4\",b=\"t\"} 4000\n"));
    assert_non_null(strstr(page.at, "h_seconds_count 20000\n"));
    uint64_t few = 0;
    for (const char *at = page.at; (at = strstr(at, "f_total{")); at++) few += strtoull(strchr(at, '}') + 1, NULL, 10);
    assert_int_equal(few, THREADS * ROUNDS);
}

static void a_small_page_is_refused(void **state) {
    (void)state;
    char memory[16];
    struct buffer small;
    buffer_init(&small, memory, sizeof memory);
    assert_int_equal(metrics_write(metrics, METRIC_FORMAT_TEXT, &small), -EMSGSIZE);
    metrics_add(NULL, COUNTER, METRIC_NO_LABELS, 1); /* counts nothing */
}

static const struct {
    const char *accept;
    enum metric_format want;
} accept_cases[] = {
    { "", METRIC_FORMAT_TEXT },
    { "*/*", METRIC_FORMAT_TEXT },
    { "text/plain", METRIC_FORMAT_TEXT },
    { "text/html", METRIC_FORMAT_TEXT },
    { "application/openmetrics-text", METRIC_FORMAT_OPENMETRICS },
    { "Application/OpenMetrics-Text; Version=1.0.0", METRIC_FORMAT_OPENMETRICS },
    { "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/"
      "openmetrics-text;version=0.0.1;q=0.5,"
      "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
      METRIC_FORMAT_OPENMETRICS },
    { "application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
      METRIC_FORMAT_OPENMETRICS },
    { "application/openmetrics-text;q=0.5, text/plain", METRIC_FORMAT_TEXT },
    { "application/openmetrics-text;q=0.5, text/plain;q=0.5", METRIC_FORMAT_OPENMETRICS },
    { "application/openmetrics-text;q=0", METRIC_FORMAT_TEXT },
    { "application/openmetrics-text;q=0.000", METRIC_FORMAT_TEXT },
    { "application/openmetrics-text;q=2", METRIC_FORMAT_TEXT },
    { "application/openmetrics-text;q=x", METRIC_FORMAT_TEXT },
    { "application/openmetrics-text;version=9.9", METRIC_FORMAT_TEXT },
    { ",;,=;q", METRIC_FORMAT_TEXT },
};

static void format_follows_accept(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(accept_cases); i++)
        if (metric_format_choose(str_from_c(accept_cases[i].accept)) != accept_cases[i].want)
            fail_msg("%s", accept_cases[i].accept);
    assert_string_equal(metric_format_content_type(METRIC_FORMAT_TEXT), "text/plain; version=0.0.4; charset=utf-8");
    assert_string_equal(metric_format_content_type(METRIC_FORMAT_OPENMETRICS),
                        "application/openmetrics-text; version=1.0.0; charset=utf-8");
}

/* ---- the table of the program ---- */

static const struct {
    enum metric_id id;
    const char *name, *labels, *buckets;
} contract[] = {
    { METRIC_PAYMENTS, "banking_payments_total", "payment_type status currency ", "" },
    { METRIC_PAYMENT_DURATION, "banking_payment_duration_seconds", "payment_type ", "0.1 0.25 0.5 1 2 3 5 10 30 " },
    { METRIC_FRAUD_DURATION, "banking_fraud_duration_seconds", "", "0.05 0.1 0.25 0.5 1 2 " },
    { METRIC_API_DURATION, "banking_api_duration_seconds", "api route ", "0.01 0.05 0.1 0.25 0.5 1 2 5 " },
    { METRIC_PAYMENTS_UNKNOWN, "banking_payments_unknown", "", "" },
    { METRIC_UNKNOWN_OLDEST, "banking_unknown_oldest_seconds", "", "" },
};

static void table_says_what_the_contract_says(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(contract); i++) {
        const struct metric_family *family = &metric_families[contract[i].id];
        char names[128] = "", written[128] = "";
        int len = 0;
        for (size_t at = 0; at < METRIC_LABELS_MAX && family->labels[at]; at++)
            len += snprintf(names + len, sizeof names - (size_t)len, "%s ", family->labels[at]);
        len = 0;
        for (size_t at = 0; at < family->bucket_count; at++)
            len += snprintf(written + len, sizeof written - (size_t)len, "%g ",
                            (double)family->buckets[at] / (double)family->ticks_per_unit);
        assert_string_equal(family->name, contract[i].name);
        assert_string_equal(names, contract[i].labels);
        assert_string_equal(written, contract[i].buckets);
    }
}

static void every_family_of_the_program_is_sound(void **state) {
    (void)state;
    struct metrics *all;
    assert_int_equal(metrics_new(metric_families, METRIC_FAMILY_COUNT, &all), 0);
    for (size_t i = 0; i < METRIC_FAMILY_COUNT; i++) {
        struct metric_labels values = { { STR("a"), STR("b\"\n"), STR("c"), STR("d") } };
        switch (metric_families[i].type) {
        case METRIC_TYPE_COUNTER: metrics_add(all, i, values, 1); break;
        case METRIC_TYPE_GAUGE: metrics_set(all, i, values, 1234567); break;
        case METRIC_TYPE_HISTOGRAM: metrics_observe(all, i, values, 123456); break;
        }
    }
    for (int format = 0; format < 2; format++) {
        buffer_reset(&page);
        assert_int_equal(metrics_write(all, (enum metric_format)format, &page), 0);
        const char *found = lint_page(buffer_str(&page), format == METRIC_FORMAT_OPENMETRICS);
        if (found) fail_msg("%s", found);
    }
    all = metrics_free(all);
}

#define WITH_METRICS(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lint_finds_what_it_should),
        WITH_METRICS(page_is_as_prometheus_reads_it),
        WITH_METRICS(page_is_as_openmetrics_wants_it),
        WITH_METRICS(too_many_label_sets_become_other),
        WITH_METRICS(label_values_are_not_run_together),
        WITH_METRICS(threads_count_together),
        WITH_METRICS(a_small_page_is_refused),
        WITH_METRICS(every_family_of_the_program_is_sound),
        cmocka_unit_test(format_follows_accept),
        cmocka_unit_test(table_says_what_the_contract_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
