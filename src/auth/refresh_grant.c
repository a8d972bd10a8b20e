/* refresh_grant.c - grant_type=refresh_token: a grant of a customer is used again (RFC 6749 section 6, FAPI G9, 78 to
 * 81). What is bought is never more than what was granted; the customer, the consent and the ID token's subject stay.
 */
#include "auth/auth_int.h"

#include "auth/refuse_spent.h"
#include "auth/scope.h"
#include "auth/token_grant.h"

/* The ID token of a refresh: same iss, sub, aud, auth_time; no nonce (OpenID Connect Core section 12.2). */
static void take_over(struct token_grant *grant, const struct refresh_view *refresh) {
    grant->details = refresh->details;
    grant->has_code = word_list_has(grant->scope, STR("openid"));
    grant->code = (struct code_view){
        .client_id = refresh->client_id,
        .customer_id = refresh->customer_id,
        .consent_id = refresh->consent_id,
        .scope = grant->scope,
        .acr = refresh->acr,
        .auth_ms = refresh->auth_ms,
        .details = refresh->details,
        .refresh_expires_ms = refresh->grant_expires_ms == COMMAND_REFRESH_NEVER_MS ? 0 : refresh->grant_expires_ms,
    };
}

/* Where rotation is switched on, the answer has a new refresh token; else the one that came (FAPI G9). */
static int choose_refresh(struct auth_request *request, struct token_grant *grant, struct str came,
                          struct token_refresh_input *input) {
    const struct auth_options *options = &request->auth->options;
    grant->refresh_token = came;
    if (!options->refresh_rotation) return 0;
    int r = secret_text_make(request->arena, &grant->refresh_token);
    if (r) return err_trace(r);
    input->fresh_hash = sha256_str(grant->refresh_token);
    input->retry_ms = options->refresh_retry_ms;
    return 0;
}

int token_grant_refresh(struct auth_request *request, struct token_grant *grant) {
    const struct authenticated *client = grant->client;
    struct token_refresh_input input = { .assertion = client->assertion,
                                         .token_hash = sha256_str(grant->access_token),
                                         .certificate_hash = grant->sender.certificate_hash,
                                         .key_thumbprint = grant->sender.key_thumbprint };
    struct refresh_view refresh;
    struct str text;
    if (!form_get(&client->form, "refresh_token", &text) || text.len == 0)
        return refuse_spent(request, &client->assertion, OAUTH_INVALID_REQUEST, "refresh_token missing");
    input.refresh_hash = sha256_str(text);
    int r = query_refresh(request->query, &input.refresh_hash, request->arena, &refresh);
    if (r < 0) return err_trace(r);
    if (r || !id_equal(refresh.client_id.bytes, client->client.client_id.bytes))
        return refuse_spent(request, &client->assertion, OAUTH_INVALID_GRANT, "this grant is not valid");
    if (!form_get(&client->form, "scope", &grant->scope) || grant->scope.len == 0) grant->scope = refresh.scope;
    if (!scope_within(grant->scope, refresh.scope))
        return refuse_spent(request, &client->assertion, OAUTH_INVALID_SCOPE, "scope is more than was granted");
    if (!scope_within(grant->scope, client->client.scope))
        return refuse_spent(request, &client->assertion, OAUTH_INVALID_SCOPE,
                            "the roles of the client no longer allow what was granted");
    if (!token_grant_details_fit(request, grant, refresh.details))
        return refuse_spent(request, &client->assertion, OAUTH_INVALID_AUTHORIZATION_DETAILS,
                            "the details are not those that were granted");
    input.scope = grant->scope;
    take_over(grant, &refresh);
    r = choose_refresh(request, grant, text, &input);
    if (r) return err_trace(r);
    bool waits = request->command->on_done != NULL;
    request->finish = token_grant_answer;
    return request_sent(request, waits,
                        command_token_refresh(request->auth->options.integration, request->command, &input));
}
