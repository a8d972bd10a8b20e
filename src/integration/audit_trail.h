/* audit_trail.h - the proof of a run of journal records by themselves: chain, frames, checkpoints. For the store and
 * for an export alike; what the records say of other rows is engine/chain.h's.
 *
 * (T1) Records come in order, from the first or from the first that a checkpoint covers; seq counts on, each holds the
 * hash of the one before, and its own is right. (T2) Each checkpoint is the one that the records before it make,
 * follows the one before it, and is signed by the key, if one is given. (T3) After the first fault nothing more is
 * looked at: reason says what it was. */
#ifndef GIRO_INTEGRATION_AUDIT_TRAIL_H
#define GIRO_INTEGRATION_AUDIT_TRAIL_H

#include "engine/journal.h"
#include "engine/merkle.h"
#include "integration/audit_checkpoint.h"

enum { AUDIT_TRAIL_LEAVES_MAX = 8 * 1024 * 1024, AUDIT_TRAIL_RECORDS_MAX = 4 * 1024 * 1024 }; /* between checkpoints */

#define AUDIT_TRAIL_MAP(X)                                                                                             \
    X(AUDIT_TRAIL_OK, "ok")                                                                                            \
    X(AUDIT_TRAIL_SEQ, "seq_gap")                                                                                      \
    X(AUDIT_TRAIL_PREV, "prev_hash")                                                                                   \
    X(AUDIT_TRAIL_HASH, "hash")                                                                                        \
    X(AUDIT_TRAIL_FRAMES, "malformed_body")                                                                            \
    X(AUDIT_TRAIL_FORM, "malformed_checkpoint")                                                                        \
    X(AUDIT_TRAIL_PLACE, "checkpoint_of_other_records")                                                                \
    X(AUDIT_TRAIL_HEAD, "checkpoint_head")                                                                             \
    X(AUDIT_TRAIL_ROOT, "checkpoint_root")                                                                             \
    X(AUDIT_TRAIL_ORDER, "checkpoint_order")                                                                           \
    X(AUDIT_TRAIL_SIGNATURE, "checkpoint_signature")
#define X(code, name) code,
enum audit_trail_fault { AUDIT_TRAIL_MAP(X) AUDIT_TRAIL_COUNT };
#undef X
const char *audit_trail_fault_name(enum audit_trail_fault fault);

struct audit_trail; /* opaque */
/* key: of the checkpoints, shared; NULL: signatures are not looked at. 0 or -ENOMEM. */
int audit_trail_new(struct key *key, struct audit_trail **ret_trail);
struct audit_trail *audit_trail_free(struct audit_trail *trail); /* returns NULL, takes NULL */
/* The next record. 0 whatever was found; <0. */
int audit_trail_record(struct audit_trail *trail, const struct journal_row *record);
/* A checkpoint that stands by itself, as at the end of an export. 0 or <0. */
int audit_trail_checkpoint(struct audit_trail *trail, struct str frame);

struct audit_trail_result {
    enum audit_trail_fault reason;
    int64_t bad_seq; /* 0: none */
    int64_t records, audits, checkpoints, first_seq, last_seq;
    int64_t proven_seq, proven_ms; /* of the newest checkpoint; 0: none */
};
void audit_trail_result(const struct audit_trail *trail, struct audit_trail_result *ret_result);

#endif
