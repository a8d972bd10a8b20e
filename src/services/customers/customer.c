#include "services/customers/customer.h"

static const struct column columns[] = {
    COLUMN(struct customer_row, customer_id, ID),
    COLUMN_VAR(struct customer_row, login, TEXT, CUSTOMER_LOGIN_BYTES_MAX),
    COLUMN_VAR(struct customer_row, name, TEXT, CUSTOMER_NAME_BYTES_MAX),
    COLUMN_VAR(struct customer_row, password, TEXT, 256),
    COLUMN_VAR(struct customer_row, totp_secret, BLOB, 64),
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
    .service = "customers", .name = "customer", .row_bytes = sizeof(struct customer_row), .columns = columns,
    .column_count = ARRAY_COUNT(columns), .indexes = indexes, .index_count = ARRAY_COUNT(indexes),
};
