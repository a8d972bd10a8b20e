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

/* clang-format off: the cases are tables */
/* States by name: Hold (undone by Undo), Seat (undone by Leave), Check (nothing to undo), Pay (the pivot), Way (a
 * choice), Done and Fail. wanted: a piece of an error, "~" and a piece of a warning, or NULL = no error. */
#define TASK(resource, rest)                                                                                           \
    "{\"Type\":\"Task\",\"Resource\":\"giro:" resource "\",\"TimeoutSeconds\":5,\"ResultPath\":null," rest "}"
#define NEXT(state) "\"Next\":\"" state "\""
#define CATCHER(errors, next) "{\"ErrorEquals\":[" errors "],\"ResultPath\":null," NEXT(next) "}"
#define CATCH(errors, next) "\"Catch\":[" CATCHER(errors, next) "],"
#define FOR_EVER "\"Retry\":[{\"ErrorEquals\":[\"States.ALL\"],\"MaxAttempts\":99999999}],"
#define ALL "\"States.ALL\""
#define REFUSED "\"CoreRefused\",\"CoreFailed\""
/* refused: to `next`; the time is up: to what stands behind it */
#define ASKED(next) "\"CoreRefused\"],\"ResultPath\":null," NEXT(next) "},{\"ErrorEquals\":[\"States.Timeout\""
#define HOLD(next) "\"Hold\":" TASK("ledger:hold", CATCH(ALL, "Fail") NEXT(next)) ","
#define SEAT(failed, next) "\"Seat\":" TASK("test:reserve", CATCH(ALL, failed) NEXT(next)) ","
#define PAY(task, errors, failed, next) "\"Pay\":" TASK(task, CATCH(errors, failed) NEXT(next)) ","
#define UNDO(next) "\"Undo\":" TASK("ledger:release", FOR_EVER NEXT(next)) ","
#define LEAVE(next) "\"Leave\":" TASK("test:cancel", FOR_EVER NEXT(next)) ","
#define CHECK(task, rest) "\"Check\":" TASK(task, rest NEXT("Done")) ","
#define WAY(test, next, fallback)                                                                                      \
    "\"Way\":{\"Type\":\"Choice\",\"Choices\":[{\"Variable\":\"$.x\"," test "," NEXT(next) "}]" fallback "},"
#define DEFAULT(state) ",\"Default\":\"" state "\""
#define DONE "\"Done\":{\"Type\":\"Succeed\"}"
#define FAIL "\"Fail\":{\"Type\":\"Fail\"}"
#define ENDS DONE "," FAIL
#define WOULD(task) "giro:" task " would run "
#define NEVER(what) "what " what " is never undone"

