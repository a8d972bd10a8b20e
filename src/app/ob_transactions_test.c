/* Transactions of UK Open Banking under a consent, over the gateway's socket: which rows and fields are told, in which
 * window, and the pages. */
#include "app/ob_accounts_world.h"

enum { MOVES = 6 };
/* On mia's first account: in 100, out 200, in 300, out 400 ... oldest first; each in a millisecond of its own. */
static int64_t moved_ms[MOVES];

static int setup(void **state) {
    int r = accounts_setup(state);
    for (int i = 0; !r && i < MOVES; i++) moved_ms[i] = move_money(&world.account_id, (i % 2 ? -1 : 1) * (i + 1) * 100);
    return r;
}

static const struct json *rows_of(const struct world_answer *answer) {
    assert_status(answer, 200);
    return json_path(answer->json, "Data.Transaction");
}

static struct agreement agree_with(const char *permissions, const char *times) {
    const char *body =
        arena_printf(&world.arena, "{\"Data\":{\"Permissions\":[%s]%s},\"Risk\":{}}", permissions, times).at;
    return agree(V4, body, 1);
}

/* "1.00 -2.00 3.00": the amounts, newest first. */
static struct str amounts_of(const struct world_answer *answer) {
    char memory[4096];
    struct buffer out;
    const struct json *rows = rows_of(answer);
    buffer_init(&out, memory, sizeof memory);
    for (size_t i = 0; i < json_count(rows); i++) {
        const struct json *row = json_at(rows, i);
        bool debit = str_equal(json_get_string(row, "CreditDebitIndicator"), STR("Debit"));
        buffer_printf(&out, "%s%s" STR_FMT, i ? " " : "", debit ? "-" : "",
                      STR_ARG(json_string(json_path(row, "Amount.Amount"))));
    }
    assert_false(out.overflow);
    return arena_dup(&world.arena, buffer_str(&out));
}

static void assert_amounts(const struct world_answer *answer, const char *want) {
    struct str have = amounts_of(answer);
    if (!str_equal_c(have, want)) fail_msg(STR_FMT " instead of %s", STR_ARG(have), want);
}

#define FUND "1000.00" /* what the account was opened with, before all others */

/* ---- rows ---- */

/* spec: uk/rule9, ledger/75 */
static void credits_and_debits(void **state) {
    (void)state;
    struct agreement agreement = agree_with(BASIC "," ROWS "," CREDITS "," DEBITS, "");
    struct world_answer answer = get("/transactions", agreement.token);
    assert_amounts(&answer, "-6.00 5.00 -4.00 3.00 -2.00 1.00 " FUND);
    agreement = agree_with(BASIC "," ROWS "," CREDITS, "");
    answer = get("/transactions", agreement.token);
    assert_amounts(&answer, "5.00 3.00 1.00 " FUND);
    agreement = agree_with(BASIC "," ROWS "," DEBITS, "");
    answer = get(account_path(&world.account_id, "/transactions"), agreement.token);
    assert_amounts(&answer, "-6.00 -4.00 -2.00");
}

static const char *quoted_time(int64_t ms) {
    char text[CLOCK_TEXT_BYTES];
    return arena_dup(&world.arena, clock_format_rfc3339(ms, text)).at;
}

/* spec: uk/Q7 */
static void q7_window_of_the_consent(void **state) {
    (void)state;
    const char *times =
        arena_printf(&world.arena, ",\"TransactionFromDateTime\":\"%s\",\"TransactionToDateTime\":\"%s\"",
                     quoted_time(moved_ms[0] + 1), quoted_time(moved_ms[3]))
            .at;
    struct agreement agreement = agree_with(BASIC "," ROWS "," CREDITS "," DEBITS, times);
    struct world_answer answer = get("/transactions", agreement.token);
    assert_amounts(&answer, "-4.00 3.00 -2.00");
    answer =
        get(arena_printf(&world.arena, "/transactions?fromBookingDateTime=%s", quoted_time(0)).at, agreement.token);
    assert_amounts(&answer, "-4.00 3.00 -2.00"); /* a filter opens nothing */
    answer = get("/transactions?toBookingDateTime=2020-01-01", agreement.token);
    assert_amounts(&answer, ""); /* S3: none is an empty list */
}

