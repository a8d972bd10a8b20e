#include "integration/saga/saga_def.h"

#include "integration/saga/saga_test_tasks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* One line a case: what is accepted stands beside what is refused. `states` is put into {"StartAt":"A","States":{...}};
 * a text that begins with '!' is a whole document. wrong: a piece of the message, NULL = accepted. */
struct compile_case {
    const char *rule, *states, *wrong;
};

#define END "\"End\":true"
#define ECHO "\"Type\":\"Task\",\"Resource\":\"giro:test:echo\""
#define Z ",\"Z\":{\"Type\":\"Succeed\"}"

static const struct compile_case cases[] = {
    { "A1", "\"A\":{\"Type\":\"Succeed\"}", NULL },
    { "A1", "!{\"StartAt\":\"B\",\"States\":{\"A\":{\"Type\":\"Succeed\"}}}", "StartAt: there is no state \"B\"" },
    { "A1", "!{\"States\":{\"A\":{\"Type\":\"Succeed\"}}}", "StartAt: must be the name of a state" },
    { "A1", "!{\"StartAt\":\"A\"}", "States: must be an object" },
    { "A1", "!{\"StartAt\":\"A\",\"States\":{}}", "States: must be an object with one state at least" },
    { "A1", "!{\"StartAt\":\"A\",\"States\":[]}", "States: must be an object" },
    { "A1", "!{\"StartAt\":\"A\",\"States\":{\"A\":7}}", "state A: must be an object" },
    { "A1", "![]", "must be an object" },
    { "A1", "!{", "" },
    { "A2", "\"A\":{\"Type\":\"Pass\",\"Next\":\"\"},\"\":{\"Type\":\"Succeed\"}", "must have 1 to 80 characters" },
    { "A2", "\"A\":{\"Type\":\"Succeed\"},\"A\":{\"Type\":\"Succeed\"}", "" },
    { "A2", "\"A\\n\":{\"Type\":\"Succeed\"}", "holds a control character" },
    { "A3", "\"A\":{\"Type\":\"Task\"}", "state A: Resource: must be the name of a task" },
    { "A3", "\"A\":{\"Type\":\"Tusk\"}", "state A: Type: must be Task, Choice" },
    { "A3", "\"A\":{}", "state A: Type: must be" },
    { "A3", "\"A\":{\"Type\":\"Parallel\"}", "state A: Type: Parallel is not supported yet" },
    { "A3", "\"A\":{\"Type\":\"Map\"}", "state A: Type: Map is not supported yet" },
    { "A4", "\"A\":{\"Type\":\"Pass\"," END "}", NULL },
    { "A4", "\"A\":{\"Type\":\"Pass\",\"Next\":\"Z\"}" Z, NULL },
    { "A4", "\"A\":{\"Type\":\"Pass\"}", "state A: Next: is missing, and so is End" },
    { "A4", "\"A\":{\"Type\":\"Pass\",\"Next\":\"Z\"," END "}" Z, "state A: Next: must not stand beside End" },
    { "A4", "\"A\":{\"Type\":\"Pass\",\"End\":false}", "state A: End: must be true" },
    { "A4", "\"A\":{\"Type\":\"Succeed\"," END "}", "state A: End: does not belong into a state of this type" },
    { "A4", "\"A\":{\"Type\":\"Fail\",\"Next\":\"A\"}", "state A: Next: does not belong" },
    { "A5", "\"A\":{\"Type\":\"Pass\",\"Next\":\"B\"}", "state A: Next: there is no state \"B\"" },
    { "A8", "!{\"StartAt\":\"A\",\"TimeoutSeconds\":99999998,\"States\":{\"A\":{\"Type\":\"Succeed\"}}}", NULL },
    { "A8", "!{\"StartAt\":\"A\",\"TimeoutSeconds\":0,\"States\":{\"A\":{\"Type\":\"Succeed\"}}}",
      "TimeoutSeconds: must be a whole number" },
    { "A8", "!{\"StartAt\":\"A\",\"TimeoutSeconds\":99999999,\"States\":{\"A\":{\"Type\":\"Succeed\"}}}",
      "from 1 to 99999998" },
    { "A9", "!{\"StartAt\":\"A\",\"Version\":\"1.0\",\"States\":{\"A\":{\"Type\":\"Succeed\"}}}", NULL },
    { "A9", "!{\"StartAt\":\"A\",\"Version\":\"2.0\",\"States\":{\"A\":{\"Type\":\"Succeed\"}}}", "Version: must be" },
    { "A11", "\"A\":{\"Type\":\"Wait\",\"Seconds\":1,\"InputPath\":\"$.x\",\"OutputPath\":\"$.y\"," END "}", NULL },
    { "A11", "\"A\":{\"Type\":\"Wait\",\"Seconds\":1,\"ResultPath\":\"$.x\"," END "}", "ResultPath: does not belong" },
    { "A11", "\"A\":{\"Type\":\"Pass\",\"ResultSelector\":{}," END "}", "ResultSelector: does not belong" },
    { "A11", "\"A\":{\"Type\":\"Pass\",\"Retry\":[]," END "}", "Retry: does not belong" },
    { "A11", "\"A\":{\"Type\":\"Choice\",\"Parameters\":{}}", "Parameters: does not belong" },
    { "A11", "\"A\":{\"Type\":\"Fail\",\"InputPath\":\"$.x\"}", "InputPath: does not belong" },
    /* the specification forbids InputPath on Succeed in prose and allows it in its table, as AWS does: allowed */
    { "A11", "\"A\":{\"Type\":\"Succeed\",\"InputPath\":\"$.x\",\"OutputPath\":\"$.y\"}", NULL },
    { "A11", "\"A\":{\"Type\":\"Pass\",\"Assign\":{\"x\":1}," END "}", "Assign: not supported yet" },
    { "A14", "\"A\":{\"Type\":\"Pass\",\"InputPath\":null,\"ResultPath\":null,\"OutputPath\":null," END "}", NULL },
    { "A14", "\"A\":{\"Type\":\"Pass\",\"InputPath\":7," END "}", "InputPath: must be a path or null" },
    { "A15", "\"A\":{" ECHO ",\"ResultPath\":\"$.a.b\"," END "}", NULL },
    { "A15", "\"A\":{" ECHO ",\"ResultPath\":\"$.a[?(@.b)]\"," END "}",
      "state A: ResultPath: \"$.a[?(@.b)]\" picks from an array" },
    { "A15", "\"A\":{" ECHO ",\"ResultPath\":\"$$.a\"," END "}",
      "reads the context object, which is not supported yet" },
    { "A15", "\"A\":{" ECHO ",\"ResultPath\":\"$a\"," END "}", "reads a variable, which is not supported yet" },
    { "A15", "\"A\":{" ECHO ",\"ResultPath\":\"a\"," END "}", "is not a path: it must begin with $" },
    { "A15", "\"A\":{" ECHO ",\"ResultPath\":\"$.\"," END "}", "is not a reference path" },
    { "A15", "\"A\":{" ECHO ",\"ResultPath\":\"$..a\"," END "}", "not supported yet" },
    { "A15", "\"A\":{" ECHO ",\"ResultPath\":\"$.a b\"," END "}", "operator other than names" },
    { "A19", "\"A\":{" ECHO ",\"Parameters\":{\"word.$\":\"$.x\",\"other\":{\"deep.$\":\"$.y\"}}," END "}", NULL },
    { "A19", "\"A\":{" ECHO ",\"Parameters\":{\"word.$\":\"States.Format('x')\"}," END "}",
      "intrinsic function, which is not supported yet" },
    { "A19", "\"A\":{" ECHO ",\"Parameters\":{\"word.$\":\"$$.Execution.Id\"}," END "}",
      "context object, which is not supported yet" },
    { "A19", "\"A\":{" ECHO ",\"Parameters\":{\"word.$\":\"word\"}," END "}", "is not a path" },
    { "A20", "\"A\":{" ECHO ",\"Parameters\":{\"word\":1,\"word.$\":\"$.x\"}," END "}", "names \"word\" twice" },
    { "A20", "\"A\":{" ECHO ",\"Parameters\":{\"w\":{\"x\":1},\"w.$\":\"$.x\"}," END "}", "names \"w" },
    { "A21", "\"A\":{" ECHO ",\"Parameters\":{\"word.$\":5}," END "}", ".$ that is not a text" },
    { "A23", "\"A\":{" ECHO ",\"Parameters\":{\"word\":\"x\",\"b\":null,\"c\":true,\"d\":-5}," END "}", NULL },
    { "A23", "\"A\":{" ECHO ",\"Parameters\":{\"word\":[1]}," END "}", "array, which is not supported yet" },
    { "A23", "\"A\":{" ECHO ",\"Parameters\":{\"word\":1.5}," END "}", "fraction, which is not supported yet" },
    { "A24", "\"A\":{\"Type\":\"Pass\",\"Result\":{\"a\":{\"b\":1},\"c\":\"x\"},\"ResultPath\":\"$.r\"," END "}",
      NULL },
    { "A24", "\"A\":{\"Type\":\"Pass\",\"Result\":\"x\"," END "}", NULL },
    { "A24", "\"A\":{\"Type\":\"Pass\",\"Result\":[1]," END "}", "Result: holds an array" },
    { "A25", "\"A\":{\"Type\":\"Pass\",\"InputPath\":\"$['store']['book.x'].\\\\.y-z\"," END "}", NULL },
    { "A25", "\"A\":{\"Type\":\"Pass\",\"InputPath\":\"$['store'][0]\"," END "}", "picks from an array" },
    { "A25", "\"A\":{\"Type\":\"Pass\",\"InputPath\":\"$['store'\"," END "}", "no closing bracket" },
    { "A25", "\"A\":{\"Type\":\"Pass\",\"InputPath\":\"$['store\"," END "}", "no closing quote" },
    { "A25", "\"A\":{\"Type\":\"Pass\",\"InputPath\":\"$['']\"," END "}", "empty name" },
    { "A25", "\"A\":{\"Type\":\"Pass\",\"InputPath\":\"$.a\\\\\"," END "}", "open escape" },
    { "A25", "\"A\":{\"Type\":\"Pass\",\"InputPath\":\"$.\xc3\xa9\xf0\x9f\x98\x80\"," END "}", NULL },
    { "A51", "\"A\":{\"Type\":\"Wait\",\"Seconds\":0," END "}", NULL },
    { "A51", "\"A\":{\"Type\":\"Wait\",\"SecondsPath\":\"$.s\"," END "}", NULL },
    { "A51", "\"A\":{\"Type\":\"Wait\",\"TimestampPath\":\"$.t\"," END "}", NULL },
    { "A51", "\"A\":{\"Type\":\"Wait\"," END "}", "one of Seconds, Timestamp" },
    { "A51", "\"A\":{\"Type\":\"Wait\",\"Seconds\":1,\"SecondsPath\":\"$.s\"," END "}",
      "SecondsPath: must not stand beside Seconds" },
    { "A52", "\"A\":{\"Type\":\"Wait\",\"Seconds\":-1," END "}", "Seconds: must be a whole number" },
    { "A52", "\"A\":{\"Type\":\"Wait\",\"Seconds\":1.5," END "}", "Seconds: must be a whole number" },
    { "A54", "\"A\":{\"Type\":\"Wait\",\"Timestamp\":\"2016-03-14T01:59:00Z\"," END "}", NULL },
    { "A54", "\"A\":{\"Type\":\"Wait\",\"Timestamp\":\"2016-03-14T01:59:00+02:00\"," END "}", NULL },
    { "A54", "\"A\":{\"Type\":\"Wait\",\"Timestamp\":\"2016-13-14T01:59:00Z\"," END "}", "must be a time of RFC 3339" },
    { "A54", "\"A\":{\"Type\":\"Wait\",\"Timestamp\":\"2016-03-14T25:59:00Z\"," END "}", "must be a time" },
    { "A54", "\"A\":{\"Type\":\"Wait\",\"Timestamp\":\"2016-03-14T01:59:00\"," END "}", "must be a time" },
    { "A54", "\"A\":{\"Type\":\"Wait\",\"Timestamp\":\"2016-03-14 01:59:00Z\"," END "}", "must be a time" },
    { "A54", "\"A\":{\"Type\":\"Wait\",\"Timestamp\":\"14-03-2016T01:59:00Z\"," END "}", "must be a time" },
    { "A57", "\"A\":{" ECHO ",\"Retry\":[{\"ErrorEquals\":[\"ErrorA\"],\"MaxAttempts\":0,\"BackoffRate\":1}]," END "}",
      NULL },
    { "A57", "\"A\":{" ECHO ",\"Retry\":[{\"ErrorEquals\":[\"ErrorA\"],\"BackoffRate\":0.9}]," END "}",
      "Retry[0]: BackoffRate must be 1.0" },
    { "A57", "\"A\":{" ECHO ",\"Retry\":[{\"ErrorEquals\":[\"ErrorA\"],\"IntervalSeconds\":0}]," END "}",
      "Retry[0].IntervalSeconds" },
    { "A57", "\"A\":{" ECHO ",\"Retry\":[{\"ErrorEquals\":[\"ErrorA\"],\"MaxAttempts\":-1}]," END "}",
      "Retry[0].MaxAttempts" },
    { "A57",
      "\"A\":{" ECHO ",\"Retry\":[{\"ErrorEquals\":[\"ErrorA\"],\"IntervalSeconds\":5,\"MaxDelaySeconds\":5}]," END "}",
      "greater than IntervalSeconds" },
    { "A57", "\"A\":{" ECHO ",\"Retry\":[{\"ErrorEquals\":[\"ErrorA\"],\"Delay\":5}]," END "}",
      "Retry[0]: unknown field \"Delay\"" },
    { "A57", "\"A\":{" ECHO ",\"Retry\":{}," END "}", "Retry: must be a list" },
    { "A57", "\"A\":{" ECHO ",\"Retry\":[{}]," END "}", "Retry[0]: ErrorEquals must be a list" },
    { "A58", "\"A\":{" ECHO ",\"Retry\":[{\"ErrorEquals\":[\"ErrorA\"],\"JitterStrategy\":\"FULL\"}]," END "}", NULL },
    { "A58", "\"A\":{" ECHO ",\"Retry\":[{\"ErrorEquals\":[\"ErrorA\"],\"JitterStrategy\":\"HALF\"}]," END "}",
      "JitterStrategy must be FULL or NONE" },
    { "A59", "\"A\":{" ECHO ",\"Catch\":[{\"ErrorEquals\":[\"States.ALL\"],\"Next\":\"Z\"}]," END "}" Z, NULL },
    { "A59", "\"A\":{" ECHO ",\"Catch\":[{\"ErrorEquals\":[\"States.ALL\",\"ErrorA\"],\"Next\":\"Z\"}]," END "}" Z,
      "States.ALL must stand alone" },
    { "A59",
      "\"A\":{" ECHO ",\"Catch\":[{\"ErrorEquals\":[\"States.ALL\"],\"Next\":\"Z\"},{\"ErrorEquals\":[\"ErrorA\"],"
      "\"Next\":\"Z\"}]," END "}" Z,
      "Catch[0]: States.ALL must stand in the last entry" },
    { "A60", "\"A\":{" ECHO ",\"Catch\":[{\"ErrorEquals\":[\"ErrorA\"]}]," END "}",
      "Catch[0].Next: must be the name of a state" },
    { "A60", "\"A\":{" ECHO ",\"Catch\":[{\"ErrorEquals\":[7],\"Next\":\"Z\"}]," END "}" Z,
      "ErrorEquals must list names of errors" },
    { "A60", "\"A\":{" ECHO ",\"Catch\":[{\"ErrorEquals\":[],\"Next\":\"Z\"}]," END "}" Z, "with one name at least" },
    { "A60", "\"A\":{" ECHO ",\"Catch\":[{\"Error Equals\":[\"ErrorA\"],\"Next\":\"Z\"}]," END "}" Z,
      "unknown field \"Error Equals\"" },
    { "A62", "\"A\":{" ECHO ",\"TimeoutSeconds\":1," END "}", NULL },
    { "A62", "\"A\":{" ECHO ",\"TimeoutSeconds\":0," END "}", "TimeoutSeconds: must be a whole number" },
    { "A62", "\"A\":{" ECHO ",\"TimeoutSeconds\":\"1\"," END "}", "TimeoutSeconds: must be a whole number" },
    { "A62", "\"A\":{" ECHO ",\"HeartbeatSeconds\":1," END "}", "HeartbeatSeconds: not supported yet" },
    { "A63", "\"A\":{" ECHO ",\"Catch\":[{\"ErrorEquals\":[\"States.Mine\"],\"Next\":\"Z\"}]," END "}" Z,
      "\"States.Mine\", which no state can raise" },
    { "A63", "\"A\":{\"Type\":\"Fail\",\"Error\":\"Mine\"}", NULL },
    { "A63", "\"A\":{\"Type\":\"Fail\",\"Error\":\"States.Mine\"}", "Error: must not begin with States." },
    { "A71", "\"A\":{\"Type\":\"Fail\",\"ErrorPath\":\"$.e\",\"CausePath\":\"$.c\"}", NULL },
    { "A71", "\"A\":{\"Type\":\"Fail\"}", NULL },
    { "A71", "\"A\":{\"Type\":\"Fail\",\"Error\":\"x\",\"ErrorPath\":\"$.e\"}",
      "Error: must not stand beside ErrorPath" },
    { "A71", "\"A\":{\"Type\":\"Fail\",\"Cause\":\"x\",\"CausePath\":\"$.e\"}",
      "Cause: must not stand beside CausePath" },
    { "A71", "\"A\":{\"Type\":\"Fail\",\"ErrorPath\":\"States.Format('x')\"}", "intrinsic function" },
    { "A71", "\"A\":{\"Type\":\"Fail\",\"Error\":7}", "Error: must be a text" },
    { "A73", "\"A\":{\"Type\":\"Pass\",\"QueryLanguage\":\"JSONPath\"," END "}", NULL },
    { "A73", "\"A\":{\"Type\":\"Pass\",\"QueryLanguage\":\"JSONata\"," END "}",
      "QueryLanguage: JSONata is not supported yet" },
    { "A74", "\"A\":{\"Type\":\"Pass\",\"Colour\":1," END "}", "state A: unknown field \"Colour\"" },
    { "A74", "!{\"StartAt\":\"A\",\"Colour\":1,\"States\":{\"A\":{\"Type\":\"Succeed\"}}}",
      "unknown field \"Colour\"" },
    { "Resource", "\"A\":{\"Type\":\"Task\",\"Resource\":\"giro:no:task\"," END "}",
      "\"giro:no:task\" is no task and no ARN" },
    { "ARN",
      "\"A\":{\"Type\":\"Task\",\"Resource\":\"arn:aws:lambda:us-east-1:123456789012:function:aml-check\"," END "}",
      NULL },
    { "ARN",
      "\"A\":{\"Type\":\"Task\",\"Resource\":\"arn:aws:lambda:us-east-1:123456789012:function:aml-check:1\"," END "}",
      "is no task" },
    { "selector", "\"A\":{" ECHO ",\"ResultSelector\":{\"x.$\":\"$.said\"}," END "}", NULL },
    { "selector", "\"A\":{" ECHO ",\"ResultSelector\":{\"x.$\":\"$.unsaid\"}," END "}",
      "reads what the task giro:test:echo never gives" },
    { "endless", "\"A\":{\"Type\":\"Pass\",\"InputPath\":\"$.x\",\"ResultPath\":\"$.x.y\"," END "}",
      "more than 28 values" },
/* Choice */
#define RULE(test) "\"A\":{\"Type\":\"Choice\",\"Choices\":[{" test ",\"Next\":\"Z\"}],\"Default\":\"Z\"}" Z
    { "A42", RULE("\"And\":[{\"Variable\":\"$.a\",\"IsPresent\":true}]"), NULL },
    { "A42", RULE("\"And\":[{\"Variable\":\"$.a\",\"IsPresent\":true,\"Next\":\"Z\"}]"),
      "a nested rule must not have Next" },
    { "A42", RULE("\"And\":[]"), "needs 1 to 64 rules" },
    { "A42", RULE("\"And\":{}"), "needs a list of rules" },
    { "A42", RULE("\"Not\":[{\"Variable\":\"$.a\",\"IsPresent\":true}]"), "a rule must be an object" },
    { "A42", RULE("\"Variable\":\"$.a\",\"Not\":{\"Variable\":\"$.a\",\"IsPresent\":true}"),
      "Variable must not stand beside" },
    { "A43", RULE("\"Variable\":\"$.a\",\"IsPresent\":true,\"IsNull\":true"), "more than one operator" },
    { "A43", RULE("\"Variable\":\"$.a\""), "has no operator" },
    { "A43", RULE("\"IsPresent\":true"), "has no Variable" },
    { "A43", RULE("\"Variable\":\"$.a\",\"StringMatchesPath\":\"$.b\""), "unknown field \"StringMatchesPath\"" },
    { "A43", RULE("\"Variable\":\"$.a\",\"NumericEquals\":\"5\""), "needs a number" },
    { "A43", RULE("\"Variable\":\"$.a\",\"NumericEqualsPath\":5"), "must be a path" },
    { "A43", RULE("\"Variable\":\"$.a\",\"StringEquals\":5"), "needs a text" },
    { "A43", RULE("\"Variable\":\"$.a\",\"BooleanEquals\":\"true\""), "needs true or false" },
    { "A43", RULE("\"Variable\":\"$.a\",\"TimestampEquals\":\"yesterday\""), "needs a time" },
    { "A43", RULE("\"Variable\":\"States.ArrayContains($.a)\",\"NumericEquals\":1"), "intrinsic function" },
    { "A46", RULE("\"Variable\":\"$.a\",\"StringMatches\":\"a\\\\*b\\\\\\\\*\""), NULL },
    { "A46", RULE("\"Variable\":\"$.a\",\"StringMatches\":\"a\\\\\""), "a pattern in which" },
    { "A46", RULE("\"Variable\":\"$.a\",\"StringMatches\":\"a\\\\b\""), "a pattern in which" },
    { "A50", "\"A\":{\"Type\":\"Choice\",\"Choices\":[{\"Variable\":\"$.a\",\"IsNull\":true,\"End\":true}]}",
      "unknown field \"End\"" },
    { "A50", "\"A\":{\"Type\":\"Choice\",\"Choices\":[{\"Variable\":\"$.a\",\"IsNull\":true}]}",
      "Choices[0].Next: must be the name of a state" },
    { "A50", "\"A\":{\"Type\":\"Choice\",\"Choices\":[]}", "Choices: must be a list of 1 to 64 rules" },
    { "A50",
      "\"A\":{\"Type\":\"Choice\",\"Choices\":[{\"Variable\":\"$.a\",\"IsNull\":true,\"Next\":\"Z\"}],\"Default\":"
      "\"Y\"}" Z,
      "Default: there is no state \"Y\"" },
    { "A73", RULE("\"Condition\":\"{% true %}\""), "Condition is not supported yet" },
};

