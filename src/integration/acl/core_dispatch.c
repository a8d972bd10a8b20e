#include "integration/acl/core_dispatch.h"

#include "integration/acl/core_call_record.h"
#include "integration/command/command_run.h"
#include "integration/command/core_result.h"
#include "integration/saga/payment_saga.h"
#include "platform/clock.h"
#include "services/accounts/account.h"
#include "services/payments/payment.h"

#include <pthread.h>

enum {
    DISPATCH_AGAIN_MS = 1000, /* the engine could not take an answer (disk full, say): ask again */
    DISPATCH_UNSENT_MS = 250, /* no byte left: try again, the breaker counts it */
    DISPATCH_FRESH_MS = 100,  /* what a followup carries is used so long (X6) */
    DISPATCH_ARENA_BYTES = 64 * 1024,
    DISPATCH_ARENA_BYTES_MAX = 16 * 1024 * 1024,
    DISPATCH_LOAD_ROWS = 1000,
};

struct item {
    int64_t due_ms; /* monotonic */
    uint64_t order; /* first in, first out among equals; enquiries before the rest */
    enum followup_kind kind;
    bool put_off; /* by the breaker alone: goes on when that closes, not at its time */
    uint8_t id[16];
    struct core_order *carried; /* owned; NULL: to be read from the store */
    int64_t carried_ms;         /* when it was taken from its commit, monotonic */
};

struct worker {
    struct core_dispatch *dispatch;
    struct reader reader;
    struct arena arena;
    pthread_t thread;
    bool runs;
};

struct core_dispatch {
    struct core_dispatch_options options;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct breaker breaker;
    struct item *heap; /* CORE_DISPATCH_QUEUE_MAX, least first */
    size_t count, under_way;
    uint64_t order;
    int64_t unsent_minute; /* of the monotonic clock (X5) */
    uint64_t unsent_kept, unsent_left_out;
    bool overflowed, stopping;
    size_t worker_count;
    struct worker workers[CORE_DISPATCH_THREADS_MAX];
};

static int64_t mono_ms(const struct core_dispatch *dispatch) {
    return dispatch->options.mono_ms ? dispatch->options.mono_ms() : clock_mono_ms();
}

static int64_t mono_us(const struct core_dispatch *dispatch) {
    return dispatch->options.mono_ms ? dispatch->options.mono_ms() * 1000 : clock_mono_ns() / 1000;
}

/* From now to a time of the engine's, whose clock never goes back: a jump of the wall clock delays nothing. */
static int64_t delay_ms(const struct core_dispatch *dispatch, int64_t at_ms) {
    return at_ms ? at_ms - engine_time_ms(dispatch->options.integration->engine) : 0;
}

/* ---- the queue: a heap by time, under the lock ---- */

static bool item_before(const struct item *a, const struct item *b) {
    return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->order < b->order;
}

static void item_swap(struct item *a, struct item *b) {
    struct item c = *a;
    *a = *b;
    *b = c;
}

static void heap_push(struct core_dispatch *dispatch, struct item item) {
    if (dispatch->count == CORE_DISPATCH_QUEUE_MAX) {
        dispatch->overflowed = true; /* X1: the table still has it */
        free(item.carried);
        return;
    }
    item.order = ++dispatch->order | (item.kind == FOLLOWUP_CORE_ENQUIRE ? 0 : UINT64_C(1) << 63);
    size_t at = dispatch->count++;
    dispatch->heap[at] = item;
    for (; at && item_before(&dispatch->heap[at], &dispatch->heap[(at - 1) / 2]); at = (at - 1) / 2)
        item_swap(&dispatch->heap[at], &dispatch->heap[(at - 1) / 2]);
}

static void heap_sink(struct core_dispatch *dispatch, size_t at) {
    for (;;) {
        size_t child = 2 * at + 1;
        if (child + 1 < dispatch->count && item_before(&dispatch->heap[child + 1], &dispatch->heap[child])) child++;
        if (child >= dispatch->count || !item_before(&dispatch->heap[child], &dispatch->heap[at])) return;
        item_swap(&dispatch->heap[child], &dispatch->heap[at]);
        at = child;
    }
}

