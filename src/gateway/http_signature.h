/* http_signature.h - HTTP message signatures (RFC 9421) with Content-Digest (RFC 9530), by the profile of FAPI 2.0 HTTP
 * Signatures (draft 01): requests of clients judged, answers signed (FAPI M4). Pure: the time and the keys are inputs.
 *
 * (S1) A request has one signature, in one line of Signature-Input and one of Signature under the same label. (S2) It
 * covers @method, @target-uri and authorization, content-digest when there is a body, and dpop when there is such a
 * header; more is welcome: any header that is there once, and the derived components of requests but @query-param.
 * Components have no parameters. (S3) Its parameters hold tag "fapi-2-request", created, at most
 * HTTP_SIGNATURE_AGE_MAX_S old and HTTP_SIGNATURE_AHEAD_MAX_S ahead, and keyid, the kid of the key. expires, when it is
 * there, has not come. (S4) The algorithm is the key's, as with JWS (RFC 9421 section 3.3.7): PS256, ES256 or EdDSA.
 * The parameter alg should not be there; only the name of exactly what the key does is taken ("ecdsa-p256-sha256",
 * "ed25519"), which PS256 does not have. (S5) Every SHA-256 and SHA-512 in Content-Digest is the body's, and one of
 * them is there. (S6) An answer's signature covers @status and content-digest, of no content too; of a request with a
 * good signature all that it covers and the signature itself, of another one @method and @target-uri (all with ;req).
 */
#ifndef GIRO_GATEWAY_HTTP_SIGNATURE_H
#define GIRO_GATEWAY_HTTP_SIGNATURE_H

#include "platform/http_parse.h"
#include "wire/jwks.h"
#include "wire/structured_field.h"

enum {
    HTTP_SIGNATURE_AGE_MAX_S = 60,
    HTTP_SIGNATURE_AHEAD_MAX_S = 10,
    HTTP_SIGNATURE_INPUT_BYTES_MAX = 2 * 1024, /* of Signature-Input: the answer's repeats most of it */
};

/* In the order in which they are found: the rule in the audit record, and what the caller is told. */
#define HTTP_SIGNATURE_E_MAP(X)                                                                                        \
    X(HTTP_SIGNATURE_E_MISSING, "signature_missing", "The request has no HTTP message signature (RFC 9421).")          \
    X(HTTP_SIGNATURE_E_MALFORMED, "signature_malformed",                                                               \
      "Signature-Input and Signature are not one line each that holds a signature under the same label.")              \
    X(HTTP_SIGNATURE_E_SEVERAL, "signature_not_one", "The request has more than one signature.")                       \
    X(HTTP_SIGNATURE_E_TAG, "signature_tag", "The signature's tag is not \"fapi-2-request\".")                         \
    X(HTTP_SIGNATURE_E_TIME, "signature_time", "The signature has no time, is too old, or is from the future.")        \
    X(HTTP_SIGNATURE_E_COVER, "signature_cover",                                                                       \
      "The signature does not cover @method, @target-uri, authorization, the content-digest of a body and dpop.")      \
    X(HTTP_SIGNATURE_E_COMPONENT, "signature_component",                                                               \
      "The signature covers a component twice, one that is not there, or one that is not taken here.")                 \
    X(HTTP_SIGNATURE_E_DIGEST, "content_digest", "Content-Digest is not the SHA-256 or SHA-512 of the body.")          \
    X(HTTP_SIGNATURE_E_KEY, "signature_key", "The signature names no key of this client.")                             \
    X(HTTP_SIGNATURE_E_ALG, "signature_algorithm", "The signature names another algorithm than its key's.")            \
    X(HTTP_SIGNATURE_E_INVALID, "signature_invalid", "The signature does not verify.")
#define X(code, name, text) code,
enum http_signature_refusal { HTTP_SIGNATURE_E_NONE = 0, HTTP_SIGNATURE_E_MAP(X) HTTP_SIGNATURE_E_COUNT };
#undef X
const char *http_signature_refusal_name(int refusal);
const char *http_signature_refusal_text(int refusal);

/* Borrowed from whoever has the request. */
struct http_signature_request {
    struct str method;
    struct str origin;      /* as callers see it: "https://localhost:8443", without a path */
    struct str path, query; /* as they were sent; query without its '?', empty without one */
    const struct http_header *headers;
    size_t header_count;
    struct str body; /* as it came */
};
/* A request's good signature, in the arena. */
struct http_signature_link {
    const struct structured_member *input, *signature;
};

/* Appends what the signature of a request signs (RFC 9421 section 2.5). input: its member of Signature-Input, a list.
 * False: a component is not one of (S2), or out is full. */
bool http_signature_base(const struct http_signature_request *request, const struct structured_member *input,
                         struct buffer *out);
/* Whether the request has either header of a signature. */
bool http_signature_is_there(const struct http_signature_request *request);
/* By the keys of the client. 0, HTTP_SIGNATURE_E_* (_KEY: newer keys of the client may do), or -ENOMEM. The arena must
 * have room for 320 KiB and 4 times the request's head. */
int http_signature_verify(const struct http_signature_request *request, const struct jwks *keys, int64_t now_ms,
                          struct arena *arena, struct http_signature_link *ret_link) MUST_USE;

struct http_signature_answer {
    const struct http_signature_request *request;
    const struct http_signature_link *link; /* NULL: the request has no good signature */
    int status;                             /* [200, 599] */
    struct str content;                     /* what is sent: empty with HEAD, 204 and 304 */
    int64_t now_ms;
};
/* Values of headers, in the arena. */
struct http_signature_headers {
    struct str content_digest, signature_input, signature;
};
/* By the bank's key. 0, or a fault; room in the arena as above. */
int http_signature_make(const struct http_signature_answer *answer, const struct jwk *key, struct arena *arena,
                        struct http_signature_headers *ret_headers) MUST_USE;

#endif
