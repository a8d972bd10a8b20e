#include "wire/json_schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "wire/json_format.h"

struct fixture {
    struct arena arena;
    struct json *document, *value;
    struct schema_set *set;
    const struct schema *schema;
    struct schema_errors errors;
    struct message message;
};

static int fixture_open(struct fixture *fixture, const char *schema) {
    *fixture = (struct fixture){ 0 };
    assert_int_equal(arena_init(&fixture->arena, 4096, 4 * 1024 * 1024), 0);
    assert_int_equal(
        json_parse(str_from_c(schema), JSON_BYTES_MAX, JSON_DEPTH_DOCUMENT_MAX, &fixture->document, &fixture->message),
        0);
    assert_int_equal(schema_set_new(fixture->document, &fixture->set), 0);
    return schema_compile(fixture->set, STR("#"), &fixture->schema, &fixture->message);
}

static void fixture_close(struct fixture *fixture) {
    (void)json_free(fixture->value);
    (void)schema_set_free(fixture->set);
    (void)json_free(fixture->document);
    arena_release(&fixture->arena);
}

static int fixture_check(struct fixture *fixture, struct str value, enum schema_path_style style) {
    fixture->value = json_free(fixture->value);
    assert_int_equal(json_parse(value, JSON_BYTES_MAX, JSON_DEPTH_DOCUMENT_MAX, &fixture->value, NULL), 0);
    return schema_check(fixture->schema, fixture->value, style, &fixture->arena, &fixture->errors);
}

/* "path: message; path: message", of all errors. */
static struct str errors_text(struct fixture *fixture, char *memory, size_t bytes_max) {
    struct buffer out;
    buffer_init(&out, memory, bytes_max);
    for (size_t i = 0; i < fixture->errors.count; i++) {
        if (i) buffer_append_c(&out, "; ");
        buffer_append_str(&out, fixture->errors.items[i].path);
        buffer_append_c(&out, ": ");
        buffer_append_str(&out, fixture->errors.items[i].message);
    }
    assert_false(out.overflow);
    return buffer_str(&out);
}

struct check_case {
    const char *schema, *value;
    const char *errors; /* "" when it fits */
};

