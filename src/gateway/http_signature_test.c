/* http_signature_test.c - what is signed and by whom. The texts that are signed here are written out by hand. */
#include "gateway/http_signature.h"

#include "platform/encoding.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { NOW_S = 1700000000, HEADERS_MAX = 12 };
enum signer { BY_EDDSA, BY_ES256, BY_PS256, BY_STRANGER, BY_ANOTHER_KID, SIGNERS };

static struct arena arena;
static struct key *signers[SIGNERS];
static struct jwks *client_keys;

#define BODY "{\"hello\": \"world\"}"
#define SHA256 "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"
#define SHA512 "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:"
#define SHA256_OF_NOTHING "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"

static void put_jwk(struct jwk *jwks, size_t *count, const char *kid, struct key *key) {
    jwks[(*count)++] = (struct jwk){ .kid = str_from_c(kid), .key = key };
}

static int open_keys(void **state) {
    static char memory[8192];
    struct buffer text;
    struct jwk jwks[4];
    size_t count = 0;
    (void)state;
    assert_int_equal(arena_init(&arena, 64 * 1024, 1024 * 1024), 0);
    assert_int_equal(key_generate(KEY_TYPE_RSA, &signers[BY_PS256]), 0);
    assert_int_equal(key_generate(KEY_TYPE_EC_P256, &signers[BY_ES256]), 0);
    assert_int_equal(key_generate(KEY_TYPE_ED25519, &signers[BY_EDDSA]), 0);
    assert_int_equal(key_generate(KEY_TYPE_ED25519, &signers[BY_STRANGER]), 0);
    assert_int_equal(key_generate(KEY_TYPE_ED25519, &signers[BY_ANOTHER_KID]), 0);
    put_jwk(jwks, &count, "ps", signers[BY_PS256]);
    put_jwk(jwks, &count, "k1", signers[BY_ES256]);
    put_jwk(jwks, &count, "k1", signers[BY_EDDSA]); /* the same kid, told apart by the algorithm */
    put_jwk(jwks, &count, "k2", signers[BY_ANOTHER_KID]);
    buffer_init(&text, memory, sizeof memory);
    assert_int_equal(jwks_write(&text, jwks, count), 0);
    return jwks_parse(buffer_str(&text), &client_keys, NULL);
}

static int close_keys(void **state) {
    (void)state;
    for (size_t i = 0; i < SIGNERS; i++) (void)key_free(signers[i]);
    (void)jwks_free(client_keys);
    arena_release(&arena);
    return 0;
}

/* ---- requests ---- */

/* NULL: as in a good request. */
struct request_case {
    const char *name;
    int want;
    const char *list, *lines;      /* what the signature covers: in Signature-Input, and what is signed of it */
    const char *parameters;        /* behind the list */
    const char *signed_parameters; /* in what is signed; else the same */
    enum signer signer;
    const char *method, *query, *authorization, *digest, *body;
    const char *more_name, *more;  /* one more header */
    const char *input, *signature; /* the headers; "": left out */
};

#define TARGET "\"@target-uri\": https://bank.example:8443/v1/payments?x=%31\n"
#define COVERED "\"@method\": POST\n" TARGET "\"authorization\": Bearer t\n"
#define LIST "(\"@method\" \"@target-uri\" \"authorization\" \"content-digest\""
#define CREATED(seconds) ";created=" seconds ";keyid=\"k1\";tag=\"fapi-2-request\""
#define PARAMETERS CREATED("1700000000")
#define WITH_KEY(kid) ";created=1700000000;keyid=\"" kid "\";tag=\"fapi-2-request\""