static struct item heap_pop(struct core_dispatch *dispatch) {
    struct item least = dispatch->heap[0];
    dispatch->heap[0] = dispatch->heap[--dispatch->count];
    heap_sink(dispatch, 0);
    return least;
}

/* The breaker admits again: what it alone has put off goes now, and everyone looks. */
static void heap_recall(struct core_dispatch *dispatch) {
    for (size_t i = 0; i < dispatch->count; i++) {
        if (!dispatch->heap[i].put_off) continue;
        dispatch->heap[i].put_off = false;
        dispatch->heap[i].due_ms = 0;
    }
    for (size_t i = dispatch->count / 2; i-- > 0;) heap_sink(dispatch, i);
    pthread_cond_broadcast(&dispatch->wake);
}

static void put_item(struct core_dispatch *dispatch, struct item item) {
    pthread_mutex_lock(&dispatch->lock);
    heap_push(dispatch, item);
    pthread_cond_signal(&dispatch->wake);
    pthread_mutex_unlock(&dispatch->lock);
}

static void put(struct core_dispatch *dispatch, enum followup_kind kind, const uint8_t id[16], int64_t after_ms) {
    struct item item = { .due_ms = after_ms > 0 ? mono_ms(dispatch) + after_ms : 0, .kind = kind };
    memcpy(item.id, id, 16);
    put_item(dispatch, item);
}

/* Without memory for it the rows are read. */
static struct core_order *order_copy(const struct core_order *order) {
    struct core_order *copy = malloc(sizeof *copy);
    if (copy) *copy = *order;
    return copy;
}

void core_dispatch_follow(struct core_dispatch *dispatch, const struct followup *followup) {
    if (followup->kind != FOLLOWUP_CORE_EXECUTE || !followup->carried) {
        put(dispatch, followup->kind, followup->id, delay_ms(dispatch, followup->due_ms));
        return;
    }
    struct item item = { .kind = followup->kind,
                         .carried = order_copy(followup->carried),
                         .carried_ms = mono_ms(dispatch) };
    memcpy(item.id, followup->id, 16);
    put_item(dispatch, item);
}

/* ---- records of the calls (X5) ---- */

static_assert((int)CORE_CALL_RECORD_BYTES_MAX <= (int)CORE_RESULT_RECORD_BYTES_MAX, "a result carries its record");

static void write_record(const struct core_dispatch *dispatch, const struct core_call *call,
                         const struct core_answer *answer, uint64_t left_out,
                         char ret_text[CORE_CALL_RECORD_BYTES_MAX]) {
    struct core_call_facts facts = { .kind = call->kind,
                                     .transfer = &call->transfer,
                                     .interaction_id = call->interaction_id,
                                     .time_ms = engine_time_ms(dispatch->options.integration->engine),
                                     .began_us = call->began_us,
                                     .ended_us = mono_us(dispatch),
                                     .left_out = left_out };
    struct buffer out;
    buffer_init(&out, ret_text, CORE_CALL_RECORD_BYTES_MAX - 1);
    core_call_record_write(&facts, answer, &out);
    check(!out.overflow);
    ret_text[out.len] = 0;
}

/* Whether this call gets a record; then *ret_left_out says how many before it got none. */
static bool unsent_is_kept(struct core_dispatch *dispatch, uint64_t *ret_left_out) {
    int64_t minute = mono_ms(dispatch) / 60000;
    pthread_mutex_lock(&dispatch->lock);
    if (minute != dispatch->unsent_minute) dispatch->unsent_kept = 0;
    dispatch->unsent_minute = minute;
    bool kept = dispatch->unsent_kept < CORE_DISPATCH_UNSENT_MAX;
    *ret_left_out = dispatch->unsent_left_out;
    dispatch->unsent_left_out = kept ? 0 : dispatch->unsent_left_out + 1;
    dispatch->unsent_kept += kept;
    pthread_mutex_unlock(&dispatch->lock);
    return kept;
}

