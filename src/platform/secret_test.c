#include "platform/secret.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char directory[64];

static int setup(void **state) {
    (void)state;
    (void)snprintf(directory, sizeof directory, "/tmp/giro-secret-XXXXXX");
    return mkdtemp(directory) ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    return rmdir(directory);
}

static const char *path_of(const char *name) {
    static char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static void file_make(const char *path, size_t bytes, mode_t mode) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    for (size_t i = 0; i < bytes; i++) assert_int_equal(write(fd, "x", 1), 1);
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
}

static void s2_a_file_is_for_its_owner_alone(void **state) {
    (void)state;
    static const struct {
        const char *name;
        size_t bytes;
        mode_t mode;
        int want;
    } cases[] = {
        { "0600 is right", 32, 0600, 0 },
        { "0400 is stricter", 32, 0400, 0 },
        { "group may read", 32, 0640, SECRET_E_MODE },
        { "others may read", 32, 0604, SECRET_E_MODE },
        { "executable", 32, 0700, SECRET_E_MODE },
        { "set user id", 32, 04600, SECRET_E_MODE },
        { "short", 31, 0600, SECRET_E_SIZE },
        { "long", 33, 0600, SECRET_E_SIZE },
        { "empty", 0, 0600, SECRET_E_SIZE },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const char *path = path_of("key");
        struct secret_bytes secret = { 0 };
        struct message message = { "" };
        file_make(path, cases[i].bytes, cases[i].mode);
        int r = secret_load_file(path, 32, &secret, &message);
        if (r != cases[i].want) fail_msg("%s: %d", cases[i].name, r);
        assert_int_equal(message.text[0] != 0, r != 0); /* a refusal speaks */
        assert_int_equal(secret.len, r ? 0 : 32);
        secret_release(&secret);
        assert_int_equal(unlink(path), 0);
    }
}

static void what_is_no_file_is_refused(void **state) {
    (void)state;
    struct secret_bytes secret = { 0 };
    struct message message;
    assert_int_equal(secret_load_file(path_of("absent"), 32, &secret, &message), SECRET_E_MISSING);
    assert_non_null(strstr(message.text, "absent"));
    assert_int_equal(secret_load_file(directory, 32, &secret, &message), SECRET_E_KIND);
    assert_int_equal(mkfifo(path_of("pipe"), 0600), 0);
    assert_int_equal(secret_load_file(path_of("pipe"), 32, &secret, NULL), SECRET_E_KIND);
    assert_int_equal(unlink(path_of("pipe")), 0);
    assert_null(secret.at);
}

static void s3_a_file_is_made_once_and_read_back(void **state) {
    (void)state;
    const char *path = path_of("key");
    struct secret_bytes made = { 0 }, again = { 0 }, other = { 0 };
    struct stat stat_of;
    struct message message = { "" };
    mode_t before = umask(0777); /* the mode does not depend on it */
    assert_int_equal(secret_create_file(path, 32, &made, &message), 0);
    (void)umask(before);
    assert_int_equal(stat(path, &stat_of), 0);
    assert_int_equal(stat_of.st_mode & 07777, 0600);
    assert_int_equal(secret_load_file(path, 32, &again, &message), 0);
    assert_true(str_equal(secret_str(&made), secret_str(&again)));
    assert_int_equal(secret_create_file(path, 32, &other, &message), SECRET_E_EXISTS);
    assert_null(other.at);
    secret_release(&again);
    assert_int_equal(secret_load_text(path, 64, &again, &message), 0);
    assert_true(str_equal(secret_str(&made), secret_str(&again)));
    secret_release(&made);
    secret_release(&made); /* harmless twice */
    secret_release(&again);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(secret_create_file(path_of("none/key"), 32, &other, &message), SECRET_E_ACCESS);
} /* teardown's rmdir proves that no spare file stayed */

static void no_core_is_written(void **state) {
    (void)state;
    struct rlimit limit;
    assert_int_equal(secrets_no_core(), 0);
    assert_int_equal(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
    assert_int_equal(getrlimit(RLIMIT_CORE, &limit), 0);
    assert_int_equal(limit.rlim_max, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(s2_a_file_is_for_its_owner_alone),
        cmocka_unit_test(what_is_no_file_is_refused),
        cmocka_unit_test(s3_a_file_is_made_once_and_read_back),
    };
    const struct CMUnitTest core_tests[] = { cmocka_unit_test(no_core_is_written) };
    int failed = cmocka_run_group_tests(tests, setup, teardown);
    failed += cmocka_run_group_tests(core_tests, NULL, NULL);
    check(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0); /* the leak checker must look into this process */
    return failed;
}
