/* standing_order.c - a standing order is given, or ended. Its first payment is judged as a scheduled one would be. */
#include "integration/command/schedule_order.h"

#include "integration/command/command_codec.h"
#include "services/payments/standing_order.h"

struct standing_create {
    struct payment_accept accept;
    struct standing_order_input input;
};
struct standing_cancel {
    const struct integration *integration;
    uint8_t standing_order_id[16];
};

static bool every_refusal_is_stored(int refusal) {
    (void)refusal;
    return true;
}

static void standing_create_needs(struct work *work, const struct command *command) {
    const struct standing_create *input = command->input;
    payment_accept_want(work, &input->accept);
}

static int judge_plan(const struct standing_order_input *input) {
    struct standing_plan plan = { .first_day = input->first_day,
                                  .recurring_day = input->recurring_day,
                                  .final_day = input->final_day,
                                  .payments_max = input->payments_max };
    if (frequency_parse(input->frequency, &plan.frequency)) return SCHEDULE_E_FREQUENCY;
    return standing_plan_check(&plan) || input->first_minor < 0 || input->final_minor < 0 ? SCHEDULE_E_PLAN : 0;
}

static int standing_create_decide(struct work *work, struct command *command) {
    const struct standing_create *create = command->input;
    const struct standing_order_input *input = &create->input;
    const struct account_row *debtor;
    struct schedule_due due;
    int r = judge_plan(input);
    if (!r) r = schedule_judge(work, &create->accept, SCHEDULE_STANDING_ORDER, input->first_day, &debtor, &due);
    if (r) return r;
    struct standing_order_row row = { .terms = payment_terms_of(&create->accept.order),
                                      .frequency = input->frequency,
                                      .first_minor = input->first_minor,
                                      .final_minor = input->final_minor,
                                      .first_day = input->first_day,
                                      .recurring_day = input->recurring_day,
                                      .final_day = input->final_day,
                                      .payments_max = input->payments_max,
                                      .plan_day = input->first_day,
                                      .plan_part = STANDING_FIRST,
                                      .due_day = due.day,
                                      .due_ms = due.ms };
    memcpy(row.terms.debtor_account_id, debtor->account_id, 16);
    r = standing_order_create(work, &row);
    if (!r) memcpy(command->resource_id, row.standing_order_id, 16);
    return err_fold(r);
}

static const struct command_kind standing_create_kind = { .name = "standing_order_create",
                                                          .needs = standing_create_needs,
                                                          .decide = standing_create_decide,
                                                          .refusal_name = schedule_refusal_name,
                                                          .refusal_is_stored = every_refusal_is_stored };

static bool standing_create_arrive(struct integration *integration, struct arena *arena, void *input) {
    struct standing_create *create = input;
    struct payment_order order = create->accept.order;
    if (!payment_accept_order_arrived(&order)) return false;
    schedule_accept_init(&create->accept, integration, &order, arena);
    return true;
}

static const struct command_field standing_create_fields[] = {
    PAYMENT_ORDER_FIELDS(struct standing_create, accept.order),
    FIELD_MAX(struct standing_create, input.frequency, TEXT, COMMAND_NOTE_BYTES_MAX),
    FIELD(struct standing_create, input.first_day, I64),
    FIELD(struct standing_create, input.recurring_day, I64),
    FIELD(struct standing_create, input.final_day, I64),
    FIELD(struct standing_create, input.payments_max, I64),
    FIELD(struct standing_create, input.first_minor, I64),
    FIELD(struct standing_create, input.final_minor, I64),
};
const struct command_form standing_create_form = { .kind = &standing_create_kind,
                                                   .input_bytes = sizeof(struct standing_create),
                                                   .fields = standing_create_fields,
                                                   .field_count = ARRAY_COUNT(standing_create_fields),
                                                   .refusal_count = SCHEDULE_E_COUNT,
                                                   .arrive = standing_create_arrive };

int command_standing_order_create(struct integration *integration, struct command_call *call,
                                  const struct standing_order_input *input) {
    struct standing_create *create = arena_new(call->arena, struct standing_create);
    if (!create) return err_origin(-ENOMEM);
    create->input = *input;
    schedule_accept_init(&create->accept, integration, &input->order, call->arena);
    return command_run(integration, call, &standing_create_kind, create);
}

static void standing_cancel_needs(struct work *work, const struct command *command) {
    const struct standing_cancel *input = command->input;
    standing_order_want(work, input->standing_order_id);
}

static int standing_cancel_decide(struct work *work, struct command *command) {
    const struct standing_cancel *input = command->input;
    struct view view = view_of(work, "payments");
    const struct standing_order_row *row;
    int r = standing_order_get(work, input->standing_order_id, &row);
    if (r) return r;
    if (!row) return SCHEDULE_E_ABSENT;
    if (row->state != STANDING_ORDER_ACTIVE) return SCHEDULE_E_STATE;
    if (row->due_day) /* none: the calendar ended before the next payment */
        r = schedule_may_cancel(input->integration, row->terms.currency, row->due_day, view_now_ms(&view));
    if (r) return r;
    memcpy(command->resource_id, input->standing_order_id, 16);
    r = standing_order_cancel(work, input->standing_order_id);
    return r == VIEW_NEED ? r : err_fold(r);
}

static const struct command_kind standing_cancel_kind = { .name = "standing_order_cancel",
                                                          .needs = standing_cancel_needs,
                                                          .decide = standing_cancel_decide,
                                                          .refusal_name = schedule_refusal_name };

static bool standing_cancel_arrive(struct integration *integration, struct arena *arena, void *input) {
    struct standing_cancel *cancel = input;
    (void)arena;
    cancel->integration = integration;
    return true;
}

static const struct command_field standing_cancel_fields[] = {
    FIELD(struct standing_cancel, standing_order_id, ID),
};
const struct command_form standing_cancel_form = { .kind = &standing_cancel_kind,
                                                   .input_bytes = sizeof(struct standing_cancel),
                                                   .fields = standing_cancel_fields,
                                                   .field_count = ARRAY_COUNT(standing_cancel_fields),
                                                   .refusal_count = SCHEDULE_E_COUNT,
                                                   .arrive = standing_cancel_arrive };

int command_standing_order_cancel(struct integration *integration, struct command_call *call,
                                  const uint8_t standing_order_id[16]) {
    struct standing_cancel *input = arena_new(call->arena, struct standing_cancel);
    if (!input) return err_origin(-ENOMEM);
    input->integration = integration;
    memcpy(input->standing_order_id, standing_order_id, 16);
    return command_run(integration, call, &standing_cancel_kind, input);
}
