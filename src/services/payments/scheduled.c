#include "services/payments/scheduled.h"

#include "engine/engine.h"

#define X(code, name) [code] = name,
static const char *const state_names[SCHEDULED_STATE_COUNT] = { SCHEDULED_STATE_MAP(X) };
#undef X

const char *scheduled_state_name(enum scheduled_state state) {
    check(state < SCHEDULED_STATE_COUNT);
    return state_names[state];
}

static const struct column columns[] = {
    COLUMN(struct scheduled_row, scheduled_id, ID),
    PAYMENT_TERMS_COLUMNS(struct scheduled_row),
    COLUMN(struct scheduled_row, requested_day, I64),
    COLUMN(struct scheduled_row, due_day, I64),
    COLUMN(struct scheduled_row, due_ms, I64),
    COLUMN(struct scheduled_row, state, I64),
    COLUMN(struct scheduled_row, attempts, I64),
    COLUMN_VAR(struct scheduled_row, reason, TEXT, SCHEDULED_REASON_BYTES_MAX),
    COLUMN(struct scheduled_row, payment_id, ID),
    COLUMN(struct scheduled_row, created_ms, I64),
    COLUMN(struct scheduled_row, ended_ms, I64),
};
enum { BEHIND_TERMS = 1 + PAYMENT_TERMS_COLUMNS_COUNT };
static const struct table_index indexes[] = {
    { .name = "", .columns = { 0 }, .column_count = 1, .unique = true },
    { .name = "due", .columns = { BEHIND_TERMS + 3, BEHIND_TERMS + 2, 0 }, .column_count = 3 },
    { .name = "account", .columns = { 4, 0 }, .column_count = 2 },
};
const struct table scheduled_table = {
    .service = "payments",
    .name = "scheduled",
    .row_bytes = sizeof(struct scheduled_row),
    .columns = columns,
    .column_count = ARRAY_COUNT(columns),
    .indexes = indexes,
    .index_count = ARRAY_COUNT(indexes),
};

static struct scheduled_row probe_id(const uint8_t scheduled_id[16]) {
    struct scheduled_row probe = { .state = 0 };
    memcpy(probe.scheduled_id, scheduled_id, 16);
    return probe;
}

void scheduled_want(struct work *work, const uint8_t scheduled_id[16]) {
    struct scheduled_row probe = probe_id(scheduled_id);
    work_want(work, &scheduled_table, 0, &probe);
}

int scheduled_get(struct work *work, const uint8_t scheduled_id[16], const struct scheduled_row **ret_row) {
    struct view view = view_of(work, "payments");
    struct scheduled_row probe = probe_id(scheduled_id);
    const void *found;
    int r = view_get(&view, &scheduled_table, &probe, &found);
    if (!r) *ret_row = found;
    return r;
}

int payment_terms_event(const struct view *view, const struct payment_terms *terms, struct event event) {
    event.amount = (struct money){ .minor = terms->amount_minor, .currency = { .code = (uint32_t)terms->currency } };
    memcpy(event.account_id.bytes, terms->debtor_account_id, 16);
    memcpy(event.customer_id.bytes, terms->customer_id, 16);
    memcpy(event.client_id.bytes, terms->client_id, 16);
    memcpy(event.consent_id.bytes, terms->consent_id, 16);
    return err_trace(view_event(view, &event));
}

static int emit(const struct view *view, const struct scheduled_row *row, enum event_type type) {
    struct event event = { .type = type, .payment_type = PAYMENT_SCHEDULED };
    if (type == EVENT_SCHEDULED_REJECTED) {
        event.status = PAYMENT_REJECTED;
        event.reason = PAYMENT_REASON_NOT_ACCEPTED;
    }
    memcpy(event.subject, row->scheduled_id, 16);
    return payment_terms_event(view, &row->terms, event);
}

int scheduled_create(struct work *work, struct scheduled_row *row) {
    struct view view = view_of(work, "payments");
    view_new_id(&view, row->scheduled_id);
    row->state = SCHEDULED_PENDING;
    row->created_ms = view_now_ms(&view);
    int r = view_insert(&view, &scheduled_table, row);
    return r ? err_trace(r) : emit(&view, row, EVENT_PAYMENT_SCHEDULED);
}

/* A copy of the row, if it is pending. */
static int get_pending(struct work *work, const uint8_t scheduled_id[16], struct scheduled_row *ret_row) {
    const struct scheduled_row *row;
    int r = scheduled_get(work, scheduled_id, &row);
    if (r) return r;
    if (!row) return SCHEDULED_E_ABSENT;
    if (row->state != SCHEDULED_PENDING) return SCHEDULED_E_STATE; /* S1 */
    *ret_row = *row;
    return 0;
}

int scheduled_end(struct work *work, const uint8_t scheduled_id[16], const struct scheduled_end *end) {
    struct view view = view_of(work, "payments");
    struct scheduled_row row;
    int r = get_pending(work, scheduled_id, &row);
    if (r) return r;
    check(end->state != SCHEDULED_PENDING && (end->state != SCHEDULED_EXECUTED || end->payment_id)); /* S2 */
    row.state = end->state;
    row.reason = str_from_c(end->reason);
    row.ended_ms = view_now_ms(&view);
    if (end->payment_id) memcpy(row.payment_id, end->payment_id, 16);
    r = view_update(&view, &scheduled_table, &row);
    if (r) return err_trace(r);
    if (end->payment_id) return 0; /* the payment's own events tell */
    return emit(&view, &row, end->state == SCHEDULED_CANCELLED ? EVENT_SCHEDULED_CANCELLED : EVENT_SCHEDULED_REJECTED);
}

int scheduled_put_off(struct work *work, const uint8_t scheduled_id[16], int64_t due_ms, bool attempted) {
    struct view view = view_of(work, "payments");
    struct scheduled_row row;
    int r = get_pending(work, scheduled_id, &row);
    if (r) return r;
    row.due_ms = due_ms;
    row.attempts += attempted;
    return err_trace(view_update(&view, &scheduled_table, &row));
}
