/* books_test.c - a sound bank passes; every kind of damage done behind its back is found and named (h1..h4, v1..v5, o1,
 * o2). The damage is done with SQL on a copy of the file, its triggers taken off and put back as somebody would who
 * hides. */
#include "integration/books.h"

#include "integration/bank_test_world.h"

#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 128, SCHEMA_BYTES_MAX = 16 * 1024 };

struct fixture {
    char folder[PATH_BYTES], path[PATH_BYTES * 2], copy[PATH_BYTES * 2];
    struct bank bank;
    struct store_options options; /* of the copy */
};

static const char *temporary_folder(void) {
    const char *folder = getenv("TMPDIR");
    return folder ? folder : "/tmp";
}

/* Seven payments, one of each fate: completed by the core, on us, refused, rejected for funds, unknown, pending. */
static void bank_fill(struct bank *bank) {
    struct bank_account rich = { .fund_minor = 100000 }, poor = { .fund_minor = 100 };
    bank_account_open(bank, &rich);
    bank_account_open(bank, &poor);
    struct bank_payment payments[] = {
        { .debtor = &rich, .amount_minor = 1000 }, { .debtor = &rich, .creditor = &poor, .amount_minor = 2000 },
        { .debtor = &rich, .amount_minor = 3000 }, { .debtor = &poor, .amount_minor = 1000000 },
        { .debtor = &rich, .amount_minor = 4000 }, { .debtor = &rich, .amount_minor = 5000 },
        { .debtor = &rich, .amount_minor = 600 },
    };
    for (size_t i = 0; i < ARRAY_COUNT(payments); i++) bank_pay(bank, &payments[i]);
    assert_int_equal(bank_core_says(bank, &payments[0], CORE_VERDICT_BOOKED), 0);
    assert_int_equal(bank_core_says(bank, &payments[2], CORE_VERDICT_REFUSED), 0);
    assert_int_equal(bank_core_says(bank, &payments[4], CORE_VERDICT_UNKNOWN), 0);
    assert_int_equal(bank_core_says(bank, &payments[6], CORE_VERDICT_BOOKED), 0);
}

static int fixture_open(void **state) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    size_t count;
    const struct table *const *tables = integration_tables(&count);
    (void)snprintf(fixture->folder, sizeof fixture->folder, "%s/giro-books-XXXXXX", temporary_folder());
    assert_non_null(mkdtemp(fixture->folder));
    (void)snprintf(fixture->path, sizeof fixture->path, "%s/giro.db", fixture->folder);
    (void)snprintf(fixture->copy, sizeof fixture->copy, "%s/copy.db", fixture->folder);
    bank_open(&fixture->bank, &store_sqlite_ops, fixture->path);
    bank_fill(&fixture->bank);
    bank_shut(&fixture->bank);
    fixture->options = (struct store_options){ .ops = &store_sqlite_ops,
                                               .path = fixture->copy,
                                               .migrations = "db/sqlite",
                                               .tables = tables,
                                               .table_count = count };
    *state = fixture;
    return 0;
}

static int fixture_close(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(dir_remove(fixture->folder, NULL), 0);
    free(fixture);
    return 0;
}

static void sql_run(sqlite3 *db, const char *sql) {
    char *why = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK) fail_msg("%s: %s", sql, why);
}

static int keep_text(void *ctx, int count, char **values, char **names) {
    struct buffer *out = ctx;
    (void)names;
    for (int i = 0; i < count; i++) {
        buffer_append_c(out, values[i]);
        buffer_append_c(out, ";");
    }
    return 0;
}

