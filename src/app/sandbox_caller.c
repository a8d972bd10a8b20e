#include "app/sandbox_caller.h"

#include "app/exit_code.h"
#include "platform/clock.h"
#include "platform/encoding.h"
#include "platform/file.h"
#include "platform/random.h"
#include "platform/secret.h"
#include "wire/form.h"
#include "wire/jose.h"
#include "wire/jws_detached.h"

enum {
    CLIENT_JSON_BYTES_MAX = 64 * 1024,
    CLIENT_RANDOM_BYTES_MAX = 64,
    CLIENT_PORT_MAX = 65535,
    CLIENT_SCOPE_BYTES_MAX = 128,
    CLIENT_OPERATIONS_OFFSET = 2, /* ports: mTLS, browser, operations */
    CLIENT_SCRATCH_BYTES = 64 * 1024,
};

struct sandbox_caller {
    struct arena arena; /* texts, as long as the client lives */
    struct sandbox_caller_facts facts;
    struct str ca_file, cert_file, key_file; /* with a NUL behind */
    struct key *key;
    struct http_client *certified, *browser;
    char scope[CLIENT_SCOPE_BYTES_MAX];
    char token[SANDBOX_CALLER_TOKEN_BYTES_MAX];
    size_t token_len;
    int64_t token_until_ms; /* clock_mono_ms */
};

/* --- opening --- */

static int client_path(struct sandbox_caller *caller, struct str *ret_path, const char *folder, const char *name) {
    *ret_path = arena_printf(&caller->arena, "%s/%s", folder, name);
    return ret_path->at ? 0 : err_origin(-ENOMEM);
}

static int missing(const char *what, struct message *message) {
    message_set(message, "client.json has no usable %s: run ./run --fresh to make the sandbox anew", what);
    return SANDBOX_CALLER_E_ANSWER;
}

/* scheme://host:port of an address, and the number of the port. */
static bool split_address(struct str url, struct str *ret_origin, struct str *ret_port) {
    struct str rest, scheme = STR("https://"), authority, host;
    if (!str_starts(url, scheme)) return false;
    rest = str_slice(url, scheme.len, url.len);
    (void)str_cut(&rest, '/', &authority); /* without a path the rest is all authority */
    *ret_origin = str_from_bytes(url.at, scheme.len + authority.len);
    return str_cut(&authority, ':', &host) && (*ret_port = authority).len > 0;
}

static int read_addresses(struct sandbox_caller *caller, struct message *message) {
    struct sandbox_caller_facts *facts = &caller->facts;
    struct str port;
    uint64_t number;
    bool ok = split_address(facts->token_endpoint, &facts->api, &port) && str_to_u64(port, &number) == 0;
    if (!ok || number > CLIENT_PORT_MAX - CLIENT_OPERATIONS_OFFSET) return missing("token_endpoint", message);
    facts->operations =
        arena_printf(&caller->arena, "http://127.0.0.1:%u", (unsigned)number + CLIENT_OPERATIONS_OFFSET);
    return facts->operations.at ? 0 : err_origin(-ENOMEM);
}

static int read_facts(struct sandbox_caller *caller, struct str text, struct message *message) {
    const struct json *json, *uris;
    struct sandbox_caller_facts *facts = &caller->facts;
    const struct {
        const char *name;
        struct str *text;
    } rows[] = { { "client_id", &facts->client_id },     { "org_id", &facts->org_id },
                 { "software_id", &facts->software_id }, { "kid", &facts->kid },
                 { "issuer", &facts->issuer },           { "token_endpoint", &facts->token_endpoint } };
    int r = json_parse_arena(text, CLIENT_JSON_BYTES_MAX, JSON_DEPTH_MAX, &caller->arena, &json);
    if (r) return r < 0 ? err_trace(r) : missing("content", message);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        *rows[i].text = json_get_string(json, rows[i].name);
        if (!rows[i].text->len) return missing(rows[i].name, message);
    }
    uris = json_get(json, "redirect_uris");
    facts->redirect_uri = json_string(json_at(uris, 0));
    return read_addresses(caller, message);
}