static const struct request_case requests[] = {
    { .name = "a good one" },
    { .name = "by PS256", .parameters = WITH_KEY("ps"), .signer = BY_PS256 },
    { .name = "by ES256", .signer = BY_ES256 },
    { .name = "other order, other blanks",
      .list = "( \"authorization\"  \"content-digest\" \"@target-uri\" \"@method\" )",
      .lines = "\"authorization\": Bearer t\n\"content-digest\": " SHA256 "\n" TARGET "\"@method\": POST\n" },
    { .name = "unknown parameters are signed too", .parameters = PARAMETERS ";nonce=\"n\";x=?0" },
    { .name = "SHA-512", .digest = SHA512 },
    { .name = "both digests", .digest = SHA256 ", " SHA512 },
    { .name = "a digest that nobody asked for", .digest = "md5=:AAAA:, " SHA256 },
    { .name = "more is covered",
      .list = LIST " \"@authority\" \"@scheme\" \"@path\" \"@query\" \"@request-target\" \"x-more\")",
      .lines = COVERED "\"content-digest\": " SHA256 "\n\"@authority\": bank.example:8443\n\"@scheme\": https\n"
                       "\"@path\": /v1/payments\n\"@query\": ?x=%31\n\"@request-target\": /v1/payments?x=%31\n"
                       "\"x-more\": a  b\n",
      .more_name = "X-More",
      .more = " a  b " },
    { .name = "without a body",
      .list = "(\"@method\" \"@target-uri\" \"authorization\")",
      .lines = COVERED,
      .body = "" },
    { .name = "the digest of no body", .digest = SHA256_OF_NOTHING, .body = "" },
    { .name = "a proof that is covered",
      .list = LIST " \"dpop\")",
      .lines = COVERED "\"content-digest\": " SHA256 "\n\"dpop\": p\n",
      .more_name = "DPoP",
      .more = "p" },

    { .name = "no signature", .want = HTTP_SIGNATURE_E_MISSING, .input = "", .signature = "" },
    { .name = "no input", .want = HTTP_SIGNATURE_E_MALFORMED, .input = "" },
    { .name = "no signature, but an input", .want = HTTP_SIGNATURE_E_MALFORMED, .signature = "" },
    { .name = "not a dictionary", .want = HTTP_SIGNATURE_E_MALFORMED, .input = "sig1=(\"@method\"" },
    { .name = "an input without a list", .want = HTTP_SIGNATURE_E_MALFORMED, .input = "sig1=\"@method\"" },
    { .name = "a signature that is a list", .want = HTTP_SIGNATURE_E_MALFORMED, .signature = "sig1=(:AAAA:)" },
    { .name = "a signature that is a text", .want = HTTP_SIGNATURE_E_MALFORMED, .signature = "sig1=\"AAAA\"" },
    { .name = "a signature with a parameter", .want = HTTP_SIGNATURE_E_MALFORMED, .signature = "sig1=:AAAA:;x" },
    { .name = "another label", .want = HTTP_SIGNATURE_E_MALFORMED, .signature = "sig2=:AAAA:" },
    { .name = "two lines", .want = HTTP_SIGNATURE_E_MALFORMED, .more_name = "Signature", .more = "sig2=:AAAA:" },
    { .name = "two signatures", .want = HTTP_SIGNATURE_E_SEVERAL, .signature = "sig1=:AAAA:, sig2=:AAAA:" },
    { .name = "two inputs", .want = HTTP_SIGNATURE_E_SEVERAL, .input = "sig1=(\"@method\"), sig2=(\"@method\")" },

    { .name = "no tag", .want = HTTP_SIGNATURE_E_TAG, .parameters = ";created=1700000000;keyid=\"k1\"" },
    { .name = "another tag",
      .want = HTTP_SIGNATURE_E_TAG,
      .parameters = ";created=1700000000;keyid=\"k1\";tag=\"fapi-2-response\"" },
    { .name = "a tag that is a token",
      .want = HTTP_SIGNATURE_E_TAG,
      .parameters = ";created=1700000000;keyid=\"k1\";tag=fapi-2-request" },

    { .name = "60 s old", .parameters = CREATED("1699999940") },
    { .name = "61 s old", .want = HTTP_SIGNATURE_E_TIME, .parameters = CREATED("1699999939") },
    { .name = "10 s ahead", .parameters = CREATED("1700000010") },
    { .name = "11 s ahead", .want = HTTP_SIGNATURE_E_TIME, .parameters = CREATED("1700000011") },
    { .name = "far ahead", .want = HTTP_SIGNATURE_E_TIME, .parameters = CREATED("999999999999999") },
    { .name = "long ago", .want = HTTP_SIGNATURE_E_TIME, .parameters = CREATED("-999999999999999") },
    { .name = "a time in quotes", .want = HTTP_SIGNATURE_E_TIME, .parameters = CREATED("\"1700000000\"") },
    { .name = "no time", .want = HTTP_SIGNATURE_E_TIME, .parameters = ";keyid=\"k1\";tag=\"fapi-2-request\"" },
    { .name = "expires later", .parameters = PARAMETERS ";expires=1700000001" },
    { .name = "has expired", .want = HTTP_SIGNATURE_E_TIME, .parameters = PARAMETERS ";expires=1700000000" },
    { .name = "expires in words", .want = HTTP_SIGNATURE_E_TIME, .parameters = PARAMETERS ";expires=soon" },

    { .name = "no method",
      .want = HTTP_SIGNATURE_E_COVER,
      .list = "(\"@target-uri\" \"authorization\" \"content-digest\")",
      .lines = TARGET "\"authorization\": Bearer t\n\"content-digest\": " SHA256 "\n" },
    { .name = "no target",
      .want = HTTP_SIGNATURE_E_COVER,
      .list = "(\"@method\" \"authorization\" \"content-digest\")",
      .lines = "\"@method\": POST\n\"authorization\": Bearer t\n\"content-digest\": " SHA256 "\n" },
    { .name = "no token",
      .want = HTTP_SIGNATURE_E_COVER,
      .list = "(\"@method\" \"@target-uri\" \"content-digest\")",
      .lines = "\"@method\": POST\n" TARGET "\"content-digest\": " SHA256 "\n" },
    { .name = "no digest",
      .want = HTTP_SIGNATURE_E_COVER,
      .list = "(\"@method\" \"@target-uri\" \"authorization\")",
      .lines = COVERED },
    { .name = "nothing", .want = HTTP_SIGNATURE_E_COVER, .list = "()", .lines = "" },
    { .name = "a proof that is not covered", .want = HTTP_SIGNATURE_E_COVER, .more_name = "DPoP", .more = "p" },

    { .name = "a component twice",
      .want = HTTP_SIGNATURE_E_COMPONENT,
      .list = LIST " \"@method\")",
      .lines = COVERED "\"content-digest\": " SHA256 "\n\"@method\": POST\n" },
    { .name = "a header that is not there",
      .want = HTTP_SIGNATURE_E_COMPONENT,
      .list = LIST " \"x-more\")",
      .lines = COVERED "\"content-digest\": " SHA256 "\n\"x-more\": \n" },
    { .name = "a header that is there twice",
      .want = HTTP_SIGNATURE_E_COMPONENT,
      .list = LIST " \"host\")",
      .lines = COVERED "\"content-digest\": " SHA256 "\n\"host\": bank.example:8443, other\n",
      .more_name = "Host",
      .more = "other" },
    { .name = "a name in capitals",
      .want = HTTP_SIGNATURE_E_COMPONENT,
      .list = LIST " \"Host\")",
      .lines = COVERED "\"content-digest\": " SHA256 "\n\"Host\": bank.example:8443\n" },
    { .name = "a token for a name", .want = HTTP_SIGNATURE_E_COMPONENT, .list = LIST " host)" },
    { .name = "a flag", .want = HTTP_SIGNATURE_E_COMPONENT, .list = LIST " \"host\";sf)" },
    { .name = "of the answer",
      .want = HTTP_SIGNATURE_E_COMPONENT,
      .list = LIST " \"@status\")",
      .lines = COVERED "\"content-digest\": " SHA256 "\n\"@status\": 200\n" },
    { .name = "its own parameters",
      .want = HTTP_SIGNATURE_E_COMPONENT,
      .list = LIST " \"@signature-params\")",
      .lines = COVERED "\"content-digest\": " SHA256 "\n\"@signature-params\": \n" },

    { .name = "another body", .want = HTTP_SIGNATURE_E_DIGEST, .body = "{\"hello\": \"World\"}" },
    { .name = "no body any more", .want = HTTP_SIGNATURE_E_DIGEST, .body = "" },
    { .name = "a digest of no use", .want = HTTP_SIGNATURE_E_DIGEST, .digest = "md5=:AAAA:" },
    { .name = "the second digest is wrong", .want = HTTP_SIGNATURE_E_DIGEST, .digest = SHA256 ", sha-512=:AAAA:" },
    { .name = "a digest as text", .want = HTTP_SIGNATURE_E_DIGEST, .digest = "sha-256=\"X48E\"" },
    { .name = "a digest in no dictionary", .want = HTTP_SIGNATURE_E_DIGEST, .digest = "X48E9qOokqqrvdts8nOJ" },
    { .name = "a digest in a list", .want = HTTP_SIGNATURE_E_DIGEST, .digest = "sha-256=()" },

    { .name = "no key is named",
      .want = HTTP_SIGNATURE_E_KEY,
      .parameters = ";created=1700000000;tag=\"fapi-2-request\"" },
    { .name = "an empty name", .want = HTTP_SIGNATURE_E_KEY, .parameters = WITH_KEY("") },
    { .name = "an unknown key", .want = HTTP_SIGNATURE_E_KEY, .parameters = WITH_KEY("k3") },
    { .name = "the right algorithm is named", .parameters = PARAMETERS ";alg=\"ed25519\"" },
    { .name = "the algorithm of the other key of that kid",
      .want = HTTP_SIGNATURE_E_INVALID,
      .parameters = PARAMETERS ";alg=\"ecdsa-p256-sha256\"" },
    { .name = "that algorithm by that key", .parameters = PARAMETERS ";alg=\"ecdsa-p256-sha256\"", .signer = BY_ES256 },
    { .name = "an algorithm that PS256 is not",
      .want = HTTP_SIGNATURE_E_ALG,
      .parameters = WITH_KEY("ps") ";alg=\"rsa-pss-sha512\"",
      .signer = BY_PS256 },
    { .name = "a name of JWS", .want = HTTP_SIGNATURE_E_ALG, .parameters = PARAMETERS ";alg=\"EdDSA\"" },
    { .name = "a shared secret", .want = HTTP_SIGNATURE_E_ALG, .parameters = PARAMETERS ";alg=\"hmac-sha256\"" },
    { .name = "an algorithm that is a token", .want = HTTP_SIGNATURE_E_ALG, .parameters = PARAMETERS ";alg=ed25519" },

    { .name = "by a stranger", .want = HTTP_SIGNATURE_E_INVALID, .signer = BY_STRANGER },
    { .name = "by another key of the client", .want = HTTP_SIGNATURE_E_INVALID, .signer = BY_ANOTHER_KID },
    { .name = "that key by its name", .parameters = WITH_KEY("k2"), .signer = BY_ANOTHER_KID },
    { .name = "another method", .want = HTTP_SIGNATURE_E_INVALID, .method = "PUT" },
    { .name = "another target", .want = HTTP_SIGNATURE_E_INVALID, .query = "x=%32" },
    { .name = "the same target, spelt differently", .want = HTTP_SIGNATURE_E_INVALID, .query = "x=1" },
    { .name = "no query", .want = HTTP_SIGNATURE_E_INVALID, .query = "" },
    { .name = "another token", .want = HTTP_SIGNATURE_E_INVALID, .authorization = "Bearer u" },
    { .name = "another digest, as good",
      .want = HTTP_SIGNATURE_E_INVALID,
      .digest = SHA512,
      .list = LIST ")",
      .lines = COVERED "\"content-digest\": " SHA256 "\n" },
    { .name = "a moment later",
      .want = HTTP_SIGNATURE_E_INVALID,
      .parameters = CREATED("1700000001"),
      .signed_parameters = PARAMETERS },
    { .name = "no signature in it", .want = HTTP_SIGNATURE_E_INVALID, .signature = "sig1=::" },
};

