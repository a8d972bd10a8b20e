#include "integration/saga/saga_check.h"

#include "integration/saga/saga_test_tasks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct saga_def *compile(struct str text, const struct saga_registry *registry) {
    struct saga_def *def = NULL;
    struct message message = { "" };
    if (saga_def_compile(text, registry, &def, &message)) fail_msg("%s: " STR_FMT, message.text, STR_ARG(text));
    return def;
}

static void print_report(const struct saga_report *report) {
    for (size_t i = 0; i < report->count; i++)
        print_message("%s %s\n", report->findings[i].warning ? "warning:" : "error:", report->findings[i].text);
}

static const struct saga_finding *find(const struct saga_report *report, const char *text) {
    for (size_t i = 0; i < report->count; i++)
        if (strstr(report->findings[i].text, text)) return &report->findings[i];
    return NULL;
}

static void the_payment_saga_is_safe(void **state) {
    (void)state;
    static struct saga_report report;
    size_t len = 0;
    char *text = test_read_file("sagas/payment.asl.json", &len);
    assert_non_null(text);
    struct saga_def *def = compile(str_from_bytes(text, len), &test_registry);
    int r = saga_check(def, &report);
    print_report(&report);
    assert_int_equal(r, 0);
    assert_int_equal(report.error_count, 0);
    assert_int_equal(report.warning_count, 0);
    (void)saga_def_free(def);
    free(text);
}

/* One line a case. Tasks by letters: C check (nothing to undo, raises CheckUnavailable, Deadline, FraudDetected), H hold
 * (undone by R), R release, E execute (pivot, enquiry), B blind execute (pivot, nobody can ask), V vague execute, S reserve
 * (undone by X), X cancel. wanted: a piece of an error or "~" and a piece of a warning; NULL = no error. */
#define TASK(resource, rest)                                                                                           \
    "{\"Type\":\"Task\",\"Resource\":\"giro:" resource "\",\"TimeoutSeconds\":5,\"ResultPath\":null," rest "}"
#define HOLD(rest)                                                                                                     \
    TASK("ledger:hold", "\"Catch\":[{\"ErrorEquals\":[\"States.ALL\"],\"ResultPath\":null,\"Next\":\"Fail\"}]," rest)
#define RELEASE(rest)                                                                                                  \
    TASK("ledger:release", "\"Retry\":[{\"ErrorEquals\":[\"States.ALL\"],\"MaxAttempts\":99999999}]," rest)
#define CATCH(errors, next) "\"Catch\":[{\"ErrorEquals\":[" errors "],\"ResultPath\":null,\"Next\":\"" next "\"}],"
#define ENDS "\"Done\":{\"Type\":\"Succeed\"},\"Fail\":{\"Type\":\"Fail\"}"

