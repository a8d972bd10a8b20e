#include "auth/authorization_response.h"

#include "auth/auth_int.h"

struct str uri_origin(struct str uri) {
    size_t end = sizeof "https://" - 1;
    while (end < uri.len && uri.at[end] != '/' && uri.at[end] != '?') end++;
    return str_slice(uri, 0, end);
}

/* form_put writes '&' between fields; a URI without a query gets its '?' first. */
static void begin(struct buffer *out, struct str redirect_uri) {
    buffer_append_str(out, redirect_uri);
    if (!memchr(redirect_uri.at, '?', redirect_uri.len)) buffer_append_char(out, '?');
}

static int respond(struct auth_request *request, const struct pushed_terms *terms, const char *name, struct str value) {
    char *memory = arena_alloc(request->arena, REDIRECT_BYTES_MAX);
    struct buffer out;
    if (!memory) return err_origin(-ENOMEM);
    buffer_init(&out, memory, REDIRECT_BYTES_MAX);
    begin(&out, terms->redirect_uri);
    form_put(&out, str_from_c(name), value);
    if (terms->state.len) form_put(&out, STR("state"), terms->state);
    form_put(&out, STR("iss"), request->auth->issuer);
    if (out.overflow) return err_origin(-EMSGSIZE);
    int r = wipe_later(request->arena, buffer_str(&out));
    if (r) return err_trace(r);
    request->answer.status = 303;
    request->answer.content = STR("");
    answer_header(request, "Location", buffer_str(&out));
    answer_header(request, "Cache-Control", STR("no-store"));
    answer_header(request, "Referrer-Policy", STR("no-referrer"));
    return AUTH_ANSWERED;
}

int authorization_response_code(struct auth_request *request, const struct pushed_terms *terms, struct str code) {
    request->answer.outcome = "accepted";
    return respond(request, terms, "code", code);
}

int authorization_response_error(struct auth_request *request, const struct pushed_terms *terms,
                                 enum oauth_error error) {
    request->answer.outcome = oauth_error_name(error);
    return respond(request, terms, "error", str_from_c(oauth_error_name(error)));
}
