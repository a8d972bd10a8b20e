/* gateway_world.h - a whole bank behind the gateway's socket, for tests: memory store, engine, saga, two clients with
 * certificates and tokens, accounts with money. The caller plays the edge. No core: payments to other banks stay
 * pending. */
#ifndef GIRO_APP_GATEWAY_WORLD_H
#define GIRO_APP_GATEWAY_WORLD_H

#include "auth/signing_keys.h"
#include "engine/journal.h"
#include "gateway/gateway.h"
#include "gateway/message_signature.h"
#include "integration/bus/event_json.h"
#include "integration/integration.h"
#include "integration/saga/payment_saga.h"
#include "platform/clock.h"
#include "platform/encoding.h"
#include "platform/net.h"
#include "platform/trust_set.h"
#include "services/consents/payment_consent.h"
#include "services/identity/client.h"
#include "services/identity/token.h"

#include <fcntl.h>
#include <unistd.h>

#define INTERACTION "93bac548-d2de-4546-b106-880a5018460d" /* a caller's interaction id */

enum {
    WORLD_HOUR_MS = 3600000,
    WORLD_HEADER_BYTES_MAX = 8 * 1024,
    WORLD_ANSWER_BYTES_MAX = 256 * 1024,
    WORLD_WAIT_MS = 20000
};

/* Certificates as the edge writes them. */
enum world_certificate {
    WORLD_ACME,        /* client "acme", active; all tokens but one are its own */
    WORLD_ACME_SECOND, /* another good certificate of the same client */
    WORLD_BETA,      /* client "beta", active, in a tier of one request a second with a burst of two and three a day */
    WORLD_SUSPENDED, /* client "gone", suspended */
    WORLD_STRANGER,  /* acme's names, issued by a CA that nobody trusts */
    WORLD_OTHER_ORG, /* acme's software id with another organization id */
    WORLD_NOBODY,    /* trusted, not registered */
    WORLD_EXPIRED,
    WORLD_NARROW,    /* client "narrow", registered with the role PSP_AI alone; token "narrow" */
    WORLD_ELSEWHERE, /* client "elsewhere", of a directory that has no trust list */
    WORLD_CERTIFICATES
};

struct world {
    char folder[32];
    struct store *store;
    struct engine *engine;
    struct fraud_policy fraud;
    struct aml_list *aml;
    struct saga_def *saga;
    struct integration integration;
    struct trust_slot *trust;
    struct metrics *metrics;
    struct gateway *gateway;
    struct gateway_options options;
    struct log log;
    int log_fd;
    char socket_path[64];
    char openapi[256 * 1024], openapi_open_banking[512 * 1024], openapi_open_banking_v3[512 * 1024];
    struct key *signing_key;
    struct signing_keys *signing_keys;
    char certificates[WORLD_CERTIFICATES][WORLD_HEADER_BYTES_MAX];
    struct account_id account, other_account, foreign_account; /* GBP 1,000.00; GBP 0; beta's, GBP 50.00 */
    char iban[40], other_iban[40];
    char answer[WORLD_ANSWER_BYTES_MAX];
};

struct world_answer {
    int status;
    struct str head, body; /* in world->answer, until the next one */
};

/* ---- certificates ---- */

static inline void put_certificate(struct world *world, enum world_certificate which,
                                   const struct certificate *certificate) {
    char memory[CERTIFICATE_PEM_BYTES_MAX];
    struct buffer pem, header;
    buffer_init(&pem, memory, sizeof memory);
    buffer_init(&header, world->certificates[which], WORLD_HEADER_BYTES_MAX - 1);
    check(certificate_write_pem(certificate, &pem) == 0);
    percent_encode(&header, buffer_str(&pem));
    check(!header.overflow);
}

