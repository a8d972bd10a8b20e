/* pushed_terms.c - the rules for the parameters of a pushed request, and their form in the store. */
#include "auth/pushed_request.h"

#include "auth/authorization_details.h"
#include "auth/proof_key.h"
#include "auth/scope.h"
#include "auth/sender.h"
#include "wire/json.h"

/* One rule: false and the refusal when it is broken. */
struct reading {
    const struct form *form;
    const struct client_view *client;
    const struct profile *profile;
    bool by_value;
    struct arena *arena;
    struct pushed_terms terms;
    struct pushed_refusal refusal;
};

static bool refuse(struct reading *reading, enum oauth_error error, const char *description) {
    reading->refusal = (struct pushed_refusal){ .error = error, .description = description };
    return false;
}

static struct str field(const struct reading *reading, const char *name) {
    struct str value = { 0 };
    (void)form_get(reading->form, name, &value); /* absent stays empty */
    return value;
}

/* ---- where the answer goes ---- */

static bool read_redirect(struct reading *reading) {
    struct str uri = field(reading, "redirect_uri");
    if (field(reading, "request_uri").len)
        return refuse(reading, OAUTH_INVALID_REQUEST, "request_uri may not be pushed");
    if (field(reading, "request").len)
        return refuse(reading, OAUTH_REQUEST_NOT_SUPPORTED, "request objects are not taken from this client");
    if (uri.len == 0) return refuse(reading, OAUTH_INVALID_REQUEST, "redirect_uri missing");
    if (!str_starts(uri, STR("https://")) || !word_list_has(reading->client->redirect_uris, uri))
        return refuse(reading, OAUTH_INVALID_REQUEST, "redirect_uri is not registered");
    reading->terms.redirect_uri = uri;
    reading->terms.client = reading->client->name;
    return true;
}

static bool read_response(struct reading *reading) {
    struct str type = field(reading, "response_type"), mode = field(reading, "response_mode");
    bool type_known;
    if (type.len == 0) return refuse(reading, OAUTH_INVALID_REQUEST, "response_type missing");
    const struct response_rule *rule = profile_response(reading->profile, type, mode, &type_known);
    if (rule) {
        reading->terms.response_form = rule->form;
        reading->terms.id_token = rule->id_token;
        return true;
    }
    if (type_known && mode.len)
        return refuse(reading, OAUTH_INVALID_REQUEST, "response_mode is not one of this response_type and profile");
    return refuse(reading, OAUTH_UNSUPPORTED_RESPONSE_TYPE,
                  "response_type is not one of this client's profile, or not without response_mode=jwt");
}

static bool read_proof_key(struct reading *reading) {
    struct str challenge = field(reading, "code_challenge");
    if (challenge.len == 0 && reading->by_value && field(reading, "code_challenge_method").len == 0) return true;
    if (challenge.len == 0) return refuse(reading, OAUTH_INVALID_REQUEST, "code_challenge missing");
    if (!str_equal_c(field(reading, "code_challenge_method"), "S256"))
        return refuse(reading, OAUTH_INVALID_REQUEST, "code_challenge_method must be S256");
    if (!proof_key_challenge_fits(challenge))
        return refuse(reading, OAUTH_INVALID_REQUEST, "code_challenge is not well-formed");
    reading->terms.code_challenge = challenge;
    return true;
}

/* ---- what is asked for ---- */

static bool read_scope(struct reading *reading) {
    struct str scope = field(reading, "scope");
    if (scope.len == 0) return refuse(reading, OAUTH_INVALID_SCOPE, "scope missing");
    if (!scope_within(scope, reading->client->scope))
        return refuse(reading, OAUTH_INVALID_SCOPE, "scope is more than the client is registered for");
    bool payments = word_list_has(scope, STR("payments")), accounts = word_list_has(scope, STR("accounts"));
    if (!scope_within(scope, STR("openid accounts payments")) || !word_list_has(scope, STR("openid")) ||
        payments == accounts) /* one consent, of one kind */
        return refuse(reading, OAUTH_INVALID_SCOPE, "scope must be openid payments or openid accounts");
    reading->terms.scope = scope;
    return true;
}

/* RFC 6749 appendix A.5: VSCHAR. */
static bool is_printable(struct str text) {
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] < ' ' || text.at[i] > '~') return false;
    return true;
}

