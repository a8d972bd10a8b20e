/* demo_pay.c - `giro demo pay`: a third party (acme-tpp) makes one Open Banking payment that a customer (mia) consents
 * to, every step a real HTTP call through the edge.
 *
 * (D1) Each step checks what it got before the next one begins; the first that fails ends the walk. (D2) completed is
 * said only when the bank's own answer said so. */
#include "app/demo.h"

#include "app/exit_code.h"
#include "app/options.h"
#include "app/sandbox_caller.h"
#include "app/terminal.h"
#include "domain/id.h"
#include "platform/clock.h"
#include "platform/encoding.h"
#include "platform/random.h"
#include "wire/form.h"
#include "wire/jose.h"
#include "wire/jws_detached.h"
#include "wire/jwt.h"

#define DEMO_CLIENT "acme-tpp"
#define DEMO_CUSTOMER "mia"
#define DEMO_INITIATION                                                                                                \
    "{\"InstructionIdentification\":\"demo-pay\",\"EndToEndIdentification\":\"DEMO-PAY-1\","                           \
    "\"InstructedAmount\":{\"Amount\":\"4.99\",\"Currency\":\"GBP\"},"                                                 \
    "\"CreditorAccount\":{\"SchemeName\":\"UK.OBIE.SortCodeAccountNumber\","                                           \
    "\"Identification\":\"20406012345678\",\"Name\":\"Aurora Books\"},"                                                \
    "\"RemittanceInformation\":{\"Unstructured\":[\"One book\"]}}"
#define DEMO_RISK "{\"PaymentContextCode\":\"TransferToThirdParty\"}"
#define DEMO_CONSENTS "/open-banking/v4.0/pisp/domestic-payment-consents"
#define DEMO_PAYMENTS "/open-banking/v4.0/pisp/domestic-payments"

enum {
    DEMO_ARENA_BYTES_MAX = 16 * 1024 * 1024,
    DEMO_BODY_BYTES_MAX = 4 * 1024,
    DEMO_FORM_BYTES_MAX = 8 * 1024,
    DEMO_STEPS_MAX = 12,
    DEMO_FINAL_MS_MAX = 60 * 1000, /* how long a payment may take to reach its end */
    DEMO_POLL_MS = 50,
    DEMO_HEADERS_MAX = 8,
};

struct demo_pay {
    struct sandbox_caller *caller;
    const struct sandbox_caller_facts *facts;
    struct arena arena;
    struct message message;
    struct str pushed_endpoint, authorization_endpoint, token_endpoint, jwks_uri;
    struct jwks *keys;               /* of the bank */
    struct str client_token, consent_id, request_uri, code, access_token, id_token;
    char state[32], nonce[48], verifier[64];
    struct str payment_id, bank_status;
    const char *status;              /* "pending", "completed", "rejected"; NULL before there is a payment */
    int64_t step_us[DEMO_STEPS_MAX];
    size_t step_count;               /* steps that were walked */
};

/* --- small things --- */

static int wrong(struct demo_pay *demo, const char *what) {
    message_set(&demo->message, "%s", what);
    return SANDBOX_CALLER_E_ANSWER;
}

static struct str copy(struct demo_pay *demo, struct str text) {
    struct str kept = arena_dup(&demo->arena, text);
    return kept.at ? kept : STR("");
}

static int get_json(struct demo_pay *demo, struct str url, const char *what, const struct json **ret_json) {
    const struct http_header headers[] = { { STR("Accept"), STR("application/json") } };
    const struct http_call call = { .method = STR("GET"), .url = url, .headers = headers, .header_count = 1 };
    struct http_result result;
    int r = sandbox_caller_call(demo->caller, SANDBOX_AS_BROWSER, &call, &demo->arena, &result, &demo->message);
    if (!r) r = sandbox_caller_expect(&result, 200, what, &demo->arena, ret_json, &demo->message);
    return err_trace(r);
}

/* --- a call of the Open Banking API --- */

struct bank_call {
    const char *method, *what;
    struct str url, token, body; /* body empty: a GET */
    int status;
};

