/* json_mask.c - the mask is a tree of the places that a schema names; a document is walked as text, without a tree of
 * its own, since most come from this program and each request makes two. */
#include "wire/json_mask.h"

#include "wire/json_schema_int.h"

struct json_mask_member {
    struct str name;   /* of the contract */
    struct str quoted; /* "name": */
    const struct json_mask *mask;
};
struct json_mask {
    struct json_mask_member *members; /* sorted by name */
    size_t member_count;
    const struct json_mask *items;
    unsigned types; /* bits of enum json_type that the schemas allow */
    struct schema_mask rule;
    const struct schema *leaf; /* a shown text must fit it (M4) */
};

/* ---- making ---- */

struct place {
    const struct schema *schemas[JSON_MASK_SCHEMAS_MAX];
    bool sure[JSON_MASK_SCHEMAS_MAX]; /* not behind anyOf and the like */
    size_t count;
    bool full;
};
struct maker {
    struct arena *arena;
    size_t nodes, depth;
    bool no_memory;
};

static void place_add(struct place *place, const struct schema *schema, bool sure);

static void place_add_list(struct place *place, const struct schema_list *list, bool sure) {
    for (size_t i = 0; i < list->count; i++) place_add(place, list->items[i], sure);
}

/* A schema and all that speak of the same place. */
static void place_add(struct place *place, const struct schema *schema, bool sure) {
    if (!schema) return;
    for (size_t i = 0; i < place->count; i++)
        if (place->schemas[i] == schema) return;
    if (place->count == JSON_MASK_SCHEMAS_MAX) {
        place->full = true;
        return;
    }
    place->sure[place->count] = sure;
    place->schemas[place->count++] = schema;
    place_add(place, schema->reference, sure);
    place_add_list(place, &schema->all_of, sure);
    place_add_list(place, &schema->any_of, false);
    place_add_list(place, &schema->one_of, false);
    place_add(place, schema->then_of, false);
    place_add(place, schema->else_of, false);
    for (size_t i = 0; i < schema->dependent_schemas.count; i++)
        place_add(place, schema->dependent_schemas.items[i].schema, false);
}

static int strictness(enum schema_mask_rule rule) {
    return (int)rule; /* in that order */
}

static bool says_what_it_is(const struct schema *schema) {
    return schema->constant || schema->choices || schema->format == JSON_FORMAT_UUID ||
           schema->format == JSON_FORMAT_DATE_TIME;
}

static void rule_make(const struct place *place, struct json_mask *mask) {
    for (size_t i = 0; i < place->count; i++) {
        const struct schema *schema = place->schemas[i];
        struct schema_mask rule = schema->mask;
        mask->types |= schema->types;
        if (rule.rule == SCHEMA_MASK_NONE && place->sure[i] && says_what_it_is(schema)) rule.rule = SCHEMA_MASK_SHOWN;
        if (rule.rule == SCHEMA_MASK_SHOWN && !mask->leaf) mask->leaf = schema;
        if (strictness(rule.rule) > strictness(mask->rule.rule)) mask->rule = rule;
    }
}

static const struct json_mask *mask_make(struct maker *maker, const struct place *place);

static const struct schema *member_schema(const struct schema *schema, struct str name) {
    for (size_t i = 0; i < schema->members.count; i++)
        if (str_equal(schema->members.items[i].name, name)) return schema->members.items[i].schema;
    return NULL;
}

static int by_name(const void *a, const void *b) {
    return str_compare(((const struct json_mask_member *)a)->name, ((const struct json_mask_member *)b)->name);
}

static struct str quote(struct maker *maker, struct str name) {
    char memory[SCHEMA_NAME_BYTES_MAX * 6 + 8];
    struct buffer out;
    struct json_writer writer;
    buffer_init(&out, memory, sizeof memory);
    json_begin(&writer, &out);
    json_put_str(&writer, name);
    buffer_append_char(&out, ':');
    return out.overflow ? (struct str){ 0 } : arena_dup(maker->arena, buffer_str(&out));
}

