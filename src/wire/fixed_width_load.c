#include "wire/fixed_width.h"

#include "wire/fixed_width_int.h"
#include "wire/json.h"

enum { BLOCK_BYTES = 4096 };

static const struct {
    const char *name;
    enum fixed_width_kind kind;
} kinds[] = {
    { "text", FIXED_WIDTH_TEXT },       { "number", FIXED_WIDTH_NUMBER },       { "digits", FIXED_WIDTH_DIGITS },
    { "letters", FIXED_WIDTH_LETTERS }, { "timestamp", FIXED_WIDTH_TIMESTAMP },
};

static bool is_printable(struct str s) {
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] < ' ' || s.at[i] > '~') return false;
    return s.len > 0;
}

static int fault(struct message *message, size_t index, const char *why) {
    message_set(message, "field %zu of the layout: %s", index + 1, why);
    return FIXED_WIDTH_E_LAYOUT;
}

static bool only_words(const struct json *object, const char *const *words) {
    void *iterator = NULL;
    struct str name;
    const struct json *value;
    while (json_next(object, &iterator, &name, &value)) {
        size_t i = 0;
        while (words[i] && !str_equal_c(name, words[i])) i++;
        if (!words[i]) return false;
    }
    return true;
}

static const char *load_literal(const struct json *json, struct fixed_width_field *field) {
    static const char *const words[] = { "name", "literal", NULL };
    if (!only_words(json, words)) return "a literal has a \"name\" and a \"literal\" and nothing else";
    field->literal = json_get_string(json, "literal");
    field->kind = FIXED_WIDTH_LITERAL;
    field->width = field->literal.len;
    return is_printable(field->literal) ? NULL : "a literal must be printable ASCII";
}

static const char *load_kind(const struct json *json, struct fixed_width_field *field) {
    const struct json *kind = json_get(json, "kind");
    field->kind = FIXED_WIDTH_TEXT;
    if (!kind) return NULL;
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        if (!str_equal_c(json_string(kind), kinds[i].name)) continue;
        field->kind = kinds[i].kind;
        return NULL;
    }
    return "\"kind\" must be text, number, digits, letters or timestamp";
}

/* Padding belongs to text; numbers have theirs by nature, the other kinds none. */
static const char *load_padding(const struct json *json, struct fixed_width_field *field) {
    const struct json *align = json_get(json, "align"), *fill = json_get(json, "fill");
    bool number = field->kind == FIXED_WIDTH_NUMBER;
    field->right = number || str_equal_c(json_string(align), "right");
    field->fill = number ? '0' : ' ';
    if ((align || fill) && field->kind != FIXED_WIDTH_TEXT && !number)
        return "only text and numbers have \"align\" and \"fill\"";
    if (align && !field->right && !str_equal_c(json_string(align), "left")) return "\"align\" must be left or right";
    if (align && number && !str_equal_c(json_string(align), "right")) return "a number is aligned right";
    if (!fill) return NULL;
    if (json_string(fill).len != 1 || !is_printable(json_string(fill)))
        return "\"fill\" must be one printable ASCII character";
    if (number && json_string(fill).at[0] != '0') return "a number is filled with 0";
    field->fill = json_string(fill).at[0];
    return NULL;
}

static const char *load_value(const struct json *json, struct fixed_width_field *field) {
    static const char *const words[] = { "name", "width", "kind", "align", "fill", "optional", NULL };
    const struct json *optional = json_get(json, "optional");
    if (!only_words(json, words)) return "only name, literal, width, kind, align, fill and optional are known";
    const char *why = load_kind(json, field);
    if (!why) why = load_padding(json, field);
    if (why) return why;
    int64_t width = json_get_integer(json, "width", 0);
    if (width < 1 || width > FIXED_WIDTH_RECORD_BYTES_MAX) return "\"width\" must be a number from 1 to 1024";
    field->width = (size_t)width;
    field->optional = json_bool(optional, false);
    if (optional && json_type(optional) != JSON_BOOL_TYPE) return "\"optional\" must be true or false";
    if (field->optional && field->kind == FIXED_WIDTH_NUMBER) return "a number cannot be optional";
    if (field->kind == FIXED_WIDTH_TIMESTAMP && width != FIXED_WIDTH_TIMESTAMP_BYTES) return "a timestamp is 14 wide";
    return NULL;
}
static_assert(FIXED_WIDTH_RECORD_BYTES_MAX == 1024, "the sentence above says so");

