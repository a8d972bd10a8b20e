/* sim_core.c - the core banking host with a book of its own, and a network that loses, delays, doubles and reorders.
 *
 * The core's rules are those of design.md section 7: a reference is booked once and gets its first answer again; an
 * enquiry for one never seen is answered 44 and bars it (46 to a TXN that comes later). */
#include "app/sim.h"

static const int REFUSES_EVERY = 13; /* amounts divisible by it are refused */

const struct sim_core_entry *sim_core_find(const struct sim *sim, const uint8_t payment_id[16]) {
    for (size_t i = 0; i < sim->core.entry_count; i++)
        if (id_equal(sim->core.entries[i].payment_id, payment_id)) return &sim->core.entries[i];
    return NULL;
}

static struct sim_message *message_new(struct sim *sim, uint64_t serial, int64_t delay_ms) {
    for (size_t i = 0; i < SIM_MESSAGES_MAX; i++) {
        struct sim_message *message = &sim->core.messages[i];
        if (message->live) continue;
        *message = (struct sim_message){
            .live = true, .serial = serial, .due_ms = sim->mono_ms + delay_ms, .order = ++sim->core.order
        };
        return message;
    }
    return NULL; /* the network is full: one more message lost */
}

/* How long a message takes; -1: it is lost. */
static int64_t travel_ms(struct sim *sim) {
    if (sim_chance(sim, 60)) {
        sim->counts[SIM_LOST]++;
        return -1;
    }
    if (sim_chance(sim, 60)) {
        sim->counts[SIM_LATE]++;
        return (int64_t)sim_draw(sim, sim_chance(sim, 300) ? 90000 : 6000);
    }
    return 1 + (int64_t)sim_draw(sim, 40);
}

/* ---- the core ---- */

static struct sim_core_entry *entry_new(struct sim *sim, const uint8_t payment_id[16], enum sim_core_state state) {
    check(sim->core.entry_count < SIM_CORE_ENTRIES_MAX);
    struct sim_core_entry *entry = &sim->core.entries[sim->core.entry_count++];
    *entry = (struct sim_core_entry){ .state = state };
    memcpy(entry->payment_id, payment_id, 16);
    if (state == SIM_CORE_BOOKED)
        (void)snprintf(entry->reference, sizeof entry->reference, "CORE%zu", sim->core.entry_count);
    return entry;
}

static bool same_transfer(const struct core_transfer *a, const struct core_transfer *b) {
    return str_equal(core_account_reveal(&a->debtor), core_account_reveal(&b->debtor)) &&
           str_equal(core_account_reveal(&a->creditor), core_account_reveal(&b->creditor)) &&
           a->amount.minor == b->amount.minor && a->amount.currency.code == b->amount.currency.code &&
           a->recorded_ms == b->recorded_ms;
}

static struct sim_core_entry *core_execute(struct sim *sim, const struct core_transfer *transfer) {
    struct sim_core_entry *entry = (struct sim_core_entry *)sim_core_find(sim, transfer->payment_id.bytes);
    if (!entry) {
        bool refuses = transfer->amount.minor % REFUSES_EVERY == 0;
        entry = entry_new(sim, transfer->payment_id.bytes, refuses ? SIM_CORE_REFUSED : SIM_CORE_BOOKED);
        entry->transfer = *transfer;
    } else if (entry->state != SIM_CORE_BARRED && !same_transfer(&entry->transfer, transfer)) {
        sim_fail(sim, "the core got other bytes under a reference that it has seen");
    }
    return entry;
}

static struct sim_core_entry *core_enquire(struct sim *sim, const struct core_transfer *transfer) {
    struct sim_core_entry *entry = (struct sim_core_entry *)sim_core_find(sim, transfer->payment_id.bytes);
    if (entry) return entry;
    sim->counts[SIM_BARRED]++;
    return entry_new(sim, transfer->payment_id.bytes, SIM_CORE_BARRED);
}

/* As core_host.h translates the codes 00, 44, 46 and any other. */
static enum core_outcome outcome_of(const struct sim_core_entry *entry, bool enquiry) {
    switch (entry->state) {
    case SIM_CORE_BOOKED:
        return CORE_BOOKED;
    case SIM_CORE_REFUSED:
        return CORE_REFUSED;
    case SIM_CORE_BARRED:
        return enquiry ? CORE_NEVER_SEEN : CORE_BARRED;
    }
    return CORE_UNKNOWN;
}

