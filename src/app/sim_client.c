/* sim_client.c - clients that ask until they know, with the same key; and what they may rightly be answered.
 *
 * Whatever the engine answers for good is remembered as told, whether the answer reaches its client or not. */
#include "app/sim.h"

enum { SIM_ARENA_BYTES = 4096, SIM_ARENA_BYTES_MAX = 1 << 20, SIM_RETRY_MS = 3000 };

/* ---- what was told must stay true ---- */

static enum payment_status status_in(struct str body) {
    size_t at;
    struct str word;
    if (!str_find(body, STR("\"status\":\""), &at)) return PAYMENT_STATUS_COUNT;
    struct str rest = str_slice(body, at + 10, body.len);
    if (!str_cut(&rest, '"', &word)) return PAYMENT_STATUS_COUNT;
    for (int i = 0; i < PAYMENT_STATUS_COUNT; i++)
        if (str_equal_c(word, payment_status_name((enum payment_status)i))) return (enum payment_status)i;
    return PAYMENT_STATUS_COUNT;
}

static void remember(struct sim_told *told, const struct sim_attempt *attempt) {
    const struct command_answer *answer = &attempt->call.answer;
    told->known = true;
    told->variant = attempt->variant;
    told->refusal = answer->refusal;
    told->body = sha256_str(answer->body);
    told->status = status_in(answer->body);
    memcpy(told->id, answer->resource_id, 16);
}

static void judge_again(struct sim *sim, const struct sim_attempt *attempt, struct sim_told *told) {
    const struct command_answer *answer = &attempt->call.answer;
    struct hash body = sha256_str(answer->body);
    if (answer->result != ANSWER_REPLAYED)
        sim_fail(sim, "k%d.%d: decided a second time", attempt->intent->number, attempt->stage);
    else if (told->variant != attempt->variant)
        sim_fail(sim, "k%d.%d: another body got the answer of the first", attempt->intent->number, attempt->stage);
    else if (told->refusal != answer->refusal || !id_equal(told->id, answer->resource_id) ||
             !hash_equal(&told->body, &body))
        sim_fail(sim, "k%d.%d: the replayed answer is not the first one", attempt->intent->number, attempt->stage);
}

/* A clock that has jumped by days: the key may be that of another day. */
static void look_at_key(struct sim *sim, struct sim_intent *intent, int stage) {
    struct sim_told *told = &intent->told[stage];
    int64_t now_ms = engine_time_ms(sim->engine);
    if (!told->at_ms) told->at_ms = now_ms;
    if (intent->op->key_ends[stage] && now_ms - told->at_ms >= SIM_KEY_KEPT_MS) told->forgotten = true;
}

/* DONE or REPLAYED under a key. */
static void judge_keyed(struct sim *sim, const struct sim_attempt *attempt) {
    const struct command_answer *answer = &attempt->call.answer;
    struct sim_told *told = &attempt->intent->told[attempt->stage];
    look_at_key(sim, attempt->intent, attempt->stage);
    if (told->known && told->forgotten) return;
    sim->counts[SIM_REPLAYS] += answer->result == ANSWER_REPLAYED;
    sim->counts[SIM_REFUSED] += answer->refusal != 0 && !told->known;
    if (told->known) {
        judge_again(sim, attempt, told);
        return;
    }
    if (answer->result == ANSWER_REPLAYED && !told->forgotten && !(told->maybe >> attempt->variant & 1))
        sim_fail(sim, "k%d.%d: replayed what was never decided", attempt->intent->number, attempt->stage);
    remember(told, attempt);
}

/* Without a key: a one-time thing is accepted once. */
static void judge_once(struct sim *sim, const struct sim_attempt *attempt) {
    struct sim_told *told = &attempt->intent->told[attempt->stage];
    if (attempt->call.answer.refusal) return;
    if (told->known) sim_fail(sim, "k%d.%d: accepted twice", attempt->intent->number, attempt->stage);
    remember(told, attempt);
}

/* Within a batch the one with the other body may have been decided first, and still wait for its own answer. */
static void judge_reused(struct sim *sim, const struct sim_attempt *attempt) {
    struct sim_told *told = &attempt->intent->told[attempt->stage];
    int other = !attempt->variant;
    bool may = told->known ? told->variant == other : (told->maybe >> other & 1) || told->under_way[other] > 0;
    sim->counts[SIM_REUSES]++;
    if (!may && !told->forgotten)
        sim_fail(sim, "k%d.%d: told of a reuse that was none", attempt->intent->number, attempt->stage);
}

static bool is_breaker(const struct sim_attempt *attempt) {
    return attempt->call.answer.refusal && !strcmp(attempt->call.answer.refusal_name, "unavailable");
}

