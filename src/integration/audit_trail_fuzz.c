/* audit_trail_fuzz.c - journal records and checkpoints as an export may hold them. The first byte chooses: a body as it
 * is, a checkpoint's frame as it is, or frames that are written here into a chain of records, with or without a byte
 * changed afterwards: a chain as it was written proves itself, and one that was changed does not. */
#include "integration/audit_trail.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { BODY_BYTES_MAX = 128 * 1024, RECORDS_MAX = 8 };

static char memory[RECORDS_MAX][BODY_BYTES_MAX / RECORDS_MAX];
static char again[BODY_BYTES_MAX];

/* What is cut off and written again is the body. */
static void body_try(struct str body) {
    struct str rest = body, json;
    enum journal_frame type;
    struct buffer out;
    bool good;
    buffer_init(&out, again, sizeof again);
    while (journal_frame_next(&rest, &type, &json, &good)) {
        check(good && (type == JOURNAL_EVENT || type == JOURNAL_HISTORY || type == JOURNAL_AUDIT));
        check(json.len <= JOURNAL_FRAME_BYTES_MAX);
        journal_frame_write(&out, type, json);
    }
    check(!out.overflow && str_equal(buffer_str(&out), str_slice(body, 0, body.len - rest.len)));
    check(good == (rest.len == 0));
}

/* (P2) */
static void checkpoint_try(struct str frame) {
    struct audit_checkpoint checkpoint;
    struct arena arena;
    struct buffer out;
    check(arena_init(&arena, 16 * 1024, 256 * 1024) == 0);
    buffer_init(&out, again, sizeof again);
    int r = audit_checkpoint_parse(frame, &arena, &checkpoint);
    check(r == 0 || r == 1);
    if (r == 0) {
        audit_checkpoint_encode(&checkpoint, &out);
        check(str_equal(buffer_str(&out), frame) && audit_checkpoint_is(frame));
    }
    arena_release(&arena);
}

static size_t chain_make(struct str text, struct journal_row records[RECORDS_MAX]) {
    struct hash prev = { 0 };
    size_t count = 0;
    struct str piece;
    for (bool more = true; more && count < RECORDS_MAX; count++) {
        struct buffer body;
        more = str_cut(&text, '\n', &piece);
        buffer_init(&body, memory[count], sizeof memory[count]);
        journal_frame_write(&body, count % 2 ? JOURNAL_AUDIT : JOURNAL_EVENT, piece);
        records[count] = (struct journal_row){
            .epoch = 1, .seq = (int64_t)count + 1, .at_ms = 1000, .prev_hash = prev, .body = buffer_str(&body)
        };
        records[count].hash = prev = journal_hash(&records[count]);
    }
    return count;
}

static enum audit_trail_fault judge(const struct journal_row *records, size_t count) {
    struct audit_trail *trail;
    struct audit_trail_result result;
    check(audit_trail_new(NULL, &trail) == 0);
    for (size_t i = 0; i < count; i++) check(audit_trail_record(trail, &records[i]) == 0);
    audit_trail_result(trail, &result);
    check(result.reason != AUDIT_TRAIL_OK || (result.bad_seq == 0 && result.last_seq == (int64_t)count));
    (void)audit_trail_free(trail);
    return result.reason;
}

/* The first byte says which byte of the chain is changed. */
static void chain_try(uint8_t which, struct str text) {
    struct journal_row records[RECORDS_MAX];
    if (text.len > BODY_BYTES_MAX / RECORDS_MAX - 8) return;
    size_t count = chain_make(text, records);
    enum audit_trail_fault fault = judge(records, count);
    /* A frame that says that it is a checkpoint is judged as one; all others are only carried. */
    check(fault == AUDIT_TRAIL_OK || fault >= AUDIT_TRAIL_FORM);
    struct journal_row *changed = &records[which % count];
    if (which & 0x80) changed->hash.bytes[which % 32] ^= 1;
    else memory[which % count][changed->body.len - 1] ^= 1;
    check(judge(records, count) != AUDIT_TRAIL_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    if (size < 2 || size > BODY_BYTES_MAX / 2) return 0;
    struct str text = str_from_bytes(bytes + 1, size - 1);
    if (bytes[0] % 3 == 0) body_try(text);
    else if (bytes[0] % 3 == 1) checkpoint_try(text);
    else chain_try(bytes[1], str_slice(text, 1, text.len));
    return 0;
}
