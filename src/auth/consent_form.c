/* consent_form.c - the forms of the consent pages: each is judged by session, form token and stage, does one thing, and
 * shows the next page. Passwords and codes are checked here, on the worker; what they mean is decided by the command.
 */
#include "auth/auth_int.h"

#include "auth/authorization_response.h"
#include "auth/browser_session.h"
#include "auth/consent_step.h"
#include "auth/page.h"
#include "domain/approval.h"
#include "platform/password.h"
#include "platform/totp.h"

static struct str field(const struct consent_step *step, const char *name) {
    struct str value = { 0 };
    (void)form_get(&step->form, name, &value); /* absent stays empty */
    return value;
}

/* The session behind the cookie, alive. 0, QUERY_E_ABSENT, <0. */
static int find_session(struct auth_request *request, struct consent_step *step) {
    int r = query_session(request->query, &step->session_hash, request->arena, &step->session);
    if (r) return r < 0 ? err_trace(r) : r;
    if (step->session.stage == SESSION_VIEW_ENDED || request->auth->options.now_ms() >= step->session.expires_ms)
        return QUERY_E_ABSENT;
    return consent_step_load(request, step);
}

/* Accounts are ticked, several in one form; every other name comes once. */
static bool has_duplicate(const struct form *form) {
    for (size_t i = 0; i < form->count; i++) {
        struct str name = form->fields[i].name;
        if (str_equal_c(name, "account_id")) continue;
        for (size_t k = 0; k < i; k++)
            if (str_equal(form->fields[k].name, name)) return true;
    }
    return false;
}

/* A form of a living session at stage (SESSION_VIEW_ENDED: any). 0 with *ret_step; NULL there when the request is
 * answered (AUTH_ANSWERED). A form of another stage, sent again by reloading, shows where the session is. */
static int begin(struct auth_request *request, enum session_view_stage stage, struct consent_step **ret_step) {
    struct consent_step *step = arena_new(request->arena, struct consent_step);
    *ret_step = NULL;
    if (!step) return err_origin(-ENOMEM);
    int r = secret_form_parse(request->body, request->arena, &step->form);
    if (r < 0) return err_trace(r);
    if (r || has_duplicate(&step->form))
        return page_message(request, 400, "This form cannot be read", "Go back and try again.");
    if (!browser_session_read(COOKIE_CONSENT, request->cookies, &step->cookie)) return consent_step_over(request);
    step->session_hash = sha256_str(step->cookie);
    if (!form_token_is_right(step->cookie, field(step, "csrf"))) return consent_step_over(request);
    r = find_session(request, step);
    if (r) return r < 0 ? err_trace(r) : consent_step_over(request);
    request->state = step;
    enum session_view_stage now = step->session.stage;
    bool fits = stage == SESSION_VIEW_ENDED || now == stage ||
                (stage == SESSION_VIEW_ACCOUNT && now == SESSION_VIEW_CONFIRM); /* other accounts after all */
    if (!fits) return consent_step_show(request, step);
    *ret_step = step;
    return 0;
}

/* The page of the stage where the session is now. */
static int show_next(struct auth_request *request) {
    struct consent_step *step = request->state;
    if (request->command->answer.refusal) {
        request->answer.outcome = request->command->answer.refusal_name;
        if (request->command->answer.refusal == AUTHORIZE_E_ACCOUNT) step->notice = "Choose one of the accounts shown.";
        if (request->command->answer.refusal == AUTHORIZE_E_CONSENT)
            step->notice = "You cannot agree to this: it was decided before, or by somebody else. Reject to go back.";
    } else if (request->command->answer.body.len) {
        request->answer.outcome = "wrong_secret";
    }
    int r = find_session(request, step);
    if (r) return r < 0 ? err_trace(r) : consent_step_over(request);
    return consent_step_show(request, step);
}

/* ---- login and password ---- */

/* (A5) The same work for a login that does not exist. 0 or <0. */
static int check_password(struct auth_request *request, const struct consent_step *step,
                          struct authorize_login_input *input) {
    struct customer_secrets customer;
    struct str password = field(step, "password");
    int r = query_customer_by_login(request->query, field(step, "login"), request->arena, &customer);
    if (r < 0) return err_trace(r);
    int verdict = r ? password_verify_nobody(password) : password_verify(customer.password, password);
    if (verdict < 0) return err_trace(verdict);
    if (r == 0) input->customer_id = customer.customer_id;
    input->password_right = r == 0 && verdict == 0;
    return 0;
}

static int finish_login(struct auth_request *request) {
    struct consent_step *step = request->state;
    if (request->command->answer.body.len) {
        guess_failed(request);
        step->notice = "Login or password are not right, or the login is locked for some minutes. Try again.";
        return show_next(request);
    }
    if (request->command->answer.refusal) return show_next(request);
    step->cookie = step->code; /* (S2) the session goes on under the fresh cookie */
    step->session_hash = sha256_str(step->cookie);
    int r = browser_session_set(request, COOKIE_CONSENT, step->cookie);
    return r ? err_trace(r) : show_next(request);
}

