#include "services/insights/report.h"

static const struct column columns[] = {
    COLUMN(struct report_row, day, I64),      COLUMN(struct report_row, type, I64),
    COLUMN(struct report_row, status, I64),   COLUMN(struct report_row, currency, I64),
    COLUMN(struct report_row, payments, I64), COLUMN(struct report_row, amount_minor, I64),
};
static const struct table_index indexes[] = {
    { .name = "", .columns = { 0, 1, 2, 3 }, .column_count = 4, .unique = true }
};
const struct table report_table = {
    .service = "insights",
    .name = "report",
    .row_bytes = sizeof(struct report_row),
    .columns = columns,
    .column_count = ARRAY_COUNT(columns),
    .indexes = indexes,
    .index_count = ARRAY_COUNT(indexes),
};

int report_count(struct work *work, const struct report_row *payment) {
    struct view view = view_of(work, "insights");
    struct report_row row = *payment;
    const void *found;
    int r = view_get(&view, &report_table, &row, &found);
    if (r) return r;
    row.payments = 1;
    if (found) {
        const struct report_row *old = found;
        row.payments = old->payments + 1;
        if (checked_add(old->amount_minor, payment->amount_minor, &row.amount_minor)) row.amount_minor = INT64_MAX;
    }
    return found ? view_update(&view, &report_table, &row) : view_insert(&view, &report_table, &row);
}
