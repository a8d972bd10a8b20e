/* statement_copy_test.c - s1..s4 of services/ledger/ledger_statement.h: whatever the copy holds, a read says what the
 * entries say; the proof finds what is wrong with it; it is made anew beside reads. */
#include "integration/command/statement_copy.h"

#include "integration/bank_test_world.h"
#include "integration/books.h"
#include "integration/command/command_run.h"
#include "services/ledger/ledger_statement.h"

enum { LINES_MAX = 4096, STEP_MS = 60000, ROUNDS = 7 };

struct fixture {
    struct bank bank;
    struct bank_account rich, poor;
    struct reader reader;
    struct arena arena;
    struct ledger_statement_row lines[LINES_MAX];
    size_t count;
};

static int decide_on_thread(struct fixture *fixture, int (*decide)(struct work *work, void *input), void *input) {
    struct test_decision decision = { .decide = decide, .input = input };
    return command_run_program(&fixture->bank.integration, &test_decision_kind, &decision);
}

static int setup(void **state) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->rich.fund_minor = 1000000;
    bank_open(&fixture->bank, &store_memory_ops, "statement_copy_test");
    bank_account_open(&fixture->bank, &fixture->rich);
    bank_account_open(&fixture->bank, &fixture->poor);
    assert_int_equal(arena_init(&fixture->arena, 4096, 64 << 20), 0);
    assert_int_equal(reader_open(fixture->bank.world.store, &fixture->reader), 0);
    assert_int_equal(engine_start(fixture->bank.world.engine), 0); /* the job waits for its commands */
    *state = fixture;
    return 0;
}
static int teardown(void **state) {
    struct fixture *fixture = *state;
    reader_close(&fixture->reader);
    arena_release(&fixture->arena);
    bank_shut(&fixture->bank);
    store_memory_forget("statement_copy_test");
    free(fixture);
    return 0;
}

/* One transfer of `amount` from rich to poor, STEP_MS after the one before. */
static int transfer_decide(struct work *work, void *input) {
    const struct ledger_posting *posting = input;
    return ledger_post(work, posting);
}
static void transfers(struct fixture *fixture, int count) {
    for (int i = 0; i < count; i++) {
        struct ledger_posting posting = { .debit_account = fixture->rich.row.number,
                                          .credit_account = fixture->poor.row.number,
                                          .amount = { i + 1, bank_gbp() },
                                          .kind = LEDGER_TRANSFER };
        test_now_ms += STEP_MS;
        assert_int_equal(decide_on_thread(fixture, transfer_decide, &posting), 0);
    }
}

static int run_job(struct fixture *fixture) {
    arena_reset(&fixture->arena);
    return statement_copy_run(NULL, &fixture->bank.integration, &fixture->reader, &fixture->arena);
}
static void copy_all(struct fixture *fixture) {
    while (run_job(fixture) == 1) {
    }
}

static int keep_line(void *ctx, const struct ledger_statement_row *row) {
    struct fixture *fixture = ctx;
    assert_true(fixture->count < LINES_MAX);
    fixture->lines[fixture->count++] = *row;
    return 0;
}

/* What the entries themselves say, by walking them all. */
struct truth {
    struct fixture *fixture;
    int64_t account;
    struct ledger_statement_row lines[LINES_MAX];
    size_t count;
};
static int keep_truth(void *ctx, const void *row) {
    struct truth *truth = ctx;
    const struct ledger_entry_row *entry = row;
    if (entry->account == truth->account) truth->lines[truth->count++] = ledger_statement_row_of(entry);
    return 0;
}

