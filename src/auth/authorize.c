/* authorize.c - GET /authorize: a pushed request, or one that is signed and in the URL (FAPI 1.0), becomes a page, or
 * in the sandbox an answer at once (FAPI A3, A7, A16 to A18, V1). */
#include "auth/auth_int.h"

#include "auth/authorization_response.h"
#include "auth/browser_session.h"
#include "auth/consent_step.h"
#include "auth/page.h"
#include "auth/request_object.h"
#include "auth/scope.h"

/* Before a redirect URI is trusted nothing leaves this page (A3, G7). */
static int refuse(struct auth_request *request, const char *outcome, const char *text) {
    request->answer.outcome = outcome;
    return page_message(request, 400, "This request cannot be shown", text);
}

static int refuse_unknown(struct auth_request *request) {
    return refuse(request, "invalid_request_uri", "There is no such request, or it was answered already.");
}

/* ---- a session is opened ---- */

static int show_opened(struct auth_request *request) {
    struct consent_step *step = request->state;
    if (request->command->answer.refusal)
        return refuse(request, "invalid_request_uri",
                      "The request has ended. Go back to where you came from and start again.");
    int r = browser_session_set(request, COOKIE_CONSENT, step->cookie);
    return r ? err_trace(r) : consent_step_show(request, step);
}

static int open_session(struct auth_request *request, struct consent_step *step) {
    int r = secret_text_make(request->arena, &step->cookie);
    if (r) return err_trace(r);
    step->session_hash = sha256_str(step->cookie);
    step->session.stage = SESSION_VIEW_LOGIN;
    struct authorize_open_input input = { .session_hash = step->session_hash,
                                          .request_hash = step->session.request_hash,
                                          .client_id = step->client.client_id,
                                          .by_value = step->by_value };
    bool waits = request->command->on_done != NULL;
    request->state = step;
    request->finish = show_opened;
    return request_sent(request, waits,
                        command_authorize_open(request->auth->options.integration, request->command, &input));
}

/* ---- sandbox: a customer by name who says yes or no at once ---- */

static int answer_at_once(struct auth_request *request) {
    struct consent_step *step = request->state;
    if (request->command->answer.refusal || step->code.len == 0)
        return authorization_response_error(request, &step->terms, OAUTH_ACCESS_DENIED);
    return authorization_response_code(request, &step->terms, step->code);
}

static int decide_at_once(struct auth_request *request, struct consent_step *step,
                          const struct customer_id *customer_id) {
    struct authorize_at_once_input input = { .request_hash = step->session.request_hash,
                                             .client_id = step->client.client_id,
                                             .by_value = step->by_value };
    struct account_view *accounts;
    size_t count = 0;
    int r = 0;
    if (customer_id) r = consent_step_accounts(request, &step->consent, customer_id, &accounts, &count);
    if (!r && count) {
        input.customer_id = *customer_id;
        r = consent_step_choice(request, step, accounts, count, &input.accounts);
        if (!r) r = consent_step_terms(request, step, &input.terms);
    }
    if (r) return err_trace(r);
    bool waits = request->command->on_done != NULL;
    request->state = step;
    request->finish = answer_at_once;
    return request_sent(request, waits,
                        command_authorize_at_once(request->auth->options.integration, request->command, &input));
}

static int approve_at_once(struct auth_request *request, struct consent_step *step) {
    struct customer_secrets customer;
    if (str_equal_c(step->terms.login_hint, "decline")) return decide_at_once(request, step, NULL);
    int r = query_customer_by_login(request->query, step->terms.login_hint, request->arena, &customer);
    if (r < 0) return err_trace(r);
    return r ? open_session(request, step) : decide_at_once(request, step, &customer.customer_id);
}

/* ---- the request ---- */

/* Reloading a page before its end shows it again (A17). 0 shown or nothing; *ret_shown tells. */
static int show_again(struct auth_request *request, struct consent_step *step, bool *ret_shown) {
    struct session_view session;
    *ret_shown = false;
    if (!browser_session_read(COOKIE_CONSENT, request->cookies, &step->cookie)) return 0;
    step->session_hash = sha256_str(step->cookie);
    int r = query_session(request->query, &step->session_hash, request->arena, &session);
    if (r) return r < 0 ? err_trace(r) : 0;
    if (!hash_equal(&session.request_hash, &step->session.request_hash) || session.stage == SESSION_VIEW_ENDED)
        return 0;
    if (request->auth->options.now_ms() >= session.expires_ms) return 0;
    step->session = session;
    *ret_shown = true;
    return consent_step_show(request, step);
}

/* The request of step->session.request_hash, of this client and not used. False: answered by *ret_r. */
static bool find_stored(struct auth_request *request, struct consent_step *step, int *ret_r) {
    int r = consent_step_load(request, step);
    if (!r && !id_equal(step->pushed.client_id.bytes, step->client.client_id.bytes)) r = QUERY_E_ABSENT;
    if (!r && (step->pushed.used_ms || !word_list_has(step->client.redirect_uris, step->terms.redirect_uri)))
        r = QUERY_E_ABSENT;
    if (r < 0) *ret_r = err_trace(r);
    else if (r) *ret_r = refuse_unknown(request);
    return r == 0;
}

static int refuse_object(struct auth_request *request, const char *why) {
    struct str text = arena_printf(request->arena, "The application's request is not in order: %s.", why);
    return text.at ? refuse(request, "invalid_request_object", text.at) : err_origin(-ENOMEM);
}

/* A signed request that is seen for the first time: judged as a pushed one is; it will be stored with what is decided.
 * Its own redirect URI hears of a fault once it is known to be registered (54). False: answered by *ret_r. */
