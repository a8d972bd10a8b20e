#include "auth/pushed_request.h"

#include "auth/auth_int.h"
#include "auth/authorization_details.h"
#include "auth/refuse_spent.h"
#include "auth/scope.h"
#include "auth/request_object.h"
#include "auth/sender.h"
#include "platform/encoding.h"

static_assert(PUSHED_LIFE_MS >= 60 * 1000 && PUSHED_LIFE_MS <= 90 * 1000, "request URIs live 60 to 90 seconds");
enum { PUSHED_STORE_BYTES_MAX = 16 * 1024 }; /* as the column */

static int answer_pushed(struct auth_request *request) {
    const struct str *request_uri = request->state;
    if (request->command->answer.refusal) return refuse_replayed(request);
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

static int refuse(struct pushed_refusal *refusal, enum oauth_error error, const char *description) {
    *refusal = (struct pushed_refusal){ .error = error, .description = description };
    return PUSHED_E_REFUSED;
}

/* The parameters that count: those of the form, or of the signed request object in it and then of nothing else (V3, 50,
 * 51). 0, PUSHED_E_REFUSED with *ret_refusal, or <0. */
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
                                          .key_cache = request->auth->options.client_keys,
                                          .interaction_id = request->call->interaction_id,
                                          .issuer = request->auth->issuer,
                                          .now_ms = request->auth->options.now_ms() };
    struct request_object *object = arena_new(request->arena, struct request_object);
    if (!object) return err_origin(-ENOMEM);
    int r = request_object_read(text, &rules, request->arena, object, &why);
    if (r) return r < 0 ? err_trace(r) : refuse(ret_refusal, OAUTH_INVALID_REQUEST_OBJECT, why);
    *ret_form = &object->parameters;
    return 0;
}

/* A proof beside the request binds the code to its key, and must be of the one that dpop_jkt names (FAPI G12, 108,
 * 109). *ret_answered as in sender.h. */
static int bind_key(struct auth_request *request, struct authenticated *client, struct pushed_terms *terms,
                    bool *ret_answered) {
    struct sender sender;
    struct buffer text;
    int r = sender_offered(request, client, "/par", &sender, ret_answered);
    if (r || *ret_answered || sender_is_zero(&sender.key_thumbprint)) return r;
    char *memory = arena_alloc(request->arena, AUTH_SECRET_TEXT_BYTES);
    if (!memory) return err_origin(-ENOMEM);
    buffer_init(&text, memory, AUTH_SECRET_TEXT_BYTES);
    base64url_encode(&text, sender.key_thumbprint.bytes, sizeof sender.key_thumbprint.bytes);
    *ret_answered = terms->dpop_jkt.len && !str_equal(terms->dpop_jkt, buffer_str(&text));
    if (*ret_answered)
        return refuse_spent(request, &client->assertion, OAUTH_INVALID_DPOP_PROOF,
                            "dpop_jkt is not of the key that signed the proof");
    terms->dpop_jkt = buffer_str(&text);
    return 0;
}

/* What authorization_details say must be true of the consent. */
static int judge_details(struct auth_request *request, const struct pushed_terms *terms, const char **ret_wrong) {
    struct grant_consent_view consent;
    *ret_wrong = NULL;
    if (terms->details.len == 0) return 0;
    int r = query_grant_consent(request->query, &terms->consent_id, request->auth->options.now_ms(), request->arena,
                                &consent);
    if (r) return err_fold(r); /* it was found just now */
    *ret_wrong = authorization_details_judge(terms->details, &consent, request->arena);
    return 0;
}

int pushed_consent_judge(struct auth_request *request, const struct client_view *client,
                         const struct pushed_terms *terms, struct consent_page_view *ret_consent,
                         struct pushed_refusal *ret_refusal) {
    struct consent_page_view consent;
    const char *wrong;
    int r = query_consent_page(request->query, &terms->consent_id, request->arena, &consent);
    if (r < 0) return err_trace(r);
    if (r || !id_equal(consent.client_id.bytes, client->client_id.bytes) ||
        !consent_page_is_grantable(&consent, request->auth->options.now_ms()))
        return refuse(ret_refusal, OAUTH_INVALID_REQUEST, "openbanking_intent_id names no consent that waits");
    if (word_list_has(terms->scope, consent.kind == CONSENT_PAGE_READS ? STR("payments") : STR("accounts")))
        return refuse(ret_refusal, OAUTH_INVALID_SCOPE,
                      "scope and openbanking_intent_id are not about the same kind of consent");
    r = judge_details(request, terms, &wrong);
    if (r) return err_trace(r);
    if (wrong) return refuse(ret_refusal, OAUTH_INVALID_AUTHORIZATION_DETAILS, wrong);
    *ret_consent = consent;
    return 0;
}

int auth_pushed(struct auth_request *request) {
    struct authenticated *client;
    struct pushed_terms terms;
    struct pushed_refusal refusal;
    struct consent_page_view consent;
    bool answered;
    int r = client_authenticate(request, &client);
    if (r || !client) return r;
    struct pushed_source source = { .client = &client->client };
    r = find_parameters(request, client, &source.form, &refusal);
    if (r < 0) return err_trace(r);
    if (r || !pushed_terms_read(&source, request->arena, &terms, &refusal))
        return refuse_spent(request, &client->assertion, refusal.error, refusal.description);
    r = bind_key(request, client, &terms, &answered);
    if (r || answered) return r;
    r = pushed_consent_judge(request, &client->client, &terms, &consent, &refusal);
    if (r < 0) return err_trace(r);
    if (r) return refuse_spent(request, &client->assertion, refusal.error, refusal.description);
    return store(request, client, &terms);
}
