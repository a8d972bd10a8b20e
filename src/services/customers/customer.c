#include "services/customers/customer.h"

#include "engine/engine.h"

static const struct column columns[] = {
    COLUMN(struct customer_row, customer_id, ID),
    COLUMN_PERSONAL(struct customer_row, login, TEXT, CUSTOMER_LOGIN_BYTES_MAX),
    COLUMN_PERSONAL(struct customer_row, name, TEXT, CUSTOMER_NAME_BYTES_MAX),
    COLUMN_PERSONAL(struct customer_row, password, TEXT, 256),
    COLUMN_PERSONAL(struct customer_row, totp_secret, BLOB, 64),
    COLUMN(struct customer_row, totp_last_step, I64),
    COLUMN(struct customer_row, failed_count, I64),
    COLUMN(struct customer_row, locked_until_ms, I64),
    COLUMN(struct customer_row, created_ms, I64),
};
static const struct table_index indexes[] = {
    { .name = "", .columns = { 0 }, .column_count = 1, .unique = true },
    { .name = "login", .columns = { 1 }, .column_count = 1, .unique = true },
};
const struct table customer_table = {
    .service = "customers",
    .name = "customer",
    .row_bytes = sizeof(struct customer_row),
    .columns = columns,
    .column_count = ARRAY_COUNT(columns),
    .indexes = indexes,
    .index_count = ARRAY_COUNT(indexes),
};

int customer_register(struct work *work, struct customer_row *customer) {
    struct view view = view_of(work, "customers");
    const void *found;
    int r = view_find(&view, &customer_table, CUSTOMER_INDEX_LOGIN, customer, &found);
    if (r) return r;
    if (found) return CUSTOMER_E_EXISTS;
    view_new_id(&view, customer->customer_id);
    customer->created_ms = view_now_ms(&view);
    return err_trace(view_insert(&view, &customer_table, customer));
}

static struct customer_row probe_id(const uint8_t customer_id[16]) {
    struct customer_row probe = { 0 };
    memcpy(probe.customer_id, customer_id, 16);
    return probe;
}

void customer_want(struct work *work, const uint8_t customer_id[16]) {
    struct customer_row probe = probe_id(customer_id);
    work_want(work, &customer_table, 0, &probe);
}

/* The customer as the verdict finds him; a lock that ran out is forgotten with its count. */
static int customer_now(const struct view *view, const uint8_t customer_id[16], struct customer_row *ret_customer) {
    struct customer_row probe = probe_id(customer_id);
    const void *found;
    int r = view_get(view, &customer_table, &probe, &found);
    if (r) return r;
    if (!found) return CUSTOMER_E_ABSENT;
    *ret_customer = *(const struct customer_row *)found;
    if (view_now_ms(view) < ret_customer->locked_until_ms) return CUSTOMER_E_LOCKED;
    if (ret_customer->locked_until_ms) ret_customer->failed_count = ret_customer->locked_until_ms = 0;
    return 0;
}

static int customer_fail(const struct view *view, struct customer_row *customer) {
    customer->failed_count++;
    if (customer->failed_count >= CUSTOMER_FAILURES_MAX)
        customer->locked_until_ms = view_now_ms(view) + CUSTOMER_LOCK_MS;
    int r = view_update(view, &customer_table, customer);
    return r ? err_trace(r) : CUSTOMER_E_WRONG;
}

int customer_judge_password(struct work *work, const uint8_t customer_id[16], bool right) {
    struct view view = view_of(work, "customers");
    struct customer_row customer;
    int r = customer_now(&view, customer_id, &customer);
    if (r) return r;
    return right ? err_trace(view_update(&view, &customer_table, &customer)) : customer_fail(&view, &customer);
}

int customer_judge_code(struct work *work, const uint8_t customer_id[16], bool right, int64_t step) {
    struct view view = view_of(work, "customers");
    struct customer_row customer;
    int r = customer_now(&view, customer_id, &customer);
    if (r) return r;
    if (!right || step <= customer.totp_last_step) return customer_fail(&view, &customer);
    customer.totp_last_step = step;
    customer.failed_count = 0;
    return err_trace(view_update(&view, &customer_table, &customer));
}
