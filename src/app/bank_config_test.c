/* bank_config_test.c - what giro.yaml may say of idempotency.keep. */
#include "app/bank_config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

enum { TEXT_BYTES_MAX = 512 };

/* Reads a configuration with this line below "idempotency:"; NULL: without it. 0 or CONFIG_E_INVALID. */
static int read_keep(const char *line, int64_t *ret_ms) {
    char path[] = "/tmp/giro-config-XXXXXX", text[TEXT_BYTES_MAX];
    struct bank_config *config = calloc(1, sizeof *config);
    struct config_errors errors = { .count = 0 };
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_non_null(config);
    int len = snprintf(text, sizeof text,
                       "rate_limits:\n  t:\n    requests_per_second: 1\n    burst: 1\n    daily_limit: null\n%s%s%s",
                       line ? "idempotency:\n  " : "", line ? line : "", line ? "\n" : "");
    assert_int_equal(write(fd, text, (size_t)len), len);
    int r = bank_config_read(config, path, &errors);
    *ret_ms = config->idempotency_keep_ms;
    bank_config_release(config);
    free(config);
    close(fd);
    unlink(path);
    return r;
}

/* spec: ledger/47 */
static void keep_is_a_duration_or_for_ever(void **state) {
    static const struct {
        const char *line;
        int result;
        int64_t days;
    } rows[] = {
        { NULL, 0, 396 }, /* 13 months */
        { "keep: 30d", 0, 30 },
        { "keep: 48h", 0, 2 },
        { "keep: forever", 0, 0 },
        { "keep: 36500d", 0, 36500 },
        { "keep: 36501d", CONFIG_E_INVALID, 0 },
        { "keep: 23h", CONFIG_E_INVALID, 0 },
        { "keep: 0d", CONFIG_E_INVALID, 0 },
        { "keep: \"forever\"", CONFIG_E_INVALID, 0 },
        { "keep: never", CONFIG_E_INVALID, 0 },
        { "keep:\n    - 30d", CONFIG_E_INVALID, 0 },
        { "hold: 30d", CONFIG_E_INVALID, 0 },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        int64_t ms;
        print_message("%s\n", rows[i].line ? rows[i].line : "nothing");
        assert_int_equal(read_keep(rows[i].line, &ms), rows[i].result);
        if (rows[i].result == 0) assert_int_equal(ms, rows[i].days * GATEWAY_DAY_MS);
    }
}

/* ---- limits, addresses, cache: whole texts ---- */

#define TIERS "rate_limits:\n  t:\n    requests_per_second: 1\n    burst: 1\n    daily_limit: null\n"

static int write_temporary(char path[], const char *text) {
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    return close(fd);
}

/* 0 or CONFIG_E_INVALID; with 0 what is printed is read as the same again. */
static int read_whole(const char *text, struct bank_config *config, struct config_errors *errors) {
    char path[] = "/tmp/giro-config-XXXXXX";
    *errors = (struct config_errors){ .count = 0 };
    assert_int_equal(write_temporary(path, text), 0);
    int r = bank_config_read(config, path, errors);
    unlink(path);
    return r;
}

