#include "integration/saga/saga_run.h"

#include "integration/saga/saga_table.h"
#include "integration/saga/saga_test_tasks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const char definition[] =
    "{\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Task\",\"Resource\":\"giro:test:outside\",\"ResultPath\":\"$.r\","
    "\"TimeoutSeconds\":9,\"Retry\":[{\"ErrorEquals\":[\"ErrorB\"]},{\"ErrorEquals\":[\"ErrorA\"]}],"
    "\"Next\":\"B\"},\"B\":{\"Type\":\"Wait\",\"Seconds\":5,\"Next\":\"C\"},\"C\":{\"Type\":\"Task\","
    "\"Resource\":\"giro:test:echo\",\"ResultPath\":null,\"End\":true}}}";

static struct saga_def *compile(const char *text) {
    struct saga_def *def = NULL;
    struct message message = { "" };
    if (saga_def_compile(str_from_c(text), &test_registry, &def, &message)) fail_msg("%s", message.text);
    return def;
}

struct bytes {
    char text[SAGA_STATE_BYTES_MAX];
    struct buffer buffer;
};
static struct str write_state(const struct saga_def *def, const struct saga_state *saga, struct bytes *bytes) {
    buffer_init(&bytes->buffer, bytes->text, sizeof bytes->text);
    saga_state_write(def, saga, &bytes->buffer);
    assert_false(bytes->buffer.overflow);
    return buffer_str(&bytes->buffer);
}

/* Each status that a saga goes through, with values of each type. */
enum { STAGES = 6 };
static void make_stage(const struct saga_def *def, int stage, struct saga_state *saga) {
    static const enum saga_status wanted[STAGES] = { SAGA_NEW,     SAGA_TASK_OPEN, SAGA_RETRYING,
                                                     SAGA_RUNNING, SAGA_WAITING,   SAGA_SUCCEEDED };
    static struct script script;
    struct saga_env env = { .now_ms = 1000, .ctx = &script };
    struct saga_value word = saga_string(STR("gr\xc3\xbc\xc3\x9f")), said = saga_i64(-1);
    struct saga_step step;
    saga_start(def, saga, 1000);
    assert_int_equal(saga_put(def, saga, STR("word"), &word), 0);
    if (stage > 0) assert_int_equal(saga_advance(def, saga, &env, &step), 0);
    if (stage > 1) assert_int_equal(saga_task_failed(def, saga, &env, STR("ErrorA"), STR("why")), 0);
    env.now_ms = 2000;
    if (stage > 2) assert_int_equal(saga_advance(def, saga, &env, &step), 0);
    if (stage > 2) assert_int_equal(saga_task_succeeded(def, saga, &env, &said, 1), 0);
    if (stage > 3) assert_int_equal(saga_advance(def, saga, &env, &step), 0);
    env.now_ms = 7000;
    if (stage > 4) assert_int_equal(saga_advance(def, saga, &env, &step), 0);
    assert_int_equal(saga->status, wanted[stage]);
}

static void states_come_back_as_they_were(void **state) {
    (void)state;
    struct saga_def *def = compile(definition);
    for (int stage = 0; stage < STAGES; stage++) {
        static struct saga_state saga, again;
        static struct bytes bytes, bytes_again;
        struct hash hash;
        make_stage(def, stage, &saga);
        memset(&again, 0x5a, sizeof again);
        struct str text = write_state(def, &saga, &bytes);
        assert_int_equal(saga_state_read(def, text, &again), 0);
        assert_true(str_equal(text, write_state(def, &again, &bytes_again)));
        assert_int_equal(again.wake_at_ms, saga.wake_at_ms);
        assert_memory_equal(again.attempts, saga.attempts, sizeof saga.attempts);
        assert_true(str_equal(saga_get(def, &again, STR("word")).text, STR("gr\xc3\xbc\xc3\x9f")));
        assert_int_equal(saga_state_peek_hash(text, &hash), 0);
        assert_true(hash_equal(&hash, saga_def_hash(def)));
    }
    (void)saga_def_free(def);
}

