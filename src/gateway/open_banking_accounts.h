/* open_banking_accounts.h - what the files of UK Open Banking's account information share (v4.0 and v3.1). Private to
 * the gateway.
 *
 *   open_banking_account_consents.c   account-access-consents
 *   open_banking_accounts.c           the routes; accounts, balances, parties
 *   open_banking_transactions.c       transactions, in pages
 *
 * check_consent has judged the token, the consent, the permission that the route needs and the account of the path
 * before a handler runs; what it read of the consent is exchange->account_consent. Handlers leave out what the
 * permissions do not cover: the identification and name of an account without ReadAccountsDetail, the texts, parties
 * and balances of transactions without ReadTransactionsDetail, credits and debits without theirs, and what was booked
 * outside the consent's window. Identifications are account numbers and IBANs: no account of this bank is told by a
 * card number, so that ReadPAN unmasks nothing. */
#ifndef GIRO_GATEWAY_OPEN_BANKING_ACCOUNTS_H
#define GIRO_GATEWAY_OPEN_BANKING_ACCOUNTS_H

#include "gateway/account_permissions.h"
#include "gateway/open_banking.h"

enum { ACCOUNTS_DOCUMENT_BYTES_MAX = 384 * 1024, ACCOUNTS_LINK_BYTES_MAX = 2048 };

/* An answer under way: a buffer in the exchange's arena and the writer into it. */
struct accounts_answer {
    struct buffer body;
    struct json_writer writer;
};
/* {"Data":{ - false: the arena is full, and the exchange was answered 500. */
bool accounts_answer_begin(struct exchange *exchange, struct accounts_answer *answer);
/* } behind Data, Links with Self (the request's path and self_query, which may be empty), First, Prev and Next
 * (queries; .at NULL: left out), Meta; then the answer: 200, or 304 when it is cacheable and the caller has it already.
 * What is personal is kept by no shared cache: private and asked for again each time, or not kept at all. */
struct accounts_links {
    struct str self, first, prev, next;
};
int accounts_answer_end(struct exchange *exchange, struct accounts_answer *answer, const struct accounts_links *links,
                        bool cacheable);

bool accounts_permit(const struct exchange *exchange, int64_t permissions); /* the consent holds one of them */
/* The accounts to tell of: that of the path, or all of the consent; those that are not its customer's any more are left
 * out. In the arena. 0 or <0. */
int accounts_chosen(struct exchange *exchange, struct account_view **ret_accounts, size_t *ret_count);
/* "Amount": {...} of the magnitude and "CreditDebitIndicator". */
void accounts_member_amount(struct json_writer *writer, struct money amount);
/* {"SchemeName", "Identification", "Name"}: by sort code and account number, else by IBAN. name may be empty. */
struct account_name {
    struct str sort_code, account_number, iban, name;
};
void accounts_put_identification(struct json_writer *writer, const struct account_name *account);

/* ---- endpoints ---- */

int account_consent_post_handle(struct exchange *exchange);
int account_consent_post_finish(struct exchange *exchange);
int account_consent_get_handle(struct exchange *exchange);
int account_consent_delete_handle(struct exchange *exchange);
int account_consent_delete_finish(struct exchange *exchange);
int transactions_get_handle(struct exchange *exchange);

#endif
