#include "platform/http_parse.h"

/* Character classes, one bit each. */
enum {
    CLASS_TOKEN = 1,  /* RFC 9110 section 5.6.2 */
    CLASS_METHOD = 2, /* the part of a token that methods use */
    CLASS_VALUE = 4,  /* RFC 9110 section 5.5: VCHAR, obs-text, blank, tab */
    CLASS_PATH = 8,   /* RFC 3986 pchar and '/'; '%' is looked at on its own */
    CLASS_QUERY = 16, /* the same and '?' */
    CLASS_HOST = 32,  /* a registered name or IPv4 address */
};

#define CLASS_LETTER (CLASS_TOKEN | CLASS_VALUE | CLASS_PATH | CLASS_QUERY | CLASS_HOST)
#define CLASS_SIGN (CLASS_TOKEN | CLASS_VALUE | CLASS_PATH | CLASS_QUERY)
#define CLASS_DELIMITER (CLASS_VALUE | CLASS_PATH | CLASS_QUERY)
#define LETTER(c) [c] = CLASS_LETTER
#define CAPITAL(c) [c] = CLASS_LETTER | CLASS_METHOD

/* The upper half is obs-text, which only values may hold. */
static const uint8_t classes[128] = {
    ['\t'] = CLASS_VALUE,
    [' '] = CLASS_VALUE,
    LETTER('0'), LETTER('1'), LETTER('2'), LETTER('3'), LETTER('4'), LETTER('5'), LETTER('6'),
    LETTER('7'), LETTER('8'), LETTER('9'), CAPITAL('A'), CAPITAL('B'), CAPITAL('C'), CAPITAL('D'),
    CAPITAL('E'), CAPITAL('F'), CAPITAL('G'), CAPITAL('H'), CAPITAL('I'), CAPITAL('J'),
    CAPITAL('K'), CAPITAL('L'), CAPITAL('M'), CAPITAL('N'), CAPITAL('O'), CAPITAL('P'),
    CAPITAL('Q'), CAPITAL('R'), CAPITAL('S'), CAPITAL('T'), CAPITAL('U'), CAPITAL('V'),
    CAPITAL('W'), CAPITAL('X'), CAPITAL('Y'), CAPITAL('Z'), LETTER('a'), LETTER('b'), LETTER('c'),
    LETTER('d'), LETTER('e'), LETTER('f'), LETTER('g'), LETTER('h'), LETTER('i'), LETTER('j'),
    LETTER('k'), LETTER('l'), LETTER('m'), LETTER('n'), LETTER('o'), LETTER('p'), LETTER('q'),
    LETTER('r'), LETTER('s'), LETTER('t'), LETTER('u'), LETTER('v'), LETTER('w'), LETTER('x'),
    LETTER('y'), LETTER('z'),
    ['-'] = CLASS_LETTER | CLASS_METHOD,
    ['_'] = CLASS_LETTER | CLASS_METHOD,
    ['.'] = CLASS_LETTER,
    ['!'] = CLASS_SIGN,
    ['$'] = CLASS_SIGN,
    ['&'] = CLASS_SIGN,
    ['\''] = CLASS_SIGN,
    ['*'] = CLASS_SIGN,
    ['+'] = CLASS_SIGN,
    ['~'] = CLASS_SIGN,
    ['%'] = CLASS_SIGN,
    ['#'] = CLASS_TOKEN | CLASS_VALUE,
    ['^'] = CLASS_TOKEN | CLASS_VALUE,
    ['`'] = CLASS_TOKEN | CLASS_VALUE,
    ['|'] = CLASS_TOKEN | CLASS_VALUE,
    ['('] = CLASS_DELIMITER,
    [')'] = CLASS_DELIMITER,
    [','] = CLASS_DELIMITER,
    [';'] = CLASS_DELIMITER,
    ['='] = CLASS_DELIMITER,
    [':'] = CLASS_DELIMITER,
    ['@'] = CLASS_DELIMITER,
    ['/'] = CLASS_DELIMITER,
    ['?'] = CLASS_VALUE | CLASS_QUERY,
    ['"'] = CLASS_VALUE,
    ['<'] = CLASS_VALUE,
    ['>'] = CLASS_VALUE,
    ['['] = CLASS_VALUE,
    [']'] = CLASS_VALUE,
    ['\\'] = CLASS_VALUE,
    ['{'] = CLASS_VALUE,
    ['}'] = CLASS_VALUE,
};

