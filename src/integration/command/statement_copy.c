#include "integration/command/statement_copy.h"

#include "integration/command/command_codec.h"
#include "integration/command/command_run.h"
#include "services/ledger/ledger_statement.h"

enum { COPY_ROWS_MAX = LEDGER_STATEMENT_COPY_MAX + 1 /* the watermark */ };
static_assert(COPY_ROWS_MAX <= (int)ENGINE_BULK_ROWS_MAX && LEDGER_STATEMENT_COPY_MAX <= (int)STORE_RANGE_ROWS_MAX,
              "one read, one command");

static void mark_needs(struct work *work, const struct command *command) {
    (void)command;
    ledger_statement_want_mark(work);
}

static int copy_decide(struct work *work, struct command *command) {
    return ledger_statement_copy(work, command->input);
}
static const struct command_kind statement_copy_kind = {
    .name = "statement_copy", .needs = mark_needs, .decide = copy_decide, .rows_max = COPY_ROWS_MAX
};

static int drop_decide(struct work *work, struct command *command) {
    const struct ledger_statement_portion *portion = command->input;
    return ledger_statement_drop(work, portion->rows, portion->count);
}
static const struct command_kind statement_drop_kind = {
    .name = "statement_drop", .needs = mark_needs, .decide = drop_decide, .rows_max = COPY_ROWS_MAX
};

static int rebuild_decide(struct work *work, struct command *command) {
    (void)command;
    return ledger_statement_clear(work);
}
static const struct command_kind statement_rebuild_kind = { .name = "statement_rebuild",
                                                            .needs = mark_needs,
                                                            .decide = rebuild_decide };

/* It has no input, and an arena gives no nothing. */
const struct command_form statement_rebuild_form = { .kind = &statement_rebuild_kind, .input_bytes = 1 };

int command_statement_rebuild(struct integration *integration, struct command_call *call) {
    return command_run(integration, call, &statement_rebuild_kind, NULL);
}

static int add_entry(void *ctx, const void *row) {
    struct ledger_statement_portion *portion = ctx;
    const struct ledger_entry_row *entry = row;
    portion->rows[portion->count++] = ledger_statement_row_of(entry);
    portion->mark = entry->number;
    return 0;
}

static int add_old(void *ctx, const void *row) {
    struct ledger_statement_portion *portion = ctx;
    portion->rows[portion->count++] = *(const struct ledger_statement_row *)row;
    return 0;
}

/* By account and sequence: neighbours in the copy are written together. */
static int by_key(const void *left, const void *right) {
    const struct ledger_statement_row *a = left, *b = right;
    if (a->account != b->account) return a->account < b->account ? -1 : 1;
    return a->sequence < b->sequence ? -1 : a->sequence > b->sequence;
}

/* What comes next, from one snapshot. */
static int portion_read(struct reader *reader, struct arena *arena, struct ledger_statement_portion *portion,
                        bool *ret_clearing) {
    struct ledger_statement_mark_row probe = { 0 };
    const void *found;
    int r = read_row(reader, &ledger_statement_mark_table, 0, &probe, arena, &found);
    if (r) return err_trace(r);
    const struct ledger_statement_mark_row *mark = found;
    struct ledger_entry_row after = { .number = mark ? mark->number : 0 };
    struct store_range entries = {
        .table = &ledger_entry_table, .row = &after, .bounded = true, .limit = LEDGER_STATEMENT_COPY_MAX
    };
    struct store_range old = { .table = &ledger_statement_table, .limit = LEDGER_STATEMENT_COPY_MAX };
    bool clearing = mark && mark->clearing;
    portion->after = portion->mark = after.number;
    portion->rows = arena_new_array(arena, struct ledger_statement_row, LEDGER_STATEMENT_COPY_MAX);
    if (!portion->rows) return err_origin(-ENOMEM);
    r = clearing ? read_range(reader, &old, arena, add_old, portion)
                 : read_range(reader, &entries, arena, add_entry, portion);
    *ret_clearing = clearing;
    return err_trace(r);
}

int statement_copy_run(void *ctx, struct integration *integration, struct reader *reader, struct arena *arena) {
    struct ledger_statement_portion portion = { .count = 0 };
    bool clearing = false;
    (void)ctx;
    int r = read_begin(reader);
    if (r) return err_trace(r);
    r = portion_read(reader, arena, &portion, &clearing);
    read_end(reader);
    if (r) return err_trace(r);
    if (!clearing && !portion.count) return 0;
    qsort(portion.rows, portion.count, sizeof portion.rows[0], by_key);
    r = command_run_program(integration, clearing ? &statement_drop_kind : &statement_copy_kind, &portion);
    if (r < 0) return err_trace(r);
    return r || clearing ||
           portion.count == LEDGER_STATEMENT_COPY_MAX; /* a refusal: the copy is begun anew meanwhile */
}
