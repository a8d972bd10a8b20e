#include "wire/json_mask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* What a masker of the layers above would show: the kind's name. */
static void show_kind(struct buffer *out, enum personal_kind kind, struct str text) {
    (void)text;
    buffer_printf(out, "\"<%s>\"", personal_kind_name(kind));
}

static const char contract[] =
    "{\"type\":\"object\",\"properties\":{"
    "\"id\":{\"type\":\"string\",\"format\":\"uuid\"},"
    "\"state\":{\"type\":\"string\",\"enum\":[\"open\",\"shut\"]},"
    "\"at\":{\"type\":\"string\",\"format\":\"date-time\"},"
    "\"born\":{\"type\":\"string\",\"format\":\"date\"},"
    "\"free\":{\"type\":\"string\"},"
    "\"code\":{\"type\":\"string\",\"maxLength\":3,\"x-giro-mask\":\"shown\"},"
    "\"long\":{\"type\":\"string\",\"x-giro-mask\":\"shown\"},"
    "\"iban\":{\"type\":\"string\",\"x-giro-mask\":\"iban\"},"
    "\"secret\":{\"type\":\"integer\",\"x-giro-mask\":\"hidden\"},"
    "\"count\":{\"type\":\"integer\"},\"rate\":{\"type\":\"number\"},\"yes\":{\"type\":\"boolean\"},"
    "\"any\":{},"
    "\"list\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/part\"}},"
    "\"part\":{\"$ref\":\"#/$defs/part\"},"
    "\"tree\":{\"$ref\":\"#/$defs/tree\"},"
    "\"either\":{\"if\":{\"required\":[\"a\"]},\"then\":{\"properties\":{\"a\":{\"type\":\"string\","
    "\"x-giro-mask\":\"name\"}}},\"else\":{\"properties\":{\"b\":{\"type\":\"string\",\"enum\":[\"x\"]}}}},"
    "\"one\":{\"oneOf\":[{\"type\":\"string\",\"enum\":[\"x\"]},{\"type\":\"string\"}]},"
    "\"both\":{\"allOf\":[{\"type\":\"string\",\"x-giro-mask\":\"shown\"},{\"x-giro-mask\":\"pan\"}]}},"
    "\"$defs\":{\"part\":{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\",\"x-giro-mask\":\"name\"},"
    "\"n\":{\"type\":\"integer\"}}},"
    "\"tree\":{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\"},"
    "\"tree\":{\"$ref\":\"#/$defs/tree\"}}}}}";

