/* header_value_fuzz.c - any bytes as Accept, Content-Type and If-None-Match. What is accepted does not depend on the
 * order of the elements, on letter case or on the blanks around them; an entity tag is found exactly where it stands.
 * The first line is the header's value; the second, when there is one, what it is held against. */
#include "gateway/conditional.h"
#include "gateway/media_range.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { VALUE_BYTES_MAX = 4096, ELEMENTS_MAX = 64 };

static char memory[4 * VALUE_BYTES_MAX];

/* The elements the other way round, with blanks around them, or in other letters. */
static bool list_turn(struct str list, struct buffer *out) {
    struct str elements[ELEMENTS_MAX];
    size_t count = 0;
    for (bool more = true; more; count++) {
        if (count == ELEMENTS_MAX) return false;
        more = str_cut(&list, ',', &elements[count]);
    }
    for (size_t i = count; i-- > 0;)
        buffer_printf(out, "%s \t" STR_FMT "\t ", i + 1 < count ? "," : "", STR_ARG(elements[i]));
    return !out->overflow;
}

static void letters_turn(struct str text, struct buffer *out) {
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        buffer_append_char(out, letter ? (char)(c ^ 0x20) : c);
    }
}

static void accept_try(struct str value) {
    static const struct str type = STR_INIT("application"), subtype = STR_INIT("json");
    struct buffer out;
    bool accepted = media_range_accepts(value, type, subtype);
    buffer_init(&out, memory, sizeof memory);
    if (list_turn(value, &out)) check(media_range_accepts(buffer_str(&out), type, subtype) == accepted);
    buffer_reset(&out);
    letters_turn(value, &out);
    check(media_range_accepts(buffer_str(&out), type, subtype) == accepted);
    buffer_reset(&out);
    buffer_printf(&out, STR_FMT ",application/json", STR_ARG(value));
    if (!out.overflow) check(media_range_accepts(buffer_str(&out), type, subtype)); /* the closest range, weight 1 */
}

static void media_type_try(struct str value) {
    static const struct str wanted = STR_INIT("application/json");
    struct buffer out;
    bool is = media_type_is(value, wanted);
    buffer_init(&out, memory, sizeof memory);
    letters_turn(value, &out);
    check(media_type_is(buffer_str(&out), wanted) == is);
    check(!is || str_starts(str_trim(value), STR("a")) || str_starts(str_trim(value), STR("A")));
    buffer_reset(&out);
    buffer_printf(&out, STR_FMT "; charset=utf-16", STR_ARG(value));
    check(!media_type_is(buffer_str(&out), wanted));
}

static bool is_tag(struct str text) {
    if (text.len < 2 || text.at[0] != '"' || text.at[text.len - 1] != '"') return false;
    for (size_t i = 1; i + 1 < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (c <= 0x20 || c == '"' || c == 0x7f || c == ',') return false;
    }
    return true;
}

static void tag_try(struct str value, struct str tag) {
    struct buffer out;
    size_t at;
    if (!is_tag(tag)) return;
    bool matches = etag_matches(value, tag);
    if (matches) check(str_find(value, tag, &at) || str_equal(str_trim(value), STR("*")));
    buffer_init(&out, memory, sizeof memory);
    buffer_printf(&out, STR_FMT ", W/" STR_FMT, STR_ARG(value), STR_ARG(tag));
    check(etag_matches(buffer_str(&out), tag)); /* weak is as good, for GET */
    buffer_reset(&out);
    if (list_turn(value, &out)) check(etag_matches(buffer_str(&out), tag) == matches);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct str rest = str_from_bytes(bytes, size), value;
    if (size > VALUE_BYTES_MAX) return 0;
    for (size_t i = 0; i < size; i++)
        if (bytes[i] == 0 || bytes[i] == '\r') return 0; /* http_parse refuses them in a header */
    (void)str_cut(&rest, '\n', &value);
    accept_try(value);
    media_type_try(value);
    tag_try(value, rest);
    return 0;
}
