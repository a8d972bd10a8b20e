/* token_grant.h - what the grants of the token endpoint share. Private to token_endpoint.c and refresh_grant.c. */
#ifndef GIRO_AUTH_TOKEN_GRANT_H
#define GIRO_AUTH_TOKEN_GRANT_H

#include "auth/sender.h"

struct token_grant {
    struct authenticated *client;
    struct sender sender;
    struct str access_token, scope;
    struct str refresh_token; /* empty: none goes with it */
    struct str details;       /* authorization_details as granted; empty: none */
    bool has_code;            /* code is set: an ID token goes with it */
    struct code_view code;
};

/* request->finish of all grants: the answer to what the command said. */
int token_grant_answer(struct auth_request *request);
/* A parameter authorization_details must say what was granted. 0 with *ret_fits. */
bool token_grant_details_fit(const struct auth_request *request, const struct token_grant *grant, struct str granted);
/* grant_type=refresh_token (RFC 6749 section 6). */
int token_grant_refresh(struct auth_request *request, struct token_grant *grant);

#endif
