/* ledger_verify.h - recomputes the books from the entries and compares them with what stands there.
 *
 * (V1) every transaction's entries are there, positive, of its currency, and balance (L1, L2). (V2) the entries of each
 * account are numbered 1..n and each balance_after follows from the one before (L3). (V3) each account's posted_minor,
 * entry_count, held_minor and incoming_minor are those of its entries and active holds (L4). (V4) all accounts of a
 * currency sum to zero. (V5) the journal's chain covers every transaction and entry (engine/chain.h). (V6) no account
 * is beyond its overdraft, floor or ceiling (L5), and a closed one is empty. (V7) what each hold's row says was
 * captured is what its transactions debited (L9). (V8) each entry of a reversal takes back an entry of its original on
 * the other side, and of no entry more than it booked (L6). (V9) nothing was booked on a day after that was closed, and
 * the newest sealed day's balances still have its digest (L8). Findings hold numbers and words of ours, no personal
 * data. Tests: ledger_test.c, integration/books_test.c. */
#ifndef GIRO_SERVICES_LEDGER_LEDGER_VERIFY_H
#define GIRO_SERVICES_LEDGER_LEDGER_VERIFY_H

#include "engine/chain.h"
#include "services/ledger/ledger.h"

enum {
    LEDGER_FINDINGS_MAX = 64,                      /* kept; more are counted */
    LEDGER_VERIFY_ACCOUNTS_MAX = 16 * 1024 * 1024, /* 64 bytes each, twice at most while they grow; above: -E2BIG */
    LEDGER_VERIFY_HOLDS_MAX = 32 * 1024 * 1024,    /* 32 bytes each, likewise */
    LEDGER_VERIFY_PERIODS_MAX = 8192,              /* closings: one a day for 22 years */
    LEDGER_VERIFY_CURRENCIES_MAX = 256,
};

/* What is wrong; number, wanted and found mean: */
#define LEDGER_FINDING_MAP(X)                                                                                          \
    X(LEDGER_FINDING_UNBALANCED, "transaction_unbalanced") /* transaction; debits; credits */                          \
    X(LEDGER_FINDING_ENTRIES, "transaction_entry_count")   /* transaction; its entry_count; entries there */           \
    X(LEDGER_FINDING_AMOUNT, "transaction_amount")         /* transaction; its amount; debits */                       \
    X(LEDGER_FINDING_ORPHAN, "entry_without_transaction")  /* entry; -; transaction it names */                        \
    X(LEDGER_FINDING_ENTRY_AMOUNT, "entry_amount")         /* entry; -; its amount */                                  \
    X(LEDGER_FINDING_ENTRY_SIDE, "entry_side")             /* entry; -; its side */                                    \
    X(LEDGER_FINDING_ENTRY_FIELDS,                                                                                     \
      "entry_differs")                           /* entry; -; transaction: currency, payment, batch or time differ */  \
    X(LEDGER_FINDING_SEQUENCE, "entry_sequence") /* entry; sequence due; sequence there */                             \
    X(LEDGER_FINDING_BALANCE, "entry_balance")   /* entry; balance due; balance_after there */                         \
    X(LEDGER_FINDING_RANGE, "overflow")          /* entry or account; -; - */                                          \
    X(LEDGER_FINDING_HOLD, "hold_invalid")       /* account; -; amount of the hold */                                  \
    X(LEDGER_FINDING_ACCOUNT, "account_absent")  /* account; -; its entries */                                         \
    X(LEDGER_FINDING_CURRENCY, "account_currency")           /* account; of its entries or holds; of its row */        \
    X(LEDGER_FINDING_POSTED, "account_posted")               /* account; sum of entries; posted_minor */               \
    X(LEDGER_FINDING_COUNT, "account_entry_count")           /* account; entries; entry_count */                       \
    X(LEDGER_FINDING_HELD, "account_held")                   /* account; sum of active holds; held_minor */            \
    X(LEDGER_FINDING_SUM, "currency_sum")                    /* currency code; 0; sum of posted_minor */               \
    X(LEDGER_FINDING_FIRST_ENTRY, "transaction_first_entry") /* transaction; its first_entry; the one there */         \
    X(LEDGER_FINDING_INCOMING, "account_incoming")           /* account; sum of active holds; incoming_minor */        \
    X(LEDGER_FINDING_LIMIT, "account_limit")                 /* account; least (most) it may have; what it has */      \
    X(LEDGER_FINDING_NOT_EMPTY, "account_closed_not_empty")  /* account; 0; its balance */                             \
    X(LEDGER_FINDING_CAPTURED, "hold_captured")              /* account; captured as the row says; more or less by */  \
    X(LEDGER_FINDING_REVERSAL, "reversal_link")         /* reversing entry; the entry it takes back; transaction */    \
    X(LEDGER_FINDING_REVERSED, "reversed_too_much")     /* original entry; its amount; taken back */                   \
    X(LEDGER_FINDING_REVERSED_SUM, "reversed_sum")      /* original entry; taken back by entries; as its row says */   \
    X(LEDGER_FINDING_PERIOD, "booked_in_closed_period") /* transaction; the day; booked day */                         \
    X(LEDGER_FINDING_DIGEST, "period_digest")           /* day; -; - */                                                \
    X(LEDGER_FINDING_DAMAGED, "unreadable")             /* -; -; - */
#define X(code, name) code,
enum ledger_finding_kind { LEDGER_FINDING_MAP(X) LEDGER_FINDING_KIND_COUNT };
#undef X
const char *ledger_finding_name(enum ledger_finding_kind kind);

struct ledger_finding {
    enum ledger_finding_kind kind;
    int64_t number, wanted, found;
};
struct ledger_verify_result {
    int64_t transactions, entries, accounts, holds_active, reversals, periods;
    int64_t balances_checked; /* accounts whose balance was recomputed and compared */
    int64_t difference_minor; /* over all currencies: |credits - debits| of the entries, and |posted - entries| of each
                               * account; INT64_MAX when it is larger than that */
    struct chain_result chain;
    int64_t finding_count;
    struct ledger_finding findings[LEDGER_FINDINGS_MAX];
};

/* One snapshot: between read_begin and read_end of the reader. 0 whatever was found; -E2BIG, -ENOMEM, or the store
 * could not be read. */
int ledger_verify(struct reader *reader, struct ledger_verify_result *ret_result);
bool ledger_verify_is_clean(const struct ledger_verify_result *result);

#endif
