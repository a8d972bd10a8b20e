/* token_endpoint.c - POST /token: an assertion and a grant become an access token, opaque and bound to the certificate
 * (FAPI G4, G5, 68 to 76, 82). */
#include "auth/auth_int.h"

#include "auth/client_assertion.h"
#include "auth/id_token.h"
#include "auth/oauth_error.h"
#include "auth/proof_key.h"
#include "auth/refuse_spent.h"
#include "auth/scope.h"
#include "wire/json.h"

static_assert(TOKEN_LIFE_MS >= 300 * 1000 && TOKEN_LIFE_MS <= 900 * 1000, "access tokens live 5 to 15 minutes");

enum { TOKEN_ANSWER_BYTES_MAX = ID_TOKEN_BYTES_MAX + 4 * 1024 };

struct token_grant {
    const struct authenticated *client;
    struct str access_token, scope;
    bool has_code; /* code is set */
    struct code_view code;
};

static int write_answer(const struct auth_request *request, const struct token_grant *grant, struct buffer *out) {
    struct json_writer writer;
    json_begin(&writer, out);
    json_object_begin(&writer);
    json_member_str(&writer, "access_token", grant->access_token);
    json_member_c(&writer, "token_type", "Bearer");
    json_member_i64(&writer, "expires_in", TOKEN_LIFE_MS / 1000);
    json_member_str(&writer, "scope", grant->scope);
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

static int answer_token(struct auth_request *request) {
    const struct token_grant *grant = request->state;
    const struct command_answer *answer = &request->command->answer;
    struct buffer out;
    if (answer->refusal) return oauth_refuse(request, OAUTH_INVALID_CLIENT, "jti was used before");
    if (answer->body.len) return oauth_refuse(request, OAUTH_INVALID_GRANT, "the code cannot be exchanged");
    char *memory = arena_alloc(request->arena, TOKEN_ANSWER_BYTES_MAX);
    if (!memory) return err_origin(-ENOMEM);
    buffer_init(&out, memory, TOKEN_ANSWER_BYTES_MAX);
    int r = write_answer(request, grant, &out);
    if (!r) r = wipe_later(request->arena, buffer_str(&out));
    return r ? err_trace(r) : oauth_answer(request, 200, buffer_str(&out));
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
    struct token_issue_input input = { .assertion = client->assertion,
                                       .token_hash = sha256_str(grant->access_token),
                                       .certificate_hash = request->call->certificate_hash,
                                       .scope = grant->scope };
    bool waits = request->command->on_done != NULL;
    request->finish = answer_token;
    return request_sent(request, waits,
                        command_token_issue(request->auth->options.integration, request->command, &input));
}

/* ---- authorization_code ---- */

/* What is known of the code before the command judges it; nothing known is an invalid grant there too. */
static int grant_code(struct auth_request *request, struct token_grant *grant) {
    const struct authenticated *client = grant->client;
    struct code_exchange_input input = { .assertion = client->assertion,
                                         .token_hash = sha256_str(grant->access_token),
                                         .certificate_hash = request->call->certificate_hash };
    struct str code, verifier = { 0 };
    char *challenge = arena_alloc(request->arena, PROOF_KEY_CHALLENGE_BYTES + 1);
    if (!challenge) return err_origin(-ENOMEM);
    if (!form_get(&client->form, "code", &code) || code.len == 0)
        return refuse_spent(request, &client->assertion, OAUTH_INVALID_REQUEST, "code missing");
    /* Without a verifier only a code without a challenge is exchanged, which only a request by value has (V10). */
    bool has_verifier = form_get(&client->form, "code_verifier", &verifier);
    if (has_verifier && !proof_key_challenge_of(verifier, challenge))
        return refuse_spent(request, &client->assertion, OAUTH_INVALID_GRANT, "code_verifier is not well-formed");
    if (!form_get(&client->form, "redirect_uri", &input.redirect_uri) || input.redirect_uri.len == 0)
        return refuse_spent(request, &client->assertion, OAUTH_INVALID_GRANT, "redirect_uri missing");
    input.code_hash = sha256_str(code);
    input.code_challenge = str_from_bytes(challenge, has_verifier ? PROOF_KEY_CHALLENGE_BYTES : 0);
    int r = query_code(request->query, &input.code_hash, request->arena, &grant->code);
    if (r < 0) return err_trace(r);
    if (r) return refuse_spent(request, &client->assertion, OAUTH_INVALID_GRANT, "the code cannot be exchanged");
    if (!scope_within(grant->code.scope, client->client.scope))
        return refuse_spent(request, &client->assertion, OAUTH_INVALID_SCOPE,
                            "the roles of the client no longer allow what the code was for");
    grant->has_code = true;
    grant->scope = grant->code.scope;
    bool waits = request->command->on_done != NULL;
    request->finish = answer_token;
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
    request->state = grant;
    (void)form_get(&client->form, "grant_type", &grant_type); /* absent stays empty */
    if (grant_type.len == 0)
        return refuse_spent(request, &client->assertion, OAUTH_INVALID_REQUEST, "grant_type missing");
    r = secret_text_make(request->arena, &grant->access_token);
    if (r) return err_trace(r);
    if (str_equal_c(grant_type, "client_credentials")) return grant_client(request, grant);
    if (str_equal_c(grant_type, "authorization_code")) return grant_code(request, grant);
    return refuse_spent(request, &client->assertion, OAUTH_UNSUPPORTED_GRANT_TYPE, "this grant type is not supported");
}
