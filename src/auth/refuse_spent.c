#include "auth/refuse_spent.h"

#include "auth/auth_int.h"

struct spent {
    enum oauth_error error;
    const char *description;
};

int refuse_replayed(struct auth_request *request) {
    check(request->command->answer.refusal);
    if (request->command->answer.refusal == COMMAND_E_PROOF_REPLAYED)
        return oauth_refuse(request, OAUTH_INVALID_DPOP_PROOF, "jti of the proof was used before");
    return oauth_refuse(request, OAUTH_INVALID_CLIENT, "jti was used before");
}

static int answer_spent(struct auth_request *request) {
    const struct spent *spent = request->state;
    if (request->command->answer.refusal) return refuse_replayed(request);
    return oauth_refuse(request, spent->error, spent->description);
}

int refuse_spent(struct auth_request *request, const struct assertion_spend *assertion, enum oauth_error error,
                 const char *description) {
    struct spent *spent = arena_new(request->arena, struct spent);
    if (!spent) return err_origin(-ENOMEM);
    *spent = (struct spent){ .error = error, .description = description };
    bool waits = request->command->on_done != NULL;
    request->state = spent;
    request->finish = answer_spent;
    return request_sent(request, waits,
                        command_assertion_spend(request->auth->options.integration, request->command, assertion));
}
