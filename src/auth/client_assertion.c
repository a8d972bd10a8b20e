#include "auth/client_assertion.h"

#include "auth/auth_int.h"
#include "auth/client_certificate.h"
#include "auth/oauth_error.h"
#include "auth/profile.h"

struct client_key_source client_key_source_of(const struct auth_request *request, const struct client_view *client) {
    return (struct client_key_source){ .jwks = client->jwks,
                                       .jwks_uri = client->jwks_uri,
                                       .cache = request->auth->options.client_keys,
                                       .interaction_id = request->call->interaction_id };
}

static int refuse_keys(int refusal) {
    if (refusal < 0) return err_trace(refusal);
    return refusal == CLIENT_KEYS_E_BUSY ? CLIENT_ASSERTION_E_BUSY : CLIENT_ASSERTION_E_KEYS;
}

int client_signature_judge(struct str token, const struct client_key_source *source, struct arena *arena,
                           struct jws *ret_jws) {
    struct client_key_set *set, *newer;
    int r = jws_parse(token, arena, ret_jws);
    if (r) return r;
    r = client_keys_take(source, NULL, &set);
    if (r) return refuse_keys(r);
    r = jws_verify_set(ret_jws, client_key_set_keys(set), KEY_ALG_NONE);
    if (r == JOSE_E_KEY && source->jwks_uri.len && client_keys_take(source, set, &newer) == 0) {
        r = jws_verify_set(ret_jws, client_key_set_keys(newer), KEY_ALG_NONE);
        (void)client_key_set_release(newer);
    }
    (void)client_key_set_release(set);
    return r;
}

static int judge_claims(const struct json *claims, const struct client_assertion_rules *rules,
                        struct jwt_facts *ret_facts) {
    struct jwt_rules jwt = { .issuer = rules->client_name,
                             .subject = rules->client_name,
                             .audiences = rules->audiences,
                             .audience_count = rules->audience_count,
                             .audience_string_only = rules->audience_string_only,
                             .now_ms = rules->now_ms,
                             .leeway_ms = JWT_LEEWAY_MS,
                             .exp_ahead_max_ms = JWT_ASSERTION_AHEAD_MS,
                             .jti_required = true };
    return jwt_check(claims, &jwt, ret_facts);
}

const char *client_assertion_text(int refusal) {
    if (refusal == CLIENT_ASSERTION_E_JTI_LONG) return "jti is longer than 128 bytes";
    if (refusal == CLIENT_ASSERTION_E_KEYS) return "the client has no usable keys";
    if (refusal == CLIENT_ASSERTION_E_BUSY) return "the keys of the client cannot be had now";
    if (refusal == CLIENT_ASSERTION_E_ALG) return jose_refusal_text(JOSE_E_ALG);
    return refusal >= 100 ? jwt_refusal_text(refusal - 100) : jose_refusal_text(refusal);
}

int client_assertion_judge(struct str assertion, const struct client_assertion_rules *rules, struct arena *arena,
                           struct jwt_facts *ret_facts, const char **ret_text) {
    struct jws jws;
    struct jwt_facts facts;
    const struct json *claims;
    int r = client_signature_judge(assertion, &rules->keys, arena, &jws);
    if (!r && jws.alg == KEY_ALG_EDDSA && !rules->edwards) r = CLIENT_ASSERTION_E_ALG;
    if (!r) r = jws_claims(&jws, arena, &claims);
    if (!r) {
        r = judge_claims(claims, rules, &facts);
        if (r) r += 100;
        else if (facts.jti.len > CLIENT_ASSERTION_JTI_BYTES_MAX) r = CLIENT_ASSERTION_E_JTI_LONG;
    }
    if (r < 0) return err_trace(r);
    if (r && ret_text) *ret_text = client_assertion_text(r);
    if (!r) *ret_facts = facts;
    return r;
}

/* The client as it may ask at all. 0 = go on; else answered, or a fault (<0). */
static int judge_request(struct auth_request *request, struct authenticated *client, bool *ret_answered) {
    struct str duplicate;
    int r = secret_form_parse(request->body, request->arena, &client->form);
    *ret_answered = true;
    if (r < 0) return err_trace(r);
    if (r) return oauth_refuse(request, OAUTH_INVALID_REQUEST, form_refusal_text(r));
    if (form_find_duplicate(&client->form, &duplicate))
        return oauth_refuse(request, OAUTH_INVALID_REQUEST, "a parameter comes twice");
    if (!request->call->has_client)
        return oauth_refuse(request, OAUTH_INVALID_CLIENT, "no client with this certificate");
    r = query_client(request->query, request->call->client_name, request->arena, &client->client);
    if (r < 0) return err_trace(r);
    if (r || !id_equal(client->client.client_id.bytes, request->call->client_id.bytes))
        return oauth_refuse(request, OAUTH_INVALID_CLIENT, "no such client");
    if (!client->client.profile_served)
        return oauth_refuse(request, OAUTH_UNAUTHORIZED_CLIENT, "the profile of this client is not served");
    *ret_answered = false;
    return 0;
}