struct made {
    struct http_header headers[HEADERS_MAX];
    struct http_signature_request request;
    struct str input, signature;
};

static void put_header(struct made *made, const char *name, const char *value) {
    assert_true(made->request.header_count < HEADERS_MAX);
    if (!value || !value[0]) return;
    made->headers[made->request.header_count++] =
        (struct http_header){ .name = str_from_c(name), .value = str_from_c(value) };
}

static const char *or_else(const char *text, const char *usual) {
    return text ? text : usual;
}

static struct str sign_text(const struct key *key, struct str text) {
    static char memory[1024];
    struct key_signature signature;
    struct buffer out;
    assert_int_equal(key_sign(key, key_algorithm(key), text, &signature), 0);
    buffer_init(&out, memory, sizeof memory);
    base64_encode(&out, signature.bytes, signature.len);
    return buffer_str(&out);
}

/* The list as it must stand in what is signed: one blank between two. */
static struct str tidy_list(const char *list) {
    static char memory[1024];
    struct buffer out;
    buffer_init(&out, memory, sizeof memory);
    for (const char *at = list; *at; at++) {
        bool edge = at[0] == ' ' && (at == list || at[-1] == '(' || at[-1] == ' ' || at[1] == ')');
        if (!edge) buffer_append_char(&out, *at);
    }
    return buffer_str(&out);
}

