/* outbound_guard.h - calls to addresses that others have chosen (a client's jwks_uri, the distribution point in a
 * certificate), so that nobody makes this process call what only it can reach (SSRF).
 *
 * (S1) The name is resolved here, every address it has must be public, and the call goes to just those addresses: a
 * name that resolves to something else a moment later changes nothing. (S2) Refused: loopback, private, link-local,
 * shared (100.64/10), multicast, reserved, unspecified and documentation addresses of IPv4 and IPv6, also mapped,
 * compatible, 6to4, Teredo or NAT64 forms that hold such an IPv4 address. (S3) https only, unless the caller also takes
 * http (lists of revoked certificates are signed themselves and are published so). (S4) No redirect is followed, no
 * user information, no port 0. (S5) Time, size and addresses are limited. The look-up of a name takes the resolver's
 * own time: never call this on the thread of a request. */
#ifndef GIRO_PLATFORM_OUTBOUND_GUARD_H
#define GIRO_PLATFORM_OUTBOUND_GUARD_H

#include "platform/http_client.h"

#include <sys/socket.h>

enum {
    OUTBOUND_ADDRESSES_MAX = 8,
    OUTBOUND_HOST_BYTES_MAX = 253,
    OUTBOUND_URL_BYTES_MAX = 1024,
    OUTBOUND_PIN_BYTES_MAX = 1024,
    OUTBOUND_PEER_BYTES_MAX = OUTBOUND_HOST_BYTES_MAX + 7,
};

#define OUTBOUND_E_MAP(X)                                                                                              \
    X(OUTBOUND_E_URL, "not an acceptable URL")                                                                         \
    X(OUTBOUND_E_SCHEME, "https is required")                                                                          \
    X(OUTBOUND_E_UNKNOWN, "the name is not known")                                                                     \
    X(OUTBOUND_E_INTERNAL, "an internal address")                                                                      \
    X(OUTBOUND_E_FAILED, "the call failed")
#define X(code, name) code,
enum outbound_refusal { OUTBOUND_E_NONE = 0, OUTBOUND_E_MAP(X) OUTBOUND_E_COUNT };
#undef X
const char *outbound_refusal_text(int refusal);

/* What became of a call, sent or not. Borrowed while it is told. */
struct outbound_report {
    const char *operation;     /* the guard's */
    struct str interaction_id; /* the guard's */
    const char *peer;          /* "keys.example.com:443"; "": the URL is none */
    struct str url;
    int64_t duration_us;
    int refusal;       /* of outbound_guard_run; 0: answered; <0: a fault of our own */
    int status;        /* of the answer; 0: none */
    struct str body;   /* of the answer */
    bool confidential; /* the guard's */
    const char *why;   /* a sentence that names the host at most; "": nothing went wrong */
};

/* Borrowed by whoever is given it. hosts: names or addresses, as in the URL, that may be internal: for sandbox and
 * tests; empty in production. */
struct outbound_guard {
    const struct str *hosts;
    size_t host_count;
    bool http; /* http is fine too */
    /* Hears of every call, on its thread; may be NULL. */
    void (*on_call)(void *ctx, const struct outbound_report *report);
    void *ctx;
    /* Of the call at hand, for on_call: what is asked ("jwks"); the interaction that needs it, empty: none. */
    const char *operation;
    struct str interaction_id;
    bool confidential; /* what comes is for nobody else: of it only the length may be kept */
};

/* Where a call goes: host and port of the URL, and the addresses for them as libcurl takes them ("HOST:PORT:A,B").
 * Empty when the host is an IPv6 address itself. */
struct outbound_target {
    char pin[OUTBOUND_PIN_BYTES_MAX];
};

/* Whether an address is one of the public internet. */
bool outbound_address_is_public(const struct sockaddr *address);
/* Judges a URL and resolves its name. 0; OUTBOUND_E_URL, _SCHEME, _UNKNOWN, _INTERNAL; -ENOMEM. */
int outbound_guard_resolve(const struct outbound_guard *guard, struct str url,
                           struct outbound_target *ret_target) MUST_USE;
/* One call by these rules: http_client_run to the addresses found. limits: as http_client_options, its pin is set here.
 * 0; any OUTBOUND_E_* (FAILED: no whole answer) with a sentence in message that names the host at most; -ENOMEM,
 * -EINVAL.
 * tidy: parameters because it is http_client_run with two more. */
int outbound_guard_run(const struct outbound_guard *guard, const struct http_client_options *limits,
                       const struct http_call *call, struct arena *arena, struct http_result *ret_result,
                       struct message *message) MUST_USE;

#endif
