/* relay_test.c - b1..b5 on a real engine with its thread: order, effects exactly once across restarts, a failing
 * consumer, one that is left behind, a record larger than a hand. */
#include "integration/bus/relay.h"

#include "integration/bank_test_world.h"
#include "integration/bus/reporting.h"
#include "integration/command/command_run.h"
#include "platform/clock.h"
#include "services/insights/report.h"

#include <pthread.h>
#include <unistd.h>

enum { SEEN_MAX = 256, WAIT_MS = 20000, PAYMENTS = 9 };

/* What a consumer was given; shared with the relay's thread. */
struct seen {
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct event events[SEEN_MAX];
    size_t count;
    int failures_left; /* deliver fails so often first */
    int calls;
};

static void seen_init(struct seen *seen) {
    *seen = (struct seen){ 0 };
    assert_int_equal(pthread_mutex_init(&seen->lock, NULL) | pthread_cond_init(&seen->more, NULL), 0);
}
static void seen_release(struct seen *seen) {
    pthread_cond_destroy(&seen->more);
    pthread_mutex_destroy(&seen->lock);
}

static int seen_deliver(void *ctx, const struct event *events, size_t count) {
    struct seen *seen = ctx;
    int r = 0;
    pthread_mutex_lock(&seen->lock);
    seen->calls++;
    if (seen->failures_left > 0) {
        seen->failures_left--;
        r = -EIO;
    }
    for (size_t i = 0; !r && i < count && seen->count < SEEN_MAX; i++) seen->events[seen->count++] = events[i];
    pthread_cond_broadcast(&seen->more);
    pthread_mutex_unlock(&seen->lock);
    return r;
}

static size_t seen_wait(struct seen *seen, size_t count) {
    int64_t until_ms = clock_now_ms() + WAIT_MS;
    struct timespec until = { .tv_sec = (time_t)(until_ms / 1000), .tv_nsec = (long)(until_ms % 1000) * 1000000 };
    pthread_mutex_lock(&seen->lock);
    int r = 0;
    while (seen->count < count && r == 0) r = pthread_cond_timedwait(&seen->more, &seen->lock, &until);
    size_t got = seen->count;
    pthread_mutex_unlock(&seen->lock);
    return got;
}

static int bank_setup(void **state) {
    struct bank *bank = calloc(1, sizeof *bank);
    bank_open(bank, &store_memory_ops, "relay_test");
    *state = bank;
    return 0;
}
static int bank_teardown(void **state) {
    bank_shut(*state);
    store_memory_forget("relay_test");
    free(*state);
    return 0;
}

/* PAYMENTS payments on us, completed: AccountOpened twice, then five events each. */
enum { EVENTS = 2 + 5 * PAYMENTS };
static void fill(struct bank *bank) {
    struct bank_account debtor = { .fund_minor = 100000, .business = true }, creditor = { 0 };
    bank_account_open(bank, &debtor);
    bank_account_open(bank, &creditor);
    for (int i = 0; i < PAYMENTS; i++) {
        struct bank_payment payment = { .debtor = &debtor, .creditor = &creditor, .amount_minor = i + 1 };
        bank_pay(bank, &payment);
    }
}

static struct relay *start(struct bank *bank, const struct relay_consumer *consumers, size_t count) {
    struct relay *relay;
    assert_int_equal(engine_start(bank->world.engine), 0); /* cursors move there */
    assert_int_equal(relay_start(&bank->integration, consumers, count, &relay), 0);
    return relay;
}

/* spec: ledger/65 */
static void b1_events_come_in_the_order_of_the_journal(void **state) {
    struct bank *bank = *state;
    struct seen seen, other;
    seen_init(&seen);
    seen_init(&other);
    fill(bank);
    const struct relay_consumer consumers[] = { { .name = "one", .deliver = seen_deliver, .ctx = &seen },
                                                { .name = "two", .deliver = seen_deliver, .ctx = &other } };
    struct relay *relay = start(bank, consumers, 2);
    assert_int_equal(seen_wait(&seen, EVENTS), EVENTS);
    assert_int_equal(seen_wait(&other, EVENTS), EVENTS);
    relay_stop(relay);
    static const enum event_type order[] = { EVENT_PAYMENT_INITIATED, EVENT_FRAUD_CLEARED, EVENT_AML_CLEARED,
                                             EVENT_PAYMENT_APPROVED, EVENT_PAYMENT_COMPLETED };
    for (size_t i = 0; i < EVENTS; i++) {
        assert_int_equal(seen.events[i].type, i < 2 ? EVENT_ACCOUNT_OPENED : order[(i - 2) % 5]);
        assert_memory_equal(seen.events[i].id.bytes, other.events[i].id.bytes, 16);
        if (i > 0) assert_true(memcmp(seen.events[i - 1].id.bytes, seen.events[i].id.bytes, 16) < 0);
        if (i >= 2) assert_int_equal(seen.events[i].amount.minor, (int64_t)(i - 2) / 5 + 1);
    }
    seen_release(&seen);
    seen_release(&other);
}

