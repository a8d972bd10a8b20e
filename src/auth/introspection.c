/* introspection.c - POST /introspect (RFC 7662, RFC 9701): what a client's token is good for now. A client is told of
 * its own tokens only, and one that the configuration names as a resource server of access tokens of all clients; of
 * any other, as of one that is unknown or over, that it is not active and nothing else. */
#include "auth/auth_int.h"

#include "auth/client_assertion.h"
#include "auth/refuse_spent.h"
#include "auth/sender.h"
#include "platform/encoding.h"
#include "wire/jose.h"

enum { INTROSPECTION_BYTES_MAX = 4 * 1024 };
#define INTROSPECTION_JWT "application/token-introspection+jwt"

struct introspection {
    const struct authenticated *client;
    struct hash token_hash;
};

/* What is told of an active token of either kind. */
struct active {
    const struct client_id *client_id;
    struct str client_name; /* once it may be told */
    const struct customer_id *customer_id;
    const struct consent_id *consent_id;
    struct str scope, details;
    int64_t issued_ms, expires_ms;  /* COMMAND_REFRESH_NEVER_MS: not told */
    const struct token_view *token; /* NULL: a refresh token */
};

static void write_hash(struct json_writer *writer, const char *name, const struct hash *hash) {
    char memory[AUTH_SECRET_TEXT_BYTES];
    struct buffer text;
    buffer_init(&text, memory, sizeof memory);
    base64url_encode(&text, hash->bytes, sizeof hash->bytes);
    json_member_str(writer, name, buffer_str(&text));
}

/* G5: the sender constraint as a resource server must enforce it. */
static void write_binding(struct json_writer *writer, const struct token_view *token) {
    bool by_key = !sender_is_zero(&token->key_thumbprint);
    json_member_c(writer, "token_type", by_key ? "DPoP" : "Bearer");
    json_name(writer, "cnf");
    json_object_begin(writer);
    if (by_key) write_hash(writer, "jkt", &token->key_thumbprint);
    else write_hash(writer, "x5t#S256", &token->certificate_hash);
    json_object_end(writer);
}

static void write_active(const struct auth_request *request, const struct active *active, struct json_writer *writer) {
    char id[ID_TEXT_BYTES];
    bool customer = !id_is_zero(active->customer_id->bytes);
    json_member_str(writer, "iss", request->auth->issuer);
    json_member_str(writer, "client_id", active->client_name);
    json_member_str(writer, "sub", customer ? id_format(active->customer_id->bytes, id) : active->client_name);
    json_member_str(writer, "scope", active->scope);
    json_member_i64(writer, "iat", active->issued_ms / 1000);
    if (active->expires_ms != COMMAND_REFRESH_NEVER_MS) json_member_i64(writer, "exp", active->expires_ms / 1000);
    if (customer) json_member_str(writer, "openbanking_intent_id", id_format(active->consent_id->bytes, id));
    if (active->details.len) {
        json_name(writer, "authorization_details");
        json_put_raw(writer, active->details);
    }
    if (active->token) write_binding(writer, active->token);
}

/* ---- is it good? ---- */

/* The consent behind it stands, as it did when the customer granted this. */
static int judge_consent(struct auth_request *request, const struct active *active, int64_t granted_ms,
                         bool *ret_stands) {
    struct grant_consent_view consent;
    *ret_stands = true;
    if (id_is_zero(active->consent_id->bytes)) return 0;
    int r = query_grant_consent(request->query, active->consent_id, request->auth->options.now_ms(), request->arena,
                                &consent);
    if (r < 0) return err_trace(r);
    *ret_stands = r == 0 && (active->token ? consent.authorised : consent.refreshable) &&
                  consent.since_ms <= granted_ms && id_equal(consent.client_id.bytes, active->client_id->bytes) &&
                  id_equal(consent.customer_id.bytes, active->customer_id->bytes);
    return 0;
}

static int judge_token(struct auth_request *request, const struct token_view *token, struct active *ret_active,
                       bool *ret_good) {
    *ret_active = (struct active){ .client_id = &token->client_id,
                                   .customer_id = &token->customer_id,
                                   .consent_id = &token->consent_id,
                                   .scope = token->scope,
                                   .details = token->details,
                                   .issued_ms = token->issued_ms,
                                   .expires_ms = token->expires_ms,
                                   .token = token };
    int r = judge_consent(request, ret_active, token->granted_ms, ret_good);
    *ret_good = *ret_good && !token->revoked_ms && request->auth->options.now_ms() < token->expires_ms;
    return err_trace(r);
}

static int judge_refresh(struct auth_request *request, const struct refresh_view *refresh, struct active *ret_active,
                         bool *ret_good) {
    *ret_active = (struct active){ .client_id = &refresh->client_id,
                                   .customer_id = &refresh->customer_id,
                                   .consent_id = &refresh->consent_id,
                                   .scope = refresh->scope,
                                   .details = refresh->details,
                                   .issued_ms = refresh->issued_ms,
                                   .expires_ms = refresh->expires_ms };
    int r = judge_consent(request, ret_active, refresh->granted_ms, ret_good);
    *ret_good = *ret_good && !refresh->revoked && request->auth->options.now_ms() < refresh->expires_ms;
    return err_trace(r);
}

