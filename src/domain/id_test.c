#include "domain/id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct {
    const char *name, *text;
    int want;
} parse_cases[] = {
    { "lower case", "0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b", 0 },
    { "upper case", "0190A1B2-C3D4-7E5F-8A6B-7C8D9E0F1A2B", 0 },
    { "all zero", "00000000-0000-0000-0000-000000000000", 0 },
    { "empty", "", -EINVAL },
    { "no dashes", "0190a1b2c3d47e5f8a6b7c8d9e0f1a2b", -EINVAL },
    { "a dash moved", "0190a1b-2c3d4-7e5f-8a6b-7c8d9e0f1a2b", -EINVAL },
    { "a dash for a digit", "0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a-b", -EINVAL },
    { "not a digit", "0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2g", -EINVAL },
    { "one short", "0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2", -EINVAL },
    { "one long", "0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b0", -EINVAL },
    { "braces", "{190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2}", -EINVAL },
    { "blank before", " 190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b", -EINVAL },
};

static void id_text_is_read_strictly(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(parse_cases); i++) {
        uint8_t id[ID_BYTES] = { 0xee };
        int r = id_parse(str_from_c(parse_cases[i].text), id);
        if (r != parse_cases[i].want) fail_msg("%s: %d", parse_cases[i].name, r);
        if (r) assert_int_equal(id[0], 0xee); /* untouched on refusal */
    }
}

static void id_text_round_trips(void **state) {
    (void)state;
    uint8_t id[ID_BYTES], again[ID_BYTES];
    char text[ID_TEXT_BYTES], hex[ID_HEX_BYTES];
    assert_int_equal(id_parse(STR("0190A1B2-C3D4-7E5F-8A6B-7C8D9E0F1A2B"), id), 0);
    assert_true(str_equal(id_format(id, text), STR("0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b")));
    assert_string_equal(text, "0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b");
    assert_true(str_equal(id_format_hex(id, hex), STR("0190a1b2c3d47e5f8a6b7c8d9e0f1a2b")));
    assert_int_equal(id_parse_hex(str_from_c(hex), again), 0);
    assert_true(id_equal(id, again));
    assert_int_equal(id_parse_hex(STR("0190a1b2"), again), -EINVAL);
    assert_int_equal(id_parse_hex(STR("0190a1b2c3d47e5f8a6b7c8d9e0f1a2-"), again), -EINVAL);
    assert_false(id_is_zero(id));
    assert_true(id_is_zero((uint8_t[ID_BYTES]){ 0 }));
}

static void id_sequence_lays_out_uuid7(void **state) {
    (void)state;
    struct id_sequence sequence = { .ms = 0, .salt = 0xcafebabe };
    uint8_t id[ID_BYTES];
    char text[ID_TEXT_BYTES];
    id_sequence_next(&sequence, 0x0190a1b2c3d4, id);
    assert_true(str_equal(id_format(id, text), STR("0190a1b2-c3d4-7000-8000-0000cafebabe")));
    assert_int_equal(id_time_ms(id), 0x0190a1b2c3d4);
    sequence.counter = ((uint64_t)0xabc << 30 | 0x3fffffff) - 1;
    id_sequence_next(&sequence, 0x0190a1b2c3d4, id);
    assert_true(str_equal(id_format(id, text), STR("0190a1b2-c3d4-7abc-bfff-ffffcafebabe")));
}

static const struct {
    const char *name;
    int64_t ms;
    uint64_t counter;
    int64_t now_ms, want_ms;
    uint64_t want_counter;
} sequence_cases[] = {
    { "clock moved on", 1000, 7, 1001, 1001, 0 },
    { "same millisecond", 1000, 7, 1000, 1000, 8 },
    { "clock one back", 1000, 7, 999, 1000, 8 },
    { "clock an hour back", 5000000, 7, 1400000, 5000000, 8 },
    { "clock before 1970", 1000, 7, -5, 1000, 8 },
    { "counter nearly full", 1000, ((uint64_t)1 << 42) - 2, 1000, 1000, ((uint64_t)1 << 42) - 1 },
    { "counter full", 1000, ((uint64_t)1 << 42) - 1, 1000, 1001, 0 },
    { "counter full, clock back", 1000, ((uint64_t)1 << 42) - 1, 10, 1001, 0 },
    { "counter full, clock moved on", 1000, ((uint64_t)1 << 42) - 1, 1001, 1001, 0 },
};

static void id_sequence_survives_clock_and_counter(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(sequence_cases); i++) {
        struct id_sequence sequence = { .ms = sequence_cases[i].ms, .counter = sequence_cases[i].counter };
        uint8_t id[ID_BYTES];
        id_sequence_next(&sequence, sequence_cases[i].now_ms, id);
        if (sequence.ms != sequence_cases[i].want_ms || sequence.counter != sequence_cases[i].want_counter)
            fail_msg("%s: ms %ld counter %lu", sequence_cases[i].name, (long)sequence.ms,
                     (unsigned long)sequence.counter);
        assert_int_equal(id_time_ms(id), sequence.ms);
    }
}

static void id_sequence_only_rises(void **state) {
    (void)state;
    static const int64_t clock_ms[] = { 10, 10, 9, 11, 11, 3, 12, 12, 12, 1000, 5, 1001 };
    struct id_sequence sequence = { .salt = 0xffffffff };
    uint8_t last[ID_BYTES] = { 0 }, id[ID_BYTES];
    for (size_t i = 0; i < 1000 * ARRAY_COUNT(clock_ms); i++) {
        if (i % 500 == 0) sequence.counter = ((uint64_t)1 << 42) - 3; /* runs full every now and then */
        id_sequence_next(&sequence, clock_ms[i / 1000], id);
        assert_true(memcmp(last, id, ID_BYTES) < 0);
        assert_int_equal(id[6] >> 4, 7);
        assert_int_equal(id[8] >> 6, 2);
        memcpy(last, id, sizeof last);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(id_text_is_read_strictly),
        cmocka_unit_test(id_text_round_trips),
        cmocka_unit_test(id_sequence_lays_out_uuid7),
        cmocka_unit_test(id_sequence_survives_clock_and_counter),
        cmocka_unit_test(id_sequence_only_rises),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
