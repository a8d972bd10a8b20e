/* timer.h - one thread that calls functions when their time has come.
 *
 * (T1) At most timers_max timers wait; setting one never blocks for long and never allocates.
 * (T2) A timer runs once, on the timer thread, not before its deadline on the monotonic clock, earlier deadlines first
 *      and equal ones in the order in which they were set.
 * (T3) When timer_cancel has returned, the function is not running and will not run (unless it cancels itself): what
 *      its ctx points to may be freed.
 * The function only hands work on (queue_try_put, pool_submit): while it runs, every other timer is late. */
#ifndef GIRO_PLATFORM_TIMER_H
#define GIRO_PLATFORM_TIMER_H

#include "platform/base.h"

#define TIMER_E_MAP(X) X(TIMER_E_FULL, "timers_full") X(TIMER_E_STOPPED, "timers_stopped")
#define X(code, name) code,
enum timer_refusal { TIMER_E_NONE = 0, TIMER_E_MAP(X) TIMER_E_COUNT };
#undef X

enum { TIMERS_MAX = 65536 };

struct timers; /* opaque */

/* Names one set timer; zero names none. Never used again for another timer. */
struct timer_id {
    uint64_t value;
};

/* timers_max in [1, TIMERS_MAX]. 0, -ENOMEM or -EAGAIN. */
int timers_start(size_t timers_max, struct timers **ret_timers) MUST_USE;
/* Calls run(ctx) at deadline_mono_ms (clock_mono_ms; a past one runs at once). From any thread, also from run. ret_id
 * may be NULL. 0, TIMER_E_FULL or TIMER_E_STOPPED. */
int timer_set(struct timers *timers, int64_t deadline_mono_ms, void (*run)(void *ctx), void *ctx,
              struct timer_id *ret_id) MUST_USE;
/* True: it was waiting and will not run. False: it has run (waits until it has ended), or id names none. */
bool timer_cancel(struct timers *timers, struct timer_id id);
size_t timers_waiting(struct timers *timers);
/* Ends the thread after the function that runs; timers that wait are forgotten. Takes NULL, returns NULL. */
struct timers *timers_free(struct timers *timers);

#endif
