#include "services/payments/payment_file.h"

#include "engine/engine.h"

#define X(code, name) [code] = name,
static const char *const state_names[PAYMENT_FILE_STATE_COUNT] = { PAYMENT_FILE_STATE_MAP(X) };
#undef X

const char *payment_file_state_name(enum payment_file_state state) {
    check(state < PAYMENT_FILE_STATE_COUNT);
    return state_names[state];
}

static const struct column file_columns[] = {
    COLUMN(struct payment_file_row, file_id, ID),
    COLUMN(struct payment_file_row, state, I64),
    COLUMN(struct payment_file_row, due_ms, I64),
    COLUMN(struct payment_file_row, client_id, ID),
    COLUMN(struct payment_file_row, customer_id, ID),
    COLUMN(struct payment_file_row, consent_id, ID),
    COLUMN(struct payment_file_row, debtor_account_id, ID),
    COLUMN(struct payment_file_row, file_hash, HASH),
    COLUMN_PERSONAL(struct payment_file_row, reference, TEXT, PAYMENT_FILE_REFERENCE_BYTES_MAX),
    COLUMN(struct payment_file_row, currency, I64),
    COLUMN(struct payment_file_row, item_count, I64),
    COLUMN(struct payment_file_row, control_sum_minor, I64),
    COLUMN(struct payment_file_row, due_day, I64),
    COLUMN(struct payment_file_row, done, I64),
    COLUMN(struct payment_file_row, accepted, I64),
    COLUMN(struct payment_file_row, rejected, I64),
    COLUMN(struct payment_file_row, through, I64),
    COLUMN(struct payment_file_row, accepted_minor, I64),
    COLUMN(struct payment_file_row, created_ms, I64),
    COLUMN(struct payment_file_row, ended_ms, I64),
};
static const struct table_index file_indexes[] = {
    { .name = "", .columns = { 0 }, .column_count = 1, .unique = true },
    { .name = "due", .columns = { 1, 2, 0 }, .column_count = 3 },
};
const struct table payment_file_table = {
    .service = "payments",
    .name = "file",
    .row_bytes = sizeof(struct payment_file_row),
    .columns = file_columns,
    .column_count = ARRAY_COUNT(file_columns),
    .indexes = file_indexes,
    .index_count = ARRAY_COUNT(file_indexes),
};

static const struct table_index item_indexes[] = {
    { .name = "", .columns = { 0, 1 }, .column_count = 2, .unique = true },
};
static const struct column item_columns[] = {
    COLUMN(struct payment_file_item_row, file_id, ID),
    COLUMN(struct payment_file_item_row, number, I64),
    PAYMENT_TERMS_COLUMNS(struct payment_file_item_row),
};
const struct table payment_file_item_table = {
    .service = "payments",
    .name = "file_item",
    .row_bytes = sizeof(struct payment_file_item_row),
    .columns = item_columns,
    .column_count = ARRAY_COUNT(item_columns),
    .indexes = item_indexes,
    .index_count = ARRAY_COUNT(item_indexes),
    .append_only = true,
};

static const struct column result_columns[] = {
    COLUMN(struct payment_file_result_row, file_id, ID),
    COLUMN(struct payment_file_result_row, number, I64),
    COLUMN(struct payment_file_result_row, payment_id, ID),
    COLUMN_VAR(struct payment_file_result_row, reason, TEXT, SCHEDULED_REASON_BYTES_MAX),
    COLUMN(struct payment_file_result_row, at_ms, I64),
};
const struct table payment_file_result_table = {
    .service = "payments",
    .name = "file_result",
    .row_bytes = sizeof(struct payment_file_result_row),
    .columns = result_columns,
    .column_count = ARRAY_COUNT(result_columns),
    .indexes = item_indexes, /* the same key */
    .index_count = ARRAY_COUNT(item_indexes),
    .append_only = true,
};

void payment_file_want(struct work *work, const uint8_t file_id[16]) {
    struct payment_file_row probe = { .state = 0 };
    memcpy(probe.file_id, file_id, 16);
    work_want(work, &payment_file_table, 0, &probe);
}