struct check_case {
    const char *what, *start, *states, *wanted;
};
static const struct check_case
    cases[] = {
        { "hold, execute, release", "Hold",
          "\"Hold\":" HOLD("\"Next\":\"Pay\"") ",\"Pay\":" TASK(
              "core:execute", CATCH("\"CoreRefused\",\"CoreFailed\"",
                                    "Undo") "\"Next\":\"Done\"") ",\"Undo\":" RELEASE("\"Next\":\"Fail\"") "," ENDS,
          NULL },
        { "C1 refused and not released", "Hold",
          "\"Hold\":" HOLD("\"Next\":\"Pay\"") ",\"Pay\":" TASK(
              "core:execute", CATCH("\"CoreRefused\",\"CoreFailed\"", "Fail") "\"Next\":\"Done\"") "," ENDS,
          "Hold -> Pay (CoreRefused) -> Fail: what Hold did (giro:ledger:hold) is never undone by "
          "giro:ledger:release" },
        { "C1 success without the pivot", "Hold", "\"Hold\":" HOLD("\"Next\":\"Done\"") "," ENDS,
          "Hold -> Done: what Hold did (giro:ledger:hold) is never undone" },
        { "C1 End without the pivot", "Hold",
          "\"Hold\":" HOLD("\"End\":true") ","
                                           "\"Fail\":{\"Type\":\"Fail\"}",
          "Hold: what Hold did (giro:ledger:hold) is never undone" },
        { "C1 one of two is forgotten", "Hold",
          "\"Hold\":" HOLD("\"Next\":\"Seat\"") ",\"Seat\":" TASK(
              "test:reserve",
              CATCH("\"States.ALL\"",
                    "Fail") "\"Next\":\"Pay\"") ",\"Pay\":" TASK("core:execute",
                                                                 CATCH("\"CoreRefused\",\"CoreFailed\"",
                                                                       "Undo") "\"Next\":\"Done\"") ",\"Undo\""
                                                                                                    ":" RELEASE("\"Next"
                                                                                                                "\":"
                                                                                                                "\"Fail"
                                                                                                                "\"") "," ENDS,
          "Hold -> Seat (Full) -> Fail: what Hold did" },
        { "C1 a loop holds twice", "Hold",
          "\"Hold\":" HOLD("\"Next\":\"More\"") ",\"More\":{\"Type\":\"Choice\",\"Choices\":[{\"Variable\":\"$.x\","
                                                "\"IsPresent\":true,\"Next\":\"Hold\"}],"
                                                "\"Default\":\"Undo\"},\"Undo\":" RELEASE(
                                                    "\"Next\":\"Fail\"") ",\"Fail\":{\"Type\":\"Fail\"}",
          "Hold -> More -> Hold: giro:ledger:hold would be done again before it was undone" },
        { "C1 a loop that undoes each time", "Hold",
          "\"Hold\":" HOLD("\"Next\":\"Undo\"") ",\"Undo\":" RELEASE(
              "\"Next\":\"More\"") ",\"More\":{\"Type\":\"Choice\",\"Choices\":[{\"Variable\":\"$.x\",\"IsPresent\":"
                                   "true,\"Next\":\"Hold\"}],\"Default\":\"Fail\"},\"Fail\":{\"Type\":\"Fail\"}",
          NULL },
        { "C2 wrong order", "Hold",
          "\"Hold\":" HOLD("\"Next\":\"Seat\"") ",\"Seat\":" TASK("test:reserve", CATCH("\"States.ALL\"", "Undo") "\"Ne"
                                                                                                                  "xt\""
                                                                                                                  ":\"P"
                                                                                                                  "ay"
                                                                                                                  "\"") ",\"Pay\":" TASK(
              "core:execute",
              CATCH("\"CoreRefused\",\"CoreFailed\"",
                    "Undo") "\"Next\":\"Done\"") ",\"Undo\":" RELEASE("\"Next\":\"Leave\"") ",\"Leave\":" TASK("test:"
                                                                                                               "cancel",
                                                                                                               "\"Retry"
                                                                                                               "\":[{"
                                                                                                               "\"Error"
                                                                                                               "Equals"
                                                                                                               "\":["
                                                                                                               "\"State"
                                                                                                               "s."
                                                                                                               "ALL\"],"
                                                                                                               "\"MaxAt"
                                                                                                               "tempts"
                                                                                                               "\":"
                                                                                                               "9999999"
                                                                                                               "9}],"
                                                                                                               "\"Next"
                                                                                                               "\":"
                                                                                                               "\"Fail"
                                                                                                               "\"") "," ENDS,
          "-> Undo: giro:ledger:release would run before what Seat did later is undone" },
        { "C2 right order", "Hold",
          "\"Hold\":" HOLD("\"Next\":\"Seat\"") ",\"Seat\":" TASK("test:reserve", CATCH("\"States.ALL\"", "Undo") "\"Ne"
                                                                                                                  "xt\""
                                                                                                                  ":\"P"
                                                                                                                  "ay"
                                                                                                                  "\"") ",\"Pay\":" TASK(
              "core:execute", CATCH(
                                  "\"CoreRefused\",\"CoreFailed\"",
                                  "Leave") "\"Next\":\"Done\"") ",\"Leave\":" TASK("test:cancel", "\"Retry\":[{"
                                                                                                  "\"ErrorEquals\":["
                                                                                                  "\"States.ALL\"],"
                                                                                                  "\"MaxAttempts\":"
                                                                                                  "99999999}],\"Next\":"
                                                                                                  "\"Undo\"") ",\"Undo"
                                                                                                              "\""
                                                                                                              ":" RELEASE("\"Next\":\"Fail\"") "," ENDS,
          NULL },
        { "C2 nothing to undo", "Check",
          "\"Check\":" TASK("fraud:check", CATCH("\"States.ALL\"", "Undo") "\"Next\":\"Hold\"") ",\"Hold\":" HOLD(
              "\"Next\":\"Undo\"") ",\"Undo\":" RELEASE("\"Next\":\"Fail\"") ",\"Fail\":{\"Type\":\"Fail\"}",
          "Check (FraudDetected) -> Undo: giro:ledger:release would run although there is nothing for it to undo" },
        { "C2 after the pivot", "Hold",
          "\"Hold\":" HOLD("\"Next\":\"Pay\"") ",\"Pay\":" TASK(
              "core:execute",
              CATCH("\"CoreRefused\",\"CoreFailed\"",
                    "Undo") "\"Next\":\"Undo\"") ",\"Undo\":" RELEASE("\"Next\":\"Fail\"") ",\"Fail\":{\"Type\":"
                                                                                           "\"Fail\"}",
          "Hold -> Pay -> Undo: giro:ledger:release would run although the pivot was passed" },
        { "C3 a blind pivot times out", "Hold",
          "\"Hold\":" HOLD("\"Next\":\"Pay\"") ",\"Pay\":" TASK(
              "blind:execute", CATCH("\"CoreRefused\",\"States.Timeout\"",
                                     "Undo") "\"Next\":\"Done\"") ",\"Undo\":" RELEASE("\"Next\":\"Fail\"") "," ENDS,
          "Hold -> Pay (States.Timeout) -> Undo: giro:ledger:release would run although Pay may have been done" },
        { "C3 a blind pivot, everything caught", "Hold",
          "\"Hold\":" HOLD("\"Next\":\"Pay\"") ",\"Pay\":" TASK(
              "blind:execute",
              CATCH("\"States.ALL\"", "Undo") "\"Next\":\"Done\"") ",\"Undo\":" RELEASE("\"Next\":\"Fail\"") "," ENDS,
          "Hold -> Pay (States.Timeout) -> Undo: giro:ledger:release would run although" },
        { "C3 a blind pivot asked again until it answers", "Hold",
          "\"Hold\":" HOLD("\"Next\":\"Pay\"") ",\"Pay\":" TASK(
              "blind:execute", "\"Catch\":[{\"ErrorEquals\":[\"CoreRefused\"],\"ResultPath\":null,\"Next\":\"Undo\"},"
                               "{\"ErrorEquals\":[\"States.Timeout\"],\"ResultPath\":null,\"Next\":\"Rest\"}],\"Next\":"
                               "\"Done\"") ",\"Rest\":{\"Type\":\"Wait\",\"Seconds\":60,\"Next\":\"Pay\"},"
                                           "\"Undo\":" RELEASE("\"Next\":\"Fail\"") "," ENDS,
          NULL },
        { "C3 ends while nobody knows", "Hold",
          "\"Hold\":" HOLD("\"Next\":\"Pay\"") ",\"Pay\":" TASK(
              "blind:execute", "\"Catch\":[{\"ErrorEquals\":[\"CoreRefused\"],\"ResultPath\":null,\"Next\":\"Undo\"},"
                               "{\"ErrorEquals\":[\"States.Timeout\"],\"ResultPath\":null,\"Next\":\"Fail\"}],\"Next\":"
                               "\"Done\"") ",\"Undo\":" RELEASE("\"Next\":\"Fail\"") "," ENDS,
          "Hold -> Pay (States.Timeout) -> Fail: the saga ends although nobody knows whether Pay was done" },
        { "C3 an enquired pivot, everything caught", "Hold",
          "\"Hold\":" HOLD("\"Next\":\"Pay\"") ",\"Pay\":" TASK(
              "core:execute",
              CATCH("\"States.ALL\"", "Undo") "\"Next\":\"Done\"") ",\"Undo\":" RELEASE("\"Next\":\"Fail\"") "," ENDS,
          "Hold -> Pay (States.ALL) -> Undo: giro:ledger:release would run although Pay may have been done" },
        { "C3 an error that means unknown", "Hold",
          "\"Hold\":" HOLD("\"Next\":\"Pay\"") ",\"Pay\":" TASK(
              "vague:execute", CATCH("\"CoreRefused\",\"LineBroken\"",
                                     "Undo") "\"Next\":\"Done\"") ",\"Undo\":" RELEASE("\"Next\":\"Fail\"") "," ENDS,
          "Hold -> Pay (LineBroken) -> Undo: giro:ledger:release would run although Pay may" },
        { "C4 an error of the task", "Check",
          "\"Check\":" TASK("fraud:check", CATCH("\"FraudDetected\",\"States.Timeout\",\"Deadline\"",
                                                 "Fail") "\"Next\":\"Done\"") "," ENDS,
          "Check (CheckUnavailable): nothing catches CheckUnavailable" },
        { "C4 a timeout", "Check",
          "\"Check\":" TASK("aml:check", CATCH("\"AmlFlagged\",\"CheckUnavailable\",\"Deadline\"",
                                               "Fail") "\"Next\":\"Done\"") "," ENDS,
          "Check (States.Timeout): nothing catches States.Timeout" },
        { "C4 retried for ever", "Check",
          "\"Check\":" TASK("fraud:check", "\"Retry\":[{\"ErrorEquals\":[\"States.ALL\"],\"MaxAttempts\":99999999}],"
                                           "\"Next\":\"Done\"") ",\"Done\":{\"Type\":\"Succeed\"}",
          NULL },
        { "C4 retried often", "Check",
          "\"Check\":" TASK("fraud:check", "\"Retry\":[{\"ErrorEquals\":[\"States.ALL\"],\"MaxAttempts\":99999998}],"
                                           "\"Next\":\"Done\"") ",\"Done\":{\"Type\":\"Succeed\"}",
          "nothing catches FraudDetected" },
        { "C4 a compensation that may give up", "Hold",
          "\"Hold\":" HOLD("\"Next\":\"Pay\"") ",\"Pay\":" TASK(
              "core:execute", CATCH("\"CoreRefused\",\"CoreFailed\"",
                                    "Undo") "\"Next\":\"Done\"") ",\"Undo\":" TASK("ledger:release",
                                                                                   "\"Next\":\"Fail\"") "," ENDS,
          "Hold -> Pay (CoreRefused) -> Undo (States.Timeout): nothing catches States.Timeout, and what Hold did "
          "(giro:ledger:hold) is never undone" },
        { "C4 no Default while something is held", "Hold",
          "\"Hold\":" HOLD("\"Next\":\"Way\"") ",\"Way\":{\"Type\":\"Choice\",\"Choices\":[{\"Variable\":\"$.x\","
                                               "\"IsPresent\":true,\"Next\":\"Undo\"}]},"
                                               "\"Undo\":" RELEASE("\"Next\":\"Fail\"") ",\"Fail\":{\"Type\":\"Fail\"}",
          "Hold -> Way (States.NoChoiceMatched): nothing catches States.NoChoiceMatched, and what Hold did" },
        { "C4 data that may be missing while something is held", "Hold",
          "\"Hold\":" HOLD("\"Next\":\"Way\"") ",\"Way\":{\"Type\":\"Choice\",\"Choices\":[{\"Variable\":\"$.x\","
                                               "\"BooleanEquals\":true,\"Next\":\"Undo\"}],\"Default\":\"Undo\"},"
                                               "\"Undo\":" RELEASE("\"Next\":\"Fail\"") ",\"Fail\":{\"Type\":\"Fail\"}",
          "Hold -> Way (States.Runtime): its data may be missing (States.Runtime), and what Hold did" },
        { "data that may be missing where nothing is at stake", "Way",
          "\"Way\":{\"Type\":\"Choice\",\"Choices\":[{\"Variable\":\"$.x\",\"BooleanEquals\":true,\"Next\":\"Done\"}],"
          "\"Default\":\"Fail\"}," ENDS,
          "~Way (States.Runtime): its data may be missing" },
        { "A64 the result has no place after the work", "Hold",
          "\"Hold\":{\"Type\":\"Task\",\"Resource\":\"giro:ledger:hold\",\"TimeoutSeconds\":5,\"InputPath\":\"$.a\","
          "\"ResultPath\":null," CATCH(
              "\"InsufficientFunds\",\"AccountBlocked\",\"Deadline\",\"States.Timeout\",\"States.Runtime\"",
              "Fail") "\"OutputPath\":\"$.b\",\"Next\":\"Undo\"},"
                      "\"Undo\":" RELEASE("\"Next\":\"Fail\"") ",\"Fail\":{\"Type\":\"Fail\"}",
          "Hold (States.Runtime) -> Fail: what Hold did" },
        { "C5 no time limit", "Check",
          "\"Check\":{\"Type\":\"Task\",\"Resource\":\"giro:fraud:check\"," CATCH("\"States.ALL\"",
                                                                                  "Fail") "\"Next\":\"Done\"}," ENDS,
          "Check: the task giro:fraud:check has no TimeoutSeconds" },
        { "C5 no compensation", "Check",
          "\"Check\":" TASK("test:careless", CATCH("\"States.ALL\"", "Fail") "\"Next\":\"Done\"") "," ENDS,
          "Check: nothing undoes the task giro:test:careless, and it is no pivot" },
        { "C6 unreachable", "Done", ENDS, "Fail: no path leads to this state" },
        { "C6 no end", "A",
          "\"A\":{\"Type\":\"Wait\",\"Seconds\":1,\"Next\":\"B\"},\"B\":{\"Type\":\"Pass\",\"Next\":\"A\"}",
          "A: from here no path leads to an end" },
        { "an error that nobody raises", "Check",
          "\"Check\":" TASK("fraud:check", CATCH("\"FraudDetectd\"", "Fail") "\"Next\":\"Done\"") "," ENDS,
          "~Check: the task giro:fraud:check never raises FraudDetectd" },
        { "A49", "A",
          "\"A\":{\"Type\":\"Choice\",\"Choices\":[{\"Variable\":\"$.x\",\"NumericEquals\":0.5,\"Next\":\"Done\"}],"
          "\"Default\":\"Fail\"}," ENDS,
          "~NumericEquals with a fraction" },
        { "failed after the pivot", "Pay",
          "\"Pay\":" TASK("core:execute", CATCH("\"CoreRefused\",\"CoreFailed\"",
                                                "Fail") "\"Next\":\"Fail\"") ",\"Fail\":{\"Type\":\"Fail\"}",
          "~Pay -> Fail: the saga is called failed although the pivot was passed" },
    };