static int read_key(struct sandbox_caller *caller, const char *folder, struct message *message) {
    struct secret_bytes pem = { 0 };
    struct str path;
    int r = client_path(caller, &path, folder, "signing.key");
    if (r) return err_trace(r);
    r = secret_load_text(path.at, KEY_PEM_BYTES_MAX, &pem, message);
    if (r > 0) return r == SECRET_E_MISSING ? SANDBOX_CALLER_E_ABSENT : SANDBOX_CALLER_E_DENIED;
    if (!r) r = key_load_pem(secret_str(&pem), &caller->key);
    secret_release(&pem);
    if (r > 0) message_set(message, "%s: %s", path.at, key_refusal_text(r));
    return r > 0 ? SANDBOX_CALLER_E_ANSWER : err_trace(r);
}

static int open_http(struct sandbox_caller *caller) {
    struct http_client_options options = sandbox_caller_http_options(caller);
    int r = http_client_new(&options, &caller->certified);
    options.cert_file = options.key_file = NULL;
    if (!r) r = http_client_new(&options, &caller->browser);
    return err_trace(r);
}

static int open_folder(struct sandbox_caller *caller, const char *var, const char *name, struct message *message) {
    struct str folder = arena_printf(&caller->arena, "%s/clients/%s", var, name), path, text;
    if (!folder.at) return err_origin(-ENOMEM);
    int r = client_path(caller, &path, folder.at, "client.json");
    if (!r) r = file_read_all(path.at, CLIENT_JSON_BYTES_MAX, &caller->arena, &text, NULL);
    if (r == -ENOENT || r == -EACCES) {
        message_set(message, "cannot read %s (%s): is ./run running, and is --var its folder?", path.at, strerror(-r));
        return r == -ENOENT ? SANDBOX_CALLER_E_ABSENT : SANDBOX_CALLER_E_DENIED;
    }
    if (!r) r = read_facts(caller, text, message);
    if (!r) r = client_path(caller, &caller->ca_file, var, "pki/ca.pem");
    if (!r) r = client_path(caller, &caller->cert_file, folder.at, "transport.pem");
    if (!r) r = client_path(caller, &caller->key_file, folder.at, "transport.key");
    if (!r) r = read_key(caller, folder.at, message);
    if (!r) r = open_http(caller);
    return err_trace(r);
}

int sandbox_caller_open(struct sandbox *sandbox, const char *name, struct sandbox_caller **ret_caller,
                        struct message *message) {
    struct sandbox_caller *caller = calloc(1, sizeof *caller);
    if (!caller) return err_origin(-ENOMEM);
    int r = sandbox_become_owner(sandbox, message); /* keys are read by their owner alone (sandbox.h V2) */
    if (r > 0) r = SANDBOX_CALLER_E_DENIED;
    if (!r) r = arena_init(&caller->arena, CLIENT_SCRATCH_BYTES, SANDBOX_CALLER_ARENA_BYTES_MAX);
    if (!r) r = open_folder(caller, sandbox->var, name, message);
    if (r) {
        sandbox_caller_close(caller);
        return err_trace(r);
    }
    *ret_caller = caller;
    return 0;
}

struct sandbox_caller *sandbox_caller_close(struct sandbox_caller *caller) {
    if (!caller) return NULL;
    http_client_free(caller->certified);
    http_client_free(caller->browser);
    key_free(caller->key);
    secret_wipe(caller->token, sizeof caller->token);
    arena_release(&caller->arena);
    free(caller);
    return NULL;
}

const struct sandbox_caller_facts *sandbox_caller_facts(const struct sandbox_caller *caller) {
    return &caller->facts;
}

struct http_client_options sandbox_caller_http_options(const struct sandbox_caller *caller) {
    struct http_client_options options = http_client_options_default();
    options.ca_file = caller->ca_file.at;
    options.cert_file = caller->cert_file.at;
    options.key_file = caller->key_file.at;
    options.user_agent = "giro/" GIRO_VERSION;
    return options;
}