/* spec: uk/S9, uk/rule5, uk/S3, ledger/69 */
static void s9_filters_of_the_query(void **state) {
    (void)state;
    struct agreement agreement = agree_with(BASIC "," ROWS "," CREDITS "," DEBITS, "");
    const char *from = quoted_time(moved_ms[3] + 1);
    static const struct {
        const char *format, *want; /* want NULL: 400 U003 */
    } cases[] = {
        { "fromBookingDateTime=%s", "-6.00 5.00" },
        { "fromBookingDateTime=%s&toBookingDateTime=2199-01-01", "-6.00 5.00" },
        { "toBookingDateTime=%.10s", "" },
        { "fromBookingDateTime=20160101T104012.567+01&x=%s", "-6.00 5.00 -4.00 3.00 -2.00 1.00 " FUND },
        { "fromBookingDateTime=2016-01-01T10:40:12&x=%s", "-6.00 5.00 -4.00 3.00 -2.00 1.00 " FUND },
        { "fromBookingDateTime=2016-01-01T10%%3A40%%3A12-05:00&x=%s", "-6.00 5.00 -4.00 3.00 -2.00 1.00 " FUND },
        { "fromBookingDateTime=%.0syesterday", NULL },
        { "toBookingDateTime=%.0s2016-13-01", NULL },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char path[256];
        (void)snprintf(path, sizeof path, "/transactions?");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        (void)snprintf(path + strlen(path), sizeof path - strlen(path), cases[i].format, from);
#pragma GCC diagnostic pop
        struct world_answer answer = get(path, agreement.token);
        if (cases[i].want) assert_amounts(&answer, cases[i].want);
        else if (answer.status != 400 || strcmp(answer.error, "U003") != 0) fail_msg("%s: %d", path, answer.status);
    }
    struct world_answer answer =
        get("/transactions?fromBookingDateTime=2016-01-01&fromBookingDateTime=2017-01-01", agreement.token);
    assert_refused(&answer, 400, "U002", "query");
    answer = get("/transactions?a=%ff", agreement.token);
    assert_status(&answer, 400);
}

/* ---- fields ---- */

/* spec: uk/S7, gateway/39 */
static void detail_shows_what_basic_hides(void **state) {
    (void)state;
    static const char *const hidden[] = { "Balance", "TransactionInformation", "CreditorAccount", "DebtorAccount" };
    struct agreement agreement = agree_with(BASIC "," ROWS "," CREDITS "," DEBITS, "");
    struct world_answer answer = get("/transactions", agreement.token);
    const struct json *row = json_at(rows_of(&answer), 0);
    for (size_t i = 0; i < ARRAY_COUNT(hidden); i++) assert_null(json_get(row, hidden[i]));
    assert_true(str_equal(json_get_string(row, "AccountId"), text_of(world.account_id.bytes)));
    assert_true(str_equal(json_get_string(row, "Status"), STR("BOOK")));
    assert_true(str_equal_c(json_get_string(row, "BookingDateTime"), quoted_time(moved_ms[MOVES - 1])) ||
                json_get_string(row, "BookingDateTime").len == strlen("2026-11-22T03:45:00.123Z"));
    assert_int_equal(json_type(json_get(row, "StatementReference")), JSON_ARRAY_TYPE);
    agreement = agree_with(BASIC "," ROWS_DETAIL "," CREDITS "," DEBITS, "");
    answer = get("/transactions", agreement.token);
    row = json_at(rows_of(&answer), 0);
    assert_true(str_equal(json_string(json_path(row, "Balance.Amount.Amount")), STR("997.00")));
    assert_true(str_equal(json_string(json_path(row, "Balance.Type")), STR("ITBD")));
    assert_null(json_get(row, "CreditorAccount")); /* it belongs to no payment */
}

/* A payment within the bank, seen from both sides. */
static int pay(void) {
    struct call call = { .has_client = true };
    struct payment_order order = { .customer_id = world.customer_id, .debtor_account_id = second_account };
    struct command_call command = { .call = &call, .arena = &world.arena };
    call.client_id = ACME->id;
    call.customer_id = world.customer_id;
    order.client_id = ACME->id;
    order.creditor.scheme = CREDITOR_SCHEME_UK;
    assert_int_equal(currency_parse(STR("GBP"), &order.amount.currency), 0);
    order.amount.minor = 250;
    assert_int_equal(person_name_parse(STR("Sam Fox"), &order.creditor.name), 0);
    assert_int_equal(sort_code_parse(STR("200000"), &order.creditor.sort_code), 0);
    assert_int_equal(account_number_parse(STR("00000042"), ACCOUNT_SCHEME_UK, &order.creditor.account_number), 0);
    assert_int_equal(payment_reference_parse(STR("RENT-11"), &order.reference), 0);
    assert_int_equal(command_payment_accept(&world.integration, &command, &order), 0);
    return command.answer.refusal;
}

