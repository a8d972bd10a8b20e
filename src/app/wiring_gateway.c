/* wiring_gateway.c - what callers meet: keys, trust, documents, the authorization server, the gateway. */
#include "app/wiring_int.h"

#include "auth/external_lookup.h"
#include "domain/civil_date.h"
#include "gateway/message_signature.h"
#include "gateway/problem.h"
#include "observe/call_out.h"
#include "observe/metric_table.h"
#include "platform/clock.h"

#include <unistd.h>

static int open_trust(struct bank *bank, struct message *message) {
    struct trust_set *set;
    int r = trust_config_load(&bank->config->trust, &bank->config->options.trust_clients, &set, message);
    if (r) return err_trace(r);
    bank->trust = trust_slot_new();
    if (!bank->trust) {
        (void)trust_set_free(set);
        return err_origin(-ENOMEM);
    }
    trust_slot_put_set_take(bank->trust, set);
    return 0;
}

static void on_revocation_failure(void *ctx, const char *url, const char *reason) {
    struct bank *bank = ctx;
    log_event(&bank->log, LOG_LEVEL_WARN, "revocation_not_fetched", log_str("url", url), log_str("reason", reason));
}

/* A call to an address that others have chosen has ended: its record goes with the next commit. There is an engine, or
 * the way to another node's, before the first caller comes. */
static void on_call_out(void *ctx, const struct outbound_report *report) {
    struct bank *bank = ctx;
    char memory[CALL_OUT_RECORD_BYTES_MAX], text[INTERACTION_ID_TEXT_BYTES];
    uint8_t id[ID_BYTES];
    struct buffer json;
    check(id_parse(interaction_id_new(text), id) == 0);
    buffer_init(&json, memory, sizeof memory);
    call_out_write(report, clock_now_ms(), id, &json);
    if (!json.overflow) command_note(&bank->integration, buffer_str(&json));
}

/* The lists in files, before the first request comes. */
static int load_lists(struct bank *bank, struct message *message) {
    const struct config_strings *files = &bank->config->options.revocation_lists;
    const char *paths[CONFIG_LIST_MAX];
    struct trust_set *set = trust_slot_get(bank->trust);
    for (size_t i = 0; i < files->count; i++) paths[i] = files->at[i].at;
    int r = revocation_load(bank->revocation, paths, files->count, set, message);
    (void)trust_set_free(set);
    return r > 0 ? err_origin(-EINVAL) : err_trace(r);
}

static int open_revocation(struct bank *bank, struct message *message) {
    const struct bank_options *options = &bank->config->options;
    struct revocation_options revocation = { .policy = (enum revocation_policy)options->revocation_policy,
                                             .guard = { .hosts = options->revocation_hosts.at,
                                                        .host_count = options->revocation_hosts.count,
                                                        .http = true, /* what comes is signed */
                                                        .on_call = on_call_out,
                                                        .ctx = bank },
                                             .refresh_ms = options->revocation_refresh_ms,
                                             .on_failure = on_revocation_failure,
                                             .ctx = bank };
    if (revocation.policy == REVOCATION_OFF) return 0;
    int r = revocation_open(&revocation, &bank->revocation);
    return r ? err_trace(r) : load_lists(bank, message);
}

int bank_open_keys(struct bank *bank, struct message *message) {
    const struct bank_options *options = &bank->config->options;
    struct signing_key_set set;
    if (str_to_c(options->signing_key, bank->signing_key_path, sizeof bank->signing_key_path))
        return err_origin(-ENAMETOOLONG);
    int r = signing_key_files_load(bank->signing_key_path, &set, message);
    if (r) return err_trace(r);
    r = signing_keys_new(&set, &bank->signing_keys);
    signing_key_set_release(&set);
    return r ? err_trace(r) : err_trace(open_trust(bank, message));
}

static int document(struct bank *bank, const char *name, struct str *ret_text, struct message *message) {
    struct str path = arena_printf(&bank->texts, STR_FMT "/%s", STR_ARG(bank->config->options.api_documents), name);
    return path.at ? err_trace(bank_read_text(bank, path, ret_text, message)) : err_origin(-ENOMEM);
}

/* ---- keys of clients by URL ---- */

static void on_keys_failure(void *ctx, const char *url, const char *reason) {
    struct bank *bank = ctx;
    log_event(&bank->log, LOG_LEVEL_WARN, "client_keys_not_fetched", log_str("url", url), log_str("reason", reason));
}

/* Half of the workers at most wait for keys; the others go on. */
static int open_client_keys(struct bank *bank) {
    const struct bank_options *options = &bank->config->options;
    struct client_keys_options keys = { .guard = { .hosts = options->jwks_hosts.at,
                                                   .host_count = options->jwks_hosts.count,
                                                   .on_call = on_call_out,
                                                   .ctx = bank },
                                        .waiters_max =
                                            options->listen_workers > 1 ? (size_t)options->listen_workers / 2 : 1,
                                        .on_failure = on_keys_failure,
                                        .ctx = bank };
    if (str_to_c(options->jwks_ca, bank->jwks_ca_path, sizeof bank->jwks_ca_path)) return err_origin(-ENAMETOOLONG);
    if (options->jwks_ca.len) keys.ca_file = bank->jwks_ca_path;
    return err_trace(client_keys_open(&keys, &bank->client_keys));
}