static inline struct hash issue(struct world *world, const struct authority *authority, enum world_certificate which,
                                const char *org_id, const char *software_id) {
    struct certificate_request request = { .use = CERTIFICATE_FOR_CLIENT,
                                           .organization = STR("Test"),
                                           .organization_id = str_from_c(org_id),
                                           .unit = str_from_c(software_id),
                                           .common_name = STR("test"),
                                           .not_before_ms = clock_now_ms() - 24LL * WORLD_HOUR_MS,
                                           .not_after_ms = clock_now_ms() + 24LL * WORLD_HOUR_MS };
    struct certificate *certificate;
    struct key *key;
    if (which == WORLD_EXPIRED) request.not_after_ms = clock_now_ms() - WORLD_HOUR_MS;
    if (which == WORLD_ACME_SECOND) request.not_after_ms = clock_now_ms() + 72LL * WORLD_HOUR_MS; /* after its CA */
    check(key_generate(KEY_TYPE_EC_P256, &key) == 0);
    check(authority_issue(authority, &request, key, &certificate) == 0);
    put_certificate(world, which, certificate);
    struct hash hash = certificate->sha256;
    (void)certificate_free(certificate);
    (void)key_free(key);
    return hash;
}

static inline struct authority *make_authority(const char *name) {
    struct certificate_request request = { .organization = STR("Test"),
                                           .common_name = str_from_c(name),
                                           .not_before_ms = clock_now_ms() - 48LL * WORLD_HOUR_MS,
                                           .not_after_ms = clock_now_ms() + 48LL * WORLD_HOUR_MS };
    struct authority *authority;
    check(authority_create(KEY_TYPE_EC_P256, &request, &authority) == 0);
    return authority;
}

static inline void load_trust(struct world *world, const struct authority *authority) {
    char path[64], memory[CERTIFICATE_PEM_BYTES_MAX];
    const char *paths[] = { path };
    struct trust *trust;
    struct buffer pem;
    buffer_init(&pem, memory, sizeof memory);
    check(certificate_write_pem(authority_certificate(authority), &pem) == 0);
    (void)snprintf(path, sizeof path, "%s/ca.pem", world->folder);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    check(fd >= 0 && write(fd, pem.at, pem.len) == (ssize_t)pem.len && close(fd) == 0);
    check(trust_load(paths, 1, &trust, NULL) == 0 && unlink(path) == 0);
    world->trust = trust_slot_new();
    check(world->trust != NULL);
    check(trust_slot_put_take(world->trust, trust) == 0);
}

/* ---- rows ---- */

static inline void insert(struct world *world, const struct table *table, const void *row) {
    struct store_change change = { .table = table, .kind = STORE_INSERT, .row = row };
    check(store_commit(world->store, &change, 1) == 0);
}

struct client_seed {
    uint8_t number;
    const char *name, *org_id, *software_id, *tier;
    enum client_status status;
    const char *roles, *directory;
};

static inline void put_client(struct world *world, const struct client_seed *seed) {
    struct client_row row = { .client_id = { seed->number },
                              .name = str_from_c(seed->name),
                              .display_name = str_from_c(seed->name),
                              .status = (int64_t)seed->status,
                              .tier = str_from_c(seed->tier),
                              .org_id = str_from_c(seed->org_id),
                              .software_id = str_from_c(seed->software_id),
                              .scope = STR("payments accounts"),
                              .redirect_uris = STR(""),
                              .jwks = STR("{}"),
                              .roles = str_from_c(seed->roles),
                              .directory = str_from_c(seed->directory),
                              .created_ms = 1 };
    insert(world, &client_table, &row);
}

struct token_seed {
    const char *text, *scope;
    uint8_t client, customer, consent;
    int64_t lives_ms, revoked_ms;
};

static inline void put_token(struct world *world, const struct token_seed *seed, const struct hash *certificate) {
    int64_t now_ms = clock_now_ms();
    struct token_row row = { .token_hash = sha256_str(str_from_c(seed->text)),
                             .client_id = { seed->client },
                             .customer_id = { seed->customer },
                             .consent_id = { seed->consent },
                             .scope = str_from_c(seed->scope),
                             .certificate_hash = *certificate,
                             .issued_ms = now_ms,
                             .expires_ms = now_ms + seed->lives_ms,
                             .revoked_ms = seed->revoked_ms };
    insert(world, &token_table, &row);
}