int auth_page_login(struct auth_request *request) {
    struct consent_step *step;
    int r;
    if (page_turned_away(request, &r)) return r;
    r = begin(request, SESSION_VIEW_LOGIN, &step);
    if (r || !step) return r;
    struct authorize_login_input input = { .session_hash = step->session_hash };
    r = check_password(request, step, &input);
    if (!r) r = secret_text_make(request->arena, &step->code);
    if (r) return err_trace(r);
    input.fresh_hash = sha256_str(step->code);
    bool waits = request->command->on_done != NULL;
    request->finish = finish_login;
    return request_sent(request, waits,
                        command_authorize_login(request->auth->options.integration, request->command, &input));
}

/* ---- accounts ---- */

enum { ACCOUNT_ID_BYTES = 16 };

/* The ids that were ticked, in the arena. 0, AUTHORIZE_E_ACCOUNT, -ENOMEM. */
static int read_accounts(struct auth_request *request, const struct consent_step *step, struct str *ret_accounts) {
    size_t count = form_count(&step->form, "account_id"), kept = 0;
    if (count == 0 || count > AUTHORIZE_ACCOUNTS_MAX) return AUTHORIZE_E_ACCOUNT;
    uint8_t *ids = arena_alloc(request->arena, count * ACCOUNT_ID_BYTES);
    if (!ids) return err_origin(-ENOMEM);
    for (size_t i = 0; i < step->form.count; i++) {
        if (!str_equal_c(step->form.fields[i].name, "account_id")) continue;
        if (id_parse(step->form.fields[i].value, ids + kept++ * ACCOUNT_ID_BYTES)) return AUTHORIZE_E_ACCOUNT;
    }
    *ret_accounts = str_from_bytes((const char *)ids, count * ACCOUNT_ID_BYTES);
    return 0;
}

/* The accounts again, also when some are chosen already. */
static int show_choice(struct auth_request *request, struct consent_step *step) {
    step->session.stage = SESSION_VIEW_ACCOUNT;
    return consent_step_show(request, step);
}

int auth_page_account(struct auth_request *request) {
    struct consent_step *step;
    struct str change;
    int r = begin(request, SESSION_VIEW_ACCOUNT, &step);
    if (r || !step) return r;
    if (form_get(&step->form, "change", &change)) return show_choice(request, step);
    struct authorize_account_input input = { .session_hash = step->session_hash };
    r = read_accounts(request, step, &input.accounts);
    if (r < 0) return err_trace(r);
    if (r) {
        step->notice = "Choose one of the accounts shown.";
        return show_choice(request, step);
    }
    bool waits = request->command->on_done != NULL;
    request->finish = show_next;
    return request_sent(request, waits,
                        command_authorize_account(request->auth->options.integration, request->command, &input));
}

/* ---- the end ---- */

static int finish_end(struct auth_request *request) {
    struct consent_step *step = request->state;
    int refusal = request->command->answer.refusal;
    if (refusal == AUTHORIZE_E_SESSION || refusal == AUTHORIZE_E_STAGE || refusal == AUTHORIZE_E_REQUEST)
        return consent_step_over(request);
    browser_session_clear(request, COOKIE_CONSENT);
    if (refusal || step->code.len == 0) return authorization_response_error(request, &step->terms, OAUTH_ACCESS_DENIED);
    return authorization_response_code(request, &step->terms, step->code);
}

/* The one-time code was not right, or was right for something else. */
static int finish_confirm(struct auth_request *request) {
    struct consent_step *step = request->state;
    struct str verdict = request->command->answer.body;
    if (verdict.len == 0) return finish_end(request);
    if (str_equal_c(verdict, "wrong")) {
        guess_failed(request);
        step->notice = "The code is not right, or was used before, or the login is locked. Wait for the next code.";
    } else {
        step->notice = "What you agree to has changed in another window. Check it again and wait for the next code.";
    }
    return show_next(request);
}

int auth_page_confirm(struct auth_request *request) {
    struct consent_step *step;
    struct customer_secrets customer;
    int r;
    if (page_turned_away(request, &r)) return r;
    r = begin(request, SESSION_VIEW_CONFIRM, &step);
    if (r || !step) return r;
    struct authorize_confirm_input input = { .session_hash = step->session_hash };
    if (approval_parse(field(step, "approval"), &input.approval_hash)) input.approval_hash = (struct hash){ 0 };
    r = query_customer(request->query, &step->session.customer_id, request->arena, &customer);
    if (r) return r < 0 ? err_trace(r) : consent_step_over(request);
    r = totp_verify(customer.totp_secret, field(step, "code"), request->auth->options.now_ms(), &input.step);
    if (r < 0) return err_trace(r);
    input.code_right = r == 0;
    r = consent_step_terms(request, step, &input.terms);
    if (r) return err_trace(r);
    bool waits = request->command->on_done != NULL;
    request->finish = finish_confirm;
    return request_sent(request, waits,
                        command_authorize_confirm(request->auth->options.integration, request->command, &input));
}

int auth_page_reject(struct auth_request *request) {
    struct consent_step *step;
    int r = begin(request, SESSION_VIEW_ENDED, &step);
    if (r || !step) return r;
    bool waits = request->command->on_done != NULL;
    request->finish = finish_end;
    return request_sent(
        request, waits,
        command_authorize_reject(request->auth->options.integration, request->command, &step->session_hash));
}
