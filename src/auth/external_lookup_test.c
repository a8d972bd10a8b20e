/* external_lookup_test.c - how often an issuer is asked, how long its answers stand, who waits (external_lookup.h). */
#include "auth/external_lookup.h"

#include "platform/clock.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>

#include <cmocka.h>

enum { ACTIVE, REFUSED, NONSENSE, GONE };
enum { WAIT_MS_MAX = 60000 };

static _Atomic int64_t now_ms;
static atomic_int questions, failures, said;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool held;       /* under the lock: questions wait */
static size_t answered; /* under the lock: how many were called back */

static int64_t mono(void) {
    return now_ms;
}

static int64_t wall(void) {
    return INT64_C(1700000000) * 1000 + now_ms;
}

static int ask(void *ctx, const struct external_issuer *issuer, struct str token, struct buffer *out,
               struct message *message) {
    static const char *const texts[] = {
        [ACTIVE] = "{\"active\":true,\"client_id\":\"acme\",\"token_type\":\"Bearer\",\"exp\":1800000000,"
                   "\"scope\":\"accounts\"}",
        [REFUSED] = "{\"active\":false}",
        [NONSENSE] = "?",
    };
    (void)ctx;
    assert_true(token.len > 0 && issuer->endpoint.url.len > 0);
    atomic_fetch_add(&questions, 1);
    pthread_mutex_lock(&lock);
    while (held) pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    if (said == GONE) {
        message_set(message, "gone");
        return 1;
    }
    buffer_append_c(out, texts[said]);
    return 0;
}

static void on_failure(void *ctx, struct str issuer, const char *reason) {
    (void)ctx;
    assert_true(issuer.len > 0 && reason[0] != 0);
    atomic_fetch_add(&failures, 1);
}