static void note_unsent(struct core_dispatch *dispatch, const struct core_call *call,
                        const struct core_answer *answer) {
    char record[CORE_CALL_RECORD_BYTES_MAX];
    uint64_t left_out;
    if (!unsent_is_kept(dispatch, &left_out)) return;
    write_record(dispatch, call, answer, left_out, record);
    command_note(dispatch->options.integration, str_from_c(record));
}

/* ---- answers go back into the engine ---- */

/* No commit took the answer of a call that was made: asked for again later (X3). Never by a second transfer: nobody may
 * know what became of the first, and the enquiry's answer is the same. */
static void enquire_again(struct core_dispatch *dispatch, const uint8_t payment_id[16]) {
    put(dispatch, FOLLOWUP_CORE_ENQUIRE, payment_id, DISPATCH_AGAIN_MS);
}

static void result_on_done(void *ctx, const void *input, const struct command *command) {
    struct core_dispatch *dispatch = ctx;
    const struct core_result *result = input;
    if (command->result == COMMAND_DONE) return; /* PAYMENT_SAGA_E_ABSENT included: it ended before */
    if (command->result == COMMAND_UNAVAILABLE)
        command_note(dispatch->options.integration, str_from_c(result->call_record)); /* nothing was written */
    enquire_again(dispatch, result->payment_id);
}

static void wake_on_done(void *ctx, const void *input, const struct command *command) {
    struct core_dispatch *dispatch = ctx;
    const struct saga_wake *wake = input;
    if (command->result != COMMAND_DONE) put(dispatch, FOLLOWUP_SAGA_WAKE, wake->payment_id, DISPATCH_AGAIN_MS);
}

static void submit_wake(struct core_dispatch *dispatch, const uint8_t id[16]) {
    struct saga_wake wake = { .integration = dispatch->options.integration };
    memcpy(wake.payment_id, id, 16);
    if (command_run_internal(dispatch->options.integration, &saga_wake_kind, &wake, sizeof wake, wake_on_done,
                             dispatch))
        put(dispatch, FOLLOWUP_SAGA_WAKE, id, DISPATCH_AGAIN_MS);
}

static void submit_result(struct core_dispatch *dispatch, const struct core_call *call, enum core_verdict verdict,
                          const struct core_answer *answer) {
    struct core_result result = { .integration = dispatch->options.integration, .verdict = verdict };
    size_t len = strlen(answer->record.core_reference);
    check(len <= sizeof result.core_reference);
    memcpy(result.payment_id, call->id, 16);
    memcpy(result.core_reference, answer->record.core_reference, len);
    result.core_reference_len = (uint8_t)len;
    write_record(dispatch, call, answer, 0, result.call_record);
    if (command_run_internal(dispatch->options.integration, &core_result_kind, &result, sizeof result, result_on_done,
                             dispatch) == 0)
        return;
    command_note(dispatch->options.integration, str_from_c(result.call_record));
    enquire_again(dispatch, call->id);
}

/* ---- one call ---- */

static int read_by_id(struct worker *worker, const struct table *table, const void *probe, const void **ret_row) {
    return err_trace(read_row(&worker->reader, table, 0, probe, &worker->arena, ret_row));
}

static int transfer_of(struct worker *worker, const struct payment_row *payment, const struct saga_row *saga,
                       struct core_transfer *ret_transfer) {
    struct account_row probe = { 0 };
    const void *found;
    memcpy(probe.account_id, payment->debtor_account_id, 16);
    int r = read_by_id(worker, &account_table, &probe, &found);
    if (r || !found) return r ? r : err_origin(-ENOENT);
    r = core_transfer_make(payment, found, saga->record_ms, ret_transfer);
    return err_fold(r); /* was carried at acceptance */
}

