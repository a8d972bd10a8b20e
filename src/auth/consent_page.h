/* consent_page.h - the three pages on which a customer is asked.
 *
 * The forms: login (login, password), account (account_id, once for a payment, any number of times for reads), confirm
 * (approval, code); each with csrf, and with a button to /authorize/reject. The page that asks for the one-time code
 * shows all that the code will approve, and sends the hash of it back (domain/approval.h). */
#ifndef GIRO_AUTH_CONSENT_PAGE_H
#define GIRO_AUTH_CONSENT_PAGE_H

#include "auth/page.h"

/* What the customer is asked about; text of the store. */
struct page_facts {
    const struct consent_page_view *consent;
    struct str client; /* display name */
    struct str reference;
    struct str csrf, login_hint;
    struct str redirect_origin;          /* where the form may end up: for the policy of the page */
    const struct account_view *accounts; /* that may be chosen; for confirm: the chosen ones */
    size_t account_count;
    struct str chosen;    /* ids, 16 bytes each, that were chosen before */
    struct hash approval; /* for confirm */
    const char *notice;   /* NULL, or one sentence of ours */
};
/* Each answers 200. AUTH_ANSWERED or <0. */
int page_login(struct auth_request *request, const struct page_facts *facts);
int page_account(struct auth_request *request, const struct page_facts *facts);
int page_confirm(struct auth_request *request, const struct page_facts *facts);

#endif
