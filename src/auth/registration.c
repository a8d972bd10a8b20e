/* registration.c - a client registers itself and looks after its registration (RFC 7591, RFC 7592, Open Banking dynamic
 * client registration): POST /register, GET, PUT and DELETE /register/{client_id}.
 *
 * (R1) whoever registers comes over mTLS with a certificate of the same organisation and software as the statement
 * (uk/D3). (R2) the request is a token signed by a key of the statement (uk/D2). (R3) the registration access token is
 * good only together with a certificate of the client's software. */
#include "auth/auth_int.h"

#include "auth/client_assertion.h"
#include "auth/oauth_error.h"
#include "auth/registration_terms.h"
#include "platform/secret.h"
#include "wire/jose.h"
#include "wire/jwt.h"

enum {
    REGISTRATION_BODY_BYTES_MAX = JOSE_TOKEN_BYTES_MAX,
    ANSWER_BYTES_MAX = 16 * 1024,
    REQUEST_AHEAD_MS = 3600 * 1000
};

struct registering {
    struct software_statement statement;
    struct registration_terms terms;
    struct str client_name;     /* OAuth client_id */
    struct str access_token;    /* in clear; empty: not told */
    struct client_id client_id; /* of a change */
    int64_t issued_ms;
};

/* ---- the request token ---- */

static int verify_request(const struct auth_request *request, const struct software_statement *statement,
                          struct jws *ret_jws, bool *ret_good) {
    struct client_key_source source = { .jwks_uri = statement->keys_uri,
                                        .cache = request->auth->options.client_keys,
                                        .interaction_id = request->call->interaction_id };
    struct arena *arena = request->arena;
    char *memory = statement->keys ? arena_alloc(arena, JWKS_BYTES_MAX) : NULL;
    struct buffer text;
    if (statement->keys && !memory) return err_origin(-ENOMEM);
    buffer_init(&text, memory, statement->keys ? JWKS_BYTES_MAX : 0);
    if (statement->keys) json_write(&text, statement->keys);
    source.jwks = buffer_str(&text);
    int r = text.overflow ? CLIENT_ASSERTION_E_KEYS : client_signature_judge(request->body, &source, arena, ret_jws);
    *ret_good = r == 0;
    return r < 0 ? err_trace(r) : 0;
}

/* iss is the software, aud this issuer, exp there. */
static bool times_fit(const struct auth *auth, const struct json *claims, const struct software_statement *statement) {
    struct jwt_facts facts;
    struct jwt_rules rules = { .issuer = statement->software_id,
                               .audiences = &auth->issuer,
                               .audience_count = 1,
                               .now_ms = auth->options.now_ms(),
                               .leeway_ms = JWT_LEEWAY_MS,
                               .exp_ahead_max_ms = REQUEST_AHEAD_MS,
                               .iat_required = true };
    return jwt_check(claims, &rules, &facts) == 0;
}

static int read_statement(struct auth_request *request, const struct json *claims, struct registering *registering) {
    const struct auth_options *options = &request->auth->options;
    struct software_rules rules = { .directory_keys = options->directory_keys,
                                    .directory_issuer = options->directory_issuer,
                                    .life_ms = options->statement_life_ms,
                                    .now_ms = options->now_ms() };
    return software_statement_read(json_get_string(claims, "software_statement"), &rules, request->arena,
                                   &registering->statement);
}

/* (R1), (R2). 0 with *ret_claims, NULL there when the request is answered; <0. */
static int read_request(struct auth_request *request, struct registering *registering, const struct json **ret_claims) {
    const struct json *claims;
    struct jws jws;
    bool good;
    *ret_claims = NULL;
    if (request->body.len > REGISTRATION_BODY_BYTES_MAX)
        return oauth_refuse(request, OAUTH_INVALID_REQUEST, "the request is too large");
    int r = jws_parse(request->body, request->arena, &jws);
    if (!r) r = jws_claims(&jws, request->arena, &claims); /* only to find the statement: nothing is believed yet */
    if (r < 0) return err_trace(r);
    if (r) return oauth_refuse(request, OAUTH_INVALID_REQUEST, "the body must be a signed token (application/jwt)");
    r = read_statement(request, claims, registering);
    if (r < 0) return err_trace(r);
    if (r) return oauth_refuse(request, OAUTH_INVALID_SOFTWARE_STATEMENT, software_statement_refusal_text(r));
    if (!str_equal(registering->statement.software_id, request->call->software_id) ||
        !str_equal(registering->statement.org_id, request->call->org_id))
        return oauth_refuse(request, OAUTH_UNAPPROVED_SOFTWARE_STATEMENT,
                            "the statement is of another software than the certificate");
    r = verify_request(request, &registering->statement, &jws, &good);
    if (r) return err_trace(r);
    if (!good)
        return oauth_refuse(request, OAUTH_INVALID_CLIENT_METADATA, "the request is not signed by the software's key");
    if (!times_fit(request->auth, claims, &registering->statement))
        return oauth_refuse(request, OAUTH_INVALID_CLIENT_METADATA,
                            "iss must be the software_id, aud the issuer; iat and exp must be there and now");
    *ret_claims = claims;
    return 0;
}

