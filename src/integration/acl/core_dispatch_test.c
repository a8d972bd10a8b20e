/* core_dispatch_test.c - real engine and saga, a core that the test plays: nothing that follows a commit is lost, and
 * what waited for the breaker goes on when it closes. */
#include "integration/acl/core_dispatch.h"

#include "integration/bank_test_world.h"
#include "platform/clock.h"
#include "platform/net.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TXN_BYTES = 107, ENQ_BYTES = 38, REFERENCE_BYTES = 35, WAIT_MS = 20000, PAYMENTS = 4, OPEN_MS = 4000 };
enum { PEER_CONNECTIONS_MAX = 2 * CORE_DISPATCH_THREADS_MAX };
#define INTERACTION "0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2"

/* What the core's own books hold of one payment. */
struct posting {
    char reference[REFERENCE_BYTES];
    int transfers; /* that came, booked or not */
    bool booked, barred;
};

/* The core: books a transfer once, bars what it is asked for and has never seen. While it is broken it books, and hangs
 * up instead of answering. While it is deaf it answers one request of a connection; the next one resets it, unread. */
struct peer {
    int fd;
    uint16_t port;
    pthread_t thread;
    atomic_bool broken, deaf, stopping;
    atomic_int requests, slow_ms;
    pthread_mutex_t lock; /* guards the books */
    struct posting postings[PAYMENTS];
    size_t posting_count;
};

static struct posting *posting_of(struct peer *peer, const char *reference) {
    for (size_t i = 0; i < peer->posting_count; i++)
        if (memcmp(peer->postings[i].reference, reference, REFERENCE_BYTES) == 0) return &peer->postings[i];
    check(peer->posting_count < PAYMENTS);
    struct posting *posting = &peer->postings[peer->posting_count++];
    memcpy(posting->reference, reference, REFERENCE_BYTES);
    return posting;
}

static void peer_book(struct peer *peer, bool transfer, const char *reference, char ret_answer[35]) {
    pthread_mutex_lock(&peer->lock);
    struct posting *posting = posting_of(peer, reference);
    posting->transfers += transfer;
    if (transfer && !posting->barred) posting->booked = true;
    if (!transfer && !posting->booked) posting->barred = true;
    long number = posting - peer->postings;
    if (posting->booked) (void)snprintf(ret_answer, 35, "00%14sCOR%01ld20231114221320", "", number % 10);
    else (void)snprintf(ret_answer, 35, "%s%18s20231114221320", transfer ? "46" : "44", "");
    pthread_mutex_unlock(&peer->lock);
}

/* One request; false: the connection is of no more use. */
static bool peer_serve(struct peer *peer, int fd) {
    char request[TXN_BYTES], answer[35];
    int64_t until_ms = clock_mono_ms() + WAIT_MS;
    if (net_receive_exact(fd, request, 3, until_ms)) return false;
    bool transfer = memcmp(request, "TXN", 3) == 0;
    size_t bytes = transfer ? TXN_BYTES : ENQ_BYTES;
    if (net_receive_exact(fd, request + 3, bytes - 3, until_ms)) return false;
    atomic_fetch_add(&peer->requests, 1);
    (void)usleep((useconds_t)atomic_load(&peer->slow_ms) * 1000);
    peer_book(peer, transfer, request + bytes - REFERENCE_BYTES, answer);
    return !atomic_load(&peer->broken) && net_send_all(fd, answer, 34, until_ms) == 0;
}

static void *peer_main(void *ctx) {
    struct peer *peer = ctx;
    struct pollfd fds[1 + PEER_CONNECTIONS_MAX] = { { .fd = peer->fd, .events = POLLIN } };
    bool heard[1 + PEER_CONNECTIONS_MAX] = { false };
    size_t count = 1;
    while (poll(fds, count, -1) > 0 && !atomic_load(&peer->stopping)) {
        for (size_t i = count; i-- > 1;) {
            if (!fds[i].revents) continue;
            bool deaf = atomic_load(&peer->deaf) && heard[i];
            heard[i] = true;
            if (!deaf && peer_serve(peer, fds[i].fd)) continue;
            net_close(fds[i].fd);
            fds[i] = fds[--count];
            heard[i] = heard[count];
        }
        int fd;
        if (!fds[0].revents || net_accept(peer->fd, clock_mono_ms(), &fd)) continue;
        check(count < ARRAY_COUNT(fds));
        heard[count] = false;
        fds[count++] = (struct pollfd){ .fd = fd, .events = POLLIN };
    }
    while (count > 1) net_close(fds[--count].fd);
    return NULL;
}

