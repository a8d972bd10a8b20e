#include "services/ledger/ledger_statement.h"

enum {
    PAGE_ROWS = STORE_RANGE_ROWS_MAX,
    PAGE_BLOCK_BYTES = 64 * 1024,
    PAGE_BYTES_MAX = 16 * 1024 * 1024, /* PAGE_ROWS rows with room to spare */
};

static int keep_row(void *ctx, const void *row) {
    *(const void **)ctx = row;
    return 0;
}

/* How many of the account's entries the copy holds: the sequence of its last row. */
static int copied_of(struct ledger_statement *statement, struct arena *arena) {
    struct ledger_statement_row probe = { .account = statement->account };
    const void *found = NULL;
    struct store_range range = {
        .table = &ledger_statement_table, .row = &probe, .equal_columns = 1, .descending = true, .limit = 1
    };
    int r = read_range(statement->reader, &range, arena, keep_row, &found);
    if (!r && found) statement->copied = ((const struct ledger_statement_row *)found)->sequence;
    return err_trace(r);
}

int ledger_statement_open(struct reader *reader, int64_t account, struct arena *arena,
                          struct ledger_statement *ret_statement) {
    struct ledger_account_row account_probe = { .number = account };
    struct ledger_statement_mark_row mark_probe = { 0 };
    struct ledger_statement statement = { .reader = reader, .account = account };
    const void *found, *found_mark;
    int r = read_row(reader, &ledger_account_table, 0, &account_probe, arena, &found);
    if (!r && !found) return LEDGER_STATEMENT_E_ACCOUNT;
    if (!r) r = read_row(reader, &ledger_statement_mark_table, 0, &mark_probe, arena, &found_mark);
    if (r) return err_trace(r);
    const struct ledger_account_row *row = found;
    const struct ledger_statement_mark_row *mark = found_mark;
    statement.entries = row->entry_count;
    statement.currency = row->currency;
    if (mark && !mark->clearing) {
        statement.mark = mark->number;
        r = copied_of(&statement, arena);
    }
    if (r) return err_trace(r);
    *ret_statement = statement;
    return 0;
}

/* ---- walking ---- */

struct walk {
    const struct ledger_statement *statement;
    struct ledger_statement_range range; /* clamped */
    int (*each)(void *ctx, const struct ledger_statement_row *row);
    void *ctx;
    int64_t given, seen; /* seen: entries of the account met in the tail */
    struct arena page;
    size_t rows; /* of the page */
    struct ledger_statement_row copy_probe;
    struct ledger_entry_row entry_probe;
    bool over;
    int result; /* what each returned */
};

static int64_t tail_count(const struct walk *walk) {
    return walk->statement->entries - walk->statement->copied;
}

static void give(struct walk *walk, const struct ledger_statement_row *row) {
    const struct ledger_statement_range *range = &walk->range;
    if (row->sequence < range->first || row->sequence > range->last) return;
    walk->result = walk->each(walk->ctx, row);
    walk->over = walk->result != 0 || ++walk->given == range->limit;
}

static int take_copied(void *ctx, const void *row) {
    struct walk *walk = ctx;
    const struct ledger_statement_row *line = row;
    walk->rows++;
    walk->copy_probe.sequence = line->sequence;
    give(walk, line);
    if (walk->range.descending ? line->sequence <= walk->range.first : line->sequence >= walk->range.last)
        walk->over = true;
    return walk->over;
}

static int take_entry(void *ctx, const void *row) {
    struct walk *walk = ctx;
    const struct ledger_entry_row *entry = row;
    walk->rows++;
    walk->entry_probe.number = entry->number;
    if (entry->number <= walk->statement->mark) return 1; /* walking down: the copy has the rest */
    if (entry->account != walk->statement->account) return 0;
    struct ledger_statement_row line = ledger_statement_row_of(entry);
    walk->seen++;
    give(walk, &line);
    return walk->over || walk->seen == tail_count(walk);
}

