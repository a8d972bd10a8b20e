/* customer_page.c - /customer: a customer logs in with password and one-time code, sees what he has allowed, and takes
 * it back (uk/Q9, Q10, fapi/V17). What was done is answered with 303 to the page, so that reloading repeats nothing. */
#include "auth/auth_int.h"

#include "auth/browser_session.h"
#include "auth/customer_view.h"
#include "auth/scope.h"
#include "platform/password.h"
#include "platform/totp.h"

/* What a customer without a session is shown, and what such a login is checked against. */
static const char secret_of_nobody[] = "no customer's key is this one";

struct visit {
    struct str cookie;        /* in clear, of this browser */
    struct str fresh;         /* that takes its place once the customer is known */
    struct hash session_hash; /* of the cookie */
    struct session_view session;
    struct form form;
    const char *done; /* where to go after the command: "/customer?done=..." */
};

static const struct {
    const char *word, *text;
} done_texts[] = {
    { "revoked", "The access has ended. They can see nothing of it any more." },
    { "removed", "The account was removed. They can see nothing of it any more." },
    { "out", "You are logged out." },
};

static const char *done_text(struct str word) {
    for (size_t i = 0; i < ARRAY_COUNT(done_texts); i++)
        if (str_equal_c(word, done_texts[i].word)) return done_texts[i].text;
    return NULL;
}

static struct str field(const struct form *form, const char *name) {
    struct str value = { 0 };
    (void)form_get(form, name, &value); /* absent stays empty */
    return value;
}

/* ---- who is here ---- */

/* The form to log in with, under the browser's cookie or a fresh one: until then there is no session to write down. */
static int show_login(struct auth_request *request, struct visit *visit, const char *notice, const char *done) {
    char csrf[FORM_TOKEN_TEXT_BYTES];
    int r = 0;
    if (visit->cookie.len == 0) {
        r = secret_text_make(request->arena, &visit->cookie);
        if (!r) r = browser_session_set(request, COOKIE_CUSTOMER, visit->cookie);
    }
    return r ? err_trace(r) : customer_view_login(request, form_token_of(visit->cookie, csrf), notice, done);
}

/* The session behind the cookie, alive. 0, QUERY_E_ABSENT, <0. */
static int find_session(struct auth_request *request, struct visit *visit) {
    if (!browser_session_read(COOKIE_CUSTOMER, request->cookies, &visit->cookie)) return QUERY_E_ABSENT;
    visit->session_hash = sha256_str(visit->cookie);
    int r = query_session(request->query, &visit->session_hash, request->arena, &visit->session);
    if (r) return r < 0 ? err_trace(r) : r;
    bool alive =
        visit->session.stage == SESSION_VIEW_CUSTOMER && request->auth->options.now_ms() < visit->session.expires_ms;
    return alive ? 0 : QUERY_E_ABSENT;
}

static int show_over(struct auth_request *request, struct visit *visit) {
    request->answer.outcome = "session_over";
    return show_login(request, visit, "Your session is over. Log in again.", NULL);
}

/* A form of this browser's own pages, in the arena. 0 with *ret_visit; NULL there when the request is answered. */
static int begin_form(struct auth_request *request, struct visit **ret_visit) {
    struct visit *visit = arena_new(request->arena, struct visit);
    struct str duplicate;
    *ret_visit = NULL;
    if (!visit) return err_origin(-ENOMEM);
    int r = secret_form_parse(request->body, request->arena, &visit->form);
    if (r < 0) return err_trace(r);
    if (r || form_find_duplicate(&visit->form, &duplicate))
        return page_message(request, 400, "This form cannot be read", "Go back and try again.");
    if (!browser_session_read(COOKIE_CUSTOMER, request->cookies, &visit->cookie) ||
        !form_token_is_right(visit->cookie, field(&visit->form, "csrf"))) {
        visit->cookie = (struct str){ 0 };
        return show_over(request, visit);
    }
    visit->session_hash = sha256_str(visit->cookie);
    request->state = visit;
    *ret_visit = visit;
    return 0;
}

/* ---- the page ---- */

static int show_page(struct auth_request *request, struct visit *visit, const char *notice) {
    struct customer_consents consents = { 0 };
    struct call call = { .customer_id = visit->session.customer_id };
    struct account_page accounts = { .limit = PAGE_ACCOUNTS_MAX };
    char csrf[FORM_TOKEN_TEXT_BYTES];
    check(!id_is_zero(call.customer_id.bytes)); /* zero would mean a client's accounts */
    (void)id_parse(field(&visit->form, "accesses"), consents.before_reads.bytes); /* what is none: from the newest */
    (void)id_parse(field(&visit->form, "payments"), consents.before_payments.bytes);
    int r = query_customer_consents(request->query, &call.customer_id, request->auth->options.now_ms(), request->arena,
                                    &consents);
    if (r == QUERY_E_ABSENT) return show_over(request, visit);
    if (!r) r = query_accounts(request->query, &call, &accounts, request->arena);
    if (r) return err_fold(r);
    struct customer_facts facts = { .consents = &consents,
                                    .accounts = accounts.accounts,
                                    .account_count = accounts.count,
                                    .csrf = form_token_of(visit->cookie, csrf),
                                    .done = done_text(field(&visit->form, "done")),
                                    .notice = notice };
    return customer_view_show(request, &facts);
}

