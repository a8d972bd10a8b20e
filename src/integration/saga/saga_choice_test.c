#include "integration/saga/saga_int.h"

#include "integration/saga/saga_test_tasks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* Each test is compiled into a machine {Choice A: test -> Yes, Default -> No} and run on $.v and $.w. */
struct choice_case {
    const char *rule, *test;
    struct saga_value v, w;
    const char *end; /* "Yes", "No", or the error of the saga */
};
#define V "\"Variable\":\"$.v\","
#define S(literal)                                                                                                     \
    { .type = SAGA_STRING, .text = STR_INIT(literal) }
#define N(value)                                                                                                       \
    { .type = SAGA_I64, .number = (value) }
#define B(value)                                                                                                       \
    { .type = SAGA_BOOL, .number = (value) }
#define NIL                                                                                                            \
    { .type = SAGA_NULL }
#define NONE                                                                                                           \
    { .type = SAGA_ABSENT }

static const struct choice_case cases[] = {
    /* A43: all operators of data */
    { "A43", V "\"StringEquals\":\"a\"", S("a"), NONE, "Yes" },
    { "A43", V "\"StringEquals\":\"a\"", S("b"), NONE, "No" },
    { "A43", V "\"StringEquals\":\"a\"", S("ab"), NONE, "No" },
    { "A43", V "\"StringEqualsPath\":\"$.w\"", S("a"), S("a"), "Yes" },
    { "A43", V "\"StringLessThan\":\"b\"", S("a"), NONE, "Yes" },
    { "A43", V "\"StringLessThan\":\"b\"", S("b"), NONE, "No" },
    { "A43", V "\"StringLessThanPath\":\"$.w\"", S("a"), S("b"), "Yes" },
    { "A43", V "\"StringGreaterThan\":\"a\"", S("ab"), NONE, "Yes" },
    { "A43", V "\"StringGreaterThan\":\"ab\"", S("a"), NONE, "No" },
    { "A43", V "\"StringGreaterThanPath\":\"$.w\"", S("b"), S("a"), "Yes" },
    { "A43", V "\"StringLessThanEquals\":\"b\"", S("b"), NONE, "Yes" },
    { "A43", V "\"StringLessThanEquals\":\"b\"", S("c"), NONE, "No" },
    { "A43", V "\"StringLessThanEqualsPath\":\"$.w\"", S("c"), S("b"), "No" },
    { "A43", V "\"StringGreaterThanEquals\":\"b\"", S("b"), NONE, "Yes" },
    { "A43", V "\"StringGreaterThanEquals\":\"b\"", S("a"), NONE, "No" },
    { "A43", V "\"StringGreaterThanEqualsPath\":\"$.w\"", S("b"), S("b"), "Yes" },
    { "A43", V "\"NumericEquals\":5", N(5), NONE, "Yes" },
    { "A43", V "\"NumericEquals\":5", N(6), NONE, "No" },
    { "A43", V "\"NumericEqualsPath\":\"$.w\"", N(5), N(5), "Yes" },
    { "A43", V "\"NumericLessThan\":5", N(-6), NONE, "Yes" },
    { "A43", V "\"NumericLessThan\":5", N(5), NONE, "No" },
    { "A43", V "\"NumericLessThanPath\":\"$.w\"", N(4), N(5), "Yes" },
    { "A43", V "\"NumericGreaterThan\":5", N(6), NONE, "Yes" },
    { "A43", V "\"NumericGreaterThan\":5", N(5), NONE, "No" },
    { "A43", V "\"NumericGreaterThanPath\":\"$.w\"", N(4), N(5), "No" },
    { "A43", V "\"NumericLessThanEquals\":5", N(5), NONE, "Yes" },
    { "A43", V "\"NumericLessThanEquals\":5", N(6), NONE, "No" },
    { "A43", V "\"NumericLessThanEqualsPath\":\"$.w\"", N(5), N(5), "Yes" },
    { "A43", V "\"NumericGreaterThanEquals\":5", N(5), NONE, "Yes" },
    { "A43", V "\"NumericGreaterThanEquals\":5", N(4), NONE, "No" },
    { "A43", V "\"NumericGreaterThanEqualsPath\":\"$.w\"", N(5), N(5), "Yes" },
    { "A43", V "\"BooleanEquals\":true", B(1), NONE, "Yes" },
    { "A43", V "\"BooleanEquals\":true", B(0), NONE, "No" },
    { "A43", V "\"BooleanEqualsPath\":\"$.w\"", B(0), B(0), "Yes" },
    { "A43", V "\"TimestampEquals\":\"2026-01-01T00:00:00Z\"", S("2026-01-01T00:00:00Z"), NONE, "Yes" },
    { "A43", V "\"TimestampEqualsPath\":\"$.w\"", S("2026-01-01T00:00:00Z"), S("2026-01-01T00:00:01Z"), "No" },
    { "A43", V "\"TimestampLessThan\":\"2026-01-01T00:00:00Z\"", S("2025-12-31T23:59:59Z"), NONE, "Yes" },
    { "A43", V "\"TimestampLessThanPath\":\"$.w\"", S("2026-01-01T00:00:00Z"), S("2026-01-01T00:00:01Z"), "Yes" },
    { "A43", V "\"TimestampGreaterThan\":\"2026-01-01T00:00:00Z\"", S("2026-01-01T00:00:01Z"), NONE, "Yes" },
    { "A43", V "\"TimestampGreaterThanPath\":\"$.w\"", S("2026-01-01T00:00:00Z"), S("2026-01-01T00:00:01Z"), "No" },
    { "A43", V "\"TimestampLessThanEquals\":\"2026-01-01T00:00:00Z\"", S("2026-01-01T00:00:00Z"), NONE, "Yes" },
    { "A43", V "\"TimestampLessThanEqualsPath\":\"$.w\"", S("2026-01-01T00:00:02Z"), S("2026-01-01T00:00:01Z"), "No" },
    { "A43", V "\"TimestampGreaterThanEquals\":\"2026-01-01T00:00:00Z\"", S("2026-01-01T00:00:00Z"), NONE, "Yes" },
    { "A43", V "\"TimestampGreaterThanEqualsPath\":\"$.w\"", S("2026-01-01T00:00:00Z"), S("2026-01-01T00:00:01Z"),
      "No" },
    { "A43", V "\"IsNull\":true", NIL, NONE, "Yes" },
    { "A43", V "\"IsNull\":true", N(0), NONE, "No" },
    { "A43", V "\"IsNull\":false", N(0), NONE, "Yes" },
    { "A43", V "\"IsNumeric\":true", N(0), NONE, "Yes" },
    { "A43", V "\"IsNumeric\":true", S("0"), NONE, "No" },
    { "A43", V "\"IsString\":true", S(""), NONE, "Yes" },
    { "A43", V "\"IsString\":true", B(1), NONE, "No" },
    { "A43", V "\"IsBoolean\":true", B(0), NONE, "Yes" },
    { "A43", V "\"IsBoolean\":true", N(0), NONE, "No" },
    { "A43", V "\"IsTimestamp\":true", S("2026-01-01T00:00:00.5+01:00"), NONE, "Yes" },
    { "A43", V "\"IsTimestamp\":true", S("2026-01-01"), NONE, "No" },
    { "A43", V "\"IsPresent\":true", NIL, NONE, "Yes" },
    { "A43", V "\"IsPresent\":false", NIL, NONE, "No" },
    /* A41: the first that holds; A42: short circuit in order */
    { "A42", "\"And\":[{" V "\"NumericGreaterThan\":1},{" V "\"NumericLessThan\":5}]", N(3), NONE, "Yes" },
    { "A42", "\"And\":[{" V "\"NumericGreaterThan\":1},{" V "\"NumericLessThan\":5}]", N(5), NONE, "No" },
    { "A42", "\"Or\":[{" V "\"NumericLessThan\":1},{" V "\"NumericGreaterThan\":5}]", N(6), NONE, "Yes" },
    { "A42", "\"Or\":[{" V "\"NumericLessThan\":1},{" V "\"NumericGreaterThan\":5}]", N(3), NONE, "No" },
    { "A42", "\"Not\":{" V "\"NumericLessThan\":1}", N(1), NONE, "Yes" },
    { "A42", "\"Not\":{" V "\"NumericLessThan\":1}", N(0), NONE, "No" },
    { "A42", "\"Or\":[{" V "\"NumericEquals\":1},{\"Variable\":\"$.w\",\"NumericEquals\":1}]", N(1), NONE, "Yes" },
    { "A42", "\"Or\":[{\"Variable\":\"$.w\",\"NumericEquals\":1},{" V "\"NumericEquals\":1}]", N(1), NONE,
      "States.Runtime" },
    /* A44 */
    { "A44", V "\"NumericEquals\":5", S("5"), NONE, "No" },
    { "A44", V "\"StringEquals\":\"5\"", N(5), NONE, "No" },
    { "A44", V "\"BooleanEquals\":true", S("true"), NONE, "No" },
    { "A44", V "\"TimestampLessThan\":\"2026-01-01T00:00:00Z\"", S("yesterday"), NONE, "No" },
    { "A44", V "\"NumericEqualsPath\":\"$.w\"", N(5), S("5"), "No" },
    { "A44", V "\"TimestampEqualsPath\":\"$.w\"", S("2026-01-01T00:00:00Z"), N(5), "No" },
    /* A45 */
    { "A45", V "\"NumericEquals\":5", NONE, NONE, "States.Runtime" },
    { "A45", V "\"NumericEqualsPath\":\"$.w\"", N(5), NONE, "States.Runtime" },
    { "A45", V "\"IsNull\":true", NONE, NONE, "States.Runtime" },
    { "A45", V "\"IsPresent\":true", NONE, NONE, "No" },
    { "A45", V "\"IsPresent\":false", NONE, NONE, "Yes" },
    { "A45", "\"And\":[{" V "\"IsPresent\":true},{" V "\"NumericEquals\":5}]", NONE, NONE, "No" },
    { "A45", "\"And\":[{" V "\"IsPresent\":true},{" V "\"NumericEquals\":5}]", N(5), NONE, "Yes" },
    { "A45", "\"Not\":{" V "\"NumericEquals\":5}", NONE, NONE, "States.Runtime" },
    { "A45", "\"Variable\":\"$\",\"IsPresent\":true", NONE, NONE, "Yes" },
    /* A46 */
    { "A46", V "\"StringMatches\":\"log-*.txt\"", S("log-.txt"), NONE, "Yes" },
    { "A46", V "\"StringMatches\":\"log-*.txt\"", S("log-a.txt.txt"), NONE, "Yes" },
    { "A46", V "\"StringMatches\":\"log-*.txt\"", S("log-a.tx"), NONE, "No" },
    { "A46", V "\"StringMatches\":\"*a*b*\"", S("xxaxxbxx"), NONE, "Yes" },
    { "A46", V "\"StringMatches\":\"*a*b*\"", S("xxbxxaxx"), NONE, "No" },
    { "A46", V "\"StringMatches\":\"*\"", S(""), NONE, "Yes" },
    { "A46", V "\"StringMatches\":\"\"", S(""), NONE, "Yes" },
    { "A46", V "\"StringMatches\":\"\"", S("a"), NONE, "No" },
    { "A46", V "\"StringMatches\":\"a\\\\*\"", S("a*"), NONE, "Yes" },
    { "A46", V "\"StringMatches\":\"a\\\\*\"", S("ab"), NONE, "No" },
    { "A46", V "\"StringMatches\":\"a\\\\\\\\b\"", S("a\\b"), NONE, "Yes" },
    { "A46", V "\"StringMatches\":\"a?c[x]\"", S("a?c[x]"), NONE, "Yes" },
    { "A46", V "\"StringMatches\":\"a?c\"", S("abc"), NONE, "No" },
    { "A46", V "\"StringMatches\":\"*aab\"", S("aaaaaaab"), NONE, "Yes" },
    /* A47 */
    { "A47", V "\"StringEquals\":\"A\"", S("a"), NONE, "No" },
    { "A47", V "\"StringLessThan\":\"a\"", S("Z"), NONE, "Yes" },
    { "A47", V "\"StringEquals\":\"\xc3\xa9\"", S("e\xcc\x81"), NONE, "No" },                  /* not normalised */
    { "A47", V "\"StringLessThan\":\"\xef\xbf\xbd\"", S("\xf0\x9f\x98\x80"), NONE, "Yes" },    /* D83D before FFFD */
    { "A47", V "\"StringGreaterThan\":\"\xed\x9f\xbf\"", S("\xf0\x9f\x98\x80"), NONE, "Yes" }, /* D83D after D7FF */
    /* A48 */
    { "A48", V "\"TimestampEquals\":\"2026-01-01T12:00:00Z\"", S("2026-01-01T13:00:00+01:00"), NONE, "Yes" },
    { "A48", V "\"TimestampEquals\":\"2026-01-01T12:00:00Z\"", S("2026-01-01T12:00:00.000Z"), NONE, "Yes" },
    { "A48", V "\"IsTimestamp\":true", S("2026-01-01T12:00:00z"), NONE, "No" },
    { "A48", V "\"IsTimestamp\":true", S("2026-01-01t12:00:00Z"), NONE, "No" },
    /* A49: whole numbers exactly, also where binary64 would not tell them apart; fractions as binary64 */
    { "A49", V "\"NumericEquals\":9007199254740993", N(9007199254740993), NONE, "Yes" },
    { "A49", V "\"NumericEquals\":9007199254740993", N(9007199254740992), NONE, "No" },
    { "A49", V "\"NumericLessThan\":5.5", N(5), NONE, "Yes" },
    { "A49", V "\"NumericLessThan\":5.5", N(6), NONE, "No" },
    { "A49", V "\"NumericEquals\":5.0", N(5), NONE, "Yes" },
    { "A49", V "\"NumericLessThan\":9223372036854775807", N(INT64_MAX), NONE, "No" },
};

