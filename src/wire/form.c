#include "wire/form.h"

#include "platform/encoding.h"

#define X(code, text) [code] = text,
static const char *const refusal_texts[FORM_E_COUNT] = { FORM_E_MAP(X) };
#undef X

const char *form_refusal_text(int refusal) {
    check(refusal > FORM_E_NONE && refusal < FORM_E_COUNT);
    return refusal_texts[refusal];
}

/* Decodes into the arena; the bytes never grow by decoding. */
static int decode(struct str text, struct arena *arena, struct str *ret_text) {
    char *memory = arena_alloc(arena, text.len);
    if (!memory) return FORM_E_SIZE;
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.at[i] <= 0x20 || (unsigned char)text.at[i] >= 0x7f) return FORM_E_SYNTAX;
    struct buffer out;
    buffer_init(&out, memory, text.len);
    if (percent_decode(text, true, &out)) return FORM_E_SYNTAX;
    struct str decoded = buffer_str(&out);
    if (decoded.len && memchr(decoded.at, 0, decoded.len)) return FORM_E_SYNTAX;
    if (!str_is_utf8(decoded)) return FORM_E_UTF8;
    *ret_text = decoded;
    return 0;
}

static int parse_field(struct str text, struct arena *arena, struct form_field *ret_field) {
    struct str value = text, name;
    (void)str_cut(&value, '=', &name);
    if (name.len == 0) return FORM_E_SYNTAX;
    int r = decode(name, arena, &ret_field->name);
    return r ? r : decode(value, arena, &ret_field->value);
}

int form_parse(struct str text, struct arena *arena, struct form *ret_form) {
    struct form form;
    struct str piece;
    form.count = 0;
    if (text.len > FORM_BYTES_MAX) return FORM_E_SIZE;
    for (bool more = text.len > 0; more;) {
        more = str_cut(&text, '&', &piece);
        if (form.count == FORM_FIELDS_MAX) return FORM_E_FIELDS;
        int r = parse_field(piece, arena, &form.fields[form.count]);
        if (r) return r;
        form.count++;
    }
    memcpy(ret_form->fields, form.fields, form.count * sizeof *form.fields);
    ret_form->count = form.count;
    return 0;
}

bool form_get(const struct form *form, const char *name, struct str *ret_value) {
    for (size_t i = 0; i < form->count; i++) {
        if (!str_equal_c(form->fields[i].name, name)) continue;
        *ret_value = form->fields[i].value;
        return true;
    }
    return false;
}

size_t form_count(const struct form *form, const char *name) {
    size_t count = 0;
    for (size_t i = 0; i < form->count; i++) count += str_equal_c(form->fields[i].name, name);
    return count;
}

bool form_find_duplicate(const struct form *form, struct str *ret_name) {
    for (size_t i = 1; i < form->count; i++)
        for (size_t k = 0; k < i; k++) {
            if (!str_equal(form->fields[i].name, form->fields[k].name)) continue;
            *ret_name = form->fields[i].name;
            return true;
        }
    return false;
}

void form_put(struct buffer *out, struct str name, struct str value) {
    if (out->len && out->at[out->len - 1] != '?') buffer_append_char(out, '&');
    percent_encode(out, name);
    buffer_append_char(out, '=');
    percent_encode(out, value);
}

void form_put_c(struct buffer *out, const char *name, const char *value) {
    form_put(out, str_from_c(name), str_from_c(value));
}
