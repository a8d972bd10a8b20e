/* uk/Q8, rule8: which permissions may be asked for together. */
#include "gateway/account_permissions.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define BASIC "\"ReadAccountsBasic\""
#define DETAIL "\"ReadAccountsDetail\""
#define ROWS "\"ReadTransactionsBasic\""
#define ROWS_DETAIL "\"ReadTransactionsDetail\""
#define CREDITS "\"ReadTransactionsCredits\""
#define DEBITS "\"ReadTransactionsDebits\""

static const struct {
    const char *list;
    size_t errors;
    int64_t want;
} rows[] = {
    { "[" BASIC "]", 0, PERMISSION_ACCOUNTS_BASIC },
    { "[" DETAIL "]", 0, PERMISSION_ACCOUNTS_DETAIL },
    { "[" BASIC "," DETAIL "," BASIC "]", 0, PERMISSIONS_ACCOUNTS },
    { "[" BASIC ",\"ReadBalances\",\"ReadPartyPSU\"]", 0,
      PERMISSION_ACCOUNTS_BASIC | PERMISSION_BALANCES | PERMISSION_PARTY_PSU },
    { "[" BASIC "," ROWS "," CREDITS "]", 0,
      PERMISSION_ACCOUNTS_BASIC | PERMISSION_TRANSACTIONS_BASIC | PERMISSION_TRANSACTIONS_CREDITS },
    { "[" BASIC "," ROWS_DETAIL "," DEBITS "]", 0,
      PERMISSION_ACCOUNTS_BASIC | PERMISSION_TRANSACTIONS_DETAIL | PERMISSION_TRANSACTIONS_DEBITS },
    { "[]", 1, 0 },
    { "[\"ReadBalances\"]", 1, 0 },
    { "[" BASIC ",\"readbalances\"]", 1, 0 },
    { "[" BASIC "," ROWS "]", 1, 0 },
    { "[" BASIC "," ROWS_DETAIL "]", 1, 0 },
    { "[" BASIC "," CREDITS "," DEBITS "]", 1, 0 },
    { "[" ROWS ",\"ReadNothing\"]", 3, 0 },
};

/* spec: uk/Q8, uk/rule8 */
static void what_may_stand_together(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct schema_errors errors = { .count = 0 };
        struct json *json;
        int64_t permissions;
        assert_int_equal(json_parse(str_from_c(rows[i].list), JSON_BYTES_MAX, JSON_DEPTH_MAX, &json, NULL), 0);
        account_permissions_read(json, &errors, &permissions);
        (void)json_free(json);
        if (errors.count != rows[i].errors) fail_msg("%s: %zu errors", rows[i].list, errors.count);
        if (!errors.count) assert_int_equal(permissions, rows[i].want);
    }
}

static void names_are_the_published_ones(void **state) {
    (void)state;
    assert_string_equal(account_permission_name(ACCOUNT_PERMISSION_BIT_ACCOUNTS_BASIC), "ReadAccountsBasic");
    assert_string_equal(account_permission_name(ACCOUNT_PERMISSION_BIT_TRANSACTIONS_DETAIL), "ReadTransactionsDetail");
    assert_int_equal(PERMISSION_TRANSACTIONS_DETAIL, 1 << 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_may_stand_together),
        cmocka_unit_test(names_are_the_published_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