static void compiles_or_says_why(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char text[2048];
        struct message message = { "" };
        struct saga_def *def = NULL;
        if (cases[i].states[0] == '!') (void)snprintf(text, sizeof text, "%s", cases[i].states + 1);
        else (void)snprintf(text, sizeof text, "{\"StartAt\":\"A\",\"States\":{%s}}", cases[i].states);
        int r = saga_def_compile(str_from_c(text), &test_registry, &def, &message);
        bool good = cases[i].wrong ? r == SAGA_E_DEFINITION && strstr(message.text, cases[i].wrong) : r == 0;
        if (!good) fail_msg("%s case %zu: %s\n gave %d \"%s\"", cases[i].rule, i, text, r, message.text);
        if (r) assert_true(message.text[0] != 0 && strchr(message.text, '\n') == NULL);
        (void)saga_def_free(def);
    }
}

/* A2: 80 characters, not bytes. */
static void names_are_counted_in_characters(void **state) {
    (void)state;
    for (size_t chars = 80; chars <= 81; chars++) {
        char name[256] = "", text[1024];
        struct saga_def *def = NULL;
        struct message message;
        for (size_t i = 0; i < chars; i++) memcpy(name + 2 * i, "\xc3\xa9", 3);
        (void)snprintf(text, sizeof text, "{\"StartAt\":\"%s\",\"States\":{\"%s\":{\"Type\":\"Succeed\"}}}", name,
                       name);
        assert_int_equal(saga_def_compile(str_from_c(text), &test_registry, &def, &message),
                         chars == 80 ? 0 : SAGA_E_DEFINITION);
        (void)saga_def_free(def);
    }
}

