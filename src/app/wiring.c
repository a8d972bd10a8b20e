#include "app/wiring_int.h"

#include "auth/external_lookup.h"
#include "observe/metric_table.h"
#include "platform/clock.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

void bank_on_fault(void *ctx, const char *operation, int code) {
    struct bank *bank = ctx;
    log_fault(&bank->log, operation, code, (struct str){ 0 });
}

static int open_log(struct bank *bank, struct message *message) {
    const struct bank_options *options = &bank->config->options;
    char path[BANK_PATH_BYTES_MAX];
    bank->log_fd = STDERR_FILENO;
    if (options->log_path.len) {
        if (str_to_c(options->log_path, path, sizeof path)) return err_origin(-ENAMETOOLONG);
        bank->log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
        if (bank->log_fd < 0) {
            int code = -errno;
            message_set(message, "%s cannot be written (%s): change log.path or its permissions", path,
                        strerrorname_np(-code));
            bank->log_fd = STDERR_FILENO;
            return err_origin(code);
        }
    }
    log_init(&bank->log, bank->log_fd, (enum log_level)options->log_level);
    return err_trace(metrics_new(metric_families, METRIC_FAMILY_COUNT, &bank->metrics));
}

static int read_roles(struct bank *bank, struct message *message) {
    const struct bank_options *options = &bank->config->options;
    struct roles_context context = { .several_nodes = options->store_kind == BANK_STORE_POSTGRES,
                                     .linked = options->node_certificate.len > 0 };
    return err_trace(roles_parse(options->roles, &context, &bank->roles, message));
}

/* Everything that needs neither the store nor a socket. */
static int bank_prepare(struct bank *bank, struct message *message) {
    int r = arena_init(&bank->texts, 64 * 1024, BANK_TEXT_BYTES_MAX * 2);
    if (!r) r = read_roles(bank, message);
    if (!r) r = open_log(bank, message);
    if (!r) r = bank_open_policies(bank, message);
    if (!r) r = bank_open_saga(bank, message);
    if (!r) r = bank_open_keys(bank, message);
    if (!r) r = bank_open_identity(bank, message);
    if (!r && (bank->roles & ROLE_ENGINE)) r = bank_open_audit_key(bank, message);
    if (!r) r = bank_fill_integration(bank);
    if (!r && (bank->roles & ROLE_ENGINE)) r = bank_prepare_core(bank, message);
    if (!r && (bank->roles & ROLE_AUTH)) r = bank_open_auth(bank, message);
    if (!r && (bank->roles & ROLE_GATEWAY)) r = bank_open_cache(bank, message);
    if (!r && (bank->roles & ROLE_GATEWAY)) r = bank_prepare_gateway(bank, message);
    return err_trace(r);
}

static int receive(struct bank *bank, struct message *message) {
    struct bank_inherit *inherit = bank->inherit;
    int r = inherit && inherit->receive ? inherit->receive(inherit->ctx, inherit->gift, message) : 0;
    bank->released_ms = clock_mono_ms();
    return err_trace(r);
}

static int confirm(struct bank *bank, struct message *message) {
    struct bank_inherit *inherit = bank->inherit;
    return inherit && inherit->confirm ? err_trace(inherit->confirm(inherit->ctx, message)) : 0;
}

/* A store that nodes share is opened while the process before still serves: its callers wait for the lease alone. It is
 * waited for more than worked on, so that it opens on a thread of its own beside everything else. */
struct opening {
    struct bank *bank;
    struct store *store;
    struct message message;
    int result;
};

static void *opening_main(void *ctx) {
    struct opening *opening = ctx;
    opening->result = bank_open_store(opening->bank, &opening->store, &opening->message);
    return NULL;
}

