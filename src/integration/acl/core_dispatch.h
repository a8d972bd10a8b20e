/* core_dispatch.h - carries payments to the core banking host and its answers back into the engine.
 *
 * (X1) a followup is taken only after the commit that decided it; one that is lost here (crash, full queue) is found
 * again in the saga table: at start, and after an overflow. (X2) a payment is with at most one worker at a time. (X3)
 * an answer that is not known becomes CORE_VERDICT_UNKNOWN, and then an enquiry; nothing is ever guessed. Between two
 * loads of the table (X1) a transfer is sent once: one that left no byte is tried again, any other is enquired for,
 * also when no commit took its answer. (X4) while the breaker is open accepted payments wait here and go on as soon as
 * it closes; enquiries go first. (X5) each call has an audit record (core_call_record.h), in the commit that takes its
 * answer. One that could not be sent, or whose answer no commit took, has it in the next commit; of those that could
 * not be sent CORE_DISPATCH_UNSENT_MAX a minute, the others are counted in the next. (X6) what to send comes with the
 * followup out of the commit that accepted the payment; when it is not sent at once, the rows are read again: its saga
 * may have ended. Tests: core_dispatch_test.c, x3..x6. */
#ifndef GIRO_INTEGRATION_ACL_CORE_DISPATCH_H
#define GIRO_INTEGRATION_ACL_CORE_DISPATCH_H

#include "integration/acl/core_host.h"
#include "integration/breaker.h"
#include "integration/integration.h"

enum {
    CORE_DISPATCH_THREADS_MAX = 64,
    CORE_DISPATCH_QUEUE_MAX = 32768,  /* followups in memory; more overflow into the table */
    CORE_DISPATCH_ACCEPT_MAX = 16384, /* above, new payments are refused with 503 */
    CORE_DISPATCH_UNSENT_MAX = 60,    /* records of calls that could not be sent, in a minute */
};

struct core_dispatch;
struct core_dispatch_options {
    struct core_host *core;          /* borrowed */
    struct integration *integration; /* borrowed; its core field is set by the caller afterwards */
    size_t threads;                  /* 1..CORE_DISPATCH_THREADS_MAX, the core's connections */
    struct breaker_options breaker;
    void (*on_fault)(void *ctx, const char *operation, int code); /* logs */
    void *ctx;
    int64_t (*mono_ms)(void); /* NULL: clock_mono_ms */
};
/* Loads the unfinished sagas. 0 or <0. */
int core_dispatch_new(const struct core_dispatch_options *options, struct core_dispatch **ret_dispatch);
/* Starts the workers. By now the engine's on_followup must find the dispatch: the first answer may come at once.
 * 0 or <0 (some run: stop the engine before core_dispatch_free). */
int core_dispatch_start(struct core_dispatch *dispatch);
/* The engine's on_followup. Never blocks for long. */
void core_dispatch_follow(struct core_dispatch *dispatch, const struct followup *followup);
/* Whether a new payment that needs the core may be accepted now (breaker, room). Any thread. */
bool core_dispatch_open(struct core_dispatch *dispatch);
int64_t core_dispatch_retry_after_ms(struct core_dispatch *dispatch); /* for Retry-After; at least 1,000 */
struct core_dispatch_state {
    enum breaker_state breaker;
    enum breaker_force force;
    size_t waiting, under_way;
};
void core_dispatch_state(struct core_dispatch *dispatch, struct core_dispatch_state *ret_state);
void core_dispatch_force(struct core_dispatch *dispatch, enum breaker_force force);
/* For the simulation, in the workers' place (threads: 1, core_dispatch_start never called, core NULL): what the workers
 * would do now, until a call to the core is due. True: make the call and give its answer to core_dispatch_answer,
 * exactly once. False: nothing more is due now. */
struct core_call {
    enum followup_kind kind; /* FOLLOWUP_CORE_EXECUTE or FOLLOWUP_CORE_ENQUIRE */
    uint8_t id[16];
    struct breaker_permit permit;
    struct core_transfer transfer;
    uint8_t interaction_id[16]; /* of the call that ordered the payment; zero: none did */
    int64_t began_us;           /* monotonic */
};
bool core_dispatch_take(struct core_dispatch *dispatch, struct core_call *ret_call);
void core_dispatch_answer(struct core_dispatch *dispatch, const struct core_call *call,
                          const struct core_answer *answer);
/* No call begins any more; core_dispatch_stop waits for those under way. */
void core_dispatch_end(struct core_dispatch *dispatch);
/* Lets the calls under way end (at most one deadline) and ends the workers; followups are still taken, and wait. Then
 * stop the engine, whose last answers come back here, then free. Harmless twice. */
void core_dispatch_stop(struct core_dispatch *dispatch);
struct core_dispatch *core_dispatch_free(struct core_dispatch *dispatch); /* stops first; returns NULL, takes NULL */

#endif
