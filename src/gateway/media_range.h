/* media_range.h - the Accept and Content-Type headers (RFC 9110 sections 8.3 and 12.5.1), read as far as the gateway
 * needs them. Pure. */
#ifndef GIRO_GATEWAY_MEDIA_RANGE_H
#define GIRO_GATEWAY_MEDIA_RANGE_H

#include "platform/str.h"

/* Whether the value of an Accept header takes type/subtype: by the most specific range that fits it, with a weight
 * above 0. An empty value takes everything; ranges that are malformed take nothing. */
bool media_range_accepts(struct str accept, struct str type, struct str subtype);
/* Whether a Content-Type is media_type, without parameters or with charset=utf-8 alone (case ignored). */
bool media_type_is(struct str content_type, struct str media_type);

#endif
