#include "app/process_cpu.h"

#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct {
    const char *text;
    int want;
    int64_t parent;
    uint64_t ticks;
} rows[] = {
    { "7 (giro) S 5 7 7 0 -1 4194560 1 2 3 4 100 20 3 1 20 0 9 0 1 2 3\n", 0, 5, 124 },
    { "7 (a b) c) S 5 7 7 0 -1 4194560 1 2 3 4 100 20 3 1 20 0\n", 0, 5, 124 },
    { "7 (giro) S 5 7 7 0 -1 4194560 1 2 3 4 100 20 3 1", 0, 5, 124 },
    { "7 (giro) S 5 7 7 0 -1 4194560 1 2 3 4 100 20 3", -EINVAL, 0, 0 },
    { "7 (giro) S 5 7 7 0 -1 4194560 1 2 3 4 100 x 3 1 20 0", -EINVAL, 0, 0 },
    { "7 (giro) S -5 7 7 0 -1 4194560 1 2 3 4 100 20 3 1 20 0", -EINVAL, 0, 0 },
    { "7 giro S 5 7 7 0 -1 4194560 1 2 3 4 100 20 3 1 20 0", -EINVAL, 0, 0 },
    { "", -EINVAL, 0, 0 },
};

static void test_stat(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct process_stat stat = { 0 };
        int r = process_stat_parse(str_from_c(rows[i].text), &stat);
        if (r != rows[i].want) print_error("%s\n", rows[i].text);
        assert_int_equal(r, rows[i].want);
        assert_int_equal(stat.parent, rows[i].parent);
        assert_int_equal(stat.ticks, rows[i].ticks);
    }
}

static void test_own_process(void **state) {
    int64_t alone = -1, whole = -1;
    (void)state;
    assert_int_equal(process_cpu_us(getpid(), false, &alone), 0);
    assert_int_equal(process_cpu_us(getpid(), true, &whole), 0);
    assert_true(alone >= 0 && whole >= alone);
    assert_int_equal(process_cpu_us(PROCESS_PID_MAX + 1, false, &alone), -ENOENT);
}

static void test_pid_file(void **state) {
    static const struct {
        const char *text;
        int want;
    } files[] = { { "42\n", 0 }, { "42", 0 }, { "", -EINVAL }, { "0\n", -EINVAL }, { "-1", -EINVAL }, { "4 2", -EINVAL } };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(files); i++) {
        char path[] = "/tmp/giro-process-cpu-XXXXXX";
        int fd = mkstemp(path);
        int64_t pid = 0;
        assert_true(fd >= 0);
        assert_int_equal(write(fd, files[i].text, strlen(files[i].text)), strlen(files[i].text));
        assert_int_equal(process_pid_read(path, &pid), files[i].want);
        assert_int_equal(pid, files[i].want ? 0 : 42);
        (void)close(fd);
        (void)unlink(path);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_stat), cmocka_unit_test(test_own_process),
                                        cmocka_unit_test(test_pid_file) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
