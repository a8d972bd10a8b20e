#include "platform/timer.h"

#include "platform/clock.h"

#include <pthread.h>

/* A slot belongs to the heap (heap_at is its place) or to the list of free slots. The id of a timer is its slot and the
 * number of the timer, which only counts up, so that an old id never names a new timer. */
struct timer_slot {
    int64_t deadline_ms;
    uint64_t number; /* 0 = free */
    void (*run)(void *ctx);
    void *ctx;
    uint32_t heap_at, next_free;
};

static const uint32_t NO_SLOT = UINT32_MAX;
static_assert(TIMERS_MAX <= 1 << 16, "a slot has 16 bits in an id");

struct timers {
    pthread_mutex_t lock;
    pthread_cond_t changed, ran; /* changed: a new first deadline, or the end; ran: a function has returned */
    pthread_t thread;
    struct timer_slot *slots;
    uint32_t *heap; /* slots, the earliest at 0; count of them */
    uint32_t slots_max, count, first_free;
    uint64_t last_number, running_number;
    bool stopping, started;
};

static void lock(struct timers *timers) {
    check(pthread_mutex_lock(&timers->lock) == 0);
}

static void unlock(struct timers *timers) {
    check(pthread_mutex_unlock(&timers->lock) == 0);
}

static bool is_earlier(const struct timers *timers, uint32_t a, uint32_t b) {
    const struct timer_slot *left = &timers->slots[a], *right = &timers->slots[b];
    if (left->deadline_ms != right->deadline_ms) return left->deadline_ms < right->deadline_ms;
    return left->number < right->number;
}

static void heap_place(struct timers *timers, uint32_t at, uint32_t slot) {
    timers->heap[at] = slot;
    timers->slots[slot].heap_at = at;
}

static void heap_up(struct timers *timers, uint32_t at) {
    uint32_t slot = timers->heap[at];
    while (at > 0 && is_earlier(timers, slot, timers->heap[(at - 1) / 2])) {
        heap_place(timers, at, timers->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    heap_place(timers, at, slot);
}

static void heap_down(struct timers *timers, uint32_t at) {
    uint32_t slot = timers->heap[at];
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= timers->count) break;
        if (child + 1 < timers->count && is_earlier(timers, timers->heap[child + 1], timers->heap[child])) child++;
        if (!is_earlier(timers, timers->heap[child], slot)) break;
        heap_place(timers, at, timers->heap[child]);
        at = child;
    }
    heap_place(timers, at, slot);
}

static void slot_remove(struct timers *timers, uint32_t slot) {
    uint32_t at = timers->slots[slot].heap_at, last = timers->heap[--timers->count];
    if (last != slot) {
        heap_place(timers, at, last);
        heap_up(timers, at);
        heap_down(timers, timers->slots[last].heap_at);
    }
    timers->slots[slot].number = 0;
    timers->slots[slot].next_free = timers->first_free;
    timers->first_free = slot;
}

/* With the lock held: sleeps until the first deadline, a change, or the end. */
static void wait_first(struct timers *timers) {
    if (timers->count == 0) {
        check(pthread_cond_wait(&timers->changed, &timers->lock) == 0);
        return;
    }
    int64_t deadline_ms = timers->slots[timers->heap[0]].deadline_ms;
    struct timespec until = { .tv_sec = deadline_ms / 1000, .tv_nsec = deadline_ms % 1000 * 1000000 };
    int r = pthread_cond_timedwait(&timers->changed, &timers->lock, &until);
    check(r == 0 || r == ETIMEDOUT);
}

static void run_first(struct timers *timers) {
    struct timer_slot due = timers->slots[timers->heap[0]];
    slot_remove(timers, timers->heap[0]);
    timers->running_number = due.number;
    unlock(timers);
    due.run(due.ctx);
    lock(timers);
    timers->running_number = 0;
    check(pthread_cond_broadcast(&timers->ran) == 0);
}

