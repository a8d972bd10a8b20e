/* challenge.h - the header WWW-Authenticate of a refusal: in the scheme that the caller used, for a challenge of
 * another scheme tells it to send its token where it is worth nothing (RFC 6750 section 3, RFC 9449 section 7.1). */
#ifndef GIRO_GATEWAY_CHALLENGE_H
#define GIRO_GATEWAY_CHALLENGE_H

#include "gateway/exchange.h"

#define CHALLENGE_BEARER "Bearer realm=\"giro\""
#define CHALLENGE_DPOP "DPoP realm=\"giro\", algs=\"PS256 ES256\""

/* by_key: DPoP, else Bearer. error: a word of RFC 6750 or RFC 9449. scope: NULL for none. */
void challenge_add(struct exchange *exchange, bool by_key, const char *error, const char *scope);
/* The same once check_token has let the call pass: in the scheme of its token. */
void challenge_again(struct exchange *exchange, const char *error, const char *scope);

#endif
