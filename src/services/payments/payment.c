#include "services/payments/payment.h"

#include "engine/engine.h"

static const struct column columns[] = {
    COLUMN(struct payment_row, payment_id, ID),
    COLUMN(struct payment_row, client_id, ID),
    COLUMN(struct payment_row, customer_id, ID),
    COLUMN(struct payment_row, consent_id, ID),
    COLUMN(struct payment_row, debtor_account_id, ID),
    COLUMN(struct payment_row, debtor_number, I64),
    COLUMN(struct payment_row, creditor_number, I64),
    COLUMN_PERSONAL(struct payment_row, creditor_name, TEXT, PAYMENT_CREDITOR_NAME_BYTES_MAX),
    COLUMN_PERSONAL(struct payment_row, creditor_iban, TEXT, 34),
    COLUMN_PERSONAL(struct payment_row, creditor_sort_code, TEXT, 6),
    COLUMN_PERSONAL(struct payment_row, creditor_account_number, TEXT, 34),
    COLUMN(struct payment_row, currency, I64),
    COLUMN(struct payment_row, amount_minor, I64),
    COLUMN(struct payment_row, fee_minor, I64),
    COLUMN_PERSONAL(struct payment_row, reference, TEXT, PAYMENT_REFERENCE_TEXT_BYTES_MAX),
    COLUMN_PERSONAL(struct payment_row, end_to_end_id, TEXT, PAYMENT_END_TO_END_BYTES_MAX),
    COLUMN_PERSONAL(struct payment_row, instruction_id, TEXT, PAYMENT_END_TO_END_BYTES_MAX),
    COLUMN(struct payment_row, type, I64),
    COLUMN(struct payment_row, status, I64),
    COLUMN(struct payment_row, reason, I64),
    COLUMN(struct payment_row, created_ms, I64),
    COLUMN(struct payment_row, status_ms, I64),
    COLUMN_VAR(struct payment_row, timeline, BLOB, PAYMENT_TIMELINE_MAX *PAYMENT_TIMELINE_STEP_BYTES),
    COLUMN_VAR(struct payment_row, core_reference, TEXT, 18),
};
static const struct table_index indexes[] = {
    { .name = "", .columns = { 0 }, .column_count = 1, .unique = true },
    { .name = "client", .columns = { 1, 0 }, .column_count = 2 },
};
const struct table payment_table = {
    .service = "payments",
    .name = "payment",
    .row_bytes = sizeof(struct payment_row),
    .columns = columns,
    .column_count = ARRAY_COUNT(columns),
    .indexes = indexes,
    .index_count = ARRAY_COUNT(indexes),
};

/* From (row) to (column); the events name the function that walks the edge: payment_move. */
static const bool payment_edge[PAYMENT_STATUS_COUNT][PAYMENT_STATUS_COUNT] = {
    [PAYMENT_PENDING] = { [PAYMENT_UNKNOWN] = true, [PAYMENT_COMPLETED] = true, [PAYMENT_REJECTED] = true },
    [PAYMENT_UNKNOWN] = { [PAYMENT_COMPLETED] = true, [PAYMENT_REJECTED] = true },
};

static struct payment_row probe_id(const uint8_t payment_id[16]) {
    struct payment_row probe = { 0 };
    memcpy(probe.payment_id, payment_id, 16);
    return probe;
}

void payment_want(struct work *work, const uint8_t payment_id[16]) {
    struct payment_row probe = probe_id(payment_id);
    work_want(work, &payment_table, 0, &probe);
}

int payment_get(struct work *work, const uint8_t payment_id[16], const struct payment_row **ret_row) {
    struct view view = view_of(work, "payments");
    struct payment_row probe = probe_id(payment_id);
    const void *found;
    int r = view_get(&view, &payment_table, &probe, &found);
    if (!r) *ret_row = found;
    return r;
}

static int emit(const struct view *view, const struct payment_row *payment, enum event_type type) {
    struct event event = { .type = type,
                           .amount = { .minor = payment->amount_minor,
                                       .currency = { .code = (uint32_t)payment->currency } },
                           .payment_type = (enum payment_type)payment->type,
                           .status = (enum payment_status)payment->status,
                           .reason = (enum payment_reason)payment->reason };
    memcpy(event.subject, payment->payment_id, 16);
    memcpy(event.payment_id.bytes, payment->payment_id, 16);
    memcpy(event.account_id.bytes, payment->debtor_account_id, 16);
    memcpy(event.customer_id.bytes, payment->customer_id, 16);
    memcpy(event.client_id.bytes, payment->client_id, 16);
    memcpy(event.consent_id.bytes, payment->consent_id, 16);
    return view_event(view, &event);
}

