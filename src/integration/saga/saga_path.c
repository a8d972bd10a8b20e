#include "integration/saga/saga_int.h"

/* Reference paths (A15, A25) and the slots they name.
 *
 * A canonical name is the segments joined by '.', a '.' or '\' inside a segment preceded by '\'. The document itself is
 * "". */

static bool is_plain(unsigned char c) {
    return c > 0x20 && c != 0x7f && !strchr(".[]*@,:?()'\"$\\", c);
}

struct reader {
    struct str text;
    size_t at;
    char name[SAGA_PATH_BYTES_MAX];
    size_t len;
    const char *wrong;
};

static void put(struct reader *reader, char c) {
    if (reader->len == sizeof reader->name) reader->wrong = "is too long";
    else reader->name[reader->len++] = c;
}

static void put_segment_char(struct reader *reader, char c) {
    if ((unsigned char)c < 0x20) reader->wrong = "holds a control character";
    if (c == '.' || c == '\\') put(reader, '\\');
    put(reader, c);
}

static int peek(const struct reader *reader) {
    return reader->at < reader->text.len ? (unsigned char)reader->text.at[reader->at] : -1;
}

/* The name after a dot: plain characters and escaped ones. */
static void read_dotted(struct reader *reader) {
    size_t from = reader->at;
    for (int c = peek(reader); c >= 0 && (is_plain((unsigned char)c) || c == '\\'); c = peek(reader)) {
        reader->at++;
        if (c == '\\') {
            c = peek(reader);
            reader->at++;
        }
        if (c < 0) {
            reader->wrong = "ends with an open escape";
            return;
        }
        put_segment_char(reader, (char)c);
    }
    if (reader->at > from || reader->wrong) return;
    int c = peek(reader);
    reader->wrong = c == '*' || c == '.' ? "uses an operator other than names, which is not supported yet"
                                         : "is not a reference path";
}

/* ['name'] with \' and \\; the bracket is behind us. */
static void read_bracketed(struct reader *reader) {
    int quote = peek(reader);
    if (quote != '\'' && quote != '"') {
        reader->wrong = "picks from an array, which is not supported yet";
        return;
    }
    size_t from = ++reader->at;
    for (int c = peek(reader); c != quote; c = peek(reader)) {
        reader->at++;
        if (c == '\\') {
            c = peek(reader);
            reader->at++;
        }
        if (c < 0) {
            reader->wrong = "has no closing quote";
            return;
        }
        put_segment_char(reader, (char)c);
        if (reader->wrong) return;
    }
    if (reader->at == from) reader->wrong = "has an empty name";
    reader->at++;
    if (peek(reader) != ']') reader->wrong = "has no closing bracket";
    reader->at++;
}

static const char *first_fault(struct str text) {
    if (str_starts(text, STR("$$"))) return "reads the context object, which is not supported yet";
    if (str_starts(text, STR("States."))) return "uses an intrinsic function, which is not supported yet";
    if (str_starts(text, STR("{%"))) return "is JSONata, which is not supported yet";
    if (text.len == 0 || text.at[0] != '$') return "is not a path: it must begin with $";
    if (text.len > 1 && text.at[1] != '.' && text.at[1] != '[') return "reads a variable, which is not supported yet";
    return NULL;
}

int compile_path(const struct compiler *compiler, const char *field, struct str text, struct str *ret_name) {
    char show[SHOWN_BYTES];
    struct reader reader = { .text = text, .at = 1, .wrong = first_fault(text) };
    while (!reader.wrong && reader.at < text.len) {
        int c = peek(&reader);
        reader.at++;
        if (reader.len) put(&reader, '.');
        if (c == '.') read_dotted(&reader);
        else if (c == '[') read_bracketed(&reader);
        else reader.wrong = "uses an operator other than names, which is not supported yet";
    }
    if (reader.wrong) return compile_refuse(compiler, field, "\"%s\" %s", shown(text, show), reader.wrong);
    struct str name = arena_dup(&compiler->def->body, str_from_bytes(reader.name, reader.len));
    if (!name.at) return err_origin(-ENOMEM);
    *ret_name = name;
    return 0;
}