/* What must be sent for the item, into call; *ret_live false when its saga has ended. */
static int item_transfer(struct worker *worker, const struct item *item, struct core_call *call, bool *ret_live) {
    struct saga_row saga_probe = { 0 };
    struct payment_row payment_probe = { 0 };
    const void *saga, *payment;
    memcpy(saga_probe.saga_id, item->id, 16);
    memcpy(payment_probe.payment_id, item->id, 16);
    arena_reset(&worker->arena);
    int r = read_begin(&worker->reader); /* three rows of one state, for one snapshot's price */
    if (r) return err_trace(r);
    r = read_by_id(worker, &saga_table, &saga_probe, &saga);
    if (!r) r = read_by_id(worker, &payment_table, &payment_probe, &payment);
    *ret_live = !r && saga && payment;
    if (*ret_live) r = transfer_of(worker, payment, saga, &call->transfer);
    if (*ret_live) memcpy(call->interaction_id, ((const struct saga_row *)saga)->interaction_id, 16);
    read_end(&worker->reader);
    return err_trace(r);
}

static enum core_verdict verdict_of(enum core_outcome outcome) {
    switch (outcome) {
    case CORE_BOOKED:
        return CORE_VERDICT_BOOKED;
    case CORE_REFUSED:
        return CORE_VERDICT_REFUSED;
    case CORE_NEVER_SEEN:
    case CORE_BARRED:
        return CORE_VERDICT_FAILED;
    case CORE_NOTHING_TO_REVERSE:
    case CORE_UNKNOWN:
        break;
    }
    return CORE_VERDICT_UNKNOWN;
}

static void report(struct core_dispatch *dispatch, struct breaker_permit permit, enum breaker_result result) {
    pthread_mutex_lock(&dispatch->lock);
    bool was_closed = dispatch->breaker.state == BREAKER_CLOSED;
    breaker_report(&dispatch->breaker, permit, result, mono_ms(dispatch));
    bool half_open = dispatch->breaker.state == BREAKER_HALF_OPEN; /* a permit may be free again */
    if (half_open || (!was_closed && dispatch->breaker.state == BREAKER_CLOSED)) heap_recall(dispatch);
    pthread_mutex_unlock(&dispatch->lock);
}

/* No call after all: the saga has ended, or (r) it could not be read or sent. */
static void call_off(struct core_dispatch *dispatch, const struct core_call *call, int r) {
    report(dispatch, call->permit, BREAKER_CANCELLED);
    if (r && dispatch->options.on_fault) dispatch->options.on_fault(dispatch->options.ctx, "core_call", r);
    if (r) put(dispatch, call->kind, call->id, DISPATCH_AGAIN_MS);
}

/* X6. The order is used up either way. */
static bool take_order(const struct core_dispatch *dispatch, struct item *item, struct core_call *call) {
    struct core_order *order = item->carried;
    bool fresh = order && mono_ms(dispatch) - item->carried_ms <= DISPATCH_FRESH_MS;
    if (fresh) call->transfer = order->transfer;
    if (fresh) memcpy(call->interaction_id, order->interaction_id, 16);
    free(order);
    item->carried = NULL;
    return fresh;
}

/* True: the call is to be made now. */
static bool call_begin(struct worker *worker, struct item *item, struct breaker_permit permit,
                       struct core_call *ret_call) {
    struct core_call call = { .kind = item->kind, .permit = permit };
    memcpy(call.id, item->id, 16);
    bool live = take_order(worker->dispatch, item, &call);
    int r = live ? 0 : item_transfer(worker, item, &call, &live);
    call.began_us = mono_us(worker->dispatch);
    if (r || !live) call_off(worker->dispatch, &call, r);
    else *ret_call = call;
    return !r && live;
}

static void call_answered(struct core_dispatch *dispatch, const struct core_call *call,
                          const struct core_answer *answer) {
    report(dispatch, call->permit, core_host_judge(answer));
    if (answer->outcome == CORE_UNKNOWN && !answer->sent && call->kind == FOLLOWUP_CORE_EXECUTE) {
        note_unsent(dispatch, call, answer);
        put(dispatch, call->kind, call->id,
            DISPATCH_UNSENT_MS); /* not a byte left: the payment is not unknown, only late */
        return;
    }
    submit_result(dispatch, call, verdict_of(answer->outcome), answer);
}

