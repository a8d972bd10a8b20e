#include "app/options.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "app/exit_code.h"

enum { WORDS_MAX = 12 };

static const struct {
    const char *name, *line; /* words separated by one blank */
    int want;
    const char *sentence; /* of a refusal */
    const char *var;
    bool json;
    size_t words;
} cases[] = {
    { "nothing given", "run", 0, NULL, "var", false, 0 },
    { "a value", "run --var x", 0, NULL, "x", false, 0 },
    { "a value behind =", "run --var=x=y", 0, NULL, "x=y", false, 0 },
    { "an empty value behind =", "run --var=", 0, NULL, "", false, 0 },
    { "a value that begins with dashes", "run --var --json", 0, NULL, "--json", false, 0 },
    { "a value is missing", "run --var", OPTIONS_E_USAGE, "an option needs a value: --var", "var", false, 0 },
    { "a flag", "run --json", 0, NULL, "var", true, 0 },
    { "a flag with a value", "run --json=yes", OPTIONS_E_USAGE, "takes no value", "var", false, 0 },
    { "a flag twice", "run --json --json", OPTIONS_E_USAGE, "twice", "var", true, 0 },
    { "a value twice", "run --var a --var b", OPTIONS_E_USAGE, "twice", "a", false, 0 },
    { "unknown option", "run --colour", OPTIONS_E_USAGE, "no such option: --colour", "var", false, 0 },
    { "the beginning of a name", "run --js", OPTIONS_E_USAGE, "no such option: --js", "var", false, 0 },
    { "one dash", "run -v", OPTIONS_E_USAGE, "no such option: -v", "var", false, 0 },
    { "a plain word", "run a", 0, NULL, "var", false, 1 },
    { "a word before an option", "run a --json", 0, NULL, "var", true, 1 },
    { "a lone dash is a word", "run -", 0, NULL, "var", false, 1 },
    { "behind -- all are words", "run -- --json", 0, NULL, "var", false, 1 },
    { "a word too many", "run a b c", OPTIONS_E_USAGE, "a word too many: c", "var", false, 2 },
    { "help", "run --help", OPTIONS_E_HELP, NULL, "var", false, 0 },
    { "help wins over what follows", "run -h --colour", OPTIONS_E_HELP, NULL, "var", false, 0 },
    { "--help behind -- is a word", "run -- --help", 0, NULL, "var", false, 1 },
};

static void options_are_read_by_their_table(void **state) {
    (void)state; /* cmocka's signature */
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const char *var = "var";
        bool json = false;
        char line[128], *argv[WORDS_MAX];
        int argc = 0;
        const struct option_row rows[] = { { "var", "DIR", &var, NULL, "" }, { "json", NULL, NULL, &json, "" } };
        struct options options = { .usage = "run", .help = "", .rows = rows, .row_count = 2, .words_max = 2 };
        struct message message = { .text = "" };
        assert_int_equal(str_to_c(str_from_c(cases[i].line), line, sizeof line), 0);
        for (char *at = line, *word; (word = strsep(&at, " "));) argv[argc++] = word;
        int r = options_read(&options, argc, argv, &message);
        if (r != cases[i].want) fail_msg("%s: %d", cases[i].name, r);
        if (cases[i].sentence && !strstr(message.text, cases[i].sentence))
            fail_msg("%s: %s", cases[i].name, message.text);
        if (strcmp(var, cases[i].var) != 0 || json != cases[i].json || options.word_count != cases[i].words)
            fail_msg("%s: --var %s, json %d, %zu words", cases[i].name, var, json, options.word_count);
    }
}

static void a_missing_word_is_refused(void **state) {
    (void)state; /* cmocka's signature */
    char name[] = "show", word[] = "x", *argv[] = { name, word };
    struct options options = { .usage = "show ID", .words_min = 1, .words_max = 1 };
    struct message message = { .text = "" };
    assert_int_equal(options_read(&options, 1, argv, &message), OPTIONS_E_USAGE);
    assert_string_equal(message.text, "a word is missing: giro show ID");
    assert_int_equal(options_read(&options, 2, argv, &message), 0);
    assert_string_equal(options.words[0], "x");
}

static void the_name_is_the_usage_without_its_words(void **state) {
    (void)state; /* cmocka's signature */
    static const struct {
        const char *usage, *name;
    } usages[] = {
        { "run [OPTIONS]", "run" },
        { "ledger statement [--limit N] [--] ACCOUNT", "ledger statement" },
        { "ledger trial-balance [--json]", "ledger trial-balance" },
        { "clients show CLIENT_ID", "clients show" },
        { "breaker list|open|close", "breaker" },
        { "serve --config FILE", "serve" },
        { "version", "version" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(usages); i++) {
        struct options options = { .usage = usages[i].usage };
        assert_true(str_equal_c(options_name(&options), usages[i].name));
    }
}

static void numbers_keep_their_bounds(void **state) {
    (void)state; /* cmocka's signature */
    static const struct {
        const char *text;
        bool want;
        uint64_t number;
    } numbers[] = {
        { NULL, true, 7 },     { "1024", true, 1024 }, { "65532", true, 65532 }, { "1023", false, 7 },
        { "65533", false, 7 }, { "", false, 7 },       { "-1", false, 7 },       { "1e4", false, 7 },
    };
    for (size_t i = 0; i < ARRAY_COUNT(numbers); i++) {
        uint64_t number = 7;
        assert_int_equal(options_number("port-base", numbers[i].text, 1024, 65532, &number), numbers[i].want);
        assert_int_equal(number, numbers[i].number);
    }
}

static void refusals_have_exit_codes(void **state) {
    (void)state; /* cmocka's signature */
    assert_int_equal(options_exit(OPTIONS_E_HELP), EXIT_DONE);
    assert_int_equal(options_exit(OPTIONS_E_USAGE), EXIT_USAGE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_read_by_their_table),
        cmocka_unit_test(a_missing_word_is_refused),
        cmocka_unit_test(the_name_is_the_usage_without_its_words),
        cmocka_unit_test(numbers_keep_their_bounds),
        cmocka_unit_test(refusals_have_exit_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
