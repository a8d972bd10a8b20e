/* The header forms of edges: each gives the certificate it was made of, and nothing of another form or doubled does. */
#include "platform/edge_certificate.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "platform/clock.h"
#include "platform/encoding.h"

enum { VALUE_BYTES_MAX = EDGE_CERTIFICATE_BYTES_MAX + 64 };

/* One certificate and another, as text of each kind. */
static struct certificate *ours, *theirs;
static char escaped[2][VALUE_BYTES_MAX], aws[2][VALUE_BYTES_MAX], base64[2][VALUE_BYTES_MAX], hex[2][80];

static struct certificate *make(const char *name) {
    struct certificate_request request = { .organization = STR("Test"),
                                           .common_name = str_from_c(name),
                                           .not_before_ms = clock_now_ms() - 1000,
                                           .not_after_ms = clock_now_ms() + 1000000 };
    struct authority *authority;
    struct certificate *certificate = NULL;
    char memory[CERTIFICATE_BYTES_MAX];
    struct buffer der;
    buffer_init(&der, memory, sizeof memory);
    assert_int_equal(authority_create(KEY_TYPE_EC_P256, &request, &authority), 0);
    assert_int_equal(certificate_write_der(authority_certificate(authority), &der), 0);
    assert_int_equal(certificate_parse_der(buffer_str(&der), &certificate), 0);
    (void)authority_free(authority);
    return certificate;
}

/* AWS leaves "+=/" as they are (and what is unreserved). */
static void aws_encode(struct buffer *out, struct str text) {
    for (size_t i = 0; i < text.len; i++) {
        if (memchr("+=/", text.at[i], 3)) buffer_append_char(out, text.at[i]);
        else percent_encode(out, str_slice(text, i, i + 1));
    }
}

static void write_forms(const struct certificate *certificate, size_t i) {
    char memory[CERTIFICATE_PEM_BYTES_MAX];
    struct buffer pem, out;
    buffer_init(&pem, memory, sizeof memory);
    assert_int_equal(certificate_write_pem(certificate, &pem), 0);
    buffer_init(&out, escaped[i], VALUE_BYTES_MAX - 1);
    percent_encode(&out, buffer_str(&pem));
    buffer_init(&out, aws[i], VALUE_BYTES_MAX - 1);
    aws_encode(&out, buffer_str(&pem));
    buffer_reset(&pem);
    assert_int_equal(certificate_write_der(certificate, &pem), 0);
    buffer_init(&out, base64[i], VALUE_BYTES_MAX - 1);
    base64_encode(&out, pem.at, pem.len);
    buffer_init(&out, hex[i], sizeof hex[i] - 1);
    hex_encode(&out, certificate->sha256.bytes, sizeof certificate->sha256.bytes);
}

static int setup(void **state) {
    (void)state;
    ours = make("ours");
    theirs = make("theirs");
    write_forms(ours, 0);
    write_forms(theirs, 1);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    ours = certificate_free(ours);
    theirs = certificate_free(theirs);
    return 0;
}

/* In a pattern: E, W, B, H our certificate escaped, AWS's way, in base64, its hash; e, w, b, h the other one. All else
 * stands for itself; '~' is a double quote. */
static struct str expand(const char *pattern, char memory[4 * VALUE_BYTES_MAX]) {
    struct buffer out;
    buffer_init(&out, memory, 4 * VALUE_BYTES_MAX);
    for (const char *at = pattern; *at; at++) {
        size_t other = *at >= 'a';
        switch (*at) {
        case 'E':
        case 'e':
            buffer_append_c(&out, escaped[other]);
            break;
        case 'W':
        case 'w':
            buffer_append_c(&out, aws[other]);
            break;
        case 'B':
        case 'b':
            buffer_append_c(&out, base64[other]);
            break;
        case 'H':
        case 'h':
            buffer_append_c(&out, hex[other]);
            break;
        case '~':
            buffer_append_char(&out, '"');
            break;
        case '!':
            buffer_append_c(&out, "Cert=");
            break;
        case '$':
            buffer_append_c(&out, "Chain=");
            break;
        case '#':
            buffer_append_c(&out, "Hash=");
            break;
        case '@':
            buffer_append_c(&out, "By=spiffe://x");
            break;
        default:
            buffer_append_char(&out, *at);
        }
    }
    assert_false(out.overflow);
    return buffer_str(&out);
}

#define BAD EDGE_CERTIFICATE_E_CERTIFICATE
#define CODE EDGE_CERTIFICATE_E_ENCODING
#define NONE EDGE_CERTIFICATE_E_EMPTY

