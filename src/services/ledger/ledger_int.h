/* ledger_int.h - what the ledger's files share: the accounts of one order while it is judged, and the writing of a
 * transaction. Private to the ledger.
 *
 * (I1) first everything is judged on copies, then everything is written: a refusal leaves no trace. */
#ifndef GIRO_SERVICES_LEDGER_LEDGER_INT_H
#define GIRO_SERVICES_LEDGER_LEDGER_INT_H

#include "engine/engine.h"
#include "services/ledger/ledger_chart.h"

/* An account that an order touches: as it was, and as it will be. */
struct ledger_touched {
    struct ledger_account_row was, row;
    bool is_new; /* one of the bank's own, met for the first time */
};

/* What makes an order more than an order. */
struct ledger_terms {
    int64_t reverses;             /* the transaction that it takes back: the chart's one-sided kinds go the other way */
    struct ledger_hold_row *hold; /* the hold it comes out of, active; changed here, written with the order */
    bool final;                   /* the hold ends with it */
};

/* The account's row; the bank's own are made (not yet written) when first met. 0, LEDGER_E_ACCOUNT, LEDGER_E_CURRENCY,
 * VIEW_NEED. */
int ledger_account_take(const struct view *view, int64_t number, struct currency currency,
                        struct ledger_touched *ret_touched);
/* The row of an account that exists. 0, LEDGER_E_ACCOUNT, VIEW_NEED. */
int ledger_account_get(const struct view *view, int64_t number, struct ledger_account_row *ret_row);
int ledger_account_write(const struct view *view, const struct ledger_touched *touched);
/* What may be taken in the normal sense: balance - held + overdraft - floor. false: no limit. 0 or LEDGER_E_OVERFLOW.
 */
int ledger_room_below(const struct ledger_account_row *account, bool *ret_limited, int64_t *ret_minor);
/* Whether going from was to row is lawful: floor, overdraft, ceiling. 0, LEDGER_E_FUNDS, _CEILING, _OVERFLOW. */
int ledger_limits_judge(const struct ledger_account_row *was, const struct ledger_account_row *row);
/* 0 or LEDGER_E_BLOCKED: closed, or frozen on that side. */
int ledger_state_judge(const struct ledger_account_row *account, enum ledger_side side);

/* The active hold, not expired by now. 0, LEDGER_E_HOLD, VIEW_NEED. */
int ledger_hold_get(const struct view *view, const uint8_t hold_id[16], struct ledger_hold_row *ret_hold);
/* What the hold has left, and taking it out of the account's sums. */
int64_t ledger_hold_left(const struct ledger_hold_row *hold);
void ledger_hold_lower(struct ledger_account_row *account, const struct ledger_hold_row *hold, int64_t minor);
/* Ends the hold in its row and forgets its expiry. 0, VIEW_NEED, <0. */
int ledger_hold_end(const struct view *view, struct ledger_hold_row *hold, enum ledger_hold_state state);

/* Judges and writes. terms may be NULL. As ledger_transact. */
int ledger_order_write(const struct view *view, const struct ledger_order *order, const struct ledger_terms *terms,
                       struct ledger_receipt *ret_receipt);

/* The day on which an order is booked: given (0: the business date). 0, LEDGER_E_PERIOD, VIEW_NEED. */
int ledger_booking_day(const struct view *view, int64_t given, int64_t *ret_day);
void ledger_want_books(struct work *work);

#endif