static void tiers_are_read_exactly(void **state) {
    static const struct {
        const char *text;
        int want;
    } rows[] = {
        { TIERS, 0 },
        { "rate_limits:\n  t: {requests_per_second: null, burst: null, daily_limit: 1}\n", 0 },
        { "rate_limits:\n  t: {requests_per_second: 5, burst: 1}\n", CONFIG_E_INVALID },
        { "rate_limits:\n  t: {requests_per_second: 5, burst: null, daily_limit: 1}\n", CONFIG_E_INVALID },
        { "rate_limits:\n  t: {requests_per_second: 0, burst: 1, daily_limit: 1}\n", CONFIG_E_INVALID },
        { "rate_limits:\n  t: {requests_per_second: 1.5, burst: 1, daily_limit: 1}\n", CONFIG_E_INVALID },
        { "rate_limits:\n  t: {requests_per_second: 5, burst: 1, daily_limit: 1, weekly_limit: 2}\n",
          CONFIG_E_INVALID },
        { "rate_limits:\n  sandbox_unlimited: {requests_per_second: null, burst: null, daily_limit: null}\n",
          CONFIG_E_INVALID },
        { "sandbox: false\n", CONFIG_E_INVALID },
        { TIERS "cache: {kind: redis}\n", CONFIG_E_INVALID },
        { TIERS "cache: {kind: redis, connection: \"unix:/run/redis.sock\"}\n", 0 },
        { TIERS "cache: {kind: redis, connection: \"cache.bank:6379\", timeout: 5ms}\n", 0 },
        { TIERS "cache: {kind: redis, connection: \"cache.bank\"}\n", CONFIG_E_INVALID },
        { TIERS "cache: {kind: memcached}\n", CONFIG_E_INVALID },
        { TIERS "open_banking: {unattended_reads_per_day: 0}\n", 0 },
        { TIERS "open_banking: {unattended_reads_per_day: -1}\n", CONFIG_E_INVALID },
        { TIERS "open_banking: {sca_renewal_days: 180}\n", 0 },
        { TIERS "open_banking: {sca_renewal_days: 3651}\n", CONFIG_E_INVALID },
        { TIERS "addresses:\n  /v1/payments: [192.0.2.0/24, \"2001:db8::/32\"]\n  /: [10.0.0.1]\n", 0 },
        { TIERS "addresses:\n  /v1/payments: 192.0.2.0/24\n", CONFIG_E_INVALID },
        { TIERS "addresses:\n  /v1/payments: [192.0.2.1/24]\n", CONFIG_E_INVALID },
        { TIERS "addresses:\n  v1: [192.0.2.0/24]\n", CONFIG_E_INVALID },
    };
    struct bank_config *config = calloc(1, sizeof *config);
    struct config_errors errors;
    struct buffer printed;
    (void)state;
    assert_non_null(config);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if (read_whole(rows[i].text, config, &errors) != rows[i].want)
            fail_msg("%s: %s", rows[i].text, errors.messages[0].text);
        buffer_init_heap(&printed, 64 * 1024);
        if (rows[i].want == 0) bank_config_print(config, &printed);
        bank_config_release(config);
        buffer_append_char(&printed, 0);
        if (rows[i].want == 0 && read_whole(printed.at, config, &errors)) fail_msg("%s", errors.messages[0].text);
        if (rows[i].want == 0) bank_config_release(config);
        buffer_release(&printed);
    }
    free(config);
}

/* The bank's own file, as it is. */
/* spec: gateway/44 */
static void the_missions_file_loads_unchanged(void **state) {
    static const struct rate_tier want[] = { { "open_banking_tpp", 50, 100, 500000 },
                                             { "internal_mobile_app", 200, 500, 0 },
                                             { "partner_embedded_finance", 100, 200, 1000000 } };
    struct bank_config *config = calloc(1, sizeof *config);
    struct config_errors errors;
    char path[256], text[TEXT_BYTES_MAX];
    const char *shared = getenv("GIRO_SHARED");
    (void)state;
    assert_non_null(config);
    (void)snprintf(path, sizeof path, "%s/data/mission/rate_limits.yaml", shared ? shared : "../shared");
    if (access(path, R_OK)) {
        free(config);
        skip();
    }
    (void)snprintf(text, sizeof text, "rate_limits_file: %s\n", path);
    if (read_whole(text, config, &errors)) fail_msg("%s", errors.messages[0].text);
    assert_int_equal(config->tier_count, ARRAY_COUNT(want));
    for (size_t i = 0; i < ARRAY_COUNT(want); i++) {
        assert_string_equal(config->tiers[i].tier.name, want[i].name);
        assert_int_equal(config->tiers[i].tier.requests_per_second, want[i].requests_per_second);
        assert_int_equal(config->tiers[i].tier.burst, want[i].burst);
        assert_int_equal(config->tiers[i].tier.daily_limit, want[i].daily_limit);
    }
    bank_config_release(config);
    errors = (struct config_errors){ .count = 0 };
    assert_int_equal(bank_config_read(config, path, &errors), 0); /* and as the whole configuration */
    assert_int_equal(config->tier_count, ARRAY_COUNT(want));
    bank_config_release(config);
    free(config);
}