static struct saga_def *compile(const char *text) {
    struct saga_def *def = NULL;
    struct message message = { "" };
    int r = saga_def_compile(str_from_c(text), &test_registry, &def, &message);
    if (r) fail_msg("%s: %s", message.text, text);
    return def;
}

static void slots_are_what_states_mention(void **state) {
    (void)state;
    struct saga_def *def =
        compile("{\"Comment\":\"c\",\"StartAt\":\"A\",\"States\":{\"A\":{" ECHO ",\"InputPath\":\"$.in\","
                "\"ResultPath\":\"$.out\",\"End\":true}}}");
    assert_int_equal(saga_def_slot_count(def), 3); /* its word and two results */
    assert_true(saga_def_slot_find(def, STR("in.word")) >= 0);
    assert_true(saga_def_slot_find(def, STR("out.said")) >= 0);
    assert_true(saga_def_slot_find(def, STR("out.how.loud")) >= 0);
    assert_int_equal(saga_def_slot_find(def, STR("word")), -1);
    assert_true(str_equal_c(saga_def_comment(def), "c"));
    assert_true(str_equal_c(saga_def_state_name(def, 0), "A"));
    assert_string_equal(saga_def_state_task(def, 0)->name, "giro:test:echo");
    (void)saga_def_free(def);
}