static void core_answer(struct sim *sim, const struct sim_message *request) {
    char id[16];
    if (sim->mono_ms < sim->core.down_until_ms) return; /* nobody is there */
    const struct sim_core_entry *entry =
        request->enquiry ? core_enquire(sim, &request->transfer) : core_execute(sim, &request->transfer);
    struct core_answer answer = { .outcome = outcome_of(entry, request->enquiry), .sent = true };
    memcpy(answer.record.core_reference, entry->reference, sizeof entry->reference);
    sim_trace(sim, "core %s %s -> %d", request->enquiry ? "ENQ" : "TXN", sim_id(request->transfer.payment_id.bytes, id),
              (int)answer.outcome);
    if (sim_chance(sim, 20)) {
        sim->counts[SIM_GARBLED]++;
        answer = (struct core_answer){ .outcome = CORE_UNKNOWN, .sent = true, .fault = -EBADMSG };
    }
    for (int copies = sim_chance(sim, 30) ? 2 : 1; copies > 0; copies--) {
        int64_t delay_ms = travel_ms(sim);
        struct sim_message *message = delay_ms < 0 ? NULL : message_new(sim, request->serial, delay_ms);
        if (!message) continue;
        message->from_core = true;
        message->answer = answer;
    }
}

/* ---- calls of the process ---- */

static void call_end(struct sim *sim, struct sim_call *call, const struct core_answer *answer) {
    call->live = false;
    core_dispatch_answer(sim->dispatch, &call->call, answer);
}

static void call_send(struct sim *sim, struct sim_call *call) {
    int copies = sim_chance(sim, 60) ? 2 : 1;
    sim->counts[SIM_DUPLICATED] += copies == 2;
    for (; copies > 0; copies--) {
        int64_t delay_ms = travel_ms(sim);
        struct sim_message *message = delay_ms < 0 ? NULL : message_new(sim, call->serial, delay_ms);
        if (!message) continue;
        message->enquiry = call->call.kind == FOLLOWUP_CORE_ENQUIRE;
        message->transfer = call->call.transfer;
    }
}

static void take_calls(struct sim *sim) {
    static const struct core_answer unsent = { .outcome = CORE_UNKNOWN, .fault = -ECONNREFUSED };
    char id[16];
    for (size_t i = 0; i < SIM_CALLS_MAX; i++) {
        struct sim_call *call = &sim->core.calls[i];
        if (call->live) continue;
        if (!core_dispatch_take(sim->dispatch, &call->call)) return;
        call->live = true;
        call->serial = ++sim->core.serial;
        call->deadline_ms = sim->mono_ms + SIM_DEADLINE_MS;
        sim->counts[SIM_CALLS]++;
        sim_trace(sim, "call %s %s", call->call.kind == FOLLOWUP_CORE_ENQUIRE ? "ENQ" : "TXN",
                  sim_id(call->call.id, id));
        if (sim->mono_ms < sim->core.down_until_ms || sim_chance(sim, 20)) {
            sim->counts[SIM_UNSENT]++;
            call_end(sim, call, &unsent);
        } else {
            call_send(sim, call);
        }
    }
}

static struct sim_message *next_message(struct sim *sim) {
    struct sim_message *first = NULL;
    for (size_t i = 0; i < SIM_MESSAGES_MAX; i++) {
        struct sim_message *message = &sim->core.messages[i];
        if (!message->live || message->due_ms > sim->mono_ms) continue;
        if (!first || message->due_ms < first->due_ms ||
            (message->due_ms == first->due_ms && message->order < first->order))
            first = message;
    }
    return first;
}

static void deliver(struct sim *sim, struct sim_message *message) {
    message->live = false;
    if (!message->from_core) {
        core_answer(sim, message);
        return;
    }
    for (size_t i = 0; i < SIM_CALLS_MAX; i++) { /* the connection of a call that has ended is closed */
        struct sim_call *call = &sim->core.calls[i];
        if (call->live && call->serial == message->serial && call->deadline_ms >= message->due_ms)
            call_end(sim, call, &message->answer);
    }
}

void sim_core_run(struct sim *sim) {
    static const struct core_answer late = { .outcome = CORE_UNKNOWN, .sent = true, .fault = -ETIMEDOUT };
    struct sim_message *message;
    if (sim->dispatch) take_calls(sim);
    while ((message = next_message(sim)) != NULL) deliver(sim, message);
    for (size_t i = 0; i < SIM_CALLS_MAX; i++)
        if (sim->core.calls[i].live && sim->mono_ms > sim->core.calls[i].deadline_ms)
            call_end(sim, &sim->core.calls[i], &late);
}

void sim_core_forget_calls(struct sim *sim) {
    for (size_t i = 0; i < SIM_CALLS_MAX; i++) sim->core.calls[i].live = false;
}

bool sim_core_is_quiet(const struct sim *sim) {
    for (size_t i = 0; i < SIM_MESSAGES_MAX; i++)
        if (sim->core.messages[i].live) return false;
    for (size_t i = 0; i < SIM_CALLS_MAX; i++)
        if (sim->core.calls[i].live) return false;
    return true;
}
