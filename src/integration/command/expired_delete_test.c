/* expired_delete_test.c - each kind of row goes when its time is over and not before, beside rows that stay; what went
 * is refused as before. */
#include "integration/command/expired_delete.h"

#include "integration/bank_test_world.h"
#include "integration/command/command_run.h"
#include "services/identity/quota.h"
#include "services/identity/grant.h"
#include "services/identity/session.h"
#include "services/identity/token.h"

enum { MANY = 3 * EXPIRED_PAGE_ROWS + 7, TURNS_MAX = 1000 };

static const int64_t kept_ms[EXPIRED_KIND_COUNT] = {
    [EXPIRED_JTI] = EXPIRED_JTI_KEPT_MS,         [EXPIRED_PUSHED] = EXPIRED_PUSHED_KEPT_MS,
    [EXPIRED_SESSION] = EXPIRED_SESSION_KEPT_MS, [EXPIRED_CODE] = EXPIRED_CODE_KEPT_MS,
    [EXPIRED_TOKEN] = EXPIRED_TOKEN_KEPT_MS,     [EXPIRED_QUOTA] = EXPIRED_QUOTA_KEPT_MS,
    [EXPIRED_GRANT] = EXPIRED_GRANT_KEPT_MS,
    [EXPIRED_REFRESH] = EXPIRED_GRANT_KEPT_MS,
};

struct fixture {
    struct bank bank;
    struct reader reader;
    struct arena arena;
    struct expired_walk walk;
};

static int setup(void **state) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    bank_open(&fixture->bank, &store_memory_ops, "expired_delete_test");
    assert_int_equal(arena_init(&fixture->arena, 4096, JOURNAL_BODY_BYTES_MAX), 0);
    assert_int_equal(reader_open(fixture->bank.world.store, &fixture->reader), 0);
    assert_int_equal(engine_start(fixture->bank.world.engine), 0);
    fixture->walk.now_ms = test_now;
    *state = fixture;
    return 0;
}
static int teardown(void **state) {
    struct fixture *fixture = *state;
    reader_close(&fixture->reader);
    arena_release(&fixture->arena);
    bank_shut(&fixture->bank);
    store_memory_forget("expired_delete_test");
    free(fixture);
    return 0;
}

/* A row of the kind under a key of its own. */
struct planted {
    enum expired_kind kind;
    uint32_t number;
    int64_t expires_ms;
    union {
        struct jti_row jti;
        struct pushed_row pushed;
        struct session_row session;
        struct code_row code;
        struct token_row token;
        struct quota_row quota;
        struct grant_row grant;
        struct refresh_row refresh;
        uint8_t key[32]; /* the first column of each */
    } row;
};
static void planted_make(struct planted *planted, enum expired_kind kind, uint32_t number, int64_t expires_ms) {
    memset(planted, 0, sizeof *planted);
    planted->kind = kind;
    planted->row.key[0] = (uint8_t)(number * 37); /* out of order */
    memcpy(planted->row.key + 4, &number, sizeof number);
    planted->expires_ms = expires_ms;
    switch (kind) {
    case EXPIRED_JTI:
        planted->row.jti.expires_ms = expires_ms;
        return;
    case EXPIRED_PUSHED:
        planted->row.pushed.params = STR("{}");
        planted->row.pushed.expires_ms = expires_ms;
        return;
    case EXPIRED_SESSION:
        planted->row.session.expires_ms = expires_ms;
        return;
    case EXPIRED_CODE:
        planted->row.code.expires_ms = expires_ms;
        return;
    case EXPIRED_TOKEN:
        planted->row.token.expires_ms = expires_ms;
        return;
    case EXPIRED_QUOTA:
        planted->row.quota.expires_ms = expires_ms;
        return;
    case EXPIRED_GRANT:
        planted->row.grant.expires_ms = expires_ms;
        return;
    case EXPIRED_REFRESH:
        planted->row.refresh.expires_ms = expires_ms;
        return;
    case EXPIRED_KIND_COUNT:
        break;
    }
}
static int plant_decide(struct work *work, void *input) {
    const struct planted *planted = input;
    struct view view = view_of(work, "identity");
    return view_insert(&view, expired_table(planted->kind), &planted->row);
}
static void plant(struct fixture *fixture, struct planted *planted) {
    struct test_decision decision = { .decide = plant_decide, .input = planted };
    assert_int_equal(command_run_program(&fixture->bank.integration, &test_decision_kind, &decision), 0);
}

