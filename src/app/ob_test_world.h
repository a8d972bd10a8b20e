/* ob_test_world.h - a small bank for tests of Open Banking: memory store, engine, gateway on a Unix socket, two clients
 * with certificates and signing keys, a customer with an account. The core does not exist here: payments that leave the
 * bank stay pending. */
#ifndef GIRO_APP_OB_TEST_WORLD_H
#define GIRO_APP_OB_TEST_WORLD_H

#include "auth/signing_keys.h"
#include "gateway/exchange.h"
#include "gateway/gateway.h"
#include "gateway/message_signature.h"
#include "integration/bus/event_json.h"
#include "integration/command/command_run.h"
#include "integration/saga/payment_saga.h"
#include "platform/clock.h"
#include "platform/encoding.h"
#include "platform/file.h"
#include "platform/http_client.h"
#include "services/consents/payment_consent.h"
#include "services/customers/customer.h"
#include "services/identity/client.h"
#include "services/identity/grant.h"
#include "store/store.h"
#include "wire/jws_detached.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#define WORLD_STORE "ob_payments_test"
#define WORLD_BANK_ORG "0015800000jfBANKAA"
#define WORLD_TAN "openbanking.org.uk"

enum { WORLD_CLIENTS = 2 };

struct world_client {
    const char *name, *org_id, *software_id;
    struct client_id id;
    struct key *key; /* of messages and of the certificate */
    struct certificate *certificate;
    struct str edge_certificate; /* as the edge escapes it */
    struct str client_token;     /* client credentials */
};

struct world {
    struct arena arena;
    struct store *store;
    struct engine *engine;
    struct saga_def *saga;
    struct fraud_policy fraud;
    struct aml_list *aml;
    struct integration integration;
    struct authority *authority;
    struct trust_slot *trust;
    struct key *bank_key;
    struct signing_keys *signing_keys;
    struct jwks *bank_keys;
    struct world_client clients[WORLD_CLIENTS];
    struct customer_id customer_id;
    struct account_id account_id;
    struct gateway *gateway;
    struct http_client *http;
    char folder[64], socket_path[96];
    unsigned next_key;
};

/* The engine's clock may be ahead of the gateway's; it never goes back. */
static _Atomic int64_t world_engine_ahead_ms;
static inline int64_t world_engine_now_ms(void) {
    return clock_now_ms() + world_engine_ahead_ms;
}

/* ---- commands of the test: rows that other parts of the program would write ---- */

struct world_input {
    const struct table *table;
    const void *row;
    const char *service;
    struct consent_id consent_id;
    struct customer_id customer_id;
    struct account_id account_id;
};

static inline int world_insert_decide(struct work *work, struct command *command) {
    const struct world_input *input = command->input;
    struct view view = view_of(work, input->service);
    return view_insert(&view, input->table, input->row);
}
static inline int world_authorise_decide(struct work *work, struct command *command) {
    const struct world_input *input = command->input;
    return payment_consent_authorise(work, input->consent_id.bytes, input->customer_id.bytes, input->account_id.bytes);
}
static inline int world_reject_decide(struct work *work, struct command *command) {
    const struct world_input *input = command->input;
    return payment_consent_reject(work, input->consent_id.bytes);
}

static inline void world_run(struct world *world, int (*decide)(struct work *work, struct command *command),
                             struct world_input *input) {
    struct command_kind kind = { .name = "test", .decide = decide };
    struct command_call call = { .arena = &world->arena };
    assert_int_equal(command_run(&world->integration, &call, &kind, input), 0);
    assert_int_equal(call.answer.result, ANSWER_DONE);
    assert_int_equal(call.answer.refusal, 0);
}

static inline void world_insert(struct world *world, const char *service, const struct table *table, const void *row) {
    struct world_input input = { .table = table, .row = row, .service = service };
    world_run(world, world_insert_decide, &input);
}