static struct str interaction_id(char text[ID_TEXT_BYTES]) {
    uint8_t bytes[ID_BYTES];
    random_bytes(bytes, sizeof bytes);
    bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40); /* a UUID of version 4 (RFC 9562 section 5.4) */
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
    return id_format(bytes, text);
}

static int check_echo(struct demo_pay *demo, const struct http_result *result, struct str id) {
    struct str echo = http_headers_get(result->headers, result->header_count, STR("x-fapi-interaction-id"));
    return str_equal(echo, id) ? 0 : wrong(demo, "the bank did not repeat x-fapi-interaction-id");
}

static int call_bank(struct demo_pay *demo, const struct bank_call *bank, const struct json **ret_json) {
    char id_text[ID_TEXT_BYTES], key_text[48];
    struct str id = interaction_id(id_text), signature = STR("");
    struct str bearer = arena_printf(&demo->arena, "Bearer " STR_FMT, STR_ARG(bank->token));
    struct http_result result;
    bool posts = bank->body.len > 0;
    int r = bearer.at ? 0 : err_origin(-ENOMEM);
    if (!r && posts) r = sandbox_caller_sign(demo->caller, bank->body, &demo->arena, &signature);
    if (r) return err_trace(r);
    const struct http_header headers[DEMO_HEADERS_MAX] = {
        { STR("Authorization"), bearer },
        { STR("Accept"), STR("application/json") },
        { STR("x-fapi-interaction-id"), id },
        { STR("Content-Type"), STR("application/json") },
        { STR("x-jws-signature"), signature },
        { STR("x-idempotency-key"), random_text(24, key_text, sizeof key_text) },
    };
    const struct http_call call = { .method = str_from_c(bank->method), .url = bank->url, .headers = headers,
                                    .header_count = posts ? 6 : 3, .body = bank->body };
    r = sandbox_caller_call(demo->caller, SANDBOX_AS_CLIENT, &call, &demo->arena, &result, &demo->message);
    if (!r) r = sandbox_caller_expect(&result, bank->status, bank->what, &demo->arena, ret_json, &demo->message);
    if (!r) r = check_echo(demo, &result, id);
    if (!r) r = sandbox_caller_verify(&result, demo->keys, posts, &demo->arena, &demo->message);
    return err_trace(r);
}

/* --- the steps --- */

static int step_discovery(struct demo_pay *demo) {
    const struct json *json;
    struct str url = arena_printf(&demo->arena, STR_FMT "/.well-known/openid-configuration", STR_ARG(demo->facts->issuer));
    if (!url.at) return err_origin(-ENOMEM);
    int r = get_json(demo, url, "GET of the metadata", &json);
    if (r) return err_trace(r);
    if (!str_equal(json_get_string(json, "issuer"), demo->facts->issuer))
        return wrong(demo, "the metadata names another issuer");
    demo->pushed_endpoint = json_get_string(json, "pushed_authorization_request_endpoint");
    demo->authorization_endpoint = json_get_string(json, "authorization_endpoint");
    demo->token_endpoint = json_get_string(json, "token_endpoint");
    demo->jwks_uri = json_get_string(json, "jwks_uri");
    bool whole = demo->pushed_endpoint.len && demo->authorization_endpoint.len && demo->token_endpoint.len;
    return whole && demo->jwks_uri.len ? 0 : wrong(demo, "the metadata lacks an endpoint");
}

static int step_keys(struct demo_pay *demo) {
    const struct json *json;
    int r = get_json(demo, demo->jwks_uri, "GET of the bank's keys", &json);
    if (!r) r = jwks_read(json, &demo->keys, &demo->message);
    return r > 0 ? SANDBOX_CALLER_E_ANSWER : err_trace(r);
}

static int step_client_token(struct demo_pay *demo) {
    struct str token;
    int r = sandbox_caller_token(demo->caller, "payments", &token, &demo->message);
    if (!r) demo->client_token = copy(demo, token);
    return err_trace(r);
}