static bool is_there(struct fixture *fixture, const struct planted *planted) {
    const void *row;
    arena_reset(&fixture->arena);
    assert_int_equal(read_row(&fixture->reader, expired_table(planted->kind), 0, &planted->row, &fixture->arena, &row),
                     0);
    return row != NULL;
}

/* Until every table has been walked through at least once. */
static int turns(struct fixture *fixture, int count) {
    int more = 0;
    for (int i = 0; i < count; i++) {
        arena_reset(&fixture->arena);
        int r = expired_delete_run(&fixture->walk, &fixture->bank.integration, &fixture->reader, &fixture->arena);
        assert_true(r >= 0);
        more += r;
    }
    return more;
}

static void a_row_goes_when_its_time_is_over(void **state) {
    struct fixture *fixture = *state;
    static const struct {
        const char *name;
        int64_t over_ms; /* since it could go; below 0: not yet */
        bool stays;
    } cases[] = {
        { "long ago", INT64_C(1) << 33, false }, { "just now", 0, false },
        { "in a millisecond", -1, true },        { "expired, still asked for", -1000, true },
        { "valid", -(INT64_C(1) << 33), true },
    };
    for (int kind = 0; kind < EXPIRED_KIND_COUNT; kind++) {
        struct planted planted[ARRAY_COUNT(cases)];
        for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
            planted_make(&planted[i], (enum expired_kind)kind, (uint32_t)i,
                         test_now_ms - kept_ms[kind] - cases[i].over_ms);
            plant(fixture, &planted[i]);
        }
        assert_int_equal(turns(fixture, EXPIRED_KIND_COUNT), 0);
        for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
            if (is_there(fixture, &planted[i]) != cases[i].stays) fail_msg("kind %d, %s", kind, cases[i].name);
        test_now_ms++; /* the clock moves: one more */
        assert_int_equal(turns(fixture, EXPIRED_KIND_COUNT), 0);
        assert_false(is_there(fixture, &planted[2]));
        assert_true(is_there(fixture, &planted[3]));
        test_now_ms += 999;
        turns(fixture, EXPIRED_KIND_COUNT);
        assert_false(is_there(fixture, &planted[3]));
        assert_true(is_there(fixture, &planted[4]));
    }
    assert_int_equal(fixture->walk.deleted, 4 * EXPIRED_KIND_COUNT);
}

static int delete_decide(struct work *work, void *input) {
    return expired_delete(work, input);
}

/* By its own time, whatever the job believed. */
static void the_commit_judges_again(void **state) {
    struct fixture *fixture = *state;
    struct planted planted;
    const void *rows[] = { &planted.row };
    struct expired_rows input = { .kind = EXPIRED_JTI, .rows = rows, .count = 1 };
    planted_make(&planted, EXPIRED_JTI, 1, test_now_ms - EXPIRED_JTI_KEPT_MS);
    plant(fixture, &planted);
    for (int late = 1; late >= 0; late--) {
        struct test_decision decision = { .decide = delete_decide, .input = &input };
        input.kept_ms = EXPIRED_JTI_KEPT_MS + late;
        assert_int_equal(command_run_program(&fixture->bank.integration, &test_decision_kind, &decision), 0);
        assert_int_equal(is_there(fixture, &planted), late);
    }
}

