#include "app/metric_page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define PAGE                                                                                                           \
    "# HELP a_total what it is\n# TYPE a_total counter\n"                                                              \
    "a_total{status=\"completed\",currency=\"GBP\"} 3\n"                                                               \
    "a_total{status=\"completed\",currency=\"CZK\"} 4\n"                                                               \
    "a_total{status=\"rejected\",currency=\"GBP\"} 10\n"                                                               \
    "a_total_seconds 100\nplain 7\nhalf 0.5\nopen{a=\"b\" 1\n"

static const struct {
    const char *family, *label;
    bool want;
    uint64_t sum;
} rows[] = {
    { "a_total", "", true, 17 },
    { "a_total", "status=\"completed\"", true, 7 },
    { "a_total", "currency=\"GBP\"", true, 13 },
    { "a_total", "status=\"comp\"", true, 0 },
    { "a_total", "tatus=\"completed\"", true, 0 },
    { "a_tot", "", true, 0 },
    { "plain", "", true, 7 },
    { "plain", "status=\"completed\"", true, 0 },
    { "none", "", true, 0 },
    { "open", "", true, 0 },
    { "half", "", false, 0 },
};

static void test_sums(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        uint64_t sum = 0;
        bool got = metric_page_sum(STR(PAGE), str_from_c(rows[i].family), str_from_c(rows[i].label), &sum);
        if (got != rows[i].want || sum != rows[i].sum) print_error("%s{%s}\n", rows[i].family, rows[i].label);
        assert_int_equal(got, rows[i].want);
        assert_int_equal(sum, rows[i].sum);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_sums) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