int path_escape(const struct compiler *compiler, struct str segment, struct str *ret_name) {
    struct reader reader = { .text = segment };
    for (size_t i = 0; i < segment.len && !reader.wrong; i++) put_segment_char(&reader, segment.at[i]);
    if (segment.len == 0) reader.wrong = "is empty";
    if (reader.wrong) return compile_refuse(compiler, NULL, "a field name %s", reader.wrong);
    struct str name = arena_dup(&compiler->def->body, str_from_bytes(reader.name, reader.len));
    if (!name.at) return err_origin(-ENOMEM);
    *ret_name = name;
    return 0;
}

int path_join(const struct compiler *compiler, struct str above, struct str below, struct str *ret_name) {
    if (above.len == 0 || below.len == 0) {
        *ret_name = above.len ? above : below;
        return 0;
    }
    if (above.len + below.len + 1 > SAGA_PATH_BYTES_MAX)
        return compile_refuse(compiler, NULL, "a path is longer than %d bytes", SAGA_PATH_BYTES_MAX);
    struct str name = arena_printf(&compiler->def->body, STR_FMT "." STR_FMT, STR_ARG(above), STR_ARG(below));
    if (!name.at) return err_origin(-ENOMEM);
    *ret_name = name;
    return 0;
}

bool path_is_under(struct str name, struct str above, struct str *ret_rest) {
    if (above.len == 0 || str_equal(name, above)) {
        *ret_rest = str_slice(name, above.len, name.len);
        return true;
    }
    if (!str_starts(name, above) || name.at[above.len] != '.') return false;
    *ret_rest = str_slice(name, above.len + 1, name.len);
    return true;
}

int saga_def_slot_find(const struct saga_def *def, struct str name) {
    for (size_t i = 0; i < def->slot_count; i++)
        if (str_equal(def->slot_names[i], name)) return (int)i;
    return -1;
}

int compile_slot(const struct compiler *compiler, const char *field, struct str name, uint8_t *ret_slot) {
    struct saga_def *def = compiler->def;
    int found = saga_def_slot_find(def, name);
    if (found < 0) {
        if (def->slot_count == SAGA_SLOTS_MAX)
            return compile_refuse(compiler, field, "the saga needs more than %d values", SAGA_SLOTS_MAX);
        struct str kept = arena_dup(&def->names, name);
        if (!kept.at) return err_origin(-ENOMEM);
        found = (int)def->slot_count;
        def->slot_names[def->slot_count++] = kept;
    }
    *ret_slot = (uint8_t)found;
    return 0;
}

uint64_t slots_under(const struct saga_def *def, struct str name) {
    uint64_t mask = 0;
    struct str rest;
    for (size_t i = 0; i < def->slot_count; i++)
        if (path_is_under(def->slot_names[i], name, &rest)) mask |= UINT64_C(1) << i;
    return mask;
}

uint64_t slots_above(const struct saga_def *def, struct str name) {
    uint64_t mask = 0;
    struct str rest;
    for (size_t i = 0; i < def->slot_count; i++)
        if (path_is_under(name, def->slot_names[i], &rest) && rest.len) mask |= UINT64_C(1) << i;
    return mask;
}

int compile_read(const struct compiler *compiler, const char *field, struct str input, const struct json *text,
                 struct saga_path *ret_path) {
    struct str name;
    struct saga_path path = { .slot = -1 };
    uint8_t slot = 0;
    if (!json_is_string(text)) return compile_refuse(compiler, field, "must be a path");
    int r = compile_path(compiler, field, json_string(text), &name);
    if (r == 0 && input.at) r = path_join(compiler, input, name, &path.name);
    if (r == 0 && input.at) r = compile_slot(compiler, field, path.name, &slot);
    if (r) return r;
    if (input.at) {
        path.slot = slot;
        path.under = slots_under(compiler->def, path.name);
        path.above = slots_above(compiler->def, path.name);
    }
    path.whole = name.len == 0 && (!input.at || input.len == 0);
    *ret_path = path;
    return 0;
}
