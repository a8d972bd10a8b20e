#include "app/wiring.h"

#include "app/admin.h"
#include "auth/auth.h"
#include "gateway/message_signature.h"
#include "gateway/operations.h"
#include "integration/acl/core_dispatch.h"
#include "integration/acl/message_sink.h"
#include "integration/bus/event_json.h"
#include "integration/bus/relay.h"
#include "integration/bus/reporting.h"
#include "integration/integration.h"
#include "integration/jobs.h"
#include "integration/saga/payment_saga.h"
#include "integration/saga/saga_check.h"
#include "observe/metric_table.h"
#include "platform/clock.h"
#include "platform/encoding.h"
#include "platform/file.h"
#include "wire/jwks.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { BANK_TEXT_BYTES_MAX = 32 * 1024 * 1024, BANK_GAUGES_ROWS = STORE_RANGE_ROWS_MAX };

struct bank {
    const struct bank_config *config;
    struct arena texts; /* documents, as long as the bank lives */
    struct log log;
    int log_fd, end_fd;
    struct metrics *metrics;
    struct integration integration;
    struct saga_def *payment_saga;
    struct fraud_policy fraud;
    struct aml_list *aml;
    struct core_host *core_host;
    struct core_dispatch *dispatch;
    struct message_sink *sink;
    struct relay_consumer consumers[3];
    pthread_mutex_t relay_lock;
    struct relay *relay; /* the engine's thread wakes it, under relay_lock: once NULL, nobody is inside */
    struct relay *relay_owned;
    struct jobs *jobs;
    struct trust_slot *trust;
    struct key *signing_key;
    char signing_key_id[64]; /* base64url of the thumbprint */
    struct str signing_kid;
    struct rate_tier tiers[BANK_TIERS_MAX];
    struct auth *auth;
    struct gateway *gateway;
    struct operations *operations;
    struct admin *admin;
    struct reader operations_reader; /* of the operations port's thread */
    struct arena operations_arena;
    _Atomic bool answering; /* the gateway listens */
    _Atomic bool stopping;
};

/* ---- what the engine and the dispatch tell ---- */