static bool name_taken(const struct fixed_width *layout, struct str name) {
    for (size_t i = 0; i < layout->field_count; i++)
        if (str_equal(layout->fields[i].name, name)) return true;
    return false;
}

static int load_field(struct fixed_width *layout, const struct json *json, struct message *message) {
    struct fixed_width_field field = { .name = json_get_string(json, "name"), .offset = layout->bytes };
    size_t index = layout->field_count;
    if (field.name.len == 0) return fault(message, index, "\"name\" is missing");
    if (name_taken(layout, field.name)) return fault(message, index, "this name is taken");
    const char *why = json_get(json, "literal") ? load_literal(json, &field) : load_value(json, &field);
    if (why) return fault(message, index, why);
    if (field.width > FIXED_WIDTH_RECORD_BYTES_MAX - layout->bytes)
        return fault(message, index, "the record becomes longer than 1024 bytes");
    field.name = arena_dup(&layout->arena, field.name);
    field.literal = arena_dup(&layout->arena, field.literal);
    if (!field.name.at || !field.literal.at) return err_origin(-ENOMEM);
    layout->bytes += field.width;
    layout->fields[layout->field_count++] = field;
    return 0;
}

static int load_layout(struct fixed_width *layout, const struct json *json, struct message *message) {
    static const char *const words[] = { "record", "fields", NULL };
    const struct json *fields = json_get(json, "fields");
    struct str record = json_get_string(json, "record");
    if (json_type(json) != JSON_OBJECT_TYPE || !only_words(json, words) || record.len == 0) {
        message_set(message, "a layout is an object with \"record\", its name, and \"fields\", and nothing else");
        return FIXED_WIDTH_E_LAYOUT;
    }
    if (json_type(fields) != JSON_ARRAY_TYPE || json_count(fields) == 0 ||
        json_count(fields) > FIXED_WIDTH_FIELDS_MAX) {
        message_set(message, "\"fields\" of a layout must be a list of 1 to %d fields", FIXED_WIDTH_FIELDS_MAX);
        return FIXED_WIDTH_E_LAYOUT;
    }
    layout->record = arena_dup(&layout->arena, record);
    if (!layout->record.at) return err_origin(-ENOMEM);
    int r = 0;
    for (size_t i = 0; r == 0 && i < json_count(fields); i++) r = load_field(layout, json_at(fields, i), message);
    return r;
}

int fixed_width_load(struct str text, struct fixed_width **ret_layout, struct message *message) {
    struct json *json = NULL;
    struct fixed_width *layout = calloc(1, sizeof *layout);
    if (!layout) return err_origin(-ENOMEM);
    int r = arena_init(&layout->arena, BLOCK_BYTES, 2 * FIXED_WIDTH_LAYOUT_BYTES_MAX);
    if (r == 0) r = json_parse(text, FIXED_WIDTH_LAYOUT_BYTES_MAX, JSON_DEPTH_MAX, &json, message);
    if (r > 0) r = FIXED_WIDTH_E_LAYOUT;
    if (r == 0) r = load_layout(layout, json, message);
    (void)json_free(json);
    if (r) {
        (void)fixed_width_free(layout);
        return err_trace(r);
    }
    *ret_layout = layout;
    return 0;
}

struct fixed_width *fixed_width_free(struct fixed_width *layout) {
    if (!layout) return NULL;
    arena_release(&layout->arena);
    free(layout);
    return NULL;
}