static void peer_start(struct peer *peer) {
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof address;
    peer->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(pthread_mutex_init(&peer->lock, NULL), 0);
    assert_int_equal(bind(peer->fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(peer->fd, 64), 0);
    assert_int_equal(getsockname(peer->fd, (struct sockaddr *)&address, &len), 0);
    peer->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&peer->thread, NULL, peer_main, peer), 0);
}

static void peer_stop(struct peer *peer) {
    atomic_store(&peer->stopping, true);
    (void)shutdown(peer->fd, SHUT_RDWR); /* wakes poll */
    pthread_join(peer->thread, NULL);
    pthread_mutex_destroy(&peer->lock);
    close(peer->fd);
}

struct world {
    struct bank bank;
    struct peer peer;
    struct bank_account debtor;
    struct bank_payment payments[PAYMENTS];
    struct core_host *core;
    struct core_dispatch *dispatch;
    atomic_int lost;
};

static void on_followup(void *ctx, const struct followup *followup) {
    struct world *world = ctx;
    if (world->dispatch) core_dispatch_follow(world->dispatch, followup);
    else atomic_fetch_add(&world->lost, 1);
}
static void on_unknown(void *ctx) {
    (void)ctx;
    check(false);
}

/* The bank of a process before, with payments that wait for the core; then the next process, whose engine runs. */
static int world_open(void **state) {
    struct world *world = calloc(1, sizeof *world);
    struct message message = { { 0 } };
    bank_open(&world->bank, &store_memory_ops, "core_dispatch_test");
    world->debtor = (struct bank_account){ .fund_minor = 100000, .business = true };
    bank_account_open(&world->bank, &world->debtor);
    for (size_t i = 0; i < PAYMENTS; i++) {
        char interaction_id[ID_TEXT_BYTES];
        world->payments[i] = (struct bank_payment){ .debtor = &world->debtor, .amount_minor = 100 };
        (void)snprintf(interaction_id, sizeof interaction_id, INTERACTION "%zu", i);
        if (i) assert_int_equal(id_parse(str_from_c(interaction_id), world->payments[i].interaction_id), 0);
        bank_pay(&world->bank, &world->payments[i]);
    }
    engine_close(world->bank.world.engine);
    struct engine_options options = { .store = world->bank.world.store,
                                      .encode_event = event_json_write,
                                      .on_followup = on_followup,
                                      .on_unknown = on_unknown,
                                      .ctx = world };
    assert_int_equal(engine_open(&options, &world->bank.world.engine, &message), 0);
    world->bank.integration.engine = world->bank.world.engine;
    assert_int_equal(engine_start(world->bank.world.engine), 0);
    peer_start(&world->peer);
    struct core_host_options core = { .host = "127.0.0.1",
                                      .port = world->peer.port,
                                      .layouts_folder = "src/integration/acl/layouts",
                                      .connections_max = CORE_DISPATCH_THREADS_MAX,
                                      .deadline_ms = WAIT_MS };
    assert_int_equal(core_host_new(&core, &world->core, &message), 0);
    *state = world;
    return 0;
}

static int world_close(void **state) {
    struct world *world = *state;
    core_dispatch_stop(world->dispatch);
    engine_stop(world->bank.world.engine);
    core_dispatch_free(world->dispatch);
    core_host_free(world->core);
    peer_stop(&world->peer);
    bank_shut(&world->bank);
    store_memory_forget("core_dispatch_test");
    free(world);
    return 0;
}

static struct core_dispatch_options dispatch_options(struct world *world, size_t threads) {
    return (struct core_dispatch_options){ .core = world->core,
                                           .integration = &world->bank.integration,
                                           .threads = threads,
                                           .breaker = breaker_core_banking };
}

