/* ledger_take_back.c - reversals of any transaction, and refunds of completed payments. */
#include "integration/command/ledger_answer.h"
#include "services/ledger/ledger_reversal.h"
#include "services/payments/payment.h"

static int take_back(struct work *work, struct command *command, const struct ledger_reversal *reversal) {
    struct ledger_receipt receipt;
    int r = ledger_reverse(work, reversal, &receipt);
    return r ? r : ledger_answer_receipt(work, command, &receipt);
}

/* How many legs the transaction has. 0, LEDGER_E_TRANSACTION, VIEW_NEED. */
static int legs_of(struct work *work, int64_t number, size_t *ret_count) {
    struct view view = view_of(work, "ledger");
    struct ledger_transaction_row probe = { .number = number };
    const void *found;
    int r = view_get(&view, &ledger_transaction_table, &probe, &found);
    if (r) return r;
    if (!found) return LEDGER_E_TRANSACTION;
    *ret_count = (size_t)((const struct ledger_transaction_row *)found)->entry_count;
    return 0;
}

/* A part of the principal: the first two legs. */
static int part_take_back(struct work *work, struct command *command, struct ledger_reversal *reversal,
                          int64_t amount_minor) {
    int r = legs_of(work, reversal->transaction, &reversal->count);
    if (r) return r;
    if (reversal->count > LEDGER_LEGS_MAX) return LEDGER_E_LEGS;
    reversal->amounts_minor[0] = reversal->amounts_minor[1] = amount_minor;
    return take_back(work, command, reversal);
}

static void ledger_reverse_needs(struct work *work, const struct command *command) {
    const struct ledger_reverse_input *input = command->input;
    ledger_want_transaction(work, input->transaction);
}

static int ledger_reverse_decide(struct work *work, struct command *command) {
    const struct ledger_reverse_input *input = command->input;
    struct ledger_reversal reversal = { .transaction = input->transaction, .kind = LEDGER_REVERSAL };
    if (input->amount_minor) return part_take_back(work, command, &reversal, input->amount_minor);
    return take_back(work, command, &reversal);
}

static const struct command_kind ledger_reverse_kind = { .name = "ledger_reverse",
                                                         .needs = ledger_reverse_needs,
                                                         .decide = ledger_reverse_decide,
                                                         .refusal_name = ledger_answer_refusal_name,
                                                         .rows_max = LEDGER_COMMAND_ROWS_MAX };

static const struct command_field ledger_reverse_fields[] = {
    FIELD(struct ledger_reverse_input, transaction, I64),
    FIELD(struct ledger_reverse_input, amount_minor, I64),
};
const struct command_form ledger_reverse_form = { .kind = &ledger_reverse_kind,
                                                  .input_bytes = sizeof(struct ledger_reverse_input),
                                                  .fields = ledger_reverse_fields,
                                                  .field_count = ARRAY_COUNT(ledger_reverse_fields),
                                                  .refusal_count = LEDGER_REFUSAL_COUNT };

int command_ledger_reverse(struct integration *integration, struct command_call *call,
                           const struct ledger_reverse_input *input) {
    struct ledger_reverse_input *copy = arena_new(call->arena, struct ledger_reverse_input);
    if (!copy) return err_origin(-ENOMEM);
    *copy = *input;
    return command_run(integration, call, &ledger_reverse_kind, copy);
}

/* ---- refunds ---- */

static void payment_refund_needs(struct work *work, const struct command *command) {
    const struct payment_refund_input *input = command->input;
    payment_want(work, input->payment_id.bytes);
    ledger_want_hold(work, input->payment_id.bytes);
}

static int payment_refund_decide(struct work *work, struct command *command) {
    const struct payment_refund_input *input = command->input;
    struct ledger_reversal reversal = { .kind = LEDGER_REFUND };
    const struct payment_row *payment;
    int r = payment_get(work, input->payment_id.bytes, &payment);
    if (r) return r;
    if (!payment) return LEDGER_E_TRANSACTION;
    if (payment->status != PAYMENT_COMPLETED) return LEDGER_E_REVERSAL;
    if (payment->currency != input->amount.currency.code) return LEDGER_E_CURRENCY;
    r = ledger_captured_into(work, payment->payment_id, &reversal.transaction);
    return r ? r : part_take_back(work, command, &reversal, input->amount.minor);
}

static const struct command_kind payment_refund_kind = { .name = "payment_refund",
                                                         .needs = payment_refund_needs,
                                                         .decide = payment_refund_decide,
                                                         .refusal_name = ledger_answer_refusal_name,
                                                         .rows_max = LEDGER_COMMAND_ROWS_MAX };

static const struct command_field payment_refund_fields[] = {
    FIELD(struct payment_refund_input, payment_id, ID),
    FIELD(struct payment_refund_input, amount, MONEY),
};
const struct command_form payment_refund_form = { .kind = &payment_refund_kind,
                                                  .input_bytes = sizeof(struct payment_refund_input),
                                                  .fields = payment_refund_fields,
                                                  .field_count = ARRAY_COUNT(payment_refund_fields),
                                                  .refusal_count = LEDGER_REFUSAL_COUNT };

int command_payment_refund(struct integration *integration, struct command_call *call,
                           const struct payment_refund_input *input) {
    struct payment_refund_input *copy = arena_new(call->arena, struct payment_refund_input);
    if (!copy) return err_origin(-ENOMEM);
    check(input->amount.minor > 0);
    *copy = *input;
    return command_run(integration, call, &payment_refund_kind, copy);
}