static void member_make(struct maker *maker, const struct place *place, struct str name, struct json_mask *mask) {
    struct place inner = { .count = 0 };
    struct json_mask_member *member = &mask->members[mask->member_count];
    for (size_t i = 0; i < mask->member_count; i++)
        if (str_equal(mask->members[i].name, name)) return;
    if (name.len > SCHEMA_NAME_BYTES_MAX) return;
    for (size_t i = 0; i < place->count; i++) place_add(&inner, member_schema(place->schemas[i], name), place->sure[i]);
    member->name = name;
    member->quoted = quote(maker, name);
    member->mask = mask_make(maker, &inner);
    maker->no_memory |= !member->quoted.at;
    if (member->mask && member->quoted.at) mask->member_count++;
}

static void members_make(struct maker *maker, const struct place *place, struct json_mask *mask) {
    size_t most = 0;
    for (size_t i = 0; i < place->count; i++) most += place->schemas[i]->members.count;
    if (most == 0) return;
    mask->members = arena_new_array(maker->arena, struct json_mask_member, most);
    maker->no_memory |= !mask->members;
    for (size_t i = 0; i < place->count && mask->members; i++)
        for (size_t m = 0; m < place->schemas[i]->members.count; m++)
            member_make(maker, place, place->schemas[i]->members.items[m].name, mask);
    if (mask->members) qsort(mask->members, mask->member_count, sizeof mask->members[0], by_name);
}

static void items_make(struct maker *maker, const struct place *place, struct json_mask *mask) {
    struct place inner = { .count = 0 };
    for (size_t i = 0; i < place->count; i++) {
        const struct schema *schema = place->schemas[i];
        place_add(&inner, schema->items, place->sure[i]);
        place_add_list(&inner, &schema->prefix, false);
    }
    if (inner.count) mask->items = mask_make(maker, &inner);
}

/* NULL: not named, for want of room or of an end. */
static const struct json_mask *mask_make(struct maker *maker, const struct place *place) {
    if (place->full || maker->nodes == JSON_MASK_NODES_MAX || maker->depth == JSON_DEPTH_MAX) return NULL;
    struct json_mask *mask = arena_new(maker->arena, struct json_mask);
    maker->no_memory |= !mask;
    if (maker->no_memory) return NULL;
    maker->nodes++;
    maker->depth++;
    rule_make(place, mask);
    members_make(maker, place, mask);
    items_make(maker, place, mask);
    maker->depth--;
    return mask;
}

int json_mask_new(const struct schema *schema, struct arena *arena, const struct json_mask **ret_mask) {
    struct maker maker = { .arena = arena };
    struct place place = { .count = 0 };
    place_add(&place, schema, true);
    const struct json_mask *mask = mask_make(&maker, &place);
    if (!mask || maker.no_memory) return err_origin(-ENOMEM);
    *ret_mask = mask;
    return 0;
}

/* ---- writing ---- */

static const struct str hidden = STR_INIT("\"***\"");

struct walk {
    const char *at, *end;
    const struct json_mask_options *options;
    struct buffer *out; /* NULL: pass over */
    size_t stop;        /* out->len may not pass it; closing brackets have their room behind it */
    int depth;
    bool bad, cut;
};

static void skip_blanks(struct walk *walk) {
    while (walk->at < walk->end && (*walk->at == ' ' || *walk->at == '\n' || *walk->at == '\t' || *walk->at == '\r'))
        walk->at++;
}

static bool take_char(struct walk *walk, char c) {
    skip_blanks(walk);
    if (walk->at == walk->end || *walk->at != c) return false;
    walk->at++;
    return true;
}

/* A string as it stands between its quotes; walk->at is behind the first. */
static struct str take_string(struct walk *walk, bool *ret_escapes) {
    const char *begin = walk->at;
    *ret_escapes = false;
    while (walk->at < walk->end && *walk->at != '"') {
        bool escape = *walk->at == '\\';
        *ret_escapes |= escape;
        walk->bad |= (unsigned char)*walk->at < 0x20;
        walk->at += escape && walk->end - walk->at > 1 ? 2 : 1;
    }
    if (walk->at >= walk->end) {
        walk->bad = true;
        walk->at = walk->end;
        return (struct str){ 0 };
    }
    return str_from_bytes(begin, (size_t)(walk->at++ - begin));
}

static int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* \uXXXX at text + 2 of what is ASCII; else 0. */
static char plain_escape(struct str text, size_t at) {
    int code = 0;
    for (size_t i = at + 2; i < at + 6; i++) {
        int digit = i < text.len ? hex_value(text.at[i]) : -1;
        if (digit < 0) return 0;
        code = code << 4 | digit;
    }
    return code < 0x80 ? (char)code : 0;
}

