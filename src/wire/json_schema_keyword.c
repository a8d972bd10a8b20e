#include "wire/json_schema_int.h"

/* The keywords of JSON Schema 2020-12 (draft-bhutton-json-schema-validation-01 and -schema-01), a row each: how its
 * value is compiled, and into which field of struct schema. */
struct keyword {
    const char *name;
    int (*compile)(struct schema_compiler *compiler, void *field, struct str keyword, const struct json *value);
    size_t field;
};

static struct schema_step step_name(struct str name) {
    return (struct schema_step){ .name = name };
}

static void enter(struct schema_compiler *compiler, struct str name) {
    check(compiler->depth < ARRAY_COUNT(compiler->steps));
    compiler->steps[compiler->depth++] = step_name(name);
}

static int keyword_fault(struct schema_compiler *compiler, struct str keyword, const char *must) {
    return schema_fault(compiler, "\"" STR_FMT "\" must be %s", STR_ARG(keyword), must);
}

static int compile_schema(struct schema_compiler *compiler, void *field, struct str keyword, const struct json *value) {
    return schema_compile_below(compiler, step_name(keyword), value, field);
}

static int compile_list(struct schema_compiler *compiler, void *field, struct str keyword, const struct json *value) {
    struct schema_list *list = field;
    if (json_type(value) != JSON_ARRAY_TYPE || json_count(value) == 0)
        return keyword_fault(compiler, keyword, "a list of at least one schema");
    list->items = arena_new_array(compiler->arena, const struct schema *, json_count(value));
    if (!list->items) return err_origin(-ENOMEM);
    enter(compiler, keyword);
    int r = 0;
    for (size_t i = 0; r == 0 && i < json_count(value); i++)
        r = schema_compile_below(compiler, (struct schema_step){ .index = i }, json_at(value, i), &list->items[i]);
    compiler->depth--;
    list->count = json_count(value);
    return r;
}

static int by_name(const void *a, const void *b) {
    return str_compare(((const struct schema_member *)a)->name, ((const struct schema_member *)b)->name);
}

static int compile_members(struct schema_compiler *compiler, void *field, struct str keyword,
                           const struct json *value) {
    struct schema_members *members = field;
    void *iterator = NULL;
    struct str name;
    const struct json *schema;
    int r = 0;
    if (json_type(value) != JSON_OBJECT_TYPE) return keyword_fault(compiler, keyword, "an object of schemas");
    members->items = arena_new_array(compiler->arena, struct schema_member, json_count(value));
    if (!members->items) return err_origin(-ENOMEM);
    enter(compiler, keyword);
    while (r == 0 && json_next(value, &iterator, &name, &schema)) {
        struct schema_member *member = &members->items[members->count++];
        member->name = name;
        r = schema_compile_below(compiler, step_name(name), schema, &member->schema);
    }
    compiler->depth--;
    if (members->count) qsort(members->items, members->count, sizeof *members->items, by_name);
    return r;
}

static int compile_pattern_text(struct schema_compiler *compiler, struct str text,
                                const struct schema_pattern **ret_pattern) {
    size_t offset;
    int r = schema_pattern_compile(compiler->arena, text, ret_pattern, &offset);
    return r > 0 ? schema_fault(compiler, "not a regular expression (at character %zu)", offset) : err_trace(r);
}

static int compile_pattern(struct schema_compiler *compiler, void *field, struct str keyword,
                           const struct json *value) {
    if (!json_is_string(value)) return keyword_fault(compiler, keyword, "a regular expression");
    enter(compiler, keyword);
    int r = compile_pattern_text(compiler, json_string(value), field);
    compiler->depth--;
    return r;
}

