/* software_statement.h - what a directory says of a piece of software (RFC 7591 section 2.3, Open Banking directory): a
 * signed token that whoever registers brings along (uk/D1). */
#ifndef GIRO_AUTH_SOFTWARE_STATEMENT_H
#define GIRO_AUTH_SOFTWARE_STATEMENT_H

#include "wire/json.h"

enum { SOFTWARE_STATEMENT_URIS_MAX = 32 };

#define SOFTWARE_STATEMENT_E_MAP(X)                                                                                    \
    X(SOFTWARE_STATEMENT_E_SYNTAX, "software_statement is no signed token")                                            \
    X(SOFTWARE_STATEMENT_E_SIGNATURE, "software_statement is not signed by the directory")                             \
    X(SOFTWARE_STATEMENT_E_ISSUER, "software_statement is of another directory")                                       \
    X(SOFTWARE_STATEMENT_E_STALE, "software_statement has no iat, or one too old or ahead")                            \
    X(SOFTWARE_STATEMENT_E_EXPIRED, "software_statement has expired")                                                  \
    X(SOFTWARE_STATEMENT_E_CLAIMS, "software_statement lacks a claim, or one is malformed")
#define X(code, name) code,
enum software_statement_refusal {
    SOFTWARE_STATEMENT_E_NONE = 0,
    SOFTWARE_STATEMENT_E_MAP(X) SOFTWARE_STATEMENT_E_COUNT
};
#undef X
const char *software_statement_refusal_text(int refusal);

struct software_rules {
    struct str directory_keys;   /* JWKS of the directory; empty: nothing verifies */
    struct str directory_issuer; /* its iss */
    int64_t life_ms;             /* how old iat may be; > 0 */
    int64_t now_ms;
};
/* Text borrowed from the arena. */
struct software_statement {
    struct str software_id, org_id, client_name;
    const struct json *redirect_uris; /* array of strings */
    const struct json *keys;          /* software_jwks, a JWK Set; NULL: keys_uri */
    struct str keys_uri;              /* software_jwks_endpoint; empty with keys */
    char roles[64];                   /* "PSP_AI PSP_PI PSP_IC" of software_roles AISP, PISP, CBPII */
};
/* Needs software_id, org_id, software_client_name, software_redirect_uris, software_roles, and software_jwks or
 * software_jwks_endpoint; PS256 (as PSS only) or ES256. 0, SOFTWARE_STATEMENT_E_*, or <0. */
int software_statement_read(struct str token, const struct software_rules *rules, struct arena *arena,
                            struct software_statement *ret_statement) MUST_USE;

#endif
