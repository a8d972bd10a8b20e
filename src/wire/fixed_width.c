#include "wire/fixed_width.h"

#include "wire/fixed_width_int.h"

#define X(code, text) [code] = text,
static const char *const refusal_texts[FIXED_WIDTH_E_COUNT] = { FIXED_WIDTH_E_MAP(X) };
#undef X

const char *fixed_width_refusal_text(int refusal) {
    check(refusal > FIXED_WIDTH_E_NONE && refusal < FIXED_WIDTH_E_COUNT);
    return refusal_texts[refusal];
}

struct str fixed_width_record(const struct fixed_width *layout) {
    return layout->record;
}

size_t fixed_width_bytes(const struct fixed_width *layout) {
    return layout->bytes;
}

static bool all_between(struct str s, char low, char high) {
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] < low || s.at[i] > high) return false;
    return true;
}

static int two_digits(struct str s, size_t at) {
    return (s.at[at] - '0') * 10 + (s.at[at + 1] - '0');
}

/* YYYYMMDDhhmmss, all digits already; no leap second. */
static bool is_timestamp(struct str s) {
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    int year = two_digits(s, 0) * 100 + two_digits(s, 2), month = two_digits(s, 4), day = two_digits(s, 6);
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (month < 1 || month > 12 || day < 1 || day > days[month - 1] + (month == 2 && leap)) return false;
    return two_digits(s, 8) <= 23 && two_digits(s, 10) <= 59 && two_digits(s, 12) <= 59;
}

/* A text that has fill at its padded edge would lose it on the way back. */
static bool edge_is_fill(const struct fixed_width_field *field, struct str text) {
    return (field->right ? text.at[0] : text.at[text.len - 1]) == field->fill;
}

static bool characters_fit(const struct fixed_width_field *field, struct str text) {
    switch (field->kind) {
    case FIXED_WIDTH_TEXT: return all_between(text, ' ', '~') && !edge_is_fill(field, text);
    case FIXED_WIDTH_NUMBER: return all_between(text, '0', '9') && (text.len == 1 || text.at[0] != '0');
    case FIXED_WIDTH_DIGITS: return text.len == field->width && all_between(text, '0', '9');
    case FIXED_WIDTH_LETTERS: return text.len == field->width && all_between(text, 'A', 'Z');
    case FIXED_WIDTH_TIMESTAMP: return text.len == field->width && all_between(text, '0', '9') && is_timestamp(text);
    case FIXED_WIDTH_LITERAL: break;
    }
    return str_equal(text, field->literal);
}

static int value_fits(const struct fixed_width_field *field, struct str text) {
    if (text.len == 0) return field->optional ? 0 : FIXED_WIDTH_E_EMPTY;
    if (text.len > field->width) return FIXED_WIDTH_E_TOO_LONG;
    return characters_fit(field, text) ? 0 : FIXED_WIDTH_E_CHARACTER;
}

/* Fields that take a value; literals do not. */
static const struct fixed_width_field *field_find(const struct fixed_width *layout, struct str name) {
    for (size_t i = 0; i < layout->field_count; i++)
        if (layout->fields[i].kind != FIXED_WIDTH_LITERAL && str_equal(layout->fields[i].name, name))
            return &layout->fields[i];
    return NULL;
}

int fixed_width_fits(const struct fixed_width *layout, struct fixed_width_value value) {
    const struct fixed_width_field *field = field_find(layout, value.name);
    return field ? value_fits(field, value.text) : FIXED_WIDTH_E_UNKNOWN;
}

static int refuse(struct message *message, int refusal, struct str name) {
    message_set(message, "%s: " STR_FMT, fixed_width_refusal_text(refusal), STR_ARG(name));
    return refusal;
}

static void put_value(char *record, const struct fixed_width_field *field, struct str text) {
    char *at = record + field->offset;
    memset(at, field->fill, field->width);
    if (text.len) memcpy(field->right ? at + field->width - text.len : at, text.at, text.len);
}