static void on_followup(void *ctx, const struct followup *followup) {
    struct bank *bank = ctx;
    if (bank->dispatch) core_dispatch_follow(bank->dispatch, followup);
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

static void set_relay(struct bank *bank, struct relay *relay) {
    pthread_mutex_lock(&bank->relay_lock);
    bank->relay = relay;
    pthread_mutex_unlock(&bank->relay_lock);
}

static void on_fault(void *ctx, const char *operation, int code) {
    struct bank *bank = ctx;
    log_fault(&bank->log, operation, code, (struct str){ 0 });
}

static void on_unknown(void *ctx) {
    struct bank *bank = ctx;
    uint64_t one = 1;
    log_note(&bank->log, LOG_LEVEL_ERROR, "commit_unknown");
    (void)!write(bank->end_fd, &one, sizeof one); /* an eventfd with room: cannot fail */
}

/* ---- parts, in the order in which they open ---- */

static int read_text(struct bank *bank, struct str path, struct str *ret_text, struct message *message) {
    char name[BANK_PATH_BYTES_MAX];
    if (str_to_c(path, name, sizeof name)) {
        message_set(message, "a path in the configuration is too long");
        return err_origin(-ENAMETOOLONG);
    }
    return err_trace(file_read_all(name, BANK_TEXT_BYTES_MAX, &bank->texts, ret_text, message));
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

static int open_policies(struct bank *bank, struct message *message) {
    const struct bank_options *options = &bank->config->options;
    struct str text;
    fraud_policy_init(&bank->fraud);
    bank->fraud.personal_amount_units = options->fraud_personal_amount;
    bank->fraud.business_amount_units = options->fraud_business_amount;
    bank->fraud.personal_per_minute = options->fraud_personal_per_minute;
    int r = read_text(bank, options->fraud_creditors, &text, message);
    if (!r) r = fraud_policy_read_creditors(&bank->fraud, text, message);
    if (!r) r = read_text(bank, options->aml_names, &text, message);
    if (!r) r = aml_list_read(text, &bank->aml, message);
    return err_trace(r);
}

/* Compiles the payment saga and refuses one that is not proven safe. */
static int open_saga(struct bank *bank, struct message *message) {
    struct str text;
    struct saga_report *report = malloc(sizeof *report);
    if (!report) return err_origin(-ENOMEM);
    int r = read_text(bank, bank->config->options.payment_saga, &text, message);
    if (!r) r = saga_def_compile(text, &payment_saga_registry, &bank->payment_saga, message);
    if (!r) r = saga_check(bank->payment_saga, report);
    if (r == SAGA_E_UNSAFE)
        message_set(message, "the payment saga is not safe: %s",
                    report->count ? report->findings[0].text : "see giro saga check");
    free(report);
    return r > 0 ? err_origin(-EINVAL) : err_trace(r);
}

static int open_store(struct bank *bank, struct message *message) {
    const struct bank_options *options = &bank->config->options;
    char path[BANK_PATH_BYTES_MAX], migrations[BANK_PATH_BYTES_MAX];
    struct store_options store = { .ops = &store_sqlite_ops, .path = path, .migrations = migrations };
    if (str_to_c(options->store_path, path, sizeof path) ||
        str_to_c(options->store_migrations, migrations, sizeof migrations))
        return err_origin(-ENAMETOOLONG);
    store.tables = integration_tables(&store.table_count);
    int r = store_open(&store, &bank->integration.store, message);
    if (r) return err_trace(r);
    struct engine_options engine = { .store = bank->integration.store,
                                     .encode_event = event_json_write,
                                     .on_followup = on_followup,
                                     .on_committed = on_committed,
                                     .on_fault = on_fault,
                                     .on_unknown = on_unknown,
                                     .ctx = bank };
    return err_trace(engine_open(&engine, &bank->integration.engine, message));
}

static int fill_integration(struct bank *bank) {
    const struct bank_options *options = &bank->config->options;
    bank->integration.payment_saga = bank->payment_saga;
    bank->integration.fraud = &bank->fraud;
    bank->integration.aml = bank->aml;
    bank->integration.metrics = bank->metrics;
    bank->integration.sandbox = options->sandbox;
    if (str_to_c(options->bank_country, bank->integration.country, sizeof bank->integration.country) ||
        str_to_c(options->bank_code, bank->integration.bank_code, sizeof bank->integration.bank_code) ||
        str_to_c(options->bank_sort_code, bank->integration.sort_code, sizeof bank->integration.sort_code))
        return err_origin(-EINVAL);
    return 0;
}

static int open_core(struct bank *bank, struct message *message) {
    const struct bank_options *options = &bank->config->options;
    char host[256], layouts[BANK_PATH_BYTES_MAX];
    if (str_to_c(options->core_host, host, sizeof host) || str_to_c(options->core_layouts, layouts, sizeof layouts))
        return err_origin(-ENAMETOOLONG);
    struct core_host_options core = { .host = host,
                                      .port = (uint16_t)options->core_port,
                                      .layouts_folder = layouts,
                                      .connections_max = (int)options->core_connections,
                                      .deadline_ms = (int)options->core_deadline_ms };
    int r = core_host_new(&core, &bank->core_host, message);
    if (r) return err_trace(r);
    struct core_dispatch_options dispatch = { .core = bank->core_host,
                                              .integration = &bank->integration,
                                              .threads = (size_t)options->core_connections,
                                              .breaker = breaker_core_banking,
                                              .on_fault = on_fault,
                                              .ctx = bank };
    dispatch.breaker.failures_max = (int)options->core_breaker_failures;
    dispatch.breaker.open_ms = options->core_breaker_open_ms;
    if (dispatch.breaker.enquiry_first_ms > dispatch.breaker.open_ms / 2)
        dispatch.breaker.enquiry_first_ms = dispatch.breaker.open_ms / 2;
    r = core_dispatch_new(&dispatch, &bank->dispatch);
    if (r) return err_trace(r);
    bank->integration.core = bank->dispatch;
    return err_trace(core_dispatch_start(bank->dispatch)); /* now that on_followup sees it */
}

static int open_bus(struct bank *bank) {
    const struct bank_options *options = &bank->config->options;
    char host[256];
    if (str_to_c(options->sink_host, host, sizeof host)) return err_origin(-ENAMETOOLONG);
    int r = message_sink_new(host, (uint16_t)options->sink_port, &bank->sink);
    if (r) return err_trace(r);
    bank->consumers[0] = (struct relay_consumer){
        .name = "notifications", .wants = message_sink_wants, .deliver = message_sink_deliver, .ctx = bank->sink
    };
    bank->consumers[1] =
        (struct relay_consumer){ .name = "reporting", .wants = reporting_wants, .apply = reporting_apply };
    bank->consumers[2] = (struct relay_consumer){ .name = "metrics",
                                                  .wants = reporting_wants,
                                                  .deliver = reporting_measure,
                                                  .ctx = bank->metrics,
                                                  .ephemeral = true };
    r = relay_start(&bank->integration, bank->consumers, ARRAY_COUNT(bank->consumers), &bank->relay_owned);
    set_relay(bank, bank->relay_owned);
    return err_trace(r);
}

/* The background work of this node; a job is a line of the table. */
static int open_jobs(struct bank *bank) {
    struct jobs_options jobs = { .integration = &bank->integration, .on_fault = on_fault, .ctx = bank };
    return err_trace(jobs_start(&jobs, &bank->jobs));
}

static int open_keys(struct bank *bank, struct message *message) {
    const struct bank_options *options = &bank->config->options;
    char path[BANK_PATH_BYTES_MAX];
    const char *paths[TRUST_FILES_MAX];
    struct secret_bytes pem;
    if (str_to_c(options->signing_key, path, sizeof path)) return err_origin(-ENAMETOOLONG);
    int r = secret_load_text(path, KEY_PEM_BYTES_MAX, &pem, message);
    if (r) return r > 0 ? err_origin(-EACCES) : err_trace(r);
    r = key_load_pem(secret_str(&pem), &bank->signing_key);
    secret_release(&pem);
    if (r) {
        message_set(message, "%s holds no key that can sign: want RSA of 2048 bits or more in PEM", path);
        return r > 0 ? err_origin(-EINVAL) : err_trace(r);
    }
    struct hash thumbprint;
    struct buffer kid;
    r = jwk_thumbprint(bank->signing_key, &thumbprint);
    if (r) return err_fold(r);
    buffer_init(&kid, bank->signing_key_id, sizeof bank->signing_key_id);
    base64url_encode(&kid, thumbprint.bytes, sizeof thumbprint.bytes);
    bank->signing_kid = buffer_str(&kid);
    for (size_t i = 0; i < options->trust_clients.count; i++)
        paths[i] = options->trust_clients.at[i].at; /* NUL behind each: config's arena */
    struct trust *trust;
    r = trust_load(paths, options->trust_clients.count, &trust, message);
    if (r) return r > 0 ? err_origin(-EINVAL) : err_trace(r);
    bank->trust = trust_slot_new();
    if (!bank->trust) {
        trust_free(trust);
        return err_origin(-ENOMEM);
    }
    trust_slot_put_take(bank->trust, trust);
    return 0;
}

static int document(struct bank *bank, const char *name, struct str *ret_text, struct message *message) {
    struct str path = arena_printf(&bank->texts, STR_FMT "/%s", STR_ARG(bank->config->options.api_documents), name);
    return path.at ? err_trace(read_text(bank, path, ret_text, message)) : err_origin(-ENOMEM);
}

static int open_auth(struct bank *bank, struct message *message) {
    const struct bank_options *options = &bank->config->options;
    struct auth_options auth = { .integration = &bank->integration,
                                 .issuer = options->issuer,
                                 .api_url = options->api_url,
                                 .signing_key = bank->signing_key,
                                 .sandbox = options->sandbox };
    return err_trace(auth_open(&auth, &bank->auth, message));
}

/* Who may open the socket: the edge's users, or this process's own. */
static int edge_users(const struct bank_options *options, struct gateway_options *gateway, struct message *message) {
    for (size_t i = 0; i < options->listen_users.count; i++) {
        uint64_t uid;
        if (str_to_u64(options->listen_users.at[i], &uid) || uid > UINT32_MAX) {
            message_set(message, "listen.users: want user ids as numbers");
            return err_origin(-EINVAL);
        }
        gateway->allowed_uids[gateway->allowed_uid_count++] = (uid_t)uid;
    }
    if (!gateway->allowed_uid_count) gateway->allowed_uids[gateway->allowed_uid_count++] = getuid();
    return 0;
}

static int open_gateway(struct bank *bank, struct message *message) {
    const struct bank_options *options = &bank->config->options;
    struct gateway_options gateway = gateway_options_default();
    char socket_path[BANK_PATH_BYTES_MAX];
    for (size_t i = 0; i < bank->config->tier_count; i++) bank->tiers[i] = bank->config->tiers[i].tier;
    int r = str_to_c(options->listen_socket, socket_path, sizeof socket_path);
    if (!r) r = edge_users(options, &gateway, message);
    if (!r) r = document(bank, "giro-v1.openapi.json", &gateway.openapi_v1, message);
    if (!r) r = document(bank, "open-banking-v4.0.openapi.json", &gateway.openapi_open_banking, message);
    if (r) return err_trace(r);
    gateway.integration = &bank->integration;
    gateway.log = &bank->log;
    gateway.metrics = bank->metrics;
    gateway.trust = bank->trust;
    gateway.tiers = bank->tiers;
    gateway.tier_count = bank->config->tier_count;
    gateway.socket_path = socket_path;
    gateway.io_threads = (size_t)options->listen_io_threads;
    gateway.workers = (size_t)options->listen_workers;
    gateway.issuer = options->issuer;
    gateway.api_url = options->api_url;
    gateway.org_id = options->bank_org_id;
    gateway.auth = bank->auth;
    gateway.signing_key = bank->signing_key;
    gateway.signing_key_id = bank->signing_kid;
    gateway.sandbox = options->sandbox;
    gateway.message_signature_check = message_signature_check;
    gateway.message_signature_sign = message_signature_sign;
    return err_trace(gateway_start(&gateway, &bank->gateway, message));
}

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
    look_at_dispatch(bank);
    int r = look_at_unknown(bank, &bank->operations_reader, &bank->operations_arena);
    if (r) on_fault(bank, "gauges", r);
    log_flush(&bank->log);
}

static const char *why_not_ready(void *ctx) {
    struct bank *bank = ctx;
    struct engine_state state;
    engine_state(bank->integration.engine, &state);
    if (!bank->answering) return "starting";
    if (bank->stopping) return "draining";
    return state.writable ? NULL : "store_full";
}

static int open_operations(struct bank *bank, struct message *message) {
    struct operations_options operations = { .port = (uint16_t)bank->config->options.operations_port,
                                             .metrics = bank->metrics,
                                             .why_not_ready = why_not_ready,
                                             .refresh = refresh,
                                             .ctx = bank };
    int r = arena_init(&bank->operations_arena, 64 * 1024, BANK_TEXT_BYTES_MAX);
    if (!r) r = reader_open(bank->integration.store, &bank->operations_reader);
    return r ? err_trace(r) : err_trace(operations_start(&operations, &bank->operations, message));
}

static int open_admin(struct bank *bank, struct message *message) {
    char path[BANK_PATH_BYTES_MAX];
    struct admin_options admin = {
        .integration = &bank->integration, .core_dispatch = bank->dispatch, .path = path, .log = &bank->log
    };
    if (str_to_c(bank->config->options.admin_socket, path, sizeof path)) return err_origin(-ENAMETOOLONG);
    return err_trace(admin_start(&admin, &bank->admin, message));
}

/* ---- start and stop ---- */

static int bank_open(struct bank *bank, struct message *message) {
    int r = arena_init(&bank->texts, 64 * 1024, BANK_TEXT_BYTES_MAX * 2);
    if (!r) r = open_log(bank, message);
    if (!r) r = fill_integration(bank);
    if (!r) r = open_policies(bank, message);
    if (!r) r = open_saga(bank, message);
    if (!r) r = open_keys(bank, message);
    if (!r) r = fill_integration(bank);
    if (!r) r = open_store(bank, message);
    if (!r) r = engine_start(bank->integration.engine);
    if (!r) r = open_core(bank, message);
    if (!r) r = open_bus(bank);
    if (!r) r = open_jobs(bank);
    if (!r) r = open_operations(bank, message);
    if (!r) r = open_admin(bank, message);
    if (!r) r = open_auth(bank, message);
    if (!r) r = open_gateway(bank, message); /* last: now callers may come (O1) */
    return err_trace(r);
}

int bank_start(const struct bank_config *config, struct bank **ret_bank, struct message *message) {
    struct bank *bank = calloc(1, sizeof *bank);
    if (!bank) return err_origin(-ENOMEM);
    bank->config = config;
    check(pthread_mutex_init(&bank->relay_lock, NULL) == 0);
    bank->log_fd = -1;
    bank->end_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    message_set(message, "%s", "");
    int r = bank->end_fd < 0 ? err_origin(-errno) : bank_open(bank, message);
    if (r) {
        char path[256];
        err_path(r, path, sizeof path);
        if (message && !message->text[0]) message_set(message, "cannot start: %s", path);
        bank_stop(bank);
        return err_trace(r);
    }
    bank->answering = true;
    log_note(&bank->log, LOG_LEVEL_INFO, "started");
    *ret_bank = bank;
    return 0;
}

int bank_end_fd(const struct bank *bank) {
    return bank->end_fd;
}

static void stop_threads(struct bank *bank) {
    bank->stopping = true;
    if (bank->gateway) gateway_drain(bank->gateway, BANK_DRAIN_MS); /* O2 */
    bank->admin = admin_stop(bank->admin);
    bank->operations = operations_free(bank->operations);
    if (bank->operations_reader.store) reader_close(&bank->operations_reader);
    arena_release(&bank->operations_arena);
    set_relay(bank, NULL); /* the engine's thread stops waking it */
    if (bank->dispatch) core_dispatch_stop(bank->dispatch);
    bank->jobs = jobs_stop(bank->jobs); /* waits for its portion's command: the engine still runs */
}

struct bank *bank_stop(struct bank *bank) {
    if (!bank) return NULL;
    stop_threads(bank);
    bank->relay_owned = relay_stop(bank->relay_owned); /* waits for its cursor's last move: the engine still runs */
    if (bank->integration.engine) engine_stop(bank->integration.engine);
    bank->gateway = gateway_free(bank->gateway);
    bank->auth = auth_close(bank->auth);
    bank->dispatch = core_dispatch_free(bank->dispatch);
    bank->integration.engine = engine_close(bank->integration.engine);
    bank->integration.store = store_close(bank->integration.store);
    bank->core_host = core_host_free(bank->core_host);
    bank->sink = message_sink_free(bank->sink);
    bank->payment_saga = saga_def_free(bank->payment_saga);
    bank->aml = aml_list_free(bank->aml);
    bank->trust = trust_slot_free(bank->trust);
    bank->signing_key = key_free(bank->signing_key);
    bank->metrics = metrics_free(bank->metrics);
    if (bank->log_fd >= 0) log_release(&bank->log);
    if (bank->log_fd > STDERR_FILENO) close(bank->log_fd);
    if (bank->end_fd >= 0) close(bank->end_fd);
    arena_release(&bank->texts);
    pthread_mutex_destroy(&bank->relay_lock);
    free(bank);
    return NULL;
}
