/* authorization_details_test.c - what a client may ask for in the words of RFC 9396, one line a case. */
#include "auth/authorization_details.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ID "018bcfe5-6800-7000-8000-000000000001"
#define PAYMENT "\"type\":\"payment_initiation\",\"openbanking_intent_id\":\"" ID "\""
#define ACCOUNTS "\"type\":\"account_information\",\"openbanking_intent_id\":\"" ID "\""
#define AMOUNT ",\"instructedAmount\":{\"currency\":\"GBP\",\"amount\":\"1.10\"}"

static struct arena arena;

static int setup(void **state) {
    (void)state;
    return arena_init(&arena, 64 * 1024, 1024 * 1024);
}
static int teardown(void **state) {
    (void)state;
    arena_release(&arena);
    return 0;
}

/* spec: fapi/G14, gateway/28 */
static void details_are_read(void **state) {
    (void)state;
    static const struct {
        const char *name, *text, *scope;
        const char *granted; /* NULL: refused */
    } cases[] = {
        { "payment", "[{" PAYMENT "}]", "openid payments", "[{" PAYMENT "}]" },
        { "payment with its amount", "[{" PAYMENT AMOUNT "}]", "payments", "[{" PAYMENT AMOUNT "}]" },
        { "members in any order", "[ {\"openbanking_intent_id\":\"" ID "\" , \"type\":\"payment_initiation\"} ]",
          "payments", "[{" PAYMENT "}]" },
        { "accounts", "[{" ACCOUNTS "}]", "openid accounts", "[{" ACCOUNTS "}]" },
        { "scope of the other type", "[{" PAYMENT "}]", "openid accounts", NULL },
        { "scope of the other type", "[{" ACCOUNTS "}]", "openid payments", NULL },
        { "amount of accounts", "[{" ACCOUNTS AMOUNT "}]", "accounts", NULL },
        { "amount without currency", "[{" PAYMENT ",\"instructedAmount\":{\"amount\":\"1\"}}]", "payments", NULL },
        { "amount with more", "[{" PAYMENT ",\"instructedAmount\":{\"currency\":\"GBP\",\"amount\":\"1\",\"x\":1}}]",
          "payments", NULL },
        { "amount as a number", "[{" PAYMENT ",\"instructedAmount\":{\"currency\":\"GBP\",\"amount\":1}}]", "payments",
          NULL },
        { "two", "[{" PAYMENT "},{" PAYMENT "}]", "payments", NULL },
        { "none", "[]", "payments", NULL },
        { "an object", "{" PAYMENT "}", "payments", NULL },
        { "text", "[\"payment_initiation\"]", "payments", NULL },
        { "no type", "[{\"openbanking_intent_id\":\"" ID "\"}]", "payments", NULL },
        { "unknown type", "[{\"type\":\"x\",\"openbanking_intent_id\":\"" ID "\"}]", "payments", NULL },
        { "no consent", "[{\"type\":\"payment_initiation\"}]", "payments", NULL },
        { "no id", "[{\"type\":\"payment_initiation\",\"openbanking_intent_id\":\"1\"}]", "payments", NULL },
        { "unknown member", "[{" PAYMENT ",\"locations\":[]}]", "payments", NULL },
        { "member twice", "[{" PAYMENT "," PAYMENT "}]", "payments", NULL },
        { "broken", "[{" PAYMENT "}", "payments", NULL },
        { "empty", "", "payments", NULL },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct authorization_details details;
        const char *wrong = NULL;
        bool read =
            authorization_details_read(str_from_c(cases[i].text), str_from_c(cases[i].scope), &arena, &details, &wrong);
        if (read != (cases[i].granted != NULL)) fail_msg("%zu %s: %s", i, cases[i].name, wrong ? wrong : "read");
        if (!read) assert_non_null(wrong);
        if (read && !str_equal_c(details.json, cases[i].granted))
            fail_msg("%s: " STR_FMT, cases[i].name, STR_ARG(details.json));
    }
}

/* spec: fapi/G14 */
static void details_must_be_true_of_the_consent(void **state) {
    (void)state;
    static const struct {
        const char *json;
        bool accounts;
        int64_t minor;
        bool fits;
    } cases[] = {
        { "[{" PAYMENT "}]", false, 110, true },         { "[{" PAYMENT AMOUNT "}]", false, 110, true },
        { "[{" PAYMENT AMOUNT "}]", false, 111, false }, { "[{" PAYMENT "}]", true, 0, false },
        { "[{" ACCOUNTS "}]", true, 0, true },           { "[{" ACCOUNTS "}]", false, 110, false },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct grant_consent_view consent = { .accounts = cases[i].accounts, .amount = { .minor = cases[i].minor } };
        assert_int_equal(currency_parse(STR("GBP"), &consent.amount.currency), 0);
        const char *wrong = authorization_details_judge(str_from_c(cases[i].json), &consent, &arena);
        if ((wrong == NULL) != cases[i].fits) fail_msg("%zu: %s", i, wrong ? wrong : "fits");
    }
}

/* spec: fapi/G14 */
static void a_later_request_asks_for_the_same(void **state) {
    (void)state;
    const struct str granted = STR("[{" PAYMENT "}]");
    assert_true(authorization_details_equal(granted, granted, &arena));
    assert_true(authorization_details_equal(STR("[ {" PAYMENT "} ]"), granted, &arena));
    assert_false(authorization_details_equal(STR("[{" PAYMENT AMOUNT "}]"), granted, &arena));
    assert_false(authorization_details_equal(STR("[{" ACCOUNTS "}]"), granted, &arena));
    assert_false(authorization_details_equal(STR("x"), granted, &arena));
    assert_false(authorization_details_equal(granted, STR(""), &arena));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(details_are_read),
        cmocka_unit_test(details_must_be_true_of_the_consent),
        cmocka_unit_test(a_later_request_asks_for_the_same),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