/* What the customer grants now, under which its tokens stand. */
static inline void world_grant(struct world *world, const struct token_row *token) {
    struct grant_row row = { .scope = token->scope, .granted_ms = clock_now_ms(), .expires_ms = GRANT_NEVER_MS };
    memcpy(row.grant_id, token->grant_id, 16);
    memcpy(row.client_id, token->client_id, 16);
    memcpy(row.customer_id, token->customer_id, 16);
    memcpy(row.consent_id, token->consent_id, 16);
    world_insert(world, "identity", &grant_table, &row);
}

/* A token of a client, for a customer and a consent or (NULL) for itself. */
static inline struct str world_token(struct world *world, const struct world_client *client, const char *scope,
                                     const struct consent_id *consent_id) {
    struct str text = arena_printf(&world->arena, "token-%u", world->next_key++);
    struct token_row row = { .token_hash = sha256_str(text),
                             .scope = str_from_c(scope),
                             .issued_ms = clock_now_ms(),
                             .certificate_hash = client->certificate->sha256,
                             .expires_ms = clock_now_ms() + 600000 };
    memcpy(row.client_id, client->id.bytes, 16);
    if (consent_id) {
        memcpy(row.consent_id, consent_id->bytes, 16);
        memcpy(row.customer_id, world->customer_id.bytes, 16);
        memcpy(row.grant_id, row.token_hash.bytes, 16);
        world_grant(world, &row);
    }
    world_insert(world, "identity", &token_table, &row);
    return text;
}

/* The key that signs answers may be away for a while: what was created is not answered then. */
static bool world_signing_fails;
static inline int world_message_signature_sign(struct exchange *exchange) {
    return world_signing_fails && exchange->status == 201 ? -EIO : message_signature_sign(exchange);
}

/* The gateway's clock may be ahead of the engine's. */
static _Atomic int64_t world_ahead_ms;
static inline int64_t world_now_ms(void) {
    return clock_now_ms() + world_ahead_ms;
}
#define WORLD_V3_DEPRECATED_MS INT64_C(1735689600000) /* 2025-01-01 */
#define WORLD_V3_SUNSET_MS INT64_C(4070908800000)     /* 2099-01-01 */

/* ---- birth ---- */

static inline void world_on_followup(void *ctx, const struct followup *followup) {
    (void)ctx;
    (void)followup;
}
static inline void world_on_fault(void *ctx, const char *command, int code) {
    char path[512];
    (void)ctx;
    err_path(code, path, sizeof path);
    print_error("fault of %s: %s\n", command, path);
}
static inline void world_on_unknown(void *ctx) {
    (void)ctx;
    check(false);
}

static inline void world_open_engine(struct world *world) {
    struct message message = { { 0 } };
    struct store_options store = { .ops = &store_memory_ops, .path = WORLD_STORE };
    struct engine_options engine = { .encode_event = event_json_write,
                                     .now_ms = world_engine_now_ms,
                                     .on_followup = world_on_followup,
                                     .on_fault = world_on_fault,
                                     .on_unknown = world_on_unknown };
    struct str text;
    store.tables = integration_tables(&store.table_count);
    assert_int_equal(store_open(&store, &world->store, &message), 0);
    engine.store = world->store;
    assert_int_equal(engine_open(&engine, &world->engine, &message), 0);
    assert_int_equal(engine_start(world->engine), 0);
    assert_int_equal(file_read_all("sagas/payment.asl.json", 256 * 1024, &world->arena, &text, NULL), 0);
    if (saga_def_compile(text, &payment_saga_registry, &world->saga, &message)) fail_msg("%s", message.text);
    assert_int_equal(aml_list_read(STR("7,\"EVIL BADMAN\"\n"), &world->aml, &message), 0);
    fraud_policy_init(&world->fraud);
    world->integration = (struct integration){ .store = world->store,
                                               .engine = world->engine,
                                               .payment_saga = world->saga,
                                               .fraud = &world->fraud,
                                               .aml = world->aml,
                                               .country = "GB",
                                               .bank_code = "GIRO",
                                               .sort_code = "200000",
                                               .sandbox = true };
}