static struct saga_def *compile(const char *format, const char *test) {
    char text[1024];
    struct saga_def *def = NULL;
    struct message message = { "" };
    (void)snprintf(text, sizeof text, "%s%s%s",
                   "{\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Choice\",\"Choices\":[{", test, format);
    int r = saga_def_compile(str_from_c(text), &test_registry, &def, &message);
    if (r) fail_msg("%s: %s", message.text, text);
    return def;
}

static void rules_decide(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct saga_def *def =
            compile(",\"Next\":\"Yes\"}],\"Default\":\"No\"},\"Yes\":{\"Type\":\"Fail\",\"Error\":\"Yes\"},"
                    "\"No\":{\"Type\":\"Fail\",\"Error\":\"No\"}}}",
                    cases[i].test);
        static struct saga_state saga;
        struct saga_env env = { .now_ms = 1000 };
        struct saga_step step;
        saga_start(def, &saga, 1000);
        assert_int_equal(saga_put(def, &saga, STR("v"), &cases[i].v), 0);
        assert_int_equal(saga_put(def, &saga, STR("w"), &cases[i].w), 0);
        assert_int_equal(saga_advance(def, &saga, &env, &step), 0);
        assert_int_equal(step.kind, SAGA_STEP_FAILED);
        if (!str_equal_c(step.error, cases[i].end))
            fail_msg("%s case %zu: %s gave " STR_FMT, cases[i].rule, i, cases[i].test, STR_ARG(step.error));
        (void)saga_def_free(def);
    }
}

