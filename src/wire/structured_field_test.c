#include "wire/structured_field.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct arena arena;

static int open_arena(void **state) {
    (void)state;
    return arena_init(&arena, 64 * 1024, 64 * 1024);
}
static int close_arena(void **state) {
    (void)state;
    arena_release(&arena);
    return 0;
}

static int parse(struct str text, struct structured_dictionary *ret_dictionary) {
    arena_reset(&arena);
    return structured_dictionary_parse(text, &arena, ret_dictionary);
}

#define B64 "uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek="

static void f1_what_is_read_is_written_again(void **state) {
    (void)state;
    static const struct {
        const char *name, *text, *want; /* NULL: the same */
    } cases[] = {
        { "a flag", "a", NULL },
        { "a list", "sig1=(\"@method\" \"@target-uri\");created=1618884473;keyid=\"k\";tag=\"fapi-2-request\"", NULL },
        { "an empty list", "sig1=()", NULL },
        { "flags of an item", "sig1=(\"signature\";req;key=\"sig1\" \"@status\");created=1", NULL },
        { "blanks in a list", "sig1=(  \"a\"   \"b\"  );  x=1", "sig1=(\"a\" \"b\");x=1" },
        { "bytes", "sha-256=:" B64 ":", NULL },
        { "no bytes", "sha-256=::", NULL },
        { "two members", "sha-256=:" B64 ":, sha-512=:AA==:", NULL },
        { "blanks between members", "a=1 ,b=2", "a=1, b=2" },
        { "a string with escapes", "a=\"x\\\"y\\\\z\"", NULL },
        { "an empty string", "a=\"\"", NULL },
        { "numbers", "a=0, b=-1, c=999999999999999, d=-999999999999999", NULL },
        { "tokens", "a=*, b=Abc:/%.x", NULL },
        { "truth", "a=?0, b;x=?0;y=?1", "a=?0, b;x=?0;y" },
        { "true is a key alone", "a=?1;x=1", "a;x=1" },
        { "a key of all characters", "*a_-.*9=1", NULL },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char memory[1024];
        struct buffer out;
        struct structured_dictionary dictionary;
        buffer_init(&out, memory, sizeof memory);
        print_message("%s\n", cases[i].name);
        assert_int_equal(parse(str_from_c(cases[i].text), &dictionary), 0);
        structured_dictionary_write(&out, &dictionary);
        assert_true(str_equal_c(buffer_str(&out), cases[i].want ? cases[i].want : cases[i].text));
    }
}

