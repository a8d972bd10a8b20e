/* store_view_test.c - the subcommands that read, run on the file of a small bank whose journal has several epochs: exit
 * codes, JSON, and no personal data. */
#include "app/store_view.h"

#include "integration/bank_test_world.h"

#include <sqlite3.h>
#include <unistd.h>

enum { PATH_BYTES = 512, OUTPUT_BYTES_MAX = 1024 * 1024, WORDS_MAX = 12 };

struct fixture {
    char folder[128], path[PATH_BYTES], output[PATH_BYTES];
    struct arena arena;
    char payment[ID_TEXT_BYTES], account[ID_TEXT_BYTES], iban[24];
};

enum { SECOND_EPOCH = 3, THIRD_EPOCH = 9 };

static struct hash column_hash(sqlite3_stmt *row, int column) {
    struct hash hash;
    assert_int_equal(sqlite3_column_bytes(row, column), sizeof hash.bytes);
    memcpy(hash.bytes, sqlite3_column_blob(row, column), sizeof hash.bytes);
    return hash;
}

/* One record as another holder of the lease would have written it. */
static void retell_record(sqlite3 *db, sqlite3_stmt *row, struct hash *head) {
    struct journal_row record = { .epoch = 1,
                                  .seq = sqlite3_column_int64(row, 0),
                                  .at_ms = sqlite3_column_int64(row, 1),
                                  .prev_hash = *head,
                                  .entries_hash = column_hash(row, 3),
                                  .rows_hash = column_hash(row, 4),
                                  .body = str_from_bytes(sqlite3_column_blob(row, 5),
                                                         (size_t)sqlite3_column_bytes(row, 5)) };
    sqlite3_stmt *change;
    memcpy(record.last_id, sqlite3_column_blob(row, 2), sizeof record.last_id);
    if (record.seq >= 2) record.epoch = SECOND_EPOCH;
    if (record.seq >= 4) record.epoch = THIRD_EPOCH;
    record.hash = journal_hash(&record);
    assert_int_equal(sqlite3_prepare_v2(db,
                                        "UPDATE engine_journal SET epoch = ?, prev_hash = ?, hash = ? WHERE seq = ?",
                                        -1, &change, NULL),
                     SQLITE_OK);
    sqlite3_bind_int64(change, 1, record.epoch);
    sqlite3_bind_blob(change, 2, record.prev_hash.bytes, sizeof record.prev_hash.bytes, SQLITE_STATIC);
    sqlite3_bind_blob(change, 3, record.hash.bytes, sizeof record.hash.bytes, SQLITE_STATIC);
    sqlite3_bind_int64(change, 4, record.seq);
    assert_int_equal(sqlite3_step(change), SQLITE_DONE);
    assert_int_equal(sqlite3_finalize(change), SQLITE_OK);
    *head = record.hash;
}

