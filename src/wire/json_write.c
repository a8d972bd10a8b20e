#include "wire/json.h"

static uint64_t level_bit(const struct json_writer *writer) {
    return (uint64_t)1 << (writer->depth - 1);
}

/* A comma where one is due, and the note that this level has an item now. Level 0 holds one value. */
static void item_begin(struct json_writer *writer) {
    if (writer->after_name) {
        writer->after_name = false;
        return;
    }
    if (writer->depth == 0) return;
    if (writer->has_items & level_bit(writer)) buffer_append_char(writer->out, ',');
    writer->has_items |= level_bit(writer);
}

static void level_begin(struct json_writer *writer, char bracket) {
    item_begin(writer);
    check(writer->depth < JSON_DEPTH_DOCUMENT_MAX);
    writer->depth++;
    writer->has_items &= ~level_bit(writer);
    buffer_append_char(writer->out, bracket);
}

static void level_end(struct json_writer *writer, char bracket) {
    check(writer->depth > 0 && !writer->after_name);
    writer->depth--;
    buffer_append_char(writer->out, bracket);
}

void json_begin(struct json_writer *writer, struct buffer *out) {
    *writer = (struct json_writer){ .out = out };
}

void json_object_begin(struct json_writer *writer) {
    level_begin(writer, '{');
}

void json_object_end(struct json_writer *writer) {
    level_end(writer, '}');
}

void json_array_begin(struct json_writer *writer) {
    level_begin(writer, '[');
}

void json_array_end(struct json_writer *writer) {
    level_end(writer, ']');
}

/* One character that may not stand in a string as it is. */
static void put_escaped(struct buffer *out, char c) {
    static const char digits[] = "0123456789abcdef";
    static const char plain[] = "\b\f\n\r\t\"\\", letters[] = "bfnrt\"\\";
    const char *hit = c ? strchr(plain, c) : NULL;
    if (hit) {
        char text[2] = { '\\', letters[hit - plain] };
        buffer_append(out, text, sizeof text);
        return;
    }
    char text[6] = { '\\', 'u', '0', '0', digits[(unsigned char)c >> 4], digits[c & 15] };
    buffer_append(out, text, sizeof text);
}

static bool is_plain(char c) {
    return (unsigned char)c >= 0x20 && c != '"' && c != '\\';
}

static void put_utf8(struct buffer *out, struct str s) {
    size_t from = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (is_plain(s.at[i])) continue;
        buffer_append(out, s.at + from, i - from);
        put_escaped(out, s.at[i]);
        from = i + 1;
    }
    buffer_append(out, s.at + from, s.len - from);
}

/* Writes the longest valid pieces and U+FFFD for each byte between them. */
static void put_repaired(struct buffer *out, struct str s) {
    while (s.len) {
        size_t len = 1;
        while (len < 4 && !str_is_utf8(str_slice(s, 0, len))) len++;
        struct str piece = str_slice(s, 0, len);
        bool valid = str_is_utf8(piece);
        put_utf8(out, valid ? piece : STR("\xef\xbf\xbd"));
        s = str_slice(s, valid ? piece.len : 1, s.len);
    }
}

static char *put_plain(char *at, struct str s) {
    *at++ = '"';
    if (s.len) memcpy(at, s.at, s.len);
    at += s.len;
    *at++ = '"';
    return at;
}

static void put_quoted(struct buffer *out, struct str s) {
    bool plain = str_plain_len(s) == s.len;
    char *at = plain ? buffer_room(out, s.len + 2) : NULL;
    if (at) {
        buffer_wrote(out, put_plain(at, s));
        return;
    }
    buffer_append_char(out, '"');
    if (plain) buffer_append_str(out, s);
    else if (s.len && str_is_utf8(s)) put_utf8(out, s);
    else put_repaired(out, s);
    buffer_append_char(out, '"');
}

void json_put_name(struct json_writer *writer, struct str name) {
    check(writer->depth > 0 && !writer->after_name);
    char *at = str_plain_len(name) == name.len ? buffer_room(writer->out, name.len + 4) : NULL;
    if (at) {
        if (writer->has_items & level_bit(writer)) *at++ = ',';
        writer->has_items |= level_bit(writer);
        at = put_plain(at, name);
        *at++ = ':';
        buffer_wrote(writer->out, at);
    } else {
        item_begin(writer);
        put_quoted(writer->out, name);
        buffer_append_char(writer->out, ':');
    }
    writer->after_name = true;
}

void json_put_str(struct json_writer *writer, struct str value) {
    item_begin(writer);
    put_quoted(writer->out, value);
}

void json_put_i64(struct json_writer *writer, int64_t value) {
    item_begin(writer);
    buffer_append_i64(writer->out, value);
}

void json_put_bool(struct json_writer *writer, bool value) {
    item_begin(writer);
    buffer_append_c(writer->out, value ? "true" : "false");
}

void json_put_null(struct json_writer *writer) {
    item_begin(writer);
    buffer_append_c(writer->out, "null");
}

void json_put_raw(struct json_writer *writer, struct str json_text) {
    item_begin(writer);
    buffer_append_str(writer->out, json_text);
}

void json_put_value(struct json_writer *writer, const struct json *value) {
    item_begin(writer);
    json_write(writer->out, value);
}

/* The fewest digits that read back as the same number; always with a point or an exponent, so that it stays a real. */
static void write_real(struct buffer *out, double value) {
    enum { DIGITS_ENOUGH = 15, DIGITS_EXACT = 17 };
    char text[JSON_NUMBER_BYTES_MAX];
    for (int digits = DIGITS_ENOUGH; digits <= DIGITS_EXACT; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    buffer_append_c(out, text);
    if (!strpbrk(text, ".e")) buffer_append_c(out, ".0");
}

static void write_array(struct buffer *out, const struct json *json) {
    buffer_append_char(out, '[');
    for (size_t i = 0; i < json_count(json); i++) {
        if (i) buffer_append_char(out, ',');
        json_write(out, json_at(json, i));
    }
    buffer_append_char(out, ']');
}

static void write_object(struct buffer *out, const struct json *json) {
    void *iterator = NULL;
    struct str name;
    const struct json *value;
    bool first = true;
    buffer_append_char(out, '{');
    while (json_next(json, &iterator, &name, &value)) {
        if (!first) buffer_append_char(out, ',');
        first = false;
        put_quoted(out, name);
        buffer_append_char(out, ':');
        json_write(out, value);
    }
    buffer_append_char(out, '}');
}

/* Recursion ends at JSON_DEPTH_DOCUMENT_MAX: no deeper tree exists. */
void json_write(struct buffer *out, const struct json *json) {
    switch (json_type(json)) {
    case JSON_OBJECT_TYPE:
        write_object(out, json);
        return;
    case JSON_ARRAY_TYPE:
        write_array(out, json);
        return;
    case JSON_STRING_TYPE:
        put_quoted(out, json_string(json));
        return;
    case JSON_INTEGER_TYPE:
        buffer_append_i64(out, json_integer(json, 0));
        return;
    case JSON_REAL_TYPE:
        write_real(out, json_real(json));
        return;
    case JSON_BOOL_TYPE:
        buffer_append_c(out, json_bool(json, false) ? "true" : "false");
        return;
    case JSON_NULL_TYPE:
        break;
    }
    buffer_append_c(out, "null");
}