static void make(const struct request_case *row, struct made *made) {
    const char *digest = or_else(row->digest, SHA256), *list = or_else(row->list, LIST ")");
    const char *parameters = or_else(row->parameters, PARAMETERS);
    struct str lines =
        row->lines ? str_from_c(row->lines) : arena_printf(&arena, "%s\"content-digest\": %s\n", COVERED, digest);
    struct str tidy = tidy_list(list);
    struct str text = arena_printf(&arena, STR_FMT "\"@signature-params\": " STR_FMT "%s", STR_ARG(lines),
                                   STR_ARG(tidy), or_else(row->signed_parameters, parameters));
    struct str bytes = sign_text(signers[row->signer], text);
    struct str input = arena_printf(&arena, "sig1=%s%s", list, parameters);
    struct str signature = arena_printf(&arena, "sig1=:" STR_FMT ":", STR_ARG(bytes));
    *made = (struct made){ .request = { .method = str_from_c(or_else(row->method, "POST")),
                                        .origin = STR("https://bank.example:8443"),
                                        .path = STR("/v1/payments"),
                                        .query = str_from_c(or_else(row->query, "x=%31")),
                                        .body = str_from_c(or_else(row->body, BODY)) } };
    put_header(made, "host", "bank.example:8443");
    put_header(made, "Authorization", or_else(row->authorization, "Bearer t"));
    put_header(made, "Content-Digest", digest);
    put_header(made, "Signature-Input", or_else(row->input, input.at));
    put_header(made, "Signature", or_else(row->signature, signature.at));
    put_header(made, row->more_name, row->more);
    made->request.headers = made->headers;
}

