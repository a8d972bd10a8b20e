/* sim_world.c - the process under simulation: what opens it, what ends it, and the disk below it. */
#include "app/sim.h"

#include "integration/bus/event_json.h"
#include "integration/command/command_run.h"
#include "services/identity/client.h"
#include "services/ledger/ledger.h"

enum { SIM_WALL_AT_START_MS = 1700000000, SIM_FUND_MINOR = 200000, SIM_SMALL_FUND_MINOR = 3000 };

struct sim *sim_running;

int64_t sim_wall_ms(void) {
    return INT64_C(1000) * SIM_WALL_AT_START_MS + sim_running->mono_ms + sim_running->wall_skew_ms;
}
int64_t sim_mono_ms(void) {
    return sim_running->mono_ms;
}

static void on_followup(void *ctx, const struct followup *followup) {
    struct sim *sim = ctx;
    if (sim->dispatch) core_dispatch_follow(sim->dispatch, followup);
}
static void on_fault(void *ctx, const char *operation, int code) {
    struct sim *sim = ctx;
    sim_trace(sim, "fault of %s: %d", operation, code);
    if (sim->armed == STORE_FAULT_NONE && !sim->crashing)
        sim_fail(sim, "%s failed without a cause: %d", operation, code);
}
static void on_unknown(void *ctx) {
    ((struct sim *)ctx)->must_end = true;
}
static void on_fenced(void *ctx) {
    ((struct sim *)ctx)->must_end = true;
}

/* A commit is being flushed: time passes, and everyone else goes on. */
static void on_flush(void *ctx) {
    struct sim *sim = ctx;
    if (sim->crashing) return;
    sim->mono_ms += (int64_t)sim_draw(sim, 4);
    if (sim_chance(sim, 30)) {
        sim->counts[SIM_SLOW]++;
        sim->mono_ms += (int64_t)sim_draw(sim, 5000);
        sim_trace(sim, "slow flush");
    }
    sim->flushing = true;
    sim_core_run(sim);
    sim->flushing = false;
}

/* The store may be done with the batch in flight at any moment of the next one's decisions. */
static void encode_event(struct buffer *out, const struct event *event) {
    struct sim *sim = sim_running;
    event_json_write(out, event);
    if (!sim->advancing || !sim_chance(sim, 50)) return;
    if (!engine_write(sim->engine)) return;
    sim->counts[SIM_WRITTEN]++;
    sim_trace(sim, "the batch in flight is written");
}

static void open_store(struct sim *sim) {
    struct message message = { { 0 } };
    struct store_options options = { .ops = &store_memory_ops, .path = sim->store_name };
    options.tables = integration_tables(&options.table_count);
    if (store_open(&options, &sim->store, &message)) sim_fail(sim, "the store does not open: %s", message.text);
    else store_memory_on_flush(sim->store, on_flush, sim);
}

void sim_open(struct sim *sim) {
    struct message message = { { 0 } };
    sim->must_end = false;
    sim->armed = STORE_FAULT_NONE;
    open_store(sim);
    if (sim->failed) return;
    struct engine_options engine = { .store = sim->store,
                                     .encode_event = encode_event,
                                     .on_followup = on_followup,
                                     .on_fault = on_fault,
                                     .on_unknown = on_unknown,
                                     .on_fenced = on_fenced,
                                     .ctx = sim,
                                     .now_ms = sim_wall_ms,
                                     .id_salt = (uint32_t)sim_draw(sim, UINT32_MAX) + 1,
                                     .steps = true };
    if (engine_open(&engine, &sim->engine, &message)) {
        sim_fail(sim, "the engine does not open: %s", message.text);
        return;
    }
    sim->integration = (struct integration){ .store = sim->store,
                                             .engine = sim->engine,
                                             .payment_saga = sim->rules->saga,
                                             .fraud = &sim->rules->fraud,
                                             .aml = sim->rules->aml,
                                             .country = "GB",
                                             .bank_code = "GIRO",
                                             .sort_code = "040004",
                                             .sandbox = true };
    struct core_dispatch_options dispatch = { .integration = &sim->integration,
                                              .threads = 1,
                                              .breaker = breaker_core_banking,
                                              .on_fault = on_fault,
                                              .ctx = sim,
                                              .mono_ms = sim_mono_ms };
    int r = core_dispatch_new(&dispatch, &sim->dispatch);
    if (r) sim_fail(sim, "the dispatch does not open: %d", r);
    sim->integration.core = sim->dispatch;
    sim_trace(sim, "process opens, wall clock %+lld ms", (long long)sim->wall_skew_ms);
}

