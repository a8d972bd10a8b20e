#include "wire/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

struct read_case {
    const char *text;
    int expected; /* 0 or JSON_E_* */
};

static const struct read_case read_cases[] = {
    { "{}", 0 },
    { " [1, -2, 0.5, 1e2, true, false, null, \"x\"]\r\n\t", 0 },
    { "\"alone\"", 0 },
    { "", JSON_E_SYNTAX },
    { " ", JSON_E_SYNTAX },
    { "{} {}", JSON_E_SYNTAX },
    { "{}x", JSON_E_SYNTAX },
    { "{\"a\":1,}", JSON_E_SYNTAX },
    { "[1,]", JSON_E_SYNTAX },
    { "{a:1}", JSON_E_SYNTAX },
    { "{'a':1}", JSON_E_SYNTAX },
    { "[1 2]", JSON_E_SYNTAX },
    { "// note\n1", JSON_E_SYNTAX },
    { "\xef\xbb\xbf{}", JSON_E_SYNTAX }, /* byte order mark */
    { "]", JSON_E_SYNTAX },
    { "[", JSON_E_SYNTAX },
    { "\"open", JSON_E_SYNTAX },
    { "\"open\\", JSON_E_SYNTAX },
    { "\"a\nb\"", JSON_E_SYNTAX },
    { "\"\\x\"", JSON_E_SYNTAX },
    /* numbers */
    { "01", JSON_E_SYNTAX },
    { "+1", JSON_E_SYNTAX },
    { ".5", JSON_E_SYNTAX },
    { "5.", JSON_E_SYNTAX },
    { "1e", JSON_E_SYNTAX },
    { "-", JSON_E_SYNTAX },
    { "NaN", JSON_E_SYNTAX },
    { "0x10", JSON_E_SYNTAX },
    { "9223372036854775807", 0 },
    { "9223372036854775808", JSON_E_SIZE },
    { "-9223372036854775808", 0 },
    { "-9223372036854775809", JSON_E_SIZE },
    { "1e308", 0 },
    { "1e309", JSON_E_SIZE },
    { "0.000000000000000000000000000001", 0 },            /* 32 characters */
    { "0.0000000000000000000000000000001", JSON_E_SIZE }, /* 33 */
    { "\"123456789012345678901234567890123\"", 0 },       /* in a string they are no number */
    /* duplicates */
    { "{\"a\":1,\"b\":2}", 0 },
    { "{\"a\":1,\"a\":1}", JSON_E_DUPLICATE },
    { "{\"a\":1,\"\\u0061\":2}", JSON_E_DUPLICATE },
    { "[{\"x\":{\"a\":{},\"b\":1,\"a\":[]}}]", JSON_E_DUPLICATE },
    { "[{\"a\":1},{\"a\":1}]", 0 },
    /* characters */
    { "\"\xc3\xa9\\u00e9\\ud83d\\ude00\"", 0 },
    { "\"\\ud83d\"", JSON_E_SYNTAX },
    { "\"\\ude00\\ud83d\"", JSON_E_SYNTAX },
    { "\"\\u0000\"", JSON_E_SYNTAX },
    { "{\"a\\u0000b\":1}", JSON_E_SYNTAX },
    { "\"\xff\"", JSON_E_UTF8 },
    { "\"\xc0\x80\"", JSON_E_UTF8 },
    { "\"\xed\xa0\x80\"", JSON_E_UTF8 },
    { "\"\xc3\"", JSON_E_UTF8 },
    /* depth (4 here); brackets in strings do not count */
    { "[[[[1]]]]", 0 },
    { "[[[[[1]]]]]", JSON_E_DEPTH },
    { "[{\"a\":[{}]}]", 0 },
    { "[{\"a\":[{\"b\":[]}]}]", JSON_E_DEPTH },
    { "[[[[\"[[[[{{\\\"[[[[\"]]]]", 0 },
    { "[[[[],[],[]],[[]]],[[]]]", 0 },
};

static void test_read(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(read_cases); i++) {
        struct json *json = NULL;
        int r = json_parse(str_from_c(read_cases[i].text), 1024, 4, &json, NULL);
        if (r != read_cases[i].expected) fail_msg("case %zu: %s gave %d", i, read_cases[i].text, r);
        assert_int_equal(json != NULL, r == 0);
        (void)json_free(json);
    }
}

static void test_read_limits(void **state) {
    (void)state;
    struct json *json;
    struct message message = { "" };
    assert_int_equal(json_parse(STR("[12]"), 4, 4, &json, &message), 0);
    (void)json_free(json);
    assert_int_equal(json_parse(STR("[123]"), 4, 4, &json, &message), JSON_E_SIZE);
    assert_string_equal(message.text, "too large: more than 4 bytes");
    char zeros[3] = { '1', 0, '2' };
    assert_int_equal(json_parse(str_from_bytes(zeros, sizeof zeros), 16, 4, &json, NULL), JSON_E_SYNTAX);
    static char deep[20000];
    memset(deep, '[', sizeof deep);
    assert_int_equal(json_parse(str_from_bytes(deep, sizeof deep), sizeof deep, JSON_DEPTH_DOCUMENT_MAX, &json, NULL),
                     JSON_E_DEPTH);
    assert_null(json_free(NULL));
}