/* spec: fapi/M4 */
static void requests_are_judged(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(requests); i++) {
        struct http_signature_link link = { 0 };
        struct made made;
        arena_reset(&arena);
        make(&requests[i], &made);
        print_message("%s\n", requests[i].name);
        assert_int_equal(http_signature_verify(&made.request, client_keys, NOW_S * INT64_C(1000), &arena, &link),
                         requests[i].want);
        assert_int_equal(link.input != NULL, requests[i].want == 0);
    }
}

static void a_line_that_is_too_long_is_refused(void **state) {
    struct request_case row = { .name = "long" };
    struct http_signature_link link;
    struct made made;
    char parameters[HTTP_SIGNATURE_INPUT_BYTES_MAX];
    (void)state;
    for (size_t longer = 0; longer < 2; longer++) {
        size_t len = HTTP_SIGNATURE_INPUT_BYTES_MAX - strlen("sig1=" LIST ")") + longer, at = strlen(PARAMETERS ";x=");
        memcpy(parameters, PARAMETERS ";x=", at);
        memset(parameters + at, 'x', len - at);
        parameters[len] = 0;
        row.parameters = parameters;
        arena_reset(&arena);
        make(&row, &made);
        assert_int_equal(http_signature_verify(&made.request, client_keys, NOW_S * INT64_C(1000), &arena, &link),
                         longer ? HTTP_SIGNATURE_E_MALFORMED : 0);
    }
}

