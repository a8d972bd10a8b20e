#include "simulators/sink/message.h"

/* What is left of the line; at the first mistake good becomes false and stays so. */
struct scanner {
    struct str rest;
    bool good;
    int depth;
};

static void scan_value(struct scanner *scanner);

static char peek(const struct scanner *scanner) {
    return scanner->good && scanner->rest.len ? scanner->rest.at[0] : 0;
}

static void skip(struct scanner *scanner, size_t len) {
    scanner->rest = str_slice(scanner->rest, len, scanner->rest.len);
}

static void skip_blanks(struct scanner *scanner) {
    while (peek(scanner) == ' ' || peek(scanner) == '\t' || peek(scanner) == '\r') skip(scanner, 1);
}

static bool take(struct scanner *scanner, char c) {
    if (peek(scanner) != c || c == 0) return false;
    skip(scanner, 1);
    return true;
}

static void expect(struct scanner *scanner, char c) {
    if (!take(scanner, c)) scanner->good = false;
}

static void scan_escape(struct scanner *scanner) {
    char c = peek(scanner);
    if (c == 0 || !strchr("\"\\/bfnrtu", c)) scanner->good = false;
    skip(scanner, 1);
    for (int i = 0; c == 'u' && i < 4; i++) {
        char digit = peek(scanner);
        if (digit == 0 || !strchr("0123456789abcdefABCDEF", digit)) scanner->good = false;
        skip(scanner, 1);
    }
}

/* The characters between the quotes, escapes as they stand; *ret_plain: it has none. */
static struct str scan_string(struct scanner *scanner, bool *ret_plain) {
    bool plain = true;
    expect(scanner, '"');
    struct str text = scanner->rest;
    while (scanner->good && peek(scanner) != '"') {
        char c = peek(scanner);
        if ((unsigned char)c < 0x20) scanner->good = false; /* also the end of the line */
        skip(scanner, 1);
        if (c != '\\') continue;
        plain = false;
        scan_escape(scanner);
    }
    text.len -= scanner->rest.len;
    expect(scanner, '"');
    *ret_plain = plain;
    return text;
}

static size_t scan_digits(struct scanner *scanner) {
    size_t count = 0;
    for (; peek(scanner) >= '0' && peek(scanner) <= '9'; count++) skip(scanner, 1);
    return count;
}

static void scan_number(struct scanner *scanner) {
    (void)take(scanner, '-');
    bool zero = peek(scanner) == '0';
    size_t digits = scan_digits(scanner);
    if (digits == 0 || (zero && digits > 1)) scanner->good = false;
    if (take(scanner, '.') && scan_digits(scanner) == 0) scanner->good = false;
    if (take(scanner, 'e') || take(scanner, 'E')) {
        if (!take(scanner, '+')) (void)take(scanner, '-');
        if (scan_digits(scanner) == 0) scanner->good = false;
    }
}

static void scan_word(struct scanner *scanner) {
    static const struct str words[] = { STR_INIT("true"), STR_INIT("false"), STR_INIT("null") };
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        if (!str_starts(scanner->rest, words[i])) continue;
        skip(scanner, words[i].len);
        return;
    }
    scanner->good = false;
}

/* Items between brackets; an object's have a name before them. */
static void scan_items(struct scanner *scanner, char open, char close) {
    bool plain;
    expect(scanner, open);
    if (++scanner->depth > MESSAGE_DEPTH_MAX) scanner->good = false;
    skip_blanks(scanner);
    bool more = !take(scanner, close);
    while (scanner->good && more) {
        skip_blanks(scanner);
        if (open == '{') {
            (void)scan_string(scanner, &plain);
            skip_blanks(scanner);
            expect(scanner, ':');
        }
        scan_value(scanner);
        more = take(scanner, ',');
        if (!more) expect(scanner, close);
    }
    scanner->depth--;
}

static void scan_value(struct scanner *scanner) {
    bool plain;
    skip_blanks(scanner);
    char c = peek(scanner);
    if (c == '{') scan_items(scanner, '{', '}');
    else if (c == '[') scan_items(scanner, '[', ']');
    else if (c == '"') (void)scan_string(scanner, &plain);
    else if (c == '-' || (c >= '0' && c <= '9')) scan_number(scanner);
    else scan_word(scanner);
    skip_blanks(scanner);
}

/* One member of the outer object: kept when it is one of the three. */
static void scan_member(struct scanner *scanner, struct sink_message *message) {
    bool plain, name_plain;
    skip_blanks(scanner);
    struct str name = scan_string(scanner, &name_plain);
    struct str *field = str_equal(name, STR("id"))         ? &message->id
                        : str_equal(name, STR("to"))       ? &message->to
                        : str_equal(name, STR("template")) ? &message->template
                                                           : NULL;
    skip_blanks(scanner);
    expect(scanner, ':');
    skip_blanks(scanner);
    if (!field || !name_plain) {
        scan_value(scanner);
        return;
    }
    struct str text = scan_string(scanner, &plain);
    if (!plain || text.len == 0 || field->len) scanner->good = false;
    *field = text;
    skip_blanks(scanner);
}

static bool id_is_sound(struct str id) {
    for (size_t i = 0; i < id.len; i++) {
        char c = id.at[i];
        bool sound =
            (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c && strchr("._:-", c));
        if (!sound) return false;
    }
    return id.len >= 1 && id.len <= MESSAGE_ID_BYTES_MAX;
}

int sink_message_parse(struct str line, struct sink_message *ret_message) {
    struct sink_message message = { 0 };
    struct scanner scanner = { .rest = line, .good = line.len <= MESSAGE_LINE_BYTES_MAX && str_is_utf8(line) };
    skip_blanks(&scanner);
    expect(&scanner, '{');
    scanner.depth = 1;
    do scan_member(&scanner, &message);
    while (take(&scanner, ','));
    expect(&scanner, '}');
    skip_blanks(&scanner);
    if (!scanner.good || scanner.rest.len || !id_is_sound(message.id) || !message.to.len || !message.template.len)
        return -EINVAL;
    *ret_message = message;
    return 0;
}