static inline void world_open_authority(struct world *world) {
    char path[96], memory[CERTIFICATE_PEM_BYTES_MAX];
    const char *paths[] = { path };
    struct buffer pem;
    struct trust *trust;
    struct message message = { { 0 } };
    struct certificate_request request = { .organization = STR("Test CA"),
                                           .common_name = STR("Test CA"),
                                           .not_before_ms = clock_now_ms() - 60000,
                                           .not_after_ms = clock_now_ms() + 3600000 };
    (void)snprintf(path, sizeof path, "%s/ca.pem", world->folder);
    buffer_init(&pem, memory, sizeof memory);
    assert_int_equal(authority_create(KEY_TYPE_EC_P256, &request, &world->authority), 0);
    assert_int_equal(certificate_write_pem(authority_certificate(world->authority), &pem), 0);
    assert_int_equal(file_write_atomic(path, buffer_str(&pem), 0600, NULL), 0);
    assert_int_equal(trust_load(paths, 1, &trust, &message), 0);
    world->trust = trust_slot_new();
    check(trust_slot_put_take(world->trust, trust) == 0);
}

static inline void world_open_client(struct world *world, struct world_client *client) {
    char memory[CERTIFICATE_PEM_BYTES_MAX], escaped_memory[3 * CERTIFICATE_PEM_BYTES_MAX], jwks_memory[4096];
    struct buffer pem, escaped, jwks;
    struct certificate_request request = { .use = CERTIFICATE_FOR_CLIENT,
                                           .organization = STR("TPP"),
                                           .organization_id = str_from_c(client->org_id),
                                           .unit = str_from_c(client->software_id),
                                           .common_name = str_from_c(client->name),
                                           .not_before_ms = clock_now_ms() - 60000,
                                           .not_after_ms = clock_now_ms() + 3600000 };
    buffer_init(&pem, memory, sizeof memory);
    buffer_init(&escaped, escaped_memory, sizeof escaped_memory);
    buffer_init(&jwks, jwks_memory, sizeof jwks_memory);
    assert_int_equal(key_generate(KEY_TYPE_RSA, &client->key), 0);
    assert_int_equal(authority_issue(world->authority, &request, client->key, &client->certificate), 0);
    assert_int_equal(certificate_write_pem(client->certificate, &pem), 0);
    percent_encode(&escaped, buffer_str(&pem));
    client->edge_certificate = arena_dup(&world->arena, buffer_str(&escaped));
    struct jwk jwk = { .kid = STR("k1"), .key = client->key };
    assert_int_equal(jwks_write(&jwks, &jwk, 1), 0);
    struct client_row row = { .name = str_from_c(client->name),
                              .display_name = str_from_c(client->name),
                              .tier = STR("open_banking_tpp"),
                              .org_id = str_from_c(client->org_id),
                              .software_id = str_from_c(client->software_id),
                              .scope = STR("payments accounts"),
                              .jwks = buffer_str(&jwks) };
    memcpy(row.client_id, client->id.bytes, 16);
    world_insert(world, "identity", &client_table, &row);
    client->client_token = world_token(world, client, "payments", NULL);
}