int auth_customer(struct auth_request *request) {
    struct visit *visit = arena_new(request->arena, struct visit);
    if (!visit) return err_origin(-ENOMEM);
    if (form_parse(request->query_text, request->arena, &visit->form)) visit->form.count = 0; /* nothing is asked for */
    int r = find_session(request, visit);
    if (r < 0) return err_trace(r);
    return r ? show_login(request, visit, NULL, done_text(field(&visit->form, "done")))
             : show_page(request, visit, NULL);
}

static int go_to(struct auth_request *request, struct str location) {
    request->answer.status = 303;
    request->answer.content = STR("");
    if (!request->answer.outcome) request->answer.outcome = "accepted";
    answer_header(request, "Location", location);
    answer_header(request, "Cache-Control", STR("no-store"));
    answer_header(request, "Referrer-Policy", STR("no-referrer"));
    return AUTH_ANSWERED;
}

/* ---- in ---- */

static int finish_login(struct auth_request *request) {
    struct visit *visit = request->state;
    if (request->command->answer.refusal || request->command->answer.body.len) {
        request->answer.outcome = "wrong_secret";
        guess_failed(request);
        return show_login(request, visit,
                          "Login, password or code are not right, or the code was used before, or the login is locked "
                          "for some minutes. Wait for the next code and try again.",
                          NULL);
    }
    int r = browser_session_set(request, COOKIE_CUSTOMER, visit->fresh);
    return r ? err_trace(r) : go_to(request, STR("/customer"));
}

/* The same work for a login that does not exist, and for a wrong password. 0 or <0. */
static int check_secrets(struct auth_request *request, const struct visit *visit, struct customer_login_input *input) {
    struct customer_secrets customer;
    struct str password = field(&visit->form, "password");
    int r = query_customer_by_login(request->query, field(&visit->form, "login"), request->arena, &customer);
    if (r < 0) return err_trace(r);
    int password_verdict = r ? password_verify_nobody(password) : password_verify(customer.password, password);
    if (password_verdict < 0) return err_trace(password_verdict);
    int code_verdict = totp_verify(r ? str_from_c(secret_of_nobody) : customer.totp_secret, field(&visit->form, "code"),
                                   request->auth->options.now_ms(), &input->step);
    if (code_verdict < 0) return err_trace(code_verdict);
    if (r == 0) input->customer_id = customer.customer_id;
    input->right = r == 0 && password_verdict == 0 && code_verdict == 0;
    return 0;
}

int auth_customer_login(struct auth_request *request) {
    struct visit *visit;
    int r;
    if (page_turned_away(request, &r)) return r;
    r = begin_form(request, &visit);
    if (r || !visit) return r;
    struct customer_login_input input = { .step = 0 };
    r = check_secrets(request, visit, &input);
    if (!r) r = secret_text_make(request->arena, &visit->fresh); /* a cookie planted before is worth nothing */
    if (r) return err_trace(r);
    input.session_hash = sha256_str(visit->fresh);
    bool waits = request->command->on_done != NULL;
    request->finish = finish_login;
    return request_sent(request, waits,
                        command_customer_login(request->auth->options.integration, request->command, &input));
}

/* ---- what was allowed, taken back ---- */

static int finish_withdraw(struct auth_request *request) {
    struct visit *visit = request->state;
    int refusal = request->command->answer.refusal;
    if (refusal) request->answer.outcome = request->command->answer.refusal_name;
    if (refusal == AUTHORIZE_E_CONSENT)
        return show_page(request, visit, "This had ended already, or the account was not part of it.");
    if (refusal) return show_over(request, visit);
    return go_to(request, str_from_c(visit->done));
}

int auth_customer_withdraw(struct auth_request *request) {
    struct visit *visit;
    struct customer_withdraw_input input = { .account_id = { { 0 } } };
    int r = begin_form(request, &visit);
    if (r || !visit) return r;
    r = find_session(request, visit);
    if (r) return r < 0 ? err_trace(r) : show_over(request, visit);
    struct str account = field(&visit->form, "account_id");
    bool one = account.len > 0;
    if (id_parse(field(&visit->form, "consent_id"), input.consent_id.bytes) ||
        (one && id_parse(account, input.account_id.bytes)))
        return page_message(request, 400, "This form cannot be read", "Go back and try again.");
    input.session_hash = visit->session_hash;
    visit->done = one ? "/customer?done=removed" : "/customer?done=revoked";
    bool waits = request->command->on_done != NULL;
    request->finish = finish_withdraw;
    return request_sent(request, waits,
                        command_customer_withdraw(request->auth->options.integration, request->command, &input));
}

/* ---- out ---- */

static int finish_logout(struct auth_request *request) {
    browser_session_clear(request, COOKIE_CUSTOMER);
    return go_to(request, STR("/customer?done=out"));
}

int auth_customer_logout(struct auth_request *request) {
    struct visit *visit;
    int r = begin_form(request, &visit);
    if (r || !visit) return r;
    bool waits = request->command->on_done != NULL;
    request->finish = finish_logout;
    return request_sent(
        request, waits,
        command_customer_logout(request->auth->options.integration, request->command, &visit->session_hash));
}
