#include "integration/saga/saga_run.h"

#include "integration/saga/saga_test_tasks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* Data flow, A12 to A25, A60, A64. One state A runs on a small document; afterwards the document is as `wanted` says:
 * "name=value" separated by blanks (t, f, null, a number, or 'text'), every slot that has a value, in the order of
 * `wanted`; "!Error" when the saga fails. */
struct data_case {
    const char *rule;
    const char *fields; /* of state A, besides Type and Next */
    const char *input;  /* like wanted */
    const char *wanted;
    const char *word; /* what the echo task read, like a value; NULL = not asked */
};

#define ECHO "\"Type\":\"Task\",\"Resource\":\"giro:test:echo\","
#define PASS "\"Type\":\"Pass\","

static const struct data_case cases[] = {
    /* the echo task reads `word` and gives said='yes'; ResultPath defaults to $: all else is gone (A13) */
    { "A12", ECHO "\"Comment\":\"\"", "word='hello' other=1", "said='yes'", "'hello'" },
    { "A12", ECHO "\"ResultPath\":\"$.r\"", "word='hello'", "word='hello' r.said='yes'", "'hello'" },
    { "A12", ECHO "\"InputPath\":\"$.in\",\"ResultPath\":\"$.r\"", "in.word=5 word=6", "in.word=5 r.said='yes'", "5" },
    { "A12", ECHO "\"InputPath\":\"$.in\",\"Parameters\":{\"word.$\":\"$.x\"},\"ResultPath\":\"$.in.y\"", "in.x=t",
      "in.x=t in.y.said='yes'", "t" },
    { "A12", ECHO "\"ResultSelector\":{\"a.$\":\"$.said\",\"b\":2},\"ResultPath\":\"$.r\",\"OutputPath\":\"$.r\"",
      "word=1", "a='yes' b=2", "1" },
    { "A12", ECHO "\"ResultSelector\":{\"all.$\":\"$\"}", "word=1", "all.said='yes'", "1" },
    { "A14", ECHO "\"ResultPath\":null", "word='hello'", "word='hello'", "'hello'" },
    { "A14", ECHO "\"InputPath\":null,\"ResultPath\":null", "word='hello'", "", "-" },
    { "A14", ECHO "\"ResultPath\":null,\"OutputPath\":null", "word='hello'", "", "'hello'" },
    { "A16", ECHO "\"ResultPath\":\"$.a\"", "a.b=1 a.c=2 d=3 word=null", "a.said='yes' word=null", "null" },
    { "A16", ECHO "\"ResultPath\":\"$.a.b.c\"", "a.x=1 word=1", "a.x=1 word=1 a.b.c.said='yes'", "1" },
    { "A17", ECHO "\"ResultPath\":\"$.word.r\"", "word='foo'", "!States.ResultPathMatchFailure", "'foo'" },
    { "A17", ECHO "\"ResultPath\":\"$.word.r\"", "word=null", "!States.ResultPathMatchFailure", "null" },
    { "A19", ECHO "\"Parameters\":{\"word.$\":\"$.a.b\"},\"ResultPath\":null", "a.b=7", "a.b=7", "7" },
    { "A20", ECHO "\"Parameters\":{\"word\":\"fixed\"},\"ResultPath\":null", "word=7", "", "'fixed'" },
    { "A22", ECHO "\"Parameters\":{\"word.$\":\"$.a\"}", "b=7", "!States.ParameterPathFailure", NULL },
    { "A22", ECHO "\"Parameters\":{\"x.$\":\"$.a\",\"word\":1}", "a.b=7", "said='yes'", "1" },
    { "A22", ECHO "\"InputPath\":null,\"Parameters\":{\"word.$\":\"$.a\"}", "a=7", "!States.ParameterPathFailure",
      NULL },
    { "A23", ECHO "\"Parameters\":{\"word\":null},\"ResultPath\":null", "", "", "null" },
    { "input", ECHO "\"InputPath\":\"$.in\"", "word=1", "!States.Runtime", NULL },
    { "output", ECHO "\"OutputPath\":\"$.gone\"", "word=1", "!States.Runtime", "1" },
    { "selector", ECHO "\"ResultSelector\":{\"a.$\":\"$.how.loud\"}", "word=1", "!States.ParameterPathFailure", "1" },
    { "selector", ECHO "\"ResultSelector\":{\"a.$\":\"$.how\",\"b.$\":\"$.said\"}", "word=1",
      "!States.ParameterPathFailure", "1" },
    /* Pass */
    { "A24", PASS "\"Result\":{\"x\":1,\"y\":{\"z\":\"t\"}}", "a=1", "x=1 y.z='t'", NULL },
    { "A24", PASS "\"Result\":{\"x\":1},\"ResultPath\":\"$.r\"", "r.old=1", "r.x=1", NULL },
    { "A24", PASS "\"Result\":\"text\"", "a=1", "='text'", NULL },
    { "A24", PASS "\"Result\":null,\"ResultPath\":\"$.a\"", "a=1", "a=null", NULL },
    { "A24", PASS "\"InputPath\":\"$.a\"", "a.x=1 a.y='t' b=2", "x=1 y='t'", NULL },
    { "A24", PASS "\"InputPath\":\"$.d\",\"ResultPath\":\"$.c\"", "d=1", "d=1 c=1", NULL },
    { "A24", PASS "\"Parameters\":{\"p.$\":\"$.q\",\"q.$\":\"$.p\"}", "p=1 q=2", "p=2 q=1", NULL },
    { "A24", PASS "\"Parameters\":{\"k\":{\"m.$\":\"$.p\",\"n\":false}},\"ResultPath\":\"$.q\"", "p=1",
      "p=1 q.k.m=1 q.k.n=f", NULL },
    { "A24", PASS "\"Parameters\":{\"k.$\":\"$.a\"}", "a.x=1 a.y=2", "k.x=1 k.y=2", NULL },
    { "A24", PASS "\"OutputPath\":\"$.c\"", "c=5", "=5", NULL },
    { "A24", PASS "\"Comment\":\"\"", "", "", NULL },
    { "A25", PASS "\"InputPath\":\"$['a.b']['c']\",\"ResultPath\":\"$.\\\\.d\"", "a\\.b.c=5", "a\\.b.c=5 \\.d=5",
      NULL },
};