/* First of all behind the redirect URI, so that any refusal can carry it. */
static bool read_state(struct reading *reading) {
    struct str state = field(reading, "state");
    if (!is_printable(state)) return refuse(reading, OAUTH_INVALID_REQUEST, "state must be printable ASCII");
    if (state.len > PUSHED_STATE_BYTES_MAX) return refuse(reading, OAUTH_INVALID_REQUEST, "state is too long");
    reading->terms.state = state;
    return true;
}

static bool read_echoes(struct reading *reading) {
    struct pushed_terms *terms = &reading->terms;
    terms->nonce = field(reading, "nonce");
    terms->login_hint = field(reading, "login_hint");
    terms->prompt = field(reading, "prompt");
    if (!is_printable(terms->nonce) || !is_printable(terms->login_hint))
        return refuse(reading, OAUTH_INVALID_REQUEST, "nonce and login_hint must be printable ASCII");
    if (terms->nonce.len > PUSHED_NONCE_BYTES_MAX) return refuse(reading, OAUTH_INVALID_REQUEST, "nonce is too long");
    if (terms->login_hint.len > PUSHED_LOGIN_HINT_BYTES_MAX)
        return refuse(reading, OAUTH_INVALID_REQUEST, "login_hint is too long");
    if (terms->nonce.len == 0 && reading->profile->nonce_required)
        return refuse(reading, OAUTH_INVALID_REQUEST, "nonce missing");
    if (terms->prompt.len && !scope_within(terms->prompt, STR("none login consent select_account")))
        return refuse(reading, OAUTH_INVALID_REQUEST, "prompt is not known");
    return true;
}

static bool list_has(const struct json *list, const char *value) {
    for (size_t i = 0; i < json_count(list); i++)
        if (str_equal_c(json_string(json_at(list, i)), value)) return true;
    return false;
}

/* uk/B4: both words are true of what happens here, so the one that was asked for is said; the stronger one when both
 * were. */
static bool read_acr(struct reading *reading, const struct json *acr) {
    const struct json *values = json_get(acr, "values");
    struct str value = json_get_string(acr, "value");
    reading->terms.acr = STR(ACR_SCA);
    if (!values && value.len == 0) return true;
    if (list_has(values, ACR_SCA) || str_equal_c(value, ACR_SCA)) return true;
    if (list_has(values, ACR_CA) || str_equal_c(value, ACR_CA)) reading->terms.acr = STR(ACR_CA);
    else if (json_get_bool(acr, "essential", false))
        return refuse(reading, OAUTH_INVALID_REQUEST, "acr asks for what is not offered");
    return true;
}

/* RFC 9396; the rules are authorization_details.h's. */
static bool read_details(struct reading *reading) {
    struct str text = field(reading, "authorization_details");
    struct authorization_details details;
    const char *wrong;
    if (text.len == 0) return true;
    if (!authorization_details_read(text, reading->terms.scope, reading->arena, &details, &wrong))
        return refuse(reading, OAUTH_INVALID_AUTHORIZATION_DETAILS, wrong);
    reading->terms.details = details.json;
    reading->terms.consent_id = details.consent_id;
    return true;
}

/* RFC 9449 section 10. */
static bool read_key(struct reading *reading) {
    struct str text = field(reading, "dpop_jkt");
    struct hash thumbprint;
    if (text.len == 0) return true;
    if (reading->client->sender != CLIENT_VIEW_DPOP)
        return refuse(reading, OAUTH_INVALID_REQUEST,
                      "this client's tokens are bound to its certificate, not to a key");
    if (!sender_thumbprint_parse(text, &thumbprint))
        return refuse(reading, OAUTH_INVALID_REQUEST, "dpop_jkt is no thumbprint of a key");
    reading->terms.dpop_jkt = text;
    return true;
}

/* The consent of the claims; one that authorization_details named already must be the same. */
static bool read_intent(struct reading *reading, struct str value) {
    struct consent_id named = reading->terms.consent_id;
    if (id_parse(value, reading->terms.consent_id.bytes))
        return refuse(reading, OAUTH_INVALID_REQUEST, "openbanking_intent_id names no consent");
    if (!id_is_zero(named.bytes) && !id_equal(named.bytes, reading->terms.consent_id.bytes))
        return refuse(reading, OAUTH_INVALID_REQUEST, "claims and authorization_details name different consents");
    return true;
}

