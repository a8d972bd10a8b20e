#include "observe/pii_hash.h"

#include "platform/encoding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const uint8_t key_one[PII_KEY_BYTES] = "0123456789abcdef0123456789abcde", key_two[PII_KEY_BYTES] = "another";

static struct pii_keys keys_with_one(void) {
    struct pii_keys keys = { 0 };
    assert_int_equal(pii_keys_add(&keys, 1, key_one), 0);
    return keys;
}

/* The vector was computed with Python: hmac.new(key, b"account_number\0" b"98765432", "sha256"). */
static void hash_is_hmac_of_kind_and_value(void **state) {
    (void)state;
    struct pii_keys keys = keys_with_one();
    struct pii_hash hash = pii_hash(&keys, PERSONAL_ACCOUNT_NUMBER, STR("98765432"));
    char text[PII_HASH_TEXT_BYTES];
    assert_true(str_equal(pii_hash_text(&hash, text), STR("h1:8eb2a1a3fdc7662460fc4b72430adcad")));
}

static void hashes_differ_by_kind_value_and_key(void **state) {
    (void)state;
    struct pii_keys keys = keys_with_one(), others = { 0 };
    assert_int_equal(pii_keys_add(&others, 1, key_two), 0);
    struct pii_hash hash = pii_hash(&keys, PERSONAL_ACCOUNT_NUMBER, STR("98765432"));
    struct pii_hash same = pii_hash(&keys, PERSONAL_ACCOUNT_NUMBER, STR("98765432"));
    struct pii_hash kind = pii_hash(&keys, PERSONAL_PHONE, STR("98765432"));
    struct pii_hash value = pii_hash(&keys, PERSONAL_ACCOUNT_NUMBER, STR("98765433"));
    struct pii_hash key = pii_hash(&others, PERSONAL_ACCOUNT_NUMBER, STR("98765432"));
    struct hash plain = sha256_str(STR("98765432"));
    assert_true(pii_hash_equal(&hash, &same));
    assert_false(pii_hash_equal(&hash, &kind));
    assert_false(pii_hash_equal(&hash, &value));
    assert_false(pii_hash_equal(&hash, &key));
    assert_false(hash_equal(&hash.hash, &plain));
}

/* H1 */
static void rotation_keeps_old_hashes_findable(void **state) {
    (void)state;
    struct pii_keys keys = keys_with_one();
    struct pii_hash before = pii_hash(&keys, PERSONAL_EMAIL, STR("mia@example.com"));
    assert_int_equal(pii_keys_add(&keys, 2, key_two), 0);
    struct pii_hash after = pii_hash(&keys, PERSONAL_EMAIL, STR("mia@example.com"));
    struct pii_hash old = pii_hash_under(&keys, 0, PERSONAL_EMAIL, STR("mia@example.com"));
    assert_int_equal(after.version, 2);
    assert_false(pii_hash_equal(&before, &after));
    assert_true(pii_hash_equal(&before, &old));
    assert_true(pii_keys_retire(&keys));
    struct pii_hash still = pii_hash(&keys, PERSONAL_EMAIL, STR("mia@example.com"));
    assert_true(pii_hash_equal(&after, &still));
    assert_false(pii_keys_retire(&keys)); /* the current one stays */
}

/* H2, and what a caller may get wrong */
static void keys_are_refused_and_wiped(void **state) {
    (void)state;
    struct pii_keys keys = keys_with_one();
    static const uint8_t zero[PII_KEY_BYTES];
    assert_int_equal(pii_keys_add(&keys, 1, key_two), -EINVAL);
    assert_int_equal(pii_keys_add(&keys, 2, zero), -EINVAL);
    for (uint32_t version = 2; version <= PII_KEYS_MAX; version++)
        assert_int_equal(pii_keys_add(&keys, version, key_two), 0);
    assert_int_equal(pii_keys_add(&keys, 99, key_two), -ENOSPC);
    assert_true(pii_keys_retire(&keys));
    assert_memory_equal(keys.keys[PII_KEYS_MAX - 1].bytes, zero, PII_KEY_BYTES);
    pii_keys_release(&keys);
    static const struct pii_keys none;
    assert_memory_equal(&keys, &none, sizeof keys);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hash_is_hmac_of_kind_and_value),
        cmocka_unit_test(hashes_differ_by_kind_value_and_key),
        cmocka_unit_test(rotation_keeps_old_hashes_findable),
        cmocka_unit_test(keys_are_refused_and_wiped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