static struct saga_value parse_value(struct str text) {
    uint64_t number = 0;
    if (str_equal_c(text, "t") || str_equal_c(text, "f")) return saga_bool(text.at[0] == 't');
    if (str_equal_c(text, "null")) return saga_null();
    if (str_starts(text, STR("'"))) return saga_string(str_slice(text, 1, text.len - 1));
    if (str_equal_c(text, "-")) return (struct saga_value){ .type = SAGA_ABSENT };
    assert_int_equal(str_to_u64(text, &number), 0);
    return saga_i64((int64_t)number);
}

static bool values_equal(const struct saga_value *a, const struct saga_value *b) {
    return a->type == b->type && (a->type == SAGA_STRING ? str_equal(a->text, b->text) : a->number == b->number);
}

static void put_all(const struct saga_def *def, struct saga_state *saga, const char *input) {
    struct str rest = str_from_c(input), item, name;
    while (rest.len) {
        (void)str_cut(&rest, ' ', &item);
        (void)str_cut(&item, '=', &name);
        struct saga_value value = parse_value(item);
        assert_int_equal(saga_put(def, saga, name, &value), 0);
    }
}

/* Slots that no state mentions are not kept, so only those that the definition knows are compared. */
static void assert_document(const struct data_case *row, const struct saga_def *def, const struct saga_state *saga) {
    struct str rest = str_from_c(row->wanted), item, name;
    size_t present = 0, wanted = 0;
    for (size_t i = 0; i < saga_def_slot_count(def); i++) present += saga->slots[i].type != SAGA_ABSENT;
    while (rest.len) {
        (void)str_cut(&rest, ' ', &item);
        (void)str_cut(&item, '=', &name);
        struct saga_value value = parse_value(item), found = saga_get(def, saga, name);
        if (!values_equal(&value, &found))
            fail_msg("%s: %s: " STR_FMT " is not as wanted", row->rule, row->fields, STR_ARG(name));
        wanted++;
    }
    if (present != wanted) fail_msg("%s: %s: %zu values, wanted %zu", row->rule, row->fields, present, wanted);
}

static void run_case(const struct data_case *row) {
    static struct saga_state saga;
    static struct script script;
    char text[1024];
    struct saga_def *def = NULL;
    struct message message = { "" };
    struct saga_step step;
    script = (struct script){ .answers = { { .task = "giro:test:echo", .value = saga_string(STR("yes")) } } };
    struct saga_env env = { .now_ms = 1, .ctx = &script };
    (void)snprintf(
        text, sizeof text,
        "{\"StartAt\":\"A\",\"States\":{\"A\":{%s,\"Next\":\"Z\"},\"Z\":{\"Type\":\"Succeed\"},"
        "\"Mention\":{\"Type\":\"Pass\",\"Parameters\":{\"b.$\":\"$.a.b\",\"x.$\":\"$.a.x\",\"y.$\":\"$.a.y\"},"
        "\"ResultPath\":null,\"Next\":\"Z\"}}}",
        row->fields);
    int r = saga_def_compile(str_from_c(text), &test_registry, &def, &message);
    if (r) fail_msg("%s: %s", message.text, text);
    saga_start(def, &saga, 1);
    put_all(def, &saga, row->input);
    assert_int_equal(saga_advance(def, &saga, &env, &step), 0);
    if (row->wanted[0] == '!') {
        if (step.kind != SAGA_STEP_FAILED || !str_equal_c(step.error, row->wanted + 1))
            fail_msg("%s: %s: gave " STR_FMT, row->rule, row->fields, STR_ARG(step.error));
    } else {
        if (step.kind != SAGA_STEP_SUCCEEDED) fail_msg("%s: %s: " STR_FMT, row->rule, row->fields, STR_ARG(step.error));
        assert_document(row, def, &saga);
    }
    if (row->word) {
        struct saga_value word = parse_value(str_from_c(row->word));
        if (!values_equal(&word, &script.last_input))
            fail_msg("%s: %s: the task read something else", row->rule, row->fields);
    }
    (void)saga_def_free(def);
}

