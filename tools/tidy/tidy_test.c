/* Each folder under tests/tidy/good is a small tree that tidy must pass; each under tests/tidy/bad has exactly one
 * fault, whose line stands in its file "expected". Run from the root of the project. */
#include "tools/tidy/tree.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { TREES_MIN = 25 };

static int not_hidden(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

static void expect_good(const char *root, const struct report *report) {
    if (report->faults == 0) return;
    print_error("%s is good, but: " STR_FMT, root, STR_ARG(buffer_str(report->out)));
    fail();
}

static void expect_bad(const char *root, const struct report *report) {
    struct source expected;
    assert_int_equal(source_read(&expected, root, "expected"), 0);
    struct str want = str_from_bytes(expected.text, expected.len), got = buffer_str(report->out);
    if (report->faults != 1 || !str_equal(want, got)) {
        print_error("%s: expected " STR_FMT "got " STR_FMT, root, STR_ARG(want), STR_ARG(got));
        fail();
    }
    source_release(&expected);
}

static size_t check_trees(const char *folder, void (*expect)(const char *root, const struct report *report)) {
    struct dirent **entries;
    int count = scandir(folder, &entries, not_hidden, alphasort);
    assert_true(count > 0);
    for (int i = 0; i < count; i++) {
        char root[SOURCE_PATH_BYTES_MAX];
        struct buffer out;
        size_t files = 0;
        (void)snprintf(root, sizeof root, "%s/%s", folder, entries[i]->d_name);
        buffer_init_heap(&out, REPORT_BYTES_MAX);
        struct report report = { .out = &out };
        assert_int_equal(tree_check(root, &report, &files), 0);
        assert_true(files > 0);
        expect(root, &report);
        buffer_release(&out);
        free(entries[i]);
    }
    free(entries);
    return (size_t)count;
}

static void good_trees_pass(void **state) {
    (void)state;
    assert_true(check_trees("tests/tidy/good", expect_good) >= 1);
}

static void each_bad_tree_has_its_one_fault(void **state) {
    (void)state;
    assert_true(check_trees("tests/tidy/bad", expect_bad) >= TREES_MIN);
}

static void excuses_and_warnings_are_listed(void **state) {
    struct buffer out;
    size_t files = 0, at;
    (void)state;
    buffer_init_heap(&out, REPORT_BYTES_MAX);
    struct report report = { .out = &out };
    assert_int_equal(tree_check("tests/tidy/good/excuse", &report, &files), 0);
    assert_int_equal(report.faults, 0);
    assert_int_equal(report.excuses, 2);
    assert_int_equal(report.warnings, 1);
    assert_true(
        str_find(buffer_str(&out), STR("excused: src/domain/long.c:4: long_table has 74 lines: one row a line"), &at));
    assert_true(
        str_find(buffer_str(&out), STR("excused: src/domain/long.c:80: many has 6 parameters: it mirrors"), &at));
    assert_true(str_find(buffer_str(&out), STR("warning: src/domain/wide.c:601: file of 601 lines"), &at));
    buffer_release(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_trees_pass),
        cmocka_unit_test(each_bad_tree_has_its_one_fault),
        cmocka_unit_test(excuses_and_warnings_are_listed),
    };
    return cmocka_run_group_tests_name("tidy", tests, NULL, NULL);
}