/* The place is named, the content is not: it may be a secret. */
static void test_message(void **state) {
    (void)state;
    struct json *json;
    struct message message = { "" };
    assert_int_equal(json_parse(STR("{\"iban\":\n  GB82WEST}"), 1024, 4, &json, &message), JSON_E_SYNTAX);
    assert_non_null(strstr(message.text, "not valid JSON at line 2, column"));
    assert_null(strstr(message.text, "GB82"));
    assert_int_equal(json_parse(STR("{\"GB82WEST\":1,\"GB82WEST\":2}"), 1024, 4, &json, &message), JSON_E_DUPLICATE);
    assert_null(strstr(message.text, "GB82"));
    assert_int_equal(json_parse(STR("[[[\n[[[]]]]]]"), 1024, 4, &json, &message), JSON_E_DEPTH);
    assert_string_equal(message.text, "nested too deeply at line 2, column 2");
}

static void test_walk(void **state) {
    (void)state;
    struct arena arena;
    const struct json *json, *value;
    struct str name;
    assert_int_equal(arena_init(&arena, 1024, 4096), 0);
    struct str text =
        STR("{\"z\":{\"b\":{\"c\":\"deep\"}},\"n\":-7,\"r\":2.5,\"t\":true,\"list\":[1,\"two\"],\"a\":null}");
    assert_int_equal(json_parse_arena(text, 1024, 8, &arena, &json), 0);
    assert_int_equal(json_type(json), JSON_OBJECT_TYPE);
    assert_int_equal(json_count(json), 6);
    assert_true(str_equal_c(json_string(json_path(json, "z.b.c")), "deep"));
    assert_null(json_path(json, "z.x.c"));
    assert_null(json_path(json, "n.x"));
    assert_int_equal(json_get_integer(json, "n", 0), -7);
    assert_int_equal(json_get_integer(json, "r", 5), 5);
    assert_true(json_real(json_get(json, "r")) == 2.5);
    assert_true(json_get_bool(json, "t", false));
    assert_true(json_get_bool(json, "n", true));
    assert_int_equal(json_get_string(json, "n").len, 0);
    assert_int_equal(json_count(json_get(json, "list")), 2);
    assert_true(str_equal_c(json_string(json_at(json_get(json, "list"), 1)), "two"));
    assert_null(json_at(json_get(json, "list"), 2));
    assert_int_equal(json_type(json_get(json, "absent")), JSON_NULL_TYPE);
    assert_int_equal(json_count(NULL), 0);
    const char order[] = "znrtla";
    size_t at = 0;
    for (void *iterator = NULL; json_next(json, &iterator, &name, &value);) assert_int_equal(name.at[0], order[at++]);
    assert_int_equal(at, 6);
    assert_int_equal(json_parse_arena(STR("["), 1024, 8, &arena, &json), JSON_E_SYNTAX);
    arena_release(&arena);
}

struct equal_case {
    const char *a, *b;
    bool equal;
};

static const struct equal_case equal_cases[] = {
    { "1", "1.0", true },
    { "1", "true", false },
    { "0", "false", false },
    { "null", "false", false },
    { "9007199254740993", "9007199254740992.0", false }, /* differ only beyond a double */
    { "9007199254740992", "9007199254740992.0", true },
    { "{\"a\":1,\"b\":[2]}", "{\"b\":[2.0],\"a\":1}", true },
    { "{\"a\":1}", "{\"a\":1,\"b\":2}", false },
    { "{\"a\":1}", "{\"b\":1}", false },
    { "[1,2]", "[2,1]", false },
    { "[1]", "[1,1]", false },
    { "\"x\"", "\"x\"", true },
    { "\"x\"", "\"X\"", false },
};

static void test_equal(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(equal_cases); i++) {
        struct json *a, *b;
        assert_int_equal(json_parse(str_from_c(equal_cases[i].a), 1024, 8, &a, NULL), 0);
        assert_int_equal(json_parse(str_from_c(equal_cases[i].b), 1024, 8, &b, NULL), 0);
        if (json_equal(a, b) != equal_cases[i].equal) fail_msg("%s and %s", equal_cases[i].a, equal_cases[i].b);
        assert_int_equal(json_equal(b, a), equal_cases[i].equal);
        if (equal_cases[i].equal) assert_true(json_hash(a) == json_hash(b));
        (void)json_free(a);
        (void)json_free(b);
    }
}