static int compile_patterned(struct schema_compiler *compiler, void *field, struct str keyword,
                             const struct json *value) {
    struct schema_patterns *patterns = field;
    void *iterator = NULL;
    struct str text;
    const struct json *schema;
    int r = 0;
    if (json_type(value) != JSON_OBJECT_TYPE) return keyword_fault(compiler, keyword, "an object of schemas");
    patterns->items = arena_new_array(compiler->arena, struct schema_patterned, json_count(value));
    if (!patterns->items) return err_origin(-ENOMEM);
    enter(compiler, keyword);
    while (r == 0 && json_next(value, &iterator, &text, &schema)) {
        struct schema_patterned *item = &patterns->items[patterns->count++];
        r = compile_pattern_text(compiler, text, &item->pattern);
        if (r == 0) r = schema_compile_below(compiler, step_name(text), schema, &item->schema);
    }
    compiler->depth--;
    return r;
}

static int compile_names(struct schema_compiler *compiler, void *field, struct str keyword, const struct json *value) {
    struct schema_names *names = field;
    if (json_type(value) != JSON_ARRAY_TYPE) return keyword_fault(compiler, keyword, "a list of names");
    names->items = arena_new_array(compiler->arena, struct str, json_count(value));
    if (!names->items) return err_origin(-ENOMEM);
    for (size_t i = 0; i < json_count(value); i++) {
        struct str name = json_string(json_at(value, i));
        if (!json_is_string(json_at(value, i))) return keyword_fault(compiler, keyword, "a list of names");
        for (size_t k = 0; k < i; k++)
            if (str_equal(name, names->items[k])) return keyword_fault(compiler, keyword, "a list without repetition");
        names->items[names->count++] = name;
    }
    return 0;
}

static int compile_dependents(struct schema_compiler *compiler, void *field, struct str keyword,
                              const struct json *value) {
    struct schema_dependents *dependents = field;
    void *iterator = NULL;
    struct str name;
    const struct json *required;
    int r = 0;
    if (json_type(value) != JSON_OBJECT_TYPE) return keyword_fault(compiler, keyword, "an object of lists");
    dependents->items = arena_new_array(compiler->arena, struct schema_dependent, json_count(value));
    if (!dependents->items) return err_origin(-ENOMEM);
    while (r == 0 && json_next(value, &iterator, &name, &required)) {
        struct schema_dependent *item = &dependents->items[dependents->count++];
        item->name = name;
        r = compile_names(compiler, &item->required, keyword, required);
    }
    return r;
}

/* Bits of enum json_type by the names of JSON Schema. */
static unsigned type_bits(struct str name) {
    static const struct {
        const char *name;
        unsigned bits;
    } types[] = {
        { "object", 1u << JSON_OBJECT_TYPE },
        { "array", 1u << JSON_ARRAY_TYPE },
        { "string", 1u << JSON_STRING_TYPE },
        { "integer", 1u << JSON_INTEGER_TYPE },
        { "boolean", 1u << JSON_BOOL_TYPE },
        { "null", 1u << JSON_NULL_TYPE },
        { "number", 1u << JSON_INTEGER_TYPE | 1u << JSON_REAL_TYPE },
    };
    for (size_t i = 0; i < ARRAY_COUNT(types); i++)
        if (str_equal_c(name, types[i].name)) return types[i].bits;
    return 0;
}

static int compile_type(struct schema_compiler *compiler, void *field, struct str keyword, const struct json *value) {
    unsigned *types = field;
    bool list = json_type(value) == JSON_ARRAY_TYPE;
    size_t count = list ? json_count(value) : 1;
    if (count == 0) return keyword_fault(compiler, keyword, "at least one type");
    for (size_t i = 0; i < count; i++) {
        unsigned bits = type_bits(json_string(list ? json_at(value, i) : value));
        if (!bits) return keyword_fault(compiler, keyword, "object, array, string, integer, number, boolean or null");
        *types |= bits;
    }
    return 0;
}

static int compile_any(struct schema_compiler *compiler, void *field, struct str keyword, const struct json *value) {
    (void)compiler;
    (void)keyword;
    *(const struct json **)field = value;
    return 0;
}

