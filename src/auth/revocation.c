/* revocation.c - POST /revoke (RFC 7009): a client gives back a token of its own. Of any other the answer is the same,
 * so nothing can be learnt by it. */
#include "auth/auth_int.h"

#include "auth/client_assertion.h"
#include "auth/refuse_spent.h"

static int answer_revoke(struct auth_request *request) {
    if (request->command->answer.refusal) return refuse_replayed(request);
    return oauth_answer(request, 200, STR("{}"));
}

int auth_revoke(struct auth_request *request) {
    struct authenticated *client;
    struct str token;
    int r = client_authenticate(request, &client);
    if (r || !client) return r;
    if (!form_get(&client->form, "token", &token) || token.len == 0)
        return refuse_spent(request, &client->assertion, OAUTH_INVALID_REQUEST, "token missing");
    struct token_revoke_input input = { .assertion = client->assertion, .token_hash = sha256_str(token) };
    bool waits = request->command->on_done != NULL;
    request->finish = answer_revoke;
    return request_sent(request, waits,
                        command_token_revoke(request->auth->options.integration, request->command, &input));
}