static int step_consent(struct demo_pay *demo) {
    const struct json *json;
    const struct bank_call call = {
        .method = "POST", .what = "POST " DEMO_CONSENTS, .status = 201, .token = demo->client_token,
        .url = arena_printf(&demo->arena, STR_FMT DEMO_CONSENTS, STR_ARG(demo->facts->api)),
        .body = STR("{\"Data\":{\"Initiation\":" DEMO_INITIATION "},\"Risk\":" DEMO_RISK "}") };
    if (!call.url.at) return err_origin(-ENOMEM);
    int r = call_bank(demo, &call, &json);
    if (r) return err_trace(r);
    demo->consent_id = json_string(json_path(json, "Data.ConsentId"));
    if (!demo->consent_id.len) return wrong(demo, "the consent has no ConsentId");
    bool awaits = str_equal_c(json_string(json_path(json, "Data.Status")), "AWAU");
    return awaits ? 0 : wrong(demo, "the consent does not await authorisation (AWAU)");
}

static void write_claims(struct demo_pay *demo, struct buffer *out) {
    struct json_writer writer;
    json_begin(&writer, out);
    json_object_begin(&writer);
    json_name(&writer, "id_token");
    json_object_begin(&writer);
    json_name(&writer, "openbanking_intent_id");
    json_object_begin(&writer);
    json_member_str(&writer, "value", demo->consent_id);
    json_member_bool(&writer, "essential", true);
    json_object_end(&writer);
    json_object_end(&writer);
    json_object_end(&writer);
}

static int step_pushed_request(struct demo_pay *demo) {
    char memory[DEMO_FORM_BYTES_MAX], claims_memory[512], challenge_memory[64];
    struct buffer form, claims, challenge;
    const struct json *json;
    buffer_init(&form, memory, sizeof memory);
    buffer_init(&claims, claims_memory, sizeof claims_memory);
    buffer_init(&challenge, challenge_memory, sizeof challenge_memory);
    write_claims(demo, &claims);
    struct hash hash = sha256_str(random_text(32, demo->verifier, sizeof demo->verifier)); /* RFC 7636 section 4.2 */
    base64url_encode(&challenge, hash.bytes, sizeof hash.bytes);
    form_put_c(&form, "response_type", "code");
    form_put_c(&form, "scope", "openid payments");
    form_put(&form, STR("redirect_uri"), demo->facts->redirect_uri);
    form_put(&form, STR("state"), random_text(16, demo->state, sizeof demo->state));
    form_put(&form, STR("nonce"), random_text(16, demo->nonce, sizeof demo->nonce));
    form_put(&form, STR("code_challenge"), buffer_str(&challenge));
    form_put_c(&form, "code_challenge_method", "S256");
    form_put(&form, STR("claims"), buffer_str(&claims));
    form_put_c(&form, "login_hint", DEMO_CUSTOMER);
    if (claims.overflow || challenge.overflow) return err_origin(-EMSGSIZE);
    const struct sandbox_form post = { .url = demo->pushed_endpoint, .what = "the pushed authorization request",
                                       .status = 201, .form = &form };
    int r = sandbox_caller_post_form(demo->caller, &post, &demo->arena, &json, &demo->message);
    if (r) return err_trace(r);
    demo->request_uri = json_get_string(json, "request_uri");
    return demo->request_uri.len ? 0 : wrong(demo, "the pushed request has no request_uri");
}

/* The parameters behind the redirect URI. */
static int read_redirect(struct demo_pay *demo, struct str location) {
    struct str redirect = demo->facts->redirect_uri, value;
    struct form form;
    bool ours = str_starts(location, redirect) && location.len > redirect.len && location.at[redirect.len] == '?';
    if (!ours) return wrong(demo, "the redirect leads somewhere else than to the client");
    if (form_parse(str_slice(location, redirect.len + 1, location.len), &demo->arena, &form))
        return wrong(demo, "the redirect's query is malformed");
    if (form_get(&form, "error", &value)) {
        message_set(&demo->message, "the authorization was refused: " STR_FMT, STR_ARG(value));
        return SANDBOX_CALLER_E_REFUSED;
    }
    if (!form_get(&form, "state", &value) || !str_equal_c(value, demo->state))
        return wrong(demo, "the redirect has another state");
    if (!form_get(&form, "iss", &value) || !str_equal(value, demo->facts->issuer)) /* RFC 9207 */
        return wrong(demo, "the redirect has another issuer");
    return form_get(&form, "code", &demo->code) && demo->code.len ? 0 : wrong(demo, "the redirect has no code");
}

