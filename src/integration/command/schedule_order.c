/* schedule_order.c - a payment of a later day is ordered, or cancelled. It is judged as a payment of today would be, so
 * that what cannot be paid is refused while somebody still listens; money is looked at on the day. */
#include "integration/command/schedule_order.h"

#include "integration/command/command_codec.h"
#include "services/consents/payment_consent.h"
#include "services/payments/scheduled.h"

struct schedule_create {
    struct payment_accept accept;
    int64_t day;
};
struct schedule_cancel {
    const struct integration *integration;
    uint8_t scheduled_id[16];
};

#define X(code, name) [code] = name,
static const char *const refusal_names[SCHEDULE_E_COUNT] = { SCHEDULE_E_MAP(X) };
#undef X

const char *schedule_refusal_name(int refusal) {
    check(refusal > 0 && refusal < SCHEDULE_E_COUNT);
    return refusal_names[refusal];
}

int schedule_refusal_of_accept(int r) {
    if (r <= 0 || r == VIEW_NEED) return r;
    switch ((enum payment_accept_refusal)r) {
    case PAYMENT_ACCEPT_E_ACCOUNT:
        return SCHEDULE_E_ACCOUNT;
    case PAYMENT_ACCEPT_E_CURRENCY:
        return SCHEDULE_E_CURRENCY;
    case PAYMENT_ACCEPT_E_CREDITOR:
        return SCHEDULE_E_CREDITOR;
    case PAYMENT_ACCEPT_E_AMOUNT:
        return SCHEDULE_E_AMOUNT;
    case PAYMENT_ACCEPT_E_CONSENT_STATUS:
    case PAYMENT_ACCEPT_E_CONSENT_MISMATCH:
    case PAYMENT_ACCEPT_E_CONSENT:
        return SCHEDULE_E_CONSENT;
    case PAYMENT_ACCEPT_E_BREAKER: /* not asked here */
    case PAYMENT_ACCEPT_E_NONE:
    case PAYMENT_ACCEPT_E_COUNT:
        break;
    }
    return err_fold(r);
}

int schedule_refusal_of_rule(int r) {
    return r == SCHEDULE_RULE_E_DATE       ? SCHEDULE_E_DATE
           : r == SCHEDULE_RULE_E_CUT_OFF  ? SCHEDULE_E_CUT_OFF
           : r == SCHEDULE_RULE_E_CALENDAR ? SCHEDULE_E_CALENDAR
                                           : r;
}

void schedule_accept_init(struct payment_accept *accept, const struct integration *integration,
                          const struct payment_order *order, struct arena *arena) {
    *accept = (struct payment_accept){ .integration = integration, .order = *order, .core_open = true };
    accept->creditor_iban = payment_accept_creditor_iban(integration, &accept->order.creditor, arena);
}

/* tidy: parameters because an order is judged by kind and day, and gives account and moment. */
int schedule_judge(struct work *work, const struct payment_accept *accept, enum schedule_kind kind, int64_t day,
                   const struct account_row **ret_debtor, struct schedule_due *ret_due) {
    struct view view = view_of(work, "payments");
    const struct schedule_rules *rules = accept->integration->schedule;
    const struct schedule_rail *rail = schedule_rules_rail(rules, accept->order.amount.currency.code);
    int64_t creditor_number;
    int r = payment_accept_judge(work, accept, ret_debtor, &creditor_number);
    if (r) return schedule_refusal_of_accept(r);
    if (!rail) return SCHEDULE_E_RAIL;
    return schedule_refusal_of_rule(schedule_rail_order(rail, rules->rules[kind], day, view_now_ms(&view), ret_due));
}

int schedule_may_cancel(const struct integration *integration, int64_t currency, int64_t due_day, int64_t now_ms) {
    const struct schedule_rail *rail = schedule_rules_rail(integration->schedule, currency);
    int64_t until_ms;
    if (!rail) return SCHEDULE_E_RAIL;
    if (schedule_rail_cancel_until(rail, due_day, &until_ms)) return SCHEDULE_E_CALENDAR;
    return now_ms < until_ms ? 0 : SCHEDULE_E_LATE;
}

static bool every_refusal_is_stored(int refusal) {
    (void)refusal;
    return true;
}

static void schedule_create_needs(struct work *work, const struct command *command) {
    const struct schedule_create *input = command->input;
    payment_accept_want(work, &input->accept);
}