/* Whether count payments were completed before until_ms (monotonic), by the debtor's money. */
static bool completed(struct world *world, size_t count, int64_t until_ms) {
    struct reader reader;
    struct arena arena;
    struct ledger_account_row probe = { .number = world->debtor.row.number };
    const void *row;
    int64_t posted = 0;
    assert_int_equal(reader_open(world->bank.world.store, &reader), 0);
    assert_int_equal(arena_init(&arena, 4096, 1 << 20), 0);
    do {
        arena_reset(&arena);
        assert_int_equal(read_row(&reader, &ledger_account_table, 0, &probe, &arena, &row), 0);
        posted = ((const struct ledger_account_row *)row)->posted_minor;
        (void)usleep(1000);
    } while (posted > 100000 - 100 * (int64_t)count && clock_mono_ms() < until_ms);
    reader_close(&reader);
    arena_release(&arena);
    return posted == 100000 - 100 * (int64_t)count;
}

/* The core's books: each of count payments booked, by the one transfer that came. */
static void booked_once(struct world *world, size_t count) {
    size_t booked = 0;
    pthread_mutex_lock(&world->peer.lock);
    for (size_t i = 0; i < world->peer.posting_count; i++) {
        const struct posting *posting = &world->peer.postings[i];
        booked += posting->booked;
        if (posting->transfers > 1 || (posting->booked && posting->transfers != 1))
            fail_msg("%.*s: %d transfers", REFERENCE_BYTES, posting->reference, posting->transfers);
    }
    pthread_mutex_unlock(&world->peer.lock);
    assert_int_equal(booked, count);
}

static void no_followup_is_lost_while_the_workers_start(void **state) {
    struct world *world = *state;
    struct core_dispatch_options options = dispatch_options(world, CORE_DISPATCH_THREADS_MAX);
    atomic_store(&world->peer.broken, true); /* every request ends in a followup: the enquiry */
    options.breaker.failures_max = BREAKER_FAILURES_MAX;
    assert_int_equal(core_dispatch_new(&options, &world->dispatch), 0);
    assert_int_equal(core_dispatch_start(world->dispatch), 0);
    int64_t until_ms = clock_mono_ms() + WAIT_MS;
    while (atomic_load(&world->peer.requests) < PAYMENTS && clock_mono_ms() < until_ms) (void)usleep(1000);
    atomic_store(&world->peer.broken, false);
    bool all = completed(world, PAYMENTS, until_ms);
    assert_int_equal(atomic_load(&world->lost), 0);
    assert_true(all);
    booked_once(world, PAYMENTS);
}

static void waits_for_the_breaker(struct world *world) {
    struct core_dispatch_state told;
    for (int64_t until_ms = clock_mono_ms() + 200; clock_mono_ms() < until_ms; (void)usleep(1000)) continue;
    core_dispatch_state(world->dispatch, &told);
    assert_int_equal(told.breaker, BREAKER_OPEN);
    assert_int_equal(told.waiting, PAYMENTS);
    assert_int_equal(atomic_load(&world->peer.requests), 0);
}

static void x4_what_waited_goes_on_when_the_operator_closes(void **state) {
    struct world *world = *state;
    struct core_dispatch_options options = dispatch_options(world, 2);
    struct core_dispatch_state told = { 0 };
    atomic_store(&world->peer.broken, true);
    assert_int_equal(core_dispatch_new(&options, &world->dispatch), 0);
    assert_int_equal(core_dispatch_start(world->dispatch), 0);
    core_dispatch_force(world->dispatch, BREAKER_FORCE_OPEN);
    while (told.breaker != BREAKER_OPEN || told.under_way || told.waiting != PAYMENTS)
        core_dispatch_state(world->dispatch, &told);
    atomic_store(&world->peer.requests, 0);
    waits_for_the_breaker(world);
    atomic_store(&world->peer.broken, false);
    core_dispatch_force(world->dispatch, BREAKER_FORCE_NONE);
    assert_true(completed(world, PAYMENTS, clock_mono_ms() + WAIT_MS));
    booked_once(world, PAYMENTS);
}

