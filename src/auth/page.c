#include "auth/page.h"

#include "auth/guess_limit.h"
#include "auth/html.h"

int page_begin(struct page *page, size_t bytes_max) {
    struct html_page head = { .bank = page->request->auth->bank_name,
                              .title = page->title,
                              .problem = page->notice != NULL };
    char *memory = arena_alloc(page->request->arena, bytes_max);
    if (!memory) return err_origin(-ENOMEM);
    buffer_init(&page->out, memory, bytes_max);
    html_page_begin(&page->out, &head);
    if (page->notice && page->notice_field)
        buffer_printf(&page->out,
                      "<p class=\"notice\" role=\"alert\" id=\"" PAGE_NOTICE_ID "\"><a href=\"#%s\">%s</a></p>\n",
                      page->notice_field, page->notice);
    else if (page->notice)
        buffer_printf(&page->out, "<p class=\"notice\" role=\"alert\" id=\"" PAGE_NOTICE_ID "\">%s</p>\n",
                      page->notice);
    if (page->done) buffer_printf(&page->out, "<p class=\"done\" role=\"status\">%s</p>\n", page->done);
    return 0;
}

/* A redirect after a form counts as the form's target, so the client's origin must be allowed. */
static int put_policy(struct auth_request *request, struct str redirect_origin) {
    struct str policy = arena_printf(request->arena,
                                     "default-src 'none'; style-src 'self'; form-action 'self'%s" STR_FMT
                                     "; frame-ancestors 'none'; base-uri 'none'",
                                     redirect_origin.len ? " " : "", STR_ARG(redirect_origin));
    if (!policy.at) return err_origin(-ENOMEM);
    answer_header(request, "Content-Security-Policy", policy);
    answer_header(request, "X-Frame-Options", STR("DENY"));
    answer_header(request, "X-Content-Type-Options", STR("nosniff"));
    answer_header(request, "Referrer-Policy", STR("no-referrer"));
    answer_header(request, "Cache-Control", STR("no-store"));
    return 0;
}

int page_end(struct page *page, int status) {
    struct auth_request *request = page->request;
    html_page_end(&page->out);
    if (page->out.overflow) return err_origin(-EMSGSIZE);
    int r = put_policy(request, page->redirect_origin);
    if (!r) r = wipe_later(request->arena, buffer_str(&page->out)); /* account numbers, form token */
    if (r) return err_trace(r);
    request->answer.status = status;
    request->answer.media_type = "text/html; charset=utf-8";
    request->answer.content = buffer_str(&page->out);
    if (!request->answer.outcome) request->answer.outcome = status < 400 ? "accepted" : "refused";
    return AUTH_ANSWERED;
}

int page_message(struct auth_request *request, int status, const char *title, const char *text) {
    struct page page = { .request = request, .title = title };
    int r = page_begin(&page, PAGE_BYTES_MAX);
    if (r) return err_trace(r);
    buffer_printf(&page.out, "<p>%s</p>\n", text);
    return page_end(&page, status);
}

bool page_turned_away(struct auth_request *request, int *ret_r) {
    int64_t wait_ms =
        guess_limit_wait_ms(request->auth->guesses, request->call->remote_address, request->auth->options.now_ms());
    if (wait_ms == 0) return false;
    struct str seconds = arena_printf(request->arena, "%lld", (long long)((wait_ms + 999) / 1000));
    if (!seconds.at) {
        *ret_r = err_origin(-ENOMEM);
        return true;
    }
    request->answer.outcome = "too_many_guesses";
    *ret_r = page_message(request, 429, "Too many attempts",
                          "Too many passwords or codes from your network were not right. Wait some minutes and try "
                          "again.");
    if (*ret_r == AUTH_ANSWERED) answer_header(request, "Retry-After", seconds);
    return true;
}

void guess_failed(struct auth_request *request) {
    guess_limit_failed(request->auth->guesses, request->call->remote_address, request->auth->options.now_ms());
}

/* ---- pieces ---- */

void page_fact(struct page *page, const char *name, struct str value) {
    if (value.len == 0) return;
    buffer_printf(&page->out, "<dt>%s</dt><dd>", name);
    html_foreign(&page->out, value);
    buffer_append_c(&page->out, "</dd>\n");
}

void page_money(struct page *page, struct money money) {
    char text[MONEY_TEXT_BYTES], currency[4];
    buffer_append_str(&page->out, money_text(money, text));
    buffer_append_char(&page->out, ' ');
    buffer_append_str(&page->out, currency_text(money.currency, currency));
}

void page_account_text(struct page *page, const struct account_view *account) {
    html_foreign(&page->out, account->name);
    buffer_append_c(&page->out, " ");
    if (account->sort_code.len) {
        html_text(&page->out, account->sort_code);
        buffer_append_c(&page->out, " ");
        html_text(&page->out, account->account_number);
    } else {
        html_text(&page->out, account->iban);
    }
}

void page_form_begin(struct page *page, const char *action, struct str csrf) {
    buffer_printf(&page->out,
                  "<form method=\"post\" action=\"%s\" autocomplete=\"off\">\n"
                  "<input type=\"hidden\" name=\"csrf\" value=\"",
                  action);
    html_text(&page->out, csrf);
    buffer_append_c(&page->out, "\">\n");
}

/* What a field that is at fault says of itself. */
static const char *fault_of(const struct page *page, const char *field) {
    bool at_fault = page->notice && page->notice_field && strcmp(page->notice_field, field) == 0;
    return at_fault ? " aria-invalid=\"true\" aria-describedby=\"" PAGE_NOTICE_ID "\"" : "";
}

void page_login_field(struct page *page, struct str value) {
    buffer_printf(&page->out,
                  "<label for=\"login\">Login</label>\n<input type=\"text\" id=\"login\" name=\"login\" "
                  "maxlength=\"64\" autocomplete=\"username\" autocapitalize=\"none\" spellcheck=\"false\" "
                  "required%s value=\"",
                  fault_of(page, "login"));
    html_text(&page->out, value);
    buffer_append_c(&page->out, "\">\n");
}

void page_password_field(struct page *page) {
    buffer_printf(&page->out,
                  "<label for=\"password\">Password</label>\n<input type=\"password\" id=\"password\" "
                  "name=\"password\" maxlength=\"1024\" autocomplete=\"current-password\" required%s>\n",
                  fault_of(page, "login"));
}

void page_code_field(struct page *page) {
    buffer_printf(&page->out,
                  "<label for=\"code\">One-time code (6 digits)</label>\n"
                  "<input type=\"text\" id=\"code\" name=\"code\" class=\"code\" inputmode=\"numeric\" "
                  "pattern=\"[0-9]{6}\" maxlength=\"6\" autocomplete=\"one-time-code\" required%s>\n",
                  fault_of(page, "code"));
}
