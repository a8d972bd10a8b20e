/* breaker.h - the circuit breaker before a downstream (design.md section 7). Pure: time is an input, and no thread
 * is known.
 *
 *   CLOSED     failures_max failures in a row  -> OPEN
 *   OPEN       open_ms have passed             -> HALF_OPEN
 *   HALF_OPEN  half_open_permits successes     -> CLOSED
 *   HALF_OPEN  a failure                       -> OPEN
 *   HALF_OPEN  open_ms have passed             -> HALF_OPEN, renewed
 *
 * (K1) A generation is one stay in one state; every change, and every renewal of HALF_OPEN, begins the next. Only a
 *      result whose permit was given in the current generation counts: a late answer from before tells nothing about
 *      now.
 * (K2) BREAKER_REFUSED (the business said no) and BREAKER_CANCELLED count neither way; in HALF_OPEN their permit is
 *      free again.
 * (K3) In HALF_OPEN successes and permits under way together are never more than half_open_permits. The first permit
 *      is an enquiry's; when none has come after enquiry_first_ms anyone may take it, so that a breaker without open
 *      questions closes too.
 * (K4) No state is without an exit: HALF_OPEN whose permits were lost (a caller died) is renewed after open_ms.
 * (K5) A breaker forced by an operator stays so until he releases it; results do not count meanwhile. Released, it
 *      is CLOSED.
 * (K6) now_ms comes from a monotonic clock and never goes back between two calls on one breaker.
 * Not thread-safe: whoever shares a breaker guards it with a mutex of his own (all calls are short). */
#ifndef GIRO_INTEGRATION_BREAKER_H
#define GIRO_INTEGRATION_BREAKER_H

#include "platform/base.h"

enum { BREAKER_FAILURES_MAX = 1000, BREAKER_PERMITS_MAX = 1000, BREAKER_MS_MAX = 24 * 3600 * 1000 };

struct breaker_options {
    int failures_max;         /* in a row; 1..BREAKER_FAILURES_MAX; default 5, core banking 3 */
    int half_open_permits;    /* 1..BREAKER_PERMITS_MAX */
    int64_t open_ms;          /* 1..BREAKER_MS_MAX; default 30,000, core banking 60,000 */
    int64_t enquiry_first_ms; /* 0 to below open_ms; 0: no downstream enquiries, nobody goes first */
};
extern const struct breaker_options breaker_default, breaker_core_banking;

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN };
enum breaker_force { BREAKER_FORCE_NONE, BREAKER_FORCE_OPEN, BREAKER_FORCE_CLOSED };
enum breaker_call { BREAKER_CALL_ENQUIRY, BREAKER_CALL_OTHER };
/* DONE: the downstream answered as it should. FAILED: no answer in time, a broken one, no connection. */
enum breaker_result { BREAKER_DONE, BREAKER_FAILED, BREAKER_REFUSED, BREAKER_CANCELLED };

#define BREAKER_E_MAP(X) X(BREAKER_E_OPEN, "circuit open")
#define X(code, name) code,
enum breaker_refusal { BREAKER_E_NONE = 0, BREAKER_E_MAP(X) BREAKER_E_COUNT };
#undef X

struct breaker {
    struct breaker_options options;
    enum breaker_state state;
    enum breaker_force force;
    uint64_t generation;
    int64_t since_ms;  /* when this generation began */
    int failures;      /* CLOSED: in a row */
    int under_way;     /* HALF_OPEN: permits given and not reported */
    int successes;     /* HALF_OPEN */
    bool enquiry_went; /* HALF_OPEN: the first permit has been taken */
};
struct breaker_permit {
    uint64_t generation;
};

void breaker_init(struct breaker *breaker, const struct breaker_options *options,
                  int64_t now_ms); /* check: options in range */
/* Asks to call the downstream. 0: go, and report the outcome with this permit exactly once. BREAKER_E_OPEN: do not
 * call. */
int breaker_ask(struct breaker *breaker, enum breaker_call call, int64_t now_ms, struct breaker_permit *ret_permit);
void breaker_report(struct breaker *breaker, struct breaker_permit permit, enum breaker_result result, int64_t now_ms);
/* Whether breaker_ask would say yes now; takes no permit. For the acceptance of new work, which is refused while it
 * would not. */
bool breaker_admits(struct breaker *breaker, enum breaker_call call, int64_t now_ms);
/* When to come again, for Retry-After: 0 when admitted, else until the next change that time alone makes (at least
 * 1). */
int64_t breaker_retry_after_ms(struct breaker *breaker, enum breaker_call call, int64_t now_ms);
/* The operator's word. The caller writes the audit record. */
void breaker_force(struct breaker *breaker, enum breaker_force force, int64_t now_ms);
enum breaker_state breaker_state_at(struct breaker *breaker, int64_t now_ms); /* what it is now, forced or not */

#endif
