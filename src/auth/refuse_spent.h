/* refuse_spent.h - a refusal to a client that proved itself: its assertion is used up all the same (FAPI C5). */
#ifndef GIRO_AUTH_REFUSE_SPENT_H
#define GIRO_AUTH_REFUSE_SPENT_H

#include "auth/oauth_error.h"

/* Spends the jti, then answers with the error (or invalid_client when the jti was used before). Returns as entry
 * functions do. */
int refuse_spent(struct auth_request *request, const struct assertion_spend *assertion, enum oauth_error error,
                 const char *description);

/* What a command that took an assertion refused: that was used before, or the proof of a key beside it was. */
int refuse_replayed(struct auth_request *request);

#endif