static void call_core(struct core_dispatch *dispatch, const struct core_call *call) {
    struct core_answer answer;
    int r = call->kind == FOLLOWUP_CORE_ENQUIRE
                ? core_host_enquire(dispatch->options.core, &call->transfer.payment_id, &answer)
                : core_host_execute(dispatch->options.core, &call->transfer, &answer);
    if (r) call_off(dispatch, call, r);
    else call_answered(dispatch, call, &answer);
}

/* ---- workers ---- */

static void wait_until(struct core_dispatch *dispatch, int64_t due_ms) {
    struct timespec until = { .tv_sec = (time_t)(due_ms / 1000), .tv_nsec = (long)(due_ms % 1000) * 1000000 };
    (void)pthread_cond_timedwait(&dispatch->wake, &dispatch->lock,
                                 &until); /* woken or not, the queue is looked at again */
}

static bool is_call(const struct item *item) {
    return item->kind == FOLLOWUP_CORE_EXECUTE || item->kind == FOLLOWUP_CORE_ENQUIRE;
}

/* The first item that may go now, with the lock held; false when none may. A call to the core takes its permit here. */
static bool pop_due(struct core_dispatch *dispatch, struct item *ret_item, struct breaker_permit *ret_permit) {
    int64_t now_ms = mono_ms(dispatch);
    while (dispatch->count && dispatch->heap[0].due_ms <= now_ms) {
        struct item item = heap_pop(dispatch);
        *ret_item = item;
        if (!is_call(&item)) return true;
        enum breaker_call call = item.kind == FOLLOWUP_CORE_ENQUIRE ? BREAKER_CALL_ENQUIRY : BREAKER_CALL_OTHER;
        if (breaker_ask(&dispatch->breaker, call, now_ms, ret_permit) == 0) return true;
        int64_t after_ms = breaker_retry_after_ms(&dispatch->breaker, call, now_ms);
        item.due_ms = now_ms + (after_ms > 0 ? after_ms : DISPATCH_UNSENT_MS); /* X4 */
        item.put_off = true;
        heap_push(dispatch, item);
    }
    return false;
}

/* Waits for the next item, with the lock held; false when stopping. */
static bool next_item(struct core_dispatch *dispatch, struct item *ret_item, struct breaker_permit *ret_permit) {
    while (!dispatch->stopping) {
        if (pop_due(dispatch, ret_item, ret_permit)) {
            bool more = dispatch->count && dispatch->heap[0].due_ms <= mono_ms(dispatch);
            if (more) pthread_cond_signal(&dispatch->wake);
            return true;
        }
        if (dispatch->count == 0) pthread_cond_wait(&dispatch->wake, &dispatch->lock);
        else wait_until(dispatch, dispatch->heap[0].due_ms);
    }
    return false;
}

static int load_unfinished(struct worker *worker);

/* The queue was full once, and there is room again: what overflowed is read from the table (X1). */
static void reload_overflow(struct worker *worker) {
    struct core_dispatch *dispatch = worker->dispatch;
    pthread_mutex_lock(&dispatch->lock);
    bool reload = dispatch->overflowed && dispatch->count < CORE_DISPATCH_ACCEPT_MAX / 2;
    if (reload) dispatch->overflowed = false;
    pthread_mutex_unlock(&dispatch->lock);
    int r = reload ? load_unfinished(worker) : 0;
    if (!r) return;
    if (dispatch->options.on_fault) dispatch->options.on_fault(dispatch->options.ctx, "saga_reload", r);
    pthread_mutex_lock(&dispatch->lock);
    dispatch->overflowed = true;
    pthread_mutex_unlock(&dispatch->lock);
}