static inline void put_consent(struct world *world) {
    struct payment_consent_row row = { .consent_id = { 7 },
                                       .client_id = { 1 },
                                       .customer_id = { 5 },
                                       .status = CONSENT_AUTH,
                                       .initiation = STR("{}"),
                                       .risk = STR("{}"),
                                       .document = STR("{}"),
                                       .currency = 1,
                                       .amount_minor = 1,
                                       .creditor_name = STR("x"),
                                       .creditor_scheme = STR(""),
                                       .creditor_identification = STR(""),
                                       .debtor_scheme = STR(""),
                                       .debtor_identification = STR(""),
                                       .created_ms = 1,
                                       .status_ms = 1 };
    insert(world, &payment_consent_table, &row);
}

static inline void put_tokens(struct world *world, const struct hash *acme, const struct hash *beta) {
    static const struct token_seed of_acme[] = {
        { "good", "payments accounts", 1, 0, 0, WORLD_HOUR_MS, 0 },
        { "payments-only", "payments", 1, 0, 0, WORLD_HOUR_MS, 0 },
        { "accounts-only", "openid accounts", 1, 0, 0, WORLD_HOUR_MS, 0 },
        { "expired", "payments accounts", 1, 0, 0, -1, 0 },
        { "revoked", "payments accounts", 1, 0, 0, WORLD_HOUR_MS, 1 },
        { "not-its-client", "payments accounts", 2, 0, 0, WORLD_HOUR_MS, 0 },
        { "customer", "payments accounts", 1, 5, 0, WORLD_HOUR_MS, 0 },
        { "consent", "payments accounts", 1, 5, 7, WORLD_HOUR_MS, 0 },
        { "no-consent", "payments accounts", 1, 5, 8, WORLD_HOUR_MS, 0 },
    };
    static const struct token_seed of_beta = { "beta", "payments accounts", 2, 0, 0, WORLD_HOUR_MS, 0 };
    for (size_t i = 0; i < ARRAY_COUNT(of_acme); i++) put_token(world, &of_acme[i], acme);
    put_token(world, &of_beta, beta);
}

static inline void seed(struct world *world) {
    static const struct client_seed clients[] = {
        { 1, "acme", "PSDGB-FCA-1", "acme-software", "open_banking_tpp", CLIENT_ACTIVE, NULL, NULL },
        { 2, "beta", "PSDGB-FCA-2", "beta-software", "tiny", CLIENT_ACTIVE, NULL, NULL },
        { 3, "gone", "PSDGB-FCA-3", "gone-software", "open_banking_tpp", CLIENT_SUSPENDED, NULL, NULL },
        { 4, "narrow", "PSDGB-FCA-4", "narrow-software", "open_banking_tpp", CLIENT_ACTIVE, "PSP_AI", NULL },
        { 5, "elsewhere", "PSDGB-FCA-5", "else-software", "open_banking_tpp", CLIENT_ACTIVE, NULL, "obie" },
    };
    struct authority *ours = make_authority("Ours"), *theirs = make_authority("Theirs");
    load_trust(world, ours);
    struct hash acme = issue(world, ours, WORLD_ACME, "PSDGB-FCA-1", "acme-software");
    struct hash beta = issue(world, ours, WORLD_BETA, "PSDGB-FCA-2", "beta-software");
    (void)issue(world, ours, WORLD_ACME_SECOND, "PSDGB-FCA-1", "acme-software");
    (void)issue(world, ours, WORLD_SUSPENDED, "PSDGB-FCA-3", "gone-software");
    (void)issue(world, theirs, WORLD_STRANGER, "PSDGB-FCA-1", "acme-software");
    (void)issue(world, ours, WORLD_OTHER_ORG, "PSDGB-FCA-2", "acme-software");
    (void)issue(world, ours, WORLD_NOBODY, "PSDGB-FCA-9", "no-software");
    (void)issue(world, ours, WORLD_EXPIRED, "PSDGB-FCA-1", "acme-software");
    static const struct token_seed of_narrow = { "narrow", "payments accounts", 4, 0, 0, WORLD_HOUR_MS, 0 };
    static const struct token_seed of_elsewhere = { "elsewhere", "payments accounts", 5, 0, 0, WORLD_HOUR_MS, 0 };
    struct hash narrow = issue(world, ours, WORLD_NARROW, "PSDGB-FCA-4", "narrow-software");
    struct hash elsewhere = issue(world, ours, WORLD_ELSEWHERE, "PSDGB-FCA-5", "else-software");
    put_token(world, &of_narrow, &narrow);
    put_token(world, &of_elsewhere, &elsewhere);
    for (size_t i = 0; i < ARRAY_COUNT(clients); i++) put_client(world, &clients[i]);
    put_tokens(world, &acme, &beta);
    put_consent(world);
    (void)authority_free(ours);
    (void)authority_free(theirs);
}