/* The report of today's payments on us: count and sum. */
static struct report_row report_of(struct bank *bank) {
    struct report_row row = { 0 }, probe = {
        .day = clock_day(test_now_ms), .type = PAYMENT_ON_US, .status = PAYMENT_COMPLETED, .currency = bank_gbp().code
    };
    return test_row(&bank->world, &report_table, &probe, &row) ? row : (struct report_row){ 0 };
}
static int64_t cursor_of(struct bank *bank, const char *consumer) {
    struct cursor_row row = { .seq = 0 }, probe = { .consumer = str_from_c(consumer) };
    return test_row(&bank->world, &cursor_table, &probe, &row) ? row.seq : 0;
}

/* Stops the relay at a moment of its choosing, starts the program anew, again and again: each payment is counted once.
 * The relay gives a consumer its events before the cursor moves, so one that saw EVENTS may not have moved it yet: its
 * effects then happen at the next start. */
/* spec: ledger/65 */
static void b2_effects_in_the_store_happen_exactly_once(void **state) {
    struct bank *bank = *state;
    struct seen seen;
    seen_init(&seen);
    fill(bank);
    const struct relay_consumer consumer = {
        .name = "reporting", .deliver = seen_deliver, .apply = reporting_apply, .ctx = &seen
    };
    for (int round = 0; round < 4; round++) {
        struct relay *relay = start(bank, &consumer, 1);
        if (round == 0) assert_true(seen_wait(&seen, EVENTS) >= EVENTS);
        relay_stop(relay); /* waits for a cursor that is on its way */
        bank_restart(bank);
    }
    struct report_row report = report_of(bank);
    assert_int_equal(report.payments, PAYMENTS);
    assert_int_equal(report.amount_minor, PAYMENTS * (PAYMENTS + 1) / 2);
    assert_true(cursor_of(bank, "reporting") > 0);
    assert_int_equal(seen.count, EVENTS); /* nothing was given again */
    seen_release(&seen);
}

/* spec: ledger/65 */
static void b3_a_consumer_that_fails_is_tried_again(void **state) {
    struct bank *bank = *state;
    struct seen seen, healthy;
    seen_init(&seen);
    seen_init(&healthy);
    seen.failures_left = 3;
    fill(bank);
    const struct relay_consumer consumers[] = {
        { .name = "failing", .deliver = seen_deliver, .apply = reporting_apply, .ctx = &seen },
        { .name = "healthy", .deliver = seen_deliver, .ctx = &healthy }
    };
    struct relay *relay = start(bank, consumers, 2);
    assert_int_equal(seen_wait(&healthy, EVENTS), EVENTS); /* a slow one delays no other */
    assert_int_equal(seen_wait(&seen, EVENTS), EVENTS);    /* and skips nothing */
    relay_stop(relay);
    assert_true(seen.calls >= 4);
    assert_int_equal(seen.events[0].type, EVENT_ACCOUNT_OPENED);
    bank_restart(bank);
    assert_int_equal(report_of(bank).payments, PAYMENTS); /* its failures had no effects */
    seen_release(&seen);
    seen_release(&healthy);
}

static void an_ephemeral_consumer_starts_at_the_head(void **state) {
    struct bank *bank = *state;
    struct seen seen;
    struct bank_account account = { 0 };
    seen_init(&seen);
    fill(bank);
    const struct relay_consumer consumer = {
        .name = "metrics", .deliver = seen_deliver, .ephemeral = true, .ctx = &seen
    };
    struct relay *relay;
    assert_int_equal(relay_start(&bank->integration, &consumer, 1, &relay), 0);
    bank_account_open(bank, &account);
    relay_wake(relay);
    assert_int_equal(seen_wait(&seen, 1), 1);
    assert_int_equal(seen.events[0].type, EVENT_ACCOUNT_OPENED);
    assert_memory_equal(seen.events[0].account_id.bytes, account.row.account_id, 16);
    relay_stop(relay);
    assert_int_equal(cursor_of(bank, "metrics"), 0);
    seen_release(&seen);
}

