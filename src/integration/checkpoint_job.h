/* checkpoint_job.h - writes the signed checkpoints of the journal (audit_checkpoint.h): a job of the node that leads.
 *
 * (C1) It walks each record once, a portion at a time, soon after it was written. (C2) A checkpoint is due when the
 * last is CHECKPOINT_PERIOD_MS old or CHECKPOINT_RECORDS records back, and something but checkpoints was written since;
 * or when it was asked for. (C3) It goes into the journal as a note; until it was seen there it is said again, and the
 * same twice is as good as once. Tests: checkpoint_job_test.c, c1..c3. */
#ifndef GIRO_INTEGRATION_CHECKPOINT_JOB_H
#define GIRO_INTEGRATION_CHECKPOINT_JOB_H

#include "engine/merkle.h"
#include "integration/audit_checkpoint.h"
#include "integration/integration.h"

#include <stdatomic.h>

enum {
    CHECKPOINT_LOOK_MS = 1000, /* the job's period */
    CHECKPOINT_PERIOD_MS = 60 * 1000,
    CHECKPOINT_RECORDS = 4096,
    CHECKPOINT_PORTION_RECORDS = 64,
    CHECKPOINT_PORTION_BYTES = 8 * 1024 * 1024,
    CHECKPOINT_AGAIN_MS = 5 * 1000, /* a note that was not seen in the journal */
};

struct checkpoint_job {
    struct key *key;         /* private; borrowed */
    int64_t (*now_ms)(void); /* NULL: the clock */
    atomic_bool asked;       /* write one now; any thread */
    atomic_bool waited_for;  /* set by who asks; false again once one that was asked for, or none to write, is there */
    /* its own: */
    bool found;                 /* where it goes on is known */
    int64_t epoch, seq;         /* the last record walked */
    int64_t first_seq, last_ms; /* of the checkpoint to be; when the last was written */
    struct hash head, previous;
    struct merkle tree;
    int64_t others; /* audit frames since that are no checkpoints, and records with more than audit frames */
    char said[AUDIT_CHECKPOINT_BYTES_MAX]; /* not yet seen */
    size_t said_len;
    int64_t said_ms;
};

/* A struct job's run; ctx: the struct checkpoint_job. */
int checkpoint_job_run(void *ctx, struct integration *integration, struct reader *reader, struct arena *arena);
/* At the end of the process, with the engine still running and the job stopped: one more, at most bytes and time of
 * what was written since the last portion. 0 or <0. */
int checkpoint_job_end(struct checkpoint_job *job, struct integration *integration);

#endif
