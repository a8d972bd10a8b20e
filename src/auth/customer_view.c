#include "auth/customer_view.h"

#include "auth/html.h"
#include "auth/permission_text.h"

int customer_view_login(struct auth_request *request, struct str csrf, const char *notice, const char *done) {
    struct page page = {
        .request = request, .title = "Log in to your bank", .notice = notice, .notice_field = "login", .done = done
    };
    int r = page_begin(&page, PAGE_BYTES_MAX);
    if (r) return err_trace(r);
    buffer_append_c(&page.out, "<p>Log in to see whom you have allowed to see your accounts or to make payments for "
                               "you, and to take it back.</p>\n");
    page_form_begin(&page, "/customer/login", csrf);
    page_login_field(&page, (struct str){ 0 });
    page_password_field(&page);
    page_code_field(&page);
    buffer_append_c(&page.out, "<div class=\"actions\">\n<button type=\"submit\">Log in</button>\n</div>\n</form>\n");
    return page_end(&page, 200);
}

/* ---- one consent ---- */

/* The words for what a consent to reads is now. */
static const char *reads_state(const struct customer_consent_view *consent) {
    static const struct {
        const char *status, *text;
    } states[] = {
        { "AUTH", "Active" },           { "CANC", "Taken back by you" }, { "EXPD", "Over: its time has come" },
        { "DELETED", "Ended by them" }, { "RJCT", "Rejected by you" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(states); i++)
        if (strcmp(consent->status, states[i].status) == 0) return states[i].text;
    return "Not decided";
}

static const char *payment_state(const struct customer_consent_view *consent) {
    if (!consent->paid) return consent->active ? "Agreed to, not made yet" : "Not made";
    switch (consent->payment_status) {
    case PAYMENT_PENDING:
        return "On its way";
    case PAYMENT_UNKNOWN:
        return "Being looked into";
    case PAYMENT_COMPLETED:
        return "Paid";
    case PAYMENT_REJECTED:
    case PAYMENT_STATUS_COUNT:
        break;
    }
    return "Not made";
}

static void put_client(struct page *page, struct str client) {
    if (client.len) html_foreign(&page->out, client);
    else buffer_append_c(&page->out, "An application that is no longer here");
}

static void put_day(struct page *page, const char *name, int64_t at_ms) {
    buffer_printf(&page->out, "<dt>%s</dt><dd>", name);
    html_moment(&page->out, at_ms);
    buffer_append_c(&page->out, "</dd>\n");
}

static const struct account_view *account_of(const struct customer_facts *facts, const char *id) {
    for (size_t i = 0; i < facts->account_count; i++)
        if (memcmp(facts->accounts[i].account_id.bytes, id, 16) == 0) return &facts->accounts[i];
    return NULL;
}

static void put_account(struct page *page, const struct customer_facts *facts, const char *id) {
    const struct account_view *account = account_of(facts, id);
    if (account) page_account_text(page, account);
    else buffer_append_c(&page->out, "An account that is closed");
}

/* The accounts of a consent; of an active one with a button each. */
static void put_accounts(struct page *page, const struct customer_facts *facts,
                         const struct customer_consent_view *consent) {
    char text[ID_TEXT_BYTES];
    buffer_append_c(&page->out, "<h4>Accounts</h4>\n<ul class=\"accounts\">\n");
    for (size_t at = 0; at + 16 <= consent->accounts.len; at += 16) {
        const char *id = consent->accounts.at + at;
        buffer_append_c(&page->out, "<li><span>");
        put_account(page, facts, id);
        buffer_append_c(&page->out, "</span>");
        if (consent->active) {
            buffer_printf(&page->out,
                          "<button type=\"submit\" class=\"second small\" name=\"account_id\" value=\"" STR_FMT
                          "\">Remove account<span class=\"unseen\"> ",
                          STR_ARG(id_format((const uint8_t *)id, text)));
            put_account(page, facts, id);
            buffer_append_c(&page->out, "</span></button>");
        }
        buffer_append_c(&page->out, "</li>\n");
    }
    buffer_append_c(&page->out, "</ul>\n");
}

static int put_what(struct page *page, const struct customer_consent_view *consent) {
    buffer_append_c(&page->out, "<details>\n<summary>What they may see</summary>\n");
    int r = permission_text_write(&page->out, consent->document, 4, page->request->arena);
    buffer_append_c(&page->out, "</details>\n");
    return r ? err_trace(r) : 0;
}

static void put_withdraw_begin(struct page *page, const struct customer_facts *facts,
                               const struct customer_consent_view *consent) {
    char text[ID_TEXT_BYTES];
    page_form_begin(page, "/customer/withdraw", facts->csrf);
    buffer_printf(&page->out, "<input type=\"hidden\" name=\"consent_id\" value=\"" STR_FMT "\">\n",
                  STR_ARG(id_format(consent->consent_id.bytes, text)));
}

static void put_withdraw_end(struct page *page, const struct customer_consent_view *consent) {
    buffer_append_c(&page->out, "<button type=\"submit\" name=\"all\" value=\"1\">Revoke access"
                                "<span class=\"unseen\"> of ");
    put_client(page, consent->client);
    buffer_append_c(&page->out, "</span></button>\n</form>\n");
}

static int put_reads(struct page *page, const struct customer_facts *facts,
                     const struct customer_consent_view *consent) {
    buffer_append_c(&page->out, "<section class=\"consent\">\n<h3>");
    put_client(page, consent->client);
    buffer_printf(&page->out, "</h3>\n<p class=\"state\">%s</p>\n", reads_state(consent));
    int r = put_what(page, consent);
    if (r) return err_trace(r);
    buffer_append_c(&page->out, "<dl>\n");
    put_day(page, "Since", consent->status_ms);
    if (consent->active && consent->expires_ms) put_day(page, "Until", consent->expires_ms);
    else if (consent->active) buffer_append_c(&page->out, "<dt>Until</dt><dd>you take it back</dd>\n");
    buffer_append_c(&page->out, "</dl>\n");
    if (consent->active) put_withdraw_begin(page, facts, consent);
    put_accounts(page, facts, consent);
    if (consent->active) put_withdraw_end(page, consent);
    buffer_append_c(&page->out, "</section>\n");
    return 0;
}

static void put_payment(struct page *page, const struct customer_facts *facts,
                        const struct customer_consent_view *consent) {
    buffer_append_c(&page->out, "<section class=\"consent\">\n<h3>");
    page_money(page, consent->amount);
    buffer_append_c(&page->out, " to ");
    html_foreign(&page->out, consent->payee);
    buffer_printf(&page->out, "</h3>\n<p class=\"state\">%s</p>\n<dl>\n<dt>Asked by</dt><dd>", payment_state(consent));
    put_client(page, consent->client);
    buffer_append_c(&page->out, "</dd>\n");
    put_day(page, "On", consent->status_ms);
    buffer_append_c(&page->out, "<dt>From</dt><dd>");
    put_account(page, facts, consent->accounts.at);
    buffer_append_c(&page->out, "</dd>\n</dl>\n</section>\n");
}

/* ---- all of them ---- */

/* The link to older ones behind the last that is shown. */
static void put_older(struct page *page, const char *name, const char *text, const struct customer_consent_view *last) {
    char id[ID_TEXT_BYTES];
    buffer_printf(&page->out, "<p><a href=\"/customer?%s=" STR_FMT "\">%s</a></p>\n", name,
                  STR_ARG(id_format(last->consent_id.bytes, id)), text);
}

static int put_all(struct page *page, const struct customer_facts *facts) {
    const struct customer_consents *consents = facts->consents;
    buffer_append_c(&page->out, "<h2>Who may see your accounts</h2>\n");
    if (consents->read_count == 0) buffer_append_c(&page->out, "<p>Nobody has been allowed to.</p>\n");
    for (size_t i = 0; i < consents->read_count; i++) {
        int r = put_reads(page, facts, &consents->reads[i]);
        if (r) return err_trace(r);
    }
    if (consents->more_reads)
        put_older(page, "accesses", "Older permissions", &consents->reads[consents->read_count - 1]);
    buffer_append_c(&page->out, "<h2>Payments you agreed to</h2>\n");
    if (consents->payment_count == 0) buffer_append_c(&page->out, "<p>There are none.</p>\n");
    for (size_t i = 0; i < consents->payment_count; i++) put_payment(page, facts, &consents->payments[i]);
    if (consents->more_payments)
        put_older(page, "payments", "Older payments", &consents->payments[consents->payment_count - 1]);
    return 0;
}

int customer_view_show(struct auth_request *request, const struct customer_facts *facts) {
    struct page page = {
        .request = request, .title = "Your permissions", .notice = facts->notice, .done = facts->done
    };
    int r = page_begin(&page, CUSTOMER_PAGE_BYTES_MAX);
    if (r) return err_trace(r);
    buffer_append_c(&page.out, "<p>You are logged in as ");
    html_foreign(&page.out, facts->consents->name);
    buffer_append_c(&page.out, ". This page ends after five minutes.</p>\n");
    r = put_all(&page, facts);
    if (r) return err_trace(r);
    page_form_begin(&page, "/customer/logout", facts->csrf);
    buffer_append_c(&page.out, "<div class=\"actions\">\n<button type=\"submit\" class=\"second\">Log out</button>\n"
                               "</div>\n</form>\n");
    return page_end(&page, 200);
}