static const struct check_case check_cases[] = {
    /* type, enum, const */
    { "{\"type\":\"object\"}", "{}", "" },
    { "{\"type\":\"object\"}", "[]", "$: must be of type object" },
    { "{\"type\":[\"string\",\"null\"]}", "null", "" },
    { "{\"type\":[\"string\",\"null\"]}", "1", "$: must be of type string or null" },
    { "{\"type\":\"integer\"}", "1.0", "" },
    { "{\"type\":\"integer\"}", "1.5", "$: must be of type integer" },
    { "{\"type\":\"number\"}", "1", "" },
    { "{\"type\":\"number\"}", "\"1\"", "$: must be of type number" },
    { "{\"type\":\"boolean\"}", "0", "$: must be of type boolean" },
    { "{\"enum\":[\"GBP\",\"EUR\",1]}", "\"EUR\"", "" },
    { "{\"enum\":[\"GBP\",\"EUR\",1]}", "\"CHF\"", "$: must be one of: \"GBP\", \"EUR\", 1" },
    { "{\"const\":{\"a\":1}}", "{\"a\":1.0}", "" },
    { "{\"const\":{\"a\":1}}", "{\"a\":true}", "$: must be {\"a\":1}" },
    { "true", "1", "" },
    { "false", "1", "$: is not allowed here" },
    /* strings */
    { "{\"minLength\":2}", "\"\xc3\xa9\xc3\xa9\"", "" },
    { "{\"minLength\":2}", "\"\xc3\xa9\"", "$: must have at least 2 characters" },
    { "{\"maxLength\":1}", "\"\xf0\x9f\x92\xb7\"", "" },
    { "{\"maxLength\":1}", "\"ab\"", "$: must have at most 1 characters" },
    { "{\"pattern\":\"^[A-Z]{2}$\"}", "\"GB\"", "" },
    { "{\"pattern\":\"^[A-Z]{2}$\"}", "\"GB\\n\"", "$: does not have the required pattern" },
    { "{\"pattern\":\"^\\\\d$\"}", "\"\xd9\xa1\"", "$: does not have the required pattern" },
    { "{\"pattern\":\"^.$\"}", "\"\xf0\x9f\x92\xb7\"", "" },
    { "{\"pattern\":\"(a+)+$\"}", "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\"",
      "$: is too complex for its pattern" },
    { "{\"not\":{\"pattern\":\"(a+)+$\"}}", "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\"",
      "$: is too complex for its pattern" },
    { "{\"format\":\"uuid\"}", "\"0192f0c1-7d1a-7000-8000-00000000000A\"", "" },
    { "{\"format\":\"uuid\"}", "\"0192f0c17d1a7000800000000000000a\"", "$: must be a UUID" },
    { "{\"format\":\"uuid\"}", "7", "" },
    { "{\"format\":\"made-up\"}", "\"x\"", "" },
    /* numbers */
    { "{\"minimum\":1,\"maximum\":3}", "1", "" },
    { "{\"minimum\":1,\"maximum\":3}", "3.0", "" },
    { "{\"minimum\":1,\"maximum\":3}", "0.99", "$: must be at least 1" },
    { "{\"minimum\":1,\"maximum\":3}", "4", "$: must be at most 3" },
    { "{\"exclusiveMinimum\":0}", "0", "$: must be more than 0" },
    { "{\"exclusiveMinimum\":0}", "0.5", "" },
    { "{\"exclusiveMaximum\":9007199254740993}", "9007199254740992", "" },
    { "{\"exclusiveMaximum\":9007199254740993}", "9007199254740993", "$: must be less than 9007199254740993" },
    { "{\"multipleOf\":0.01}", "19.99", "" },
    { "{\"multipleOf\":0.01}", "19.999", "$: must be a multiple of 0.01" },
    { "{\"multipleOf\":7}", "-9223372036854775807", "" },
    { "{\"multipleOf\":7}", "-9223372036854775808", "$: must be a multiple of 7" },
    /* objects */
    { "{\"required\":[\"a\",\"b\"]}", "{\"b\":1}", "$.a: is required" },
    { "{\"required\":[\"a\",\"b\"]}", "{\"b\":1,\"a\":null}", "" },
    { "{\"properties\":{\"a\":{\"type\":\"string\"}},\"additionalProperties\":false}", "{\"a\":\"x\"}", "" },
    { "{\"properties\":{\"a\":{\"type\":\"string\"}},\"additionalProperties\":false}", "{\"a\":1,\"b c\":2,\"it's\":3}",
      "$.a: must be of type string; $['b c']: is not allowed here; $['it\\'s']: is not allowed here" },
    { "{\"patternProperties\":{\"^x-\":true},\"additionalProperties\":false}", "{\"x-a\":1}", "" },
    { "{\"patternProperties\":{\"^x-\":true},\"additionalProperties\":false}", "{\"a\":1}",
      "$.a: is not allowed here" },
    { "{\"propertyNames\":{\"maxLength\":2}}", "{\"ab\":1,\"abc\":2}", "$.abc: has a name that is not allowed" },
    { "{\"minProperties\":1,\"maxProperties\":2}", "{}", "$: must have at least 1 members" },
    { "{\"minProperties\":1,\"maxProperties\":2}", "{\"a\":1,\"b\":1,\"c\":1}", "$: must have at most 2 members" },
    { "{\"dependentRequired\":{\"a\":[\"b\"]}}", "{\"a\":1}", "$.b: is required" },
    { "{\"dependentRequired\":{\"a\":[\"b\"]}}", "{\"c\":1}", "" },
    { "{\"dependentSchemas\":{\"a\":{\"maxProperties\":1}}}", "{\"a\":1,\"b\":2}", "$: must have at most 1 members" },
    { "{\"dependentSchemas\":{\"a\":{\"maxProperties\":1}}}", "{\"c\":1,\"b\":2}", "" },
    /* arrays */
    { "{\"items\":{\"type\":\"string\"}}", "[\"a\",1,2]",
      "$[1]: must be of type string; $[2]: must be of type string" },
    { "{\"prefixItems\":[{\"type\":\"string\"}],\"items\":false}", "[\"a\"]", "" },
    { "{\"prefixItems\":[{\"type\":\"string\"}],\"items\":false}", "[1,2]",
      "$[0]: must be of type string; $[1]: is not allowed here" },
    { "{\"minItems\":1,\"maxItems\":2}", "[]", "$: must have at least 1 items" },
    { "{\"minItems\":1,\"maxItems\":2}", "[1,2,3]", "$: must have at most 2 items" },
    { "{\"uniqueItems\":true}", "[1,\"1\",true,[1],{\"a\":1}]", "" },
    { "{\"uniqueItems\":true}", "[{\"a\":1,\"b\":2},3,{\"b\":2.0,\"a\":1}]", "$: must not hold the same item twice" },
    { "{\"contains\":{\"const\":1}}", "[2,1]", "" },
    { "{\"contains\":{\"const\":1}}", "[2]", "$: must hold at least 1 items of the required form" },
    { "{\"contains\":{\"const\":1},\"minContains\":0,\"maxContains\":1}", "[]", "" },
    { "{\"contains\":{\"const\":1},\"minContains\":0,\"maxContains\":1}", "[1,1]",
      "$: must hold at most 1 items of the required form" },
    /* composition */
    { "{\"allOf\":[{\"required\":[\"a\"]},{\"required\":[\"b\"]}]}", "{}", "$.a: is required; $.b: is required" },
    { "{\"anyOf\":[{\"required\":[\"a\"]},{\"required\":[\"b\"]}]}", "{\"a\":1,\"b\":1}", "" },
    { "{\"anyOf\":[{\"required\":[\"a\"]},{\"required\":[\"b\"]}]}", "{}", "$: fits none of the 2 allowed forms" },
    { "{\"anyOf\":[{\"type\":\"object\",\"required\":[\"a\"]},{\"type\":\"null\"}]}", "{}", "$.a: is required" },
    { "{\"oneOf\":[{\"required\":[\"a\"]},{\"required\":[\"b\"]}]}", "{\"a\":1}", "" },
    { "{\"oneOf\":[{\"required\":[\"a\"]},{\"required\":[\"b\"]}]}", "{\"a\":1,\"b\":1}",
      "$: fits more than one of the 2 allowed forms" },
    { "{\"oneOf\":[{\"required\":[\"a\"]},{\"required\":[\"b\"]}]}", "{}", "$: fits none of the 2 allowed forms" },
    { "{\"not\":{\"type\":\"string\"}}", "1", "" },
    { "{\"not\":{\"type\":\"string\"}}", "\"\"", "$: has a form that is not allowed" },
    { "{\"if\":{\"required\":[\"a\"]},\"then\":{\"required\":[\"b\"]},\"else\":{\"required\":[\"c\"]}}", "{\"a\":1}",
      "$.b: is required" },
    { "{\"if\":{\"required\":[\"a\"]},\"then\":{\"required\":[\"b\"]},\"else\":{\"required\":[\"c\"]}}", "{}",
      "$.c: is required" },
    { "{\"if\":{\"required\":[\"a\"]},\"then\":{\"required\":[\"b\"]},\"else\":{\"required\":[\"c\"]}}", "{\"c\":1}",
      "" },
    /* references, also in a circle */
    { "{\"$ref\":\"#/$defs/a~1b%20c\",\"$defs\":{\"a/b c\":{\"type\":\"string\"}}}", "1", "$: must be of type string" },
    { "{\"properties\":{\"next\":{\"$ref\":\"#\"}},\"additionalProperties\":false}", "{\"next\":{\"next\":{}}}", "" },
    { "{\"properties\":{\"next\":{\"$ref\":\"#\"}},\"additionalProperties\":false}", "{\"next\":{\"next\":{\"x\":1}}}",
      "$.next.next.x: is not allowed here" },
    { "{\"$ref\":\"#\"}", "1", "$: is nested too deeply to be checked" },
    { "{\"not\":{\"$ref\":\"#/not\"}}", "1", "$: is nested too deeply to be checked" },
};