/* A41: rules in order; no rule and no Default. A50: the paths of a Choice apply. */
static void first_rule_wins(void **state) {
    (void)state;
    static const struct {
        int64_t v;
        const char *end;
    } rows[] = { { 1, "Low" }, { 5, "Mid" }, { 50, "States.NoChoiceMatched" } };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        static struct saga_state saga;
        struct saga_env env = { .now_ms = 1000 };
        struct saga_step step;
        struct saga_value v = saga_i64(rows[i].v);
        struct saga_def *def =
            compile(",\"Next\":\"Low\"},{\"Variable\":\"$.v\",\"NumericLessThan\":10,\"Next\":\"Mid\"}],"
                    "\"InputPath\":\"$.in\",\"OutputPath\":\"$.v\"},\"Low\":{\"Type\":\"Fail\",\"Error\":\"Low\"},"
                    "\"Mid\":{\"Type\":\"Fail\",\"Error\":\"Mid\"}}}",
                    V "\"NumericLessThan\":5");
        saga_start(def, &saga, 1000);
        assert_int_equal(saga_put(def, &saga, STR("in.v"), &v), 0);
        assert_int_equal(saga_advance(def, &saga, &env, &step), 0);
        assert_true(str_equal_c(step.error, rows[i].end));
        if (i < 2)
            assert_int_equal(saga_get(def, &saga, STR("")).number, rows[i].v); /* A50: the document is $.in.v now */
        (void)saga_def_free(def);
    }
}