static int compile_choices(struct schema_compiler *compiler, void *field, struct str keyword,
                           const struct json *value) {
    if (json_type(value) != JSON_ARRAY_TYPE || json_count(value) == 0)
        return keyword_fault(compiler, keyword, "a list of at least one value");
    return compile_any(compiler, field, keyword, value);
}

static int compile_number(struct schema_compiler *compiler, void *field, struct str keyword, const struct json *value) {
    if (!json_is_number(value)) return keyword_fault(compiler, keyword, "a number");
    return compile_any(compiler, field, keyword, value);
}

static int compile_divisor(struct schema_compiler *compiler, void *field, struct str keyword,
                           const struct json *value) {
    if (!json_is_number(value) || !(json_real(value) > 0))
        return keyword_fault(compiler, keyword, "a number above zero");
    return compile_any(compiler, field, keyword, value);
}

static int compile_size(struct schema_compiler *compiler, void *field, struct str keyword, const struct json *value) {
    static const double size_max = 9007199254740992.0; /* 2^53: exact as a double */
    double size = json_is_number(value) ? json_real(value) : -1;
    if (!(size >= 0 && size <= size_max) || size > (double)(size_t)size)
        return keyword_fault(compiler, keyword, "a whole number, zero or more");
    *(size_t *)field = (size_t)size;
    return 0;
}

static int compile_boolean(struct schema_compiler *compiler, void *field, struct str keyword,
                           const struct json *value) {
    if (json_type(value) != JSON_BOOL_TYPE) return keyword_fault(compiler, keyword, "true or false");
    *(bool *)field = json_bool(value, false);
    return 0;
}

static int compile_format(struct schema_compiler *compiler, void *field, struct str keyword, const struct json *value) {
    if (!json_is_string(value)) return keyword_fault(compiler, keyword, "a name");
    *(enum json_format *)field = json_format_from(json_string(value));
    return 0;
}

static int compile_reference(struct schema_compiler *compiler, void *field, struct str keyword,
                             const struct json *value) {
    if (!json_is_string(value)) return keyword_fault(compiler, keyword, "a reference");
    return schema_compile_reference(compiler, json_string(value), field);
}

/* Another dialect would give the same words another meaning. */
static int compile_dialect(struct schema_compiler *compiler, void *field, struct str keyword,
                           const struct json *value) {
    static const char *const dialects[] = { "https://json-schema.org/draft/2020-12/schema",
                                            "https://spec.openapis.org/oas/3.1/dialect/base" };
    (void)field;
    for (size_t i = 0; i < ARRAY_COUNT(dialects); i++)
        if (str_equal_c(json_string(value), dialects[i])) return 0;
    return keyword_fault(compiler, keyword, "JSON Schema 2020-12 or the dialect of OpenAPI 3.1");
}

/* Below the top an $id would move the base of every reference under it. */
static int compile_id(struct schema_compiler *compiler, void *field, struct str keyword, const struct json *value) {
    (void)field;
    (void)keyword;
    if (!json_is_string(value)) return keyword_fault(compiler, keyword, "a URI");
    return compiler->depth == 0 ? 0 : schema_fault(compiler, "\"$id\" may only stand at the top");
}

/* An annotation of ours: a word of PERSONAL_KIND_MAP, "shown" or "hidden". A word that is none is a fault of the
 * document: what it should have hidden would be written. */
static int compile_mask(struct schema_compiler *compiler, void *field, struct str keyword, const struct json *value) {
    struct schema_mask *mask = field;
    struct str word = json_string(value);
    if (str_equal(word, STR("shown"))) mask->rule = SCHEMA_MASK_SHOWN;
    if (str_equal(word, STR("hidden"))) mask->rule = SCHEMA_MASK_HIDDEN;
    for (int kind = 0; kind < PERSONAL_KIND_COUNT; kind++)
        if (str_equal_c(word, personal_kind_name((enum personal_kind)kind)))
            *mask = (struct schema_mask){ .rule = SCHEMA_MASK_PERSONAL, .kind = (enum personal_kind)kind };
    if (mask->rule != SCHEMA_MASK_NONE) return 0;
    return keyword_fault(compiler, keyword, "\"shown\", \"hidden\" or a kind of personal data");
}