static bool name_given_before(const struct fixed_width_value *values, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (str_equal(values[i].name, values[count].name)) return true;
    return false;
}

/* The first field that no value names; NULL when all are named. */
static const struct fixed_width_field *field_left(const struct fixed_width *layout,
                                                  const struct fixed_width_value *values, size_t count) {
    for (size_t i = 0; i < layout->field_count; i++) {
        size_t k = 0;
        if (layout->fields[i].kind == FIXED_WIDTH_LITERAL) continue;
        while (k < count && !str_equal(values[k].name, layout->fields[i].name)) k++;
        if (k == count) return &layout->fields[i];
    }
    return NULL;
}

int fixed_width_encode(const struct fixed_width *layout, const struct fixed_width_value *values, size_t count,
                       struct buffer *out, struct message *message) {
    char record[FIXED_WIDTH_RECORD_BYTES_MAX];
    for (size_t i = 0; i < count; i++) {
        int r = name_given_before(values, i) ? FIXED_WIDTH_E_UNKNOWN : fixed_width_fits(layout, values[i]);
        if (r) return refuse(message, r, values[i].name);
        put_value(record, field_find(layout, values[i].name), values[i].text);
    }
    const struct fixed_width_field *left = field_left(layout, values, count);
    if (left) return refuse(message, FIXED_WIDTH_E_MISSING, left->name);
    for (size_t i = 0; i < layout->field_count; i++)
        if (layout->fields[i].kind == FIXED_WIDTH_LITERAL)
            put_value(record, &layout->fields[i], layout->fields[i].literal);
    buffer_append(out, record, layout->bytes);
    return 0;
}

/* The value inside its padding. A number keeps its last digit, so that zero is "0". */
static struct str without_fill(const struct fixed_width_field *field, struct str raw) {
    size_t keep = field->kind == FIXED_WIDTH_NUMBER ? 1 : 0;
    while (raw.len > keep && (field->right ? raw.at[0] : raw.at[raw.len - 1]) == field->fill)
        raw = field->right ? str_slice(raw, 1, raw.len) : str_slice(raw, 0, raw.len - 1);
    return raw;
}

/* Text and numbers are padded; the other kinds stand as they are, or are blank as a whole. */
static struct str take_value(const struct fixed_width_field *field, struct str raw) {
    bool padded = field->kind == FIXED_WIDTH_TEXT || field->kind == FIXED_WIDTH_NUMBER;
    struct str inner = without_fill(field, raw);
    return padded || inner.len == 0 ? inner : raw;
}

int fixed_width_decode(const struct fixed_width *layout, struct str record, struct fixed_width_values *ret_values,
                       struct message *message) {
    struct fixed_width_values values;
    values.count = 0;
    if (record.len != layout->bytes) return refuse(message, FIXED_WIDTH_E_LENGTH, layout->record);
    for (size_t i = 0; i < layout->field_count; i++) {
        const struct fixed_width_field *field = &layout->fields[i];
        struct str raw = str_slice(record, field->offset, field->offset + field->width);
        bool literal = field->kind == FIXED_WIDTH_LITERAL;
        if (literal && !str_equal(raw, field->literal)) return refuse(message, FIXED_WIDTH_E_LITERAL, field->name);
        if (literal) continue;
        struct str text = take_value(field, raw);
        int r = value_fits(field, text);
        if (r) return refuse(message, r, field->name);
        values.items[values.count++] = (struct fixed_width_value){ .name = field->name, .text = text };
    }
    memcpy(ret_values->items, values.items, values.count * sizeof *values.items);
    ret_values->count = values.count;
    return 0;
}

struct str fixed_width_get(const struct fixed_width_values *values, const char *name) {
    for (size_t i = 0; i < values->count; i++)
        if (str_equal_c(values->items[i].name, name)) return values->items[i].text;
    return STR("");
}
