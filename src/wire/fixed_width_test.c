#include "wire/fixed_width.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* The shipped layouts, read where they lie: tests run in the project's root. */
static struct fixed_width *layout_open(const char *name) {
    char path[128], text[4096];
    struct fixed_width *layout;
    struct message message = { "" };
    (void)snprintf(path, sizeof path, "src/integration/acl/layouts/%s.json", name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t len = fread(text, 1, sizeof text, file);
    (void)fclose(file);
    if (fixed_width_load(str_from_bytes(text, len), &layout, &message)) fail_msg("%s: %s", path, message.text);
    return layout;
}

#define V(name, text)                                                                                                  \
    { STR_INIT(name), STR_INIT(text) }
#define REFERENCE "0192f0c17d1a70008000000000000001"
#define TXN_RECORD                                                                                                     \
    "TXN"                                                                                                              \
    "  GB29NWBK6016133192"                                                                                             \
    "      20040199999999"                                                                                             \
    "000000001999"                                                                                                     \
    "GBP"                                                                                                              \
    "20261122034500"                                                                                                   \
    "   " REFERENCE

static const struct fixed_width_value txn_values[] = {
    V("reference", REFERENCE), V("debtor", "GB29NWBK6016133192"), V("creditor", "20040199999999"),
    V("amount", "1999"),       V("timestamp", "20261122034500"),  V("currency", "GBP"),
};

struct record_case {
    const char *layout, *record;
    size_t bytes;
    struct fixed_width_value values[8];
};

static const struct record_case record_cases[] = {
    { "txn",
      TXN_RECORD,
      107,
      { V("debtor", "GB29NWBK6016133192"), V("creditor", "20040199999999"), V("amount", "1999"), V("currency", "GBP"),
        V("timestamp", "20261122034500"), V("reference", REFERENCE) } },
    { "txn",
      "TXN12345678901234567890                   1000000000000JPY20240229235959                                  x",
      107,
      { V("debtor", "12345678901234567890"), V("creditor", "1"), V("amount", "0"), V("currency", "JPY"),
        V("timestamp", "20240229235959"), V("reference", "x") } },
    { "enq", "ENQ   " REFERENCE, 38, { V("reference", REFERENCE) } },
    { "rev", "REV   " REFERENCE, 38, { V("reference", REFERENCE) } },
    { "answer",
      "00      CORE0000000120261122034501",
      34,
      { V("code", "00"), V("core_reference", "CORE00000001"), V("timestamp", "20261122034501") } },
    { "answer",
      "44                  20261122034501",
      34,
      { V("code", "44"), V("core_reference", ""), V("timestamp", "20261122034501") } },
};

static void test_records(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(record_cases); i++) {
        const struct record_case *row = &record_cases[i];
        struct fixed_width *layout = layout_open(row->layout);
        struct fixed_width_values values;
        struct message message = { "" };
        char memory[FIXED_WIDTH_RECORD_BYTES_MAX];
        struct buffer out;
        assert_int_equal(fixed_width_bytes(layout), row->bytes);
        if (fixed_width_decode(layout, str_from_c(row->record), &values, &message))
            fail_msg("case %zu: %s", i, message.text);
        for (size_t k = 0; k < values.count; k++) {
            assert_true(str_equal(values.items[k].name, row->values[k].name));
            assert_true(str_equal(values.items[k].text, row->values[k].text));
        }
        assert_true(values.count == ARRAY_COUNT(row->values) || row->values[values.count].name.len == 0);
        buffer_init(&out, memory, sizeof memory);
        assert_int_equal(fixed_width_encode(layout, row->values, values.count, &out, &message), 0);
        assert_true(str_equal_c(buffer_str(&out), row->record));
        (void)fixed_width_free(layout);
    }
}

struct value_case {
    const char *name, *text;
    int expected;
};

