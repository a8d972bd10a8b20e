#include "auth/client_keys.h"

#include "domain/call.h"
#include "platform/clock.h"
#include "platform/digest.h"
#include "platform/pool.h"

#include <pthread.h>
#include <stdatomic.h>

struct client_key_set {
    atomic_size_t references;
    struct jwks *keys;
};

/* A URL, under the lock. */
struct slot {
    struct client_keys *owner;
    char url[OUTBOUND_URL_BYTES_MAX + 1];                /* empty: free */
    struct hash key;                                     /* of the URL */
    char interaction_id[CALL_INTERACTION_BYTES_MAX + 1]; /* of whoever had it fetched; empty: none */
    struct client_key_set *set;                          /* NULL: none yet */
    int64_t fetched_ms, used_ms;                         /* monotonic, as all here */
    int64_t retry_ms, cool_ms;                           /* not before then: again; again for a key that is not there */
    bool running;                                        /* a fetch is queued or under way: the slot stays */
    size_t waiters;                                      /* the same */
};

struct client_keys {
    struct client_keys_options options;
    struct pool *pool;
    pthread_mutex_t lock;
    pthread_cond_t done; /* a fetch has ended */
    bool closing;
    size_t waiters;
    struct slot slots[CLIENT_KEYS_URLS_MAX];
};

/* ---- sets ---- */

int client_key_set_parse(struct str text, struct client_key_set **ret_set, struct message *message) {
    struct client_key_set *set = calloc(1, sizeof *set);
    if (!set) return err_origin(-ENOMEM);
    int r = jwks_parse(text, &set->keys, message);
    if (r) {
        free(set);
        return r < 0 ? err_trace(r) : CLIENT_KEYS_E_ABSENT;
    }
    atomic_init(&set->references, 1);
    *ret_set = set;
    return 0;
}

static struct client_key_set *set_share(struct client_key_set *set) {
    atomic_fetch_add(&set->references, 1);
    return set;
}

const struct jwks *client_key_set_keys(const struct client_key_set *set) {
    return set->keys;
}

struct client_key_set *client_key_set_release(struct client_key_set *set) {
    if (!set || atomic_fetch_sub(&set->references, 1) > 1) return NULL;
    jwks_free(set->keys);
    free(set);
    return NULL;
}

/* ---- the fetch ---- */

static int fetch_guarded(const struct client_keys *keys, const struct slot *slot, struct buffer *out,
                         struct message *message) {
    static const struct http_header accept = { .name = STR_INIT("Accept"),
                                               .value = STR_INIT("application/json, application/jwk-set+json") };
    struct http_client_options limits = http_client_options_default();
    struct http_call call = {
        .method = STR("GET"), .url = str_from_c(slot->url), .headers = &accept, .header_count = 1, .idempotent = true
    };
    struct outbound_guard guard = keys->options.guard;
    struct http_result result;
    struct arena arena = { 0 };
    guard.operation = "jwks";
    guard.interaction_id = str_from_c(slot->interaction_id);
    limits.ca_file = keys->options.ca_file;
    limits.connect_ms = CLIENT_KEYS_CONNECT_MS;
    limits.total_ms = CLIENT_KEYS_CALL_MS;
    limits.response_bytes_max = JWKS_BYTES_MAX;
    int r = arena_init(&arena, 16 * 1024, 4 * JWKS_BYTES_MAX);
    if (!r) r = outbound_guard_run(&guard, &limits, &call, &arena, &result, message);
    if (!r && result.status != 200) {
        message_set(message, "answered with status %d", result.status);
        r = OUTBOUND_E_FAILED;
    }
    if (!r) buffer_append_str(out, result.body);
    arena_release(&arena);
    return r < 0 ? err_trace(r) : r;
}

