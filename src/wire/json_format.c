#include "wire/json_format.h"

struct format_row {
    const char *name, *text;
    bool (*fits)(struct str text);
};

static const struct format_row rows[] = {
    [JSON_FORMAT_NONE] = { "", "text", NULL },
    [JSON_FORMAT_UUID] = { "uuid", "a UUID", json_format_is_uuid },
    [JSON_FORMAT_DATE_TIME] = { "date-time", "a date and time with offset (RFC 3339)", json_format_is_date_time },
    [JSON_FORMAT_DATE] = { "date", "a date (YYYY-MM-DD)", json_format_is_date },
    [JSON_FORMAT_IPV4] = { "ipv4", "an IPv4 address", json_format_is_ipv4 },
    [JSON_FORMAT_IPV6] = { "ipv6", "an IPv6 address", json_format_is_ipv6 },
    [JSON_FORMAT_URI] = { "uri", "a URI", json_format_is_uri },
};

enum json_format json_format_from(struct str name) {
    for (size_t i = JSON_FORMAT_NONE + 1; i < ARRAY_COUNT(rows); i++)
        if (str_equal_c(name, rows[i].name)) return (enum json_format)i;
    return JSON_FORMAT_NONE;
}

const char *json_format_text(enum json_format format) {
    return rows[format].text;
}

bool json_format_fits(enum json_format format, struct str text) {
    return format == JSON_FORMAT_NONE || rows[format].fits(text);
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_hex(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_among(char c, const char *set) {
    return c != 0 && strchr(set, c) != NULL;
}

bool json_format_is_uuid(struct str text) {
    if (text.len != 36) return false;
    for (size_t i = 0; i < text.len; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text.at[i] != '-' : !is_hex(text.at[i])) return false;
    }
    return true;
}

/* Takes count digits off the front of *s as a number. */
static bool take_digits(struct str *s, size_t count, int *ret) {
    int value = 0;
    if (s->len < count) return false;
    for (size_t i = 0; i < count; i++) {
        if (!is_digit(s->at[i])) return false;
        value = value * 10 + (s->at[i] - '0');
    }
    *s = str_slice(*s, count, s->len);
    *ret = value;
    return true;
}

static bool take(struct str *s, char c) {
    if (s->len == 0 || s->at[0] != c) return false;
    *s = str_slice(*s, 1, s->len);
    return true;
}

static bool take_date(struct str *s) {
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    int year, month, day;
    if (!take_digits(s, 4, &year) || !take(s, '-') || !take_digits(s, 2, &month) || !take(s, '-') ||
        !take_digits(s, 2, &day))
        return false;
    if (month < 1 || month > 12 || day < 1) return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return day <= days[month - 1] + (month == 2 && leap);
}

static bool take_time(struct str *s) {
    int hour, minute, second, digit;
    if (!take_digits(s, 2, &hour) || !take(s, ':') || !take_digits(s, 2, &minute) || !take(s, ':') ||
        !take_digits(s, 2, &second))
        return false;
    if (hour > 23 || minute > 59 || second > 59) return false;
    if (!take(s, '.')) return true;
    if (!take_digits(s, 1, &digit)) return false;
    while (take_digits(s, 1, &digit)) continue;
    return true;
}

static bool take_offset(struct str *s) {
    int hours, minutes;
    if (take(s, 'Z')) return true;
    if (!take(s, '+') && !take(s, '-')) return false;
    return take_digits(s, 2, &hours) && take(s, ':') && take_digits(s, 2, &minutes) && hours <= 23 && minutes <= 59;
}

bool json_format_is_date(struct str text) {
    return take_date(&text) && text.len == 0;
}

bool json_format_is_date_time(struct str text) {
    return take_date(&text) && take(&text, 'T') && take_time(&text) && take_offset(&text) && text.len == 0;
}

bool json_format_is_ipv4(struct str text) {
    for (int part = 0; part < 4; part++) {
        struct str number;
        uint64_t value;
        bool more = str_cut(&text, '.', &number);
        if (more != (part < 3) || str_to_u64(number, &value) || value > 255) return false;
    }
    return true;
}

static bool is_group(struct str group) {
    if (group.len < 1 || group.len > 4) return false;
    for (size_t i = 0; i < group.len; i++)
        if (!is_hex(group.at[i])) return false;
    return true;
}

/* Counts the 16-bit groups of "a:b:c" (empty: 0), -1 when malformed. An IPv4 tail counts as two. */
static int count_groups(struct str text, bool tail_allowed) {
    int count = 0;
    for (bool more = text.len > 0; more;) {
        struct str group;
        more = str_cut(&text, ':', &group);
        if (is_group(group)) count++;
        else if (!more && tail_allowed && json_format_is_ipv4(group)) count += 2;
        else return -1;
    }
    return count;
}

bool json_format_is_ipv6(struct str text) {
    size_t gap;
    if (!str_find(text, STR("::"), &gap)) return count_groups(text, true) == 8;
    struct str head = str_slice(text, 0, gap), tail = str_slice(text, gap + 2, text.len);
    int before = count_groups(head, false), after = count_groups(tail, true);
    return before >= 0 && after >= 0 && before + after <= 7;
}

/* Only unreserved characters, sub-delims, percent-encoded bytes and those of extra. */
static bool is_uri_text(struct str s, const char *extra) {
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        if (c == '%') {
            if (i + 2 >= s.len || !is_hex(s.at[i + 1]) || !is_hex(s.at[i + 2])) return false;
            i += 2;
        } else if (!is_letter(c) && !is_digit(c) && !is_among(c, "-._~!$&'()*+,;=") && !is_among(c, extra)) {
            return false;
        }
    }
    return true;
}