int bank_open_auth(struct bank *bank, struct message *message) {
    const struct bank_options *options = &bank->config->options;
    struct auth_options auth = { .integration = &bank->integration,
                                 .issuer = options->issuer,
                                 .api_url = options->api_url,
                                 .bank_name = options->bank_name,
                                 .signing_keys = bank->signing_keys,
                                 .resource_servers = options->resource_servers.at,
                                 .resource_server_count = options->resource_servers.count,
                                 .sandbox = options->sandbox,
                                 .dpop_nonce = options->dpop_nonce,
                                 .refresh_rotation = options->refresh_rotation,
                                 .refresh_retry_ms = options->refresh_retry_ms,
                                 .directory_issuer = options->directory_issuer,
                                 .statement_life_ms = options->statement_life_ms,
                                 .registration_tier = options->registration_tier };
    int r =
        options->directory_keys.len ? bank_read_text(bank, options->directory_keys, &auth.directory_keys, message) : 0;
    if (!r) r = open_client_keys(bank);
    if (r) return err_trace(r);
    auth.client_keys = bank->client_keys;
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

/* Told once a change, by the cache's own thread. */
static void on_cache_state(void *ctx, bool up) {
    struct bank *bank = ctx;
    metrics_set(bank->metrics, METRIC_CACHE_UP, (struct metric_labels){ { STR("redis") } }, up);
    if (up) log_note(&bank->log, LOG_LEVEL_INFO, "cache_up");
    else log_note(&bank->log, LOG_LEVEL_WARN, "cache_gone"); /* rates are this node's own until it is back */
}

int bank_open_cache(struct bank *bank, struct message *message) {
    const struct bank_options *options = &bank->config->options;
    if (options->cache_kind != BANK_CACHE_REDIS) return 0;
    struct rate_shared_options shared = { .address = options->cache_connection,
                                          .timeout_ms = (int)options->cache_timeout_ms,
                                          .connections_max = (size_t)options->listen_workers,
                                          .on_state = on_cache_state,
                                          .ctx = bank };
    int r = rate_shared_open(&shared, &bank->rate_shared);
    if (r) message_set(message, "cannot start the connection to the cache");
    return err_trace(r);
}

/* The first instant of a day of the configuration; 0 when it is empty. */
static int day_of(struct str text, const char *key, int64_t *ret_ms, struct message *message) {
    int64_t day = 0;
    if (text.len && civil_parse(text, &day)) {
        message_set(message, "%s: want a day, as 2026-12-31", key);
        return err_origin(-EINVAL);
    }
    *ret_ms = day * GATEWAY_DAY_MS;
    return 0;
}

/* Both versions of Open Banking, and how long the older one lives. */
static int open_banking(struct bank *bank, struct gateway_options *gateway, struct message *message) {
    const struct bank_options *options = &bank->config->options;
    int r = document(bank, "open-banking-v4.0.openapi.json", &gateway->openapi_open_banking, message);
    if (!r) r = document(bank, "open-banking-v3.1.openapi.json", &gateway->openapi_open_banking_v3, message);
    if (!r) r = day_of(options->v3_deprecated, "api.v3_deprecated", &gateway->v3_deprecated_ms, message);
    if (!r) r = day_of(options->v3_sunset, "api.v3_sunset", &gateway->v3_sunset_ms, message);
    return err_trace(r);
}

/* ---- other authorization servers ---- */

static void on_issuer_keys_failure(void *ctx, const char *url, const char *reason) {
    struct bank *bank = ctx;
    log_event(&bank->log, LOG_LEVEL_WARN, "issuer_keys_not_fetched", log_str("url", url), log_str("reason", reason));
}

static void on_lookup_failure(void *ctx, struct str issuer, const char *reason) {
    struct bank *bank = ctx;
    log_event(&bank->log, LOG_LEVEL_WARN, "issuer_not_asked", log_str("issuer", issuer), log_str("reason", reason));
}

/* A cache of its own: what clients name must not reach the hosts that issuers may have. A quarter of the workers at
 * most wait for keys of issuers. */
static int open_issuer_keys(struct bank *bank, const struct outbound_guard *guard, const char *ca_file) {
    int64_t workers = bank->config->options.listen_workers;
    struct client_keys_options keys = { .guard = *guard,
                                        .ca_file = ca_file,
                                        .waiters_max = workers > 3 ? (size_t)workers / 4 : 1,
                                        .on_failure = on_issuer_keys_failure,
                                        .ctx = bank };
    int r = client_keys_open(&keys, &bank->issuer_keys);
    for (size_t i = 0; !r && i < bank->issuer_count; i++) bank->issuers[i].keys.cache = bank->issuer_keys;
    return err_trace(r);
}

static int open_lookup(struct bank *bank, const struct outbound_guard *guard, const char *ca_file) {
    struct external_lookup_options lookup = { .issuers = bank->issuers,
                                              .issuer_count = bank->issuer_count,
                                              .guard = *guard,
                                              .ca_file = ca_file,
                                              .on_failure = on_lookup_failure,
                                              .ctx = bank };
    return err_trace(external_lookup_open(&lookup, &bank->external_lookup));
}

static int open_issuers(struct bank *bank, struct message *message) {
    const struct bank_options *options = &bank->config->options;
    struct outbound_guard guard = { .hosts = options->issuer_hosts.at,
                                    .host_count = options->issuer_hosts.count,
                                    .on_call = on_call_out,
                                    .ctx = bank };
    const char *ca_file = options->issuer_ca.len ? bank->issuer_ca_path : NULL;
    bool by_url = false, asked = false;
    if (str_to_c(options->issuer_ca, bank->issuer_ca_path, sizeof bank->issuer_ca_path))
        return err_origin(-ENAMETOOLONG);
    int r = issuer_config_open(&bank->config->issuers, &bank->texts, bank->issuers, message);
    if (r) return err_trace(r);
    bank->issuer_count = bank->config->issuers.count;
    for (size_t i = 0; i < bank->issuer_count; i++) {
        by_url = by_url || bank->issuers[i].keys.jwks_uri.len;
        asked = asked || bank->issuers[i].endpoint.url.len;
    }
    if (by_url) r = open_issuer_keys(bank, &guard, ca_file);
    if (!r && asked) r = open_lookup(bank, &guard, ca_file);
    return err_trace(r);
}

int bank_prepare_gateway(struct bank *bank, struct message *message) {
    const struct bank_options *options = &bank->config->options;
    struct gateway_options gateway = gateway_options_default();
    for (size_t i = 0; i < bank->config->tier_count; i++) bank->tiers[i] = bank->config->tiers[i].tier;
    int r = str_to_c(options->listen_socket, bank->gateway_socket, sizeof bank->gateway_socket);
    if (!r) r = open_revocation(bank, message);
    if (!r) r = edge_users(options, &gateway, message);
    if (!r) r = document(bank, "giro-v1.openapi.json", &gateway.openapi_v1, message);
    if (!r) r = open_banking(bank, &gateway, message);
    if (!r) r = open_issuers(bank, message);
    if (r) return err_trace(r);
    gateway.issuers = bank->issuers;
    gateway.issuer_count = bank->issuer_count;
    gateway.external_lookup = bank->external_lookup;
    gateway.integration = &bank->integration;
    gateway.log = &bank->log;
    gateway.metrics = bank->metrics;
    gateway.trust = bank->trust;
    gateway.revocation = bank->revocation;
    gateway.edge_form = (enum edge_form)options->edge_form;
    gateway.tiers = bank->tiers;
    gateway.tier_count = bank->config->tier_count;
    gateway.socket_path = bank->gateway_socket;
    gateway.io_threads = (size_t)options->listen_io_threads;
    gateway.store_is_near = options->store_kind == BANK_STORE_SQLITE;
    gateway.workers = (size_t)options->listen_workers;
    gateway.issuer = options->issuer;
    gateway.api_url = options->api_url;
    gateway.org_id = options->bank_org_id;
    gateway.auth = bank->auth;
    gateway.client_keys = bank->client_keys;
    gateway.signing_keys = bank->signing_keys;
    gateway.idempotency_keep_ms = bank->config->idempotency_keep_ms;
    gateway.sandbox = options->sandbox;
    gateway.rate_shared = bank->rate_shared;
    gateway.unattended_reads_per_day = options->unattended_reads_per_day;
    gateway.response_check = (enum response_check)options->response_check;
    gateway.response_check_every = (uint64_t)options->response_check_every;
    gateway.queue_wait_ms_max = options->queue_wait_ms;
    gateway.addresses = bank->config->addresses.rows;
    gateway.address_count = bank->config->addresses.count;
    gateway.message_signature_check = message_signature_check;
    gateway.message_signature_sign = message_signature_sign;
    r = gateway_new(&gateway, &bank->gateway, message);
    if (r) return err_trace(r);
    bank->integration.answer_mask = gateway_answer_mask;
    bank->integration.answer_mask_ctx = bank->gateway;
    return 0;
}

int bank_open_gateway(struct bank *bank, struct message *message) {
    struct certificate_watch_options watch = { .config = bank->config,
                                               .trust = bank->trust,
                                               .revocation = bank->revocation,
                                               .log = &bank->log,
                                               .metrics = bank->metrics };
    int r = certificate_watch_start(&watch, &bank->certificate_watch);
    if (r) return err_trace(r);
    return err_trace(gateway_listen(bank->gateway, bank->inherit ? bank->inherit->gift : NULL, message));
}