/* Half open, one permit: the others are put off, but only until its success closes the breaker. */
static void x4_what_waited_goes_on_when_it_closes(void **state) {
    struct world *world = *state;
    struct core_dispatch_options options = dispatch_options(world, PAYMENTS);
    int64_t began_ms = clock_mono_ms();
    options.breaker = (struct breaker_options){ .failures_max = 1, .half_open_permits = 1, .open_ms = OPEN_MS };
    atomic_store(&world->peer.broken, true);
    assert_int_equal(core_dispatch_new(&options, &world->dispatch), 0);
    assert_int_equal(core_dispatch_start(world->dispatch), 0);
    while (atomic_load(&world->peer.requests) < PAYMENTS && clock_mono_ms() < began_ms + OPEN_MS / 2)
        (void)usleep(1000);
    atomic_store(&world->peer.broken, false);
    atomic_store(&world->peer.slow_ms, 100); /* so that the others find the permit taken */
    assert_true(completed(world, PAYMENTS, began_ms + 2 * OPEN_MS - 500));
    booked_once(world, PAYMENTS);
}

/* ---- records of the calls ---- */

enum outcome { ANSWERED, UNKNOWN, UNSENT, OUTCOME_COUNT };
static const char *const outcomes[OUTCOME_COUNT] = { "answered", "unknown", "unsent" };

/* Of the journal: what it holds of calls out. */
struct seen {
    struct world *world;
    int calls, left_out, completed, rejected;
    int transfers[OUTCOME_COUNT], enquiries[OUTCOME_COUNT];
    struct str wanted; /* counted where a record of a call holds it */
    int found;
};

static bool holds(struct str text, const char *part) {
    size_t at;
    return str_find(text, str_from_c(part), &at);
}

static bool is_call_of(struct str json, const struct bank_payment *payment) {
    char id[ID_TEXT_BYTES];
    (void)id_format(payment->id, id);
    return holds(json, "\"event\":\"call_out\"") && holds(json, id);
}

/* (X5) A payment that ends has the record of its call in the same commit. */
static void see_record(struct seen *seen, const struct journal_row *record, const struct bank_payment *payment) {
    struct str body = record->body, json;
    enum journal_frame type;
    bool good, completed = false, rejected = false, called = false;
    char id[ID_TEXT_BYTES];
    (void)id_format(payment->id, id);
    while (journal_frame_next(&body, &type, &json, &good)) {
        if (!holds(json, id)) continue;
        completed |= type == JOURNAL_EVENT && holds(json, "PaymentCompleted");
        rejected |= type == JOURNAL_EVENT && holds(json, "PaymentRejected");
        called |= type == JOURNAL_AUDIT && is_call_of(json, payment) && holds(json, "\"outcome\":\"answered\"");
    }
    assert_int_equal(completed || rejected, called);
    seen->completed += completed;
    seen->rejected += rejected;
}

static void see_call(struct seen *seen, struct str json) {
    int *counts = holds(json, "\"operation\":\"transfer\"") ? seen->transfers : seen->enquiries;
    seen->calls++;
    for (size_t i = 0; i < OUTCOME_COUNT; i++) {
        char member[32];
        (void)snprintf(member, sizeof member, "\"outcome\":\"%s\"", outcomes[i]);
        counts[i] += holds(json, member);
    }
    seen->left_out += holds(json, "\"left_out\":2}");
    seen->found += seen->wanted.len && holds(json, seen->wanted.at);
    assert_false(holds(json, "370400440532013000")); /* the creditor's account */
}

static int see(void *ctx, const void *row) {
    struct seen *seen = ctx;
    const struct journal_row *record = row;
    struct str body = record->body, json;
    enum journal_frame type;
    bool good = true;
    while (journal_frame_next(&body, &type, &json, &good)) {
        if (type == JOURNAL_AUDIT && holds(json, "\"event\":\"call_out\"")) see_call(seen, json);
    }
    for (size_t i = 0; i < PAYMENTS; i++) see_record(seen, record, &seen->world->payments[i]);
    return 0;
}

