/* wiring_store.c - the store and the engine on it, and what the engine tells the rest of the bank. */
#include "app/wiring_int.h"

#include "integration/bus/event_json.h"
#include "observe/metric_table.h"

#include <stdatomic.h>
#include <unistd.h>

static void on_followup(void *ctx, const struct followup *followup) {
    struct bank *bank = ctx;
    if (followup->kind == FOLLOWUP_HOLD_EXPIRY) hold_expiry_follow(bank->hold_expiry, followup);
    else if (bank->dispatch) core_dispatch_follow(bank->dispatch, followup);
}

static size_t on_due(void *ctx, int64_t now_ms, struct command **commands, size_t max) {
    struct bank *bank = ctx;
    return hold_expiry_due(bank->hold_expiry, now_ms, commands, max);
}

static int64_t on_next_due(void *ctx) {
    struct bank *bank = ctx;
    return hold_expiry_next_ms(bank->hold_expiry);
}

static void on_committed(void *ctx, int64_t seq, uint32_t commands, int64_t commit_ns) {
    struct bank *bank = ctx;
    (void)seq;
    metrics_observe(bank->metrics, METRIC_BATCH_COMMANDS, (struct metric_labels){ 0 }, commands);
    metrics_observe(bank->metrics, METRIC_COMMIT_DURATION, (struct metric_labels){ 0 }, commit_ns / 1000);
    pthread_mutex_lock(&bank->relay_lock);
    if (bank->relay) relay_wake(bank->relay);
    pthread_mutex_unlock(&bank->relay_lock);
}

void bank_end(struct bank *bank, enum bank_end why) {
    atomic_store(&bank->end_why, (int)why);
    uint64_t one = 1;
    (void)!write(bank->end_fd, &one, sizeof one); /* an eventfd with room: cannot fail */
}

static void on_unknown(void *ctx) {
    struct bank *bank = ctx;
    log_note(&bank->log, LOG_LEVEL_ERROR, "commit_unknown");
    bank_end(bank, BANK_END_UNKNOWN);
}

/* The lease is another node's: nothing of this process may write any more. */
static void on_fenced(void *ctx) {
    struct bank *bank = ctx;
    log_note(&bank->log, LOG_LEVEL_ERROR, "lease_lost");
    bank_end(bank, BANK_END_FENCED);
}

/* Beside the store's file, or beside the file that remembers the database's epoch; "" when there is neither. */
static int marker_path(const struct bank *bank, char path[BANK_PATH_BYTES_MAX]) {
    bool postgres = bank->config->options.store_kind == BANK_STORE_POSTGRES;
    const char *beside = postgres ? bank->store.epoch_file : bank->store.path;
    int len = beside[0] ? snprintf(path, BANK_PATH_BYTES_MAX, "%s.aborts", beside) : 0;
    if (!len) path[0] = 0;
    return len < BANK_PATH_BYTES_MAX ? 0 : err_origin(-ENAMETOOLONG);
}

int bank_open_store(struct bank *bank, struct store **ret_store, struct message *message) {
    const struct bank_options *options = &bank->config->options;
    int r = bank_store_init(&bank->store, options, NULL, options->sandbox, message);
    if (!r) r = store_open(&bank->store.options, ret_store, message);
    return err_trace(r);
}

int bank_open_engine(struct bank *bank, struct message *message) {
    char marker[BANK_PATH_BYTES_MAX];
    int r = marker_path(bank, marker);
    if (r) return err_trace(r);
    struct engine_options engine = { .store = bank->integration.store,
                                     .encode_event = event_json_write,
                                     .on_followup = on_followup,
                                     .on_committed = on_committed,
                                     .on_fault = bank_on_fault,
                                     .on_unknown = on_unknown,
                                     .on_fenced = on_fenced,
                                     .due = on_due,
                                     .next_due_ms = on_next_due,
                                     .ctx = bank,
                                     .quarantine_path = marker[0] ? marker : NULL };
    r = hold_expiry_open(bank->integration.store, bank_on_fault, bank, &bank->hold_expiry);
    return r ? err_trace(r) : err_trace(engine_open(&engine, &bank->integration.engine, message));
}