/* --- calls --- */

static int run_call(struct http_client *http, const struct http_call *call, struct arena *arena,
                    struct http_result *ret_result, struct message *message) {
    struct message why = { .text = "" };
    int r = http_client_run(http, call, arena, ret_result, &why);
    if (r <= 0) return err_trace(r);
    switch ((enum http_client_refusal)r) {
    case HTTP_CLIENT_E_CONNECT:
        message_set(message, "%s: is ./run running?", why.text);
        return SANDBOX_CALLER_E_UNREACHABLE;
    case HTTP_CLIENT_E_TLS:
        message_set(message, "%s: does --var name the folder of the sandbox that runs?", why.text);
        return SANDBOX_CALLER_E_UNREACHABLE;
    case HTTP_CLIENT_E_TIMEOUT:
    case HTTP_CLIENT_E_BROKEN:
        message_set(message, "%s", why.text);
        return SANDBOX_CALLER_E_UNKNOWN;
    case HTTP_CLIENT_E_TOO_LARGE:
    case HTTP_CLIENT_E_NONE:
    case HTTP_CLIENT_E_COUNT:
        break;
    }
    message_set(message, "%s", why.text);
    return SANDBOX_CALLER_E_ANSWER;
}

int sandbox_caller_call(struct sandbox_caller *caller, const struct http_call *call, struct arena *arena,
                        struct http_result *ret_result, struct message *message) {
    return err_trace(run_call(caller->certified, call, arena, ret_result, message));
}

int sandbox_caller_browse(struct sandbox_caller *caller, const struct http_call *call, struct arena *arena,
                          struct http_result *ret_result, struct message *message) {
    return err_trace(run_call(caller->browser, call, arena, ret_result, message));
}

/* An answer's code and text, whichever envelope it wears: a problem, an OAuth error, an Open Banking error. */
static void describe_error(const struct json *json, struct str *ret_code, struct str *ret_text) {
    const struct json *first = json_at(json_get(json, "Errors"), 0);
    const struct {
        const struct json *object;
        const char *code, *text;
    } forms[] = { { json, "code", "detail" },
                  { json, "error", "error_description" },
                  { first, "ErrorCode", "Message" } };
    for (size_t i = 0; i < ARRAY_COUNT(forms); i++) {
        *ret_code = json_get_string(forms[i].object, forms[i].code);
        *ret_text = json_get_string(forms[i].object, forms[i].text);
        if (ret_code->len) return;
    }
    *ret_code = STR("no code");
}

int sandbox_caller_expect(const struct http_result *result, const struct sandbox_expected *expected,
                          struct arena *arena, const struct json **ret_json, struct message *message) {
    const struct json *json = NULL;
    struct str code, text;
    int r = json_parse_arena(result->body, JSON_BYTES_MAX, JSON_DEPTH_MAX, arena, &json);
    if (r < 0) return err_trace(r);
    bool is_object = r == 0 && json_type(json) == JSON_OBJECT_TYPE;
    if (result->status != expected->status) {
        describe_error(is_object ? json : NULL, &code, &text);
        message_set(message, "%s was answered with %d (" STR_FMT "%s" STR_FMT ")", expected->what, result->status,
                    STR_ARG(code), text.len ? ": " : "", STR_ARG(text));
        return SANDBOX_CALLER_E_REFUSED;
    }
    if (!is_object) {
        message_set(message, "%s was answered with something that is no JSON object", expected->what);
        return SANDBOX_CALLER_E_ANSWER;
    }
    if (ret_json) *ret_json = json;
    return 0;
}

/* --- authentication --- */

struct str random_text(size_t len, char *text, size_t text_bytes) {
    uint8_t bytes[CLIENT_RANDOM_BYTES_MAX];
    struct buffer out;
    check(len <= sizeof bytes);
    random_bytes(bytes, len);
    buffer_init(&out, text, text_bytes - 1);
    base64url_encode(&out, bytes, len);
    check(!out.overflow);
    text[out.len] = 0;
    secret_wipe(bytes, sizeof bytes);
    return buffer_str(&out);
}

