/* The required tests of JSON Schema 2020-12 (JSON-Schema-Test-Suite), read from the shared data where it is. */
#include "wire/json_schema.h"
#include "wire/json_format.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { CASES_EXPECTED_MIN = 950 };
enum { FILE_BYTES_MAX = 1024 * 1024, PATH_TEXT_BYTES = 1024 };

/* What no contract of ours uses: schemas and references beyond the one document, anchors, nested $id, the unevaluated
 * keywords, other dialects, an enum that nothing fits, and Unicode properties by their long names, which PCRE2 does not
 * know. Each group must be refused when it is compiled, or it has no place here. */
struct left_out {
    const char *file, *group; /* group NULL: the whole file */
};

static const struct left_out left_out[] = {
    { "anchor.json", NULL },
    { "defs.json", "validate definition against metaschema" },
    { "dynamicRef.json", NULL },
    { "enum.json", "empty enum" },
    { "not.json", "collect annotations inside a 'not', even if collection is disabled" },
    { "pattern.json", "pattern with Unicode property escape requires unicode mode" },
    { "patternProperties.json", "patternProperties with Unicode property escape" },
    { "ref.json", "remote ref, containing refs itself" },
    { "ref.json", "Recursive references between schemas" },
    { "ref.json", "ref creates new scope when adjacent to keywords" },
    { "ref.json", "refs with relative uris and defs" },
    { "ref.json", "relative refs with absolute uris and defs" },
    { "ref.json", "$id must be resolved against nearest parent, not just immediate parent" },
    { "ref.json", "order of evaluation: $id and $ref" },
    { "ref.json", "order of evaluation: $id and $anchor and $ref" },
    { "ref.json", "order of evaluation: $id and $ref on nested schema" },
    { "ref.json", "simple URN base URI with $ref via the URN" },
    { "ref.json", "URN base URI with URN and JSON pointer ref" },
    { "ref.json", "URN base URI with URN and anchor ref" },
    { "ref.json", "URN ref with nested pointer ref" },
    { "ref.json", "ref to if" },
    { "ref.json", "ref to then" },
    { "ref.json", "ref to else" },
    { "ref.json", "ref with absolute-path-reference" },
    { "refRemote.json", NULL },
    { "unevaluatedItems.json", NULL },
    { "unevaluatedProperties.json", NULL },
    { "vocabulary.json", NULL },
};

struct tally {
    size_t run, left_out, wrong;
};

static char file_text[FILE_BYTES_MAX];

static bool read_file(const char *path, struct str *ret_text) {
    FILE *file = fopen(path, "rb");
    if (!file) return false;
    size_t len = fread(file_text, 1, sizeof file_text, file);
    bool whole = feof(file) != 0;
    (void)fclose(file);
    /* Our JSON refuses NUL; any other control character says the same about the schema. */
    for (char *at = file_text; (at = memmem(at, len - (size_t)(at - file_text), "\\u0000", 6)) != NULL;) at[5] = '1';
    *ret_text = str_from_bytes(file_text, len);
    return whole;
}

static bool is_left_out(const char *file, struct str group) {
    for (size_t i = 0; i < ARRAY_COUNT(left_out); i++)
        if (strcmp(left_out[i].file, file) == 0 && (!left_out[i].group || str_equal_c(group, left_out[i].group)))
            return true;
    return false;
}

/* The suite takes "format" for a note; Giro enforces the formats of json_format.h, so these cases turn round. */
static bool expected_verdict(const struct json *group, const struct json *test) {
    bool noted = str_ends(json_get_string(test, "description"), STR("is only an annotation by default"));
    bool enforced = json_format_from(json_string(json_path(group, "schema.format"))) != JSON_FORMAT_NONE;
    return json_get_bool(test, "valid", false) && !(noted && enforced);
}

static void run_group(const char *file, const struct json *group, const struct schema *schema, struct tally *tally) {
    const struct json *tests = json_get(group, "tests");
    for (size_t i = 0; i < json_count(tests); i++) {
        const struct json *test = json_at(tests, i);
        struct arena arena;
        struct schema_errors errors;
        assert_int_equal(arena_init(&arena, 64 * 1024, 1024 * 1024), 0);
        int r = schema_check(schema, json_get(test, "data"), SCHEMA_PATH_JSON, &arena, &errors);
        if ((r == 0) != expected_verdict(group, test) || (errors.count == 0) != (r == 0)) {
            print_message("wrong: %s: " STR_FMT ": " STR_FMT "\n", file, STR_ARG(json_get_string(group, "description")),
                          STR_ARG(json_get_string(test, "description")));
            tally->wrong++;
        }
        arena_release(&arena);
        tally->run++;
    }
}

static void run_file(const char *folder, const char *name, struct tally *tally) {
    char path[PATH_TEXT_BYTES];
    struct str text;
    struct json *groups;
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_true(read_file(path, &text));
    assert_int_equal(json_parse(text, FILE_BYTES_MAX, JSON_DEPTH_DOCUMENT_MAX, &groups, NULL), 0);
    for (size_t i = 0; i < json_count(groups); i++) {
        const struct json *group = json_at(groups, i);
        struct str description = json_get_string(group, "description");
        struct schema_set *set;
        const struct schema *schema;
        struct message message = { "" };
        assert_int_equal(schema_set_new(json_get(group, "schema"), &set), 0);
        int r = schema_compile(set, STR("#"), &schema, &message);
        if ((r != 0) != is_left_out(name, description)) {
            print_message("wrong: %s: " STR_FMT ": %s\n", name, STR_ARG(description),
                          r ? message.text : "it is not left out");
            tally->wrong++;
        }
        if (r == 0) run_group(name, group, schema, tally);
        else tally->left_out += json_count(json_get(group, "tests"));
        (void)schema_set_free(set);
    }
    (void)json_free(groups);
}

/* spec: gateway/53 */
static void test_suite(void **state) {
    (void)state;
    char folder[PATH_TEXT_BYTES];
    const char *shared = getenv("GIRO_SHARED");
    struct tally tally = { 0 };
    (void)snprintf(folder, sizeof folder, "%s/data/json-schema", shared ? shared : "../shared");
    DIR *list = opendir(folder);
    if (!list) skip();
    for (const struct dirent *entry = readdir(list); entry; entry = readdir(list))
        if (str_ends(str_from_c(entry->d_name), STR(".json"))) run_file(folder, entry->d_name, &tally);
    (void)closedir(list);
    print_message("%zu cases run, %zu left out by name\n", tally.run, tally.left_out);
    assert_int_equal(tally.wrong, 0);
    assert_true(tally.run > CASES_EXPECTED_MIN);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_suite) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