static void test_check(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(check_cases); i++) {
        const struct check_case *row = &check_cases[i];
        struct fixture fixture;
        char memory[1024];
        if (fixture_open(&fixture, row->schema)) fail_msg("%s: %s", row->schema, fixture.message.text);
        int r = fixture_check(&fixture, str_from_c(row->value), SCHEMA_PATH_JSON);
        struct str text = errors_text(&fixture, memory, sizeof memory);
        if (!str_equal_c(text, row->errors))
            fail_msg("%s with %s gave: " STR_FMT, row->schema, row->value, STR_ARG(text));
        assert_int_equal(r, row->errors[0] ? SCHEMA_E_INVALID : 0);
        fixture_close(&fixture);
    }
}

static const char payment_schema[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"Data\"],\"properties\":{\"Data\":{\"type\":"
    "\"object\","
    "\"properties\":{\"Initiation\":{\"type\":\"object\",\"required\":[\"InstructedAmount\"],\"properties\":{"
    "\"InstructedAmount\":{"
    "\"type\":\"object\",\"required\":[\"Amount\",\"Currency\"],\"properties\":{\"Amount\":{\"type\":\"string\","
    "\"pattern\":"
    "\"^\\\\d{1,13}\\\\.\\\\d{1,5}$\"},\"Currency\":{\"type\":\"string\",\"pattern\":\"^[A-Z]{3,3}$\"}}}}},"
    "\"On\":{\"type\":\"string\",\"format\":\"date\"},\"Permissions\":{\"type\":\"array\",\"items\":{\"enum\":[\"A\"]}}"
    "}}}}";

/* All errors of a request at once, as Open Banking names them, each with its kind. */
static void test_dotted_paths_and_kinds(void **state) {
    (void)state;
    struct fixture fixture;
    char memory[1024];
    assert_int_equal(fixture_open(&fixture, payment_schema), 0);
    assert_int_equal(
        fixture_check(&fixture,
                      STR("{\"Data\":{\"Initiation\":{\"InstructedAmount\":{\"Amount\":\"1e2\"}},\"On\":\"2026-02-30\","
                          "\"Permissions\":[\"A\",\"B\"]},\"Risky\":{}}"),
                      SCHEMA_PATH_DOTTED),
        SCHEMA_E_INVALID);
    struct str expected = STR("Data.Initiation.InstructedAmount.Amount: does not have the required pattern; "
                              "Data.Initiation.InstructedAmount.Currency: is required; "
                              "Data.On: must be a date (YYYY-MM-DD); Data.Permissions[1]: must be one of: \"A\"; "
                              "Risky: is not allowed here");
    assert_true(str_equal(errors_text(&fixture, memory, sizeof memory), expected));
    static const enum schema_error_kind kinds[] = { SCHEMA_ERROR_INVALID, SCHEMA_ERROR_MISSING, SCHEMA_ERROR_DATE,
                                                    SCHEMA_ERROR_INVALID, SCHEMA_ERROR_UNEXPECTED };
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) assert_int_equal(fixture.errors.items[i].kind, kinds[i]);
    assert_int_equal(fixture_check(&fixture, STR("7"), SCHEMA_PATH_DOTTED), SCHEMA_E_INVALID);
    assert_int_equal(fixture.errors.items[0].path.len, 0);
    fixture_close(&fixture);
}