static void *timers_work(void *arg) {
    struct timers *timers = arg;
    lock(timers);
    while (!timers->stopping) {
        bool due = timers->count > 0 && timers->slots[timers->heap[0]].deadline_ms <= clock_mono_ms();
        if (due) run_first(timers);
        else wait_first(timers);
    }
    unlock(timers);
    return NULL;
}

int timers_start(size_t timers_max, struct timers **ret_timers) {
    check(timers_max >= 1 && timers_max <= TIMERS_MAX);
    struct timers *timers = calloc(1, sizeof *timers);
    if (!timers) return err_origin(-ENOMEM);
    pthread_condattr_t monotonic;
    check(pthread_condattr_init(&monotonic) == 0);
    check(pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) == 0);
    check(pthread_mutex_init(&timers->lock, NULL) == 0);
    check(pthread_cond_init(&timers->changed, &monotonic) == 0);
    check(pthread_cond_init(&timers->ran, &monotonic) == 0);
    check(pthread_condattr_destroy(&monotonic) == 0);
    timers->slots_max = (uint32_t)timers_max;
    timers->slots = calloc(timers_max, sizeof *timers->slots);
    timers->heap = calloc(timers_max, sizeof *timers->heap);
    int r = timers->slots && timers->heap ? 0 : err_origin(-ENOMEM);
    if (r == 0) {
        for (uint32_t i = 0; i < timers->slots_max; i++)
            timers->slots[i].next_free = i + 1 < timers->slots_max ? i + 1 : NO_SLOT;
        r = -pthread_create(&timers->thread, NULL, timers_work, timers);
        timers->started = r == 0;
        if (r) r = err_origin(r);
    }
    if (r) {
        (void)timers_free(timers);
        return r;
    }
    (void)pthread_setname_np(timers->thread, "timers"); /* for people only */
    *ret_timers = timers;
    return 0;
}

int timer_set(struct timers *timers, int64_t deadline_mono_ms, void (*run)(void *ctx), void *ctx,
              struct timer_id *ret_id) {
    lock(timers);
    int r = timers->stopping ? TIMER_E_STOPPED : timers->count == timers->slots_max ? TIMER_E_FULL : 0;
    if (r == 0) {
        uint32_t slot = timers->first_free;
        timers->first_free = timers->slots[slot].next_free;
        timers->slots[slot] = (struct timer_slot){ .deadline_ms = deadline_mono_ms < 0 ? 0 : deadline_mono_ms,
                                                   .number = ++timers->last_number,
                                                   .run = run,
                                                   .ctx = ctx };
        heap_place(timers, timers->count++, slot);
        heap_up(timers, timers->count - 1);
        if (timers->heap[0] == slot) check(pthread_cond_signal(&timers->changed) == 0);
        if (ret_id) ret_id->value = timers->last_number << 16 | slot;
    }
    unlock(timers);
    return r;
}

bool timer_cancel(struct timers *timers, struct timer_id id) {
    uint32_t slot = id.value & 0xffff;
    uint64_t number = id.value >> 16;
    lock(timers);
    bool waits = number != 0 && slot < timers->slots_max && timers->slots[slot].number == number;
    if (waits) slot_remove(timers, slot);
    bool from_itself = pthread_equal(pthread_self(), timers->thread) != 0;
    while (number != 0 && timers->running_number == number && !from_itself)
        check(pthread_cond_wait(&timers->ran, &timers->lock) == 0);
    unlock(timers);
    return waits;
}

size_t timers_waiting(struct timers *timers) {
    lock(timers);
    size_t count = timers->count;
    unlock(timers);
    return count;
}

struct timers *timers_free(struct timers *timers) {
    if (!timers) return NULL;
    lock(timers);
    timers->stopping = true;
    check(pthread_cond_signal(&timers->changed) == 0);
    unlock(timers);
    if (timers->started) check(pthread_join(timers->thread, NULL) == 0);
    check(pthread_cond_destroy(&timers->ran) == 0);
    check(pthread_cond_destroy(&timers->changed) == 0);
    check(pthread_mutex_destroy(&timers->lock) == 0);
    free(timers->heap);
    free(timers->slots);
    free(timers);
    return NULL;
}
