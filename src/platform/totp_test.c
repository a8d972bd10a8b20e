#include "platform/totp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct str rfc_secret = STR_INIT("12345678901234567890");

/* RFC 6238 appendix B, SHA-1, the last six of its eight digits. */
static const struct {
    int64_t at_s;
    const char *code;
} vectors[] = {
    { 59, "287082" },         { 1111111109, "081804" }, { 1111111111, "050471" },
    { 1234567890, "005924" }, { 2000000000, "279037" }, { 20000000000, "353130" },
};

static void vectors_of_rfc_6238(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(vectors); i++) {
        char code[TOTP_DIGITS + 1];
        int64_t step = -1;
        assert_int_equal(totp_generate(rfc_secret, vectors[i].at_s * 1000, code), 0);
        assert_string_equal(code, vectors[i].code);
        assert_int_equal(totp_verify(rfc_secret, str_from_c(vectors[i].code), vectors[i].at_s * 1000, &step), 0);
        assert_int_equal(step, vectors[i].at_s / 30);
    }
}

static void the_window_is_one_step_each_way(void **state) {
    (void)state;
    enum { STEP = 41152263 }; /* 1234567890 s */
    static const struct {
        const char *name;
        int64_t now_ms;
        int want;
    } cases[] = {
        { "its first millisecond", STEP * 30000LL, 0 },
        { "its last millisecond", STEP * 30000LL + 29999, 0 },
        { "the step before", STEP * 30000LL - 1, 0 },
        { "earliest", (STEP - 1) * 30000LL, 0 },
        { "too early", (STEP - 1) * 30000LL - 1, TOTP_E_WRONG },
        { "latest", (STEP + 2) * 30000LL - 1, 0 },
        { "too late", (STEP + 2) * 30000LL, TOTP_E_WRONG },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        int64_t step = -1;
        int r = totp_verify(rfc_secret, STR("005924"), cases[i].now_ms, &step);
        if (r != cases[i].want) fail_msg("%s: %d", cases[i].name, r);
        assert_int_equal(step,
                         r ? -1 : STEP); /* the same step whenever it is used: the caller can refuse the second time */
    }
}

static void what_is_no_code_is_refused(void **state) {
    (void)state;
    static const struct {
        struct str secret, code;
        int want;
    } cases[] = {
        { STR_INIT("12345678901234567890"), STR_INIT("287082"), 0 },
        { STR_INIT("12345678901234567890"), STR_INIT("287083"), TOTP_E_WRONG },
        { STR_INIT("12345678901234567890"), STR_INIT("28708"), TOTP_E_SYNTAX },
        { STR_INIT("12345678901234567890"), STR_INIT("2870820"), TOTP_E_SYNTAX },
        { STR_INIT("12345678901234567890"), STR_INIT("28708 "), TOTP_E_SYNTAX },
        { STR_INIT("12345678901234567890"), STR_INIT("28708\0"), TOTP_E_SYNTAX },
        { STR_INIT("12345678901234567890"), STR_INIT(""), TOTP_E_SYNTAX },
        { STR_INIT("123456789012345"), STR_INIT("287082"), TOTP_E_SECRET },
        { STR_INIT(""), STR_INIT("287082"), TOTP_E_SECRET },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        int64_t step = -1;
        assert_int_equal(totp_verify(cases[i].secret, cases[i].code, 59000, &step), cases[i].want);
    }
    int64_t step = -1;
    assert_int_equal(totp_verify(rfc_secret, STR("000000"), 0, &step), TOTP_E_WRONG); /* no step before the first */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_rfc_6238),
        cmocka_unit_test(the_window_is_one_step_each_way),
        cmocka_unit_test(what_is_no_code_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
