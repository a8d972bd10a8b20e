/* ledger_period.h - the business date, and days that are closed for good.
 *
 * The business date is the calendar's day (UTC), or the day after the last closed one when that is later: closing today
 * rolls the date. (P1) nothing is booked on a closed day; a value date may lie in one. (P2) a day is closed in two
 * commits: first it takes no more (ledger_close_day), then what stands at its end is added up from the entries outside
 * the engine and sealed (ledger_seal_day), which is refused while debits and credits differ. (P3) the digest of a
 * sealed day is found again from its entries for ever (ledger_verify.h). Tests: ledger_period_test.c. */
#ifndef GIRO_SERVICES_LEDGER_LEDGER_PERIOD_H
#define GIRO_SERVICES_LEDGER_LEDGER_PERIOD_H

#include "engine/read.h"
#include "services/ledger/ledger.h"

/* The one row about all books. */
struct ledger_books_row {
    int64_t books;      /* 1 */
    int64_t closed_day; /* this day and all before it are closed; 0: none */
};
/* A closed day; it stands for all open days before it too. */
struct ledger_period_row {
    int64_t day;
    int64_t closed_ms; /* from when on it takes no more */
    int64_t sealed_ms; /* 0: not yet added up */
    int64_t accounts, transactions;
    struct hash digest; /* of the closing balances, see ledger_closing */
};
extern const struct table ledger_books_table, ledger_period_table;

/* The day on which an order is booked that names none. 0 or VIEW_NEED. */
int ledger_business_day(struct work *work, int64_t *ret_day);
/* Closes day and all before it. 0; LEDGER_E_PERIOD: closed already, or it has not begun by the calendar (a second call
 * must not close the day after); VIEW_NEED, <0. */
int ledger_close_day(struct work *work, int64_t day);

/* What stands at the end of a day. */
struct ledger_closing {
    int64_t day, accounts, transactions;
    int64_t difference_minor; /* over all currencies: |debits - credits|; sealed at 0 only */
    struct hash digest; /* SHA-256 of number, currency and balance (8 bytes each, big-endian) of every account with an
                         * entry up to the day, in the order of their numbers */
};
/* From the entries booked on day or before. Between read_begin and read_end. 0, -E2BIG, -ENOMEM, or the store could not
 * be read. */
int ledger_closing_read(struct reader *reader, int64_t day, struct ledger_closing *ret_closing);
/* 0; LEDGER_E_PERIOD: the day is not closed or sealed already; LEDGER_E_UNBALANCED; VIEW_NEED, <0. */
int ledger_seal_day(struct work *work, const struct ledger_closing *closing);

#endif
