#include "gateway/refusal_tally.h"

#include "wire/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static char memory[REFUSAL_RECORD_BYTES_MAX];

/* What was told by now_ms; NULL: nothing. */
static struct json *take(struct refusal_tally *tally, int64_t now_ms) {
    struct buffer out;
    struct json *json;
    buffer_init(&out, memory, sizeof memory);
    refusal_tally_take(tally, now_ms, &out);
    assert_false(out.overflow);
    if (out.len == 0) return NULL;
    assert_int_equal(json_parse(buffer_str(&out), sizeof memory, 8, &json, NULL), 0);
    return json;
}

/* spec: gateway/61 */
static void r1_r2_flood(void **state) {
    struct refusal_tally *tally = refusal_tally_new();
    int64_t kept = 0;
    (void)state;
    for (int i = 0; i < 100000; i++) {
        char text[64];
        int len = snprintf(text, sizeof text, "2001:db8:%x:%x:ffff:ffff:255.255.255.255", i % 300, 0xffff - i % 300);
        kept += refusal_tally_count(tally, 120000 + i % 60000, str_from_bytes(text, (size_t)len));
    }
    assert_int_equal(kept, REFUSAL_KEPT_MAX);
    struct json *json = take(tally, 180000);
    assert_int_equal(json_get_integer(json, "count", 0), 100000);
    assert_int_equal(json_count(json_get(json, "addresses")), REFUSAL_ADDRESSES_MAX);
    int64_t told = json_get_integer(json, "other_addresses", 0);
    for (size_t i = 0; i < REFUSAL_ADDRESSES_MAX; i++)
        told += json_get_integer(json_at(json_get(json, "addresses"), i), "count", 0);
    assert_int_equal(told, 100000);
    (void)json_free(json);
    (void)refusal_tally_free(tally);
}

static void r2_each(void **state) {
    struct refusal_tally *tally = refusal_tally_new();
    (void)state;
    for (int i = 0; i < 10; i++)
        assert_int_equal(refusal_tally_count(tally, 1, STR("192.0.2.1")), i < REFUSAL_KEPT_EACH);
    assert_true(refusal_tally_count(tally, 1, STR("192.0.2.2")));
    (void)refusal_tally_free(tally);
}

static void r3_minutes(void **state) {
    struct refusal_tally *tally = refusal_tally_new();
    (void)state;
    assert_null(take(tally, 0));
    assert_true(refusal_tally_count(tally, 61000, STR("\r\n\x1b[2J\"")));
    assert_null(take(tally, 119999));
    struct json *json = take(tally, 120000);
    assert_true(str_equal(json_get_string(json, "time"), STR("1970-01-01T00:01:00.000Z")));
    (void)json_free(json);
    assert_null(take(tally, 999999));
    assert_true(refusal_tally_count(tally, 130000, STR("")));
    json = take(tally, INT64_MAX); /* at the end of the process */
    assert_true(str_equal(json_get_string(json_at(json_get(json, "addresses"), 0), "address"), STR("unknown")));
    (void)json_free(json);
    (void)refusal_tally_free(tally);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(r1_r2_flood), cmocka_unit_test(r2_each),
                                        cmocka_unit_test(r3_minutes) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