static void *worker_main(void *ctx) {
    struct worker *worker = ctx;
    struct core_dispatch *dispatch = worker->dispatch;
    struct item item;
    struct core_call call;
    struct breaker_permit permit = { 0 };
    pthread_mutex_lock(&dispatch->lock);
    while (next_item(dispatch, &item, &permit)) {
        dispatch->under_way++;
        pthread_mutex_unlock(&dispatch->lock);
        if (!is_call(&item)) submit_wake(dispatch, item.id);
        else if (call_begin(worker, &item, permit, &call)) call_core(dispatch, &call);
        reload_overflow(worker);
        pthread_mutex_lock(&dispatch->lock);
        dispatch->under_way--;
    }
    pthread_mutex_unlock(&dispatch->lock);
    return NULL;
}

/* ---- without the workers ---- */

bool core_dispatch_take(struct core_dispatch *dispatch, struct core_call *ret_call) {
    struct worker *worker = &dispatch->workers[0];
    struct item item;
    struct breaker_permit permit = { 0 };
    for (bool found = true; found;) {
        check(!worker->runs);
        pthread_mutex_lock(&dispatch->lock);
        found = pop_due(dispatch, &item, &permit);
        pthread_mutex_unlock(&dispatch->lock);
        if (!found) break;
        reload_overflow(worker);
        if (!is_call(&item)) submit_wake(dispatch, item.id);
        else if (call_begin(worker, &item, permit, ret_call)) return true;
    }
    return false;
}

void core_dispatch_answer(struct core_dispatch *dispatch, const struct core_call *call,
                          const struct core_answer *answer) {
    call_answered(dispatch, call, answer);
}

/* ---- start: every unfinished saga goes on where it was (X1) ---- */

struct loading {
    struct core_dispatch *dispatch;
    struct saga_row last;
    size_t count;
};

static int load_row(void *ctx, const void *found) {
    struct loading *loading = ctx;
    const struct saga_row *row = found;
    struct saga_state state;
    memcpy(loading->last.saga_id, row->saga_id, 16);
    loading->count++;
    const struct core_dispatch_options *options = &loading->dispatch->options;
    int r = saga_state_read(options->integration->payment_saga, row->state, &state);
    if (r) {
        /* Of another definition, or damaged: it keeps its hold and waits for people (giro saga stuck). */
        if (options->on_fault) options->on_fault(options->ctx, "saga_load", err_fold(r));
        return 0;
    }
    if (state.status == SAGA_TASK_OPEN)
        put(loading->dispatch, row->enquiries ? FOLLOWUP_CORE_ENQUIRE : FOLLOWUP_CORE_EXECUTE, row->saga_id, 0);
    else put(loading->dispatch, FOLLOWUP_SAGA_WAKE, row->saga_id, delay_ms(loading->dispatch, state.wake_at_ms));
    return 0;
}

static int load_unfinished(struct worker *worker) {
    struct loading loading = { .dispatch = worker->dispatch };
    do {
        struct store_range range = { .table = &saga_table,
                                     .row = &loading.last,
                                     .bounded = !id_is_zero(loading.last.saga_id),
                                     .limit = DISPATCH_LOAD_ROWS };
        loading.count = 0;
        arena_reset(&worker->arena);
        int r = read_range(&worker->reader, &range, &worker->arena, load_row, &loading);
        if (r) return err_trace(r);
    } while (loading.count == DISPATCH_LOAD_ROWS);
    return 0;
}

static int worker_open(struct core_dispatch *dispatch, struct worker *worker) {
    worker->dispatch = dispatch;
    int r = arena_init(&worker->arena, DISPATCH_ARENA_BYTES, DISPATCH_ARENA_BYTES_MAX);
    return r ? err_trace(r) : err_trace(reader_open(dispatch->options.integration->store, &worker->reader));
}

