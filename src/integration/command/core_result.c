#include "integration/command/core_result.h"

#include "integration/command/command_codec.h"
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

static void core_result_write_audit(struct buffer *out, const struct command *command) {
    const struct core_result *input = command->input;
    buffer_append_c(out, input->call_record);
}

const struct command_kind core_result_kind = { .name = "core_result",
                                               .needs = core_result_needs,
                                               .decide = core_result_decide,
                                               .write_audit = core_result_write_audit };

static bool core_result_arrive(struct integration *integration, struct arena *arena, void *input) {
    (void)arena;
    ((struct core_result *)input)->integration = integration;
    return true;
}

static const struct command_field core_result_fields[] = {
    FIELD(struct core_result, payment_id, ID),
    FIELD_MAX(struct core_result, verdict, CHOICE, CORE_VERDICT_UNKNOWN + 1),
    FIELD_MAX(struct core_result, core_reference, COUNTED, CORE_RESULT_REFERENCE_BYTES_MAX),
    FIELD_MAX(struct core_result, call_record, CHARS, CORE_RESULT_RECORD_BYTES_MAX),
};
const struct command_form core_result_form = { .kind = &core_result_kind,
                                               .input_bytes = sizeof(struct core_result),
                                               .fields = core_result_fields,
                                               .field_count = ARRAY_COUNT(core_result_fields),
                                               .refusal_count = PAYMENT_SAGA_E_ABSENT + 1,
                                               .arrive = core_result_arrive };

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

static bool saga_wake_arrive(struct integration *integration, struct arena *arena, void *input) {
    (void)arena;
    ((struct saga_wake *)input)->integration = integration;
    return true;
}

static const struct command_field saga_wake_fields[] = {
    FIELD(struct saga_wake, payment_id, ID),
};
const struct command_form saga_wake_form = { .kind = &saga_wake_kind,
                                             .input_bytes = sizeof(struct saga_wake),
                                             .fields = saga_wake_fields,
                                             .field_count = ARRAY_COUNT(saga_wake_fields),
                                             .refusal_count = PAYMENT_SAGA_E_ABSENT + 1,
                                             .arrive = saga_wake_arrive };
static_assert(offsetof(struct core_result, core_reference_len) ==
                  offsetof(struct core_result, core_reference) + CORE_RESULT_REFERENCE_BYTES_MAX,
              "a counted field has its length behind it");
