/* ledger_hold_change.c - an operator reserves, captures, releases. */
#include "integration/command/ledger_answer.h"

static void hold_change_needs(struct work *work, const struct command *command) {
    const struct ledger_hold_input *input = command->input;
    struct ledger_hold_expiry_row probe = { 0 };
    if (input->account) ledger_want_account(work, input->account);
    if (input->contra) ledger_want_account(work, input->contra);
    if (input->action == LEDGER_HOLD_RESERVE) return;
    memcpy(probe.hold_id, input->hold_id, 16);
    ledger_want_hold(work, input->hold_id);
    work_want(work, &ledger_hold_expiry_table, 0, &probe);
}

static int reserve(struct work *work, struct command *command, const struct ledger_hold_input *input) {
    struct view view = view_of(work, "ledger");
    struct ledger_reservation reservation = { .purpose = LEDGER_HOLD_FOR_OPERATOR,
                                              .account = input->account,
                                              .side = LEDGER_DEBIT,
                                              .amount = input->amount,
                                              .expires_ms = input->expires_ms };
    view_new_id(&view, reservation.hold_id);
    int r = ledger_reserve(work, &reservation);
    if (r) return r;
    memcpy(command->resource_id, reservation.hold_id, 16);
    return ledger_answer_account(work, command, input->account);
}

static int capture(struct work *work, struct command *command, const struct ledger_hold_input *input, int64_t account) {
    const struct ledger_leg legs[] = { { account, LEDGER_DEBIT, input->amount, 0 },
                                       { input->contra, LEDGER_CREDIT, input->amount, 0 } };
    struct ledger_order order = { .kind = LEDGER_ADJUSTMENT, .legs = legs, .leg_count = ARRAY_COUNT(legs) };
    struct ledger_capture what = { .final = input->final };
    struct ledger_receipt receipt;
    memcpy(what.hold_id, input->hold_id, 16);
    int r = ledger_capture_order(work, &what, &order, &receipt);
    return r ? r : ledger_answer_receipt(work, command, &receipt);
}

/* The account of an operator's hold. 0, LEDGER_E_HOLD, VIEW_NEED. */
static int account_of(struct work *work, const uint8_t hold_id[16], int64_t *ret_account) {
    struct view view = view_of(work, "ledger");
    struct ledger_hold_row probe = { 0 };
    const void *found;
    memcpy(probe.hold_id, hold_id, 16);
    int r = view_get(&view, &ledger_hold_table, &probe, &found);
    if (r) return r;
    const struct ledger_hold_row *hold = found;
    if (!hold || hold->purpose == LEDGER_HOLD_FOR_PAYMENT) return LEDGER_E_HOLD; /* the payment's own */
    *ret_account = hold->account;
    return 0;
}

static int hold_change_decide(struct work *work, struct command *command) {
    const struct ledger_hold_input *input = command->input;
    int64_t account = 0;
    int r = input->action == LEDGER_HOLD_RESERVE ? 0 : account_of(work, input->hold_id, &account);
    if (r) return r;
    switch (input->action) {
    case LEDGER_HOLD_RESERVE:
        return reserve(work, command, input);
    case LEDGER_HOLD_CAPTURE:
        return capture(work, command, input, account);
    case LEDGER_HOLD_RELEASE:
        r = ledger_release(work, input->hold_id);
        break;
    case LEDGER_HOLD_INCREASE:
        r = ledger_hold_increase(work, input->hold_id, input->amount);
        break;
    case LEDGER_HOLD_EXTEND:
        r = ledger_hold_extend(work, input->hold_id, input->expires_ms);
        break;
    }
    memcpy(command->resource_id, input->hold_id, 16);
    return r ? r : ledger_answer_account(work, command, account);
}

static const struct command_kind hold_change_kind = { .name = "ledger_hold",
                                                      .needs = hold_change_needs,
                                                      .decide = hold_change_decide,
                                                      .refusal_name = ledger_answer_refusal_name };

static const struct command_field hold_change_fields[] = {
    FIELD_MAX(struct ledger_hold_input, action, CHOICE, LEDGER_HOLD_EXTEND + 1),
    FIELD(struct ledger_hold_input, hold_id, ID),
    FIELD(struct ledger_hold_input, account, I64),
    FIELD(struct ledger_hold_input, contra, I64),
    FIELD(struct ledger_hold_input, amount, AMOUNT),
    FIELD(struct ledger_hold_input, expires_ms, I64),
    FIELD(struct ledger_hold_input, final, BOOL),
};
const struct command_form hold_change_form = { .kind = &hold_change_kind,
                                               .input_bytes = sizeof(struct ledger_hold_input),
                                               .fields = hold_change_fields,
                                               .field_count = ARRAY_COUNT(hold_change_fields),
                                               .refusal_count = LEDGER_REFUSAL_COUNT };

int command_ledger_hold(struct integration *integration, struct command_call *call,
                        const struct ledger_hold_input *input) {
    struct ledger_hold_input *copy = arena_new(call->arena, struct ledger_hold_input);
    if (!copy) return err_origin(-ENOMEM);
    *copy = *input;
    return command_run(integration, call, &hold_change_kind, copy);
}
