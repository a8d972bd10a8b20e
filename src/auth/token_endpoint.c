/* token_endpoint.c - POST /token: an assertion and a grant become an access token, opaque and bound to the certificate
 * or to a key (FAPI G4, G5, 68 to 76, 82). */
#include "auth/auth_int.h"

#include "auth/authorization_details.h"
#include "auth/id_token.h"
#include "auth/oauth_error.h"
#include "auth/proof_key.h"
#include "auth/refuse_spent.h"
#include "auth/scope.h"
#include "auth/token_grant.h"
#include "wire/json.h"

static_assert(TOKEN_LIFE_MS >= 300 * 1000 && TOKEN_LIFE_MS <= 900 * 1000, "access tokens live 5 to 15 minutes");

enum {
    TOKEN_ANSWER_BYTES_MAX = ID_TOKEN_BYTES_MAX + 4 * 1024,
    /* A payment that was authorised may be made for so long: its refresh token ends then. Consents to reads end by
     * themselves, and their refresh tokens with them. */
    REFRESH_PAYMENT_LIFE_MS = 24 * 60 * 60 * 1000,
};

static int write_answer(const struct auth_request *request, const struct token_grant *grant, struct buffer *out) {
    struct json_writer writer;
    json_begin(&writer, out);
    json_object_begin(&writer);
    json_member_str(&writer, "access_token", grant->access_token);
    json_member_c(&writer, "token_type", grant->client->client.sender == CLIENT_VIEW_DPOP ? "DPoP" : "Bearer");
    json_member_i64(&writer, "expires_in", TOKEN_LIFE_MS / 1000);
    json_member_str(&writer, "scope", grant->scope);
    if (grant->refresh_token.len) json_member_str(&writer, "refresh_token", grant->refresh_token);
    if (grant->details.len) {
        json_name(&writer, "authorization_details");
        json_put_raw(&writer, grant->details);
    }
    if (grant->has_code) {
        char memory[ID_TOKEN_BYTES_MAX];
        struct buffer id_token;
        buffer_init(&id_token, memory, sizeof memory);
        int r = id_token_write(request->auth, &grant->code, grant->client->client.name, NULL, &id_token);
        if (r) return err_trace(r);
        json_member_str(&writer, "id_token", buffer_str(&id_token));
    }
    json_object_end(&writer);
    return out->overflow ? err_origin(-EMSGSIZE) : 0;
}

int token_grant_answer(struct auth_request *request) {
    const struct token_grant *grant = request->state;
    const struct command_answer *answer = &request->command->answer;
    struct buffer out;
    if (answer->refusal) return refuse_replayed(request);
    if (answer->body.len) return oauth_refuse(request, OAUTH_INVALID_GRANT, "this grant is not valid, or not any more");
    char *memory = arena_alloc(request->arena, TOKEN_ANSWER_BYTES_MAX);
    if (!memory) return err_origin(-ENOMEM);
    buffer_init(&out, memory, TOKEN_ANSWER_BYTES_MAX);
    int r = write_answer(request, grant, &out);
    if (!r) r = wipe_later(request->arena, buffer_str(&out));
    if (!r && grant->client->client.sender == CLIENT_VIEW_DPOP) r = sender_give_nonce(request); /* for its next proof */
    return r ? err_trace(r) : oauth_answer(request, 200, buffer_str(&out));
}

bool token_grant_details_fit(const struct auth_request *request, const struct token_grant *grant, struct str granted) {
    struct str text;
    if (!form_get(&grant->client->form, "authorization_details", &text)) return true;
    return granted.len && authorization_details_equal(text, granted, request->arena);
}

/* ---- client_credentials ---- */

static int grant_client(struct auth_request *request, struct token_grant *grant) {
    const struct authenticated *client = grant->client;
    if (!form_get(&client->form, "scope", &grant->scope) || grant->scope.len == 0)
        grant->scope = scope_without(client->client.scope, STR("openid"), request->arena);
    if (!grant->scope.at) return err_origin(-ENOMEM);
    if (!scope_within(grant->scope, client->client.scope))
        return refuse_spent(request, &client->assertion, OAUTH_INVALID_SCOPE,
                            "scope is more than the client is registered for");
    if (!token_grant_details_fit(request, grant, STR("")))
        return refuse_spent(request, &client->assertion, OAUTH_INVALID_AUTHORIZATION_DETAILS,
                            "details are for what a customer grants");
    struct token_issue_input input = { .assertion = client->assertion,
                                       .token_hash = sha256_str(grant->access_token),
                                       .certificate_hash = grant->sender.certificate_hash,
                                       .key_thumbprint = grant->sender.key_thumbprint,
                                       .scope = grant->scope };
    bool waits = request->command->on_done != NULL;
    request->finish = token_grant_answer;
    return request_sent(request, waits,
                        command_token_issue(request->auth->options.integration, request->command, &input));
}

/* ---- authorization_code ---- */

