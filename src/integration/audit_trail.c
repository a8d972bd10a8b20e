#include "integration/audit_trail.h"

enum { TRAIL_ARENA_BYTES = 16 * 1024, TRAIL_ARENA_BYTES_MAX = 256 * 1024, TRAIL_FIRST_CAPACITY = 256 };

/* A record that no checkpoint has covered yet. */
struct open_record {
    int64_t epoch, seq;
    struct hash hash;
    size_t leaves; /* of all open records up to it */
};

struct audit_trail {
    struct key *key;
    struct arena arena; /* of one checkpoint */
    struct hash *leaves;
    struct open_record *open;
    size_t leaf_count, leaf_capacity, open_count, open_capacity;
    bool has_checkpoint; /* there was one before; its hash: */
    struct hash last_checkpoint, head;
    struct audit_checkpoint newest;
    struct audit_trail_result result;
};

#define X(code, name) [code] = name,
static const char *const fault_names[AUDIT_TRAIL_COUNT] = { AUDIT_TRAIL_MAP(X) };
#undef X

const char *audit_trail_fault_name(enum audit_trail_fault fault) {
    check(fault < AUDIT_TRAIL_COUNT);
    return fault_names[fault];
}

int audit_trail_new(struct key *key, struct audit_trail **ret_trail) {
    struct audit_trail *trail = calloc(1, sizeof *trail);
    if (!trail) return err_origin(-ENOMEM);
    int r = arena_init(&trail->arena, TRAIL_ARENA_BYTES, TRAIL_ARENA_BYTES_MAX);
    if (r) {
        free(trail);
        return err_trace(r);
    }
    trail->key = key ? key_share(key) : NULL;
    *ret_trail = trail;
    return 0;
}

struct audit_trail *audit_trail_free(struct audit_trail *trail) {
    if (!trail) return NULL;
    (void)key_free(trail->key);
    arena_release(&trail->arena);
    free(trail->leaves);
    free(trail->open);
    free(trail);
    return NULL;
}

static void fail(struct audit_trail *trail, enum audit_trail_fault fault, int64_t seq) {
    if (trail->result.reason != AUDIT_TRAIL_OK) return;
    trail->result.reason = fault;
    trail->result.bad_seq = seq;
}

/* Room for one more of size bytes in a list that doubles. 0, 1: the limit; -ENOMEM. */
static int grow(void **list, size_t count, size_t *capacity, size_t size, size_t most) {
    if (count < *capacity) return 0;
    if (count >= most) return 1;
    size_t wanted = *capacity ? *capacity * 2 : TRAIL_FIRST_CAPACITY;
    void *larger = realloc(*list, wanted * size);
    if (!larger) return err_origin(-ENOMEM);
    *list = larger;
    *capacity = wanted;
    return 0;
}

/* ---- checkpoints ---- */

static struct hash root_of(const struct audit_trail *trail, size_t leaves) {
    struct merkle tree;
    merkle_init(&tree);
    for (size_t i = 0; i < leaves; i++) merkle_add(&tree, &trail->leaves[i]);
    return merkle_root(&tree);
}

static const struct open_record *open_find(const struct audit_trail *trail, const struct audit_checkpoint *checkpoint) {
    for (size_t i = 0; i < trail->open_count; i++)
        if (trail->open[i].seq == checkpoint->seq) return &trail->open[i];
    return NULL;
}

/* The records up to *covered are proven: they are let go. */
static void let_go(struct audit_trail *trail, const struct open_record *covered) {
    size_t records = (size_t)(covered - trail->open) + 1, leaves = covered->leaves;
    if (leaves) /* records may have none, and then there may be no array */
        memmove(trail->leaves, trail->leaves + leaves, (trail->leaf_count - leaves) * sizeof trail->leaves[0]);
    memmove(trail->open, trail->open + records, (trail->open_count - records) * sizeof trail->open[0]);
    trail->leaf_count -= leaves;
    trail->open_count -= records;
    for (size_t i = 0; i < trail->open_count; i++) trail->open[i].leaves -= leaves;
}

static enum audit_trail_fault judge(const struct audit_trail *trail, const struct audit_checkpoint *checkpoint,
                                    const struct open_record *covered) {
    struct hash root = root_of(trail, covered->leaves);
    if (covered->epoch != checkpoint->epoch || trail->open[0].seq != checkpoint->first_seq) return AUDIT_TRAIL_PLACE;
    if (!hash_equal(&covered->hash, &checkpoint->head)) return AUDIT_TRAIL_HEAD;
    if (!hash_equal(&root, &checkpoint->root) || (size_t)checkpoint->records != covered->leaves)
        return AUDIT_TRAIL_ROOT;
    if (trail->has_checkpoint && !hash_equal(&trail->last_checkpoint, &checkpoint->previous)) return AUDIT_TRAIL_ORDER;
    static const struct hash none;
    if (checkpoint->first_seq == 1 && !hash_equal(&checkpoint->previous, &none)) return AUDIT_TRAIL_ORDER;
    return AUDIT_TRAIL_OK;
}

