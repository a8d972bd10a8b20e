/* proof_memory_test.c - p1, p2: what was seen is refused until its time is over; memory stays fixed. */
#include "gateway/proof_memory.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void key_of(uint32_t number, uint8_t ret_key[16]) {
    memset(ret_key, 0, 16);
    for (int i = 0; i < 16; i++) ret_key[i] = (uint8_t)((number * 2654435761U) >> (i % 4 * 8));
    memcpy(ret_key + 12, &number, sizeof number);
}

static bool spend(struct proof_memory *memory, uint32_t number, int64_t expires_ms, int64_t now_ms) {
    uint8_t key[16];
    key_of(number, key);
    return proof_memory_spend(memory, key, expires_ms, now_ms);
}

/* spec: fapi/103 */
static void p1_a_proof_is_good_once(void **state) {
    (void)state;
    struct proof_memory *memory;
    assert_int_equal(proof_memory_new(1024, &memory), 0);
    assert_true(spend(memory, 1, 100, 0));
    assert_false(spend(memory, 1, 100, 0));
    assert_false(spend(memory, 1, 100, 99));
    assert_true(spend(memory, 2, 100, 0));
    assert_true(spend(memory, 1, 200, 100)); /* too old for its rules by now, so nobody asks */
    assert_false(spend(memory, 1, 200, 101));
    memory = proof_memory_free(memory);
    assert_null(proof_memory_free(NULL));
}

static void p2_a_flood_forgets_what_ends_first(void **state) {
    (void)state;
    enum { MANY = 4096 };
    struct proof_memory *memory;
    uint32_t remembered = 0;
    assert_int_equal(proof_memory_new(128, &memory), 0);
    assert_true(spend(memory, 0, INT64_MAX, 0));
    for (uint32_t i = 1; i < MANY; i++) assert_true(spend(memory, i, 1000 + i, 0));
    assert_false(spend(memory, 0, INT64_MAX, 0)); /* it ends last */
    for (uint32_t i = 1; i < MANY; i++)
        if (!spend(memory, i, 1000 + i, 0)) remembered++;
    assert_true(remembered < 128);
    proof_memory_free(memory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(p1_a_proof_is_good_once),
        cmocka_unit_test(p2_a_flood_forgets_what_ends_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