int core_dispatch_new(const struct core_dispatch_options *options, struct core_dispatch **ret_dispatch) {
    check(options->threads >= 1 && options->threads <= CORE_DISPATCH_THREADS_MAX);
    struct core_dispatch *dispatch = calloc(1, sizeof *dispatch);
    if (!dispatch) return err_origin(-ENOMEM);
    dispatch->options = *options;
    pthread_condattr_t attributes;
    check(pthread_condattr_init(&attributes) == 0 && pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    check(pthread_mutex_init(&dispatch->lock, NULL) == 0 && pthread_cond_init(&dispatch->wake, &attributes) == 0);
    breaker_init(&dispatch->breaker, &options->breaker, mono_ms(dispatch));
    dispatch->heap = calloc(CORE_DISPATCH_QUEUE_MAX, sizeof *dispatch->heap);
    int r = dispatch->heap ? 0 : err_origin(-ENOMEM);
    for (; !r && dispatch->worker_count < options->threads; dispatch->worker_count++)
        r = worker_open(dispatch, &dispatch->workers[dispatch->worker_count]);
    if (!r) r = load_unfinished(&dispatch->workers[0]);
    if (r) {
        core_dispatch_free(dispatch);
        return err_trace(r);
    }
    *ret_dispatch = dispatch;
    return 0;
}

int core_dispatch_start(struct core_dispatch *dispatch) {
    for (size_t i = 0; i < dispatch->worker_count; i++) {
        struct worker *worker = &dispatch->workers[i];
        int r = pthread_create(&worker->thread, NULL, worker_main, worker);
        if (r) return err_origin(-r);
        worker->runs = true;
    }
    return 0;
}

void core_dispatch_end(struct core_dispatch *dispatch) {
    pthread_mutex_lock(&dispatch->lock);
    dispatch->stopping = true;
    pthread_cond_broadcast(&dispatch->wake);
    pthread_mutex_unlock(&dispatch->lock);
}

void core_dispatch_stop(struct core_dispatch *dispatch) {
    core_dispatch_end(dispatch);
    for (size_t i = 0; i < dispatch->worker_count; i++) {
        struct worker *worker = &dispatch->workers[i];
        if (worker->runs) pthread_join(worker->thread, NULL);
        worker->runs = false;
        if (worker->reader.store) reader_close(&worker->reader);
        arena_release(&worker->arena);
    }
}

struct core_dispatch *core_dispatch_free(struct core_dispatch *dispatch) {
    if (!dispatch) return NULL;
    core_dispatch_stop(dispatch);
    for (size_t i = 0; i < dispatch->count; i++) free(dispatch->heap[i].carried);
    free(dispatch->heap);
    pthread_cond_destroy(&dispatch->wake);
    pthread_mutex_destroy(&dispatch->lock);
    free(dispatch);
    return NULL;
}

bool core_dispatch_open(struct core_dispatch *dispatch) {
    pthread_mutex_lock(&dispatch->lock);
    bool open = dispatch->count < CORE_DISPATCH_ACCEPT_MAX &&
                breaker_admits(&dispatch->breaker, BREAKER_CALL_OTHER, mono_ms(dispatch));
    pthread_mutex_unlock(&dispatch->lock);
    return open;
}

int64_t core_dispatch_retry_after_ms(struct core_dispatch *dispatch) {
    pthread_mutex_lock(&dispatch->lock);
    int64_t after_ms = breaker_retry_after_ms(&dispatch->breaker, BREAKER_CALL_OTHER, mono_ms(dispatch));
    pthread_mutex_unlock(&dispatch->lock);
    return after_ms > 1000 ? after_ms : 1000;
}

void core_dispatch_state(struct core_dispatch *dispatch, struct core_dispatch_state *ret_state) {
    pthread_mutex_lock(&dispatch->lock);
    *ret_state = (struct core_dispatch_state){ .breaker = breaker_state_at(&dispatch->breaker, mono_ms(dispatch)),
                                               .force = dispatch->breaker.force,
                                               .waiting = dispatch->count,
                                               .under_way = dispatch->under_way };
    pthread_mutex_unlock(&dispatch->lock);
}

void core_dispatch_force(struct core_dispatch *dispatch, enum breaker_force force) {
    pthread_mutex_lock(&dispatch->lock);
    breaker_force(&dispatch->breaker, force, mono_ms(dispatch));
    heap_recall(dispatch); /* forced open, they are put off again at once */
    pthread_mutex_unlock(&dispatch->lock);
}
