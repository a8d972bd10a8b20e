/* exchange_signature.h - the HTTP message signatures (http_signature.h) of an exchange. Private to the gateway. */
#ifndef GIRO_GATEWAY_EXCHANGE_SIGNATURE_H
#define GIRO_GATEWAY_EXCHANGE_SIGNATURE_H

#include "gateway/exchange.h"
#include "gateway/http_signature.h"

/* The request as callers see it, for as long as the exchange lives: with the address of options.api_url. */
struct http_signature_request exchange_signature_request(const struct exchange *exchange);
/* When the exchange signs its answer: sets Content-Digest, Signature-Input and Signature by the key that signs now,
 * over the status and the content as they are. The last thing before the answer is sent. 0 or a fault. */
int exchange_signature_make(struct exchange *exchange) MUST_USE;

#endif
