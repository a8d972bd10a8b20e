/* approval.h - what a customer approves with one act of strong authentication, as one hash: dynamic linking
 * (Commission Delegated Regulation (EU) 2018/389, Article 5, and the UK's SCA-RTS of the same number).
 *
 * (P1) two approvals have the same hash only when every field below is the same, byte for byte. The hash of what a page
 * showed is sent back with the one-time code, made anew from the rows in the commit that accepts it, and kept with the
 * consent: a code is worth nothing for another amount, payee or account. */
#ifndef GIRO_DOMAIN_APPROVAL_H
#define GIRO_DOMAIN_APPROVAL_H

#include "domain/id.h"
#include "domain/money.h"
#include "platform/digest.h"

struct approval {
    const uint8_t *consent_id; /* 16 bytes */
    struct str accounts;       /* chosen, in the order shown: ids, 16 bytes each */
    /* of a payment; of reads: zero and empty */
    int64_t amount_minor;
    int64_t currency;
    struct str payee_name, payee_scheme, payee_identification;
    /* of reads; of a payment: its initiation, and 0 */
    struct str document;
    int64_t expires_ms;
};
struct hash approval_hash(const struct approval *approval);

enum { APPROVAL_TEXT_BYTES = 44 };
struct str approval_text(const struct hash *hash, char text[APPROVAL_TEXT_BYTES]); /* base64url, for a form */
int approval_parse(struct str text, struct hash *ret_hash);                        /* 0 or -EINVAL (no err path) */

#endif
