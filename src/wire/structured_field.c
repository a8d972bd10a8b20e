#include "wire/structured_field.h"

#include "platform/encoding.h"

struct reader {
    struct str rest;
    struct arena *arena;
};

/* ---- characters ---- */

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}

static bool is_alpha(char c) {
    return is_lower(c) || (c >= 'A' && c <= 'Z');
}

static bool is_key_character(char c) {
    return is_lower(c) || is_digit(c) || (c && strchr("_-.*", c));
}

/* RFC 9110 section 5.6.2, and ':' and '/'. */
static bool is_token_character(char c) {
    return is_alpha(c) || is_digit(c) || (c && strchr("!#$%&'*+-.^_`|~:/", c));
}

static char next(const struct reader *reader) {
    return reader->rest.len ? reader->rest.at[0] : 0;
}

static struct str take(struct reader *reader, size_t len) {
    struct str taken = str_slice(reader->rest, 0, len);
    reader->rest = str_slice(reader->rest, len, reader->rest.len);
    return taken;
}

static bool take_if(struct reader *reader, char c) {
    if (reader->rest.len == 0 || reader->rest.at[0] != c) return false;
    (void)take(reader, 1);
    return true;
}

/* Whether there was one. */
static bool take_blanks(struct reader *reader) {
    size_t len = 0;
    while (len < reader->rest.len && reader->rest.at[len] == ' ') len++;
    (void)take(reader, len);
    return len > 0;
}

static struct str take_while(struct reader *reader, bool (*belongs)(char c)) {
    size_t len = 0;
    while (len < reader->rest.len && belongs(reader->rest.at[len])) len++;
    return take(reader, len);
}

static int take_key(struct reader *reader, struct str *ret_key) {
    char first = next(reader);
    if (!is_lower(first) && first != '*') return STRUCTURED_E_SYNTAX;
    struct str key = take_while(reader, is_key_character);
    if (key.len > STRUCTURED_KEY_BYTES_MAX) return STRUCTURED_E_SIZE;
    *ret_key = key;
    return 0;
}

/* ---- values ---- */

static int take_integer(struct reader *reader, struct structured_value *ret_value) {
    bool negative = take_if(reader, '-');
    struct str digits = take_while(reader, is_digit);
    uint64_t number;
    if (digits.len > STRUCTURED_INTEGER_DIGITS_MAX || str_to_u64(digits, &number)) return STRUCTURED_E_SYNTAX;
    if ((negative && number == 0) || next(reader) == '.') return STRUCTURED_E_SYNTAX;
    ret_value->integer = negative ? -(int64_t)number : (int64_t)number;
    return 0;
}

/* Where the string that begins at 0 with its quote ends, behind its last; 0: nowhere, or not a string. */
static size_t string_length(struct str text, bool *ret_escapes) {
    *ret_escapes = false;
    for (size_t i = 1; i < text.len; i++) {
        if (text.at[i] == '"') return i + 1;
        if (text.at[i] < ' ' || text.at[i] > '~') return 0;
        if (text.at[i] != '\\') continue;
        *ret_escapes = true;
        i++;
        if (i == text.len || (text.at[i] != '"' && text.at[i] != '\\')) return 0;
    }
    return 0;
}

static int take_string(struct reader *reader, struct structured_value *ret_value) {
    bool escapes;
    size_t len = string_length(reader->rest, &escapes), at = 0;
    if (len == 0) return STRUCTURED_E_SYNTAX;
    struct str inside = str_slice(take(reader, len), 1, len - 1);
    ret_value->text = inside;
    if (!escapes) return 0;
    char *memory = arena_alloc(reader->arena, inside.len);
    if (!memory) return err_origin(-ENOMEM);
    for (size_t i = 0; i < inside.len; i++) {
        if (inside.at[i] == '\\') i++;
        memory[at++] = inside.at[i];
    }
    ret_value->text = str_from_bytes(memory, at);
    return 0;
}

static int take_bytes(struct reader *reader, struct structured_value *ret_value) {
    struct str text;
    struct buffer bytes;
    (void)take(reader, 1);
    struct str rest = reader->rest;
    if (!str_cut(&rest, ':', &text)) return STRUCTURED_E_SYNTAX;
    reader->rest = rest;
    char *memory = arena_alloc(reader->arena, text.len + 1);
    if (!memory) return err_origin(-ENOMEM);
    buffer_init(&bytes, memory, text.len + 1);
    if (base64_decode(text, &bytes)) return STRUCTURED_E_SYNTAX;
    ret_value->text = buffer_str(&bytes);
    return 0;
}

static int take_boolean(struct reader *reader, struct structured_value *ret_value) {
    (void)take(reader, 1);
    ret_value->integer = next(reader) == '1';
    return take_if(reader, '1') || take_if(reader, '0') ? 0 : STRUCTURED_E_SYNTAX;
}