static void detail_tells_the_other_side_of_a_payment(void **state) {
    (void)state;
    (void)move_money(&second_account, 1000);
    assert_int_equal(pay(), 0);
    struct agreement agreement = agree(V4, PERMISSIONS(BASIC "," ROWS_DETAIL "," CREDITS "," DEBITS), 2);
    struct world_answer answer = get(account_path(&second_account, "/transactions"), agreement.token);
    const struct json *row = json_at(rows_of(&answer), 0);
    assert_true(str_equal(json_get_string(row, "CreditDebitIndicator"), STR("Debit")));
    assert_true(str_equal(json_get_string(row, "TransactionInformation"), STR("RENT-11")));
    assert_true(str_equal(json_string(json_path(row, "CreditorAccount.Identification")), STR("20000000000042")));
    assert_true(str_equal(json_string(json_path(row, "CreditorAccount.Name")), STR("Sam Fox")));
    answer = get(account_path(&world.account_id, "/transactions"), agreement.token);
    row = json_at(rows_of(&answer), 0);
    assert_true(str_equal(json_get_string(row, "CreditDebitIndicator"), STR("Credit")));
    assert_true(str_equal(json_string(json_path(row, "DebtorAccount.Identification")), STR("20000000000044")));
}

/* ---- pages ---- */

enum { PAGE = 100, PAGED = 250 };

static const char *link_of(const struct world_answer *answer, const char *name) {
    struct str link = json_get_string(json_get(answer->json, "Links"), name);
    struct str base = STR("https://bank.example:8443" V4);
    if (!link.len) return NULL;
    assert_true(str_starts(link, base));
    return arena_dup(&world.arena, str_slice(link, base.len, link.len)).at;
}

struct walked {
    size_t rows, pages, last;
    const char *links[32]; /* Self of each page */
};

/* From a page to the last: each row once, in the order of the numbers of one account. */
static struct walked walk_pages(const char *path, struct str token) {
    struct walked walked = { 0 };
    uint64_t before[2] = { UINT64_MAX, UINT64_MAX }, number;
    const char *next = path;
    while (next) {
        struct world_answer answer = get(next, token);
        const struct json *rows = rows_of(&answer);
        walked.last = json_count(rows);
        for (size_t i = 0; i < json_count(rows); i++) {
            const struct json *row = json_at(rows, i);
            bool second = str_equal(json_get_string(row, "AccountId"), text_of(second_account.bytes));
            assert_int_equal(str_to_u64(json_get_string(row, "TransactionId"), &number), 0);
            assert_true(number < before[second]);
            before[second] = number;
        }
        assert_true((walked.pages == 0) == !link_of(&answer, "Prev"));
        assert_string_equal(link_of(&answer, "First"), path);
        assert_true(walked.pages < ARRAY_COUNT(walked.links));
        walked.links[walked.pages++] = link_of(&answer, "Self");
        walked.rows += json_count(rows);
        next = link_of(&answer, "Next");
        if (next) assert_int_equal(json_count(rows), PAGE);
    }
    return walked;
}

/* Back from the last page to the first: the same pages. */
static void walk_back(const struct walked *walked, struct str token) {
    struct world_answer answer = get(walked->links[walked->pages - 1], token);
    for (size_t page = walked->pages - 1; page > 0; page--) {
        const char *prev = link_of(&answer, "Prev");
        struct world_answer there = get(walked->links[page - 1], token);
        assert_non_null(prev);
        answer = get(prev, token);
        assert_true(json_equal(json_get(answer.json, "Data"), json_get(there.json, "Data")));
        assert_true((page == 1) == !link_of(&answer, "Prev"));
        assert_non_null(link_of(&answer, "Next"));
    }
}