static const struct {
    int status;
    const char *code;
} refusals[HTTP_E_COUNT] = {
    [HTTP_E_NONE] = { 200, "none" },
#define X(refusal, http_status, name) [refusal] = { http_status, name },
    HTTP_E_MAP(X)
#undef X
};

int http_refusal_status(enum http_refusal refusal) {
    check(refusal < HTTP_E_COUNT);
    return refusals[refusal].status;
}

const char *http_refusal_code(enum http_refusal refusal) {
    check(refusal < HTTP_E_COUNT);
    return refusals[refusal].code;
}

static bool all_of(struct str s, uint8_t class) {
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        if (!((c < 128 ? classes[c] : CLASS_VALUE) & class)) return false;
    }
    return true;
}

/* Values are the bulk of a head (a certificate is 2 KiB), so eight bytes are judged at once: a word without a byte
 * below 0x20 and without 0x7f is good; any other is looked at byte by byte, for a tab is good as well. */
static bool is_value(struct str s) {
    const uint64_t ones = UINT64_MAX / 255, highs = ones * 0x80;
    size_t at = 0;
    for (; s.len - at >= 8; at += 8) {
        uint64_t word;
        memcpy(&word, s.at + at, 8);
        uint64_t low = (word - ones * 0x20) & ~word & highs, no_delete = word ^ ones * 0x7f;
        uint64_t is_delete = (no_delete - ones) & ~no_delete & highs;
        if ((low | is_delete) && !all_of(str_slice(s, at, at + 8), CLASS_VALUE)) return false;
    }
    return all_of(str_slice(s, at, s.len), CLASS_VALUE);
}

int http_scan_head(struct http_scan *scan, struct str bytes, size_t *ret_head_bytes) {
    while (scan->at < bytes.len) {
        const char *found = memchr(bytes.at + scan->at, '\n', bytes.len - scan->at);
        if (!found) break;
        size_t at = (size_t)(found - bytes.at), line_bytes = at - scan->line_from;
        if (at >= HTTP_HEADER_BYTES_MAX) return HTTP_E_HEADERS_TOO_LARGE;
        if (line_bytes == 0 || found[-1] != '\r') return HTTP_E_LINE_END;
        if (line_bytes == 1) {
            if (scan->line_from == 0) return HTTP_E_REQUEST_LINE;
            *ret_head_bytes = at + 1;
            return 0;
        }
        scan->at = scan->line_from = at + 1;
    }
    scan->at = bytes.len;
    return bytes.len >= HTTP_HEADER_BYTES_MAX ? HTTP_E_HEADERS_TOO_LARGE : HTTP_E_INCOMPLETE;
}

static int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* Characters of class, and every '%' the begin of a whole triple; %00 only when zero_allowed. */
static bool is_encoded(struct str s, uint8_t class, bool zero_allowed) {
    if (!all_of(s, class)) return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] != '%') continue;
        if (s.len - i < 3) return false;
        int high = hex_value(s.at[i + 1]), low = hex_value(s.at[i + 2]);
        if (high < 0 || low < 0 || (high + low == 0 && !zero_allowed)) return false;
    }
    return true;
}

static bool is_port(struct str s) {
    if (s.len < 1 || s.len > 5) return false;
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] < '0' || s.at[i] > '9') return false;
    return true;
}

