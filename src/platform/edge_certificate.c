#include "platform/edge_certificate.h"

#include "platform/encoding.h"

/* ":" base64 ":" (RFC 8941 section 3.3.5). 0 or -EINVAL. */
static int byte_sequence_decode(struct str value, struct buffer *out) {
    if (value.len < 2 || value.at[value.len - 1] != ':') return -EINVAL;
    return base64_decode(str_slice(value, 1, value.len - 1), out);
}

/* What the certificate's own reader said, in this module's words. */
static int translate(int r) {
    return r > 0 ? EDGE_CERTIFICATE_E_CERTIFICATE : err_trace(r);
}

int edge_certificate_parse(struct str value, struct certificate **ret_certificate) {
    uint8_t memory[EDGE_CERTIFICATE_BYTES_MAX];
    struct buffer decoded;
    buffer_init(&decoded, memory, sizeof memory);
    if (value.len == 0) return EDGE_CERTIFICATE_E_EMPTY;
    if (value.len > EDGE_CERTIFICATE_BYTES_MAX) return EDGE_CERTIFICATE_E_SIZE;
    if (value.at[0] == ':') {
        if (byte_sequence_decode(value, &decoded)) return EDGE_CERTIFICATE_E_ENCODING;
        return translate(certificate_parse_der(buffer_str(&decoded), ret_certificate));
    }
    if (percent_decode(value, false, &decoded)) return EDGE_CERTIFICATE_E_ENCODING;
    return translate(certificate_parse_pem(buffer_str(&decoded), ret_certificate));
}