static struct str repeat(char *memory, const char *open, const char *item, size_t count, const char *close) {
    size_t len = (size_t)snprintf(memory, 64, "%s", open);
    for (size_t i = 0; i < count; i++) {
        memcpy(memory + len, item, strlen(item));
        len += strlen(item);
    }
    len--; /* the last comma */
    memcpy(memory + len, close, strlen(close));
    return str_from_bytes(memory, len + strlen(close));
}

/* S2: lists, names and work have an end. */
static void test_limits(void **state) {
    (void)state;
    static char memory[JSON_BYTES_MAX];
    struct fixture fixture;
    assert_int_equal(fixture_open(&fixture, "{\"items\":{\"type\":\"string\"}}"), 0);
    assert_int_equal(fixture_check(&fixture, repeat(memory, "[", "1,", SCHEMA_ERRORS_MAX, "]"), SCHEMA_PATH_JSON),
                     SCHEMA_E_INVALID);
    assert_int_equal(fixture.errors.count, SCHEMA_ERRORS_MAX);
    assert_false(fixture.errors.more);
    assert_int_equal(fixture_check(&fixture, repeat(memory, "[", "1,", SCHEMA_ERRORS_MAX + 1, "]"), SCHEMA_PATH_JSON),
                     SCHEMA_E_INVALID);
    assert_int_equal(fixture.errors.count, SCHEMA_ERRORS_MAX);
    assert_true(fixture.errors.more);
    fixture_close(&fixture);

    assert_int_equal(fixture_open(&fixture, "{\"not\":{\"contains\":false,\"minContains\":1}}"), 0);
    assert_int_equal(fixture_check(&fixture, repeat(memory, "[", "1,", SCHEMA_STEPS_MAX / 2, "]"), SCHEMA_PATH_JSON),
                     0);
    assert_int_equal(fixture_check(&fixture, repeat(memory, "[", "1,", SCHEMA_STEPS_MAX, "]"), SCHEMA_PATH_JSON),
                     SCHEMA_E_INVALID);
    assert_true(str_equal_c(fixture.errors.items[0].message, "is too complex to be checked"));
    fixture_close(&fixture);
}

