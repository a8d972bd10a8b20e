#include "platform/tls_subject.h"

#include "platform/buffer.h"

#include <arpa/inet.h>

enum { PARTS_MAX = 16, NAME_TEXT_BYTES_MAX = 4096 };

/* ---- distinguished names (RFC 4514) ---- */

static const struct {
    const char *number, *short_name, *long_name;
} types[] = {
    { "2.5.4.3", "CN", "commonName" },
    { "2.5.4.4", "SN", "surname" },
    { "2.5.4.5", "serialNumber", "serialNumber" },
    { "2.5.4.6", "C", "countryName" },
    { "2.5.4.7", "L", "localityName" },
    { "2.5.4.8", "ST", "stateOrProvinceName" },
    { "2.5.4.9", "street", "streetAddress" },
    { "2.5.4.10", "O", "organizationName" },
    { "2.5.4.11", "OU", "organizationalUnitName" },
    { "2.5.4.12", "title", "title" },
    { "2.5.4.15", "businessCategory", "businessCategory" },
    { "2.5.4.17", "postalCode", "postalCode" },
    { "2.5.4.97", "organizationIdentifier", "organizationIdentifier" },
    { "0.9.2342.19200300.100.1.1", "UID", "userId" },
    { "0.9.2342.19200300.100.1.25", "DC", "domainComponent" },
    { "1.2.840.113549.1.9.1", "emailAddress", "emailAddress" },
    { "1.3.6.1.4.1.311.60.2.1.3", "jurisdictionC", "jurisdictionCountryName" },
};

static struct str type_number(struct str type) {
    for (size_t i = 0; i < ARRAY_COUNT(types); i++)
        if (str_equal_nocase(type, str_from_c(types[i].short_name)) ||
            str_equal_nocase(type, str_from_c(types[i].long_name)))
            return str_from_c(types[i].number);
    return type;
}

static char peek(const struct str *text) {
    return text->len ? text->at[0] : 0;
}

static char take(struct str *text) {
    char c = text->at[0];
    *text = str_slice(*text, 1, text->len);
    return c;
}

static void skip_blanks(struct str *text) {
    while (peek(text) == ' ') (void)take(text);
}

static int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Two hexadecimal digits; -1: they are not. */
static int take_byte(struct str *text) {
    if (text->len < 2 || hex_value(text->at[0]) < 0 || hex_value(text->at[1]) < 0) return -1;
    int high = hex_value(take(text));
    return high * 16 + hex_value(take(text));
}

static bool read_type(struct str *text, struct str *ret_type) {
    struct str rest;
    skip_blanks(text);
    rest = *text;
    while (rest.len && (peek(&rest) == '.' || peek(&rest) == '-' || (peek(&rest) >= '0' && peek(&rest) <= '9') ||
                        (peek(&rest) >= 'a' && peek(&rest) <= 'z') || (peek(&rest) >= 'A' && peek(&rest) <= 'Z')))
        (void)take(&rest);
    *ret_type = str_slice(*text, 0, text->len - rest.len);
    skip_blanks(&rest);
    if (ret_type->len == 0 || peek(&rest) != '=') return false;
    (void)take(&rest);
    *text = rest;
    return true;
}

/* "#" and DER in hexadecimal: a text of at most 127 bytes stands for its bytes. */
static bool read_der(struct str *text, struct buffer *value) {
    int tag, bytes, byte;
    (void)take(text);
    tag = take_byte(text);
    bytes = take_byte(text);
    if ((tag != 0x0c && tag != 0x13 && tag != 0x16) || bytes < 0 || bytes > 127) return false;
    for (int i = 0; i < bytes; i++) {
        byte = take_byte(text);
        if (byte < 0) return false;
        buffer_append_char(value, (char)byte);
    }
    return !value->overflow;
}

static bool read_escaped(struct str *text, struct buffer *value) {
    int byte = take_byte(text);
    if (byte < 0 && !(text->len && strchr(" \"#+,;<=>\\", peek(text)))) return false;
    buffer_append_char(value, byte < 0 ? take(text) : (char)byte);
    return true;
}

static bool read_value(struct str *text, struct buffer *value) {
    size_t end = 0; /* behind the last byte that is no blank, or an escaped one */
    skip_blanks(text);
    if (peek(text) == '#') return read_der(text, value);
    while (text->len && peek(text) != ',' && peek(text) != '+') {
        char c = take(text);
        if (strchr("\";<>", c)) return false; /* also a NUL */
        if (c == '\\') {
            if (!read_escaped(text, value)) return false;
        } else buffer_append_char(value, c);
        if (c != ' ') end = value->len;
    }
    if (value->overflow) return false;
    value->len = end;
    return true;
}

