/* command_ledger.h - the operator's commands on the ledger: postings, reversals, refunds, holds, limits, days. Part of
 * layer 1's door: included by integration/command.h, whose words apply.
 *
 * A refusal is named as the ledger names it (services/ledger/ledger.h: insufficient_funds, unbalanced, ...); nothing of
 * a refused command is written. Accounts are named by their number in the ledger. The body of an accepted posting is
 * its receipt: {"transaction", "transaction_id", "booked_at", "booking_day", "balances": [...]}, that of a command on
 * one account or hold {"balances": [...]}: each account with what it has now. Tests: command/ledger_commands_test.c. */
#ifndef GIRO_INTEGRATION_COMMAND_LEDGER_H
#define GIRO_INTEGRATION_COMMAND_LEDGER_H

#include "integration/command.h"

enum { LEDGER_POST_LEGS_MAX = 24, LEDGER_POST_NOTES_MAX = 16 };
struct ledger_post_leg {
    int64_t account;
    bool credit;
    struct money amount;
    int64_t value_day; /* days since 1970; 0: that of the posting */
};
struct ledger_post_note {
    struct str key, value;
};
struct ledger_post_input {
    struct ledger_post_leg legs[LEDGER_POST_LEGS_MAX];
    size_t leg_count;
    bool mirror;                    /* what a correspondent's statement shows; else an adjustment */
    int64_t booking_day, value_day; /* 0: the business date; 0: the booking day */
    struct ledger_post_note notes[LEDGER_POST_NOTES_MAX];
    size_t note_count;
};
/* Posts n legs. Also refused: invalid_note. */
int command_ledger_post(struct integration *integration, struct command_call *call,
                        const struct ledger_post_input *input);

struct ledger_reverse_input {
    int64_t transaction;  /* its number */
    int64_t amount_minor; /* of its first two legs; 0: all that is left of all legs */
};
int command_ledger_reverse(struct integration *integration, struct command_call *call,
                           const struct ledger_reverse_input *input);

struct payment_refund_input {
    struct payment_id payment_id;
    struct money amount; /* > 0; never more than is left of the payment */
};
/* Gives (a part of) a completed payment back to its debtor, without its fee. transaction_not_found: there is no such
 * payment; not_reversible: it is not completed, or less is left of it. */
int command_payment_refund(struct integration *integration, struct command_call *call,
                           const struct payment_refund_input *input);

enum ledger_account_action {
    LEDGER_ACCOUNT_OVERDRAFT, /* amount_minor */
    LEDGER_ACCOUNT_LIMITS,    /* has_floor, has_ceiling and their amounts */
    LEDGER_ACCOUNT_FREEZE,    /* debits, credits; neither: thawed */
    LEDGER_ACCOUNT_CLOSE,
    LEDGER_ACCOUNT_NOTES, /* notes: replaced whole */
};
struct ledger_account_input {
    enum ledger_account_action action;
    int64_t number;
    int64_t amount_minor, floor_minor, ceiling_minor;
    bool has_floor, has_ceiling, debits, credits;
    struct ledger_post_note notes[LEDGER_POST_NOTES_MAX];
    size_t note_count;
};
/* Freezing debits shows as the account's status blocked, closing as closed; payments hear account_blocked. */
int command_ledger_account(struct integration *integration, struct command_call *call,
                           const struct ledger_account_input *input);

enum ledger_hold_action {
    LEDGER_HOLD_RESERVE, /* account, amount, expires_ms; hold_id zero: a new one, as resource_id */
    LEDGER_HOLD_CAPTURE, /* amount to contra; final: the rest goes back */
    LEDGER_HOLD_RELEASE,
    LEDGER_HOLD_INCREASE, /* amount */
    LEDGER_HOLD_EXTEND,   /* expires_ms */
};
struct ledger_hold_input {
    enum ledger_hold_action action;
    uint8_t hold_id[16];
    int64_t account, contra;
    struct money amount;
    int64_t expires_ms; /* 0: never */
    bool final;
};
/* The hold of a payment is the payment's own: hold_not_active. */
int command_ledger_hold(struct integration *integration, struct command_call *call,
                        const struct ledger_hold_input *input);

/* Closes a day (days since 1970; 0: the business date) and all before it, adds up what stands at its end and seals it.
 * Waits for its answers: call->on_done must be NULL. body: {"day", "business_day", "accounts", "transactions",
 * "digest"}. Refused: period_closed, unbalanced (the day stays closed, unsealed). */
int command_ledger_close_day(struct integration *integration, struct command_call *call, int64_t day);

#endif