static int read_terms(struct auth_request *request, struct registering *registering, bool *ret_answered) {
    struct registration_refusal refusal;
    const struct json *claims;
    *ret_answered = true;
    int r = read_request(request, registering, &claims);
    if (r || !claims) return r;
    if (!registration_terms_read(claims, &registering->statement, request->arena, &registering->terms, &refusal)) {
        if (refusal.error == OAUTH_ERROR_COUNT) return err_origin(-ENOMEM);
        return oauth_refuse(request, refusal.error, refusal.description);
    }
    /* what the certificate's own roles do not allow cannot be registered with it (uk/D3) */
    struct str allowed = call_roles_limit(request->call, registering->terms.scope, request->arena);
    if (!allowed.at) return err_origin(-ENOMEM);
    if (!str_equal(allowed, registering->terms.scope))
        return oauth_refuse(request, OAUTH_INVALID_CLIENT_METADATA,
                            "scope is more than the roles of the certificate allow");
    *ret_answered = false;
    return 0;
}

static struct client_register_input input_of(const struct auth_request *request,
                                             const struct registering *registering) {
    const struct registration_terms *terms = &registering->terms;
    return (struct client_register_input){ .name = registering->client_name,
                                           .display_name = registering->statement.client_name,
                                           .profile = terms->profile,
                                           .sender = terms->sender,
                                           .tier = request->auth->options.registration_tier,
                                           .org_id = registering->statement.org_id,
                                           .software_id = registering->statement.software_id,
                                           .scope = terms->scope,
                                           .redirect_uris = terms->redirect_uris,
                                           .jwks = terms->jwks,
                                           .auth = terms->auth,
                                           .jwks_uri = terms->jwks_uri,
                                           .tls_subject = terms->tls_subject,
                                           .roles = str_from_c(registering->statement.roles),
                                           .metadata = terms->metadata,
                                           .signs = terms->signs };
}

/* ---- answers ---- */

/* RFC 7591 section 3.2.1, RFC 7592 section 3: the metadata as kept, and how to look after them. */
static int answer_registration(struct auth_request *request, int status, const struct registering *registering) {
    struct str metadata = registering->terms.metadata, name = registering->client_name;
    char *memory = arena_alloc(request->arena, ANSWER_BYTES_MAX);
    struct buffer out;
    if (!memory) return err_origin(-ENOMEM);
    check(metadata.len >= 2 && metadata.at[0] == '{');
    buffer_init(&out, memory, ANSWER_BYTES_MAX);
    buffer_printf(&out, "{\"client_id\":\"" STR_FMT "\",\"client_id_issued_at\":%lld,", STR_ARG(name),
                  (long long)(registering->issued_ms / 1000));
    if (registering->access_token.len)
        buffer_printf(&out, "\"registration_access_token\":\"" STR_FMT "\",", STR_ARG(registering->access_token));
    buffer_printf(&out, "\"registration_client_uri\":\"" STR_FMT "/register/" STR_FMT "\",",
                  STR_ARG(request->auth->api_url), STR_ARG(name));
    buffer_append_str(&out, str_slice(metadata, 1, metadata.len));
    if (out.overflow) return err_origin(-EMSGSIZE);
    int r = wipe_later(request->arena, buffer_str(&out));
    return r ? err_trace(r) : oauth_answer(request, status, buffer_str(&out));
}

static int refuse_command(struct auth_request *request, int refusal) {
    switch (refusal) {
    case CLIENT_REGISTER_E_EXISTS:
        return oauth_refuse(request, OAUTH_INVALID_CLIENT_METADATA,
                            "this software is registered already: change that registration");
    case CLIENT_REGISTER_E_REDIRECT_URI:
        return oauth_refuse(request, OAUTH_INVALID_REDIRECT_URI, "a redirect_uri is not https, or not acceptable");
    case CLIENT_REGISTER_E_KEYS:
        return oauth_refuse(request, OAUTH_INVALID_SOFTWARE_STATEMENT, "the keys of the statement cannot be used");
    case CLIENT_CHANGE_E_ABSENT:
        return oauth_refuse(request, OAUTH_INVALID_TOKEN, "there is no such registration");
    default:
        return oauth_refuse(request, OAUTH_INVALID_CLIENT_METADATA, "the metadata cannot be registered");
    }
}

