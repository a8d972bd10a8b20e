/* auth_test_world.h - a bank in memory for the tests of the authorization server: store, engine, two clients, two
 * customers with accounts, and the clients' side of the protocol. Included once by a test. */
#ifndef GIRO_APP_AUTH_TEST_WORLD_H
#define GIRO_APP_AUTH_TEST_WORLD_H

#include "auth/auth.h"
#include "integration/integration.h"
#include "platform/encoding.h"
#include "platform/random.h"
#include "platform/totp.h"
#include "services/consents/payment_consent.h"
#include "services/identity/client.h"
#include "wire/form.h"
#include "wire/jose.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>

#include <cmocka.h>

void store_memory_forget(const char *path); /* store_memory_int.h is the store's own */

#define ISSUER "https://localhost:8444"
#define REDIRECT_URI "https://tpp.example/back"
enum { WORLD_GUESSES_MAX = 20 };
#define PASSWORD "correct horse"
#define TOTP_SECRET "12345678901234567890"

static atomic_llong world_now_ms;
static int64_t world_clock(void) {
    return atomic_load(&world_now_ms);
}

struct world {
    struct store *store;
    struct engine *engine;
    struct integration integration;
    struct auth *auth;
    struct query *query;
    struct arena arena; /* of one test */
    struct key *bank_key;
    struct signing_keys *signing_keys;
    struct call acme, gamma; /* the certificates' clients */
    struct key *acme_key, *gamma_key;
    struct command_call command;
    int jti;
    bool waits; /* requests wait for the engine as the gateway's do, instead of blocking */
    atomic_bool answered;
};

static void encode_event(struct buffer *out, const struct event *event) {
    buffer_append_c(out, event_type_name(event->type));
}
static void on_followup(void *ctx, const struct followup *followup) {
    (void)ctx;
    (void)followup;
}
static void on_unknown(void *ctx) {
    (void)ctx;
    fail();
}
static void on_fault(void *ctx, const char *command, int code) {
    (void)ctx;
    fail_msg("%s failed with %d", command, code);
}
static void on_committed(void *ctx, int64_t seq, uint32_t commands, int64_t ns) {
    (void)ctx;
    (void)seq;
    (void)commands;
    (void)ns;
}

static void world_up(struct world *world) {
    struct message message = { 0 };
    struct store_options store = { .ops = &store_memory_ops, .path = "auth_test" };
    store.tables = integration_tables(&store.table_count);
    assert_int_equal(store_open(&store, &world->store, &message), 0);
    struct engine_options engine = { .store = world->store,
                                     .encode_event = encode_event,
                                     .on_followup = on_followup,
                                     .on_unknown = on_unknown,
                                     .on_fault = on_fault,
                                     .on_committed = on_committed,
                                     .ctx = world,
                                     .now_ms = world_clock };
    assert_int_equal(engine_open(&engine, &world->engine, &message), 0);
    assert_int_equal(engine_start(world->engine), 0);
    world->integration = (struct integration){
        .store = world->store, .engine = world->engine, .country = "GB", .bank_code = "GIRO", .sandbox = true
    };
    struct auth_options auth = { .integration = &world->integration,
                                 .issuer = STR(ISSUER),
                                 .api_url = STR("https://localhost:8443"),
                                 .signing_keys = world->signing_keys,
                                 .sandbox = true,
                                 .guesses_max = WORLD_GUESSES_MAX,
                                 .now_ms = world_clock };
    assert_int_equal(auth_open(&auth, &world->auth, &message), 0);
    assert_int_equal(query_open(&world->integration, &world->query), 0);
}

static void world_down(struct world *world) {
    world->query = query_close(world->query);
    world->auth = auth_close(world->auth);
    engine_stop(world->engine);
    world->engine = engine_close(world->engine);
    world->store = store_close(world->store);
}

/* As a process that ends and the next one that opens what is there. */
static void world_restart(struct world *world) {
    world_down(world);
    world_up(world);
}

static const struct command_answer *world_answer(struct world *world, int r) {
    assert_int_equal(r, 0);
    assert_int_equal(world->command.answer.result, ANSWER_DONE);
    return &world->command.answer;
}

static struct command_call *world_command(struct world *world) {
    world->command = (struct command_call){ .arena = &world->arena };
    return &world->command;
}

