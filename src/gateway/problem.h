/* problem.h - refusals in the envelopes of the route families. Private to the gateway; endpoints say exchange_refuse.
 */
#ifndef GIRO_GATEWAY_PROBLEM_H
#define GIRO_GATEWAY_PROBLEM_H

#include "gateway/route.h"

enum { PROBLEM_BYTES_MAX = 24 * 1024 }; /* SCHEMA_ERRORS_MAX errors with their paths and messages */

struct problem {
    const struct refusal *refusal;
    struct str interaction_id;          /* a UUID */
    const struct schema_errors *errors; /* may be NULL */
    enum open_banking_version version;  /* of Open Banking */
};
/* Appends the body and returns its media type; NULL when there is to be no body (uk/S5). */
const char *problem_write(enum route_family family, const struct problem *problem, struct buffer *out);

/* What the HTTP server refuses before there is a request: the refusal of its status (HTTP_E_MAP), in the family's
 * envelope by the path that the bytes seem to name, with an interaction id of its own. For
 * http_server_options.on_error; ctx is not used. */
void problem_on_http_error(void *ctx, struct http_error *error);

/* What v3.1 calls an error code of v4.0: "U002" is "UK.OBIE.Field.Invalid". */
const char *problem_v3_code(const char *code);

/* A random UUID (RFC 9562, version 4). */
enum { INTERACTION_ID_TEXT_BYTES = 37 };
struct str interaction_id_new(char text[INTERACTION_ID_TEXT_BYTES]);

#endif