static int step_authorize(struct demo_pay *demo) {
    char memory[DEMO_FORM_BYTES_MAX];
    struct buffer url;
    struct http_result result;
    buffer_init(&url, memory, sizeof memory);
    buffer_append_str(&url, demo->authorization_endpoint);
    buffer_append_char(&url, '?');
    form_put(&url, STR("client_id"), demo->facts->client_id);
    form_put(&url, STR("request_uri"), demo->request_uri);
    if (url.overflow) return err_origin(-EMSGSIZE);
    const struct http_call call = { .method = STR("GET"), .url = buffer_str(&url) };
    int r = sandbox_caller_call(demo->caller, SANDBOX_AS_BROWSER, &call, &demo->arena, &result, &demo->message);
    if (r) return err_trace(r);
    if (result.status != 303) {
        message_set(&demo->message, "the authorization endpoint answered %d instead of a redirect (303)", result.status);
        return SANDBOX_CALLER_E_REFUSED;
    }
    return read_redirect(demo, http_headers_get(result.headers, result.header_count, STR("Location")));
}

static int step_token(struct demo_pay *demo) {
    char memory[DEMO_FORM_BYTES_MAX];
    struct buffer form;
    const struct json *json;
    buffer_init(&form, memory, sizeof memory);
    form_put_c(&form, "grant_type", "authorization_code");
    form_put(&form, STR("code"), demo->code);
    form_put(&form, STR("redirect_uri"), demo->facts->redirect_uri);
    form_put_c(&form, "code_verifier", demo->verifier);
    const struct sandbox_form post = { .url = demo->token_endpoint, .what = "the exchange of the code", .status = 200,
                                       .form = &form };
    int r = sandbox_caller_post_form(demo->caller, &post, &demo->arena, &json, &demo->message);
    if (r) return err_trace(r);
    demo->access_token = json_get_string(json, "access_token");
    demo->id_token = json_get_string(json, "id_token");
    bool whole = demo->access_token.len && demo->id_token.len;
    return whole ? 0 : wrong(demo, "the token answer lacks access_token or id_token");
}

static int check_claims(struct demo_pay *demo, const struct json *claims) {
    const struct jwt_rules rules = { .issuer = demo->facts->issuer, .audiences = &demo->facts->client_id,
                                     .audience_count = 1, .now_ms = clock_now_ms(), .leeway_ms = JWT_LEEWAY_MS,
                                     .iat_required = true };
    struct jwt_facts facts;
    int r = jwt_check(claims, &rules, &facts);
    if (r) return wrong(demo, jwt_refusal_text(r));
    if (!str_equal_c(json_get_string(claims, "nonce"), demo->nonce)) return wrong(demo, "the ID token has another nonce");
    bool same = str_equal(json_get_string(claims, "openbanking_intent_id"), demo->consent_id);
    return same ? 0 : wrong(demo, "the ID token names another consent");
}

static int step_id_token(struct demo_pay *demo) {
    struct jws jws;
    const struct json *claims;
    int r = jws_parse(demo->id_token, &demo->arena, &jws);
    if (!r) r = jws_verify_set(&jws, demo->keys, KEY_ALG_NONE);
    if (!r) r = jws_claims(&jws, &demo->arena, &claims);
    if (r < 0) return err_trace(r);
    if (r) {
        message_set(&demo->message, "the ID token is not good: %s", jose_refusal_text(r));
        return SANDBOX_CALLER_E_ANSWER;
    }
    return check_claims(demo, claims);
}