/* ---- the layers below ---- */

static inline void on_followup(void *ctx, const struct followup *followup) {
    (void)ctx;
    (void)followup; /* nothing leaves this world */
}
static inline void on_fault(void *ctx, const char *command, int code) {
    char path[1024];
    (void)ctx;
    err_path(code, path, sizeof path);
    (void)fprintf(stderr, "%s: %s\n", command, path);
}
static inline void on_unknown(void *ctx) {
    (void)ctx;
}

/* The engine's clock may be ahead of the gateway's; it never goes back. */
static _Atomic int64_t world_engine_ahead_ms;
static inline int64_t world_engine_now_ms(void) {
    return clock_now_ms() + world_engine_ahead_ms;
}

static inline struct str read_text(const char *path, char *memory, size_t bytes_max) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    check(fd >= 0);
    ssize_t n = read(fd, memory, bytes_max);
    check(n > 0 && (size_t)n < bytes_max && close(fd) == 0);
    return str_from_bytes(memory, (size_t)n);
}

static inline void open_bank(struct world *world) {
    static char saga_text[64 * 1024];
    size_t table_count;
    struct message message = { { 0 } };
    struct store_options store = { .ops = &store_memory_ops, .tables = integration_tables(&table_count) };
    store.table_count = table_count;
    check(store_open(&store, &world->store, &message) == 0);
    seed(world);
    struct engine_options engine = { .store = world->store,
                                     .encode_event = event_json_write,
                                     .on_followup = on_followup,
                                     .on_fault = on_fault,
                                     .on_unknown = on_unknown,
                                     .ctx = world,
                                     .now_ms = world_engine_now_ms };
    check(engine_open(&engine, &world->engine, &message) == 0 && engine_start(world->engine) == 0);
    struct str text = read_text("sagas/payment.asl.json", saga_text, sizeof saga_text);
    if (saga_def_compile(text, &payment_saga_registry, &world->saga, &message))
        (void)fprintf(stderr, "%s\n", message.text);
    check(world->saga != NULL);
    fraud_policy_init(&world->fraud);
    check(aml_list_read(STR("1,\"BLOCKED PERSON\"\n"), &world->aml, &message) == 0);
    world->integration = (struct integration){ .store = world->store,
                                               .engine = world->engine,
                                               .payment_saga = world->saga,
                                               .fraud = &world->fraud,
                                               .aml = world->aml,
                                               .country = "GB",
                                               .bank_code = "GIRO",
                                               .sort_code = "040004",
                                               .sandbox = true };
}

static inline struct account_id open_account(struct world *world, const char *client, int64_t fund_minor,
                                             char iban[40]) {
    struct arena arena;
    struct account_id account_id;
    size_t from, to;
    check(arena_init(&arena, 4096, 64 * 1024) == 0);
    struct command_call call = { .arena = &arena };
    struct account_open_input input = {
        .client_name = str_from_c(client), .name = STR("Test"), .fund_minor = fund_minor, .business = true
    };
    check(currency_parse(STR("GBP"), &input.currency) == 0);
    check(command_account_open(&world->integration, &call, &input) == 0);
    if (call.answer.refusal) (void)fprintf(stderr, "account_open: %s\n", call.answer.refusal_name);
    check(call.answer.result == ANSWER_DONE && call.answer.refusal == 0);
    memcpy(account_id.bytes, call.answer.resource_id, sizeof account_id.bytes);
    check(str_find(call.answer.body, STR("\"iban\":\""), &from));
    from += strlen("\"iban\":\"");
    check(str_find(str_slice(call.answer.body, from, call.answer.body.len), STR("\""), &to));
    check(str_to_c(str_slice(call.answer.body, from, from + to), iban, 40) == 0);
    arena_release(&arena);
    return account_id;
}

