/* ledger_statement_verify.c - the copy against the entries. */
#include "services/ledger/ledger_statement.h"

#include "engine/row_stream.h"

#define X(code, name) [code] = name,
static const char *const finding_names[LEDGER_STATEMENT_FINDING_KIND_COUNT] = { LEDGER_STATEMENT_FINDING_MAP(X) };
#undef X

const char *ledger_statement_finding_name(enum ledger_statement_finding_kind kind) {
    check(kind < LEDGER_STATEMENT_FINDING_KIND_COUNT);
    return finding_names[kind];
}

struct verify {
    struct reader *reader;
    struct ledger_statement_check check;
    uint64_t copy_sum, entry_sum; /* modulo 2^64: they are compared for equality only */
    int64_t entries;              /* up to the watermark */
    struct arena arena;           /* of one look-up */
    struct row_stream rows;
};

static void find(struct verify *verify, enum ledger_statement_finding_kind kind, int64_t number, int64_t wanted,
                 int64_t found) {
    if (verify->check.finding_count++) return;
    verify->check.first = kind;
    verify->check.number = number;
    verify->check.wanted = wanted;
    verify->check.found = found;
}

static uint64_t signed_amount(int64_t side, int64_t amount_minor) {
    return side == LEDGER_CREDIT ? (uint64_t)amount_minor : -(uint64_t)amount_minor;
}

static int judge_copied(struct verify *verify, const struct ledger_statement_row *row) {
    struct ledger_entry_row probe = { .number = row->number };
    const void *found;
    arena_reset(&verify->arena);
    int r = read_row(verify->reader, &ledger_entry_table, 0, &probe, &verify->arena, &found);
    if (r) return err_trace(r);
    verify->check.rows++;
    verify->copy_sum += signed_amount(row->side, row->amount_minor);
    if (row->number > verify->check.mark)
        find(verify, LEDGER_STATEMENT_FINDING_ABOVE, row->number, verify->check.mark, row->number);
    struct ledger_statement_row want = { 0 };
    if (found) want = ledger_statement_row_of(found);
    if (!found || !table_rows_equal(&ledger_statement_table, &want, row))
        find(verify, LEDGER_STATEMENT_FINDING_DIFFERS, row->number, want.sequence, row->sequence);
    return 0;
}

static int copy_walk(struct verify *verify) {
    const void *row = NULL;
    int r = row_stream_open(&verify->rows, verify->reader, &ledger_statement_table);
    while (!r && (r = row_stream_next(&verify->rows, &row)) == 0 && row) r = judge_copied(verify, row);
    row_stream_release(&verify->rows);
    return err_trace(r);
}

static int entries_walk(struct verify *verify) {
    const void *row = NULL;
    int r = row_stream_open(&verify->rows, verify->reader, &ledger_entry_table);
    while (!r && (r = row_stream_next(&verify->rows, &row)) == 0 && row) {
        const struct ledger_entry_row *entry = row;
        if (entry->number > verify->check.mark) break;
        verify->entries++;
        verify->entry_sum += signed_amount(entry->side, entry->amount_minor);
    }
    row_stream_release(&verify->rows);
    return err_trace(r);
}

static int compare(struct verify *verify) {
    int r = copy_walk(verify);
    if (!r) r = entries_walk(verify);
    if (r) return err_trace(r);
    if (verify->entries != verify->check.rows)
        find(verify, LEDGER_STATEMENT_FINDING_COUNT, 0, verify->entries, verify->check.rows);
    if (verify->entry_sum != verify->copy_sum)
        find(verify, LEDGER_STATEMENT_FINDING_SUM, 0, (int64_t)verify->entry_sum, (int64_t)verify->copy_sum);
    return 0;
}

int ledger_statement_verify(struct reader *reader, struct ledger_statement_check *ret_check) {
    struct ledger_statement_mark_row probe = { 0 };
    const void *found;
    struct verify *verify = calloc(1, sizeof *verify);
    if (!verify) return err_origin(-ENOMEM);
    verify->reader = reader;
    int r = arena_init(&verify->arena, 4096, ROW_STREAM_PAGE_BYTES);
    if (!r) r = read_row(reader, &ledger_statement_mark_table, 0, &probe, &verify->arena, &found);
    if (!r && found) {
        const struct ledger_statement_mark_row *mark = found;
        verify->check.mark = mark->number;
        verify->check.clearing = mark->clearing != 0;
    }
    if (!r && !verify->check.clearing) r = compare(verify);
    if (!r) *ret_check = verify->check;
    arena_release(&verify->arena);
    free(verify);
    return err_trace(r);
}
