/* wiring_gateway.c - what callers meet: keys, trust, documents, the authorization server, the gateway. */
#include "app/wiring_int.h"

#include "gateway/message_signature.h"
#include "platform/encoding.h"
#include "wire/jwks.h"

#include <unistd.h>

int bank_open_keys(struct bank *bank, struct message *message) {
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
    return path.at ? err_trace(bank_read_text(bank, path, ret_text, message)) : err_origin(-ENOMEM);
}

int bank_open_auth(struct bank *bank, struct message *message) {
    const struct bank_options *options = &bank->config->options;
    struct auth_options auth = { .integration = &bank->integration,
                                 .issuer = options->issuer,
                                 .api_url = options->api_url,
                                 .signing_key = bank->signing_key,
                                 .sandbox = options->sandbox,
                                 .dpop_nonce = options->dpop_nonce,
                                 .refresh_rotation = options->refresh_rotation,
                                 .refresh_retry_ms = options->refresh_retry_ms,
                                 .directory_issuer = options->directory_issuer,
                                 .statement_life_ms = options->statement_life_ms,
                                 .registration_tier = options->registration_tier };
    int r =
        options->directory_keys.len ? bank_read_text(bank, options->directory_keys, &auth.directory_keys, message) : 0;
    if (r) return err_trace(r);
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

int bank_prepare_gateway(struct bank *bank, struct message *message) {
    const struct bank_options *options = &bank->config->options;
    struct gateway_options gateway = gateway_options_default();
    for (size_t i = 0; i < bank->config->tier_count; i++) bank->tiers[i] = bank->config->tiers[i].tier;
    int r = str_to_c(options->listen_socket, bank->gateway_socket, sizeof bank->gateway_socket);
    if (!r) r = edge_users(options, &gateway, message);
    if (!r) r = document(bank, "giro-v1.openapi.json", &gateway.openapi_v1, message);
    if (!r) r = document(bank, "open-banking-v4.0.openapi.json", &gateway.openapi_open_banking, message);
    if (!r) r = issuer_config_open(&bank->config->issuers, &bank->texts, bank->issuers, message);
    if (r) return err_trace(r);
    bank->issuer_count = bank->config->issuers.count;
    gateway.issuers = bank->issuers;
    gateway.issuer_count = bank->issuer_count;
    gateway.integration = &bank->integration;
    gateway.log = &bank->log;
    gateway.metrics = bank->metrics;
    gateway.trust = bank->trust;
    gateway.tiers = bank->tiers;
    gateway.tier_count = bank->config->tier_count;
    gateway.socket_path = bank->gateway_socket;
    gateway.io_threads = (size_t)options->listen_io_threads;
    gateway.workers = (size_t)options->listen_workers;
    gateway.issuer = options->issuer;
    gateway.api_url = options->api_url;
    gateway.org_id = options->bank_org_id;
    gateway.auth = bank->auth;
    gateway.signing_key = bank->signing_key;
    gateway.signing_key_id = bank->signing_kid;
    gateway.idempotency_keep_ms = bank->config->idempotency_keep_ms;
    gateway.sandbox = options->sandbox;
    gateway.message_signature_check = message_signature_check;
    gateway.message_signature_sign = message_signature_sign;
    return err_trace(gateway_new(&gateway, &bank->gateway, message));
}

int bank_open_gateway(struct bank *bank, struct message *message) {
    return err_trace(gateway_listen(bank->gateway, bank->inherit ? bank->inherit->gift : NULL, message));
}