void payment_file_result_want(struct work *work, const uint8_t file_id[16], int64_t number) {
    struct payment_file_result_row probe = { .number = number };
    memcpy(probe.file_id, file_id, 16);
    work_want(work, &payment_file_result_table, 0, &probe);
}

int payment_file_get(struct work *work, const uint8_t file_id[16], const struct payment_file_row **ret_row) {
    struct view view = view_of(work, "payments");
    struct payment_file_row probe = { .state = 0 };
    const void *found;
    memcpy(probe.file_id, file_id, 16);
    int r = view_get(&view, &payment_file_table, &probe, &found);
    if (!r) *ret_row = found;
    return r;
}

static int emit(const struct view *view, const struct payment_file_row *file, enum event_type type) {
    struct event event = { .type = type, .payment_type = PAYMENT_FILE };
    struct payment_terms terms = { .currency = file->currency, .amount_minor = file->control_sum_minor };
    memcpy(event.subject, file->file_id, 16);
    memcpy(terms.client_id, file->client_id, 16);
    memcpy(terms.customer_id, file->customer_id, 16);
    memcpy(terms.consent_id, file->consent_id, 16);
    memcpy(terms.debtor_account_id, file->debtor_account_id, 16);
    return payment_terms_event(view, &terms, event);
}

int payment_file_create(struct work *work, struct payment_file_row *file) {
    struct view view = view_of(work, "payments");
    view_new_id(&view, file->file_id);
    file->state = PAYMENT_FILE_ACCEPTED;
    file->created_ms = view_now_ms(&view);
    int r = view_insert(&view, &payment_file_table, file);
    return r ? err_trace(r) : emit(&view, file, EVENT_FILE_ACCEPTED);
}

int payment_file_item_add(struct work *work, const struct payment_file_item_row *item) {
    struct view view = view_of(work, "payments");
    return err_trace(view_insert(&view, &payment_file_item_table, item));
}

static int emit_rejected(const struct view *view, const struct payment_file_item_row *item) {
    struct event event = { .type = EVENT_SCHEDULED_REJECTED,
                           .payment_type = PAYMENT_FILE,
                           .status = PAYMENT_REJECTED,
                           .reason = PAYMENT_REASON_NOT_ACCEPTED };
    memcpy(event.subject, item->file_id, 16);
    return payment_terms_event(view, &item->terms, event);
}

int payment_file_has_result(struct work *work, const struct payment_file_item_row *item, bool *ret_has) {
    struct view view = view_of(work, "payments");
    struct payment_file_result_row probe = { .number = item->number };
    const void *found;
    memcpy(probe.file_id, item->file_id, 16);
    int r = view_get(&view, &payment_file_result_table, &probe, &found);
    if (!r) *ret_has = found != NULL;
    return r;
}

int payment_file_ran(struct work *work, const struct payment_file_item_row *item,
                     struct payment_file_result_row *result, int64_t through) {
    struct view view = view_of(work, "payments");
    const struct payment_file_row *old;
    int r = payment_file_get(work, item->file_id, &old);
    if (r) return r;
    check(old && old->done < old->item_count); /* B2: the item had no result */
    memcpy(result->file_id, item->file_id, 16);
    result->number = item->number;
    struct payment_file_row file = *old;
    result->at_ms = view_now_ms(&view);
    file.done++;
    if (through > file.through) file.through = through;
    if (result->reason.len) {
        file.rejected++;
    } else {
        file.accepted++;
        file.accepted_minor += item->terms.amount_minor; /* the control sum was checked to fit */
    }
    if (file.done == file.item_count) {
        file.state = PAYMENT_FILE_COMPLETED;
        file.ended_ms = result->at_ms;
    }
    r = view_insert(&view, &payment_file_result_table, result);
    if (!r) r = view_update(&view, &payment_file_table, &file);
    if (!r && id_is_zero(result->payment_id)) r = emit_rejected(&view, item);
    if (!r && file.state == PAYMENT_FILE_COMPLETED) r = emit(&view, &file, EVENT_FILE_COMPLETED);
    return err_trace(r);
}