/* All ranges, both ways, small limits and large ones: each equals what the entries say. */
static void compare_ranges(struct fixture *fixture, const struct ledger_statement *statement,
                           const struct truth *truth) {
    int64_t n = (int64_t)truth->count;
    const int64_t bounds[] = { 0, 1, 2, n / 2, n - 1, n, n + 1 }, limits[] = { 1, 2, 3, INT64_MAX };
    for (size_t f = 0; f < ARRAY_COUNT(bounds); f++)
        for (size_t l = 0; l < ARRAY_COUNT(bounds); l++)
            for (size_t k = 0; k < ARRAY_COUNT(limits) * 2; k++) {
                struct ledger_statement_range range = {
                    .first = bounds[f], .last = bounds[l], .limit = limits[k / 2], .descending = k % 2
                };
                fixture->count = 0;
                assert_int_equal(ledger_statement_walk(statement, &range, keep_line, fixture), 0);
                int64_t first = range.first < 1 ? 1 : range.first, last = range.last > n ? n : range.last;
                int64_t want = last < first ? 0 : last - first + 1;
                if (want > range.limit) want = range.limit;
                assert_int_equal(fixture->count, want);
                for (int64_t i = 0; i < want; i++)
                    assert_true(table_rows_equal(&ledger_statement_table, &fixture->lines[i],
                                                 &truth->lines[range.descending ? last - 1 - i : first - 1 + i]));
            }
}

static void compare_search(const struct ledger_statement *statement, const struct truth *truth) {
    for (size_t i = 0; i <= truth->count; i++) {
        const struct ledger_statement_row *line = i < truth->count ? &truth->lines[i] : NULL;
        const struct ledger_statement_row *before = i ? &truth->lines[i - 1] : NULL;
        int64_t found, minor, number = line ? line->number : before ? before->number + 1 : 1;
        int64_t ms = line ? line->booked_ms : before ? before->booked_ms + 1 : 1;
        assert_int_equal(ledger_statement_find_number(statement, number, &found), 0);
        assert_int_equal(found, i + 1);
        if (before && before->booked_ms == ms) continue;
        assert_int_equal(ledger_statement_find_ms(statement, ms, &found), 0);
        assert_int_equal(found, i + 1);
        assert_int_equal(ledger_statement_balance_at(statement, ms - 1, &minor), 0);
        assert_int_equal(minor, before ? before->balance_after_minor : 0);
    }
}

static void compare(struct fixture *fixture, int64_t account) {
    struct truth *truth = calloc(1, sizeof *truth);
    struct ledger_statement statement;
    struct store_range all = { .table = &ledger_entry_table, .limit = STORE_RANGE_ROWS_MAX };
    *truth = (struct truth){ .fixture = fixture, .account = account };
    arena_reset(&fixture->arena);
    assert_int_equal(read_begin(&fixture->reader), 0);
    assert_int_equal(read_range(&fixture->reader, &all, &fixture->arena, keep_truth, truth), 0);
    assert_int_equal(ledger_statement_open(&fixture->reader, account, &fixture->arena, &statement), 0);
    assert_int_equal(statement.entries, truth->count);
    compare_ranges(fixture, &statement, truth);
    compare_search(&statement, truth);
    read_end(&fixture->reader);
    free(truth);
}
static void compare_all(struct fixture *fixture) {
    compare(fixture, fixture->rich.row.number);
    compare(fixture, fixture->poor.row.number);
    compare(fixture, ledger_internal_number(LEDGER_FUNDING, bank_gbp()));
}

static struct ledger_statement_check proof(struct fixture *fixture) {
    struct ledger_statement_check check;
    assert_int_equal(read_begin(&fixture->reader), 0);
    assert_int_equal(ledger_statement_verify(&fixture->reader, &check), 0);
    read_end(&fixture->reader);
    return check;
}

/* spec: ledger/14 */
static void s1_a_read_is_whole_whatever_is_copied(void **state) {
    struct fixture *fixture = *state;
    compare_all(fixture); /* nothing is copied */
    for (int round = 0; round < ROUNDS; round++) {
        transfers(fixture, round);
        compare_all(fixture); /* a copy and a tail */
        copy_all(fixture);
        compare_all(fixture); /* no tail */
        struct ledger_statement_check check = proof(fixture);
        assert_int_equal(check.finding_count, 0);
        assert_int_equal(check.rows, 2 + 2 * (round * (round + 1) / 2));
    }
    struct ledger_statement statement;
    assert_int_equal(ledger_statement_open(&fixture->reader, 4711, &fixture->arena, &statement),
                     LEDGER_STATEMENT_E_ACCOUNT);
    assert_int_equal(run_job(fixture), 0);
}

