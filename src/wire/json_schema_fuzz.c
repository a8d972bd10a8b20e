#include "wire/json_schema.h"

/* The first line is a schema, the rest a value. Whatever both are, compiling and checking end within their bounds, a
 * refused value has an error, one that fits has none, and every text is UTF-8. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_errors(int verdict, const struct schema_errors *errors) {
    check(verdict == 0 || verdict == SCHEMA_E_INVALID || verdict == SCHEMA_E_SIZE);
    if (verdict == 0) check(errors->count == 0);
    if (verdict == SCHEMA_E_INVALID) check(errors->count > 0);
    for (size_t i = 0; i < errors->count; i++) {
        check(str_is_utf8(errors->items[i].path));
        check(errors->items[i].message.len > 0);
    }
}

static void check_value(const struct json *document, const struct json *value) {
    struct schema_set *set;
    const struct schema *schema;
    struct schema_errors errors;
    struct message message;
    struct arena arena;
    if (schema_set_new(document, &set)) return;
    check(arena_init(&arena, 64 * 1024, 1024 * 1024) == 0);
    if (schema_compile(set, STR("#"), &schema, &message) == 0) {
        check_errors(schema_check(schema, value, SCHEMA_PATH_JSON, &arena, &errors), &errors);
        check_errors(schema_check(schema, value, SCHEMA_PATH_DOTTED, &arena, &errors), &errors);
    }
    arena_release(&arena);
    (void)schema_set_free(set);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    enum { INPUT_BYTES_MAX = 16 * 1024 };
    struct str rest = str_from_bytes(data, size), first;
    struct json *document, *value;
    (void)str_cut(&rest, '\n', &first);
    if (json_parse(first, INPUT_BYTES_MAX, JSON_DEPTH_DOCUMENT_MAX, &document, NULL)) return 0;
    if (json_parse(rest, INPUT_BYTES_MAX, JSON_DEPTH_MAX, &value, NULL) == 0) {
        check_value(document, value);
        (void)json_free(value);
    }
    (void)json_free(document);
    return 0;
}
