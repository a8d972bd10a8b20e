/* ledger.h - double entry in minor units: accounts, holds, transactions of entries. Owns balances, holds, limits,
 * entries, periods.
 *
 * (L1) every transaction's debits equal its credits, currency by currency. (L2) amounts of entries are > 0 with a side.
 * (L3) balance_after of an entry is the account's balance after the entry before it plus (credit) or minus (debit) its
 * amount. (L4) posted_minor of an account is the sum of its entries; held_minor and incoming_minor are what its active
 * holds still reserve. (L5) a customer account's posted - held + overdraft is never made negative by a hold or a direct
 * debit; an account with a floor or a ceiling never passes it. (L6) transactions and entries are append-only; a
 * correction is a new transaction, linked to what it reverses, and what is reversed is never more than was booked. (L7)
 * a frozen side and a closed account take nothing new; a hold that stood before is honoured. (L8) nothing is booked on
 * a day that is closed. (L9) a hold gives no more than it reserves and ends exactly when it expires. A balance is
 * credits minus debits: what the bank owes a customer is positive; floor and ceiling are told in the account's normal
 * sense (ledger_chart.h). A call that refuses has written nothing. Tests: ledger_test.c l1..l6, ledger_hold_test.c,
 * ledger_limit_test.c, ledger_reversal_test.c, ledger_period_test.c. */
#ifndef GIRO_SERVICES_LEDGER_LEDGER_H
#define GIRO_SERVICES_LEDGER_LEDGER_H

#include "engine/decision.h"
#include "platform/digest.h"

#define LEDGER_E_MAP(X)                                                                                                \
    X(LEDGER_E_FUNDS, "insufficient_funds")                                                                            \
    X(LEDGER_E_ACCOUNT, "account_not_found")                                                                           \
    X(LEDGER_E_CURRENCY, "currency_mismatch")                                                                          \
    X(LEDGER_E_OVERFLOW, "overflow")                                                                                   \
    X(LEDGER_E_HOLD, "hold_not_active")                                                                                \
    X(LEDGER_E_LEGS, "invalid_legs")           /* fewer than 2 or more than LEDGER_LEGS_MAX, or no such side */        \
    X(LEDGER_E_AMOUNT, "invalid_amount")       /* not greater than zero */                                             \
    X(LEDGER_E_UNBALANCED, "unbalanced")       /* debits and credits of a currency differ */                           \
    X(LEDGER_E_SIDE, "side_not_allowed")       /* the chart forbids that side for the account's kind */                \
    X(LEDGER_E_LIMIT, "limit_not_allowed")     /* the chart forbids it, or the balance is beyond it already */         \
    X(LEDGER_E_CEILING, "balance_too_high")    /* the account's ceiling */                                             \
    X(LEDGER_E_BLOCKED, "account_blocked")     /* frozen on that side, or closed */                                    \
    X(LEDGER_E_NOT_EMPTY, "account_not_empty") /* a balance or holds are left */                                       \
    X(LEDGER_E_PERIOD, "period_closed")        /* the booking day is closed or not yet there */                        \
    X(LEDGER_E_TRANSACTION, "transaction_not_found")                                                                   \
    X(LEDGER_E_REVERSAL, "not_reversible") /* more than is left of it, or itself a reversal */
#define X(code, name) code,
enum ledger_refusal { LEDGER_E_NONE = 0, LEDGER_E_MAP(X) LEDGER_E_COUNT };
#undef X
const char *ledger_refusal_name(int refusal);

