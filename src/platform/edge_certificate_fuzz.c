#include "platform/edge_certificate.h"

#include "platform/encoding.h"

/* The first byte chooses the form of the edge; with its top bit, the rest is raw DER that is put into an RFC 9440 byte
 * sequence, so that the fuzzer reaches the certificate itself (T14). Else the rest is the header's value as it is. What
 * is accepted obeys (X2) and gives the same certificate again from its own DER. */

static void name_check(struct str name) {
    check(name.len <= CERTIFICATE_NAME_BYTES_MAX && str_is_utf8(name));
    for (size_t i = 0; i < name.len; i++) check((unsigned char)name.at[i] >= 0x20 && name.at[i] != 0x7f);
}

static void certificate_check(const struct certificate *certificate) {
    uint8_t memory[2 * CERTIFICATE_BYTES_MAX];
    struct buffer der;
    struct certificate *again = NULL;
    name_check(certificate->common_name);
    name_check(certificate->organization);
    name_check(certificate->organization_id);
    name_check(certificate->unit);
    for (size_t i = 0; i < certificate->san_dns_count; i++) name_check(certificate->san_dns[i]);
    for (size_t i = 0; i < certificate->san_uri_count; i++) name_check(certificate->san_uri[i]);
    buffer_init(&der, memory, sizeof memory);
    check(certificate_write_der(certificate, &der) == 0);
    if (certificate_parse_der(buffer_str(&der), &again) == 0) check(str_equal(again->subject, certificate->subject));
    certificate_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char memory[2 * EDGE_CERTIFICATE_BYTES_MAX];
    struct buffer value;
    struct certificate *certificate = NULL;
    if (size == 0 || size > EDGE_CERTIFICATE_BYTES_MAX) return 0;
    buffer_init(&value, memory, sizeof memory);
    enum edge_form form = (enum edge_form)(data[0] % EDGE_FORM_COUNT);
    if (data[0] & 0x80) {
        form = EDGE_FORM_RFC9440;
        buffer_append_char(&value, ':');
        base64_encode(&value, data + 1, size - 1);
        buffer_append_char(&value, ':');
    } else {
        buffer_append(&value, data + 1, size - 1);
    }
    if (edge_certificate_parse(form, buffer_str(&value), &certificate) == 0) certificate_check(certificate);
    certificate_free(certificate);
    return 0;
}
