#include "observe/traceparent.h"

#include "platform/encoding.h"
#include "platform/random.h"

/* 2*len lower-case hex digits. */
static bool read_hex(struct str text, uint8_t *bytes, size_t len) {
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] >= 'A' && text.at[i] <= 'F') return false;
    return hex_decode(text, bytes, len) == 0;
}

static bool all_zero(const uint8_t *bytes, size_t len) {
    for (size_t i = 0; i < len; i++)
        if (bytes[i]) return false;
    return true;
}

int traceparent_parse(struct str text, struct traceparent *ret_traceparent) {
    struct traceparent traceparent;
    uint8_t version;
    text = str_trim(text);
    if (text.len < TRACEPARENT_BYTES) return TRACEPARENT_E_LENGTH;
    if (!read_hex(str_slice(text, 0, 2), &version, 1)) return TRACEPARENT_E_SYNTAX;
    if (version == 0xff) return TRACEPARENT_E_VERSION;
    if (text.len > TRACEPARENT_BYTES && (version == 0 || text.at[TRACEPARENT_BYTES] != '-'))
        return TRACEPARENT_E_LENGTH;
    if (text.at[2] != '-' || text.at[35] != '-' || text.at[52] != '-') return TRACEPARENT_E_SYNTAX;
    if (!read_hex(str_slice(text, 3, 35), traceparent.trace_id, sizeof traceparent.trace_id))
        return TRACEPARENT_E_SYNTAX;
    if (!read_hex(str_slice(text, 36, 52), traceparent.span_id, sizeof traceparent.span_id))
        return TRACEPARENT_E_SYNTAX;
    if (!read_hex(str_slice(text, 53, 55), &traceparent.flags, 1)) return TRACEPARENT_E_SYNTAX;
    if (all_zero(traceparent.trace_id, sizeof traceparent.trace_id)) return TRACEPARENT_E_ZERO;
    if (all_zero(traceparent.span_id, sizeof traceparent.span_id)) return TRACEPARENT_E_ZERO;
    traceparent.flags &= TRACE_SAMPLED | TRACE_RANDOM;
    *ret_traceparent = traceparent;
    return 0;
}

struct str traceparent_format(const struct traceparent *traceparent, char text[TRACEPARENT_TEXT_BYTES]) {
    struct buffer out;
    buffer_init(&out, text, TRACEPARENT_BYTES);
    buffer_append_c(&out, "00-");
    hex_encode(&out, traceparent->trace_id, sizeof traceparent->trace_id);
    buffer_append_char(&out, '-');
    hex_encode(&out, traceparent->span_id, sizeof traceparent->span_id);
    buffer_append_char(&out, '-');
    hex_encode(&out, &traceparent->flags, 1);
    check(!out.overflow && out.len == TRACEPARENT_BYTES);
    text[out.len] = 0;
    return buffer_str(&out);
}

static void random_span_id(uint8_t span_id[8]) {
    do random_bytes(span_id, 8);
    while (all_zero(span_id, 8));
}

struct traceparent traceparent_start(bool sampled) {
    struct traceparent traceparent = { .flags = TRACE_RANDOM | (sampled ? TRACE_SAMPLED : 0) };
    do random_bytes(traceparent.trace_id, sizeof traceparent.trace_id);
    while (all_zero(traceparent.trace_id, sizeof traceparent.trace_id));
    random_span_id(traceparent.span_id);
    return traceparent;
}

struct traceparent traceparent_child(const struct traceparent *parent) {
    struct traceparent child = *parent;
    random_span_id(child.span_id);
    return child;
}

static bool is_key_character(char c, bool first) {
    bool letter_or_digit = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    return first ? letter_or_digit : letter_or_digit || c == '_' || c == '-' || c == '*' || c == '/' || c == '@';
}

/* key = 1..256 of lcalpha / DIGIT / _ - * / @, beginning with a letter or digit; value = 1..256 printable, no comma or
 * '='. */
static bool member_is_valid(struct str member) {
    struct str value = member, key;
    if (!str_cut(&value, '=', &key)) return false;
    if (key.len == 0 || key.len > 256 || value.len == 0 || value.len > 256) return false;
    for (size_t i = 0; i < key.len; i++)
        if (!is_key_character(key.at[i], i == 0)) return false;
    for (size_t i = 0; i < value.len; i++)
        if (value.at[i] < ' ' || value.at[i] > '~' || value.at[i] == ',' || value.at[i] == '=') return false;
    return true;
}

/* Appends the members of one header value; false when one is malformed. */
static bool join_value(struct str value, struct buffer *out, size_t *members) {
    for (bool more = true; more;) {
        struct str member;
        more = str_cut(&value, ',', &member);
        member = str_trim(member);
        if (member.len == 0) continue;
        if (!member_is_valid(member)) return false;
        if (*members) buffer_append_char(out, ',');
        buffer_append_str(out, member);
        ++*members;
    }
    return true;
}

bool tracestate_join(const struct str *values, size_t count, struct buffer *out) {
    char memory[TRACESTATE_BYTES_MAX];
    struct buffer joined;
    size_t members = 0;
    buffer_init(&joined, memory, sizeof memory);
    for (size_t i = 0; i < count; i++)
        if (!join_value(values[i], &joined, &members)) return false;
    if (members == 0 || members > TRACESTATE_MEMBERS_MAX || joined.overflow) return false;
    buffer_append_str(out, buffer_str(&joined));
    return true;
}

bool traceparent_accept(const struct trace_headers *headers, struct traceparent *ret_traceparent,
                        struct buffer *tracestate) {
    if (headers->traceparent_count != 1 || traceparent_parse(headers->traceparents[0], ret_traceparent)) {
        *ret_traceparent = traceparent_start(false);
        return false;
    }
    (void)tracestate_join(headers->tracestates, headers->tracestate_count, tracestate); /* none is fine */
    return true;
}