static void on_done(void *ctx) {
    (void)ctx;
    pthread_mutex_lock(&lock);
    answered++;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void hold(bool on) {
    pthread_mutex_lock(&lock);
    held = on;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void wait_answered(size_t count) {
    pthread_mutex_lock(&lock);
    while (answered < count) pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

static void wait_questions(int count) {
    int64_t end_ms = clock_mono_ms() + WAIT_MS_MAX;
    while (questions < count) assert_true(clock_mono_ms() < end_ms);
}

static struct external_issuer issuers[2];

static int open_lookup(void **state) {
    struct external_lookup_options options = {
        .issuers = issuers, .issuer_count = 2, .on_failure = on_failure, .ask = ask, .mono_ms = mono, .now_ms = wall
    };
    struct external_lookup *lookup;
    for (size_t i = 0; i < 2; i++)
        issuers[i] = (struct external_issuer){ .issuer = STR("https://peer.example"),
                                               .audience = STR("https://giro.example"),
                                               .endpoint = { .url = STR("https://peer.example/introspect") },
                                               .client_claim = STR("client_id"),
                                               .scope_claim = STR("scope") };
    now_ms = 1000000;
    questions = failures = said = 0;
    answered = 0;
    held = false;
    assert_int_equal(external_lookup_open(&options, &lookup), 0);
    *state = lookup;
    return 0;
}

static int close_lookup(void **state) {
    hold(false);
    assert_null(external_lookup_close(*state));
    return 0;
}

/* The verdict on a token now, waited for. */
static int ask_now(struct external_lookup *lookup, size_t issuer, const char *token) {
    struct external_wait wait = { .on_done = on_done };
    size_t before = answered;
    if (!external_lookup_ask(lookup, issuer, str_from_c(token), &wait)) wait_answered(before + 1);
    if (wait.verdict.result == 0) assert_true(str_equal_c(wait.verdict.claims.client_name, "acme"));
    if (wait.verdict.result == 0) assert_true(str_equal_c(wait.verdict.claims.scope, "accounts"));
    return wait.verdict.result;
}

/* Q3 */
/* spec: gateway/31 */
static void an_answer_stands_for_a_short_time(void **state) {
    for (int i = 0; i < 3; i++) assert_int_equal(ask_now(*state, 0, "t"), 0);
    assert_int_equal(questions, 1);
    said = REFUSED; /* revoked there */
    now_ms += EXTERNAL_LIFE_MS - 1;
    assert_int_equal(ask_now(*state, 0, "t"), 0);
    now_ms += 1;
    assert_int_equal(ask_now(*state, 0, "t"), EXTERNAL_E_TOKEN);
    assert_int_equal(ask_now(*state, 0, "t"), EXTERNAL_E_TOKEN);
    assert_int_equal(questions, 2);
    said = ACTIVE;
    now_ms += EXTERNAL_REFUSED_LIFE_MS;
    assert_int_equal(ask_now(*state, 0, "t"), 0);
    assert_int_equal(questions, 3);
}

static void answers_are_of_one_token_and_one_issuer(void **state) {
    assert_int_equal(ask_now(*state, 0, "t"), 0);
    said = REFUSED;
    assert_int_equal(ask_now(*state, 0, "u"), EXTERNAL_E_TOKEN);
    assert_int_equal(ask_now(*state, 1, "t"), EXTERNAL_E_TOKEN);
    assert_int_equal(ask_now(*state, 0, "t"), 0);
}

/* Q4 */
/* spec: gateway/31 */
static void who_cannot_be_asked_says_nothing(void **state) {
    said = GONE;
    assert_int_equal(ask_now(*state, 0, "t"), EXTERNAL_E_UNKNOWN);
    assert_int_equal(failures, 1);
    for (int i = 0; i < 10; i++) assert_int_equal(ask_now(*state, 0, i % 2 ? "t" : "u"), EXTERNAL_E_UNKNOWN);
    assert_int_equal(questions, 1);
    said = ACTIVE;
    assert_int_equal(ask_now(*state, 1, "t"), 0); /* the other issuer goes on */
    now_ms += EXTERNAL_RETRY_MS;
    assert_int_equal(ask_now(*state, 0, "t"), 0);
    said = NONSENSE;
    assert_int_equal(ask_now(*state, 0, "v"), EXTERNAL_E_UNKNOWN);
    assert_int_equal(failures, 2);
    assert_int_equal(ask_now(*state, 0, "t"), 0); /* what was said before stands its time */
    now_ms += EXTERNAL_LIFE_MS;
    assert_int_equal(ask_now(*state, 0, "t"), EXTERNAL_E_UNKNOWN);
}

/* Q4: one that failed is tried with one question, not with all that come. */
static void a_failed_issuer_is_tried_by_one(void **state) {
    struct external_wait first = { .on_done = on_done }, second = { .on_done = on_done };
    said = GONE;
    assert_int_equal(ask_now(*state, 0, "t"), EXTERNAL_E_UNKNOWN);
    now_ms += EXTERNAL_RETRY_MS;
    hold(true);
    assert_false(external_lookup_ask(*state, 0, STR("t"), &first));
    assert_true(external_lookup_ask(*state, 0, STR("u"), &second));
    assert_int_equal(second.verdict.result, EXTERNAL_E_UNKNOWN);
    hold(false);
    wait_answered(2);
    assert_int_equal(first.verdict.result, EXTERNAL_E_UNKNOWN);
}

/* Q2 */
static void many_wait_for_one_question(void **state) {
    struct external_wait waits[8];
    hold(true);
    for (size_t i = 0; i < ARRAY_COUNT(waits); i++) {
        waits[i] = (struct external_wait){ .on_done = on_done };
        assert_false(external_lookup_ask(*state, 0, STR("t"), &waits[i]));
    }
    hold(false);
    wait_answered(ARRAY_COUNT(waits));
    for (size_t i = 0; i < ARRAY_COUNT(waits); i++) assert_int_equal(waits[i].verdict.result, 0);
    assert_int_equal(questions, 1);
}

/* Q2 */
static void one_caller_keeps_no_other_out(void **state) {
    static struct external_wait waits[EXTERNAL_WAITERS_OF_ONE + 2];
    hold(true);
    for (size_t i = 0; i < EXTERNAL_WAITERS_OF_ONE; i++) {
        waits[i] = (struct external_wait){ .on_done = on_done, .caller = { { 1 } } };
        waits[i].caller.bytes[15] = 7;
        assert_false(external_lookup_ask(*state, 0, STR("t"), &waits[i]));
    }
    struct external_wait *more = &waits[EXTERNAL_WAITERS_OF_ONE], *other = more + 1;
    *more = waits[0];
    assert_true(external_lookup_ask(*state, 0, STR("t"), more));
    assert_int_equal(more->verdict.result, EXTERNAL_E_UNKNOWN);
    *other = (struct external_wait){ .on_done = on_done };
    assert_false(external_lookup_ask(*state, 0, STR("t"), other));
    hold(false);
    wait_answered(EXTERNAL_WAITERS_OF_ONE + 1);
    assert_int_equal(other->verdict.result, 0);
}

/* Q5 */
static void a_question_that_waited_too_long_is_not_asked(void **state) {
    static const char *const tokens[] = { "a", "b", "c", "d", "e" };
    struct external_wait waits[EXTERNAL_ASKERS + 1];
    static_assert(ARRAY_COUNT(tokens) == EXTERNAL_ASKERS + 1, "one more than there are threads");
    hold(true);
    for (size_t i = 0; i < ARRAY_COUNT(waits); i++) {
        waits[i] = (struct external_wait){ .on_done = on_done };
        assert_false(external_lookup_ask(*state, 0, str_from_c(tokens[i]), &waits[i]));
    }
    wait_questions(EXTERNAL_ASKERS);
    now_ms += EXTERNAL_QUEUE_MS;
    hold(false);
    wait_answered(ARRAY_COUNT(waits));
    assert_int_equal(questions, EXTERNAL_ASKERS);
    assert_int_equal(failures, 0);
    size_t unknown = 0;
    for (size_t i = 0; i < ARRAY_COUNT(waits); i++) unknown += waits[i].verdict.result == EXTERNAL_E_UNKNOWN;
    assert_int_equal(unknown, 1);
}

static void who_waits_at_the_end_is_called_back(void **state) {
    struct external_wait wait = { .on_done = on_done }, late = { .on_done = on_done };
    hold(true);
    assert_false(external_lookup_ask(*state, 0, STR("t"), &wait));
    wait_questions(1);
    hold(false);
    external_lookup_stop(*state);
    assert_int_equal(answered, 1);
    assert_true(external_lookup_ask(*state, 0, STR("u"), &late));
    assert_int_equal(late.verdict.result, EXTERNAL_E_UNKNOWN);
}

/* More tokens than there is room for: each is answered, the oldest answers go. */
static void the_store_of_answers_is_bounded(void **state) {
    char token[32];
    for (int i = 0; i < 2 * EXTERNAL_ANSWERS_MAX; i++) {
        (void)snprintf(token, sizeof token, "token-%d", i);
        assert_int_equal(ask_now(*state, 0, token), 0);
        now_ms += 1;
    }
    assert_int_equal(questions, 2 * EXTERNAL_ANSWERS_MAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_lookup, close_lookup)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(an_answer_stands_for_a_short_time),
        TEST(answers_are_of_one_token_and_one_issuer),
        TEST(who_cannot_be_asked_says_nothing),
        TEST(a_failed_issuer_is_tried_by_one),
        TEST(many_wait_for_one_question),
        TEST(one_caller_keeps_no_other_out),
        TEST(a_question_that_waited_too_long_is_not_asked),
        TEST(who_waits_at_the_end_is_called_back),
        TEST(the_store_of_answers_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
