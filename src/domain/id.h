/* id.h - identities: UUIDv7 (RFC 9562) in 16 bytes, a distinct type per kind so that they cannot be mixed up.
 *
 * The engine hands them out in order (engine/decision.h view_new_id); nobody else makes one. All zero = none. */
#ifndef GIRO_DOMAIN_ID_H
#define GIRO_DOMAIN_ID_H

#include "platform/buffer.h"

#define ID_KINDS(X)                                                                                                    \
    X(account_id)                                                                                                      \
    X(payment_id) X(consent_id) X(customer_id) X(client_id) X(token_id) X(event_id) X(saga_id) X(transaction_id)       \
        X(hold_id) X(notification_id)
#define X(kind)                                                                                                        \
    struct kind {                                                                                                      \
        uint8_t bytes[16];                                                                                             \
    };
ID_KINDS(X)
#undef X

enum { ID_BYTES = 16, ID_TEXT_BYTES = 37, ID_HEX_BYTES = 33 };

/* The functions take the bytes of any kind. */
bool id_is_zero(const uint8_t id[ID_BYTES]);
bool id_equal(const uint8_t a[ID_BYTES], const uint8_t b[ID_BYTES]);
struct str id_format(const uint8_t id[ID_BYTES], char text[ID_TEXT_BYTES]);    /* 8-4-4-4-12 lower case */
struct str id_format_hex(const uint8_t id[ID_BYTES], char text[ID_HEX_BYTES]); /* 32 digits, the core's reference */
int id_parse(struct str text, uint8_t ret_id[ID_BYTES]);     /* either case, dashes required; 0 or -EINVAL */
int id_parse_hex(struct str text, uint8_t ret_id[ID_BYTES]); /* 32 digits; 0 or -EINVAL */

/* The sequence of UUIDv7s: never lower than the last one, a full or backward clock borrows from the next millisecond.
 * 48 bits of ms, 12 + 30 bits of counter, 32 bits of salt drawn once per process (random_bytes) by the owner. */
struct id_sequence {
    int64_t ms;
    uint64_t counter; /* 42 bits */
    uint32_t salt;
};
void id_sequence_next(struct id_sequence *sequence, int64_t now_ms, uint8_t ret_id[ID_BYTES]);
int64_t id_time_ms(const uint8_t id[ID_BYTES]);

#endif
