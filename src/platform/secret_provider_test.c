#include "platform/secret_provider.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[64];

static int setup(void **state) {
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/giro-provider-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    return rmdir(folder); /* proves that no spare file stayed */
}

static const char *path_of(const char *name) {
    static char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void p1_names_are_words(void **state) {
    (void)state;
    static const struct {
        const char *name;
        int want;
    } cases[] = {
        { "store", SECRET_E_MISSING },
        { "store_key-2", SECRET_E_MISSING },
        { "", -EINVAL },
        { "Store", -EINVAL },
        { "2store", -EINVAL },
        { "_store", -EINVAL },
        { "../store", -EINVAL },
        { "a/b", -EINVAL },
        { "a.b", -EINVAL },
        { "a b", -EINVAL },
        { "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0", SECRET_E_MISSING },
        { "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz01", -EINVAL },
    };
    struct secret_provider *provider;
    assert_int_equal(secret_provider_files(folder, false, &provider), 0);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct secret_bytes secret = { 0 };
        struct message message = { "" };
        int r = secret_provider_get(provider, cases[i].name, 32, &secret, &message);
        if (r != cases[i].want) fail_msg("'%s': %d", cases[i].name, r);
        assert_true(message.text[0] != 0 && secret.at == NULL);
    }
    assert_null(secret_provider_close(provider));
    assert_null(secret_provider_close(NULL));
}

static void p2_a_key_is_made_once(void **state) {
    (void)state;
    struct secret_provider *making, *reading;
    struct secret_bytes made = { 0 }, again = { 0 }, other = { 0 };
    struct message message = { "" };
    struct stat status;
    assert_int_equal(secret_provider_files(folder, true, &making), 0);
    assert_int_equal(secret_provider_files(folder, false, &reading), 0);
    assert_int_equal(secret_provider_get(reading, "store", 32, &made, &message), SECRET_E_MISSING);
    assert_int_equal(secret_provider_get(making, "store", 32, &made, &message), 0);
    assert_int_equal(stat(path_of("store"), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(secret_provider_get(making, "store", 32, &again, &message), 0);
    assert_true(str_equal(secret_str(&made), secret_str(&again)));
    secret_release(&again);
    assert_int_equal(secret_provider_get(reading, "store", 32, &again, &message), 0);
    assert_true(str_equal(secret_str(&made), secret_str(&again)));
    assert_int_equal(secret_provider_get(making, "tokens", 32, &other, &message), 0);
    assert_false(str_equal(secret_str(&made), secret_str(&other)));
    secret_release(&other);
    assert_int_equal(secret_provider_get(making, "store", 64, &other, &message), SECRET_E_SIZE);
    assert_int_equal(chmod(path_of("store"), 0644), 0);
    assert_int_equal(secret_provider_get(making, "store", 32, &other, &message), SECRET_E_MODE);
    assert_null(other.at);
    secret_release(&made);
    secret_release(&again);
    assert_int_equal(unlink(path_of("store")), 0);
    assert_int_equal(unlink(path_of("tokens")), 0);
    (void)secret_provider_close(making);
    (void)secret_provider_close(reading);
}

static void a_missing_folder_is_refused(void **state) {
    (void)state;
    struct secret_provider *provider;
    struct secret_bytes secret = { 0 };
    struct message message = { "" };
    assert_int_equal(secret_provider_files(path_of("none"), true, &provider), 0);
    assert_int_equal(secret_provider_get(provider, "store", 32, &secret, &message), SECRET_E_ACCESS);
    assert_non_null(strstr(message.text, "none/store"));
    (void)secret_provider_close(provider);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(p1_names_are_words),
        cmocka_unit_test(p2_a_key_is_made_once),
        cmocka_unit_test(a_missing_folder_is_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