static void a_backlog_is_worked_off_in_pages(void **state) {
    struct fixture *fixture = *state;
    for (uint32_t i = 0; i < MANY; i++) {
        struct planted planted;
        planted_make(&planted, EXPIRED_JTI, i, i % 2 ? 0 : INT64_MAX / 2); /* every other one is over */
        plant(fixture, &planted);
    }
    assert_true(turns(fixture, 10 * EXPIRED_KIND_COUNT) >= 3); /* pages that said: at once */
    assert_int_equal(fixture->walk.deleted, MANY / 2);
    for (uint32_t i = 0; i < MANY; i++) {
        struct planted planted;
        planted_make(&planted, EXPIRED_JTI, i, 0);
        assert_int_equal(is_there(fixture, &planted), i % 2 == 0);
    }
}

/* ---- nothing becomes valid again ---- */

static int spend_decide(struct work *work, void *input) {
    return jti_spend(work, input);
}
static int open_decide(struct work *work, void *input) {
    const struct planted *planted = input;
    const struct session_row *session;
    return session_judge(work, &planted->row.session.session_hash, SESSION_LOGIN, &session);
}
static int request_decide(struct work *work, void *input) {
    const struct planted *planted = input;
    const struct pushed_row *pushed;
    return pushed_judge(work, &planted->row.pushed.request_hash, planted->row.pushed.client_id, &pushed);
}
static int claim_decide(struct work *work, void *input) {
    const struct planted *planted = input;
    struct code_row code;
    struct code_claim claim = { .code_hash = planted->row.code.code_hash };
    int r = code_exchange(work, &claim, &code);
    return r;
}
static int ask(struct fixture *fixture, int (*decide)(struct work *work, void *input), void *input) {
    struct test_decision decision = { .decide = decide, .input = input };
    return command_run_program(&fixture->bank.integration, &test_decision_kind, &decision);
}

static void what_is_gone_is_refused_as_before(void **state) {
    struct fixture *fixture = *state;
    struct planted session, pushed, code, jti;
    planted_make(&session, EXPIRED_SESSION, 1, test_now_ms);
    planted_make(&pushed, EXPIRED_PUSHED, 1, test_now_ms);
    planted_make(&code, EXPIRED_CODE, 1, test_now_ms);
    planted_make(&jti, EXPIRED_JTI, 1, test_now_ms);
    pushed.row.pushed.used_ms = 1;
    struct planted *all[] = { &session, &pushed, &code, &jti };
    for (size_t i = 0; i < ARRAY_COUNT(all); i++) plant(fixture, all[i]);
    assert_int_equal(ask(fixture, open_decide, &session), SESSION_E_EXPIRED);
    assert_int_equal(ask(fixture, request_decide, &pushed), TOKEN_E_USED);
    assert_int_equal(ask(fixture, claim_decide, &code), TOKEN_E_EXPIRED);
    assert_int_equal(ask(fixture, spend_decide, &jti.row.jti), TOKEN_E_JTI_USED);
    turns(fixture, EXPIRED_KIND_COUNT);
    assert_int_equal(ask(fixture, spend_decide, &jti.row.jti), TOKEN_E_JTI_USED); /* still remembered */
    test_now_ms += EXPIRED_TOKEN_KEPT_MS;
    turns(fixture, EXPIRED_KIND_COUNT);
    for (size_t i = 0; i < ARRAY_COUNT(all); i++) assert_false(is_there(fixture, all[i]));
    assert_int_equal(ask(fixture, open_decide, &session), SESSION_E_ABSENT);
    assert_int_equal(ask(fixture, request_decide, &pushed), TOKEN_E_ABSENT);
    assert_int_equal(ask(fixture, claim_decide, &code), TOKEN_E_ABSENT);
}

#define EXPIRED_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        EXPIRED_TEST(a_row_goes_when_its_time_is_over),
        EXPIRED_TEST(the_commit_judges_again),
        EXPIRED_TEST(a_backlog_is_worked_off_in_pages),
        EXPIRED_TEST(what_is_gone_is_refused_as_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
