/* account_view.h - an account and its entries as the subcommands print them. */
#ifndef GIRO_APP_ACCOUNT_VIEW_H
#define GIRO_APP_ACCOUNT_VIEW_H

#include "app/store_view.h"
#include "services/accounts/account.h"
#include "services/ledger/ledger_statement.h"

const char *account_status_word(int64_t status); /* "open", "blocked", "closed" */
/* By account id or IBAN; *ret_account NULL when there is none. 0 or <0. */
int account_find(struct store_view *view, const char *word, const struct account_row **ret_account);
/* Which days a statement is of: the options as they were given, and what they mean. */
struct statement_dates {
    const char *from, *to;  /* NULL: not given */
    int64_t from_ms, to_ms; /* from the one and before the other; to_ms INT64_MAX: to the end */
};
#define STATEMENT_DATES_OPTIONS(dates)                                                                                 \
    { "from", "DAY", &(dates)->from, NULL, "from this day (2026-11-22, UTC) or instant (2026-11-22T03:45:00Z) on" }, { \
        "to", "DAY", &(dates)->to, NULL, "to this day, with it, or before this instant"                                \
    }
/* False with a sentence on stderr: an option is none. */
bool statement_dates_read(struct statement_dates *dates);
/* Prints the newest view->limit entries of a ledger account as a list; with dates all entries of those days, oldest
 * first, with opening and closing balance. 0 (*ret_code EXIT_ABSENT when there is no such account) or <0. */
int account_statement(struct store_view *view, int64_t number, const struct statement_dates *dates, int *ret_code);

#endif