static struct str world_jwks(struct world *world, const struct key *key) {
    struct jwk jwk = { .kid = STR("key-1") };
    char *memory = arena_alloc(&world->arena, 4096);
    struct buffer out;
    memcpy(&jwk.key, &key, sizeof key);
    buffer_init(&out, memory, 4096);
    assert_int_equal(jwks_write(&out, &jwk, 1), 0);
    return buffer_str(&out);
}

static void world_client(struct world *world, const char *name, const struct key *key, int profile, int sender) {
    struct client_register_input input = { .name = str_from_c(name),
                                           .display_name = STR("Acme <Payments> & Co"),
                                           .profile = profile,
                                           .sender = sender,
                                           .tier = STR("open_banking_tpp"),
                                           .org_id = STR("PSDGB-TEST-1"),
                                           .software_id = str_from_c(name),
                                           .scope = STR("openid accounts payments"),
                                           .redirect_uris = STR(REDIRECT_URI " https://tpp.example/back?x=1"),
                                           .jwks = world_jwks(world, key),
                                           .auto_approve = strcmp(name, "gamma-tpp") == 0 };
    const struct command_answer *answer =
        world_answer(world, command_client_register(&world->integration, world_command(world), &input));
    assert_int_equal(answer->refusal, 0);
}

/* The call of a request with this client's certificate. */
static struct call world_call(struct world *world, const char *name) {
    struct call call = { .has_certificate = true, .certificate_hash = sha256_str(str_from_c(name)) };
    assert_int_equal(query_begin(world->query), 0);
    assert_int_equal(query_client_by_name(world->query, str_from_c(name), &world->arena, &call), 0);
    query_end(world->query);
    return call;
}

static void world_customer(struct world *world, const char *login, const char *iban, const char *number) {
    struct customer_register_input input = { .login = str_from_c(login),
                                             .name = STR("A Customer"),
                                             .password = STR(PASSWORD),
                                             .totp_secret = STR(TOTP_SECRET) };
    assert_int_equal(
        world_answer(world, command_customer_register(&world->integration, world_command(world), &input))->refusal, 0);
    struct account_open_input account = { .customer_login = str_from_c(login),
                                          .name = STR("Everyday"),
                                          .iban = str_from_c(iban),
                                          .sort_code = STR("400000"),
                                          .account_number = str_from_c(number) };
    assert_int_equal(currency_parse(STR("GBP"), &account.currency), 0);
    assert_int_equal(
        world_answer(world, command_account_open(&world->integration, world_command(world), &account))->refusal, 0);
}

static int world_open(void **state) {
    struct world *world = calloc(1, sizeof *world);
    atomic_store(&world_now_ms, 1700000000000);
    assert_int_equal(arena_init(&world->arena, 64 * 1024, 32 * 1024 * 1024), 0);
    assert_int_equal(key_generate(KEY_TYPE_RSA, &world->bank_key), 0);
    struct signing_key_set set = { .keys = { [SIGNING_CURRENT] = world->bank_key } };
    assert_int_equal(signing_keys_new(&set, &world->signing_keys), 0);
    assert_int_equal(key_generate(KEY_TYPE_EC_P256, &world->acme_key), 0);
    assert_int_equal(key_generate(KEY_TYPE_EC_P256, &world->gamma_key), 0);
    world_up(world);
    world_client(world, "acme-tpp", world->acme_key, CLIENT_FAPI2, CLIENT_SENDER_MTLS);
    world_client(world, "gamma-tpp", world->gamma_key, CLIENT_FAPI2, CLIENT_SENDER_MTLS);
    world_client(world, "beta-tpp", world->acme_key, CLIENT_FAPI1, CLIENT_SENDER_MTLS);
    world_client(world, "ms-tpp", world->acme_key, CLIENT_FAPI2_MS, CLIENT_SENDER_MTLS);
    world_client(world, "dpop-tpp", world->acme_key, CLIENT_FAPI2, CLIENT_SENDER_DPOP);
    world->acme = world_call(world, "acme-tpp");
    world->gamma = world_call(world, "gamma-tpp");
    world_customer(world, "mia", "GB33BUKB20201555555555", "11111111");
    world_customer(world, "sam", "GB82WEST12345698765432", "22222222");
    *state = world;
    return 0;
}

static int world_close(void **state) {
    struct world *world = *state;
    world_down(world);
    store_memory_forget("auth_test");
    key_free(world->bank_key);
    signing_keys_free(world->signing_keys);
    key_free(world->acme_key);
    key_free(world->gamma_key);
    arena_release(&world->arena);
    free(world);
    return 0;
}

