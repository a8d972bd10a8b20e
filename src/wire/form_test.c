#include "wire/form.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

struct parse_case {
    const char *text;
    int expected;
    const char *fields; /* "name|value;" of each */
};

static const struct parse_case parse_cases[] = {
    { "", 0, "" },
    { "a=1", 0, "a|1;" },
    { "a=1&b=", 0, "a|1;b|;" },
    { "flag", 0, "flag|;" },
    { "a=1=2", 0, "a|1=2;" },
    { "a=1&a=2", 0, "a|1;a|2;" },
    { "a+b=c+d%20e%2Bf", 0, "a b|c d e+f;" },
    { "n=%C3%A9%f0%9f%92%b7", 0, "n|\xc3\xa9\xf0\x9f\x92\xb7;" },
    { "a=%26%3D%25", 0, "a|&=%;" },
    { "redirect_uri=https://x/?y", 0, "redirect_uri|https://x/?y;" },
    { "&", FORM_E_SYNTAX, NULL },
    { "a=1&", FORM_E_SYNTAX, NULL },
    { "a=1&&b=2", FORM_E_SYNTAX, NULL },
    { "=1", FORM_E_SYNTAX, NULL },
    { "a=%", FORM_E_SYNTAX, NULL },
    { "a=%4", FORM_E_SYNTAX, NULL },
    { "a=%4&b=1", FORM_E_SYNTAX, NULL },
    { "a=%4g", FORM_E_SYNTAX, NULL },
    { "a=%%41", FORM_E_SYNTAX, NULL },
    { "a=%00", FORM_E_SYNTAX, NULL },
    { "a b=1", FORM_E_SYNTAX, NULL },
    { "a=1\n", FORM_E_SYNTAX, NULL },
    { "a=\x7f", FORM_E_SYNTAX, NULL },
    { "a=\xc3\xa9", FORM_E_SYNTAX, NULL },
    { "a=%C3", FORM_E_UTF8, NULL },
    { "a=%C0%80", FORM_E_UTF8, NULL },
    { "%ED%A0%80=1", FORM_E_UTF8, NULL },
};

static void test_parse(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(parse_cases); i++) {
        struct arena arena;
        struct form form;
        char memory[256];
        struct buffer out;
        assert_int_equal(arena_init(&arena, 1024, 65536), 0);
        int r = form_parse(str_from_c(parse_cases[i].text), &arena, &form);
        if (r != parse_cases[i].expected) fail_msg("%s gave %d", parse_cases[i].text, r);
        buffer_init(&out, memory, sizeof memory);
        for (size_t k = 0; r == 0 && k < form.count; k++)
            buffer_printf(&out, STR_FMT "|" STR_FMT ";", STR_ARG(form.fields[k].name), STR_ARG(form.fields[k].value));
        if (r == 0 && !str_equal_c(buffer_str(&out), parse_cases[i].fields))
            fail_msg("%s gave " STR_FMT, parse_cases[i].text, STR_ARG(buffer_str(&out)));
        arena_release(&arena);
    }
}

static void test_limits(void **state) {
    (void)state;
    static char text[FORM_BYTES_MAX + 1];
    struct arena arena, small;
    struct form form;
    assert_int_equal(arena_init(&arena, 1024, 1024 * 1024), 0);
    assert_int_equal(arena_init(&small, 16, 16), 0);
    for (size_t i = 0; i < FORM_FIELDS_MAX + 1; i++) memcpy(text + 2 * i, "a&", 2);
    assert_int_equal(form_parse(str_from_bytes(text, 2 * FORM_FIELDS_MAX - 1), &arena, &form), 0);
    assert_int_equal(form.count, FORM_FIELDS_MAX);
    assert_int_equal(form_parse(str_from_bytes(text, 2 * FORM_FIELDS_MAX + 1), &arena, &form), FORM_E_FIELDS);
    memset(text, 'a', sizeof text);
    assert_int_equal(form_parse(str_from_bytes(text, FORM_BYTES_MAX), &arena, &form), 0);
    assert_int_equal(form_parse(str_from_bytes(text, FORM_BYTES_MAX + 1), &arena, &form), FORM_E_SIZE);
    assert_int_equal(form_parse(STR("a=1&b=2"), &small, &form), FORM_E_SIZE);
    arena_release(&small);
    arena_release(&arena);
}

static void test_find(void **state) {
    (void)state;
    struct arena arena;
    struct form form;
    struct str text;
    assert_int_equal(arena_init(&arena, 1024, 65536), 0);
    assert_int_equal(form_parse(STR("scope=openid&state=x&scope=payments"), &arena, &form), 0);
    assert_true(form_get(&form, "scope", &text) && str_equal_c(text, "openid"));
    assert_false(form_get(&form, "code", &text));
    assert_int_equal(form_count(&form, "scope"), 2);
    assert_int_equal(form_count(&form, "code"), 0);
    assert_true(form_find_duplicate(&form, &text) && str_equal_c(text, "scope"));
    assert_int_equal(form_parse(STR("scope=openid&Scope=x"), &arena, &form), 0);
    assert_false(form_find_duplicate(&form, &text));
    arena_release(&arena);
}

static void test_put(void **state) {
    (void)state;
    char memory[128];
    struct buffer out;
    buffer_init(&out, memory, sizeof memory);
    form_put_c(&out, "a b", "c&d");
    form_put(&out, STR("e"), STR("\xc3\xa9=+"));
    assert_true(str_equal_c(buffer_str(&out), "a%20b=c%26d&e=%C3%A9%3D%2B"));
    buffer_reset(&out);
    buffer_append_c(&out, "https://x/cb?");
    form_put_c(&out, "code", "1");
    form_put_c(&out, "state", "");
    assert_true(str_equal_c(buffer_str(&out), "https://x/cb?code=1&state="));
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_parse), cmocka_unit_test(test_limits),
                                        cmocka_unit_test(test_find), cmocka_unit_test(test_put) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