/* A name of the caller is cut, and never inside a character. */
static void test_long_name(void **state) {
    (void)state;
    struct fixture fixture;
    char value[400] = "{\"x";
    size_t len = 3;
    for (int i = 0; i < 100; i++, len += 2) memcpy(value + len, "\xc3\xa9", 2);
    memcpy(value + len, "\":1}", 4);
    assert_int_equal(fixture_open(&fixture, "{\"additionalProperties\":false}"), 0);
    assert_int_equal(fixture_check(&fixture, str_from_bytes(value, len + 4), SCHEMA_PATH_DOTTED), SCHEMA_E_INVALID);
    assert_int_equal(fixture.errors.items[0].path.len, 63 + 3); /* x, 31 letters of two bytes, the mark of the cut */
    assert_true(str_is_utf8(fixture.errors.items[0].path));
    fixture_close(&fixture);
}

static void test_arena_full(void **state) {
    (void)state;
    struct fixture fixture;
    assert_int_equal(fixture_open(&fixture, "{\"items\":false}"), 0);
    struct arena small;
    struct schema_errors errors;
    struct json *value;
    assert_int_equal(arena_init(&small, 64, 64), 0);
    assert_int_equal(json_parse(STR("[1,2,3,4,5]"), 64, 4, &value, NULL), 0);
    assert_int_equal(schema_check(fixture.schema, value, SCHEMA_PATH_JSON, &small, &errors), SCHEMA_E_SIZE);
    (void)json_free(value);
    arena_release(&small);
    fixture_close(&fixture);
}

struct fault_case {
    const char *schema, *message; /* message NULL: no fault */
};

