/* ledger_statement.h - the entries of one account in order: a read copy made asynchronously, and the tail that it does
 * not hold yet.
 *
 * Entries are written in the order of their numbers and have no index by account: that would be one more random tree on
 * the money path. The copy (table statement) is keyed by account and sequence, made behind a watermark by a job.
 *
 * (S1) a read is the copy plus the tail, the entries above the watermark, in one snapshot: it is complete at every
 * moment, also while the copy is made anew. (S2) the copy holds every entry up to the watermark and none above it, each
 * once and as it stands in the entries. (S3) it is a projection: the chain does not cover it, ledger_statement_clear
 * makes it anew. (S4) the tail holds about as many entries as are booked in the job's period; with more than
 * LEDGER_STATEMENT_TAIL_MAX a read is as complete, but slower (ledger_statement_lag tells).
 * Tests: ledger_statement_test.c, s1..s4. */
#ifndef GIRO_SERVICES_LEDGER_LEDGER_STATEMENT_H
#define GIRO_SERVICES_LEDGER_LEDGER_STATEMENT_H

#include "engine/read.h"
#include "services/ledger/ledger.h"

enum {
    LEDGER_STATEMENT_COPY_MAX = 1000, /* entries of one command of the copy */
    LEDGER_STATEMENT_TAIL_MAX = 20000,
};

/* One line of a statement; what an entry says of itself. */
struct ledger_statement_row {
    int64_t account, sequence;   /* the key */
    int64_t number, transaction; /* of the entry */
    int64_t side, currency, amount_minor, balance_after_minor;
    int64_t booked_ms, value_day; /* value_day: days since 1970 */
    uint8_t payment_id[16];
};
struct ledger_statement_mark_row {
    int64_t part;     /* 0: there is one */
    int64_t number;   /* of the last entry that was copied */
    int64_t clearing; /* 1: what is left of an older copy is being deleted, and nothing of it counts */
};
extern const struct table ledger_statement_table, ledger_statement_mark_table;
struct ledger_statement_row ledger_statement_row_of(const struct ledger_entry_row *entry);

/* ---- reading; the caller has begun a snapshot and ends it ---- */

enum ledger_statement_refusal { LEDGER_STATEMENT_E_NONE, LEDGER_STATEMENT_E_ACCOUNT };
struct ledger_statement {
    struct reader *reader; /* borrowed */
    int64_t account, currency;
    int64_t entries; /* of the account; their sequences are 1..entries */
    int64_t copied;  /* of those, in the copy */
    int64_t mark;    /* the watermark */
};
/* 0; LEDGER_STATEMENT_E_ACCOUNT: there is no such account; <0. arena: for the look-ups. */
int ledger_statement_open(struct reader *reader, int64_t account, struct arena *arena,
                          struct ledger_statement *ret_statement);

struct ledger_statement_range {
    int64_t first, last; /* sequences, both with; clamped to 1..entries */
    bool descending;     /* newest first */
    int64_t limit;       /* >= 1 */
};
/* Calls each for every line until it returns non-zero; a line is valid during its call. 0, <0, or what each returned.
 */
int ledger_statement_walk(const struct ledger_statement *statement, const struct ledger_statement_range *range,
                          int (*each)(void *ctx, const struct ledger_statement_row *row), void *ctx);
/* The first sequence whose entry has at least this number (as booked at or after this instant), entries + 1 when there
 * is none: both rise with the sequence. */
int ledger_statement_find_number(const struct ledger_statement *statement, int64_t number, int64_t *ret_sequence);
int ledger_statement_find_ms(const struct ledger_statement *statement, int64_t booked_ms, int64_t *ret_sequence);
/* The balance after the last entry booked at or before the instant; 0 when there is none. */
int ledger_statement_balance_at(const struct ledger_statement *statement, int64_t at_ms, int64_t *ret_minor);

/* What was booked at from_ms or later and before to_ms. */
struct ledger_statement_period {
    int64_t from_ms, to_ms;
    int64_t first, last; /* sequences; last < first: nothing was booked */
    int64_t opening_minor, closing_minor;
};
/* Fills the rest from from_ms and to_ms. */
int ledger_statement_period(const struct ledger_statement *statement, struct ledger_statement_period *period);

/* Entries that the copy lacks (S4), by their numbers: an upper bound. */
int ledger_statement_lag(struct reader *reader, struct arena *arena, int64_t *ret_entries);

/* ---- making the copy: decisions ---- */

struct ledger_statement_portion {
    int64_t after, mark;               /* the watermark before and behind */
    struct ledger_statement_row *rows; /* at most LEDGER_STATEMENT_COPY_MAX: all entries between the two */
    size_t count;
};
enum ledger_statement_copy_refusal { LEDGER_STATEMENT_COPY_E_NONE, LEDGER_STATEMENT_COPY_E_MARK };
void ledger_statement_want_mark(struct work *work);
/* Adds the rows and moves the watermark. 0; LEDGER_STATEMENT_COPY_E_MARK: it does not stand at `after`, or what was
 * there is being deleted; VIEW_NEED, <0. */
int ledger_statement_copy(struct work *work, const struct ledger_statement_portion *portion);
/* Begins the copy anew: watermark 0, what is there counts no more. 0, VIEW_NEED, <0. */
int ledger_statement_clear(struct work *work);
/* Deletes rows of the old copy; with count 0 the clearing is over. As ledger_statement_copy. */
int ledger_statement_drop(struct work *work, const struct ledger_statement_row *rows, size_t count);

/* ---- proving it ---- */

#define LEDGER_STATEMENT_FINDING_MAP(X)                                                                                \
    X(LEDGER_STATEMENT_FINDING_NONE, "")                                                                               \
    X(LEDGER_STATEMENT_FINDING_DIFFERS, "statement_differs") /* its entry is not there, or says something else */      \
    X(LEDGER_STATEMENT_FINDING_ABOVE, "statement_above_mark")                                                          \
    X(LEDGER_STATEMENT_FINDING_COUNT, "statement_count") /* wanted: entries up to the watermark */                     \
    X(LEDGER_STATEMENT_FINDING_SUM, "statement_sum")     /* credits less debits, over all currencies */
#define X(code, name) code,
enum ledger_statement_finding_kind { LEDGER_STATEMENT_FINDING_MAP(X) LEDGER_STATEMENT_FINDING_KIND_COUNT };
#undef X
const char *ledger_statement_finding_name(enum ledger_statement_finding_kind kind);
struct ledger_statement_check {
    int64_t mark, rows; /* rows: in the copy */
    bool clearing;      /* then nothing is compared: nothing counts */
    int64_t finding_count;
    enum ledger_statement_finding_kind first; /* the first finding; number: of its entry, or 0 */
    int64_t number, wanted, found;
};
/* Compares every row of the copy with its entry, and their count and sum with those of the entries up to the watermark.
 * In a snapshot. 0 whatever was found, <0. */
int ledger_statement_verify(struct reader *reader, struct ledger_statement_check *ret_check);

#endif