static void paths_are_judged(void **state) {
    (void)state;
    static struct saga_report report;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char text[4096];
        const char *wanted = cases[i].wanted;
        (void)snprintf(text, sizeof text, "{\"StartAt\":\"%s\",\"States\":{%s}}", cases[i].start, cases[i].states);
        struct saga_def *def = compile(str_from_c(text), &test_registry);
        int r = saga_check(def, &report);
        bool warning = wanted && wanted[0] == '~';
        const struct saga_finding *finding = wanted ? find(&report, wanted + warning) : NULL;
        if ((wanted && (!finding || finding->warning != warning)) || (!wanted && r)) {
            print_report(&report);
            fail_msg("%s: not as wanted", cases[i].what);
        }
        assert_int_equal(r, report.error_count ? SAGA_E_UNSAFE : 0);
        (void)saga_def_free(def);
    }
}

/* A8: a limit of the whole saga strikes anywhere, so nothing may be at stake where it does. */
static void the_limit_of_the_saga_is_a_point_of_failure(void **state) {
    (void)state;
    static struct saga_report report;
    struct saga_def *def =
        compile(STR("{\"StartAt\":\"Hold\",\"TimeoutSeconds\":60,\"States\":{\"Hold\":" HOLD(
                    "\"Next\":\"Undo\"") ",\"Undo\":" RELEASE("\"Next\":\"Fail\"") ",\"Fail\":{\"Type\":\"Fail\"}}}"),
                &test_registry);
    assert_int_equal(saga_check(def, &report), SAGA_E_UNSAFE);
    assert_non_null(
        find(&report, "Hold -> Undo (States.Timeout): TimeoutSeconds of the saga may end it here, and what Hold did"));
    (void)saga_def_free(def);
    def = compile(STR("{\"StartAt\":\"W\",\"TimeoutSeconds\":60,\"States\":{\"W\":{\"Type\":\"Wait\",\"Seconds\":5,"
                      "\"End\":true}}}"),
                  &test_registry);
    assert_int_equal(saga_check(def, &report), 0);
    (void)saga_def_free(def);
}