/* "[" hexadecimal digits, colons and dots "]" */
static bool is_ipv6_literal(struct str s) {
    if (s.len < 4 || s.at[0] != '[' || s.at[s.len - 1] != ']') return false;
    for (size_t i = 1; i + 1 < s.len; i++)
        if (hex_value(s.at[i]) < 0 && s.at[i] != ':' && s.at[i] != '.') return false;
    return true;
}

/* uri-host [":" port], RFC 9110 section 7.2; never empty, never with userinfo. */
static bool is_host(struct str s) {
    struct str host = s;
    const char *colon = s.len ? memrchr(s.at, ':', s.len) : NULL;
    const char *bracket = s.len ? memrchr(s.at, ']', s.len) : NULL;
    if (colon && (!bracket || colon > bracket)) {
        host = str_slice(s, 0, (size_t)(colon - s.at));
        if (!is_port(str_slice(s, host.len + 1, s.len))) return false;
    }
    return bracket ? is_ipv6_literal(host) : host.len > 0 && all_of(host, CLASS_HOST);
}

/* Origin form, also what follows the authority of the absolute form. */
static int parse_path_and_query(struct str target, struct http_head *head) {
    head->query = target;
    bool has_query = str_cut(&head->query, '?', &head->path);
    if (!has_query) head->query = STR("");
    bool good = is_encoded(head->path, CLASS_PATH, false) && is_encoded(head->query, CLASS_QUERY, true);
    return good ? 0 : HTTP_E_TARGET;
}

static int parse_target(struct str target, struct http_head *head, struct str *ret_authority) {
    *ret_authority = STR("");
    if (target.len > 0 && target.at[0] == '/') return parse_path_and_query(target, head);
    if (str_equal(target, STR("*"))) {
        head->path = target;
        head->query = STR("");
        return str_equal(head->method, STR("OPTIONS")) ? 0 : HTTP_E_TARGET;
    }
    size_t scheme_bytes = str_starts(target, STR("http://")) ? 7 : str_starts(target, STR("https://")) ? 8 : 0;
    if (scheme_bytes == 0) return HTTP_E_TARGET;
    struct str rest = str_slice(target, scheme_bytes, target.len);
    size_t authority_bytes = 0;
    while (authority_bytes < rest.len && rest.at[authority_bytes] != '/' && rest.at[authority_bytes] != '?')
        authority_bytes++;
    *ret_authority = str_slice(rest, 0, authority_bytes);
    if (!is_host(*ret_authority)) return HTTP_E_TARGET;
    int r = parse_path_and_query(str_slice(rest, authority_bytes, rest.len), head);
    if (r == 0 && head->path.len == 0) head->path = STR("/");
    return r;
}

static bool is_version(struct str s) {
    return s.len == 8 && memcmp(s.at, "HTTP/", 5) == 0 && s.at[5] >= '0' && s.at[5] <= '9' && s.at[6] == '.' &&
           s.at[7] >= '0' && s.at[7] <= '9';
}

static int parse_request_line(struct str line, struct http_head *head, struct str *ret_authority) {
    struct str target;
    if (!str_cut(&line, ' ', &head->method) || !str_cut(&line, ' ', &target)) return HTTP_E_REQUEST_LINE;
    if (head->method.len == 0 || head->method.len > HTTP_METHOD_BYTES_MAX || !all_of(head->method, CLASS_METHOD))
        return HTTP_E_REQUEST_LINE;
    if (!is_version(line)) return HTTP_E_REQUEST_LINE;
    if (!str_equal(line, STR("HTTP/1.1"))) return HTTP_E_VERSION;
    return parse_target(target, head, ret_authority);
}

static int parse_header(struct str line, struct http_header *header) {
    if (line.at[0] == ' ' || line.at[0] == '\t') return HTTP_E_HEADER_FOLDED;
    if (!str_cut(&line, ':', &header->name) || !http_is_header_name(header->name)) return HTTP_E_HEADER;
    header->value = str_trim(line);
    if (is_value(header->value)) return 0;
    return memchr(header->value.at, '\r', header->value.len) ? HTTP_E_LINE_END : HTTP_E_HEADER;
}

