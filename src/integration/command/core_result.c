#include "integration/command/core_result.h"

#include "services/accounts/account.h"
#include "services/ledger/ledger.h"

static void core_result_needs(struct work *work, const struct command *command) {
    const struct core_result *input = command->input;
    payment_saga_want(work, input->payment_id);
    payment_want(work, input->payment_id);
    ledger_want_hold(work, input->payment_id);
}

static int core_result_decide(struct work *work, struct command *command) {
    const struct core_result *input = command->input;
    struct str reference = str_from_bytes(input->core_reference, input->core_reference_len);
    const struct payment_row *payment;
    int r = payment_get(work, input->payment_id, &payment);
    if (r) return r;
    if (payment) { /* one load for both sides */
        ledger_want_account(work, payment->debtor_number);
        if (input->verdict == CORE_VERDICT_BOOKED && payment->fee_minor)
            ledger_want_account(
                work, ledger_internal_number(LEDGER_FEES, (struct currency){ .code = (uint32_t)payment->currency }));
        if (input->verdict == CORE_VERDICT_BOOKED)
            ledger_want_account(work, ledger_internal_number(LEDGER_SETTLEMENT,
                                                             (struct currency){ .code = (uint32_t)payment->currency }));
    }
    return payment_saga_core(work, input->integration, input->payment_id, input->verdict, str_trim(reference));
}

const struct command_kind core_result_kind = { .name = "core_result",
                                               .needs = core_result_needs,
                                               .decide = core_result_decide };

static void saga_wake_needs(struct work *work, const struct command *command) {
    const struct saga_wake *input = command->input;
    payment_saga_want(work, input->payment_id);
    payment_want(work, input->payment_id);
}

static int saga_wake_decide(struct work *work, struct command *command) {
    const struct saga_wake *input = command->input;
    return payment_saga_wake(work, input->integration, input->payment_id);
}

const struct command_kind saga_wake_kind = { .name = "saga_wake",
                                             .needs = saga_wake_needs,
                                             .decide = saga_wake_decide };
