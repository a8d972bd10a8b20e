/* sim_history.c - one history: what happens, in which order, and which faults; then everything heals and is checked. */
#include "app/sim.h"

enum { DAY_MS = 24 * 3600 * 1000 };

/* Which faults the disk has, how often, and for how long. */
static const struct {
    enum store_fault fault;
    unsigned weight;
    enum sim_count count;
    uint32_t commits_max; /* that fail; 0: all, for a while */
    int64_t lasts_ms;
} disk_faults[] = {
    { STORE_FAULT_UNDONE, 30, SIM_UNDONE, 7, 3000 },
    { STORE_FAULT_FULL, 10, SIM_FULL, 0, 8000 },
    { STORE_FAULT_AWAY, 10, SIM_AWAY, 0, 4000 },
    { STORE_FAULT_FENCED, 10, SIM_FENCED, 1, 4000 },
    { STORE_FAULT_UNKNOWN_LOST, 20, SIM_UNKNOWN_LOST, 1, 4000 },
    { STORE_FAULT_UNKNOWN_KEPT, 20, SIM_UNKNOWN_KEPT, 1, 4000 },
};

static void disarm(struct sim *sim) {
    if (sim->armed != STORE_FAULT_NONE) sim_trace(sim, "the disk is well");
    sim->armed = STORE_FAULT_NONE;
    store_memory_fault(sim->store, STORE_FAULT_NONE, 0, 0);
}

static void arm(struct sim *sim) {
    uint64_t at = sim_draw(sim, 100);
    size_t i = 0;
    for (; at >= disk_faults[i].weight; i++) at -= disk_faults[i].weight;
    uint32_t most = disk_faults[i].commits_max;
    uint32_t count = most ? 1 + (uint32_t)sim_draw(sim, most) : UINT32_MAX, after = (uint32_t)sim_draw(sim, 3);
    sim->armed = disk_faults[i].fault;
    sim->armed_until_ms = sim->mono_ms + (int64_t)sim_draw(sim, (uint64_t)disk_faults[i].lasts_ms);
    sim->counts[disk_faults[i].count]++;
    store_memory_fault(sim->store, sim->armed, after, count);
    sim_trace(sim, "the disk: %s, %u commits from now, %u times", sim_count_name(disk_faults[i].count), after, count);
}

static void crash(struct sim *sim) {
    sim->counts[SIM_CRASHES]++;
    sim_trace(sim, "crash");
    sim_end(sim);
    sim->mono_ms += (int64_t)sim_draw(sim, 4000);
    sim_open(sim);
}

static void jump(struct sim *sim) {
    int64_t by_ms = (int64_t)sim_draw(sim, sim_chance(sim, 300) ? 3 * DAY_MS : 600000);
    if (sim_chance(sim, 500)) by_ms = -by_ms;
    sim->wall_skew_ms += by_ms;
    sim->counts[SIM_JUMPS]++;
    sim_trace(sim, "the clock jumps by %lld ms", (long long)by_ms);
}

static void let_time_pass(struct sim *sim) {
    sim->mono_ms += (int64_t)sim_draw(sim, 60);
    if (sim_chance(sim, 15)) sim->mono_ms += (int64_t)sim_draw(sim, 20000);
}

/* A followup may come twice: an overflow of the dispatch's queue reads the whole table again. */
static void follow_twice(struct sim *sim) {
    static const enum followup_kind kinds[] = { FOLLOWUP_CORE_EXECUTE, FOLLOWUP_CORE_ENQUIRE, FOLLOWUP_SAGA_WAKE };
    if (!sim->intent_count) return;
    const struct sim_intent *intent = &sim->intents[sim_draw(sim, sim->intent_count)];
    int stage = intent->op->payment_stage;
    struct followup followup = { .kind = kinds[sim_draw(sim, ARRAY_COUNT(kinds))] };
    if (stage < 0 || !intent->told[stage].known || intent->told[stage].refusal) return;
    memcpy(followup.id, intent->told[stage].id, 16);
    core_dispatch_follow(sim->dispatch, &followup);
}

static void step(struct sim *sim) {
    let_time_pass(sim);
    if (sim->armed != STORE_FAULT_NONE && sim->mono_ms >= sim->armed_until_ms) disarm(sim);
    if (sim->armed == STORE_FAULT_NONE && sim_chance(sim, 40)) arm(sim);
    if (sim_chance(sim, 8)) jump(sim);
    if (sim_chance(sim, 4)) {
        sim->core.down_until_ms = sim->mono_ms + (int64_t)sim_draw(sim, 20000);
        sim_trace(sim, "the core is down");
    }
    if (sim_chance(sim, 350)) sim_plan(sim);
    if (sim_chance(sim, 20)) follow_twice(sim);
    sim_ask_again(sim);
    sim_core_run(sim);
    if (sim_chance(sim, 100)) sim_read(sim);
    if (sim_chance(sim, 12)) crash(sim);
    else if (sim_chance(sim, 600)) sim_step_engine(sim);
}

static void heal(struct sim *sim) {
    disarm(sim);
    sim->healed = true;
    sim->core.down_until_ms = 0;
    sim_trace(sim, "everything heals");
}

static void run_until_quiet(struct sim *sim) {
    int64_t end_ms = sim->mono_ms + SIM_QUIET_MS_MAX;
    bool quiet = false;
    while (!quiet && !sim->failed) {
        sim->mono_ms += 20 + (int64_t)sim_draw(sim, 400);
        sim_ask_again(sim);
        sim_core_run(sim);
        sim_step_engine(sim);
        quiet = sim_clients_are_quiet(sim) && sim_core_is_quiet(sim) && sim_sagas_are_quiet(sim);
        if (!quiet && sim->mono_ms > end_ms)
            sim_fail(sim, "not quiet within an hour: clients %s, network %s, sagas %s",
                     sim_clients_are_quiet(sim) ? "done" : "waiting", sim_core_is_quiet(sim) ? "done" : "busy",
                     sim_sagas_are_quiet(sim) ? "done" : "stuck");
    }
}

static void finish(struct sim *sim) {
    heal(sim);
    run_until_quiet(sim);
    if (!sim->failed) sim_verify(sim);
    if (sim->failed) return;
    sim_trace(sim, "the last restart");
    sim_end(sim);
    sim_open(sim);
    if (sim->failed) return;
    sim_ask_all_again(sim);
    run_until_quiet(sim);
    if (!sim->failed) sim_verify(sim);
}

void sim_run(struct sim *sim, struct hash *ret_digest) {
    sim_running = sim;
    sim->random = sim->seed;
    sim->random = sim_draw(sim, UINT64_MAX); /* so that the streams of two seeds have nothing in common */
    check(sha256_init(&sim->digest) == 0);
    sha256_begin(&sim->digest);
    (void)snprintf(sim->store_name, sizeof sim->store_name, "sim-%llu", (unsigned long long)sim->seed);
    sim_open(sim);
    if (!sim->failed) sim_setup(sim);
    uint64_t steps = SIM_STEPS_MIN + sim_draw(sim, SIM_STEPS_MAX - SIM_STEPS_MIN);
    for (uint64_t i = 0; i < steps && !sim->failed; i++) step(sim);
    if (!sim->failed) finish(sim);
    sim_end(sim);
    store_memory_forget(sim->store_name);
    *ret_digest = sha256_end(&sim->digest);
    sha256_release(&sim->digest);
    sim_running = NULL;
}
