/* tls_subject_fuzz.c - the subject that a client wants to be registered with: what does not fit matches nothing, what
 * fits matches the certificate that says just this, and nothing matches a certificate that says nothing. The first line
 * is what the certificate says, the rest is the subject. */
#include "platform/tls_subject.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static bool is_pattern_free(struct str subject) {
    return !str_starts(subject, STR("dns:")) || !memchr(subject.at, '*', subject.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static const struct certificate empty;
    struct str subject = str_from_bytes(bytes, size), says, kind, value;
    if (size > CERTIFICATE_NAME_BYTES_MAX) return 0;
    (void)str_cut(&subject, '\n', &says);
    struct certificate shown = { .subject = says,
                                 .san_dns = &says,
                                 .san_dns_count = 1,
                                 .san_uri = &says,
                                 .san_uri_count = 1,
                                 .san_email = &says,
                                 .san_email_count = 1,
                                 .san_ip = &says,
                                 .san_ip_count = 1 };
    bool fits = tls_subject_fits(subject);
    check(!tls_subject_matches(subject, &empty));
    check(fits || !tls_subject_matches(subject, &shown));
    check(!fits || is_pattern_free(subject));
    if (!fits) return 0;
    value = subject;
    check(str_cut(&value, ':', &kind));
    says = shown.subject = value;
    if (str_equal_c(kind, "ip")) return 0; /* a certificate's is written in one form, the subject may have another */
    check(tls_subject_matches(subject, &shown));
    return 0;
}
