/* key_wait.c - a table of the keys that are in use: each slot a list, of which the first goes and the others wait. */
#include "gateway/key_wait.h"

#include "gateway/route.h"
#include "platform/clock.h"
#include "platform/pool.h"
#include "platform/timer.h"

#include <pthread.h>

enum { BUCKETS = 1024 };
enum { PLACE_NONE, PLACE_HOLDS, PLACE_WAITS };

struct key_waits {
    struct key_waits_options options;
    struct timers *timers;
    pthread_mutex_t lock;
    struct key_place *buckets[BUCKETS]; /* of those that hold a key */
    size_t waiting;
    bool closed;
};

int key_waits_new(const struct key_waits_options *options, struct key_waits **ret_waits) {
    struct key_waits *waits = calloc(1, sizeof *waits);
    if (!waits) return err_origin(-ENOMEM);
    waits->options = *options;
    check(pthread_mutex_init(&waits->lock, NULL) == 0);
    int r = timers_start(options->requests_max, &waits->timers);
    if (r) {
        (void)key_waits_free(waits);
        return err_trace(r);
    }
    *ret_waits = waits;
    return 0;
}

struct key_waits *key_waits_free(struct key_waits *waits) {
    if (!waits) return NULL;
    check(waits->waiting == 0);
    (void)timers_free(waits->timers);
    check(pthread_mutex_destroy(&waits->lock) == 0);
    free(waits);
    return NULL;
}

static void lock(struct key_waits *waits) {
    check(pthread_mutex_lock(&waits->lock) == 0);
}

static void unlock(struct key_waits *waits) {
    check(pthread_mutex_unlock(&waits->lock) == 0);
}

/* Over the hashes of the parts, so that no two scopes share the bytes of one. */
static struct hash scope_of(const struct exchange *exchange) {
    struct hash parts[] = { sha256(&exchange->call.client_id, sizeof exchange->call.client_id),
                            sha256_str(str_from_c(exchange->route->method)),
                            sha256_str(str_from_c(exchange->route->path)), sha256_str(exchange->idempotency_key) };
    return sha256(parts, sizeof parts);
}

/* Where a pointer to the place that holds scope stands, or would; call with the lock held. */
static struct key_place **find(struct key_waits *waits, const struct hash *scope) {
    size_t bucket = ((size_t)scope->bytes[0] << 8 | scope->bytes[1]) % BUCKETS;
    struct key_place **at = &waits->buckets[bucket];
    while (*at && !hash_equal(&(*at)->scope, scope)) at = &(*at)->next;
    return at;
}

/* Hands an exchange that waited to a worker; it may be gone afterwards. */
static void hand_on(struct key_waits *waits, struct exchange *exchange, void (*run)(void *worker_ctx, void *exchange)) {
    int r = pool_submit(waits->options.pool, run, exchange);
    check(r != POOL_E_FULL); /* gateway.h (W1) */
    if (r) waits->options.stopped(exchange);
}

/* ---- waiting ---- */

static void on_deadline(void *ctx) {
    struct exchange *exchange = ctx;
    struct key_place *place = &exchange->key_place;
    struct key_waits *waits = place->waits;
    lock(waits);
    bool late = place->state == PLACE_WAITS;
    if (late) {
        struct key_place **at = &(*find(waits, &place->scope))->behind;
        while (*at != place) at = &(*at)->behind;
        *at = place->behind;
        place->state = PLACE_NONE;
        waits->waiting--;
    }
    unlock(waits);
    if (late) hand_on(waits, exchange, waits->options.too_late);
}

int key_wait_begin(struct key_waits *waits, struct exchange *exchange, int64_t wait_ms) {
    struct key_place *place = &exchange->key_place;
    *place = (struct key_place){ .exchange = exchange, .waits = waits, .scope = scope_of(exchange) };
    lock(waits);
    struct key_place **at = find(waits, &place->scope);
    bool waits_now = *at && !waits->closed;
    if (waits_now) {
        at = &(*at)->behind;
        while (*at) at = &(*at)->behind;
        *at = place;
        place->state = PLACE_WAITS;
        waits->waiting++;
        check(timer_set(waits->timers, clock_mono_ms() + wait_ms, on_deadline, exchange, &place->timer) == 0);
    } else if (!*at) {
        *at = place;
        place->state = PLACE_HOLDS;
    }
    unlock(waits);
    return waits_now ? EXCHANGE_WAITS : EXCHANGE_GOES_ON;
}

/* ---- going on ---- */

/* The place leaves; the first behind it takes its key. NULL when there is none. Call with the lock held. */
static struct key_place *give_key(struct key_waits *waits, struct key_place *place) {
    struct key_place **at = find(waits, &place->scope), *heir = place->behind;
    check(*at == place);
    place->state = PLACE_NONE;
    *at = place->next;
    if (!heir) return NULL;
    heir->next = place->next;
    heir->state = PLACE_HOLDS;
    *at = heir;
    waits->waiting--;
    return heir;
}

void key_wait_end(struct key_waits *waits, struct exchange *exchange) {
    struct key_place *place = &exchange->key_place, *heir = NULL;
    if (!place->waits) return;
    lock(waits);
    if (place->state == PLACE_HOLDS) heir = give_key(waits, place);
    unlock(waits);
    if (!heir) return;
    (void)timer_cancel(waits->timers, heir->timer); /* it does not run any more: the exchange may go */
    hand_on(waits, heir->exchange, waits->options.goes_on);
}

/* One that waits, taken out of its list; NULL when nobody waits. */
static struct key_place *take_one(struct key_waits *waits) {
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct key_place *holder = waits->buckets[i]; holder; holder = holder->next) {
            struct key_place *place = holder->behind;
            if (!place) continue;
            holder->behind = place->behind;
            place->state = PLACE_NONE;
            waits->waiting--;
            return place;
        }
    return NULL;
}

void key_waits_close(struct key_waits *waits) {
    struct key_place *place = NULL;
    do {
        lock(waits);
        waits->closed = true;
        place = take_one(waits);
        unlock(waits);
        if (!place) break;
        (void)timer_cancel(waits->timers, place->timer);
        hand_on(waits, place->exchange, waits->options.goes_on);
    } while (place);
}