/* What each means, and which sides and limits are lawful for it: ledger_chart.h. Stored: never renumbered. */
enum ledger_account_kind {
    LEDGER_CUSTOMER,
    LEDGER_SETTLEMENT,
    LEDGER_SUSPENSE,
    LEDGER_FUNDING,
    LEDGER_NOSTRO,
    LEDGER_VOSTRO,
    LEDGER_FEES,
    LEDGER_INTEREST_EARNED,
    LEDGER_INTEREST_PAID,
    LEDGER_WRITE_OFF,
    LEDGER_CAPITAL,
    LEDGER_POSITION,
    LEDGER_ACCOUNT_KIND_COUNT
};
enum ledger_side { LEDGER_DEBIT, LEDGER_CREDIT };
enum ledger_transaction_kind {
    LEDGER_PAYMENT,
    LEDGER_TRANSFER,
    LEDGER_FUND,
    LEDGER_REVERSAL,   /* takes back an error: reverses a transaction */
    LEDGER_REFUND,     /* gives back (a part of) a completed payment: reverses it too */
    LEDGER_ADJUSTMENT, /* posted by an operator */
    LEDGER_MIRROR,     /* what a correspondent's statement shows */
    LEDGER_TRANSACTION_KIND_COUNT
};
enum ledger_hold_state {
    LEDGER_HOLD_ACTIVE,
    LEDGER_HOLD_CONSUMED, /* captured to its end */
    LEDGER_HOLD_RELEASED, /* what was left of it went back */
    LEDGER_HOLD_EXPIRED,
    LEDGER_HOLD_STATE_COUNT
};
/* What a hold is for. */
enum ledger_hold_purpose { LEDGER_HOLD_FOR_PAYMENT, LEDGER_HOLD_FOR_OPERATOR, LEDGER_HOLD_FOR_CARD };
const char *ledger_account_kind_name(int64_t kind);     /* "customer"; "?" for none */
const char *ledger_transaction_kind_name(int64_t kind); /* "payment"; "?" for none */
const char *ledger_hold_state_name(int64_t state);      /* "active"; "?" for none */

/* Bits of ledger_account_row.state. */
enum {
    LEDGER_FROZEN_DEBITS = 1,
    LEDGER_FROZEN_CREDITS = 2,
    LEDGER_CLOSED = 4,
    LEDGER_HAS_FLOOR = 8,
    LEDGER_HAS_CEILING = 16,
};

struct ledger_account_row {
    int64_t number;   /* > 0: customer accounts (COUNTER_ACCOUNT); < 0: the bank's own, ledger_internal_number() */
    int64_t kind;     /* enum ledger_account_kind */
    int64_t currency; /* struct currency */
    int64_t posted_minor, held_minor, overdraft_minor;
    int64_t entry_count; /* entries so far; the next entry's sequence is one more */
    int64_t opened_ms;
    int64_t incoming_minor;             /* of active holds on the credit side: announced, not booked */
    int64_t state;                      /* bits above */
    int64_t floor_minor, ceiling_minor; /* in the normal sense; count with their bits only */
};
struct ledger_transaction_row {
    int64_t number; /* COUNTER_TRANSACTION */
    uint8_t transaction_id[16];
    int64_t kind;                     /* enum ledger_transaction_kind */
    uint8_t payment_id[16];           /* zero when it is of no payment; of a capture: the hold's id */
    int64_t currency, amount_minor;   /* of its first entry; the debits in that currency */
    int64_t entry_count, first_entry; /* its entries have the numbers first_entry, first_entry + 1, ... */
    int64_t booked_ms, booking_day;   /* days since 1970: the business date it belongs to */
    int64_t reverses;                 /* number of the transaction that it reverses (in part); 0: none */
    int64_t batch_seq;
};
struct ledger_entry_row {
    int64_t number;      /* COUNTER_ENTRY */
    int64_t transaction; /* number of the transaction */
    int64_t account;     /* number of the account */
    int64_t sequence;    /* 1.. within the account */
    int64_t side;        /* enum ledger_side */
    int64_t currency, amount_minor, balance_after_minor;
    int64_t booked_ms, value_day; /* value_day: days since 1970, from when it counts for interest */
    uint8_t payment_id[16];
    int64_t batch_seq;
};
struct ledger_hold_row {
    uint8_t hold_id[16]; /* of what it is for: the payment, the card's authorisation */
    int64_t purpose;     /* enum ledger_hold_purpose */
    int64_t account, side, currency;
    int64_t amount_minor, captured_minor; /* amount: as reserved and increased; active: amount - captured is reserved */
    int64_t state;                        /* enum ledger_hold_state */
    int64_t created_ms, ended_ms;
    int64_t expires_ms;  /* the hold is gone for every decision of this time and later; 0: never */
    int64_t transaction; /* number of the last capture; 0: none */
};
/* Entries have no index by account: ledger_statement.h reads an account's. */
/* One row for each active hold that expires: what the next process must watch. */
struct ledger_hold_expiry_row {
    uint8_t hold_id[16];
    int64_t expires_ms;
};
enum { LEDGER_HOLD_EXPIRY_INDEX_TIME = 1 }; /* (expires_ms, hold_id) */
extern const struct table ledger_account_table, ledger_transaction_table, ledger_entry_table, ledger_hold_table,
    ledger_hold_expiry_table;

