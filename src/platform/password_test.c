#include "platform/password.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void a_password_verifies_against_its_hash_alone(void **state) {
    (void)state;
    char text[PASSWORD_TEXT_BYTES], other[PASSWORD_TEXT_BYTES];
    assert_int_equal(password_hash(STR("correct horse"), text), 0);
    assert_int_equal(password_hash(STR("correct horse"), other), 0);
    assert_string_not_equal(text, other); /* salted */
    assert_true(str_starts(str_from_c(text), STR("$argon2id$v=19$m=19456,t=2,p=1$")));
    assert_int_equal(password_verify(str_from_c(text), STR("correct horse")), 0);
    assert_int_equal(password_verify(str_from_c(text), STR("correct horsf")), PASSWORD_E_WRONG);
    assert_int_equal(password_verify(str_from_c(text), STR("correct horse\0")), PASSWORD_E_WRONG);
    assert_int_equal(password_verify(str_from_c(text), STR("")), PASSWORD_E_LENGTH);
    assert_int_equal(password_verify_nobody(STR("correct horse")), PASSWORD_E_WRONG);
    text[strlen(text) - 1] = text[strlen(text) - 1] == 'A' ? 'E' : 'A';
    assert_int_not_equal(password_verify(str_from_c(text), STR("correct horse")), 0);
}

static void a_long_password_is_bounded(void **state) {
    (void)state;
    static char at[PASSWORD_BYTES_MAX + 1];
    char text[PASSWORD_TEXT_BYTES];
    memset(at, 'a', sizeof at);
    assert_int_equal(password_hash(str_from_bytes(at, PASSWORD_BYTES_MAX), text), 0);
    assert_int_equal(password_verify(str_from_c(text), str_from_bytes(at, PASSWORD_BYTES_MAX)), 0);
    assert_int_equal(password_verify(str_from_c(text), str_from_bytes(at, PASSWORD_BYTES_MAX - 1)), PASSWORD_E_WRONG);
    assert_int_equal(password_hash(str_from_bytes(at, sizeof at), text), PASSWORD_E_LENGTH);
    assert_int_equal(password_hash(STR(""), text), PASSWORD_E_LENGTH);
}

static void stored_hashes_are_judged(void **state) {
    (void)state;
#define TAIL "$c29tZXNhbHRzb21lc2FsdA$"
    static const struct {
        const char *name;
        const char *encoded;
        int want;
    } cases[] = {
        /* password "password", salt "somesalt", the reference implementation's own test vector */
        { "a vector", "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4", 0 },
        { "its hash changed", "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/0",
          PASSWORD_E_WRONG },
        { "its salt changed", "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHU$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
          PASSWORD_E_WRONG },
        { "another member of the family", "$argon2i$v=19$m=256,t=2,p=1" TAIL "AAAA", PASSWORD_E_HASH },
        { "a gigabyte", "$argon2id$v=19$m=1048576,t=2,p=1" TAIL "AAAA", PASSWORD_E_HASH },
        { "many passes", "$argon2id$v=19$m=256,t=4294967295,p=1" TAIL "AAAA", PASSWORD_E_HASH },
        { "many lanes", "$argon2id$v=19$m=256,t=1,p=64" TAIL "AAAA", PASSWORD_E_HASH },
        { "negative", "$argon2id$v=19$m=-1,t=1,p=1" TAIL "AAAA", PASSWORD_E_HASH },
        { "no cost", "$argon2id$v=19$" TAIL "AAAA", PASSWORD_E_HASH },
        { "empty", "", PASSWORD_E_HASH },
        { "plain text", "password", PASSWORD_E_HASH },
    };
#undef TAIL
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        int r = password_verify(str_from_c(cases[i].encoded), STR("password"));
        if (r != cases[i].want) fail_msg("%s: %d", cases[i].name, r);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_password_verifies_against_its_hash_alone),
        cmocka_unit_test(a_long_password_is_bounded),
        cmocka_unit_test(stored_hashes_are_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