/* text without its escapes; false when it does not fit, or has escapes beyond ASCII: then it is no name of a contract
 * and no account, and nothing of it is shown. */
static bool unescape(struct str text, char memory[JSON_MASK_TEXT_BYTES_MAX], struct str *ret_text) {
    static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (len == JSON_MASK_TEXT_BYTES_MAX) return false;
        if (c == '\\') {
            char letter = i + 1 < text.len ? text.at[i + 1] : 0;
            const char *found = letter ? strchr(letters, letter) : NULL;
            c = letter == 'u' ? plain_escape(text, i) : found ? meant[found - letters] : 0;
            if (c == 0) return false;
            i += letter == 'u' ? 5 : 1;
        }
        memory[len++] = c;
    }
    *ret_text = str_from_bytes(memory, len);
    return true;
}

static bool text_fits(const struct walk *walk, const struct json_mask *mask, struct str text) {
    struct schema_errors errors;
    if (walk->options->fits) return true;
    if (!walk->options->arena || !mask->leaf) return false;
    struct json *value = json_new_string(text);
    int r = value ? schema_check(mask->leaf, value, SCHEMA_PATH_JSON, walk->options->arena, &errors) : -ENOMEM;
    (void)json_free(value);
    return r == 0;
}

/* No control, no bidirectional sign, nothing a terminal or a viewer could take for more than it is. */
static bool is_printable(struct str text) {
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] < ' ' || text.at[i] > '~') return false;
    return true;
}

/* A card number where none belongs. */
static bool is_pan(struct str text) {
    struct pan pan;
    return text.len >= PAN_DIGITS_MIN && pan_parse(text, &pan) == 0;
}

static void write_text(struct walk *walk, const struct json_mask *mask, struct str raw, bool escapes) {
    char memory[JSON_MASK_TEXT_BYTES_MAX];
    struct str text = raw;
    bool readable = !escapes || unescape(raw, memory, &text);
    if (mask->rule.rule == SCHEMA_MASK_PERSONAL && readable) {
        walk->options->show(walk->out, mask->rule.kind, text);
        return;
    }
    bool shown = mask->rule.rule == SCHEMA_MASK_SHOWN && is_printable(raw) && !is_pan(text);
    if (shown && raw.len > JSON_MASK_TEXT_BYTES_MAX) walk->cut = true;
    if (!shown || !readable || raw.len > JSON_MASK_TEXT_BYTES_MAX || !text_fits(walk, mask, text)) {
        buffer_append_str(walk->out, hidden);
        return;
    }
    buffer_append_char(walk->out, '"');
    buffer_append_str(walk->out, raw);
    buffer_append_char(walk->out, '"');
}

static void pass_text(struct walk *walk, const struct json_mask *mask) {
    bool escapes;
    struct str raw = take_string(walk, &escapes);
    if (walk->out && !walk->bad) write_text(walk, mask, raw, escapes);
}

/* A number, true, false or null. */
static void pass_word(struct walk *walk, const struct json_mask *mask) {
    const char *begin = walk->at;
    while (walk->at<walk->end && * walk->at> ' ' && !strchr(",:{}[]\"", *walk->at)) walk->at++;
    struct str word = str_from_bytes(begin, (size_t)(walk->at - begin));
    bool real = false, number = word.len && strchr("-0123456789", word.at[0]);
    for (size_t i = 0; number && i < word.len; i++) {
        number = strchr("+-.eE0123456789", word.at[i]) != NULL;
        real |= !(word.at[i] >= '0' && word.at[i] <= '9') && i > 0;
    }
    bool truth = str_equal(word, STR("true")) || str_equal(word, STR("false")), null = str_equal(word, STR("null"));
    walk->bad |= word.len == 0 || word.len > JSON_NUMBER_BYTES_MAX || !(number || truth || null);
    if (!walk->out || walk->bad) return;
    unsigned type = truth ? 1u << JSON_BOOL_TYPE : real ? 1u << JSON_REAL_TYPE : 1u << JSON_INTEGER_TYPE;
    bool secret = mask->rule.rule == SCHEMA_MASK_PERSONAL || mask->rule.rule == SCHEMA_MASK_HIDDEN;
    buffer_append_str(walk->out, null || ((mask->types & type) && !secret) ? word : hidden);
}