/* Page after page, until take has enough or the table ends; range->row is moved by take. 0 or <0. */
static int pages(struct walk *walk, struct store_range *range, int (*take)(void *ctx, const void *row)) {
    int r;
    do {
        arena_reset(&walk->page);
        walk->rows = 0;
        r = read_range(walk->statement->reader, range, &walk->page, take, walk);
        range->bounded = true;
    } while (r == 0 && walk->rows == range->limit);
    return r < 0 ? err_trace(r) : 0;
}

static int copy_walk(struct walk *walk) {
    const struct ledger_statement *statement = walk->statement;
    const struct ledger_statement_range *range = &walk->range;
    if (walk->over || range->first > statement->copied) return 0;
    int64_t last = range->last < statement->copied ? range->last : statement->copied;
    walk->copy_probe = (struct ledger_statement_row){ .account = statement->account,
                                                      .sequence = range->descending ? last + 1 : range->first - 1 };
    int64_t left = range->limit - walk->given;
    struct store_range rows = { .table = &ledger_statement_table,
                                .row = &walk->copy_probe,
                                .equal_columns = 1,
                                .bounded = true,
                                .descending = range->descending,
                                .limit = left < PAGE_ROWS ? (uint32_t)left : PAGE_ROWS };
    return err_trace(pages(walk, &rows, take_copied));
}

static int tail_walk(struct walk *walk) {
    const struct ledger_statement *statement = walk->statement;
    if (walk->over || walk->range.last <= statement->copied || tail_count(walk) <= 0) return 0;
    walk->entry_probe = (struct ledger_entry_row){ .number = statement->mark };
    struct store_range rows = { .table = &ledger_entry_table,
                                .row = &walk->entry_probe,
                                .bounded = !walk->range.descending,
                                .descending = walk->range.descending,
                                .limit = PAGE_ROWS };
    return err_trace(pages(walk, &rows, take_entry));
}

int ledger_statement_walk(const struct ledger_statement *statement, const struct ledger_statement_range *range,
                          int (*each)(void *ctx, const struct ledger_statement_row *row), void *ctx) {
    struct walk walk = { .statement = statement, .range = *range, .each = each, .ctx = ctx };
    check(range->limit >= 1);
    if (walk.range.first < 1) walk.range.first = 1;
    if (walk.range.last > statement->entries) walk.range.last = statement->entries;
    if (walk.range.first > walk.range.last) return 0;
    int r = arena_init(&walk.page, PAGE_BLOCK_BYTES, PAGE_BYTES_MAX);
    if (!r) r = range->descending ? tail_walk(&walk) : copy_walk(&walk);
    if (!r) r = range->descending ? copy_walk(&walk) : tail_walk(&walk);
    arena_release(&walk.page);
    return r ? err_trace(r) : walk.result;
}

/* ---- finding ---- */

static int keep_line(void *ctx, const struct ledger_statement_row *row) {
    *(struct ledger_statement_row *)ctx = *row;
    return 0;
}

/* The line of one sequence in 1..entries. 0, -EBADMSG (it is not where it should be), <0. */
static int line_at(const struct ledger_statement *statement, int64_t sequence, struct ledger_statement_row *ret_line) {
    struct ledger_statement_range range = { .first = sequence, .last = sequence, .limit = 1 };
    struct ledger_statement_row line = { 0 };
    int r = ledger_statement_walk(statement, &range, keep_line, &line);
    if (r) return err_trace(r);
    if (line.sequence != sequence) return err_origin(-EBADMSG);
    *ret_line = line;
    return 0;
}

enum bound { BOUND_NUMBER, BOUND_MS };

static int64_t bound_of(const struct ledger_statement_row *line, enum bound bound) {
    switch (bound) {
    case BOUND_NUMBER:
        return line->number;
    case BOUND_MS:
        break;
    }
    return line->booked_ms;
}

struct search {
    enum bound bound;
    int64_t at_least, found; /* found: a sequence, 0 = none yet */
};

