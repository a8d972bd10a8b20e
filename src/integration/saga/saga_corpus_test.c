#include "integration/saga/saga_check.h"

#include "integration/saga/saga_test_tasks.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* Definitions written by others, under $GIRO_SHARED/data/asl. Each valid one compiles, unless it stands in
 * `unsupported` with the words that say what it needs; each invalid one is refused by the compiler with the words of
 * `invalid`, or by the checker. */

struct file_case {
    const char *file, *words;
};

#define MAP "Type: Map is not supported yet"
#define PARALLEL "Type: Parallel is not supported yet"
#define JSONATA "JSONata is not supported yet"
#define ARRAY "holds an array, which is not supported yet"
#define ELEMENT "picks from an array, which is not supported yet"
#define INTRINSIC "uses an intrinsic function, which is not supported yet"
#define CONTEXT "reads the context object, which is not supported yet"

static const struct file_case unsupported[] = {
    { "valid-assign.asl.json", JSONATA },
    { "valid-cfn-definition-substitutions.json",
      "Resource: \"${lambdaArn}\" is no task and no ARN that is mapped to one" },
    { "valid-comments-are-not-parsed.asl.json", JSONATA },
    { "valid-context.json", CONTEXT },
    { "valid-current-value-predicate.json", ARRAY },
    { "valid-fail-paths.json", INTRINSIC },
    { "valid-intrinsic-functions.asl.json", INTRINSIC },
    { "valid-json-surround-syntax.json", JSONATA },
    { "valid-jsonata-syntax-function-call.json", JSONATA },
    { "valid-jsonata-syntax-path-expression.json", JSONATA },
    { "valid-jsonata-syntax-simple-arithmetic.json", JSONATA },
    { "valid-jsonata.asl.json", JSONATA },
    { "valid-map-distributed.asl.json", MAP },
    { "valid-map-inline.asl.json", ARRAY },
    { "valid-map-items.asl.json", JSONATA },
    { "valid-map-nested.json", MAP },
    { "valid-map-noconfig.asl.json", MAP },
    { "valid-map-resultSelector.json", MAP },
    { "valid-map-tolerated.json", MAP },
    { "valid-map-with-catch.json", MAP },
    { "valid-map-with-item-batcher-jsonata.json", JSONATA },
    { "valid-map-with-item-batcher.json", MAP },
    { "valid-map-with-parameters.json", MAP },
    { "valid-map-with-retry.json", MAP },
    { "valid-map.json", MAP },
    { "valid-math-add.json", INTRINSIC },
    { "valid-parallel-nested-2.json", PARALLEL },
    { "valid-parallel-nested.json", PARALLEL },
    { "valid-parallel-parameters.json", PARALLEL },
    { "valid-parallel-with-catch.json", PARALLEL },
    { "valid-parallel-with-result-path.json", PARALLEL },
    { "valid-parallel-with-retry.json", PARALLEL },
    { "valid-parallel.json", PARALLEL },
    { "valid-parameters-array.json", ARRAY },
    { "valid-parameters-issue104.json", ARRAY },
    { "valid-parameters-object.json", CONTEXT },
    { "valid-parameters-resultSelector.json", PARALLEL },
    { "valid-pass-array.json", ARRAY },
    { "valid-pass-negativeIndex.json", ELEMENT },
    { "valid-pass-state.json", ELEMENT },
    { "valid-path-array-context.json", ELEMENT },
    { "valid-task-credentials.json", "Credentials: not supported yet" },
    { "valid-task-intrisic-function.json", "Resource: must be the name of a task" },
    { "valid-task-parameters.json", ELEMENT },
    { "valid-task-timeout-jsonata.json", JSONATA },
    { "valid-wait-jsonata.asl.json", JSONATA },
};
static const struct file_case invalid[] = {
    { "invalid-assign.asl.json", JSONATA },
    { "invalid-cfn-definition-substitutions.json",
      "Resource: \"${lambdaArn\" is no task and no ARN that is mapped to one" },
    { "invalid-choice-state-variable.json", INTRINSIC },
    { "invalid-choice-state.json", "Choices[0]: unknown field \"End\"" },
    { "invalid-dupe-fields.asl.json", "Parameters: names \"dynamic.conflict\" twice" },
    { "invalid-duplicate-fields-nested.json", ARRAY },
    { "invalid-duplicate-fields.json", "Parameters: names \"slackMessage.channel\" twice" },
    { "invalid-error-equals-type.json", "StartAt: there is no state" },
    { "invalid-error-equals.json", "Catch[0]: unknown field \"Error Equals\"" },
    { "invalid-exercise-ajv-additional-properties.asl.json", "unknown field \"bugInputPath\"" },
    { "invalid-exercise-ajv.asl.json", "InputPath: \"bug$.library.movies\" is not a path: it must begin with $" },
    { "invalid-fail-dupe-cause.json", "Cause: must not stand beside CausePath" },
    { "invalid-fail-dupe-error.json", "Error: must not stand beside ErrorPath" },
    { "invalid-inexistant-state.json", "Next: there is no state \"Finished\"" },
    { "invalid-json-path.json", "ResultPath: \".guid\" is not a path: it must begin with $" },
    { "invalid-json-surround-syntax-extra-spaces.json", JSONATA },
    { "invalid-jsonata-fields.json", JSONATA },
    { "invalid-jsonata-path-fields.asl.json", JSONATA },
    { "invalid-jsonata-surround-syntax-no-close.json", JSONATA },
    { "invalid-jsonata-surround-syntax-no-open.json", JSONATA },
    { "invalid-jsonata-surround-syntax-no-spaces.json", JSONATA },
    { "invalid-jsonata-syntax-arithmetic.json", JSONATA },
    { "invalid-jsonata-syntax-jsonpath-in-jsonata-surround.json", JSONATA },
    { "invalid-jsonata-syntax-mismatched-parens.json", JSONATA },
    { "invalid-map-distributed.asl.json", MAP },
    { "invalid-map-dupe-state.json", MAP },
    { "invalid-map-item-batcher-dupe-subfields.json", MAP },
    { "invalid-map-items.asl.json", JSONATA },
    { "invalid-map-missing-iterator.json", MAP },
    { "invalid-map-ob-link.json", MAP },
    { "invalid-map-tolerated-value.json", MAP },
    { "invalid-map-tolerated.json", MAP },
    { "invalid-math-add.json", INTRINSIC },
    { "invalid-missing-terminal-map.json", MAP },
    { "invalid-missing-terminal-parallel.json", PARALLEL },
    { "invalid-next-with-end.json", "Next: must not stand beside End" },
    { "invalid-parallel-branch-type.json", PARALLEL },
    { "invalid-parallel-missing-branches.json", PARALLEL },
    { "invalid-parallel-ob-link.json", PARALLEL },
    { "invalid-payload-template.asl.json", "Parameters: \"ipsum\" is not a path: it must begin with $" },
    { "invalid-state-name-too-long.json", "must have 1 to 80 characters" },
    { "invalid-task-alias-function.json", "Resource: \"arn:aws:lambda:region-1:1234567890:function:FUNCTION_NAME:\" is "
                                          "no task and no ARN that is mapped to one" },
    { "invalid-task-credentials-null.json", "Credentials: not supported yet" },
    { "invalid-task-credentials-object.json", "Credentials: not supported yet" },
    { "invalid-task-heartbeat.json", "HeartbeatSeconds: not supported yet" },
    { "invalid-task-timout.json", "TimeoutSecondsPath: not supported yet" },
    { "invalid-variable-result-path.json", "Assign: not supported yet" },
    { "invalid-wait-duration.json", "SecondsPath: must not stand beside Seconds" },
};

