/* ledger.h - double entry in minor units: accounts, holds, transactions of entries. Owns balances, holds, limits,
 * entries.
 *
 * (L1) every transaction's debits equal its credits, currency by currency. (L2) amounts of entries are > 0 with a side.
 * (L3) balance_after of an entry is the account's balance after the entry before it plus (credit) or minus (debit) its
 * amount. (L4) posted_minor of an account is the sum of its entries; held_minor the sum of its active holds. (L5) a
 * customer account's posted - held + overdraft is never made negative by a hold or a direct debit. (L6) transactions
 * and entries are append-only; a correction is a new, linked transaction. A balance is credits minus debits: what the
 * bank owes a customer is positive. Tests: ledger_test.c, l1..l6. */
#ifndef GIRO_SERVICES_LEDGER_LEDGER_H
#define GIRO_SERVICES_LEDGER_LEDGER_H

#include "engine/decision.h"
#include "platform/digest.h"

#define LEDGER_E_MAP(X)                                                                                                \
    X(LEDGER_E_FUNDS, "insufficient_funds")                                                                            \
    X(LEDGER_E_ACCOUNT, "account_not_found") X(LEDGER_E_CURRENCY, "currency_mismatch")                                 \
        X(LEDGER_E_OVERFLOW, "overflow") X(LEDGER_E_HOLD, "hold_not_active")
#define X(code, name) code,
enum ledger_refusal { LEDGER_E_NONE = 0, LEDGER_E_MAP(X) LEDGER_E_COUNT };
#undef X
const char *ledger_refusal_name(int refusal);

enum ledger_account_kind {
    LEDGER_CUSTOMER,
    LEDGER_SETTLEMENT,
    LEDGER_SUSPENSE,
    LEDGER_FUNDING,
    LEDGER_ACCOUNT_KIND_COUNT
};
enum ledger_side { LEDGER_DEBIT, LEDGER_CREDIT };
enum ledger_transaction_kind {
    LEDGER_PAYMENT,
    LEDGER_TRANSFER,
    LEDGER_FUND,
    LEDGER_REVERSAL,
    LEDGER_TRANSACTION_KIND_COUNT
};
enum ledger_hold_state { LEDGER_HOLD_ACTIVE, LEDGER_HOLD_CONSUMED, LEDGER_HOLD_RELEASED };

struct ledger_account_row {
    int64_t number;   /* > 0: customer accounts (COUNTER_ACCOUNT); < 0: the bank's own, ledger_internal_number() */
    int64_t kind;     /* enum ledger_account_kind */
    int64_t currency; /* struct currency */
    int64_t posted_minor, held_minor, overdraft_minor;
    int64_t entry_count; /* entries so far; the next entry's sequence is one more */
    int64_t opened_ms;
};
struct ledger_transaction_row {
    int64_t number; /* COUNTER_TRANSACTION */
    uint8_t transaction_id[16];
    int64_t kind;           /* enum ledger_transaction_kind */
    uint8_t payment_id[16]; /* zero when it is of no payment */
    int64_t currency, amount_minor, entry_count;
    int64_t booked_ms, value_day; /* value_day: days since 1970 */
    int64_t batch_seq;
};
struct ledger_entry_row {
    int64_t number;      /* COUNTER_ENTRY */
    int64_t transaction; /* number of the transaction */
    int64_t account;     /* number of the account */
    int64_t sequence;    /* 1.. within the account */
    int64_t side;        /* enum ledger_side */
    int64_t currency, amount_minor, balance_after_minor;
    int64_t booked_ms;
    uint8_t payment_id[16];
    int64_t batch_seq;
};
struct ledger_hold_row {
    uint8_t hold_id[16]; /* the payment's id */
    int64_t account, currency, amount_minor;
    int64_t state; /* enum ledger_hold_state */
    int64_t created_ms, ended_ms;
};
/* Entries have no index by account: ledger_statement.h reads an account's. Index 1 of holds: (account, state, hold_id),
 * not unique. */
extern const struct table ledger_account_table, ledger_transaction_table, ledger_entry_table, ledger_hold_table;

/* The bank's own account of a kind in a currency; deterministic, opened on first use. */
int64_t ledger_internal_number(enum ledger_account_kind kind, struct currency currency);

/* For needs(): the rows that the calls below will touch. */
void ledger_want_account(struct work *work, int64_t number);
void ledger_want_hold(struct work *work, const uint8_t hold_id[16]);

/* Opens a customer account with its next number; overdraft_minor >= 0. 0 or <0. */
int ledger_open_account(struct work *work, struct currency currency, int64_t overdraft_minor, int64_t *ret_number);
/* Reserves amount under a fresh hold_id (never used before: a used one fails the commit). 0, LEDGER_E_FUNDS,
 * LEDGER_E_ACCOUNT, LEDGER_E_CURRENCY, LEDGER_E_OVERFLOW, VIEW_NEED, <0. */
int ledger_hold(struct work *work, int64_t account, const uint8_t hold_id[16], struct money amount);
/* Gives an active hold back. 0, LEDGER_E_HOLD, VIEW_NEED, <0. */
int ledger_release(struct work *work, const uint8_t hold_id[16]);

struct ledger_posting {
    int64_t debit_account, credit_account;
    struct money amount; /* > 0 */
    enum ledger_transaction_kind kind;
    uint8_t payment_id[16];
};
/* Consumes the active hold hold_id (whose account and amount must be the posting's debit account and amount) and posts
 * it in one step. 0, LEDGER_E_HOLD, LEDGER_E_ACCOUNT, LEDGER_E_CURRENCY, LEDGER_E_OVERFLOW, VIEW_NEED, <0. */
int ledger_capture(struct work *work, const uint8_t hold_id[16], const struct ledger_posting *posting);
/* Posts without a hold; a customer account on the debit side must have the funds. Refusals as ledger_hold and
 * ledger_capture. */
int ledger_post(struct work *work, const struct ledger_posting *posting);

#endif