/* What a payment's status of v4.0 means; names of ISO 20022. */
static const char *status_meaning(struct str status) {
    static const char *const done[] = { "ACSC", "ACCC", "ACWC", "ACWP" };
    if (str_equal_c(status, "RJCT") || str_equal_c(status, "CANC")) return "rejected";
    for (size_t i = 0; i < ARRAY_COUNT(done); i++)
        if (str_equal_c(status, done[i])) return "completed";
    return "pending";
}

static int read_payment(struct demo_pay *demo, const struct json *json) {
    struct str id = json_string(json_path(json, "Data.DomesticPaymentId"));
    demo->bank_status = json_string(json_path(json, "Data.Status"));
    if (!id.len || !demo->bank_status.len) return wrong(demo, "the payment has no DomesticPaymentId or no Status");
    if (demo->payment_id.len && !str_equal(id, demo->payment_id)) return wrong(demo, "the payment changed its id");
    demo->payment_id = id;
    demo->status = status_meaning(demo->bank_status);
    return 0;
}

static int step_payment(struct demo_pay *demo) {
    const struct json *json;
    const struct bank_call call = {
        .method = "POST", .what = "POST " DEMO_PAYMENTS, .status = 201, .token = demo->access_token,
        .url = arena_printf(&demo->arena, STR_FMT DEMO_PAYMENTS, STR_ARG(demo->facts->api)),
        .body = arena_printf(&demo->arena, "{\"Data\":{\"ConsentId\":\"" STR_FMT "\",\"Initiation\":%s},\"Risk\":%s}",
                             STR_ARG(demo->consent_id), DEMO_INITIATION, DEMO_RISK) };
    if (!call.url.at || !call.body.at) return err_origin(-ENOMEM);
    int r = call_bank(demo, &call, &json);
    return r ? err_trace(r) : read_payment(demo, json);
}

static int step_outcome(struct demo_pay *demo) {
    const struct json *json;
    const int64_t end_ms = clock_mono_ms() + DEMO_FINAL_MS_MAX;
    const struct timespec pause = { .tv_nsec = DEMO_POLL_MS * 1000000L };
    const struct bank_call call = {
        .method = "GET", .what = "GET " DEMO_PAYMENTS "/...", .status = 200, .token = demo->client_token,
        .url = arena_printf(&demo->arena, STR_FMT DEMO_PAYMENTS "/" STR_FMT, STR_ARG(demo->facts->api),
                            STR_ARG(demo->payment_id)) };
    if (!call.url.at) return err_origin(-ENOMEM);
    for (;;) {
        int r = call_bank(demo, &call, &json);
        if (!r) r = read_payment(demo, json);
        if (r || strcmp(demo->status, "pending") != 0) return err_trace(r);
        if (clock_mono_ms() >= end_ms) return wrong(demo, "the payment reached no end within a minute");
        nanosleep(&pause, NULL);
    }
}

static const struct {
    const char *name, *text;
    int (*walk)(struct demo_pay *demo);
} steps[] = {
    { "discovery", "what the bank offers", step_discovery },
    { "keys", "the bank's public keys", step_keys },
    { "client_token", "token of the third party's own (private_key_jwt, mTLS)", step_client_token },
    { "consent", "payment consent, signed both ways", step_consent },
    { "pushed_request", "authorization request pushed, naming the consent (PKCE)", step_pushed_request },
    { "authorize", "the customer says yes; a code comes back", step_authorize },
    { "token", "code exchanged for tokens", step_token },
    { "id_token", "ID token verified: it names the consent", step_id_token },
    { "payment", "the payment, signed both ways", step_payment },
    { "outcome", "asked until it is final", step_outcome },
};
static_assert(ARRAY_COUNT(steps) <= DEMO_STEPS_MAX, "every step has its time");

/* --- the command --- */

static void print_step(const struct demo_pay *demo, size_t i, bool good) {
    bool colours = terminal_has_colours(stdout);
    int64_t us = demo->step_us[i];
    printf("%s%s%s %-15s %5lld.%01lld ms  %s%s%s\n", terminal_colour(colours, good ? TERMINAL_GREEN : TERMINAL_RED),
           good ? "ok  " : "FAIL", terminal_colour(colours, TERMINAL_PLAIN), steps[i].name, (long long)(us / 1000),
           (long long)(us % 1000 / 100), terminal_colour(colours, TERMINAL_DIM), steps[i].text,
           terminal_colour(colours, TERMINAL_PLAIN));
    (void)fflush(stdout);
}

