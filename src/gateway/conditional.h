/* conditional.h - answers that a caller may keep and ask for again: ETag and If-None-Match (RFC 9110 sections 8.8.3
 * and 13.1.2). */
#ifndef GIRO_GATEWAY_CONDITIONAL_H
#define GIRO_GATEWAY_CONDITIONAL_H

#include "gateway/exchange.h"

/* 200 with content, or 304 when the request's If-None-Match names it already. The ETag is strong: SHA-256 of content,
 * 128 bits of it. cache_control lives for ever. Returns EXCHANGE_ANSWERED. */
int exchange_answer_conditional(struct exchange *exchange, const char *cache_control, const char *media_type,
                                struct str content);

/* Whether the value of an If-None-Match header names etag (with its quotes): "*", or a list; W/ is ignored, as for GET.
 * Pure. */
bool etag_matches(struct str if_none_match, struct str etag);

#endif