static bool is_port(struct str s) {
    for (size_t i = 0; i < s.len; i++)
        if (!is_digit(s.at[i])) return false;
    return s.len <= 5;
}

static bool is_authority(struct str authority) {
    struct str rest = authority, user, host;
    size_t at;
    if (str_find(authority, STR("@"), &at)) {
        user = str_slice(authority, 0, at);
        rest = str_slice(authority, at + 1, authority.len);
        if (!is_uri_text(user, ":")) return false;
    }
    if (str_starts(rest, STR("["))) {
        if (!str_find(rest, STR("]"), &at) || !json_format_is_ipv6(str_slice(rest, 1, at))) return false;
        rest = str_slice(rest, at + 1, rest.len);
        return rest.len == 0 || (take(&rest, ':') && is_port(rest));
    }
    (void)str_cut(&rest, ':', &host); /* without a port rest is empty, which is a port too (RFC 3986 section 3.2.3) */
    return is_uri_text(host, "") && is_port(rest);
}

static bool is_scheme(struct str scheme) {
    if (scheme.len == 0 || !is_letter(scheme.at[0])) return false;
    for (size_t i = 1; i < scheme.len; i++)
        if (!is_letter(scheme.at[i]) && !is_digit(scheme.at[i]) && !is_among(scheme.at[i], "+-.")) return false;
    return true;
}

bool json_format_is_uri(struct str text) {
    struct str scheme, rest = text, path, query;
    if (!str_cut(&rest, ':', &scheme) || !is_scheme(scheme)) return false;
    (void)str_cut(&rest, '#', &path); /* rest: the fragment */
    if (!is_uri_text(rest, ":@/?")) return false;
    rest = path;
    (void)str_cut(&rest, '?', &path);
    query = rest;
    if (!is_uri_text(query, ":@/?")) return false;
    if (str_starts(path, STR("//"))) {
        struct str authority;
        path = str_slice(path, 2, path.len);
        (void)str_cut(&path, '/', &authority);
        if (!is_authority(authority)) return false;
    }
    return is_uri_text(path, ":@/");
}