/* The bank's own account of a kind in a currency; deterministic, opened on first use. */
int64_t ledger_internal_number(enum ledger_account_kind kind, struct currency currency);
/* One of several of a kind (a nostro account at each correspondent): part 0 is the one above. */
enum { LEDGER_PARTS_MAX = 9999 };
int64_t ledger_own_number(enum ledger_account_kind kind, struct currency currency, uint32_t part);
/* Whether a number names an account of the bank's own of that kind, in whatever currency and part. */
bool ledger_number_is_of(int64_t number, enum ledger_account_kind kind);

/* For needs(): the rows that the calls below will touch. */
void ledger_want_account(struct work *work, int64_t number);
void ledger_want_hold(struct work *work, const uint8_t hold_id[16]);

/* ---- accounts: ledger_account.c ---- */

/* Opens a customer account with its next number; overdraft_minor >= 0. 0 or <0. */
int ledger_open_account(struct work *work, struct currency currency, int64_t overdraft_minor, int64_t *ret_number);

/* What an account has, as banks say it. available: what may be debited now (booked - held + overdraft - floor);
 * expected: booked - held + incoming. Sums that do not fit stay at the end of the range. */
struct ledger_balances {
    struct currency currency;
    int64_t booked_minor, held_minor, incoming_minor, overdraft_minor, available_minor, expected_minor;
};
struct ledger_balances ledger_balances_of(const struct ledger_account_row *account);
/* 0, LEDGER_E_ACCOUNT, VIEW_NEED. */
int ledger_balances(struct work *work, int64_t number, struct ledger_balances *ret_balances);

/* Customers only. 0; LEDGER_E_LIMIT (not a customer's, negative, or it has a floor); LEDGER_E_FUNDS: more than that is
 * used; LEDGER_E_ACCOUNT, LEDGER_E_BLOCKED (closed), LEDGER_E_OVERFLOW, VIEW_NEED, <0. */
int ledger_set_overdraft(struct work *work, int64_t number, int64_t overdraft_minor);
struct ledger_limits {
    bool has_floor, has_ceiling;
    int64_t floor_minor, ceiling_minor; /* in the account's normal sense */
};
/* Both at once. 0; LEDGER_E_LIMIT: the chart knows no limits for the kind, a floor beside an overdraft, floor above
 * ceiling, or the balance is beyond one of them now; else as ledger_set_overdraft. */
int ledger_set_limits(struct work *work, int64_t number, const struct ledger_limits *limits);
/* frozen: LEDGER_FROZEN_DEBITS | LEDGER_FROZEN_CREDITS, or 0 to thaw. 0, LEDGER_E_ACCOUNT, LEDGER_E_BLOCKED (closed),
 * LEDGER_E_LIMIT (the chart), VIEW_NEED, <0. */
int ledger_freeze(struct work *work, int64_t number, int64_t frozen);
/* For good. 0, LEDGER_E_NOT_EMPTY, else as ledger_freeze. */
int ledger_close_account(struct work *work, int64_t number);

/* ---- transactions: ledger_transaction.c ---- */