/* uk/B1 */
static bool read_claims(struct reading *reading) {
    struct str text = field(reading, "claims");
    const struct json *claims = NULL;
    bool named = !id_is_zero(reading->terms.consent_id.bytes); /* by authorization_details */
    reading->terms.acr = STR(ACR_SCA);
    if (text.len == 0 && named) return true;
    if (text.len == 0) return refuse(reading, OAUTH_INVALID_REQUEST, "claims missing");
    if (json_parse_arena(text, PUSHED_CLAIMS_BYTES_MAX, 8, reading->arena, &claims) ||
        json_type(claims) != JSON_OBJECT_TYPE)
        return refuse(reading, OAUTH_INVALID_REQUEST, "claims is not a JSON object");
    const struct json *id_token = json_get(claims, "id_token"), *intent = json_get(id_token, "openbanking_intent_id");
    if (!(named && !intent) && !json_get_bool(intent, "essential", false))
        return refuse(reading, OAUTH_INVALID_REQUEST, "claims.id_token.openbanking_intent_id must be essential");
    if (intent && !read_intent(reading, json_get_string(intent, "value"))) return false;
    return read_acr(reading, json_get(id_token, "acr"));
}

bool pushed_terms_read(const struct pushed_source *source, struct arena *arena, struct pushed_terms *ret_terms,
                       struct pushed_refusal *ret_refusal) {
    static bool (*const rules[])(struct reading *) = { read_redirect,  read_state, read_response,
                                                       read_proof_key, read_scope, read_echoes,
                                                       read_details,   read_key,   read_claims };
    struct reading reading = { .form = source->form,
                               .client = source->client,
                               .profile = profile_of(source->client),
                               .by_value = source->by_value,
                               .arena = arena };
    for (size_t i = 0; i < ARRAY_COUNT(rules); i++) {
        if (rules[i](&reading)) continue;
        reading.refusal.redirects = reading.terms.redirect_uri.len > 0;
        reading.refusal.to = reading.terms;
        *ret_refusal = reading.refusal;
        return false;
    }
    *ret_terms = reading.terms;
    return true;
}

/* ---- in the store ---- */

int pushed_terms_write(const struct pushed_terms *terms, struct buffer *out) {
    struct json_writer writer;
    json_begin(&writer, out);
    json_object_begin(&writer);
    json_member_str(&writer, "redirect_uri", terms->redirect_uri);
    json_member_str(&writer, "scope", terms->scope);
    json_member_str(&writer, "state", terms->state);
    json_member_str(&writer, "nonce", terms->nonce);
    json_member_str(&writer, "code_challenge", terms->code_challenge);
    json_member_str(&writer, "login_hint", terms->login_hint);
    json_member_str(&writer, "prompt", terms->prompt);
    json_member_str(&writer, "acr", terms->acr);
    json_member_str(&writer, "client", terms->client);
    json_member_i64(&writer, "response_form", terms->response_form);
    json_member_bool(&writer, "id_token", terms->id_token);
    json_member_str(&writer, "details", terms->details);
    json_member_str(&writer, "dpop_jkt", terms->dpop_jkt);
    json_object_end(&writer);
    return out->overflow ? err_origin(-EMSGSIZE) : 0;
}

int pushed_terms_load(struct str params, struct arena *arena, struct pushed_terms *ret_terms) {
    const struct json *json;
    int r = json_parse_arena(params, params.len, 2, arena, &json);
    if (r) return err_fold(r);
    *ret_terms = (struct pushed_terms){ .redirect_uri = json_get_string(json, "redirect_uri"),
                                        .scope = json_get_string(json, "scope"),
                                        .state = json_get_string(json, "state"),
                                        .nonce = json_get_string(json, "nonce"),
                                        .code_challenge = json_get_string(json, "code_challenge"),
                                        .login_hint = json_get_string(json, "login_hint"),
                                        .prompt = json_get_string(json, "prompt"),
                                        .acr = json_get_string(json, "acr"),
                                        .client = json_get_string(json, "client"),
                                        .id_token = json_get_bool(json, "id_token", false),
                                        .details = json_get_string(json, "details"),
                                        .dpop_jkt = json_get_string(json, "dpop_jkt") };
    int64_t form = json_get_integer(json, "response_form", RESPONSE_QUERY);
    if (form >= RESPONSE_QUERY && form <= RESPONSE_FRAGMENT_JWT) ret_terms->response_form = (enum response_form)form;
    return 0;
}
