/* approval_test.c - P1: every field counts. */
#include "domain/approval.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const uint8_t consent_id[16] = { 1 }, other_id[16] = { 2 };

static struct approval standard(void) {
    return (struct approval){ .consent_id = consent_id,
                              .accounts = STR("0123456789abcdef"),
                              .amount_minor = 1999,
                              .currency = 826,
                              .payee_name = STR("Zoe"),
                              .payee_scheme = STR("UK.OBIE.IBAN"),
                              .payee_identification = STR("GB33"),
                              .document = STR("{}"),
                              .expires_ms = 5 };
}

static void p1_every_field_counts(void **state) {
    (void)state;
    struct approval changed[10], same = standard();
    struct hash first = approval_hash(&same), again = approval_hash(&same);
    assert_true(hash_equal(&first, &again));
    for (size_t i = 0; i < ARRAY_COUNT(changed); i++) changed[i] = standard();
    changed[0].consent_id = other_id;
    changed[1].accounts = STR("0123456789abcdeg");
    changed[2].accounts = STR("0123456789abcdef0123456789abcdef");
    changed[3].amount_minor = 2000;
    changed[4].currency = 978;
    changed[5].payee_name = STR("Zo");
    changed[6].payee_scheme = STR("eUK.OBIE.IBAN"); /* the letter that changed[5] lost */
    changed[7].payee_identification = STR("GB34");
    changed[8].document = STR("{ }");
    changed[9].expires_ms = 0;
    for (size_t i = 0; i < ARRAY_COUNT(changed); i++) {
        struct hash hash = approval_hash(&changed[i]);
        if (hash_equal(&first, &hash)) fail_msg("change %zu does not count", i);
        for (size_t k = 0; k < i; k++) {
            struct hash other = approval_hash(&changed[k]);
            if (hash_equal(&other, &hash)) fail_msg("changes %zu and %zu are the same", k, i);
        }
    }
}

static void text_comes_back(void **state) {
    (void)state;
    char text[APPROVAL_TEXT_BYTES];
    struct approval approval = standard();
    struct hash hash = approval_hash(&approval), back;
    struct str written = approval_text(&hash, text);
    assert_int_equal(approval_parse(written, &back), 0);
    assert_true(hash_equal(&hash, &back));
    assert_int_equal(approval_parse(str_slice(written, 0, 42), &back), -EINVAL);
    assert_int_equal(approval_parse(STR(""), &back), -EINVAL);
    assert_int_equal(approval_parse(STR("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), &back), -EINVAL);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(p1_every_field_counts), cmocka_unit_test(text_comes_back) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