enum { LEDGER_LEGS_MAX = 24 };
struct ledger_leg {
    int64_t account;
    enum ledger_side side;
    struct money amount; /* > 0, in the account's currency */
    int64_t value_day;   /* 0: the order's */
};
struct ledger_order {
    enum ledger_transaction_kind kind;
    uint8_t payment_id[16];
    const struct ledger_leg *legs; /* 2..LEDGER_LEGS_MAX; an account may stand in several */
    size_t leg_count;
    int64_t booking_day; /* 0: the business date; else an open day up to it */
    int64_t value_day;   /* of legs that name none; 0: the booking day. May lie in a closed period */
};
struct ledger_receipt {
    int64_t transaction; /* its number */
    uint8_t transaction_id[16];
    int64_t first_entry, entry_count, booked_ms, booking_day;
    size_t account_count; /* each account once, in the order of the legs, as it stands now */
    int64_t accounts[LEDGER_LEGS_MAX];
    struct ledger_balances balances[LEDGER_LEGS_MAX];
};
/* Posts all legs or none. What an account must have is judged on what the whole order does to it. ret_receipt may be
 * NULL. 0, VIEW_NEED, <0, or any refusal above but LEDGER_E_HOLD, LEDGER_E_NOT_EMPTY, LEDGER_E_TRANSACTION,
 * LEDGER_E_REVERSAL. */
int ledger_transact(struct work *work, const struct ledger_order *order, struct ledger_receipt *ret_receipt);

struct ledger_posting {
    int64_t debit_account, credit_account;
    struct money amount; /* > 0 */
    enum ledger_transaction_kind kind;
    uint8_t payment_id[16];
};
/* Two legs. Posts without a hold; a customer account on the debit side must have the funds. As ledger_transact. */
int ledger_post(struct work *work, const struct ledger_posting *posting);

/* ---- holds: ledger_hold.c ---- */

struct ledger_reservation {
    enum ledger_hold_purpose purpose;
    int64_t account;
    enum ledger_side side; /* LEDGER_CREDIT: announces what will come in; it reserves nothing */
    uint8_t hold_id[16];   /* never used before: a used one fails the commit */
    struct money amount;   /* > 0 */
    int64_t expires_ms;    /* 0: never; else later than now */
};
/* 0, LEDGER_E_FUNDS, LEDGER_E_ACCOUNT, LEDGER_E_CURRENCY, LEDGER_E_OVERFLOW, LEDGER_E_AMOUNT, LEDGER_E_BLOCKED,
 * LEDGER_E_SIDE (the chart knows no holds for the kind), LEDGER_E_HOLD (expires_ms is over), VIEW_NEED, <0. */
int ledger_reserve(struct work *work, const struct ledger_reservation *reservation);
/* Reserves amount on the debit side without an expiry. As ledger_reserve. */
int ledger_hold(struct work *work, int64_t account, const uint8_t hold_id[16], struct money amount);
/* Gives back what an active hold still has. 0, LEDGER_E_HOLD, VIEW_NEED, <0. */
int ledger_release(struct work *work, const uint8_t hold_id[16]);
/* Reserves so much more. As ledger_reserve, LEDGER_E_HOLD. */
int ledger_hold_increase(struct work *work, const uint8_t hold_id[16], struct money amount);
/* A new expiry; 0: never. 0, LEDGER_E_HOLD (not active, or a time that is over), VIEW_NEED, <0. */
int ledger_hold_extend(struct work *work, const uint8_t hold_id[16], int64_t expires_ms);
/* Ends the hold if it is active and its time has come; else does nothing. 0, VIEW_NEED, <0. */
int ledger_hold_expire(struct work *work, const uint8_t hold_id[16]);

struct ledger_capture {
    uint8_t hold_id[16]; /* becomes the transaction's payment_id */
    bool final;          /* what the legs leave of the hold goes back; else it stays reserved */
};
/* Posts order out of an active hold: its legs on the hold's account and side take from what is reserved, and take no
 * more than is left of it. 0, LEDGER_E_HOLD, else as ledger_transact. A capture that takes all ends the hold. */
int ledger_capture_order(struct work *work, const struct ledger_capture *capture, const struct ledger_order *order,
                         struct ledger_receipt *ret_receipt);
/* Consumes the active hold hold_id (whose account and remaining amount must be the posting's debit account and amount)
 * and posts it in one step. As ledger_capture_order. */
int ledger_capture(struct work *work, const uint8_t hold_id[16], const struct ledger_posting *posting);

#endif