/* The definition as people write it at first: it compiles through the table of ARNs, and each of its faults is named. */
static void check_mission(const char *execute, const char *const *wanted) {
    static struct saga_report report;
    struct saga_arn arns[ARRAY_COUNT(test_arns)];
    struct saga_registry registry = test_registry;
    char path[512];
    size_t len = 0;
    const char *shared = getenv("GIRO_SHARED");
    if (!shared) skip();
    (void)snprintf(path, sizeof path, "%s/data/mission/payment_saga.asl.json", shared);
    char *text = test_read_file(path, &len);
    if (!text) skip();
    memcpy(arns, test_arns, sizeof arns);
    arns[3].task = execute;
    registry.arns = arns;
    struct saga_def *def = compile(str_from_bytes(text, len), &registry);
    assert_int_equal(saga_check(def, &report), SAGA_E_UNSAFE);
    print_report(&report);
    for (; *wanted; wanted++)
        if (!find(&report, *wanted)) fail_msg("not found: %s", *wanted);
    (void)saga_def_free(def);
    free(text);
}

static void the_naive_saga_is_refused(void **state) {
    (void)state;
    check_mission("giro:core:execute",
                  NAMES("FraudCheck (States.Timeout): nothing catches States.Timeout",
                        "FraudCheck (CheckUnavailable): nothing catches CheckUnavailable",
                        "FraudCheck -> AmlCheck (States.Timeout): nothing catches States.Timeout",
                        "HoldBalance: the task giro:ledger:hold has no TimeoutSeconds",
                        "ExecutePayment: the task giro:core:execute has no TimeoutSeconds",
                        "ReleaseHold: the task giro:ledger:release has no TimeoutSeconds",
                        "FraudCheck -> AmlCheck -> HoldBalance (AccountBlocked): nothing catches AccountBlocked",
                        "FraudCheck -> AmlCheck -> HoldBalance -> ExecutePayment (States.ALL) -> ReleaseHold: "
                        "giro:ledger:release would run "
                        "although ExecutePayment may have been done"));
}

static void the_naive_saga_is_refused_where_nobody_can_ask(void **state) {
    (void)state;
    check_mission("giro:blind:execute", NAMES("FraudCheck -> AmlCheck -> HoldBalance -> ExecutePayment "
                                              "(States.Timeout) -> ReleaseHold: giro:ledger:release would "
                                              "run although ExecutePayment may have been done"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_payment_saga_is_safe),
        cmocka_unit_test(paths_are_judged),
        cmocka_unit_test(the_limit_of_the_saga_is_a_point_of_failure),
        cmocka_unit_test(the_naive_saga_is_refused),
        cmocka_unit_test(the_naive_saga_is_refused_where_nobody_can_ask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