/* spec: gateway/5, gateway/T6 */
static void each_form_gives_its_certificate(void **state) {
    static const struct {
        enum edge_form form;
        const char *pattern;
        int want;
    } cases[] = {
        { EDGE_FORM_NGINX, "E", 0 },
        { EDGE_FORM_NGINX, "", NONE },
        { EDGE_FORM_NGINX, "EE", BAD },
        { EDGE_FORM_NGINX, ":B:", BAD },
        { EDGE_FORM_NGINX, "%zz", CODE },
        { EDGE_FORM_NGINX, "%", CODE },
        { EDGE_FORM_NGINX, "(null)", BAD },
        { EDGE_FORM_RFC9440, ":B:", 0 },
        { EDGE_FORM_RFC9440, ":B", CODE },
        { EDGE_FORM_RFC9440, "B", CODE },
        { EDGE_FORM_RFC9440, "E", CODE },
        { EDGE_FORM_RFC9440, ":B:, :B:", CODE },
        { EDGE_FORM_RFC9440, ":B:;x=1", CODE },
        { EDGE_FORM_RFC9440, ":", CODE },
        { EDGE_FORM_RFC9440, "::", BAD },
        { EDGE_FORM_RFC9440, ":AAAA:", BAD },
        { EDGE_FORM_RFC9440, ":A:", CODE },
        { EDGE_FORM_AWS, "W", 0 },
        { EDGE_FORM_AWS, "Ww", 0 }, /* the chain behind the leaf changes nothing */
        { EDGE_FORM_AWS, "W%0Ajunk", 0 },
        { EDGE_FORM_AWS, "junk%0AW", BAD },
        { EDGE_FORM_AWS, "B", BAD },
        { EDGE_FORM_AWS_VERIFY, "W", 0 },
        { EDGE_FORM_AWS_VERIFY, "Ww", BAD },
        { EDGE_FORM_AZURE, "B", 0 },
        { EDGE_FORM_AZURE, ":B:", CODE },
        { EDGE_FORM_AZURE, "E", CODE },
        { EDGE_FORM_AZURE, "B,B", CODE },
        { EDGE_FORM_XFCC, "!~E~", 0 },
        { EDGE_FORM_XFCC, "!E", 0 },
        { EDGE_FORM_XFCC, "@;#H;!~E~;Su6j=~CN=\\~x\\~,O=y;z~", 0 },
        { EDGE_FORM_XFCC, "@;#h;!~E~", CODE },
        { EDGE_FORM_XFCC, "@;!~E~;$~Ee~", 0 },
        { EDGE_FORM_XFCC, "@;!~E~;$~eE~", CODE },
        { EDGE_FORM_XFCC, "@;$~Ee~", 0 },
        { EDGE_FORM_XFCC, "!~e~,@;!~E~", 0 }, /* only the last hop is believed */
        { EDGE_FORM_XFCC, "!~e~,@", NONE },
        { EDGE_FORM_XFCC, "!~E~;!~e~", CODE },
        { EDGE_FORM_XFCC, "!~e~;@~,@;!~E~", CODE },            /* a quote left open in front */
        { EDGE_FORM_XFCC, "!~e~;@~\\,@;!~E~", CODE },          /* and an escape behind it */
        { EDGE_FORM_XFCC, "!~e~;@\\,@;!~E~", CODE },           /* an escape outside quotes */
        { EDGE_FORM_XFCC, "!~e~;@~,@;!~E~;Su6j=~\\~~", CODE }, /* and a quote in the hop's own part */
        { EDGE_FORM_XFCC, "!~E~,", CODE },
        { EDGE_FORM_XFCC, "@", NONE },
        { EDGE_FORM_XFCC, "E", CODE },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        static char memory[4 * VALUE_BYTES_MAX];
        struct certificate *certificate = NULL;
        int r = edge_certificate_parse(cases[i].form, expand(cases[i].pattern, memory), &certificate);
        if (r != cases[i].want) fail_msg("case %zu, %s: %d", i, cases[i].pattern, r);
        if (r == 0) assert_true(hash_equal(&certificate->sha256, &ours->sha256));
        certificate = certificate_free(certificate);
    }
}

static void sizes_are_limited(void **state) {
    static char memory[VALUE_BYTES_MAX];
    struct certificate *certificate = NULL;
    (void)state;
    memset(memory, 'A', sizeof memory);
    for (int form = 0; form < EDGE_FORM_COUNT; form++) {
        assert_int_equal(edge_certificate_parse((enum edge_form)form,
                                                str_from_bytes(memory, EDGE_CERTIFICATE_BYTES_MAX + 1), &certificate),
                         EDGE_CERTIFICATE_E_SIZE);
        assert_true(edge_certificate_parse((enum edge_form)form, str_from_bytes(memory, EDGE_CERTIFICATE_BYTES_MAX),
                                           &certificate) > 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form_gives_its_certificate),
        cmocka_unit_test(sizes_are_limited),
    };
    return cmocka_run_group_tests_name("edge_certificate", tests, setup, teardown);
}
