/* journal.h - the chain of records, one a batch: outbox, audit trail and saga history at once.
 *
 * (J1) record n+1 holds the hash of record n; the first holds zeros. (J2) no reply leaves before its record is flushed.
 * (J3) hash = SHA-256(epoch, seq, at_ms, last_id, prev_hash, entries_hash, rows_hash, SHA-256(body)); entries_hash
 * covers the append-only rows of the batch (table by table, in number order), rows_hash all other rows it wrote in
 * their final state. Body: frames of type (1 byte: 'E' event, 'H' saga history, 'A' audit), length (4 bytes
 * big-endian), JSON. */
#ifndef GIRO_ENGINE_JOURNAL_H
#define GIRO_ENGINE_JOURNAL_H

#include "platform/buffer.h"
#include "platform/digest.h"
#include "platform/table.h"

enum { JOURNAL_BODY_BYTES_MAX = 64 * 1024 * 1024, JOURNAL_FRAME_BYTES_MAX = 64 * 1024 };
enum journal_frame { JOURNAL_EVENT = 'E', JOURNAL_HISTORY = 'H', JOURNAL_AUDIT = 'A' };

struct journal_row {
    int64_t epoch, seq, at_ms;
    uint8_t last_id[16];
    struct hash prev_hash, entries_hash, rows_hash, hash;
    struct str body;
};

struct hash journal_hash(const struct journal_row *row);
/* Whole or, when the buffer overflows, not at all. */
void journal_frame_write(struct buffer *body, enum journal_frame type, struct str json);
/* Cuts the next frame off body; false at the end; *ret_good false when the body is malformed. */
bool journal_frame_next(struct str *body, enum journal_frame *ret_type, struct str *ret_json, bool *ret_good);

#endif
