/* authorize.c - GET /authorize: a pushed request becomes a page, or in the sandbox an answer at once (FAPI A3, A7, A16
 * to A18). */
#include "auth/auth_int.h"

#include "auth/authorization_response.h"
#include "auth/browser_session.h"
#include "auth/consent_step.h"
#include "auth/page.h"
#include "auth/scope.h"

/* Before a redirect URI is trusted nothing leaves this page (A3, G7). */
static int refuse(struct auth_request *request, const char *outcome, const char *text) {
    request->answer.outcome = outcome;
    return page_message(request, 400, "This request cannot be shown", text);
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
                                          .client_id = step->client.client_id };
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
                                             .client_id = step->client.client_id };
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

/* The pushed request that the URL names, of this client; false: answered by *ret_r. */
static bool find_request(struct auth_request *request, struct consent_step *step, int *ret_r) {
    struct str client, request_uri;
    int r = form_parse(request->query_text, request->arena, &step->form);
    if (!r && (form_count(&step->form, "client_id") != 1 || form_count(&step->form, "request_uri") != 1))
        r = FORM_E_SYNTAX;
    if (r < 0) *ret_r = err_trace(r);
    else if (r) *ret_r = refuse(request, "invalid_request", "The address must name a client and one pushed request.");
    if (r) return false;
    (void)form_get(&step->form, "client_id", &client);
    (void)form_get(&step->form, "request_uri", &request_uri);
    step->session.request_hash = sha256_str(request_uri);
    r = query_client(request->query, client, request->arena, &step->client);
    step->session.client_id = step->client.client_id;
    if (!r) r = consent_step_load(request, step);
    if (!r && !id_equal(step->pushed.client_id.bytes, step->client.client_id.bytes)) r = QUERY_E_ABSENT;
    if (!r && (step->pushed.used_ms || !word_list_has(step->client.redirect_uris, step->terms.redirect_uri)))
        r = QUERY_E_ABSENT;
    if (r < 0) *ret_r = err_trace(r);
    else if (r)
        *ret_r = refuse(request, "invalid_request_uri", "There is no such request, or it was answered already.");
    return r == 0;
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
