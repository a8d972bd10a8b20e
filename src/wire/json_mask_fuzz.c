#include "wire/json_mask.h"

/* The first line is a schema, the rest a document. Whatever both are, what is written is JSON within its bound. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void show(struct buffer *out, enum personal_kind kind, struct str text) {
    (void)kind;
    (void)text;
    buffer_append_c(out, "\"*\"");
}

static void check_mask(const struct schema *schema, struct str text) {
    enum { BYTES_MAX = 512 };
    char memory[BYTES_MAX];
    struct buffer out;
    struct arena arena;
    const struct json_mask *mask;
    struct json *json;
    check(arena_init(&arena, 64 * 1024, 8 * 1024 * 1024) == 0);
    if (json_mask_new(schema, &arena, &mask) == 0) {
        struct json_mask_options options = {
            .bytes_max = BYTES_MAX, .fits = text.len % 2 == 0, .arena = &arena, .show = show
        };
        buffer_init(&out, memory, sizeof memory);
        (void)json_mask_write(mask, text, &options, &out);
        check(!out.overflow && out.len <= BYTES_MAX);
        int r = json_parse(buffer_str(&out), BYTES_MAX, JSON_DEPTH_DOCUMENT_MAX, &json, NULL);
        if (r == 0) (void)json_free(json);
        if (json_parse(text, JSON_BYTES_MAX, JSON_DEPTH_MAX, &json, NULL) == 0) {
            check(r == 0); /* of a sound document; what is no JSON may give none of its numbers back */
            (void)json_free(json);
        }
    }
    arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    enum { INPUT_BYTES_MAX = 16 * 1024 };
    struct str rest = str_from_bytes(data, size), first;
    struct json *document;
    struct schema_set *set;
    const struct schema *schema;
    struct message message;
    (void)str_cut(&rest, '\n', &first);
    if (json_parse(first, INPUT_BYTES_MAX, JSON_DEPTH_DOCUMENT_MAX, &document, NULL)) return 0;
    if (schema_set_new(document, &set) == 0) {
        if (schema_compile(set, STR("#"), &schema, &message) == 0) check_mask(schema, rest);
        (void)schema_set_free(set);
    }
    (void)json_free(document);
    return 0;
}
