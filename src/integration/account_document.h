/* account_document.h - an account row as layer 1 sees it. Private to integration. */
#ifndef GIRO_INTEGRATION_ACCOUNT_DOCUMENT_H
#define GIRO_INTEGRATION_ACCOUNT_DOCUMENT_H

#include "integration/query.h"
#include "services/accounts/account.h"

enum { ACCOUNT_DOCUMENT_BYTES_MAX = 4 * 1024 };

/* Everything but the amounts, which are the ledger's and stay zero. Text is borrowed from the row. */
struct account_view account_view_of_row(const struct account_row *account);
/* The /v1 document: one JSON object of query_account_members(). */
void account_document_write(struct buffer *out, const struct account_row *account);

#endif