static _Atomic int64_t world_ahead_ms; /* how far the gateway's clock is ahead */

static inline int64_t world_now_ms(void) {
    return clock_now_ms() + world_ahead_ms;
}

static inline void start_gateway(struct world *world) {
    static const struct rate_tier tiers[] = { { "open_banking_tpp", 100000, 100000, 500000 }, { "tiny", 1, 2, 3 } };
    struct message message = { { 0 } };
    check(metrics_new(metric_families, METRIC_FAMILY_COUNT, &world->metrics) == 0);
    world->options = gateway_options_default();
    world->options.integration = &world->integration;
    world->options.log = &world->log;
    world->options.metrics = world->metrics;
    world->options.trust = world->trust;
    world->options.tiers = tiers;
    world->options.tier_count = ARRAY_COUNT(tiers);
    world->options.openapi_v1 = read_text("api/giro-v1.openapi.json", world->openapi, sizeof world->openapi);
    world->options.openapi_open_banking = read_text("api/open-banking-v4.0.openapi.json", world->openapi_open_banking,
                                                    sizeof world->openapi_open_banking);
    world->options.openapi_open_banking_v3 = read_text(
        "api/open-banking-v3.1.openapi.json", world->openapi_open_banking_v3, sizeof world->openapi_open_banking_v3);
    check(key_generate(KEY_TYPE_RSA, &world->signing_key) == 0);
    struct signing_key_set set = { .keys = { [SIGNING_CURRENT] = world->signing_key } };
    check(signing_keys_new(&set, &world->signing_keys) == 0);
    world->options.signing_keys = world->signing_keys;
    world->options.org_id = STR("PSDGB-FCA-0");
    world->options.issuer = STR("https://localhost:8444");
    world->options.api_url = STR("https://localhost:8443");
    world->options.message_signature_check = message_signature_check;
    world->options.message_signature_sign = message_signature_sign;
    world->options.socket_path = world->socket_path;
    world->options.allowed_uids[0] = getuid();
    world->options.allowed_uid_count = 1;
    world->options.now_ms = world_now_ms;
    world->options.response_check = RESPONSE_CHECK_FAIL;
    world->options.workers = 4;
    world->options.requests_max = 64;
    world->options.store_is_near = true;
    if (gateway_start(&world->options, &world->gateway, &message)) (void)fprintf(stderr, "%s\n", message.text);
    check(world->gateway != NULL);
}

/* Another gateway with the options as they are now; the bank behind it goes on. */
static inline void restart_gateway(struct world *world) {
    struct message message = { { 0 } };
    gateway_drain(world->gateway, 5000);
    world->gateway = gateway_free(world->gateway);
    if (gateway_start(&world->options, &world->gateway, &message)) (void)fprintf(stderr, "%s\n", message.text);
    check(world->gateway != NULL);
}

/* Everything runs. Faults end the test. */
static inline struct world *world_open(void) {
    char path[64], iban[40];
    struct world *world = calloc(1, sizeof *world);
    check(world != NULL);
    (void)snprintf(world->folder, sizeof world->folder, "/tmp/giro-world-XXXXXX");
    check(mkdtemp(world->folder) != NULL);
    (void)snprintf(world->socket_path, sizeof world->socket_path, "%s/api.sock", world->folder);
    (void)snprintf(path, sizeof path, "%s/log", world->folder);
    world->log_fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    check(world->log_fd >= 0 && unlink(path) == 0);
    log_init(&world->log, world->log_fd, LOG_LEVEL_INFO);
    open_bank(world);
    world->account = open_account(world, "acme", 100000, world->iban);
    world->other_account = open_account(world, "acme", 0, world->other_iban);
    world->foreign_account = open_account(world, "beta", 5000, iban);
    start_gateway(world);
    return world;
}