/* spec: ledger/14, ledger/64 */
static void s1_a_period_has_opening_and_closing_balance(void **state) {
    struct fixture *fixture = *state;
    int64_t began_ms = test_now_ms;
    transfers(fixture, 6); /* 1..6, each STEP_MS after the other */
    static const struct {
        const char *name;
        int from, to; /* steps */
        int64_t first, last, opening, closing;
    } cases[] = {
        { "all", 0, 100, 1, 6, 0, 21 },          { "before all", -5, 1, 1, 0, 0, 0 },
        { "the third alone", 3, 4, 3, 3, 3, 6 }, { "the end is not in it", 2, 5, 2, 4, 1, 10 },
        { "behind all", 7, 100, 7, 6, 21, 21 },  { "no time at all", 3, 3, 3, 2, 3, 3 },
    };
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
            struct ledger_statement statement;
            struct ledger_statement_period period = { .from_ms = began_ms + (int64_t)cases[i].from * STEP_MS,
                                                      .to_ms = began_ms + (int64_t)cases[i].to * STEP_MS };
            arena_reset(&fixture->arena);
            assert_int_equal(read_begin(&fixture->reader), 0);
            assert_int_equal(
                ledger_statement_open(&fixture->reader, fixture->poor.row.number, &fixture->arena, &statement), 0);
            assert_int_equal(ledger_statement_period(&statement, &period), 0);
            read_end(&fixture->reader);
            if (period.first != cases[i].first || period.last != cases[i].last ||
                period.opening_minor != cases[i].opening || period.closing_minor != cases[i].closing)
                fail_msg("%s: %d..%d, %d to %d", cases[i].name, (int)period.first, (int)period.last,
                         (int)period.opening_minor, (int)period.closing_minor);
        }
        copy_all(fixture);
    }
}

static void s3_the_copy_is_made_anew_beside_reads(void **state) {
    struct fixture *fixture = *state;
    struct command_call call = { .arena = &fixture->arena };
    transfers(fixture, 5);
    copy_all(fixture);
    transfers(fixture, 2);
    assert_int_equal(command_statement_rebuild(&fixture->bank.integration, &call), 0);
    assert_int_equal(call.answer.result, ANSWER_DONE);
    compare_all(fixture); /* what is left of the old copy does not count */
    assert_true(proof(fixture).clearing);
    for (int round = 0; run_job(fixture) == 1; round++) {
        compare_all(fixture);
        assert_true(round < 10);
    }
    struct ledger_statement_check check = proof(fixture);
    assert_false(check.clearing);
    assert_int_equal(check.finding_count, 0);
    assert_int_equal(check.rows, 2 + 2 * 7);
}

static int copy_portion(struct work *work, void *portion) {
    return ledger_statement_copy(work, portion);
}

static void s2_a_portion_is_copied_once(void **state) {
    struct fixture *fixture = *state;
    struct ledger_statement_row row = { .account = 1, .sequence = 99, .number = 99 };
    transfers(fixture, 3);
    copy_all(fixture);
    struct ledger_statement_check before = proof(fixture);
    struct ledger_statement_portion portion = { .after = 0, .mark = before.mark + 1, .rows = &row, .count = 1 };
    assert_int_equal(decide_on_thread(fixture, copy_portion, &portion), LEDGER_STATEMENT_COPY_E_MARK);
    assert_int_equal(proof(fixture).rows, before.rows);
    portion.after = before.mark; /* the twin that is accepted */
    assert_int_equal(decide_on_thread(fixture, copy_portion, &portion), 0);
    assert_int_equal(proof(fixture).rows, before.rows + 1);
}

/* ---- the proof finds what is wrong ---- */