static void refusals_have_names_and_sentences(void **state) {
    (void)state;
    for (int r = 1; r < HTTP_SIGNATURE_E_COUNT; r++) {
        assert_true(strlen(http_signature_refusal_name(r)) > 0);
        assert_true(str_ends(str_from_c(http_signature_refusal_text(r)), STR(".")));
    }
}

/* RFC 9421 appendix B.2.6: the base, and a signature that is the same whoever makes it. */
static void the_base_is_that_of_the_standard(void **state) {
    static const char want[] = "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n"
                               "\"@method\": POST\n"
                               "\"@path\": /foo\n"
                               "\"@authority\": example.com\n"
                               "\"content-type\": application/json\n"
                               "\"content-length\": 18\n"
                               "\"@signature-params\": (\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\""
                               " \"content-length\");created=1618884473;keyid=\"test-key-ed25519\"";
    static const char jwks[] = "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"test-key-ed25519\","
                               "\"x\":\"JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs\"}]}";
    static const struct http_header headers[] = {
        { STR_INIT("Host"), STR_INIT("example.com") },
        { STR_INIT("Date"), STR_INIT("Tue, 20 Apr 2021 02:07:55 GMT") },
        { STR_INIT("Content-Type"), STR_INIT("application/json") },
        { STR_INIT("Content-Length"), STR_INIT("18") },
    };
    const struct str signature_text =
        STR("sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:");
    struct http_signature_request request = { .method = STR("POST"),
                                              .origin = STR("https://EXAMPLE.com:443"),
                                              .path = STR("/foo"),
                                              .query = STR("param=Value&Pet=dog"),
                                              .headers = headers,
                                              .header_count = ARRAY_COUNT(headers) };
    struct structured_dictionary input, signature;
    struct jwks *keys;
    char memory[1024];
    struct buffer base;
    (void)state;
    arena_reset(&arena);
    buffer_init(&base, memory, sizeof memory);
    assert_int_equal(structured_dictionary_parse(STR("sig-b26=(\"date\" \"@method\" \"@path\" \"@authority\" "
                                                     "\"content-type\" \"content-length\");created=1618884473"
                                                     ";keyid=\"test-key-ed25519\""),
                                                 &arena, &input),
                     0);
    assert_true(http_signature_base(&request, &input.members[0], &base));
    assert_true(str_equal_c(buffer_str(&base), want));
    assert_int_equal(structured_dictionary_parse(signature_text, &arena, &signature), 0);
    assert_int_equal(jwks_parse(str_from_c(jwks), &keys, NULL), 0);
    const struct jwk *jwk = jwks_find(keys, STR("test-key-ed25519"), KEY_ALG_EDDSA);
    assert_non_null(jwk);
    struct str bytes = signature.members[0].items[0].value.text;
    assert_int_equal(key_verify(jwk->key, KEY_ALG_EDDSA, buffer_str(&base), bytes), 0);
    assert_int_equal(key_verify(jwk->key, KEY_ALG_EDDSA, str_slice(buffer_str(&base), 1, base.len), bytes),
                     KEY_E_SIGNATURE);
    (void)jwks_free(keys);
}