static inline void world_close(struct world *world) {
    gateway_drain(world->gateway, 5000);
    engine_stop(world->engine);
    (void)gateway_free(world->gateway);
    (void)engine_close(world->engine);
    (void)store_close(world->store);
    (void)saga_def_free(world->saga);
    (void)aml_list_free(world->aml);
    (void)trust_slot_free(world->trust);
    (void)metrics_free(world->metrics);
    (void)key_free(world->signing_key);
    (void)signing_keys_free(world->signing_keys);
    log_release(&world->log);
    check(close(world->log_fd) == 0 && rmdir(world->folder) == 0);
    free(world);
}

/* ---- the edge ---- */

static inline size_t content_length(struct str head) {
    size_t at;
    uint64_t length = 0;
    struct str line;
    if (!str_find(head, STR("\r\nContent-Length: "), &at)) return 0;
    struct str rest = str_slice(head, at + strlen("\r\nContent-Length: "), head.len);
    check(str_cut(&rest, '\r', &line) && str_to_u64(line, &length) == 0);
    return (size_t)length;
}

/* Sends the bytes as they are and reads one answer. */
static inline struct world_answer world_send(struct world *world, struct str bytes) {
    int64_t deadline_ms = clock_mono_ms() + WORLD_WAIT_MS;
    size_t len = 0, got = 1, head_end;
    struct world_answer answer = { 0 };
    int fd;
    check(net_connect_unix(world->socket_path, deadline_ms, &fd) == 0);
    check(net_send_all(fd, bytes.at, bytes.len, deadline_ms) == 0);
    for (;;) {
        struct str all = str_from_bytes(world->answer, len);
        if (str_find(all, STR("\r\n\r\n"), &head_end) &&
            len >= head_end + 4 + content_length(str_slice(all, 0, head_end + 2)))
            break;
        check(got > 0 && len < sizeof world->answer);
        check(net_receive_some(fd, world->answer + len, sizeof world->answer - len, deadline_ms, &got) == 0);
        len += got;
    }
    net_close(fd);
    answer.head = str_from_bytes(world->answer, head_end + 2);
    answer.body = str_from_bytes(world->answer + head_end + 4, len - head_end - 4);
    check(str_starts(answer.head, STR("HTTP/1.1 ")) && len > 12);
    for (size_t i = 9; i < 12; i++) answer.status = answer.status * 10 + (world->answer[i] - '0');
    return answer;
}

/* The value of the answer's first header of that name; empty when there is none. */
static inline struct str world_header(const struct world_answer *answer, const char *name) {
    char start[64];
    size_t at;
    struct str value;
    (void)snprintf(start, sizeof start, "\r\n%s: ", name);
    if (!str_find(answer->head, str_from_c(start), &at)) return (struct str){ 0 };
    struct str rest = str_slice(answer->head, at + strlen(start), answer->head.len);
    (void)str_cut(&rest, '\r', &value);
    return value;
}

/* What the log says so far. */
static inline struct str world_log(struct world *world, char *text, size_t bytes_max) {
    ssize_t n = pread(world->log_fd, text, bytes_max, 0);
    check(n >= 0);
    return str_from_bytes(text, (size_t)n);
}

/* A request as the edge would send it. NULL = as usual, "" = left out. */
struct ask {
    const char *line;                          /* "GET /v1/accounts" */
    const char *listener;                      /* "mtls" */
    const enum world_certificate *certificate; /* NULL: acme's */
    const char *authorization;                 /* "Bearer good" */
    const char *key;                           /* none unless the method is POST: then a fresh one */
    const char *type;                          /* "application/json" with a body */
    const char *more;                          /* further header lines, each with its line end */
    const char *body;
};