/* Values of a TXN, each refusal beside its twin. */
static const struct value_case value_cases[] = {
    { "debtor", "12345678901234567890", 0 },
    { "debtor", "123456789012345678901", FIXED_WIDTH_E_TOO_LONG },
    { "debtor", "", FIXED_WIDTH_E_EMPTY },
    { "debtor", "a b ", 0 },
    { "debtor", " ab", FIXED_WIDTH_E_CHARACTER },
    { "debtor", "\xc3\xa9", FIXED_WIDTH_E_CHARACTER },
    { "debtor", "a\tb", FIXED_WIDTH_E_CHARACTER },
    { "debtor", "a\x7f", FIXED_WIDTH_E_CHARACTER },
    { "amount", "999999999999", 0 },
    { "amount", "1000000000000", FIXED_WIDTH_E_TOO_LONG },
    { "amount", "0", 0 },
    { "amount", "01", FIXED_WIDTH_E_CHARACTER },
    { "amount", "-1", FIXED_WIDTH_E_CHARACTER },
    { "amount", "1.0", FIXED_WIDTH_E_CHARACTER },
    { "amount", "", FIXED_WIDTH_E_EMPTY },
    { "currency", "GBP", 0 },
    { "currency", "GB", FIXED_WIDTH_E_CHARACTER },
    { "currency", "gbp", FIXED_WIDTH_E_CHARACTER },
    { "currency", "GBPX", FIXED_WIDTH_E_TOO_LONG },
    { "timestamp", "20240229235959", 0 },
    { "timestamp", "20230229235959", FIXED_WIDTH_E_CHARACTER },
    { "timestamp", "20231301000000", FIXED_WIDTH_E_CHARACTER },
    { "timestamp", "20230101240000", FIXED_WIDTH_E_CHARACTER },
    { "timestamp", "2023010123000", FIXED_WIDTH_E_CHARACTER },
    { "timestamp", "2023010123000x", FIXED_WIDTH_E_CHARACTER },
    { "reference", REFERENCE "xyz", 0 },
    { "reference", REFERENCE "xyz1", FIXED_WIDTH_E_TOO_LONG },
    { "tag", "TXN", FIXED_WIDTH_E_UNKNOWN },
    { "Debtor", "1", FIXED_WIDTH_E_UNKNOWN },
};

static void test_values(void **state) {
    (void)state;
    struct fixed_width *layout = layout_open("txn");
    assert_true(str_equal_c(fixed_width_record(layout), "TXN"));
    for (size_t i = 0; i < ARRAY_COUNT(value_cases); i++) {
        struct fixed_width_value value = { str_from_c(value_cases[i].name), str_from_c(value_cases[i].text) };
        int r = fixed_width_fits(layout, value);
        if (r != value_cases[i].expected) fail_msg("%s \"%s\" gave %d", value_cases[i].name, value_cases[i].text, r);
        if (r == FIXED_WIDTH_E_UNKNOWN) continue;
        /* The whole record says the same, and appends nothing when it refuses. */
        struct fixed_width_value values[ARRAY_COUNT(txn_values)];
        memcpy(values, txn_values, sizeof values);
        for (size_t k = 0; k < ARRAY_COUNT(values); k++)
            if (str_equal(values[k].name, value.name)) values[k] = value;
        char memory[FIXED_WIDTH_RECORD_BYTES_MAX];
        struct buffer out;
        buffer_init(&out, memory, sizeof memory);
        assert_int_equal(fixed_width_encode(layout, values, ARRAY_COUNT(values), &out, NULL), r);
        assert_int_equal(out.len, r ? 0 : 107);
    }
    (void)fixed_width_free(layout);
}

static void test_encode_names(void **state) {
    (void)state;
    struct fixed_width *layout = layout_open("txn");
    struct message message = { "" };
    char memory[256];
    struct buffer out;
    struct fixed_width_value values[ARRAY_COUNT(txn_values) + 1];
    buffer_init(&out, memory, sizeof memory);
    memcpy(values, txn_values, sizeof txn_values);
    assert_int_equal(fixed_width_encode(layout, values, ARRAY_COUNT(txn_values), &out, &message), 0);
    assert_true(str_equal_c(buffer_str(&out), TXN_RECORD));
    buffer_reset(&out);
    assert_int_equal(fixed_width_encode(layout, values, ARRAY_COUNT(txn_values) - 1, &out, &message),
                     FIXED_WIDTH_E_MISSING);
    assert_string_equal(message.text, "a value is missing: currency");
    values[ARRAY_COUNT(txn_values)] = (struct fixed_width_value){ STR("debtor"), STR("1") };
    assert_int_equal(fixed_width_encode(layout, values, ARRAY_COUNT(values), &out, &message), FIXED_WIDTH_E_UNKNOWN);
    values[ARRAY_COUNT(txn_values)] = (struct fixed_width_value){ STR("purpose"), STR("1") };
    assert_int_equal(fixed_width_encode(layout, values, ARRAY_COUNT(values), &out, &message), FIXED_WIDTH_E_UNKNOWN);
    assert_int_equal(out.len, 0);
    (void)fixed_width_free(layout);
}

