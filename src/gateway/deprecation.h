/* deprecation.h - the end of an API version, said beforehand and then enforced: Deprecation (RFC 9745) and Sunset (RFC
 * 8594) on every answer of Open Banking v3.1, by configuration (gateway_options). */
#ifndef GIRO_GATEWAY_DEPRECATION_H
#define GIRO_GATEWAY_DEPRECATION_H

#include "gateway/exchange.h"

/* Puts the headers on an answer of such a version. */
void deprecation_headers(struct exchange *exchange);
/* 503 once the version has ended (uk/H11); behind the finding of the route. EXCHANGE_GOES_ON or EXCHANGE_ANSWERED. */
int deprecation_check(struct exchange *exchange);

#endif
