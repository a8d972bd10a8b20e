/* dpop_nonce.h - nonces for proofs of a key (RFC 9449 sections 8 and 9). They are made from the time and a key that all
 * nodes have, so that no node keeps any. Pure. */
#ifndef GIRO_AUTH_DPOP_NONCE_H
#define GIRO_AUTH_DPOP_NONCE_H

#include "platform/digest.h"

enum {
    DPOP_NONCE_PERIOD_MS = 120 * 1000,             /* a nonce is made for so long, and good for one period more */
    DPOP_NONCE_LIFE_MS = 3 * DPOP_NONCE_PERIOD_MS, /* at most, by clocks of nodes that differ */
    DPOP_NONCE_TEXT_BYTES = 33,                    /* 24 bytes as base64url, and a NUL */
};

/* The nonce of this time; returns it as a string in memory. */
struct str dpop_nonce_make(const struct hash *key, int64_t now_ms, char memory[DPOP_NONCE_TEXT_BYTES]);
/* Of this period, the one before or the one after. */
bool dpop_nonce_fits(const struct hash *key, int64_t now_ms, struct str nonce);

#endif