/* One payment on us, announced as ended in one of many ways: each is a row of the report of its own. */
enum { WAYS = 8 };
static int announce(struct work *work, void *input) {
    struct view view = view_of(work, "payments");
    const int *way = input;
    struct event event = { .type = *way % 2 ? EVENT_PAYMENT_REJECTED : EVENT_PAYMENT_COMPLETED,
                           .amount = { 1, bank_gbp() },
                           .payment_type = (enum payment_type)(*way / 2),
                           .status = *way % 2 ? PAYMENT_REJECTED : PAYMENT_COMPLETED,
                           .reason = *way % 2 ? PAYMENT_REASON_FRAUD : PAYMENT_REASON_NONE };
    return view_event(&view, &event);
}

static void effects_on_many_rows_happen_too(void **state) {
    struct bank *bank = *state;
    int64_t until_ms = clock_mono_ms() + WAIT_MS;
    for (int way = 0; way < WAYS; way++) assert_int_equal(test_decide(&bank->world, announce, &way), 0);
    const struct relay_consumer consumer = { .name = "reporting", .wants = reporting_wants, .apply = reporting_apply };
    struct relay *relay = start(bank, &consumer, 1);
    struct engine_state engine = { 0 };
    while (engine.journal_seq <= WAYS && clock_mono_ms() < until_ms) {
        (void)usleep(1000);
        engine_state(bank->world.engine, &engine);
    }
    relay_stop(relay);
    bank_restart(bank);
    assert_true(cursor_of(bank, "reporting") >= WAYS);
    for (int way = 0; way < WAYS; way++) {
        struct report_row row = { 0 }, probe = { .day = clock_day(test_now_ms),
                                                 .type = way / 2,
                                                 .status = way % 2 ? PAYMENT_REJECTED : PAYMENT_COMPLETED,
                                                 .currency = bank_gbp().code };
        assert_true(test_row(&bank->world, &report_table, &probe, &row));
        assert_int_equal(row.payments, 1);
    }
}

/* ---- many events: more than a hand, and more than the ring ---- */

enum { FLOOD_RECORD = 600, FLOOD_RECORDS = 10 };
static_assert(FLOOD_RECORD > (int)RELAY_EVENTS_MAX && FLOOD_RECORD * FLOOD_RECORDS > (int)RELAY_RING_EVENTS,
              "that is the case");

/* One record of FLOOD_RECORD events, numbered on in their amounts. */
static int flood_record(struct work *work, void *input) {
    struct view view = view_of(work, "payments");
    int64_t number = *(const int64_t *)input;
    for (int i = 0; i < FLOOD_RECORD; i++) {
        struct event event = { .type = EVENT_PAYMENT_COMPLETED,
                               .amount = { number + i, bank_gbp() },
                               .status = PAYMENT_COMPLETED };
        int r = view_event(&view, &event);
        if (r) return r;
    }
    return 0;
}

static void flood(struct bank *bank, int records) {
    for (int64_t number = 1; number < records * FLOOD_RECORD; number += FLOOD_RECORD) {
        struct test_decision decision = { .decide = flood_record, .input = &number };
        assert_int_equal(command_run_program(&bank->integration, &test_decision_kind, &decision), 0);
    }
}