/* NULL: it failed, and why. */
static struct client_key_set *fetch(const struct client_keys *keys, const struct slot *slot, struct message *message) {
    struct client_key_set *set = NULL;
    struct buffer document;
    char *memory = malloc(JWKS_BYTES_MAX);
    int r = memory ? 0 : err_origin(-ENOMEM);
    if (!r) {
        buffer_init(&document, memory, JWKS_BYTES_MAX);
        r = keys->options.fetch ? keys->options.fetch(keys->options.ctx, slot->url, &document, message)
                                : fetch_guarded(keys, slot, &document, message);
    }
    if (!r) r = document.overflow ? CLIENT_KEYS_E_ABSENT : client_key_set_parse(buffer_str(&document), &set, message);
    free(memory);
    if (r < 0) message_set(message, "%s", strerrordesc_np(-r));
    if (r && !message->text[0]) message_set(message, "not a usable set of keys");
    return set;
}

/* On a fetching thread. The slot stays while it runs, and its URL with it. */
static void run_fetch(void *worker_ctx, void *job_ctx) {
    struct slot *slot = job_ctx;
    struct client_keys *keys = slot->owner;
    struct client_key_set *set = NULL, *before = NULL;
    struct message message = { { 0 } };
    (void)worker_ctx;
    pthread_mutex_lock(&keys->lock);
    bool closing = keys->closing;
    pthread_mutex_unlock(&keys->lock);
    if (!closing) set = fetch(keys, slot, &message);
    if (!set && !closing && keys->options.on_failure)
        keys->options.on_failure(keys->options.ctx, slot->url, message.text);
    pthread_mutex_lock(&keys->lock);
    int64_t now_ms = keys->options.mono_ms();
    if (set) {
        before = slot->set;
        slot->set = set;
        slot->fetched_ms = now_ms;
    }
    slot->retry_ms = set ? now_ms : now_ms + CLIENT_KEYS_RETRY_MS;
    slot->running = false;
    pthread_cond_broadcast(&keys->done);
    pthread_mutex_unlock(&keys->lock);
    (void)client_key_set_release(before);
}

/* ---- slots, under the lock ---- */

/* The URL's, or one for it; NULL: all are in use. */
static struct slot *slot_of(struct client_keys *keys, struct str url) {
    struct hash key = sha256_str(url);
    struct slot *oldest = NULL;
    for (size_t i = 0; i < CLIENT_KEYS_URLS_MAX; i++) {
        struct slot *slot = &keys->slots[i];
        if (slot->url[0] && hash_equal(&slot->key, &key)) return slot;
        if (slot->running || slot->waiters) continue;
        if (!oldest || (oldest->url[0] && (!slot->url[0] || slot->used_ms < oldest->used_ms))) oldest = slot;
    }
    if (!oldest) return NULL;
    (void)client_key_set_release(oldest->set);
    *oldest = (struct slot){ .owner = keys, .key = key };
    check(str_to_c(url, oldest->url, sizeof oldest->url) == 0);
    return oldest;
}

static bool slot_is_young(const struct slot *slot, int64_t now_ms, int64_t life_ms) {
    return slot->set && now_ms - slot->fetched_ms < life_ms;
}

/* (K2) */
static void slot_start(struct client_keys *keys, struct slot *slot, const struct client_key_source *source,
                       int64_t now_ms) {
    if (slot->running || now_ms < slot->retry_ms) return;
    if (str_to_c(source->interaction_id, slot->interaction_id, sizeof slot->interaction_id))
        slot->interaction_id[0] = 0;
    slot->running = pool_submit(keys->pool, run_fetch, slot) == 0;
}

/* (K1) Until the fetch under way has ended, or for as long as anybody waits. False: too many wait. */
static bool slot_wait(struct client_keys *keys, struct slot *slot) {
    struct timespec until = clock_mono_after(CLIENT_KEYS_WAIT_MS);
    if (keys->waiters >= keys->options.waiters_max) return false;
    keys->waiters++;
    slot->waiters++;
    while (slot->running && pthread_cond_timedwait(&keys->done, &keys->lock, &until) == 0) continue;
    slot->waiters--;
    keys->waiters--;
    return true;
}