/* An account of a customer of that login that is made with it, with the sort code 200000. */
static inline struct account_id world_open_account(struct world *world, const char *login, struct str number,
                                                   int64_t fund_minor) {
    struct customer_row row = { .login = str_from_c(login), .name = str_from_c(login), .created_ms = 1 };
    struct command_call call = { .arena = &world->arena };
    struct account_open_input input = { .customer_login = row.login,
                                        .name = STR("Current account"),
                                        .sort_code = STR("200000"),
                                        .account_number = number,
                                        .fund_minor = fund_minor };
    struct account_id account_id;
    struct iban iban;
    struct str bban = arena_printf(&world->arena, "GIRO200000" STR_FMT, STR_ARG(number));
    memset(row.customer_id, login[0], 16);
    world_insert(world, "customers", &customer_table, &row);
    assert_int_equal(currency_parse(STR("GBP"), &input.currency), 0);
    assert_int_equal(iban_make(STR("GB"), bban, &iban), 0);
    input.iban = iban_reveal(&iban);
    assert_int_equal(command_account_open(&world->integration, &call, &input), 0);
    assert_true(call.answer.result == ANSWER_DONE && call.answer.refusal == 0);
    memcpy(account_id.bytes, call.answer.resource_id, 16);
    return account_id;
}

static inline void world_open_gateway(struct world *world) {
    static const struct rate_tier tiers[] = { { .name = "open_banking_tpp" } };
    char jwks_memory[4096];
    struct buffer jwks;
    struct message message = { { 0 } };
    struct gateway_options options = gateway_options_default();
    struct http_client_options http = http_client_options_default();
    assert_int_equal(key_generate(KEY_TYPE_RSA, &world->bank_key), 0);
    struct signing_key_set set = { .keys = { [SIGNING_CURRENT] = world->bank_key } };
    assert_int_equal(signing_keys_new(&set, &world->signing_keys), 0);
    struct signing_set *published = signing_set_take(world->signing_keys);
    struct jwk jwk = *signing_set_current(published);
    signing_set_release(published); /* the set stays as it is */
    buffer_init(&jwks, jwks_memory, sizeof jwks_memory);
    assert_true(jwks_write(&jwks, &jwk, 1) == 0 && jwks_parse(buffer_str(&jwks), &world->bank_keys, NULL) == 0);
    (void)snprintf(world->socket_path, sizeof world->socket_path, "%s/api.sock", world->folder);
    options.integration = &world->integration;
    options.trust = world->trust;
    options.tiers = tiers;
    options.tier_count = ARRAY_COUNT(tiers);
    options.socket_path = world->socket_path;
    options.allowed_uids[0] = getuid();
    options.allowed_uid_count = 1;
    options.response_check = RESPONSE_CHECK_FAIL;
    options.unattended_reads_per_day = 0; /* its own test counts them */
    options.workers = 4;
    options.issuer = STR("https://bank.example:8444");
    options.api_url = STR("https://bank.example:8443");
    options.org_id = STR(WORLD_BANK_ORG);
    options.signing_keys = world->signing_keys;
    options.message_signature_check = message_signature_check;
    options.message_signature_sign = world_message_signature_sign;
    assert_int_equal(
        file_read_all("api/giro-v1.openapi.json", JSON_BYTES_MAX, &world->arena, &options.openapi_v1, NULL), 0);
    assert_int_equal(file_read_all("api/open-banking-v4.0.openapi.json", JSON_BYTES_MAX, &world->arena,
                                   &options.openapi_open_banking, NULL),
                     0);
    assert_int_equal(file_read_all("api/open-banking-v3.1.openapi.json", JSON_BYTES_MAX, &world->arena,
                                   &options.openapi_open_banking_v3, NULL),
                     0);
    options.now_ms = world_now_ms;
    options.v3_deprecated_ms = WORLD_V3_DEPRECATED_MS;
    options.v3_sunset_ms = WORLD_V3_SUNSET_MS;
    if (gateway_start(&options, &world->gateway, &message)) fail_msg("%s", message.text);
    http.unix_path = world->socket_path;
    assert_int_equal(http_client_new(&http, &world->http), 0);
}