/* True when the client now knows (if the answer reaches it). */
static bool judge(struct sim *sim, const struct sim_attempt *attempt) {
    const struct sim_op *op = attempt->intent->op;
    struct sim_told *told = &attempt->intent->told[attempt->stage];
    if (is_breaker(attempt) && !attempt->told_before) { /* 503: nothing is stored */
        sim->counts[SIM_BREAKER]++;
        return false;
    }
    switch (attempt->call.answer.result) {
    case ANSWER_DONE:
    case ANSWER_REPLAYED:
        if (op->keyed[attempt->stage]) judge_keyed(sim, attempt);
        else judge_once(sim, attempt);
        return true;
    case ANSWER_KEY_REUSED:
        judge_reused(sim, attempt);
        return true;
    case ANSWER_UNKNOWN:
        if (sim->armed == STORE_FAULT_UNKNOWN_KEPT) told->maybe |= 1u << attempt->variant;
        return false;
    case ANSWER_UNAVAILABLE:
        return false;
    case ANSWER_FAULT:
        if (sim->armed != STORE_FAULT_UNDONE)
            sim_fail(sim, "k%d.%d: a fault without a cause", attempt->intent->number, attempt->stage);
        return false;
    case ANSWER_TOO_COMPLEX:
    case ANSWER_RESULT_COUNT:
        break;
    }
    sim_fail(sim, "k%d.%d: too complex", attempt->intent->number, attempt->stage);
    return false;
}

/* ---- requests ---- */

static void client_hears(struct sim *sim, const struct sim_attempt *attempt) {
    struct sim_intent *intent = attempt->intent;
    if (intent->done || attempt->stage != intent->stage) return; /* the answer of a request it need not have sent */
    if (attempt->call.answer.result == ANSWER_KEY_REUSED) {      /* the other body won: what became of it? */
        intent->variant = !attempt->variant;
        intent->next_ms = sim->mono_ms;
        return;
    }
    int next = intent->op->next ? intent->op->next(sim, intent, attempt)
               : attempt->call.answer.refusal || intent->stage + 1 == intent->op->stages ? -1
                                                                                         : intent->stage + 1;
    intent->done = next < 0;
    if (next >= 0) intent->stage = next;
    intent->variant = 0;
    intent->next_ms = sim->mono_ms + (int64_t)sim_draw(sim, 500);
}

static void attempt_done(void *owner) {
    static const char *const words[ANSWER_RESULT_COUNT] = {
        [ANSWER_DONE] = "done",       [ANSWER_REPLAYED] = "replayed", [ANSWER_KEY_REUSED] = "key reused",
        [ANSWER_UNAVAILABLE] = "503", [ANSWER_UNKNOWN] = "unknown",   [ANSWER_TOO_COMPLEX] = "too complex",
        [ANSWER_FAULT] = "500",
    };
    struct sim_attempt *attempt = owner;
    struct sim *sim = attempt->sim;
    const struct command_answer *answer = &attempt->call.answer;
    char id[16];
    sim_trace(sim, "k%d.%d v%d %s -> %s %s %s%s", attempt->intent->number, attempt->stage, attempt->variant,
              attempt->intent->op->name, words[answer->result], answer->refusal_name, sim_id(answer->resource_id, id),
              attempt->lost ? " (lost)" : "");
    bool knows = judge(sim, attempt);
    attempt->intent->told[attempt->stage].under_way[attempt->variant]--;
    attempt->intent->under_way--;
    sim->counts[SIM_ANSWERS_LOST] += attempt->lost;
    if (knows && !attempt->lost) client_hears(sim, attempt);
    arena_release(&attempt->arena);
    free(attempt);
}

static void attempt_fill(struct sim_attempt *attempt) {
    struct sim *sim = attempt->sim;
    const struct sim_intent *intent = attempt->intent;
    struct str body;
    attempt->who = (struct call){ .has_client = true, .client_id = sim->client_id, .client_name = STR("sim-client") };
    attempt->call = (struct command_call){
        .call = &attempt->who, .arena = &attempt->arena, .on_done = attempt_done, .owner = attempt
    };
    if (!intent->op->keyed[attempt->stage]) return;
    attempt->call.idempotent = true;
    attempt->call.method = STR("POST");
    attempt->call.key = arena_printf(&attempt->arena, "k%d.%d", intent->number, attempt->stage);
    body = arena_printf(&attempt->arena, "%s %d v%d", intent->op->name, intent->number, attempt->variant);
    attempt->call.fingerprint = sha256_str(body);
}

static void send_one(struct sim *sim, struct sim_intent *intent, int stage, int variant) {
    struct sim_attempt *attempt = calloc(1, sizeof *attempt);
    check(attempt && arena_init(&attempt->arena, SIM_ARENA_BYTES, SIM_ARENA_BYTES_MAX) == 0);
    attempt->sim = sim;
    attempt->intent = intent;
    attempt->stage = stage;
    attempt->variant = variant;
    attempt->told_before = intent->told[stage].known;
    attempt->lost = sim_chance(sim, 80);
    attempt_fill(attempt);
    look_at_key(sim, intent, stage);
    sim->counts[SIM_ATTEMPTS]++;
    sim->counts[SIM_RETRIES] += intent->tries[stage]++ > 0;
    intent->told[stage].under_way[variant]++;
    intent->under_way++;
    intent->next_ms = sim->mono_ms + SIM_RETRY_MS + (int64_t)sim_draw(sim, SIM_RETRY_MS);
    int r = intent->op->send(sim, attempt);
    if (r == 0) return;
    sim_fail(sim, "k%d.%d was not taken: %d", intent->number, stage, r);
    intent->told[stage].under_way[variant]--;
    intent->under_way--;
    arena_release(&attempt->arena);
    free(attempt);
}