static int prepare_beside_store(struct bank *bank, struct message *message) {
    struct opening opening = { .bank = bank };
    pthread_t thread;
    int r = pthread_create(&thread, NULL, opening_main, &opening);
    if (r) return err_origin(-r);
    r = bank_prepare(bank, message);
    pthread_join(thread, NULL);
    bank->integration.store = opening.store; /* also when the rest failed: bank_stop closes it */
    if (r || !opening.result) return err_trace(r);
    *message = opening.message;
    return err_trace(opening.result);
}

static int bank_receive_store(struct bank *bank, bool shared, struct message *message) {
    bool asks = bank->inherit && bank->inherit->receive;
    if (shared && asks) store_warm(bank->integration.store, BANK_WARM_READERS); /* while the other one lets go */
    int r = receive(bank, message);
    if (!r && !shared) r = bank_open_store(bank, &bank->integration.store, message);
    return err_trace(r);
}

static int bank_open(struct bank *bank, struct message *message) {
    bool shared = bank->config->options.store_kind == BANK_STORE_POSTGRES;
    int r = shared ? prepare_beside_store(bank, message) : bank_prepare(bank, message);
    if (!r) r = bank_receive_store(bank, shared, message);
    bank->opened_ms = clock_mono_ms();
    if (!r) r = bank_open_node(bank, message);
    if (!r) r = bank_open_operations(bank, message);
    if (!r) r = bank_open_admin(bank, message);
    if (!r) r = confirm(bank, message);
    if (!r && (bank->roles & ROLE_GATEWAY)) r = bank_open_gateway(bank, message); /* last: now callers may come (O1) */
    return err_trace(r);
}

static void tell_gap(struct bank *bank, const struct bank_inherit *inherit) {
    if (!inherit || !inherit->since_ms) return;
    int64_t gap_ms = clock_mono_ms() - inherit->since_ms;
    metrics_set(bank->metrics, METRIC_HAND_OVER_GAP, (struct metric_labels){ 0 }, gap_ms * 1000);
    log_event(&bank->log, LOG_LEVEL_INFO, "handed_over", log_i64("gap_ms", gap_ms),
              log_i64("release_ms", bank->released_ms - inherit->since_ms),
              log_i64("store_ms", bank->opened_ms - bank->released_ms));
}

int bank_start(const struct bank_config *config, struct bank_inherit *inherit, struct bank **ret_bank,
               struct message *message) {
    struct bank *bank = calloc(1, sizeof *bank);
    if (!bank) return err_origin(-ENOMEM);
    bank->config = config;
    bank->inherit = inherit;
    bank->asker = -1;
    bank->asked_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    check(pthread_mutex_init(&bank->relay_lock, NULL) == 0);
    bank->log_fd = -1;
    bank->end_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    message_set(message, "%s", "");
    int r = bank->end_fd < 0 || bank->asked_fd < 0 ? err_origin(-errno) : bank_open(bank, message);
    if (r) {
        char path[256];
        err_path(r, path, sizeof path);
        if (message && !message->text[0]) message_set(message, "cannot start: %s", path);
        bank_stop(bank);
        return err_trace(r);
    }
    bank->answering = true;
    bank->inherit = NULL;
    tell_gap(bank, inherit);
    log_note(&bank->log, LOG_LEVEL_INFO, "started");
    *ret_bank = bank;
    return 0;
}

enum bank_end bank_end_why(const struct bank *bank) {
    return (enum bank_end)atomic_load(&bank->end_why);
}

int bank_end_fd(const struct bank *bank) {
    return bank->end_fd;
}

int bank_asked_fd(const struct bank *bank) {
    return bank->asked_fd;
}

int bank_asked(struct bank *bank) {
    return atomic_exchange(&bank->asker, -1);
}

/* What goes on from the store in the next process ends here while callers are still answered: calls to the core, the
 * delivery of events. */
static void end_background(struct bank *bank) {
    bank->node = node_stop(bank->node); /* no take-over from here on: what there is stays */
    if (bank->dispatch) core_dispatch_end(bank->dispatch);
    if (bank->relay_owned) relay_end(bank->relay_owned);
    if (bank->dispatch) core_dispatch_stop(bank->dispatch);
}

