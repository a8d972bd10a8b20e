/* account_view.h - an account and its entries as the subcommands print them. */
#ifndef GIRO_APP_ACCOUNT_VIEW_H
#define GIRO_APP_ACCOUNT_VIEW_H

#include "app/store_view.h"
#include "services/accounts/account.h"
#include "services/ledger/ledger.h"

const char *account_status_word(int64_t status); /* "open", "blocked", "closed" */
/* By account id or IBAN; *ret_account NULL when there is none. 0 or <0. */
int account_find(struct store_view *view, const char *word, const struct account_row **ret_account);
/* Prints the newest view->limit entries of a ledger account as a list. 0 (*ret_code EXIT_ABSENT when there is none) or
 * <0. */
int account_statement(struct store_view *view, int64_t number, int *ret_code);

#endif