static int take_checkpoint(struct audit_trail *trail, const struct audit_checkpoint *checkpoint, int64_t seq) {
    struct hash hash = audit_checkpoint_hash(checkpoint);
    int r = trail->key ? audit_checkpoint_verify(checkpoint, trail->key) : 0;
    if (r < 0) return err_trace(r);
    if (r) fail(trail, AUDIT_TRAIL_SIGNATURE, seq);
    if (trail->has_checkpoint && hash_equal(&hash, &trail->last_checkpoint)) return 0; /* said twice */
    const struct open_record *covered = open_find(trail, checkpoint);
    if (!covered) {
        /* A part may begin with the record that holds the checkpoint of those before it. */
        if (checkpoint->seq >= trail->result.first_seq) fail(trail, AUDIT_TRAIL_PLACE, seq);
        return 0;
    }
    enum audit_trail_fault fault = judge(trail, checkpoint, covered);
    if (fault != AUDIT_TRAIL_OK) fail(trail, fault, seq);
    let_go(trail, covered);
    trail->has_checkpoint = true;
    trail->last_checkpoint = hash;
    trail->result.checkpoints++;
    trail->result.proven_seq = checkpoint->seq;
    trail->result.proven_ms = checkpoint->time_ms;
    return 0;
}

int audit_trail_checkpoint(struct audit_trail *trail, struct str frame) {
    struct audit_checkpoint checkpoint;
    if (trail->result.reason != AUDIT_TRAIL_OK) return 0;
    arena_reset(&trail->arena);
    int r = audit_checkpoint_parse(frame, &trail->arena, &checkpoint);
    if (r < 0) return err_trace(r);
    if (r) fail(trail, AUDIT_TRAIL_FORM, trail->result.last_seq);
    return r ? 0 : err_trace(take_checkpoint(trail, &checkpoint, trail->result.last_seq));
}

/* ---- records ---- */

static int take_frame(struct audit_trail *trail, struct str json) {
    int r = audit_checkpoint_is(json) ? audit_trail_checkpoint(trail, json) : 0;
    if (!r)
        r = grow((void **)&trail->leaves, trail->leaf_count, &trail->leaf_capacity, sizeof trail->leaves[0],
                 AUDIT_TRAIL_LEAVES_MAX);
    if (r) return r < 0 ? err_trace(r) : err_origin(-EFBIG);
    trail->leaves[trail->leaf_count++] = merkle_leaf(json);
    trail->result.audits++;
    return 0;
}

static int take_body(struct audit_trail *trail, const struct journal_row *record) {
    struct str body = record->body, json;
    enum journal_frame type;
    bool good = true;
    int r = 0;
    while (!r && journal_frame_next(&body, &type, &json, &good))
        if (type == JOURNAL_AUDIT) r = take_frame(trail, json);
    if (!good) fail(trail, AUDIT_TRAIL_FRAMES, record->seq);
    return err_trace(r);
}

static void check_links(struct audit_trail *trail, const struct journal_row *record) {
    static const struct hash none;
    struct hash hash = journal_hash(record);
    const struct hash *prev = trail->result.records ? &trail->head : record->seq == 1 ? &none : &record->prev_hash;
    if (record->seq < 1 || (trail->result.records && record->seq != trail->result.last_seq + 1))
        fail(trail, AUDIT_TRAIL_SEQ, record->seq);
    if (!hash_equal(prev, &record->prev_hash)) fail(trail, AUDIT_TRAIL_PREV, record->seq);
    if (!hash_equal(&hash, &record->hash)) fail(trail, AUDIT_TRAIL_HASH, record->seq);
}

int audit_trail_record(struct audit_trail *trail, const struct journal_row *record) {
    struct audit_trail_result *result = &trail->result;
    if (result->reason != AUDIT_TRAIL_OK) return 0;
    check_links(trail, record);
    if (result->records == 0) result->first_seq = record->seq;
    result->records++;
    result->last_seq = record->seq;
    trail->head = record->hash;
    int r = result->reason == AUDIT_TRAIL_OK ? take_body(trail, record) : 0;
    if (!r)
        r = grow((void **)&trail->open, trail->open_count, &trail->open_capacity, sizeof trail->open[0],
                 AUDIT_TRAIL_RECORDS_MAX);
    if (r) return r < 0 ? err_trace(r) : err_origin(-EFBIG);
    trail->open[trail->open_count++] = (struct open_record){
        .epoch = record->epoch, .seq = record->seq, .hash = record->hash, .leaves = trail->leaf_count
    };
    return 0;
}

void audit_trail_result(const struct audit_trail *trail, struct audit_trail_result *ret_result) {
    *ret_result = trail->result;
}
