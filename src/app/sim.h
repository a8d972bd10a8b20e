/* sim.h - the simulation: one seed is one whole history of a bank with a fake clock and simulated peers.
 *
 * Real: engine, commands, payment saga, ledger, dispatch to the core with its breaker. Simulated: the disk (the memory
 * store and its faults), the clock, the core and the network to it, the clients. One thread, no real time, no sockets.
 *
 * (M1) everything follows from the seed: two runs of one seed give the same digest. (M2) a check that fails ends the
 * history; its sentence, the seed and the end of the trace are what people see. (M3) every wait is bounded.
 * How to add an operation: a row in sim_ops (sim_operation.c). Private to the program `sim`. */
#ifndef GIRO_APP_SIM_H
#define GIRO_APP_SIM_H

#include "engine/engine.h"
#include "integration/acl/core_dispatch.h"
#include "integration/integration.h"
#include "integration/saga/payment_saga.h"
#include "services/accounts/account.h"

enum {
    SIM_ACCOUNTS = 6,
    SIM_INTENTS_MAX = 160, /* things that clients want, one history */
    SIM_STAGES_MAX = 4,    /* commands that one intent may need, one after another */
    SIM_VARIANTS = 2,      /* bodies under one key: the right one, and a mistake */
    SIM_CALLS_MAX = 8,     /* connections to the core */
    SIM_MESSAGES_MAX = 512,
    SIM_CORE_ENTRIES_MAX = 512,
    SIM_SEEN_MAX = 512, /* balances that were read */
    SIM_TRACE_LINES = 48,
    SIM_TRACE_BYTES = 160,
    SIM_STEPS_MIN = 150,
    SIM_STEPS_MAX = 350,
    SIM_QUIET_MS_MAX = 3600 * 1000,     /* after all peers have healed */
    SIM_DEADLINE_MS = 2000,             /* of a call to the core */
    SIM_KEY_KEPT_MS = 24 * 3600 * 1000, /* a key of an Open Banking route is known at least so long (uk/I6) */
};

/* What happened, for people to see that faults really occurred. */
#define SIM_COUNT_MAP(X)                                                                                               \
    X(SIM_CRASHES, "crashes")                                                                                          \
    X(SIM_UNKNOWN_KEPT, "commits unknown and kept")                                                                    \
    X(SIM_UNKNOWN_LOST, "commits unknown and lost")                                                                    \
    X(SIM_UNDONE, "commits undone")                                                                                    \
    X(SIM_FULL, "disk full")                                                                                           \
    X(SIM_AWAY, "store away")                                                                                          \
    X(SIM_FENCED, "fenced")                                                                                            \
    X(SIM_SLOW, "slow flushes") X(SIM_JUMPS, "clock jumps") X(SIM_ATTEMPTS, "requests") X(SIM_RETRIES, "retries")      \
        X(SIM_REPLAYS, "replayed answers") X(SIM_REUSES, "keys reused") X(SIM_ANSWERS_LOST, "answers lost to clients") \
            X(SIM_BREAKER, "refused by the breaker") X(SIM_CALLS, "calls to the core") X(SIM_LOST, "messages lost")    \
                X(SIM_DUPLICATED, "messages duplicated") X(SIM_LATE, "messages late")                                  \
                    X(SIM_GARBLED, "answers garbled") X(SIM_UNSENT, "connections refused")                             \
                        X(SIM_BARRED, "payments barred by an enquiry") X(SIM_READS, "reads")                           \
                            X(SIM_WAS_UNKNOWN, "payments that were unknown") X(SIM_COMPLETED, "payments completed")    \
                                X(SIM_REJECTED, "payments rejected") X(SIM_REFUSED, "requests refused")                \
                                    X(SIM_OVERLAPPED, "batches decided over one in flight")                            \
                                        X(SIM_VOIDED, "of these decided again")                                        \
                                            X(SIM_WRITTEN, "flights that landed within a decision")
#define X(code, name) code,
enum sim_count { SIM_COUNT_MAP(X) SIM_COUNT_COUNT };
#undef X

/* What the engine answered for good under one key: from then on it must stay true. */
struct sim_told {
    bool known;
    int variant, refusal;
    uint8_t id[16];
    struct hash body;
    enum payment_status status;
    int64_t at_ms;  /* the engine's time of the first request */
    bool forgotten; /* the key may have been forgotten since: what it is answered now is not judged */
    unsigned maybe; /* bit v: variant v may be stored, a commit was unknown and kept */
    int under_way[SIM_VARIANTS];
};

struct sim_op;
/* One thing that a client wants, and keeps asking for until it knows. */
struct sim_intent {
    int number; /* from 1 */
    const struct sim_op *op;
    int stage;                          /* the command that is due */
    int variant;                        /* of the body that it sends now: 0, or 1 when its own other one won */
    bool done;                          /* the client knows */
    int account, creditor, kind, other; /* other: number of an intent that it follows, 0 = none */
    int64_t amount_minor;
    struct sim_told told[SIM_STAGES_MAX];
    int tries[SIM_STAGES_MAX], under_way;
    int64_t next_ms;          /* monotonic: when it asks again */
    enum payment_status seen; /* the furthest status that a read has shown */
};

