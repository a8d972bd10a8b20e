#include "app/terminal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct {
    uint64_t count, count_max;
    const char *want;
} rows[] = {
    { 0, 10, "Orders             [................................] 0 of 10" },
    { 5, 10, "Orders             [################................] 5 of 10" },
    { 10, 10, "Orders             [################################] 10 of 10" },
    { 11, 10, "Orders             [################################] 10 of 10" },
    { 1, 1000000, "Orders             [................................] 1 of 1000000" },
};

static void test_bar(void **state) {
    char text[160];
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct progress progress = { .title = "Orders", .count_max = rows[i].count_max };
        progress_write(&progress, rows[i].count, text, sizeof text);
        assert_string_equal(text, rows[i].want);
    }
}

/* T1: a file is no terminal. */
static void test_no_colours_in_files(void **state) {
    FILE *file = tmpfile();
    (void)state;
    assert_non_null(file);
    assert_false(terminal_has_colours(file));
    assert_string_equal(terminal_colour(false, TERMINAL_RED), "");
    assert_string_not_equal(terminal_colour(true, TERMINAL_RED), "");
    (void)fclose(file);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_bar), cmocka_unit_test(test_no_colours_in_files) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