static int schedule_create_decide(struct work *work, struct command *command) {
    const struct schedule_create *input = command->input;
    const struct payment_order *order = &input->accept.order;
    const struct account_row *debtor;
    struct schedule_due due;
    int r = schedule_judge(work, &input->accept, SCHEDULE_PAYMENT, input->day, &debtor, &due);
    if (r) return r;
    struct scheduled_row row = {
        .terms = payment_terms_of(order), .requested_day = input->day, .due_day = due.day, .due_ms = due.ms
    };
    memcpy(row.terms.debtor_account_id, debtor->account_id, 16);
    r = scheduled_create(work, &row);
    if (!r && !id_is_zero(order->consent_id.bytes))
        r = payment_consent_consume(work, order->consent_id.bytes, row.scheduled_id);
    if (!r) memcpy(command->resource_id, row.scheduled_id, 16);
    return r == VIEW_NEED ? r : err_fold(r);
}

static const struct command_kind schedule_create_kind = { .name = "schedule_create",
                                                          .needs = schedule_create_needs,
                                                          .decide = schedule_create_decide,
                                                          .refusal_name = schedule_refusal_name,
                                                          .refusal_is_stored = every_refusal_is_stored };

static bool schedule_create_arrive(struct integration *integration, struct arena *arena, void *input) {
    struct schedule_create *create = input;
    struct payment_order order = create->accept.order;
    if (!payment_accept_order_arrived(&order)) return false;
    schedule_accept_init(&create->accept, integration, &order, arena);
    return true;
}

static const struct command_field schedule_create_fields[] = {
    PAYMENT_ORDER_FIELDS(struct schedule_create, accept.order),
    FIELD(struct schedule_create, day, I64),
};
const struct command_form schedule_create_form = { .kind = &schedule_create_kind,
                                                   .input_bytes = sizeof(struct schedule_create),
                                                   .fields = schedule_create_fields,
                                                   .field_count = ARRAY_COUNT(schedule_create_fields),
                                                   .refusal_count = SCHEDULE_E_COUNT,
                                                   .arrive = schedule_create_arrive };

int command_schedule_create(struct integration *integration, struct command_call *call,
                            const struct schedule_create_input *input) {
    struct schedule_create *create = arena_new(call->arena, struct schedule_create);
    if (!create) return err_origin(-ENOMEM);
    schedule_accept_init(&create->accept, integration, &input->order, call->arena);
    create->day = input->day;
    return command_run(integration, call, &schedule_create_kind, create);
}

static void schedule_cancel_needs(struct work *work, const struct command *command) {
    const struct schedule_cancel *input = command->input;
    scheduled_want(work, input->scheduled_id);
}

static int schedule_cancel_decide(struct work *work, struct command *command) {
    const struct schedule_cancel *input = command->input;
    struct view view = view_of(work, "payments");
    struct scheduled_end end = { .state = SCHEDULED_CANCELLED, .reason = "" };
    const struct scheduled_row *row;
    int r = scheduled_get(work, input->scheduled_id, &row);
    if (r) return r;
    if (!row) return SCHEDULE_E_ABSENT;
    if (row->state != SCHEDULED_PENDING) return SCHEDULE_E_STATE;
    r = schedule_may_cancel(input->integration, row->terms.currency, row->due_day, view_now_ms(&view));
    if (r) return r;
    memcpy(command->resource_id, input->scheduled_id, 16);
    r = scheduled_end(work, input->scheduled_id, &end);
    return r == VIEW_NEED ? r : err_fold(r);
}

static const struct command_kind schedule_cancel_kind = { .name = "schedule_cancel",
                                                          .needs = schedule_cancel_needs,
                                                          .decide = schedule_cancel_decide,
                                                          .refusal_name = schedule_refusal_name };

static bool schedule_cancel_arrive(struct integration *integration, struct arena *arena, void *input) {
    struct schedule_cancel *cancel = input;
    (void)arena;
    cancel->integration = integration;
    return true;
}

static const struct command_field schedule_cancel_fields[] = {
    FIELD(struct schedule_cancel, scheduled_id, ID),
};
const struct command_form schedule_cancel_form = { .kind = &schedule_cancel_kind,
                                                   .input_bytes = sizeof(struct schedule_cancel),
                                                   .fields = schedule_cancel_fields,
                                                   .field_count = ARRAY_COUNT(schedule_cancel_fields),
                                                   .refusal_count = SCHEDULE_E_COUNT,
                                                   .arrive = schedule_cancel_arrive };

int command_schedule_cancel(struct integration *integration, struct command_call *call,
                            const uint8_t scheduled_id[16]) {
    struct schedule_cancel *input = arena_new(call->arena, struct schedule_cancel);
    if (!input) return err_origin(-ENOMEM);
    input->integration = integration;
    memcpy(input->scheduled_id, scheduled_id, 16);
    return command_run(integration, call, &schedule_cancel_kind, input);
}
