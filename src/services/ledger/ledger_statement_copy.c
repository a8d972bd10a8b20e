/* ledger_statement_copy.c - the rows of the copy, and the decisions that make it. */
#include "services/ledger/ledger_statement.h"

#include "engine/engine.h"

static const struct column statement_columns[] = {
    COLUMN(struct ledger_statement_row, account, I64),
    COLUMN(struct ledger_statement_row, sequence, I64),
    COLUMN(struct ledger_statement_row, number, I64),
    COLUMN(struct ledger_statement_row, transaction, I64),
    COLUMN(struct ledger_statement_row, side, I64),
    COLUMN(struct ledger_statement_row, currency, I64),
    COLUMN(struct ledger_statement_row, amount_minor, I64),
    COLUMN(struct ledger_statement_row, balance_after_minor, I64),
    COLUMN(struct ledger_statement_row, booked_ms, I64),
    COLUMN(struct ledger_statement_row, value_day, I64),
    COLUMN(struct ledger_statement_row, payment_id, ID),
};
static const struct table_index statement_indexes[] = {
    { .name = "", .columns = { 0, 1 }, .column_count = 2, .unique = true }
};
const struct table ledger_statement_table = {
    .service = "ledger",
    .name = "statement",
    .row_bytes = sizeof(struct ledger_statement_row),
    .columns = statement_columns,
    .column_count = ARRAY_COUNT(statement_columns),
    .indexes = statement_indexes,
    .index_count = ARRAY_COUNT(statement_indexes),
};

static const struct column mark_columns[] = {
    COLUMN(struct ledger_statement_mark_row, part, I64),
    COLUMN(struct ledger_statement_mark_row, number, I64),
    COLUMN(struct ledger_statement_mark_row, clearing, I64),
};
static const struct table_index mark_indexes[] = {
    { .name = "", .columns = { 0 }, .column_count = 1, .unique = true }
};
const struct table ledger_statement_mark_table = {
    .service = "ledger",
    .name = "statement_mark",
    .row_bytes = sizeof(struct ledger_statement_mark_row),
    .columns = mark_columns,
    .column_count = ARRAY_COUNT(mark_columns),
    .indexes = mark_indexes,
    .index_count = ARRAY_COUNT(mark_indexes),
};

struct ledger_statement_row ledger_statement_row_of(const struct ledger_entry_row *entry) {
    struct ledger_statement_row row = { .account = entry->account,
                                        .sequence = entry->sequence,
                                        .number = entry->number,
                                        .transaction = entry->transaction,
                                        .side = entry->side,
                                        .currency = entry->currency,
                                        .amount_minor = entry->amount_minor,
                                        .balance_after_minor = entry->balance_after_minor,
                                        .booked_ms = entry->booked_ms,
                                        .value_day = entry->value_day };
    memcpy(row.payment_id, entry->payment_id, 16);
    return row;
}

void ledger_statement_want_mark(struct work *work) {
    struct ledger_statement_mark_row probe = { 0 };
    work_want(work, &ledger_statement_mark_table, 0, &probe);
}

/* The mark as it stands (zeros when there is none yet). */
static int mark_get(const struct view *view, struct ledger_statement_mark_row *ret_mark, bool *ret_there) {
    struct ledger_statement_mark_row none = { 0 };
    const void *found;
    int r = view_get(view, &ledger_statement_mark_table, &none, &found);
    if (r) return r;
    *ret_mark = found ? *(const struct ledger_statement_mark_row *)found : none;
    *ret_there = found != NULL;
    return 0;
}

static int mark_put(const struct view *view, const struct ledger_statement_mark_row *mark, bool there) {
    return err_trace(there ? view_update(view, &ledger_statement_mark_table, mark)
                           : view_insert(view, &ledger_statement_mark_table, mark));
}

int ledger_statement_copy(struct work *work, const struct ledger_statement_portion *portion) {
    struct view view = view_of(work, "ledger");
    struct ledger_statement_mark_row mark;
    bool there;
    check(portion->count <= LEDGER_STATEMENT_COPY_MAX && portion->mark >= portion->after);
    int r = mark_get(&view, &mark, &there);
    if (r) return r;
    if (mark.number != portion->after || mark.clearing) return LEDGER_STATEMENT_COPY_E_MARK;
    for (size_t i = 0; i < portion->count; i++) {
        r = view_insert(&view, &ledger_statement_table, &portion->rows[i]);
        if (r) return err_trace(r);
    }
    mark.number = portion->mark;
    return mark_put(&view, &mark, there);
}

int ledger_statement_clear(struct work *work) {
    struct view view = view_of(work, "ledger");
    struct ledger_statement_mark_row mark;
    bool there;
    int r = mark_get(&view, &mark, &there);
    if (r) return r;
    mark.number = 0;
    mark.clearing = 1;
    return mark_put(&view, &mark, there);
}

int ledger_statement_drop(struct work *work, const struct ledger_statement_row *rows, size_t count) {
    struct view view = view_of(work, "ledger");
    struct ledger_statement_mark_row mark;
    bool there;
    int r = mark_get(&view, &mark, &there);
    if (r) return r;
    if (!mark.clearing) return LEDGER_STATEMENT_COPY_E_MARK;
    bool needs = false;
    for (size_t i = 0; i < count; i++) {
        const void *found;
        r = view_get(&view, &ledger_statement_table, &rows[i], &found);
        needs = needs || r == VIEW_NEED;
        if (r == 0 && !needs && found) r = view_delete(&view, &ledger_statement_table, found);
        if (r < 0) return err_trace(r);
    }
    if (needs) return VIEW_NEED;
    mark.clearing = count > 0;
    return mark_put(&view, &mark, there);
}