static bool is_resource_server(const struct auth_request *request, struct str name) {
    const struct auth_options *options = &request->auth->options;
    for (size_t i = 0; i < options->resource_server_count; i++)
        if (str_equal(options->resource_servers[i], name)) return true;
    return false;
}

/* Whether the asking client may hear of it, with the name of the one it was issued to, which must still be a client. 0
 * or <0. */
static int judge_asker(struct auth_request *request, const struct introspection *introspection, struct active *active,
                       bool *ret_may) {
    const struct client_view *asker = &introspection->client->client;
    struct client_view owner;
    *ret_may = true;
    active->client_name = asker->name;
    if (id_equal(active->client_id->bytes, asker->client_id.bytes)) return 0;
    *ret_may = false;
    if (!active->token || !is_resource_server(request, asker->name)) return 0;
    int r = query_client_by_id(request->query, active->client_id, request->arena, &owner);
    if (r) return r < 0 ? err_trace(r) : 0;
    active->client_name = owner.name;
    *ret_may = true;
    return 0;
}

/* Appends the document. 0 or <0. */
static int introspect(struct auth_request *request, const struct introspection *introspection, struct buffer *out) {
    struct token_view token;
    struct refresh_view refresh;
    struct active active = { 0 };
    struct json_writer writer;
    bool good = false, may = false;
    int r = query_token(request->query, &introspection->token_hash, request->arena, &token);
    if (r == 0) r = judge_token(request, &token, &active, &good);
    else if (r == QUERY_E_ABSENT) {
        r = query_refresh(request->query, &introspection->token_hash, request->arena, &refresh);
        if (r == 0) r = judge_refresh(request, &refresh, &active, &good);
    }
    if (r == 0 && good) r = judge_asker(request, introspection, &active, &may);
    if (r < 0) return err_trace(r);
    good = good && may;
    json_begin(&writer, out);
    json_object_begin(&writer);
    json_member_bool(&writer, "active", good);
    if (good) write_active(request, &active, &writer);
    json_object_end(&writer);
    return out->overflow ? err_origin(-EMSGSIZE) : 0;
}

/* ---- the answer ---- */

/* RFC 9701 section 5: the document inside a signed token for this client. */
static int sign(const struct auth_request *request, const struct introspection *introspection, struct str document,
                struct buffer *out) {
    char memory[INTROSPECTION_BYTES_MAX + 1024];
    struct buffer claims;
    struct json_writer writer;
    buffer_init(&claims, memory, sizeof memory);
    json_begin(&writer, &claims);
    json_object_begin(&writer);
    json_member_str(&writer, "iss", request->auth->issuer);
    json_member_str(&writer, "aud", introspection->client->client.name);
    json_member_i64(&writer, "iat", request->auth->options.now_ms() / 1000);
    json_name(&writer, "token_introspection");
    json_put_raw(&writer, document);
    json_object_end(&writer);
    if (claims.overflow) return err_origin(-EMSGSIZE);
    return err_trace(signing_keys_sign(request->auth->options.signing_keys, STR("token-introspection+jwt"),
                                       buffer_str(&claims), out));
}

static int answer_introspection(struct auth_request *request) {
    const struct introspection *introspection = request->state;
    char *memory = arena_alloc(request->arena, INTROSPECTION_BYTES_MAX), *signature;
    struct buffer document, token;
    size_t at;
    if (request->command->answer.refusal) return refuse_replayed(request);
    if (!memory) return err_origin(-ENOMEM);
    buffer_init(&document, memory, INTROSPECTION_BYTES_MAX);
    int r = introspect(request, introspection, &document);
    if (r) return err_trace(r);
    if (!str_find(request->accept, STR(INTROSPECTION_JWT), &at))
        return oauth_answer(request, 200, buffer_str(&document));
    signature = arena_alloc(request->arena, JOSE_TOKEN_BYTES_MAX);
    if (!signature) return err_origin(-ENOMEM);
    buffer_init(&token, signature, JOSE_TOKEN_BYTES_MAX);
    r = sign(request, introspection, buffer_str(&document), &token);
    if (r) return err_trace(r);
    r = oauth_answer(request, 200, buffer_str(&token));
    request->answer.media_type = INTROSPECTION_JWT;
    return r;
}

int auth_introspect(struct auth_request *request) {
    struct introspection *introspection = arena_new(request->arena, struct introspection);
    struct authenticated *client;
    struct str token;
    if (!introspection) return err_origin(-ENOMEM);
    int r = client_authenticate(request, &client);
    if (r || !client) return r;
    if (!form_get(&client->form, "token", &token) || token.len == 0)
        return refuse_spent(request, &client->assertion, OAUTH_INVALID_REQUEST, "token missing");
    *introspection = (struct introspection){ .client = client, .token_hash = sha256_str(token) };
    bool waits = request->command->on_done != NULL;
    request->state = introspection;
    request->finish = answer_introspection;
    return request_sent(
        request, waits,
        command_assertion_spend(request->auth->options.integration, request->command, &client->assertion));
}
