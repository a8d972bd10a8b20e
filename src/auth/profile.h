/* profile.h - what the profiles of clients ask for, as one table: FAPI 2.0 Security Profile (fapi2), with Message
 * Signing (fapi2-ms), FAPI 1.0 Advanced with the UK's additions (fapi1). A client has exactly one, so its profile is
 * known before anything that it sends is judged (FAPI item 15). */
#ifndef GIRO_AUTH_PROFILE_H
#define GIRO_AUTH_PROFILE_H

#include "auth/auth.h"

/* How an authorization response travels (OAuth 2.0 Multiple Response Types; JARM section 2.3). */
enum response_form {
    RESPONSE_QUERY,
    RESPONSE_FRAGMENT,
    RESPONSE_QUERY_JWT,   /* JARM: only "response", signed */
    RESPONSE_FRAGMENT_JWT /* the same in the fragment */
};
/* One pair that may be asked for. */
struct response_rule {
    const char *type, *mode; /* as in the request; "": response_mode is absent */
    enum response_form form;
    bool id_token; /* at the front too, as a detached signature */
};

struct profile {
    bool signed_request;     /* what counts comes in a signed request object, and only there (V1, V3, M1, 52) */
    bool by_value;           /* which may come to authorize by value, without being pushed (V1) */
    bool edwards;            /* EdDSA is one of its algorithms (K1; not in FAPI 1.0 Advanced section 8.6) */
    bool endpoint_audiences; /* a client assertion may be for the token or PAR URL too, or for several (15) */
    bool nonce_required;     /* V6 */
    const struct response_rule *responses;
    size_t response_count;
};

const struct profile *profile_of(const struct client_view *client);
/* The rule for what was asked; NULL: not in this profile. *ret_type_known (may be NULL): the type alone is. */
const struct response_rule *profile_response(const struct profile *profile, struct str type, struct str mode,
                                             bool *ret_type_known);
/* Whether a signature by this algorithm counts. */
bool profile_admits(const struct profile *profile, enum key_alg alg);

#endif
