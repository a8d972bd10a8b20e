/* external_search.h - who, of the configured issuers, knows a token that is not ours (auth/external_token.h).
 *
 * A JWT names its issuer; any other token is asked about at each issuer that answers questions, one after the other,
 * and the first that calls it active decides. While one is being asked, the exchange waits and no worker has it; it
 * comes back to check_token, which calls here again. */
#ifndef GIRO_GATEWAY_EXTERNAL_SEARCH_H
#define GIRO_GATEWAY_EXTERNAL_SEARCH_H

#include "gateway/exchange.h"

/* Beside QUERY_E_ABSENT: no issuer knows it, or it is not good here. */
enum {
    EXTERNAL_SEARCH_E_WAITS = 1000,
    EXTERNAL_SEARCH_E_UNKNOWN, /* somebody who might know it cannot be asked now */
    EXTERNAL_SEARCH_E_MOVES,   /* while exchange->at_once: an issuer, or for its keys, may have to be asked */
};

/* Whether anybody could know it, beside us. ours: it has the form of our own. */
bool external_search_may(const struct exchange *exchange, bool ours);
/* The token in the form of a row of ours, so that one rule judges both. 0, QUERY_E_ABSENT, EXTERNAL_SEARCH_E_UNKNOWN,
 * EXTERNAL_SEARCH_E_MOVES, <0; EXTERNAL_SEARCH_E_WAITS: nothing of the exchange may be touched any more. */
int external_search(struct exchange *exchange, struct str text, struct token_view *ret_token) MUST_USE;

#endif