/* What waits in the queue hears nothing (or "unknown"), and nothing of it is durable: as if the power went. */
void sim_end(struct sim *sim) {
    struct engine_state state;
    sim->crashing = true;
    if (sim->engine) {
        store_memory_fault(sim->store, STORE_FAULT_UNKNOWN_LOST, 0, UINT32_MAX);
        sim->armed = STORE_FAULT_UNKNOWN_LOST;
        engine_settle(sim->engine);
        engine_state(sim->engine, &state);
        sim->counts[SIM_OVERLAPPED] += state.overlapped;
        sim->counts[SIM_VOIDED] += state.voided;
        for (engine_state(sim->engine, &state); state.queued; engine_state(sim->engine, &state))
            engine_step(sim->engine);
    }
    sim->integration.core = NULL;
    sim->dispatch = core_dispatch_free(sim->dispatch);
    sim->engine = engine_close(sim->engine);
    sim->store = store_close(sim->store);
    sim_core_forget_calls(sim);
    sim->crashing = sim->must_end = false;
}

/* The writer's turn may come between any two of the engine's. */
static void step_in_some_way(struct sim *sim) {
    uint64_t way = sim_draw(sim, 10);
    if (way < 2) {
        engine_step(sim->engine);
    } else if (way == 2) {
        engine_settle(sim->engine);
    } else if (way == 3) {
        (void)engine_write(sim->engine); /* there may be none in flight */
    } else {
        sim->advancing = true;
        engine_advance(sim->engine);
        sim->advancing = false;
    }
}

void sim_step_engine(struct sim *sim) {
    step_in_some_way(sim);
    if (!sim->must_end) return;
    sim_trace(sim, "the process must end");
    sim_end(sim);
    sim->mono_ms += (int64_t)sim_draw(sim, 3000);
    sim_open(sim);
}

/* ---- the bank of the first day ---- */

static int setup_client(struct work *work, struct sim *sim) {
    struct client_row client = { .name = STR("sim-client"),
                                 .display_name = STR("Simulation"),
                                 .software_id = STR("sim"),
                                 .scope = STR("payments accounts"),
                                 .redirect_uris = STR("https://localhost/back"),
                                 .jwks = STR("{\"keys\":[]}") };
    int r = client_register(work, &client);
    if (!r) memcpy(sim->client_id.bytes, client.client_id, 16);
    return r;
}

static int setup_account(struct work *work, struct sim_account *account, int64_t fund_minor) {
    struct currency currency = { .code = (uint32_t)account->row.currency };
    memset(account->row.account_id, 0, 16); /* a decision that runs again gets a new one */
    int r = ledger_open_account(work, currency, 0, &account->row.number);
    if (!r) r = account_open(work, &account->row);
    if (r) return r;
    struct ledger_posting posting = { .debit_account = ledger_internal_number(LEDGER_FUNDING, currency),
                                      .credit_account = account->row.number,
                                      .amount = { fund_minor, currency },
                                      .kind = LEDGER_FUND };
    return ledger_post(work, &posting);
}

static int setup_decide(struct work *work, struct command *command) {
    struct sim *sim = *(struct sim *const *)command->input;
    struct view view = view_of(work, "customers");
    int r = setup_client(work, sim);
    if (r) return r;
    view_new_id(&view, sim->customer_id.bytes);
    for (size_t i = 0; !r && i < SIM_ACCOUNTS; i++) {
        struct sim_account *account = &sim->accounts[i];
        if (i % 2) memcpy(account->row.customer_id, sim->customer_id.bytes, 16);
        else memcpy(account->row.client_id, sim->client_id.bytes, 16);
        r = setup_account(work, account, i == 2 ? SIM_SMALL_FUND_MINOR : SIM_FUND_MINOR);
    }
    return r;
}
static const struct command_kind setup_kind = { .name = "sim_setup", .decide = setup_decide, .rows_max = 256 };

static void setup_on_done(void *ctx, const void *input, const struct command *command) {
    (void)input;
    if (command->result != COMMAND_DONE || command->refusal) sim_fail(ctx, "the first day failed");
}

void sim_setup(struct sim *sim) {
    struct currency currency;
    struct iban iban;
    char bban[32];
    check(currency_parse(STR("GBP"), &currency) == 0);
    for (int i = 0; i < SIM_ACCOUNTS; i++) {
        struct sim_account *account = &sim->accounts[i];
        (void)snprintf(bban, sizeof bban, "GIRO040004%08d", 90000000 + i);
        check(iban_make(STR("GB"), str_from_c(bban), &iban) == 0);
        struct str text = iban_reveal(&iban);
        (void)snprintf(account->iban, sizeof account->iban, STR_FMT, STR_ARG(text));
        (void)snprintf(account->name, sizeof account->name, "account %d", i);
        account->personal = i == 1;
        account->row = (struct account_row){ .iban = str_from_c(account->iban),
                                             .name = str_from_c(account->name),
                                             .currency = currency.code,
                                             .product = account->personal ? ACCOUNT_PERSONAL : ACCOUNT_BUSINESS };
    }
    if (command_run_internal(&sim->integration, &setup_kind, &sim, sizeof sim, setup_on_done, sim))
        sim_fail(sim, "the first day was not taken");
    engine_step(sim->engine);
}