/* The journal as if the lease had changed hands twice. */
static void retell_in_epochs(const char *path) {
    sqlite3 *db;
    sqlite3_stmt *rows, *guard;
    struct hash head = { 0 };
    char trigger[512];
    int count = 0;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT sql FROM sqlite_master WHERE name = 'engine_journal_no_update'", -1,
                                        &guard, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(guard), SQLITE_ROW);
    (void)snprintf(trigger, sizeof trigger, "%s", (const char *)sqlite3_column_text(guard, 0));
    assert_int_equal(sqlite3_finalize(guard), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "DROP TRIGGER engine_journal_no_update; CREATE TEMP TABLE told AS SELECT seq, "
                                  "at_ms, last_id, entries_hash, rows_hash, body FROM engine_journal",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT * FROM told ORDER BY seq", -1, &rows, NULL), SQLITE_OK);
    for (; sqlite3_step(rows) == SQLITE_ROW; count++) retell_record(db, rows, &head);
    assert_true(count > 4);
    assert_int_equal(sqlite3_finalize(rows), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, trigger, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static int fixture_open(void **state) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    const char *temporary = getenv("TMPDIR");
    char store[PATH_BYTES];
    struct bank bank;
    struct bank_account rich = { .fund_minor = 100000 };
    (void)snprintf(fixture->folder, sizeof fixture->folder, "%s/giro-view-XXXXXX", temporary ? temporary : "/tmp");
    assert_non_null(mkdtemp(fixture->folder));
    (void)snprintf(store, sizeof store, "%s/store", fixture->folder);
    (void)snprintf(fixture->path, sizeof fixture->path, "%s/store/giro.db", fixture->folder);
    (void)snprintf(fixture->output, sizeof fixture->output, "%s/output", fixture->folder);
    assert_int_equal(dir_make(store, 0700, NULL), 0);
    assert_int_equal(arena_init(&fixture->arena, OUTPUT_BYTES_MAX, 4 * OUTPUT_BYTES_MAX), 0);
    bank_open(&bank, &store_sqlite_ops, fixture->path);
    bank_account_open(&bank, &rich);
    struct bank_payment done = { .debtor = &rich, .amount_minor = 1000, .creditor_name = "Zebulon Quux" };
    struct bank_payment open = { .debtor = &rich, .amount_minor = 2000, .creditor_name = "Zebulon Quux" };
    bank_pay(&bank, &done);
    bank_pay(&bank, &open);
    assert_int_equal(bank_core_says(&bank, &done, CORE_VERDICT_BOOKED), 0);
    assert_int_equal(bank_core_says(&bank, &open, CORE_VERDICT_UNKNOWN), 0);
    engine_note(bank.world.engine,
                STR("{\"interaction_id\":\"93bac548-d2de-4546-b106-880a5018460d\",\"outcome\":\"accepted\"}"));
    (void)engine_step(bank.world.engine);
    (void)id_format(done.id, fixture->payment);
    (void)id_format(rich.row.account_id, fixture->account);
    memcpy(fixture->iban, rich.iban, sizeof fixture->iban);
    bank_shut(&bank);
    retell_in_epochs(fixture->path);
    *state = fixture;
    return 0;
}

static int fixture_close(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(dir_remove(fixture->folder, NULL), 0);
    arena_release(&fixture->arena);
    free(fixture);
    return 0;
}

/* Runs `giro WORDS --var FOLDER`, blanks between words; %P, %A: the payment's and the account's id. Gives the exit code
 * and stdout. */
static int run(struct fixture *fixture, const char *words, struct str *ret_output) {
    char text[PATH_BYTES], *argv[WORDS_MAX + 4] = { "giro" };
    size_t used = 0;
    int argc = 1;
    for (const char *at = words; *at; at++) {
        const char *id = at[0] == '%' ? (at[1] == 'P' ? fixture->payment : fixture->account) : NULL;
        used += (size_t)snprintf(text + used, sizeof text - used, "%.*s", id ? 36 : 1, id ? id : at);
        at += id != NULL;
    }
    for (char *at = text, *rest; argc <= WORDS_MAX && (rest = strchr(at, ' ')); at = rest + 1) {
        *rest = 0;
        argv[argc++] = at;
        if (!strchr(rest + 1, ' ')) argv[argc++] = rest + 1;
    }
    argv[argc++] = "--var";
    argv[argc++] = fixture->folder;
    fflush(stdout);
    int kept = dup(STDOUT_FILENO);
    assert_non_null(freopen(fixture->output, "w", stdout));
    int code = subcommand_run(&subcommands, argc, argv);
    fflush(stdout);
    assert_int_equal(dup2(kept, STDOUT_FILENO), STDOUT_FILENO);
    close(kept);
    arena_reset(&fixture->arena);
    assert_int_equal(file_read_all(fixture->output, OUTPUT_BYTES_MAX, &fixture->arena, ret_output, NULL), 0);
    return code;
}

static bool holds(struct str text, const char *part) {
    size_t at;
    return str_find(text, str_from_c(part), &at);
}

/* words; exit code; what stands in the output (JSON). */
static const struct {
    const char *words;
    int code;
    const char *part;
} cases[] = {
    { "accounts list --json", EXIT_DONE, "\"posted_minor\":99000,\"held_minor\":2000" },
    { "accounts list", EXIT_DONE, "posted_minor" },
    { "accounts show %A --json", EXIT_DONE, "\"available_minor\":97000" },
    { "accounts show 00000000-0000-7000-8000-000000000000 --json", EXIT_ABSENT, "" },
    { "accounts statement %A --json", EXIT_DONE, "\"balance_after_minor\":99000" },
    { "accounts statement %A --limit 1 --json", EXIT_DONE, "\"side\":\"debit\"" },
    { "accounts statement %A --limit 0", EXIT_USAGE, "" },
    { "accounts statement %A --from 2023-11-14 --to 2023-11-14 --json", EXIT_DONE,
      "\"opening_balance_minor\":0,\"closing_balance_minor\":99000,\"entry_count\":2,\"entries\":[{" },
    { "accounts statement %A --from 2023-11-15 --json", EXIT_DONE,
      "\"opening_balance_minor\":99000,\"closing_balance_minor\":99000,\"entry_count\":0,\"entries\":[]" },
    { "accounts statement %A --to 2023-11-13", EXIT_DONE, "opening balance  0\nclosing balance  0\n" },
    { "accounts statement %A --from 2023-11-14T00:00:00Z --json", EXIT_DONE, "\"entry_count\":2" },
    { "accounts statement %A --from yesterday", EXIT_USAGE, "" },
    { "accounts statement %A --from 2023-11-15 --to 2023-11-13", EXIT_USAGE, "" },
    { "accounts", EXIT_USAGE, "" },
    { "accounts show", EXIT_USAGE, "" },
    { "payments list --json", EXIT_DONE, "\"status\":\"unknown\"" },
    { "payments show %P --json", EXIT_DONE, "\"hold\":\"consumed\",\"timeline\":[{\"status\":\"pending\"" },
    { "payments show %P --timeline", EXIT_DONE, "  completed\n" },
    { "payments show 00000000-0000-7000-8000-000000000000", EXIT_ABSENT, "" },
    { "payments show 7", EXIT_USAGE, "" },
    { "ledger verify --json", EXIT_DONE,
      "{\"transactions\":2,\"entries\":4,\"difference_minor\":0,\"balances_checked\":3,\"chain\":\"ok\"" },
    { "ledger verify", EXIT_DONE, "the books are right" },
    { "ledger trial-balance --json", EXIT_DONE,
      "\"kind\":\"total\",\"accounts\":3,\"debit_minor\":100000,\"credit_minor\":100000" },
    { "ledger statement %A --json", EXIT_DONE, "\"balance_after_minor\":99000" },
    { "ledger statement %A --from 2023-11-14 --json", EXIT_DONE, "\"closing_balance_minor\":99000" },
    { "ledger statement %A --to 2023-13-14 --json", EXIT_USAGE, "" },
    { "ledger rebuild-statements", EXIT_UNAVAILABLE, "" },         /* nobody is there */
    { "ledger statement --json -- -99999999999", EXIT_USAGE, "" }, /* --var behind -- is a word too many */
    { "ledger statement 4711 --json", EXIT_ABSENT, "" },
    { "audit verify --json", EXIT_DONE, "\"chain\":\"ok\"" },
    { "audit search --json", EXIT_DONE, "93bac548-d2de-4546-b106-880a5018460d" },
    { "audit search --interaction-id 93BAC548-D2DE-4546-B106-880A5018460D --json", EXIT_DONE,
      "\"outcome\":\"accepted\"" },
    { "audit search --interaction-id 00000000-d2de-4546-b106-880a5018460d --json", EXIT_DONE, "[]" },
    { "audit export --json", EXIT_DONE, "\"outcome\":\"accepted\"" },
    { "events tail --json", EXIT_DONE, "\"type\":\"AccountOpened\"" },
    { "events tail --limit 1 --json", EXIT_DONE, "\"type\":\"PaymentUnknown\"" },
    { "consents list --json", EXIT_DONE, "[]" },
    { "consents show 00000000-0000-7000-8000-000000000000", EXIT_ABSENT, "" },
    { "clients list --json", EXIT_DONE, "[]" },
    { "clients show nobody --json", EXIT_ABSENT, "" },
    { "clients show", EXIT_USAGE, "" },
    { "customers list --json", EXIT_DONE, "[]" },
    { "customers show nobody", EXIT_ABSENT, "" },
    { "customers show 00000000-0000-7000-8000-000000000000 --json", EXIT_ABSENT, "" },
    { "sandbox fund 00000000-0000-7000-8000-000000000000 1.00 --json", EXIT_ABSENT, "" },
    { "saga list --json", EXIT_DONE,
      "\"state\":\"ExecutePayment\",\"state_status\":\"task_open\",\"payment_status\":\"unknown\"" },
    { "saga stuck --json", EXIT_DONE, "\"stuck\":\"yes\"" }, /* the test's clock stands in the past */
    { "saga show %P --json", EXIT_DONE, "\"state\":\"ExecutePayment\"" },
    { "saga show 00000000-0000-7000-8000-000000000000", EXIT_ABSENT, "" },
};

static void every_question_has_its_answer(void **state) {
    struct fixture *fixture = *state;
    static const char *const personal[] = { "Zebulon", "Quux", "DE89370400440532013000" };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct str output;
        struct json *json = NULL;
        int code = run(fixture, cases[i].words, &output);
        if (code != cases[i].code) fail_msg("%s: exit code %d", cases[i].words, code);
        if (cases[i].part[0] && !holds(output, cases[i].part))
            fail_msg("%s: " STR_FMT, cases[i].words, STR_ARG(output));
        for (size_t k = 0; k < ARRAY_COUNT(personal); k++)
            if (holds(output, personal[k]) || holds(output, fixture->iban))
                fail_msg("%s shows personal data", cases[i].words);
        if (code || !strstr(cases[i].words, "--json")) continue;
        if (json_parse(output, OUTPUT_BYTES_MAX, JSON_DEPTH_MAX, &json, NULL))
            fail_msg("%s: not one JSON document: " STR_FMT, cases[i].words, STR_ARG(output));
        json_free(json);
    }
}