struct check_case {
    const char *what, *start, *states, *wanted;
};
static const struct check_case cases[] = {
    { "hold, execute, release", "Hold", HOLD("Pay") PAY("core:execute", REFUSED, "Undo", "Done") UNDO("Fail") ENDS,
      NULL },
    { "C1 refused and not released", "Hold", HOLD("Pay") PAY("core:execute", REFUSED, "Fail", "Done") ENDS,
      "Hold -> Pay (CoreRefused) -> Fail: what Hold did (giro:ledger:hold) is never undone by giro:ledger:release" },
    { "C1 success without the pivot", "Hold", HOLD("Done") ENDS,
      "Hold -> Done: " NEVER("Hold did (giro:ledger:hold)") },
    { "C1 End without the pivot", "Hold", "\"Hold\":" TASK("ledger:hold", CATCH(ALL, "Fail") "\"End\":true") "," FAIL,
      "Hold: " NEVER("Hold did (giro:ledger:hold)") },
    { "C1 one of two is forgotten", "Hold",
      HOLD("Seat") SEAT("Fail", "Pay") PAY("core:execute", REFUSED, "Undo", "Done") UNDO("Fail") ENDS,
      "Hold -> Seat (Full) -> Fail: what Hold did" },
    { "C1 a loop holds twice", "Hold", HOLD("Way") WAY("\"IsPresent\":true", "Hold", DEFAULT("Undo")) UNDO("Fail") FAIL,
      "Hold -> Way -> Hold: giro:ledger:hold would be done again before it was undone" },
    { "C1 a loop that undoes each time", "Hold",
      HOLD("Undo") UNDO("Way") WAY("\"IsPresent\":true", "Hold", DEFAULT("Fail")) FAIL, NULL },
    { "C2 wrong order", "Hold",
      HOLD("Seat") SEAT("Undo", "Pay") PAY("core:execute", REFUSED, "Undo", "Done") UNDO("Leave") LEAVE("Fail") ENDS,
      "-> Undo: " WOULD("ledger:release") "before what Seat did later is undone" },
    { "C2 right order", "Hold",
      HOLD("Seat") SEAT("Undo", "Pay") PAY("core:execute", REFUSED, "Leave", "Done") LEAVE("Undo") UNDO("Fail") ENDS,
      NULL },
    { "C2 nothing to undo", "Check",
      "\"Check\":" TASK("fraud:check", CATCH(ALL, "Undo") NEXT("Hold")) "," HOLD("Undo") UNDO("Fail") FAIL,
      "Check (FraudDetected) -> Undo: " WOULD("ledger:release") "although there is nothing for it to undo" },
    { "C2 after the pivot", "Hold", HOLD("Pay") PAY("core:execute", REFUSED, "Undo", "Undo") UNDO("Fail") FAIL,
      "Hold -> Pay -> Undo: " WOULD("ledger:release") "although the pivot was passed" },
    { "C3 a blind pivot times out", "Hold",
      HOLD("Pay") PAY("blind:execute", "\"CoreRefused\",\"States.Timeout\"", "Undo", "Done") UNDO("Fail") ENDS,
      "Hold -> Pay (States.Timeout) -> Undo: " WOULD("ledger:release") "although Pay may have been done" },
    { "C3 a blind pivot, everything caught", "Hold",
      HOLD("Pay") PAY("blind:execute", ALL, "Undo", "Done") UNDO("Fail") ENDS,
      "Hold -> Pay (States.Timeout) -> Undo: " WOULD("ledger:release") "although" },
    { "C3 a blind pivot tried again until it answers", "Hold",
      HOLD("Pay") PAY("blind:execute", ASKED("Undo"), "Rest",
                      "Done") "\"Rest\":{\"Type\":\"Wait\",\"Seconds\":60," NEXT("Pay") "}," UNDO("Fail") ENDS,
      NULL },
    { "C3 ends while nobody knows", "Hold",
      HOLD("Pay") PAY("blind:execute", ASKED("Undo"), "Fail", "Done") UNDO("Fail") ENDS,
      "Hold -> Pay (States.Timeout) -> Fail: the saga ends although nobody knows whether Pay was done" },
    { "C3 an enquired pivot, everything caught", "Hold",
      HOLD("Pay") PAY("core:execute", ALL, "Undo", "Done") UNDO("Fail") ENDS,
      "Hold -> Pay (States.ALL) -> Undo: " WOULD("ledger:release") "although Pay may have been done" },
    { "C3 an error that means unknown", "Hold",
      HOLD("Pay") PAY("vague:execute", "\"CoreRefused\",\"LineBroken\"", "Undo", "Done") UNDO("Fail") ENDS,
      "Hold -> Pay (LineBroken) -> Undo: " WOULD("ledger:release") "although Pay may" },
    { "C4 an error of the task", "Check",
      CHECK("fraud:check", CATCH("\"FraudDetected\",\"States.Timeout\",\"Deadline\"", "Fail")) ENDS,
      "Check (CheckUnavailable): nothing catches CheckUnavailable" },
    { "C4 a timeout", "Check",
      CHECK("aml:check", CATCH("\"AmlFlagged\",\"CheckUnavailable\",\"Deadline\"", "Fail")) ENDS,
      "Check (States.Timeout): nothing catches States.Timeout" },
    { "C4 retried for ever", "Check", CHECK("fraud:check", FOR_EVER) DONE, NULL },
    { "C4 retried often", "Check",
      CHECK("fraud:check", "\"Retry\":[{\"ErrorEquals\":[\"States.ALL\"],\"MaxAttempts\":99999998}],") DONE,
      "nothing catches FraudDetected" },
    { "C4 a compensation that may give up", "Hold",
      HOLD("Pay")
          PAY("core:execute", REFUSED, "Undo", "Done") "\"Undo\":" TASK("ledger:release", NEXT("Fail")) "," ENDS,
      "Hold -> Pay (CoreRefused) -> Undo (States.Timeout): nothing catches States.Timeout, and " NEVER(
          "Hold did (giro:ledger:hold)") },
    { "C4 no Default while something is held", "Hold",
      HOLD("Way") WAY("\"IsPresent\":true", "Undo", "") UNDO("Fail") FAIL,
      "Hold -> Way (States.NoChoiceMatched): nothing catches States.NoChoiceMatched, and what Hold did" },
    { "C4 data that may be missing while something is held", "Hold",
      HOLD("Way") WAY("\"BooleanEquals\":true", "Undo", DEFAULT("Undo")) UNDO("Fail") FAIL,
      "Hold -> Way (States.Runtime): its data may be missing (States.Runtime), and what Hold did" },
    { "data that may be missing where nothing is at stake", "Way",
      WAY("\"BooleanEquals\":true", "Done", DEFAULT("Fail")) ENDS, "~Way (States.Runtime): its data may be missing" },
    { "A64 the result has no place after the work", "Hold",
      "\"Hold\":" TASK("ledger:hold", "\"OutputPath\":\"$.b\"," CATCH(ALL, "Fail") NEXT("Undo")) "," UNDO("Fail") FAIL,
      "Hold (States.Runtime) -> Fail: what Hold did" },
    { "C5 no time limit", "Check",
      "\"Check\":{\"Type\":\"Task\",\"Resource\":\"giro:fraud:check\"," CATCH(ALL, "Fail") NEXT("Done") "}," ENDS,
      "Check: the task giro:fraud:check has no TimeoutSeconds" },
    { "C5 no compensation", "Check", CHECK("test:careless", CATCH(ALL, "Fail")) ENDS,
      "Check: nothing undoes the task giro:test:careless, and it is no pivot" },
    { "C6 unreachable", "Done", ENDS, "Fail: no path leads to this state" },
    { "C6 no end", "A", "\"A\":{\"Type\":\"Wait\",\"Seconds\":1," NEXT("B") "},\"B\":{\"Type\":\"Pass\"," NEXT("A") "}",
      "A: from here no path leads to an end" },
    { "an error that nobody raises", "Check", CHECK("fraud:check", CATCH("\"FraudDetectd\"", "Fail")) ENDS,
      "~Check: the task giro:fraud:check never raises FraudDetectd" },
    { "A49", "Way", WAY("\"NumericEquals\":0.5", "Done", DEFAULT("Fail")) ENDS, "~NumericEquals with a fraction" },
    { "failed after the pivot", "Pay", PAY("core:execute", REFUSED, "Fail", "Fail") FAIL,
      "~Pay -> Fail: the saga is called failed although the pivot was passed" },
};
/* clang-format on */

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
    static const char limited[] =
        "{\"StartAt\":\"Hold\",\"TimeoutSeconds\":60,\"States\":{" HOLD("Undo") UNDO("Fail") FAIL "}}";
    struct saga_def *def = compile(str_from_c(limited), &test_registry);
    assert_int_equal(saga_check(def, &report), SAGA_E_UNSAFE);
    assert_non_null(find(&report, "Hold -> Undo (States.Timeout): TimeoutSeconds of the saga may end it here, and"));
    (void)saga_def_free(def);
    def = compile(STR("{\"StartAt\":\"W\",\"TimeoutSeconds\":60,\"States\":{\"W\":{\"Type\":\"Wait\",\"Seconds\":5,"
                      "\"End\":true}}}"),
                  &test_registry);
    assert_int_equal(saga_check(def, &report), 0);
    (void)saga_def_free(def);
}

/* The definition as people write it at first: it compiles through the table of ARNs, and each of its faults is named.
 * */
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
