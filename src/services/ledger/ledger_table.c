/* ledger_table.c - the rows of the ledger, described once. */
#include "services/ledger/ledger.h"

static const struct column account_columns[] = {
    COLUMN(struct ledger_account_row, number, I64),      COLUMN(struct ledger_account_row, kind, I64),
    COLUMN(struct ledger_account_row, currency, I64),    COLUMN(struct ledger_account_row, posted_minor, I64),
    COLUMN(struct ledger_account_row, held_minor, I64),  COLUMN(struct ledger_account_row, overdraft_minor, I64),
    COLUMN(struct ledger_account_row, entry_count, I64), COLUMN(struct ledger_account_row, opened_ms, I64),
};
static const struct table_index account_indexes[] = {
    { .name = "", .columns = { 0 }, .column_count = 1, .unique = true }
};
const struct table ledger_account_table = {
    .service = "ledger",
    .name = "account",
    .row_bytes = sizeof(struct ledger_account_row),
    .columns = account_columns,
    .column_count = ARRAY_COUNT(account_columns),
    .indexes = account_indexes,
    .index_count = ARRAY_COUNT(account_indexes),
};

static const struct column transaction_columns[] = {
    COLUMN(struct ledger_transaction_row, number, I64),      COLUMN(struct ledger_transaction_row, transaction_id, ID),
    COLUMN(struct ledger_transaction_row, kind, I64),        COLUMN(struct ledger_transaction_row, payment_id, ID),
    COLUMN(struct ledger_transaction_row, currency, I64),    COLUMN(struct ledger_transaction_row, amount_minor, I64),
    COLUMN(struct ledger_transaction_row, entry_count, I64), COLUMN(struct ledger_transaction_row, booked_ms, I64),
    COLUMN(struct ledger_transaction_row, value_day, I64),   COLUMN(struct ledger_transaction_row, batch_seq, I64),
};
static const struct table_index transaction_indexes[] = {
    { .name = "", .columns = { 0 }, .column_count = 1, .unique = true }
};
const struct table ledger_transaction_table = {
    .service = "ledger",
    .name = "transaction",
    .row_bytes = sizeof(struct ledger_transaction_row),
    .columns = transaction_columns,
    .column_count = ARRAY_COUNT(transaction_columns),
    .indexes = transaction_indexes,
    .index_count = ARRAY_COUNT(transaction_indexes),
    .append_only = true,
    .chained = true,
};

static const struct column entry_columns[] = {
    COLUMN(struct ledger_entry_row, number, I64),       COLUMN(struct ledger_entry_row, transaction, I64),
    COLUMN(struct ledger_entry_row, account, I64),      COLUMN(struct ledger_entry_row, sequence, I64),
    COLUMN(struct ledger_entry_row, side, I64),         COLUMN(struct ledger_entry_row, currency, I64),
    COLUMN(struct ledger_entry_row, amount_minor, I64), COLUMN(struct ledger_entry_row, balance_after_minor, I64),
    COLUMN(struct ledger_entry_row, booked_ms, I64),    COLUMN(struct ledger_entry_row, payment_id, ID),
    COLUMN(struct ledger_entry_row, batch_seq, I64),
};
static const struct table_index entry_indexes[] = {
    { .name = "", .columns = { 0 }, .column_count = 1, .unique = true }
};
static const struct table_balance entry_balance = { .group = { 1, 5 }, .side = 4, .amount = 6 }; /* L1, L2 */
const struct table ledger_entry_table = {
    .service = "ledger",
    .name = "entry",
    .row_bytes = sizeof(struct ledger_entry_row),
    .columns = entry_columns,
    .column_count = ARRAY_COUNT(entry_columns),
    .indexes = entry_indexes,
    .index_count = ARRAY_COUNT(entry_indexes),
    .append_only = true,
    .chained = true,
    .balance = &entry_balance,
};

static const struct column hold_columns[] = {
    COLUMN(struct ledger_hold_row, hold_id, ID),   COLUMN(struct ledger_hold_row, account, I64),
    COLUMN(struct ledger_hold_row, currency, I64), COLUMN(struct ledger_hold_row, amount_minor, I64),
    COLUMN(struct ledger_hold_row, state, I64),    COLUMN(struct ledger_hold_row, created_ms, I64),
    COLUMN(struct ledger_hold_row, ended_ms, I64),
};
static const struct table_index hold_indexes[] = {
    { .name = "", .columns = { 0 }, .column_count = 1, .unique = true },
    { .name = "account", .columns = { 1, 4, 0 }, .column_count = 3 },
};
const struct table ledger_hold_table = {
    .service = "ledger",
    .name = "hold",
    .row_bytes = sizeof(struct ledger_hold_row),
    .columns = hold_columns,
    .column_count = ARRAY_COUNT(hold_columns),
    .indexes = hold_indexes,
    .index_count = ARRAY_COUNT(hold_indexes),
};
