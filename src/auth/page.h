/* page.h - the consent pages as HTML: plain forms, no script, every word of others escaped.
 *
 * The forms: login (login, password), code (code), account (account_id), confirm; each with csrf, and with a button to
 * /authorize/reject. */
#ifndef GIRO_AUTH_PAGE_H
#define GIRO_AUTH_PAGE_H

#include "auth/auth_int.h"

enum { PAGE_BYTES_MAX = 64 * 1024, PAGE_ACCOUNTS_MAX = 50 };

/* What the customer is asked about; text of the store. */
struct page_facts {
    enum consent_page_kind kind;
    struct str client;   /* display name */
    struct str document; /* of reads: what was asked for, JSON */
    int64_t expires_ms;  /* of reads; 0: never */
    struct str payee, payee_identification, reference;
    struct money amount;
    struct str csrf, login_hint;
    struct str redirect_origin;          /* where the form may end up: for the policy of the page */
    const struct account_view *accounts; /* that may be chosen; for confirm: the chosen ones */
    size_t account_count;
    const char *notice; /* NULL, or one sentence of ours */
};
/* Each answers 200 (page_message: its status) with the page and the headers that all pages have. AUTH_ANSWERED or <0.
 */
int page_login(struct auth_request *request, const struct page_facts *facts);
int page_code(struct auth_request *request, const struct page_facts *facts);
int page_account(struct auth_request *request, const struct page_facts *facts);
int page_confirm(struct auth_request *request, const struct page_facts *facts);
/* Nothing to be done here; title and text are ours. */
int page_message(struct auth_request *request, int status, const char *title, const char *text);

#endif
