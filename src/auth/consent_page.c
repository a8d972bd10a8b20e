#include "auth/consent_page.h"

#include "auth/html.h"
#include "auth/permission_text.h"
#include "domain/approval.h"

static bool is_payment(const struct page_facts *facts) {
    return facts->consent->kind == CONSENT_PAGE_PAYMENT;
}

static struct page page_of(struct auth_request *request, const struct page_facts *facts, const char *title,
                           const char *field) {
    return (struct page){ .request = request,
                          .title = title,
                          .redirect_origin = facts->redirect_origin,
                          .notice = facts->notice,
                          .notice_field = field };
}

static void put_step(struct page *page, int step) {
    buffer_printf(&page->out, "<p class=\"step\">Step %d of 3</p>\n", step);
}

/* Who gets how much. */
static void put_payment(struct page *page, const struct page_facts *facts) {
    buffer_append_c(&page->out, "<dl>\n");
    page_fact(page, "Pay to", facts->consent->creditor_name);
    page_fact(page, "Account", facts->consent->creditor_identification);
    buffer_append_c(&page->out, "<dt>Amount</dt><dd class=\"amount\">");
    page_money(page, facts->consent->amount);
    buffer_append_c(&page->out, "</dd>\n");
    page_fact(page, "Reference", facts->reference);
    page_fact(page, "Asked by", facts->client);
}

/* Who may see what, and until when. */
static int put_reads(struct page *page, const struct page_facts *facts) {
    buffer_append_c(&page->out, "<h2>What ");
    html_foreign(&page->out, facts->client);
    buffer_append_c(&page->out, " would see</h2>\n");
    int r = permission_text_write(&page->out, facts->consent->document, 3, page->request->arena);
    if (r) return err_trace(r);
    buffer_append_c(&page->out, "<dl>\n");
    page_fact(page, "Asked by", facts->client);
    buffer_append_c(&page->out, "<dt>Until</dt><dd>");
    if (facts->consent->expires_ms) html_moment(&page->out, facts->consent->expires_ms);
    else buffer_append_c(&page->out, "you take it back");
    buffer_append_c(&page->out, "</dd>\n");
    return 0;
}

static int put_request(struct page *page, const struct page_facts *facts) {
    if (!is_payment(facts)) return put_reads(page, facts);
    put_payment(page, facts);
    return 0;
}

/* The way on, other ways, and the way out; go_on and other may be NULL. */
static void form_end(struct page *page, const char *go_on, const char *other) {
    buffer_append_c(&page->out, "<div class=\"actions\">\n");
    if (go_on) buffer_printf(&page->out, "<button type=\"submit\">%s</button>\n", go_on);
    if (other)
        buffer_printf(&page->out,
                      "<button type=\"submit\" class=\"second\" formaction=\"/authorize/account\" name=\"change\" "
                      "value=\"1\" formnovalidate>%s</button>\n",
                      other);
    buffer_append_c(&page->out, "<button type=\"submit\" class=\"second\" formaction=\"/authorize/reject\" "
                                "formnovalidate>Reject</button>\n</div>\n</form>\n");
}

int page_login(struct auth_request *request, const struct page_facts *facts) {
    struct page page = page_of(request, facts, "Log in to your bank", "login");
    int r = page_begin(&page, PAGE_BYTES_MAX);
    if (r) return err_trace(r);
    put_step(&page, 1);
    buffer_append_c(&page.out, "<p>");
    html_foreign(&page.out, facts->client);
    buffer_printf(&page.out, " asks you to agree to %s. Log in to see it.</p>\n",
                  is_payment(facts) ? "a payment" : "share what is in your accounts");
    page_form_begin(&page, "/authorize/login", facts->csrf);
    page_login_field(&page, facts->login_hint);
    page_password_field(&page);
    form_end(&page, "Log in", NULL);
    return page_end(&page, 200);
}

/* ---- accounts ---- */

static bool was_chosen(const struct page_facts *facts, const struct account_id *account_id) {
    for (size_t at = 0; at + 16 <= facts->chosen.len; at += 16)
        if (memcmp(facts->chosen.at + at, account_id->bytes, 16) == 0) return true;
    return false;
}

