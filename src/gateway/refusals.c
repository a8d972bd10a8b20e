/* refusals.c - the refusals that every endpoint shares: one row each. Titles are the status in words, as RFC 9457 wants
 * beside "about:blank". Of Open Banking's codes: U002 invalid field, U006 invalid header, U007 missing header, U010
 * invalid format, U011 not found, U000 anything else. */
#include "gateway/exchange.h"

#define ASK_AGAIN "Ask again with the same Idempotency-Key: it is not done twice."

const struct refusal refusal_invalid_request = { .status = 400,
                                                 .code = "invalid_request",
                                                 .ob_code = "U010",
                                                 .title = "Bad Request",
                                                 .detail = "The request is not what this endpoint takes." };
const struct refusal refusal_invalid_header = { .status = 400,
                                                .code = "invalid_request",
                                                .ob_code = "U006",
                                                .title = "Bad Request",
                                                .detail = "A header of the request is not acceptable." };
const struct refusal refusal_key_required = {
    .status = 400,
    .code = "idempotency_key_required",
    .ob_code = "U007",
    .title = "Bad Request",
    .detail = "This request needs an idempotency key.",
    .hint = "Send a header with a key of your own; the same key with the same body is done only once.",
    .oauth_code = "invalid_request"
};
const struct refusal refusal_key_invalid = {
    .status = 400,
    .code = "invalid_request",
    .ob_code = "U006",
    .title = "Bad Request",
    .detail = "The idempotency key is not acceptable: it must stand there once, be short enough and of printable ASCII."
};
const struct refusal refusal_certificate_required = {
    .status = 401,
    .code = "client_certificate_required",
    .ob_code = "U000",
    .title = "Unauthorized",
    .detail = "A trusted client certificate of a registered client is required.",
    .oauth_code = "invalid_client"
};
const struct refusal refusal_token_missing = { .status = 401,
                                               .code = "invalid_token",
                                               .ob_code = NULL,
                                               .title = "Unauthorized",
                                               .detail = "An access token is required in the Authorization header." };
const struct refusal refusal_invalid_token = {
    .status = 401,
    .code = "invalid_token",
    .ob_code = NULL,
    .title = "Unauthorized",
    .detail = "The access token is unknown, expired, revoked, or not bound to this client and certificate."
};
const struct refusal refusal_insufficient_scope = { .status = 403,
                                                    .code = "insufficient_scope",
                                                    .ob_code = "U000",
                                                    .title = "Forbidden",
                                                    .detail = "The access token does not cover this request." };
const struct refusal refusal_roles = {
    .status = 403,
    .code = "insufficient_scope",
    .ob_code = "U000",
    .title = "Forbidden",
    .detail = "The payment service roles of the caller do not allow this request.",
    .hint = "Call with a certificate whose PSD2 roles cover it, and have the same roles registered.",
    .oauth_code = "invalid_scope"
};
const struct refusal refusal_address = { .status = 403,
                                         .code = "address_not_allowed",
                                         .ob_code = "U000",
                                         .title = "Forbidden",
                                         .detail = "This client may not call from this address.",
                                         .oauth_code = "invalid_client" };
const struct refusal refusal_not_found = { .status = 404,
                                           .code = "not_found",
                                           .ob_code = "U011",
                                           .title = "Not Found",
                                           .detail = "There is nothing at this address.",
                                           .oauth_code = "invalid_request" };
const struct refusal refusal_method = { .status = 405,
                                        .code = "method_not_allowed",
                                        .ob_code = "U000",
                                        .title = "Method Not Allowed",
                                        .detail =
                                            "This method is not offered here; the Allow header names those that are.",
                                        .oauth_code = "invalid_request" };
const struct refusal refusal_not_acceptable = { .status = 406,
                                                .code = "not_acceptable",
                                                .ob_code = "U006",
                                                .title = "Not Acceptable",
                                                .detail = "Only application/json is offered.",
                                                .oauth_code = "invalid_request" };
const struct refusal refusal_timeout = { .status = 408,
                                         .code = "request_timeout",
                                         .ob_code = "U000",
                                         .title = "Request Timeout",
                                         .detail = "The request came too slowly.",
                                         .oauth_code = "invalid_request" };
const struct refusal refusal_in_progress = { .status = 409,
                                             .code = "idempotency_in_progress",
                                             .ob_code = "U000",
                                             .title = "Conflict",
                                             .detail = "The request with this key is still being handled.",
                                             .hint = ASK_AGAIN };
const struct refusal refusal_too_large = { .status = 413,
                                           .code = "body_too_large",
                                           .ob_code = "U010",
                                           .title = "Content Too Large",
                                           .detail = "The body is larger than this endpoint takes.",
                                           .oauth_code = "invalid_request" };
const struct refusal refusal_media_type = { .status = 415,
                                            .code = "unsupported_media_type",
                                            .ob_code = "U006",
                                            .title = "Unsupported Media Type",
                                            .detail = "The body is not of the media type that this endpoint takes.",
                                            .oauth_code = "invalid_request" };
const struct refusal refusal_key_reused = { .status = 422,
                                            .code = "idempotency_key_reused",
                                            .ob_code = "U006",
                                            .title = "Unprocessable Content",
                                            .detail = "This idempotency key belongs to another request.",
                                            .hint = "Use a new key for a new request." };
const struct refusal refusal_rate_limited = { .status = 429,
                                              .code = "rate_limited",
                                              .ob_code = "U000",
                                              .title = "Too Many Requests",
                                              .detail = "This client sends more requests than its tier allows.",
                                              .hint = "Wait as long as Retry-After says.",
                                              .oauth_code = "temporarily_unavailable" };
const struct refusal refusal_daily_limit = { .status = 429,
                                             .code = "daily_limit",
                                             .ob_code = "U000",
                                             .title = "Too Many Requests",
                                             .detail = "This client has used up its requests of the day (UTC).",
                                             .hint = "Wait as long as Retry-After says.",
                                             .oauth_code = "temporarily_unavailable" };
const struct refusal refusal_headers_too_large = { .status = 431,
                                                   .code = "headers_too_large",
                                                   .ob_code = "U006",
                                                   .title = "Request Header Fields Too Large",
                                                   .detail = "The header block is too large.",
                                                   .oauth_code = "invalid_request" };
const struct refusal refusal_internal = { .status = 500,
                                          .code = "internal",
                                          .ob_code = "U000",
                                          .title = "Internal Server Error",
                                          .detail = "Something went wrong here.",
                                          .oauth_code = "server_error" };
const struct refusal refusal_unavailable = { .status = 503,
                                             .code = "unavailable",
                                             .ob_code = "U000",
                                             .title = "Service Unavailable",
                                             .detail = "The service is not available now; nothing was stored.",
                                             .hint = "Wait as long as Retry-After says.",
                                             .oauth_code = "temporarily_unavailable" };
const struct refusal refusal_outcome_unknown = { .status = 504,
                                                 .code = "outcome_unknown",
                                                 .ob_code = "U000",
                                                 .title = "Gateway Timeout",
                                                 .detail = "The outcome of the request is not known.",
                                                 .hint = ASK_AGAIN,
                                                 .oauth_code = "server_error" };