struct decode_case {
    const char *layout, *record;
    int expected;
};

static const struct decode_case decode_cases[] = {
    { "answer", "00      CORE0000000120261122034501", 0 },
    { "answer", "", FIXED_WIDTH_E_LENGTH },
    { "answer", "00      CORE000000012026112203450", FIXED_WIDTH_E_LENGTH },
    { "answer", "00      CORE00000001202611220345010", FIXED_WIDTH_E_LENGTH },
    { "answer", "0       CORE0000000120261122034501", FIXED_WIDTH_E_CHARACTER },
    { "answer", "        CORE0000000120261122034501", FIXED_WIDTH_E_EMPTY },
    { "answer", "0x      CORE0000000120261122034501", FIXED_WIDTH_E_CHARACTER },
    { "answer",
      "00      CORE\xc3\xa9"
      "00000120261122034501",
      FIXED_WIDTH_E_CHARACTER },
    { "answer", "00      CORE0000000120261322034501", FIXED_WIDTH_E_CHARACTER },
    { "answer", "00      CORE00000001              ", FIXED_WIDTH_E_EMPTY },
    { "txn", "TXM  GB29NWBK6016133192      20040199999999000000001999GBP20261122034500   " REFERENCE,
      FIXED_WIDTH_E_LITERAL },
    { "txn", "TXN                          20040199999999000000001999GBP20261122034500   " REFERENCE,
      FIXED_WIDTH_E_EMPTY },
    { "txn", "TXN  GB29NWBK6016133192      20040199999999        1999GBP20261122034500   " REFERENCE,
      FIXED_WIDTH_E_CHARACTER },
    { "txn", "TXN  GB29NWBK6016133192      20040199999999-00000001999GBP20261122034500   " REFERENCE,
      FIXED_WIDTH_E_CHARACTER },
    { "txn", "TXN  GB29NWBK6016133192      20040199999999000000001999G P20261122034500   " REFERENCE,
      FIXED_WIDTH_E_CHARACTER },
};

static void test_decode_refusals(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(decode_cases); i++) {
        struct fixed_width *layout = layout_open(decode_cases[i].layout);
        struct fixed_width_values values;
        struct message message = { "" };
        int r = fixed_width_decode(layout, str_from_c(decode_cases[i].record), &values, &message);
        if (r != decode_cases[i].expected) fail_msg("case %zu gave %d %s", i, r, message.text);
        assert_null(strstr(message.text, "CORE"));
        if (r == 0) assert_true(str_equal_c(fixed_width_get(&values, "code"), "00"));
        if (r == 0) assert_int_equal(fixed_width_get(&values, "none").len, 0);
        (void)fixed_width_free(layout);
    }
}

