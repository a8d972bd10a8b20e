/* client.h - clients (TPPs, the bank's own app, partners): profile, tier, keys, certificate identity, scopes. */
#ifndef GIRO_SERVICES_IDENTITY_CLIENT_H
#define GIRO_SERVICES_IDENTITY_CLIENT_H

#include "engine/decision.h"
#include "platform/digest.h"

#define CLIENT_PROFILE_MAP(X) X(CLIENT_FAPI2, "fapi2") X(CLIENT_FAPI2_MS, "fapi2-ms") X(CLIENT_FAPI1, "fapi1")
#define CLIENT_SENDER_MAP(X) X(CLIENT_SENDER_MTLS, "mtls") X(CLIENT_SENDER_DPOP, "dpop")
#define X(code, name) code,
enum client_profile { CLIENT_PROFILE_MAP(X) CLIENT_PROFILE_COUNT };
enum client_sender { CLIENT_SENDER_MAP(X) CLIENT_SENDER_COUNT };
#undef X
const char *client_profile_name(enum client_profile profile);
const char *client_sender_name(enum client_sender sender);

enum client_status { CLIENT_ACTIVE, CLIENT_SUSPENDED };
enum { CLIENT_AUTO_APPROVE = 1 /* flags: sandbox only */ };
enum { CLIENT_NAME_BYTES_MAX = 64, CLIENT_JWKS_BYTES_MAX = 32 * 1024, CLIENT_URIS_BYTES_MAX = 4096 };

struct client_row {
    uint8_t client_id[16];   /* inside Giro */
    struct str name;         /* the OAuth client_id, unique: "acme-tpp" */
    struct str display_name; /* shown on consent pages */
    int64_t profile, sender, status, flags;
    struct str tier;                /* key of rate_limits */
    struct str org_id, software_id; /* as in its certificates: organizationIdentifier and OU; software_id unique */
    struct str scope;               /* registered, space separated */
    struct str redirect_uris;       /* space separated, exact */
    struct str jwks;                /* JSON Web Key Set */
    int64_t created_ms;
};
enum { CLIENT_INDEX_NAME = 1, CLIENT_INDEX_SOFTWARE = 2 };
extern const struct table client_table; /* indexes: 1 (name), 2 (software_id), both unique */

enum client_refusal { CLIENT_E_NONE, CLIENT_E_EXISTS };
/* Inserts the row as active; client_id and created_ms are given here. 0, CLIENT_E_EXISTS (name or software_id taken),
 * VIEW_NEED, <0. */
int client_register(struct work *work, struct client_row *client);

/* An absolute https URI of at most CLIENT_URI_BYTES_MAX printable ASCII characters, with a host, without user
 * information, fragment, backslash or quotes (FAPI A8, V19; RFC 6749 section 3.1.2). */
enum { CLIENT_URI_BYTES_MAX = 2048 };
bool client_redirect_uri_fits(struct str uri);

#endif
