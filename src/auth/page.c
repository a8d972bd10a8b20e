#include "auth/page.h"

#include "auth/html.h"
#include "domain/civil_date.h"
#include "platform/clock.h"

static int begin(struct auth_request *request, struct buffer *out, const char *title) {
    char *memory = arena_alloc(request->arena, PAGE_BYTES_MAX);
    if (!memory) return err_origin(-ENOMEM);
    buffer_init(out, memory, PAGE_BYTES_MAX);
    html_page_begin(out, title);
    return 0;
}

/* A redirect after a form counts as the form's target, so the client's origin must be allowed. */
static int put_policy(struct auth_request *request, struct str redirect_origin) {
    struct str policy = arena_printf(request->arena,
                                     "default-src 'none'; style-src 'self'; form-action 'self' " STR_FMT
                                     "; frame-ancestors 'none'; base-uri 'none'",
                                     STR_ARG(redirect_origin));
    if (!policy.at) return err_origin(-ENOMEM);
    answer_header(request, "Content-Security-Policy", policy);
    answer_header(request, "X-Frame-Options", STR("DENY"));
    answer_header(request, "X-Content-Type-Options", STR("nosniff"));
    answer_header(request, "Referrer-Policy", STR("no-referrer"));
    answer_header(request, "Cache-Control", STR("no-store"));
    return 0;
}

static int end(struct auth_request *request, struct buffer *out, int status, struct str redirect_origin) {
    html_page_end(out);
    if (out->overflow) return err_origin(-EMSGSIZE);
    int r = put_policy(request, redirect_origin);
    if (!r) r = wipe_later(request->arena, buffer_str(out)); /* account numbers, form token */
    if (r) return err_trace(r);
    request->answer.status = status;
    request->answer.media_type = "text/html; charset=utf-8";
    request->answer.content = buffer_str(out);
    if (!request->answer.outcome) request->answer.outcome = status < 400 ? "accepted" : "refused";
    return AUTH_ANSWERED;
}

static void put_notice(struct buffer *out, const struct page_facts *facts) {
    if (facts->notice) buffer_printf(out, "<p class=\"notice\" role=\"alert\">%s</p>\n", facts->notice);
}

static void put_fact(struct buffer *out, const char *name, struct str value) {
    if (value.len == 0) return;
    buffer_printf(out, "<dt>%s</dt><dd>", name);
    html_foreign(out, value);
    buffer_append_c(out, "</dd>\n");
}

/* What may be read, and until when. */
static void put_reads(struct buffer *out, const struct page_facts *facts) {
    char day[CIVIL_TEXT_BYTES];
    buffer_append_c(out, "<dl>\n");
    put_fact(out, "Asked by", facts->client);
    put_fact(out, "Until",
             facts->expires_ms ? civil_format(clock_day(facts->expires_ms), day) : STR("you take it back"));
    buffer_append_c(out, "</dl>\n");
}

/* Who gets how much: on every page behind the password, so that the one-time code is given for this payment. */
static void put_payment(struct buffer *out, const struct page_facts *facts) {
    if (facts->kind == CONSENT_PAGE_READS) {
        put_reads(out, facts);
        return;
    }
    char money[MONEY_TEXT_BYTES], currency[4];
    buffer_append_c(out, "<dl>\n");
    put_fact(out, "Pay to", facts->payee);
    put_fact(out, "Account", facts->payee_identification);
    buffer_append_c(out, "<dt>Amount</dt><dd>");
    buffer_append_str(out, money_text(facts->amount, money));
    buffer_append_char(out, ' ');
    buffer_append_str(out, currency_text(facts->amount.currency, currency));
    buffer_append_c(out, "</dd>\n");
    put_fact(out, "Reference", facts->reference);
    put_fact(out, "Asked by", facts->client);
    buffer_append_c(out, "</dl>\n");
}

static void form_begin(struct buffer *out, const struct page_facts *facts, const char *step) {
    buffer_printf(out,
                  "<form method=\"post\" action=\"/authorize/%s\" autocomplete=\"off\">\n"
                  "<input type=\"hidden\" name=\"csrf\" value=\"",
                  step);
    html_text(out, facts->csrf);
    buffer_append_c(out, "\">\n");
}

static void form_end(struct buffer *out, const char *go_on) {
    if (go_on) buffer_printf(out, "<button type=\"submit\">%s</button>\n", go_on);
    buffer_append_c(
        out,
        "<button type=\"submit\" class=\"second\" formaction=\"/authorize/reject\" formnovalidate>Reject</button>\n"
        "</form>\n");
}

int page_login(struct auth_request *request, const struct page_facts *facts) {
    struct buffer out;
    int r = begin(request, &out, "Log in to your bank");
    if (r) return err_trace(r);
    put_notice(&out, facts);
    buffer_append_c(&out, "<p>");
    html_foreign(&out, facts->client);
    buffer_append_c(&out, " asks you to agree to ");
    buffer_append_c(&out, facts->kind == CONSENT_PAGE_PAYMENT ? "a payment" : "reads of your accounts");
    buffer_append_c(&out, ". Log in to see it.</p>\n");
    form_begin(&out, facts, "login");
    buffer_append_c(
        &out, "<label for=\"login\">Login</label>\n<input type=\"text\" id=\"login\" name=\"login\" maxlength=\"64\" "
              "autocomplete=\"username\" autocapitalize=\"none\" spellcheck=\"false\" required value=\"");
    html_text(&out, facts->login_hint);
    buffer_append_c(
        &out,
        "\">\n<label for=\"password\">Password</label>\n<input type=\"password\" id=\"password\" name=\"password\" "
        "maxlength=\"1024\" autocomplete=\"current-password\" required>\n");
    form_end(&out, "Log in");
    return end(request, &out, 200, facts->redirect_origin);
}

