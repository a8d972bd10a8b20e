/* The child is this very program, told by its arguments what to do. */
#include "platform/child.h"

#include "platform/clock.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATIENCE_MS = 30000 };

static int act(int argc, char **argv) {
    struct str role = str_from_c(argv[1]);
    if (str_equal_c(role, "echo")) {
        for (int i = 2; i < argc; i++) printf("%s\n", argv[i]);
        fprintf(stderr, "an error\n");
        return 3;
    }
    printf("ready\n");
    (void)fflush(stdout);
    for (;;) (void)pause();
}

static void output_and_code_come_back(void **state) {
    (void)state;
    char text[64], small[4];
    assert_int_equal(child_run("child_test", "echo a bc", text, sizeof text), 3);
    assert_non_null(strstr(text, "a\nbc\n"));
    assert_non_null(strstr(text, "an error\n"));
    assert_int_equal(child_run("child_test", "echo abcdefgh", small, sizeof small), 3);
    assert_int_equal(strlen(small), 3);
    assert_int_equal(child_run("no_such_program", "", text, sizeof text), -ENOENT);
}

static void lines_are_read_until_the_end(void **state) {
    (void)state;
    struct child child;
    char line[CHILD_LINE_BYTES_MAX];
    int64_t deadline_ms = clock_mono_ms() + PATIENCE_MS;
    assert_int_equal(child_start("child_test", "echo one two", false, &child), 0);
    assert_int_equal(child_read_line(&child, deadline_ms, line), 0);
    assert_string_equal(line, "one");
    assert_int_equal(child_read_line(&child, deadline_ms, line), 0);
    assert_string_equal(line, "two");
    assert_int_equal(child_read_line(&child, deadline_ms, line), -ENODATA);
    assert_int_equal(child_wait(&child, 0), 3);
}

static void signals_end_it(void **state) {
    (void)state;
    static const int signals[] = { SIGTERM, SIGKILL };
    for (size_t i = 0; i < ARRAY_COUNT(signals); i++) {
        struct child child;
        char line[CHILD_LINE_BYTES_MAX];
        assert_int_equal(child_start("child_test", "wait", false, &child), 0);
        assert_int_equal(child_read_line(&child, clock_mono_ms() + PATIENCE_MS, line), 0);
        assert_int_equal(child_read_line(&child, clock_mono_ms() + 10, line), -ETIMEDOUT);
        assert_int_equal(child_wait(&child, signals[i]), 128 + signals[i]);
    }
}

static void too_many_words_are_refused(void **state) {
    (void)state;
    struct child child;
    char words[2 * CHILD_ARGUMENTS_MAX + 3];
    for (size_t i = 0; i < sizeof words; i++) words[i] = i % 2 ? ' ' : 'x';
    words[sizeof words - 1] = 0;
    assert_int_equal(child_start("child_test", words, false, &child), -E2BIG);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(output_and_code_come_back),
        cmocka_unit_test(lines_are_read_until_the_end),
        cmocka_unit_test(signals_end_it),
        cmocka_unit_test(too_many_words_are_refused),
    };
    return argc > 1 ? act(argc, argv) : cmocka_run_group_tests(tests, NULL, NULL);
}