static bool read_by_value(struct auth_request *request, struct consent_step *step, const struct request_object *object,
                          int *ret_r) {
    struct pushed_source source = { .form = &object->parameters, .client = &step->client, .by_value = true };
    struct pushed_refusal refusal;
    struct buffer params;
    if (!pushed_terms_read(&source, request->arena, &step->terms, &refusal)) {
        *ret_r = refusal.redirects ? authorization_response_error(request, &refusal.to, refusal.error)
                                   : refuse_object(request, refusal.description);
        return false;
    }
    int r = pushed_consent_judge(request, &step->client, &step->terms, &step->consent, &refusal);
    if (r > 0) {
        *ret_r = authorization_response_error(request, &step->terms, refusal.error);
        return false;
    }
    char *memory = r ? NULL : arena_alloc(request->arena, AUTHORIZE_PARAMS_BYTES_MAX);
    if (!r && !memory) r = err_origin(-ENOMEM);
    if (!r) buffer_init(&params, memory, AUTHORIZE_PARAMS_BYTES_MAX);
    if (!r) r = pushed_terms_write(&step->terms, &params);
    if (r) {
        *ret_r = err_trace(r);
        return false;
    }
    step->by_value = (struct authorize_by_value){ .params = buffer_str(&params),
                                                  .consent_id = step->terms.consent_id,
                                                  .expires_ms = object->expires_ms };
    step->pushed = (struct pushed_view){ .client_id = step->client.client_id,
                                         .consent_id = step->terms.consent_id,
                                         .params = step->by_value.params,
                                         .expires_ms = object->expires_ms };
    return true;
}

/* The signed request in the URL itself (V1, V3: what stands beside it does not count). False: answered by *ret_r. */
static bool find_by_value(struct auth_request *request, struct consent_step *step, struct str text, int *ret_r) {
    struct request_object_rules rules = { .client = &step->client,
                                          .key_cache = request->auth->options.client_keys,
                                          .interaction_id = request->call->interaction_id,
                                          .issuer = request->auth->issuer,
                                          .now_ms = request->auth->options.now_ms() };
    struct request_object *object = arena_new(request->arena, struct request_object);
    const char *why = NULL;
    if (!step->client.profile_served || !profile_of(&step->client)->by_value) {
        *ret_r = refuse(request, "invalid_request", "This application has to push its requests.");
        return false;
    }
    int r = object ? request_object_read(text, &rules, request->arena, object, &why) : err_origin(-ENOMEM);
    bool refused = r == REQUEST_OBJECT_E_INVALID;
    if (r >= 0)
        r = object->is_signed ? query_pushed(request->query, &object->hash, request->arena, &step->pushed)
                              : QUERY_E_ABSENT;
    if (r < 0) *ret_r = err_trace(r);
    else if (r && refused) *ret_r = refuse_object(request, why);
    if (r < 0 || (r && refused)) return false;
    step->session.request_hash = object->hash;
    /* Seen before: it was good when it came, and a page that is loaded again later goes on (A17). */
    return r ? read_by_value(request, step, object, ret_r) : find_stored(request, step, ret_r);
}

/* The request that the URL names or holds, of this client; false: answered by *ret_r. */
static bool find_request(struct auth_request *request, struct consent_step *step, int *ret_r) {
    struct str client, text = { 0 };
    int r = form_parse(request->query_text, request->arena, &step->form);
    size_t named = r ? 0 : form_count(&step->form, "request_uri"), held = r ? 0 : form_count(&step->form, "request");
    if (!r && (form_count(&step->form, "client_id") != 1 || named + held != 1)) r = FORM_E_SYNTAX;
    if (r < 0) *ret_r = err_trace(r);
    else if (r)
        *ret_r = refuse(request, "invalid_request", "The address must name a client and one pushed or signed request.");
    if (r) return false;
    (void)form_get(&step->form, "client_id", &client);
    (void)form_get(&step->form, named ? "request_uri" : "request", &text);
    r = query_client(request->query, client, request->arena, &step->client);
    if (!r && named && !str_starts(text, STR(PUSHED_URI_PREFIX))) r = QUERY_E_ABSENT;
    if (r < 0) *ret_r = err_trace(r);
    else if (r) *ret_r = refuse_unknown(request);
    if (r) return false;
    step->session.client_id = step->client.client_id;
    step->session.request_hash = sha256_str(text);
    return held ? find_by_value(request, step, text, ret_r) : find_stored(request, step, ret_r);
}

int auth_authorize(struct auth_request *request) {
    struct consent_step *step = arena_new(request->arena, struct consent_step);
    const struct auth_options *options = &request->auth->options;
    bool shown;
    int r = 0;
    if (!step) return err_origin(-ENOMEM);
    if (!find_request(request, step, &r)) return r;
    if (!consent_page_is_grantable(&step->consent, options->now_ms()))
        return authorization_response_error(request, &step->terms, OAUTH_INVALID_REQUEST);
    r = show_again(request, step, &shown);
    if (r || shown) return r;
    if (options->now_ms() >= step->pushed.expires_ms)
        return refuse(request, "invalid_request_uri",
                      "The request has ended. Go back to where you came from and start again.");
    if (word_list_has(step->terms.prompt, STR("none")))
        return authorization_response_error(request, &step->terms, OAUTH_LOGIN_REQUIRED);
    if (options->sandbox && step->client.auto_approve && step->terms.login_hint.len)
        return approve_at_once(request, step);
    return open_session(request, step);
}
