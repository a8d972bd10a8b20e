#include "integration/jobs.h"

#include "observe/metric_table.h"
#include "platform/clock.h"

#include <pthread.h>

enum { JOB_ARENA_BLOCK_BYTES = 64 * 1024 };
#define JOB_NEVER_MS INT64_MAX

struct job_line {
    struct job job;
    int64_t due_ms; /* by now_ms of the options */
    bool woken;     /* while it ran: due again at once */
    struct job_faults faults;
};

struct jobs {
    struct integration *integration;
    void (*on_fault)(void *ctx, const char *job, int code);
    void *ctx;
    int64_t (*now_ms)(void);
    struct reader reader; /* of the thread (or of who steps), like the arena */
    struct arena arena;
    pthread_mutex_t lock; /* what follows */
    pthread_cond_t wake;  /* waits on the monotonic clock */
    struct job_line lines[JOBS_MAX];
    size_t count, turn; /* turn: the line that is looked at first */
    bool stopping, running;
    pthread_t thread;
};

static struct job_line *line_of(struct jobs *jobs, const char *name) {
    for (size_t i = 0; i < jobs->count; i++)
        if (strcmp(jobs->lines[i].job.name, name) == 0) return &jobs->lines[i];
    return NULL;
}

/* The due line whose turn it is, or NULL; under the lock. */
static struct job_line *line_due(struct jobs *jobs, int64_t now_ms) {
    for (size_t i = 0; i < jobs->count; i++) {
        struct job_line *line = &jobs->lines[(jobs->turn + i) % jobs->count];
        if (line->due_ms > now_ms) continue;
        jobs->turn = (jobs->turn + i + 1) % jobs->count; /* K1 */
        return line;
    }
    return NULL;
}

/* K2: the period, doubled for each failure in a row but the first. */
static int64_t pause_ms(const struct job_line *line) {
    int64_t pause = line->job.period_ms, longest = pause > JOB_PAUSE_MS_MAX ? pause : JOB_PAUSE_MS_MAX;
    for (uint64_t i = 1; i < line->faults.in_a_row && pause < longest; i++) pause *= 2;
    return pause < longest ? pause : longest;
}

/* Under the lock: when the line is looked at again, after a portion that ended with r. */
static void line_set(struct job_line *line, int64_t now_ms, int r) {
    if (r < 0) {
        line->faults.in_a_row++;
        line->faults.all++;
        line->due_ms = now_ms + pause_ms(line);
    } else {
        line->faults.in_a_row = 0;
        line->due_ms = r > 0 || line->woken ? now_ms : now_ms + line->job.period_ms;
    }
    line->woken = false;
}

/* One portion of a line that line_due gave; without the lock. */
static void line_run(struct jobs *jobs, struct job_line *line) {
    arena_reset(&jobs->arena);
    int r = line->job.run(line->job.ctx, jobs->integration, &jobs->reader, &jobs->arena);
    pthread_mutex_lock(&jobs->lock);
    line_set(line, jobs->now_ms(), r);
    pthread_mutex_unlock(&jobs->lock);
    if (r >= 0) return;
    metrics_add(jobs->integration->metrics, METRIC_JOB_FAULTS,
                (struct metric_labels){ .at = { str_from_c(line->job.name) } }, 1);
    if (jobs->on_fault) jobs->on_fault(jobs->ctx, line->job.name, r);
}

/* Under the lock: sleeps until a line is due, a wake-up or the stop. */
static void sleep_until_due(struct jobs *jobs) {
    int64_t next_ms = JOB_NEVER_MS, now_ms = jobs->now_ms();
    for (size_t i = 0; i < jobs->count; i++)
        if (jobs->lines[i].due_ms < next_ms) next_ms = jobs->lines[i].due_ms;
    if (next_ms == JOB_NEVER_MS) {
        pthread_cond_wait(&jobs->wake, &jobs->lock);
        return;
    }
    struct timespec until = clock_mono_after(next_ms > now_ms ? next_ms - now_ms : 0);
    (void)pthread_cond_timedwait(&jobs->wake, &jobs->lock, &until); /* the time or a wake-up: the loop looks */
}