static void documents_flow(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) run_case(&cases[i]);
}

static struct saga_def *compile(const char *text) {
    struct saga_def *def = NULL;
    struct message message = { "" };
    int r = saga_def_compile(str_from_c(text), &test_registry, &def, &message);
    if (r) fail_msg("%s: %s", message.text, text);
    return def;
}

/* A60: ResultPath of Catch goes onto the raw input and defaults to $. A64: errors of the data flow are caught as well;
 * S4: one that comes after the work is not retried. */
static void catch_places_the_error(void **state) {
    (void)state;
    static const struct {
        const char *rule, *fields, *error, *wanted;
        size_t runs;
    } rows[] = {
        { "A60", "\"Catch\":[{\"ErrorEquals\":[\"ErrorA\"],\"Next\":\"Z\"}]", "ErrorA",
          "Error='ErrorA' Cause='scripted'", 1 },
        { "A60", "\"Catch\":[{\"ErrorEquals\":[\"ErrorA\"],\"ResultPath\":\"$.e\",\"Next\":\"Z\"}]", "ErrorA",
          "word=1 e.Error='ErrorA' e.Cause='scripted'", 1 },
        { "A60", "\"Catch\":[{\"ErrorEquals\":[\"ErrorA\"],\"ResultPath\":null,\"Next\":\"Z\"}]", "ErrorA", "word=1",
          1 },
        { "A60", "\"Catch\":[{\"ErrorEquals\":[\"ErrorA\"],\"ResultPath\":\"$.word.e\",\"Next\":\"Z\"}]", "ErrorA",
          "!States.ResultPathMatchFailure", 1 },
        { "A60", "\"Catch\":[{\"ErrorEquals\":[\"ErrorB\"],\"Next\":\"Z\"}]", "ErrorA", "!ErrorA", 1 },
        { "A64",
          "\"Parameters\":{\"word.$\":\"$.gone\",\"also.$\":\"$.word\"},\"Catch\":[{\"ErrorEquals\":[\"States."
          "ParameterPathFailure\"],"
          "\"ResultPath\":null,\"Next\":\"Z\"}]",
          NULL, "word=1", 0 },
        { "A64",
          "\"ResultPath\":\"$.word.r\",\"Retry\":[{\"ErrorEquals\":[\"States.ALL\"]}],"
          "\"Catch\":[{\"ErrorEquals\":[\"States.ALL\"],\"ResultPath\":null,\"Next\":\"Z\"}]",
          NULL, "word=1", 1 },
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        static struct saga_state saga;
        char text[1024];
        struct data_case row = { .rule = rows[i].rule, .fields = rows[i].fields, .wanted = rows[i].wanted };
        struct script script = { .answers = { { .task = "giro:test:echo", .error = rows[i].error } } };
        struct saga_env env = { .now_ms = 1, .ctx = &script };
        struct saga_step step;
        (void)snprintf(text, sizeof text,
                       "{\"StartAt\":\"A\",\"States\":{\"A\":{" ECHO "%s,\"Next\":\"Y\"},"
                       "\"Y\":{\"Type\":\"Fail\"},\"Z\":{\"Type\":\"Succeed\"}}}",
                       rows[i].fields);
        struct saga_def *def = compile(text);
        struct saga_value one = saga_i64(1);
        saga_start(def, &saga, 1);
        assert_int_equal(saga_put(def, &saga, STR("word"), &one), 0);
        assert_int_equal(saga_advance(def, &saga, &env, &step), 0);
        assert_int_equal(script.runs, rows[i].runs);
        if (rows[i].wanted[0] == '!') assert_true(str_equal_c(step.error, rows[i].wanted + 1));
        else assert_document(&row, def, &saga);
        assert_int_equal(step.kind, rows[i].wanted[0] == '!' ? SAGA_STEP_FAILED : SAGA_STEP_SUCCEEDED);
        (void)saga_def_free(def);
    }
}