/* Counts events that come in their order, each once; stands still while its gate is shut. */
struct tally {
    pthread_mutex_t lock;
    pthread_cond_t more;
    int64_t next; /* the amount that must come */
    int wrong;
    bool shut, inside;
};
static void tally_init(struct tally *tally, bool shut) {
    *tally = (struct tally){ .next = 1, .shut = shut };
    assert_int_equal(pthread_mutex_init(&tally->lock, NULL) | pthread_cond_init(&tally->more, NULL), 0);
}
static int tally_deliver(void *ctx, const struct event *events, size_t count) {
    struct tally *tally = ctx;
    pthread_mutex_lock(&tally->lock);
    tally->inside = true;
    pthread_cond_broadcast(&tally->more);
    while (tally->shut) pthread_cond_wait(&tally->more, &tally->lock);
    tally->wrong += count > RELAY_EVENTS_MAX;
    for (size_t i = 0; i < count; i++) tally->wrong += events[i].amount.minor != tally->next++;
    pthread_cond_broadcast(&tally->more);
    pthread_mutex_unlock(&tally->lock);
    return 0;
}
static void tally_open(struct tally *tally) {
    pthread_mutex_lock(&tally->lock);
    tally->shut = false;
    pthread_cond_broadcast(&tally->more);
    pthread_mutex_unlock(&tally->lock);
}
/* Waits until it has had `count` events, or (count 0) until it stands inside. */
static void tally_wait(struct tally *tally, int64_t count) {
    int64_t until_ms = clock_now_ms() + WAIT_MS;
    struct timespec until = { .tv_sec = (time_t)(until_ms / 1000), .tv_nsec = (long)(until_ms % 1000) * 1000000 };
    int r = 0;
    pthread_mutex_lock(&tally->lock);
    while ((count ? tally->next <= count : !tally->inside) && r == 0)
        r = pthread_cond_timedwait(&tally->more, &tally->lock, &until);
    int64_t got = tally->next - 1;
    int wrong = tally->wrong;
    pthread_mutex_unlock(&tally->lock);
    assert_true(r == 0 && got >= count);
    assert_int_equal(wrong, 0);
}
static void tally_release(struct tally *tally) {
    pthread_cond_destroy(&tally->more);
    pthread_mutex_destroy(&tally->lock);
}

static void b4_who_is_left_behind_catches_up(void **state) {
    struct bank *bank = *state;
    struct tally slow, healthy;
    tally_init(&slow, true);
    tally_init(&healthy, false);
    const struct relay_consumer consumers[] = { { .name = "slow", .deliver = tally_deliver, .ctx = &slow },
                                                { .name = "healthy", .deliver = tally_deliver, .ctx = &healthy } };
    struct relay *relay = start(bank, consumers, 2);
    flood(bank, FLOOD_RECORDS);
    tally_wait(&slow, 0); /* stands still from the first event on */
    tally_wait(&healthy, FLOOD_RECORDS * FLOOD_RECORD);
    tally_open(&slow); /* the ring has gone on */
    tally_wait(&slow, FLOOD_RECORDS * FLOOD_RECORD);
    relay_stop(relay);
    assert_int_equal(slow.wrong + healthy.wrong, 0);
    assert_int_equal(slow.next - 1, FLOOD_RECORDS * FLOOD_RECORD);
    assert_int_equal(healthy.next - 1, FLOOD_RECORDS * FLOOD_RECORD);
    assert_true(cursor_of(bank, "slow") >= FLOOD_RECORDS); /* moved at the stop */
    tally_release(&slow);
    tally_release(&healthy);
}

/* Each event a row of its own. */
static int apply_by_number(struct work *work, const struct event *event) {
    struct report_row row = { .day = event->amount.minor, .amount_minor = 1 };
    return report_count(work, &row);
}

static void b5_a_large_record_is_given_in_parts(void **state) {
    struct bank *bank = *state;
    struct tally tally;
    tally_init(&tally, false);
    assert_int_equal(engine_start(bank->world.engine), 0);
    flood(bank, 2);
    const struct relay_consumer consumer = {
        .name = "reporting", .deliver = tally_deliver, .apply = apply_by_number, .ctx = &tally
    };
    struct relay *relay;
    assert_int_equal(relay_start(&bank->integration, &consumer, 1, &relay), 0);
    tally_wait(&tally, 2 * FLOOD_RECORD);
    relay_stop(relay);
    bank_restart(bank);
    for (int64_t number = 1; number <= 2 * FLOOD_RECORD; number++) {
        struct report_row row = { 0 }, probe = { .day = number };
        assert_true(test_row(&bank->world, &report_table, &probe, &row));
        assert_int_equal(row.payments, 1);
    }
    tally_release(&tally);
}

#define RELAY_TEST(name) cmocka_unit_test_setup_teardown(name, bank_setup, bank_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        RELAY_TEST(b1_events_come_in_the_order_of_the_journal),
        RELAY_TEST(b2_effects_in_the_store_happen_exactly_once),
        RELAY_TEST(effects_on_many_rows_happen_too),
        RELAY_TEST(b3_a_consumer_that_fails_is_tried_again),
        RELAY_TEST(b4_who_is_left_behind_catches_up),
        RELAY_TEST(b5_a_large_record_is_given_in_parts),
        RELAY_TEST(an_ephemeral_consumer_starts_at_the_head),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
