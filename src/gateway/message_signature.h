/* message_signature.h - the detached signatures of Open Banking messages (x-jws-signature, uk/J1 to J8): what
 * check_signature and the pipeline call on ROUTE_SIGNED routes. The composition root puts the two functions into struct
 * gateway_options; a gateway without them refuses to start when a route is signed. */
#ifndef GIRO_GATEWAY_MESSAGE_SIGNATURE_H
#define GIRO_GATEWAY_MESSAGE_SIGNATURE_H

#include "gateway/exchange.h"

/* The request's signature over its raw body, by a key of the calling client. EXCHANGE_GOES_ON, or EXCHANGE_ANSWERED
 * (refused). */
int message_signature_check(struct exchange *exchange);
/* Signs exchange->content and sets the header; called once, just before the answer is sent, errors included. 0 or a
 * fault (<0). */
int message_signature_sign(struct exchange *exchange);

#endif
