/* ledger_reversal.h - taking back what was booked: a new transaction on the opposite sides, linked both ways.
 *
 * (R1) of no entry is more taken back than it booked, in one reversal or in many. (R2) a reversal names its original
 * (ledger_transaction_row.reverses), and the index of ledger_reversal_table finds all reversals of a transaction. (R3)
 * a reversal is not reversed: what was taken back wrongly is booked anew. Tests: ledger_reversal_test.c. */
#ifndef GIRO_SERVICES_LEDGER_LEDGER_REVERSAL_H
#define GIRO_SERVICES_LEDGER_LEDGER_REVERSAL_H

#include "services/ledger/ledger.h"

/* One entry that takes (a part of) another one back. */
struct ledger_reversal_row {
    int64_t entry; /* the new one's number */
    int64_t transaction;
    int64_t original;       /* the transaction that is reversed */
    int64_t original_entry; /* its entry */
};
enum { LEDGER_REVERSAL_INDEX_ORIGINAL = 1 }; /* (original, entry) */
/* How much of an entry has been taken back; only of those of which something was. */
struct ledger_reversed_row {
    int64_t entry;
    int64_t reversed_minor;
};
extern const struct table ledger_reversal_table, ledger_reversed_table;

struct ledger_reversal {
    int64_t transaction;               /* the original's number */
    enum ledger_transaction_kind kind; /* LEDGER_REVERSAL or LEDGER_REFUND */
    /* What to take back of each entry, in the order of its legs; 0: nothing of it. count 0: all that is left. */
    int64_t amounts_minor[LEDGER_LEGS_MAX];
    size_t count;
};
void ledger_want_transaction(struct work *work, int64_t number);
/* The debits taken back must be the credits taken back, as in every transaction; ret_receipt may be NULL. 0,
 * LEDGER_E_TRANSACTION, LEDGER_E_REVERSAL, VIEW_NEED, <0, or as ledger_transact. */
int ledger_reverse(struct work *work, const struct ledger_reversal *reversal, struct ledger_receipt *ret_receipt);
/* The transaction that the hold was captured into last (that of a completed payment: hold_id is its id). 0;
 * LEDGER_E_HOLD: none; VIEW_NEED. */
int ledger_captured_into(struct work *work, const uint8_t hold_id[16], int64_t *ret_transaction);

#endif
