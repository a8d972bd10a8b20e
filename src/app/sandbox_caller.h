/* sandbox_caller.h - one of the sandbox's clients as the command line plays it: a third party with its certificate, its
 * signing key and its tokens, calling the bank through the edge like any other.
 *
 * (C1) What it knows of the bank is what a third party knows: var/clients/NAME, the development CA, and what the bank
 *      publishes. (C2) Keys, tokens and assertions appear in no message. (C3) A client belongs to one thread. */
#ifndef GIRO_APP_SANDBOX_CALLER_H
#define GIRO_APP_SANDBOX_CALLER_H

#include "app/sandbox.h"
#include "platform/http_client.h"
#include "wire/json.h"
#include "wire/jwks.h"

/* What the sandbox's message signatures carry: a name of the trust anchor, and the bank's own organisation. */
#define SANDBOX_TRUST_ANCHOR "openbanking.org.uk"
#define SANDBOX_BANK_ORG_ID "0015800001ZGIROAAA"

enum {
    SANDBOX_CALLER_TOKEN_BYTES_MAX = 4096,
    SANDBOX_CALLER_ARENA_BYTES_MAX = 4 * 1024 * 1024,
    SANDBOX_CALLER_TOKEN_SPARE_MS = 60 * 1000, /* a token with less left is fetched anew */
    SANDBOX_CALLER_ASSERTION_MS = 60 * 1000,   /* an assertion's life */
};

#define SANDBOX_CALLER_E_MAP(X)                                                                                        \
    X(SANDBOX_CALLER_E_ABSENT, "not found")       /* no such client: var is not that of a sandbox */                   \
    X(SANDBOX_CALLER_E_DENIED, "not permitted")   /* its files are another user's */                                   \
    X(SANDBOX_CALLER_E_UNREACHABLE, "nothing answers")                                                                 \
    X(SANDBOX_CALLER_E_UNKNOWN, "no answer came") /* the call may have been carried out */                             \
    X(SANDBOX_CALLER_E_REFUSED, "refused")        /* the bank answered no */                                           \
    X(SANDBOX_CALLER_E_ANSWER, "not the answer that was expected")
#define X(code, name) code,
enum sandbox_caller_refusal { SANDBOX_CALLER_E_NONE = 0, SANDBOX_CALLER_E_MAP(X) SANDBOX_CALLER_E_COUNT };
#undef X

struct sandbox_caller;

/* Text lives as long as the client. */
struct sandbox_caller_facts {
    struct str client_id, org_id, software_id, kid, redirect_uri; /* redirect_uri: the first one, may be empty */
    struct str issuer;         /* the browser port, without a slash at its end */
    struct str token_endpoint;
    struct str api;            /* the mTLS port: "https://localhost:8443" */
    struct str operations;     /* "http://127.0.0.1:8445": two above the mTLS port */
};

/* Reads var/clients/NAME; as root it first becomes the owner of var for good (read other files before). 0;
 * SANDBOX_CALLER_E_ABSENT, SANDBOX_CALLER_E_DENIED, SANDBOX_CALLER_E_ANSWER (client.json lacks something) with
 * message; or a fault. */
int sandbox_caller_open(struct sandbox *sandbox, const char *name, struct sandbox_caller **ret_caller,
                        struct message *message) MUST_USE;
struct sandbox_caller *sandbox_caller_close(struct sandbox_caller *caller); /* takes NULL, returns NULL */
const struct sandbox_caller_facts *sandbox_caller_facts(const struct sandbox_caller *caller);
/* For http_load: the certificate, the CA, the times. Paths are the client's. */
struct http_client_options sandbox_caller_http_options(const struct sandbox_caller *caller);

/* One call with the certificate, or without it where a browser would make it. Any status is an answer. *ret_result lives
 * in arena. 0; _UNREACHABLE, _UNKNOWN or _ANSWER (over the limits) with message; or a fault. */
enum sandbox_caller_as { SANDBOX_AS_CLIENT, SANDBOX_AS_BROWSER };
int sandbox_caller_call(struct sandbox_caller *caller, enum sandbox_caller_as as, const struct http_call *call,
                        struct arena *arena, struct http_result *ret_result, struct message *message) MUST_USE;
/* Whether result has that status and a JSON object as its body, which *ret_json gets (in arena; may be NULL). what names
 * the call in message: "POST /v1/payments". 0, _REFUSED (the answer's own code and text in message), _ANSWER. */
int sandbox_caller_expect(const struct http_result *result, int status, const char *what, struct arena *arena,
                          const struct json **ret_json, struct message *message) MUST_USE;

/* Appends client_id, client_assertion_type and a fresh client_assertion (private_key_jwt) to a form. 0 or a fault. */
int sandbox_caller_authenticate(struct sandbox_caller *caller, struct buffer *form) MUST_USE;
/* POSTs form, with authentication appended, to url. 0 with the JSON of an answer of that status; what sandbox_caller_call
 * and _expect refuse. */
struct sandbox_form {
    struct str url;
    const char *what;
    int status;
    struct buffer *form;
};
int sandbox_caller_post_form(struct sandbox_caller *caller, const struct sandbox_form *form, struct arena *arena,
                             const struct json **ret_json, struct message *message) MUST_USE;
/* A token of client credentials for that scope; the last one as long as it is good. Borrowed until the next call. */
int sandbox_caller_token(struct sandbox_caller *caller, const char *scope, struct str *ret_token,
                         struct message *message) MUST_USE;

/* The value of x-jws-signature for body, in arena. 0 or a fault. */
int sandbox_caller_sign(struct sandbox_caller *caller, struct str body, struct arena *arena, struct str *ret_value)
    MUST_USE;
/* Whether result is signed by the bank with one of keys. required: an answer without a signature is refused too.
 * 0, _ANSWER, or a fault. */
int sandbox_caller_verify(const struct http_result *result, const struct jwks *keys, bool required, struct arena *arena,
                          struct message *message) MUST_USE;

/* A sentence on stderr for a refusal or a fault, and the exit code: 7 when nothing answers or there is no sandbox,
 * 6 when its files are another user's, else 1. */
int sandbox_caller_complain(const char *command, int result, const struct message *message);

/* len random bytes as base64url into text (which has room for 4/3 of them and a NUL). */
struct str random_text(size_t len, char *text, size_t text_bytes);

#endif