static void put_choice(struct page *page, const struct page_facts *facts, size_t index) {
    const struct account_view *account = &facts->accounts[index];
    char id[ID_TEXT_BYTES];
    bool payment = is_payment(facts);
    bool first = payment && index == 0 && facts->chosen.len == 0;
    buffer_printf(&page->out, "<label><input type=\"%s\" %sname=\"account_id\" value=\"" STR_FMT "\"%s%s> <span>",
                  payment ? "radio" : "checkbox", index == 0 ? "id=\"account\" " : "",
                  STR_ARG(id_format(account->account_id.bytes, id)), payment ? " required" : "",
                  first || was_chosen(facts, &account->account_id) ? " checked" : "");
    page_account_text(page, account);
    buffer_append_c(&page->out, "</span></label>\n");
}

int page_account(struct auth_request *request, const struct page_facts *facts) {
    bool payment = is_payment(facts);
    struct page page =
        page_of(request, facts, payment ? "Choose the account to pay from" : "Choose the accounts to share",
                facts->account_count ? "account" : NULL);
    int r = page_begin(&page, PAGE_BYTES_MAX);
    if (r) return err_trace(r);
    put_step(&page, 2);
    r = put_request(&page, facts);
    if (r) return err_trace(r);
    buffer_append_c(&page.out, "</dl>\n");
    page_form_begin(&page, "/authorize/account", facts->csrf);
    if (facts->account_count == 0)
        buffer_printf(&page.out, "<p>You have no account that %s.</p>\n",
                      payment ? "this payment can be made from" : "can be shared");
    else
        buffer_printf(&page.out, "<fieldset>\n<legend>%s</legend>\n",
                      payment ? "Pay from" : "Share (choose one or more)");
    for (size_t i = 0; i < facts->account_count; i++) put_choice(&page, facts, i);
    if (facts->account_count) buffer_append_c(&page.out, "</fieldset>\n");
    form_end(&page, facts->account_count ? "Go on" : NULL, NULL);
    return page_end(&page, 200);
}

/* ---- the code ---- */

static void put_promise(struct page *page, const struct page_facts *facts) {
    buffer_append_c(&page->out, "<p>If you confirm, ");
    html_foreign(&page->out, facts->client);
    buffer_append_c(&page->out, is_payment(facts) ? " may make this one payment from this account and see what "
                                                    "becomes of it. The permission ends with the payment.</p>\n"
                                                  : " may see this of the accounts above. You can end this at any "
                                                    "time on your bank's own page.</p>\n");
}

static void put_chosen(struct page *page, const struct page_facts *facts) {
    buffer_printf(&page->out, "<dt>%s</dt>", is_payment(facts) ? "Pay from" : "Accounts");
    for (size_t i = 0; i < facts->account_count; i++) {
        buffer_append_c(&page->out, "<dd>");
        page_account_text(page, &facts->accounts[i]);
        buffer_append_c(&page->out, "</dd>\n");
    }
    buffer_append_c(&page->out, "</dl>\n");
}

int page_confirm(struct auth_request *request, const struct page_facts *facts) {
    bool payment = is_payment(facts);
    char approval[APPROVAL_TEXT_BYTES];
    struct page page =
        page_of(request, facts, payment ? "Confirm this payment" : "Confirm access to your accounts", "code");
    int r = page_begin(&page, PAGE_BYTES_MAX);
    if (r) return err_trace(r);
    put_step(&page, 3);
    r = put_request(&page, facts);
    if (r) return err_trace(r);
    put_chosen(&page, facts);
    put_promise(&page, facts);
    page_form_begin(&page, "/authorize/confirm", facts->csrf);
    buffer_printf(&page.out, "<input type=\"hidden\" name=\"approval\" value=\"" STR_FMT "\">\n",
                  STR_ARG(approval_text(&facts->approval, approval)));
    page_code_field(&page);
    buffer_printf(&page.out, "<p class=\"hint\">Your code agrees to exactly what is shown above, and to nothing "
                             "else.</p>\n");
    form_end(&page, payment ? "Confirm payment" : "Allow access",
             payment ? "Choose another account" : "Choose other accounts");
    return page_end(&page, 200);
}