/* Whether somebody must wait for a newer set, after it was asked for where that may be. */
static bool slot_refresh(struct client_keys *keys, struct slot *slot, const struct client_key_source *source,
                         const struct client_key_set *poor) {
    int64_t now_ms = keys->options.mono_ms();
    slot->used_ms = now_ms;
    if (poor && slot->set == poor) { /* (K4) */
        if (now_ms < slot->cool_ms) return false;
        slot->cool_ms = now_ms + CLIENT_KEYS_COOL_MS;
        slot_start(keys, slot, source, now_ms);
        return slot->running;
    }
    if (!slot_is_young(slot, now_ms, CLIENT_KEYS_LIFE_MS - CLIENT_KEYS_AHEAD_MS))
        slot_start(keys, slot, source, now_ms);
    return slot->running && !slot_is_young(slot, now_ms, CLIENT_KEYS_LIFE_MS);
}

static int take_by_url(const struct client_key_source *source, const struct client_key_set *poor,
                       struct client_key_set **ret_set) {
    struct client_keys *keys = source->cache;
    struct str url = source->jwks_uri;
    int r = CLIENT_KEYS_E_ABSENT;
    if (url.len > OUTBOUND_URL_BYTES_MAX) return r;
    pthread_mutex_lock(&keys->lock);
    struct slot *slot = slot_of(keys, url);
    bool busy = !slot || (slot_refresh(keys, slot, source, poor) && !slot_wait(keys, slot));
    if (slot && slot_is_young(slot, keys->options.mono_ms(), CLIENT_KEYS_STALE_MS)) { /* (K3) */
        *ret_set = set_share(slot->set);
        r = 0;
    } else if (busy) r = CLIENT_KEYS_E_BUSY;
    pthread_mutex_unlock(&keys->lock);
    return r;
}

int client_keys_take(const struct client_key_source *source, const struct client_key_set *poor,
                     struct client_key_set **ret_set) {
    if (source->set) {
        *ret_set = set_share(source->set);
        return 0;
    }
    if (source->jwks_uri.len == 0) return err_trace(client_key_set_parse(source->jwks, ret_set, NULL));
    return source->cache ? take_by_url(source, poor, ret_set) : CLIENT_KEYS_E_ABSENT;
}

/* ---- life ---- */

static int lock_init(struct client_keys *keys) {
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes)) return err_origin(-ENOMEM);
    int r = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) || pthread_cond_init(&keys->done, &attributes);
    pthread_condattr_destroy(&attributes);
    if (r) return err_origin(-ENOMEM);
    if (!pthread_mutex_init(&keys->lock, NULL)) return 0;
    pthread_cond_destroy(&keys->done);
    return err_origin(-ENOMEM);
}

int client_keys_open(const struct client_keys_options *options, struct client_keys **ret_keys) {
    struct pool_options pool = { .name = "keys", .threads = CLIENT_KEYS_FETCHERS, .queue_max = CLIENT_KEYS_URLS_MAX };
    struct client_keys *keys = calloc(1, sizeof *keys);
    check(options->waiters_max >= 1);
    if (!keys) return err_origin(-ENOMEM);
    keys->options = *options;
    if (!keys->options.mono_ms) keys->options.mono_ms = clock_mono_ms;
    int r = lock_init(keys);
    if (r) {
        free(keys);
        return err_trace(r);
    }
    r = pool_start(&pool, &keys->pool);
    if (r) {
        client_keys_close(keys);
        return err_trace(r);
    }
    *ret_keys = keys;
    return 0;
}

struct client_keys *client_keys_close(struct client_keys *keys) {
    if (!keys) return NULL;
    pthread_mutex_lock(&keys->lock);
    keys->closing = true;
    pthread_mutex_unlock(&keys->lock);
    (void)pool_free(keys->pool);
    for (size_t i = 0; i < CLIENT_KEYS_URLS_MAX; i++) (void)client_key_set_release(keys->slots[i].set);
    pthread_mutex_destroy(&keys->lock);
    pthread_cond_destroy(&keys->done);
    free(keys);
    return NULL;
}