static void f1_what_could_be_read_in_two_ways_is_refused(void **state) {
    (void)state;
    static const struct {
        const char *name, *text;
    } cases[] = {
        { "nothing", "" },
        { "a blank", " " },
        { "a blank in front", " a=1" },
        { "a blank behind", "a=1 " },
        { "a tab", "a=1,\tb=2" },
        { "a comma in front", ",a=1" },
        { "a comma behind", "a=1," },
        { "two commas", "a=1,,b=2" },
        { "no comma", "a=1 b=2" },
        { "no value", "a=" },
        { "a blank before the value", "a= 1" },
        { "a key in capitals", "A=1" },
        { "a key that begins with a digit", "1a=1" },
        { "a member twice", "a=1, a=1" },
        { "a parameter twice", "a=1;b=1;b=1" },
        { "a flag twice", "a=(\"x\";req;req)" },
        { "no name of a parameter", "a=1;" },
        { "a blank before a parameter", "a=1 ;b" },
        { "a list that does not end", "a=(\"x\"" },
        { "items that touch", "a=(\"x\"\"y\")" },
        { "items with a comma", "a=(\"x\", \"y\")" },
        { "a list in a list", "a=((\"x\"))" },
        { "a list as parameter", "a=1;b=(1)" },
        { "a list without a key", "(\"x\")" },
        { "a tab in a list", "a=(\"x\"\t\"y\")" },
        { "a string that does not end", "a=\"x" },
        { "an escape that is none", "a=\"\\n\"" },
        { "an escape at the end", "a=\"\\" },
        { "a control character in a string", "a=\"\x01\"" },
        { "more than ASCII in a string", "a=\"\xc3\xa9\"" },
        { "bytes that do not end", "a=:AA==" },
        { "bytes without padding", "a=:AA:" },
        { "bytes with stray bits", "a=:AB==:" },
        { "bytes of the other alphabet", "a=:-_--:" },
        { "a leading zero", "a=01" },
        { "minus nothing", "a=-" },
        { "minus zero", "a=-0" },
        { "sixteen digits", "a=1000000000000000" },
        { "a decimal", "a=1.0" },
        { "a date", "a=@1659578233" },
        { "a display string", "a=%\"x\"" },
        { "half a truth", "a=?" },
        { "another truth", "a=?2" },
        { "rubbish behind", "a=1x" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct structured_dictionary dictionary;
        print_message("%s\n", cases[i].name);
        assert_int_equal(parse(str_from_c(cases[i].text), &dictionary), STRUCTURED_E_SYNTAX);
    }
    struct structured_dictionary dictionary;
    assert_int_equal(parse(str_from_bytes("a=\"\0\"", 5), &dictionary), STRUCTURED_E_SYNTAX);
}

/* count times "%s" with the number in place of %d, between head and tail. */
static struct str repeated(const char *head, const char *each, size_t count, const char *tail) {
    static char memory[2 * STRUCTURED_FIELD_BYTES_MAX];
    struct buffer out;
    buffer_init(&out, memory, sizeof memory);
    buffer_append_c(&out, head);
    for (size_t i = 0; i < count; i++) {
        buffer_append_c(&out, each);
        buffer_append_u64(&out, i);
    }
    buffer_append_c(&out, tail);
    assert_false(out.overflow);
    return buffer_str(&out);
}

static void f2_limits_hold(void **state) {
    (void)state;
    struct structured_dictionary dictionary;
    static char long_key[STRUCTURED_KEY_BYTES_MAX + 2], long_text[STRUCTURED_FIELD_BYTES_MAX + 2];
    assert_int_equal(parse(repeated("m", ",m", STRUCTURED_MEMBERS_MAX - 1, ""), &dictionary), 0);
    assert_int_equal(dictionary.count, STRUCTURED_MEMBERS_MAX);
    assert_int_equal(parse(repeated("m", ",m", STRUCTURED_MEMBERS_MAX, ""), &dictionary), STRUCTURED_E_SIZE);
    assert_int_equal(parse(repeated("a=(", " ", STRUCTURED_ITEMS_MAX, ")"), &dictionary), 0);
    assert_int_equal(dictionary.members[0].item_count, STRUCTURED_ITEMS_MAX);
    assert_int_equal(parse(repeated("a=(", " ", STRUCTURED_ITEMS_MAX + 1, ")"), &dictionary), STRUCTURED_E_SIZE);
    assert_int_equal(parse(repeated("a", ";p", STRUCTURED_PARAMETERS_MAX, ""), &dictionary), 0);
    assert_int_equal(parse(repeated("a", ";p", STRUCTURED_PARAMETERS_MAX + 1, ""), &dictionary), STRUCTURED_E_SIZE);
    memset(long_key, 'k', sizeof long_key - 1);
    assert_int_equal(parse(str_from_c(long_key), &dictionary), STRUCTURED_E_SIZE);
    assert_int_equal(parse(str_from_bytes(long_key, STRUCTURED_KEY_BYTES_MAX), &dictionary), 0);
    memset(long_text, 'x', sizeof long_text);
    memcpy(long_text, "a=", 2);
    assert_int_equal(parse(str_from_bytes(long_text, STRUCTURED_FIELD_BYTES_MAX), &dictionary), 0);
    assert_int_equal(parse(str_from_bytes(long_text, STRUCTURED_FIELD_BYTES_MAX + 1), &dictionary), STRUCTURED_E_SIZE);
}

static void values_are_told(void **state) {
    (void)state;
    struct structured_dictionary dictionary;
    assert_int_equal(parse(STR("s=(\"a\\\\b\";req tok);n=-5;t=\"x\", b=:aGk=:;f"), &dictionary), 0);
    const struct structured_member *s = structured_member_find(&dictionary, STR("s"));
    const struct structured_member *b = structured_member_find(&dictionary, STR("b"));
    assert_true(s && s->is_list && s->item_count == 2 && b && !b->is_list);
    assert_null(structured_member_find(&dictionary, STR("n")));
    assert_true(s->items[0].value.type == STRUCTURED_STRING && str_equal_c(s->items[0].value.text, "a\\b"));
    assert_true(s->items[1].value.type == STRUCTURED_TOKEN && str_equal_c(s->items[1].value.text, "tok"));
    const struct structured_value *flag = structured_parameter_find(&s->items[0].parameters, "req");
    assert_true(flag && flag->type == STRUCTURED_BOOLEAN && flag->integer == 1);
    const struct structured_value *n = structured_parameter_find(&s->parameters, "n");
    assert_true(n && n->type == STRUCTURED_INTEGER && n->integer == -5);
    assert_null(structured_parameter_find(&s->parameters, "req"));
    assert_true(b->items[0].value.type == STRUCTURED_BYTES && str_equal_c(b->items[0].value.text, "hi"));
    assert_non_null(structured_parameter_find(&b->items[0].parameters, "f"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f1_what_is_read_is_written_again),
        cmocka_unit_test(f1_what_could_be_read_in_two_ways_is_refused),
        cmocka_unit_test(f2_limits_hold),
        cmocka_unit_test(values_are_told),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
