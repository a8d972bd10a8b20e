#include "auth/authorization_response.h"

#include "auth/auth_int.h"
#include "auth/id_token.h"
#include "wire/json.h"

struct str uri_origin(struct str uri) {
    size_t end = sizeof "https://" - 1;
    while (end < uri.len && uri.at[end] != '/' && uri.at[end] != '?') end++;
    return str_slice(uri, 0, end);
}

/* What goes back, besides iss. */
struct response {
    const struct pushed_terms *terms;
    const char *name; /* "code" or "error" */
    struct str value;
    struct str id_token; /* empty: none */
};

static bool is_signed(enum response_form form) {
    return form == RESPONSE_QUERY_JWT || form == RESPONSE_FRAGMENT_JWT;
}

static bool is_fragment(enum response_form form) {
    return form == RESPONSE_FRAGMENT || form == RESPONSE_FRAGMENT_JWT;
}

/* An empty buffer of the arena, wiped with it. 0 or -ENOMEM. */
static int buffer_make(struct auth_request *request, struct buffer *ret_out) {
    char *memory = arena_alloc(request->arena, REDIRECT_BYTES_MAX);
    if (!memory) return err_origin(-ENOMEM);
    buffer_init(ret_out, memory, REDIRECT_BYTES_MAX);
    return err_trace(wipe_later(request->arena, str_from_bytes(memory, REDIRECT_BYTES_MAX)));
}

static void put_plain(const struct auth *auth, const struct response *response, struct buffer *out) {
    form_put(out, str_from_c(response->name), response->value);
    if (response->id_token.len) form_put(out, STR("id_token"), response->id_token);
    if (response->terms->state.len) form_put(out, STR("state"), response->terms->state);
    form_put(out, STR("iss"), auth->issuer);
}

/* JARM section 2.1. 0 or <0. */
static int put_signed(struct auth_request *request, const struct response *response, struct buffer *out) {
    const struct auth *auth = request->auth;
    struct buffer claims, token;
    struct json_writer writer;
    int r = buffer_make(request, &claims);
    if (!r) r = buffer_make(request, &token);
    if (r) return err_trace(r);
    int64_t now_ms = auth->options.now_ms();
    json_begin(&writer, &claims);
    json_object_begin(&writer);
    json_member_str(&writer, "iss", auth->issuer);
    json_member_str(&writer, "aud", response->terms->client);
    json_member_i64(&writer, "iat", now_ms / 1000);
    json_member_i64(&writer, "exp", (now_ms + RESPONSE_JWT_LIFE_MS) / 1000);
    json_member_str(&writer, response->name, response->value);
    if (response->id_token.len) json_member_str(&writer, "id_token", response->id_token);
    if (response->terms->state.len) json_member_str(&writer, "state", response->terms->state);
    json_object_end(&writer);
    if (claims.overflow) return err_origin(-EMSGSIZE);
    r = signing_keys_sign(auth->options.signing_keys, STR("JWT"), buffer_str(&claims), &token);
    if (r) return err_trace(r);
    form_put(out, STR("response"), buffer_str(&token));
    return 0;
}

static int respond(struct auth_request *request, const struct response *response) {
    const struct pushed_terms *terms = response->terms;
    struct buffer parameters, out;
    bool has_query = memchr(terms->redirect_uri.at, '?', terms->redirect_uri.len) != NULL;
    int r = buffer_make(request, &parameters);
    if (!r) r = buffer_make(request, &out);
    if (!r && is_signed(terms->response_form)) r = put_signed(request, response, &parameters);
    else if (!r) put_plain(request->auth, response, &parameters);
    if (r) return err_trace(r);
    buffer_append_str(&out, terms->redirect_uri);
    buffer_append_char(&out, is_fragment(terms->response_form) ? '#' : has_query ? '&' : '?');
    buffer_append_str(&out, buffer_str(&parameters));
    if (out.overflow || parameters.overflow) return err_origin(-EMSGSIZE);
    request->answer.status = 303;
    request->answer.content = STR("");
    answer_header(request, "Location", buffer_str(&out));
    answer_header(request, "Cache-Control", STR("no-store"));
    answer_header(request, "Referrer-Policy", STR("no-referrer"));
    return AUTH_ANSWERED;
}

/* The ID token beside the code (V8, 61), in the arena. 0 or <0. */
static int make_id_token(struct auth_request *request, const struct pushed_terms *terms, struct str code,
                         struct str *ret_id_token) {
    struct hash hash = sha256_str(code);
    struct id_token_binding binding = { .code = code, .state = terms->state };
    struct code_view view;
    struct buffer out;
    int r = query_code(request->query, &hash, request->arena, &view);
    if (r) return err_fold(r);
    r = buffer_make(request, &out);
    if (!r) r = id_token_write(request->auth, &view, terms->client, &binding, &out);
    if (r) return err_trace(r);
    *ret_id_token = buffer_str(&out);
    return 0;
}

int authorization_response_code(struct auth_request *request, const struct pushed_terms *terms, struct str code) {
    struct response response = { .terms = terms, .name = "code", .value = code };
    int r = terms->id_token ? make_id_token(request, terms, code, &response.id_token) : 0;
    request->answer.outcome = "accepted";
    return r ? err_trace(r) : respond(request, &response);
}

int authorization_response_error(struct auth_request *request, const struct pushed_terms *terms,
                                 enum oauth_error error) {
    struct response response = { .terms = terms, .name = "error", .value = str_from_c(oauth_error_name(error)) };
    request->answer.outcome = oauth_error_name(error);
    return respond(request, &response);
}
