/* aml_test.c - which names hit a listed one, a1, and how lists are read. */
#include "services/aml/aml.h"

#include "engine/engine_test_world.h"

static const struct table *const tables[] = { &engine_journal_table, &engine_key_table, &engine_answer_table,
                                              &engine_counter_table };

#define LIST                                                                                                           \
    "# id,name\n1,\"Ivan PETROV\"\n2,\"AL-ZAWAHIRI, Ayman\",more,columns\n3,\"Müller, Jürgen\"\n4,Wagner\n"          \
    "5,\"GHANI Mohammed\"\r\n6,\"Łukasz Żółty\"\n7,\"Иван Петров\"\n8,\"O'Brien, Sean\"\n9,\"Bank 13\"\n"

static struct aml_list *list_of(struct str text) {
    struct aml_list *list;
    struct message message = { { 0 } };
    if (aml_list_read(text, &list, &message)) fail_msg("%s", message.text);
    return list;
}

static const struct {
    const char *name;
    int64_t want;
} names[] = {
    { "Ivan Petrov", 1 },
    { "IVAN PETROV", 1 },
    { "Petrov Ivan", 1 }, /* any order */
    { "Petrov, Ivan", 1 },
    { "Mr Ivan Sergeyevich Petrov", 1 },  /* more words */
    { "Iván Pétrov", 1 },                 /* accents */
    { "Iva\xcc\x81n Petrov\xcc\x8c", 1 }, /* accents as characters of their own */
    { "ivan-petrov", 1 },
    { "Ivan", 0 }, /* fewer words */
    { "Petrov", 0 },
    { "Ivan Petrova", 0 }, /* another word */
    { "IvanPetrov", 0 },
    { "Ayman al Zawahiri", 2 },
    { "ayman AL-ZAWAHIRI", 2 },
    { "Ayman Zawahiri", 0 },
    { "Jurgen Muller", 3 },
    { "Jürgen Müller", 3 },
    { "JÜRGEN MÜLLER", 3 },
    { "Wagner", 4 }, /* one word must be the whole name */
    { "wagner ", 4 },
    { "Anna Wagner", 0 },
    { "Wagner Wagner", 0 },
    { "Mohammed Ghani", 5 },
    { "Lukasz Zolty", 6 },
    { "łukasz żółty", 6 },
    { "Иван Петров", 7 }, /* other scripts as they stand */
    { "Петров Иван", 7 },
    { "Иван Сидоров", 0 },
    { "Sean O'Brien", 8 },
    { "Sean O Brien", 8 },
    { "Sean OBrien", 0 },
    { "Bank 13", 9 },
    { "Bank AB", 0 },
    { "", 0 },
    { " . , - ", 0 },
    { "\xff\xfe", 0 }, /* bytes that are no text */
};

static void names_hit_or_do_not(void **state) {
    struct aml_list *list = list_of(STR(LIST));
    (void)state;
    assert_int_equal(aml_list_count(list), 9);
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        int64_t hit = aml_screen(list, str_from_c(names[i].name));
        if (hit != names[i].want)
            fail_msg("\"%s\": %lld, not %lld", names[i].name, (long long)hit, (long long)names[i].want);
    }
    list = aml_list_free(list);
    assert_null(list);
}

static void a_name_of_too_many_words_does_not_hide_its_first(void **state) {
    struct aml_list *list = list_of(STR(LIST));
    char text[AML_WORDS_MAX * AML_WORD_BYTES_MAX * 2];
    size_t used = (size_t)snprintf(text, sizeof text, "Ivan Petrov");
    (void)state;
    while (used + 4 < sizeof text) used += (size_t)snprintf(text + used, sizeof text - used, " x%zu", used % 10);
    assert_int_equal(aml_screen(list, str_from_c(text)), 1);
    aml_list_free(list);
}

static const struct {
    const char *name, *text;
    int want;
    size_t count;
    const char *line;
} lists[] = {
    { "nothing", "", 0, 0, NULL },
    { "comments only", "# a\n\n#b", 0, 0, NULL },
    { "without quotes", "7,Ivan Petrov", 0, 1, NULL },
    { "no id", "\"Ivan Petrov\"\n", -EINVAL, 0, "line 1" },
    { "id zero", "0,\"Ivan Petrov\"\n", -EINVAL, 0, "line 1" },
    { "id negative", "-1,\"Ivan Petrov\"\n", -EINVAL, 0, "line 1" },
    { "id beyond int64", "9223372036854775808,\"X Y\"\n", -EINVAL, 0, "line 1" },
    { "greatest id", "9223372036854775807,\"X Y\"\n", 0, 1, NULL },
    { "quotes left open", "1,\"A B\"\n2,\"C D\n", -EINVAL, 0, "line 2" },
    { "a name of nothing", "1,\"A B\"\n2,\" - \"", -EINVAL, 0, "line 2" },
};
static void lists_are_read_strictly(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(lists); i++) {
        struct aml_list *list = NULL;
        struct message message = { { 0 } };
        int r = aml_list_read(str_from_c(lists[i].text), &list, &message);
        if (r != lists[i].want) fail_msg("%s: %d %s", lists[i].name, r, message.text);
        if (r) assert_non_null(strstr(message.text, lists[i].line));
        else assert_int_equal(aml_list_count(list), lists[i].count);
        aml_list_free(list);
    }
}

struct question {
    const struct aml_list *list;
    const char *name;
    int64_t hit;
};
static int check_decide(struct work *work, void *input) {
    struct question *question = input;
    struct aml_subject subject = { .payment_id = { { 1 } }, .creditor_name = str_from_c(question->name) };
    return aml_check(work, question->list, &subject, &question->hit);
}

static void a_check_tells_what_it_found(void **state) {
    struct test_world *world = calloc(1, sizeof *world);
    struct aml_list *list = list_of(STR(LIST));
    struct question hit = { list, "Ivan Petrov", -1 }, clear = { list, "Jane Doe", -1 };
    (void)state;
    world->options =
        (struct store_options){ .ops = &store_memory_ops, .tables = tables, .table_count = ARRAY_COUNT(tables) };
    test_open(world);
    assert_int_equal(test_decide(world, check_decide, &hit), 0);
    assert_int_equal(hit.hit, 1);
    assert_string_equal(test_last_events(world), "AmlFlagged");
    assert_int_equal(test_decide(world, check_decide, &clear), 0);
    assert_int_equal(clear.hit, 0);
    assert_string_equal(test_last_events(world), "AmlCleared");
    test_shut(world);
    free(world);
    aml_list_free(list);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_hit_or_do_not),
        cmocka_unit_test(a_name_of_too_many_words_does_not_hide_its_first),
        cmocka_unit_test(lists_are_read_strictly),
        cmocka_unit_test(a_check_tells_what_it_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
