#include "integration/checkpoint_job.h"

#include "engine/engine.h"
#include "engine/journal_tail.h"
#include "platform/clock.h"

enum { END_PORTIONS_MAX = 64, END_ARENA_BLOCK_BYTES = 64 * 1024, END_ARENA_BYTES_MAX = 160 * 1024 * 1024 };
enum { PORTION_DONE, PORTION_FULL };

struct walk {
    struct checkpoint_job *job;
    struct arena *arena;
    size_t records;
    bool found;
};

static int64_t now_ms(const struct checkpoint_job *job) {
    return job->now_ms ? job->now_ms() : clock_now_ms();
}

/* ---- where to go on: the newest checkpoint in the journal ---- */

static int find_in_record(void *ctx, const void *row) {
    const struct journal_row *record = row;
    struct walk *walk = ctx;
    struct checkpoint_job *job = walk->job;
    struct str body = record->body, json;
    enum journal_frame type;
    bool good;
    job->epoch = record->epoch;
    job->seq = record->seq;
    walk->records++;
    while (journal_frame_next(&body, &type, &json, &good)) {
        struct audit_checkpoint checkpoint;
        if (type != JOURNAL_AUDIT || !audit_checkpoint_is(json)) continue;
        int r = audit_checkpoint_parse(json, walk->arena, &checkpoint);
        if (r) return r < 0 ? err_trace(r) : err_origin(-EBADMSG);
        job->epoch = checkpoint.epoch;
        job->seq = checkpoint.seq;
        job->head = checkpoint.head;
        job->previous = audit_checkpoint_hash(&checkpoint);
        job->last_ms = checkpoint.time_ms;
        walk->found = true;
    }
    if (walk->found) return PORTION_FULL;
    return walk->arena->bytes_used > CHECKPOINT_PORTION_BYTES ? PORTION_FULL : 0;
}

/* Records before (epoch, seq), in that epoch or the nearest other. */
static int read_back(struct reader *reader, struct walk *walk, int (*each)(void *ctx, const void *row)) {
    struct journal_row probe = { .epoch = walk->job->epoch, .seq = walk->job->seq };
    struct store_range range = { .table = &engine_journal_table,
                                 .row = &probe,
                                 .equal_columns = 1,
                                 .bounded = true,
                                 .descending = true,
                                 .limit = CHECKPOINT_PORTION_RECORDS };
    walk->records = 0;
    int r = read_begin(reader);
    if (r) return err_trace(r);
    r = read_range(reader, &range, walk->arena, each, walk);
    range.equal_columns = 0;
    if (!r && walk->records == 0) r = read_range(reader, &range, walk->arena, each, walk);
    read_end(reader);
    return r;
}

/* One portion of the way back. 0: where to go on is known; 1: more; <0. */
static int find_portion(struct checkpoint_job *job, struct reader *reader, struct arena *arena) {
    struct walk walk = { .job = job, .arena = arena };
    if (job->seq == 0 && job->epoch == 0) job->epoch = job->seq = INT64_MAX;
    int r = read_back(reader, &walk, find_in_record);
    if (r < 0) return err_trace(r);
    if (!walk.found && walk.records) return 1;
    if (!walk.found) job->epoch = job->seq = 0; /* there is none: from the first record */
    job->found = true;
    job->first_seq = job->seq + 1;
    job->others = 0;
    merkle_init(&job->tree);
    return 0;
}

/* ---- the way forward ---- */

/* What was said stands in the journal. */
static void seen(struct checkpoint_job *job) {
    job->said_len = 0;
    if (!atomic_load(&job->asked)) atomic_store(&job->waited_for, false);
}

static void take_frame(struct checkpoint_job *job, enum journal_frame type, struct str json) {
    bool checkpoint = type == JOURNAL_AUDIT && audit_checkpoint_is(json);
    if (checkpoint && str_equal(json, str_from_bytes(job->said, job->said_len))) seen(job); /* C3 */
    job->others += !checkpoint;
    if (type != JOURNAL_AUDIT) return;
    struct hash leaf = merkle_leaf(json);
    merkle_add(&job->tree, &leaf);
}