/* Any resource that these files name does as a task; what is no such name stays unknown. */
static const char *const resources[] = {
    "arn:aws:lambda:region-1:1234567890:function:FUNCTION_NAME",
    "arn:aws:lambda:region-1:1234567890:function:FUNCTION_NAME:$LATEST",
    "arn:aws:lambda:region-1:1234567890:function:FUNCTION_NAME:AZaz12-_",
    "arn:aws:lambda:region-1:1234567890:function:OnFirstMatch",
    "arn:aws:lambda:region-1:1234567890:function:OnSecondMatch",
    "arn:aws:lambda:region-1:1234567890:function:SubmitJob",
    "arn:aws:lambda:region-1:1234567890:function:CheckJob",
    "arn:aws:lambda:region-1:1234567890:function:SendToSNS",
    "arn:aws:lambda:region-1:1234567890:function:InvalidJsonPath",
    "arn:aws:lambda:region-1:1234567890:function:InvalidResultPath",
    "arn:aws:lambda:us-east-1:123456789012:function:foo",
    "arn:aws:lambda:us-east-1:123456789012:function:HelloWorld",
    "arn:aws:lambda:us-west-2:111126812102:function:some-dev-function",
    "arn:aws:lambda:::function:publish-to-slack-lambda",
    "arn:aws:states:::batch:submitJob.sync",
    "arn:aws:states:us-east-1:12345:activity:hello-world",
    "arn:aws:swf:us-east-1:123456789012:task:X",
};

