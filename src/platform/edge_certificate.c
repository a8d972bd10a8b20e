#include "platform/edge_certificate.h"

#include "platform/encoding.h"

/* What the certificate's own reader said, in this module's words. */
static int translate(int r) {
    return r > 0 ? EDGE_CERTIFICATE_E_CERTIFICATE : err_trace(r);
}

/* ---- one certificate, or a chain that begins with it ---- */

static int parse_escaped(struct str value, bool is_chain, struct certificate **ret_certificate) {
    uint8_t memory[EDGE_CERTIFICATE_BYTES_MAX];
    struct buffer decoded;
    buffer_init(&decoded, memory, sizeof memory);
    if (percent_decode(value, false, &decoded)) return EDGE_CERTIFICATE_E_ENCODING; /* '+' is a '+' of base64 */
    int r = is_chain ? certificate_parse_pem_first(buffer_str(&decoded), ret_certificate)
                     : certificate_parse_pem(buffer_str(&decoded), ret_certificate);
    return translate(r);
}

static int parse_base64(struct str value, struct certificate **ret_certificate) {
    uint8_t memory[EDGE_CERTIFICATE_BYTES_MAX];
    struct buffer decoded;
    buffer_init(&decoded, memory, sizeof memory);
    if (base64_decode(value, &decoded)) return EDGE_CERTIFICATE_E_ENCODING;
    return translate(certificate_parse_der(buffer_str(&decoded), ret_certificate));
}

/* ":" base64 ":" (RFC 8941 section 3.3.5). */
static int parse_sequence(struct str value, struct certificate **ret_certificate) {
    if (value.len < 2 || value.at[0] != ':' || value.at[value.len - 1] != ':') return EDGE_CERTIFICATE_E_ENCODING;
    return parse_base64(str_slice(value, 1, value.len - 1), ret_certificate);
}

/* ---- X-Forwarded-Client-Cert ---- */

struct forwarded {
    struct str cert, chain, hash; /* without quotes; .at == NULL when not there */
};

/* Where the first separator outside quotes is, or the end. False when a quote does not end, or a backslash stands
 * outside one: a caller's part that tries to change what the hop's part means. */
static bool find_separator(struct str text, char separator, size_t *ret_at) {
    bool quoted = false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '\\' && !quoted) return false;
        if (text.at[i] == '\\') i++;
        else if (text.at[i] == '"') quoted = !quoted;
        else if (!quoted && text.at[i] == separator) {
            *ret_at = i;
            return true;
        }
    }
    *ret_at = text.len;
    return !quoted;
}

/* The last element: the hop next to us wrote it; what stands before is what callers told that hop. */
static bool last_element(struct str value, struct str *ret_element) {
    for (size_t count = 0; count < EDGE_ELEMENTS_MAX; count++) {
        size_t at;
        if (!find_separator(value, ',', &at)) return false;
        if (at == value.len) {
            *ret_element = str_trim(value);
            return true;
        }
        value = str_slice(value, at + 1, value.len);
    }
    return false;
}

/* Quotes off. False for quotes inside, and for escapes: neither PEM nor a hash has any use for them. */
static bool unquote(struct str *value) {
    size_t len = value->len;
    if (len >= 2 && value->at[0] == '"' && value->at[len - 1] == '"') *value = str_slice(*value, 1, len - 1);
    return !memchr(value->at, '"', value->len) && !memchr(value->at, '\\', value->len);
}

static bool forwarded_pair(struct str pair, struct forwarded *forwarded) {
    struct str key;
    if (!str_cut(&pair, '=', &key)) return false;
    struct str *place = str_equal_nocase(key, STR("Cert"))    ? &forwarded->cert
                        : str_equal_nocase(key, STR("Chain")) ? &forwarded->chain
                        : str_equal_nocase(key, STR("Hash"))  ? &forwarded->hash
                                                              : NULL;
    if (!place) return true; /* By, Subject, URI, DNS: the certificate says it better */
    if (place->at || !unquote(&pair) || pair.len == 0) return false;
    *place = pair;
    return true;
}

static bool forwarded_read(struct str value, struct forwarded *ret_forwarded) {
    struct forwarded forwarded = { 0 };
    struct str element;
    if (!last_element(value, &element)) return false;
    for (size_t count = 0; count < EDGE_ELEMENTS_MAX; count++) {
        size_t at;
        if (!find_separator(element, ';', &at) || !forwarded_pair(str_slice(element, 0, at), &forwarded)) return false;
        if (at == element.len) {
            *ret_forwarded = forwarded;
            return true;
        }
        element = str_slice(element, at + 1, element.len);
    }
    return false;
}

/* Whether the rest of the element speaks of the same certificate. 0, EDGE_CERTIFICATE_E_ENCODING, -ENOMEM. */
static int forwarded_agrees(const struct forwarded *forwarded, const struct certificate *certificate) {
    struct certificate *first = NULL;
    struct hash told;
    if (forwarded->hash.at &&
        (hex_decode(forwarded->hash, told.bytes, sizeof told.bytes) || !hash_equal(&told, &certificate->sha256)))
        return EDGE_CERTIFICATE_E_ENCODING;
    if (!forwarded->cert.at || !forwarded->chain.at) return 0;
    int r = parse_escaped(forwarded->chain, true, &first);
    if (r) return r < 0 ? err_trace(r) : EDGE_CERTIFICATE_E_ENCODING;
    r = hash_equal(&first->sha256, &certificate->sha256) ? 0 : EDGE_CERTIFICATE_E_ENCODING;
    (void)certificate_free(first);
    return r;
}

static int parse_forwarded(struct str value, struct certificate **ret_certificate) {
    struct forwarded forwarded;
    struct certificate *certificate = NULL;
    if (!forwarded_read(value, &forwarded)) return EDGE_CERTIFICATE_E_ENCODING;
    bool has_cert = forwarded.cert.at != NULL;
    if (!has_cert && !forwarded.chain.at) return EDGE_CERTIFICATE_E_EMPTY; /* without a certificate Envoy says By= */
    int r = parse_escaped(has_cert ? forwarded.cert : forwarded.chain, !has_cert, &certificate);
    if (r) return r < 0 ? err_trace(r) : r;
    r = forwarded_agrees(&forwarded, certificate);
    if (r == 0) *ret_certificate = certificate;
    else (void)certificate_free(certificate);
    return r < 0 ? err_trace(r) : r;
}

int edge_certificate_parse(enum edge_form form, struct str value, struct certificate **ret_certificate) {
    int r = EDGE_CERTIFICATE_E_ENCODING;
    if (value.len == 0) return EDGE_CERTIFICATE_E_EMPTY;
    if (value.len > EDGE_CERTIFICATE_BYTES_MAX) return EDGE_CERTIFICATE_E_SIZE;
    switch (form) {
    case EDGE_FORM_NGINX:
    case EDGE_FORM_AWS_VERIFY:
        r = parse_escaped(value, false, ret_certificate);
        break;
    case EDGE_FORM_RFC9440:
        r = parse_sequence(value, ret_certificate);
        break;
    case EDGE_FORM_XFCC:
        r = parse_forwarded(value, ret_certificate);
        break;
    case EDGE_FORM_AWS:
        r = parse_escaped(value, true, ret_certificate);
        break;
    case EDGE_FORM_AZURE:
        r = parse_base64(value, ret_certificate);
        break;
    case EDGE_FORM_COUNT:
        check(false);
    }
    return r < 0 ? err_trace(r) : r;
}
