#include "wire/json_schema.h"

#include "wire/json_schema_int.h"

#include <stdarg.h>

/* A schema that was asked for by reference or from outside. New ones wait in a list until they are filled, so that
 * references in a circle end and recursion is only as deep as the document is nested. */
struct known_schema {
    struct known_schema *next, *next_pending;
    const struct json *source;
    struct str place;
    struct schema *schema;
};

enum { BLOCK_BYTES = 16 * 1024, BUCKETS = 1024 };

struct schema_set {
    struct arena arena;
    const struct json *document;
    struct known_schema *buckets[BUCKETS];
    struct known_schema *pending;
};

#define X(code, text) [code] = text,
static const char *const refusal_texts[SCHEMA_E_COUNT] = { SCHEMA_E_MAP(X) };
#undef X

const char *schema_refusal_text(int refusal) {
    check(refusal > SCHEMA_E_NONE && refusal < SCHEMA_E_COUNT);
    return refusal_texts[refusal];
}

int schema_set_new(const struct json *document, struct schema_set **ret_set) {
    struct schema_set *set = calloc(1, sizeof *set);
    if (!set) return err_origin(-ENOMEM);
    int r = arena_init(&set->arena, BLOCK_BYTES, SCHEMA_SET_BYTES_MAX);
    if (r) {
        free(set);
        return err_trace(r);
    }
    set->document = document;
    *ret_set = set;
    return 0;
}

struct schema_set *schema_set_free(struct schema_set *set) {
    if (!set) return NULL;
    arena_release(&set->arena);
    free(set);
    return NULL;
}

/* Appends a name as a JSON pointer has it. */
static void put_pointer_name(struct buffer *out, struct str name) {
    for (size_t i = 0; i < name.len; i++) {
        if (name.at[i] == '~') buffer_append_c(out, "~0");
        else if (name.at[i] == '/') buffer_append_c(out, "~1");
        else buffer_append_char(out, name.at[i]);
    }
}

int schema_fault(struct schema_compiler *compiler, const char *format, ...) {
    char place_memory[MESSAGE_BYTES_MAX / 2], why[MESSAGE_BYTES_MAX / 2];
    struct buffer place;
    buffer_init(&place, place_memory, sizeof place_memory);
    buffer_append_str(&place, compiler->place);
    for (size_t i = 0; i < compiler->depth; i++) {
        buffer_append_char(&place, '/');
        if (compiler->steps[i].name.at) put_pointer_name(&place, compiler->steps[i].name);
        else buffer_append_u64(&place, compiler->steps[i].index);
    }
    va_list args;
    va_start(args, format);
    (void)vsnprintf(why, sizeof why, format, args);
    va_end(args);
    message_set(compiler->message, "at " STR_FMT ": %s", STR_ARG(buffer_str(&place)), why);
    return SCHEMA_E_DOCUMENT;
}

static int fill_node(struct schema_compiler *compiler, struct schema *node, const struct json *value) {
    *node = (struct schema){ 0 }; /* also after a fault half-way */
    node->length.max = node->item_count.max = node->member_count.max = node->contains_count.max = SIZE_MAX;
    node->contains_count.min = 1;
    if (json_type(value) == JSON_BOOL_TYPE) {
        node->never = !json_bool(value, true);
        return 0;
    }
    if (json_type(value) != JSON_OBJECT_TYPE) return schema_fault(compiler, "a schema is an object or a boolean");
    return schema_compile_keywords(compiler, node, value);
}

int schema_compile_below(struct schema_compiler *compiler, struct schema_step step, const struct json *value,
                         const struct schema **ret_schema) {
    struct schema *node = arena_new(compiler->arena, struct schema);
    if (!node) return err_origin(-ENOMEM);
    check(compiler->depth < ARRAY_COUNT(compiler->steps)); /* a parsed document is not nested deeper */
    compiler->steps[compiler->depth++] = step;
    int r = fill_node(compiler, node, value);
    compiler->depth--;
    if (r) return r;
    *ret_schema = node;
    return 0;
}

static struct known_schema **bucket_of(struct schema_set *set, const struct json *source) {
    return &set->buckets[((uintptr_t)source >> 4) % BUCKETS];
}

/* The schema of source, put into the pending list when it is new. */
static int know_schema(struct schema_set *set, const struct json *source, struct str place,
                       struct schema **ret_schema) {
    struct known_schema **bucket = bucket_of(set, source);
    for (const struct known_schema *known = *bucket; known; known = known->next) {
        if (known->source != source) continue;
        *ret_schema = known->schema;
        return 0;
    }
    struct known_schema *known = arena_new(&set->arena, struct known_schema);
    struct schema *schema = arena_new(&set->arena, struct schema);
    struct str copy = arena_dup(&set->arena, place);
    if (!known || !schema || !copy.at) return err_origin(-ENOMEM);
    *known = (struct known_schema){
        .next = *bucket, .next_pending = set->pending, .source = source, .place = copy, .schema = schema
    };
    *bucket = set->pending = known;
    *ret_schema = schema;
    return 0;
}

int schema_compile_reference(struct schema_compiler *compiler, struct str reference, const struct schema **ret_schema) {
    if (!str_starts(reference, STR("#")))
        return schema_fault(compiler, "a reference must stay inside the document (#/...)");
    const struct json *target = json_reference(compiler->set->document, reference);
    if (!target) return schema_fault(compiler, "there is no " STR_FMT, STR_ARG(reference));
    struct schema *schema;
    int r = know_schema(compiler->set, target, reference, &schema);
    if (r) return err_trace(r);
    *ret_schema = schema;
    return 0;
}

/* Fills what waits, which may put more into the list. What is at fault waits on, so the set gives nothing out any more.
 */
static int fill_pending(struct schema_set *set, struct message *message) {
    while (set->pending) {
        struct known_schema *known = set->pending;
        set->pending = known->next_pending;
        struct schema_compiler compiler = {
            .set = set, .arena = &set->arena, .message = message, .place = known->place
        };
        int r = fill_node(&compiler, known->schema, known->source);
        if (r) {
            known->next_pending = set->pending;
            set->pending = known;
            return err_trace(r);
        }
    }
    return 0;
}

int schema_compile_value(struct schema_set *set, const struct json *value, struct str place,
                         const struct schema **ret_schema, struct message *message) {
    struct schema *schema;
    int r = know_schema(set, value, place, &schema);
    if (r == 0) r = fill_pending(set, message);
    if (r) return err_trace(r);
    *ret_schema = schema;
    return 0;
}

int schema_compile(struct schema_set *set, struct str reference, const struct schema **ret_schema,
                   struct message *message) {
    const struct json *value = json_reference(set->document, reference);
    if (!value) {
        message_set(message, "at " STR_FMT ": there is no such place", STR_ARG(reference));
        return SCHEMA_E_DOCUMENT;
    }
    return schema_compile_value(set, value, reference, ret_schema, message);
}