static const struct fault_case fault_cases[] = {
    { "{\"title\":\"t\",\"description\":\"d\",\"default\":1,\"example\":2,\"examples\":[],\"deprecated\":true,\"x-"
      "any\":1,\"readOnly\":true,"
      "\"writeOnly\":true,\"$comment\":\"c\",\"discriminator\":{},\"xml\":{},\"externalDocs\":{},\"contentMediaType\":"
      "\"a\"}",
      NULL },
    { "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"$id\":\"https://example.com/a\"}", NULL },
    { "{\"$schema\":\"http://json-schema.org/draft-07/schema#\"}",
      "at #: \"$schema\" must be JSON Schema 2020-12 or the dialect of OpenAPI 3.1" },
    { "{\"properties\":{\"a/b\":{\"maxLenght\":1}}}",
      "at #/properties/a~1b: the keyword \"maxLenght\" is not supported" },
    { "{\"nullable\":true}", "at #: the keyword \"nullable\" is not supported" },
    { "{\"unevaluatedProperties\":false}", "at #: the keyword \"unevaluatedProperties\" is not supported" },
    { "{\"unevaluatedItems\":false}", "at #: the keyword \"unevaluatedItems\" is not supported" },
    { "{\"$dynamicRef\":\"#a\"}", "at #: the keyword \"$dynamicRef\" is not supported" },
    { "{\"$ref\":\"https://example.com/schema\"}", "at #: a reference must stay inside the document (#/...)" },
    { "{\"items\":{\"$ref\":\"#/$defs/none\"}}", "at #/items: there is no #/$defs/none" },
    { "{\"$ref\":\"#anchor\"}", "at #: there is no #anchor" },
    { "{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"$ref\":\"#/$defs/b/items\"},\"b\":{\"items\":{\"x\":1}}}}",
      "at #/$defs/b/items: the keyword \"x\" is not supported" },
    { "{\"$defs\":{\"a\":{\"$id\":\"b\"}}}", "at #/$defs/a: \"$id\" may only stand at the top" },
    { "{\"type\":\"text\"}", "at #: \"type\" must be object, array, string, integer, number, boolean or null" },
    { "{\"type\":[]}", "at #: \"type\" must be at least one type" },
    { "{\"items\":[{}]}", "at #/items: a schema is an object or a boolean" },
    { "{\"allOf\":[]}", "at #: \"allOf\" must be a list of at least one schema" },
    { "{\"allOf\":[true,3]}", "at #/allOf/1: a schema is an object or a boolean" },
    { "{\"enum\":[]}", "at #: \"enum\" must be a list of at least one value" },
    { "{\"required\":\"a\"}", "at #: \"required\" must be a list of names" },
    { "{\"required\":[\"a\",\"a\"]}", "at #: \"required\" must be a list without repetition" },
    { "{\"minLength\":-1}", "at #: \"minLength\" must be a whole number, zero or more" },
    { "{\"minLength\":1.5}", "at #: \"minLength\" must be a whole number, zero or more" },
    { "{\"minLength\":2.0}", NULL },
    { "{\"maximum\":\"1\"}", "at #: \"maximum\" must be a number" },
    { "{\"multipleOf\":0}", "at #: \"multipleOf\" must be a number above zero" },
    { "{\"pattern\":\"(\"}", "at #/pattern: not a regular expression (at character 1)" },
    { "{\"patternProperties\":{\"[\":{}}}", "at #/patternProperties: not a regular expression (at character 1)" },
    { "{\"uniqueItems\":1}", "at #: \"uniqueItems\" must be true or false" },
    { "{\"dependentRequired\":{\"a\":{}}}", "at #: \"dependentRequired\" must be a list of names" },
};

static void test_document_faults(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(fault_cases); i++) {
        const struct fault_case *row = &fault_cases[i];
        struct fixture fixture;
        int r = fixture_open(&fixture, row->schema);
        assert_int_equal(r, row->message ? SCHEMA_E_DOCUMENT : 0);
        if (row->message) assert_string_equal(fixture.message.text, row->message);
        /* Asking again does not turn a faulty document into a good one. */
        assert_int_equal(schema_compile(fixture.set, STR("#"), &fixture.schema, NULL), r);
        fixture_close(&fixture);
    }
}

struct format_case {
    enum json_format format;
    const char *text;
    bool fits;
};