static int parse_content_length(struct str value, uint64_t body_bytes_max, struct http_head *head) {
    int r = str_to_u64(value, &head->content_length);
    if (r == -ERANGE) return HTTP_E_BODY_TOO_LARGE;
    if (r) return HTTP_E_CONTENT_LENGTH;
    return head->content_length > body_bytes_max ? HTTP_E_BODY_TOO_LARGE : 0;
}

static bool has_close(struct str value) {
    bool more = true;
    while (more) {
        struct str option;
        more = str_cut(&value, ',', &option);
        if (str_equal_nocase(str_trim(option), STR("close"))) return true;
    }
    return false;
}

/* The headers that decide where this request ends, and to whom it is addressed. */
static int judge_headers(struct http_head *head, struct str authority, uint64_t body_bytes_max) {
    size_t hosts = 0, lengths = 0;
    int too_large = 0; /* said last: what is malformed as well is malformed */
    for (size_t i = 0; i < head->header_count; i++) {
        const struct http_header *header = &head->headers[i];
        if (str_equal_nocase(header->name, STR("Host"))) {
            if (++hosts > 1 || !is_host(header->value)) return HTTP_E_HOST;
            if (authority.len && !str_equal_nocase(authority, header->value)) return HTTP_E_HOST;
        } else if (str_equal_nocase(header->name, STR("Content-Length"))) {
            if (++lengths > 1) return HTTP_E_CONTENT_LENGTH;
            int r = parse_content_length(header->value, body_bytes_max, head);
            if (r == HTTP_E_BODY_TOO_LARGE) too_large = r;
            else if (r) return r;
        } else if (str_equal_nocase(header->name, STR("Transfer-Encoding"))) {
            return HTTP_E_TRANSFER_ENCODING;
        } else if (str_equal_nocase(header->name, STR("Expect"))) {
            return HTTP_E_EXPECT;
        } else if (str_equal_nocase(header->name, STR("Connection"))) {
            head->close = head->close || has_close(header->value);
        }
    }
    return hosts == 0 ? HTTP_E_HOST : too_large;
}

/* Cuts the next line off; false when it does not end in CRLF. */
static bool cut_line(struct str *head, struct str *ret_line) {
    if (!str_cut(head, '\n', ret_line) || ret_line->len == 0 || ret_line->at[ret_line->len - 1] != '\r') return false;
    ret_line->len--;
    return true;
}

int http_parse_head(struct str head, uint64_t body_bytes_max, struct http_head *ret_head) {
    struct str line, authority;
    if (!cut_line(&head, &line)) return HTTP_E_LINE_END;
    ret_head->header_count = 0;
    ret_head->content_length = 0;
    ret_head->close = false;
    int r = parse_request_line(line, ret_head, &authority);
    if (r) return r;
    for (;;) {
        if (!cut_line(&head, &line)) return HTTP_E_LINE_END;
        if (line.len == 0) break;
        if (ret_head->header_count == HTTP_HEADERS_MAX) return HTTP_E_HEADERS_TOO_MANY;
        r = parse_header(line, &ret_head->headers[ret_head->header_count]);
        if (r) return r;
        ret_head->header_count++;
    }
    if (head.len != 0) return HTTP_E_LINE_END;
    return judge_headers(ret_head, authority, body_bytes_max);
}

struct str http_headers_get(const struct http_header *headers, size_t count, struct str name) {
    for (size_t i = 0; i < count; i++)
        if (str_equal_nocase(headers[i].name, name)) return headers[i].value;
    return (struct str){ 0 };
}

size_t http_headers_count(const struct http_header *headers, size_t count, struct str name) {
    size_t found = 0;
    for (size_t i = 0; i < count; i++) found += str_equal_nocase(headers[i].name, name);
    return found;
}

bool http_is_header_name(struct str name) {
    return name.len > 0 && all_of(name, CLASS_TOKEN);
}

bool http_is_header_value(struct str value) {
    return is_value(value) && str_trim(value).len == value.len;
}
