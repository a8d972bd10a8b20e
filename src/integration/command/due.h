/* due.h - commands of the program itself: what fell due becomes a payment. Private to integration.
 *
 * (D1) the row that fell due and its payment change in one commit; the row's state (its sequence, its result) is looked
 * at there again, so a command that comes twice does nothing the second time. (D2) what an input says of a row is what
 * the row will say as long as the state is as expected: terms never change. Tests: schedule_test.c,
 * payment_file_test.c. */
#ifndef GIRO_INTEGRATION_COMMAND_DUE_H
#define GIRO_INTEGRATION_COMMAND_DUE_H

#include "integration/command/payment_accept.h"
#include "services/payments/payment_file.h"
#include "services/payments/standing_order.h"

enum { DUE_CORE_PAUSE_MS = 30 * 1000, DUE_LOOK_AGAIN_MS = 6 * 60 * 60 * 1000 };

/* Nothing is stored. FUNDS and CORE ask for the same command again with the mode of that name. */
#define DUE_E_MAP(X)                                                                                                   \
    X(DUE_E_PAST, "nothing_due")                                                                                       \
    X(DUE_E_FUNDS, "insufficient_funds") X(DUE_E_CORE, "unavailable")
#define X(code, name) code,
enum due_refusal { DUE_E_NONE = 0, DUE_E_MAP(X) DUE_E_COUNT };
#undef X

enum due_mode {
    DUE_MAKE,          /* make the payment */
    DUE_PUT_OFF_FUNDS, /* put it off to the day's retry; made in any case then */
    DUE_PUT_OFF_CORE   /* put it off by DUE_CORE_PAUSE_MS */
};

struct scheduled_due {
    struct payment_accept accept; /* of the row's terms */
    uint8_t scheduled_id[16];
    enum due_mode mode;
};
struct standing_order_due {
    struct payment_accept accept; /* amount: that of this date */
    uint8_t standing_order_id[16];
    int64_t sequence; /* that is to be made */
    enum due_mode mode;
    bool calendar_exceeded; /* set by the decision: the next date lies behind the calendar */
};
struct file_item_due {
    struct payment_accept accept;
    struct payment_file_item_row item;
    int64_t through; /* as in payment_file_ran */
};
extern const struct command_kind scheduled_due_kind, standing_order_due_kind, file_item_due_kind;

/* What the standing order pays on its next date. */
int64_t standing_order_amount(const struct standing_order_row *order);

#endif