static const struct format_case format_cases[] = {
    { JSON_FORMAT_UUID, "0192f0c1-7d1a-7000-8000-00000000000a", true },
    { JSON_FORMAT_UUID, "0192f0c1-7d1a-7000-8000-00000000000g", false },
    { JSON_FORMAT_UUID, "0192f0c17-d1a-7000-8000-00000000000a", false },
    { JSON_FORMAT_UUID, "", false },
    { JSON_FORMAT_DATE, "2024-02-29", true },
    { JSON_FORMAT_DATE, "2023-02-29", false },
    { JSON_FORMAT_DATE, "1900-02-29", false },
    { JSON_FORMAT_DATE, "2000-02-29", true },
    { JSON_FORMAT_DATE, "1951-12-31", true },
    { JSON_FORMAT_DATE, "2026-00-10", false },
    { JSON_FORMAT_DATE, "2026-13-10", false },
    { JSON_FORMAT_DATE, "2026-04-31", false },
    { JSON_FORMAT_DATE, "2026-4-30", false },
    { JSON_FORMAT_DATE, "2026-04-30T", false },
    { JSON_FORMAT_DATE_TIME, "2026-11-22T03:45:00Z", true },
    { JSON_FORMAT_DATE_TIME, "2026-11-22T03:45:00.123456+01:30", true },
    { JSON_FORMAT_DATE_TIME, "2026-11-22T03:45:00", false },
    { JSON_FORMAT_DATE_TIME, "2026-11-22 03:45:00Z", false },
    { JSON_FORMAT_DATE_TIME, "2026-11-22T24:00:00Z", false },
    { JSON_FORMAT_DATE_TIME, "2026-11-22T23:60:00Z", false },
    { JSON_FORMAT_DATE_TIME, "2026-11-22T23:59:60Z", false },
    { JSON_FORMAT_DATE_TIME, "2026-11-22T03:45:00.Z", false },
    { JSON_FORMAT_DATE_TIME, "2026-11-22T03:45:00+0100", false },
    { JSON_FORMAT_DATE_TIME, "2026-11-22T03:45:00+24:00", false },
    { JSON_FORMAT_DATE_TIME, "2026-11-22T03:45:00ZZ", false },
    { JSON_FORMAT_IPV4, "192.0.2.1", true },
    { JSON_FORMAT_IPV4, "192.0.2.256", false },
    { JSON_FORMAT_IPV4, "192.0.02.1", false },
    { JSON_FORMAT_IPV4, "192.0.2", false },
    { JSON_FORMAT_IPV4, "192.0.2.1.", false },
    { JSON_FORMAT_IPV6, "2001:db8::1", true },
    { JSON_FORMAT_IPV6, "::", true },
    { JSON_FORMAT_IPV6, "1:2:3:4:5:6:7:8", true },
    { JSON_FORMAT_IPV6, "::ffff:192.0.2.1", true },
    { JSON_FORMAT_IPV6, "1:2:3:4:5:6:7", false },
    { JSON_FORMAT_IPV6, "1::2:3:4:5:6:7:8", false },
    { JSON_FORMAT_IPV6, "1::2::3", false },
    { JSON_FORMAT_IPV6, ":::", false },
    { JSON_FORMAT_IPV6, "12345::", false },
    { JSON_FORMAT_IPV6, "fe80::1%eth0", false },
    { JSON_FORMAT_IPV6, "1.2.3.4::1", false },
    { JSON_FORMAT_URI, "https://user:p%20@example.com:8443/a/b;c?d=e/f?#g", true },
    { JSON_FORMAT_URI, "urn:isbn:0451450523", true },
    { JSON_FORMAT_URI, "https://[2001:db8::1]:443/", true },
    { JSON_FORMAT_URI, "https://[2001:db8::1/", false },
    { JSON_FORMAT_URI, "https://example.com:44a/", false },
    { JSON_FORMAT_URI, "https://exa mple.com/", false },
    { JSON_FORMAT_URI, "https://example.com/%4", false },
    { JSON_FORMAT_URI, "https://example.com/#a#b", false },
    { JSON_FORMAT_URI, "https://example.com/\xc3\xa9", false },
    { JSON_FORMAT_URI, "/relative", false },
    { JSON_FORMAT_URI, "1http://example.com", false },
    { JSON_FORMAT_URI, "", false },
};

static void test_formats(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(format_cases); i++)
        if (json_format_fits(format_cases[i].format, str_from_c(format_cases[i].text)) != format_cases[i].fits)
            fail_msg("%s as %s", format_cases[i].text, json_format_text(format_cases[i].format));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check),      cmocka_unit_test(test_dotted_paths_and_kinds),
        cmocka_unit_test(test_limits),     cmocka_unit_test(test_long_name),
        cmocka_unit_test(test_arena_full), cmocka_unit_test(test_document_faults),
        cmocka_unit_test(test_formats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
