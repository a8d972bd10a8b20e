/* audit_checkpoint.h - a signed statement of what the journal was: with it the chain is proven to whoever has only an
 * export and the bank's public key. docs/audit.md describes the form for those who check it with another program.
 *
 * (P1) A checkpoint covers the records first_seq..seq, each record by exactly one; head is the hash of record seq, and
 * root that of a tree (engine/merkle.h) over their audit frames in order. (P2) It stands in a later record as an audit
 * frame, of exactly one form: what parses is what encodes to the same bytes. (P3) What is signed is
 * audit_checkpoint_text, by PS256 or ES256 as the key is. (P4) previous is the SHA-256 of the text of the one before,
 * zeros for the first. */
#ifndef GIRO_INTEGRATION_AUDIT_CHECKPOINT_H
#define GIRO_INTEGRATION_AUDIT_CHECKPOINT_H

#include "platform/arena.h"
#include "platform/key.h"

enum { AUDIT_CHECKPOINT_BYTES_MAX = 2048 };

struct audit_checkpoint {
    int64_t first_seq, epoch, seq, time_ms;
    struct hash head;
    int64_t records; /* audit frames covered */
    struct hash root, previous;
    struct hash key; /* RFC 7638 thumbprint of the key */
    struct key_signature signature;
};

/* What is signed, and what previous hashes. */
void audit_checkpoint_text(const struct audit_checkpoint *checkpoint, struct buffer *out);
struct hash audit_checkpoint_hash(const struct audit_checkpoint *checkpoint);
/* Fills in key and signature. 0 or <0. */
int audit_checkpoint_sign(struct audit_checkpoint *checkpoint, const struct key *key);
/* 0; KEY_E_*: it was not signed by that key. <0. */
int audit_checkpoint_verify(const struct audit_checkpoint *checkpoint, const struct key *key);
/* The frame. */
void audit_checkpoint_encode(const struct audit_checkpoint *checkpoint, struct buffer *out);
bool audit_checkpoint_is(struct str frame); /* whether the frame says that it is one */
/* 0; 1: malformed. <0. */
int audit_checkpoint_parse(struct str frame, struct arena *arena, struct audit_checkpoint *ret_checkpoint);

#endif