static const struct {
    const char *name, *text, *fitting, *unfitting; /* NULL: as fitting */
} cases[] = {
    /* spec: gateway/62 */
    { "m1 an unknown member is left out", "{\"x\":1,\"count\":2,\"y\":{\"count\":3}}", "{\"count\":2}", NULL },
    { "m1 so is a name that the caller invents", "{\"4111111111111111\":1}", "{}", NULL },
    { "m1 in lists too", "{\"list\":[{\"name\":\"Ada\",\"n\":1,\"z\":\"q\"},{\"n\":2}]}",
      "{\"list\":[{\"name\":\"<name>\",\"n\":1},{\"n\":2}]}", NULL },
    { "m1 behind a reference", "{\"part\":{\"name\":\"Ada\"}}", "{\"part\":{\"name\":\"<name>\"}}", NULL },
    { "m1 behind if", "{\"either\":{\"a\":\"Ada\"}}", "{\"either\":{\"a\":\"<name>\"}}", NULL },
    { "m1 an escaped name is the same name", "{\"c\\u006funt\":7}", "{\"count\":7}", NULL },
    { "m2 numbers as they are", "{\"count\":-12,\"rate\":1.50,\"yes\":true}",
      "{\"count\":-12,\"rate\":1.50,\"yes\":true}", NULL },
    { "m2 not where none belongs", "{\"count\":1.5,\"free\":12345678,\"any\":5,\"iban\":12}",
      "{\"count\":\"***\",\"free\":\"***\",\"any\":\"***\",\"iban\":\"***\"}", NULL },
    { "m2 nor hidden ones", "{\"secret\":7}", "{\"secret\":\"***\"}", NULL },
    { "m2 null is null", "{\"iban\":null}", "{\"iban\":null}", NULL },
    { "m3 texts that say what they are", "{\"id\":\"0192f7a1-4c5b-7d10-8a3e-5b6c7d8e9f00\",\"state\":\"open\"}",
      "{\"id\":\"0192f7a1-4c5b-7d10-8a3e-5b6c7d8e9f00\",\"state\":\"open\"}", NULL },
    { "m3 free texts are hidden", "{\"free\":\"Ada\",\"any\":\"Ada\",\"born\":\"1990-01-01\"}",
      "{\"free\":\"***\",\"any\":\"***\",\"born\":\"***\"}", NULL },
    { "m3 a kind", "{\"iban\":\"GB82WEST12345698765432\"}", "{\"iban\":\"<iban>\"}", NULL },
    { "m3 the strictest wins", "{\"both\":\"x\"}", "{\"both\":\"<pan>\"}", NULL },
    { "m3 a choice among others says nothing", "{\"one\":\"x\",\"either\":{\"b\":\"x\"}}",
      "{\"one\":\"***\",\"either\":{\"b\":\"***\"}}", NULL },
    { "m3 a card number where none belongs", "{\"long\":\"4111 1111 1111 1111\"}", "{\"long\":\"***\"}", NULL },
    { "m3 what is not printable",
      "{\"long\":\"\xe2\x80\xae"
      "abc\"}",
      "{\"long\":\"***\"}", NULL },
    { "m3 escapes stay escapes", "{\"long\":\"a\\nb\\u001b[2J\"}", "{\"long\":\"a\\nb\\u001b[2J\"}", NULL },
    { "m4 what does not fit is hidden", "{\"state\":\"Ada\",\"code\":\"ABCD\",\"id\":\"Ada\"}",
      "{\"state\":\"Ada\",\"code\":\"ABCD\",\"id\":\"Ada\"}", "{\"state\":\"***\",\"code\":\"***\",\"id\":\"***\"}" },
    { "m4 what fits is not", "{\"state\":\"open\",\"code\":\"ABC\"}", "{\"state\":\"open\",\"code\":\"ABC\"}", NULL },
    { "m5 an object where a text belongs", "{\"free\":{\"count\":1}}", "{\"free\":{}}", NULL },
    { "m5 a text where an object belongs", "{\"part\":\"Ada\",\"list\":\"Ada\"}", "{\"part\":\"***\",\"list\":\"***\"}",
      NULL },
    { "m5 blanks", " { \"count\" : 1 , \"list\" : [ ] } ", "{\"count\":1,\"list\":[]}", NULL },
};

struct world {
    struct json *document;
    struct schema_set *set;
    struct arena arena;
    const struct json_mask *mask;
};

static void world_open(struct world *world, const char *text) {
    const struct schema *schema;
    struct message message = { "" };
    assert_int_equal(arena_init(&world->arena, 64 * 1024, 4 * 1024 * 1024), 0);
    assert_int_equal(json_parse(str_from_c(text), 16384, 32, &world->document, NULL), 0);
    assert_int_equal(schema_set_new(world->document, &world->set), 0);
    if (schema_compile(world->set, STR("#"), &schema, &message)) fail_msg("%s", message.text);
    assert_int_equal(json_mask_new(schema, &world->arena, &world->mask), 0);
}

static void world_close(struct world *world) {
    (void)schema_set_free(world->set);
    (void)json_free(world->document);
    arena_release(&world->arena);
}

static bool write_masked(struct world *world, const char *text, bool fits, size_t bytes_max, struct buffer *out) {
    struct json_mask_options options = {
        .bytes_max = bytes_max, .fits = fits, .arena = &world->arena, .show = show_kind
    };
    buffer_reset(out);
    return json_mask_write(world->mask, str_from_c(text), &options, out);
}

