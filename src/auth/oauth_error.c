#include "auth/oauth_error.h"

#include "auth/auth_int.h"
#include "wire/json.h"

#define X(code, status, name) [code] = { status, name },
static const struct {
    int status;
    const char *name;
} errors[OAUTH_ERROR_COUNT] = { OAUTH_ERROR_MAP(X) };
#undef X

const char *oauth_error_name(enum oauth_error error) {
    check(error < OAUTH_ERROR_COUNT);
    return errors[error].name;
}

int oauth_answer(struct auth_request *request, int status, struct str json) {
    request->answer.status = status;
    request->answer.media_type = "application/json";
    request->answer.content = json;
    request->answer.outcome = "accepted";
    answer_header(request, "Cache-Control", STR("no-store"));
    answer_header(request, "Pragma", STR("no-cache"));
    return AUTH_ANSWERED;
}

int oauth_refuse(struct auth_request *request, enum oauth_error error, const char *description) {
    check(error < OAUTH_ERROR_COUNT);
    for (const char *at = description; *at; at++) check(*at >= ' ' && *at <= '~' && *at != '"' && *at != '\\');
    struct str json = arena_printf(request->arena, "{\"error\":\"%s\",\"error_description\":\"%s\"}",
                                   errors[error].name, description);
    if (!json.at) return err_origin(-ENOMEM);
    (void)oauth_answer(request, errors[error].status, json); /* always answered */
    request->answer.outcome = errors[error].name;
    return AUTH_ANSWERED;
}
