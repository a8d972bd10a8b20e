#include "services/accounts/account.h"

#include "engine/engine.h"

static const struct column columns[] = {
    COLUMN(struct account_row, account_id, ID),
    COLUMN(struct account_row, number, I64),
    COLUMN(struct account_row, customer_id, ID),
    COLUMN(struct account_row, client_id, ID),
    COLUMN_PERSONAL(struct account_row, iban, TEXT, ACCOUNT_IBAN_BYTES_MAX),
    COLUMN_PERSONAL(struct account_row, sort_code, TEXT, 6),
    COLUMN_PERSONAL(struct account_row, account_number, TEXT, ACCOUNT_IBAN_BYTES_MAX),
    COLUMN_PERSONAL(struct account_row, name, TEXT, ACCOUNT_NAME_BYTES_MAX),
    COLUMN(struct account_row, currency, I64),
    COLUMN(struct account_row, product, I64),
    COLUMN(struct account_row, status, I64),
    COLUMN(struct account_row, opened_ms, I64),
};
static const struct table_index indexes[] = {
    { .name = "", .columns = { 0 }, .column_count = 1, .unique = true },
    { .name = "iban", .columns = { 4 }, .column_count = 1, .unique = true },
    { .name = "customer", .columns = { 2, 0 }, .column_count = 2 },
    { .name = "client", .columns = { 3, 0 }, .column_count = 2 },
    { .name = "number", .columns = { 1 }, .column_count = 1, .unique = true },
};
const struct table account_table = {
    .service = "accounts",
    .name = "account",
    .row_bytes = sizeof(struct account_row),
    .columns = columns,
    .column_count = ARRAY_COUNT(columns),
    .indexes = indexes,
    .index_count = ARRAY_COUNT(indexes),
};

static struct account_row probe_id(const uint8_t account_id[16]) {
    struct account_row probe = { 0 };
    memcpy(probe.account_id, account_id, 16);
    return probe;
}

void account_want(struct work *work, const uint8_t account_id[16]) {
    struct account_row probe = probe_id(account_id);
    work_want(work, &account_table, 0, &probe);
}

void account_want_iban(struct work *work, struct str iban) {
    struct account_row probe = { .iban = iban };
    work_want(work, &account_table, ACCOUNT_INDEX_IBAN, &probe);
}

int account_get(struct work *work, const uint8_t account_id[16], const struct account_row **ret_row) {
    struct view view = view_of(work, "accounts");
    struct account_row probe = probe_id(account_id);
    const void *found;
    int r = view_get(&view, &account_table, &probe, &found);
    if (!r) *ret_row = found;
    return r;
}

int account_get_iban(struct work *work, struct str iban, const struct account_row **ret_row) {
    struct view view = view_of(work, "accounts");
    struct account_row probe = { .iban = iban };
    const void *found;
    int r = view_find(&view, &account_table, ACCOUNT_INDEX_IBAN, &probe, &found);
    if (!r) *ret_row = found;
    return r;
}

int account_open(struct work *work, struct account_row *account) {
    struct view view = view_of(work, "accounts");
    if (id_is_zero(account->account_id)) view_new_id(&view, account->account_id);
    account->opened_ms = view_now_ms(&view);
    int r = view_insert(&view, &account_table, account);
    if (r) return err_trace(r);
    struct event event = { .type = EVENT_ACCOUNT_OPENED,
                           .amount = { .currency = { .code = (uint32_t)account->currency } } };
    memcpy(event.subject, account->account_id, 16);
    memcpy(event.account_id.bytes, account->account_id, 16);
    memcpy(event.customer_id.bytes, account->customer_id, 16);
    return view_event(&view, &event);
}

int account_set_status(struct work *work, int64_t number, enum account_status status) {
    struct view view = view_of(work, "accounts");
    struct account_row probe = { .number = number };
    const void *found;
    int r = view_find(&view, &account_table, ACCOUNT_INDEX_NUMBER, &probe, &found);
    if (r || !found) return r;
    struct account_row row = *(const struct account_row *)found;
    row.status = status;
    return err_trace(view_update(&view, &account_table, &row));
}
