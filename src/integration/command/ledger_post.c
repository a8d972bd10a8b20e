/* ledger_post.c - an operator posts n legs. */
#include "integration/command/ledger_answer.h"

static void ledger_post_needs(struct work *work, const struct command *command) {
    const struct ledger_post_input *input = command->input;
    for (size_t i = 0; i < input->leg_count; i++) ledger_want_account(work, input->legs[i].account);
}

static int ledger_post_decide(struct work *work, struct command *command) {
    const struct ledger_post_input *input = command->input;
    struct ledger_leg legs[LEDGER_LEGS_MAX];
    struct ledger_receipt receipt;
    for (size_t i = 0; i < input->leg_count; i++)
        legs[i] = (struct ledger_leg){ .account = input->legs[i].account,
                                       .side = input->legs[i].credit ? LEDGER_CREDIT : LEDGER_DEBIT,
                                       .amount = input->legs[i].amount,
                                       .value_day = input->legs[i].value_day };
    struct ledger_order order = { .kind = input->mirror ? LEDGER_MIRROR : LEDGER_ADJUSTMENT,
                                  .legs = legs,
                                  .leg_count = input->leg_count,
                                  .booking_day = input->booking_day,
                                  .value_day = input->value_day };
    int r = ledger_transact(work, &order, &receipt);
    if (!r && input->note_count)
        r = ledger_answer_notes(work, LEDGER_NOTE_TRANSACTION, receipt.transaction, input->notes, input->note_count);
    return r ? r : ledger_answer_receipt(work, command, &receipt);
}

static const struct command_kind ledger_post_kind = { .name = "ledger_post",
                                                      .needs = ledger_post_needs,
                                                      .decide = ledger_post_decide,
                                                      .refusal_name = ledger_answer_refusal_name,
                                                      .rows_max = LEDGER_COMMAND_ROWS_MAX };

static const struct command_field leg_fields[] = {
    FIELD(struct ledger_post_leg, account, I64),
    FIELD(struct ledger_post_leg, credit, BOOL),
    FIELD(struct ledger_post_leg, amount, AMOUNT),
    FIELD(struct ledger_post_leg, value_day, I64),
};
static const struct command_list ledger_post_legs = { .element_bytes = sizeof(struct ledger_post_leg),
                                                      .count_offset = offsetof(struct ledger_post_input, leg_count),
                                                      .fields = leg_fields,
                                                      .field_count = ARRAY_COUNT(leg_fields) };
static const struct command_list ledger_post_notes = { .element_bytes = sizeof(struct ledger_post_note),
                                                       .count_offset = offsetof(struct ledger_post_input, note_count),
                                                       .fields = ledger_note_fields,
                                                       .field_count = ARRAY_COUNT(ledger_note_fields) };
static const struct command_field ledger_post_fields[] = {
    FIELD_ELEMENTS(struct ledger_post_input, legs, LEDGER_POST_LEGS_MAX, ledger_post_legs),
    FIELD(struct ledger_post_input, mirror, BOOL),
    FIELD(struct ledger_post_input, booking_day, I64),
    FIELD(struct ledger_post_input, value_day, I64),
    FIELD_ELEMENTS(struct ledger_post_input, notes, LEDGER_POST_NOTES_MAX, ledger_post_notes),
};
const struct command_form ledger_post_form = { .kind = &ledger_post_kind,
                                               .input_bytes = sizeof(struct ledger_post_input),
                                               .fields = ledger_post_fields,
                                               .field_count = ARRAY_COUNT(ledger_post_fields),
                                               .refusal_count = LEDGER_REFUSAL_COUNT };

int command_ledger_post(struct integration *integration, struct command_call *call,
                        const struct ledger_post_input *input) {
    struct ledger_post_input *copy = arena_new(call->arena, struct ledger_post_input);
    if (!copy) return err_origin(-ENOMEM);
    check(input->leg_count <= LEDGER_POST_LEGS_MAX && input->note_count <= LEDGER_POST_NOTES_MAX);
    *copy = *input;
    return command_run(integration, call, &ledger_post_kind, copy);
}
