#include "wire/json.h"

#include "platform/encoding.h"

/* "~1" is '/', "~0" is '~', any other '~' is malformed. */
static bool unescape(struct str token, struct buffer *out) {
    for (size_t i = 0; i < token.len; i++) {
        char c = token.at[i];
        if (c == '~') {
            if (++i == token.len || (token.at[i] != '0' && token.at[i] != '1')) return false;
            c = token.at[i] == '0' ? '~' : '/';
        }
        buffer_append_char(out, c);
    }
    return !out->overflow;
}

static const struct json *step(const struct json *json, struct str token) {
    char memory[JSON_POINTER_BYTES_MAX];
    struct buffer name;
    uint64_t index;
    buffer_init(&name, memory, sizeof memory);
    if (!unescape(token, &name)) return NULL;
    if (json_type(json) == JSON_ARRAY_TYPE)
        return str_to_u64(buffer_str(&name), &index) ? NULL : json_at(json, (size_t)index);
    return json_get_str(json, buffer_str(&name));
}

const struct json *json_reference(const struct json *document, struct str reference) {
    char memory[JSON_POINTER_BYTES_MAX];
    struct buffer pointer;
    buffer_init(&pointer, memory, sizeof memory);
    if (!str_starts(reference, STR("#"))) return NULL;
    if (percent_decode(str_slice(reference, 1, reference.len), false, &pointer) || pointer.overflow) return NULL;
    struct str rest = buffer_str(&pointer), token;
    if (rest.len && rest.at[0] != '/') return NULL;
    rest = str_slice(rest, 1, rest.len);
    for (bool more = pointer.len > 0; more && document;) {
        more = str_cut(&rest, '/', &token);
        document = step(document, token);
    }
    return document;
}