static struct seen look(struct world *world, struct str wanted) {
    struct seen seen = { .world = world, .wanted = wanted };
    struct store_range range = { .table = &engine_journal_table, .limit = 1000 };
    struct reader reader;
    struct arena arena;
    assert_int_equal(reader_open(world->bank.world.store, &reader), 0);
    assert_int_equal(arena_init(&arena, 4096, 1 << 20), 0);
    assert_int_equal(read_range(&reader, &range, &arena, see, &seen), 0);
    reader_close(&reader);
    arena_release(&arena);
    return seen;
}

/* spec: gateway/62 */
static void x5_the_record_of_a_call_is_in_the_commit_of_its_answer(void **state) {
    struct world *world = *state;
    struct core_dispatch_options options = dispatch_options(world, 2);
    assert_int_equal(look(world, (struct str){ 0 }).calls, 0);
    assert_int_equal(core_dispatch_new(&options, &world->dispatch), 0);
    assert_int_equal(core_dispatch_start(world->dispatch), 0);
    assert_true(completed(world, PAYMENTS, clock_mono_ms() + WAIT_MS));
    struct seen seen = look(world, STR("\"creditor\":\"****************00\""));
    assert_int_equal(seen.completed, PAYMENTS);
    assert_int_equal(seen.transfers[ANSWERED], PAYMENTS);
    assert_int_equal(seen.found, PAYMENTS);
    assert_int_equal(seen.calls, PAYMENTS);
    seen = look(world, STR("\"interaction_id\":\"" INTERACTION));
    assert_int_equal(seen.found, PAYMENTS - 1); /* one was of no call */
    booked_once(world, PAYMENTS);
}

/* A core that closes an idle connection just when the next transfer leaves on it: nobody knows, so it is enquired for.
 * The core has not seen it and never will, and the payment is rejected; none is sent twice. */
static void x3_a_connection_that_dies_under_a_transfer(void **state) {
    struct world *world = *state;
    struct core_dispatch_options options = dispatch_options(world, 1);
    struct seen seen;
    atomic_store(&world->peer.deaf, true);
    options.breaker.failures_max = BREAKER_FAILURES_MAX;
    assert_int_equal(core_dispatch_new(&options, &world->dispatch), 0);
    assert_int_equal(core_dispatch_start(world->dispatch), 0);
    int64_t until_ms = clock_mono_ms() + WAIT_MS;
    do {
        (void)usleep(1000);
        seen = look(world, (struct str){ 0 });
    } while (seen.completed + seen.rejected < PAYMENTS && clock_mono_ms() < until_ms);
    assert_int_equal(seen.completed + seen.rejected, PAYMENTS);
    assert_true(seen.rejected >= 1); /* the second came on the first's connection */
    assert_int_equal(seen.transfers[ANSWERED], seen.completed);
    assert_int_equal(seen.transfers[UNKNOWN], seen.rejected);
    assert_int_equal(seen.enquiries[ANSWERED], seen.rejected);
    assert_int_equal(seen.calls, PAYMENTS + seen.rejected);
    assert_true(completed(world, (size_t)seen.completed, 0));
    booked_once(world, (size_t)seen.completed);
}

static int64_t test_mono_ms;
static int64_t told_mono_ms(void) {
    return test_mono_ms;
}

/* One call that cannot be sent, and the time to the next. */
static void refuse_one(struct world *world) {
    static const struct core_answer unsent = { .outcome = CORE_UNKNOWN, .fault = -ECONNREFUSED };
    struct core_call call;
    while (!core_dispatch_take(world->dispatch, &call)) test_mono_ms += 10;
    core_dispatch_answer(world->dispatch, &call, &unsent);
}