static int take_value(struct reader *reader, struct structured_value *ret_value) {
    struct structured_value value = { .type = STRUCTURED_INTEGER };
    char first = next(reader);
    int r = STRUCTURED_E_SYNTAX;
    if (is_digit(first) || first == '-') {
        r = take_integer(reader, &value);
    } else if (first == '"') {
        value.type = STRUCTURED_STRING;
        r = take_string(reader, &value);
    } else if (first == ':') {
        value.type = STRUCTURED_BYTES;
        r = take_bytes(reader, &value);
    } else if (first == '?') {
        value.type = STRUCTURED_BOOLEAN;
        r = take_boolean(reader, &value);
    } else if (is_alpha(first) || first == '*') {
        value.type = STRUCTURED_TOKEN;
        value.text = take_while(reader, is_token_character);
        r = 0;
    }
    if (r == 0) *ret_value = value;
    return r < 0 ? err_trace(r) : r;
}

/* ---- parameters, items, members ---- */

static const struct structured_value *find(const struct structured_parameter *items, size_t count, struct str key) {
    for (size_t i = 0; i < count; i++)
        if (str_equal(items[i].key, key)) return &items[i].value;
    return NULL;
}

/* A copy of bytes of the stack; NULL when the arena is full. */
static void *keep(struct arena *arena, const void *bytes, size_t len) {
    void *copy = arena_alloc_unset(arena, len);
    if (copy && len) memcpy(copy, bytes, len);
    return copy;
}

static int take_parameter(struct reader *reader, struct structured_parameter *ret_parameter) {
    struct structured_parameter parameter = { .value = { .type = STRUCTURED_BOOLEAN, .integer = 1 } };
    (void)take_blanks(reader);
    int r = take_key(reader, &parameter.key);
    if (r == 0 && take_if(reader, '=')) r = take_value(reader, &parameter.value);
    if (r == 0) *ret_parameter = parameter;
    return r < 0 ? err_trace(r) : r;
}

static int take_parameters(struct reader *reader, struct structured_parameters *ret_parameters) {
    struct structured_parameter found[STRUCTURED_PARAMETERS_MAX];
    size_t count = 0;
    while (take_if(reader, ';')) {
        struct structured_parameter parameter;
        int r = take_parameter(reader, &parameter);
        if (r) return r < 0 ? err_trace(r) : r;
        if (count == STRUCTURED_PARAMETERS_MAX) return STRUCTURED_E_SIZE;
        if (find(found, count, parameter.key)) return STRUCTURED_E_SYNTAX;
        found[count++] = parameter;
    }
    *ret_parameters = (struct structured_parameters){ .count = count };
    if (count) ret_parameters->items = keep(reader->arena, found, count * sizeof found[0]);
    return count && !ret_parameters->items ? err_origin(-ENOMEM) : 0;
}

static int take_item(struct reader *reader, struct structured_item *ret_item) {
    struct structured_item item;
    int r = take_value(reader, &item.value);
    if (r == 0) r = take_parameters(reader, &item.parameters);
    if (r == 0) *ret_item = item;
    return r < 0 ? err_trace(r) : r;
}

/* Behind the '('. */
static int take_inner_list(struct reader *reader, struct structured_member *member) {
    struct structured_item found[STRUCTURED_ITEMS_MAX];
    size_t count = 0;
    bool apart = true;
    (void)take_blanks(reader);
    while (!take_if(reader, ')')) {
        if (!apart) return STRUCTURED_E_SYNTAX;
        if (count == STRUCTURED_ITEMS_MAX) return STRUCTURED_E_SIZE;
        int r = take_item(reader, &found[count]);
        if (r) return r < 0 ? err_trace(r) : r;
        count++;
        apart = take_blanks(reader);
    }
    member->is_list = true;
    member->item_count = count;
    member->items = keep(reader->arena, found, count * sizeof found[0]);
    if (!member->items) return err_origin(-ENOMEM);
    return take_parameters(reader, &member->parameters);
}

static int take_one_item(struct reader *reader, bool has_value, struct structured_member *member) {
    struct structured_item item = { .value = { .type = STRUCTURED_BOOLEAN, .integer = 1 } };
    int r = has_value ? take_item(reader, &item) : take_parameters(reader, &item.parameters);
    if (r) return r < 0 ? err_trace(r) : r;
    member->item_count = 1;
    member->items = keep(reader->arena, &item, sizeof item);
    return member->items ? 0 : err_origin(-ENOMEM);
}