static void *jobs_main(void *ctx) {
    struct jobs *jobs = ctx;
    pthread_mutex_lock(&jobs->lock);
    while (!jobs->stopping) {
        struct job_line *line = line_due(jobs, jobs->now_ms());
        if (!line) {
            sleep_until_due(jobs);
            continue;
        }
        line->due_ms = JOB_NEVER_MS; /* until line_set */
        pthread_mutex_unlock(&jobs->lock);
        line_run(jobs, line);
        pthread_mutex_lock(&jobs->lock);
    }
    pthread_mutex_unlock(&jobs->lock);
    return NULL;
}

static void jobs_init(struct jobs *jobs, const struct jobs_options *options) {
    pthread_condattr_t attributes;
    check(pthread_condattr_init(&attributes) == 0 && pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    check(pthread_mutex_init(&jobs->lock, NULL) == 0 && pthread_cond_init(&jobs->wake, &attributes) == 0);
    jobs->integration = options->integration;
    jobs->on_fault = options->on_fault;
    jobs->ctx = options->ctx;
    jobs->now_ms = options->now_ms ? options->now_ms : clock_mono_ms;
    int64_t now_ms = jobs->now_ms();
    for (size_t i = 0; i < options->count; i++) {
        const struct job *job = &options->jobs[i];
        check(job->period_ms >= 1 && job->period_ms <= JOB_PERIOD_MS_MAX && !line_of(jobs, job->name));
        jobs->lines[jobs->count++] = (struct job_line){ .job = *job, .due_ms = now_ms };
    }
}

int jobs_start(const struct jobs_options *options, struct jobs **ret_jobs) {
    check(options->count <= JOBS_MAX);
    struct jobs *jobs = calloc(1, sizeof *jobs);
    if (!jobs) return err_origin(-ENOMEM);
    jobs_init(jobs, options);
    int r = arena_init(&jobs->arena, JOB_ARENA_BLOCK_BYTES, JOB_ARENA_BYTES_MAX);
    if (!r) r = reader_open(options->integration->store, &jobs->reader);
    if (!r && !options->stepped) {
        int code = pthread_create(&jobs->thread, NULL, jobs_main, jobs);
        jobs->running = code == 0;
        if (jobs->running) (void)pthread_setname_np(jobs->thread, "jobs"); /* for people only */
        r = code ? err_origin(-code) : 0;
    }
    if (r) {
        jobs_stop(jobs);
        return err_trace(r);
    }
    *ret_jobs = jobs;
    return 0;
}

void jobs_wake(struct jobs *jobs, const char *name) {
    pthread_mutex_lock(&jobs->lock);
    struct job_line *line = line_of(jobs, name);
    check(line);
    if (line->due_ms == JOB_NEVER_MS) {
        line->woken = true;
    } else if (line->faults.in_a_row == 0) {
        line->due_ms = jobs->now_ms();
        pthread_cond_signal(&jobs->wake);
    }
    pthread_mutex_unlock(&jobs->lock);
}

struct jobs *jobs_stop(struct jobs *jobs) {
    if (!jobs) return NULL;
    pthread_mutex_lock(&jobs->lock);
    jobs->stopping = true;
    pthread_cond_signal(&jobs->wake);
    pthread_mutex_unlock(&jobs->lock);
    if (jobs->running) pthread_join(jobs->thread, NULL);
    if (jobs->reader.store) reader_close(&jobs->reader);
    arena_release(&jobs->arena);
    pthread_cond_destroy(&jobs->wake);
    pthread_mutex_destroy(&jobs->lock);
    free(jobs);
    return NULL;
}

bool jobs_step(struct jobs *jobs) {
    check(!jobs->running);
    pthread_mutex_lock(&jobs->lock);
    struct job_line *line = line_due(jobs, jobs->now_ms());
    if (line) line->due_ms = JOB_NEVER_MS;
    pthread_mutex_unlock(&jobs->lock);
    if (line) line_run(jobs, line);
    return line != NULL;
}

struct job_faults jobs_faults(struct jobs *jobs, const char *name) {
    pthread_mutex_lock(&jobs->lock);
    const struct job_line *line = line_of(jobs, name);
    check(line);
    struct job_faults faults = line->faults;
    pthread_mutex_unlock(&jobs->lock);
    return faults;
}