static const struct json_mask_member *member_find(const struct json_mask *mask, struct str name) {
    size_t low = 0, high = mask->member_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = str_compare(mask->members[middle].name, name);
        if (order == 0) return &mask->members[middle];
        if (order < 0) low = middle + 1;
        else high = middle;
    }
    return NULL;
}

/* Whether needed more bytes have room, with a bracket for each level that is open. */
static bool has_room(struct walk *walk, size_t needed) {
    bool room = walk->out->len + needed + (size_t)walk->depth <= walk->stop;
    walk->cut |= !room;
    return room;
}

enum { LEAF_BYTES_MAX = JSON_MASK_TEXT_BYTES_MAX + 8 };
static_assert((int)JSON_MASK_PERSONAL_BYTES_MAX <= (int)LEAF_BYTES_MAX &&
                  (int)JSON_NUMBER_BYTES_MAX < (int)LEAF_BYTES_MAX,
              "a leaf is a shown text, a masked one or a number");

static void pass_value(struct walk *walk, const struct json_mask *mask);

/* Passes over a value that nobody named, or that has no room. */
static void pass_over(struct walk *walk) {
    struct buffer *out = walk->out;
    walk->out = NULL;
    pass_value(walk, NULL);
    walk->out = out;
}

static bool separate(struct walk *walk, bool *first, size_t needed) {
    if (!has_room(walk, needed + LEAF_BYTES_MAX + 3)) return false;
    if (!*first) buffer_append_char(walk->out, ',');
    *first = false;
    return true;
}

static void pass_member(struct walk *walk, const struct json_mask *mask, bool *first) {
    char memory[JSON_MASK_TEXT_BYTES_MAX];
    bool escapes;
    if (!take_char(walk, '"')) {
        walk->bad = true;
        return;
    }
    struct str name = take_string(walk, &escapes);
    walk->bad |= !take_char(walk, ':');
    if (walk->bad) return;
    bool readable = !escapes || unescape(name, memory, &name);
    const struct json_mask_member *member = walk->out && readable ? member_find(mask, name) : NULL;
    if (!member || !separate(walk, first, member->quoted.len)) {
        pass_over(walk);
        return;
    }
    buffer_append_str(walk->out, member->quoted);
    pass_value(walk, member->mask);
}

static void pass_element(struct walk *walk, const struct json_mask *mask, bool *first) {
    if (walk->out && mask->items && separate(walk, first, 0)) pass_value(walk, mask->items);
    else pass_over(walk);
}

static void put_bracket(struct walk *walk, char bracket) {
    if (walk->out) buffer_append_char(walk->out, bracket);
}

static void pass_many(struct walk *walk, const struct json_mask *mask, bool object) {
    const char open = object ? '{' : '[', close = object ? '}' : ']';
    bool first = true;
    put_bracket(walk, open);
    if (!take_char(walk, close)) {
        do {
            if (object) pass_member(walk, mask, &first);
            else pass_element(walk, mask, &first);
        } while (!walk->bad && take_char(walk, ','));
        walk->bad |= !take_char(walk, close);
    }
    put_bracket(walk, close);
}

static void pass_value(struct walk *walk, const struct json_mask *mask) {
    skip_blanks(walk);
    walk->bad |= walk->at == walk->end || walk->depth == JSON_DEPTH_DOCUMENT_MAX;
    if (walk->bad) return;
    walk->depth++;
    char c = *walk->at;
    if (c == '{' || c == '[' || c == '"') walk->at++;
    if (c == '{' || c == '[') pass_many(walk, mask, c == '{');
    else if (c == '"') pass_text(walk, mask);
    else pass_word(walk, mask);
    walk->depth--;
}

bool json_mask_write(const struct json_mask *mask, struct str text, const struct json_mask_options *options,
                     struct buffer *out) {
    size_t before = out->len;
    check(options->bytes_max >= JSON_MASK_BYTES_MIN);
    struct walk walk = {
        .at = text.at, .end = text.at + text.len, .options = options, .out = out, .stop = before + options->bytes_max
    };
    pass_value(&walk, mask);
    skip_blanks(&walk);
    if (!walk.bad && walk.at == walk.end && out->len - before <= options->bytes_max) return !walk.cut;
    if (out->overflow) return false; /* the owner gave less than bytes_max */
    out->len = before;
    buffer_append_c(out, "null");
    return false;
}