static int take_member(struct reader *reader, struct structured_member *ret_member) {
    struct structured_member member = { .is_list = false };
    int r = take_key(reader, &member.key);
    if (r) return r;
    bool has_value = take_if(reader, '=');
    if (has_value && take_if(reader, '(')) r = take_inner_list(reader, &member);
    else r = take_one_item(reader, has_value, &member);
    if (r == 0) *ret_member = member;
    return r < 0 ? err_trace(r) : r;
}

static bool has_member(const struct structured_member *members, size_t count, struct str key) {
    for (size_t i = 0; i < count; i++)
        if (str_equal(members[i].key, key)) return true;
    return false;
}

int structured_dictionary_parse(struct str text, struct arena *arena, struct structured_dictionary *ret_dictionary) {
    struct structured_member found[STRUCTURED_MEMBERS_MAX];
    struct reader reader = { .rest = text, .arena = arena };
    size_t count = 0;
    if (text.len > STRUCTURED_FIELD_BYTES_MAX) return STRUCTURED_E_SIZE;
    do {
        if (count == STRUCTURED_MEMBERS_MAX) return STRUCTURED_E_SIZE;
        if (count) (void)take_blanks(&reader);
        int r = take_member(&reader, &found[count]);
        if (r) return r < 0 ? err_trace(r) : r;
        if (has_member(found, count, found[count].key)) return STRUCTURED_E_SYNTAX;
        count++;
        bool blanks = take_blanks(&reader);
        if (blanks && reader.rest.len == 0) return STRUCTURED_E_SYNTAX;
    } while (take_if(&reader, ','));
    if (reader.rest.len) return STRUCTURED_E_SYNTAX;
    const struct structured_member *members = keep(arena, found, count * sizeof found[0]);
    if (!members) return err_origin(-ENOMEM);
    *ret_dictionary = (struct structured_dictionary){ .members = members, .count = count };
    return 0;
}

const struct structured_member *structured_member_find(const struct structured_dictionary *dictionary, struct str key) {
    for (size_t i = 0; i < dictionary->count; i++)
        if (str_equal(dictionary->members[i].key, key)) return &dictionary->members[i];
    return NULL;
}

const struct structured_value *structured_parameter_find(const struct structured_parameters *parameters,
                                                         const char *key) {
    return find(parameters->items, parameters->count, str_from_c(key));
}

/* ---- writing ---- */

static void write_string(struct buffer *out, struct str text) {
    buffer_append_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '"' || text.at[i] == '\\') buffer_append_char(out, '\\');
        buffer_append_char(out, text.at[i]);
    }
    buffer_append_char(out, '"');
}

static void write_value(struct buffer *out, const struct structured_value *value) {
    switch (value->type) {
    case STRUCTURED_INTEGER:
        buffer_append_i64(out, value->integer);
        return;
    case STRUCTURED_STRING:
        write_string(out, value->text);
        return;
    case STRUCTURED_TOKEN:
        buffer_append_str(out, value->text);
        return;
    case STRUCTURED_BYTES:
        buffer_append_char(out, ':');
        base64_encode(out, value->text.at, value->text.len);
        buffer_append_char(out, ':');
        return;
    case STRUCTURED_BOOLEAN:
        buffer_append_c(out, value->integer ? "?1" : "?0");
        return;
    }
}

static bool is_true(const struct structured_value *value) {
    return value->type == STRUCTURED_BOOLEAN && value->integer;
}

static void write_parameters(struct buffer *out, const struct structured_parameters *parameters) {
    for (size_t i = 0; i < parameters->count; i++) {
        const struct structured_parameter *parameter = &parameters->items[i];
        buffer_append_char(out, ';');
        buffer_append_str(out, parameter->key);
        if (is_true(&parameter->value)) continue;
        buffer_append_char(out, '=');
        write_value(out, &parameter->value);
    }
}

void structured_item_write(struct buffer *out, const struct structured_item *item) {
    write_value(out, &item->value);
    write_parameters(out, &item->parameters);
}

void structured_member_write(struct buffer *out, const struct structured_member *member) {
    if (!member->is_list) {
        structured_item_write(out, &member->items[0]);
        return;
    }
    buffer_append_char(out, '(');
    for (size_t i = 0; i < member->item_count; i++) {
        if (i) buffer_append_char(out, ' ');
        structured_item_write(out, &member->items[i]);
    }
    buffer_append_char(out, ')');
    write_parameters(out, &member->parameters);
}

void structured_dictionary_write(struct buffer *out, const struct structured_dictionary *dictionary) {
    for (size_t i = 0; i < dictionary->count; i++) {
        const struct structured_member *member = &dictionary->members[i];
        if (i) buffer_append_c(out, ", ");
        buffer_append_str(out, member->key);
        if (!member->is_list && is_true(&member->items[0].value)) { /* key alone */
            write_parameters(out, &member->items[0].parameters);
            continue;
        }
        buffer_append_char(out, '=');
        structured_member_write(out, member);
    }
}
