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

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(keep_is_a_duration_or_for_ever) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
