/* ledger_account_change.c - an operator changes what an account may do. */
#include "integration/command/ledger_answer.h"
#include "services/accounts/account.h"

static void account_change_needs(struct work *work, const struct command *command) {
    const struct ledger_account_input *input = command->input;
    struct account_row probe = { .number = input->number };
    ledger_want_account(work, input->number);
    if (input->number > 0) work_want(work, &account_table, ACCOUNT_INDEX_NUMBER, &probe);
}

static int limits_change(struct work *work, const struct ledger_account_input *input) {
    struct ledger_limits limits = { .has_floor = input->has_floor,
                                    .has_ceiling = input->has_ceiling,
                                    .floor_minor = input->floor_minor,
                                    .ceiling_minor = input->ceiling_minor };
    return ledger_set_limits(work, input->number, &limits);
}

/* What cannot be debited is blocked for everybody who asks the account. */
static int freeze(struct work *work, const struct ledger_account_input *input) {
    int64_t frozen = (input->debits ? LEDGER_FROZEN_DEBITS : 0) | (input->credits ? LEDGER_FROZEN_CREDITS : 0);
    int r = ledger_freeze(work, input->number, frozen);
    return r ? r : account_set_status(work, input->number, input->debits ? ACCOUNT_BLOCKED : ACCOUNT_OPEN);
}

static int notes_change(struct work *work, const struct ledger_account_input *input) {
    struct ledger_balances balances;
    int r = ledger_balances(work, input->number, &balances); /* is there such an account? */
    return r ? r : ledger_answer_notes(work, LEDGER_NOTE_ACCOUNT, input->number, input->notes, input->note_count);
}

static int change(struct work *work, const struct ledger_account_input *input) {
    int r;
    switch (input->action) {
    case LEDGER_ACCOUNT_OVERDRAFT:
        return ledger_set_overdraft(work, input->number, input->amount_minor);
    case LEDGER_ACCOUNT_LIMITS:
        return limits_change(work, input);
    case LEDGER_ACCOUNT_FREEZE:
        return freeze(work, input);
    case LEDGER_ACCOUNT_CLOSE:
        r = ledger_close_account(work, input->number);
        return r ? r : account_set_status(work, input->number, ACCOUNT_CLOSED);
    case LEDGER_ACCOUNT_NOTES:
        return notes_change(work, input);
    }
    return err_origin(-EINVAL);
}

static int account_change_decide(struct work *work, struct command *command) {
    const struct ledger_account_input *input = command->input;
    int r = change(work, input);
    return r ? r : ledger_answer_account(work, command, input->number);
}

static const struct command_kind account_change_kind = { .name = "ledger_account",
                                                         .needs = account_change_needs,
                                                         .decide = account_change_decide,
                                                         .refusal_name = ledger_answer_refusal_name };

static const struct command_list account_change_notes = { .element_bytes = sizeof(struct ledger_post_note),
                                                          .count_offset =
                                                              offsetof(struct ledger_account_input, note_count),
                                                          .fields = ledger_note_fields,
                                                          .field_count = ARRAY_COUNT(ledger_note_fields) };
static const struct command_field account_change_fields[] = {
    FIELD_MAX(struct ledger_account_input, action, CHOICE, LEDGER_ACCOUNT_NOTES + 1),
    FIELD(struct ledger_account_input, number, I64),
    FIELD(struct ledger_account_input, amount_minor, I64),
    FIELD(struct ledger_account_input, floor_minor, I64),
    FIELD(struct ledger_account_input, ceiling_minor, I64),
    FIELD(struct ledger_account_input, has_floor, BOOL),
    FIELD(struct ledger_account_input, has_ceiling, BOOL),
    FIELD(struct ledger_account_input, debits, BOOL),
    FIELD(struct ledger_account_input, credits, BOOL),
    FIELD_ELEMENTS(struct ledger_account_input, notes, LEDGER_POST_NOTES_MAX, account_change_notes),
};
const struct command_form account_change_form = { .kind = &account_change_kind,
                                                  .input_bytes = sizeof(struct ledger_account_input),
                                                  .fields = account_change_fields,
                                                  .field_count = ARRAY_COUNT(account_change_fields),
                                                  .refusal_count = LEDGER_REFUSAL_COUNT };

int command_ledger_account(struct integration *integration, struct command_call *call,
                           const struct ledger_account_input *input) {
    struct ledger_account_input *copy = arena_new(call->arena, struct ledger_account_input);
    if (!copy) return err_origin(-ENOMEM);
    check(input->note_count <= LEDGER_POST_NOTES_MAX);
    *copy = *input;
    return command_run(integration, call, &account_change_kind, copy);
}