/* The timeline with one more step, in the batch's arena; .at == NULL when there is no room. */
static struct str timeline_add(const struct view *view, struct str timeline, enum payment_status status) {
    struct buffer out;
    char *memory = arena_alloc(view_arena(view), timeline.len + PAYMENT_TIMELINE_STEP_BYTES);
    if (!memory || timeline.len >= PAYMENT_TIMELINE_MAX * PAYMENT_TIMELINE_STEP_BYTES) return (struct str){ 0 };
    buffer_init(&out, memory, timeline.len + PAYMENT_TIMELINE_STEP_BYTES);
    buffer_append_str(&out, timeline);
    buffer_append_char(&out, (char)status);
    buffer_append_be(&out, (uint64_t)view_now_ms(view), 8);
    return buffer_str(&out);
}

int payment_create(struct work *work, struct payment_row *payment) {
    struct view view = view_of(work, "payments");
    view_new_id(&view, payment->payment_id);
    payment->status = PAYMENT_PENDING;
    payment->reason = PAYMENT_REASON_NONE;
    payment->created_ms = payment->status_ms = view_now_ms(&view);
    payment->timeline = timeline_add(&view, (struct str){ 0 }, PAYMENT_PENDING);
    if (!payment->timeline.at) return err_origin(-ENOMEM);
    int r = view_insert(&view, &payment_table, payment);
    return r ? err_trace(r) : emit(&view, payment, EVENT_PAYMENT_INITIATED);
}

static enum event_type event_of(enum payment_status status) {
    switch (status) {
    case PAYMENT_PENDING:
        break;
    case PAYMENT_UNKNOWN:
        return EVENT_PAYMENT_UNKNOWN;
    case PAYMENT_COMPLETED:
        return EVENT_PAYMENT_COMPLETED;
    case PAYMENT_REJECTED:
        return EVENT_PAYMENT_REJECTED;
    case PAYMENT_STATUS_COUNT:
        break;
    }
    return EVENT_PAYMENT_INITIATED;
}

int payment_move(struct work *work, const uint8_t payment_id[16], const struct payment_change *change) {
    struct view view = view_of(work, "payments");
    const struct payment_row *old;
    check((change->status == PAYMENT_REJECTED) == (change->reason != PAYMENT_REASON_NONE)); /* P3 */
    int r = payment_get(work, payment_id, &old);
    if (r) return r;
    if (!old) return PAYMENT_E_ABSENT;
    if (!payment_edge[old->status][change->status]) return PAYMENT_E_FINAL; /* P1 */
    struct payment_row payment = *old;
    payment.status = change->status;
    payment.reason = change->reason;
    payment.status_ms = view_now_ms(&view);
    if (change->core_reference.len) payment.core_reference = change->core_reference;
    payment.timeline = timeline_add(&view, old->timeline, change->status);
    if (!payment.timeline.at) return err_origin(-ENOMEM);
    r = view_update(&view, &payment_table, &payment);
    return r ? err_trace(r) : emit(&view, &payment, event_of(change->status));
}

int payment_approve(struct work *work, const uint8_t payment_id[16]) {
    struct view view = view_of(work, "payments");
    const struct payment_row *payment;
    int r = payment_get(work, payment_id, &payment);
    if (r) return r;
    return payment ? emit(&view, payment, EVENT_PAYMENT_APPROVED) : PAYMENT_E_ABSENT;
}

size_t payment_timeline(struct str timeline, struct payment_step ret_steps[PAYMENT_TIMELINE_MAX]) {
    size_t count = timeline.len / PAYMENT_TIMELINE_STEP_BYTES;
    if (timeline.len % PAYMENT_TIMELINE_STEP_BYTES || count > PAYMENT_TIMELINE_MAX) return 0;
    for (size_t i = 0; i < count; i++) {
        const unsigned char *at = (const unsigned char *)timeline.at + i * PAYMENT_TIMELINE_STEP_BYTES;
        uint64_t at_ms = 0;
        if (at[0] >= PAYMENT_STATUS_COUNT) return 0;
        for (int byte = 1; byte <= 8; byte++) at_ms = at_ms << 8 | at[byte];
        ret_steps[i] = (struct payment_step){ .status = (enum payment_status)at[0], .at_ms = (int64_t)at_ms };
    }
    return count;
}