struct sim_attempt;
struct sim;
/* An operation: what clients do. A new one is one row. */
struct sim_op {
    const char *name;
    int weight;
    int stages;
    void (*plan)(struct sim *sim, struct sim_intent *intent);
    /* Submits the command of attempt->stage. 0: will be answered; else it was not taken. */
    int (*send)(struct sim *sim, struct sim_attempt *attempt);
    /* The client has heard the answer (DONE or REPLAYED, any stored refusal): the next stage, or -1 = it is done, or
     * the same stage = ask again. NULL: accepted goes on, refused ends. */
    int (*next)(struct sim *sim, struct sim_intent *intent, const struct sim_attempt *attempt);
    bool keyed[SIM_STAGES_MAX];    /* the stage has an idempotency key */
    bool key_ends[SIM_STAGES_MAX]; /* its key is kept for SIM_KEY_KEPT_MS only (Open Banking routes) */
    int payment_stage;             /* the stage whose resource is a payment, -1 none */
};
extern const struct sim_op sim_ops[];
extern const size_t sim_op_count;

/* One request on its way. */
struct sim_attempt {
    struct sim *sim;
    struct sim_intent *intent;
    int stage, variant;
    bool lost;        /* the client will not hear the answer */
    bool told_before; /* its key was answered for good before it was sent */
    struct arena arena;
    struct call who;
    struct command_call call;
};

enum sim_core_state { SIM_CORE_BOOKED, SIM_CORE_REFUSED, SIM_CORE_BARRED };
struct sim_core_entry {
    enum sim_core_state state;
    struct core_transfer transfer; /* zero of a barred one that never came */
    uint8_t payment_id[16];
    char reference[CORE_REFERENCE_BYTES_MAX + 1];
};
struct sim_message {
    bool live, from_core, enquiry;
    int64_t due_ms;
    uint64_t order, serial; /* serial: of the call */
    struct core_transfer transfer;
    struct core_answer answer;
};
struct sim_call {
    bool live;
    uint64_t serial;
    int64_t deadline_ms;
    struct core_call call;
};
struct sim_core {
    struct sim_core_entry entries[SIM_CORE_ENTRIES_MAX];
    size_t entry_count;
    struct sim_message messages[SIM_MESSAGES_MAX];
    struct sim_call calls[SIM_CALLS_MAX];
    uint64_t order, serial;
    int64_t down_until_ms;
};

struct sim_account {
    struct account_row row; /* texts point into the arrays */
    char iban[40], name[16];
    bool personal;
};
struct sim_seen {
    int64_t account, entry_count, posted_minor;
};

/* Read from files once for all histories. */
struct sim_rules {
    struct fraud_policy fraud;
    struct aml_list *aml;
    struct saga_def *saga;
};

struct sim {
    uint64_t seed, random;
    const struct sim_rules *rules;
    int64_t mono_ms, wall_skew_ms;
    bool healed;   /* no more faults: the history ends */
    bool flushing; /* inside a commit */
    /* the process */
    char store_name[40];
    struct store *store;
    struct engine *engine;
    struct core_dispatch *dispatch;
    struct integration integration;
    bool must_end, crashing;
    bool advancing; /* the engine decides, perhaps over a batch in flight */
    enum store_fault armed;
    int64_t armed_until_ms;
    /* the peers */
    struct client_id client_id;
    struct customer_id customer_id;
    struct sim_account accounts[SIM_ACCOUNTS];
    struct sim_intent intents[SIM_INTENTS_MAX];
    size_t intent_count;
    struct sim_core core;
    struct sim_seen seen[SIM_SEEN_MAX];
    size_t seen_count;
    /* what is told */
    uint64_t counts[SIM_COUNT_COUNT];
    struct sha256 digest;
    char lines[SIM_TRACE_LINES][SIM_TRACE_BYTES];
    uint64_t line_count;
    bool print, failed;
    char why[SIM_TRACE_BYTES * 2];
};
extern struct sim *sim_running; /* the clock's functions have no argument */

/* ---- sim_trace.c ---- */
uint64_t sim_draw(struct sim *sim, uint64_t below);     /* 0..below-1 */
bool sim_chance(struct sim *sim, unsigned in_thousand); /* always false once healed */
void sim_trace(struct sim *sim, const char *format, ...) PRINTF_LIKE(2, 3);
void sim_fail(struct sim *sim, const char *format, ...) PRINTF_LIKE(2, 3); /* the first sentence stays */
const char *sim_id(const uint8_t id[16], char text[16]);                   /* short, for the trace */
const char *sim_count_name(enum sim_count count);

/* ---- sim_world.c ---- */
int64_t sim_wall_ms(void);
int64_t sim_mono_ms(void);
void sim_open(struct sim *sim); /* what a process does at its start */
void sim_end(struct sim *sim);  /* the process ends at once; what was not durable is gone */
void sim_setup(struct sim *sim);
void sim_step_engine(struct sim *sim);

/* ---- sim_core.c ---- */
void sim_core_run(struct sim *sim);          /* takes calls, moves messages, ends calls whose deadline is over */
void sim_core_forget_calls(struct sim *sim); /* the process that made them is gone */
bool sim_core_is_quiet(const struct sim *sim);
const struct sim_core_entry *sim_core_find(const struct sim *sim, const uint8_t payment_id[16]);

/* ---- sim_client.c ---- */
void sim_plan(struct sim *sim);                            /* a new intent */
void sim_send(struct sim *sim, struct sim_intent *intent); /* one more request of it */
void sim_ask_again(struct sim *sim);                       /* all clients that are due */
void sim_ask_all_again(struct sim *sim); /* every key that was answered: the answer must be the same */
void sim_read(struct sim *sim);          /* one read of a payment and of a balance */
bool sim_clients_are_quiet(const struct sim *sim);

/* ---- sim_check.c ---- */
void sim_verify(struct sim *sim);
bool sim_sagas_are_quiet(struct sim *sim);

/* ---- sim_history.c ---- */
/* The whole history of sim->seed; sim->failed says how it went. sim: zeroed but for seed, rules and print. */
void sim_run(struct sim *sim, struct hash *ret_digest);

#endif
