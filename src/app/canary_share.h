/* canary_share.h - how many of a hundred clients meet the canary, in a form that the edge reads at each request.
 *
 * The edge sorts clients into buckets, 00 to 99, by their certificate (edge_config.h, G8). The share is a link to a
 * folder beside it, NAME-PERCENT, which holds a file for each bucket that goes to the canary: the first PERCENT of
 * them, so that a larger share keeps the clients of a smaller one. (C1) The link is moved in one rename: a request
 * meets the share before or the share after, and nginx need not be told. (C2) Without the link nobody goes there. */
#ifndef GIRO_APP_CANARY_SHARE_H
#define GIRO_APP_CANARY_SHARE_H

#include "platform/str.h"

enum { CANARY_WEIGHT_MAX = 100, CANARY_SHARE_BYTES_MAX = 480 };

/* A whole number, 0 to CANARY_WEIGHT_MAX, in digits and nothing else. False: it is none, or out of range. */
bool canary_weight_parse(const char *text, uint32_t *ret_weight);
/* path: the link, absolute, at most CANARY_SHARE_BYTES_MAX bytes, in a folder that exists; weight up to
 * CANARY_WEIGHT_MAX. 0 or -errno; then the share is as before. */
int canary_share_set(const char *path, uint32_t weight) MUST_USE;

#endif
