/* response_check.h - our own answers against the OpenAPI documents that promise them.
 *
 * Looked at is every answer of a documented route: its status, its media type, and JSON against the schema of that
 * status; in production a sample of them. What does not fit is logged (place and rule, never a value) and counted; a
 * gateway that is told to fails such an answer, so that no test passes over it. */
#ifndef GIRO_GATEWAY_RESPONSE_CHECK_H
#define GIRO_GATEWAY_RESPONSE_CHECK_H

#include "gateway/exchange.h"

enum {
    RESPONSE_CHECK_ARENA_BYTES_MAX = 8 * 1024 * 1024, /* of one check; an answer that needs more is not looked at */
    RESPONSE_CHECK_ERRORS_TOLD = 4                    /* lines in the log for one answer */
};

/* The exchange has its answer, which is neither signed nor sent. With RESPONSE_CHECK_FAIL an answer that does not fit
 * becomes 500, or 504 outcome_unknown behind a decision. */
void response_check(struct exchange *exchange);

#endif