struct bank *bank_give(struct bank *bank, struct http_gift *ret_gift, int64_t *ret_since_ms) {
    bank->stopping = bank->gives = true;
    *ret_gift = (struct http_gift){ .listen_fd = -1 };
    end_background(bank);
    *ret_since_ms = clock_mono_ms();
    if (bank->gateway) gateway_give(bank->gateway, BANK_DRAIN_MS, ret_gift); /* else this node takes no calls */
    return bank_stop(bank);
}

static void stop_threads(struct bank *bank) {
    bank->stopping = true;
    bank->node = node_stop(bank->node);                             /* no take-over from here on */
    if (bank->gateway) gateway_drain(bank->gateway, BANK_DRAIN_MS); /* O2 */
    bank->node_server = node_server_stop(bank->node_server);        /* the other nodes' commands are answered */
    bank->admin = admin_stop(bank->admin);
    bank->operations = operations_free(bank->operations);
    if (bank->operations_reader.store) reader_close(&bank->operations_reader);
    arena_release(&bank->operations_arena);
    bank_set_relay(bank, NULL); /* the engine's thread stops waking it */
    if (bank->dispatch) core_dispatch_stop(bank->dispatch);
}

struct bank *bank_stop(struct bank *bank) {
    if (!bank) return NULL;
    stop_threads(bank);
    bank->jobs = jobs_stop(bank->jobs);                /* waits for its portion's command: the engine still runs */
    bank->relay_owned = relay_stop(bank->relay_owned); /* waits for its cursor's last move: the engine still runs */
    if (!bank->gives) bank_end_checkpoints(bank);      /* the next process goes on with them */
    if (bank->integration.engine) engine_stop(bank->integration.engine);
    if (bank->integration.store) store_lease_release(bank->integration.store); /* the next need not wait */
    if (bank->forwarder) forwarder_stop(bank->forwarder);
    bank->gateway = gateway_free(bank->gateway);
    bank->rate_shared = rate_shared_close(bank->rate_shared);
    bank->auth = auth_close(bank->auth);
    bank->client_keys = client_keys_close(bank->client_keys); /* this and the next four note what they have called */
    bank->external_lookup = external_lookup_close(bank->external_lookup);
    bank->issuer_keys = client_keys_close(bank->issuer_keys);
    bank->certificate_watch = certificate_watch_stop(bank->certificate_watch);
    bank->revocation = revocation_close(bank->revocation);
    bank->forwarder = forwarder_free(bank->forwarder);
    bank->dispatch = core_dispatch_free(bank->dispatch);
    bank->integration.engine = engine_close(bank->integration.engine);
    bank->hold_expiry = hold_expiry_close(bank->hold_expiry);
    bank->integration.store = store_close(bank->integration.store);
    bank_store_release(&bank->store);
    bank->core_host = core_host_free(bank->core_host);
    bank->sink = message_sink_free(bank->sink);
    bank->payment_saga = saga_def_free(bank->payment_saga);
    bank->aml = aml_list_free(bank->aml);
    bank->trust = trust_slot_free(bank->trust);
    bank->signing_keys = signing_keys_free(bank->signing_keys);
    issuer_config_close(bank->issuers, bank->issuer_count);
    bank->audit_key = key_free(bank->audit_key);
    bank->node_identity = node_identity_free(bank->node_identity);
    bank->metrics = metrics_free(bank->metrics);
    if (bank->log_fd >= 0) log_release(&bank->log);
    if (bank->log_fd > STDERR_FILENO) close(bank->log_fd);
    if (bank->end_fd >= 0) close(bank->end_fd);
    if (bank->asked_fd >= 0) close(bank->asked_fd);
    if (bank->asker >= 0) close(bank->asker);
    arena_release(&bank->texts);
    pthread_mutex_destroy(&bank->relay_lock);
    free(bank);
    return NULL;
}
