/* client.h - clients (TPPs, the bank's own app, partners): profile, tier, keys, certificate identity, scopes. */
#ifndef GIRO_SERVICES_IDENTITY_CLIENT_H
#define GIRO_SERVICES_IDENTITY_CLIENT_H

#include "engine/decision.h"
#include "platform/digest.h"

#define CLIENT_PROFILE_MAP(X) X(CLIENT_FAPI2, "fapi2") X(CLIENT_FAPI2_MS, "fapi2-ms") X(CLIENT_FAPI1, "fapi1")
#define CLIENT_SENDER_MAP(X) X(CLIENT_SENDER_MTLS, "mtls") X(CLIENT_SENDER_DPOP, "dpop")
/* How it proves who it is at the authorization server (RFC 7523; RFC 8705 section 2). */
#define CLIENT_AUTH_MAP(X)                                                                                             \
    X(CLIENT_AUTH_ASSERTION, "private_key_jwt")                                                                        \
    X(CLIENT_AUTH_TLS, "tls_client_auth") X(CLIENT_AUTH_SELF_SIGNED, "self_signed_tls_client_auth")
#define X(code, name) code,
enum client_profile { CLIENT_PROFILE_MAP(X) CLIENT_PROFILE_COUNT };
enum client_sender { CLIENT_SENDER_MAP(X) CLIENT_SENDER_COUNT };
enum client_auth { CLIENT_AUTH_MAP(X) CLIENT_AUTH_COUNT };
#undef X
const char *client_profile_name(enum client_profile profile);
const char *client_sender_name(enum client_sender sender);
const char *client_auth_name(enum client_auth auth);

enum client_status { CLIENT_ACTIVE, CLIENT_SUSPENDED };
enum {                          /* flags */
       CLIENT_AUTO_APPROVE = 1, /* sandbox only */
       CLIENT_SIGNS = 2,        /* it was registered to sign its requests (RFC 9421) ... */
       CLIENT_MUST_SIGN = 4,    /* ... or the operator wants it to: either way they must be signed */
};
enum {
    CLIENT_NAME_BYTES_MAX = 64,
    CLIENT_JWKS_BYTES_MAX = 32 * 1024,
    CLIENT_URIS_BYTES_MAX = 4096,
    CLIENT_SUBJECT_BYTES_MAX = 1024,
    CLIENT_URL_BYTES_MAX = 1024,
    CLIENT_ROLES_BYTES_MAX = 128,
    CLIENT_ADDRESSES_BYTES_MAX = 2048,
    CLIENT_METADATA_BYTES_MAX = 8 * 1024,
};

struct client_row {
    uint8_t client_id[16];   /* inside Giro */
    struct str name;         /* the OAuth client_id, unique: "acme-tpp" */
    struct str display_name; /* shown on consent pages */
    int64_t profile, sender, status, flags;
    struct str tier;                /* key of rate_limits */
    struct str org_id, software_id; /* as in its certificates: organizationIdentifier and OU; software_id unique */
    struct str scope;               /* registered, space separated */
    struct str redirect_uris;       /* space separated, exact */
    struct str jwks;                /* JSON Web Key Set; empty with jwks_uri */
    int64_t created_ms;
    int64_t auth;           /* enum client_auth */
    struct str jwks_uri;    /* where its keys are, instead of jwks; https */
    struct str tls_subject; /* with CLIENT_AUTH_TLS: "dn:", "dns:", "uri:", "ip:" or "email:" and its value */
    struct str directory;   /* the trust list its certificates must come from; empty: any */
    struct str roles;       /* of its authorisation, space separated: "PSP_AI PSP_PI PSP_IC"; empty: not limited */
    struct str addresses;   /* where it may call from, space separated CIDRs; empty: anywhere */
    int64_t requests_per_second, burst, daily_limit; /* in place of its tier's; 0: the tier's */
    struct str metadata;           /* what else it was registered with (RFC 7591), a JSON object; empty: nothing */
    struct hash registration_hash; /* SHA-256 of its registration access token (RFC 7592); zero: none */
};
enum { CLIENT_INDEX_NAME = 1, CLIENT_INDEX_SOFTWARE = 2 };
extern const struct table client_table; /* indexes: 1 (name), 2 (software_id), both unique */

enum client_refusal { CLIENT_E_NONE, CLIENT_E_EXISTS, CLIENT_E_ABSENT };
/* Inserts the row as active; client_id and created_ms are given here. 0, CLIENT_E_EXISTS (name or software_id taken),
 * VIEW_NEED, <0. */
int client_register(struct work *work, struct client_row *client);
void client_want(struct work *work, const uint8_t client_id[16]);
/* *ret_row NULL when there is none. 0 or VIEW_NEED. */
int client_get(struct work *work, const uint8_t client_id[16], const struct client_row **ret_row);
/* Replaces the row of that client_id; name, software_id and created_ms stay as they are. 0, CLIENT_E_ABSENT, VIEW_NEED,
 * <0. */
int client_change(struct work *work, const struct client_row *client);
/* The client is gone: nothing that it holds is good for anything, its name and software id are free. As above. */
int client_remove(struct work *work, const uint8_t client_id[16]);

enum client_signing { CLIENT_SIGNING_LEFT /* as it was */, CLIENT_SIGNING_REQUIRED, CLIENT_SIGNING_OPTIONAL };
/* What an operator may change while it runs: its limits (0: its tier's), where it may call from, whether it must sign
 * its requests. */
struct client_limits {
    int64_t requests_per_second, burst, daily_limit; /* -1: as it was */
    enum client_signing signing;
    bool set_addresses;
    struct str addresses;
};
/* By its OAuth client_id. 0 with its id; CLIENT_E_ABSENT; VIEW_NEED; <0. */
int client_set_limits(struct work *work, struct str name, const struct client_limits *limits, uint8_t ret_id[16]);

/* An absolute https URI of at most CLIENT_URI_BYTES_MAX printable ASCII characters, with a host, without user
 * information, fragment, backslash or quotes (FAPI A8, V19; RFC 6749 section 3.1.2). */
enum { CLIENT_URI_BYTES_MAX = 2048 };
bool client_redirect_uri_fits(struct str uri);

#endif