static int walk_record(void *ctx, const void *row) {
    const struct journal_row *record = row;
    struct walk *walk = ctx;
    struct checkpoint_job *job = walk->job;
    struct str body = record->body, json;
    enum journal_frame type;
    bool good;
    while (journal_frame_next(&body, &type, &json, &good)) take_frame(job, type, json);
    if (!good) return err_origin(-EBADMSG);
    job->epoch = record->epoch;
    job->seq = record->seq;
    job->head = record->hash;
    walk->records++;
    return walk->arena->bytes_used > CHECKPOINT_PORTION_BYTES ? PORTION_FULL : 0;
}

static bool is_due(struct checkpoint_job *job, int64_t at_ms) {
    if (job->said_len) return false;
    if (atomic_exchange(&job->asked, false)) {
        if (job->others) return true;
        atomic_store(&job->waited_for, false); /* all is covered */
    }
    if (job->others == 0) return false;
    return at_ms - job->last_ms >= CHECKPOINT_PERIOD_MS || at_ms < job->last_ms ||
           job->seq - job->first_seq >= CHECKPOINT_RECORDS;
}

static int write_checkpoint(struct checkpoint_job *job, struct integration *integration, int64_t at_ms) {
    struct buffer out;
    struct audit_checkpoint checkpoint = { .first_seq = job->first_seq,
                                           .epoch = job->epoch,
                                           .seq = job->seq,
                                           .time_ms = at_ms,
                                           .head = job->head,
                                           .records = (int64_t)job->tree.count,
                                           .root = merkle_root(&job->tree),
                                           .previous = job->previous };
    int r = audit_checkpoint_sign(&checkpoint, job->key);
    if (r) return err_trace(r);
    buffer_init(&out, job->said, sizeof job->said);
    audit_checkpoint_encode(&checkpoint, &out);
    check(!out.overflow);
    job->said_len = out.len;
    job->said_ms = job->last_ms = at_ms;
    command_note(integration, buffer_str(&out));
    job->previous = audit_checkpoint_hash(&checkpoint);
    job->first_seq = job->seq + 1;
    job->others = 0;
    merkle_init(&job->tree);
    return 0;
}

static void say_again(struct checkpoint_job *job, struct integration *integration, int64_t at_ms) {
    if (!job->said_len || (at_ms - job->said_ms < CHECKPOINT_AGAIN_MS && at_ms >= job->said_ms)) return;
    job->said_ms = at_ms;
    command_note(integration, str_from_bytes(job->said, job->said_len));
}

int checkpoint_job_run(void *ctx, struct integration *integration, struct reader *reader, struct arena *arena) {
    struct checkpoint_job *job = ctx;
    struct walk walk = { .job = job, .arena = arena };
    if (!job->found) {
        int r = find_portion(job, reader, arena);
        return r < 0 ? err_trace(r) : 1;
    }
    struct journal_walk records = { .epoch = job->epoch,
                                    .seq = job->seq,
                                    .limit = CHECKPOINT_PORTION_RECORDS,
                                    .arena = arena,
                                    .each = walk_record,
                                    .ctx = &walk };
    int r = journal_walk(integration->engine, reader, &records);
    if (r < 0) return err_trace(r);
    int64_t at_ms = now_ms(job);
    say_again(job, integration, at_ms);
    bool more = r == PORTION_FULL || walk.records == CHECKPOINT_PORTION_RECORDS;
    if (!more && is_due(job, at_ms)) return err_trace(write_checkpoint(job, integration, at_ms));
    return more;
}

int checkpoint_job_end(struct checkpoint_job *job, struct integration *integration) {
    struct reader reader;
    struct arena arena = { 0 };
    int r = reader_open(integration->store, &reader);
    if (r) return err_trace(r);
    r = arena_init(&arena, END_ARENA_BLOCK_BYTES, END_ARENA_BYTES_MAX);
    job->last_ms = INT64_MIN / 2; /* due if anything was written */
    for (int i = 0; i < END_PORTIONS_MAX && !r; i++) {
        arena_reset(&arena);
        r = checkpoint_job_run(job, integration, &reader, &arena);
        if (r != 1) break;
        r = 0;
    }
    arena_release(&arena);
    reader_close(&reader);
    return err_trace(r < 0 ? r : 0);
}