/* ---- answers ---- */

/* The bytes of a signature as it stands in the header. */
static struct str signature_bytes(struct str header) {
    struct structured_dictionary dictionary;
    assert_int_equal(structured_dictionary_parse(header, &arena, &dictionary), 0);
    assert_true(dictionary.count == 1 && str_equal_c(dictionary.members[0].key, "sig1"));
    return dictionary.members[0].items[0].value.text;
}

static void check_answer(const struct http_signature_answer *answer, const char *lines, const char *list) {
    struct http_signature_headers headers;
    struct jwk key = { .kid = STR("bank"), .key = signers[BY_PS256] };
    assert_int_equal(http_signature_make(answer, &key, &arena, &headers), 0);
    struct str input = arena_printf(&arena, "sig1=%s;created=%d;keyid=\"bank\";tag=\"fapi-2-response\"", list, NOW_S);
    assert_true(str_equal(headers.signature_input, input));
    struct str base = arena_printf(&arena, "%s\"@signature-params\": " STR_FMT, lines,
                                   STR_ARG(str_slice(input, strlen("sig1="), input.len)));
    assert_int_equal(key_verify(key.key, KEY_ALG_PS256, base, signature_bytes(headers.signature)), 0);
    const char *digest = answer->content.len ? SHA256 : SHA256_OF_NOTHING;
    assert_true(str_equal_c(headers.content_digest, digest));
}

/* spec: fapi/M4 */
static void answers_are_signed_and_name_the_request(void **state) {
    struct http_signature_link link;
    struct made made;
    (void)state;
    arena_reset(&arena);
    make(&requests[0], &made);
    assert_int_equal(http_signature_verify(&made.request, client_keys, NOW_S * INT64_C(1000), &arena, &link), 0);
    struct str bytes = http_headers_get(made.headers, made.request.header_count, STR("signature"));
    struct http_signature_answer answer = {
        .request = &made.request, .link = &link, .status = 201, .content = STR(BODY), .now_ms = NOW_S * INT64_C(1000)
    };
    struct str lines =
        arena_printf(&arena,
                     "\"@status\": 201\n\"content-digest\": %s\n\"@method\";req: POST\n"
                     "\"@target-uri\";req: https://bank.example:8443/v1/payments?x=%%31\n"
                     "\"authorization\";req: Bearer t\n\"content-digest\";req: %s\n"
                     "\"signature-input\";req;key=\"sig1\": %s\n\"signature\";req;key=\"sig1\": " STR_FMT "\n",
                     SHA256, SHA256, LIST ")" PARAMETERS, STR_ARG(str_slice(bytes, strlen("sig1="), bytes.len)));
    check_answer(&answer, lines.at,
                 "(\"@status\" \"content-digest\" \"@method\";req \"@target-uri\";req \"authorization\";req "
                 "\"content-digest\";req \"signature-input\";req;key=\"sig1\" \"signature\";req;key=\"sig1\")");
    answer.link = NULL; /* one that was not good is not confirmed */
    answer.status = 401;
    answer.content = STR("");
    lines = arena_printf(&arena,
                         "\"@status\": 401\n\"content-digest\": %s\n\"@method\";req: POST\n"
                         "\"@target-uri\";req: https://bank.example:8443/v1/payments?x=%%31\n",
                         SHA256_OF_NOTHING);
    check_answer(&answer, lines.at, "(\"@status\" \"content-digest\" \"@method\";req \"@target-uri\";req)");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_judged),
        cmocka_unit_test(a_line_that_is_too_long_is_refused),
        cmocka_unit_test(refusals_have_names_and_sentences),
        cmocka_unit_test(the_base_is_that_of_the_standard),
        cmocka_unit_test(answers_are_signed_and_name_the_request),
    };
    return cmocka_run_group_tests(tests, open_keys, close_keys);
}