/* ---- the client's side ---- */

static struct str assertion_with(struct world *world, const struct key *key, const char *claims) {
    struct jws_header header = { .kid = STR("key-1") };
    char *memory = arena_alloc(&world->arena, 4096);
    struct buffer out;
    buffer_init(&out, memory, 4096);
    assert_int_equal(jws_sign(key, &header, str_from_c(claims), &out), 0);
    return buffer_str(&out);
}

static struct str assertion_of(struct world *world, const struct call *call, const char *jti) {
    const struct key *key = call == &world->gamma ? world->gamma_key : world->acme_key;
    int64_t now = world_clock() / 1000;
    struct str claims =
        arena_printf(&world->arena,
                     "{\"iss\":\"" STR_FMT "\",\"sub\":\"" STR_FMT "\",\"aud\":\"" ISSUER
                     "\",\"iat\":%lld,\"exp\":%lld,\"jti\":\"%s\"}",
                     STR_ARG(call->client_name), STR_ARG(call->client_name), (long long)now, (long long)now + 60, jti);
    return assertion_with(world, key, claims.at);
}

static const char *fresh_jti(struct world *world) {
    return arena_printf(&world->arena, "jti-%d", ++world->jti).at;
}

/* name, value, ..., NULL as a form */
static struct str form_of(struct world *world, ...) {
    va_list list;
    char *memory = arena_alloc(&world->arena, 32 * 1024);
    struct buffer out;
    const char *name;
    buffer_init(&out, memory, 32 * 1024);
    va_start(list, world);
    while ((name = va_arg(list, const char *))) form_put_c(&out, name, va_arg(list, const char *));
    va_end(list);
    assert_false(out.overflow);
    return buffer_str(&out);
}

static struct str with_assertion(struct world *world, struct str form, struct str assertion) {
    struct str proof = form_of(world, "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                               "client_assertion", arena_dup(&world->arena, assertion).at, NULL);
    return arena_printf(&world->arena, STR_FMT "%s" STR_FMT, STR_ARG(form), form.len ? "&" : "", STR_ARG(proof));
}

static void world_on_done(void *owner) {
    atomic_store(&((struct world *)owner)->answered, true);
}

/* tidy: parameters because a request has a body, a query and cookies. */
static struct auth_answer world_send(struct world *world, const struct call *call, int (*entry)(struct auth_request *),
                                     struct str body, struct str query_text, struct str cookies) {
    struct auth_request request = { .auth = world->auth,
                                    .query = world->query,
                                    .arena = &world->arena,
                                    .call = call,
                                    .command = world_command(world),
                                    .body = body,
                                    .query_text = query_text,
                                    .cookies = cookies };
    if (world->waits) {
        atomic_store(&world->answered, false);
        world->command.on_done = world_on_done;
        world->command.owner = world;
    }
    assert_int_equal(query_begin(world->query), 0);
    int next = entry(&request);
    if (next == AUTH_WAITS) {
        query_end(world->query);
        while (!atomic_load(&world->answered)) sched_yield();
        assert_int_equal(query_begin(world->query), 0);
        next = auth_finish(&request);
    }
    assert_int_equal(next, AUTH_ANSWERED);
    query_end(world->query);
    return request.answer;
}

static inline struct auth_answer post(struct world *world, const struct call *call, int (*entry)(struct auth_request *),
                                      struct str form) {
    struct str body = with_assertion(world, form, assertion_of(world, call, fresh_jti(world)));
    return world_send(world, call, entry, body, (struct str){ 0 }, (struct str){ 0 });
}

static inline struct str member(struct world *world, struct str json, const char *name) {
    const struct json *document;
    assert_int_equal(json_parse_arena(json, 64 * 1024, 8, &world->arena, &document), 0);
    return json_get_string(document, name);
}

#define assert_str(text, want)                                                                                         \
    do {                                                                                                               \
        struct str assert_text = (text);                                                                               \
        if (!str_equal_c(assert_text, (want)))                                                                         \
            fail_msg("got \"" STR_FMT "\", want \"%s\"", STR_ARG(assert_text), (want));                                \
    } while (0)

static struct str header_of(const struct auth_answer *answer, const char *name) {
    for (size_t i = 0; i < answer->header_count; i++)
        if (strcmp(answer->headers[i].name, name) == 0) return answer->headers[i].value;
    return (struct str){ 0 };
}

#endif
