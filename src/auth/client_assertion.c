#include "auth/client_assertion.h"

#include "auth/auth_int.h"
#include "auth/oauth_error.h"
#include "auth/profile.h"

int client_signature_judge(struct str token, struct str jwks, struct arena *arena, struct jws *ret_jws) {
    struct jwks *keys;
    int r = jws_parse(token, arena, ret_jws);
    if (r) return r;
    r = jwks_parse(jwks, &keys, NULL);
    if (r) return r < 0 ? err_trace(r) : CLIENT_ASSERTION_E_KEYS;
    r = jws_verify_set(ret_jws, keys, KEY_ALG_NONE);
    jwks_free(keys);
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
    if (refusal == CLIENT_ASSERTION_E_ALG) return jose_refusal_text(JOSE_E_ALG);
    return refusal >= 100 ? jwt_refusal_text(refusal - 100) : jose_refusal_text(refusal);
}

int client_assertion_judge(struct str assertion, const struct client_assertion_rules *rules, struct arena *arena,
                           struct jwt_facts *ret_facts, const char **ret_text) {
    struct jws jws;
    struct jwt_facts facts;
    const struct json *claims;
    int r = client_signature_judge(assertion, rules->jwks, arena, &jws);
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

/* What is wrong with the form as a proof; NULL = it may be judged. */
static const char *proof_missing(const struct authenticated *client, struct str *ret_assertion) {
    struct str type, name;
    if (has_field(&client->form, "client_secret")) return "client secrets are not used here";
    if (!form_get(&client->form, "client_assertion", ret_assertion) || ret_assertion->len == 0)
        return "client_assertion missing";
    if (!form_get(&client->form, "client_assertion_type", &type)) return "client_assertion_type missing";
    if (!str_equal_c(type, "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"))
        return "client_assertion_type not supported";
    if (form_get(&client->form, "client_id", &name) && !str_equal(name, client->client.name))
        return "client_id is not the client of the certificate";
    return NULL;
}

int client_authenticate(struct auth_request *request, struct authenticated **ret_client) {
    struct authenticated *client = arena_new(request->arena, struct authenticated);
    struct str assertion;
    struct jwt_facts facts;
    bool answered;
    *ret_client = NULL;
    if (!client) return err_origin(-ENOMEM);
    int r = judge_request(request, client, &answered);
    if (r || answered) return r;
    const char *wrong = proof_missing(client, &assertion);
    if (wrong) return oauth_refuse(request, OAUTH_INVALID_CLIENT, wrong);
    const struct auth *auth = request->auth;
    const struct profile *profile = profile_of(&client->client);
    const struct str audiences[] = { auth->issuer, auth->token_url, auth->pushed_url };
    struct client_assertion_rules rules = { .audiences = audiences,
                                            .audience_count = profile->endpoint_audiences ? ARRAY_COUNT(audiences) : 1,
                                            .audience_string_only = !profile->endpoint_audiences,
                                            .edwards = profile->edwards,
                                            .client_name = client->client.name,
                                            .jwks = client->client.jwks,
                                            .now_ms = auth->options.now_ms() };
    r = client_assertion_judge(assertion, &rules, request->arena, &facts, &wrong);
    if (r < 0) return err_trace(r);
    if (r) return oauth_refuse(request, OAUTH_INVALID_CLIENT, wrong);
    /* What the roles of the certificate and of the registration do not allow, the client cannot ask for (uk/D3). */
    client->client.scope = call_roles_limit(request->call, client->client.scope, request->arena);
    if (!client->client.scope.at) return err_origin(-ENOMEM);
    client->assertion = (struct assertion_spend){ .client_id = client->client.client_id,
                                                  .jti = facts.jti,
                                                  .expires_ms = facts.expires_ms };
    *ret_client = client;
    return 0;
}