static void hash_ignores_blanks_only(void **state) {
    (void)state;
    struct saga_def *a = compile("{\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Succeed\"}}}");
    struct saga_def *b = compile("{ \"StartAt\": \"A\",\n\"States\" : {\"A\":{\"Type\":\"Succeed\"}}}");
    struct saga_def *c = compile("{\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Fail\"}}}");
    assert_true(hash_equal(saga_def_hash(a), saga_def_hash(b)));
    assert_false(hash_equal(saga_def_hash(a), saga_def_hash(c)));
    (void)saga_def_free(a);
    (void)saga_def_free(b);
    (void)saga_def_free(c);
}

struct registry_case {
    struct saga_task task;
    const char *wrong;
};
static const struct registry_case registry_cases[] = {
    { { .name = "t", .kind = SAGA_INLINE, .run = script_run }, NULL },
    { { .name = "t", .kind = SAGA_INLINE }, "no run function" },
    { { .name = "t", .kind = SAGA_EXTERNAL, .run = script_run }, "has a run function" },
    { { .name = "t", .kind = SAGA_EXTERNAL, .has_enquiry = true }, NULL },
    { { .name = "t", .kind = SAGA_INLINE, .run = script_run, .has_enquiry = true }, "has an enquiry" },
    { { .name = "t", .kind = SAGA_POOLED, .nothing_to_undo = true }, NULL },
    { { .name = "t", .kind = SAGA_POOLED }, "must have nothing to undo" },
    { { .name = "t", .kind = SAGA_EXTERNAL, .undone_by = "u" }, "undone by a task that does not exist" },
    { { .name = "t", .kind = SAGA_EXTERNAL, .undone_by = "t", .nothing_to_undo = true }, "there is nothing to undo" },
    { { .name = "t", .kind = SAGA_EXTERNAL, .errors = ERRORS({ "States.Mine", false }) }, "reserved" },
    { { .name = "t", .kind = SAGA_EXTERNAL, .errors = ERRORS({ "", false }) }, "empty" },
};

static void registries_are_checked(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(registry_cases); i++) {
        struct saga_registry registry = { .tasks = &registry_cases[i].task, .task_count = 1 };
        struct message message = { "" };
        int r = saga_registry_check(&registry, &message);
        assert_int_equal(r, registry_cases[i].wrong ? SAGA_E_REGISTRY : 0);
        if (r) assert_non_null(strstr(message.text, registry_cases[i].wrong));
    }
    struct saga_task twice[] = { test_tasks[0], test_tasks[0] };
    struct saga_registry registry = { .tasks = twice, .task_count = 2 };
    assert_int_equal(saga_registry_check(&registry, NULL), SAGA_E_REGISTRY);
    struct saga_arn stray = { STR("arn:x"), "giro:no:task" };
    registry = (struct saga_registry){ .tasks = test_tasks, .task_count = 1, .arns = &stray, .arn_count = 1 };
    assert_int_equal(saga_registry_check(&registry, NULL), SAGA_E_REGISTRY);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compiles_or_says_why),          cmocka_unit_test(names_are_counted_in_characters),
        cmocka_unit_test(slots_are_what_states_mention), cmocka_unit_test(hash_ignores_blanks_only),
        cmocka_unit_test(registries_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