static void limits_are_kept_from_the_newest(void **state) {
    struct fixture *fixture = *state;
    for (int limit = 1; limit <= 14; limit++) {
        struct str output;
        struct json *json;
        char words[64];
        (void)snprintf(words, sizeof words, "events tail --limit %d --json", limit);
        assert_int_equal(run(fixture, words, &output), EXIT_DONE);
        assert_int_equal(json_parse(output, OUTPUT_BYTES_MAX, JSON_DEPTH_MAX, &json, NULL), 0);
        size_t wanted =
            limit < 11 ? (size_t)limit : 11; /* AccountOpened; twice four at acceptance; Completed; Unknown */
        assert_int_equal(json_count(json), wanted);
        struct str type = json_string(json_path(json_at(json, wanted - 1), "event.type"));
        assert_true(str_equal_c(type, "PaymentUnknown"));
        json_free(json);
    }
}

static void a_definition_is_checked(void **state) {
    char *safe[] = { "giro", "saga", "check", "sagas/payment.asl.json" },
         *absent[] = { "giro", "saga", "check", "sagas/none.asl.json" };
    char unsafe_path[PATH_BYTES];
    struct fixture *fixture = *state;
    char *unsafe[] = { "giro", "saga", "check", unsafe_path };
    (void)snprintf(unsafe_path, sizeof unsafe_path, "%s/unsafe.asl.json", fixture->folder);
    assert_int_equal(
        file_write_atomic(unsafe_path,
                          STR("{\"StartAt\":\"Hold\",\"States\":{\"Hold\":{\"Type\":\"Task\",\"TimeoutSeconds\":5,"
                              "\"Resource\":\"giro:ledger:hold\",\"End\":true}}}"),
                          0600, NULL),
        0);
    assert_int_equal(subcommand_run(&subcommands, 4, safe), EXIT_DONE);
    assert_int_equal(subcommand_run(&subcommands, 4, absent), EXIT_ABSENT);
    assert_int_equal(subcommand_run(&subcommands, 4, unsafe), EXIT_PROOF_FAILED);
}