static const struct {
    const char *reference, *found; /* found NULL: no such place */
} reference_cases[] = {
    { "#", "{\"a\":[{\"b\":1}],\"x/y\":2,\"m~n\":3,\"\":4,\"p q\":5}" },
    { "#/a/0/b", "1" },
    { "#/x~1y", "2" },
    { "#/m~0n", "3" },
    { "#/", "4" },
    { "#/p%20q", "5" },
    { "", NULL },
    { "/a", NULL },
    { "#a", NULL },
    { "#/a/1", NULL },
    { "#/a/00", NULL },
    { "#/a/-", NULL },
    { "#/a/0/b/c", NULL },
    { "#/m~n", NULL },
    { "#/m~2n", NULL },
    { "#/p%2q", NULL },
};

static void test_reference(void **state) {
    (void)state;
    struct json *document;
    assert_int_equal(json_parse(str_from_c(reference_cases[0].found), 1024, 8, &document, NULL), 0);
    for (size_t i = 0; i < ARRAY_COUNT(reference_cases); i++) {
        char memory[128];
        struct buffer out;
        const struct json *found = json_reference(document, str_from_c(reference_cases[i].reference));
        if ((found != NULL) != (reference_cases[i].found != NULL)) fail_msg("%s", reference_cases[i].reference);
        if (!found) continue;
        buffer_init(&out, memory, sizeof memory);
        json_write(&out, found);
        assert_true(str_equal_c(buffer_str(&out), reference_cases[i].found));
    }
    (void)json_free(document);
}

struct write_case {
    const char *text, *expected; /* expected NULL: the same text */
};

static const struct write_case write_cases[] = {
    { "{\"b\":[1,{\"x\":null}],\"a\":\"t\",\"e\":{},\"l\":[]}", NULL },
    { " [ 1 , 2.50 , 1e2 , -0.1 ] ", "[1,2.5,100.0,-0.1]" },
    { "1e300", "1e+300" },
    { "0.1", NULL },
    { "3.141592653589793", NULL },
    { "\"\\u0041\\/\\u001f\\n\\\"\\\\ \xc3\xa9\"", "\"A/\\u001f\\n\\\"\\\\ \xc3\xa9\"" },
};

static void test_write_value(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(write_cases); i++) {
        char memory[256];
        struct buffer out;
        struct json *json;
        buffer_init(&out, memory, sizeof memory);
        assert_int_equal(json_parse(str_from_c(write_cases[i].text), 1024, 8, &json, NULL), 0);
        json_write(&out, json);
        const char *expected = write_cases[i].expected ? write_cases[i].expected : write_cases[i].text;
        if (!str_equal_c(buffer_str(&out), expected))
            fail_msg("%s became " STR_FMT, expected, STR_ARG(buffer_str(&out)));
        (void)json_free(json);
    }
}

static void test_writer(void **state) {
    (void)state;
    char memory[512];
    struct buffer out;
    struct json_writer writer;
    struct json *value;
    buffer_init(&out, memory, sizeof memory);
    assert_int_equal(json_parse(STR("{\"k\":[true]}"), 64, 8, &value, NULL), 0);
    json_begin(&writer, &out);
    json_object_begin(&writer);
    json_member_c(&writer, "code", "a\"b");
    json_member_i64(&writer, "n", INT64_MIN);
    json_member_bool(&writer, "yes", true);
    json_member_raw(&writer, "raw", STR("[0]"));
    json_name(&writer, "list");
    json_array_begin(&writer);
    json_put_null(&writer);
    json_object_begin(&writer);
    json_object_end(&writer);
    json_put_value(&writer, value);
    json_array_begin(&writer);
    json_array_end(&writer);
    json_put_bool(&writer, false);
    json_array_end(&writer);
    json_name(&writer, "twins"); /* the second list begins without a comma */
    json_array_begin(&writer);
    for (int64_t i = 1; i <= 2; i++) {
        json_array_begin(&writer);
        json_put_i64(&writer, i);
        json_array_end(&writer);
    }
    json_array_end(&writer);
    json_member_str(&writer, "bad", STR("a\xff\xc3\xa9\xc3z\x01"));
    json_object_end(&writer);
    assert_false(out.overflow);
    assert_true(str_equal_c(
        buffer_str(&out), "{\"code\":\"a\\\"b\",\"n\":-9223372036854775808,\"yes\":true,\"raw\":[0],\"list\":[null,{},"
                          "{\"k\":[true]},[],false],"
                            "\"twins\":[[1],[2]],\"bad\":\"a\xef\xbf\xbd\xc3\xa9\xef\xbf\xbdz\\u0001\"}"));
    (void)json_free(value);
    buffer_init(&out, memory, 4);
    json_begin(&writer, &out);
    json_put_str(&writer, STR("too long"));
    assert_true(out.overflow);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),   cmocka_unit_test(test_read_limits), cmocka_unit_test(test_message),
        cmocka_unit_test(test_walk),   cmocka_unit_test(test_equal),       cmocka_unit_test(test_write_value),
        cmocka_unit_test(test_writer), cmocka_unit_test(test_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
