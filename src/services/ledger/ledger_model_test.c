/* ledger_model_test.c - thousands of random operations by seed, against a model so simple that it can be read:
 * ledger/56 (balances, holds and refusals of 10, 11, 12, 17, 19, 23 to 27). GIRO_MODEL_SEED=n runs that seed alone. */
#include "services/ledger/ledger_test_world.h"

enum { ACCOUNTS = 4, HOLDS = 64, POSTINGS = 64, SEEDS = 8, OPERATIONS = 400, AMOUNT_MAX = 120 };

struct model_hold {
    int account;
    int64_t left, expires_ms;
    bool active;
};
struct model_posting {
    int from, to; /* -1: suspense */
    int64_t left, number;
};
struct model {
    uint64_t seed;
    int64_t numbers[ACCOUNTS], balance[ACCOUNTS], held[ACCOUNTS], overdraft[ACCOUNTS], frozen[ACCOUNTS];
    struct model_hold holds[HOLDS];
    size_t hold_count;
    struct model_posting postings[POSTINGS];
    size_t posting_count;
};

static uint64_t draw(struct model *model, uint64_t below) { /* xorshift64 */
    model->seed ^= model->seed << 13;
    model->seed ^= model->seed >> 7;
    model->seed ^= model->seed << 17;
    return model->seed % below;
}

enum operation {
    POST,
    HOLD,
    CAPTURE,
    CAPTURE_LAST,
    RELEASE,
    INCREASE,
    EXPIRE,
    OVERDRAFT,
    FREEZE,
    REVERSE,
    OPERATION_COUNT
};
struct doing {
    enum operation operation;
    struct model *model;
    int from, to;
    size_t hold, posting;
    int64_t minor, expires_ms, frozen;
    struct ledger_receipt receipt;
};

static int64_t number_of(const struct model *model, int account) {
    return account < 0 ? ledger_internal_number(LEDGER_SUSPENSE, currency_of("GBP")) : model->numbers[account];
}

static int doing_decide(struct work *work, void *input) {
    struct doing *doing = input;
    const struct model *model = doing->model;
    struct money amount = money_of("GBP", doing->minor);
    uint8_t id[16] = { (uint8_t)(doing->hold + 1) };
    int64_t account = number_of(model, doing->operation == POST || doing->operation == HOLD ? doing->from : 0);
    if (doing->operation == CAPTURE || doing->operation == CAPTURE_LAST)
        account = number_of(model, model->holds[doing->hold].account);
    const struct ledger_leg legs[] = { { account, LEDGER_DEBIT, amount, 0 },
                                       { number_of(model, doing->to), LEDGER_CREDIT, amount, 0 } };
    struct ledger_order order = { .kind = LEDGER_ADJUSTMENT, .legs = legs, .leg_count = 2 };
    struct ledger_reservation reservation = { .purpose = LEDGER_HOLD_FOR_OPERATOR,
                                              .account = account,
                                              .hold_id = { id[0] },
                                              .amount = amount,
                                              .expires_ms = doing->expires_ms };
    struct ledger_capture capture = { .hold_id = { id[0] }, .final = doing->operation == CAPTURE_LAST };
    struct ledger_reversal reversal = { .kind = LEDGER_REVERSAL,
                                        .amounts_minor = { doing->minor, doing->minor },
                                        .count = 2 };
    switch (doing->operation) {
    case POST:
        return ledger_transact(work, &order, &doing->receipt);
    case HOLD:
        return ledger_reserve(work, &reservation);
    case CAPTURE:
    case CAPTURE_LAST:
        return ledger_capture_order(work, &capture, &order, &doing->receipt);
    case RELEASE:
        return ledger_release(work, id);
    case INCREASE:
        return ledger_hold_increase(work, id, amount);
    case EXPIRE:
        return ledger_hold_expire(work, id);
    case OVERDRAFT:
        return ledger_set_overdraft(work, model->numbers[doing->from], doing->minor);
    case FREEZE:
        return ledger_freeze(work, model->numbers[doing->from], doing->frozen);
    case REVERSE:
        reversal.transaction = model->postings[doing->posting].number;
        return ledger_reverse(work, &reversal, &doing->receipt);
    case OPERATION_COUNT:
        break;
    }
    return TEST_FAULT;
}