void sim_send(struct sim *sim, struct sim_intent *intent) {
    bool keyed = intent->op->keyed[intent->stage];
    if (keyed && sim_chance(sim, 40)) send_one(sim, intent, intent->stage, 1); /* its key with another body */
    send_one(sim, intent, intent->stage, intent->variant);
    if (keyed && sim_chance(sim, 80)) send_one(sim, intent, intent->stage, intent->variant); /* at the same time */
}

void sim_plan(struct sim *sim) {
    uint64_t weights = 0, at;
    const struct sim_op *op = sim_ops;
    if (sim->intent_count == SIM_INTENTS_MAX) return;
    for (size_t i = 0; i < sim_op_count; i++) weights += (uint64_t)sim_ops[i].weight;
    for (at = sim_draw(sim, weights); at >= (uint64_t)op->weight; op++) at -= (uint64_t)op->weight;
    struct sim_intent *intent = &sim->intents[sim->intent_count++];
    *intent = (struct sim_intent){ .number = (int)sim->intent_count, .op = op };
    op->plan(sim, intent);
    sim_send(sim, intent);
}

void sim_ask_again(struct sim *sim) {
    for (size_t i = 0; i < sim->intent_count; i++) {
        struct sim_intent *intent = &sim->intents[i];
        if (!intent->done && intent->next_ms <= sim->mono_ms) sim_send(sim, intent);
    }
    if (!sim->intent_count || !sim_chance(sim, 60)) return;
    struct sim_intent *old = &sim->intents[sim_draw(sim, sim->intent_count)]; /* somebody who forgot that it knows */
    int stage = (int)sim_draw(sim, (uint64_t)old->op->stages);
    if (old->op->keyed[stage] && old->told[stage].known && stage <= old->stage)
        send_one(sim, old, stage, old->told[stage].variant);
}

void sim_ask_all_again(struct sim *sim) {
    for (size_t i = 0; i < sim->intent_count; i++) {
        struct sim_intent *intent = &sim->intents[i];
        for (int stage = 0; stage < intent->op->stages; stage++)
            if (intent->op->keyed[stage] && intent->told[stage].known)
                send_one(sim, intent, stage, intent->told[stage].variant);
    }
}

bool sim_clients_are_quiet(const struct sim *sim) {
    for (size_t i = 0; i < sim->intent_count; i++)
        if (!sim->intents[i].done || sim->intents[i].under_way) return false;
    return true;
}

/* ---- reads: what was shown once stays true ---- */

static int rank(enum payment_status status) {
    return status == PAYMENT_PENDING ? 0 : status == PAYMENT_UNKNOWN ? 1 : 2;
}

static void read_payment(struct sim *sim, struct query *query, struct arena *arena) {
    struct sim_intent *intent = &sim->intents[sim_draw(sim, sim->intent_count)];
    int stage = intent->op->payment_stage;
    struct payment_id payment_id;
    struct payment_view view;
    if (stage < 0 || !intent->told[stage].known || intent->told[stage].refusal) return;
    memcpy(payment_id.bytes, intent->told[stage].id, 16);
    int r = query_payment(query, &payment_id, arena, &view);
    if (r) {
        sim_fail(sim, "k%d: a payment that was answered is not there: %d", intent->number, r);
        return;
    }
    enum payment_status before =
        rank(intent->told[stage].status) > rank(intent->seen) ? intent->told[stage].status : intent->seen;
    if (rank(view.status) < rank(before) || (rank(before) == 2 && view.status != before))
        sim_fail(sim, "k%d: was %s, is now %s", intent->number, payment_status_name(before),
                 payment_status_name(view.status));
    intent->seen = view.status;
}

static void read_balance(struct sim *sim, struct query *query, struct arena *arena) {
    struct account_id account_id;
    struct account_view view;
    memcpy(account_id.bytes, sim->accounts[sim_draw(sim, SIM_ACCOUNTS)].row.account_id, 16);
    int r = query_account(query, &account_id, arena, &view);
    if (r) sim_fail(sim, "an account is not there: %d", r);
    if (r || sim->seen_count == SIM_SEEN_MAX) return;
    if (view.available_minor < 0) sim_fail(sim, "an account shows less than nothing");
    sim->seen[sim->seen_count++] =
        (struct sim_seen){ .account = view.number, .entry_count = view.entry_count, .posted_minor = view.posted_minor };
}

void sim_read(struct sim *sim) {
    struct query *query;
    struct arena arena;
    if (!sim->intent_count) return;
    check(arena_init(&arena, SIM_ARENA_BYTES, SIM_ARENA_BYTES_MAX) == 0);
    sim->counts[SIM_READS]++;
    int r = query_open(&sim->integration, &query);
    if (r) {
        sim_fail(sim, "no reader: %d", r);
    } else {
        read_payment(sim, query, &arena);
        read_balance(sim, query, &arena);
        query_close(query);
    }
    arena_release(&arena);
}
