/* command_schedule.h - the commands for payments of a later day: scheduled ones, standing orders, files. Part of the
 * door of integration/command.h, which includes it. What falls due is made by the program itself
 * (integration/schedule_jobs.h). */
#ifndef GIRO_INTEGRATION_COMMAND_SCHEDULE_H
#define GIRO_INTEGRATION_COMMAND_SCHEDULE_H

#include "domain/payment_order.h"
#include "platform/digest.h"

struct integration;
struct command_call;

#define SCHEDULE_E_MAP(X)                                                                                              \
    X(SCHEDULE_E_ACCOUNT, "account_not_found")                                                                         \
    X(SCHEDULE_E_CURRENCY, "currency_mismatch")                                                                        \
    X(SCHEDULE_E_CREDITOR, "creditor_not_reachable")                                                                   \
    X(SCHEDULE_E_AMOUNT, "amount_too_large")                                                                           \
    X(SCHEDULE_E_CONSENT, "consent_status")                                                                            \
    X(SCHEDULE_E_RAIL, "currency_not_scheduled")                                                                       \
    X(SCHEDULE_E_DATE, "date_in_the_past")                                                                             \
    X(SCHEDULE_E_CUT_OFF, "after_cut_off")                                                                             \
    X(SCHEDULE_E_CALENDAR, "calendar_exceeded")                                                                        \
    X(SCHEDULE_E_FREQUENCY, "unknown_frequency")                                                                       \
    X(SCHEDULE_E_PLAN, "invalid_dates")                                                                                \
    X(SCHEDULE_E_ABSENT, "not_found")                                                                                  \
    X(SCHEDULE_E_STATE, "not_pending")                                                                                 \
    X(SCHEDULE_E_LATE, "too_late")                                                                                     \
    X(SCHEDULE_E_FILE, "file_not_understood")                                                                          \
    X(SCHEDULE_E_HASH, "hash_mismatch") X(SCHEDULE_E_ITEMS, "item_count_mismatch") X(SCHEDULE_E_SUM, "sum_mismatch")
#define X(code, name) code,
enum schedule_refusal { SCHEDULE_E_NONE = 0, SCHEDULE_E_MAP(X) SCHEDULE_E_COUNT };
#undef X

/* Days are days since 1970-01-01 (domain/civil_date.h), in the zone of the currency's calendar. */
struct schedule_create_input {
    struct payment_order order; /* as for command_payment_accept; a consent is consumed now */
    int64_t day;
};
/* Refused as a payment would be now (account, currency, creditor, amount, consent), and RAIL, DATE, CUT_OFF, CALENDAR.
 * All are stored under the key. resource_id: of the scheduled payment. */
int command_schedule_create(struct integration *integration, struct command_call *call,
                            const struct schedule_create_input *input);
/* Until the cut-off of the business day before it goes out. ABSENT, STATE, LATE, CALENDAR. */
int command_schedule_cancel(struct integration *integration, struct command_call *call, const uint8_t scheduled_id[16]);

struct standing_order_input {
    struct payment_order order; /* its amount: of the recurring payments */
    struct str frequency;       /* domain/frequency.h; lives as long as the call's arena */
    int64_t first_day;
    int64_t recurring_day, final_day; /* 0: none */
    int64_t payments_max;             /* 0: none; not with final_day */
    int64_t first_minor, final_minor; /* 0: as the others */
};
/* As command_schedule_create for its first payment, and FREQUENCY, PLAN. resource_id: of the standing order. */
int command_standing_order_create(struct integration *integration, struct command_call *call,
                                  const struct standing_order_input *input);
/* No payment goes out any more. Until the cut-off of the business day before the next one; then too late until that has
 * been made. Refusals as command_schedule_cancel. */
int command_standing_order_cancel(struct integration *integration, struct command_call *call,
                                  const uint8_t standing_order_id[16]);

struct payment_file_input {
    struct payment_order terms; /* client, customer, consent and debtor account of every item; the rest is not used */
    struct str text;            /* wire/payment_file_csv.h */
    struct str reference;       /* at most PAYMENT_FILE_REFERENCE_BYTES_MAX bytes, may be empty */
    struct hash hash;           /* what the sender says of it: SHA-256, items, sum */
    int64_t item_count;
    struct money control_sum;
    int64_t day;
};
/* Accepts a whole file or refuses it: FILE (with a sentence and the line in message, which may be NULL), HASH, ITEMS,
 * SUM, ACCOUNT, CURRENCY, RAIL, DATE, CUT_OFF, CALENDAR. Its items are judged one by one when it falls due.
 * resource_id: of the file. */
int command_payment_file_create(struct integration *integration, struct command_call *call,
                                const struct payment_file_input *input, struct message *message);

#endif