/* ---- the model ---- */

static int64_t room(const struct model *model, int account) {
    return model->balance[account] - model->held[account] + model->overdraft[account];
}

static int model_move(struct model *model, int from, int to, int64_t minor) {
    if (from >= 0 && model->frozen[from] & LEDGER_FROZEN_DEBITS) return LEDGER_E_BLOCKED;
    if (to >= 0 && model->frozen[to] & LEDGER_FROZEN_CREDITS) return LEDGER_E_BLOCKED;
    if (from >= 0 && from != to && room(model, from) < minor) return LEDGER_E_FUNDS;
    if (from >= 0) model->balance[from] -= minor;
    if (to >= 0) model->balance[to] += minor;
    return 0;
}

static bool hold_lives(const struct model_hold *hold) {
    return hold->active && (!hold->expires_ms || hold->expires_ms > test_now_ms);
}

static void hold_stop(struct model *model, struct model_hold *hold) {
    model->held[hold->account] -= hold->left;
    hold->active = false;
}

static int model_capture(struct model *model, const struct doing *doing) {
    struct model_hold *hold = &model->holds[doing->hold];
    if (!hold_lives(hold) || doing->minor > hold->left) return LEDGER_E_HOLD;
    if (doing->to >= 0 && model->frozen[doing->to] & LEDGER_FROZEN_CREDITS) return LEDGER_E_BLOCKED;
    hold->left -= doing->minor;
    model->held[hold->account] -= doing->minor;
    model->balance[hold->account] -= doing->minor;
    if (doing->to >= 0) model->balance[doing->to] += doing->minor;
    if (doing->operation == CAPTURE_LAST || hold->left == 0) hold_stop(model, hold);
    return 0;
}

static int model_reserve(struct model *model, int account, int64_t minor) {
    if (model->frozen[account] & LEDGER_FROZEN_DEBITS) return LEDGER_E_BLOCKED;
    if (room(model, account) < minor) return LEDGER_E_FUNDS;
    model->held[account] += minor;
    return 0;
}

static int model_reverse(struct model *model, const struct doing *doing) {
    struct model_posting *posting = &model->postings[doing->posting];
    if (doing->minor > posting->left) return LEDGER_E_REVERSAL;
    int r = model_move(model, posting->to, posting->from, doing->minor);
    if (!r) posting->left -= doing->minor;
    return r;
}

static int model_do(struct model *model, const struct doing *doing) {
    struct model_hold *hold = &model->holds[doing->hold];
    int r = 0;
    switch (doing->operation) {
    case POST:
        return model_move(model, doing->from, doing->to, doing->minor);
    case HOLD:
        return model_reserve(model, doing->from, doing->minor);
    case CAPTURE:
    case CAPTURE_LAST:
        return model_capture(model, doing);
    case RELEASE:
        if (!hold_lives(hold)) return LEDGER_E_HOLD;
        hold_stop(model, hold);
        return 0;
    case INCREASE:
        r = hold_lives(hold) ? model_reserve(model, hold->account, doing->minor) : LEDGER_E_HOLD;
        if (!r) hold->left += doing->minor;
        return r;
    case EXPIRE:
        if (hold->active && !hold_lives(hold)) hold_stop(model, hold);
        return 0;
    case OVERDRAFT:
        if (model->balance[doing->from] - model->held[doing->from] + doing->minor < 0) return LEDGER_E_FUNDS;
        model->overdraft[doing->from] = doing->minor;
        return 0;
    case FREEZE:
        model->frozen[doing->from] = doing->frozen;
        return 0;
    case REVERSE:
        return model_reverse(model, doing);
    case OPERATION_COUNT:
        break;
    }
    return TEST_FAULT;
}

/* ---- both ---- */