static void x5_calls_that_cannot_be_sent_are_few_in_the_journal(void **state) {
    struct world *world = *state;
    struct core_dispatch_options options = dispatch_options(world, 1);
    struct seen seen;
    test_mono_ms = 60000;
    options.mono_ms = told_mono_ms;
    options.breaker.failures_max = BREAKER_FAILURES_MAX;
    assert_int_equal(core_dispatch_new(&options, &world->dispatch), 0);
    for (int i = 0; i < CORE_DISPATCH_UNSENT_MAX + 2; i++) refuse_one(world);
    assert_true(test_mono_ms < 120000);
    test_mono_ms = 120000;
    refuse_one(world);
    int64_t until_ms = clock_mono_ms() + WAIT_MS;
    do seen = look(world, STR("Connection refused"));
    while (seen.calls < CORE_DISPATCH_UNSENT_MAX + 1 && clock_mono_ms() < until_ms);
    assert_int_equal(seen.transfers[UNSENT], CORE_DISPATCH_UNSENT_MAX + 1);
    assert_int_equal(seen.found, CORE_DISPATCH_UNSENT_MAX + 1);
    assert_int_equal(seen.left_out, 1);
}

/* ---- answers that no commit takes ---- */

enum take { TAKES, TAKES_NOTHING, ANSWERS_UNAVAILABLE, ANSWERS_UNKNOWN, ANSWERS_FAULT };

/* The engine's door. */
struct gate {
    struct command_door door;
    struct engine *engine;
    enum take take;
};

static int gate_submit(void *ctx, struct command *command) {
    const struct gate *gate = ctx;
    if (gate->take == TAKES) return engine_submit(gate->engine, command);
    if (gate->take == TAKES_NOTHING) return ENGINE_E_FULL;
    command->result = gate->take == ANSWERS_UNAVAILABLE ? COMMAND_UNAVAILABLE
                      : gate->take == ANSWERS_UNKNOWN   ? COMMAND_UNKNOWN
                                                        : COMMAND_FAULT;
    command->on_reply(command);
    return 0;
}

static void gate_note(void *ctx, struct str audit_json) {
    const struct gate *gate = ctx;
    engine_note(gate->engine, audit_json);
}

static const struct {
    const char *name;
    enum take take;
    struct core_answer answer;
    enum followup_kind next;
} not_taken[] = {
    { "unsent", TAKES_NOTHING, { .outcome = CORE_UNKNOWN, .fault = -ECONNREFUSED }, FOLLOWUP_CORE_EXECUTE },
    { "unknown, queue full", TAKES_NOTHING, { .outcome = CORE_UNKNOWN, .sent = true }, FOLLOWUP_CORE_ENQUIRE },
    { "unknown, disk full", ANSWERS_UNAVAILABLE, { .outcome = CORE_UNKNOWN, .sent = true }, FOLLOWUP_CORE_ENQUIRE },
    { "unknown, twice", ANSWERS_UNKNOWN, { .outcome = CORE_UNKNOWN, .sent = true }, FOLLOWUP_CORE_ENQUIRE },
    { "booked, queue full", TAKES_NOTHING, { .outcome = CORE_BOOKED }, FOLLOWUP_CORE_ENQUIRE },
    { "booked, disk full", ANSWERS_UNAVAILABLE, { .outcome = CORE_BOOKED }, FOLLOWUP_CORE_ENQUIRE },
    { "booked, lost", ANSWERS_UNKNOWN, { .outcome = CORE_BOOKED }, FOLLOWUP_CORE_ENQUIRE },
    { "booked, fault", ANSWERS_FAULT, { .outcome = CORE_BOOKED }, FOLLOWUP_CORE_ENQUIRE },
    { "refused, queue full", TAKES_NOTHING, { .outcome = CORE_REFUSED }, FOLLOWUP_CORE_ENQUIRE },
    { "barred, lost", ANSWERS_UNKNOWN, { .outcome = CORE_BARRED }, FOLLOWUP_CORE_ENQUIRE },
};

static struct core_call take_call(struct world *world) {
    struct core_call call;
    while (!core_dispatch_take(world->dispatch, &call)) test_mono_ms += 10;
    return call;
}