static void write_assertion(struct buffer *out, const struct sandbox_caller_facts *facts) {
    char jti[32];
    struct json_writer writer;
    int64_t now_ms = clock_now_ms();
    json_begin(&writer, out);
    json_object_begin(&writer);
    json_member_str(&writer, "iss", facts->client_id);
    json_member_str(&writer, "sub", facts->client_id);
    json_member_str(&writer, "aud", facts->issuer);
    json_member_str(&writer, "jti", random_text(16, jti, sizeof jti));
    json_member_i64(&writer, "iat", now_ms / 1000);
    json_member_i64(&writer, "exp", (now_ms + SANDBOX_CALLER_ASSERTION_MS) / 1000);
    json_object_end(&writer);
}

int sandbox_caller_authenticate(struct sandbox_caller *caller, struct buffer *form) {
    char claims_memory[1024], token_memory[4096];
    struct jws_header header = { .kid = caller->facts.kid, .typ = STR("JWT") };
    struct buffer claims, token;
    buffer_init(&claims, claims_memory, sizeof claims_memory);
    buffer_init(&token, token_memory, sizeof token_memory);
    write_assertion(&claims, &caller->facts);
    int r = claims.overflow ? err_origin(-EMSGSIZE) : jws_sign(caller->key, &header, buffer_str(&claims), &token);
    if (!r && token.overflow) r = err_origin(-EMSGSIZE);
    if (r) return err_fold(r);
    form_put(form, STR("client_id"), caller->facts.client_id);
    form_put_c(form, "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    form_put(form, STR("client_assertion"), buffer_str(&token));
    return form->overflow ? err_origin(-EMSGSIZE) : 0;
}

int sandbox_caller_post_form(struct sandbox_caller *caller, const struct sandbox_form *form, struct arena *arena,
                             const struct json **ret_json, struct message *message) {
    const struct http_header headers[] = { { STR("Content-Type"), STR("application/x-www-form-urlencoded") },
                                           { STR("Accept"), STR("application/json") } };
    struct http_result result;
    int r = sandbox_caller_authenticate(caller, form->form);
    if (r) return err_trace(r);
    struct http_call call = { .method = STR("POST"),
                              .url = form->url,
                              .headers = headers,
                              .header_count = ARRAY_COUNT(headers),
                              .body = buffer_str(form->form) };
    r = sandbox_caller_call(caller, &call, arena, &result, message);
    if (!r) r = sandbox_caller_expect(&result, &form->expected, arena, ret_json, message);
    return err_trace(r);
}

/* Keeps the token of an answer. */
static int keep_token(struct sandbox_caller *caller, const char *scope, const struct json *json,
                      struct message *message) {
    struct str token = json_get_string(json, "access_token");
    int64_t seconds = json_get_integer(json, "expires_in", 0);
    if (!token.len || token.len > sizeof caller->token || seconds <= 0 || seconds > 24 * 3600) {
        message_set(message, "the token endpoint answered without a usable token");
        return SANDBOX_CALLER_E_ANSWER;
    }
    memcpy(caller->token, token.at, token.len);
    caller->token_len = token.len;
    caller->token_until_ms = clock_mono_ms() + seconds * 1000;
    (void)snprintf(caller->scope, sizeof caller->scope, "%s", scope);
    return 0;
}

int sandbox_caller_token(struct sandbox_caller *caller, const char *scope, struct str *ret_token,
                         struct message *message) {
    char memory[8 * 1024];
    struct arena arena;
    struct buffer form;
    const struct json *json;
    int r = 0;
    bool good = caller->token_len && clock_mono_ms() + SANDBOX_CALLER_TOKEN_SPARE_MS < caller->token_until_ms;
    check(strlen(scope) < sizeof caller->scope);
    if (!good || strcmp(scope, caller->scope) != 0) {
        buffer_init(&form, memory, sizeof memory);
        form_put_c(&form, "grant_type", "client_credentials");
        form_put_c(&form, "scope", scope);
        r = arena_init(&arena, CLIENT_SCRATCH_BYTES, SANDBOX_CALLER_ARENA_BYTES_MAX);
        if (r) return err_trace(r);
        const struct sandbox_form post = { .url = caller->facts.token_endpoint,
                                           .expected = { 200, "POST to the token endpoint" },
                                           .form = &form };
        r = sandbox_caller_post_form(caller, &post, &arena, &json, message);
        if (!r) r = keep_token(caller, scope, json, message);
        arena_release(&arena);
    }
    if (!r) *ret_token = str_from_bytes(caller->token, caller->token_len);
    return err_trace(r);
}

/* --- message signatures --- */

int sandbox_caller_sign(struct sandbox_caller *caller, struct str body, struct arena *arena, struct str *ret_value) {
    char memory[JWS_DETACHED_BYTES_MAX];
    struct buffer out;
    const struct sandbox_caller_facts *facts = &caller->facts;
    struct str issuer = arena_printf(arena, STR_FMT "/" STR_FMT, STR_ARG(facts->org_id), STR_ARG(facts->software_id));
    if (!issuer.at) return err_origin(-ENOMEM);
    const struct jws_detached_signer signer = {
        .key = caller->key, .kid = facts->kid, .issuer = issuer, .trust_anchor = STR(SANDBOX_TRUST_ANCHOR)
    };
    buffer_init(&out, memory, sizeof memory);
    int r = jws_detached_sign(&signer, body, clock_now_ms(), arena, &out);
    if (!r && out.overflow) r = err_origin(-EMSGSIZE);
    if (r) return err_fold(r);
    struct str value = arena_dup(arena, buffer_str(&out));
    if (!value.at) return err_origin(-ENOMEM);
    *ret_value = value;
    return 0;
}

int sandbox_caller_verify(const struct http_result *result, const struct jwks *keys, bool required, struct arena *arena,
                          struct message *message) {
    static const struct str issuers[] = { STR_INIT(SANDBOX_BANK_ORG_ID) },
                            anchors[] = { STR_INIT(SANDBOX_TRUST_ANCHOR) };
    struct str value = http_headers_get(result->headers, result->header_count, STR("x-jws-signature"));
    const struct jws_detached_rules rules = { .wanted = true,
                                              .keys = keys,
                                              .issuers = issuers,
                                              .issuer_count = ARRAY_COUNT(issuers),
                                              .trust_anchors = anchors,
                                              .trust_anchor_count = ARRAY_COUNT(anchors),
                                              .now_ms = clock_now_ms(),
                                              .leeway_ms = 1000 };
    if (!value.at && !required) return 0;
    int r = jws_detached_verify(value, result->body, &rules, arena, NULL);
    if (r <= 0) return err_trace(r);
    message_set(message, "the bank's message signature is not good (%s)", jws_detached_refusal_code(r));
    return SANDBOX_CALLER_E_ANSWER;
}

int sandbox_caller_complain(const char *command, int result, const struct message *message) {
    char path[512];
    if (result < 0) {
        err_path(result, path, sizeof path);
        fprintf(stderr, "giro %s: %s\n", command, path);
        return EXIT_FAILED;
    }
    fprintf(stderr, "giro %s: %s\n", command, message->text);
    switch ((enum sandbox_caller_refusal)result) {
    case SANDBOX_CALLER_E_UNREACHABLE:
    case SANDBOX_CALLER_E_ABSENT: /* without ./run there is no sandbox, so nothing that could answer */
        return EXIT_UNAVAILABLE;
    case SANDBOX_CALLER_E_DENIED:
        return EXIT_DENIED;
    case SANDBOX_CALLER_E_UNKNOWN:
    case SANDBOX_CALLER_E_REFUSED:
    case SANDBOX_CALLER_E_ANSWER:
    case SANDBOX_CALLER_E_NONE:
    case SANDBOX_CALLER_E_COUNT:
        break;
    }
    return EXIT_FAILED;
}