/* Copies the bank's file and runs sql on the copy without its triggers. */
static void copy_and_damage(struct fixture *fixture, const char *sql) {
    char memory[SCHEMA_BYTES_MAX], names_memory[SCHEMA_BYTES_MAX], copy_sql[PATH_BYTES * 4];
    struct buffer triggers, drops;
    sqlite3 *db;
    (void)unlink(fixture->copy);
    assert_int_equal(sqlite3_open(fixture->path, &db), SQLITE_OK);
    (void)snprintf(copy_sql, sizeof copy_sql, "VACUUM INTO '%s'", fixture->copy);
    sql_run(db, copy_sql);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_int_equal(sqlite3_open(fixture->copy, &db), SQLITE_OK);
    sql_run(db, "PRAGMA journal_mode = WAL");
    buffer_init(&triggers, memory, sizeof memory - 1);
    buffer_init(&drops, names_memory, sizeof names_memory - 1);
    assert_int_equal(
        sqlite3_exec(db, "SELECT sql FROM sqlite_schema WHERE type = 'trigger'", keep_text, &triggers, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "SELECT 'DROP TRIGGER ' || name FROM sqlite_schema WHERE type = 'trigger'",
                                  keep_text, &drops, NULL),
                     SQLITE_OK);
    buffer_append_char(&triggers, 0);
    buffer_append_char(&drops, 0);
    assert_false(triggers.overflow || drops.overflow);
    sql_run(db, drops.at);
    sql_run(db, sql);
    sql_run(db, triggers.at);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void verify(struct fixture *fixture, struct books_result *result) {
    struct reader reader;
    struct message message = { { 0 } };
    int r = reader_open_only(&fixture->options, &reader, &message);
    if (r) fail_msg("%d %s", r, message.text);
    assert_int_equal(books_verify(&reader, result), 0);
    reader_close(&reader);
}

static bool ledger_names(const struct books_result *result, const char *finding) {
    for (int64_t i = 0; i < result->ledger.finding_count && i < LEDGER_FINDINGS_MAX; i++)
        if (!strcmp(ledger_finding_name(result->ledger.findings[i].kind), finding)) return true;
    return false;
}
static bool payments_name(const struct books_result *result, const char *finding) {
    for (int64_t i = 0; i < result->finding_count && i < BOOKS_FINDINGS_MAX; i++)
        if (!strcmp(books_finding_name(result->findings[i].kind), finding)) return true;
    return false;
}

/* spec: ledger/53 */
static void a_sound_bank_is_clean(void **state) {
    struct fixture *fixture = *state;
    struct books_result *result = calloc(1, sizeof *result);
    copy_and_damage(fixture, "SELECT 1");
    verify(fixture, result);
    if (result->ledger.finding_count) fail_msg("%s", ledger_finding_name(result->ledger.findings[0].kind));
    if (result->finding_count) fail_msg("%s", books_finding_name(result->findings[0].kind));
    assert_int_equal(result->ledger.chain.broken, 0);
    assert_true(books_is_clean(result));
    assert_int_equal(result->ledger.transactions, 5); /* two fundings, three payments */
    assert_int_equal(result->ledger.entries, 10);
    assert_int_equal(result->ledger.balances_checked, 4); /* two customers, funding, settlement */
    assert_int_equal(result->ledger.holds_active, 2);     /* of the unknown one and the pending one */
    assert_int_equal(result->ledger.difference_minor, 0);
    assert_int_equal(result->payments, 7);
    assert_int_equal(result->completed, 3);
    assert_int_equal(result->rejected, 2);
    assert_int_equal(result->unknown, 1);
    assert_int_equal(result->pending, 1);
    free(result);
}

/* What is done, and what must be said of it: a word of the chain, of the ledger, of the payments (NULL: that part stays
 * clean); and the difference in minor units (-1: any). */
/* Numbers of accounts may have gaps. */
#define RICH "(SELECT min(number) FROM ledger_account WHERE number > 0)"
#define POOR "(SELECT max(number) FROM ledger_account)"

static const struct {
    const char *name, *sql, *chain, *ledger, *payments;
    int64_t difference;
} damages[] = {
    { "a byte of the journal's body",
      "UPDATE engine_journal SET body = CAST(replace(CAST(body AS TEXT), 'banking.payments', 'banking.paymentz') AS "
      "BLOB) WHERE seq = 4",
      "hash", NULL, NULL, 0 },
    { "a frame's length", "UPDATE engine_journal SET body = x'45FFFFFFFF' WHERE seq = 4", "hash", NULL, NULL, 0 },
    { "a record's time", "UPDATE engine_journal SET at_ms = at_ms + 1 WHERE seq = 3", "hash", NULL, NULL, 0 },
    { "a record's hash", "UPDATE engine_journal SET hash = zeroblob(32) WHERE seq = 3", "hash", NULL, NULL, 0 },
    { "a record's previous hash", "UPDATE engine_journal SET prev_hash = zeroblob(32) WHERE seq = 3", "prev_hash", NULL,
      NULL, 0 },
    { "what a record says of entries", "UPDATE engine_journal SET entries_hash = zeroblob(32) WHERE seq = 3", "hash",
      NULL, NULL, 0 },
    { "what a record says of other rows", "UPDATE engine_journal SET rows_hash = zeroblob(32) WHERE seq = 3", "hash",
      NULL, NULL, 0 },
    { "a record deleted", "DELETE FROM engine_journal WHERE seq = 5", "seq_gap", NULL, NULL, 0 },
    { "the last record deleted", "DELETE FROM engine_journal WHERE seq = (SELECT max(seq) FROM engine_journal)",
      "row_without_record", NULL, NULL, 0 },
    { "all records deleted", "DELETE FROM engine_journal", "row_without_record", NULL, NULL, 0 },
    { "two records exchanged",
      "UPDATE engine_journal SET seq = 1000 WHERE seq = 4; UPDATE engine_journal SET seq = 4 WHERE seq = 5;"
      "UPDATE engine_journal SET seq = 5 WHERE seq = 1000",
      "prev_hash", NULL, NULL, 0 },
    { "an id cut short",
      "PRAGMA ignore_check_constraints = ON; UPDATE engine_journal SET last_id = x'00' WHERE seq = 4", "unreadable",
      NULL, NULL, 0 },
    { "an amount of an entry", "UPDATE ledger_entry SET amount_minor = amount_minor + 1 WHERE number = 6",
      "entries_hash", "transaction_unbalanced", NULL, 2 },
    { "an entry's side", "UPDATE ledger_entry SET side = 1 - side WHERE number = 6", "entries_hash",
      "transaction_unbalanced", NULL, -1 },
    { "an entry made negative", "UPDATE ledger_entry SET amount_minor = -amount_minor WHERE number = 6", "entries_hash",
      "entry_amount", NULL, -1 },
    { "a balance after an entry",
      "UPDATE ledger_entry SET balance_after_minor = balance_after_minor + 1 WHERE number = 6", "entries_hash",
      "entry_balance", NULL, 0 },
    { "an entry's place in its account", "UPDATE ledger_entry SET sequence = sequence + 1 WHERE number = 6",
      "entries_hash", "entry_sequence", NULL, 0 },
    { "an entry given to another account", "UPDATE ledger_entry SET account = " POOR " WHERE number = 5",
      "entries_hash", "account_posted", NULL, -1 },
    { "an entry of no account", "UPDATE ledger_entry SET account = 99 WHERE number = 5", "entries_hash",
      "account_absent", NULL, -1 },
    { "an entry's batch", "UPDATE ledger_entry SET batch_seq = batch_seq + 1 WHERE number = 10", "entries_hash",
      "entry_differs", NULL, 0 },
    { "an entry's currency", "UPDATE ledger_entry SET currency = 4543826 WHERE number = 5", "entries_hash",
      "transaction_unbalanced", NULL, -1 },
    { "an entry's time", "UPDATE ledger_entry SET booked_ms = booked_ms + 1 WHERE number = 5", "entries_hash",
      "entry_differs", NULL, 0 },
    { "an entry deleted", "DELETE FROM ledger_entry WHERE number = 6", "entries_hash", "transaction_entry_count", NULL,
      -1 },
    { "two entries exchanged",
      "UPDATE ledger_entry SET number = 1000 WHERE number = 6; UPDATE ledger_entry SET number = 6 WHERE number = 8;"
      "UPDATE ledger_entry SET number = 8 WHERE number = 1000",
      "entries_hash", "entry_without_transaction", NULL, -1 },
    { "a transaction's amount", "UPDATE ledger_transaction SET amount_minor = amount_minor + 1 WHERE number = 3",
      "entries_hash", "transaction_amount", "booking_differs", 0 },
    { "a transaction deleted", "DELETE FROM ledger_transaction WHERE number = 3", "entries_hash",
      "entry_without_transaction", "completed_but_not_booked", 0 },
    { "a transaction deleted with its entries",
      "DELETE FROM ledger_transaction WHERE number = 3; DELETE FROM ledger_entry WHERE \"transaction\" = 3",
      "entries_hash", "account_posted", "completed_but_not_booked", -1 },
    { "money made from nothing in the balance",
      "UPDATE ledger_account SET posted_minor = posted_minor + 100 WHERE number = " RICH, NULL, "account_posted", NULL,
      100 },
    { "money moved between two balances",
      "UPDATE ledger_account SET posted_minor = posted_minor - 7 WHERE number = " RICH
      "; UPDATE ledger_account SET posted_minor = posted_minor + 7 WHERE number = " POOR,
      NULL, "account_posted", NULL, 14 },
    { "the sum of a currency", "UPDATE ledger_account SET posted_minor = posted_minor - 1 WHERE number = " POOR, NULL,
      "currency_sum", NULL, 1 },
    { "a count of entries", "UPDATE ledger_account SET entry_count = entry_count + 1 WHERE number = " RICH, NULL,
      "account_entry_count", NULL, 0 },
    { "a held sum", "UPDATE ledger_account SET held_minor = held_minor - 1 WHERE number = " RICH, NULL, "account_held",
      NULL, 0 },
    { "an account's currency", "UPDATE ledger_account SET currency = 4543826 WHERE number = " POOR, NULL,
      "account_currency", NULL, 0 },
    { "an account deleted", "DELETE FROM ledger_account WHERE number = " POOR, NULL, "account_absent", NULL, 0 },
    { "the hold of an unknown payment released", "UPDATE ledger_hold SET state = 2 WHERE amount_minor = 4000", NULL,
      "account_held", "hold_gone", 0 },
    { "the hold of a finished payment left",
      "UPDATE ledger_hold SET state = 0, captured_minor = 0 WHERE amount_minor = 1000;"
      "UPDATE ledger_account SET held_minor = held_minor + 1000 WHERE number = " RICH,
      NULL, "hold_captured", "hold_left", 0 },
    { "what was captured of a hold",
      "UPDATE ledger_hold SET captured_minor = captured_minor - 1 WHERE amount_minor = 1000", NULL, "hold_captured",
      NULL, 0 },
    { "an announced sum", "UPDATE ledger_account SET incoming_minor = 5 WHERE number = " RICH, NULL, "account_incoming",
      NULL, 0 },
    { "an account beyond its ceiling", "UPDATE ledger_account SET state = 16, ceiling_minor = 1 WHERE number = " RICH,
      NULL, "account_limit", NULL, 0 },
    { "an account below its floor", "UPDATE ledger_account SET state = 8, floor_minor = 1000000 WHERE number = " RICH,
      NULL, "account_limit", NULL, 0 },
    { "an account beyond its overdraft", "UPDATE ledger_account SET overdraft_minor = -1000000 WHERE number = " RICH,
      NULL, "account_limit", NULL, 0 },
    { "a closed account with money", "UPDATE ledger_account SET state = 4 WHERE number = " RICH, NULL,
      "account_closed_not_empty", NULL, 0 },
    { "a transaction that names another's entries",
      "UPDATE ledger_transaction SET first_entry = first_entry + 1 WHERE number = 4", "entries_hash",
      "transaction_first_entry", NULL, 0 },
    { "a transaction that reverses one without a link", "UPDATE ledger_transaction SET reverses = 1 WHERE number = 4",
      "entries_hash", "reversal_link", NULL, 0 },
    { "a link between entries that have nothing to do with each other",
      "INSERT INTO ledger_reversal VALUES (5, 3, 1, 1)", NULL, "reversal_link", NULL, 0 },
    { "taken back without an entry", "INSERT INTO ledger_reversed VALUES (1, 5)", NULL, "reversed_sum", NULL, 0 },
    { "a day closed before what was booked on it", "INSERT INTO ledger_period VALUES (30000, 1, 0, 0, 0, zeroblob(32))",
      NULL, "booked_in_closed_period", NULL, 0 },
    { "a sealed day with other balances",
      "INSERT INTO ledger_period VALUES (30000, 9000000000000, 1, 0, 0, zeroblob(32))", NULL, "period_digest", NULL,
      0 },
    { "a hold's amount", "UPDATE ledger_hold SET amount_minor = amount_minor + 1 WHERE amount_minor = 1000", NULL, NULL,
      "booking_differs", 0 },
    { "a hold made nothing", "UPDATE ledger_hold SET amount_minor = 0 WHERE amount_minor = 3000", NULL, "hold_invalid",
      NULL, 0 },
    { "a hold of a completed payment deleted", "DELETE FROM ledger_hold WHERE amount_minor = 1000", NULL, NULL,
      "hold_gone", 0 },
    { "a completed payment called rejected",
      "UPDATE payments_payment SET status = 3, reason = 2 WHERE amount_minor = 1000", NULL, NULL,
      "booked_but_not_completed", 0 },
    { "a rejected payment called completed",
      "UPDATE payments_payment SET status = 2, reason = 0 WHERE amount_minor = 3000", NULL, NULL,
      "completed_but_not_booked", 0 },
    { "a payment rejected without a reason", "UPDATE payments_payment SET reason = 0 WHERE status = 3", NULL, NULL,
      "status_invalid", 0 },
    { "a payment's amount", "UPDATE payments_payment SET amount_minor = 999 WHERE amount_minor = 1000", NULL, NULL,
      "booking_differs", 0 },
    { "a payment deleted", "DELETE FROM payments_payment WHERE amount_minor = 1000", NULL, NULL,
      "transaction_without_payment", 0 },
    { "a pending payment deleted", "DELETE FROM payments_payment WHERE amount_minor = 5000", NULL, NULL,
      "hold_without_payment", 0 },
    { "a whole transaction forged into an old batch",
      "INSERT INTO ledger_transaction SELECT 900, transaction_id, kind, zeroblob(16), currency, amount_minor, "
      "entry_count, first_entry + 900, booked_ms,"
      " booking_day, reverses, batch_seq FROM ledger_transaction WHERE number = (SELECT min(number) FROM "
      "ledger_transaction);"
      "INSERT INTO ledger_entry SELECT 900 + e.number, 900, e.account, a.entry_count + 1, e.side, e.currency, "
      "e.amount_minor,"
      " a.posted_minor + CASE e.side WHEN 1 THEN e.amount_minor ELSE -e.amount_minor END, e.booked_ms, e.value_day, "
      "zeroblob(16), "
      "e.batch_seq"
      " FROM ledger_entry e JOIN ledger_account a ON a.number = e.account"
      " WHERE e.\"transaction\" = (SELECT min(number) FROM ledger_transaction);"
      "UPDATE ledger_account SET entry_count = entry_count + 1, posted_minor ="
      " (SELECT balance_after_minor FROM ledger_entry WHERE \"transaction\" = 900 AND account = ledger_account.number)"
      " WHERE number IN (SELECT account FROM ledger_entry WHERE \"transaction\" = 900)",
      "row_without_record", NULL, NULL, 0 },
    { "one payment booked in another's name",
      "UPDATE ledger_transaction SET payment_id = (SELECT payment_id FROM ledger_transaction WHERE number = 4) WHERE "
      "number = 5",
      "entries_hash", "entry_differs", "payment_booked_twice", 0 },
};

static void judge(const struct books_result *result, size_t i) {
    const char *chain = result->ledger.chain.broken ? chain_break_name(result->ledger.chain.reason) : NULL,
               *name = damages[i].name;
    if ((chain == NULL) != (damages[i].chain == NULL) || (chain && strcmp(chain, damages[i].chain) != 0))
        fail_msg("%s: chain %s", name, chain ? chain : "ok");
    if (damages[i].ledger ? !ledger_names(result, damages[i].ledger) : result->ledger.finding_count > 0)
        fail_msg("%s: ledger %s", name,
                 result->ledger.finding_count ? ledger_finding_name(result->ledger.findings[0].kind) : "clean");
    if (damages[i].payments ? !payments_name(result, damages[i].payments) : result->finding_count > 0)
        fail_msg("%s: payments %s", name,
                 result->finding_count ? books_finding_name(result->findings[0].kind) : "clean");
    if (damages[i].difference >= 0 && result->ledger.difference_minor != damages[i].difference)
        fail_msg("%s: difference %lld", name, (long long)result->ledger.difference_minor);
    if (books_is_clean(result)) fail_msg("%s: not found", name);
}

/* spec: ledger/51, ledger/53 */
static void every_damage_is_found_and_named(void **state) {
    struct fixture *fixture = *state;
    struct books_result *result = calloc(1, sizeof *result);
    for (size_t i = 0; i < ARRAY_COUNT(damages); i++) {
        copy_and_damage(fixture, damages[i].sql);
        verify(fixture, result);
        judge(result, i);
    }
    free(result);
}

/* spec: ledger/51 */
static void the_first_bad_record_is_told(void **state) {
    struct fixture *fixture = *state;
    struct books_result *result = calloc(1, sizeof *result);
    copy_and_damage(fixture, "UPDATE engine_journal SET at_ms = 0 WHERE seq IN (4, 6)");
    verify(fixture, result);
    assert_int_equal(result->ledger.chain.first_bad_seq, 4);
    assert_int_equal(result->ledger.chain.broken, 2);
    copy_and_damage(fixture, "DELETE FROM engine_journal WHERE seq = 5");
    verify(fixture, result);
    assert_int_equal(result->ledger.chain.first_bad_seq, 5);
    free(result);
}

/* Frames are looked at even where the hash is right: a program that writes bad ones is found too. */
static void malformed_frames_with_a_right_hash_are_found(void **state) {
    struct bank bank;
    struct reader reader;
    (void)state;
    bank_open(&bank, &store_memory_ops, "books_test");
    struct journal_row row = { .epoch = 1,
                               .seq = 1,
                               .at_ms = 1,
                               .entries_hash = sha256("", 0),
                               .rows_hash = sha256("", 0),
                               .body = STR("E\0\0\0\4{}") };
    row.hash = journal_hash(&row);
    struct store_change change = { &engine_journal_table, STORE_INSERT, &row };
    assert_int_equal(store_commit(bank.world.store, &change, 1), 0);
    struct books_result *result = calloc(1, sizeof *result);
    assert_int_equal(reader_open(bank.world.store, &reader), 0);
    assert_int_equal(books_verify(&reader, result), 0);
    assert_string_equal(chain_break_name(result->ledger.chain.reason), "malformed_body");
    reader_close(&reader);
    bank_shut(&bank);
    store_memory_forget("books_test");
    free(result);
}

/* More rows than a page holds, in a table whose key has one column and in the journal, whose key has two. */
/* spec: ledger/53 */
static void books_of_many_pages_are_walked_whole(void **state) {
    enum { PAYMENTS = 1100 };
    struct bank bank;
    struct reader reader;
    struct bank_account account = { .fund_minor = 1000000, .business = true };
    (void)state;
    bank_open(&bank, &store_memory_ops, "books_test");
    bank_account_open(&bank, &account);
    for (int i = 0; i < PAYMENTS; i++) {
        struct bank_payment payment = { .debtor = &account, .amount_minor = 1 };
        bank_pay(&bank, &payment);
        assert_int_equal(bank_core_says(&bank, &payment, CORE_VERDICT_BOOKED), 0);
    }
    struct books_result *result = calloc(1, sizeof *result);
    assert_int_equal(reader_open(bank.world.store, &reader), 0);
    assert_int_equal(books_verify(&reader, result), 0);
    assert_true(books_is_clean(result));
    assert_int_equal(result->completed, PAYMENTS);
    assert_int_equal(result->ledger.entries, 2 * PAYMENTS + 2);
    assert_int_equal(result->ledger.chain.records, 2 * PAYMENTS + 1);
    assert_int_equal(result->ledger.chain.rows, 3 * (PAYMENTS + 1));
    reader_close(&reader);
    bank_shut(&bank);
    store_memory_forget("books_test");
    free(result);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_bank_is_clean),
        cmocka_unit_test(every_damage_is_found_and_named),
        cmocka_unit_test(the_first_bad_record_is_told),
        cmocka_unit_test(malformed_frames_with_a_right_hash_are_found),
        cmocka_unit_test(books_of_many_pages_are_walked_whole),
    };
    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
