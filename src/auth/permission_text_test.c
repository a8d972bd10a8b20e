/* permission_text_test.c - every permission of the standard has words, and no word is said twice. */
#include "auth/permission_text.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct str written(struct arena *arena, const char *document) {
    char *memory = arena_alloc(arena, 8192);
    struct buffer out;
    buffer_init(&out, memory, 8192);
    assert_int_equal(permission_text_write(&out, str_from_c(document), 3, arena), 0);
    assert_false(out.overflow);
    return buffer_str(&out);
}

static bool has(struct str text, const char *part) {
    size_t at;
    return str_find(text, str_from_c(part), &at);
}

static void every_permission_has_words(void **state) {
    (void)state;
    static const struct {
        const char *document, *want, *unwanted;
    } cases[] = {
        { "{\"Permissions\":[\"ReadAccountsBasic\"]}", "<h3>Your account details</h3>", "sort codes" },
        { "{\"Permissions\":[\"ReadAccountsBasic\",\"ReadAccountsDetail\"]}", "sort codes", "of the accounts</li>" },
        { "{\"Permissions\":[\"ReadBalances\"]}", "How much money", "account details" },
        { "{\"Permissions\":[\"ReadTransactionsCredits\",\"ReadTransactionsBasic\"]}", "into the accounts", "out of" },
        { "{\"Permissions\":[\"ReadTransactionsDebits\",\"ReadTransactionsDetail\"]}", "out of", "into the accounts" },
        { "{\"Permissions\":[\"ReadStatementsBasic\"]}", "Your statements", "Also" },
        { "{\"Permissions\":[\"ReadStatementsDetail\"]}", "every payment", "Also" },
        { "{\"Permissions\":[\"ReadBeneficiariesBasic\"]}", "have saved", "Also" },
        { "{\"Permissions\":[\"ReadBeneficiariesDetail\"]}", "their account numbers", "Also" },
        { "{\"Permissions\":[\"ReadDirectDebits\"]}", "direct debits", "Also" },
        { "{\"Permissions\":[\"ReadStandingOrdersBasic\"]}", "standing orders", "Also" },
        { "{\"Permissions\":[\"ReadStandingOrdersDetail\"]}", "whom they are to", "Also" },
        { "{\"Permissions\":[\"ReadScheduledPaymentsBasic\"]}", "a later day", "Also" },
        { "{\"Permissions\":[\"ReadScheduledPaymentsDetail\"]}", "whom they are to", "Also" },
        { "{\"Permissions\":[\"ReadOffers\"]}", "Offers", "Also" },
        { "{\"Permissions\":[\"ReadProducts\"]}", "interest", "Also" },
        { "{\"Permissions\":[\"ReadPAN\"]}", "card numbers", "Also" },
        { "{\"Permissions\":[\"ReadParty\"]}", "holders", "Also" },
        { "{\"Permissions\":[\"ReadPartyPSU\"]}", "Your name", "Also" },
        { "{\"Permissions\":[\"ReadNew<b>\"]}", "<li><bdi>ReadNew&lt;b&gt;</bdi></li>", "<b>" },
        { "{\"Permissions\":[\"ReadTransactionsDebits\"],\"TransactionFromDateTime\":\"2026-01-31T00:00:00Z\"}",
          "Payments from 31 January 2026 only", "up to" },
        { "{\"Permissions\":[\"ReadTransactionsDebits\"],\"TransactionToDateTime\":\"2026-12-01T00:00:00Z\"}",
          "Payments up to 1 December 2026 only", "from" },
        { "{\"Permissions\":[\"ReadBalances\"],\"TransactionToDateTime\":\"2026-12-01T00:00:00Z\"}", "How", "up to" },
        { "{\"Permissions\":[\"ReadTransactionsDebits\"],\"TransactionToDateTime\":\"soon\"}", "out of", "only" },
    };
    struct arena arena;
    assert_int_equal(arena_init(&arena, 64 * 1024, 1024 * 1024), 0);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct str text = written(&arena, cases[i].document);
        if (!has(text, cases[i].want))
            fail_msg("%s: no %s in " STR_FMT, cases[i].document, cases[i].want, STR_ARG(text));
        if (has(text, cases[i].unwanted)) fail_msg("%s: %s", cases[i].document, cases[i].unwanted);
    }
    arena_release(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_permission_has_words) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