static void test_cases(void **state) {
    char memory[4096];
    struct buffer out;
    struct world world;
    (void)state;
    world_open(&world, contract);
    buffer_init(&out, memory, sizeof memory);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const char *unfitting = cases[i].unfitting ? cases[i].unfitting : cases[i].fitting;
        bool whole = write_masked(&world, cases[i].text, true, 2048, &out);
        if (!whole || !str_equal_c(buffer_str(&out), cases[i].fitting))
            fail_msg("%s: " STR_FMT, cases[i].name, STR_ARG(buffer_str(&out)));
        (void)write_masked(&world, cases[i].text, false, 2048, &out);
        if (!str_equal_c(buffer_str(&out), unfitting))
            fail_msg("%s, unfitting: " STR_FMT, cases[i].name, STR_ARG(buffer_str(&out)));
    }
    world_close(&world);
}

static void test_malformed(void **state) {
    static const char *const texts[] = { "",         "{",   "{\"count\"", "{\"count\":}",   "[1,]", "{}x",
                                         "\"\x01\"", "tru", "1-2-3x",     "{\"count\":1,}", "\"abc" };
    char memory[4096];
    struct buffer out;
    struct world world;
    (void)state;
    world_open(&world, contract);
    buffer_init(&out, memory, sizeof memory);
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        assert_false(write_masked(&world, texts[i], true, 2048, &out));
        if (!str_equal(buffer_str(&out), STR("null"))) fail_msg("%s: " STR_FMT, texts[i], STR_ARG(buffer_str(&out)));
    }
    world_close(&world);
}

/* m5: every bound gives JSON within it, and only a bound that is large enough gives all. */
static void test_cut(void **state) {
    static const char text[] = "{\"list\":[{\"name\":\"Ada\",\"n\":1},{\"n\":2},{\"n\":3}],\"count\":4,"
                               "\"tree\":{\"tree\":{\"tree\":{\"n\":1}}},\"code\":\"abc\"}";
    char memory[4096], big[1024];
    struct buffer out;
    struct world world;
    bool whole = false;
    (void)state;
    world_open(&world, contract);
    buffer_init(&out, memory, sizeof memory);
    for (size_t most = JSON_MASK_BYTES_MIN; most < 700; most++) {
        struct json *json;
        whole = write_masked(&world, text, true, most, &out);
        assert_true(out.len <= most);
        assert_int_equal(json_parse(buffer_str(&out), 4096, 32, &json, NULL), 0);
        (void)json_free(json);
    }
    assert_true(whole);
    (void)snprintf(big, sizeof big, "{\"long\":\"%0300d\"}", 7);
    assert_false(write_masked(&world, big, true, 2048, &out));
    assert_true(str_equal(buffer_str(&out), STR("{\"long\":\"***\"}")));
    world_close(&world);
}

static void test_words(void **state) {
    static const struct {
        const char *schema;
        int want;
    } rows[] = {
        { "{\"x-giro-mask\":\"pan\"}", 0 },
        { "{\"x-giro-mask\":\"shown\"}", 0 },
        { "{\"x-giro-mask\":\"hidden\"}", 0 },
        { "{\"x-giro-mask\":\"Pan\"}", SCHEMA_E_DOCUMENT },
        { "{\"x-giro-mask\":\"\"}", SCHEMA_E_DOCUMENT },
        { "{\"x-giro-mask\":true}", SCHEMA_E_DOCUMENT },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct json *document;
        struct schema_set *set;
        const struct schema *schema;
        struct message message;
        assert_int_equal(json_parse(str_from_c(rows[i].schema), 1024, 8, &document, NULL), 0);
        assert_int_equal(schema_set_new(document, &set), 0);
        assert_int_equal(schema_compile(set, STR("#"), &schema, &message), rows[i].want);
        (void)schema_set_free(set);
        (void)json_free(document);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_cases), cmocka_unit_test(test_malformed),
                                        cmocka_unit_test(test_cut), cmocka_unit_test(test_words) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