static bool has_field(const struct form *form, const char *name) {
    struct str value;
    return form_get(form, name, &value);
}

/* What a client of any method may not send, or must. NULL = all is well. */
static const char *form_wrong(const struct auth_request *request, const struct authenticated *client) {
    struct str name;
    bool certificate = client->client.auth != CLIENT_VIEW_ASSERTION;
    if (has_field(&client->form, "client_secret") || str_starts(request->authorization, STR("Basic ")))
        return "client secrets are not used here";
    if (form_get(&client->form, "client_id", &name)) {
        if (!str_equal(name, client->client.name)) return "client_id is not the client of the certificate";
    } else if (certificate) return "client_id missing";
    if (certificate &&
        (has_field(&client->form, "client_assertion") || has_field(&client->form, "client_assertion_type")))
        return "this client is registered for authentication by its certificate"; /* G6 */
    return NULL;
}

/* What is wrong with the form as a proof; NULL = it may be judged. */
static const char *proof_missing(const struct authenticated *client, struct str *ret_assertion) {
    struct str type;
    if (!form_get(&client->form, "client_assertion", ret_assertion) || ret_assertion->len == 0)
        return "client_assertion missing";
    if (!form_get(&client->form, "client_assertion_type", &type)) return "client_assertion_type missing";
    if (!str_equal_c(type, "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"))
        return "client_assertion_type not supported";
    return NULL;
}

/* ---- the methods: 0 with *ret_answered, or a fault ---- */

/* By its certificate (RFC 8705 section 2): nothing is spent. */
static int prove_by_certificate(struct auth_request *request, struct authenticated *client, bool *ret_answered) {
    int r = client_certificate_judge(request, &client->client);
    if (r < 0) return err_trace(r);
    *ret_answered = r != 0;
    client->assertion = (struct assertion_spend){ .client_id = client->client.client_id };
    if (r == CLIENT_CERTIFICATE_E_BUSY) return AUTH_BUSY;
    return r ? oauth_refuse(request, OAUTH_INVALID_CLIENT, client_certificate_text(r)) : 0;
}

static int prove_by_assertion(struct auth_request *request, struct authenticated *client, bool *ret_answered) {
    const struct auth *auth = request->auth;
    const struct profile *profile = profile_of(&client->client);
    const struct str audiences[] = { auth->issuer, auth->token_url, auth->pushed_url };
    struct client_assertion_rules rules = { .audiences = audiences,
                                            .audience_count = profile->endpoint_audiences ? ARRAY_COUNT(audiences) : 1,
                                            .audience_string_only = !profile->endpoint_audiences,
                                            .edwards = profile->edwards,
                                            .client_name = client->client.name,
                                            .keys = client_key_source_of(request, &client->client),
                                            .now_ms = auth->options.now_ms() };
    struct str assertion;
    struct jwt_facts facts;
    const char *wrong = proof_missing(client, &assertion);
    *ret_answered = true;
    if (wrong) return oauth_refuse(request, OAUTH_INVALID_CLIENT, wrong);
    int r = client_assertion_judge(assertion, &rules, request->arena, &facts, &wrong);
    if (r < 0) return err_trace(r);
    if (r == CLIENT_ASSERTION_E_BUSY) return AUTH_BUSY;
    if (r) return oauth_refuse(request, OAUTH_INVALID_CLIENT, wrong);
    client->assertion = (struct assertion_spend){ .client_id = client->client.client_id,
                                                  .jti = facts.jti,
                                                  .expires_ms = facts.expires_ms };
    *ret_answered = false;
    return 0;
}

int client_authenticate(struct auth_request *request, struct authenticated **ret_client) {
    struct authenticated *client = arena_new(request->arena, struct authenticated);
    bool answered;
    *ret_client = NULL;
    if (!client) return err_origin(-ENOMEM);
    int r = judge_request(request, client, &answered);
    if (r || answered) return r;
    const char *wrong = form_wrong(request, client);
    if (wrong) return oauth_refuse(request, OAUTH_INVALID_CLIENT, wrong);
    r = client->client.auth == CLIENT_VIEW_ASSERTION ? prove_by_assertion(request, client, &answered)
                                                     : prove_by_certificate(request, client, &answered);
    if (r || answered) return r;
    /* What the roles of the certificate and of the registration do not allow, the client cannot ask for (uk/D3). */
    client->client.scope = call_roles_limit(request->call, client->client.scope, request->arena);
    if (!client->client.scope.at) return err_origin(-ENOMEM);
    *ret_client = client;
    return 0;
}
