/* jobs.h - background work of the node that holds the lease: one thread, named jobs, each with a period.
 *
 * A job is a function that does one bounded portion and says whether there is more. What it changes goes through the
 * engine (command_run_program), what it reads through the reader that it is given.
 *
 * (K1) jobs that are due take turns, one portion each: one that never ends delays another by one portion only.
 * (K2) a job that fails is counted, reported through on_fault, and tried again after its period, then twice that, up to
 * JOB_PAUSE_MS_MAX (or its period, if that is longer); its first success ends the doubling. The others do not notice.
 * (K3) a wake-up during a portion is kept: the job runs again after it. A wake-up does not shorten the pause of a job
 * that failed.
 * (K4) when jobs_stop has returned, no job is running and none will. The engine must run until then.
 * Tests: jobs_test.c, k1..k4. */
#ifndef GIRO_INTEGRATION_JOBS_H
#define GIRO_INTEGRATION_JOBS_H

#include "integration/integration.h"

enum {
    JOBS_MAX = 16,
    JOB_PERIOD_MS_MAX = 24 * 60 * 60 * 1000,
    JOB_PAUSE_MS_MAX = 10 * 60 * 1000,
    JOB_ARENA_BYTES_MAX = 64 * 1024 * 1024, /* of one portion */
};

struct job {
    const char *name;  /* "statement_copy"; in logs and metrics */
    int64_t period_ms; /* 1..JOB_PERIOD_MS_MAX, from the end of its work to the next look; the first is at the start */
    /* One portion: 0 = nothing left until the next period, 1 = more, call again at once, <0 = fault. arena is empty at
     * each call; a snapshot begun on reader must be ended before the return. */
    int (*run)(void *ctx, struct integration *integration, struct reader *reader, struct arena *arena);
    void *ctx;
};

struct jobs_options {
    struct integration *integration; /* borrowed, with a running engine, until jobs_stop has returned */
    const struct job *jobs;          /* copied; at most JOBS_MAX, their names different */
    size_t count;
    void (*on_fault)(void *ctx, const char *job, int code); /* on the jobs' thread; may be NULL */
    void *ctx;
    int64_t (*now_ms)(void); /* NULL: clock_mono_ms */
    bool stepped;            /* tests, simulation: no thread, jobs_step does the work */
};

struct jobs; /* opaque */

/* 0, or <0: a reader, memory or a thread is wanting; then nothing is left. */
int jobs_start(const struct jobs_options *options, struct jobs **ret_jobs) MUST_USE;
/* The job is due now. From any thread; never waits for a portion. check: there is a job of that name. */
void jobs_wake(struct jobs *jobs, const char *name);
/* Waits for the portion that runs, ends the thread; returns NULL, takes NULL. */
struct jobs *jobs_stop(struct jobs *jobs);
/* stepped only: one portion of the job whose turn it is. True: one ran. */
bool jobs_step(struct jobs *jobs);
/* How often the job has failed, in a row and since the start; check: as jobs_wake. */
struct job_faults {
    uint64_t in_a_row, all;
};
struct job_faults jobs_faults(struct jobs *jobs, const char *name);

#endif
