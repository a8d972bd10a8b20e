/* bench_engine.h - `giro bench engine`: the engine without HTTP beside the same rows written raw. Private to the
 * bench_engine*.c files.
 *
 * (N1) Both sides work in rounds, one after the other on the same disk, so that what disturbs the machine disturbs
 * both. (N2) What the raw side writes in a round is what the engine wrote in it, row by row and commit by commit. (N3)
 * Recording the rows is no part of either side's time. */
#ifndef GIRO_APP_BENCH_ENGINE_H
#define GIRO_APP_BENCH_ENGINE_H

#include <sys/types.h>

#include "app/latencies.h"
#include "integration/command/core_result.h"
#include "integration/integration.h"
#include "observe/metrics.h"

enum {
    BENCH_ENGINE_ACCOUNTS = 1000,
    BENCH_ENGINE_ROUND_PAYMENTS = 20000, /* at least one batch */
    BENCH_ENGINE_PAYMENTS_MAX = 20 * 1000 * 1000,
    BENCH_ENGINE_SLICE_PAYMENTS = 100000, /* the first and the last: what growth costs */
    BENCH_ENGINE_RECORD_BYTES_MAX = 1024 * 1024 * 1024,
    BENCH_ENGINE_ROUND_COMMITS_MAX = 2 * (BENCH_ENGINE_ROUND_PAYMENTS + ENGINE_BATCH_MAX),
    BENCH_ENGINE_PATH_BYTES_MAX = 512,
};

/* ---- bench_engine_raw.c: recording and writing again ---- */

/* Opens a store and takes its lease. 0 or <0 with message; the caller closes it in both cases. */
int bench_store_open(const struct store_options *options, struct store **ret_store, struct message *message);

struct raw_commit {
    struct store_change *changes;
    size_t count;
};
struct raw_record {
    struct arena arena;
    struct raw_commit commits[BENCH_ENGINE_ROUND_COMMITS_MAX];
    size_t count;
    bool failed;             /* out of memory */
    int64_t last_ns;         /* what recording the last commit took */
    int64_t wall_ns, cpu_us; /* what all recording took since raw_record_forget */
};
/* Copies the rows of each commit of store from now on. 0 or -ENOMEM. */
int raw_record_open(struct raw_record *record, struct store *store);
void raw_record_forget(struct raw_record *record);
void raw_record_release(struct raw_record *record);
void raw_record_await(void); /* returns when no commit is being recorded; any thread */
/* Commits what was recorded, in order, into store. 0 or <0. */
int raw_replay(const struct raw_record *record, struct store *store);

/* ---- bench_engine_bank.c: a bank of its own, without HTTP and without a core ---- */

struct bench_bank_options {
    struct store_options store;
    uint64_t batch; /* commands in one commit, 1..ENGINE_BATCH_MAX */
    bool hot;       /* every payment leaves the same account */
    uint64_t seed;
};
struct bench_bank;
/* Opens store and engine and makes the accounts; record sees all commits. on_commit gets the time of each commit, with
 * the recording. 0 or <0 with message. */
int bench_bank_open(const struct bench_bank_options *options, struct raw_record *record, struct latencies *commits,
                    struct bench_bank **ret_bank, struct message *message);
/* count payments, each to its end, in batches. 0 or <0 with message. */
int bench_bank_pay(struct bench_bank *bank, uint64_t count, struct message *message);
struct bench_bank *bench_bank_close(struct bench_bank *bank); /* takes NULL, returns NULL */

/* ---- bench_engine_postgres.c: a PostgreSQL of its own, with a database for each side ---- */

struct bench_postgres {
    char folder[BENCH_ENGINE_PATH_BYTES_MAX]; /* absolute: its data, its log and its only socket */
    char engine[BENCH_ENGINE_PATH_BYTES_MAX + 64], raw[BENCH_ENGINE_PATH_BYTES_MAX + 64]; /* connection strings */
    pid_t pid;                                                                            /* 0: not running */
};
/* Makes folder/postgres and starts the server there, as root under the user postgres or nobody; it ends with this
 * process. Debian's settings but for its memory; what is flushed is flushed. 0 or <0 with message; stop it in both
 * cases. */
int bench_postgres_start(struct bench_postgres *server, const char *folder, struct message *message);
void bench_postgres_stop(struct bench_postgres *server); /* takes a zeroed one */

/* ---- bench_engine_transition.c ---- */

/* The time of one inline transition of the payment saga with tasks that do nothing, in nanoseconds. 0 or <0. */
int bench_transition(int64_t *ret_ns, struct message *message);

#endif