/* spec: uk/S8, uk/rule7, ledger/69 */
static void s8_pages(void **state) {
    (void)state;
    struct agreement agreement = agree(V4, PERMISSIONS(BASIC "," ROWS "," CREDITS "," DEBITS), 2);
    struct agreement credits = agree(V4, PERMISSIONS(BASIC "," ROWS "," CREDITS), 2);
    for (int i = 0; i < PAGED; i++) (void)move_money(&second_account, i % 2 ? -50 : 50);
    struct world_answer answer = get("/transactions?toBookingDateTime=2016-01-01", agreement.token);
    assert_int_equal(json_count(rows_of(&answer)), 0);
    assert_null(link_of(&answer, "Next"));
    assert_null(link_of(&answer, "Prev"));
    assert_string_equal(link_of(&answer, "Self"), "/transactions?toBookingDateTime=2016-01-01");
    struct walked all = walk_pages("/transactions", agreement.token);
    assert_true(all.rows >= PAGED + MOVES && all.pages == (all.rows + PAGE - 1) / PAGE);
    walk_back(&all, agreement.token);
    struct walked one = walk_pages(account_path(&second_account, "/transactions"), agreement.token);
    assert_true(one.rows >= PAGED && one.pages == 3);
    walk_back(&one, agreement.token);
    struct walked half = walk_pages(account_path(&second_account, "/transactions"), credits.token);
    assert_true(half.rows >= PAGED / 2 && half.rows < PAGED && half.pages == 2);
    walk_back(&half, credits.token);
    struct walked filtered = walk_pages("/transactions?fromBookingDateTime=2016-01-01", agreement.token);
    assert_int_equal(filtered.rows, all.rows); /* the filter survives, or First would not be the path */
}

/* A page does not move when something is booked meanwhile. */
/* spec: ledger/69 */
static void t2_places_do_not_move(void **state) {
    (void)state;
    struct agreement agreement = agree(V4, PERMISSIONS(BASIC "," ROWS "," CREDITS "," DEBITS), 2);
    const char *path = account_path(&second_account, "/transactions");
    struct world_answer first = get(path, agreement.token), second = get(link_of(&first, "Next"), agreement.token);
    (void)move_money(&second_account, 10);
    struct world_answer again = get(link_of(&first, "Next"), agreement.token);
    assert_true(json_equal(json_get(again.json, "Data"), json_get(second.json, "Data")));
    struct world_answer back = get(link_of(&second, "Prev"), agreement.token);
    assert_true(json_equal(json_get(back.json, "Data"), json_get(first.json, "Data")));
    assert_non_null(link_of(&back, "Prev")); /* what was booked meanwhile */
}

static void places_are_the_links_own(void **state) {
    (void)state;
    struct agreement agreement = agree(V4, PERMISSIONS(BASIC "," ROWS "," CREDITS "," DEBITS), 1);
    static const char *const bad[] = { "after=1", "after=", "before=x.1", "after=%s.0", "after=%s.1&before=%s.1" };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        char path[256];
        const char *id = text_of(world.account_id.bytes).at;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        int len = snprintf(path, sizeof path, bad[i], id, id);
#pragma GCC diagnostic pop
        assert_true(len > 0);
        struct world_answer answer = get(arena_printf(&world.arena, "/transactions?%s", path).at, agreement.token);
        assert_refused(&answer, 400, "U002", "query");
    }
    const char *foreign =
        arena_printf(&world.arena, "/transactions?after=" STR_FMT ".1", STR_ARG(text_of(sams_account.bytes))).at;
    struct world_answer answer = get(foreign, agreement.token);
    assert_refused(&answer, 400, "U002", "query");
    const char *mine =
        arena_printf(&world.arena, "/transactions?after=" STR_FMT ".1", STR_ARG(text_of(world.account_id.bytes))).at;
    answer = get(mine, agreement.token);
    assert_int_equal(json_count(rows_of(&answer)), 0); /* nothing is older than the first */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(credits_and_debits),
        cmocka_unit_test(q7_window_of_the_consent),
        cmocka_unit_test(s9_filters_of_the_query),
        cmocka_unit_test(detail_shows_what_basic_hides),
        cmocka_unit_test(detail_tells_the_other_side_of_a_payment),
        cmocka_unit_test(s8_pages),
        cmocka_unit_test(t2_places_do_not_move),
        cmocka_unit_test(places_are_the_links_own),
    };
    return cmocka_run_group_tests(tests, setup, accounts_teardown);
}