static const char *words_for(const struct file_case *list, size_t count, const char *file) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i].file, file) == 0) return list[i].words;
    return NULL;
}

/* 0 with *ret_safe, or a refusal with its message. */
static int judge(const char *folder, const char *file, struct message *message, bool *ret_safe) {
    static struct saga_report report;
    struct saga_arn arns[ARRAY_COUNT(resources)];
    struct saga_registry registry = test_registry;
    struct saga_def *def = NULL;
    char path[512];
    size_t len = 0;
    (void)snprintf(path, sizeof path, "%s/data/asl/%s/%s", getenv("GIRO_SHARED"), folder, file);
    char *text = test_read_file(path, &len);
    assert_non_null(text);
    for (size_t i = 0; i < ARRAY_COUNT(resources); i++)
        arns[i] = (struct saga_arn){ .arn = str_from_c(resources[i]), .task = "giro:test:any" };
    registry.arns = arns;
    registry.arn_count = ARRAY_COUNT(arns);
    int r = saga_def_compile(str_from_bytes(text, len), &registry, &def, message);
    if (r == 0) *ret_safe = saga_check(def, &report) == 0;
    (void)saga_def_free(def);
    free(text);
    return r;
}

static size_t list_files(const char *folder, char (*names)[128], size_t names_max) {
    char path[512];
    size_t count = 0;
    const char *shared = getenv("GIRO_SHARED");
    if (!shared) skip();
    (void)snprintf(path, sizeof path, "%s/data/asl/%s", shared, folder);
    DIR *dir = opendir(path);
    if (!dir) skip();
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        if (entry->d_name[0] == '.') continue;
        assert_true(count < names_max);
        (void)snprintf(names[count++], sizeof names[0], "%.127s", entry->d_name);
    }
    (void)closedir(dir);
    return count;
}

static void valid_files_compile(void **state) {
    (void)state;
    static char names[256][128];
    size_t count = list_files("valid", names, ARRAY_COUNT(names)), compiled = 0, wrong = 0;
    assert_true(count > 0);
    for (size_t i = 0; i < count; i++) {
        struct message message = { "" };
        bool safe;
        int r = judge("valid", names[i], &message, &safe);
        const char *words = words_for(unsupported, ARRAY_COUNT(unsupported), names[i]);
        compiled += r == 0;
        if (words ? r == SAGA_E_DEFINITION && strstr(message.text, words) : r == 0) continue;
        print_error("{ \"%s\", \"%s\" },\n", names[i], message.text);
        wrong++;
    }
    assert_int_equal(wrong, 0);
    assert_int_equal(compiled + ARRAY_COUNT(unsupported), count); /* the list holds no file that is not there */
}

static void invalid_files_are_refused(void **state) {
    (void)state;
    static char names[256][128];
    size_t count = list_files("invalid", names, ARRAY_COUNT(names)), wrong = 0, unsafe = 0;
    assert_true(count > 0);
    for (size_t i = 0; i < count; i++) {
        struct message message = { "" };
        bool safe = false;
        int r = judge("invalid", names[i], &message, &safe);
        const char *words = words_for(invalid, ARRAY_COUNT(invalid), names[i]);
        unsafe += r == 0;
        if (words ? r == SAGA_E_DEFINITION && strstr(message.text, words) : r == 0 && !safe) continue;
        print_error("{ \"%s\", \"%s\" },\n", names[i], message.text);
        wrong++;
    }
    assert_int_equal(wrong, 0);
    assert_int_equal(unsafe + ARRAY_COUNT(invalid), count);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(valid_files_compile),
        cmocka_unit_test(invalid_files_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