/* ---- POST ---- */

static int finish_register(struct auth_request *request) {
    const struct registering *registering = request->state;
    if (request->command->answer.refusal) return refuse_command(request, request->command->answer.refusal);
    return answer_registration(request, 201, registering);
}

static int make_name(struct auth_request *request, struct registering *registering) {
    struct str text;
    int r = secret_text_make(request->arena, &text);
    if (r) return err_trace(r);
    registering->client_name = arena_printf(request->arena, "c-" STR_FMT, STR_ARG(str_slice(text, 0, 22)));
    return registering->client_name.at ? err_trace(secret_text_make(request->arena, &registering->access_token))
                                       : err_origin(-ENOMEM);
}

int auth_register(struct auth_request *request) {
    struct registering *registering = arena_new(request->arena, struct registering);
    bool answered;
    if (!registering) return err_origin(-ENOMEM);
    if (request->auth->options.directory_keys.len == 0)
        return oauth_refuse(request, OAUTH_INVALID_REQUEST, "this bank does not take registrations here");
    int r = read_terms(request, registering, &answered);
    if (r || answered) return r;
    r = make_name(request, registering);
    if (r) return err_trace(r);
    registering->issued_ms = request->auth->options.now_ms();
    struct client_register_input input = input_of(request, registering);
    input.registration_hash = sha256_str(registering->access_token);
    bool waits = request->command->on_done != NULL;
    request->state = registering;
    request->finish = finish_register;
    return request_sent(request, waits,
                        command_client_register(request->auth->options.integration, request->command, &input));
}

/* ---- management ---- */

/* (R3) 0 with *ret_found, or answered. */
static int find_registration(struct auth_request *request, struct client_view *ret_client, bool *ret_found) {
    struct str value = request->authorization, scheme;
    bool two = str_cut(&value, ' ', &scheme);
    struct hash hash = sha256_str(value), none = { 0 };
    *ret_found = false;
    int r = query_client(request->query, request->resource, request->arena, ret_client);
    if (r < 0) return err_trace(r);
    bool good = r == 0 && two && str_equal_nocase(scheme, STR("Bearer")) && request->call->has_client &&
                id_equal(ret_client->client_id.bytes, request->call->client_id.bytes) &&
                !hash_equal(&none, &ret_client->registration_hash) && hash_equal(&hash, &ret_client->registration_hash);
    *ret_found = good;
    if (good) return 0;
    answer_header(request, "WWW-Authenticate", STR("Bearer realm=\"giro\", error=\"invalid_token\""));
    return oauth_refuse(request, OAUTH_INVALID_TOKEN, "not a registration access token of this client");
}

int auth_registration_read(struct auth_request *request) {
    struct client_view client;
    bool found;
    int r = find_registration(request, &client, &found);
    if (r || !found) return r;
    struct registering registering = { .client_name = client.name,
                                       .terms.metadata = client.metadata,
                                       .issued_ms = client.created_ms };
    return answer_registration(request, 200, &registering);
}

static int finish_change(struct auth_request *request) {
    const struct registering *registering = request->state;
    if (request->command->answer.refusal) return refuse_command(request, request->command->answer.refusal);
    return answer_registration(request, 200, registering);
}

int auth_registration_change(struct auth_request *request) {
    struct registering *registering = arena_new(request->arena, struct registering);
    struct client_view client;
    bool found, answered;
    if (!registering) return err_origin(-ENOMEM);
    int r = find_registration(request, &client, &found);
    if (r || !found) return r;
    r = read_terms(request, registering, &answered);
    if (r || answered) return r;
    registering->client_name = client.name;
    registering->issued_ms = client.created_ms;
    struct client_change_input input = { .client_id = client.client_id, .client = input_of(request, registering) };
    bool waits = request->command->on_done != NULL;
    request->state = registering;
    request->finish = finish_change;
    return request_sent(request, waits,
                        command_client_change(request->auth->options.integration, request->command, &input));
}

static int finish_remove(struct auth_request *request) {
    if (request->command->answer.refusal) return refuse_command(request, request->command->answer.refusal);
    request->answer.status = 204;
    request->answer.media_type = NULL;
    request->answer.outcome = "accepted";
    answer_header(request, "Cache-Control", STR("no-store"));
    return AUTH_ANSWERED;
}

int auth_registration_remove(struct auth_request *request) {
    struct client_view client;
    bool found;
    int r = find_registration(request, &client, &found);
    if (r || !found) return r;
    struct client_settle_input input = { .client_id = client.client_id, .fate = CLIENT_FATE_REMOVED };
    bool waits = request->command->on_done != NULL;
    request->finish = finish_remove;
    return request_sent(request, waits,
                        command_client_settle(request->auth->options.integration, request->command, &input));
}