static void cut_and_surplus_bytes_are_refused(void **state) {
    (void)state;
    struct saga_def *def = compile(definition);
    for (int stage = 0; stage < STAGES; stage++) {
        static struct saga_state saga, again;
        static struct bytes bytes;
        make_stage(def, stage, &saga);
        struct str text = write_state(def, &saga, &bytes);
        for (size_t len = 0; len < text.len; len++)
            assert_int_equal(saga_state_read(def, str_slice(text, 0, len), &again), SAGA_E_FORMAT);
        bytes.text[text.len] = 0;
        assert_int_equal(saga_state_read(def, str_from_bytes(bytes.text, text.len + 1), &again), SAGA_E_FORMAT);
    }
    (void)saga_def_free(def);
}

/* Whatever is read is a state that writes the same bytes: there is one form only. */
static void changed_bytes_are_refused_or_mean_what_they_say(void **state) {
    (void)state;
    struct saga_def *def = compile(definition);
    static struct saga_state saga, again;
    static struct bytes bytes, bytes_again;
    static const unsigned char masks[] = { 0x01, 0x80, 0xff };
    make_stage(def, 2, &saga);
    struct str text = write_state(def, &saga, &bytes);
    for (size_t i = 0; i < text.len * ARRAY_COUNT(masks); i++) {
        size_t at = i / ARRAY_COUNT(masks);
        bytes.text[at] = (char)(bytes.text[at] ^ masks[i % ARRAY_COUNT(masks)]);
        memset(&again, 0, sizeof again);
        int r = saga_state_read(def, text, &again);
        if (at == 0) assert_int_equal(r, SAGA_E_FORMAT);
        if (at > 0 && at <= 32) assert_int_equal(r, SAGA_E_OTHER);
        if (r == 0) assert_true(str_equal(text, write_state(def, &again, &bytes_again)));
        bytes.text[at] = (char)(bytes.text[at] ^ masks[i % ARRAY_COUNT(masks)]);
    }
    (void)saga_def_free(def);
}

struct broken_case {
    const char *what;
    size_t at;
    unsigned char byte;
};
/* offsets: 33 status, 34 current, 36 started, 44 entered, 52 wake, 60 attempts of two retriers, 68 error */
static const struct broken_case broken[] = {
    { "an unknown status", 33, SAGA_STATUS_COUNT },
    { "waiting in a task", 33, SAGA_WAITING },
    { "ended in a state that is no end", 33, SAGA_SUCCEEDED },
    { "running with a time to wake", 33, SAGA_RUNNING },
    { "a state that is not there", 35, 3 },
    { "a state with another number of retriers", 35, 1 },
    { "a negative time", 36, 0x80 },
    { "an error longer than there is", 68, 1 },
};

static void what_cannot_be_is_refused(void **state) {
    (void)state;
    struct saga_def *def = compile(definition);
    for (size_t i = 0; i < ARRAY_COUNT(broken); i++) {
        static struct saga_state saga, again;
        static struct bytes bytes;
        make_stage(def, 2, &saga);
        struct str text = write_state(def, &saga, &bytes);
        assert_int_equal(saga_state_read(def, text, &again), 0);
        bytes.text[broken[i].at] = (char)broken[i].byte;
        if (saga_state_read(def, text, &again) != SAGA_E_FORMAT) fail_msg("%s was read", broken[i].what);
    }
    (void)saga_def_free(def);
}

/* S5 */
static void another_definition_is_refused(void **state) {
    (void)state;
    struct saga_def *def = compile(definition);
    struct saga_def *other = compile("{\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Succeed\"}}}");
    static struct saga_state saga, again;
    static struct bytes bytes;
    make_stage(def, 1, &saga);
    assert_int_equal(saga_state_read(other, write_state(def, &saga, &bytes), &again), SAGA_E_OTHER);
    (void)saga_def_free(other);
    (void)saga_def_free(def);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_come_back_as_they_were),
        cmocka_unit_test(cut_and_surplus_bytes_are_refused),
        cmocka_unit_test(changed_bytes_are_refused_or_mean_what_they_say),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(another_definition_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