static bool doing_draw(struct model *model, struct doing *doing) {
    *doing = (struct doing){ .operation = (enum operation)draw(model, OPERATION_COUNT),
                             .model = model,
                             .from = (int)draw(model, ACCOUNTS),
                             .to = (int)draw(model, ACCOUNTS + 1) - 1,
                             .minor = 1 + (int64_t)draw(model, AMOUNT_MAX),
                             .frozen = (int64_t)draw(model, 8) };
    doing->frozen = doing->frozen < 3 ? doing->frozen + 1 : 0; /* mostly thawed */
    doing->expires_ms = draw(model, 2) ? test_now_ms + 1 + (int64_t)draw(model, 200) : 0;
    test_now_ms += (int64_t)draw(model, 20);
    if (doing->expires_ms && doing->expires_ms <= test_now_ms) doing->expires_ms = test_now_ms + 1;
    if (doing->operation == HOLD) {
        doing->hold = model->hold_count;
        return model->hold_count < HOLDS;
    }
    if (doing->operation == REVERSE) {
        if (model->posting_count) doing->posting = draw(model, model->posting_count);
        return model->posting_count > 0;
    }
    if (doing->operation == POST || doing->operation == OVERDRAFT || doing->operation == FREEZE) return true;
    if (model->hold_count) doing->hold = draw(model, model->hold_count);
    return model->hold_count > 0;
}

static void doing_done(struct model *model, const struct doing *doing) {
    if (doing->operation == HOLD)
        model->holds[model->hold_count++] = (struct model_hold){ doing->from, doing->minor, doing->expires_ms, true };
    if (doing->operation != POST || model->posting_count == POSTINGS) return;
    model->postings[model->posting_count++] =
        (struct model_posting){ doing->from, doing->to, doing->minor, doing->receipt.transaction };
}

static void compare(struct test_world *world, const struct model *model, uint64_t seed, int at) {
    for (int i = 0; i < ACCOUNTS; i++) {
        struct ledger_account_row row = account_row(world, model->numbers[i]);
        if (row.posted_minor != model->balance[i] || row.held_minor != model->held[i] ||
            row.overdraft_minor != model->overdraft[i])
            fail_msg("seed %llu, operation %d, account %d: %lld and %lld held, not %lld and %lld",
                     (unsigned long long)seed, at, i, (long long)row.posted_minor, (long long)row.held_minor,
                     (long long)model->balance[i], (long long)model->held[i]);
    }
}

static void run_seed(void **state, uint64_t seed) {
    struct model model = { .seed = seed * UINT64_C(0x9e3779b97f4a7c15) + 1 };
    world_close(state);
    world_open(state);
    struct test_world *world = *state;
    for (int i = 0; i < ACCOUNTS; i++) {
        model.balance[i] = 100 * (i + 1);
        model.overdraft[i] = i % 2 ? 50 : 0;
        model.numbers[i] = account_make(world, "GBP", model.overdraft[i], model.balance[i]);
    }
    for (int at = 0; at < OPERATIONS; at++) {
        struct doing doing;
        if (!doing_draw(&model, &doing)) continue;
        int r = test_decide(world, doing_decide, &doing);
        int want = model_do(&model, &doing);
        if (r != want)
            fail_msg("seed %llu, operation %d (%d): %d, not %d", (unsigned long long)seed, at, (int)doing.operation, r,
                     want);
        if (!r) doing_done(&model, &doing);
        world->followup_count = 0;
        compare(world, &model, seed, at);
        if (at % 100 == 99) test_restart(world);
    }
    books_are_clean(world, -1);
}

/* spec: ledger/56 */
static void ledger_56_random_operations_do_as_the_model_says(void **state) {
    const int64_t began_ms = test_now_ms;
    const char *only = getenv("GIRO_MODEL_SEED");
    uint64_t seed = 0;
    if (only && str_to_u64(str_from_c(only), &seed) == 0) run_seed(state, seed);
    for (seed = 1; !only && seed <= SEEDS; seed++) run_seed(state, seed);
    test_now_ms = began_ms;
}

int main(void) {
    const struct CMUnitTest tests[] = { LEDGER_TEST(ledger_56_random_operations_do_as_the_model_says) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
