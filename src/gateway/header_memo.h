/* header_memo.h - the hash of a certificate's header that came before. Private to the gateway.
 *
 * (M1) A hash is given only for a header that is byte for byte the one it was made of. (M2) Memory is fixed at birth;
 * of two headers that fall on one place the last one stays. Any thread. */
#ifndef GIRO_GATEWAY_HEADER_MEMO_H
#define GIRO_GATEWAY_HEADER_MEMO_H

#include "platform/digest.h"

enum { HEADER_MEMO_PLACES = 256, HEADER_MEMO_BYTES_MAX = 4096 /* of a header; a longer one is hashed each time */ };

struct header_memo;
struct header_memo *header_memo_new(void); /* NULL: no memory */
struct header_memo *header_memo_free(struct header_memo *memo);
struct hash header_memo_hash(struct header_memo *memo, struct str header); /* its SHA-256 */

#endif