enum damage { DAMAGE_AMOUNT, DAMAGE_ID, DAMAGE_LOST, DAMAGE_EXTRA, DAMAGE_MARK_LOW, DAMAGE_MARK_HIGH, DAMAGE_COUNT };
static const struct {
    const char *name;
    enum ledger_statement_finding_kind want;
} damages[DAMAGE_COUNT] = {
    [DAMAGE_AMOUNT] = { "an amount", LEDGER_STATEMENT_FINDING_DIFFERS },
    [DAMAGE_ID] = { "a payment's id", LEDGER_STATEMENT_FINDING_DIFFERS },
    [DAMAGE_LOST] = { "a line that is gone", LEDGER_STATEMENT_FINDING_COUNT },
    [DAMAGE_EXTRA] = { "a line without an entry", LEDGER_STATEMENT_FINDING_DIFFERS },
    [DAMAGE_MARK_LOW] = { "a watermark that is too low", LEDGER_STATEMENT_FINDING_ABOVE },
    [DAMAGE_MARK_HIGH] = { "a watermark that is too high", LEDGER_STATEMENT_FINDING_COUNT },
};

struct damaging {
    enum damage damage;
    int64_t account;
};
static int damage_decide(struct work *work, void *input) {
    const struct damaging *damaging = input;
    struct view view = view_of(work, "ledger");
    struct ledger_statement_row probe = { .account = damaging->account, .sequence = 2 };
    struct ledger_statement_mark_row none = { 0 };
    const void *found, *found_mark;
    int r = view_get(&view, &ledger_statement_table, &probe, &found);
    int second = view_get(&view, &ledger_statement_mark_table, &none, &found_mark);
    if (r || second) return r ? r : second;
    struct ledger_statement_row row = *(const struct ledger_statement_row *)found;
    struct ledger_statement_mark_row mark = *(const struct ledger_statement_mark_row *)found_mark;
    switch (damaging->damage) {
    case DAMAGE_AMOUNT:
        row.amount_minor++;
        return view_update(&view, &ledger_statement_table, &row);
    case DAMAGE_ID:
        row.payment_id[3] ^= 1;
        return view_update(&view, &ledger_statement_table, &row);
    case DAMAGE_LOST:
        return view_delete(&view, &ledger_statement_table, &row);
    case DAMAGE_EXTRA:
        row.sequence = 4000;
        return view_insert(&view, &ledger_statement_table, &row);
    case DAMAGE_MARK_LOW:
        mark.number--;
        return view_update(&view, &ledger_statement_mark_table, &mark);
    case DAMAGE_MARK_HIGH:
        mark.number += 2; /* over the transfer that comes */
        return view_update(&view, &ledger_statement_mark_table, &mark);
    case DAMAGE_COUNT:
        break;
    }
    return -EINVAL;
}

static void s2_the_proof_finds_what_is_wrong(void **state) {
    struct fixture *fixture = *state;
    struct books_result *books = calloc(1, sizeof *books);
    struct command_call call = { .arena = &fixture->arena };
    transfers(fixture, 3);
    copy_all(fixture);
    assert_int_equal(proof(fixture).finding_count, 0);
    for (int damage = 0; damage < DAMAGE_COUNT; damage++) {
        struct damaging which = { (enum damage)damage, fixture->rich.row.number };
        assert_int_equal(decide_on_thread(fixture, damage_decide, &which), 0);
        if (which.damage == DAMAGE_MARK_HIGH) transfers(fixture, 1);
        struct ledger_statement_check check = proof(fixture);
        if (!check.finding_count || check.first != damages[damage].want)
            fail_msg("%s: %s", damages[damage].name, ledger_statement_finding_name(check.first));
        assert_int_equal(books_verify(&fixture->reader, books), 0);
        assert_false(books_is_clean(books));
        assert_int_equal(command_statement_rebuild(&fixture->bank.integration, &call), 0); /* and it is put right */
        copy_all(fixture);
        assert_int_equal(proof(fixture).finding_count, 0);
        assert_int_equal(books_verify(&fixture->reader, books), 0);
        assert_true(books_is_clean(books));
    }
    free(books);
}

#define STATEMENT_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        STATEMENT_TEST(s1_a_read_is_whole_whatever_is_copied),
        STATEMENT_TEST(s1_a_period_has_opening_and_closing_balance),
        STATEMENT_TEST(s2_a_portion_is_copied_once),
        STATEMENT_TEST(s2_the_proof_finds_what_is_wrong),
        STATEMENT_TEST(s3_the_copy_is_made_anew_beside_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