static int look_at_tail(void *ctx, const struct ledger_statement_row *line) {
    struct search *search = ctx;
    if (bound_of(line, search->bound) < search->at_least) return 0;
    search->found = line->sequence;
    return 1;
}

/* In the copy by halves, in the tail one after the other. */
static int search_run(const struct ledger_statement *statement, struct search *search) {
    int64_t low = 1, high = statement->copied + 1; /* the answer stands in low..high */
    while (low < high) {
        struct ledger_statement_row line;
        int64_t middle = low + (high - low) / 2;
        int r = line_at(statement, middle, &line);
        if (r) return err_trace(r);
        if (bound_of(&line, search->bound) >= search->at_least) high = middle;
        else low = middle + 1;
    }
    search->found = low;
    if (low <= statement->copied) return 0;
    struct ledger_statement_range range = { .first = low, .last = statement->entries, .limit = INT64_MAX };
    search->found = statement->entries + 1;
    int r = ledger_statement_walk(statement, &range, look_at_tail, search);
    return r < 0 ? err_trace(r) : 0;
}

int ledger_statement_find_number(const struct ledger_statement *statement, int64_t number, int64_t *ret_sequence) {
    struct search search = { .bound = BOUND_NUMBER, .at_least = number };
    int r = search_run(statement, &search);
    if (!r) *ret_sequence = search.found;
    return err_trace(r);
}

int ledger_statement_find_ms(const struct ledger_statement *statement, int64_t booked_ms, int64_t *ret_sequence) {
    struct search search = { .bound = BOUND_MS, .at_least = booked_ms };
    int r = search_run(statement, &search);
    if (!r) *ret_sequence = search.found;
    return err_trace(r);
}

/* The balance behind the entry before this sequence. */
static int balance_before(const struct ledger_statement *statement, int64_t sequence, int64_t *ret_minor) {
    struct ledger_statement_row line = { .balance_after_minor = 0 };
    int r = sequence > 1 ? line_at(statement, sequence - 1, &line) : 0;
    if (!r) *ret_minor = line.balance_after_minor;
    return err_trace(r);
}

int ledger_statement_balance_at(const struct ledger_statement *statement, int64_t at_ms, int64_t *ret_minor) {
    int64_t behind;
    int r = at_ms == INT64_MAX ? 0 : ledger_statement_find_ms(statement, at_ms + 1, &behind);
    if (at_ms == INT64_MAX) behind = statement->entries + 1;
    return r ? err_trace(r) : err_trace(balance_before(statement, behind, ret_minor));
}

int ledger_statement_period(const struct ledger_statement *statement, struct ledger_statement_period *period) {
    int64_t first, behind, opening, closing;
    int r = ledger_statement_find_ms(statement, period->from_ms, &first);
    if (!r) r = ledger_statement_find_ms(statement, period->to_ms, &behind);
    if (!r && behind < first) behind = first; /* to before from: nothing */
    if (!r) r = balance_before(statement, first, &opening);
    if (!r) r = balance_before(statement, behind, &closing);
    if (r) return err_trace(r);
    period->first = first;
    period->last = behind - 1;
    period->opening_minor = opening;
    period->closing_minor = closing;
    return 0;
}

int ledger_statement_lag(struct reader *reader, struct arena *arena, int64_t *ret_entries) {
    struct ledger_statement_mark_row probe = { 0 };
    const void *mark, *entry = NULL;
    struct store_range newest = { .table = &ledger_entry_table, .descending = true, .limit = 1 };
    int r = read_row(reader, &ledger_statement_mark_table, 0, &probe, arena, &mark);
    if (!r) r = read_range(reader, &newest, arena, keep_row, &entry);
    if (r) return err_trace(r);
    int64_t copied = mark ? ((const struct ledger_statement_mark_row *)mark)->number : 0;
    *ret_entries = entry ? ((const struct ledger_entry_row *)entry)->number - copied : 0;
    return 0;
}