static inline int world_open(struct world *world) {
    *world = (struct world){
        .clients = { { .name = "acme-tpp", .org_id = "0015800000jfQ9aAAE", .software_id = "4VgMwnVtNRYuVN0JvX5tmO" },
                     { .name = "beta-tpp", .org_id = "0015800000jfQ9bAAE", .software_id = "5VgMwnVtNRYuVN0JvX5tmO" } }
    };
    (void)snprintf(world->folder, sizeof world->folder, "/tmp/ob_test_XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    assert_int_equal(arena_init(&world->arena, 1024 * 1024, 64 * 1024 * 1024), 0);
    world_open_engine(world);
    world_open_authority(world);
    for (size_t i = 0; i < WORLD_CLIENTS; i++) {
        memset(world->clients[i].id.bytes, (int)i + 1, 16);
        world_open_client(world, &world->clients[i]);
    }
    memset(world->customer_id.bytes, 'm', 16);
    world->account_id = world_open_account(world, "mia", STR("00000042"), 100000);
    world_open_gateway(world);
    return 0;
}

static inline int world_close(struct world *world) {
    (void)http_client_free(world->http);
    gateway_drain(world->gateway, 5000);
    engine_stop(world->engine);
    (void)gateway_free(world->gateway);
    (void)engine_close(world->engine);
    (void)store_close(world->store);
    store_memory_forget(WORLD_STORE);
    for (size_t i = 0; i < WORLD_CLIENTS; i++) {
        (void)certificate_free(world->clients[i].certificate);
        (void)key_free(world->clients[i].key);
    }
    (void)saga_def_free(world->saga);
    (void)aml_list_free(world->aml);
    (void)trust_slot_free(world->trust);
    (void)authority_free(world->authority);
    (void)jwks_free(world->bank_keys);
    (void)key_free(world->bank_key);
    (void)signing_keys_free(world->signing_keys);
    arena_release(&world->arena);
    return dir_remove(world->folder, NULL);
}

/* ---- calls ---- */

struct world_call {
    const struct world_client *client;
    const char *method, *path;  /* behind base */
    const char *base;           /* NULL: /open-banking/v4.0/pisp */
    struct http_header more[2]; /* .name empty: none */
    struct str token;           /* .len 0: none is sent */
    struct str key;             /* x-idempotency-key; .len 0: none is sent */
    struct str body;
    struct str signature; /* .len 0: one of the client's is made for a body; "-": none is sent */
    bool unsigned_answer; /* the answer may lack the bank's signature */
};
struct world_answer {
    int status;
    const struct json *json; /* NULL without a body */
    struct str signature, interaction_id, replayed, body;
    struct str etag, cache_control, deprecation, sunset, retry_after, allow;
    const char *error; /* ErrorCode of the first error, or "" */
    const char *error_path;
};

static inline struct str world_new_key(struct world *world) {
    return arena_printf(&world->arena, "key-%u", world->next_key++);
}

static inline struct jws_detached_signer world_signer(struct world *world, const struct world_client *client) {
    struct str issuer = arena_printf(&world->arena, "%s/%s", client->org_id, client->software_id);
    return (struct jws_detached_signer){
        .key = client->key, .kid = STR("k1"), .issuer = issuer, .trust_anchor = STR(WORLD_TAN)
    };
}

static inline struct str world_sign(struct world *world, const struct jws_detached_signer *signer, struct str body,
                                    int64_t now_ms) {
    char memory[JWS_DETACHED_BYTES_MAX];
    struct buffer value;
    buffer_init(&value, memory, sizeof memory);
    assert_int_equal(jws_detached_sign(signer, body, now_ms, &world->arena, &value), 0);
    return arena_dup(&world->arena, buffer_str(&value));
}

static inline void world_add(struct http_header *headers, size_t *count, struct str name, struct str value) {
    if (value.len) headers[(*count)++] = (struct http_header){ .name = name, .value = value };
}

/* Every answer with a body must be signed by the bank, errors too (uk/J7). */
static inline void world_verify(struct world *world, const struct http_result *result) {
    static const struct str issuers[] = { STR_INIT(WORLD_BANK_ORG) }, anchors[] = { STR_INIT(WORLD_TAN) };
    struct jws_detached_rules rules = { .wanted = true,
                                        .keys = world->bank_keys,
                                        .issuers = issuers,
                                        .issuer_count = 1,
                                        .trust_anchors = anchors,
                                        .trust_anchor_count = 1,
                                        .now_ms = clock_now_ms() };
    struct str value = http_headers_get(result->headers, result->header_count, STR("x-jws-signature"));
    assert_int_equal(jws_detached_verify(value, result->body, &rules, &world->arena, NULL), 0);
}

static inline void world_keep_headers(struct world_answer *answer, const struct http_result *result) {
    answer->body = result->body;
    answer->etag = http_headers_get(result->headers, result->header_count, STR("ETag"));
    answer->cache_control = http_headers_get(result->headers, result->header_count, STR("Cache-Control"));
    answer->deprecation = http_headers_get(result->headers, result->header_count, STR("Deprecation"));
    answer->sunset = http_headers_get(result->headers, result->header_count, STR("Sunset"));
    answer->retry_after = http_headers_get(result->headers, result->header_count, STR("Retry-After"));
    answer->allow = http_headers_get(result->headers, result->header_count, STR("Allow"));
}

static inline struct world_answer world_send(struct world *world, const struct world_call *call) {
    struct http_header headers[16];
    size_t count = 0;
    struct http_result result;
    struct message message = { { 0 } };
    struct str signature = call->signature;
    if (!signature.len && call->body.len) {
        struct jws_detached_signer signer = world_signer(world, call->client);
        signature = world_sign(world, &signer, call->body, clock_now_ms());
    }
    world_add(headers, &count, STR("X-OB-Listener"), STR("mtls"));
    world_add(headers, &count, STR("X-OB-Client-Address"), STR("127.0.0.1"));
    world_add(headers, &count, STR("X-OB-Client-Cert"), call->client->edge_certificate);
    if (call->token.len)
        world_add(headers, &count, STR("Authorization"),
                  arena_printf(&world->arena, "Bearer " STR_FMT, STR_ARG(call->token)));
    world_add(headers, &count, STR("x-idempotency-key"), call->key);
    if (!str_equal(signature, STR("-"))) world_add(headers, &count, STR("x-jws-signature"), signature);
    if (call->body.len) world_add(headers, &count, STR("Content-Type"), STR("application/json"));
    for (size_t i = 0; i < ARRAY_COUNT(call->more); i++)
        if (call->more[i].name.len) headers[count++] = call->more[i];
    struct str url = arena_printf(&world->arena, "http://bank.example%s%s",
                                  call->base ? call->base : "/open-banking/v4.0/pisp", call->path);
    struct http_call http = {
        .method = str_from_c(call->method), .url = url, .headers = headers, .header_count = count, .body = call->body
    };
    if (http_client_run(world->http, &http, &world->arena, &result, &message)) fail_msg("%s", message.text);
    struct world_answer answer = { .status = result.status, .error = "", .error_path = "" };
    answer.signature = http_headers_get(result.headers, result.header_count, STR("x-jws-signature"));
    answer.interaction_id = http_headers_get(result.headers, result.header_count, STR("x-fapi-interaction-id"));
    answer.replayed = http_headers_get(result.headers, result.header_count, STR("Idempotent-Replayed"));
    world_keep_headers(&answer, &result);
    if (!result.body.len) return answer;
    assert_int_equal(json_parse_arena(result.body, JSON_BYTES_MAX, JSON_DEPTH_MAX, &world->arena, &answer.json), 0);
    const struct json *error = json_at(json_get(answer.json, "Errors"), 0);
    answer.error = arena_dup(&world->arena, json_get_string(error, "ErrorCode")).at;
    answer.error_path = arena_dup(&world->arena, json_get_string(error, "Path")).at;
    bool is_signed = result.status != 404 && !call->unsigned_answer; /* what is no endpoint has no signature */
    if (is_signed) world_verify(world, &result);
    return answer;
}

#endif
