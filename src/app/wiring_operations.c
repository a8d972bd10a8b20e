/* wiring_operations.c - what operators look at: gauges, readiness, the admin socket. */
#include "app/wiring_int.h"

#include "observe/metric_table.h"
#include "platform/clock.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <unistd.h>

enum { BANK_GAUGES_ROWS = STORE_RANGE_ROWS_MAX };

/* ---- gauges: what is not counted but looked at ---- */

struct unknown_payments {
    int64_t count, oldest_ms;
};

static int look_at_saga(void *ctx, const void *row) {
    struct unknown_payments *unknown = ctx;
    const struct saga_row *saga = row;
    if (!saga->enquiries) return 0;
    unknown->count++;
    if (!unknown->oldest_ms || saga->record_ms < unknown->oldest_ms) unknown->oldest_ms = saga->record_ms;
    return 0;
}

static void set_gauge(struct bank *bank, enum metric_id metric, struct str label, int64_t value) {
    metrics_set(bank->metrics, metric, (struct metric_labels){ .at = { label } }, value);
}

static void look_at_node(struct bank *bank) {
    struct forwarder_state forward;
    set_gauge(bank, METRIC_NODE_ROLE, STR("holder"), bank->holds ? 1 : 0);
    set_gauge(bank, METRIC_NODE_ROLE, STR("follower"), bank->holds ? 0 : 1);
    if (!bank->forwarder) return;
    forwarder_state(bank->forwarder, &forward);
    set_gauge(bank, METRIC_QUEUE_DEPTH, STR("forward"), (int64_t)forward.queued);
    set_gauge(bank, METRIC_FORWARDED, STR("answered"), (int64_t)forward.forwarded);
    set_gauge(bank, METRIC_FORWARDED, STR("unknown"), (int64_t)forward.unknown);
    set_gauge(bank, METRIC_FORWARDED, STR("notes_dropped"), (int64_t)forward.notes_dropped);
}

static void look_at_dispatch(struct bank *bank) {
    static const int64_t states[] = { [BREAKER_CLOSED] = 0, [BREAKER_HALF_OPEN] = 1, [BREAKER_OPEN] = 2 };
    struct core_dispatch_state dispatch;
    struct engine_state engine;
    core_dispatch_state(bank->dispatch, &dispatch);
    engine_state(bank->integration.engine, &engine);
    set_gauge(bank, METRIC_BREAKER_STATE, STR("core"), states[dispatch.breaker]);
    set_gauge(bank, METRIC_QUEUE_DEPTH, STR("core"), (int64_t)dispatch.waiting);
    set_gauge(bank, METRIC_QUEUE_DEPTH, STR("engine"), (int64_t)engine.queued);
    set_gauge(bank, METRIC_OUTBOX_AGE, (struct str){ 0 }, relay_lag_ms(bank->relay_owned, 0) * 1000);
}

static int look_at_unknown(struct bank *bank, struct reader *reader, struct arena *arena) {
    struct unknown_payments unknown = { 0 };
    struct store_range range = { .table = &saga_table, .limit = BANK_GAUGES_ROWS };
    arena_reset(arena);
    int r = read_range(reader, &range, arena, look_at_saga, &unknown);
    if (r) return err_trace(r);
    int64_t age_ms = unknown.oldest_ms ? clock_now_ms() - unknown.oldest_ms : 0;
    set_gauge(bank, METRIC_PAYMENTS_UNKNOWN, (struct str){ 0 }, unknown.count);
    set_gauge(bank, METRIC_UNKNOWN_OLDEST, (struct str){ 0 }, (age_ms > 0 ? age_ms : 0) * 1000);
    return 0;
}

/* Called by the operations port, on its own thread, before it shows the metrics. */
static void refresh(void *ctx) {
    struct bank *bank = ctx;
    look_at_node(bank);
    if (bank->holds) look_at_dispatch(bank);
    int r = look_at_unknown(bank, &bank->operations_reader, &bank->operations_arena);
    if (r) bank_on_fault(bank, "gauges", r);
    log_flush(&bank->log);
}

static const char *why_not_ready(void *ctx) {
    struct bank *bank = ctx;
    if (!bank->answering) return "starting";
    if (bank->stopping) return "draining";
    return bank_node_trouble(bank);
}

int bank_open_operations(struct bank *bank, struct message *message) {
    struct operations_options operations = { .port = (uint16_t)bank->config->options.operations_port,
                                             .metrics = bank->metrics,
                                             .why_not_ready = why_not_ready,
                                             .refresh = refresh,
                                             .ctx = bank };
    int r = arena_init(&bank->operations_arena, 64 * 1024, BANK_TEXT_BYTES_MAX);
    if (!r) r = reader_open(bank->integration.store, &bank->operations_reader);
    return r ? err_trace(r) : err_trace(operations_start(&operations, &bank->operations, message));
}

/* On a thread of the admin socket. */
static bool on_hand_over(void *ctx, int fd) {
    struct bank *bank = ctx;
    uint64_t one = 1;
    int nobody = -1, asker = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (asker < 0) return false;
    if (!bank->answering || bank->stopping || !bank->gateway ||
        !atomic_compare_exchange_strong(&bank->asker, &nobody, asker)) {
        close(asker);
        return false;
    }
    (void)!write(bank->asked_fd, &one, sizeof one); /* an eventfd with room: cannot fail */
    return true;
}

int bank_open_admin(struct bank *bank, struct message *message) {
    char path[BANK_PATH_BYTES_MAX];
    struct admin_options admin = { .integration = &bank->integration,
                                   .path = path,
                                   .log = &bank->log,
                                   .hand_over = on_hand_over,
                                   .checkpoint = bank_checkpoint,
                                   .ctx = bank,
                                   .signing_keys = bank->signing_keys,
                                   .signing_key_path = bank->signing_key_path };
    if (str_to_c(bank->config->options.admin_socket, path, sizeof path)) return err_origin(-ENAMETOOLONG);
    return err_trace(admin_start(&admin, &bank->admin, message));
}
