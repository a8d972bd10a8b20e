#include "auth/pushed_request.h"

#include "auth/auth_int.h"
#include "auth/client_assertion.h"
#include "auth/refuse_spent.h"
#include "auth/scope.h"
#include "auth/request_object.h"

static_assert(PUSHED_LIFE_MS >= 60 * 1000 && PUSHED_LIFE_MS <= 90 * 1000, "request URIs live 60 to 90 seconds");
enum { PUSHED_STORE_BYTES_MAX = 16 * 1024 }; /* as the column */

static int answer_pushed(struct auth_request *request) {
    const struct str *request_uri = request->state;
    if (request->command->answer.refusal) return oauth_refuse(request, OAUTH_INVALID_CLIENT, "jti was used before");
    struct str json = arena_printf(request->arena, "{\"request_uri\":\"" STR_FMT "\",\"expires_in\":%d}",
                                   STR_ARG(*request_uri), PUSHED_LIFE_MS / 1000);
    return json.at ? oauth_answer(request, 201, json) : err_origin(-ENOMEM);
}

static int make_request_uri(struct auth_request *request, struct str *ret_uri) {
    struct str secret;
    int r = secret_text_make(request->arena, &secret);
    if (r) return err_trace(r);
    *ret_uri = arena_printf(request->arena, PUSHED_URI_PREFIX STR_FMT, STR_ARG(secret));
    return ret_uri->at ? wipe_later(request->arena, *ret_uri) : err_origin(-ENOMEM);
}

/* The terms, stored under a fresh URI. */
static int store(struct auth_request *request, const struct authenticated *client, const struct pushed_terms *terms) {
    struct pushed_store_input input = { .assertion = client->assertion, .consent_id = terms->consent_id };
    struct str *request_uri = arena_new(request->arena, struct str);
    char *memory = arena_alloc(request->arena, PUSHED_STORE_BYTES_MAX);
    struct buffer params;
    if (!request_uri || !memory) return err_origin(-ENOMEM);
    buffer_init(&params, memory, PUSHED_STORE_BYTES_MAX);
    int r = pushed_terms_write(terms, &params);
    if (!r) r = make_request_uri(request, request_uri);
    if (r) return err_trace(r);
    input.request_hash = sha256_str(*request_uri);
    input.params = buffer_str(&params);
    bool waits = request->command->on_done != NULL;
    request->state = request_uri;
    request->finish = answer_pushed;
    return request_sent(request, waits,
                        command_pushed_store(request->auth->options.integration, request->command, &input));
}

enum { PARAMETERS_E_REFUSED = 1 };

static int refuse(struct pushed_refusal *refusal, enum oauth_error error, const char *description) {
    *refusal = (struct pushed_refusal){ .error = error, .description = description };
    return PARAMETERS_E_REFUSED;
}

/* The parameters that count: those of the form, or of the signed request object in it and then of nothing else (V3, 50,
 * 51). 0, PARAMETERS_E_REFUSED with *ret_refusal, or <0. */
static int find_parameters(struct auth_request *request, const struct authenticated *client,
                           const struct form **ret_form, struct pushed_refusal *ret_refusal) {
    struct str text = { 0 }, uri;
    const char *why;
    *ret_form = &client->form;
    if (!profile_of(&client->client)->signed_request) return 0;
    if (form_get(&client->form, "request_uri", &uri))
        return refuse(ret_refusal, OAUTH_INVALID_REQUEST, "request_uri may not be pushed");
    if (!form_get(&client->form, "request", &text) || text.len == 0) /* 52 */
        return refuse(ret_refusal, OAUTH_INVALID_REQUEST, "request missing: parameters of this client are signed");
    struct request_object_rules rules = { .client = &client->client,
                                          .issuer = request->auth->issuer,
                                          .now_ms = request->auth->options.now_ms() };
    struct request_object *object = arena_new(request->arena, struct request_object);
    if (!object) return err_origin(-ENOMEM);
    int r = request_object_read(text, &rules, request->arena, object, &why);
    if (r) return r < 0 ? err_trace(r) : refuse(ret_refusal, OAUTH_INVALID_REQUEST_OBJECT, why);
    *ret_form = &object->parameters;
    return 0;
}

int auth_pushed(struct auth_request *request) {
    struct authenticated *client;
    struct pushed_terms terms;
    struct pushed_refusal refusal;
    struct consent_page_view consent;
    int r = client_authenticate(request, &client);
    if (r || !client) return r;
    struct pushed_source source = { .client = &client->client };
    r = find_parameters(request, client, &source.form, &refusal);
    if (r < 0) return err_trace(r);
    if (r || !pushed_terms_read(&source, request->arena, &terms, &refusal))
        return refuse_spent(request, &client->assertion, refusal.error, refusal.description);
    r = query_consent_page(request->query, &terms.consent_id, request->arena, &consent);
    if (r < 0) return err_trace(r);
    if (r || !id_equal(consent.client_id.bytes, client->client.client_id.bytes) ||
        !consent_page_is_grantable(&consent, request->auth->options.now_ms()))
        return refuse_spent(request, &client->assertion, OAUTH_INVALID_REQUEST,
                            "openbanking_intent_id names no consent that waits");
    if (word_list_has(terms.scope, consent.kind == CONSENT_PAGE_READS ? STR("payments") : STR("accounts")))
        return refuse_spent(request, &client->assertion, OAUTH_INVALID_SCOPE,
                            "scope and openbanking_intent_id are not about the same kind of consent");
    return store(request, client, &terms);
}
