#include "domain/plain_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct {
    const char *name;
    struct str text;
    bool plain, blank;
} cases[] = {
    { "empty", STR_INIT(""), true, true },
    { "blank", STR_INIT("  "), true, true },
    { "ascii", STR_INIT("Rent for May, flat 7!"), true, false },
    { "accents", STR_INIT("Zo\xc3\xab \xc5\x98\xc3\xadhov\xc3\xa1"), true, false },
    { "emoji", STR_INIT("\xf0\x9f\x8e\x82"), true, false },
    { "no-break space", STR_INIT("a\xc2\xa0" "b"), true, false },
    { "nul", STR_INIT("a\0b"), false, false },
    { "tab", STR_INIT("a\tb"), false, false },
    { "line feed", STR_INIT("a\nb"), false, false },
    { "carriage return", STR_INIT("a\r"), false, false },
    { "escape", STR_INIT("\x1b[31m"), false, false },
    { "unit separator", STR_INIT("\x1f"), false, false },
    { "delete", STR_INIT("\x7f"), false, false },
    { "first C1", STR_INIT("\xc2\x80"), false, false },
    { "next line", STR_INIT("\xc2\x85"), false, false },
    { "last C1", STR_INIT("\xc2\x9f"), false, false },
    { "line separator", STR_INIT("\xe2\x80\xa8"), false, false },
    { "right-to-left override", STR_INIT("\xe2\x80\xae" "abc"), false, false },
    { "isolate", STR_INIT("\xe2\x81\xa6"), false, false },
    { "before the bidi controls", STR_INIT("\xe2\x80\xa7"), true, false },
    { "behind the bidi controls", STR_INIT("\xe2\x80\xaf"), true, false },
    { "lone continuation", STR_INIT("\x80"), false, false },
    { "overlong", STR_INIT("\xc0\xaf"), false, false },
    { "surrogate", STR_INIT("\xed\xa0\x80"), false, false },
    { "cut short", STR_INIT("\xf0\x9f\x8e"), false, false },
};

static void text_is_plain_or_not(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        if (plain_text(cases[i].text) != cases[i].plain) fail_msg("plain: %s", cases[i].name);
        if (plain_text_is_blank(cases[i].text) != cases[i].blank) fail_msg("blank: %s", cases[i].name);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(text_is_plain_or_not) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