/* An input of a task may lie deep, and Parameters may hand over a whole branch. */
static void inputs_are_found_by_path(void **state) {
    (void)state;
    static const char *const fields[] = {
        "\"ResultPath\":null", "\"Parameters\":{\"payment.$\":\"$.payment\",\"id\":1},\"ResultPath\":null",
        "\"Parameters\":{\"payment\":{\"on_us.$\":\"$.payment.on_us\"}},\"ResultPath\":null"
    };
    for (size_t i = 0; i < ARRAY_COUNT(fields); i++) {
        static struct saga_state saga;
        char text[512];
        struct script script = { .runs = 0 };
        struct saga_env env = { .now_ms = 1, .ctx = &script };
        struct saga_step step;
        struct saga_value yes = saga_bool(true);
        (void)snprintf(text, sizeof text,
                       "{\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Task\",\"Resource\":\"giro:test:deep\",%s,"
                       "\"End\":true}}}",
                       fields[i]);
        struct saga_def *def = compile(text);
        saga_start(def, &saga, 1);
        assert_int_equal(saga_put(def, &saga, STR("payment.on_us"), &yes), 0);
        assert_int_equal(saga_advance(def, &saga, &env, &step), 0);
        assert_int_equal(step.kind, SAGA_STEP_SUCCEEDED);
        assert_true(values_equal(&script.last_input, &yes));
        (void)saga_def_free(def);
    }
}

static void external_tasks_get_inputs_and_give_results(void **state) {
    (void)state;
    static struct saga_state saga;
    struct saga_env env = { .now_ms = 1 };
    struct saga_step step;
    struct saga_value hello = saga_string(STR("hello")), values[2] = { saga_i64(42), saga_i64(43) };
    struct saga_value bad = saga_string(STR("\xff"));
    char long_text[SAGA_STRING_BYTES_MAX + 1] = { 0 };
    struct saga_value longest = saga_string(str_from_bytes(long_text, SAGA_STRING_BYTES_MAX));
    struct saga_value too_long = saga_string(str_from_bytes(long_text, SAGA_STRING_BYTES_MAX + 1));
    struct saga_def *def =
        compile("{\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Task\",\"Resource\":\"giro:test:outside\","
                "\"ResultPath\":\"$.r\",\"End\":true}}}");
    saga_start(def, &saga, 1);
    assert_int_equal(saga_put(def, &saga, STR("word"), &bad), SAGA_E_VALUE);
    assert_int_equal(saga_put(def, &saga, STR("word"), &too_long), SAGA_E_VALUE);
    assert_int_equal(saga_put(def, &saga, STR("word"), &longest), 0);
    assert_int_equal(saga_put(def, &saga, STR("word"), &hello), 0);
    assert_int_equal(saga_put(def, &saga, STR("word.x"), &hello), SAGA_E_VALUE); /* word is a scalar */
    assert_int_equal(saga_put(def, &saga, STR("nobody.reads"), &hello), 0);
    assert_int_equal(saga_advance(def, &saga, &env, &step), 0);
    assert_int_equal(step.kind, SAGA_STEP_STARTS_TASK);
    assert_true(values_equal(&step.inputs[0], &hello));
    assert_int_equal(saga_task_succeeded(def, &saga, &env, values, 2), SAGA_E_VALUE); /* it gives one */
    assert_int_equal(saga_task_succeeded(def, &saga, &env, &too_long, 1), SAGA_E_VALUE);
    assert_int_equal(saga_task_succeeded(def, &saga, &env, values, 1), 0);
    assert_int_equal(saga_get(def, &saga, STR("r.said")).number, 42);
    assert_int_equal(saga_get(def, &saga, STR("no.such")).type, SAGA_ABSENT);
    (void)saga_def_free(def);
}

/* A71: a Fail state may take its words from the data. */
static void fail_reads_paths(void **state) {
    (void)state;
    static const struct {
        struct saga_value error;
        const char *wanted;
    } rows[] = { { { .type = SAGA_STRING, .text = STR_INIT("Mine") }, "Mine" },
                 { { .type = SAGA_I64, .number = 5 }, "States.Runtime" },
                 { { .type = SAGA_ABSENT }, "States.Runtime" } };
    struct saga_def *def =
        compile("{\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Fail\",\"ErrorPath\":\"$.e\",\"Cause\":\"c\"}}}");
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        static struct saga_state saga;
        struct saga_env env = { .now_ms = 1 };
        struct saga_step step;
        saga_start(def, &saga, 1);
        assert_int_equal(saga_put(def, &saga, STR("e"), &rows[i].error), 0);
        assert_int_equal(saga_advance(def, &saga, &env, &step), 0);
        assert_true(str_equal_c(step.error, rows[i].wanted));
    }
    (void)saga_def_free(def);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_flow),           cmocka_unit_test(catch_places_the_error),
        cmocka_unit_test(inputs_are_found_by_path), cmocka_unit_test(external_tasks_get_inputs_and_give_results),
        cmocka_unit_test(fail_reads_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
