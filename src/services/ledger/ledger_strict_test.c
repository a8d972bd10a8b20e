/* ledger_strict_test.c - callers at once on one account of a running engine: what they were answered is what one caller
 * after another would have been, in an order that no answer contradicts. */
#include "services/ledger/ledger_test_world.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <time.h>

enum { CALLERS = 24, CALLS = 60, CALLS_ALL = CALLERS * CALLS, FUND = 500, AMOUNT_MAX = 90, FLUSH_NS = 300000 };

struct posting_call {
    struct command command;
    sem_t answered;
    int64_t account, minor; /* minor < 0: takes */
    struct ledger_receipt receipt;
    uint64_t begun, ended; /* between them it was decided */
};
struct caller {
    struct test_world *world;
    struct posting_call *calls;
};
static atomic_ullong moments;

static int call_decide(struct work *work, struct command *command) {
    struct posting_call *call = command->input;
    struct money amount = money_of("GBP", call->minor < 0 ? -call->minor : call->minor);
    enum ledger_side side = call->minor < 0 ? LEDGER_DEBIT : LEDGER_CREDIT;
    enum ledger_side other = call->minor < 0 ? LEDGER_CREDIT : LEDGER_DEBIT;
    const struct ledger_leg legs[] = {
        { call->account, side, amount, 0 },
        { ledger_internal_number(LEDGER_SUSPENSE, amount.currency), other, amount, 0 },
    };
    struct ledger_order order = { .kind = LEDGER_ADJUSTMENT, .legs = legs, .leg_count = 2 };
    return ledger_transact(work, &order, &call->receipt);
}
static const struct command_kind call_kind = { .name = "call", .decide = call_decide };
static void call_on_reply(struct command *command) {
    struct posting_call *call = command->owner;
    call->ended = atomic_fetch_add(&moments, 1);
    check(sem_post(&call->answered) == 0);
}

static void *caller_main(void *ctx) {
    const struct caller *caller = ctx;
    for (int i = 0; i < CALLS; i++) {
        struct posting_call *call = &caller->calls[i];
        call->begun = atomic_fetch_add(&moments, 1);
        check(engine_submit(caller->world->engine, &call->command) == 0);
        while (sem_wait(&call->answered)) check(errno == EINTR);
    }
    return NULL;
}

/* A flush takes time, so that batches are decided while one before them is written. */
static void flush_takes_time(void *ctx) {
    struct timespec time = { .tv_nsec = FLUSH_NS };
    (void)ctx;
    (void)nanosleep(&time, NULL);
}

static void call_all(struct test_world *world, struct posting_call *calls) {
    pthread_t threads[CALLERS];
    struct caller callers[CALLERS];
    store_memory_on_flush(world->store, flush_takes_time, NULL);
    assert_int_equal(engine_start(world->engine), 0);
    for (int i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){ world, calls + (size_t)i * CALLS };
        assert_int_equal(pthread_create(&threads[i], NULL, caller_main, &callers[i]), 0);
    }
    for (int i = 0; i < CALLERS; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
    engine_stop(world->engine);
    store_memory_on_flush(world->store, NULL, NULL);
}

static int by_transaction(const void *left, const void *right) {
    const struct posting_call *a = *(const struct posting_call *const *)left;
    const struct posting_call *b = *(const struct posting_call *const *)right;
    return a->receipt.transaction < b->receipt.transaction ? -1 : 1;
}

/* The accepted ones in the order of their transactions are a serial history, and no answer that was heard before a
 * call began stands behind it. */
static void accepted_are_serial(struct posting_call *const *done, size_t count) {
    int64_t balance = FUND;
    uint64_t latest_begun = 0;
    for (size_t i = 0; i < count; i++) {
        balance += done[i]->minor;
        assert_int_equal(done[i]->receipt.balances[0].booked_minor, balance);
        assert_true(balance >= 0);
        assert_true(done[i]->ended > latest_begun); /* else it was over before one that stands before it began */
        if (done[i]->begun > latest_begun) latest_begun = done[i]->begun;
    }
}

/* A refused one had too little at some moment between its beginning and its answer. */
static void refused_is_true(const struct posting_call *call, struct posting_call *const *done, size_t count) {
    int64_t balance = FUND;
    size_t first = 0, last = count;
    for (size_t i = 0; i < count; i++) {
        if (done[i]->ended < call->begun) first = i + 1;
        if (done[i]->begun > call->ended && i < last) last = i;
    }
    bool was_short = first == 0 && balance < -call->minor;
    for (size_t i = 0; i < last && !was_short; i++) {
        balance += done[i]->minor;
        was_short = i + 1 >= first && balance < -call->minor;
    }
    assert_true(was_short);
}

/* spec: ledger/10, ledger/49 */
static void ledger_49_callers_at_once_leave_one_serial_history(void **state) {
    static struct posting_call calls[CALLS_ALL];
    static struct posting_call *done[CALLS_ALL];
    struct test_world *world = *state;
    int64_t account = account_make(world, "GBP", 0, FUND);
    size_t count = 0, refused = 0;
    for (size_t i = 0; i < CALLS_ALL; i++) {
        int64_t minor = 1 + (int64_t)(i * 7919 % AMOUNT_MAX);
        calls[i] = (struct posting_call){ .account = account, .minor = i % 3 ? -minor : minor };
        calls[i].command =
            (struct command){ .kind = &call_kind, .input = &calls[i], .owner = &calls[i], .on_reply = call_on_reply };
        assert_int_equal(sem_init(&calls[i].answered, 0, 0), 0);
    }
    call_all(world, calls);
    for (size_t i = 0; i < CALLS_ALL; i++) {
        assert_int_equal(calls[i].command.result, COMMAND_DONE);
        if (calls[i].command.refusal) assert_int_equal(calls[i].command.refusal, LEDGER_E_FUNDS);
        else done[count++] = &calls[i];
    }
    qsort(done, count, sizeof done[0], by_transaction);
    accepted_are_serial(done, count);
    for (size_t i = 0; i < CALLS_ALL; i++) {
        if (calls[i].command.refusal) refused_is_true(&calls[i], done, count);
        refused += calls[i].command.refusal != 0;
        (void)sem_destroy(&calls[i].answered);
    }
    assert_true(refused > CALLERS && count > CALLERS);
    books_are_clean(world, (int64_t)count + 1);
}

int main(void) {
    const struct CMUnitTest tests[] = { LEDGER_TEST(ledger_49_callers_at_once_leave_one_serial_history) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