static void guards_make_tests_safe(void **state) {
    (void)state;
    static const struct {
        const char *test;
        bool may_fail;
    } rows[] = {
        { V "\"IsPresent\":true", false },
        { V "\"IsNull\":true", true },
        { V "\"BooleanEquals\":true", true },
        { "\"And\":[{" V "\"IsPresent\":true},{" V "\"BooleanEquals\":true}]", false },
        { "\"And\":[{" V "\"BooleanEquals\":true},{" V "\"IsPresent\":true}]", true },
        { "\"And\":[{" V "\"IsPresent\":false},{" V "\"BooleanEquals\":true}]", true },
        { "\"Or\":[{" V "\"IsPresent\":true},{" V "\"BooleanEquals\":true}]", true },
        { "\"And\":[{" V "\"IsPresent\":true},{" V "\"NumericEqualsPath\":\"$.w\"}]", true },
        { "\"And\":[{" V "\"IsPresent\":true},{\"Or\":[{" V "\"IsNull\":true},{\"Not\":{" V "\"NumericEquals\":1}}]}]",
          false },
        { "\"Variable\":\"$\",\"IsString\":true", false },
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct saga_def *def = compile(",\"Next\":\"Z\"}]},\"Z\":{\"Type\":\"Succeed\"}}}", rows[i].test);
        if (test_may_fail(&def->nodes[0].rules[0].test) != rows[i].may_fail) fail_msg("%s", rows[i].test);
        (void)saga_def_free(def);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_decide),
        cmocka_unit_test(first_rule_wins),
        cmocka_unit_test(guards_make_tests_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