static void tiers_stand_in_one_place(void **state) {
    char path[] = "/tmp/giro-rates-XXXXXX", text[TEXT_BYTES_MAX];
    struct bank_config *config = calloc(1, sizeof *config);
    struct config_errors errors;
    (void)state;
    assert_non_null(config);
    assert_int_equal(write_temporary(path, TIERS), 0);
    (void)snprintf(text, sizeof text, "rate_limits_file: %s\n", path);
    assert_int_equal(read_whole(text, config, &errors), 0);
    assert_int_equal(config->tier_count, 1);
    bank_config_release(config);
    (void)snprintf(text, sizeof text, "rate_limits_file: %s\n" TIERS, path);
    assert_int_equal(read_whole(text, config, &errors), CONFIG_E_INVALID);
    bank_config_release(config);
    unlink(path);
    assert_int_equal(read_whole("rate_limits_file: /nowhere/rates.yaml\n", config, &errors), CONFIG_E_INVALID);
    bank_config_release(config);
    free(config);
}

/* A client that registers itself must find its tier: told at the start, with the place, not at the first client. */
static void the_tier_of_registered_clients_is_one_of_them(void **state) {
    static const struct {
        const char *text, *want; /* NULL: it is good; else how the error goes on behind the file's name */
    } rows[] = {
        { TIERS "registration:\n  directory_keys: keys.json\n  tier: t\n", NULL },
        { TIERS "registration:\n  directory_keys: keys.json\n  tier: u\n",
          ":8: registration.tier names no tier of rate_limits: give it one that stands there" },
        { TIERS "registration:\n  directory_keys: keys.json\n",
          ":7: registration.tier names no tier of rate_limits: give it one that stands there, its default does not" },
        { TIERS "registration:\n  tier: u\n", NULL }, /* without a directory none registers */
    };
    struct bank_config *config = calloc(1, sizeof *config);
    struct config_errors errors;
    (void)state;
    assert_non_null(config);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        int r = read_whole(rows[i].text, config, &errors);
        bank_config_release(config);
        assert_int_equal(r, rows[i].want ? CONFIG_E_INVALID : 0);
        if (!rows[i].want) continue;
        assert_int_equal(errors.count, 1);
        const char *behind = strchr(errors.messages[0].text, ':');
        if (!behind || strcmp(behind, rows[i].want) != 0) fail_msg("%s", errors.messages[0].text);
    }
    free(config);
}

/* The limits in another file: the error names the file of the tier. */
static void the_tier_of_registered_clients_is_told_with_its_own_file(void **state) {
    char path[] = "/tmp/giro-rates-XXXXXX", text[TEXT_BYTES_MAX];
    struct bank_config *config = calloc(1, sizeof *config);
    struct config_errors errors;
    (void)state;
    assert_non_null(config);
    assert_int_equal(write_temporary(path, TIERS), 0);
    (void)snprintf(text, sizeof text, "rate_limits_file: %s\nregistration: {directory_keys: k, tier: u}\n", path);
    assert_int_equal(read_whole(text, config, &errors), CONFIG_E_INVALID);
    assert_null(strstr(errors.messages[0].text, path));
    assert_non_null(strstr(errors.messages[0].text, ":2: registration.tier"));
    bank_config_release(config);
    unlink(path);
    free(config);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(keep_is_a_duration_or_for_ever),
                                        cmocka_unit_test(tiers_are_read_exactly),
                                        cmocka_unit_test(the_missions_file_loads_unchanged),
                                        cmocka_unit_test(tiers_stand_in_one_place),
                                        cmocka_unit_test(the_tier_of_registered_clients_is_one_of_them),
                                        cmocka_unit_test(the_tier_of_registered_clients_is_told_with_its_own_file) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
