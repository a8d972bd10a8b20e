/* refusal_tally.h - refusals before a client is known: counted by minute and address, so that a flood of them cannot
 * fill the disk. From any thread.
 *
 * (R1) A minute makes at most one record of counts, of at most REFUSAL_ADDRESSES_MAX addresses; those beyond are
 * counted together. (R2) Of each address the first REFUSAL_KEPT_EACH of a minute, and REFUSAL_KEPT_MAX in all, may be
 * recorded singly, so that who is refused by mistake can be told why; the rest are only counted. (R3) A minute is told
 * when the next one has begun and something asks. Tests: refusal_tally_test.c, r1..r3. */
#ifndef GIRO_GATEWAY_REFUSAL_TALLY_H
#define GIRO_GATEWAY_REFUSAL_TALLY_H

#include "platform/buffer.h"

enum {
    REFUSAL_ADDRESSES_MAX = 128,
    REFUSAL_ADDRESS_BYTES_MAX = 45, /* an IPv6 address; what is longer is cut */
    REFUSAL_KEPT_EACH = 5,
    REFUSAL_KEPT_MAX = 60,
    REFUSAL_MINUTE_MS = 60 * 1000,
    REFUSAL_RECORD_BYTES_MAX = 128 + REFUSAL_ADDRESSES_MAX * (REFUSAL_ADDRESS_BYTES_MAX * 6 + 48),
};

struct refusal_tally;                                                  /* opaque */
struct refusal_tally *refusal_tally_new(void);                         /* NULL without memory */
struct refusal_tally *refusal_tally_free(struct refusal_tally *tally); /* returns NULL, takes NULL */

/* One refusal of address at now_ms. True: it may be recorded singly. */
bool refusal_tally_count(struct refusal_tally *tally, int64_t now_ms, struct str address);
/* Appends the record of the minute that has ended by now_ms, or nothing; INT64_MAX: of the one that runs, too. */
void refusal_tally_take(struct refusal_tally *tally, int64_t now_ms, struct buffer *out);

#endif