/* What the form says of the code. NULL and *ret_input, or what is wrong with it and *ret_error. */
static const char *read_code(const struct form *form, char *challenge, struct code_exchange_input *ret_input,
                             enum oauth_error *ret_error) {
    struct str code, verifier = { 0 };
    *ret_error = OAUTH_INVALID_REQUEST;
    if (!form_get(form, "code", &code) || code.len == 0) return "code missing";
    *ret_error = OAUTH_INVALID_GRANT;
    /* Without a verifier only a code without a challenge is exchanged, which only a request by value has (V10). */
    bool has_verifier = form_get(form, "code_verifier", &verifier);
    if (has_verifier && !proof_key_challenge_of(verifier, challenge)) return "code_verifier is not well-formed";
    if (!form_get(form, "redirect_uri", &ret_input->redirect_uri) || ret_input->redirect_uri.len == 0)
        return "redirect_uri missing";
    ret_input->code_hash = sha256_str(code);
    ret_input->code_challenge = str_from_bytes(challenge, has_verifier ? PROOF_KEY_CHALLENGE_BYTES : 0);
    return NULL;
}

/* The refresh token that goes with a code: as long as its consent, or a day for a payment (uk/B5, X4). */
static int add_refresh(struct auth_request *request, struct token_grant *grant, struct code_exchange_input *input) {
    int64_t now_ms = request->auth->options.now_ms();
    struct grant_consent_view consent;
    int r = query_grant_consent(request->query, &grant->code.consent_id, now_ms, request->arena, &consent);
    if (r) return r < 0 ? err_trace(r) : 0; /* none: the command refuses */
    r = secret_text_make(request->arena, &grant->refresh_token);
    if (r) return err_trace(r);
    input->refresh_hash = sha256_str(grant->refresh_token);
    input->refresh_expires_ms = consent.expires_ms ? consent.expires_ms : COMMAND_REFRESH_NEVER_MS;
    if (!consent.accounts) input->refresh_expires_ms = now_ms + REFRESH_PAYMENT_LIFE_MS;
    if (input->refresh_expires_ms != COMMAND_REFRESH_NEVER_MS)
        grant->code.refresh_expires_ms = input->refresh_expires_ms;
    return 0;
}

/* What is known of the code before the command judges it; nothing known is an invalid grant there too. */
static int grant_code(struct auth_request *request, struct token_grant *grant) {
    const struct authenticated *client = grant->client;
    struct code_exchange_input input = { .assertion = client->assertion,
                                         .token_hash = sha256_str(grant->access_token),
                                         .certificate_hash = grant->sender.certificate_hash,
                                         .key_thumbprint = grant->sender.key_thumbprint };
    enum oauth_error error;
    char *challenge = arena_alloc(request->arena, PROOF_KEY_CHALLENGE_BYTES + 1);
    if (!challenge) return err_origin(-ENOMEM);
    const char *wrong = read_code(&client->form, challenge, &input, &error);
    if (wrong) return refuse_spent(request, &client->assertion, error, wrong);
    int r = query_code(request->query, &input.code_hash, request->arena, &grant->code);
    if (r < 0) return err_trace(r);
    if (r) return refuse_spent(request, &client->assertion, OAUTH_INVALID_GRANT, "the code cannot be exchanged");
    if (!scope_within(grant->code.scope, client->client.scope))
        return refuse_spent(request, &client->assertion, OAUTH_INVALID_SCOPE,
                            "the roles of the client no longer allow what the code was for");
    if (!token_grant_details_fit(request, grant, grant->code.details))
        return refuse_spent(request, &client->assertion, OAUTH_INVALID_AUTHORIZATION_DETAILS,
                            "the details are not those that were granted");
    grant->has_code = true;
    grant->scope = grant->code.scope;
    grant->details = grant->code.details;
    r = add_refresh(request, grant, &input);
    if (r) return err_trace(r);
    bool waits = request->command->on_done != NULL;
    request->finish = token_grant_answer;
    return request_sent(request, waits,
                        command_code_exchange(request->auth->options.integration, request->command, &input));
}

int auth_token(struct auth_request *request) {
    struct authenticated *client;
    struct token_grant *grant = arena_new(request->arena, struct token_grant);
    struct str grant_type = { 0 };
    if (!grant) return err_origin(-ENOMEM);
    int r = client_authenticate(request, &client);
    if (r || !client) return r;
    grant->client = client;
    (void)form_get(&client->form, "grant_type", &grant_type); /* absent stays empty */
    if (grant_type.len == 0)
        return refuse_spent(request, &client->assertion, OAUTH_INVALID_REQUEST, "grant_type missing");
    bool answered;
    r = sender_judge(request, client, "/token", &grant->sender, &answered);
    if (r || answered) return r;
    request->state = grant; /* a refusal would have taken its place */
    r = secret_text_make(request->arena, &grant->access_token);
    if (r) return err_trace(r);
    if (str_equal_c(grant_type, "client_credentials")) return grant_client(request, grant);
    if (str_equal_c(grant_type, "authorization_code")) return grant_code(request, grant);
    if (str_equal_c(grant_type, "refresh_token")) return token_grant_refresh(request, grant);
    return refuse_spent(request, &client->assertion, OAUTH_UNSUPPORTED_GRANT_TYPE, "this grant type is not supported");
}
