/* str_test.c - what looks at eight bytes at once, against a reading byte by byte. */
#include "platform/str.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { BYTES_MAX = 40 };

static size_t plain_len_slowly(struct str s) {
    size_t at = 0;
    while (at < s.len && s.at[at] >= 0x20 && s.at[at] < 0x7f && s.at[at] != '"' && s.at[at] != '\\') at++;
    return at;
}

/* Every byte at every place of every length, so that no place of a word hides one. */
static void plain_run_ends_at_each_byte_that_is_not_plain(void **state) {
    (void)state; /* cmocka's signature */
    for (size_t len = 0; len <= BYTES_MAX; len++)
        for (size_t at = 0; at < len; at++)
            for (int byte = 0; byte < 256; byte++) {
                char text[BYTES_MAX];
                memset(text, 'a' + (int)(at % 26), sizeof text);
                text[at] = (char)byte;
                struct str s = { .at = text, .len = len };
                assert_int_equal(str_plain_len(s), plain_len_slowly(s));
            }
    assert_int_equal(str_plain_len((struct str){ 0 }), 0);
}

static const struct {
    struct str text;
    bool good;
} utf8_cases[] = {
    { STR_INIT(""), true },
    { STR_INIT("plain text of more than eight bytes"), true },
    { STR_INIT("12345678\xc3\xa9"), true },
    { STR_INIT("1234567\xc3\xa9"
               "12345678"),
      true },
    { STR_INIT("\xf0\x9f\x92\xb7 1234567890"), true },
    { STR_INIT("12345678\xc3"), false },
    { STR_INIT("1234567\xc3"
               "12345678"),
      false },
    { STR_INIT("12345678\xc0\x80"), false },
    { STR_INIT("12345678\xed\xa0\x80"), false },
    { STR_INIT("12345678\xf4\x90\x80\x80"), false },
    { STR_INIT("12345678\x80"), false },
};

static void utf8_is_judged_across_words(void **state) {
    (void)state; /* cmocka's signature */
    for (size_t i = 0; i < ARRAY_COUNT(utf8_cases); i++)
        assert_int_equal(str_is_utf8(utf8_cases[i].text), utf8_cases[i].good);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_run_ends_at_each_byte_that_is_not_plain),
        cmocka_unit_test(utf8_is_judged_across_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