static int walk(struct demo_pay *demo, bool json) {
    int r = 0;
    for (size_t i = 0; i < ARRAY_COUNT(steps) && !r; i++) {
        int64_t from_ns = clock_mono_ns();
        r = steps[i].walk(demo);
        demo->step_us[i] = (clock_mono_ns() - from_ns) / 1000;
        demo->step_count = i + 1;
        if (!json) print_step(demo, i, r == 0);
    }
    return err_trace(r);
}

static void print_json(const struct demo_pay *demo) {
    char memory[DEMO_BODY_BYTES_MAX], number[32];
    struct buffer out;
    struct json_writer writer;
    buffer_init(&out, memory, sizeof memory);
    json_begin(&writer, &out);
    json_object_begin(&writer);
    json_member_c(&writer, "status", demo->status ? demo->status : "failed");
    json_member_str(&writer, "payment_id", demo->payment_id);
    json_member_str(&writer, "consent_id", demo->consent_id);
    json_member_str(&writer, "bank_status", demo->bank_status);
    json_name(&writer, "steps");
    json_array_begin(&writer);
    for (size_t i = 0; i < demo->step_count; i++) {
        int64_t us = demo->step_us[i];
        (void)snprintf(number, sizeof number, "%lld.%03lld", (long long)(us / 1000), (long long)(us % 1000));
        json_object_begin(&writer);
        json_member_c(&writer, "name", steps[i].name);
        json_member_raw(&writer, "ms", str_from_c(number));
        json_object_end(&writer);
    }
    json_array_end(&writer);
    json_object_end(&writer);
    check(!out.overflow);
    printf(STR_FMT "\n", STR_ARG(buffer_str(&out)));
}

static int pay(struct demo_pay *demo, struct sandbox *sandbox, bool json) {
    int r = arena_init(&demo->arena, 256 * 1024, DEMO_ARENA_BYTES_MAX);
    if (!r) r = sandbox_caller_open(sandbox, DEMO_CLIENT, &demo->caller, &demo->message);
    if (r) return sandbox_caller_complain("demo pay", r, &demo->message);
    demo->facts = sandbox_caller_facts(demo->caller);
    r = walk(demo, json);
    if (json) print_json(demo);
    if (r) return sandbox_caller_complain("demo pay", r, &demo->message);
    if (!json)
        printf("payment " STR_FMT " is %s (" STR_FMT ")\n", STR_ARG(demo->payment_id), demo->status,
               STR_ARG(demo->bank_status));
    return strcmp(demo->status, "completed") == 0 ? EXIT_DONE : EXIT_FAILED;
}

int demo_pay(int argc, char **argv) {
    const char *var = NULL;
    bool json = false;
    const struct option_row rows[] = { { "var", "DIR", &var, NULL, "folder of the sandbox (GIRO_VAR, var)" },
                                       { "json", NULL, NULL, &json, "one JSON document" } };
    struct options options = { .usage = "demo pay [--var DIR] [--json]", .rows = rows, .row_count = ARRAY_COUNT(rows),
                               .help = "Makes one consented Open Banking payment and shows every step." };
    int r = options_parse(&options, argc, argv);
    if (r) return options_exit(r);
    struct sandbox sandbox;
    struct message message = { .text = "" };
    r = sandbox_init(&sandbox, var, &message);
    if (r) return sandbox_complain(r, &message);
    struct demo_pay *demo = calloc(1, sizeof *demo);
    if (!demo) return sandbox_caller_complain("demo pay", err_origin(-ENOMEM), NULL);
    int code = pay(demo, &sandbox, json);
    jwks_free(demo->keys);
    sandbox_caller_close(demo->caller);
    arena_release(&demo->arena);
    free(demo);
    return code;
}
