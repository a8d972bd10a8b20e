/* tables.c - every table of the program, in one list for the store. */
#include "integration/integration.h"

#include "integration/bus/relay.h"
#include "integration/saga/payment_saga.h"
#include "services/accounts/account.h"
#include "services/consents/account_consent.h"
#include "services/consents/payment_consent.h"
#include "services/customers/customer.h"
#include "services/identity/client.h"
#include "services/identity/quota.h"
#include "services/identity/grant.h"
#include "services/identity/session.h"
#include "services/identity/token.h"
#include "services/insights/report.h"
#include "services/ledger/ledger_note.h"
#include "services/ledger/ledger_period.h"
#include "services/ledger/ledger_reversal.h"
#include "services/ledger/ledger_statement.h"
#include "services/payments/payment_file.h"
#include "services/payments/standing_order.h"

static const struct table *const tables[] = {
    &engine_journal_table,
    &engine_key_table,
    &engine_answer_table,
    &engine_counter_table,
    &ledger_account_table,
    &ledger_transaction_table,
    &ledger_entry_table,
    &ledger_statement_table,
    &ledger_statement_mark_table,
    &ledger_hold_table,
    &ledger_hold_expiry_table,
    &ledger_reversal_table,
    &ledger_reversed_table,
    &ledger_books_table,
    &ledger_period_table,
    &ledger_note_table,
    &account_table,
    &customer_table,
    &client_table,
    &token_table,
    &jti_table,
    &pushed_table,
    &code_table,
    &grant_table,
    &refresh_table,
    &session_table,
    &quota_table,
    &payment_consent_table,
    &account_consent_table,
    &payment_table,
    &scheduled_table,
    &standing_order_table,
    &standing_order_run_table,
    &payment_file_table,
    &payment_file_item_table,
    &payment_file_result_table,
    &fraud_counter_table,
    &report_table,
    &saga_table,
    &cursor_table,
};

const struct table *const *integration_tables(size_t *ret_count) {
    *ret_count = ARRAY_COUNT(tables);
    return tables;
}
