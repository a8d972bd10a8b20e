/* ledger_table.c - the rows of the ledger, described once. */
#include "services/ledger/ledger_note.h"
#include "services/ledger/ledger_period.h"
#include "services/ledger/ledger_reversal.h"

static const struct column account_columns[] = {
    COLUMN(struct ledger_account_row, number, I64),         COLUMN(struct ledger_account_row, kind, I64),
    COLUMN(struct ledger_account_row, currency, I64),       COLUMN(struct ledger_account_row, posted_minor, I64),
    COLUMN(struct ledger_account_row, held_minor, I64),     COLUMN(struct ledger_account_row, overdraft_minor, I64),
    COLUMN(struct ledger_account_row, entry_count, I64),    COLUMN(struct ledger_account_row, opened_ms, I64),
    COLUMN(struct ledger_account_row, incoming_minor, I64), COLUMN(struct ledger_account_row, state, I64),
    COLUMN(struct ledger_account_row, floor_minor, I64),    COLUMN(struct ledger_account_row, ceiling_minor, I64),
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
    COLUMN(struct ledger_transaction_row, entry_count, I64), COLUMN(struct ledger_transaction_row, first_entry, I64),
    COLUMN(struct ledger_transaction_row, booked_ms, I64),   COLUMN(struct ledger_transaction_row, booking_day, I64),
    COLUMN(struct ledger_transaction_row, reverses, I64),    COLUMN(struct ledger_transaction_row, batch_seq, I64),
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
    COLUMN(struct ledger_entry_row, booked_ms, I64),    COLUMN(struct ledger_entry_row, value_day, I64),
    COLUMN(struct ledger_entry_row, payment_id, ID),    COLUMN(struct ledger_entry_row, batch_seq, I64),
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
    COLUMN(struct ledger_hold_row, hold_id, ID),         COLUMN(struct ledger_hold_row, purpose, I64),
    COLUMN(struct ledger_hold_row, account, I64),        COLUMN(struct ledger_hold_row, side, I64),
    COLUMN(struct ledger_hold_row, currency, I64),       COLUMN(struct ledger_hold_row, amount_minor, I64),
    COLUMN(struct ledger_hold_row, captured_minor, I64), COLUMN(struct ledger_hold_row, state, I64),
    COLUMN(struct ledger_hold_row, created_ms, I64),     COLUMN(struct ledger_hold_row, ended_ms, I64),
    COLUMN(struct ledger_hold_row, expires_ms, I64),     COLUMN(struct ledger_hold_row, transaction, I64),
};
static const struct table_index first_column[] = {
    { .name = "", .columns = { 0 }, .column_count = 1, .unique = true }
};
const struct table ledger_hold_table = {
    .service = "ledger",
    .name = "hold",
    .row_bytes = sizeof(struct ledger_hold_row),
    .columns = hold_columns,
    .column_count = ARRAY_COUNT(hold_columns),
    .indexes = first_column,
    .index_count = ARRAY_COUNT(first_column),
};

static const struct column hold_expiry_columns[] = {
    COLUMN(struct ledger_hold_expiry_row, hold_id, ID),
    COLUMN(struct ledger_hold_expiry_row, expires_ms, I64),
};
static const struct table_index hold_expiry_indexes[] = {
    { .name = "", .columns = { 0 }, .column_count = 1, .unique = true },
    { .name = "time", .columns = { 1, 0 }, .column_count = 2 },
};
const struct table ledger_hold_expiry_table = {
    .service = "ledger",
    .name = "hold_expiry",
    .row_bytes = sizeof(struct ledger_hold_expiry_row),
    .columns = hold_expiry_columns,
    .column_count = ARRAY_COUNT(hold_expiry_columns),
    .indexes = hold_expiry_indexes,
    .index_count = ARRAY_COUNT(hold_expiry_indexes),
};

static const struct column reversal_columns[] = {
    COLUMN(struct ledger_reversal_row, entry, I64),
    COLUMN(struct ledger_reversal_row, transaction, I64),
    COLUMN(struct ledger_reversal_row, original, I64),
    COLUMN(struct ledger_reversal_row, original_entry, I64),
};
static const struct table_index reversal_indexes[] = {
    { .name = "", .columns = { 0 }, .column_count = 1, .unique = true },
    { .name = "original", .columns = { 2, 0 }, .column_count = 2 },
};
const struct table ledger_reversal_table = {
    .service = "ledger",
    .name = "reversal",
    .row_bytes = sizeof(struct ledger_reversal_row),
    .columns = reversal_columns,
    .column_count = ARRAY_COUNT(reversal_columns),
    .indexes = reversal_indexes,
    .index_count = ARRAY_COUNT(reversal_indexes),
    .append_only = true,
};

static const struct column reversed_columns[] = {
    COLUMN(struct ledger_reversed_row, entry, I64),
    COLUMN(struct ledger_reversed_row, reversed_minor, I64),
};
const struct table ledger_reversed_table = {
    .service = "ledger",
    .name = "reversed",
    .row_bytes = sizeof(struct ledger_reversed_row),
    .columns = reversed_columns,
    .column_count = ARRAY_COUNT(reversed_columns),
    .indexes = first_column,
    .index_count = ARRAY_COUNT(first_column),
};

static const struct column books_columns[] = {
    COLUMN(struct ledger_books_row, books, I64),
    COLUMN(struct ledger_books_row, closed_day, I64),
};
const struct table ledger_books_table = {
    .service = "ledger",
    .name = "books",
    .row_bytes = sizeof(struct ledger_books_row),
    .columns = books_columns,
    .column_count = ARRAY_COUNT(books_columns),
    .indexes = first_column,
    .index_count = ARRAY_COUNT(first_column),
};

static const struct column period_columns[] = {
    COLUMN(struct ledger_period_row, day, I64),          COLUMN(struct ledger_period_row, closed_ms, I64),
    COLUMN(struct ledger_period_row, sealed_ms, I64),    COLUMN(struct ledger_period_row, accounts, I64),
    COLUMN(struct ledger_period_row, transactions, I64), COLUMN(struct ledger_period_row, digest, HASH),
};
const struct table ledger_period_table = {
    .service = "ledger",
    .name = "period",
    .row_bytes = sizeof(struct ledger_period_row),
    .columns = period_columns,
    .column_count = ARRAY_COUNT(period_columns),
    .indexes = first_column,
    .index_count = ARRAY_COUNT(first_column),
};

static const struct column note_columns[] = {
    COLUMN(struct ledger_note_row, subject, I64),
    COLUMN(struct ledger_note_row, number, I64),
    COLUMN_PERSONAL(struct ledger_note_row, text, BLOB, LEDGER_NOTE_BYTES_MAX),
};
static const struct table_index note_indexes[] = {
    { .name = "", .columns = { 0, 1 }, .column_count = 2, .unique = true }
};
const struct table ledger_note_table = {
    .service = "ledger",
    .name = "note",
    .row_bytes = sizeof(struct ledger_note_row),
    .columns = note_columns,
    .column_count = ARRAY_COUNT(note_columns),
    .indexes = note_indexes,
    .index_count = ARRAY_COUNT(note_indexes),
};