#define ROW(name, compile, field)                                                                                      \
    { name, compile, offsetof(struct schema, field) }
static const struct keyword keywords[] = {
    ROW("$defs", compile_members, definitions),
    ROW("$id", compile_id, never),
    ROW("$ref", compile_reference, reference),
    ROW("$schema", compile_dialect, never),
    ROW("additionalProperties", compile_schema, additional),
    ROW("allOf", compile_list, all_of),
    ROW("anyOf", compile_list, any_of),
    ROW("const", compile_any, constant),
    ROW("contains", compile_schema, contains),
    ROW("dependentRequired", compile_dependents, dependents),
    ROW("dependentSchemas", compile_members, dependent_schemas),
    ROW("else", compile_schema, else_of),
    ROW("enum", compile_choices, choices),
    ROW("exclusiveMaximum", compile_number, below),
    ROW("exclusiveMinimum", compile_number, above),
    ROW("format", compile_format, format),
    ROW("if", compile_schema, if_of),
    ROW("items", compile_schema, items),
    ROW("maxContains", compile_size, contains_count.max),
    ROW("maxItems", compile_size, item_count.max),
    ROW("maxLength", compile_size, length.max),
    ROW("maxProperties", compile_size, member_count.max),
    ROW("maximum", compile_number, maximum),
    ROW("minContains", compile_size, contains_count.min),
    ROW("minItems", compile_size, item_count.min),
    ROW("minLength", compile_size, length.min),
    ROW("minProperties", compile_size, member_count.min),
    ROW("minimum", compile_number, minimum),
    ROW("multipleOf", compile_divisor, multiple_of),
    ROW("not", compile_schema, not_of),
    ROW("oneOf", compile_list, one_of),
    ROW("pattern", compile_pattern, pattern),
    ROW("patternProperties", compile_patterned, patterned),
    ROW("prefixItems", compile_list, prefix),
    ROW("properties", compile_members, members),
    ROW("propertyNames", compile_schema, names),
    ROW("required", compile_names, required),
    ROW("then", compile_schema, then_of),
    ROW("type", compile_type, types),
    ROW("uniqueItems", compile_boolean, unique),
    ROW("x-giro-mask", compile_mask, mask),
};
#undef ROW

/* Words that say something to people and tools and refuse nothing. */
static const char *const annotations[] = {
    "$comment",      "contentEncoding", "contentMediaType", "contentSchema", "default",  "deprecated", "description",
    "discriminator", "example",         "examples",         "externalDocs",  "readOnly", "title",      "writeOnly",
    "xml",
};

static bool is_annotation(struct str name) {
    for (size_t i = 0; i < ARRAY_COUNT(annotations); i++)
        if (str_equal_c(name, annotations[i])) return true;
    return str_starts(name, STR("x-"));
}

static const struct keyword *keyword_find(struct str name) {
    for (size_t i = 0; i < ARRAY_COUNT(keywords); i++)
        if (str_equal_c(name, keywords[i].name)) return &keywords[i];
    return NULL;
}

int schema_compile_keywords(struct schema_compiler *compiler, struct schema *node, const struct json *value) {
    void *iterator = NULL;
    struct str name;
    const struct json *inner;
    int r = 0;
    while (r == 0 && json_next(value, &iterator, &name, &inner)) {
        const struct keyword *keyword = keyword_find(name);
        if (keyword) r = keyword->compile(compiler, (char *)node + keyword->field, name, inner);
        else if (!is_annotation(name))
            r = schema_fault(compiler, "the keyword \"" STR_FMT "\" is not supported", STR_ARG(name));
    }
    return r;
}