/* "2.5.4.3=414243", the bytes in hexadecimal. */
static bool read_part(struct str *text, struct buffer *out) {
    char memory[CERTIFICATE_NAME_BYTES_MAX];
    struct buffer value;
    struct str type;
    buffer_init(&value, memory, sizeof memory);
    if (!read_type(text, &type) || !read_value(text, &value)) return false;
    buffer_printf(out, STR_FMT "=", STR_ARG(type_number(type)));
    for (size_t i = 0; i < value.len; i++) buffer_printf(out, "%02x", (unsigned char)memory[i]);
    return value.len > 0 && !out->overflow;
}

/* The name in one form for all that are equal; the parts of an RDN of several are kept in their order, which DER sorts.
 */
static bool name_canonical(struct str text, struct buffer *out) {
    for (size_t parts = 0; parts < PARTS_MAX; parts++) {
        if (!read_part(&text, out)) return false;
        skip_blanks(&text);
        if (text.len == 0) return true;
        char separator = take(&text);
        if (separator != ',' && separator != '+') return false;
        buffer_append_char(out, separator);
    }
    return false;
}

static bool name_fits(struct str value) {
    char memory[NAME_TEXT_BYTES_MAX];
    struct buffer name;
    buffer_init(&name, memory, sizeof memory);
    return name_canonical(value, &name);
}

static bool name_equal(struct str value, struct str subject) {
    char memory[2][NAME_TEXT_BYTES_MAX];
    struct buffer registered, shown;
    buffer_init(&registered, memory[0], sizeof memory[0]);
    buffer_init(&shown, memory[1], sizeof memory[1]);
    return name_canonical(value, &registered) && name_canonical(subject, &shown) &&
           str_equal(buffer_str(&registered), buffer_str(&shown));
}

/* ---- addresses ---- */

/* As inet_ntop writes it; false when it is none. */
static bool address_canonical(struct str value, char text[INET6_ADDRSTRLEN]) {
    uint8_t bytes[16];
    char given[INET6_ADDRSTRLEN];
    if (str_to_c(value, given, sizeof given)) return false;
    int family = inet_pton(AF_INET, given, bytes) == 1 ? AF_INET : AF_INET6;
    if (family == AF_INET6 && inet_pton(AF_INET6, given, bytes) != 1) return false;
    return inet_ntop(family, bytes, text, INET6_ADDRSTRLEN) != NULL;
}

/* ---- the five kinds ---- */

enum kind { KIND_NAME, KIND_DNS, KIND_URI, KIND_ADDRESS, KIND_EMAIL, KIND_NONE };

static enum kind kind_of(struct str subject, struct str *ret_value) {
    static const char *const names[] = { "dn", "dns", "uri", "ip", "email" };
    struct str name;
    if (!str_cut(&subject, ':', &name) || subject.len == 0 || subject.len > CERTIFICATE_NAME_BYTES_MAX)
        return KIND_NONE;
    *ret_value = subject;
    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        if (str_equal_c(name, names[i])) return (enum kind)i;
    return KIND_NONE;
}

bool tls_subject_fits(struct str subject) {
    struct str value;
    char text[INET6_ADDRSTRLEN];
    enum kind kind = kind_of(subject, &value);
    if (kind == KIND_NONE) return false;
    if (kind == KIND_NAME) return name_fits(value);
    if (kind == KIND_ADDRESS) return address_canonical(value, text);
    for (size_t i = 0; i < value.len; i++)
        if (value.at[i] <= ' ' || value.at[i] > '~' || value.at[i] == '*') return false;
    return true;
}

static bool list_has(const struct str *list, size_t count, struct str value, bool any_case) {
    for (size_t i = 0; i < count; i++)
        if (any_case ? str_equal_nocase(list[i], value) : str_equal(list[i], value)) return true;
    return false;
}

bool tls_subject_matches(struct str subject, const struct certificate *certificate) {
    struct str value;
    char text[INET6_ADDRSTRLEN];
    if (!tls_subject_fits(subject)) return false;
    switch (kind_of(subject, &value)) {
    case KIND_NAME:
        return name_equal(value, certificate->subject);
    case KIND_DNS:
        return list_has(certificate->san_dns, certificate->san_dns_count, value, true);
    case KIND_URI:
        return list_has(certificate->san_uri, certificate->san_uri_count, value, false);
    case KIND_ADDRESS:
        return address_canonical(value, text) &&
               list_has(certificate->san_ip, certificate->san_ip_count, str_from_c(text), false);
    case KIND_EMAIL:
        return list_has(certificate->san_email, certificate->san_email_count, value, false);
    case KIND_NONE:
        break;
    }
    return false;
}