static inline void world_put_header(struct buffer *out, const char *name, const char *value, const char *usual) {
    if (!value) value = usual;
    if (value && value[0]) buffer_printf(out, "%s: %s\r\n", name, value);
}

static inline struct world_answer world_ask(struct world *world, const struct ask *ask) {
    static char memory[96 * 1024];
    static int key_number;
    char key[32];
    struct buffer out;
    struct str body = str_from_c(ask->body);
    enum world_certificate which = ask->certificate ? *ask->certificate : WORLD_ACME;
    bool post = strncmp(ask->line, "POST", 4) == 0;
    (void)snprintf(key, sizeof key, "key-%d", ++key_number);
    buffer_init(&out, memory, sizeof memory);
    buffer_printf(&out, "%s HTTP/1.1\r\nHost: localhost\r\n", ask->line);
    world_put_header(&out, "X-OB-Listener", ask->listener, "mtls");
    if (which != WORLD_CERTIFICATES) world_put_header(&out, "X-OB-Client-Cert", world->certificates[which], NULL);
    world_put_header(&out, "Authorization", ask->authorization, "Bearer good");
    world_put_header(&out, "Idempotency-Key", ask->key, post ? key : NULL);
    world_put_header(&out, "Content-Type", ask->type, body.len ? "application/json" : NULL);
    if (body.len || post) buffer_printf(&out, "Content-Length: %zu\r\n", body.len);
    if (ask->more) buffer_append_c(&out, ask->more);
    buffer_append_c(&out, "\r\n");
    buffer_append_str(&out, body);
    check(!out.overflow);
    return world_send(world, buffer_str(&out));
}

static inline bool contains(struct str text, const char *what) {
    size_t at;
    return str_find(text, str_from_c(what), &at);
}

/* The audit record of the call with that interaction id, copied into text; empty when the journal has none. */
struct world_audit_search {
    struct str interaction_id;
    struct buffer found;
};

static inline int world_audit_look(void *ctx, const void *row) {
    struct world_audit_search *search = ctx;
    struct str body = ((const struct journal_row *)row)->body, json;
    enum journal_frame type;
    bool good = true;
    size_t at;
    while (journal_frame_next(&body, &type, &json, &good)) {
        if (type != JOURNAL_AUDIT || !str_find(json, search->interaction_id, &at)) continue;
        buffer_append_str(&search->found, json);
        return 1;
    }
    check(good);
    return 0;
}

static inline struct str world_audit(struct world *world, const char *interaction_id, char *text, size_t bytes_max) {
    struct world_audit_search search = { .interaction_id = str_from_c(interaction_id) };
    struct store_range newest = { .table = &engine_journal_table, .descending = true, .limit = STORE_RANGE_ROWS_MAX };
    struct store_reader *reader;
    struct arena arena;
    buffer_init(&search.found, text, bytes_max);
    check(arena_init(&arena, 64 * 1024, 64 * 1024 * 1024) == 0);
    check(store_reader_open(world->store, &reader) == 0);
    check(store_range(reader, &newest, &arena, world_audit_look, &search) >= 0);
    (void)store_reader_close(reader);
    arena_release(&arena);
    return buffer_str(&search.found);
}

static inline const char *payment_body(struct world *world, const char *value, const char *iban) {
    static char body[512];
    char id[ID_TEXT_BYTES];
    (void)snprintf(body, sizeof body,
                   "{\"debtor_account_id\":\"%s\",\"creditor\":{\"name\":\"Ada Example\",\"iban\":\"%s\"},"
                   "\"amount\":{\"value\":\"%s\",\"currency\":\"GBP\"},\"reference\":\"Invoice\"}",
                   id_format(world->account.bytes, id).at, iban, value);
    return body;
}

static inline const char *account_line(const struct account_id *account_id, const char *rest) {
    static char line[128];
    char id[ID_TEXT_BYTES];
    (void)snprintf(line, sizeof line, "GET /v1/accounts/%s%s", id_format(account_id->bytes, id).at, rest);
    return line;
}

#endif