static void a_store_that_is_not_there_is_said_so(void **state) {
    struct str output;
    assert_int_equal(run(*state, "accounts list --store none.db --json", &output), EXIT_UNAVAILABLE);
    assert_int_equal(output.len, 0);
}

/* Last: it damages the store. */
/* spec: ledger/53 */
static void damage_gives_exit_code_4(void **state) {
    struct fixture *fixture = *state;
    struct str output;
    sqlite3 *db;
    assert_int_equal(sqlite3_open(fixture->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "UPDATE ledger_account SET posted_minor = posted_minor + 1 WHERE number > 0",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(run(fixture, "ledger verify --json", &output), EXIT_PROOF_FAILED);
    assert_true(holds(output, "\"difference_minor\":1,"));
    assert_true(holds(output, "\"finding\":\"account_posted\""));
    assert_int_equal(run(fixture, "ledger verify", &output), EXIT_PROOF_FAILED);
    assert_int_equal(run(fixture, "ledger trial-balance", &output), EXIT_PROOF_FAILED);
    assert_int_equal(run(fixture, "audit verify --json", &output), EXIT_DONE); /* balances are not of the chain */
    assert_int_equal(sqlite3_exec(db, "DROP TRIGGER engine_journal_no_update", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(run(fixture, "audit verify --json", &output),
                     EXIT_PROOF_FAILED); /* nor is the store as it should be */
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_question_has_its_answer), cmocka_unit_test(limits_are_kept_from_the_newest),
        cmocka_unit_test(a_definition_is_checked),       cmocka_unit_test(a_store_that_is_not_there_is_said_so),
        cmocka_unit_test(damage_gives_exit_code_4),
    };
    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