static const struct {
    const char *layout, *message; /* message NULL: sound */
} layout_cases[] = {
    { "{\"record\":\"R\",\"fields\":[{\"name\":\"a\",\"width\":1}]}", NULL },
    { "{\"record\":\"R\",\"fields\":[{\"name\":\"a\",\"width\":1024}]}", NULL },
    { "{", "not valid JSON at line 1, column 1" },
    { "[]", "a layout is an object with \"record\", its name, and \"fields\", and nothing else" },
    { "{\"fields\":[{\"name\":\"a\",\"width\":1}]}",
      "a layout is an object with \"record\", its name, and \"fields\", and nothing else" },
    { "{\"record\":\"R\",\"fields\":[]}", "\"fields\" of a layout must be a list of 1 to 32 fields" },
    { "{\"record\":\"R\",\"fields\":[{\"width\":1}]}", "field 1 of the layout: \"name\" is missing" },
    { "{\"record\":\"R\",\"fields\":[{\"name\":\"a\",\"width\":1},{\"name\":\"a\",\"width\":1}]}",
      "field 2 of the layout: this name is taken" },
    { "{\"record\":\"R\",\"fields\":[{\"name\":\"a\"}]}",
      "field 1 of the layout: \"width\" must be a number from 1 to 1024" },
    { "{\"record\":\"R\",\"fields\":[{\"name\":\"a\",\"width\":1025}]}",
      "field 1 of the layout: \"width\" must be a number from 1 to 1024" },
    { "{\"record\":\"R\",\"fields\":[{\"name\":\"a\",\"width\":1000},{\"name\":\"b\",\"width\":25}]}",
      "field 2 of the layout: the record becomes longer than 1024 bytes" },
    { "{\"record\":\"R\",\"fields\":[{\"name\":\"a\",\"literal\":\"\xc3\xa9\"}]}",
      "field 1 of the layout: a literal must be printable ASCII" },
    { "{\"record\":\"R\",\"fields\":[{\"name\":\"a\",\"literal\":\"A\",\"width\":1}]}",
      "field 1 of the layout: a literal has a \"name\" and a \"literal\" and nothing else" },
    { "{\"record\":\"R\",\"fields\":[{\"name\":\"a\",\"width\":1,\"pad\":\" \"}]}",
      "field 1 of the layout: only name, literal, width, kind, align, fill and optional are known" },
    { "{\"record\":\"R\",\"fields\":[{\"name\":\"a\",\"width\":1,\"kind\":\"float\"}]}",
      "field 1 of the layout: \"kind\" must be text, number, digits, letters or timestamp" },
    { "{\"record\":\"R\",\"fields\":[{\"name\":\"a\",\"width\":1,\"align\":\"middle\"}]}",
      "field 1 of the layout: \"align\" must be left or right" },
    { "{\"record\":\"R\",\"fields\":[{\"name\":\"a\",\"width\":1,\"fill\":\"  \"}]}",
      "field 1 of the layout: \"fill\" must be one printable ASCII character" },
    { "{\"record\":\"R\",\"fields\":[{\"name\":\"a\",\"width\":1,\"kind\":\"number\",\"fill\":\" \"}]}",
      "field 1 of the layout: a number is filled with 0" },
    { "{\"record\":\"R\",\"fields\":[{\"name\":\"a\",\"width\":1,\"kind\":\"number\",\"align\":\"left\"}]}",
      "field 1 of the layout: a number is aligned right" },
    { "{\"record\":\"R\",\"fields\":[{\"name\":\"a\",\"width\":1,\"kind\":\"number\",\"optional\":true}]}",
      "field 1 of the layout: a number cannot be optional" },
    { "{\"record\":\"R\",\"fields\":[{\"name\":\"a\",\"width\":1,\"optional\":1}]}",
      "field 1 of the layout: \"optional\" must be true or false" },
    { "{\"record\":\"R\",\"fields\":[{\"name\":\"a\",\"width\":1,\"kind\":\"digits\",\"fill\":\" \"}]}",
      "field 1 of the layout: only text and numbers have \"align\" and \"fill\"" },
    { "{\"record\":\"R\",\"fields\":[{\"name\":\"a\",\"width\":8,\"kind\":\"timestamp\"}]}",
      "field 1 of the layout: a timestamp is 14 wide" },
};

static void test_layouts(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(layout_cases); i++) {
        struct fixed_width *layout = NULL;
        struct message message = { "" };
        int r = fixed_width_load(str_from_c(layout_cases[i].layout), &layout, &message);
        if (r != (layout_cases[i].message ? FIXED_WIDTH_E_LAYOUT : 0))
            fail_msg("%s gave %d", layout_cases[i].layout, r);
        if (layout_cases[i].message) assert_string_equal(message.text, layout_cases[i].message);
        (void)fixed_width_free(layout);
    }
}

/* Left-justified text, another fill, and a trailing fill character that would be lost. */
static void test_left(void **state) {
    (void)state;
    struct fixed_width *layout;
    char memory[16];
    struct buffer out;
    struct fixed_width_values back;
    assert_int_equal(
        fixed_width_load(STR("{\"record\":\"R\",\"fields\":[{\"name\":\"a\",\"width\":5,\"fill\":\"*\"}]}"), &layout,
                         NULL),
        0);
    struct fixed_width_value value = V("a", "*b ");
    buffer_init(&out, memory, sizeof memory);
    assert_int_equal(fixed_width_encode(layout, &value, 1, &out, NULL), 0);
    assert_true(str_equal_c(buffer_str(&out), "*b **"));
    assert_int_equal(fixed_width_decode(layout, buffer_str(&out), &back, NULL), 0);
    assert_true(str_equal(fixed_width_get(&back, "a"), value.text));
    value.text = STR("b*");
    assert_int_equal(fixed_width_fits(layout, value), FIXED_WIDTH_E_CHARACTER);
    (void)fixed_width_free(layout);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records),         cmocka_unit_test(test_values),  cmocka_unit_test(test_encode_names),
        cmocka_unit_test(test_decode_refusals), cmocka_unit_test(test_layouts), cmocka_unit_test(test_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