int page_code(struct auth_request *request, const struct page_facts *facts) {
    struct buffer out;
    int r = begin(request, &out, "Enter your one-time code");
    if (r) return err_trace(r);
    put_notice(&out, facts);
    buffer_append_c(
        &out,
        "<p>Your code proves that you agree to look at this payment and no other. Check payee and amount first.</p>\n");
    put_payment(&out, facts);
    form_begin(&out, facts, "code");
    buffer_append_c(
        &out, "<label for=\"code\">One-time code (6 digits)</label>\n<input type=\"text\" id=\"code\" name=\"code\" "
              "inputmode=\"numeric\" pattern=\"[0-9]{6}\" maxlength=\"6\" autocomplete=\"one-time-code\" required>\n");
    form_end(&out, "Go on");
    return end(request, &out, 200, facts->redirect_origin);
}

static void put_account(struct buffer *out, const struct account_view *account) {
    html_foreign(out, account->name);
    buffer_append_c(out, " ");
    if (account->sort_code.len) {
        html_text(out, account->sort_code);
        buffer_append_c(out, " ");
        html_text(out, account->account_number);
    } else {
        html_text(out, account->iban);
    }
}

int page_account(struct auth_request *request, const struct page_facts *facts) {
    struct buffer out;
    char id[ID_TEXT_BYTES];
    bool payment = facts->kind == CONSENT_PAGE_PAYMENT;
    int r = begin(request, &out, payment ? "Choose the account to pay from" : "Choose the accounts to share");
    if (r) return err_trace(r);
    put_notice(&out, facts);
    put_payment(&out, facts);
    form_begin(&out, facts, "account");
    if (facts->account_count == 0)
        buffer_printf(&out, "<p>You have no account that %s.</p>\n",
                      payment ? "this payment can be made from" : "can be shared");
    else buffer_printf(&out, "<fieldset><legend>%s</legend>\n", payment ? "Pay from" : "Share");
    for (size_t i = 0; i < facts->account_count; i++) {
        buffer_printf(&out, "<label><input type=\"%s\" name=\"account_id\" value=\"" STR_FMT "\"%s> ",
                      payment ? "radio" : "checkbox", STR_ARG(id_format(facts->accounts[i].account_id.bytes, id)),
                      !payment ? ""
                      : i == 0 ? " required checked"
                               : " required");
        put_account(&out, &facts->accounts[i]);
        buffer_append_c(&out, "</label>\n");
    }
    if (facts->account_count) buffer_append_c(&out, "</fieldset>\n");
    form_end(&out, facts->account_count ? "Go on" : NULL);
    return end(request, &out, 200, facts->redirect_origin);
}

/* The accounts chosen, and what a yes to reads means. */
static int page_confirm_reads(struct auth_request *request, const struct page_facts *facts) {
    struct buffer out;
    int r = begin(request, &out, "Confirm access to your accounts");
    if (r) return err_trace(r);
    put_notice(&out, facts);
    put_reads(&out, facts);
    buffer_append_c(&out, "<ul>\n");
    for (size_t i = 0; i < facts->account_count; i++) {
        buffer_append_c(&out, "<li>");
        put_account(&out, &facts->accounts[i]);
        buffer_append_c(&out, "</li>\n");
    }
    buffer_append_c(&out, "</ul>\n");
    form_begin(&out, facts, "confirm");
    form_end(&out, "Allow access");
    return end(request, &out, 200, facts->redirect_origin);
}

int page_confirm(struct auth_request *request, const struct page_facts *facts) {
    if (facts->kind == CONSENT_PAGE_READS) return page_confirm_reads(request, facts);
    struct buffer out;
    int r = begin(request, &out, "Confirm this payment");
    if (r) return err_trace(r);
    put_notice(&out, facts);
    put_payment(&out, facts);
    buffer_append_c(&out, "<dl><dt>Pay from</dt><dd>");
    put_account(&out, &facts->accounts[0]);
    buffer_append_c(&out, "</dd></dl>\n<p>If you confirm, ");
    html_foreign(&out, facts->client);
    buffer_append_c(
        &out, " may make this one payment from this account and see what becomes of it. The permission ends with the "
              "payment.</p>\n");
    form_begin(&out, facts, "confirm");
    form_end(&out, "Confirm payment");
    return end(request, &out, 200, facts->redirect_origin);
}

int page_message(struct auth_request *request, int status, const char *title, const char *text) {
    struct buffer out;
    int r = begin(request, &out, title);
    if (r) return err_trace(r);
    buffer_printf(&out, "<p>%s</p>\n", text);
    return end(request, &out, status, STR(""));
}
