#include "platform/seal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const uint8_t key[SEAL_KEY_BYTES] = "0123456789abcdef0123456789abcde";
static const uint8_t other_key[SEAL_KEY_BYTES] = "1123456789abcdef0123456789abcde";

static void sealed_bytes_open_with_key_and_use(void **state) {
    (void)state;
    uint8_t sealed_memory[SEAL_PLAIN_BYTES_MAX + SEAL_OVERHEAD_BYTES], open_memory[SEAL_PLAIN_BYTES_MAX];
    static char longest[SEAL_PLAIN_BYTES_MAX + 1];
    const struct str plains[] = { STR(""), STR("x"), STR("session 42"), str_from_bytes(longest, SEAL_PLAIN_BYTES_MAX) };
    for (size_t i = 0; i < ARRAY_COUNT(plains); i++) {
        struct buffer sealed, open;
        buffer_init(&sealed, sealed_memory, sizeof sealed_memory);
        buffer_init(&open, open_memory, sizeof open_memory);
        assert_int_equal(seal_bytes(key, STR("cookie"), plains[i], &sealed), 0);
        assert_int_equal(sealed.len, plains[i].len + SEAL_OVERHEAD_BYTES);
        assert_int_equal(seal_open(key, STR("cookie"), buffer_str(&sealed), &open), 0);
        assert_true(str_equal(buffer_str(&open), plains[i]));
        buffer_reset(&open);
        assert_int_equal(seal_open(key, STR("other use"), buffer_str(&sealed), &open), SEAL_E_FORGED);
        assert_int_equal(seal_open(key, STR(""), buffer_str(&sealed), &open), SEAL_E_FORGED);
        assert_int_equal(seal_open(other_key, STR("cookie"), buffer_str(&sealed), &open), SEAL_E_FORGED);
        assert_int_equal(open.len, 0); /* nothing unproven leaves */
    }
    struct buffer sealed;
    buffer_init(&sealed, sealed_memory, sizeof sealed_memory);
    assert_int_equal(seal_bytes(key, STR(""), str_from_bytes(longest, sizeof longest), &sealed), SEAL_E_SIZE);
}

static void every_changed_bit_is_seen(void **state) {
    (void)state;
    uint8_t memory[64], open_memory[64];
    struct buffer sealed, open;
    buffer_init(&sealed, memory, sizeof memory);
    buffer_init(&open, open_memory, sizeof open_memory);
    assert_int_equal(seal_bytes(key, STR("cookie"), STR("session 42"), &sealed), 0);
    for (size_t bit = 0; bit < 8 * sealed.len; bit++) {
        memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(seal_open(key, STR("cookie"), buffer_str(&sealed), &open), SEAL_E_FORGED);
        memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t len = 0; len < sealed.len; len++)
        assert_int_equal(seal_open(key, STR("cookie"), str_slice(buffer_str(&sealed), 0, len), &open),
                         len < SEAL_OVERHEAD_BYTES ? SEAL_E_SIZE : SEAL_E_FORGED);
    assert_int_equal(seal_open(key, STR("cookie"), buffer_str(&sealed), &open), 0);
}

static void two_seals_differ_and_a_full_buffer_is_a_fault(void **state) {
    (void)state;
    uint8_t one_memory[64], two_memory[64], small_memory[30];
    struct buffer one, two, small;
    buffer_init(&one, one_memory, sizeof one_memory);
    buffer_init(&two, two_memory, sizeof two_memory);
    buffer_init(&small, small_memory, sizeof small_memory);
    assert_int_equal(seal_bytes(key, STR(""), STR("same"), &one), 0);
    assert_int_equal(seal_bytes(key, STR(""), STR("same"), &two), 0);
    assert_false(str_equal(buffer_str(&one), buffer_str(&two)));
    assert_int_equal(seal_bytes(key, STR(""), STR("same"), &small), -ENOMEM);
    assert_int_equal(small.len, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sealed_bytes_open_with_key_and_use),
        cmocka_unit_test(every_changed_bit_is_seen),
        cmocka_unit_test(two_seals_differ_and_a_full_buffer_is_a_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