/* The answer to a transfer of its own: what follows for that payment. */
static void x3_what_was_sent_is_never_sent_again(void **state) {
    struct world *world = *state;
    struct core_dispatch_options options = dispatch_options(world, 1);
    struct gate gate = { .engine = world->bank.world.engine };
    gate.door = (struct command_door){ .submit = gate_submit, .note = gate_note, .ctx = &gate };
    world->bank.integration.door = &gate.door;
    options.mono_ms = told_mono_ms;
    options.breaker.failures_max = BREAKER_FAILURES_MAX;
    for (size_t i = 0; i < ARRAY_COUNT(not_taken); i++) {
        test_mono_ms = 60000;
        gate.take = not_taken[i].take;
        world->dispatch = core_dispatch_free(world->dispatch);
        assert_int_equal(core_dispatch_new(&options, &world->dispatch), 0);
        struct core_call first = take_call(world), next;
        assert_int_equal(first.kind, FOLLOWUP_CORE_EXECUTE);
        core_dispatch_answer(world->dispatch, &first, &not_taken[i].answer);
        do next = take_call(world);
        while (memcmp(next.id, first.id, sizeof first.id) != 0);
        if (next.kind != not_taken[i].next) fail_msg("%s: followed by %d", not_taken[i].name, (int)next.kind);
    }
    world->bank.integration.door = NULL;
}

/* ---- what a followup carries ---- */

static int64_t x6_now_ms;
static int64_t x6_mono_ms(void) {
    return x6_now_ms;
}

/* The amount of the call that the followup leads to, when it is looked at so much later; 0: to none. The amount that it
 * carries is not that of the rows. */
static int64_t amount_called(struct world *world, const uint8_t id[16], int64_t later_ms) {
    enum { CARRIED_MINOR = 77 };
    struct core_order order = { .transfer.amount.minor = CARRIED_MINOR };
    struct followup followup = { .kind = FOLLOWUP_CORE_EXECUTE, .carried = &order };
    struct core_call call = { 0 };
    memcpy(followup.id, id, 16);
    core_dispatch_follow(world->dispatch, &followup);
    x6_now_ms += later_ms;
    if (!core_dispatch_take(world->dispatch, &call)) return 0;
    assert_memory_equal(call.id, id, 16);
    struct core_answer unsent = { .outcome = CORE_UNKNOWN, .fault = -ECONNREFUSED };
    core_dispatch_answer(world->dispatch, &call, &unsent); /* it stays in the queue, without what it carried */
    return call.transfer.amount.minor;
}

static void x6_what_is_carried_is_used_at_once_or_not_at_all(void **state) {
    struct world *world = *state;
    struct core_dispatch_options options = dispatch_options(world, 1);
    struct core_call call;
    static const uint8_t ended[16] = { 1 };
    options.mono_ms = x6_mono_ms;
    x6_now_ms = 1000;
    assert_int_equal(core_dispatch_new(&options, &world->dispatch), 0);
    for (size_t i = 0; i < PAYMENTS; i++) assert_true(core_dispatch_take(world->dispatch, &call)); /* from the table */
    assert_int_equal(amount_called(world, world->payments[0].id, 0), 77);
    x6_now_ms += 1000; /* tried again, without what was carried */
    assert_true(core_dispatch_take(world->dispatch, &call));
    assert_int_equal(call.transfer.amount.minor, 100);
    assert_int_equal(amount_called(world, world->payments[1].id, 100), 77);
    assert_int_equal(amount_called(world, world->payments[2].id, 101), 100); /* too late: what the rows say */
    assert_int_equal(amount_called(world, ended, 101), 0);                   /* and these say that it has ended */
}

#define DISPATCH_TEST(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

int main(void) {
    const struct CMUnitTest tests[] = {
        DISPATCH_TEST(no_followup_is_lost_while_the_workers_start),
        DISPATCH_TEST(x4_what_waited_goes_on_when_the_operator_closes),
        DISPATCH_TEST(x4_what_waited_goes_on_when_it_closes),
        DISPATCH_TEST(x5_the_record_of_a_call_is_in_the_commit_of_its_answer),
        DISPATCH_TEST(x5_calls_that_cannot_be_sent_are_few_in_the_journal),
        DISPATCH_TEST(x3_a_connection_that_dies_under_a_transfer),
        DISPATCH_TEST(x3_what_was_sent_is_never_sent_again),
        DISPATCH_TEST(x6_what_is_carried_is_used_at_once_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
